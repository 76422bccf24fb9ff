"""Firmware for staff: images, their signatures, campaigns, local controllers."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints

from sunpile.fleet.campaigns import Campaign, Campaigns
from sunpile.fleet.files import Files, StoredFile
from sunpile.fleet.firmware import CampaignPlan, Target
from sunpile.people.api.bodies import Body, StationText
from sunpile.people.api.files import whole
from sunpile.people.api.staff import Approver, Configurer, Reader

Word = Annotated[str, Query(max_length=64)]
Reason = Annotated[str, StringConstraints(max_length=500)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Seconds = Annotated[int, Field(ge=0, le=90 * 86_400)]


class SignatureBody(Body):
    """The vendor's signature of an image."""

    signature: Annotated[str, StringConstraints(max_length=800)] = Field(description="base64, over its SHA-256")
    certificate: Annotated[str, StringConstraints(max_length=5500)] = Field(description="signing certificate, PEM")


class ControllerBody(Body):
    """Which local controller."""

    station: StationText


class CampaignBody(Body):
    """A campaign."""

    image: Annotated[str, StringConstraints(max_length=48)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    stations: list[StationText] = Field(min_length=1, max_length=50_000)
    waves: list[Count] = Field(default_factory=lambda: [1, 10, 100], max_length=20)
    in_flight: Annotated[int, Field(ge=1, le=1000)] = 20
    stop_permille: Annotated[int, Field(ge=0, le=1000)] = 100
    pause_s: Seconds = 3600
    silence_s: Seconds = 7200
    offline_s: Seconds = 7 * 86_400
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    reason: Reason = ""

    def plan(self) -> CampaignPlan:
        """How it goes about it."""
        values = self.model_dump(exclude={"stations", "reason", "waves"})
        return CampaignPlan(**values, waves=tuple(self.waves))


class TurnBody(Body):
    """What becomes of it."""

    state: Literal["running", "paused", "aborted"]
    reason: Reason = ""


class ApprovalBody(Body):
    """The second yes."""

    reason: Reason = ""


class CampaignPage(Body):
    """A campaign with its stations."""

    campaign: Campaign
    targets: list[Target]


def router(campaigns: Campaigns, files: Files) -> APIRouter:
    """Routes over the services."""
    routes = APIRouter(prefix="/api/firmware", tags=["firmware"])
    _images(routes, campaigns, files)
    _campaigns(routes, campaigns)
    return routes


def _images(routes: APIRouter, campaigns: Campaigns, files: Files) -> None:
    @routes.post("/images", status_code=201)
    async def upload(
        request: Request,
        scope: Configurer,
        name: Annotated[str, Query(min_length=1, max_length=120)],
        vendor: Word = "",
        model: Word = "",
        version: Word = "",
    ) -> StoredFile:
        """Keep an image: the body is the file itself."""
        detail = {"vendor": vendor, "model": model, "version": version}
        return await files.keep(scope, "firmware", name, whole(request.stream()), detail)

    @routes.put("/images/{file}/signature")
    async def signature(scope: Configurer, file: str, body: SignatureBody) -> StoredFile:
        """Keep the vendor's signature, if it is right: the image is then sent as a signed one."""
        return await campaigns.sign_image(scope, file, body.signature, body.certificate)

    @routes.post("/images/{file}/publish", status_code=202)
    async def publish(scope: Configurer, file: str, body: ControllerBody) -> dict[str, str]:
        """Have a local controller offer it to the stations behind it."""
        return {"run": await campaigns.publish(scope, file, body.station)}

    @routes.post("/images/{file}/unpublish", status_code=202)
    async def unpublish(scope: Configurer, file: str, body: ControllerBody) -> dict[str, str]:
        """Have a local controller stop offering it."""
        return {"run": await campaigns.unpublish(scope, file, body.station)}

    @routes.delete("/images/{file}", status_code=204)
    async def remove(scope: Configurer, file: str) -> None:
        """Forget an image no campaign needs."""
        await campaigns.remove_image(scope, file)


def _campaigns(routes: APIRouter, campaigns: Campaigns) -> None:
    @routes.get("/campaigns")
    async def listing(scope: Reader) -> list[Campaign]:
        """All campaigns, newest first."""
        return list(await campaigns.listing(scope))

    @routes.post("/campaigns", status_code=201)
    async def start(scope: Configurer, body: CampaignBody) -> Campaign:
        """Begin a campaign; over several stations it waits for a second person."""
        return await campaigns.start(scope, body.plan(), body.stations, body.reason)

    @routes.get("/campaigns/{campaign}")
    async def one(scope: Reader, campaign: str) -> CampaignPage:
        """A campaign and how far each station is."""
        found, targets = await campaigns.get(scope, campaign)
        return CampaignPage(campaign=found, targets=list(targets))

    @routes.post("/campaigns/{campaign}/approve")
    async def approve(scope: Approver, campaign: str, body: ApprovalBody) -> Campaign:
        """Give the second yes."""
        return await campaigns.turn(scope, campaign, "running", body.reason)

    @routes.post("/campaigns/{campaign}/turn")
    async def turn(scope: Configurer, campaign: str, body: TurnBody) -> Campaign:
        """Pause, go on, abort; what a station has begun, it ends."""
        return await campaigns.turn(scope, campaign, body.state, body.reason)
