"""Tokens in the store: kept per tenant, found without regard to case, and what they have used counted."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.basics.scope import NODE
from sunpile.sessions.authorise import Place, verdict
from sunpile.sessions.tokens import Group, Token, TokenLimits, TokenPolicy, Use
from sunpile.store.session_desk import SqlDesk
from sunpile.store.tables import connectors, sessions, stations
from sunpile.store.tokens import TokenStore

NOW = int(datetime(2026, 3, 4, 12, 30, tzinfo=UTC).timestamp())
OTHER = replace(NODE, tenant="other")


def charged(connection, name, token, wh, at, state="ended", station="P1", price=200_000):
    connection.execute(
        insert(sessions).values(
            session=name,
            station=station,
            evse=1,
            id_token=token,
            ocpp_transaction=name,
            state=state,
            begun=True,
            started_at=at,
            last_at=at,
            wh=wh,
            price=price,
            owed=wh * price,
        )
    )


def two_stations(connection):
    for station, tenant in (("P1", "default"), ("P2", "other")):
        key = {"password_salt": b"", "password_hash": b""}
        connection.execute(insert(stations).values(station=station, tenant=tenant, max_w=11_000, **key))
        connection.execute(insert(connectors).values(station=station, evse=1, price=200_000))


@pytest.fixture
async def store(database):
    await database.write(two_stations)
    return TokenStore(database)


async def asked(database, token, station="P1", evse=1, session=None):
    place = Place(station, evse, NOW)
    return await database.read(lambda c: verdict(SqlDesk(c), token, session, 0, place))


async def test_a_token_is_found_by_any_spelling_and_only_by_its_tenant(store, database):
    assert await store.save(NODE, Token("04A1B2"), NOW) is None
    assert (await store.find(NODE, "04a1b2")).token == "04A1B2"
    with pytest.raises(NotFound):
        await store.find(OTHER, "04A1B2")
    assert (await asked(database, "04a1b2"))[0].status == "Accepted"
    assert (await asked(database, "04a1b2", station="P2"))[0].status == "Unknown"
    assert await store.save(NODE, Token("04A1B2", status="blocked"), NOW) == Token("04A1B2")
    answer, payer = await asked(database, "04a1b2")
    assert (answer.status, payer) == ("Blocked", None)


async def test_who_pays_by_contract_needs_no_channel(store, database):
    await store.save(NODE, Token("CARD1", limits=TokenLimits(concurrent=1)), NOW)
    answer, payer = await asked(database, "CARD1")
    assert (answer.status, payer.rail, payer.driver) == ("Accepted", "contract", None)
    await database.write(lambda c: charged(c, "s1", "card1", 5_000, NOW, state="active"))
    assert (await asked(database, "CARD1", session="s2"))[0].status == "ConcurrentTx"
    # Shown beside it, such as to stop it, the same token is as good as before.
    assert (await asked(database, "CARD1"))[0].status == "Accepted"


async def test_use_is_counted_by_local_day_and_month_and_never_over_tenants(store, database):
    def many(connection):
        charged(connection, "today", "card1", 1_000, NOW - 3_600)
        charged(connection, "month", "CARD1", 2_000, NOW - 3 * 86_400)
        charged(connection, "before", "CARD1", 4_000, NOW - 40 * 86_400)
        charged(connection, "theirs", "CARD1", 8_000, NOW, station="P2")
        charged(connection, "else", "CARD2", 16_000, NOW)

    await database.write(many)
    assert await store.use(NODE, "card1", NOW) == Use(0, 1_000, 3_000, 3_000 * 200_000, 7_000 * 200_000)


async def test_a_group_and_a_parent_are_limited_with_all_their_tokens(store, database):
    await store.save_group(NODE, Group("FLEET", limits=TokenLimits(wh_day=3_000)), NOW)
    boss = Token("BOSS", limits=TokenLimits(nano_month=1_000 * 200_000))
    await store.save_many(
        NODE, [boss, Token("A", group="FLEET"), Token("B", group="FLEET"), Token("C", parent="boss")], NOW
    )
    await database.write(lambda c: charged(c, "a", "A", 2_999, NOW))
    assert (await asked(database, "B"))[0].status == "Accepted"
    await database.write(lambda c: charged(c, "b", "b", 1, NOW))
    assert (await asked(database, "A"))[0].status == "NoCredit"
    assert (await asked(database, "A"))[0].parent == "FLEET"
    assert (await asked(database, "C"))[0].status == "Accepted"
    await database.write(lambda c: charged(c, "c", "C", 1_000, NOW))
    assert (await asked(database, "C"))[0].status == "NoCredit"


async def test_unknown_tokens_charge_only_where_the_tenant_says_so(store, database):
    assert (await asked(database, "NOBODY"))[0].status == "Unknown"
    await store.set_policy(NODE, TokenPolicy("accept"), NOW)
    answer, payer = await asked(database, "NOBODY")
    assert (answer.status, payer.rail) == ("Accepted", "contract")
    assert (await asked(database, "NOBODY", station="P2"))[0].status == "Unknown"


async def test_families_are_checked(store):
    with pytest.raises(InputInvalid, match="parent is not known"):
        await store.save(NODE, Token("A", parent="B"), NOW)
    with pytest.raises(InputInvalid, match="group is not known"):
        await store.save(NODE, Token("A", group="B"), NOW)
    await store.save_many(NODE, [Token("A"), Token("B", parent="A")], NOW)
    with pytest.raises(InputInvalid, match="circle"):
        await store.save(NODE, Token("A", parent="B"), NOW)
    with pytest.raises(InputInvalid, match="above others"):
        await store.remove(NODE, "A")
    await store.remove(NODE, "B")
    assert [token.token for token in await store.page(NODE)] == ["A"]


async def test_a_page_goes_on_after_a_token_and_finds_by_beginning(store):
    await store.save_many(NODE, [Token(f"T{n}", notes=f"van {n}") for n in range(5)], NOW)
    assert [t.token for t in await store.page(NODE, after="t1", limit=2)] == ["T2", "T3"]
    assert [t.token for t in await store.page(NODE, search="van 4")] == ["T4"]
    assert await store.page(NODE, search="%") == []
    assert await store.page(OTHER) == []
