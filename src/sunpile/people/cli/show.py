"""How results look on a terminal."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import segno
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sunpile.people.cli.commands import Difference, Finding, InitReport, Verdict
from sunpile.people.wishes import PileCard

console = Console(highlight=False)
MENU_NAMES = (
    ("URL", "OCPP server, Central System URL, Backend URL, CSMS URL, Server address", "url"),
    ("Identity", "Charge point ID, ChargeBox ID, CP identity, Station ID", "identity"),
    ("Password", "Authorization key, Basic auth password, AuthorizationKey", "password"),
)
SUBPROTOCOLS = "ocpp1.6, ocpp2.0.1, ocpp2.1"
PROFILES = {
    0: "0 (no TLS, no password: only where it cannot be otherwise)",
    1: "1 (password, without TLS: private networks only)",
    2: "2 (TLS and password)",
    3: "3 (TLS and a certificate of its own)",
}
TRUST = "It must trust the node's root certificate: sunpile ca root prints it."


def done(sentence: str) -> None:
    """One good sentence."""
    console.print(f"[green]✓[/] {sentence}", soft_wrap=True)


def init_report(report: InitReport) -> None:
    """After `init`."""
    done(f"A node's folder is made: {report.folder}")
    table = Table.grid(padding=(0, 2))
    table.add_row("settings", str(report.settings))
    table.add_row("admin token", report.admin_token)
    for member in report.members:
        table.add_row("member", str(member))
    console.print(table)
    members = f"sunpile member --folder {report.members[0]} (each), " if report.members else ""
    console.print(f"Next: {members}sunpile node --folder {report.folder}")


def pile_card(card: PileCard) -> None:
    """What to type into a charger's menu, with the names menus use, and a QR of the whole address."""
    table = Table(title="Type this into the charger's menu", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column(no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    for name, menus, member in MENU_NAMES:
        table.add_row(name, getattr(card, member), f"menus say: {menus}")
    table.add_row("Protocol", SUBPROTOCOLS, "OCPP-J, JSON over websocket: one of these subprotocols")
    secure = card.url.startswith("wss:")
    table.add_row("Security profile", PROFILES[2 if secure else 1], "menus say: SecurityProfile")
    console.print(table)
    console.print(f"Chargers that want one address only: {card.url}/{card.identity}", soft_wrap=True)
    console.print(qr(f"{card.url}/{card.identity}"))
    if secure:
        console.print(TRUST, markup=False)
    console.print("[yellow]The password is shown once.[/] sunpile keeps only a hash of it.")


def qr(text: str) -> Text:
    """A QR code in half blocks."""
    out = StringIO()
    segno.make(text, error="m").terminal(out, compact=True, border=2)
    return Text.from_ansi(out.getvalue())


def mark(ok: bool) -> str:
    """A sign that needs no colour to be read."""
    return "[green]✓[/]" if ok else "[red]✗[/]"


def findings(found: Sequence[Finding]) -> None:
    """What `doctor` saw."""
    for item in found:
        console.print(f"{mark(item.ok)} [bold]{item.name}[/] {item.sentence}", soft_wrap=True)
        if item.remedy and not item.ok:
            console.print(f"  → {item.remedy}", soft_wrap=True)
    bad = sum(not item.ok for item in found)
    console.print("All is well." if not bad else f"{bad} of {len(found)} need a hand.")


def verdict(found: Verdict) -> None:
    """What `verify` saw, line by line, then the whole in one sentence."""
    for item in found.lines:
        console.print(f"{mark(item.ok)} [bold]{item.name}[/] {item.sentence}", soft_wrap=True)
    console.print(Panel(found.sentence, border_style="green" if found.ok else "red", expand=False))


def differences(found: Sequence[Difference]) -> None:
    """What `reconcile` found."""
    if not found:
        done("Store and chain say the same, to the nano.")
        return
    table = Table("what", "store", "chain", title=f"{len(found)} differences", title_justify="left")
    for item in found:
        table.add_row(item.what, item.store, item.chain)
    console.print(table)


def status(found: Mapping[str, Any]) -> None:
    """Key and value, one a line."""
    table = Table.grid(padding=(0, 2))
    for key, value in found.items():
        table.add_row(f"[bold]{key.replace('_', ' ')}[/]", str(value))
    console.print(table)


class ProgressBar:
    """A bar with what happens, how far it is and how long it takes."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: Any = None
        self._open = False

    def say(self, sentence: str) -> None:
        """A line above the bar."""
        console.print(sentence, soft_wrap=True)

    def step(self, done: int, total: int, note: str = "") -> None:
        """Move the bar."""
        if not self._open:
            self._bar.start()
            self._open = True
            self._task = self._bar.add_task(note or "The day", total=total)
        self._bar.update(self._task, completed=done, total=total, description=note or "The day")

    def close(self) -> None:
        """Take the bar away."""
        if self._open:
            self._bar.stop()
            self._open = False


def _kwh(wh: int) -> str:
    return f"{wh / 1000:,.1f} kWh"


def _price(micro: float) -> str:
    return f"{micro / 1e6:.3f}"


def render_summary(summary: Mapping[str, Any]) -> RenderableType:
    """The demo's end as a person reads it. Figures that are missing are left out."""
    currency = str(summary.get("currency", "EUR"))
    table = Table.grid(padding=(0, 3))
    table.add_column()
    table.add_column(justify="right", style="bold")
    table.add_column(style="dim")

    def row(name: str, keys: str, value: Any, note: str = "") -> None:
        if all(key in summary for key in keys.split()):
            table.add_row(name, value(), note)

    matched, grid = int(summary.get("wh_matched", 0)), int(summary.get("wh_grid", 0))
    share = f"{100 * matched / (matched + grid):.0f} % of what the town used" if matched + grid else ""
    row("Energy shared between neighbours", "wh_matched", lambda: _kwh(matched), share)
    row("Energy from the grid", "wh_grid", lambda: _kwh(grid))
    row("Energy to the grid", "wh_grid_export", lambda: _kwh(int(summary["wh_grid_export"])))
    against = f"{_price(summary['retail_mean'])} from the grid" if "retail_mean" in summary else ""
    row("Average price of a shared kWh", "price_mean", lambda: f"{currency} {_price(summary['price_mean'])}", against)
    row("Price at an edge of its band", "price_at_edge_share", lambda: f"{100 * summary['price_at_edge_share']:.0f} %",
        "of intervals that traded")  # fmt: skip
    row("Buyers saved", "buyers_gain", lambda: f"{currency} {summary['buyers_gain'] / 1e9:,.2f}", "against the grid")
    row("Sellers earned more", "sellers_gain", lambda: f"{currency} {summary['sellers_gain'] / 1e9:,.2f}",
        "against feed-in")  # fmt: skip
    row("Worse off than with the grid alone", "worse_off", lambda: str(summary["worse_off"]), "must be 0")
    row("Intervals settled on chain", "intervals_settled", lambda: str(summary["intervals_settled"]),
        f"{summary.get('points', '?')} metering points")  # fmt: skip
    row("Gas per point and interval", "gas_per_point_interval", lambda: f"{summary['gas_per_point_interval']:,.0f}")
    row("Differences between store and chain", "reconcile_differences", lambda: str(summary["reconcile_differences"]),
        "must be 0")  # fmt: skip
    row("Time it took", "wall_s", lambda: f"{summary['wall_s']:.0f} s")
    good = not summary.get("worse_off") and not summary.get("reconcile_differences")
    lines: list[RenderableType] = [table]
    if "page" in summary:
        lines.append(Text(f"\nThe page: {summary['page']}"))
    return Panel(Group(*lines), title="The town's day", border_style="green" if good else "red", expand=False)
