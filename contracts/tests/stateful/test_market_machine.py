"""EnergyMarket beside its model while hostile participants do their worst between a batch and its settlement."""

import os
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial, wraps
from random import Random
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test
from machine import Beside
from market_hand import Hand, refused
from model.clearing import Tariff
from model.market import FOREVER, Batch, Refused
from roles import role
from stage import stage

SOAK = os.environ.get("SUNPILE_SOAK") == "1"
CAP = 1_000
RETAIL_CAP = 1_000
OWNER = role("point_owner").address
LIMITS = st.sampled_from([None, 0, 400, 500, 500, 600, 1_000])
WH = st.integers(-CAP, CAP)
NEEDED = CAP * RETAIL_CAP * 5
AMOUNTS = st.sampled_from([1, NEEDED // 3, NEEDED, 2 * NEEDED])
POINTS = st.integers(0, 4)


def hostile(**strategies: Any) -> Callable[[Any], Any]:
    """A rule after which half an interval passes, and with it batches: most steps must meet a living market."""

    def decorate(function: Any) -> Any:
        @rule(**strategies)
        @wraps(function)
        def step(self: Any, **values: Any) -> None:
            function(self, **values)
            chance = Random(self.steps)
            self.steps += 1
            self.goes_on(450, [chance.randint(-CAP, CAP) for _ in range(5)], chance.choice([0, 1, 1, 2]))

        return step

    return decorate


def test_em_7_no_act_of_a_participant_makes_settle_revert(deploy: Callable[..., Any], token: Any) -> None:
    hand: Hand = stage(deploy, token)
    tree = hand.tree(retail_cap=RETAIL_CAP)
    zones = [hand.zone(tree), hand.zone(tree, billed=True)]
    first = hand.model.zones[zones[0]].next
    hand.publish(tree, first, Tariff(900, 200, 30, 20))
    hand.publish(tree, first + 3, Tariff(1_000, 990, 5, 5))
    hand.publish(tree, first + 5, Tariff(400, 390, 10, 10))
    hand.publish(tree, first + 7, Tariff(1_000, 0, 0, 0))
    points = [hand.point(zones[number // 4], CAP) for number in range(5)]
    for point in points[:3]:
        hand.deposit(point, NEEDED)
    start = first * 900

    class Machine(Beside):
        done: Counter[str]

        def __init__(self) -> None:
            super().__init__()
            self.hand = replace(hand, model=deepcopy(hand.model), nonce=10**6)
            self.hand.time(start)
            self.built: dict[tuple[int, int], tuple[Batch, int]] = {}
            self.waiting: list[tuple[Batch, Any]] = []
            self.rounds = 0
            self.steps = 0

        def act(self, name: str, model: Callable[[], Any], chain: Callable[[], Any], on: Any = hand.market) -> bool:
            """The model's answer and that of the contract `on` must be the same."""
            try:
                model()
            except Refused as told:
                with refused(on, str(told)):
                    chain()
                self.refused[name] += 1
                return False
            chain()
            self.done[name] += 1
            return True

        @rule(
            seconds=st.sampled_from([1, 450, 900, 900, 900, 1_800, 5_400]),
            wh=st.lists(WH, min_size=5, max_size=5),
            settles=st.sampled_from([0, 1, 1, 2]),
        )
        def pass_time(self, seconds: int, wh: list[int], settles: int) -> None:
            self.goes_on(seconds, wh, settles)

        def goes_on(self, seconds: int, wh: list[int], settles: int) -> None:
            """A batch is fixed as soon as its interval has begun; whatever comes later must not spoil it."""
            self.hand.time(self.hand.model.now + seconds)
            for zone in zones:
                self.build(zone, wh)
                for _ in range(settles):
                    self.settle(zone)
            self.withdraw()

        def withdraw(self) -> None:
            """Whoever asked tries in every step from one before the money is due."""
            model = self.hand.model
            for point in points:
                account = model.accounts[point]
                if account.withdrawal and account.withdrawal[1] <= model.current(model.zones[account.zone]) + 1:
                    self.act("withdraw", partial(model.withdraw, point), partial(self.hand.market.withdraw, point))

        def build(self, zone: int, wh: list[int]) -> None:
            model = self.hand.model
            taken = [interval for of, interval in self.built if of == zone]
            interval = max([model.zones[zone].next, *(one + 1 for one in taken)])
            if interval > model.current(model.zones[zone]):
                return
            there = [p for p in points if model.accounts[p].zone == zone and model.accounts[p].first <= interval]
            caps = {p: model.accounts[p].cap_at(interval) for p in there}
            net = {p: max(-caps[p], min(caps[p], wh[points.index(p)])) for p in there}
            # Every fourth reading does not come in time.
            net = {p: number for p, number in net.items() if number % 4}
            index, tariff = self.hand.tariff_of(zone, interval)
            self.built[zone, interval] = model.build(zone, interval, net, tariff), index

        def settle(self, zone: int) -> None:
            model = self.hand.model
            interval = model.zones[zone].next
            if (zone, interval) not in self.built:
                return
            batch, index = self.built[zone, interval]
            if not interval < model.current(model.zones[zone]) <= interval + 4:
                return
            proposal = self.hand.proposal_of(batch, index)
            model.settle(batch)
            self.hand.send(proposal)
            self.done["settle"] += 1
            self.done["owed"] += bool(batch.owed)
            self.done["cut"] += any(entry[0] == "OrderCut" for entry in model.log)
            self.done["unpaid"] += any(entry[0] == "Unpaid" for entry in model.log)
            self.done["matched"] += batch.clearing.volume > 0
            assert self.hand.events("Unpaid", "OrderCut") == model.log
            model.log.clear()
            if batch.owed:
                self.waiting.append((batch, proposal))

        @hostile(zone=st.sampled_from(zones), ahead=st.integers(0, 1))
        def void(self, zone: int, ahead: int) -> None:
            model = self.hand.model
            interval = model.zones[zone].next + ahead
            if model.current(model.zones[zone]) < interval + 4:
                return
            chain = self.hand.market.void
            self.act("void", lambda: model.void(zone, interval), lambda: chain(zone, interval))

        @hostile(number=POINTS, wh=WH, back=st.integers(1, 3))
        def late(self, number: int, wh: int, back: int) -> None:
            model, point = self.hand.model, points[number]
            account = model.accounts[point]
            interval = model.zones[account.zone].next - back
            done = account.settled | account.late
            if wh == 0 or interval < account.first or interval in done or abs(wh) > account.cap_at(interval):
                return
            if abs(wh) > min(cap for _, cap in account.caps):
                return
            batch, index = self.hand.late(account.zone, interval, {point: wh})
            self.rounds += 1
            model.settle_late(batch)
            self.hand.send_late(batch, index, self.rounds)
            model.log.clear()
            self.done["late"] += 1

        @hostile(
            number=POINTS, buy=LIMITS, sell=LIMITS, wh=st.sampled_from([1, 300, CAP]), lasts=st.sampled_from([0, 1, 99])
        )
        def place(self, number: int, buy: int | None, sell: int | None, wh: int, lasts: int) -> None:
            model, point = self.hand.model, points[number]
            until = min(model.effective(model.zones[model.accounts[point].zone]) + lasts, FOREVER)
            limits = [1023 if limit is None else limit for limit in (buy, sell)]
            self.act(
                "place",
                lambda: model.place(point, buy, sell, wh, until),
                lambda: self.hand.market.placeOrder(point, *limits, wh, until, sender=OWNER),
            )

        @hostile(number=POINTS)
        def cancel(self, number: int) -> None:
            self.hand.cancel(points[number])
            self.done["cancel"] += 1

        @hostile(number=POINTS, amount=AMOUNTS)
        def request(self, number: int, amount: int) -> None:
            self.hand.request(points[number], amount)
            self.done["request"] += 1

        @hostile(number=POINTS, amount=AMOUNTS)
        def deposit(self, number: int, amount: int) -> None:
            self.hand.deposit(points[number], amount)
            self.done["deposit"] += 1

        @hostile(amount=st.sampled_from([1, 10**5, 10**7]))
        def utility_pays_in(self, amount: int) -> None:
            self.hand.deposit_utility(tree, amount)
            self.done["utility"] += 1
            self.pay_owed()

        @hostile()
        def utility_empties_its_account(self) -> None:
            free = self.hand.market.utilityBalance(tree) - self.hand.market.owedTotal(tree)
            if free > 0:
                self.hand.market.withdrawUtility(tree, free, sender=role("utility").address)
                self.hand.model.utility[tree] -= free
                self.hand.model.held -= free
                self.done["utility empty"] += 1

        @hostile(number=POINTS, cap=st.sampled_from([CAP, 700]))
        def set_cap(self, number: int, cap: int) -> None:
            model, certifier = self.hand.model, role("certifier").address
            self.act(
                "cap",
                lambda: model.set_cap(points[number], cap),
                lambda: self.hand.registry.setCap(points[number], cap, sender=certifier),
                hand.registry,
            )

        @hostile(number=POINTS)
        def change_key(self, number: int) -> None:
            self.hand.registry.setMeterKey(points[number], role("stranger").address, sender=OWNER)

        def pay_owed(self) -> None:
            """Whoever waits for money tries as soon as the utility pays in."""
            if not self.waiting:
                return
            batch, proposal = self.waiting[0]
            owed = self.hand.owed_of(proposal)
            paid = self.act(
                "pay owed",
                lambda: self.hand.model.pay_owed(batch),
                lambda: self.hand.market.payOwed(owed, proposal.packed),
            )
            if paid:
                self.waiting.pop(0)

        @invariant()
        def money_is_conserved(self) -> None:
            self.hand.check()

        @invariant()
        def orders_are_the_models(self) -> None:
            for zone in zones:
                there = [point for point in points if self.hand.model.accounts[point].zone == zone]
                self.hand.check_orders(self.hand.model.open(self.hand.model.zones[zone]), there)

    Machine.done, Machine.refused = Counter(), Counter()
    # Without shrinking: a failing run of this size is readable, and shrinking it takes minutes.
    count = {"max_examples": 60, "stateful_step_count": 60} if SOAK else {"max_examples": 6, "stateful_step_count": 45}
    run_state_machine_as_test(Machine, settings=settings(phases=[Phase.generate], **count))
    print(dict(Machine.done), dict(Machine.refused))
    wanted = {"settle", "matched", "unpaid", "place", "cancel", "request", "withdraw", "deposit"}
    wanted |= {"owed", "pay owed", "late", "void", "cut", "utility empty"} if SOAK else set()
    missing = wanted - set(+Machine.done)
    assert not missing, f"never done: {missing}"
