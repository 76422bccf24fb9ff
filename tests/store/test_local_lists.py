"""Local lists: what belongs on one, what is sent after what the station has, and what happens when it disagrees."""

import pytest
from tests.store.test_tokens import two_stations

from sunpile.basics.errors import Conflict, NotFound, NotInDialect
from sunpile.basics.scope import NODE
from sunpile.chargers.commands import CommandResult, GetLocalListVersion, SendLocalList
from sunpile.fleet.local_lists import Known, ListLimits, LocalLists, desired, plan
from sunpile.sessions.tokens import Group, Token, TokenLimits, Window
from sunpile.store.local_lists import ListDatabase
from sunpile.store.tokens import TokenStore

NOW = 1_772_625_600


class Clock:
    def now(self):
        return NOW


class Station:
    """A station that keeps a list as OCPP says."""

    def __init__(self, fault=None, takes_differential=True):
        self.version, self.list, self.said, self.fault = 0, {}, [], fault
        self.takes_differential = takes_differential

    async def command(self, station, command):
        if self.fault:
            raise self.fault
        if isinstance(command, GetLocalListVersion):
            return CommandResult("Accepted", accepted=True, data={"versionNumber": self.version})
        if not isinstance(command, SendLocalList):
            return CommandResult("Accepted", accepted=True)
        self.said.append((command.update, command.version, len(command.entries)))
        if command.update == "Differential" and not self.takes_differential:
            return CommandResult("VersionMismatch", accepted=False)
        if command.update == "Full":
            self.list = {}
        for entry in command.entries:
            if entry.status is None:
                self.list.pop(entry.token.id, None)
            else:
                self.list[entry.token.id] = entry.status
        self.version = command.version
        return CommandResult("Accepted", accepted=True)


NO_LIMITS = ListLimits()


def listed(*tokens, limits=NO_LIMITS, groups=()):
    lines, left = desired(tokens, {g.group: g for g in groups}, "P1", "harbour", NOW, limits)
    return {line.token: line.status for line in lines}, left


def test_only_what_a_station_can_judge_alone_is_on_its_list():
    tokens = [
        Token("A"),
        Token("BLOCKED", status="blocked"),
        Token("CHILD", parent="BLOCKED"),
        Token("OLD", valid_until=NOW),
        Token("SOON", valid_from=NOW + 1),
        Token("COUNTED", limits=TokenLimits(wh_day=1)),
        Token("HOURS", limits=TokenLimits(windows=(Window(0, 60),))),
        Token("HERE", limits=TokenLimits(sites=frozenset({"harbour"}))),
        Token("THERE", limits=TokenLimits(stations=frozenset({"P2"}))),
        Token("GUARD", group="GUARDS"),
        Token("ONCE", rail="prepaid"),
        Token("WALLET", driver="d1"),
    ]
    found, _ = listed(*tokens, groups=[Group("GUARDS", master_pass=True)])
    assert found == {"A": "Accepted", "BLOCKED": "Blocked", "CHILD": "Blocked", "HERE": "Accepted", "OLD": "Expired"}


def test_who_may_charge_goes_first_where_there_is_not_room_for_all():
    tokens = [Token("A", status="blocked"), Token("B"), Token("C"), Token("D")]
    assert listed(*tokens, limits=ListLimits(entries_max=2)) == ({"B": "Accepted", "C": "Accepted"}, 2)


def test_what_a_version_cannot_say_is_left_out_and_keeps_nobody_else_off_the_list():
    long, group = "L" * 21, Group("G" * 21)
    tokens = [Token("A", group=group.group), Token(long), Token("ÄÖÜ")]
    assert listed(*tokens, limits=ListLimits(token_max=20), groups=[group]) == ({"A": "Accepted"}, 2)
    assert listed(*tokens, groups=[group]) == ({"A": "Accepted", long: "Accepted"}, 1)
    (line,), _ = desired(tokens[:1], {group.group: group}, "P1", "", NOW, ListLimits(token_max=20))
    assert line.group is None


def test_a_small_change_is_sent_as_such_and_doubt_sends_all():
    lines = desired([Token(f"T{n}") for n in range(10)], {}, "P1", "", NOW, ListLimits())[0]
    after = desired([Token(f"T{n}") for n in range(1, 10)], {}, "P1", "", NOW, ListLimits())[0]
    step = Known(7, lines, "in step")
    assert plan(step, lines, 0, ListLimits(), told=7).messages == ()
    (change,) = plan(step, after, 0, ListLimits(), told=7).messages
    assert (change.update, change.version, [(e.token.id, e.status) for e in change.entries]) == (
        "Differential",
        8,
        [("T0", None)],
    )
    (whole,) = plan(step, after, 0, ListLimits(), told=3).messages
    assert (whole.update, whole.version, len(whole.entries)) == ("Full", 8, 9)
    parts = plan(Known(), lines, 0, ListLimits(per_message=4)).messages
    assert [(m.update, m.version, len(m.entries)) for m in parts] == [
        ("Full", 1, 4),
        ("Differential", 2, 4),
        ("Differential", 3, 2),
    ]
    (empty,) = plan(step, (), 0, ListLimits()).messages
    assert (empty.update, empty.entries) == ("Full", [])


@pytest.fixture
async def house(database):
    await database.write(two_stations)
    tokens = TokenStore(database)
    await tokens.save_many(NODE, [Token(f"T{n}") for n in range(6)], NOW)
    station, said = Station(), []
    lists = LocalLists(
        ListDatabase(database), tokens, station.command, Clock(), changed=lambda kind, data: said.append(kind)
    )
    return lists, tokens, station, said


async def test_a_station_is_brought_in_step_and_then_left_alone(house):
    lists, tokens, station, _ = house
    assert (await lists.sync(NODE, "P1")).state == "in step"
    assert station.list == {f"T{n}": "Accepted" for n in range(6)}
    await lists.sync(NODE, "P1")
    await tokens.save(NODE, Token("T3", status="blocked"), NOW)
    await tokens.remove(NODE, "T4")
    known = await lists.sync(NODE, "P1")
    assert (known.version, station.version) == (2, 2)
    assert station.said == [("Full", 1, 6), ("Differential", 2, 2)]
    assert station.list == {"T0": "Accepted", "T1": "Accepted", "T2": "Accepted", "T3": "Blocked", "T5": "Accepted"}
    assert [name for name, _ in await lists.states(NODE)] == ["P1"]


async def test_a_station_that_lost_its_list_gets_all_of_it_again(house):
    lists, _, station, said = house
    await lists.sync(NODE, "P1")
    station.version, station.list = 0, {}
    await lists.sync(NODE, "P1")
    assert (station.version, len(station.list)) == (2, 6)
    assert "local_list.drift" in said


async def test_a_refused_change_is_followed_by_the_whole_list(house):
    lists, tokens, station, _ = house
    await lists.sync(NODE, "P1")
    station.takes_differential = False
    await tokens.save(NODE, Token("T3", status="blocked"), NOW)
    assert (await lists.sync(NODE, "P1")).state == "in step"
    assert [update for update, *_ in station.said] == ["Full", "Differential", "Full"]
    assert station.list["T3"] == "Blocked"


async def test_a_station_without_lists_is_remembered_as_such(house):
    lists, _, station, _ = house
    station.fault = NotInDialect("1.6", "local list")
    with pytest.raises(Conflict):
        await lists.sync(NODE, "P1")
    assert (await lists.look(NODE, "P1"))[0].state == "unsupported"
    with pytest.raises(NotFound):
        await lists.sync(NODE, "P2")


async def test_what_would_be_sent_can_be_looked_at_first(house):
    lists, _, station, _ = house
    known, todo = await lists.look(NODE, "P1")
    assert (known.state, [type(m) for m in todo.messages], station.said) == ("none", [SendLocalList], [])
