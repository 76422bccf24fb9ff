"""Block C, tokens: who may charge, by asking, by cache, by group, by master pass."""

from typing import Any

from conformance.ocpp2.states import Visit, authorize, id_token, new_token, new_visit, operate, unix
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")


async def grouped(scene: Scene, master_pass: bool = False) -> str:
    """A group of tokens of this case."""
    group = f"GROUP-{scene.station.identity}"
    made = await scene.operator.put(f"/api/token-groups/{group}", {"master_pass": master_pass})
    assert made["master_pass"] is master_pass
    return group


def accepted_in(answer: Payload, group: str, status: str = "Accepted") -> None:
    """Fail unless the answer has that status and names the group."""
    info = answer["idTokenInfo"]
    assert (info["status"], info["groupIdToken"]["idToken"]) == (status, group), answer


async def ask(scene: Scene, token: str) -> Payload:
    """The answer to an Authorize."""
    return await scene.station.call("Authorize", {"idToken": id_token(token)})


# -- refused ----------------------------------------------------------------------------------------------------------


@case("TC_C_02_CSMS", *BOTH, basis="part 6")
async def unknown(scene: Scene) -> None:
    await scene.booted()
    await authorize(scene, f"NOBODY{scene.station.identity}", "Unknown")


@case("TC_C_06_CSMS", *BOTH, basis="part 6")
async def blocked(scene: Scene) -> None:
    await scene.booted()
    token = await new_token(scene, status="blocked")
    await authorize(scene, token, "Blocked")
    # It may charge as soon as the operator says so.
    await new_token(scene, token)
    await authorize(scene, token)


@case("TC_C_07_CSMS", *BOTH, basis="part 6")
async def expired(scene: Scene) -> None:
    await scene.booted()
    token = await new_token(scene, valid_until=unix(-60))
    await authorize(scene, token, "Expired")
    await authorize(scene, await new_token(scene, status="expired"), "Expired")


# -- by the station's cache -------------------------------------------------------------------------------------------


@case("TC_C_08_CSMS", *BOTH, basis="part 6")
async def cached(scene: Scene) -> None:
    await scene.booted()
    visit = await new_visit(scene)
    await visit.plug_in()
    answer = await visit.event("Authorized", token=visit.token)
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    await visit.is_active(id_token=visit.token, authorised="Accepted")


@case("TC_C_20_CSMS", *BOTH, basis="part 6")
async def cached_and_invalid(scene: Scene) -> None:
    await scene.booted()
    visit = Visit(scene, f"NOBODY{scene.station.identity}")
    await visit.plug_in()
    answer = await visit.event("Authorized", token=visit.token)
    assert answer["idTokenInfo"]["status"] in ("Invalid", "Unknown"), answer
    session = await visit.session()
    assert session["authorised"] == answer["idTokenInfo"]["status"], session


async def clear_cache(scene: Scene, status: str) -> dict[str, Any]:
    """Have the operator empty the cache; what the operator sees."""
    await scene.booted()
    sent, told = await operate(scene, "clear-cache", "ClearCache", {"status": status})
    assert sent == {}
    return told


@case("TC_C_37_CSMS", *BOTH, basis="part 6")
async def cache_cleared(scene: Scene) -> None:
    done(await clear_cache(scene, "Accepted"))


@case("TC_C_38_CSMS", *BOTH, basis="part 6")
async def cache_not_cleared(scene: Scene) -> None:
    rejected(await clear_cache(scene, "Rejected"))


# -- by group ---------------------------------------------------------------------------------------------------------


async def stopped_by(visit: Visit, token: str, group: str) -> None:
    """Another token of the group stops the transaction; whose it is stays."""
    accepted_in(await visit.event("StopAuthorized", token=token), group)
    await visit.event("ChargingStateChanged", "EVConnected")
    await visit.unplug()
    await visit.is_over("EVDisconnected", id_token=visit.token, parent=group)


@case("TC_C_39_CSMS", *BOTH, basis="part 6")
async def same_group(scene: Scene) -> None:
    await scene.booted()
    group = await grouped(scene)
    visit = Visit(scene, await new_token(scene, group=group))
    second = await new_token(scene, group=group)
    await visit.plug_in()
    accepted_in(await ask(scene, second), group)
    accepted_in(await visit.event("Authorized", token=visit.token), group)
    visit.accepted = True
    await visit.charge()
    accepted_in(await ask(scene, second), group)
    # A token of nobody stops nothing.
    stranger = await visit.event("StopAuthorized", token=await new_token(scene))
    assert stranger["idTokenInfo"]["status"] == "Invalid", stranger
    await stopped_by(visit, second, group)


async def listed(scene: Scene, group: str, tokens: dict[str, str]) -> None:
    """Have the operator send a local list with these tokens and statuses, all of the group."""
    entries = [
        {"token": {"id": token, "kind": "ISO14443"}, "status": tokens[token], "group": group} for token in tokens
    ]
    sent, told = await operate(
        scene, "send-local-list", "SendLocalList", {"status": "Accepted"}, version=1, update="Full", entries=entries
    )
    done(told)
    info = {"groupIdToken": {"idToken": group, "type": "Central"}}
    wanted = [{"idToken": id_token(one), "idTokenInfo": {"status": tokens[one]} | info} for one in tokens]
    assert sent == {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": wanted}, sent


async def charging_by_list(scene: Scene, group: str, visit: Visit) -> None:
    """The driver is let in by the station's own list; the server agrees."""
    await visit.plug_in()
    accepted_in(await visit.event("Authorized", token=visit.token), group)
    visit.accepted = True
    await visit.charge()
    await visit.is_active(authorised="Accepted", id_token=visit.token, parent=group)


@case("TC_C_40_CSMS", *BOTH, basis="C09, D01; as TC_C_39 and TC_C_41 of part 6 with a local list")
async def same_group_by_list(scene: Scene) -> None:
    await scene.booted()
    group = await grouped(scene)
    visit = Visit(scene, await new_token(scene, group=group))
    second = await new_token(scene, group=group)
    await listed(scene, group, {visit.token: "Accepted", second: "Accepted"})
    await charging_by_list(scene, group, visit)
    await stopped_by(visit, second, group)


@case("TC_C_43_CSMS", *BOTH, basis="C09, D01; as TC_C_44 of part 6 with a local list")
async def invalid_in_group(scene: Scene) -> None:
    await scene.booted()
    group = await grouped(scene)
    visit = Visit(scene, await new_token(scene, group=group))
    bad = await new_token(scene, group=group, status="invalid")
    await listed(scene, group, {visit.token: "Accepted", bad: "Invalid"})
    await charging_by_list(scene, group, visit)
    accepted_in(await ask(scene, bad), group, "Invalid")
    # It stops nothing: the transaction goes on.
    await visit.is_active(authorised="Accepted")


# -- by master pass ---------------------------------------------------------------------------------------------------


async def two_cars(scene: Scene) -> tuple[list[Visit], str, str]:
    """Two cars that charge, and a master pass with its group."""
    await scene.booted()
    group = await grouped(scene, master_pass=True)
    master = await new_token(scene, group=group)
    visits = [await new_visit(scene, evse) for evse in (1, 2)]
    for visit in visits:
        await visit.charge()
    accepted_in(await ask(scene, master), group)
    return visits, master, group


async def stopped_by_master(visit: Visit, master: str, group: str) -> None:
    """The master pass ends a transaction, which stays its driver's."""
    answer = await visit.event("StopAuthorized", "EVConnected", "MasterPass", ends=True, token=master)
    accepted_in(answer, group)
    await visit.is_over("MasterPass", id_token=visit.token, authorised="Accepted")


@case("TC_C_47_CSMS", *BOTH, basis="part 6")
async def master_stops_all(scene: Scene) -> None:
    visits, master, group = await two_cars(scene)
    for visit in visits:
        await stopped_by_master(visit, master, group)


@case("TC_C_48_CSMS", *BOTH, basis="part 6")
async def master_stops_one(scene: Scene) -> None:
    (first, second), master, group = await two_cars(scene)
    await stopped_by_master(first, master, group)
    await second.is_active()
    # A master pass starts nothing.
    third = Visit(scene, master)
    answer = await third.event("Authorized", token=master)
    assert answer["idTokenInfo"]["status"] == "Invalid", answer


@case("TC_C_49_CSMS", *BOTH, basis="part 6")
async def master_stops_all_without_ui(scene: Scene) -> None:
    visits, _, _ = await two_cars(scene)
    for visit in visits:
        answer = await visit.event("StopAuthorized", "EVConnected", "MasterPass", ends=True, token=visit.token)
        assert answer["idTokenInfo"]["status"] == "Accepted", answer
        await visit.is_over("MasterPass", id_token=visit.token)
