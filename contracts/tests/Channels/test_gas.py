"""What channels cost."""

from dataclasses import replace

from channel_hand import UNIT
from roles import role


def test_gas_of_a_channels_life(channels, token, hand, terms, other, fund, gas, env):
    fund(terms.payee, 1)
    carrier = role("relayer")
    for each in (replace(terms, salt=b"\x05" * 32), other):
        hand.open(each, 50 * UNIT)
    proof = hand.receive(terms.payer, 50 * UNIT, hand.id(terms))
    gas("by authorization", channels, "openWithAuthorization", terms.tuple(), 50 * UNIT, *proof, sender=carrier)
    gas("one voucher", channels, "settle", terms.tuple(), UNIT, *hand.voucher(terms, UNIT), sender=carrier)
    voucher = hand.voucher(terms, 9 * UNIT)
    gas("with a voucher", channels, "close", terms.tuple(), 9 * UNIT, 9 * UNIT, *voucher, sender=terms.payee)
    gas("by the payer", channels, "requestClose", other.tuple(), sender=terms.payer)
    env.time_travel(seconds=900)
    gas("all of it", channels, "withdraw", other.tuple(), sender=carrier)


def test_gas_of_a_hubs_claim(channels, hand, terms, fund, gas):
    """At most 15,000 gas a driver, with 100 drivers each with a session key."""
    fund(terms.payee, 1)
    drivers = [
        replace(terms, payer=role(f"driver_{n}"), signer=role(f"driver_key_{n}"), salt=role(f"salt_{n}").key)
        for n in range(100)
    ]
    for driver in drivers:
        fund(driver.payer, 10 * UNIT)
        hand.open(driver, 10 * UNIT)
        hand.settle(driver, 1)
    people = terms.payee.address, terms.operator.address
    for count in (100, 10):
        rows = [hand.row(driver, (110 - count) * UNIT // 50) for driver in drivers[:count]]
        used = gas(f"{count} drivers", channels, "claim", *people, rows, sender=role("relayer"))
        assert used <= 15_000 * count + (0 if count == 100 else 40_000)
