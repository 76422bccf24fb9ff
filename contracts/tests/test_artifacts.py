"""The committed artifacts are what the sources compile to."""

import json
from pathlib import Path

import build
import pytest

DEPLOYABLES = build.deployables()


@pytest.mark.parametrize("source", DEPLOYABLES, ids=lambda source: source.stem)
def test_the_committed_artifact_equals_a_fresh_compilation(source: Path):
    path = build.ARTIFACTS / f"{source.stem}.json"
    assert path.exists(), "run: make contracts"
    fresh = build.compile_contract(source)
    committed = json.loads(path.read_text())
    assert committed["abi"] == fresh["abi"]
    assert committed["bytecode"] == fresh["bytecode"]
    assert path.read_text() == build.text_of(fresh)


def test_no_artifact_is_left_of_a_contract_that_is_gone():
    assert {path.stem for path in build.ARTIFACTS.glob("*.json")} <= {source.stem for source in DEPLOYABLES}


@pytest.mark.parametrize("source", DEPLOYABLES, ids=lambda source: source.stem)
def test_a_chain_accepts_the_size(source: Path):
    assert build.compile_contract(source)["deployed_size"] < build.SIZE_LIMIT


def test_the_size_counts_the_immutables(deploy, optimize, roles):
    council = deploy("Council", [roles(f"seat_{number}").address for number in range(4)], 86_400)
    artifact = build.compile_contract(build.CONTRACTS / "Council.vy", optimize)
    code = council.env.get_code(council.address)
    assert len(code) == artifact["deployed_size"]
    assert code[: artifact["runtime_size"]].hex() in artifact["bytecode"]
