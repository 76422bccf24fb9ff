"""EnergyMarket: money in and out, reserve, withdrawals, fees."""

import boa
from eth_utils import keccak
from market_hand import TARIFF, refused
from model.clearing import Tariff
from roles import domain_of, role
from stage import stage

OWNER = role("point_owner").address
RECEIVE = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"
WITHDRAWAL = "uint32 point,uint128 amount,address to,uint64 nonce,uint64 deadline"


def test_em_1_money_is_conserved(town) -> None:
    hand, zone = town.hand, town.zone
    start = hand.token.balanceOf(hand.market.address)
    assert start == hand.market.held()
    hand.at(zone, town.first + 1)
    hand.settle(zone, town.first, {town.buyers[0]: 900, town.buyers[1]: 40, town.sellers[0]: -500})
    hand.check()
    assert hand.market.held() == start
    fees = hand.market.feePool()
    assert fees == 500 * (TARIFF.buy_fee + TARIFF.sell_fee)
    claimed = 0
    for number in range(4):
        claimed += hand.council.claim(sender=role(f"seat_{number}").address)
    hand.model.fee_pool -= claimed
    hand.model.held -= claimed
    hand.market.withdrawUtility(town.tree, 10**9, sender=role("utility").address)
    hand.model.utility[town.tree] -= 10**9
    hand.model.held -= 10**9
    hand.check()
    assert claimed == fees
    assert hand.token.balanceOf(role("utility").address) == 10**9
    with refused(hand.market, "withdrawal: more than is free"):
        hand.market.withdrawUtility(town.tree, 10**15, sender=role("utility").address)


def test_em_2_no_balance_falls_below_zero(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    poor = hand.point(zone)
    hand.deposit(poor, 1_000)
    hand.at(zone, first + 2)
    hand.settle(zone, first, {})
    hand.settle(zone, first + 1, {poor: 500})
    assert hand.events("Unpaid") == [("Unpaid", poor, first + 1, 500 * TARIFF.retail - 1_000)]
    assert hand.market.balanceOf(poor) == 0
    hand.check()


def test_em_8_a_buyer_in_force_can_pay_the_worst_that_may_come(hand) -> None:
    tree = hand.tree(retail_cap=1_000)
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    hand.publish(tree, first, Tariff(1_000, 1_000, 0, 0))
    point = hand.point(zone, 100)
    hand.deposit(point, hand.market.reserveFor(zone, 100))
    assert hand.market.reserveOf(point) == 100 * 1_000 * 5
    # Nothing is settled for as long as the deadline lets it be; then all that is open comes at once.
    hand.at(zone, first + 4, 899)
    for interval in range(first, first + 4):
        hand.settle(zone, interval, {point: 100})
        assert hand.events("Unpaid") == []
    assert hand.events("OrderCut") == []
    assert hand.market.orderAt(point, first + 4)[3]
    hand.at(zone, first + 5)
    hand.settle(zone, first + 4, {point: 100})
    assert hand.market.balanceOf(point) == 0
    # The first debit cut the order; the interval that ran at that moment was still in force.
    assert not hand.market.orderAt(point, first + 5)[3]
    hand.check()


def test_a_debit_below_the_reserve_cuts_what_has_not_begun(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    point = hand.point(zone)
    rate = hand.model.zones[zone].rate
    hand.deposit(point, 10_000 * rate)
    hand.at(zone, first + 1, 5)
    hand.place(point, 800, None, 10_000)
    hand.settle(zone, first, {})
    hand.at(zone, first + 2, 5)
    hand.settle(zone, first + 1, {point: 100})
    assert hand.events("OrderCut") == [("OrderCut", point, first + 2)]
    in_force = [hand.market.orderAt(point, first + n)[3] for n in (2, 3, 4)]
    assert in_force == [True, False, False]
    # A top-up alone revives nothing, a new order does.
    with refused(hand.market, "order: balance below the reserve"):
        hand.place(point, 800, None, 10_000)
    hand.deposit(point, 10**9)
    assert not hand.market.orderAt(point, first + 4)[3]
    hand.place(point, 800, None, 10_000)
    assert hand.market.orderAt(point, first + 4)[3]
    hand.check()
    hand.check_orders(first + 4)


def test_a_row_without_an_order_leaves_the_reserve_alone(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    point = town.buyers[0]
    reserve = 10_000 * hand.model.zones[zone].rate
    hand.place(point, 500, 500, 5_000)
    hand.request(point, reserve)
    hand.at(zone, first + 1)
    hand.settle(zone, first, {})
    hand.at(zone, first + 2)
    hand.settle(zone, first + 1, {point: 9_000})
    assert hand.market.balanceOf(point) == 2 * reserve - 9_000 * TARIFF.retail
    hand.check()


def test_em_10_who_asks_gets_the_money_whatever_an_operator_does(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    point = town.buyers[0]
    everything = hand.market.balanceOf(point)
    hand.at(zone, first, 1)
    hand.request(point, everything)
    assert hand.events("OrderCancelled") == [("OrderCancelled", point, first + 1)]
    hand.check_orders(first + 1)
    hand.check_orders(first + 2)
    # Nobody settles and nobody voids.
    hand.at(zone, first + 5, 899)
    with refused(hand.market, "withdrawal: not yet"):
        hand.market.withdraw(point)
    hand.at(zone, first + 6)
    before = hand.token.balanceOf(OWNER)
    hand.withdraw(point)
    assert hand.token.balanceOf(OWNER) - before == everything
    hand.check()
    with refused(hand.market, "withdrawal: none asked for"):
        hand.market.withdraw(point)
    hand.market.void(zone, first + 1)
    hand.model.void(zone, first + 1)
    hand.settle(zone, first + 2, {point: 700})
    assert hand.events("Unpaid") == [("Unpaid", point, first + 2, 700 * TARIFF.retail)]
    hand.check()


def test_what_is_above_the_reserve_leaves_the_order_in_force(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    point = town.buyers[0]
    reserve = hand.market.reserveOf(point)
    hand.request(point, hand.market.balanceOf(point) - reserve)
    assert hand.events("OrderCancelled") == []
    hand.at(zone, first + 5)
    hand.withdraw(point)
    assert hand.market.balanceOf(point) == reserve
    assert hand.market.orderAt(point, first + 5)[3]
    hand.request(point, 1)
    hand.at(zone, first + 6)
    hand.check()


def test_nothing_is_paid_while_all_is_reserve(town) -> None:
    hand, point = town.hand, town.buyers[0]
    hand.request(point, 1)
    hand.place(point, 500, 500, 20_000)
    hand.at(town.zone, town.first + 5)
    with refused(hand.market, "withdrawal: all is reserve"):
        hand.market.withdraw(point)
    hand.cancel(point)
    hand.at(town.zone, town.first + 11)
    hand.withdraw(point)
    hand.check()


def test_a_withdrawal_by_signature_goes_where_the_owner_says(town) -> None:
    hand, point, payee = town.hand, town.buyers[0], role("payee").address
    values = {"point": point, "amount": 77, "to": payee, "nonce": 1, "deadline": hand.model.now}
    signature = role("point_owner").sign(domain_of(hand.market, "sunpile"), "Withdrawal", WITHDRAWAL, **values)
    other = values | {"amount": 78}
    with refused(hand.market, "signature: not the owner"):
        hand.market.requestWithdrawalSigned(*other.values(), *signature)
    hand.market.requestWithdrawalSigned(*values.values(), *signature)
    assert tuple(hand.market.withdrawalOf(point)) == (payee, 77, town.first + 5)
    hand.at(town.zone, town.first + 5)
    hand.market.withdraw(point)
    assert hand.token.balanceOf(payee) == 77


def test_a_withdrawal_that_cannot_be_is_refused(town) -> None:
    hand, point = town.hand, town.buyers[0]
    for amount, to, reason in (
        (0, OWNER, "withdrawal: nothing"),
        (1, boa.eval("empty(address)"), "withdrawal: not a payee"),
        (1, hand.market.address, "withdrawal: not a payee"),
    ):
        with refused(hand.market, reason):
            hand.market.requestWithdrawal(point, amount, to, sender=OWNER)


def test_em_16_fees_lie_on_matched_wh_and_leave_by_the_council(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    hand.at(zone, first + 1)
    hand.settle(zone, first, {town.buyers[0]: 900})
    assert hand.market.feePool() == 0
    hand.at(zone, first + 2)
    hand.settle(zone, first + 1, {town.buyers[0]: 900, town.sellers[0]: -1_000})
    pool = 900 * (TARIFF.buy_fee + TARIFF.sell_fee)
    assert hand.event("BatchSettled")["fees"] == pool
    assert hand.market.feePool() == pool
    assert sum(hand.council.rewards(role(f"seat_{n}").address) for n in range(4)) == pool
    with refused(hand.market, "market: not the council"):
        hand.market.payReward(OWNER, 1, sender=role("admin").address)
    with refused(hand.market, "market: more than the fee pool"):
        hand.market.payReward(OWNER, pool + 1, sender=hand.council.address)


def test_a_relayed_deposit_goes_to_the_point_in_its_nonce(town) -> None:
    hand, point = town.hand, town.sellers[0]
    holder, until = role("holder"), hand.model.now + 100
    hand.mint(holder, 500)
    nonce = point.to_bytes(4, "big") + keccak(text="salt")[:28]
    domain = domain_of(hand.token, "Sunpile unit")
    values = (holder.address, hand.market.address, 500, 0, until, nonce)
    names = ("from", "to", "value", "validAfter", "validBefore", "nonce")
    signature = holder.sign(domain, "ReceiveWithAuthorization", RECEIVE, **dict(zip(names, values, strict=True)))
    call = (holder.address, 500, 0, until, nonce, *signature)
    with refused(hand.market, "deposit: nonce of another point"):
        hand.market.depositWithAuthorization(town.sellers[1], *call)
    hand.market.depositWithAuthorization(point, *call, sender=role("relayer").address)
    assert hand.events("Deposited") == [("Deposited", point, holder.address, 500)]
    assert hand.market.balanceOf(point) == 500
    hand.model.deposit(point, 500)
    hand.check()


def test_a_deposit_that_cannot_be_is_refused(town) -> None:
    hand = town.hand
    with refused(hand.market, "deposit: nothing"):
        hand.market.deposit(town.buyers[0], 0)
    for point in (0, 999, 2**32, 2**256 - 1):
        with refused(hand.market, "point: unknown"):
            hand.market.deposit(point, 1)
    with refused(hand.market, "deposit: ledger is full"):
        hand.market.deposit(town.buyers[0], 2**80)
    with refused(hand.market, "tree: unknown"):
        hand.market.depositUtility(9, 1)


def test_em_1_a_token_that_calls_back_finds_every_door_of_the_market_locked(deploy) -> None:
    """One lock for all modules: a payment that calls into another one is refused there, and reading is not."""
    hostile = deploy("CallingBackToken")
    hand = stage(deploy, hostile)
    market, tree = hand.market, hand.tree()
    zone = hand.zone(tree)
    point = hand.point(zone)
    nonce = point.to_bytes(4, "big") + bytes(28)
    market.depositWithAuthorization(point, OWNER, 3, 0, 0, nonce, 0, bytes(32), bytes(32))
    first = market.nextInterval(zone)
    calls = [
        # Another module, the same module, and a view: whether it opens.
        (market.void.prepare_calldata(zone, first), False),
        (market.depositWithAuthorization.prepare_calldata(point, OWNER, 1, 0, 0, nonce, 0, nonce, nonce), False),
        (market.balanceOf.prepare_calldata(point), True),
    ]
    for number, (data, opens) in enumerate(calls):
        market.requestWithdrawal(point, 1, OWNER, sender=OWNER)
        hand.at(zone, first + 7 * (number + 1))
        hostile.call_back(market.address, data)
        assert market.withdraw(point) == 1
        assert hostile.tried()
        assert hostile.succeeded() == opens
    assert market.balanceOf(point) == market.held() == 0
    # The same call opens as soon as no payment is under way.
    market.void(zone, first)
