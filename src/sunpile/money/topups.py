"""Top-ups: a rail confirms money, then as many tokens are minted, once per reference.

Each step is durable before the next: the reference is kept before the rail is asked, `confirmed` before tokens are
minted. After a crash `run` takes up whatever is unfinished; both sides know the reference, so nothing happens twice.
"""

import secrets
from collections.abc import Iterable
from contextlib import suppress

from sunpile.basics.errors import ChainRefused, Conflict, InputInvalid, NotFound, Unreachable
from sunpile.basics.ids import Address, DriverId
from sunpile.basics.ports import Clock
from sunpile.basics.units import NANO_PER_UNIT, Nano
from sunpile.money.ports import Mint, Rail, TopUp, TopUpStore

RETRY_S = 60
"""Between two looks at unfinished top-ups [s]."""
REFERENCE_MAX = 64


def nano_of(minor: int, exponent: int = 2) -> Nano:
    """Minor units of a currency with `exponent` decimals (ISO 4217) as nano-currency, exact.

    >>> nano_of(1250)
    12500000000
    """
    if not 0 <= exponent <= 9:
        raise InputInvalid("a currency has 0 to 9 decimals")
    return Nano(minor * (NANO_PER_UNIT // 10**exponent))


class SandboxRail:
    """A rail without money: it confirms at once. For towns, tests and first steps."""

    name = "sandbox"

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}

    async def begin(self, reference: str, minor: int, currency: str) -> None:
        """See `Rail.begin`."""
        if self._asked.setdefault(reference, minor) != minor:
            raise Conflict("the reference is known with another amount")

    async def state(self, reference: str) -> str:
        """See `Rail.state`."""
        return "confirmed"


class TopUps:
    """Money in."""

    def __init__(
        self,
        store: TopUpStore,
        rails: Iterable[Rail],
        mint: Mint,
        clock: Clock,
        currency: str = "EUR",
        exponent: int = 2,
        minor_max: int = 1_000_000,
    ) -> None:
        self._store, self._mint, self._clock = store, mint, clock
        self._rails = {rail.name: rail for rail in rails}
        self._currency, self._exponent, self._minor_max = currency, exponent, minor_max

    async def begin(
        self, rail: str, minor: int, address: Address, driver: DriverId | None = None, reference: str | None = None
    ) -> TopUp:
        """Start a top-up, and finish it if the rail confirms at once. The same reference again is the same top-up.

        Raises
        ------
        InputInvalid
            for an unknown rail, an amount out of range or a malformed reference.
        Conflict
            if the reference is known with other content.
        """
        if rail not in self._rails:
            raise InputInvalid(f"there is no rail {rail!r}; there is: {', '.join(sorted(self._rails)) or 'none'}")
        if not 0 < minor <= self._minor_max:
            raise InputInvalid(f"a top-up is from 1 to {self._minor_max} minor units")
        name = reference or f"{rail}-{secrets.token_hex(12)}"
        if len(name) > REFERENCE_MAX or not name.isascii() or not name.isprintable():
            raise InputInvalid(f"a reference is at most {REFERENCE_MAX} printable ASCII characters")
        wanted = TopUp(name, rail, driver, address, minor, nano_of(minor, self._exponent), "pending")
        known = await self._store.add_top_up(wanted, self._clock.now())
        if (known.rail, known.driver, known.address, known.minor) != (rail, driver, address, minor):
            raise Conflict("the reference is known with other content")
        return await self._advance(known)

    async def get(self, reference: str) -> TopUp:
        """A top-up by its reference."""
        known = await self._store.top_up(reference)
        if known is None:
            raise NotFound("there is no such top-up")
        return known

    async def advance(self, reference: str) -> TopUp:
        """Take a top-up as far as it goes now."""
        return await self._advance(await self.get(reference))

    async def _advance(self, top_up: TopUp) -> TopUp:
        try:
            if top_up.state == "pending":
                rail = self._rails[top_up.rail]
                await rail.begin(top_up.reference, top_up.minor, self._currency)
                state = await rail.state(top_up.reference)
                if state != "pending":
                    await self._store.set_state(top_up.reference, state)
            top_up = await self.get(top_up.reference)
            if top_up.state == "confirmed":
                await self._mint.mint(top_up.address, top_up.nano, top_up.reference)
                await self._store.set_state(top_up.reference, "minted")
        except Unreachable:
            pass  # it stays as it is: unknown is not failed, and never asked for under a new reference
        return await self.get(top_up.reference)

    async def run(self) -> None:
        """Until cancelled: take up what is unfinished."""
        while True:
            with self._clock.work():
                for top_up in await self._store.unfinished():
                    with suppress(ChainRefused):  # a minter without allowance: the others go on, this one waits
                        await self._advance(top_up)
            await self._clock.sleep_until(self._clock.now() + RETRY_S)
