"""What the command line needs from whoever wires the program: one function a command, with plain records in and out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sunpile.people.cli.node_api import RestApi
from sunpile.people.wishes import PileCard

if TYPE_CHECKING:
    from sunpile.people.cli.moving import Mover


@dataclass(frozen=True, slots=True)
class InitWish:
    """A new node's folder."""

    folder: Path
    """Where keys, database and chain journal will live."""
    engine: str
    """Chain engine: anvil or rpc."""
    rpc_url: str
    """JSON-RPC of the `rpc` engine."""
    database: str
    """SQLAlchemy URL; empty = SQLite in the folder."""
    currency: str
    """ISO 4217."""
    interval_length: int
    """Seconds of a market interval."""
    members: int
    """How many members' folders to make in it."""
    market: str = "on"
    """on, or off for charging stations only."""
    plain: bool = False
    """Piles may come without TLS (security profile 1)."""


@dataclass(frozen=True, slots=True)
class InitReport:
    """What `init` made."""

    folder: Path
    """The node's folder."""
    settings: Path
    """Its settings file."""
    admin_token: str
    """Token of whoever runs the node, also in the folder."""
    members: tuple[Path, ...]
    """Members' folders."""


@dataclass(frozen=True, slots=True)
class DemoWish:
    """How the demo shall run."""

    folder: Path | None
    """Where it keeps its files; None = a fresh temporary folder."""
    seed: int
    """Seed of the town."""
    intervals: int
    """Intervals of the day to run."""
    exit: bool
    """End by itself instead of serving on."""
    json_file: Path | None
    """Summary as JSON."""
    dump: Path | None
    """Folder for CSV files."""
    port: int
    """Port of the page, 0 = any free one."""
    database: str
    """SQLAlchemy URL; empty = SQLite."""
    houses: int = 40
    """Houses with a roof."""
    piles: int = 40
    """Charging stations."""
    batteries: int = 4
    """Batteries in the street."""


class Progress(Protocol):
    """Shown while a long command runs."""

    def say(self, sentence: str) -> None:
        """One line about what happens now."""
        ...

    def step(self, done: int, total: int, note: str = "") -> None:
        """How far it is."""
        ...


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How the demo ended."""

    summary: Mapping[str, Any]
    """The figures, as in the JSON file."""
    ok: bool
    """Every interval settled and reconciliation found nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """What."""
    ok: bool
    """True if it is as it should be."""
    sentence: str
    """What was found, in plain words."""
    remedy: str = ""
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found."""

    lines: tuple[Finding, ...]
    """Line by line."""
    ok: bool
    """True if all hold."""
    sentence: str
    """The whole in one sentence."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where store, chain and bank do not agree."""

    what: str
    """What was compared."""
    store: str
    """What the store says."""
    chain: str
    """What the chain says."""


@dataclass(frozen=True, slots=True)
class PileAdd:
    """A pile to register, and the metering point it stands at."""

    folder: Path
    """The node's folder."""
    station: str
    """Identity of the charging station."""
    max_w: int
    """Largest power [W]."""
    evses: int
    """How many EVSEs."""
    place: str
    """Where it stands."""
    connector: str
    """Connector type."""
    model: str
    """Model as on its plate."""
    price: int
    """Price for drivers [micro/kWh]."""
    owner_key: Path | None
    """Keystore file of the owner; None = the node's own owner key."""
    parent: int
    """The home meter it stands behind, 0 = none."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The registry: each command of the program calls one of these."""

    init: Callable[[InitWish], InitReport]
    """Make a node's folder: settings, keys, database, chain, contracts."""
    node: Callable[[Path, bool], None]
    """Run a node until it is stopped; with True also the members whose folders lie in it."""
    door: Callable[[Path], None]
    """Serve stations beside the node of a shared database until stopped."""
    member: Callable[[Path], None]
    """Run a member until it is stopped."""
    demo: Callable[[DemoWish, Progress, Callable[[DemoResult], None]], DemoResult]
    """Run the demo; the third argument shows the result before it serves on."""
    status: Callable[[Path], Mapping[str, Any]]
    """What a node says of itself."""
    pile_add: Callable[[PileAdd], PileCard]
    """Register a pile on chain and in the store."""
    verify: Callable[[Path, str], Verdict]
    """Check a receipt file against a chain's JSON-RPC."""
    reconcile: Callable[[Path], tuple[Difference, ...]]
    """Compare store, chain and bank."""
    backup: Callable[[Path, Path], Path]
    """Write a backup of a folder to a file."""
    restore: Callable[[Path, Path], None]
    """Make a folder from a backup file."""
    doctor: Callable[[Path], tuple[Finding, ...]]
    """Look at everything that can be unreachable, and say why."""
    move: "Mover"
    """Take over what another system had."""
    rest: RestApi
    """Ask the running node of a folder."""
