"""`sunpile init`: a folder, keys, members' folders, and the contracts on the chain."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sunpile.basics.errors import NotFound
from sunpile.basics.ids import Address, ZoneId
from sunpile.basics.ports import Clock
from sunpile.chain import Deployment, Submitter, deploy_all
from sunpile.chain.deploy import Plan
from sunpile.settings import NodeSettings
from sunpile.store.chain import Submissions
from sunpile.store.database import Database
from sunpile.store.schema import upgrade
from sunpile.wiring.chain_side import engine_for
from sunpile.wiring.folder import Folder

SANDBOX_RESERVE = 10**18
"""Nano that the sandbox bank attests: a billion units of the currency."""
UTILITY_START = 10**15
"""Nano with which the grid's account starts in the sandbox."""


@dataclass(frozen=True)
class NewNode:
    """What a new node is to be."""

    folder: Path
    settings: Mapping[str, object]
    """Content of its `sunpile.toml`."""
    member_ports: Sequence[int]
    """Ports of the members that run beside it."""
    node_url: str
    """Where members find the node."""
    quick_keys: bool = False
    """Cheap key files, for a simulated town."""


def make_folder(new: NewNode) -> Folder:
    """Folder, keys, and a folder for each member."""
    folder = Folder(new.folder)
    urls = [f"http://127.0.0.1:{port}" for port in new.member_ports]
    folder.create({**new.settings, "members": urls}, new.quick_keys)
    for seat, port in enumerate(new.member_ports):
        member = {"port": port, "rpc_url": f"{new.node_url}/rpc"}
        folder.create_member(seat, member, new.quick_keys)
    return folder


async def deploy(
    settings: NodeSettings, folder: Folder, clock: Clock, say: Callable[[str], None] = lambda _text: None
) -> Deployment:
    """Put the contracts on the chain of `folder` and give the utility account its first money. Safe to repeat."""
    seats = member_addresses(folder, len(settings.members))
    database = Database(folder.database_url(settings.database))
    upgrade(database.engine)
    engine = engine_for(settings, folder, clock)
    try:
        await engine.start()
        admin = Submitter(engine, folder.key("admin"), Submissions(database))
        say("deploying the contracts")
        deployment = await deploy_all(admin, _plan(settings, folder, admin.address, seats))
        folder.save_deployment(deployment)
        for seat in range(len(seats)):
            Folder(folder.member(seat)).save_deployment(deployment)
        say("opening the grid's account")
        await _fund_utility(deployment, folder, admin, database)
        await admin.close()
    finally:
        await engine.stop()
        database.close()
    return deployment


def member_addresses(folder: Folder, count: int) -> list[Address]:
    """Addresses of the members whose folders are in the node's.

    Raises
    ------
    NotFound
        if one is missing.
    """
    seats: list[Address] = []
    for seat in range(count):
        inner = Folder(folder.member(seat))
        if not inner.key_file("member").exists():
            raise NotFound(f"the member of seat {seat} has no key in {inner.path}")
        seats.append(inner.key("member").address)
    return seats


def zone_of(deployment: Deployment) -> ZoneId:
    """The zone a deployment made."""
    return ZoneId(deployment.zone)


def _plan(settings: NodeSettings, folder: Folder, admin: Address, seats: Sequence[Address]) -> Plan:
    operator = folder.key("operator").address
    return Plan(
        seats=seats,
        utility=folder.key("utility").address,
        tariff_source=operator,
        operator=operator,
        certifier=operator,
        attester=admin,
        minter=folder.key("minter").address,
        mint_allowance=SANDBOX_RESERVE,
        retail_cap=settings.retail_cap,
        interval_length=settings.interval_length,
        currency=settings.currency,
    )


async def _fund_utility(deployment: Deployment, folder: Folder, admin: Submitter, database: Database) -> None:
    contracts = deployment.contracts()
    token, market = contracts.address("SettlementToken"), contracts.address("EnergyMarket")
    book = Submissions(database)
    minter = Submitter(admin.engine, folder.key("minter"), book)
    utility = Submitter(admin.engine, folder.key("utility"), book)
    attest = contracts.encode("SettlementToken", "attestReserve", SANDBOX_RESERVE)
    await admin.submit("sandbox:reserve", token, attest)
    mint = contracts.encode("SettlementToken", "mint", utility.address, UTILITY_START, b"sandbox utility".ljust(32))
    await minter.submit("sandbox:utility", token, mint)
    approve = contracts.encode("SettlementToken", "approve", market, UTILITY_START)
    await utility.submit("sandbox:approve", token, approve)
    deposit = contracts.encode("EnergyMarket", "depositUtility", deployment.tree, UTILITY_START)
    await utility.submit("sandbox:deposit", market, deposit)
    await minter.close()
    await utility.close()
