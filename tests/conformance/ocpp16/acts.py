"""What a station of OCPP 1.6 and its operator do, as the cases need it again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from conformance.scene import Scene
from conformance.station import Payload

WAIT_S = 5.0
SESSION_S = 1800
METER_START, METER_STOP = 1000, 6000
REGISTER = "Energy.Active.Import.Register"


def moment(at: int) -> str:
    """A Unix time [s] as stations write it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- the operator -----------------------------------------------------------------------------------------------------


async def asked(
    scene: Scene, operation: str, action: str, sent: Payload, answer: Payload, **arguments: Any
) -> dict[str, Any]:
    """Have the operator ask; the server must send exactly `sent`, which the station answers. What the operator sees."""
    told = scene.ask(operation, **arguments)
    request = await scene.station.expect(action)
    assert request.payload == sent, request.payload
    await request.answer(answer)
    return await told


def done(told: dict[str, Any], status: str = "Accepted") -> None:
    """Fail unless the operator was told that the station does it."""
    assert (told["state"], told["status"], told["run_state"]) == ("done", status, "done"), told


def rejected(told: dict[str, Any], status: str = "Rejected") -> None:
    """Fail unless the operator was told that the station will not, in its own word."""
    assert (told["state"], told["status"], told["run_state"]) == ("rejected", status, "done"), told


def failed(told: dict[str, Any], status: str) -> None:
    """Fail unless the operator was told that it failed, in the station's word."""
    assert (told["state"], told["status"], told["run_state"]) == ("failed", status, "done"), told


async def until(look: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for what the server does after it has answered."""
    end = time.monotonic() + WAIT_S
    while True:
        found = look()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < end, f"it never came to {what}"
        await asyncio.sleep(0.02)


async def page(scene: Scene) -> dict[str, Any]:
    """The station's page."""
    return await scene.operator.get(f"/api/stations/{scene.station.identity}")


async def away(scene: Scene) -> bool:
    """True once the operator sees that the station's connection is gone."""
    return not (await page(scene))["live"]["connected"]


async def seen(scene: Scene, connector: int) -> tuple[str, str | None]:
    """Status and error of a connector, as the operator sees them: live and in the record, which must agree."""
    view = await page(scene)
    live = next(evse for evse in view["live"]["evses"] if evse["evse"] == connector)
    kept = next((evse for evse in view["card"]["evses"] if evse["evse"] == connector), None)
    if kept is not None:
        assert (kept["status"], kept["error_code"]) == (live["status"], live["error_code"]), view
    return live["status"], live["error_code"]


async def running(scene: Scene, connector: int) -> str | None:
    """The transaction that the operator sees running at a connector."""
    view = await page(scene)
    return next(evse["ocpp_transaction"] for evse in view["live"]["evses"] if evse["evse"] == connector)


# -- tokens and transactions ------------------------------------------------------------------------------------------


async def card(scene: Scene, letter: str = "", **wish: Any) -> str:
    """Have the operator register a token; its idTag, which no other case uses."""
    tag = f"C{scene.station.identity.removeprefix('CASE-')}{letter}"
    await scene.operator.put(f"/api/tokens/{tag}", wish)
    return tag


async def authorize(scene: Scene, tag: str) -> Payload:
    """The answer to an Authorize."""
    return (await scene.station.call("Authorize", {"idTag": tag}))["idTagInfo"]


async def start(scene: Scene, tag: str, connector: int = 1, at: int | None = None, **more: Any) -> Payload:
    """The answer to a StartTransaction at register 1,000 Wh, `at` [Unix s] or half an hour ago."""
    begun = int(time.time()) - SESSION_S if at is None else at
    payload = {"connectorId": connector, "idTag": tag, "meterStart": METER_START, "timestamp": moment(begun)}
    answer = await scene.station.call("StartTransaction", payload | more)
    assert answer["transactionId"] > 0
    return answer


async def stop(scene: Scene, transaction: int, at: int | None = None, **more: Any) -> Payload:
    """The answer to a StopTransaction at register 6,000 Wh, `at` [Unix s] or now."""
    ended = int(time.time()) if at is None else at
    payload = {"transactionId": transaction, "meterStop": METER_STOP, "timestamp": moment(ended)}
    return await scene.station.call("StopTransaction", payload | more)


async def metered(scene: Scene, transaction: int, wh: int, connector: int = 1, at: int | None = None) -> None:
    """Send a periodic sample of the register, `at` [Unix s] or a quarter of an hour ago."""
    sample = {"value": str(wh), "context": "Sample.Periodic", "measurand": REGISTER, "unit": "Wh"}
    taken = int(time.time()) - SESSION_S // 2 if at is None else at
    value = [{"timestamp": moment(taken), "sampledValue": [sample]}]
    payload = {"connectorId": connector, "transactionId": transaction, "meterValue": value}
    assert await scene.station.call("MeterValues", payload) == {}


async def session(scene: Scene, transaction: int) -> dict[str, Any]:
    """The session of a transaction, as the operator sees it in the list and on its own page."""
    (found,) = [row for row in await sessions(scene) if row["ocpp_transaction"] == str(transaction)]
    detail = await scene.operator.get(f"/api/sessions/{found['session']}/detail")
    assert detail["session"] == found
    return found | {"records": detail["records"]}


async def sessions(scene: Scene) -> list[dict[str, Any]]:
    """All sessions of the station."""
    return (await scene.operator.get(f"/api/staff/sessions?station={scene.station.identity}"))["sessions"]


async def billed(scene: Scene, transaction: int, reason: str, tag: str, *doubts: str) -> None:
    """Fail unless the session has ended for `reason` with one final record of its 5,000 Wh, and no other doubts."""
    found = await session(scene, transaction)
    assert (found["held_reason"], found["doubts"]) == (None, list(doubts)), found
    assert (found["state"], found["stop_reason"], found["id_token"]) == ("ended", reason, tag), found
    assert (found["start_wh"], found["end_wh"], found["wh"]) == (METER_START, METER_STOP, METER_STOP - METER_START)
    (record,) = found["records"]
    assert (record["total_energy"], record["cdr_token"]) == (METER_STOP - METER_START, tag)
    assert await running(scene, found["evse"]) is None


async def charging(scene: Scene, tag: str, connector: int = 1) -> int:
    """The state `charging`: plugged in, let in, started; the transaction's number."""
    await scene.status(connector, "Preparing")
    assert (await authorize(scene, tag))["status"] == "Accepted"
    answer = await start(scene, tag, connector)
    assert answer["idTagInfo"]["status"] == "Accepted"
    await scene.status(connector, "Charging")
    assert (await session(scene, answer["transactionId"]))["state"] == "active"
    assert await running(scene, connector) == str(answer["transactionId"])
    return answer["transactionId"]


async def unplugged(scene: Scene, connector: int = 1) -> None:
    """The end of the cable's stay: Finishing, Available, and the operator sees it."""
    await scene.status(connector, "Finishing")
    await scene.status(connector, "Available")
    assert await seen(scene, connector) == ("Available", None)
