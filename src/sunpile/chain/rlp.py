"""Recursive Length Prefix, the coding of Ethereum's transactions (Yellow Paper, appendix B); strict in reading."""

from collections.abc import Sequence
from typing import TypeAlias

from sunpile.basics.errors import InputInvalid

Item: TypeAlias = "bytes | Sequence[Item]"


def encode(item: Item) -> bytes:
    """The coding of bytes, or of a sequence of items."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _head(0x80, len(item)) + item
    body = b"".join(map(encode, item))
    return _head(0xC0, len(body)) + body


def decode(data: bytes) -> Item:
    """The one item in `data`.

    Raises
    ------
    InputInvalid
        if it is torn, has something after it, or could be written shorter.
    """
    item, end = _read(data, 0, 0)
    if end != len(data):
        raise InputInvalid("something stands after the coded item")
    return item


def whole(number: int) -> bytes:
    """A whole number as RLP wants it: big-endian, no zeros in front."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _head(base: int, size: int) -> bytes:
    if size < 56:
        return bytes([base + size])
    length = whole(size)
    return bytes([base + 55 + len(length)]) + length


def _read(data: bytes, at: int, depth: int) -> tuple[Item, int]:
    if at >= len(data) or depth > 8:
        raise InputInvalid("the coded item ends too early or is too deep")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    base = 0xC0 if first >= 0xC0 else 0x80
    begin, end = _span(data, at, first - base)
    if base == 0x80:
        if end - begin == 1 and data[begin] < 0x80:
            raise InputInvalid("a single byte is coded too long")
        return data[begin:end], end
    items: list[Item] = []
    while begin < end:
        item, begin = _read(data, begin, depth + 1)
        items.append(item)
    if begin != end:
        raise InputInvalid("an item reaches beyond its list")
    return items, end


def _span(data: bytes, at: int, short: int) -> tuple[int, int]:
    """Where the body begins and ends."""
    begin, size = at + 1, short
    if short > 55:
        begin = at + 1 + short - 55
        length = data[at + 1 : begin]
        size = int.from_bytes(length, "big")
        if not length or length[0] == 0 or size < 56:
            raise InputInvalid("a length is coded too long")
    if begin + size > len(data):
        raise InputInvalid("the coded item ends too early")
    return begin, begin + size
