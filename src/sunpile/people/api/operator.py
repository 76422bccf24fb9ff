"""Routes of whoever runs the node: register points and piles, publish tariffs. All want the admin token."""

from fastapi import APIRouter, Depends

from sunpile.people.api.access import Served, admin
from sunpile.people.api.bodies import PileBody, PointBody, TariffBody
from sunpile.people.wishes import PileCard

router = APIRouter(prefix="/api/admin", tags=["operator"], dependencies=[Depends(admin)])


@router.post("/points", status_code=201)
async def points(services: Served, body: PointBody) -> dict[str, int]:
    """Register a metering point on chain, and what the node polls for it."""
    return {"point": await services.operations.register_point(body.wish())}


@router.post("/piles", status_code=201)
async def piles(services: Served, body: PileBody) -> PileCard:
    """Register a charging station; the answer is what to type into its menu, shown once."""
    return await services.operations.register_pile(body.wish())


@router.post("/tariffs", status_code=202)
async def tariffs(services: Served, body: TariffBody) -> dict[str, str]:
    """Publish a tariff; it holds from the first interval a whole interval away, at the earliest."""
    await services.operations.publish_tariff(body.wish())
    return {"status": "accepted"}
