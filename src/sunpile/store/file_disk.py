"""Contents of files in the node's folder, named by their SHA-256: implements `fleet.files.Disk`.

What comes goes to a nameless temporary file first and gets its place when it is whole. No name that anybody sends ever
becomes part of a path.
"""

import asyncio
import hashlib
import mmap
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from sunpile.basics.errors import InputInvalid, TooLarge
from sunpile.fleet.files import Content

_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FILENAME = re.compile(rb'filename="([^"\r\n]{0,255})"')
_CHUNK = 1 << 20


class FileDisk:
    """`Disk` on a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._coming = folder / "coming"
        self._coming.mkdir(parents=True, exist_ok=True)
        for left in self._coming.iterdir():
            left.unlink()

    def path(self, sha256: str) -> Path:
        """See `Disk.path`."""
        assert _HEX.fullmatch(sha256)
        return self._folder / sha256[:2] / sha256

    async def receive(self, stream: AsyncIterator[bytes], limit: int, form: str | None = None) -> Content:
        """See `Disk.receive`."""
        coming = self._coming / secrets.token_hex(16)
        try:
            await self._write(coming, stream, limit)
            name = await asyncio.to_thread(_unwrap, coming, form.encode()) if form is not None else ""
            content = await asyncio.to_thread(_digests, coming, name)
            await asyncio.to_thread(self._place, coming, content.sha256)
        finally:
            coming.unlink(missing_ok=True)
        return content

    async def _write(self, coming: Path, stream: AsyncIterator[bytes], limit: int) -> None:
        size = 0
        with coming.open("xb") as out:
            async for chunk in stream:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"a file of more than {limit} bytes is not taken")
                await asyncio.to_thread(out.write, chunk)

    def _place(self, coming: Path, sha256: str) -> None:
        place = self.path(sha256)
        place.parent.mkdir(exist_ok=True)
        with coming.open("rb+") as whole:
            os.fsync(whole.fileno())
        coming.rename(place)

    async def remove(self, sha256: str) -> None:
        """See `Disk.remove`."""
        await asyncio.to_thread(self.path(sha256).unlink, missing_ok=True)


def _digests(path: Path, name: str) -> Content:
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    return Content(sha256.hexdigest(), md5.hexdigest(), size, name)


def _unwrap(path: Path, boundary: bytes) -> str:
    """Leave of a multipart form (RFC 7578) only its first file; the file's name."""
    fault = InputInvalid("the form holds no file")
    if not boundary or path.stat().st_size == 0:
        raise fault
    border = b"--" + boundary
    with path.open("rb") as whole, mmap.mmap(whole.fileno(), 0, access=mmap.ACCESS_READ) as view:
        at = view.find(border)
        while at != -1:
            head = view.find(b"\r\n\r\n", at)
            end = view.find(b"\r\n" + border, head + 2)
            if head == -1 or end == -1:
                raise fault
            named = _FILENAME.search(view[at : min(head, at + 4096)])
            if named:
                inner = path.with_suffix(".inner")
                with inner.open("xb") as out:
                    for begin in range(head + 4, end, _CHUNK):
                        out.write(view[begin : min(end, begin + _CHUNK)])
                inner.rename(path)
                return named.group(1).decode("utf-8", "replace")
            at = view.find(border, end)
    raise fault
