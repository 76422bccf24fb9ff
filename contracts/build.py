"""Compile the deployable contracts and write their artifacts.

    .venv-contracts/bin/python contracts/build.py [CONTRACT ...]

A file in CamelCase is a contract, one in snake_case or in `market/` a module that contracts take in. Each artifact is
`{"abi", "bytecode", "deployed_size", "runtime_size"}`: on chain stand `runtime_size` bytes of the compiler, then the
immutables of the deployment; the bytes are the same wherever the sources are the same.
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from vyper.compiler import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.settings import OptimizationLevel, Settings

CONTRACTS = Path(__file__).resolve().parent
ARTIFACTS = CONTRACTS.parent / "src" / "sunpile" / "chain" / "artifacts"
EVM_VERSION = "prague"
SIZE_LIMIT = 24_576
"""Bytes of code that a chain accepts for one contract (EIP-170)."""


def deployables() -> list[Path]:
    """The source of every contract that is deployed."""
    return sorted(path for path in CONTRACTS.glob("*.vy") if path.stem[0].isupper())


@cache
def compile_contract(source: Path, optimize: str = "gas") -> dict[str, Any]:
    """The artifact of one contract."""
    bundle = FilesystemInputBundle([CONTRACTS])
    output = compile_from_file_input(
        bundle.load_file(source.relative_to(CONTRACTS)),
        input_bundle=bundle,
        settings=Settings(optimize=OptimizationLevel.from_string(optimize), evm_version=EVM_VERSION),
        output_formats=["abi", "bytecode", "bytecode_runtime", "layout"],
    )
    immutables = _spans(output["layout"].get("code_layout", {}))
    runtime = len(output["bytecode_runtime"]) // 2 - 1
    size = runtime + max((end for _, end in immutables), default=0)
    if size > SIZE_LIMIT:
        raise SystemExit(f"{source.stem}: {size} bytes of code, more than the {SIZE_LIMIT} a chain accepts")
    return {"abi": output["abi"], "bytecode": output["bytecode"], "deployed_size": size, "runtime_size": runtime}


def _spans(layout: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """(first, past last) byte of each immutable; constructors append them to the code."""
    for entry in layout.values():
        if "offset" in entry and "length" in entry:
            yield entry["offset"], entry["offset"] + entry["length"]
        else:
            yield from _spans(entry)


def text_of(artifact: dict[str, Any]) -> str:
    """An artifact as it stands in its file: one ABI entry a line, so that a change is readable."""
    abi = ",\n".join("  " + json.dumps(entry, sort_keys=True) for entry in artifact["abi"])
    sizes = ",\n".join(f'"{name}": {artifact[name]}' for name in ("deployed_size", "runtime_size"))
    return f'{{"abi": [\n{abi}\n],\n{sizes},\n"bytecode": "{artifact["bytecode"]}"}}\n'


def main(names: list[str]) -> None:
    """Write the artifact of every contract, or of those called `names`."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    sources = deployables()
    for source in sources:
        if names and source.stem not in names:
            continue
        artifact = compile_contract(source)
        (ARTIFACTS / f"{source.stem}.json").write_text(text_of(artifact))
        print(f"{source.stem:<16} {artifact['deployed_size']:>6} bytes")
    for stale in ARTIFACTS.glob("*.json"):
        if stale.stem not in {source.stem for source in sources}:
            stale.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
