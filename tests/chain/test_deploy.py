"""Sunpile's contracts on a chain, wired, whatever interrupts."""

from dataclasses import replace

import pytest
from tests.chain.ground import CHAIN_ID, MemoryBook

from sunpile.basics.errors import ChainUnreachable, InputInvalid, SettingInvalid
from sunpile.basics.keys import Key
from sunpile.chain.contracts import NAMES
from sunpile.chain.deploy import Deployment, Plan, deploy_all
from sunpile.chain.engine.anvil import AnvilEngine
from sunpile.chain.submitter import Submitter

ADMIN = Key.from_seed("admin")
SEATS = [Key.from_seed(f"seat {number}").address for number in range(4)]
PLAN = Plan(
    seats=SEATS,
    utility=ADMIN.address,
    tariff_source=ADMIN.address,
    operator=ADMIN.address,
    certifier=ADMIN.address,
    attester=ADMIN.address,
    minter=ADMIN.address,
    mint_allowance=10**18,
    retail_cap=1_000_000,
)


async def test_everything_is_deployed_and_wired(engine: AnvilEngine, book: MemoryBook) -> None:
    done = await deploy_all(Submitter(engine, ADMIN, book), PLAN)
    assert set(done.addresses) == set(NAMES) == set(done.code_hashes)
    assert (done.chain_id, done.tree, done.zone, done.block) == (CHAIN_ID, 1, 1, 1)
    contracts, market = done.contracts(), done.addresses["EnergyMarket"]
    rpc = engine.rpc
    assert await contracts.call(rpc, "Council", "market") == market
    assert await contracts.call(rpc, "Registry", "market") == market
    assert await contracts.call(rpc, "Council", "getValidators") == SEATS
    assert await contracts.call(rpc, "Council", "quorum", 0) == 3
    assert await contracts.call(rpc, "SettlementToken", "minterAllowance", ADMIN.address) == 10**18
    assert await contracts.call(rpc, "SettlementToken", "attester") == ADMIN.address
    assert Deployment.from_json(done.to_json()) == done


async def test_deploying_again_changes_nothing(engine: AnvilEngine, book: MemoryBook) -> None:
    first = await deploy_all(Submitter(engine, ADMIN, book), PLAN)
    block = (await engine.head()).number
    assert await deploy_all(Submitter(engine, ADMIN, book), PLAN) == first
    assert (await engine.head()).number == block
    other = await deploy_all(Submitter(engine, ADMIN, book), replace(PLAN, label="second"))
    assert other.addresses != first.addresses


class Interrupted(MemoryBook):
    """A book that fails once, after so many new submissions."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    async def add(self, submissions: list[object]) -> None:  # type: ignore[override]
        self.left -= 1
        if self.left == 0:
            raise ChainUnreachable("cut off")
        await super().add(submissions)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [2, 5, 7])
async def test_a_deployment_that_was_cut_off_goes_on(engine: AnvilEngine, after: int) -> None:
    book = Interrupted(after)
    with pytest.raises(ChainUnreachable):
        await deploy_all(Submitter(engine, ADMIN, book), PLAN)
    done = await deploy_all(Submitter(engine, ADMIN, book), PLAN)
    assert (done.tree, done.zone) == (1, 1)
    assert len(book.rows) == 11


async def test_a_wrong_plan_is_refused_before_anything_happens(engine: AnvilEngine, book: MemoryBook) -> None:
    submitter = Submitter(engine, ADMIN, book)
    with pytest.raises(InputInvalid, match="at least 4 seats"):
        await deploy_all(submitter, replace(PLAN, seats=SEATS[:3]))
    with pytest.raises(SettingInvalid, match="interval_length"):
        await deploy_all(submitter, replace(PLAN, interval_length=7))
    assert not book.rows
