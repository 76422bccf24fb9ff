"""What people ask for: the write side, checked in form by the API and in substance by whoever carries it out.

Signatures are 65 bytes r, s, v. Amounts are whole nano-currency, prices micro-currency per kWh.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingResult:
    """The answer to one reading."""

    point: int
    """Metering point."""
    interval: int
    """Interval index."""
    status: str
    """accepted, duplicate, differing, late or refused."""
    reason: str = ""
    """Why, where it was not accepted."""


@dataclass(frozen=True, slots=True)
class OrderWish:
    """A signed standing order (EIP-712 `Order`)."""

    point: int
    """Metering point."""
    buy: int
    """Buy limit per mille of the band, 0..1000; 1023 = off."""
    sell: int
    """Sell limit per mille of the band, 0..1000; 1023 = off."""
    max_wh: int
    """Largest energy in an interval [Wh]."""
    until: int
    """Last interval index it holds for."""
    nonce: int
    """Rises with each signed order of the point."""
    deadline: int
    """Last time it may reach the chain [Unix s]."""
    signature: bytes
    """By the point's owner."""


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """A meter, inverter or battery the node shall poll by SunSpec over Modbus TCP."""

    kind: str
    """inverter, meter or battery."""
    host: str
    """Name or IP address."""
    port: int
    """TCP port, 502 by default."""
    unit: int
    """Modbus unit id."""
    max_w: int
    """Largest power it can have [W]; more is not believed."""


@dataclass(frozen=True, slots=True)
class PointWish:
    """A metering point to register."""

    kind: str
    """home, pile, battery or roof."""
    zone: int
    """Zone on chain."""
    owner: str
    """Owner's address."""
    meter_key: str | None
    """Address of the meter's key; None: the node signs its readings."""
    cap_wh: int
    """Certified largest energy in an interval [Wh]."""
    parent: int
    """The meter it stands behind, 0 = none."""
    label: str
    """Name for people, never on chain."""
    x: int
    """Place on the map, 0..1000."""
    y: int
    """Place on the map, 0..1000."""
    devices: tuple[DeviceWish, ...]
    """What the node polls for it."""


@dataclass(frozen=True, slots=True)
class PileWish:
    """A charging station to register, and on chain each EVSE, signed by its owner."""

    station: str
    """Identity, the last part of the OCPP URL."""
    max_w: int
    """Largest power [W]."""
    evses: tuple[tuple[int, int], ...]
    """(EVSE number, metering point) pairs."""
    place: str
    """Where it stands, as drivers find it (at most 32 bytes)."""
    connector: str
    """Connector type, for example cCCS2 or sType2 (OCPP 2.0.1 ConnectorEnum)."""
    model: str
    """Model as on its plate."""
    price: int
    """Price for drivers [micro/kWh]."""
    owner: str
    """Owner's address."""
    deadline: int
    """Last time the signature may reach the chain [Unix s]."""
    signatures: tuple[bytes, ...]
    """By the owner, one for each EVSE."""


@dataclass(frozen=True, slots=True)
class PileCard:
    """What an installer types into the charger's menu. The password is shown once."""

    url: str
    """OCPP URL without the identity."""
    identity: str
    """Charge point identity."""
    password: str
    """Basic authentication password (AuthorizationKey)."""


@dataclass(frozen=True, slots=True)
class TariffWish:
    """A tariff to publish from an interval on."""

    from_interval: int
    """First interval index it holds for."""
    retail: int
    """What the grid takes [micro/kWh]."""
    feed_in: int
    """What the grid pays [micro/kWh]."""
    buy_fee: int
    """Fee of the buyer on matched energy [micro/kWh]."""
    sell_fee: int
    """Fee of the seller on matched energy [micro/kWh]."""


@dataclass(frozen=True, slots=True)
class DriverCard:
    """A new driver's account. The key is shown once."""

    driver: str
    """Account id; says nothing about the person."""
    api_key: str
    """Bearer key of the account."""


@dataclass(frozen=True, slots=True)
class TopUpWish:
    """Money in over a rail."""

    rail: str
    """`sandbox`."""
    minor: int
    """Minor units of the currency."""
    address: str
    """Who receives the tokens."""
    reference: str | None
    """The rail's reference; the same one is minted once."""
    driver: str | None
    """Account that asked, if a driver did."""


@dataclass(frozen=True, slots=True)
class TopUpResult:
    """What became of a top-up."""

    reference: str
    """The rail's reference."""
    nano: int
    """Amount [nano]."""
    state: str
    """pending, confirmed, minted or failed."""


@dataclass(frozen=True, slots=True)
class DepositWish:
    """Money of a token holder into a point's market account (EIP-3009)."""

    point: int
    """Metering point."""
    sender: str
    """Who pays."""
    amount: int
    """Amount [nano]."""
    valid_after: int
    """Not before [Unix s]."""
    valid_before: int
    """Not after [Unix s]."""
    nonce: bytes
    """32 bytes, used once."""
    signature: bytes
    """By the payer."""


@dataclass(frozen=True, slots=True)
class ChannelWish:
    """A payment channel to open (EIP-3009; its nonce is the channel's id)."""

    payer: str
    """Who pays."""
    signer: str
    """Session key that signs vouchers."""
    deposit: int
    """Amount [nano]."""
    salt: bytes
    """32 bytes."""
    valid_after: int
    """Not before [Unix s]."""
    valid_before: int
    """Not after [Unix s]."""
    nonce: bytes
    """32 bytes, the channel's id."""
    signature: bytes
    """By the payer."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a driver sees before the start."""

    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    status: str
    """Status as the pile says it."""
    price: int
    """Price [micro/kWh]; the channel pays this."""
    grid_price: int
    """What the grid takes now [micro/kWh]."""
    step_wh: int
    """Energy one voucher step covers [Wh]."""
    step_nano: int
    """Money of one voucher step [nano]."""


@dataclass(frozen=True, slots=True)
class StartResult:
    """What the pile said to a remote start."""

    status: str
    """Accepted or Rejected."""
    station: str
    """Charging station."""
    evse: int
    """EVSE number."""
    session: str | None = None
    """The session, where it is known already."""


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A driver's session under way, and the voucher it waits for."""

    session: str
    """Its id."""
    state: str
    """active, ended or held."""
    wh: int
    """Energy so far [Wh]."""
    owed: int
    """Owed so far [nano]."""
    paid: int
    """Covered by vouchers [nano]."""
    due_cumulative: int
    """Cumulative amount of the voucher to send next [nano]."""
    channel: str | None
    """The channel's id."""
    price: int
    """Price [micro/kWh]."""
