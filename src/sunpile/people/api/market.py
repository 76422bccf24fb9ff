"""Routes of the market: the town, its intervals and batches, receipts, readings, orders, deposits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query

from sunpile.basics.errors import Forbidden, NotFound
from sunpile.basics.ids import PointId, ZoneId
from sunpile.people.api.access import Served, anyone, may_see_receipt, reader, signed
from sunpile.people.api.bodies import DepositBody, OrderBody, ReadingsBody
from sunpile.people.reads import BatchView, IntervalDetail, IntervalSummary, Town, TownPoint
from sunpile.people.wishes import ReadingResult

router = APIRouter(prefix="/api", tags=["market"])
PRIVATE_KINDS = ("home", "roof")
Limit = Annotated[int, Query(ge=1, le=1000)]
SeesHomes = Annotated[bool, Depends(reader)]


def without_homes(point: TownPoint) -> TownPoint:
    """The point as a stranger may see it: what a home uses now is personal data."""
    if point.kind not in PRIVATE_KINDS:
        return point
    return replace(point, label="", w=None, pv_w=None, soc_permille=None)


@router.get("/town")
async def town(services: Served, sees_homes: SeesHomes) -> Town:
    """The map: metering points with power, status and place."""
    found = await services.view.town()
    return found if sees_homes else replace(found, points=[without_homes(point) for point in found.points])


@router.get("/intervals", dependencies=[Depends(anyone)])
async def intervals(
    services: Served, limit: Limit = 96, before: Annotated[int | None, Query(ge=0)] = None
) -> list[IntervalSummary]:
    """The newest intervals, oldest first; `before` pages back."""
    return await services.view.intervals(limit, before)


@router.get("/intervals/{zone}/{index}", dependencies=[Depends(anyone)])
async def interval(services: Served, zone: int, index: int) -> IntervalDetail:
    """One interval: price, band, curves, the marginal group, and the batch that settled it."""
    found = await services.view.interval(ZoneId(zone), index)
    if found is None:
        raise NotFound(f"interval {index} of zone {zone} has no batch")
    return found


@router.get("/batches", dependencies=[Depends(anyone)])
async def batches(services: Served, limit: Limit = 20) -> list[BatchView]:
    """The newest batches, newest first."""
    return await services.view.batches(limit)


def in_a_home(point: int, points: Sequence[TownPoint]) -> bool:
    """True if the point, or the meter it stands behind, is private: the receipt of one shows the readings of all."""
    known = {item.point: item for item in points}
    found = known.get(point)
    meter = known.get(found.parent) if found else None
    return any(item is not None and item.kind in PRIVATE_KINDS for item in (found, meter))


@router.get("/receipts/{zone}/{interval}/{point}")
async def receipt(
    services: Served,
    sees_homes: SeesHomes,
    zone: int,
    interval: int,
    point: int,
    expires: Annotated[int | None, Query(ge=0)] = None,
    x_sunpile_signature: Annotated[str | None, Header(pattern=r"^0x[0-9a-fA-F]{130}$")] = None,
) -> Mapping[str, Any]:
    """The receipt of one point. Full for the node's admin and for who signs a `ReceiptRequest` with one of the point's
    keys; otherwise the shared one, without rows, which says that it does not prove itself. Of a home, and of what
    stands behind a home's meter, strangers get none: it says what the home used."""
    full = await may_see_receipt(services, sees_homes, PointId(point), interval, expires, x_sunpile_signature)
    if not full and in_a_home(point, (await services.view.town()).points):
        raise Forbidden(f"point {point} is part of a home: sign a ReceiptRequest with one of its keys")
    found = await services.operations.receipt(ZoneId(zone), interval, PointId(point), full)
    if found is None:
        raise NotFound(f"point {point} has no receipt for interval {interval} of zone {zone}")
    return found


@router.post("/readings", dependencies=[Depends(signed)])
async def readings(services: Served, body: ReadingsBody) -> dict[str, list[ReadingResult]]:
    """Signed interval readings; each is answered by itself."""
    return {"results": await services.operations.add_readings([item.signed() for item in body.readings])}


@router.post("/orders", status_code=202, dependencies=[Depends(signed)])
async def orders(services: Served, body: OrderBody) -> dict[str, str]:
    """A signed standing order, handed on to the chain."""
    await services.operations.place_order(body.wish())
    return {"status": "accepted"}


@router.post("/deposits", status_code=202, dependencies=[Depends(signed)])
async def deposits(services: Served, body: DepositBody) -> dict[str, str]:
    """Money into a point's market account, handed on to the chain."""
    await services.operations.deposit(body.wish())
    return {"status": "accepted"}
