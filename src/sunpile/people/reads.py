"""What people see: the read side, as plain frozen records that are also the bodies of the HTTP answers.

Hashes and addresses are `0x` text here. Amounts are whole nano-currency, prices whole micro-currency per kWh, energy
whole Wh, times Unix seconds UTC.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """What a client needs before its first signature."""

    chain_id: int
    """EIP-155 chain id."""
    contracts: dict[str, str]
    """Contract name -> address."""
    zone: int
    """The zone this node operates."""
    tree: int
    """The tree of zones whose tariff and utility account it uses."""
    interval_length: int
    """Length of an interval [s]."""
    payee: str
    """Address that drivers' channels pay to."""
    node_signer: str
    """Address that signs readings of meters that cannot sign."""
    rpc: str
    """URL of the chain's JSON-RPC behind the allow-list."""
    members: list[str]
    """URLs of the council's members."""
    currency: str
    """ISO 4217 code."""
    seats: int = 4
    """Seats in the council."""
    billed_by_retailer: bool = False
    """True: grid energy is billed elsewhere, only matched energy moves money here."""
    engine: str = "anvil"
    """Chain engine: anvil (one operator), rpc, network."""
    operator: str = ""
    """Who runs the chain, as receipts say it."""
    now: int = 0
    """The node's time [Unix s]."""


@dataclass(frozen=True, slots=True)
class TownPoint:
    """One metering point on the map."""

    point: int
    """Index on chain."""
    kind: str
    """home, pile, battery or roof."""
    label: str
    """Name for people, empty where the reader may not know it."""
    x: int
    """Place on the map, 0 (west) to 1000 (east)."""
    y: int
    """Place on the map, 0 (north) to 1000 (south)."""
    parent: int
    """The meter it stands behind, 0 = none."""
    w: int | None
    """Net power now, import positive [W]; null = not known or not for this reader."""
    pv_w: int | None = None
    """Production of the roof behind the meter [W], 0 or more."""
    soc_permille: int | None = None
    """State of charge of a battery or car [1/1000]."""
    status: str = ""
    """Status of a pile as it says it (Available, Charging, Faulted ...); online or silent for the others."""
    station: str | None = None
    """Identity of the charging station."""
    evse: int | None = None
    """EVSE number at the station."""


@dataclass(frozen=True, slots=True)
class Town:
    """The map at one moment."""

    now: int
    """The node's time [Unix s]."""
    zone: int
    """Zone on chain."""
    points: list[TownPoint]
    """All metering points, by index."""


@dataclass(frozen=True, slots=True)
class IntervalSummary:
    """One settled (or waiting) interval of a zone."""

    zone: int
    """Zone on chain."""
    interval: int
    """Interval index."""
    start: int
    """First second [Unix s]."""
    end: int
    """First second after it [Unix s]."""
    state: str
    """proposed, attested, sent, refused, settled or voided."""
    price: int
    """Clearing price [micro/kWh]."""
    low: int
    """Low edge of the band [micro/kWh]."""
    high: int
    """High edge of the band [micro/kWh]."""
    retail: int
    """What the grid takes [micro/kWh]."""
    feed_in: int
    """What the grid pays [micro/kWh]."""
    volume_wh: int
    """Energy traded between neighbours [Wh]."""
    grid_import_wh: int
    """Energy bought from the grid [Wh]."""
    grid_export_wh: int
    """Energy sold to the grid [Wh]."""
    rows: int
    """Rows in the batch."""
    buyers_gain: int
    """What buyers saved against the grid tariff [nano]."""
    sellers_gain: int
    """What sellers earned above the grid tariff [nano]."""
    worse_off: int = 0
    """Bills below the grid tariff; must be 0."""


@dataclass(frozen=True, slots=True)
class BatchView:
    """One batch as the chain has it."""

    zone: int
    """Zone on chain."""
    interval: int
    """Interval index."""
    start: int
    """First second of the interval [Unix s]."""
    round: int
    """Round of the council."""
    state: str
    """proposed, attested, sent, refused, settled or voided."""
    price: int
    """Clearing price [micro/kWh]."""
    volume_wh: int
    """Energy traded between neighbours [Wh]."""
    rows: int
    """Rows: points with energy other than 0."""
    gas: int | None
    """Gas of the settling chain transaction."""
    gas_per_row: int | None
    """Gas divided by rows, rounded down."""
    signers: list[int]
    """Seats of the council that signed."""
    refusals: list[tuple[int, str]]
    """Seats that refused, with their reason."""
    seats: int
    """Seats in the council."""
    digest: str
    """The batch's digest, as `digestAt` on chain."""
    witness_root: str
    """Merkle root of the signed readings."""
    chain_tx: str | None
    """Hash of the settling chain transaction."""


@dataclass(frozen=True, slots=True)
class CurveStep:
    """Energy with one limit price."""

    price: int
    """Limit price [micro/kWh]."""
    wh: int
    """Energy with this limit [Wh]."""
    filled_wh: int
    """Of it traded between neighbours [Wh]."""
    points: int
    """How many metering points."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why the price is what it is: a case and its numbers; each language has its sentence for the case."""

    case: str
    """no-band, nobody, no-sellers, no-buyers, scarce, ample or balanced."""
    wanted_wh: int
    """Energy buyers wanted at the price or above [Wh]."""
    offered_wh: int
    """Energy sellers offered at the price or below [Wh]."""
    marginal_side: str | None
    """buyers, sellers or null: the group whose limit is the price and that shares what is left."""
    marginal_points: int
    """Metering points in that group."""
    marginal_wh: int
    """Its energy [Wh]."""
    marginal_filled_wh: int
    """Of it traded [Wh]."""


@dataclass(frozen=True, slots=True)
class IntervalDetail:
    """One interval with its curves, its batch and the reason of its price."""

    summary: IntervalSummary
    """The interval in short."""
    buy_fee: int
    """Fee of a buyer on matched energy [micro/kWh]."""
    sell_fee: int
    """Fee of a seller on matched energy [micro/kWh]."""
    demand: list[CurveStep]
    """Buyers' limits, price falling."""
    supply: list[CurveStep]
    """Sellers' limits, price rising."""
    why: Why
    """Why this price."""
    batch: BatchView
    """The batch that settled it."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """A charging session as everybody may see it: no driver, no token."""

    session: str
    """Its id."""
    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    point: int
    """Metering point of the EVSE, 0 if it has none."""
    label: str
    """Name of the pile for people."""
    state: str
    """active, waiting (ended, messages missing), ended or held."""
    started_at: int
    """Start [Unix s]."""
    ended_at: int | None
    """End [Unix s]."""
    wh: int
    """Energy so far [Wh]."""
    price: int
    """Price shown before the start [micro/kWh]."""
    owed: int
    """Owed so far [nano]."""
    paid: int
    """Covered by vouchers [nano]."""
    stop_reason: str | None
    """Why it stopped."""


@dataclass(frozen=True, slots=True)
class PointBill:
    """What one point traded and was paid in one interval."""

    zone: int
    """Zone on chain."""
    interval: int
    """Interval index."""
    start: int
    """First second [Unix s]."""
    end: int
    """First second after it [Unix s]."""
    point: int
    """Metering point."""
    kind: str
    """batch, or late: settled afterwards at the grid tariff."""
    wh: int
    """Net energy, import positive [Wh]."""
    matched_wh: int
    """Of it traded between neighbours, same sign [Wh]."""
    grid_wh: int
    """Of it traded with the grid, same sign [Wh]."""
    nano: int
    """Money, positive is received [nano]."""
    grid_nano: int
    """What the grid alone would have meant [nano]."""
    unpaid: int
    """The utility's claim outside the chain [nano]."""
    price: int
    """Clearing price [micro/kWh]."""
    retail: int
    """What the grid takes [micro/kWh]."""
    feed_in: int
    """What the grid pays [micro/kWh]."""
    fee: int
    """Fee of this side on matched energy [micro/kWh]."""
    digest: str
    """Digest of the batch."""
    witness_root: str
    """Merkle root of the signed readings."""
    signers: list[int]
    """Seats that signed the batch."""
    seats: int
    """Seats in the council."""
    node_signs: bool
    """True: the meter cannot sign, the node signed its reading."""


@dataclass(frozen=True, slots=True)
class PointKeys:
    """Who may ask for a point's receipts."""

    owner: str
    """Address of the owner."""
    meter_key: str
    """Address of the meter key."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Running totals for the page's first line and for `/metrics`."""

    intervals_settled: int = 0
    """Batches on chain."""
    matched_wh: int = 0
    """Energy traded between neighbours [Wh]."""
    grid_import_wh: int = 0
    """Energy bought from the grid [Wh]."""
    grid_export_wh: int = 0
    """Energy sold to the grid [Wh]."""
    buyers_gain: int = 0
    """What buyers saved against the grid [nano]."""
    sellers_gain: int = 0
    """What sellers earned above the grid [nano]."""
    gas: int = 0
    """Gas of all settling chain transactions."""
    rows: int = 0
    """Rows in all settled batches."""
    points: int = 0
    """Metering points."""
    stations: int = 0
    """Charging stations."""
    sessions_active: int = 0
    """Sessions under way."""
    worse_off: int = 0
    """Bills below the grid tariff; must be 0."""
    devices_silent: int = 0
    """Meters, inverters and batteries whose last poll failed."""
    gauges: dict[str, float] = field(default_factory=dict[str, float])
    """Further figures of the node, by metric name."""
