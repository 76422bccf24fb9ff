"""A move is written whole or not at all, twice is the same as once, and nothing of another tenant is touched."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, select, update
from tests.fleet.moving.dumps import Cell, dump, row, small, start, station, stop
from tests.sessions.talk import meter, stop16

from sunpile.basics.ids import SessionId
from sunpile.chargers.access import password_hash
from sunpile.fleet.moving.dump import read_dump
from sunpile.fleet.moving.model import Fleet, Moved
from sunpile.fleet.moving.past import PastRules
from sunpile.fleet.moving.steve import TABLES, read_steve
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.model import Session, SessionRules
from sunpile.sessions.session import Fresh, Turn, decide
from sunpile.sessions.tokens import decide_authorisation
from sunpile.store.database import Database
from sunpile.store.every_table import metadata
from sunpile.store.identity_tables import audit_log
from sunpile.store.moving import Move, MoveRules
from sunpile.store.session_desk import read_session
from sunpile.store.sessions import SessionDatabase
from sunpile.store.tables import cdrs, connectors, sessions, stations
from sunpile.store.tariffs import price_with
from sunpile.store.token_tables import reservations, tokens
from sunpile.store.tokens import shown

NOW = 1_790_900_000
NINE = 1_788_253_200
"""2026-09-01 09:00 UTC."""
RULES = MoveRules("default", PastRules("SteVe", NOW, 900, "EUR"))


@pytest.fixture
def engine(database: Database) -> Engine:
    return database.engine


def steve(rows: Mapping[str, Sequence[Sequence[Cell]]]) -> Fleet:
    return read_steve(read_dump(dump(rows), TABLES))


def move(engine: Engine, fleet: Fleet, rules: MoveRules = RULES) -> Moved:
    with engine.connect() as connection, connection.begin() as transaction:
        report = Move(connection, fleet, rules, lambda what, done, total: None).run()
        if rules.dry_run:
            transaction.rollback()
    return report


def everything(engine: Engine) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all())) for table in metadata.sorted_tables
        }


def all_of(engine: Engine, table: Any) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table)).all())


def test_a_fleet_comes_over(engine: Engine) -> None:
    report = move(engine, steve(small()))
    found = {name: (tally.found, tally.moved) for name, tally in report.tallies.items()}
    assert found == {
        "stations": (1, 1), "connectors": (2, 2), "groups": (1, 1), "tokens": (2, 2), "sessions": (2, 2),
        "records": (2, 2), "reservations": (0, 0),
    }  # fmt: skip
    (one,) = all_of(engine, stations)
    password = bytes.fromhex(report.passwords["SP-1"])
    assert bytes(one.password_hash) == password_hash(bytes(one.password_salt), password)
    assert (one.security_profile, one.max_w, one.tenant) == (1, 22_000, "default")
    assert sorted(each.evse for each in all_of(engine, connectors)) == [1, 2]
    with engine.connect() as connection:
        read = [read_session(each) for each in connection.execute(select(*(sessions.c[n] for n in Session._fields)))]
    assert {(each.wh, each.owed, each.state) for each in read} == {(10_000, 0, "ended"), (1_000, 0, "ended")}
    records = [Cdr.from_json(each.body) for each in all_of(engine, cdrs)]
    assert {(each.total_energy, each.total_cost, each.currency) for each in records} == {
        (10_000, 0, "EUR"),
        (1_000, 0, "EUR"),
    }
    assert [(each.action, each.object, each.actor) for each in all_of(engine, audit_log)] == [
        ("fleet.move", "SteVe", "node")
    ]


def test_moving_twice_changes_nothing(engine: Engine) -> None:
    fleet = steve(small())
    move(engine, fleet)
    before = everything(engine)
    again = move(engine, fleet, replace(RULES, past=replace(RULES.past, now=NOW + 500)))
    assert everything(engine) == before
    assert again.passwords == {}
    assert {(tally.moved, tally.changed, tally.refused) for tally in again.tallies.values()} == {(0, 0, 0)}
    assert again.tallies["sessions"].known == 2


def test_a_dry_run_writes_nothing_and_tells_no_password(engine: Engine) -> None:
    before = everything(engine)
    report = move(engine, steve(small()), replace(RULES, dry_run=True))
    assert everything(engine) == before
    assert (report.passwords, report.tallies["stations"].moved) == ({}, 1)


def test_a_move_that_fails_half_way_leaves_nothing(engine: Engine) -> None:
    before = everything(engine)

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "INSERT INTO cdrs" in statement:
            raise RuntimeError("power failure")

    event.listen(engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(RuntimeError, match="power failure"):
            move(engine, steve(small()))
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert everything(engine) == before


def test_an_identity_of_another_tenant_is_a_problem_and_its_sessions_stay_out(engine: Engine) -> None:
    row_ = {"station": "SP-1", "tenant": "other", "password_salt": b"s", "password_hash": b"h", "max_w": 1}
    with engine.begin() as connection:
        connection.execute(insert(stations).values(row_))
    report = move(engine, steve(small()))
    (one,) = all_of(engine, stations)
    assert (one.tenant, bytes(one.password_hash)) == ("other", b"h")
    assert (all_of(engine, sessions), all_of(engine, connectors)) == ([], [])
    told = {(problem.which, problem.why) for problem in report.problems if problem.lost}
    assert ("SP-1", "its identity is taken by another tenant of this node: give the station a new one") in told
    assert ("1", "its station has not come") in told
    assert (report.tallies["stations"].refused, report.tallies["sessions"].refused) == (1, 2)


def test_what_staff_changed_here_stays(engine: Engine) -> None:
    fleet = steve(small())
    move(engine, fleet)
    with engine.begin() as connection:
        connection.execute(update(tokens).where(tokens.c.token == "AA01").values(status="blocked"))
        connection.execute(update(stations).values(security_profile=3, registration="Rejected"))
    before = everything(engine)
    report = move(engine, fleet)
    assert everything(engine) == before
    assert ("AA01", "it is here already and differs: it was left as it is here") in {
        (problem.which, problem.why) for problem in report.problems
    }


def test_a_later_dump_ends_what_was_running_and_brings_what_is_new(engine: Engine) -> None:
    rows = small()
    rows["transaction_start"].append(start(3, 2, start_timestamp="2026-10-01 11:00:00", id_tag="AA01"))
    move(engine, steve(rows))
    running = [each for each in all_of(engine, sessions) if each.state == "active"]
    assert [(each.ocpp_transaction, each.start_wh, each.pays) for each in running] == [("3", 1000, False)]
    rows["transaction_stop"].append(stop(3, stop_timestamp="2026-10-01 12:00:00", stop_value="8000"))
    rows["transaction_start"].append(start(4, 3, start_timestamp="2026-10-01 11:00:00"))
    rows["ocpp_tag"].append(row("ocpp_tag", ocpp_tag_pk=3, id_tag="NEW", max_active_transaction_count=1))
    report = move(engine, steve(rows))
    found = {each.ocpp_transaction: (each.state, each.wh) for each in all_of(engine, sessions)}
    assert found == {"1": ("ended", 10_000), "2": ("ended", 1_000), "3": ("ended", 7_000), "4": ("active", 0)}
    tally = report.tallies["sessions"]
    assert (tally.moved, tally.changed, tally.known, report.tallies["tokens"].moved) == (1, 1, 2, 1)
    assert len(all_of(engine, cdrs)) == 3


def test_a_session_that_ended_here_is_not_ended_by_the_old_system(engine: Engine) -> None:
    rows = small() | {"transaction_stop": []}
    rows["transaction_start"] = [start(3, 2, start_timestamp="2026-10-01 11:00:00")]
    move(engine, steve(rows))
    with engine.begin() as connection:
        connection.execute(update(sessions).values(state="ended", wh=9_999))
    rows["transaction_stop"] = [stop(3, stop_timestamp="2026-10-01 12:00:00", stop_value="8000")]
    move(engine, steve(rows))
    assert [each.wh for each in all_of(engine, sessions)] == [9_999]


def test_a_number_already_used_by_a_session_here_is_a_problem(engine: Engine) -> None:
    rows = small()
    move(engine, steve(rows | {"transaction_start": [], "transaction_stop": []}))
    with engine.begin() as connection:
        connection.execute(
            insert(sessions).values(
                session="s", station="SP-1", evse=1, ocpp_transaction="1", state="ended", begun=True, price=0,
                started_at=1, last_at=1,
            )
        )  # fmt: skip
    report = move(engine, steve(rows))
    assert ("1", "a session of its station here has its number already") in {
        (problem.which, problem.why) for problem in report.problems
    }
    assert {each.session for each in all_of(engine, sessions) if each.ocpp_transaction == "1"} == {"s"}


@pytest.mark.parametrize(("let_open", "least", "profile"), [(False, 1, 1), (False, 2, 2), (True, 1, 0), (True, 2, 0)])
def test_a_station_without_a_password_stays_open_only_if_wished(
    engine: Engine, let_open: bool, least: int, profile: int
) -> None:
    report = move(engine, steve(small()), replace(RULES, let_open=let_open, least_profile=least))
    assert [each.security_profile for each in all_of(engine, stations)] == [profile]
    told = [problem.why for problem in report.problems if "no password" in problem.why]
    assert len(told) == (0 if let_open else 1)


def test_moved_tokens_are_answered_as_before(engine: Engine) -> None:
    rows = small()
    rows["ocpp_tag"] += [
        row("ocpp_tag", ocpp_tag_pk=3, id_tag="GONE", max_active_transaction_count=0),
        row(
            "ocpp_tag", ocpp_tag_pk=4, id_tag="LATE", max_active_transaction_count=1, expiry_date="2026-01-01 00:00:00"
        ),
        row("ocpp_tag", ocpp_tag_pk=5, id_tag="BUSY", max_active_transaction_count=1),
    ]
    rows["transaction_start"].append(start(3, 2, start_timestamp="2026-10-01 11:00:00", id_tag="BUSY"))
    move(engine, steve(rows))

    def answer(token: str) -> tuple[str, str | None]:
        with engine.connect() as connection:
            found = shown(connection, token, "SP-1", 1, NOW, None)
        assert found is not None
        decided = decide_authorisation(found.facts, found.asked)
        return decided.status, decided.parent

    assert answer("aa01") == ("Accepted", "FAMILY")
    assert [answer(token)[0] for token in ("GONE", "LATE", "BUSY", "NOBODY")] == [
        "Blocked", "Expired", "ConcurrentTx", "Unknown",
    ]  # fmt: skip


def test_reservations_that_still_stand_come_over_with_their_group(engine: Engine) -> None:
    rows = small()
    rows["reservation"] = [
        row("reservation", reservation_pk=4, evse_pk=2, id_tag="AA01", status="ACCEPTED",
            expiry_datetime="2027-01-01 00:00:00"),
        row("reservation", reservation_pk=5, evse_pk=2, id_tag="AA01", status="ACCEPTED",
            expiry_datetime="2026-01-01 00:00:00"),
    ]  # fmt: skip
    report = move(engine, steve(rows))
    (one,) = all_of(engine, reservations)
    assert (one.reservation, one.station, one.evse, one.token_group, one.state) == (4, "SP-1", 1, "FAMILY", "made")
    tally = report.tallies["reservations"]
    assert (tally.found, tally.moved, tally.refused) == (2, 1, 1)
    assert move(engine, steve(rows)).tallies["reservations"].known == 1


def test_every_row_read_is_counted_once(engine: Engine) -> None:
    rows = small()
    rows["charge_box"] += [station("bad name", 2), station("SP-3", 3)]
    rows["evse"] += [[8, "bad name", 1], [9, "SP-3", 1]]
    rows["transaction_start"] += [start(3, 8), start(4, 9), start(5, 9, start_value="no number")]
    report = move(engine, steve(rows))
    assert report.tallies["stations"].found == len(rows["charge_box"])
    assert report.tallies["sessions"].found == len(rows["transaction_start"])
    assert report.tallies["tokens"].found == len(rows["ocpp_tag"])
    without = {problem.which: problem.why for problem in report.problems if "without a record" in problem.why}
    assert without == {
        "4": "it came without a record: no stop",
        "5": "it came without a record: no register at the start, no stop",
    }


async def told(database: Database, event: Any, at: int) -> Any:
    """A station's message, decided and kept as the node does."""
    turn = (at, SessionRules(), Fresh(SessionId("fresh"), 4711))
    store = SessionDatabase(database, price_with("EUR"))
    return (await store.transact(lambda desk: decide(Turn(desk, *turn), event), at, event.station)).answer


async def test_a_session_under_way_is_ended_here_by_its_station_and_costs_nothing(database: Database) -> None:
    rows = small() | {"transaction_stop": []}
    rows["transaction_start"] = [start(3, 2, start_timestamp="2026-10-01 11:00:00")]
    move(database.engine, steve(rows))
    begin = 1_790_852_400
    await told(database, meter(begin + 1800, 6_000, station="SP-1", transaction="3"), begin + 1800)
    await told(database, stop16(3, begin + 3600, 8_000, station="SP-1"), begin + 3600)
    (one,) = all_of(database.engine, sessions)
    assert (one.state, one.wh, one.owed, one.held_reason, one.stop_reason) == ("ended", 7_000, 0, None, "Local")
    (record,) = all_of(database.engine, cdrs)
    cdr = Cdr.from_json(record.body)
    assert (cdr.total_energy, cdr.total_cost, cdr.meter_start, cdr.meter_stop) == (7_000, 0, 1_000, 8_000)
    before = everything(database.engine)
    rows["transaction_stop"] = [stop(3, stop_timestamp="2026-10-01 12:00:00", stop_value="8000")]
    move(database.engine, steve(rows))
    assert everything(database.engine) == before


async def test_a_late_stop_of_a_session_that_came_closed_is_answered_and_changes_nothing(database: Database) -> None:
    move(database.engine, steve(small()))
    before = all_of(database.engine, sessions)
    await told(database, stop16(1, NINE, 11_000, station="SP-1"), NOW)
    assert all_of(database.engine, sessions) == before
    assert len(all_of(database.engine, cdrs)) == 2
