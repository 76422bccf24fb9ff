"""What is kept of a batch: the proposal and the chain's facts it was built on, so that it can be cleared again."""

from dataclasses import dataclass

from sunpile.basics.errors import BatchInvalid, InputInvalid
from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.units import PerMille, Wh
from sunpile.market import StandingOrder
from sunpile.settlement.facts import MeteringPoint, ZoneFacts
from sunpile.settlement.proposal import Proposal
from sunpile.settlement.wire import (
    Json,
    as_map,
    hex_field,
    list_field,
    map_field,
    proposal_from_json,
    proposal_to_json,
    tariff_from_json,
    tariff_to_json,
    to_hex,
    whole_field,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch with its surroundings."""

    facts: ZoneFacts
    proposal: Proposal


def kept_to_json(kept: Kept) -> Json:
    """As it is stored."""
    return {"facts": facts_to_json(kept.facts), "proposal": proposal_to_json(kept.proposal)}


def kept_from_json(source: object) -> Kept:
    """As it was stored.

    Raises
    ------
    BatchInvalid
        if it is not what `kept_to_json` wrote.
    """
    try:
        fields = as_map(source, "kept batch")
        return Kept(_facts(map_field(fields, "facts")), proposal_from_json(fields.get("proposal")))
    except InputInvalid as fault:
        raise BatchInvalid(f"the stored batch cannot be read: {fault.detail}") from fault


def facts_to_json(facts: ZoneFacts) -> Json:
    """The chain's facts; points and orders as short lists."""
    orders = [(point, order.buy, order.sell, order.max_wh, order.until) for point, order in facts.orders.items()]
    points = [(p.point, p.meter_key, p.cap, p.parent or 0) for p in facts.points.values()]
    return {
        "zone": facts.zone,
        "interval": facts.interval,
        "next_interval": facts.next_interval,
        "previous": to_hex(facts.previous),
        "tariff_index": facts.tariff_index,
        "tariff": tariff_to_json(facts.tariff),
        "points": points,
        "orders": orders,
        "retailer_bills": facts.retailer_bills,
    }


def _facts(source: Json) -> ZoneFacts:
    points = (
        MeteringPoint(PointId(point), Address(key), Wh(cap), PointId(parent) if parent else None)
        for point, key, cap, parent in list_field(source, "points")
    )
    orders = {
        PointId(point): StandingOrder(PerMille(buy), PerMille(sell), Wh(max_wh), until)
        for point, buy, sell, max_wh, until in list_field(source, "orders")
    }
    return ZoneFacts(
        zone=ZoneId(whole_field(source, "zone", 32)),
        interval=whole_field(source, "interval", 32),
        next_interval=whole_field(source, "next_interval", 33),
        previous=hex_field(source, "previous", 32),
        tariff_index=whole_field(source, "tariff_index", 32),
        tariff=tariff_from_json(map_field(source, "tariff")),
        points={metering.point: metering for metering in points},
        orders=orders,
        retailer_bills=source.get("retailer_bills") is True,
    )
