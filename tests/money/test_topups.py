"""Money in: refused by name, never guessed, never asked for twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.memory import HandClock
from sunpile.basics.errors import Conflict, InputInvalid, NotFound, Unreachable
from sunpile.money import Accounts, TopUps
from sunpile.money.topups import SandboxRail, nano_of

ADDRESS = "0x" + "11" * 20


class Ledger:
    """`TopUpStore` and `Mint` in memory."""

    def __init__(self):
        self.known, self.minted = {}, []

    async def add_top_up(self, top_up, now):
        return self.known.setdefault(top_up.reference, top_up)

    async def top_up(self, reference):
        return self.known.get(reference)

    async def set_state(self, reference, state):
        from dataclasses import replace

        self.known[reference] = replace(self.known[reference], state=state)

    async def unfinished(self):
        return [t for t in self.known.values() if t.state in ("pending", "confirmed")]

    async def mint(self, address, amount, reference):
        self.minted.append(reference)


class SlowRail:
    """A rail that needs time, and may not answer."""

    name = "slow"

    def __init__(self):
        self.answer, self.begun = "pending", []

    async def begin(self, reference, minor, currency):
        self.begun.append((reference, minor, currency))

    async def state(self, reference):
        if self.answer == "silent":
            raise Unreachable("the rail does not answer")
        return self.answer


@pytest.fixture
def ledger():
    return Ledger()


def top_ups(ledger, rail=None):
    return TopUps(ledger, [SandboxRail(), rail or SlowRail()], ledger, HandClock())


async def test_pending_confirmed_minted(ledger):
    rail = SlowRail()
    money = top_ups(ledger, rail)
    assert (await money.begin("slow", 100, ADDRESS, reference="r")).state == "pending"
    rail.answer = "silent"
    assert (await money.advance("r")).state == "pending"
    rail.answer = "confirmed"
    assert (await money.advance("r")).state == "minted"
    assert (await money.advance("r")).state == "minted"
    assert ledger.minted == ["r"]
    assert rail.begun[0] == ("r", 100, "EUR")


async def test_a_payment_that_failed_is_not_minted(ledger):
    rail = SlowRail()
    rail.answer = "failed"
    assert (await top_ups(ledger, rail).begin("slow", 100, ADDRESS)).state == "failed"
    assert not ledger.minted


@pytest.mark.parametrize(
    ("rail", "minor", "reference", "reason"),
    [
        ("gold", 100, None, "there is: sandbox, slow"),
        ("sandbox", 0, None, "from 1 to"),
        ("sandbox", -5, None, "from 1 to"),
        ("sandbox", 10**7, None, "from 1 to"),
        ("sandbox", 100, "x" * 65, "at most 64"),
        ("sandbox", 100, "a\nb", "printable"),
    ],
)
async def test_a_bad_top_up_is_refused_by_name(ledger, rail, minor, reference, reason):
    with pytest.raises(InputInvalid, match=reason):
        await top_ups(ledger).begin(rail, minor, ADDRESS, reference=reference)
    assert not ledger.known


async def test_a_reference_is_not_used_for_two_payments(ledger):
    money = top_ups(ledger)
    await money.begin("sandbox", 100, ADDRESS, reference="r")
    for minor, address in ((101, ADDRESS), (100, "0x" + "22" * 20)):
        with pytest.raises(Conflict):
            await money.begin("sandbox", minor, address, reference="r")
    assert ledger.minted == ["r"]
    with pytest.raises(NotFound):
        await money.get("other")


@pytest.mark.parametrize("token", ["", "x" * 21, "kärtchen", "a\x00b"])
async def test_a_token_that_no_pile_could_show_is_refused(token):
    with pytest.raises(InputInvalid, match="1 to 20"):
        await Accounts(None, HandClock()).open(token)


@given(st.integers(0, 10**9), st.integers(0, 9))
def test_fiat_to_nano_is_exact(minor, exponent):
    assert nano_of(minor, exponent) * 10**exponent == minor * 10**9
