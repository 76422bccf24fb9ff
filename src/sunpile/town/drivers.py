"""Drivers: an account, money, a channel, and a voucher each time the session wants one."""

from typing import Any

from sunpile.town import signing
from sunpile.town.api import ApiRefused, NodeApi
from sunpile.town.cars import Visit
from sunpile.town.pile import Pile
from sunpile.town.scenario import DriverPlan, PilePlan
from sunpile.town.scheduler import Phase, Scheduler
from sunpile.town.signing import Domains

CENT = 10_000_000
"""Nano in the currency's minor unit."""
PAID_STEPS = 3
"""Vouchers a late payer sends before it stops."""


class Driver:
    """One driver with a phone. Refusals are counted, not fatal: people see them on their screens."""

    def __init__(
        self, plan: DriverPlan, node: NodeApi, domains: Domains, scheduler: Scheduler, piles: dict[str, Pile]
    ) -> None:
        self.plan = plan
        self._node, self._domains, self._scheduler, self._piles = node, domains, scheduler, piles
        self._api_key = ""
        self._channel = ""
        self._signed = 0
        self._session: str | None = None
        self.vouchers = 0
        """Vouchers accepted."""
        self.refused: list[str] = []
        """What the node refused, in its words."""

    @property
    def key(self) -> str:
        """Name in the scheduler."""
        return f"driver {self.plan.number}"

    async def sign_up(self, info: dict[str, Any], stations: dict[str, PilePlan]) -> None:
        """Account, top-up, channel, before the play begins."""
        card = await self._node.post_as_admin("/api/drivers", {"id_token": self.plan.id_token})
        self._api_key = card["api_key"]
        cost = sum(visit.energy_wh * stations[station].price for station, visit in self.plan.visits)
        # A fifth more than the day will cost, and at least some vouchers ahead; residents keep a cent.
        minor = 1 if self.plan.resident else cost * 12 // 10 // CENT + 500
        wallet = self.plan.wallet
        reference = f"driver-{wallet.address[2:]}"
        top_up = {"rail": "sandbox", "minor": minor, "address": wallet.address, "reference": reference}
        await self._node.post("/api/top-ups", top_up, self._api_key)
        await self._node.wait_for_money(info["contracts"]["SettlementToken"], wallet.address, minor * CENT)
        body = signing.channel(
            self._domains, wallet, self.plan.session_key.address, info["payee"].lower(), minor * CENT
        )
        opened = await self._node.post("/api/channels", body, self._api_key)
        self._channel = opened["channel"]

    def notice(self, station: str, visit: Visit, what: str) -> None:
        """Something happened to the driver's car: see to it in a moment."""
        if what == "plugged":
            self._scheduler.soon(Phase.PERSON, self.key, lambda t: self._start(station, visit, t))
        elif not self.plan.resident:
            self._scheduler.soon(Phase.PERSON, self.key, lambda t: self._pay(what == "ended"))

    async def _start(self, station: str, visit: Visit, when: int) -> None:
        pile = self._piles[station]
        evse = pile.evses[visit.evse - 1]
        if visit.by_app:
            await self._node.get(f"/api/quote?station={station}&evse={visit.evse}")
            body = {"station": station, "evse": visit.evse}
            await self._try("/api/sessions", body)
        else:
            token = self.plan.id_token
            self._scheduler.soon(Phase.PILE, station, lambda t: pile.card(evse, token, t))

    async def _try(self, path: str, body: dict[str, Any]) -> Any:
        try:
            return await self._node.post(path, body, self._api_key)
        except ApiRefused as fault:
            self.refused.append(f"{path}: {fault}")
            return None

    async def _pay(self, ended: bool) -> None:
        """Send the voucher the session waits for; after the end, what is still owed."""
        if self.plan.stops_paying and self.vouchers >= PAID_STEPS:
            return
        due = await self._due(ended)
        if due is None or due <= self._signed or self._session is None:
            return
        signature = signing.voucher(self._domains, self.plan.session_key, bytes.fromhex(self._channel[2:]), due)
        path = f"/api/sessions/{self._session}/vouchers"
        if await self._try(path, {"cumulative": due, "signature": signature}) is not None:
            self._signed = due
            self.vouchers += 1

    async def _due(self, ended: bool) -> int | None:
        try:
            active = await self._node.get("/api/me/session", self._api_key)
            self._session = active["session"]
            return int(active["due_cumulative"])
        except ApiRefused as fault:
            if fault.status != 404 or not ended or self._session is None:
                return None
        view = await self._node.get(f"/api/sessions/{self._session}", self._api_key)
        missing = int(view["owed"]) - int(view["paid"])
        return self._signed + missing if missing > 0 else None
