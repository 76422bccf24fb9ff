"""Local authorisation lists."""

import asyncio
from typing import Any

import pytest

from conformance.node import ServerRefused
from conformance.ocpp16.acts import asked, card, done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

FAR = 4_000_000_000


async def version(scene: Scene, told: int) -> dict[str, Any]:
    """Have the operator ask for the list's version; what he sees."""
    found = await asked(scene, "get-local-list-version", "GetLocalListVersion", {}, {"listVersion": told})
    done(found)
    assert found["data"] == {"versionNumber": told}
    return found


def path(scene: Scene) -> str:
    """Where the operator sees a station's list, and brings it in step."""
    return f"/api/stations/{scene.station.identity}/local-list"


def rows(payload: Payload) -> dict[str, Any]:
    """The entries of a SendLocalList by idTag, each once."""
    entries = payload.get("localAuthorizationList", [])
    found = {entry["idTag"]: entry.get("idTagInfo") for entry in entries}
    assert len(found) == len(entries)
    return found


@case("TC_042_1_CSMS", "1.6", basis="1.6 ed. 2 sections 5.10, 6.28, 9.2.1; schema")
async def version_where_lists_are_unknown(scene: Scene) -> None:
    await scene.booted()
    await version(scene, -1)
    # A station without lists is sent none, and the operator is told why.
    scene.station.habits["GetLocalListVersion"] = {"listVersion": -1}
    with pytest.raises(ServerRefused) as refused:
        await scene.operator.post(path(scene))
    assert refused.value.status == 409
    assert (await scene.operator.get(path(scene)))["state"] == "unsupported"
    assert "SendLocalList" not in [action for action, _ in scene.station.heard]


@case("TC_042_2_CSMS", "1.6", basis="1.6 ed. 2 sections 5.10, 6.28; errata 3.52; schema")
async def version_of_an_empty_list(scene: Scene) -> None:
    await scene.booted()
    await version(scene, 0)
    found = await scene.operator.get(path(scene))
    assert (found["version"], found["entries"]) == (0, 0)


async def send(scene: Scene, number: int, update: str, status: str, *entries: tuple[str, str | None]) -> Any:
    """Have the operator send a list of (idTag, status); what he sees."""
    wanted = [{"token": {"id": tag}, "status": word, "expires_at": FAR} for tag, word in entries]
    date = "2096-10-02T07:06:40Z"
    said = [
        {"idTag": tag} | ({"idTagInfo": {"status": word, "expiryDate": date}} if word is not None else {})
        for tag, word in entries
    ]
    sent = {"listVersion": number, "updateType": update, "localAuthorizationList": said}
    return await asked(
        scene,
        "send-local-list",
        "SendLocalList",
        sent,
        {"status": status},
        version=number,
        update=update,
        entries=wanted,
    )


@case("TC_043_1_CSMS", "1.6", basis="1.6 ed. 2 sections 5.15, 6.41, 7.47; schema")
async def list_not_supported(scene: Scene) -> None:
    await scene.booted()
    rejected(await send(scene, 1, "Full", "NotSupported", ("TAG1", "Accepted")), "NotSupported")
    await card(scene)
    scene.station.habits |= {"GetLocalListVersion": {"listVersion": 0}, "SendLocalList": {"status": "NotSupported"}}
    found = await scene.operator.post(path(scene))
    assert (found["state"], found["version"], found["entries"]) == ("unsupported", 0, 0)


@case("TC_043_3_CSMS", "1.6", basis="1.6 ed. 2 sections 5.15, 6.41, 7.47; schema")
async def list_failed(scene: Scene) -> None:
    await scene.booted()
    rejected(await send(scene, 1, "Full", "Failed", ("TAG1", "Accepted"), ("TAG2", "Blocked")), "Failed")
    await card(scene)
    scene.station.habits |= {"GetLocalListVersion": {"listVersion": 0}, "SendLocalList": {"status": "Failed"}}
    found = await scene.operator.post(path(scene))
    # Nothing of it is believed to be on the station; the next attempt begins anew.
    assert (found["state"], found["version"], found["entries"]) == ("failed", 0, 0)
    assert found["reason"].startswith("Failed")
    (todo,) = (await scene.operator.get(path(scene)))["to_send"]
    assert (todo["update"], todo["version"]) == ("Full", 1)


@case("TC_043_4_CSMS", "1.6", basis="1.6 ed. 2 sections 3.5.2, 5.10, 5.15, 6.41, 7.1, 9.2; errata 3.52; schema")
async def full_list(scene: Scene) -> None:
    await scene.booted()
    done(await send(scene, 1, "Full", "Accepted", ("TAG1", "Accepted"), ("TAG2", "Blocked")))
    await version(scene, 1)
    # An empty full list empties the station's (5.15); a full list has a status for each entry (7.1).
    told = await asked(
        scene,
        "send-local-list",
        "SendLocalList",
        {"listVersion": 2, "updateType": "Full"},
        {"status": "Accepted"},
        version=2,
        update="Full",
        entries=[],
    )
    done(told)
    # The operator's own tokens: good ones, bad ones, none that only the server can judge.
    good, bad = await card(scene, "A", valid_until=FAR), await card(scene, "B", status="blocked")
    counted = await card(scene, "C", limits={"wh_day": 1000})
    long = await card(scene, "D" + "X" * 24)
    scene.station.habits["GetLocalListVersion"] = {"listVersion": 2}
    bringing = scene.operator.post(path(scene))
    request, found = await both(scene, bringing)
    assert (request["listVersion"], request["updateType"]) == (3, "Full")
    listed = rows(request)
    assert listed[good] == {"status": "Accepted", "expiryDate": "2096-10-02T07:06:40Z"}
    assert listed[bad] == {"status": "Blocked"}
    assert counted not in listed
    assert long not in listed
    assert (found["state"], found["version"], found["entries"]) == ("in step", 3, len(listed))

    await within_limits(scene)


async def within_limits(scene: Scene) -> None:
    """A station that said how much fits is sent no more, and no more at once (9.2.2, 9.2.3)."""
    limits = {"LocalAuthListMaxLength": "2", "SendLocalListMaxLength": "1"}
    rows = [{"key": key, "readonly": True, "value": value} for key, value in limits.items()]
    names = [{"variable": key} for key in limits]
    sent = {"key": list(limits)}
    done(await asked(scene, "get-variables", "GetConfiguration", sent, {"configurationKey": rows}, names=names))
    scene.station.habits["GetLocalListVersion"] = {"listVersion": 3}
    bringing = asyncio.create_task(scene.operator.post(f"{path(scene)}?full=true"))
    for number, update in ((4, "Full"), (5, "Differential")):
        request = await scene.station.expect("SendLocalList")
        assert (request.payload["listVersion"], request.payload["updateType"]) == (number, update)
        assert len(request.payload["localAuthorizationList"]) == 1
        await request.answer({"status": "Accepted"})
    found = await bringing
    assert (found["state"], found["version"], found["entries"]) == ("in step", 5, 2)
    assert "do not fit" in found["reason"]


async def both(scene: Scene, bringing: Any, status: str = "Accepted") -> tuple[Payload, dict[str, Any]]:
    """Let the operator bring a list in step; what is sent, answered by `status`, and what he sees."""
    found = asyncio.create_task(bringing)
    request = await scene.station.expect("SendLocalList")
    await request.answer({"status": status})
    return request.payload, await found


@case("TC_043_5_CSMS", "1.6", basis="1.6 ed. 2 sections 3.5.2, 5.15, 6.41, 7.1, 7.47, 7.48; schema")
async def differential_list(scene: Scene) -> None:
    await scene.booted()
    done(await send(scene, 1, "Full", "Accepted", ("TAG1", "Accepted"), ("TAG2", "Accepted")))
    done(await send(scene, 2, "Differential", "Accepted", ("TAG1", None), ("TAG2", "Blocked")))
    rejected(await send(scene, 2, "Differential", "VersionMismatch", ("TAG3", "Accepted")), "VersionMismatch")
    await version(scene, 2)
    gone, kept = await card(scene, "A"), await card(scene, "B")
    scene.station.habits["GetLocalListVersion"] = {"listVersion": 2}
    first, found = await both(scene, scene.operator.post(path(scene)))
    assert (found["state"], found["version"]) == ("in step", first["listVersion"])
    await scene.operator.delete(f"/api/tokens/{gone}")
    new = await card(scene, "C")
    await card(scene, "B", status="blocked")
    scene.station.habits["GetLocalListVersion"] = {"listVersion": 3}
    change, found = await both(scene, scene.operator.post(path(scene)))
    assert (change["listVersion"], change["updateType"]) == (4, "Differential")
    assert rows(change) == {gone: None, new: {"status": "Accepted"}, kept: {"status": "Blocked"}}
    assert (found["state"], found["version"]) == ("in step", 4)
    # In step: nothing is sent.
    scene.station.habits["GetLocalListVersion"] = {"listVersion": 4}
    before = len(scene.station.heard)
    assert (await scene.operator.post(path(scene)))["version"] == 4
    assert [action for action, _ in scene.station.heard[before:]] == ["GetLocalListVersion"]
