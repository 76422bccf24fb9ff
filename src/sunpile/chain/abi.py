"""A contract's ABI as we use it: encode calls, decode answers, events and call data, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from typing import Any, cast

from eth_abi.abi import decode, encode

from sunpile.basics.errors import InputInvalid
from sunpile.basics.hashing import keccak256

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Function:
    """One external function; a default argument makes a further one of the same name."""

    name: str
    inputs: tuple[Entry, ...]
    outputs: tuple[Entry, ...]
    stateMutability: str

    @cached_property
    def signature(self) -> str:
        """`name(type,...)`."""
        return f"{self.name}({','.join(kind(item) for item in self.inputs)})"

    @cached_property
    def selector(self) -> bytes:
        """First four bytes of its call data."""
        return keccak256(self.signature.encode())[:4]

    def encode(self, *args: object) -> bytes:
        """Call data."""
        return self.selector + encode_args(self.inputs, args)

    def decode(self, output: bytes) -> Any:
        """The answer: a value, or a tuple if there are several; a struct is a dict by member."""
        values = decode_args(self.outputs, output)
        return values[0] if len(values) == 1 else values


@dataclass(frozen=True)
class Event:
    """One event."""

    name: str
    inputs: tuple[Entry, ...]

    @cached_property
    def topic(self) -> bytes:
        """Its first topic."""
        return keccak256(f"{self.name}({','.join(kind(item) for item in self.inputs)})".encode())

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """Its arguments by name, in the order of the ABI."""
        indexed = [item for item in self.inputs if item["indexed"]]
        plain = [item for item in self.inputs if not item["indexed"]]
        found = dict(zip([item["name"] for item in plain], decode_args(plain, data), strict=True))
        for item, topic in zip(indexed, topics[1:], strict=True):
            # A dynamic indexed argument is only its hash.
            dynamic = item["type"] in ("string", "bytes") or item["type"].endswith("]")
            found[item["name"]] = topic if dynamic else decode_args([item], topic)[0]
        return {item["name"]: found[item["name"]] for item in self.inputs}


class Abi:
    """All of one contract."""

    def __init__(self, entries: Sequence[Entry], bytecode: bytes = b"", runtime_size: int = 0) -> None:
        self.bytecode = bytecode
        """Creation code."""
        self._runtime_size = runtime_size
        self._constructor: tuple[Entry, ...] = ()
        self._functions: dict[tuple[str, int], Function] = {}
        self._selectors: dict[bytes, Function] = {}
        self._events: dict[bytes, Event] = {}
        for entry in entries:
            inputs = tuple(entry.get("inputs", ()))
            if entry["type"] == "constructor":
                self._constructor = inputs
            elif entry["type"] == "function":
                outputs = tuple(entry.get("outputs", ()))
                function = Function(entry["name"], inputs, outputs, entry["stateMutability"])
                self._functions[function.name, len(inputs)] = function
                self._selectors[function.selector] = function
            elif entry["type"] == "event":
                event = Event(entry["name"], inputs)
                self._events[event.topic] = event

    def immutables_of(self, code: bytes) -> bytes | None:
        """What a deployment of this contract has behind its code; None if `code` on chain is not this contract.

        The compiler's runtime code stands whole in the creation code; the constructor appends the immutables.
        """
        size = self._runtime_size
        return code[size:] if size and len(code) >= size and code[:size] in self.bytecode else None

    @property
    def functions(self) -> list[Function]:
        """Every external function."""
        return list(self._functions.values())

    @property
    def events(self) -> list[Event]:
        """Every event."""
        return list(self._events.values())

    def function(self, name: str, args: int) -> Function:
        """The function `name` that takes `args` arguments."""
        try:
            return self._functions[name, args]
        except KeyError:
            known = sorted(function.signature for function in self._functions.values() if function.name == name)
            raise InputInvalid(f"no function {name} with {args} arguments; there is {known or 'none'}") from None

    def creation(self, *args: object) -> bytes:
        """Data of the transaction that deploys it."""
        return self.bytecode + encode_args(self._constructor, args)

    def decode_call(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """(function, arguments by name) of call data; None if it is for nothing here."""
        function = self._selectors.get(data[:4])
        if function is None:
            return None
        names = [item["name"] for item in function.inputs]
        return function.name, dict(zip(names, decode_args(function.inputs, data[4:]), strict=True))

    def decode_event(self, topics: Sequence[bytes], data: bytes) -> tuple[str, dict[str, Any]] | None:
        """(event, arguments by name) of a log; None if this contract has no such event."""
        event = self._events.get(topics[0]) if topics else None
        return None if event is None else (event.name, event.decode(topics, data))


def kind(entry: Entry) -> str:
    """The canonical type: structs written out as tuples."""
    if not entry["type"].startswith("tuple"):
        return entry["type"]
    return "(" + ",".join(kind(part) for part in entry["components"]) + ")" + entry["type"][len("tuple") :]


def encode_args(inputs: Sequence[Entry], args: Sequence[object]) -> bytes:
    """ABI encoding of `args`; a struct may be a dict, a dataclass or a tuple."""
    if len(inputs) != len(args):
        raise InputInvalid(f"{len(inputs)} arguments are needed, {len(args)} were given")
    values = [_plain(item, item["type"], value) for item, value in zip(inputs, args, strict=True)]
    try:
        return encode([kind(item) for item in inputs], values)
    except Exception as fault:
        names = ", ".join(f"{kind(item)} {item['name']}" for item in inputs)
        raise InputInvalid(f"arguments do not fit ({names}): {fault}") from fault


def decode_args(outputs: Sequence[Entry], data: bytes) -> tuple[Any, ...]:
    """Values of ABI-encoded `data`; a struct becomes a dict by member."""
    try:
        values = decode([kind(item) for item in outputs], data)
    except Exception as fault:
        raise InputInvalid(f"the answer of {len(data)} bytes is not what the contract's ABI says") from fault
    return tuple(_named(item, item["type"], value) for item, value in zip(outputs, values, strict=True))


def _plain(entry: Entry, type_: str, value: Any) -> Any:
    if type_.endswith("]"):
        return [_plain(entry, type_[: type_.rindex("[")], item) for item in value]
    if type_ != "tuple":
        return value
    parts: list[Entry] = entry["components"]
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        members = [mapping[part["name"]] for part in parts]
    elif is_dataclass(value):
        members = [getattr(value, part["name"]) for part in parts]
    else:
        members = list(cast("Sequence[Any]", value))
    return tuple(_plain(part, part["type"], member) for part, member in zip(parts, members, strict=True))


def _named(entry: Entry, type_: str, value: Any) -> Any:
    if type_.endswith("]"):
        inner = type_[: type_.rindex("[")]
        return [_named(entry, inner, item) for item in value]
    if type_ != "tuple":
        return value
    parts: list[Entry] = entry["components"]
    return {part["name"]: _named(part, part["type"], item) for part, item in zip(parts, value, strict=True)}
