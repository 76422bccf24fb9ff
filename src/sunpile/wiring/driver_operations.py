"""What drivers may ask of a node: accounts, prices, starts, stops, vouchers, receipts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sunpile.basics.errors import Conflict
from sunpile.basics.ids import Address, DriverId, EvseId, SessionId, StationId
from sunpile.basics.ports import Clock
from sunpile.basics.units import money
from sunpile.money.accounts import Accounts
from sunpile.people.wishes import ActiveSession, ChannelWish, DriverCard, Quote, StartResult
from sunpile.sessions.ports import Authorisation3009
from sunpile.sessions.service import Account, Sessions
from sunpile.store.chargers import StationStore
from sunpile.store.sessions import SessionDatabase


@dataclass
class DriverOperations:
    """The drivers' part of `Operations`: the same with a market and without."""

    clock: Clock
    stations: StationStore
    session_store: SessionDatabase
    sessions: Sessions
    accounts: Accounts
    ocpp_url: str
    """URL of the piles' door, without the identity."""

    async def grid_price(self) -> int:
        """What the grid takes now [micro/kWh]; 0 where no market publishes it."""
        return 0

    async def create_driver(self, id_token: str | None) -> DriverCard:
        """Open an account."""
        with self.clock.work():
            try:
                account, api_key = await self.accounts.open(id_token)
            except Conflict:
                if id_token is None:
                    raise
                # The same wish again, its answer lost: whoever issues the card needs a key that works.
                account, api_key = await self.accounts.reopen(id_token)
        return DriverCard(account.driver, api_key)

    async def quote(self, station: str, evse: int) -> Quote:
        """The price before the start, beside the grid's now."""
        found = await self.sessions.quote(StationId(station), EvseId(evse))
        pile = await self.session_store.look(lambda desk: desk.pile(StationId(station), EvseId(evse)))
        step = self.sessions.rules.step_wh
        return Quote(
            station=station,
            evse=evse,
            status=pile.status if pile else "",
            price=found.price,
            grid_price=await self.grid_price(),
            step_wh=step,
            step_nano=money(step, found.price),
        )

    async def open_channel(self, driver: DriverId, channel: ChannelWish) -> str:
        """Open a payment channel."""
        with self.clock.work():
            name = await self.sessions.open_channel(
                driver,
                Address(channel.payer.lower()),
                Address(channel.signer.lower()),
                channel.deposit,
                channel.salt,
                Authorisation3009(channel.valid_after, channel.valid_before, channel.signature),
            )
        return "0x" + name.hex()

    async def remote_start(self, driver: DriverId, station: str, evse: int) -> StartResult:
        """Ask a pile to start."""
        with self.clock.work():
            account = await self.accounts.account(driver)
            started = await self.sessions.remote_start(driver, account.id_token, StationId(station), EvseId(evse))
        return StartResult(started.status, station, evse)

    async def remote_stop(self, driver: DriverId, session: str) -> None:
        """Ask a pile to stop."""
        with self.clock.work():
            if await self.sessions.remote_stop(driver, SessionId(session)) != "Accepted":
                raise Conflict("the pile did not accept the stop")

    async def active_session(self, driver: DriverId) -> ActiveSession | None:
        """A driver's session under way."""
        account = await self.sessions.active(driver)
        return active_session(account) if account else None

    async def accept_voucher(self, driver: DriverId, session: str, cumulative: int, signature: bytes) -> ActiveSession:
        """Pay on."""
        with self.clock.work():
            account = await self.sessions.accept_voucher(driver, SessionId(session), cumulative, signature)
        return active_session(account)

    async def session_receipt(self, session: str) -> Mapping[str, Any] | None:
        """The receipt of a closed session."""
        found = await self.sessions.receipt(SessionId(session))
        return asdict(found) if found else None


def active_session(account: Account) -> ActiveSession:
    """A session under way, as its driver sees it."""
    session = account.session
    return ActiveSession(
        session=session.session,
        state=session.state,
        wh=session.wh,
        owed=session.owed,
        paid=session.paid,
        due_cumulative=account.due_cumulative,
        channel="0x" + session.channel.hex() if session.channel else None,
        price=session.price,
    )
