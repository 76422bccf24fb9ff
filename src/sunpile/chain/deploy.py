"""Putting sunpile's contracts on a chain, wired to each other, with one tree and one zone.

Every step has its content id, so a deployment that was cut off goes on where it stopped when it is called again.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from sunpile.basics.errors import Inconsistent, InputInvalid, SunpileError
from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address
from sunpile.basics.interval import DEFAULT_LENGTH, check_length
from sunpile.chain.contracts import Contracts
from sunpile.chain.receipts import Receipt
from sunpile.chain.submitter import Ask, Submitter

DEPLOY_GAS = 16_000_000
CALL_GAS = 1_000_000
EPOCH_LENGTH = 86_400
SEATS_MIN = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deployed. The submitter's key deploys, is the admin, and does the wiring."""

    seats: Sequence[Address]
    """The council, at least four, in the order the bits of a mask count."""
    utility: Address
    """Owner of the tree's utility account."""
    tariff_source: Address
    """Who publishes the tariffs."""
    operator: Address
    """Operator of the zone."""
    certifier: Address
    """Who sets caps of the zone's points."""
    attester: Address
    """Who says how much money the bank holds."""
    minter: Address
    """Who mints for the bank's payments."""
    mint_allowance: int
    """nano the minter may mint."""
    retail_cap: int
    """Highest retail tariff, micro per kWh."""
    interval_length: int = DEFAULT_LENGTH
    """Seconds."""
    epoch_length: int = EPOCH_LENGTH
    """Seconds of a council's epoch."""
    currency: str = "EUR"
    """ISO 4217."""
    billed_by_retailer: bool = False
    """True: grid legs move no money on chain."""
    label: str = "main"
    """Another label makes another deployment on the same chain."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is where."""

    chain_id: int
    block: int
    """Block of the first contract: an indexer begins here."""
    addresses: dict[str, str]
    code_hashes: dict[str, str]
    """keccak256 of each contract's code on chain, 0x hex: what a receipt's reader compares."""
    tree: int
    zone: int
    admin: str
    seats: list[str]

    def contracts(self) -> Contracts:
        """Handles."""
        return Contracts(self.addresses)

    def to_json(self) -> str:
        """As it is kept."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> "Deployment":
        """What `to_json` wrote."""
        return cls(**orjson.loads(text))


async def deploy_all(submitter: Submitter, plan: Plan) -> Deployment:
    """Deploy and wire everything; called again with the same plan it returns the same deployment.

    Raises
    ------
    InputInvalid
        if the plan has too few seats.
    SettingInvalid
        if the interval's length is not allowed.
    """
    if len(plan.seats) < SEATS_MIN:
        raise InputInvalid(f"a council has at least {SEATS_MIN} seats, the plan has {len(plan.seats)}")
    check_length(plan.interval_length)
    contracts, block = await _deploy_contracts(submitter, plan)
    await _wire(submitter, plan, contracts)
    tree = await _created(submitter, plan, contracts, "TreeCreated", "createTree", _tree_args(plan))
    zone_args = (tree, plan.operator, plan.certifier, plan.billed_by_retailer)
    zone = await _created(submitter, plan, contracts, "ZoneCreated", "createZone", zone_args)
    return Deployment(
        chain_id=submitter.engine.chain_id,
        block=block,
        addresses={name: str(address) for name, address in contracts.addresses.items()},
        code_hashes=await code_hashes(submitter, contracts),
        tree=tree,
        zone=zone,
        admin=submitter.address,
        seats=[str(seat) for seat in plan.seats],
    )


async def deploy(submitter: Submitter, contracts: Contracts, name: str, args: Sequence[object], label: str) -> Receipt:
    """Deploy the contract `name` once per `label`; `created` of the receipt is its address."""
    data = contracts.abi(name).creation(*args)
    # A limit instead of an estimate: contracts that refer to each other go into one block.
    return await submitter.submit(f"deploy:{label}:{name}", None, data, DEPLOY_GAS)


async def code_hashes(submitter: Submitter, contracts: Contracts) -> dict[str, str]:
    """keccak256 of the code at each address."""
    calls = [("eth_getCode", [address, "latest"]) for address in contracts.addresses.values()]
    codes = await submitter.engine.rpc.batch_all(calls)
    hashes: dict[str, str] = {}
    for name, code in zip(contracts.addresses, codes, strict=True):
        if code in ("0x", None):
            raise Inconsistent(f"there is no {name} at {contracts.addresses[name]} after its deployment")
        hashes[name] = "0x" + keccak256(bytes.fromhex(code[2:])).hex()
    return hashes


async def _deploy_contracts(submitter: Submitter, plan: Plan) -> tuple[Contracts, int]:
    admin, found, first = submitter.address, dict[str, str](), 0
    handles = Contracts({})
    steps: list[tuple[str, Any]] = [
        ("SettlementToken", lambda: (f"sunpile {plan.currency}", f"s{plan.currency}", admin)),
        ("Council", lambda: (list(plan.seats), plan.epoch_length)),
        ("Registry", lambda: (admin,)),
        ("EnergyMarket", lambda: (found["SettlementToken"], found["Registry"], found["Council"])),
        ("Channels", lambda: (found["SettlementToken"],)),
    ]
    for name, args in steps:
        receipt = await deploy(submitter, handles, name, args(), plan.label)
        if receipt.created is None:
            raise Inconsistent(f"the deployment of {name} made no contract")
        found[name] = receipt.created
        first = first or receipt.block
    return Contracts(found), first


async def _wire(submitter: Submitter, plan: Plan, contracts: Contracts) -> None:
    market = contracts.address("EnergyMarket")
    steps: list[tuple[str, str, tuple[object, ...]]] = [
        ("Council", "setMarket", (market,)),
        ("Registry", "setMarket", (market,)),
        ("SettlementToken", "setAttester", (plan.attester,)),
        ("SettlementToken", "setMinter", (plan.minter, plan.mint_allowance)),
    ]
    asks = [
        Ask(
            f"wire:{plan.label}:{name}.{function}",
            contracts.address(name),
            contracts.encode(name, function, *args),
            CALL_GAS,
        )
        for name, function, args in steps
    ]
    for result in await submitter.submit_many(asks):
        if isinstance(result, SunpileError):
            raise result


def _tree_args(plan: Plan) -> tuple[object, ...]:
    return plan.interval_length, plan.retail_cap, plan.utility, plan.tariff_source


async def _created(
    submitter: Submitter, plan: Plan, contracts: Contracts, event: str, function: str, args: tuple[object, ...]
) -> int:
    """Number of the tree or zone that `function` of the Registry made."""
    data = contracts.encode("Registry", function, *args)
    content_id = f"wire:{plan.label}:Registry.{function}"
    receipt = await submitter.submit(content_id, contracts.address("Registry"), data, CALL_GAS)
    for _, name, values in contracts.events(receipt.logs):
        if name == event:
            return int(values["tree" if event == "TreeCreated" else "zone"])
    raise Inconsistent(f"{function} made no {event} event")
