"""What piles say, whatever OCPP version they say it in. Frozen, past tense; times are the pile's own [Unix s]."""

from dataclasses import dataclass

from sunpile.basics.ids import EvseId, IdToken, StationId
from sunpile.basics.units import Watt, Wh


@dataclass(frozen=True, slots=True)
class Sample:
    """One sampled value set of an EVSE's meter."""

    at: int
    """The pile's time of the sample [Unix s]."""
    register_wh: Wh | None
    """Energy.Active.Import.Register of the EVSE's meter [Wh], in whole Wh rounded down."""
    power_w: Watt | None = None
    """Power.Active.Import [W]."""
    current_ma: int | None = None
    """Current.Import [mA], highest phase."""
    voltage_mv: int | None = None
    """Voltage [mV]."""
    soc_permille: int | None = None
    """State of charge of the car [1/1000]."""
    context: str = "Sample.Periodic"
    """ReadingContext: Sample.Periodic, Sample.Clock, Transaction.Begin, Transaction.End, Trigger ..."""
    signed: str | None = None
    """SignedData as it came, kept with the record."""
    held: str | None = None
    """Why it must not be billed; `clock`: its time is far off. None: nothing known against it."""


@dataclass(frozen=True, slots=True)
class Booted:
    """BootNotification."""

    station: StationId
    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    reason: str | None
    """BootReason of 2.0.1; None in 1.6."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """StatusNotification. `evse` 0 is the whole station."""

    station: StationId
    evse: EvseId
    status: str
    """A status of OCPP 1.6 (Available, Preparing, Charging ... Faulted), or `Occupied` of 2.0.1."""
    error_code: str | None
    at: int


@dataclass(frozen=True, slots=True)
class MeterRead:
    """MeterValues outside or inside a transaction (1.6), or clock-aligned ones (2.0.1)."""

    station: StationId
    evse: EvseId
    ocpp_transaction: str | None
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """StartTransaction, or TransactionEvent Started."""

    station: StationId
    evse: EvseId
    key: str
    """Content id: 1.6 `start/{connector}/{idTag}/{timestamp}/{meterStart}`, 2.0.1 `{transactionId}/{seqNo}`."""
    body_hash: bytes
    """keccak256 of the payload: same key with another body is an incident."""
    ocpp_transaction: str | None
    """The pile's id (2.0.1); None in 1.6, where the answer brings it."""
    id_token: IdToken | None
    remote_start_id: int | None
    at: int
    sample: Sample
    offline: bool
    seq_no: int
    held: str | None = None
    """`clock`: the pile's time is far off; answered, kept, not billed."""


@dataclass(frozen=True, slots=True)
class TransactionUpdated:
    """TransactionEvent Updated (2.0.1). In 1.6 a `MeterRead` with a transaction plays its part."""

    station: StationId
    evse: EvseId
    key: str
    body_hash: bytes
    ocpp_transaction: str
    id_token: IdToken | None
    at: int
    samples: tuple[Sample, ...]
    charging_state: str | None
    offline: bool
    seq_no: int
    held: str | None = None
    """`clock`: the pile's time is far off; answered, kept, not billed."""


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """StopTransaction, or TransactionEvent Ended."""

    station: StationId
    evse: EvseId | None
    """None in 1.6: StopTransaction names no connector."""
    key: str
    body_hash: bytes
    ocpp_transaction: str
    id_token: IdToken | None
    at: int
    samples: tuple[Sample, ...]
    reason: str
    offline: bool
    seq_no: int
    held: str | None = None
    """`clock`: the pile's time is far off; answered, kept, not billed."""


StationEvent = Booted | StatusChanged | MeterRead | TransactionStarted | TransactionUpdated | TransactionEnded
STATION_EVENTS = (MeterRead, TransactionUpdated, StatusChanged, TransactionStarted, TransactionEnded, Booted)
"""For `isinstance`, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Whether an id token may charge: AuthorizationStatus of OCPP."""

    status: str
    """Accepted, Blocked, Expired, Invalid, ConcurrentTx."""
    parent: str | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionAnswer:
    """The answer to a transaction event: durable before it is sent."""

    authorisation: Authorisation | None
    ocpp_transaction: str
    """1.6: the number the pile will use from now on."""
