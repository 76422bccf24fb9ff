"""Fixtures of all contract tests.

Every test runs on both optimisation levels, `gas` as deployed and `none` as the compiler means it; `OPTIMIZE=gas`
chooses one. Each test starts from the state its fixtures made (titanoboa rolls back).
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boa
import gas as gas_module
import pytest
from boa.interpret import set_search_paths
from hypothesis import HealthCheck, settings
from roles import Role, role
from stage import issue
from vyper.compiler.settings import OptimizationLevel

CONTRACTS = Path(__file__).resolve().parent.parent
LEVELS = os.environ.get("OPTIMIZE", "gas,none").split(",")
NOW = 1_800_000_000
"""Unix seconds at the start of every test; divisible by 900."""
SOAK = os.environ.get("SUNPILE_SOAK") == "1"

set_search_paths([str(CONTRACTS)])
_quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
_common = {"deadline": None, "suppress_health_check": _quiet, "database": None}
settings.register_profile("small", max_examples=8, stateful_step_count=30, derandomize=True, **_common)
settings.register_profile("soak", max_examples=100, stateful_step_count=50, **_common)
settings.load_profile("soak" if SOAK else "small")

_deployers: dict[tuple[str, str], Any] = {}


def _source(name: str) -> Path:
    for folder in (CONTRACTS, CONTRACTS / "tests" / "mocks"):
        if (folder / f"{name}.vy").exists():
            return folder / f"{name}.vy"
    raise FileNotFoundError(f"no contract called {name}")


def deployer_of(name: str, optimize: str) -> Any:
    """The compiled contract `name`, compiled once a session and level."""
    if (name, optimize) not in _deployers:
        level = OptimizationLevel.from_string(optimize)
        arguments = {"optimize": level, "evm_version": "prague"}
        _deployers[name, optimize] = boa.load_partial(str(_source(name)), compiler_args=arguments)
    return _deployers[name, optimize]


@pytest.fixture(scope="session", params=LEVELS)
def optimize(request: pytest.FixtureRequest) -> str:
    """The optimisation level the contracts of this run were compiled with."""
    return request.param


@pytest.fixture(scope="session", autouse=True)
def _chain() -> None:
    boa.env.timestamp = NOW
    # `none` is for its meaning, not its size; the size that is deployed has a test of its own.
    boa.env.evm.patch.code_size_limit = 2**20


@pytest.fixture(autouse=True)
def _no_slots_of_former_contracts() -> None:
    # titanoboa keeps a list of written slots by address to explain reverts with; a rolled-back test leaves its
    # addresses to other contracts, whose storage it would then read wrongly.
    boa.env.sstore_trace.clear()


@pytest.fixture
def env() -> Any:
    """The chain: `env.timestamp`, `env.time_travel(seconds=...)`."""
    return boa.env


def deploy_at(optimize: str, name: str, *args: Any, sender: Role | None = None) -> Any:
    """A contract or a mock, compiled at a level and deployed."""
    with boa.env.prank((sender or role("deployer")).address):
        return deployer_of(name, optimize).deploy(*args)


@pytest.fixture(scope="session")
def deploy(optimize: str) -> Callable[..., Any]:
    """`deploy("Council", *args, sender=role)` deploys a contract or a mock."""
    return partial(deploy_at, optimize)


@pytest.fixture(scope="session")
def roles() -> Callable[[str], Role]:
    """`roles("minter")` is a person with an address and a key."""
    return role


@pytest.fixture(scope="session")
def gas_table() -> Iterator[gas_module.GasTable]:
    """The gas table of this session."""
    table = gas_module.GasTable()
    yield table
    table.save()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gas is measured as deployed, so tests of gas run on that level only."""

    def left_out(item: Any) -> bool:
        return "gas" in item.fixturenames and item.callspec.params.get("optimize") != "gas"

    config.hook.pytest_deselected(items=[item for item in items if left_out(item)])
    items[:] = [item for item in items if not left_out(item)]


@pytest.fixture
def gas(optimize: str, gas_table: gas_module.GasTable) -> Callable[..., int]:
    """`gas(case, contract, function, *args, sender=role)` calls, measures from cold slots and checks the table."""

    def measure(case: str, contract: Any, function: str, *args: Any, sender: Role) -> int:
        used = gas_module.transaction_gas(contract, function, *args, sender=sender.address)
        name = Path(contract.compiler_data.contract_path).stem
        return gas_table.record(f"{name}.{function}", case, used)

    return measure


# ------------------------------------------------- a token with money in it


@pytest.fixture
def token(deploy: Callable[..., Any]) -> Any:
    """A SettlementToken with an attester, a minter and a large reserve; nobody holds anything yet."""
    return issue(deploy)


@pytest.fixture
def fund(token: Any) -> Callable[[Role, int], None]:
    """`fund(role, nano)` mints money to a person."""
    count = iter(range(1, 10**9))

    def mint(to: Role, amount: int) -> None:
        reference = b"fund" + next(count).to_bytes(28, "big")
        token.mint(to.address, amount, reference, sender=role("minter").address)

    return mint
