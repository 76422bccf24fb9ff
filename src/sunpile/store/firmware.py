"""Firmware campaigns in the store: implements `fleet.campaigns.CampaignBook`."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.scope import Scope
from sunpile.fleet.campaigns import Campaign
from sunpile.fleet.firmware import CampaignPlan, Target
from sunpile.store.database import Database
from sunpile.store.scoped import own_station, scoped
from sunpile.store.upkeep_tables import firmware_campaigns, firmware_targets

_OPEN = ("waiting", "asked", "busy")
_ALIVE = ("approval", "running", "paused")
_TARGET = Target.__slots__


class CampaignStore:
    """`CampaignBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, scope: Scope, campaign: Campaign, targets: Sequence[Target]) -> None:
        """See `CampaignBook.create`."""

        def work(connection: Connection) -> None:
            for target in targets:
                own_station(connection, scope, target.station)
                if _target(connection, target.station) is not None:
                    raise Conflict(f"station {target.station} is in another campaign")
            row = _row(campaign) | {"campaign": campaign.campaign, "tenant": scope.tenant}
            row |= {"created_at": campaign.begun, "created_by": campaign.actor}
            connection.execute(insert(firmware_campaigns).values(row))
            connection.execute(
                insert(firmware_targets), [asdict(target) | {"campaign": campaign.campaign} for target in targets]
            )

        await self._database.write(work)

    async def save(self, campaign: Campaign, targets: Sequence[Target]) -> None:
        """See `CampaignBook.save`."""
        table = firmware_targets

        def work(connection: Connection) -> None:
            which = firmware_campaigns.c.campaign == campaign.campaign
            connection.execute(update(firmware_campaigns).where(which).values(_row(campaign)))
            for target in targets:
                place = (table.c.campaign == campaign.campaign) & (table.c.station == target.station)
                row = {"state": target.state, "status": target.status, "at": target.at}
                connection.execute(update(table).where(place).values(row))

        await self._database.write(work)

    async def listing(self, scope: Scope) -> Sequence[Campaign]:
        """See `CampaignBook.listing`."""
        query = scoped(firmware_campaigns, scope).order_by(firmware_campaigns.c.created_at.desc()).limit(500)

        def work(connection: Connection) -> list[Campaign]:
            return _campaigns(connection, connection.execute(query).mappings().all())

        return await self._database.read(work)

    async def images(self, scope: Scope) -> set[str]:
        """See `CampaignBook.images`."""
        alive = firmware_campaigns.c.state.in_(_ALIVE)
        query = scoped(firmware_campaigns, scope, firmware_campaigns.c.body).where(alive)
        bodies = await self._database.read(lambda connection: connection.scalars(query).all())
        return {json.loads(body)["plan"]["image"] for body in bodies}

    async def get(self, scope: Scope, campaign: str) -> tuple[Campaign, Sequence[Target]]:
        """See `CampaignBook.get`. Raises `NotFound`."""
        query = scoped(firmware_campaigns, scope).where(firmware_campaigns.c.campaign == campaign)

        def work(connection: Connection) -> tuple[Campaign, Sequence[Target]]:
            row = connection.execute(query).mappings().first()
            if row is None:
                raise NotFound(f"there is no campaign {campaign}")
            return _campaigns(connection, [row])[0], _targets(connection, campaign)

        return await self._database.read(work)

    async def running(self) -> Sequence[tuple[Campaign, Sequence[Target]]]:
        """See `CampaignBook.running`."""
        query = select(firmware_campaigns).where(firmware_campaigns.c.state == "running")

        def work(connection: Connection) -> list[tuple[Campaign, Sequence[Target]]]:
            rows = connection.execute(query).mappings().all()
            return [(one, _targets(connection, one.campaign)) for one in _campaigns(connection, rows)]

        return await self._database.read(work)

    async def target(self, station: str) -> tuple[Campaign, Target] | None:
        """See `CampaignBook.target`."""
        return await self._database.read(lambda connection: _target(connection, station))


def _target(connection: Connection, station: str) -> tuple[Campaign, Target] | None:
    """The station's open place; what an aborted campaign asked of it is still told to that one."""
    table = firmware_targets
    query = (
        select(firmware_campaigns, *(table.c[name].label(f"target_{name}") for name in _TARGET))
        .join(table, table.c.campaign == firmware_campaigns.c.campaign)
        .where(table.c.station == station, table.c.state.in_(_OPEN))
        .where(firmware_campaigns.c.state.in_(_ALIVE) | table.c.state.in_(("asked", "busy")))
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return _campaigns(connection, [row])[0], Target(*(row[f"target_{name}"] for name in _TARGET))


def _targets(connection: Connection, campaign: str) -> list[Target]:
    table = firmware_targets
    query = select(*(table.c[name] for name in _TARGET)).where(table.c.campaign == campaign)
    return [Target(*row) for row in connection.execute(query.order_by(table.c.wave, table.c.request))]


def _row(campaign: Campaign) -> dict[str, Any]:
    body = {"plan": asdict(campaign.plan), "reason": campaign.reason, "begun": campaign.begun}
    return {"body": json.dumps(body), "state": campaign.state}


def _campaigns(connection: Connection, rows: Sequence[Any]) -> list[Campaign]:
    table = firmware_targets.c
    query = select(table.campaign, table.state, func.count()).group_by(table.campaign, table.state)
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for campaign, state, count in connection.execute(
        query.where(table.campaign.in_([row["campaign"] for row in rows]))
    ):
        counts[campaign][state] = count
    return [_campaign(row, counts[row["campaign"]]) for row in rows]


def _campaign(row: Any, counts: dict[str, int]) -> Campaign:
    body = json.loads(row["body"])
    plan = CampaignPlan(**body["plan"])
    return Campaign(
        row["campaign"],
        row["tenant"],
        replace(plan, waves=tuple(plan.waves)),
        row["state"],
        body["begun"],
        row["created_by"],
        body["reason"],
        counts,
    )
