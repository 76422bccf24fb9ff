"""Accounts, orders and money of EnergyMarket, with a list for every history and no packing anywhere."""

from dataclasses import dataclass, field
from typing import Any

from model.clearing import Clearing, Row, Tariff, clear

FOREVER = 2**32 - 1
LEDGER_MAX = 2**80 - 1


class Refused(Exception):
    """The contract must revert with this reason."""


@dataclass
class Order:
    """A standing order; a limit of None: that side is off."""

    buy: int | None
    sell: int | None
    max_wh: int
    begins: int
    until: int


@dataclass
class Account:
    """One metering point."""

    zone: int
    first: int
    """First interval in which the point exists."""
    balance: int = 0
    orders: list[Order] = field(default_factory=list)
    """By first interval, rising; the last that has begun is in force up to its `until`."""
    caps: list[tuple[int, int]] = field(default_factory=list)
    """(first interval, Wh), rising."""
    touched: bool = False
    settled: set[int] = field(default_factory=set)
    late: set[int] = field(default_factory=set)
    withdrawal: tuple[int, int] | None = None
    """(nano, first interval in which it is paid)."""

    def cap_at(self, interval: int) -> int:
        return [cap for first, cap in self.caps if first <= interval][-1]

    def order_at(self, interval: int) -> Order | None:
        """The order in force, None if it has ended."""
        begun = [order for order in self.orders if order.begins <= interval]
        return begun[-1] if begun and interval <= begun[-1].until else None

    def limit_at(self, interval: int, wh: int, buying: bool) -> int | None:
        """Limit with which `wh` trade; None: the grid alone."""
        order = self.order_at(interval)
        if order is None or wh > order.max_wh:
            return None
        return order.buy if buying else order.sell


@dataclass
class Zone:
    """A zone of a tree."""

    tree: int
    length: int
    retail_cap: int
    billed: bool
    next: int

    @property
    def deadline(self) -> int:
        return max(3600 // self.length, 4)

    @property
    def rate(self) -> int:
        """Nano of reserve a Wh: the cap for every interval that can be open."""
        return self.retail_cap * (self.deadline + 1)


@dataclass
class Batch:
    """A batch as a builder makes it."""

    zone: int
    interval: int
    tariff: Tariff
    clearing: Clearing
    owed: dict[int, int] = field(default_factory=dict)
    """Point -> nano that wait for the utility."""


@dataclass
class Model:
    """The market. `now` is Unix time; whoever calls moves it."""

    now: int
    zones: dict[int, Zone] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    utility: dict[int, int] = field(default_factory=dict)
    fee_pool: int = 0
    held: int = 0
    owed: dict[tuple[int, int], Batch] = field(default_factory=dict)
    log: list[tuple[Any, ...]] = field(default_factory=list)

    # ------------------------------------------------------------------ time

    def current(self, zone: Zone) -> int:
        return self.now // zone.length

    def effective(self, zone: Zone) -> int:
        """First interval that starts at least one interval from now."""
        return -(-(self.now + zone.length) // zone.length)

    def open(self, zone: Zone) -> int:
        """Oldest interval that may still be settled."""
        current = self.current(zone)
        return max(min(zone.next, current), current - zone.deadline)

    # ----------------------------------------------------------- registration

    def add_zone(self, zone: int, tree: int, length: int, retail_cap: int, billed: bool = False) -> None:
        self.zones[zone] = Zone(tree, length, retail_cap, billed, 0)
        self.zones[zone].next = self.effective(self.zones[zone])
        self.utility.setdefault(tree, 0)

    def add_point(self, point: int, zone: int, cap: int) -> None:
        first = self.effective(self.zones[zone])
        order = Order(None, 500, cap, 0, FOREVER)
        self.accounts[point] = Account(zone, first, orders=[order], caps=[(0, cap)])

    def set_cap(self, point: int, cap: int) -> None:
        account, zone = self._of(point)
        effective = self.effective(zone)
        waiting = [first for first, _ in account.caps if first > self.open(zone)]
        if waiting and waiting[-1] != effective:
            raise Refused("cap: another change waits")
        account.caps = [entry for entry in account.caps if entry[0] != effective] + [(effective, cap)]

    # ---------------------------------------------------------------- reserve

    def reserve(self, point: int, interval: int) -> int:
        """What the orders in force in `interval` or later need; only buying needs a reserve."""
        account, zone = self._of(point)
        begun = [order for order in account.orders if order.begins <= interval][-1:]
        later = [order for order in account.orders if order.begins > interval]
        needs = [o.max_wh for o in begun + later if o.buy is not None and o.until >= interval]
        return max(needs, default=0) * zone.rate

    def _stop(self, account: Account, zone: Zone, last: int) -> bool:
        """No order is in force after interval `last`. True if that changed anything that is not over."""
        oldest = self.open(zone)
        later = [order for order in account.orders if order.begins > oldest]
        account.orders = [order for order in account.orders if order.begins <= oldest][-1:] + later
        before = [(order.begins, order.until) for order in account.orders]
        account.orders = [order for order in account.orders if order.begins <= last]
        for order in account.orders:
            order.until = min(order.until, last)
        return before != [(order.begins, order.until) for order in account.orders]

    # ------------------------------------------------------- what people may do

    def deposit(self, point: int, amount: int) -> None:
        if amount == 0:
            raise Refused("deposit: nothing")
        if self.held + amount > LEDGER_MAX:
            raise Refused("deposit: ledger is full")
        account, zone = self._of(point)
        account.balance += amount
        self.held += amount
        cap = account.cap_at(self.open(zone))
        if not account.touched and account.balance >= cap * zone.rate:
            account.touched = True
            self._queue(account, Order(500, 500, cap, self.effective(zone), FOREVER))

    def deposit_utility(self, tree: int, amount: int) -> None:
        self.utility[tree] += amount
        self.held += amount

    def place(self, point: int, buy: int | None, sell: int | None, max_wh: int, until: int) -> None:
        account, zone = self._of(point)
        effective = self.effective(zone)
        if until < effective:
            raise Refused("order: ends before it begins")
        waiting = [order for order in account.orders if self.open(zone) < order.begins < effective]
        if len(waiting) == 2:
            raise Refused("order: two are waiting")
        replaced = [order for order in account.orders if order.begins == effective]
        for order in replaced:
            account.orders.remove(order)
        reserve = max(max_wh * zone.rate, self.reserve(point, self.open(zone)))
        if buy is not None and account.balance < reserve:
            account.orders += replaced
            raise Refused("order: balance below the reserve")
        account.touched = True
        self._queue(account, Order(buy, sell, max_wh, effective, until))

    def cancel(self, point: int) -> None:
        account, zone = self._of(point)
        account.touched = True
        self._stop(account, zone, self.effective(zone) - 1)

    def request(self, point: int, amount: int) -> None:
        account, zone = self._of(point)
        reserve = self.reserve(point, self.open(zone))
        if reserve and account.balance - reserve < amount:
            account.touched = True
            self._stop(account, zone, self.effective(zone) - 1)
        account.withdrawal = (amount, self.effective(zone) + zone.deadline)

    def withdraw(self, point: int) -> int:
        account, zone = self._of(point)
        if account.withdrawal is None:
            raise Refused("withdrawal: none asked for")
        amount, ready = account.withdrawal
        if self.current(zone) < ready:
            raise Refused("withdrawal: not yet")
        free = account.balance - self.reserve(point, self.open(zone))
        if free <= 0:
            raise Refused("withdrawal: all is reserve")
        paid = min(amount, free)
        account.withdrawal = None
        account.balance -= paid
        self.held -= paid
        return paid

    # ----------------------------------------------------------------- settle

    def build(self, zone_id: int, interval: int, net: dict[int, int], tariff: Tariff) -> Batch:
        """The batch of an interval from net Wh by point (import positive)."""
        rows: dict[bool, list[Row]] = {True: [], False: []}
        for point, wh in net.items():
            if wh:
                limit = self.accounts[point].limit_at(interval, abs(wh), wh > 0)
                rows[wh > 0].append(Row(point, abs(wh), limit))
        return Batch(zone_id, interval, tariff, clear(rows[True], rows[False], tariff))

    def settle(self, batch: Batch) -> None:
        """Move the money of a batch."""
        zone, tariff, clearing = self.zones[batch.zone], batch.tariff, batch.clearing
        if batch.interval != zone.next:
            raise Refused("interval: not the next")
        if self.current(zone) <= batch.interval:
            raise Refused("interval: not ended")
        if self.current(zone) > batch.interval + zone.deadline:
            raise Refused("interval: past its deadline")
        retail, feed_in = (0, 0) if zone.billed else (tariff.retail, tariff.feed_in)
        for row in clearing.buyers:
            fill = clearing.fills[row.point]
            grid = (row.wh - fill) * retail
            if row.limit is None:
                self._grid_debit(row.point, grid, batch.interval, batch.interval)
            else:
                self._debit(row.point, fill * (clearing.price + tariff.buy_fee), grid, batch.interval)
            self.accounts[row.point].settled.add(batch.interval)
        grid_sold = {row.point: (row.wh - clearing.fills[row.point]) * feed_in for row in clearing.sellers}
        self._grid_credit(batch, grid_sold, ("batch", batch.zone, batch.interval))
        for row in clearing.sellers:
            self.accounts[row.point].balance += clearing.fills[row.point] * (clearing.price - tariff.sell_fee)
            self.accounts[row.point].settled.add(batch.interval)
        self.fee_pool += clearing.volume * (tariff.buy_fee + tariff.sell_fee)
        zone.next += 1

    def settle_late(self, batch: Batch) -> None:
        """Late Wh: the grid alone."""
        zone, tariff = self.zones[batch.zone], batch.tariff
        retail, feed_in = (0, 0) if zone.billed else (tariff.retail, tariff.feed_in)
        for row in batch.clearing.buyers:
            self._grid_debit(row.point, row.wh * retail, batch.interval, self.open(zone))
        self._grid_credit(batch, {row.point: row.wh * feed_in for row in batch.clearing.sellers}, None)
        for row in batch.clearing.buyers + batch.clearing.sellers:
            self.accounts[row.point].late.add(batch.interval)

    def pay_owed(self, batch: Batch) -> None:
        """All that an owed batch waits for, at once."""
        tree = self.zones[batch.zone].tree
        if not batch.owed:
            raise Refused("owed: no such batch")
        if self.utility[tree] < sum(batch.owed.values()):
            raise Refused("owed: the utility is short")
        for point, nano in batch.owed.items():
            self.accounts[point].balance += nano
            self.utility[tree] -= nano
        batch.owed = {}

    def void(self, zone_id: int, interval: int) -> None:
        zone = self.zones[zone_id]
        if interval < zone.next:
            raise Refused("void: settled or voided before")
        if self.current(zone) <= interval + zone.deadline:
            raise Refused("void: not past its deadline")
        zone.next = interval + 1

    # ------------------------------------------------------------------ inside

    def total(self) -> int:
        """All money; must be `held`."""
        return sum(a.balance for a in self.accounts.values()) + sum(self.utility.values()) + self.fee_pool

    def _of(self, point: int) -> tuple[Account, Zone]:
        account = self.accounts[point]
        return account, self.zones[account.zone]

    def _queue(self, account: Account, order: Order) -> None:
        account.orders = [other for other in account.orders if other.begins != order.begins] + [order]

    def _debit(self, point: int, matched: int, grid: int, interval: int) -> None:
        account, zone = self._of(point)
        account.balance -= matched + grid
        assert account.balance >= 0, "a live buyer could not pay"
        self.utility[zone.tree] += grid
        current = self.current(zone)
        if account.balance < self.reserve(point, interval) and self._stop(account, zone, current):
            self.log.append(("OrderCut", point, current))

    def _grid_debit(self, point: int, due: int, interval: int, open_: int) -> None:
        account, zone = self._of(point)
        paid = min(due, max(account.balance - self.reserve(point, open_), 0))
        account.balance -= paid
        self.utility[zone.tree] += paid
        if paid < due:
            self.log.append(("Unpaid", point, interval, due - paid))

    def _grid_credit(self, batch: Batch, nano: dict[int, int], key: object) -> None:
        tree = self.zones[batch.zone].tree
        if self.utility[tree] < sum(nano.values()):
            batch.owed = {point: amount for point, amount in nano.items() if amount}
            return
        for point, amount in nano.items():
            self.accounts[point].balance += amount
            self.utility[tree] -= amount
