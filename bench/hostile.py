"""Hostile frames by schema walk and mutation: through the codecs, and over live sockets beside an honest pile.

`python bench/hostile.py codec [count]` or `sockets [count]`; SUNPILE_SEED makes it another walk. Exit code 1 if
anything but a frame or a refusal came of a frame, one took more than a second, memory grew by 10 MiB, or the honest
pile was disturbed.
"""

import asyncio
import logging
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:1] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT)]
"""In place of this folder."""

from chargers.fakes import Book, Inbox, pile  # noqa: E402
from chargers.fuzz import BROKEN, frames, storm  # noqa: E402
from sunpile.basics.errors import FrameInvalid  # noqa: E402
from sunpile.chargers import Csms  # noqa: E402
from sunpile.chargers.codec import Codec  # noqa: E402
from sunpile.chargers.validation import VERSIONS  # noqa: E402
from sunpile.wiring.clock import MachineClock  # noqa: E402

SEED = int(os.environ.get("SUNPILE_SEED", 1))
HANG_S, GROWTH_MIB = 1.0, 10.0
MUTATIONS = 40
"""Of each frame of the walk."""


def memory_mib() -> float:
    """What this process holds now [MiB]."""
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def mutated(text: str, other: str, rng: random.Random) -> str:
    """`text` with a stretch cut out, doubled, broken, or exchanged for one of another frame."""
    at = rng.randrange(len(text) + 1)
    end = min(len(text), at + rng.choice((0, 1, 2, 5, 20)))
    from_other = rng.randrange(len(other) + 1)
    put = (rng.choice(BROKEN), "", text[at:end] * 3, other[from_other : from_other + 20])[rng.randrange(4)]
    return text[:at] + put + text[end:]


def codec(count: int) -> bool:
    """`count` frames, a third for each version: a walk of the schemas, each frame with its mutations, read strictly
    and with every leniency."""
    rng = random.Random(SEED)
    for version in VERSIONS:
        storm(version, 1000, SEED)
    before, cpu, slowest, done = memory_mib(), time.process_time(), 0.0, 0
    became: Counter[str] = Counter()
    while done < count:
        for version in VERSIONS:
            strict, other = Codec(version), "[]"
            for text in frames(version, 500, rng.randrange(2**32)):
                for one in (text, *(mutated(text, other, rng) for _ in range(MUTATIONS))):
                    began = time.perf_counter()
                    try:
                        became[type(strict.decode(one)).__name__] += 1
                    except FrameInvalid as fault:
                        strict.error(fault)
                        became[fault.ocpp_code] += 1
                    slowest, done = max(slowest, time.perf_counter() - began), done + 1
                other = text
            storm(version, 100, rng.randrange(2**32))
    grown, cpu = memory_mib() - before, time.process_time() - cpu
    print(f"{done} frames, {done / cpu:.0f} per CPU second, slowest {slowest * 1000:.0f} ms, {grown:+.1f} MiB", became)
    return slowest < HANG_S and grown < GROWTH_MIB


async def sockets(count: int) -> bool:
    """`count` frames from three hostile stations, one of each version, while an honest one goes on."""
    subprotocols = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}
    book, inbox = Book("H1", "H2", "H3", "P"), Inbox()
    csms = Csms(book, inbox, MachineClock(), insecure=(1,))
    await csms.start("127.0.0.1", 0)
    slowest, beats, stopping = 0.0, 0, asyncio.Event()
    try:
        async with pile(csms.port, "P") as honest:

            async def beat() -> None:
                nonlocal slowest, beats
                while not stopping.is_set():
                    began = time.perf_counter()
                    assert (await honest.call("Heartbeat", {}))[0] == 3
                    slowest, beats = max(slowest, time.perf_counter() - began), beats + 1
                    await asyncio.sleep(0.02)

            async def attack(name: str, version: str, share: int, seed: int) -> None:
                async with pile(csms.port, name, subprotocols[version]) as hostile:
                    for number, text in enumerate(frames(version, share, seed)):  # type: ignore[arg-type]
                        await hostile.socket.send(text)
                        if number % 25 == 0:
                            await hostile.call("Heartbeat", {}, f"beat {seed} {number}")
                    await hostile.call("Heartbeat", {}, f"the last of {seed}")

            def round_of(share: int, seed: int) -> list[asyncio.Task[None]]:
                names = zip(("H1", "H2", "H3"), VERSIONS, strict=True)
                return [asyncio.create_task(attack(name, version, share, seed)) for name, version in names]

            await asyncio.gather(*round_of(2000, SEED))
            del book.frames[:], book.events[:], inbox.events[:]
            before, beating = memory_mib(), asyncio.create_task(beat())
            share = -(-count // len(VERSIONS))
            for part, first in enumerate(range(0, share, 2000)):
                await asyncio.gather(*round_of(min(2000, share - first), SEED + part + 1))
                # What a test keeps of the talk is not the server's.
                del book.frames[:], book.events[:], inbox.events[:]
            stopping.set()
            await beating
    finally:
        await csms.stop()
    grown, failures = memory_mib() - before, csms.counters.failures
    honesty = f"{beats} honest heartbeats, slowest {slowest * 1000:.0f} ms"
    print(f"{count} frames, {honesty}, {failures} failures, {grown:+.1f} MiB")
    return slowest < HANG_S and not failures and grown < GROWTH_MIB


def main() -> int:
    """One of the two."""
    what = sys.argv[1]
    logging.disable(logging.ERROR)
    if what == "codec":
        return 0 if codec(int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000) else 1
    return 0 if asyncio.run(sockets(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)) else 1


if __name__ == "__main__":
    sys.exit(main())
