"""The commands. Each does one thing: take the options, call the registry, show the result."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import TyperException

from sunpile.basics.errors import SunpileError
from sunpile.people.cli import show
from sunpile.people.cli.commands import Commands, DemoResult, DemoWish, InitWish, PileAdd
from sunpile.people.cli.given import HERE, AsJson, Folder, plain
from sunpile.people.cli.moving import move_app
from sunpile.people.cli.node_apps import add_node_apps

RECEIPT_RPC = "http://127.0.0.1:8400/rpc"


def build(commands: Commands) -> typer.Typer:
    """The whole command line over a registry of commands."""
    app = typer.Typer(
        name="sunpile",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        help="Charging piles and rooftop solar, matched every interval, settled by a contract that checks the match.",
    )
    _running(app, commands)
    _demo(app, commands)
    _looking(app, commands)
    _keeping(app, commands)
    _pile(app, commands)
    app.add_typer(move_app(commands.move), name="move")
    add_node_apps(app, commands.rest)
    return app


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for an expected error in one sentence, 2 for wrong usage."""
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        result = typer.main.get_command(app).main(
            args=list(arguments) if arguments is not None else None, prog_name="sunpile", standalone_mode=False
        )
        return result if isinstance(result, int) else 0
    except SunpileError as error:
        err.print(f"sunpile: {error.detail}", markup=False, style="red")
        return 1
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except TyperException as error:
        if not error.format_message():
            return 2  # no command was named; the help has been shown
        err.print(f"sunpile: {error.format_message()}", markup=False, style="red")
        err.print("sunpile --help shows what there is.", markup=False)
        return 2
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        err.print(f"sunpile: {error.strerror or error}{place}", markup=False, style="red")
        return 1


def _running(app: typer.Typer, commands: Commands) -> None:
    @app.command()
    def init(
        folder: Folder = HERE,
        engine: Annotated[str, typer.Option(help="Chain engine: anvil (embedded) or rpc.")] = "anvil",
        rpc_url: Annotated[str, typer.Option(help="JSON-RPC of the rpc engine.")] = "",
        database: Annotated[str, typer.Option(help="SQLAlchemy URL; empty: SQLite in the folder.")] = "",
        currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "EUR",
        interval: Annotated[int, typer.Option(help="Seconds of a market interval.")] = 900,
        members: Annotated[int, typer.Option(min=4, help="Members' folders to make in it.")] = 4,
        market: Annotated[str, typer.Option(help="on, or off: charging stations only, no chain.")] = "on",
        plain: Annotated[bool, typer.Option("--plain", help="Let piles in without TLS: private networks.")] = False,
    ) -> None:
        """Make a node's folder: settings, keys, database, chain and contracts."""
        wish = InitWish(folder, engine, rpc_url, database, currency, interval, members, market, plain)
        report = commands.init(wish)
        show.init_report(report)

    @app.command()
    def node(
        folder: Folder = HERE,
        with_members: Annotated[
            bool, typer.Option("--with-members", help="Also run the council members whose folders lie in it.")
        ] = False,
    ) -> None:
        """Run a node: piles, meters, market, chain, page. Ctrl-C stops it."""
        commands.node(folder, with_members)

    @app.command()
    def door(folder: Folder = HERE) -> None:
        """Serve stations' sockets beside the node, on its shared database; ports come from the environment."""
        commands.door(folder)

    @app.command()
    def member(folder: Folder = HERE) -> None:
        """Run a council member, which checks every batch and signs it or says why not."""
        commands.member(folder)


def _demo(app: typer.Typer, commands: Commands) -> None:
    @app.command()
    def demo(
        folder: Annotated[Path | None, typer.Option("--folder", "-f", help="Keep its files here.")] = None,
        seed: Annotated[int, typer.Option(help="Seed of the town: same seed, same day.")] = 1,
        intervals: Annotated[int, typer.Option(min=1, max=9600, help="Intervals to run; 96 are a day.")] = 96,
        exit_: Annotated[bool, typer.Option("--exit", help="End by itself instead of serving on.")] = False,
        json_: Annotated[Path | None, typer.Option("--json", help="Write the summary to this file.")] = None,
        dump: Annotated[Path | None, typer.Option(help="Write CSV files to this folder.")] = None,
        port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0: any free one.")] = 8400,
        database: Annotated[str, typer.Option(help="SQLAlchemy URL; empty: SQLite.")] = "",
        houses: Annotated[int, typer.Option(min=1, max=1000, help="Houses with a roof.")] = 40,
        piles: Annotated[int, typer.Option(min=1, max=1000, help="Charging stations.")] = 40,
        batteries: Annotated[int, typer.Option(min=0, max=100, help="Batteries in the street.")] = 4,
    ) -> None:
        """A town of piles, roofs and batteries trades a day before your eyes."""
        progress = show.ProgressBar()

        def shown(result: DemoResult) -> None:
            progress.close()
            show.console.print(show.render_summary(result.summary))

        try:
            result = commands.demo(
                DemoWish(folder, seed, intervals, exit_, json_, dump, port, database, houses, piles, batteries),
                progress,
                shown,
            )
        finally:
            progress.close()
        raise typer.Exit(0 if result.ok else 1)


def _looking(app: typer.Typer, commands: Commands) -> None:
    @app.command()
    def status(folder: Folder = HERE, json_: AsJson = False) -> None:
        """What the node in this folder does right now."""
        found = commands.status(folder)
        print(plain(found)) if json_ else show.status(found)

    @app.command()
    def verify(
        receipt: Annotated[Path, typer.Argument(help="The receipt file.")],
        rpc: Annotated[str, typer.Option(help="JSON-RPC of a chain node you trust.")] = RECEIPT_RPC,
        json_: AsJson = False,
    ) -> None:
        """Check a receipt yourself: nothing but the file and a chain node are asked."""
        verdict = commands.verify(receipt, rpc)
        print(plain(asdict(verdict))) if json_ else show.verdict(verdict)
        raise typer.Exit(0 if verdict.ok else 1)

    @app.command()
    def reconcile(folder: Folder = HERE, json_: AsJson = False) -> None:
        """Prove that store and chain say the same, to the nano."""
        found = commands.reconcile(folder)
        print(plain([asdict(item) for item in found])) if json_ else show.differences(found)
        raise typer.Exit(1 if found else 0)

    @app.command()
    def doctor(folder: Folder = HERE, json_: AsJson = False) -> None:
        """Say in plain words why a pile, an inverter or the chain cannot be reached."""
        found = commands.doctor(folder)
        print(plain([asdict(item) for item in found])) if json_ else show.findings(found)
        raise typer.Exit(0 if all(item.ok for item in found) else 1)


def _keeping(app: typer.Typer, commands: Commands) -> None:
    @app.command()
    def backup(
        to: Annotated[Path, typer.Argument(help="File to write.")],
        folder: Folder = HERE,
    ) -> None:
        """Write everything a node needs to one file, while it runs."""
        written = commands.backup(folder, to)
        show.done(f"Backup written to {written} ({written.stat().st_size:,} bytes). It holds keys: keep it safe.")

    @app.command()
    def restore(
        backup_file: Annotated[Path, typer.Argument(metavar="BACKUP", help="File written by sunpile backup.")],
        folder: Folder = HERE,
    ) -> None:
        """Make a node's folder from a backup. The folder must be empty."""
        commands.restore(backup_file, folder)
        show.done(f"Restored to {folder}. Start it with: sunpile node --folder {folder}")


def _pile(app: typer.Typer, commands: Commands) -> None:
    pile = typer.Typer(no_args_is_help=True, help="Charging piles.")
    app.add_typer(pile, name="pile")

    @pile.callback()
    def piles() -> None:
        """Charging piles."""

    @pile.command("add")
    def add(
        station: Annotated[str, typer.Argument(help="Identity of the charging station, as its menu will send it.")],
        folder: Folder = HERE,
        max_w: Annotated[int, typer.Option(min=1, help="Largest power in watts.")] = 11_000,
        evses: Annotated[int, typer.Option(min=1, max=16, help="Cars it charges at once.")] = 1,
        place: Annotated[str, typer.Option(help="Where it stands, at most 32 bytes.")] = "",
        connector: Annotated[str, typer.Option(help="Connector type, for example sType2 or cCCS2.")] = "sType2",
        model: Annotated[str, typer.Option(help="Model as on its plate.")] = "",
        price: Annotated[int, typer.Option(min=0, help="Price for drivers in micro-currency per kWh.")] = 300_000,
        owner_key: Annotated[Path | None, typer.Option(help="Keystore file of the owner.")] = None,
        parent: Annotated[int, typer.Option(min=0, help="Home meter it stands behind, 0: none.")] = 0,
        json_: AsJson = False,
    ) -> None:
        """Register a pile and print what to type into its menu."""
        wish = PileAdd(folder, station, max_w, evses, place, connector, model, price, owner_key, parent)
        card = commands.pile_add(wish)
        print(plain(asdict(card))) if json_ else show.pile_card(card)


def main(commands: Commands) -> None:
    """Run and leave the process with the exit code."""
    sys.exit(run(build(commands)))
