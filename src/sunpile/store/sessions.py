"""Sessions, registers, channels and vouchers in SQL: implements `sessions.ports.SessionStore`.

One event is one unit of work: what the decision looked at and all it changed stand in one transaction, so an answer
that left the node is never half true. Events that wait side by side share a desk, and so their reads and writes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, and_, exists, select, update

from sunpile.basics.errors import SunpileError
from sunpile.basics.ids import EvseId, StationId
from sunpile.basics.interval import Interval
from sunpile.basics.units import Nano, Wh
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Channel, Session
from sunpile.sessions.ports import Core, Decision
from sunpile.sessions.voucher import Voucher
from sunpile.store.database import Database, insert_new
from sunpile.store.registers import report_interval
from sunpile.store.session_desk import (
    ALL_OPEN,
    PILES,
    Price,
    SqlDesk,
    read_channel,
    read_pile,
    read_session,
)
from sunpile.store.tables import cdrs, channels, connectors, sessions, vouchers

T = TypeVar("T")


class _Asked(NamedTuple):
    core: Core
    now: int
    station: StationId | None


class SessionDatabase:
    """`sessions.ports.SessionStore` on the store's door."""

    def __init__(self, database: Database, price: Price | None = None) -> None:
        """`price`: what sessions cost that are not paid by channel; without it, energy times price."""
        self._database, self._price = database, price
        self._decide = partial(_decide_all, price)

    async def transact(self, core: Core, now: int, station: StationId | None = None) -> Decision:
        """See `SessionStore.transact`."""
        return await self._database.write_together(self._decide, _Asked(core, now, station))

    async def look(self, reader: Callable[[SqlDesk], T]) -> T:
        """See `SessionStore.look`."""
        return await self._database.read(lambda connection: reader(SqlDesk(connection)))

    async def unsettled(self) -> Sequence[Session]:
        """See `SessionStore.unsettled`."""
        return await self._database.read(lambda c: [read_session(row) for row in c.execute(ALL_OPEN)])

    async def cdr(self, cdr: str) -> Cdr | None:
        """See `SessionStore.cdr`."""
        query = select(cdrs.c.body).where(cdrs.c.cdr == cdr)
        text = await self._database.read(lambda c: c.scalar(query))
        return Cdr.from_json(text) if text else None

    async def save_channel(self, channel: Channel, now: int) -> None:
        """See `SessionStore.save_channel`."""
        row = channel._asdict() | {"opened_at": now}
        await self._database.write(lambda c: c.execute(insert_new(c, channels).values(row)))

    async def channel_closing(self, channel: bytes, state: str) -> None:
        """See `SessionStore.channel_closing`."""
        change = update(channels).where(channels.c.channel == channel).values(state=state)
        await self._database.write(lambda c: c.execute(change))

    async def payable(self) -> Sequence[tuple[Channel, Voucher]]:
        """See `SessionStore.payable`."""
        busy = exists().where(sessions.c.channel == channels.c.channel, sessions.c.state == "active")
        query = (
            select(*(channels.c[name] for name in Channel._fields), vouchers.c.signature)
            .join(vouchers, and_(vouchers.c.channel == channels.c.channel, vouchers.c.cumulative == channels.c.best))
            .where(channels.c.best > channels.c.settled, channels.c.state != "closed")
            .where((channels.c.state == "closing") | ~busy)
            .order_by(channels.c.channel)
        )

        def work(connection: Connection) -> list[tuple[Channel, Voucher]]:
            found = [(read_channel(row), bytes(row.signature)) for row in connection.execute(query)]
            return [(channel, Voucher(channel.channel, channel.best, signature)) for channel, signature in found]

        return await self._database.read(work)

    async def settled(self, channel: bytes, cumulative: Nano) -> None:
        """See `SessionStore.settled`."""
        change = update(channels).where(channels.c.channel == channel, channels.c.settled < cumulative)
        await self._database.write(lambda c: c.execute(change.values(settled=cumulative)))

    async def pile_energy(self, interval: Interval) -> Mapping[tuple[StationId, EvseId], Wh | None]:
        """See `SessionStore.pile_energy`."""

        def work(connection: Connection) -> dict[tuple[StationId, EvseId], Wh | None]:
            piles = [read_pile(row) for row in connection.execute(PILES.where(connectors.c.point.is_not(None)))]
            return report_interval(connection, piles, interval)

        return await self._database.write(work)

    async def set_price(self, station: StationId, evse: EvseId, price: int) -> None:
        """What drivers pay at an EVSE from the next session on [micro/kWh]."""
        change = update(connectors).where(connectors.c.station == station, connectors.c.evse == evse)
        await self._database.write(lambda c: c.execute(change.values(price=price)))


def _decide_all(price: Price | None, connection: Connection, asked: Sequence[_Asked]) -> Sequence[Decision | Exception]:
    """Let each core decide in turn; it sees what those before it decided."""
    desk = SqlDesk(connection, price)
    stations = {one.station for one in asked if one.station is not None}
    if stations:
        desk.fetch(stations)
    outcomes: list[Decision | Exception] = []
    for one in asked:
        try:
            decision = one.core(desk)
        except SunpileError as refusal:
            # It has only looked; the others' work stands.
            outcomes.append(refusal)
        else:
            desk.keep(decision, one.now)
            outcomes.append(decision)
    desk.write()
    return outcomes
