"""Rules of alerts in SQL: each tenant has its own, however long its name is."""

import pytest

from sunpile.basics.errors import NotFound
from sunpile.basics.scope import NODE, Scope
from sunpile.fleet.alerts import Rule
from sunpile.store.alerts import AlertStore
from sunpile.store.database import Database


async def test_rules_of_tenants_with_long_names_do_not_take_each_others_place(database: Database) -> None:
    store = AlertStore(database)
    tenants = ("t" * 48, "t" * 47 + "u", "t" * 30)
    for tenant in tenants:
        for name in ("offline", "faulted-in-the-long-yard"):
            await store.save_rule(Scope(tenant, "x", NODE.permissions), Rule(name, "offline"), 1)
    await store.save_rule(Scope(tenants[0], "x", NODE.permissions), Rule("offline", "offline", 7), 2)
    found = await store.rules()
    assert sorted(found) == sorted(tenants)
    for rules in found.values():
        assert sorted(rule.rule for rule in rules) == ["faulted-in-the-long-yard", "offline"]
    await store.remove_rule(Scope(tenants[0], "x", NODE.permissions), "offline")
    with pytest.raises(NotFound):
        await store.remove_rule(Scope(tenants[0], "x", NODE.permissions), "offline")
    assert len((await store.rules())[tenants[1]]) == 2
