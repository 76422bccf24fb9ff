"""The audit log: whoever tampers with it is found, each tenant sees its own, a spreadsheet computes nothing."""

import csv
import io
import json
from typing import Any

import pytest
from sqlalchemy import delete, update
from tests.identity.offices import Offices

from sunpile.basics.scope import NODE, Scope
from sunpile.identity.ports import AuditSearch
from sunpile.identity.trail import GENESIS, Entry, canonical, check, entry_hash
from sunpile.store.identity_tables import audit_heads, audit_log

STAFF = Scope("default", "staff:a", NODE.permissions)
OTHER = Scope("other", "staff:b", NODE.permissions)


async def fill(offices: Offices) -> None:
    for number in range(5):
        offices.clock.time += 10
        scope = OTHER if number == 4 else STAFF
        await offices.audit.record(
            scope, "station.change", f"station:SP-{number}", {"max_w": number}, {"max_w": 1}, "r"
        )


def tamper(offices: Offices, *statements: Any) -> None:
    with offices.house.database.engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


async def test_untouched_log_is_whole(offices: Offices) -> None:
    await fill(offices)
    for scope, count in ((STAFF, 4), (OTHER, 1)):
        verdict = await offices.audit.verify(scope)
        assert (verdict.records, verdict.broken_at) == (count, None)
    assert (await offices.audit.verify(Scope("nobody", "x", NODE.permissions))).broken_at is None


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "staff:z"), ("object", "station:SP-9"), ("before", "null"), ("after", "{}"), ("at", 1), ("reason", ""),
     ("hash", b"x" * 32), ("previous", b"x" * 32), ("action", "x")],
)  # fmt: skip
async def test_changed_record_is_found(offices: Offices, column: str, value: Any) -> None:
    await fill(offices)
    of_two = audit_log.c.number == 2
    tamper(offices, update(audit_log).where(audit_log.c.tenant == "default", of_two).values({column: value}))
    assert (await offices.audit.verify(STAFF)).broken_at == 2


async def test_record_changed_with_a_new_hash_of_its_own_is_found(offices: Offices) -> None:
    await fill(offices)
    [second] = [entry for entry in await offices.audit.search(STAFF, AuditSearch()) if entry.number == 2]
    forged = Entry(**{**{name: getattr(second, name) for name in second.__slots__}, "reason": "forged"})
    values = {"reason": "forged", "hash": entry_hash(forged)}
    tamper(offices, update(audit_log).where(audit_log.c.tenant == "default", audit_log.c.number == 2).values(values))
    assert (await offices.audit.verify(STAFF)).broken_at == 3


@pytest.mark.parametrize("number", [1, 3, 4])
async def test_record_taken_out_is_found(offices: Offices, number: int) -> None:
    await fill(offices)
    tamper(offices, delete(audit_log).where(audit_log.c.tenant == "default", audit_log.c.number == number))
    assert (await offices.audit.verify(STAFF)).broken_at == number


async def test_log_cut_short_with_its_head_differs_from_the_head_noted_before(offices: Offices) -> None:
    await fill(offices)
    noted = (await offices.audit.verify(STAFF)).head
    third = next(entry for entry in await offices.audit.search(STAFF, AuditSearch()) if entry.number == 3)
    tamper(
        offices,
        delete(audit_log).where(audit_log.c.tenant == "default", audit_log.c.number == 4),
        update(audit_heads).where(audit_heads.c.tenant == "default").values(number=3, hash=third.hash),
    )
    verdict = await offices.audit.verify(STAFF)
    assert verdict.broken_at is None
    assert verdict.head != noted


async def test_record_put_in_between_is_found() -> None:
    entry = Entry("t", 1, 1, "a", "b", "c", "null", "null", "", GENESIS, b"")
    assert check([entry, entry], (2, b"")).broken_at == 1


async def test_search_by_who_what_when(offices: Offices) -> None:
    await fill(offices)
    await offices.audit.record(NODE, "station.add", "station:SP-7")
    begun = offices.clock.time - 50

    async def numbers(**wanted: Any) -> list[int]:
        return [entry.number for entry in await offices.audit.search(STAFF, AuditSearch(**wanted))]

    assert await numbers() == [5, 4, 3, 2, 1]
    assert await numbers(actor="node") == [5]
    assert await numbers(action="station.ch") == [4, 3, 2, 1]
    assert await numbers(action="%") == []
    assert await numbers(object="station:SP-2") == [3]
    assert await numbers(since=begun + 20, until=begun + 40) == [3, 2]
    assert await numbers(before=3, limit=1) == [2]


async def test_export_arms_no_formula(offices: Offices) -> None:
    await offices.audit.record(NODE, "x", '=HYPERLINK("http://evil.example")', None, None, '-1+"a",b\nc')
    key = await offices.key("manage")
    answer = offices.answer("GET", "/api/audit.csv?action=x", key=key)
    [header, row] = list(csv.reader(io.StringIO(answer.text)))
    found = dict(zip(header, row, strict=True))
    assert found["object"] == '\'=HYPERLINK("http://evil.example")'
    assert found["reason"] == '\'-1+"a",b\nc'
    assert found["number"] == "1"


async def test_routes_tell_whether_the_log_is_whole(offices: Offices) -> None:
    await fill(offices)
    key = await offices.key("manage")
    assert offices.answer("GET", "/api/audit/verify", key=key).json()["broken_at"] is None
    records = offices.answer("GET", "/api/audit?action=station", key=key).json()
    assert [record["number"] for record in records] == [4, 3, 2, 1]
    assert json.loads(records[0]["before"]) == {"max_w": 3}


async def test_what_staff_do_is_recorded_without_names_and_secrets(offices: Offices) -> None:
    _, cookie = await offices.passkey("manager")
    body = {"name": "Erika Mustermann", "email": "erika@example.org", "role": "viewer"}
    offices.answer("POST", "/api/staff", cookie, json=body)
    made = offices.answer("POST", "/api/keys", cookie, json={"label": "k", "permissions": ["read"]}).json()
    found = await offices.audit.search(NODE, AuditSearch())
    assert {"staff.add", "staff.invite", "passkey.add", "signin", "key.add"} <= {entry.action for entry in found}
    text = repr(found)
    assert "Erika" not in text
    assert "erika@" not in text
    assert made["secret"] not in text


def test_canonical_json_is_the_same_whatever_the_order() -> None:
    assert canonical({"b": {3, 1, 2}, "a": b"\x01"}) == canonical({"a": b"\x01", "b": {2, 3, 1}})
    assert canonical(None) == "null"
