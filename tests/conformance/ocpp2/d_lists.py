"""Block D, local lists: whom a station may let in without asking."""

import asyncio
from typing import Any

from conformance.ocpp2.states import id_token, new_token, operate
from conformance.ocpp16.acts import done
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")


async def synced(
    scene: Scene, version: int, *statuses: str, full: bool = False
) -> tuple[list[Payload], dict[str, Any]]:
    """Have the operator bring the list in step. The station says that it has `version`, and answers `statuses`.

    What was sent, and what the operator sees.
    """
    path = f"/api/stations/{scene.station.identity}/local-list"
    asking = asyncio.create_task(scene.operator.post(f"{path}?full=true" if full else path))
    request = await scene.station.expect("GetLocalListVersion")
    assert request.payload == {}
    await request.answer({"versionNumber": version})
    sent: list[Payload] = []
    for status in statuses:
        request = await scene.station.expect("SendLocalList")
        sent.append(request.payload)
        await request.answer({"status": status})
    seen = await asking
    assert seen == await looked_at(scene), seen
    return sent, seen


async def looked_at(scene: Scene) -> dict[str, Any]:
    """The list as the operator sees it without asking the station."""
    view = await scene.operator.get(f"/api/stations/{scene.station.identity}/local-list")
    return {name: value for name, value in view.items() if name not in ("to_send", "left_out")}


def entry(token: str, status: str = "Accepted", kind: str = "ISO14443") -> Payload:
    """A row of a list."""
    return {"idToken": id_token(token, kind), "idTokenInfo": {"status": status}}


async def in_step(scene: Scene) -> tuple[int, list[Payload]]:
    """A station that has the whole list: its version and rows."""
    await scene.booted()
    (sent,), seen = await synced(scene, 0, "Accepted")
    assert (sent["updateType"], seen["state"]) == ("Full", "in step"), seen
    assert seen["version"] == sent["versionNumber"] > 0
    assert seen["entries"] == len(sent["localAuthorizationList"])
    return sent["versionNumber"], sent["localAuthorizationList"]


@case("TC_D_01_CSMS", *BOTH, basis="D01; schema of SendLocalList")
async def whole_list(scene: Scene) -> None:
    good, bad = await new_token(scene), await new_token(scene, status="blocked")
    limited = await new_token(scene, limits={"wh_day": 1000})
    version, rows = await in_step(scene)
    assert entry(good) in rows
    assert entry(bad, "Blocked") in rows
    # What only the server can judge is not on it, and no token is there twice.
    tokens = [row["idToken"]["idToken"] for row in rows]
    assert limited not in tokens
    assert len(tokens) == len(set(tokens))
    # In step: nothing is sent, until the whole list is wanted.
    assert (await synced(scene, version))[0] == []
    (again,), seen = await synced(scene, version, "Accepted", full=True)
    assert (again["updateType"], again["localAuthorizationList"]) == ("Full", rows)
    assert seen["version"] == again["versionNumber"] > version


@case("TC_D_02_CSMS", *BOTH, basis="D01; schema of SendLocalList; statuses Failed and VersionMismatch")
async def changes(scene: Scene) -> None:
    version, rows = await in_step(scene)
    new = await new_token(scene)
    (sent,), seen = await synced(scene, version, "Accepted")
    wanted = {"versionNumber": version + 1, "updateType": "Differential", "localAuthorizationList": [entry(new)]}
    assert sent == wanted, sent
    assert (seen["state"], seen["version"], seen["entries"]) == ("in step", version + 1, len(rows) + 1)
    # A change of one that is on it.
    await new_token(scene, new, status="blocked")
    (sent,), _ = await synced(scene, version + 1, "Accepted")
    assert (sent["updateType"], sent["localAuthorizationList"]) == ("Differential", [entry(new, "Blocked")])
    # The station does not take the change: it gets the whole list.
    await new_token(scene, new)
    (first, second), seen = await synced(scene, version + 2, "VersionMismatch", "Accepted")
    assert (first["updateType"], second["updateType"]) == ("Differential", "Full")
    assert entry(new) in second["localAuthorizationList"]
    assert (seen["state"], seen["version"]) == ("in step", second["versionNumber"])


@case("TC_D_03_CSMS", *BOTH, basis="D01; schema of SendLocalList: an entry without idTokenInfo is removed")
async def removal(scene: Scene) -> None:
    gone = await new_token(scene)
    version, rows = await in_step(scene)
    assert entry(gone) in rows
    await scene.operator.delete(f"/api/tokens/{gone}")
    (sent,), seen = await synced(scene, version, "Accepted")
    wanted = {"versionNumber": version + 1, "updateType": "Differential"}
    assert sent == wanted | {"localAuthorizationList": [{"idToken": id_token(gone)}]}, sent
    assert (seen["state"], seen["entries"]) == ("in step", len(rows) - 1)


@case("TC_D_04_CSMS", *BOTH, basis="D01; schema of SendLocalList: no list means none")
async def empty_list(scene: Scene) -> None:
    await scene.booted()
    sent, told = await operate(
        scene, "send-local-list", "SendLocalList", {"status": "Accepted"}, version=3, update="Full", entries=[]
    )
    assert sent == {"versionNumber": 3, "updateType": "Full"}, sent
    done(told)


async def version_told(scene: Scene, version: int) -> None:
    """Have the operator ask for the version, and see it."""
    await scene.booted()
    sent, told = await operate(scene, "get-local-list-version", "GetLocalListVersion", {"versionNumber": version})
    assert sent == {}
    done(told)
    assert told["data"] == {"versionNumber": version}, told


@case("TC_D_08_CSMS", *BOTH, basis="D02; schema of GetLocalListVersion")
async def version_of_list(scene: Scene) -> None:
    await version_told(scene, 42)


@case("TC_D_09_CSMS", *BOTH, basis="D02: version 0 means no list")
async def no_list(scene: Scene) -> None:
    await version_told(scene, 0)
    # The server has nothing to take away from it: it sends all there is.
    (sent,), _ = await synced(scene, 0, "Accepted")
    assert sent["updateType"] == "Full"
