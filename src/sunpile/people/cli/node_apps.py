"""Commands that ask a running node: operations and runs, the table of small commands, staff, and `station add`."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from sunpile.basics.errors import InputInvalid
from sunpile.people.cli import show
from sunpile.people.cli.given import HERE, AsJson, Folder, plain
from sunpile.people.cli.node_api import RestApi, StationDoor
from sunpile.people.cli.operations import run_app, station_app
from sunpile.people.cli.rest import any_route, group_app, group_class, single
from sunpile.people.cli.rest_lines import GROUPS, LINES
from sunpile.people.cli.staff import staff_app


def add_node_apps(app: typer.Typer, api: RestApi, pause: Callable[[float], None] = time.sleep) -> None:
    """Add them to the command line."""
    for name, words in GROUPS.items():
        lines = [line for line in LINES if line.group == name]
        if name == "station":
            base = group_class(lines, api, {"add": lambda: single("add", _station_add(api))})
            app.add_typer(station_app(api, pause, base), name=name)
        else:
            app.add_typer(group_app(words, lines, api, {}), name=name)
    app.add_typer(run_app(api, pause), name="run")
    app.add_typer(staff_app(api), name="staff")
    app.command("api")(any_route(api))


def _station_add(api: RestApi) -> Callable[..., None]:
    def add(
        station: Annotated[str, typer.Argument(metavar="STATION", help="Identity, as the pile's menu will send it.")],
        max_w: Annotated[int, typer.Option(min=1, help="Largest power [W].")] = 22_000,
        evses: Annotated[int, typer.Option(min=1, max=64, help="Cars it charges at once.")] = 1,
        name: Annotated[str, typer.Option(help="Name for staff.")] = "",
        site: Annotated[str, typer.Option(help="Site it stands at.")] = "",
        tag: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
        profile: Annotated[
            int | None, typer.Option(min=0, max=3, help="Security profile; the best one of the doors by default.")
        ] = None,
        folder: Folder = HERE,
        json_: AsJson = False,
    ) -> None:
        """Register a station and print what to type into its menu."""
        door = _door(api.doors(folder), profile)
        profile = min(door.profiles, key=lambda number: (abs(number - 2), number)) if profile is None else profile
        body = {"station": station, "max_w": max_w, "evses": list(range(1, evses + 1)), "name": name, "site": site}
        body |= {"tags": tag or [], "security_profile": profile}
        made = api.post(folder, "/api/stations", body)
        made |= {"url": door.url, "security_profile": profile, "subprotocols": show.SUBPROTOCOLS.split(", ")}
        if json_:
            print(plain(made))
        else:
            _card(made)

    return add


def _door(doors: Sequence[StationDoor], profile: int | None) -> StationDoor:
    fits = [door for door in doors if profile is None or profile in door.profiles]
    if not fits:
        raise InputInvalid(
            f"no door of this node lets security profile {profile} in; see ocpp_tls_port and insecure_profiles"
            if doors
            else "this node has no door for stations; set ocpp_tls_port, or insecure_profiles, in its settings"
        )
    return fits[0]


def _card(made: dict[str, Any]) -> None:
    """What to type into the pile's menu."""
    table = Table(title="Type this into the charger's menu", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    for name, menus, member in show.MENU_NAMES:
        station_member = {"identity": "station"}.get(member, member)
        table.add_row(name, str(made[station_member]), f"menus say: {menus}")
    table.add_row("Protocol", show.SUBPROTOCOLS, "OCPP-J; one of these subprotocols")
    table.add_row("Security profile", show.PROFILES[made["security_profile"]], "menus say: SecurityProfile")
    show.console.print(table)
    whole = f"{made['url']}/{made['station']}"
    show.console.print(f"Chargers that want one address only: {whole}", soft_wrap=True, markup=False)
    show.console.print(show.qr(whole))
    if made["url"].startswith("wss:"):
        show.console.print(show.TRUST, markup=False)
    show.console.print("[yellow]The password is shown once.[/] sunpile keeps only a hash of it.")
