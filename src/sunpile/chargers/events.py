"""What piles say, whatever OCPP version they say it in. Frozen, past tense; times are the pile's own [Unix s]."""

from dataclasses import dataclass
from typing import Any

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
    signed_encoding: str | None = None
    """Encoding of the signed data, such as OCMF; None in 1.6, which does not say."""
    signed_key: str | None = None
    """Public key that came with the signed data; None: none came."""


@dataclass(frozen=True, slots=True)
class TransactionLimit:
    """Where a transaction ends by itself (2.1). What is None is not limited."""

    cost_nano: int | None = None
    """Cost [nano-currency]."""
    energy_wh: int | None = None
    """Energy [Wh]."""
    time_s: int | None = None
    """Time [s]."""
    soc_percent: int | None = None
    """State of charge of the car [percent]."""


@dataclass(frozen=True, slots=True)
class TransactionDetails:
    """What only OCPP 2.x tells with a transaction's event; in 1.6 there is nothing in it but a reservation."""

    trigger: str = ""
    """TriggerReason: CablePluggedIn, Authorized, MeterValuePeriodic, TxResumed ..."""
    charging_state: str | None = None
    """EVConnected, Charging, SuspendedEV, SuspendedEVSE or Idle."""
    remote_start_id: int | None = None
    """Number of the remote start it comes from."""
    reservation: int | None = None
    """Number of the reservation it uses up."""
    connector: int | None = None
    """Connector of the EVSE."""
    token_kind: str = ""
    """Kind of the id token: ISO14443, eMAID, DirectPayment ...; empty without one."""
    additional: tuple[tuple[str, str], ...] = ()
    """Additional information with the token: (type, value)."""
    phases_used: int | None = None
    """Number of phases the car uses."""
    cable_a: int | None = None
    """Greatest current the cable carries [A]."""
    charging_s: int | None = None
    """How long energy has flowed [s]."""
    tariff: str | None = None
    """Id of the tariff in use (2.1)."""
    operation_mode: str | None = None
    """OperationMode in effect (2.1)."""
    limit: TransactionLimit | None = None
    """Limits in force at the station (2.1)."""
    cost_nano: int | None = None
    """Total cost reckoned by the station, with tax if it tells that [nano-currency] (2.1)."""
    cost: dict[str, Any] | None = None
    """CostDetails as they came (2.1)."""
    evse_sleep: bool | None = None
    """The EVSE's electronics sleep (2.1)."""
    preconditioning: str | None = None
    """Preconditioning of the car's battery (2.1)."""

    @property
    def resumed(self) -> bool:
        """The transaction goes on after a reset or a loss of power (2.1)."""
        return self.trigger == "TxResumed"


NO_DETAILS = TransactionDetails()


@dataclass(frozen=True, slots=True)
class Booted:
    """BootNotification."""

    station: StationId
    """Who tells."""
    vendor: str
    """Vendor of the station."""
    model: str
    """Model of the station."""
    serial: str | None
    """Serial number of the station."""
    firmware: str | None
    """Firmware version."""
    reason: str | None
    """BootReason of 2.0.1; None in 1.6."""
    iccid: str | None = None
    """Of the modem's SIM card."""
    imsi: str | None = None
    """Of the modem's SIM card."""
    meter_type: str | None = None
    """Type of the meter (1.6)."""
    meter_serial: str | None = None
    """Serial number of the meter (1.6)."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """StatusNotification. `evse` 0 is the whole station."""

    station: StationId
    """Who tells."""
    evse: EvseId
    """EVSE (1.6: connector); 0 is the whole station."""
    status: str
    """A status of OCPP 1.6 (Available, Preparing, Charging ... Faulted), or `Occupied` of 2.0.1."""
    error_code: str | None
    """ChargePointErrorCode of 1.6; None for NoError and in 2.x."""
    at: int
    """The pile's time, or ours if that is far off [Unix s]."""
    connector: int | None = None
    """Connector of the EVSE (2.x); None in 1.6, where the connector is the EVSE."""
    info: str = ""
    """What it adds, with the vendor's own error code (1.6)."""


@dataclass(frozen=True, slots=True)
class MeterRead:
    """MeterValues outside or inside a transaction (1.6), or clock-aligned ones (2.0.1)."""

    station: StationId
    """Who tells."""
    evse: EvseId
    """EVSE (1.6: connector); 0 is the whole station."""
    ocpp_transaction: str | None
    """Transaction of 1.6; None outside of one and in 2.x."""
    samples: tuple[Sample, ...]
    """What the meter showed, in the order it came."""


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """StartTransaction, or TransactionEvent Started."""

    station: StationId
    """Who tells."""
    evse: EvseId
    """EVSE (1.6: connector); 0 where the event names none."""
    key: str
    """Content id: 1.6 `start/{connector}/{idTag}/{timestamp}/{meterStart}`, 2.0.1 `{transactionId}/{seqNo}`."""
    body_hash: bytes
    """keccak256 of the payload: same key with another body is an incident."""
    ocpp_transaction: str | None
    """The pile's id (2.0.1); None in 1.6, where the answer brings it."""
    id_token: IdToken | None
    """The token that came with it."""
    remote_start_id: int | None
    """Number of the remote start it comes from; None in 1.6."""
    at: int
    """The pile's time [Unix s]."""
    sample: Sample
    """What the meter showed at the start."""
    offline: bool
    """It happened while the pile was not connected (2.x)."""
    seq_no: int
    """Sequence number in the transaction (2.x); 0 in 1.6."""
    held: str | None = None
    """`clock`: the pile's time is far off; answered, kept, not billed."""
    samples: tuple[Sample, ...] = ()
    """All samples that came with it, `sample` among them if it came."""
    details: TransactionDetails = NO_DETAILS
    """What 2.x tells beside."""


@dataclass(frozen=True, slots=True)
class TransactionUpdated:
    """TransactionEvent Updated (2.0.1). In 1.6 a `MeterRead` with a transaction plays its part."""

    station: StationId
    """Who tells."""
    evse: EvseId
    """EVSE; 0 where neither the event nor what is known of the transaction names one."""
    key: str
    """Content id, as of `TransactionStarted`; 1.6 `stop/{transactionId}`."""
    body_hash: bytes
    """keccak256 of the payload."""
    ocpp_transaction: str
    """The pile's (2.x) or our (1.6) number of the transaction."""
    id_token: IdToken | None
    """The token that came with it."""
    at: int
    """The pile's time [Unix s]."""
    samples: tuple[Sample, ...]
    """What the meter showed, in the order it came."""
    offline: bool
    """It happened while the pile was not connected (2.x)."""
    seq_no: int
    """Sequence number in the transaction (2.x); 0 in 1.6."""
    held: str | None = None
    """`clock`: the pile's time is far off; answered, kept, not billed."""
    details: TransactionDetails = NO_DETAILS
    """What 2.x tells beside."""


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """StopTransaction, or TransactionEvent Ended."""

    station: StationId
    """Who tells."""
    evse: EvseId | None
    """None in 1.6: StopTransaction names no connector."""
    key: str
    """Content id, as of `TransactionStarted`; 1.6 `stop/{transactionId}`."""
    body_hash: bytes
    """keccak256 of the payload."""
    ocpp_transaction: str
    """The pile's (2.x) or our (1.6) number of the transaction."""
    id_token: IdToken | None
    """The token that came with it."""
    at: int
    """The pile's time [Unix s]."""
    samples: tuple[Sample, ...]
    """What the meter showed, in the order it came."""
    reason: str
    """Reason of OCPP: Local, Remote, EVDisconnected ..."""
    offline: bool
    """It happened while the pile was not connected (2.x)."""
    seq_no: int
    """Sequence number in the transaction (2.x); 0 in 1.6."""
    held: str | None = None
    """`clock`: the pile's time is far off; answered, kept, not billed."""
    details: TransactionDetails = NO_DETAILS
    """What 2.x tells beside."""


StationEvent = Booted | StatusChanged | MeterRead | TransactionStarted | TransactionUpdated | TransactionEnded
STATION_EVENTS = (MeterRead, TransactionUpdated, StatusChanged, TransactionStarted, TransactionEnded, Booted)
"""For `isinstance`, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text for the driver on a station's display."""

    text: str
    """What to show; up to 512 characters, 1,024 in 2.1."""
    language: str | None = None
    """RFC 5646."""
    format: str = "UTF8"
    """ASCII, HTML, URI, UTF8; QRCODE in 2.1."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Whether an id token may charge: AuthorizationStatus of OCPP. What a version has no field for is left out."""

    status: str
    """Accepted, Blocked, Expired, Invalid, ConcurrentTx; NoCredit, NotAllowedTypeEVSE, NotAtThisLocation,
    NotAtThisTime, Unknown, which 1.6 hears as Blocked or Invalid."""
    parent: str | None = None
    """Group (parent) token."""
    expires_at: int | None = None
    """Until when a station may remember it [Unix s]."""
    priority: int | None = None
    """Charging priority, -9 to 9 (2.x)."""
    languages: tuple[str, ...] = ()
    """Preferred languages, at most two (2.x)."""
    evses: tuple[int, ...] = ()
    """Only on these EVSEs; empty: on all (2.x)."""
    message: Message | None = None
    """Personal message (2.x)."""
    certificate_status: str | None = None
    """AuthorizeCertificateStatus of the contract certificate: Accepted, CertificateRevoked ... (2.x)."""
    energy_transfer: tuple[str, ...] = ()
    """Allowed energy transfer modes; empty: all (2.1)."""
    tariff: dict[str, Any] | None = None
    """The driver's tariff in 2.1's own JSON (2.1)."""
    limit: TransactionLimit | None = None
    """Limits of the transaction, told with the answer to its events (2.1)."""


@dataclass(frozen=True, slots=True)
class TransactionAnswer:
    """The answer to a transaction event: durable before it is sent. What a version has no field for is left out."""

    authorisation: Authorisation | None
    """Of the event's token."""
    ocpp_transaction: str
    """1.6: the number the pile will use from now on."""
    total_cost_nano: int | None = None
    """Cost so far, or in the end [nano-currency] (2.x)."""
    priority: int | None = None
    """Charging priority from now on, -9 to 9 (2.x)."""
    message: Message | None = None
    """Personal message from now on (2.x)."""
    more_messages: tuple[Message, ...] = ()
    """The same in up to four other languages (2.1)."""
    limit: TransactionLimit | None = None
    """Limits of the transaction from now on (2.1)."""
    changed: bool = False
    """The authorisation has changed: tell it though the event brought no token (2.x)."""
