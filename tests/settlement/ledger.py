"""The real contracts on a plain anvil, for tests that compare our numbers with the chain's."""

import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from sunpile.basics.hashing import keccak256
from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.keys import Key
from sunpile.basics.typed_data import Domain
from sunpile.chain.abi import Abi
from sunpile.chain.contracts import load_abi
from sunpile.chain.engine.program import find_anvil
from sunpile.market.order import order_of_word
from sunpile.settlement import MeteringPoint, ZoneFacts, market_domain
from sunpile.settlement.batch import tariff_of

ROOT = Path(__file__).resolve().parents[2]
CHAIN_ID = 31337
START = 1_800_000_000
LENGTH = 900
RETAIL_CAP = 1_000_000
SEATS = [Key.from_seed(f"seat {i}") for i in range(4)]
GAS = hex(500_000_000)
ORDER = ("SettlementToken", "Council", "Registry", "EnergyMarket")


class Reverted(Exception):
    """A transaction or call was refused; the text holds the contract's reason."""


class Ledger:
    """All contracts deployed, one zone, one account that owns everything."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.process = subprocess.Popen(
            [
                *(str(find_anvil(ROOT)), "--port", str(self.port), "--quiet", "--chain-id", str(CHAIN_ID)),
                *("--timestamp", str(START), "--hardfork", "prague", "--gas-limit", "1000000000", "--accounts", "1"),
                *("--block-base-fee-per-gas", "0", "--gas-price", "0", "--no-mining"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.now = START
        self.abis: dict[str, Abi] = {name: load_abi(name) for name in ORDER}
        self.addresses: dict[str, Address] = {}
        try:
            self.account = self._wait_for_account()
            self._deploy()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End anvil."""
        self.process.kill()
        self.process.wait()

    # -- the chain ------------------------------------------------------------------------------------------------

    def rpc(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = Request(f"http://127.0.0.1:{self.port}", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            content = json.load(answer)
        if "error" in content:
            raise Reverted(str(content["error"]))
        return content["result"]

    def call(self, to: Address, data: bytes) -> bytes:
        """`eth_call`: with `code`, this is a `ChainView`."""
        return bytes.fromhex(self.rpc("eth_call", {"to": to, "data": "0x" + data.hex(), "gas": GAS}, "latest")[2:])

    def code(self, address: Address) -> bytes:
        """`eth_getCode`."""
        return bytes.fromhex(self.rpc("eth_getCode", address, "latest")[2:])

    def read(self, contract: str, function: str, *args: Any) -> Any:
        """The answer of a view."""
        entry = self.abis[contract].function(function, len(args))
        return entry.decode(self.call(self.addresses[contract], entry.encode(*args)))

    def send(self, contract: str, function: str, *args: Any, at: int | None = None) -> Any:
        """Send a transaction in a block at time `at` (a second after the last by default); its receipt."""
        self.now = at or self.now + 1
        entry = self.abis[contract].function(function, len(args))
        data, to = entry.encode(*args), self.addresses[contract]
        return self._send({"to": to, "data": "0x" + data.hex()})

    def move_to(self, when: int) -> None:
        """Mine an empty block at `when` [Unix s]."""
        self.now = when
        self.rpc("evm_setNextBlockTimestamp", when)
        self.rpc("evm_mine")

    def events(self, receipt: Any, name: str) -> list[dict[str, Any]]:
        """The market's events called `name` in a receipt."""
        found: list[dict[str, Any]] = []
        for log in receipt["logs"]:
            topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
            event = self.abis["EnergyMarket"].decode_event(topics, bytes.fromhex(log["data"][2:]))
            if event is not None and event[0] == name:
                found.append(event[1])
        return found

    # -- sunpile on it ----------------------------------------------------------------------------------------------

    @property
    def domain(self) -> Domain:
        """The market's EIP-712 domain."""
        return market_domain(CHAIN_ID, self.addresses["EnergyMarket"])

    @property
    def code_hash(self) -> bytes:
        """Of the market."""
        return keccak256(self.code(self.addresses["EnergyMarket"]))

    def add_point(self, key: Key, cap: int, parent: int = 0) -> PointId:
        """Register a point of zone 1."""
        point = PointId(self.read("Registry", "pointCount") + 1)
        self.send("Registry", "registerPoint", 1, self.account, key.address, cap, parent, bytes(32))
        return point

    def facts(self, interval: int) -> ZoneFacts:
        """Zone 1 as the chain has it."""
        count = self.read("Registry", "pointCount")
        index, word = self.read("Registry", "tariffAt", 1, interval)
        points: dict[PointId, MeteringPoint] = {}
        orders = {}
        words = self.read("EnergyMarket", "ordersAt", list(range(1, count + 1)), interval)
        for number, order_word in enumerate(words, 1):
            point = PointId(number)
            key = Address(self.read("Registry", "meterKeyAt", point, interval))
            order, cap = order_of_word(order_word, interval)
            if int(key, 16):
                parent = self.read("Registry", "parentOf", point)
                points[point] = MeteringPoint(point, key, cap, PointId(parent) if parent else None)
                orders[point] = order
        return ZoneFacts(
            zone=ZoneId(1),
            interval=interval,
            next_interval=self.read("EnergyMarket", "nextInterval", 1),
            previous=self.read("EnergyMarket", "lastDigest", 1),
            tariff_index=index,
            tariff=tariff_of(word),
            points=points,
            orders=orders,
        )

    def _wait_for_account(self) -> Address:
        for _ in range(200):
            try:
                return Address(self.rpc("eth_accounts")[0])
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("anvil does not answer")

    def _send(self, transaction: dict[str, str]) -> Any:
        sent = self.rpc("eth_sendTransaction", {"from": self.account, "gas": GAS, **transaction})
        self.rpc("evm_setNextBlockTimestamp", self.now)
        self.rpc("evm_mine")
        receipt = self.rpc("eth_getTransactionReceipt", sent)
        if receipt["status"] != "0x1":
            raise Reverted(self._reason(transaction, int(receipt["blockNumber"], 16)))
        return receipt

    def _reason(self, transaction: dict[str, str], block: int) -> str:
        try:
            self.rpc("eth_call", {"from": self.account, "gas": GAS, **transaction}, hex(block - 1))
        except Reverted as refused:
            return str(refused)
        return "no reason"

    def _deploy(self) -> None:
        account, addresses = self.account, self.addresses
        arguments = {
            "SettlementToken": lambda: ("Sun Euro", "SEUR", account),
            "Council": lambda: ([key.address for key in SEATS], 86_400),
            "Registry": lambda: (account,),
            "EnergyMarket": lambda: tuple(addresses[name] for name in ("SettlementToken", "Registry", "Council")),
        }
        for name in ORDER:
            self.now += 1
            data = self.abis[name].creation(*arguments[name]())
            addresses[name] = Address(self._send({"data": "0x" + data.hex()})["contractAddress"])
        self.send("Council", "setMarket", addresses["EnergyMarket"])
        self.send("Registry", "setMarket", addresses["EnergyMarket"])
        much = 10**18
        self.send("SettlementToken", "setAttester", account)
        self.send("SettlementToken", "attestReserve", much)
        self.send("SettlementToken", "setMinter", account, much)
        self.send("SettlementToken", "mint", account, much, bytes(32))
        self.send("SettlementToken", "approve", addresses["EnergyMarket"], much)
        self.send("Registry", "createTree", LENGTH, RETAIL_CAP, account, account)
        self.send("Registry", "createZone", 1, account, account, False)
        self.send("EnergyMarket", "depositUtility", 1, 10**14)
