"""Bodies that come in, exactly: an unknown member, a float for an integer or a short signature is refused."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from sunpile.basics.ids import PointId
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.units import Wh
from sunpile.people.wishes import (
    ChannelWish,
    DepositWish,
    DeviceWish,
    OrderWish,
    PileWish,
    PointWish,
    TariffWish,
    TopUpWish,
)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


AddressText = Annotated[str, BeforeValidator(_lower), StringConstraints(pattern=r"^0x[0-9a-f]{40}$")]
Bytes32Text = Annotated[str, BeforeValidator(_lower), StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]
SignatureText = Annotated[str, BeforeValidator(_lower), StringConstraints(pattern=r"^0x[0-9a-f]{130}$")]
StationText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*=:+|@._-]{1,48}$")]
"""OCPP identifierString of at most 48 characters."""
PointIndex = Annotated[int, Field(ge=1, lt=1 << 32)]
IntervalIndex = Annotated[int, Field(ge=0, lt=1 << 32)]
UnixTime = Annotated[int, Field(ge=0, lt=1 << 63)]
Amount = Annotated[int, Field(gt=0, lt=1 << 80)]
Price = Annotated[int, Field(ge=0, lt=1 << 31)]
Limit = Annotated[int, Field(ge=0, le=1023)]
Place = Annotated[int, Field(ge=0, le=1000)]


def raw(text: str) -> bytes:
    """Bytes of 0x text."""
    return bytes.fromhex(text[2:])


class Body(BaseModel):
    """Strict: no unknown member, no number for a text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReadingBody(Body):
    """A reading signed by the point's meter key (EIP-712 `Reading`)."""

    point: PointIndex
    interval: IntervalIndex
    wh: Annotated[int, Field(gt=-(1 << 24), lt=1 << 24)] = Field(description="import less export [Wh]")
    salt: Bytes32Text
    signature: SignatureText

    def signed(self) -> SignedReading:
        """The reading as the core knows it."""
        reading = Reading(PointId(self.point), self.interval, Wh(self.wh), raw(self.salt))
        return SignedReading(reading, raw(self.signature))


class ReadingsBody(Body):
    """A batch of readings; sending one twice changes nothing."""

    readings: Annotated[list[ReadingBody], Field(min_length=1, max_length=1000)]


class OrderBody(Body):
    """A standing order signed by the point's owner (EIP-712 `Order`)."""

    point: PointIndex
    buy: Limit = Field(description="per mille of the band, 0..1000; 1023 = off")
    sell: Limit = Field(description="per mille of the band, 0..1000; 1023 = off")
    max_wh: Annotated[int, Field(ge=0, lt=1 << 24)]
    until: IntervalIndex
    nonce: Annotated[int, Field(ge=0, lt=1 << 64)]
    deadline: UnixTime
    signature: SignatureText

    @model_validator(mode="after")
    def _limits(self) -> "OrderBody":
        for name, value in (("buy", self.buy), ("sell", self.sell)):
            if 1000 < value < 1023:
                raise ValueError(f"{name} is 0..1000, or 1023 for off")
        return self

    def wish(self) -> OrderWish:
        """The order as a wish."""
        return OrderWish(
            self.point,
            self.buy,
            self.sell,
            self.max_wh,
            self.until,
            self.nonce,
            self.deadline,
            raw(self.signature),
        )


class DepositBody(Body):
    """Money into a point's market account: an EIP-3009 authorisation to the market."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)

    point: PointIndex
    sender: AddressText = Field(alias="from")
    amount: Amount
    valid_after: UnixTime
    valid_before: UnixTime
    nonce: Bytes32Text
    signature: SignatureText

    def wish(self) -> DepositWish:
        """The deposit as a wish."""
        return DepositWish(
            self.point,
            self.sender,
            self.amount,
            self.valid_after,
            self.valid_before,
            raw(self.nonce),
            raw(self.signature),
        )


class DeviceBody(Body):
    """A device the node polls by SunSpec over Modbus TCP."""

    kind: Literal["inverter", "meter", "battery"]
    host: Annotated[str, Field(min_length=1, max_length=128)]
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    unit: Annotated[int, Field(ge=1, le=247)] = 1
    max_w: Annotated[int, Field(gt=0, le=10_000_000)]


class PointBody(Body):
    """A metering point to register."""

    kind: Literal["home", "pile", "battery", "roof"]
    zone: Annotated[int, Field(ge=1, lt=1 << 20)]
    owner: AddressText
    meter_key: AddressText | None = Field(default=None, description="null: the node signs its readings")
    cap_wh: Annotated[int, Field(gt=0, lt=1 << 24)]
    parent: Annotated[int, Field(ge=0, lt=1 << 32)] = 0
    label: Annotated[str, Field(max_length=64)] = ""
    x: Place = 500
    y: Place = 500
    device: DeviceBody | None = None
    devices: Annotated[list[DeviceBody], Field(max_length=8)] = []

    def wish(self) -> PointWish:
        """The point as a wish."""
        listed = ([self.device] if self.device else []) + list(self.devices)
        devices = tuple(DeviceWish(d.kind, d.host, d.port, d.unit, d.max_w) for d in listed)
        return PointWish(
            self.kind,
            self.zone,
            self.owner,
            self.meter_key,
            self.cap_wh,
            self.parent,
            self.label,
            self.x,
            self.y,
            devices,
        )


class EvseBody(Body):
    """One EVSE of a station and its metering point."""

    evse: Annotated[int, Field(ge=1, le=64)]
    point: PointIndex


class PileBody(Body):
    """A charging station to register, signed by its owner (EIP-712 `Pile`), one signature for each EVSE."""

    station: StationText
    max_w: Annotated[int, Field(gt=0, le=10_000_000)]
    evses: Annotated[list[EvseBody], Field(min_length=1, max_length=64)]
    place: Annotated[str, Field(max_length=32)]
    connector: Annotated[str, Field(max_length=32)]
    model: Annotated[str, Field(max_length=32)]
    price: Price
    owner: AddressText
    deadline: UnixTime = (1 << 63) - 1
    signature: SignatureText | None = None
    signatures: Annotated[list[SignatureText], Field(max_length=64)] = []

    @model_validator(mode="after")
    def _one_signature_each(self) -> "PileBody":
        given = len(self.signatures) + (self.signature is not None)
        if given != len(self.evses):
            raise ValueError(f"{len(self.evses)} EVSEs need as many signatures of the owner, got {given}")
        return self

    def wish(self) -> PileWish:
        """The pile as a wish."""
        signatures = ([self.signature] if self.signature else []) + list(self.signatures)
        return PileWish(
            self.station,
            self.max_w,
            tuple((item.evse, item.point) for item in self.evses),
            self.place,
            self.connector,
            self.model,
            self.price,
            self.owner,
            self.deadline,
            tuple(raw(item) for item in signatures),
        )


class TariffBody(Body):
    """A tariff to publish: 0 <= feed_in <= retail."""

    from_interval: IntervalIndex
    retail: Price
    feed_in: Price
    buy_fee: Price = 0
    sell_fee: Price = 0

    def wish(self) -> TariffWish:
        """The tariff as a wish."""
        return TariffWish(self.from_interval, self.retail, self.feed_in, self.buy_fee, self.sell_fee)


class DriverBody(Body):
    """A new driver's account; nothing about the person is asked."""

    id_token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*=:+|@._-]{1,36}$")] | None = Field(
        default=None, description="card or app token the driver shows at a pile; binding one needs the admin token"
    )


class TopUpBody(Body):
    """Money in."""

    rail: Literal["sandbox"]
    minor: Annotated[int, Field(gt=0, le=100_000_000)] = Field(description="minor units of the currency")
    address: AddressText
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None = None

    def wish(self, driver: str | None) -> TopUpWish:
        """The top-up as a wish."""
        return TopUpWish(self.rail, self.minor, self.address, self.reference, driver)


class ChannelBody(Body):
    """A payment channel to open; the EIP-3009 nonce is the channel's id."""

    payer: AddressText
    signer: AddressText
    deposit: Amount
    salt: Bytes32Text
    valid_after: UnixTime
    valid_before: UnixTime
    nonce: Bytes32Text
    signature: SignatureText

    def wish(self) -> ChannelWish:
        """The channel as a wish."""
        return ChannelWish(
            self.payer,
            self.signer,
            self.deposit,
            raw(self.salt),
            self.valid_after,
            self.valid_before,
            raw(self.nonce),
            raw(self.signature),
        )


class StartBody(Body):
    """A remote start."""

    station: StationText
    evse: Annotated[int, Field(ge=1, le=64)] = 1


class VoucherBody(Body):
    """A cumulative voucher of the session's channel (EIP-712 `Voucher`)."""

    cumulative: Amount
    signature: SignatureText
