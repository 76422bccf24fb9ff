"""Block B, the device model: settings read and changed, reports, network profiles."""

from typing import Any

from conformance.ocpp2.states import moment, operate
from conformance.ocpp16.acts import done, rejected
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BOTH = ("2.0.1", "2.1")
THRESHOLD, REMOTE = ("OCPPCommCtrlr", "OfflineThreshold"), ("AuthCtrlr", "AuthorizeRemoteStart")
URL = "wss://csms.example/ocpp"


def place(component: str, variable: str, instance: str | None = None) -> Payload:
    """`component` and `variable` of a message."""
    named = {"name": variable} | ({"instance": instance} if instance else {})
    return {"component": {"name": component}, "variable": named}


def name(component: str, variable: str) -> dict[str, str]:
    """A variable as operators name it."""
    return {"component": component, "variable": variable}


def unordered(rows: list[Payload]) -> list[Payload]:
    """Rows in an order of their own, for those whose order does not matter."""
    return sorted(rows, key=lambda row: sorted(map(str, row.items())))


async def value_of(scene: Scene, component: str, variable: str) -> str | None:
    """What the operator sees of a variable."""
    rows = await scene.operator.get(f"/api/stations/{scene.station.identity}/variables?text={variable}")
    found = [row for row in rows if row["name"]["component"] == component and row["attribute"] == "Actual"]
    assert len(found) == 1, rows
    return found[0]["value"]


async def read(scene: Scene, values: dict[tuple[str, str], str]) -> None:
    """Have the operator read variables; the server asks for just these, and the operator sees their values."""
    results = [
        {"attributeStatus": "Accepted", "attributeType": "Actual", "attributeValue": value} | place(*key)
        for key, value in values.items()
    ]
    names = [name(*key) for key in values]
    sent, told = await operate(scene, "get-variables", "GetVariables", {"getVariableResult": results}, names=names)
    assert unordered(sent["getVariableData"]) == unordered([place(*key) for key in values]), sent
    done(told)
    for key, value in values.items():
        assert await value_of(scene, *key) == value


async def write(scene: Scene, values: dict[tuple[str, str], str]) -> None:
    """Have the operator change variables; the server sends just these, and the operator sees their values."""
    results = [{"attributeStatus": "Accepted"} | place(*key) for key in values]
    wish = [{"name": name(*key), "value": value} for key, value in values.items()]
    sent, told = await operate(scene, "set-variables", "SetVariables", {"setVariableResult": results}, values=wish)
    wanted = [{"attributeValue": value} | place(*key) for key, value in values.items()]
    assert unordered(sent["setVariableData"]) == unordered(wanted), sent
    done(told)
    for key, value in values.items():
        assert await value_of(scene, *key) == value


@case("TC_B_06_CSMS", *BOTH, basis="part 6")
async def read_one(scene: Scene) -> None:
    await scene.booted()
    await read(scene, {THRESHOLD: "75"})


@case("TC_B_07_CSMS", *BOTH, basis="part 6")
async def read_two(scene: Scene) -> None:
    await scene.booted()
    await read(scene, {THRESHOLD: "76", REMOTE: "true"})


@case("TC_B_08_CSMS", *BOTH, basis="B06.FR.05 with DeviceDataCtrlr.ItemsPerMessage of part 2's appendices")
async def read_no_more_than_fit(scene: Scene) -> None:
    await scene.booted()
    limit = place("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables")
    answer = [{"attributeStatus": "Accepted", "attributeValue": "2"} | limit]
    wish = name("DeviceDataCtrlr", "ItemsPerMessage") | {"variable_instance": "GetVariables"}
    await operate(scene, "get-variables", "GetVariables", {"getVariableResult": answer}, names=[wish])
    wanted = [("ClockCtrlr", f"Setting{number}") for number in range(5)]
    asked: list[list[Payload]] = []

    def told(payload: Payload) -> Payload:
        rows = payload["getVariableData"]
        asked.append(rows)
        values = [{"attributeStatus": "Accepted", "attributeValue": row["variable"]["name"][-1]} | row for row in rows]
        return {"getVariableResult": values}

    scene.station.habits["GetVariables"] = told
    seen = await scene.ask("get-variables", names=[name(*key) for key in wanted])
    done(seen)
    assert asked == [[place(*key) for key in wanted[at : at + 2]] for at in (0, 2, 4)], asked
    assert [row["attributeValue"] for row in seen["data"]["getVariableResult"]] == list("01234")
    assert [await value_of(scene, *key) for key in wanted] == list("01234")


@case("TC_B_09_CSMS", *BOTH, basis="part 6")
async def write_one(scene: Scene) -> None:
    await scene.booted()
    await write(scene, {THRESHOLD: "123"})


@case("TC_B_10_CSMS", *BOTH, basis="part 6")
async def write_two(scene: Scene) -> None:
    await scene.booted()
    await write(scene, {THRESHOLD: "123", REMOTE: "false"})


# -- reports ----------------------------------------------------------------------------------------------------------


def told_of(value: str, *key: str) -> Payload:
    """A row of a report."""
    attribute = {"type": "Actual", "value": value, "mutability": "ReadWrite"}
    characteristics = {"dataType": "integer", "supportsMonitoring": False, "unit": "s"}
    return place(*key) | {"variableAttribute": [attribute], "variableCharacteristics": characteristics}


async def report(scene: Scene, action: str, wanted: Payload, **arguments: Any) -> None:
    """Have the operator ask for a report, which comes in two parts; the operator sees all of it."""
    asked = scene.ask("get-report", **arguments)
    request = await scene.station.expect(action)
    number = request.payload.pop("requestId")
    assert number >= 0
    assert request.payload == wanted, request.payload
    await request.answer({"status": "Accepted"})
    parts = [[told_of("60", *THRESHOLD)], [told_of("true", *REMOTE)]]
    for seq, rows in enumerate(parts):
        part = {"requestId": number, "generatedAt": moment(), "seqNo": seq, "reportData": rows}
        answer = await scene.station.call("NotifyReport", part | ({"tbc": True} if seq == 0 else {}))
        assert answer == {}
    told = await asked
    assert (told["state"], told["run_state"], len(told["report"])) == ("done", "done", 2), told
    assert await value_of(scene, *THRESHOLD) == "60"
    assert await value_of(scene, *REMOTE) == "true"


async def base_report(scene: Scene, base: str) -> None:
    """A report of the whole device model, or a part of it that has a name."""
    await scene.booted()
    await report(scene, "GetBaseReport", {"reportBase": base}, base=base)


@case("TC_B_12_CSMS", *BOTH, basis="part 6")
async def configuration_inventory(scene: Scene) -> None:
    await base_report(scene, "ConfigurationInventory")


@case("TC_B_13_CSMS", *BOTH, basis="part 6")
async def full_inventory(scene: Scene) -> None:
    await base_report(scene, "FullInventory")


@case("TC_B_14_CSMS", *BOTH, basis="as TC_B_13, part 6; B07; schema of GetBaseReport")
async def summary_inventory(scene: Scene) -> None:
    await base_report(scene, "SummaryInventory")


@case("TC_B_18_CSMS", *BOTH, basis="B08; schemas of GetReport and NotifyReport")
async def custom_report(scene: Scene) -> None:
    await scene.booted()
    wanted: Payload = {"componentCriteria": ["Available", "Problem"]}
    wanted["componentVariable"] = [place(*THRESHOLD), place(*REMOTE)]
    names = [name(*THRESHOLD), name(*REMOTE)]
    await report(scene, "GetReport", wanted, base=None, criteria=["Available", "Problem"], names=names)
    # The bad side: nothing of the device model is like that.
    sent, told = await operate(
        scene, "get-report", "GetReport", {"status": "EmptyResultSet"}, base=None, criteria=["Problem"]
    )
    assert sent == {"requestId": sent["requestId"], "componentCriteria": ["Problem"]}, sent
    assert (told["status"], told["report"]) == ("EmptyResultSet", []), told


# -- network profiles -------------------------------------------------------------------------------------------------


async def network_profile(scene: Scene, status: str, **more: Any) -> tuple[Payload, dict[str, Any]]:
    """Have the operator set a network profile; (what was sent, what the operator sees)."""
    await scene.booted()
    wish: dict[str, Any] = {"slot": 2, "url": URL, "security_profile": 1, "timeout_s": 45, "interface": "Wireless0"}
    wish |= {"version": "OCPP20"} | more
    return await operate(scene, "set-network-profile", "SetNetworkProfile", {"status": status}, **wish)


CONNECTION = {
    "messageTimeout": 45,
    "ocppCsmsUrl": URL,
    "ocppInterface": "Wireless0",
    "ocppTransport": "JSON",
    "ocppVersion": "OCPP20",
    "securityProfile": 1,
}


@case("TC_B_42_CSMS", *BOTH, basis="part 6")
async def network_profile_accepted(scene: Scene) -> None:
    sent, told = await network_profile(scene, "Accepted")
    assert sent == {"configurationSlot": 2, "connectionData": CONNECTION}, sent
    done(told)


@case("TC_B_44_CSMS", *BOTH, basis="part 6")
async def network_profile_failed(scene: Scene) -> None:
    sent, told = await network_profile(scene, "Failed")
    assert sent["configurationSlot"] == 2
    rejected(told, "Failed")


@case("TC_B_100_CSMS", "2.1", basis="B09; schema of SetNetworkProfile: identity, basicAuthPassword")
async def network_profile_with_identity(scene: Scene) -> None:
    password = "correct-horse-battery-staple"
    sent, told = await network_profile(scene, "Accepted", version="OCPP21", identity="NEW-01", password=password)
    wanted = CONNECTION | {"ocppVersion": "OCPP21", "identity": "NEW-01", "basicAuthPassword": password}
    assert sent == {"configurationSlot": 2, "connectionData": wanted}, sent
    done(told)
    # Nobody can read the password afterwards.
    run = await scene.operator.get(f"/api/runs/{told['run']}")
    assert run["arguments"]["identity"] == "NEW-01"
    assert password not in str(run) + str(told)


NETWORK = {
    "OcppVersion": "OCPP21",
    "OcppTransport": "JSON",
    "OcppCsmsUrl": URL,
    "MessageTimeout": "45",
    "SecurityProfile": "1",
    "OcppInterface": "Any",
    "Identity": "NEW-02",
    "BasicAuthPassword": "correct-horse-battery-staple",
}


@case("TC_B_105_CSMS", "2.1", basis="component NetworkConfiguration of part 2's appendices; schema of SetVariables")
async def network_profile_by_variables(scene: Scene) -> None:
    await scene.booted()
    wish = [
        {"name": {"component": "NetworkConfiguration", "component_instance": "3", "variable": key}, "value": value}
        for key, value in NETWORK.items()
    ]
    where = {"name": "NetworkConfiguration", "instance": "3"}
    results = [
        {"attributeStatus": "Accepted", "component": where, "variable": {"name": variable}} for variable in NETWORK
    ]
    sent, told = await operate(scene, "set-variables", "SetVariables", {"setVariableResult": results}, values=wish)
    assert {row["variable"]["name"]: row["attributeValue"] for row in sent["setVariableData"]} == NETWORK, sent
    assert all(row["component"] == where for row in sent["setVariableData"]), sent
    done(told)
    run = await scene.operator.get(f"/api/runs/{told['run']}")
    assert NETWORK["BasicAuthPassword"] not in str(run) + str(told)
    await write(scene, {("OCPPCommCtrlr", "NetworkConfigurationPriority"): "3,1"})
