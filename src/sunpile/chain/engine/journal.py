"""The embedded chain's memory: what makes a chain in RAM survive a crash.

A folder holds generations. `state-N.json.gz` is a snapshot of the chain at block N; `journal-N.log` has one line for
everything that happened after it: a raw transaction (before the chain saw it), a block mark (its number and time,
before it was mined) and what came out (its hash and the order of its transactions). A line is its CRC-32 and JSON.
To start again: load the newest sound snapshot, then do all lines after it again; the block hashes must be the same.
"""

import contextlib
import gzip
import os
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from sunpile.basics.errors import ChainUnreachable, Inconsistent

GENERATIONS = 3
NAMED = re.compile(r"^(state|journal)-(\d{10})\.(json\.gz|log)$")


@dataclass(frozen=True, slots=True)
class Mined:
    """What came out of a block."""

    number: int
    hash: bytes
    transactions: tuple[bytes, ...]
    """Hashes in the order of the block."""


@dataclass(slots=True)
class Step:
    """One block to do again: the transactions that came in before it, and the block."""

    raws: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    """hash -> raw transaction, in the order they came in."""
    time: int = 0
    """Block time [Unix s]."""
    number: int = 0
    mined: Mined | None = None
    """What came out; None if the process died before it could be noted."""


@dataclass(slots=True)
class Past:
    """Everything needed to start again."""

    state: bytes | None
    """The snapshot as JSON; None = start from the first block."""
    block: int
    """Block of the snapshot, 0 without one."""
    steps: list[Step]
    waiting: dict[bytes, bytes]
    """hash -> raw transaction, of those after the last block mark."""


class Journal:
    """Append-only lines with a generation change; one owner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: BinaryIO | None = None
        self._sound = 0
        self.lines = 0
        """Lines since the last snapshot, about."""

    # -- reading --------------------------------------------------------------------------------------------

    def load(self) -> Past:
        """Read what is there, cut a torn last line, and open the newest segment for appending."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            for stray in self.folder.glob("*.part"):
                stray.unlink()
        state, block = self._newest_state()
        segments = [number for number in self._numbers("journal") if number >= block]
        if state is None and segments and segments[0] != 0:
            raise Inconsistent(
                f"no snapshot in {self.folder} can be read, and its first journal is gone: restore a backup"
            )
        past = Past(state, block, [], {})
        step = Step()
        for number in segments or [block]:
            step = self._read_segment(self._journal(number), past, step, last=number == (segments or [block])[-1])
        past.waiting = step.raws
        self._open(segments[-1] if segments else block)
        self.lines = sum(len(step.raws) + 2 for step in past.steps)
        return past

    def _newest_state(self) -> tuple[bytes | None, int]:
        for number in reversed(self._numbers("state")):
            state = _read_state(self._state(number), number)
            if state is not None:
                return state, number
        return None, 0

    def _read_segment(self, path: Path, past: Past, step: Step, last: bool) -> Step:
        content = path.read_bytes() if path.exists() else b""
        lines = content.split(b"\n")
        offset = 0
        records: list[dict[str, Any]] = []
        for index, line in enumerate(lines):
            record = _parse(line)
            if record is None:
                if line and not (last and not any(_parse(later) for later in lines[index + 1 :])):
                    raise Inconsistent(f"line {index + 1} of {path} is damaged: restore a backup")
                break
            records.append(record)
            offset += len(line) + 1
        if offset < len(content):
            with path.open("r+b") as file:
                file.truncate(offset)
                os.fsync(file.fileno())
        refused = {record["no"] for record in records if "no" in record}
        for record in records:
            step = _replay_line(record, refused, past, step)
        return step

    # -- writing --------------------------------------------------------------------------------------------

    def transactions(self, raws: list[tuple[bytes, bytes]]) -> None:
        """Note (hash, raw) pairs, durably."""
        self._append([{"tx": raw.hex(), "h": hash.hex()} for hash, raw in raws], sync=True)

    def refused(self, hashes: list[bytes]) -> None:
        """Note that the chain did not take these: they are not sent again."""
        self._append([{"no": hash.hex()} for hash in hashes], sync=False)

    def mark(self, number: int, time: int) -> None:
        """Note that block `number` will be made at `time`, durably."""
        self._append([{"block": number, "t": time}], sync=True)

    def mined(self, block: Mined) -> None:
        """Note what came out. The next durable line carries it to the disk."""
        order = [hash.hex() for hash in block.transactions]
        self._append([{"mined": block.number, "hash": block.hash.hex(), "txs": order}], sync=False)

    def snapshot(self, block: int, state: bytes, waiting: list[tuple[bytes, bytes]]) -> None:
        """Begin a new generation at `block` with `state` (JSON); `waiting` transactions are carried over."""
        fresh = self._journal(block)
        lines = b"".join(_line({"tx": raw.hex(), "h": hash.hex()}) for hash, raw in waiting)
        # The segment first: a snapshot without its segment would forget what waits, a segment without its snapshot
        # is only the continuation of the older one.
        try:
            _write_whole(fresh, lines)
            _write_whole(self._state(block), gzip.compress(state, compresslevel=3))
        except OSError as fault:
            raise _disk_fault(self.folder, fault) from fault
        self._open(block)
        self._forget_old()

    def close(self) -> None:
        """Close the open segment."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, records: list[dict[str, Any]], sync: bool) -> None:
        if self._file is None:
            raise ChainUnreachable(f"the chain's journal in {self.folder} is not open")
        payload = b"".join(_line(record) for record in records)
        try:
            self._file.write(payload)
            self._file.flush()
            if sync:
                os.fsync(self._file.fileno())
        except OSError as fault:
            self._cut_back()
            raise _disk_fault(self.folder, fault) from fault
        self._sound += len(payload)
        self.lines += len(records)

    def _cut_back(self) -> None:
        """Undo half a line; if even that fails, nothing is written any more until the next start."""
        assert self._file is not None
        path = Path(self._file.name)
        with contextlib.suppress(OSError):
            self._file.close()
        self._file = None
        with contextlib.suppress(OSError):
            os.truncate(path, self._sound)
            self._file = path.open("ab")

    def _open(self, number: int) -> None:
        self.close()
        path = self._journal(number)
        created = not path.exists()
        try:
            self._file = path.open("ab")
            if created:
                _sync_folder(self.folder)
        except OSError as fault:
            raise _disk_fault(self.folder, fault) from fault
        self._sound = path.stat().st_size
        self.lines = 0

    def _forget_old(self) -> None:
        states = self._numbers("state")
        oldest = states[-GENERATIONS] if len(states) >= GENERATIONS else 0
        for number in self._numbers("state"):
            if number < oldest:
                self._state(number).unlink()
        for number in self._numbers("journal"):
            if number < oldest:
                self._journal(number).unlink()

    def _numbers(self, kind: str) -> list[int]:
        found = (NAMED.match(path.name) for path in self.folder.iterdir())
        return sorted(int(match[2]) for match in found if match and match[1] == kind)

    def _state(self, number: int) -> Path:
        return self.folder / f"state-{number:010}.json.gz"

    def _journal(self, number: int) -> Path:
        return self.folder / f"journal-{number:010}.log"


def _line(record: dict[str, Any]) -> bytes:
    body = orjson.dumps(record)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _parse(line: bytes) -> dict[str, Any] | None:
    """The record of a line, None if it is not whole."""
    if len(line) < 10 or line[8:9] != b" ":
        return None
    try:
        if int(line[:8], 16) != zlib.crc32(line[9:]):
            return None
        return orjson.loads(line[9:])
    except ValueError:
        return None


def _replay_line(record: dict[str, Any], refused: set[str], past: Past, step: Step) -> Step:
    if "tx" in record:
        if record["h"] not in refused:
            step.raws[bytes.fromhex(record["h"])] = bytes.fromhex(record["tx"])
    elif "block" in record:
        step.number, step.time = record["block"], record["t"]
        if past.steps and past.steps[-1].number == step.number and past.steps[-1].mined is None:
            # A block that was announced and not made, and then announced again.
            step.raws = past.steps.pop().raws | step.raws
        past.steps.append(step)
        return Step()
    elif "mined" in record and past.steps and past.steps[-1].number == record["mined"]:
        order = tuple(bytes.fromhex(item) for item in record["txs"])
        past.steps[-1].mined = Mined(record["mined"], bytes.fromhex(record["hash"]), order)
    return step


def _read_state(path: Path, number: int) -> bytes | None:
    """The snapshot in `path`, None if it is torn or another one."""
    try:
        state = gzip.decompress(path.read_bytes())
        best = orjson.loads(state)["best_block_number"]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return None
    return state if (int(best, 16) if isinstance(best, str) else best) == number else None


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _disk_fault(folder: Path, fault: OSError) -> ChainUnreachable:
    why = "the disk is full" if fault.errno == 28 else (fault.strerror or str(fault))
    return ChainUnreachable(f"the chain's journal in {folder} cannot be written: {why}")
