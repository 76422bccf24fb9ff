"""Drivers' accounts: random ids, random keys, nothing about the person."""

import hashlib
import secrets

from sunpile.basics.errors import Conflict, InputInvalid, NotFound, Unauthorised
from sunpile.basics.ids import DriverId, IdToken
from sunpile.basics.ports import Clock
from sunpile.money.ports import AccountRecord, AccountStore, Balance

ID_TOKEN_MAX = 20
"""Longest idTag of OCPP 1.6 (CiString20); a token must work at every pile."""


def hash_key(api_key: str) -> bytes:
    """What is kept of a bearer key. It is random and long, so one sha256 is enough."""
    return hashlib.sha256(api_key.encode()).digest()


class Accounts:
    """Open an account, recognise who comes back."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def open(self, id_token: str | None = None, pays: bool = True) -> tuple[AccountRecord, str]:
        """A new account and its bearer key, which is shown only now.

        Raises
        ------
        InputInvalid
            if a pile could not show the token.
        Conflict
            if the token belongs to another account.
        """
        token = _token(id_token if id_token is not None else secrets.token_hex(8))
        api_key = _new_key()
        account = AccountRecord(DriverId(secrets.token_hex(12)), token, hash_key(api_key), pays)
        await self._store.add_account(account, self._clock.now())
        return account, api_key

    async def reopen(self, id_token: str) -> tuple[AccountRecord, str]:
        """The token's account again, with another bearer key: for whoever opened it and never heard the answer.

        Raises
        ------
        Conflict
            if the account is in use: money has gone in, or a channel is open.
        """
        api_key = _new_key()
        account = await self._store.renew_key(_token(id_token), hash_key(api_key))
        if account is None:
            raise Conflict("the id token belongs to another account")
        return account, api_key

    async def authenticate(self, api_key: str) -> AccountRecord:
        """Whose key is this?

        Raises
        ------
        Unauthorised
            if it is nobody's.
        """
        account = await self._store.by_key(hash_key(api_key))
        if account is None:
            raise Unauthorised("this key belongs to no account")
        return account

    async def account(self, driver: DriverId) -> AccountRecord:
        """An account by its id."""
        account = await self._store.account(driver)
        if account is None:
            raise NotFound("there is no such account")
        return account

    async def balance(self, driver: DriverId) -> Balance:
        """Where the account's money is."""
        return await self._store.balance(driver)


def _new_key() -> str:
    return "spd_" + secrets.token_urlsafe(32)


def _token(text: str) -> IdToken:
    token = text.upper()
    if not 1 <= len(token) <= ID_TOKEN_MAX or not token.isascii() or not token.isprintable():
        raise InputInvalid(f"an id token is 1 to {ID_TOKEN_MAX} printable ASCII characters")
    return IdToken(token)
