"""What a station of OCPP 1.6 and its operator do, as the cases need it again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from conformance.scene import Scene
from conformance.station import Payload

WAIT_S = 5.0


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
