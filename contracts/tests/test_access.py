"""Every privileged function x every wrong caller reverts.

The functions come from the ABI of what is deployed, so a new external function that changes state and is not
classified fails here. Each contract classifies its own in `tests/<Contract>/access.py`:

    OPEN = {"transfer": "moves the caller's own money", ...}     # anyone may call, and why that is safe
    RESTRICTED = {"mint": Restricted({"minter"}, "mint: not a minter", args), ...}
    def world(deploy, token) -> World(contract, callers)         # a fresh contract and who has which role

`args` is a function of the world. `callers` names more callers than `roles.NAMES`: contracts that have a role.
"""

import importlib.util
from pathlib import Path
from types import ModuleType

import boa
import build
import pytest
from access_rules import Restricted, World
from roles import NAMES, role

TESTS = Path(__file__).resolve().parent
NOBODY_SPECIAL = "a new address"


def rules_of(name: str) -> ModuleType:
    """The classification of one contract."""
    spec = importlib.util.spec_from_file_location(f"access_{name}", TESTS / name / "access.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def functions_of(name: str) -> list[str]:
    """The external functions of a contract that can change state."""
    abi = build.compile_contract(build.CONTRACTS / f"{name}.vy")["abi"]
    changing = ("nonpayable", "payable")
    return [e["name"] for e in abi if e["type"] == "function" and e["stateMutability"] in changing]


CONTRACTS = [source.stem for source in build.deployables()]
CLASSIFIED = {name: rules_of(name) for name in CONTRACTS if (TESTS / name / "access.py").exists()}
CASES = [(name, function) for name, rules in CLASSIFIED.items() for function in rules.RESTRICTED]


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_function_that_changes_state_is_classified(name):
    assert name in CLASSIFIED, f"write tests/{name}/access.py"
    rules = CLASSIFIED[name]
    assert set(functions_of(name)) == set(rules.OPEN) | set(rules.RESTRICTED)
    assert not set(rules.OPEN) & set(rules.RESTRICTED)


@pytest.mark.parametrize("name", CLASSIFIED)
def test_no_function_takes_the_chains_coin(name):
    abi = build.compile_contract(build.CONTRACTS / f"{name}.vy")["abi"]
    assert not [e for e in abi if e.get("stateMutability") == "payable"]


@pytest.mark.parametrize(("name", "function"), CASES, ids=[".".join(case) for case in CASES])
def test_wrong_callers_are_refused_and_the_right_ones_are_not(name, function, deploy, token):
    rules = CLASSIFIED[name]
    rule: Restricted = rules.RESTRICTED[function]
    world: World = (rule.world or rules.world)(deploy, token)
    call = getattr(world.contract, function)
    args = rule.args(world)
    callers = {who: role(who).address for who in NAMES} | world.callers
    callers |= {"the contract": world.contract.address, "the token": token.address}
    callers[NOBODY_SPECIAL] = boa.env.generate_address()
    assert rule.allowed <= set(callers)
    for who in sorted(set(callers) - rule.allowed):
        with boa.reverts(rule.reason):
            call(*args, sender=callers[who])
    for who in sorted(rule.allowed):
        with boa.env.anchor():
            call(*args, sender=callers[who])
