"""Channels beside their model, under random openings, vouchers, closes and exits."""

from dataclasses import replace

from channel_hand import Hand, Terms
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from machine import Beside, run
from model.channels import ChannelsModel
from roles import role

COUNT = 12
MONEY = 3_000
INDEX = st.integers(0, COUNT - 1)
PICK = st.integers(0, 10**6)
AMOUNTS = st.integers(0, 300)
MORE = st.sampled_from([1, 7, 30, 60, 90, 120, 400, 0, -5])


def test_ch_1_channels_do_what_their_model_does(deploy, token, fund, env):
    channels = deploy("Channels", token.address)
    hand = Hand(channels, token)
    fund(role("payer"), MONEY)
    base = Terms(role("payer"), role("payee"), role("session_signer"), role("hub_operator"), bytes(32))
    terms = [replace(base, salt=bytes([index + 1]) * 32) for index in range(COUNT)]

    class Machine(Beside):
        def __init__(self) -> None:
            super().__init__()
            self.model = ChannelsModel(COUNT, MONEY)
            self.salts = 0
            self.paid = [0] * COUNT
            for index in range(3):
                self.open(index, 200)

        def _some(self, pick: int) -> int:
            """Mostly an open channel, sometimes any."""
            live = [index for index, channel in enumerate(self.model.channels) if channel.opened and not channel.over]
            return live[pick % len(live)] if live and pick % 6 != 5 else pick % COUNT

        @rule(index=INDEX, deposit=AMOUNTS)
        def open(self, index, deposit):
            self.both("open", self.model.open(index, deposit), lambda: hand.open(terms[index], deposit))

        @rule(pick=PICK, amount=AMOUNTS)
        def top_up(self, pick, amount):
            index = self._some(pick)
            self.salts += 1
            salt = self.salts.to_bytes(32, "big")
            refusal = self.model.top_up(index, amount)
            self.both("top up", refusal, lambda: hand.top_up(terms[index], amount, salt))

        @rule(pick=PICK, more=MORE)
        def settle(self, pick, more):
            index = self._some(pick)
            cumulative = max(0, self.model.channels[index].settled + more)
            refusal = self.model.settle(index, cumulative)
            self.both("settle", refusal, lambda: hand.settle(terms[index], cumulative))

        @rule(picks=st.lists(st.tuples(PICK, MORE), min_size=2, max_size=6))
        def claim(self, picks):
            rows = []
            for pick, more in picks:
                index = self._some(pick)
                rows.append((index, max(0, self.model.channels[index].settled + more)))
            refusal = self.model.claim(rows)
            packed = [hand.row(terms[index], cumulative) for index, cumulative in rows]
            people = base.payee.address, base.operator.address
            self.both("claim", refusal, lambda: channels.claim(*people, packed))

        @rule(
            pick=PICK,
            more=st.sampled_from([0, 1, 40, 80, 400, -1]),
            extra=st.sampled_from([0, 1, 50, 500, -1]),
            often=st.integers(0, 2),
        )
        def close(self, pick, more, extra, often):
            if often:
                return
            index = self._some(pick)
            capture = max(0, self.model.channels[index].settled + more)
            cumulative = max(0, capture + extra)
            refusal = self.model.close(index, capture, cumulative)
            self.both("close", refusal, lambda: hand.close(terms[index], capture, cumulative))

        @rule(pick=PICK)
        def request(self, pick):
            index = self._some(pick)
            refusal = self.model.request(index, env.timestamp)
            call = lambda: channels.requestClose(terms[index].tuple(), sender=base.payer.address)  # noqa: E731
            self.both("request", refusal, call)

        @precondition(lambda self: any(channel.requested is not None for channel in self.model.channels))
        @rule(pick=PICK)
        def withdraw(self, pick):
            index = self._some(pick)
            refusal = self.model.withdraw(index, env.timestamp)
            self.both("withdraw", refusal, lambda: channels.withdraw(terms[index].tuple()))

        @rule(seconds=st.sampled_from([1, 450, 899, 900]))
        def wait(self, seconds):
            env.time_travel(seconds=seconds)

        @invariant()
        def the_books_agree(self):
            assert token.balanceOf(channels.address) == self.model.held
            assert token.balanceOf(base.payer.address) == self.model.payer
            assert token.balanceOf(base.payee.address) == self.model.payee
            for index, channel in enumerate(self.model.channels):
                settled, deposit, requested, finalised = channels.stateOf(hand.id(terms[index]))
                over = channel.over
                assert (settled, finalised) == (channel.settled, over)
                assert deposit == (0 if over else channel.deposit)
                assert requested == (0 if over else channel.requested or 0)
                assert over or settled <= deposit
                assert settled >= self.paid[index]
                self.paid[index] = settled

    run(Machine, {"open", "top up", "settle", "claim", "close", "request", "withdraw"})
