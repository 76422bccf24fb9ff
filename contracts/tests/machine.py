"""A state machine that runs a contract beside its model, and counts what got through."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import boa
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


class Beside(RuleBasedStateMachine):
    """Rules call `self.both(refusal, call)`: the model's answer and the contract's must be the same."""

    done: Counter[str]
    refused: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self._anchor = boa.env.anchor()
        self._anchor.__enter__()

    def teardown(self) -> None:
        """Take the chain back to where the example began."""
        self._anchor.__exit__(None, None, None)

    def both(self, name: str, refusal: str | None, call: Callable[[], Any]) -> None:
        """Run `call`: refused with `refusal`, or, if that is None, done."""
        if refusal is None:
            call()
            self.done[name] += 1
        else:
            with boa.reverts(refusal):
                call()
            self.refused[name] += 1


def run(machine: type[Beside], rules: set[str]) -> None:
    """Run a machine; fail if a rule never got through or half of all calls were refused."""
    machine.done, machine.refused = Counter(), Counter()
    run_state_machine_as_test(machine)
    assert rules <= set(machine.done), f"never done: {rules - set(machine.done)}"
    done, refused = machine.done.total(), machine.refused.total()
    assert refused <= done, f"{refused} calls of {done + refused} were refused: the machine tests too little"
