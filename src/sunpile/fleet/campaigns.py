"""Firmware campaigns and images: the service over `firmware`'s rules."""

import asyncio
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, Forbidden, InputInvalid, SunpileError
from sunpile.basics.ids import StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope, same_person
from sunpile.chargers.commands import UpdateFirmware
from sunpile.chargers.notices import Notice, Progress
from sunpile.fleet.files import Files, StoredFile
from sunpile.fleet.firmware import (
    CampaignPlan,
    CampaignState,
    Target,
    check_signature,
    progressed,
    step,
    targets_of,
)
from sunpile.fleet.upkeep_ports import Changed, LiveStations, Runs

APPROVE_ABOVE = 1
"""A campaign over more stations than this wants a second person."""
REQUESTS = 2**31 - 2**20


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as a whole."""

    campaign: str
    """Its id."""
    tenant: str
    """Whose."""
    plan: CampaignPlan
    """How it goes about it."""
    state: CampaignState
    """approval, running, paused, aborted or done."""
    begun: int
    """Since when [Unix s]."""
    actor: str
    """Who started it."""
    reason: str = ""
    """Why it stopped."""
    counts: Mapping[str, int] | None = None
    """Stations by state."""


class CampaignBook(Protocol):
    """Where campaigns are kept; what takes a scope sees its tenant only."""

    async def create(self, scope: Scope, campaign: Campaign, targets: Sequence[Target]) -> None:
        """Raises `NotFound` for a foreign station, `Conflict` for one that is in another campaign."""
        ...

    async def save(self, campaign: Campaign, targets: Sequence[Target]) -> None: ...
    async def listing(self, scope: Scope) -> Sequence[Campaign]: ...
    async def get(self, scope: Scope, campaign: str) -> tuple[Campaign, Sequence[Target]]: ...
    async def images(self, scope: Scope) -> Collection[str]:
        """Images of campaigns that are not over."""
        ...

    async def running(self) -> Sequence[tuple[Campaign, Sequence[Target]]]: ...
    async def target(self, station: str) -> tuple[Campaign, Target] | None:
        """The station's open place in a campaign."""
        ...


class Campaigns:
    """The service. `tick` every few seconds, `told` with every notice."""

    def __init__(
        self,
        book: CampaignBook,
        files: Files,
        live: LiveStations,
        runs: Runs,
        audit: Audit,
        clock: Clock,
        changed: Changed,
        approve_above: int = APPROVE_ABOVE,
    ) -> None:
        self._book, self._files, self._live, self._runs = book, files, live, runs
        self._audit, self._clock, self._changed = audit, clock, changed
        self._approve_above = approve_above

    # -- images ---------------------------------------------------------------------------------------------------

    async def sign_image(self, scope: Scope, file: str, signature: str, certificate: str) -> StoredFile:
        """Keep the vendor's signature of an image, if it is right.

        Raises
        ------
        NotFound
            if there is no such image.
        InputInvalid
            if the signature is not the certificate's over this image.
        """
        scope.need("configure")
        image = await self._image(scope, file)
        check_signature(bytes.fromhex(image.sha256), signature, certificate)
        return await self._files.describe(scope, file, {"signature": signature, "certificate": certificate})

    async def publish(self, scope: Scope, file: str, station: str) -> str:
        """Have a local controller offer an image to the stations behind it; the run's id. Raises `NotFound`."""
        image = await self._image(scope, file)
        url = await self._files.offer(station, "down", file)
        arguments = {"url": url, "checksum": image.detail["md5"]}
        return await self._runs.start(scope, "publish-firmware", arguments, [station])

    async def unpublish(self, scope: Scope, file: str, station: str) -> str:
        """Have a local controller stop offering it; the run's id. Raises `NotFound`."""
        image = await self._image(scope, file)
        arguments = {"checksum": image.detail["md5"]}
        return await self._runs.start(scope, "unpublish-firmware", arguments, [station])

    async def _image(self, scope: Scope, file: str) -> StoredFile:
        image, _ = await self._files.open(scope, file)
        if image.kind != "firmware":
            raise InputInvalid(f"file {file} is no firmware")
        return image

    async def remove_image(self, scope: Scope, file: str) -> None:
        """Forget an image no campaign needs. Raises `NotFound`, `Conflict`."""
        scope.need("configure")
        await self._files.remove(scope, file, busy=file in await self._book.images(scope))

    # -- campaigns ------------------------------------------------------------------------------------------------

    async def start(self, scope: Scope, plan: CampaignPlan, stations: Sequence[str], reason: str = "") -> Campaign:
        """Begin; with many stations it waits for a second person.

        Raises
        ------
        NotFound
            if the image or a station is not the tenant's.
        Conflict
            if a station is in another campaign.
        InputInvalid
            if there is no station.
        """
        scope.need("configure")
        await self._image(scope, plan.image)
        if not stations:
            raise InputInvalid("no station is selected")
        names, now = list(dict.fromkeys(stations)), self._clock.now()
        state: CampaignState = "approval" if len(names) > self._approve_above else "running"
        campaign = Campaign(secrets.token_hex(8), scope.tenant, plan, state, now, scope.signature)
        await self._book.create(scope, campaign, targets_of(names, plan, 1 + secrets.randbelow(REQUESTS), now))
        after = asdict(plan) | {"stations": len(names), "state": state}
        await self._audit.record(scope, "campaign.start", f"campaign:{campaign.campaign}", None, after, reason)
        return campaign

    async def turn(self, scope: Scope, campaign: str, state: CampaignState, reason: str = "") -> Campaign:
        """Approve or go on (running), pause or abort. What a station has begun, it ends.

        Raises
        ------
        NotFound
            if there is none.
        Forbidden
            if the second yes comes from whoever gave the first.
        Conflict
            if its state does not allow it.
        """
        found, _ = await self._book.get(scope, campaign)
        if found.state == "approval" and state == "running":
            scope.need("approve")
            if same_person(found.actor, scope.signature) and scope.actor != "node":
                raise Forbidden("a second person must approve it")
        else:
            scope.need("configure")
        allowed = {
            "approval": ("running", "aborted"),
            "running": ("paused", "aborted"),
            "paused": ("running", "aborted"),
        }
        if state not in allowed.get(found.state, ()):
            raise Conflict(f"a campaign that is {found.state} cannot become {state}")
        begun = self._clock.now() if found.state == "approval" else found.begun
        after = replace(found, state=state, begun=begun, reason=reason)
        await self._book.save(after, ())
        before = {"state": found.state}
        await self._audit.record(scope, f"campaign.{state}", f"campaign:{campaign}", before, {"state": state}, reason)
        self._tell(after)
        return after

    async def listing(self, scope: Scope) -> Sequence[Campaign]:
        """All of the tenant's, newest first."""
        return await self._book.listing(scope)

    async def get(self, scope: Scope, campaign: str) -> tuple[Campaign, Sequence[Target]]:
        """One with its stations. Raises `NotFound`."""
        return await self._book.get(scope, campaign)

    # -- going on -------------------------------------------------------------------------------------------------

    async def tick(self) -> None:
        """Take every running campaign as far as it goes now."""
        connected = {station for station, state in self._live.states().items() if state.connected}
        for campaign, targets in await self._book.running():
            follows = step(campaign.plan, targets, connected, campaign.begun, self._clock.now())
            changed = (*follows.ask, *follows.changed)
            if changed or follows.state != campaign.state:
                after = replace(campaign, state=follows.state, reason=follows.reason)
                # Kept before anybody is asked: after a crash nobody is asked twice.
                await self._book.save(after, changed)
                self._tell(after)
            await asyncio.gather(*(self._ask(campaign, target) for target in follows.ask))

    async def _ask(self, campaign: Campaign, target: Target) -> None:
        now = self._clock.now()
        image = await self._files.find(campaign.plan.image)
        if image is None:
            await self._book.save(campaign, [replace(target, state="failed", status="the image is gone", at=now)])
            return
        command = UpdateFirmware(
            target.request,
            await self._files.offer(target.station, "down", image.file),
            now,
            certificate=image.detail.get("certificate"),
            signature=image.detail.get("signature"),
            retries=campaign.plan.retries,
        )
        try:
            result = await self._live.command(StationId(target.station), command)
        except SunpileError as fault:
            await self._answered(campaign, target, False, fault.detail)
        else:
            await self._answered(campaign, target, result.accepted, f"{result.status} {result.reason}".strip())

    async def _answered(self, campaign: Campaign, asked: Target, accepted: bool, status: str) -> None:
        found = await self._book.target(asked.station)
        # Its first word may be here before its answer.
        if found is None or found[1].state != "asked" or found[0].campaign != campaign.campaign:
            return
        state = "busy" if accepted else "failed"
        await self._book.save(campaign, [replace(found[1], state=state, status=status[:40], at=self._clock.now())])

    async def told(self, notice: Notice) -> None:
        """Progress of firmware moves a station on."""
        if not isinstance(notice, Progress) or notice.work != "firmware":
            return
        found = await self._book.target(notice.station)
        if found is None or notice.request not in (None, found[1].request):
            return
        after = progressed(found[1], notice.status, self._clock.now())
        if after is not None:
            await self._book.save(found[0], [after])
            self._changed(
                "campaign",
                {"campaign": found[0].campaign, "tenant": found[0].tenant, "station": after.station}
                | {"state": after.state, "status": after.status},
            )

    def _tell(self, campaign: Campaign) -> None:
        self._changed(
            "campaign",
            {
                "campaign": campaign.campaign,
                "tenant": campaign.tenant,
                "state": campaign.state,
                "reason": campaign.reason,
            },
        )
