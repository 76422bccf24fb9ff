"""Hostile frames by schema walk: nothing escapes, and what gets through is harmless text."""

import json
import os
import random
from typing import Any

import pytest

from chargers.fakes import pile
from chargers.fuzz import frames, made, storm
from chargers.test_server import Ground, ground  # noqa: F401
from sunpile.basics.errors import FrameInvalid
from sunpile.chargers.codec import Call, Codec
from sunpile.chargers.validation import VERSIONS, Version, actions, first_fault, schema_of

SOAK = os.environ.get("SUNPILE_SOAK") == "1"
PAYLOADS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "javascript:alert(1)",
    '"><script>alert(1)</script>', "'-alert(1)-'", "</textarea><script>1</script>", "<iframe src=//x>",
    "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{%print(1)%}", "[[${1}]]",
    "' OR '1'='1", "'; DROP TABLE stations;--", "1; SELECT pg_sleep(9)", "\\'; --", "admin'--", '" OR ""="',
    "UNION SELECT NULL,NULL", "') OR ('1'='1", "%27%20OR%201=1", "$$; DROP TABLE x; $$",
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "=cmd|'/C calc'!A0", "=HYPERLINK(\"//x\")", "\t=1+1", "\r=1+1",
    "a\nb", "a\r\nSet-Cookie: x=1", "a\x1b[31mred", "a\u2028b", "a\u202eb", "a\u200bb", "\ufeffa", "a\x85b",
    "../../etc/passwd", "..\\..\\win.ini", "/dev/zero", "file:///etc/passwd", "http://169.254.169.254/",
    "${jndi:ldap://x/a}", "$(id)", "`id`", "| id", "; id", "& id", "%s%s%n", "%x%x%x", "%00", "\\u0000",
    "{\"$gt\":\"\"}", "__proto__", "constructor", "a" * 20, "\U0001f50c" * 5,
)  # fmt: skip


def test_there_are_sixty() -> None:
    assert len(set(PAYLOADS)) == 60


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_schema_walk_makes_is_valid(version: Version) -> None:
    rng = random.Random(1)
    for action in sorted(actions(version)):
        for message in (action + "Request", action + "Response"):
            payload = made(version, message, rng)
            assert first_fault(version, message, payload) is None, (message, payload)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_frame_crashes_the_codec(version: Version) -> None:
    count = 300_000 if SOAK else 1_500
    became = storm(version, count, seed=random.randrange(2**32) if SOAK else 7)
    assert sum(became.values()) == 2 * count
    assert became["strict Call"] > count / 20
    assert became["lenient Call"] > became["strict Call"]


def test_the_same_seed_makes_the_same_frames() -> None:
    assert list(frames("2.1", 50, 3)) == list(frames("2.1", 50, 3))


def texts(version: Version, action: str) -> list[tuple[str | int, ...]]:
    """Where free text may stand in a request."""
    found: list[tuple[str | int, ...]] = []
    schema = schema_of(version, action + "Request")

    def walk(node: dict[str, Any], path: tuple[str | int, ...]) -> None:
        if "$ref" in node:
            node = schema["definitions"][node["$ref"].rpartition("/")[2]]
        if node.get("type") == "string" and not {"enum", "format"} & set(node):
            found.append(path)
        if len(path) < 6:
            for name, inner in node.get("properties", {}).items():
                if name != "customData":
                    walk(inner, (*path, name))
            if node.get("type") == "array":
                walk(node["items"], (*path, 0))

    walk(schema, ())
    return found


FROM_STATIONS: dict[Version, tuple[str, ...]] = {
    "1.6": ("BootNotification", "StatusNotification", "DataTransfer", "Authorize", "StartTransaction", "MeterValues"),
    "2.0.1": ("BootNotification", "NotifyEvent", "SecurityEventNotification", "TransactionEvent", "NotifyReport"),
    "2.1": ("BootNotification", "NotifyEvent", "SecurityEventNotification", "TransactionEvent", "NotifyDERAlarm"),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_text_stays_text_in_every_field_it_may_stand_in(version: Version) -> None:
    """Each of sixty payloads in each text field: read exactly as sent, or refused without being repeated."""
    codec, rng, tried = Codec(version), random.Random(2), 0
    answers: list[tuple[str, str]] = []
    for action in FROM_STATIONS[version]:
        for path in texts(version, action):
            for text in PAYLOADS:
                payload = made(version, action + "Request", rng)
                holder: Any = payload
                try:
                    for step in path[:-1]:
                        holder = holder[step]
                    holder[path[-1]] = text
                except (KeyError, IndexError):
                    continue
                tried += 1
                frame = json.dumps([2, "m", action, payload])
                try:
                    read = codec.decode(frame)
                except FrameInvalid as fault:
                    answers.append((text, codec.error(fault)))
                else:
                    assert isinstance(read, Call)
                    assert read.payload == payload
    assert tried > 500
    assert not [answer for text, answer in answers if len(text) > 6 and text in answer]


async def test_hostile_frames_over_a_socket_disturb_no_other(ground: Ground) -> None:  # noqa: F811
    count = 30_000 if SOAK else 150
    async with pile(ground.port, "P1", "ocpp2.1") as hostile, pile(ground.port, "P2") as honest:
        for number, text in enumerate(frames("2.1", count, 11)):
            await hostile.socket.send(text)
            if number % 50 == 0:
                assert (await honest.call("Heartbeat", {}))[0] == 3
        assert (await hostile.call("Heartbeat", {}, "the last one"))[0] == 3
        assert (await honest.call("Heartbeat", {}))[0] == 3
    assert ground.csms.counters.failures == 0
