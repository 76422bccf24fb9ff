"""`sunpile move steve` and `sunpile move citrineos`: stations, tags and sessions of another system come over."""

import csv
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from sunpile.people.cli import show
from sunpile.people.cli.commands import Progress
from sunpile.people.cli.given import HERE, AsJson, Folder, plain

if TYPE_CHECKING:
    from sunpile.fleet.moving.model import Moved

Tenant = Annotated[str, typer.Option(help="Whose the stations become.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would come over; write nothing.")]
MaxW = Annotated[int, typer.Option(min=1, help="Largest power [W] of stations whose power is not known.")]
Open = Annotated[
    bool, typer.Option("--no-passwords", help="Stations that had no password stay without one: profile 0.")
]
Profile = Annotated[
    int | None,
    typer.Option(min=1, max=2, help="Least security profile: 2 is with TLS; as the node's doors are by default."),
]
Passwords = Annotated[Path | None, typer.Option(help="Write the new passwords to this CSV file, readable by you only.")]
NAMES_SHOWN = 5
PASSWORDS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class MoveWish:
    """What `move` was told."""

    source: Literal["steve", "citrineos"]
    """Which system."""
    path: Path
    """Its dump, or the folder of its export."""
    folder: Path
    """The node's folder."""
    tenant: str
    """Whose the stations become."""
    dry_run: bool
    """Write nothing."""
    max_w: int
    """Largest power of stations whose power is not known [W]."""
    let_open: bool
    """Stations that had no password stay without one."""
    profile: int | None = None
    """Least security profile; None: as the node's doors are."""
    source_tenant: str | None = None
    """Which tenant of the old system; None: its only one."""
    names: bool = False
    """People's names come along, as notes of their tokens."""


Mover = Callable[[MoveWish, Progress], "Moved"]
"""Reads, writes and reports."""


class _Quiet:
    """No progress: for programs."""

    def say(self, sentence: str) -> None:
        """See `Progress.say`."""

    def step(self, done: int, total: int, note: str = "") -> None:
        """See `Progress.step`."""


def move_app(mover: Mover) -> typer.Typer:
    """The commands over what moves."""
    app = typer.Typer(no_args_is_help=True, help="Move in from another system, with the node stopped.")

    @app.command()
    def steve(
        dump: Annotated[Path, typer.Argument(help="What mysqldump wrote of SteVe's database.")],
        folder: Folder = HERE,
        tenant: Tenant = "default",
        max_w: MaxW = 22_000,
        profile: Profile = None,
        no_passwords: Open = False,
        names: Annotated[bool, typer.Option("--names", help="Write people's names into their tokens' notes.")] = False,
        passwords: Passwords = None,
        dry_run: DryRun = False,
        json_: AsJson = False,
    ) -> None:
        """Stations, tags, transactions and reservations of SteVe."""
        wish = MoveWish("steve", dump, folder, tenant, dry_run, max_w, no_passwords, profile, names=names)
        _run(mover, wish, passwords, json_)

    @app.command()
    def citrineos(
        export: Annotated[Path, typer.Argument(help="Folder with a Table.json or Table.csv for each table.")],
        folder: Folder = HERE,
        tenant: Tenant = "default",
        source_tenant: Annotated[str, typer.Option(help="Id of the tenant there, if it has several.")] = "",
        max_w: MaxW = 22_000,
        profile: Profile = None,
        no_passwords: Open = False,
        passwords: Passwords = None,
        dry_run: DryRun = False,
        json_: AsJson = False,
    ) -> None:
        """Stations, authorizations, transactions and reservations of CitrineOS."""
        wish = MoveWish(
            "citrineos", export, folder, tenant, dry_run, max_w, no_passwords, profile, source_tenant or None
        )
        _run(mover, wish, passwords, json_)

    return app


def _run(mover: Mover, wish: MoveWish, passwords: Path | None, as_json: bool) -> None:
    # Opened first: passwords that nobody could write down would be lost.
    file = _private(passwords) if passwords is not None and not wish.dry_run else None
    bar = None if as_json else show.ProgressBar()
    try:
        report = mover(wish, bar or _Quiet())
    except BaseException:
        if file is not None and passwords is not None:
            os.close(file)
            passwords.unlink()
        raise
    finally:
        if bar is not None:
            bar.close()
    if file is not None:
        with os.fdopen(file, "w", newline="") as out:
            csv.writer(out).writerows([("station", "password"), *sorted(report.passwords.items())])
    if as_json:
        print(plain(_told(report, passwords is not None)))
    else:
        _show(report, passwords)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def _told(report: "Moved", written: bool) -> dict[str, object]:
    found = asdict(report)
    if written:
        del found["passwords"]
    return found


def _show(report: "Moved", passwords: Path | None) -> None:
    from sunpile.fleet.moving.model import by_cause  # other commands start without the chapter

    what = "would come over" if report.dry_run else "came over"
    table = Table(title=f"What {what} from {report.source}", title_justify="left", box=None)
    for name in ("", "there", "new here", "here already", "brought up to date", "not moved"):
        table.add_column(name, justify="right" if name else "left")
    for name, tally in report.tallies.items():
        numbers = (tally.found, tally.moved, tally.known, tally.changed, tally.refused)
        table.add_row(name, *(f"{number:,}" for number in numbers))
    show.console.print(table)
    causes = by_cause(report.problems)
    if causes:
        show.console.print("\n[bold]What to know[/]")
    for (kind, why), names in causes.items():
        some = ", ".join(names[:NAMES_SHOWN]) + (f" and {len(names) - NAMES_SHOWN:,} more" * (len(names) > NAMES_SHOWN))
        show.console.print(f"  {kind} {escape(some)}: {escape(why)}", soft_wrap=True)
    if report.left:
        show.console.print("\n[bold]What stays behind[/]")
    for name, why in report.left.items():
        show.console.print(f"  {escape(name)}: {escape(why)}", soft_wrap=True)
    if report.dry_run:
        show.console.print("\nNothing was written. Without --dry-run it is.")
    elif report.passwords and passwords is not None:
        show.done(f"{len(report.passwords)} new passwords are in {passwords}. Keep it safe; sunpile has only hashes.")
    elif report.passwords:
        _show_passwords(report)


def _show_passwords(report: "Moved") -> None:
    table = Table("identity", "password", title="New passwords", title_justify="left", box=None)
    for station, password in sorted(report.passwords.items())[:PASSWORDS_SHOWN]:
        table.add_row(escape(station), password)
    show.console.print(table)
    if len(report.passwords) > PASSWORDS_SHOWN:
        rest = len(report.passwords) - PASSWORDS_SHOWN
        show.console.print(f"{rest} more are not shown; make them anew in the console, or move with --passwords FILE.")
    show.console.print("[yellow]They are shown once.[/] sunpile keeps only hashes of them.")
