"""Channels in plain Python: one channel each, and what is paid to whom."""

from dataclasses import dataclass

GRACE = 900


@dataclass
class Channel:
    """The state of one channel."""

    deposit: int = 0
    settled: int = 0
    requested: int | None = None
    opened: bool = False
    over: bool = False


class ChannelsModel:
    """Each method is one call; it returns the reason of a refusal, or None after doing it."""

    def __init__(self, channels: int, money: int) -> None:
        self.channels = [Channel() for _ in range(channels)]
        self.payer = money
        self.payee = 0

    @property
    def held(self) -> int:
        """What the contract owes to open channels."""
        return sum(channel.deposit - channel.settled for channel in self.channels if not channel.over)

    def _not_open(self, index: int) -> str | None:
        channel = self.channels[index]
        if not channel.opened:
            return "channel: unknown"
        return "channel: closed" if channel.over else None

    def open(self, index: int, deposit: int) -> str | None:
        if deposit == 0:
            return "open: no deposit"
        if self.channels[index].opened:
            return "open: the channel was opened before"
        if deposit > self.payer:
            return "transfer: above the balance"
        self.payer -= deposit
        self.channels[index] = Channel(deposit=deposit, opened=True)
        return None

    def top_up(self, index: int, amount: int) -> str | None:
        refusal = self._not_open(index)
        if refusal:
            return refusal
        if amount == 0:
            return "top up: no amount"
        if amount > self.payer:
            return "transfer: above the balance"
        self.payer -= amount
        self.channels[index].deposit += amount
        self.channels[index].requested = None
        return None

    def settle(self, index: int, cumulative: int) -> str | None:
        refusal = self._not_open(index)
        channel = self.channels[index]
        reached = min(cumulative, channel.deposit)
        if refusal or reached <= channel.settled:
            return refusal or "settle: nothing new"
        self.payee += reached - channel.settled
        channel.settled = reached
        return None

    def claim(self, rows: list[tuple[int, int]]) -> str | None:
        """A hub's claim over (channel, cumulative); refused channels are passed over."""
        paid = [self.settle(index, cumulative) is None for index, cumulative in rows]
        return None if any(paid) else "claim: nothing new"

    def close(self, index: int, capture: int, cumulative: int) -> str | None:
        refusal = self._not_open(index)
        channel = self.channels[index]
        if refusal:
            return refusal
        if capture < channel.settled:
            return "close: below what is settled"
        if capture > channel.deposit:
            return "close: above the deposit"
        if capture > channel.settled and capture > cumulative:
            return "close: above the voucher"
        self.payee += capture - channel.settled
        self.payer += channel.deposit - capture
        channel.settled, channel.over = capture, True
        return None

    def request(self, index: int, now: int) -> str | None:
        refusal = self._not_open(index)
        if refusal or self.channels[index].requested is not None:
            return refusal or "request close: already requested"
        self.channels[index].requested = now
        return None

    def withdraw(self, index: int, now: int) -> str | None:
        refusal = self._not_open(index)
        channel = self.channels[index]
        if refusal:
            return refusal
        if channel.requested is None:
            return "withdraw: no close requested"
        if now < channel.requested + GRACE:
            return "withdraw: within the grace period"
        self.payer += channel.deposit - channel.settled
        channel.over = True
        return None
