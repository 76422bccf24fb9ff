"""A member's door takes no more than it needs, however it is sent."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx2
import pytest

from sunpile.wiring import member
from sunpile.wiring.member import member_app


class Busy:
    """A member that must not be asked."""

    address = "0x" + "00" * 20

    async def take_readings(self, readings: Any) -> list[Any]:
        raise AssertionError("asked")


@pytest.mark.parametrize(("path", "limit"), [("/readings", "READINGS_BYTES"), ("/proposals", "BODY_MAX")])
async def test_a_body_in_chunks_is_cut_off_at_the_limit(path: str, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, limit, 100_000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 10_000
            yield b" " * 10_000

    transport = httpx2.ASGITransport(app=member_app(cast("Any", Busy())))
    async with httpx2.AsyncClient(transport=transport, base_url="http://member") as client:
        answer = await client.post(path, content=endless())
    assert answer.status_code == 403
    assert "larger than 100000 bytes" in answer.json()["detail"]
    assert sent <= 200_000
