"""Accounts and top-ups in SQL, on SQLite and PostgreSQL."""

import pytest

from sessions.memory import HandClock, channel
from sunpile.basics.errors import ChainUnreachable, Conflict, Unauthorised
from sunpile.money import Accounts, TopUps
from sunpile.money.ports import Balance
from sunpile.money.topups import SandboxRail
from sunpile.store.accounts import AccountDatabase
from sunpile.store.database import Database
from sunpile.store.sessions import SessionDatabase

ADDRESS = "0x" + "11" * 20


class Mint:
    def __init__(self):
        self.minted, self.reachable = [], True

    async def mint(self, address, amount, reference):
        if not self.reachable:
            raise ChainUnreachable("no chain")
        self.minted.append((address, amount, reference))


@pytest.fixture
def store(database: Database) -> AccountDatabase:
    return AccountDatabase(database)


async def test_an_account_is_known_by_its_key_and_not_by_the_keys_copy_in_the_store(store):
    accounts = Accounts(store, HandClock())
    account, key = await accounts.open()
    assert await accounts.authenticate(key) == account
    assert account.api_key_hash not in (key.encode(), key[4:].encode())
    with pytest.raises(Unauthorised):
        await accounts.authenticate(key + "x")


async def test_a_token_belongs_to_one_account(store):
    accounts = Accounts(store, HandClock())
    await accounts.open("card7")
    with pytest.raises(Conflict):
        await accounts.open("CARD7")


async def test_an_account_whose_key_got_lost_on_the_way_is_opened_again_while_it_is_unused(store):
    accounts = Accounts(store, HandClock())
    account, lost = await accounts.open("card7")
    again, key = await accounts.reopen("card7")
    assert again.driver == account.driver
    assert (await accounts.authenticate(key)).driver == account.driver
    with pytest.raises(Unauthorised):
        await accounts.authenticate(lost)
    await TopUps(store, [SandboxRail()], Mint(), HandClock()).begin("sandbox", 100, ADDRESS, account.driver, "r1")
    with pytest.raises(Conflict):
        await accounts.reopen("card7")
    assert (await accounts.authenticate(key)).driver == account.driver
    with pytest.raises(Conflict):
        await accounts.reopen("nobody's")


async def test_a_top_up_is_minted_once_whatever_is_repeated(store):
    mint = Mint()
    top_ups = TopUps(store, [SandboxRail()], mint, HandClock())
    one = await top_ups.begin("sandbox", 2500, ADDRESS, "d1", "ref-1")
    again = await top_ups.begin("sandbox", 2500, ADDRESS, "d1", "ref-1")
    assert one == again
    assert (one.state, one.nano) == ("minted", 25_000_000_000)
    assert mint.minted == [(ADDRESS, 25_000_000_000, "ref-1")]
    with pytest.raises(Conflict):
        await top_ups.begin("sandbox", 2501, ADDRESS, "d1", "ref-1")


async def test_a_top_up_waits_for_the_chain_and_goes_on(store):
    mint = Mint()
    mint.reachable = False
    top_ups = TopUps(store, [SandboxRail()], mint, HandClock())
    assert (await top_ups.begin("sandbox", 100, ADDRESS, None, "ref-2")).state == "confirmed"
    assert [t.reference for t in await store.unfinished()] == ["ref-2"]
    mint.reachable = True
    assert (await top_ups.advance("ref-2")).state == "minted"
    assert not await store.unfinished()


async def test_the_balance_says_where_the_money_is(store, database):
    accounts = Accounts(store, HandClock())
    account, _ = await accounts.open()
    top_ups = TopUps(store, [SandboxRail()], Mint(), HandClock())
    await top_ups.begin("sandbox", 100, ADDRESS, account.driver)
    known = channel(ADDRESS, account.driver, deposit=10**9, best=300, owed=200)
    await SessionDatabase(database).save_channel(known, 0)
    assert await accounts.balance(account.driver) == Balance(10**9, 0, 10**9, 300, 200)
