"""What a call costs as a transaction of its own, and the table that keeps it from rising unseen.

`contracts/gas.json` holds `{"Contract.function": {case: gas}}`. A case that costs over 0.5 % more than the table says,
or is not in it, fails; `SUNPILE_GAS_UPDATE=1` writes what was measured.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boa
from eth.db.backends.memory import MemoryDB
from eth.db.journal import JournalDB

TABLE = Path(__file__).resolve().parent.parent / "gas.json"
TOLERANCE = 1.005
PRECOMPILES = [number.to_bytes(20, "big") for number in range(1, 18)]


@contextmanager
def cold_slots() -> Iterator[None]:
    """Inside, every slot and account is as at the start of a transaction: cold, and its value the original one.

    py-evm keeps access lists and original values over many calls of one block; without this, slots look warm and
    already written, and calls about 40 % cheaper than they are.
    """
    state = boa.env.evm.vm.state
    originals: dict[tuple[bytes, int], int] = {}
    read = state.get_storage

    def get_storage(address: bytes, slot: int, from_journal: bool = True) -> int:
        if from_journal:
            return read(address, slot)
        # SSTORE asks for the original before it writes, so the first answer is the value before the transaction.
        return originals.setdefault((address, slot), read(address, slot))

    # The list of what is warm is a journal of its own: a fresh one for the call, then the old one with its checkpoints.
    accounts = state._account_db
    warm, accounts._journal_accessed_state = accounts._journal_accessed_state, JournalDB(MemoryDB())
    state.get_storage = get_storage
    try:
        yield
    finally:
        del state.get_storage
        accounts._journal_accessed_state = warm


def transaction_gas(contract: Any, function: str, *args: Any, sender: str) -> int:
    """Gas of a transaction that calls `function`: 21,000, call data, execution from cold slots, refund taken off."""
    call = getattr(contract, function)
    data = call.prepare_calldata(*args)
    zeros = data.count(0)
    with cold_slots():
        state = boa.env.evm.vm.state
        for warm in (bytes.fromhex(contract.address[2:]), bytes.fromhex(sender[2:]), *PRECOMPILES):
            state.mark_address_warm(warm)
        call(*args, sender=sender)
    computation = contract._computation
    gross = 21_000 + zeros * 4 + (len(data) - zeros) * 16 + computation.get_gas_used()
    used = gross - min(computation.get_gas_refund(), gross // 5)
    # EIP-7623: call data has a floor of its own.
    return max(used, 21_000 + 10 * (zeros + 4 * (len(data) - zeros)))


class GasTable:
    """The measured figures of one test session beside those of the file."""

    def __init__(self) -> None:
        self.committed: dict[str, dict[str, int]] = json.loads(TABLE.read_text()) if TABLE.exists() else {}
        self.measured: dict[str, dict[str, int]] = {}
        self.update = os.environ.get("SUNPILE_GAS_UPDATE") == "1"

    def record(self, function: str, case: str, gas: int) -> int:
        """Hold `gas` of `Contract.function` against the table; returns it."""
        self.measured.setdefault(function, {})[case] = gas
        if not self.update:
            known = self.committed.get(function, {}).get(case)
            assert known is not None, f"{function}, {case}: {gas} gas is not in gas.json (SUNPILE_GAS_UPDATE=1 adds it)"
            assert gas <= known * TOLERANCE, f"{function}, {case}: {gas} gas, {known} in gas.json"
        return gas

    def save(self) -> None:
        """Write what was measured, keep the rest (others may have written meanwhile)."""
        if not self.update or not self.measured:
            return
        table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
        for function, cases in self.measured.items():
            table[function] = dict(sorted({**table.get(function, {}), **cases}.items()))
        TABLE.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n")
