"""Passwords and profiles change without locking a station out and without letting it fall back."""

import pytest

from chargers.certificates.fakes import STATION, House, unreachable
from sunpile.basics.errors import Conflict, NotFound
from sunpile.basics.scope import NODE, PERMISSIONS, Scope
from sunpile.chargers.access import password_hash
from sunpile.chargers.certificates import passwords, profiles
from sunpile.chargers.certificates.profiles import Facts, Wish
from sunpile.chargers.commands import CommandResult, SetNetworkProfile, SetVariables

REJECTED = CommandResult("Rejected", accepted=False)
OTHER = Scope("other", "staff:1", frozenset(PERMISSIONS))


async def test_the_new_password_is_good_before_it_is_sent_and_alone_once_it_is_taken(house: House) -> None:
    while_asked: list[dict] = []

    def answer(command: SetVariables) -> CommandResult:
        while_asked.append(dict(house.store.secrets))
        return CommandResult("Accepted", accepted=True)

    house.stations.answers["SetVariables"] = answer
    changed = await house.passwords.rotate(NODE, STATION)
    [(_, command)] = house.stations.asked
    value = command.values[0]
    assert (value.name.component, value.name.variable) == ("SecurityCtrlr", "BasicAuthPassword")
    [(salt, hashed)] = while_asked[0].values()
    assert password_hash(salt, bytes.fromhex(value.value)) == hashed
    assert changed.state == "taken"
    assert house.store.adopted == [1]
    assert value.value not in str(house.audits.rows) + str(house.changes) + changed.sentence


async def test_ocpp_16_sets_its_key(house: House) -> None:
    await house.passwords.rotate(NODE, "CS-16")
    [(_, command)] = house.stations.asked
    assert (command.values[0].name.component, command.values[0].name.variable) == ("", "AuthorizationKey")
    assert len(bytes.fromhex(command.values[0].value)) == 20


@pytest.mark.parametrize(
    ("answer", "state", "left"),
    [
        (REJECTED, "kept", 0),
        (CommandResult("NotSupported", accepted=False), "kept", 0),
        (CommandResult("InternalError", accepted=False), "kept", 0),
        (CommandResult("RebootRequired", accepted=True), "unsure", 1),
        (unreachable(), "unsure", 1),
    ],
)
async def test_a_refusal_keeps_the_old_one_a_lost_answer_keeps_both(house: House, answer, state, left) -> None:
    house.stations.answers["SetVariables"] = answer
    changed = await house.passwords.rotate(NODE, STATION)
    assert (changed.state, len(house.store.secrets), house.store.adopted) == (state, left, [])


async def test_too_many_lost_answers_stop_it(house: House) -> None:
    house.stations.answers["SetVariables"] = unreachable()
    for _ in range(5):
        await house.passwords.rotate(NODE, STATION)
    with pytest.raises(Conflict):
        await house.passwords.rotate(NODE, STATION)


async def test_another_tenant_changes_nothing(house: House) -> None:
    for step in (house.passwords.rotate(OTHER, STATION), house.profiles.upgrade(OTHER, STATION, Wish(2, "wss://x"))):
        with pytest.raises(NotFound):
            await step
    assert house.stations.asked == []


def test_a_finished_change_stays_finished() -> None:
    assert passwords.decide("taken", REJECTED) == ("taken", ())
    assert passwords.decide("kept", CommandResult("Accepted", accepted=True)) == ("kept", ())


# -- profiles -----------------------------------------------------------------------------------------------------


async def test_a_station_of_2x_is_told_its_network_profile_its_order_and_restarts(house: House) -> None:
    house.store.profiles[STATION] = 2
    raised = await house.profiles.upgrade(NODE, STATION, Wish(3, "wss://node.example/ocpp", slot=2, priority=(1,)))
    assert raised.state == "expected"
    assert house.stations.names() == ["SetNetworkProfile", "SetVariables", "Reset"]
    network = house.stations.asked[0][1]
    assert isinstance(network, SetNetworkProfile)
    assert (network.security_profile, network.slot, network.version) == (3, 2, "OCPP20")
    assert house.stations.asked[1][1].values[0].value == "2,1"
    assert house.store.expected == [(STATION, 3)]


async def test_a_station_of_16_is_told_by_its_key(house: House) -> None:
    await house.profiles.upgrade(NODE, "CS-16", Wish(2))
    [(_, command)] = house.stations.asked
    assert (command.values[0].name.variable, command.values[0].value) == ("SecurityProfile", "2")


async def test_a_step_that_is_refused_ends_it_and_nothing_higher_is_expected(house: House) -> None:
    house.stations.answers["SetVariables"] = REJECTED
    raised = await house.profiles.upgrade(NODE, STATION, Wish(2, "wss://node.example/ocpp"))
    assert raised.state == "refused"
    assert "SetVariables" in raised.sentence
    assert house.stations.names() == ["SetNetworkProfile", "SetVariables"]
    assert house.store.expected[-1] == (STATION, None)


@pytest.mark.parametrize("profile", [1, 2])
async def test_a_profile_is_never_lowered_nor_repeated(house: House, profile: int) -> None:
    house.store.profiles[STATION] = 2
    with pytest.raises(Conflict, match="never lowered"):
        await house.profiles.upgrade(NODE, STATION, Wish(profile, "wss://x"))
    assert house.stations.asked == []


def test_what_has_to_be_there_first() -> None:
    assert "root" in (profiles.refusal(Facts("2.0.1", 1, False, False), Wish(2, "wss://x")) or "")
    assert "certificate" in (profiles.refusal(Facts("2.0.1", 1, True, False), Wish(3, "wss://x")) or "")
    assert "address" in (profiles.refusal(Facts("2.0.1", 1, True, True), Wish(3)) or "")
    assert profiles.refusal(Facts("1.6", 1, True, True), Wish(3)) is None


async def test_who_knows_better_may_skip_the_check(house: House) -> None:
    house.store.prepared_ = (False, False)
    with pytest.raises(Conflict):
        await house.profiles.upgrade(NODE, STATION, Wish(2, "wss://x"))
    assert (await house.profiles.upgrade(NODE, STATION, Wish(2, "wss://x"), sure=True)).state == "expected"
