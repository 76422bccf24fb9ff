"""What this chapter needs from others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sunpile.basics.ids import Address, DriverId, IdToken
from sunpile.basics.units import Nano


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money on its way in."""

    reference: str
    """The rail's reference; minted once."""
    rail: str
    """Name of the rail."""
    driver: DriverId | None
    """Account that asked; None for a point's owner."""
    address: Address
    """Who receives the tokens."""
    minor: int
    """Amount in minor units of the currency."""
    nano: Nano
    """The same amount [nano]."""
    state: str
    """pending, confirmed, minted or failed."""


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A driver's account as it is kept."""

    driver: DriverId
    """Account id; says nothing about the person."""
    id_token: IdToken
    """What is shown to the pile."""
    api_key_hash: bytes
    """sha256 of the bearer key."""
    pays: bool
    """False for a pile owner's own car."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a driver's money is."""

    topped_up: Nano
    """Minted to the driver [nano]."""
    pending: Nano
    """On its way in [nano]."""
    deposits: Nano
    """Locked in open channels [nano]."""
    promised: Nano
    """Of the deposits, given away by vouchers [nano]."""
    owed: Nano
    """For energy metered on those channels [nano]."""


class Rail(Protocol):
    """A way for money to come in."""

    @property
    def name(self) -> str: ...
    async def begin(self, reference: str, minor: int, currency: str) -> None:
        """Ask for a payment of `minor` units under `reference`; asking again changes nothing."""
        ...

    async def state(self, reference: str) -> str:
        """pending, confirmed or failed. Raises `Unreachable` when the rail does not answer: it stays pending."""
        ...


class Mint(Protocol):
    """Makes tokens for money that has come in."""

    async def mint(self, address: Address, amount: Nano, reference: str) -> None:
        """Return when it is final; a reference that was minted before changes nothing."""
        ...


class TopUpStore(Protocol):
    """Keeps top-ups. Every call returns when it is durable."""

    async def add_top_up(self, top_up: TopUp, now: int) -> TopUp:
        """Keep it; return the one known under its reference if there is one."""
        ...

    async def top_up(self, reference: str) -> TopUp | None: ...
    async def set_state(self, reference: str, state: str) -> None: ...
    async def unfinished(self) -> Sequence[TopUp]:
        """Those pending or confirmed."""
        ...


class AccountStore(Protocol):
    """Keeps accounts. Every call returns when it is durable."""

    async def renew_key(self, id_token: IdToken, api_key_hash: bytes) -> AccountRecord | None:
        """Give the token's account another key, if it has neither topped up nor opened a channel; else None."""
        ...

    async def add_account(self, account: AccountRecord, now: int) -> None:
        """Raises `Conflict` if the token is taken."""
        ...

    async def by_key(self, api_key_hash: bytes) -> AccountRecord | None: ...
    async def account(self, driver: DriverId) -> AccountRecord | None: ...
    async def balance(self, driver: DriverId) -> Balance: ...
