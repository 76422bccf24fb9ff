"""What an indexer reads: every change of a channel, with sums and not differences."""

from channel_hand import UNIT


def fields(channels, *names):
    """The fields of the one log of the last call."""
    (log,) = (log for log in channels.get_logs() if log.address == channels.address)
    return type(log).__name__, *(getattr(log, name) for name in names)


def test_the_life_of_a_channel_is_logged(channels, hand, terms, env):
    channel = hand.open(terms, 50 * UNIT)
    payer, payee, signer, operator, salt = terms.tuple()
    names = ("channel", "payer", "payee", "signer", "operator", "salt", "deposit")
    expected = ("Opened", channel, payer, payee, signer, operator, salt, 50 * UNIT)
    assert fields(channels, *names) == expected
    hand.top_up(terms, 5 * UNIT)
    assert fields(channels, "channel", "deposit") == ("ToppedUp", channel, 55 * UNIT)
    hand.settle(terms, 3 * UNIT)
    hand.settle(terms, 8 * UNIT)
    assert fields(channels, "channel", "settled") == ("Settled", channel, 8 * UNIT)
    channels.requestClose(terms.tuple(), sender=payer)
    assert fields(channels, "channel", "withdrawable_at") == ("CloseRequested", channel, env.timestamp + 900)
    env.time_travel(seconds=900)
    channels.withdraw(terms.tuple())
    assert fields(channels, "channel", "settled", "refunded") == ("Closed", channel, 8 * UNIT, 47 * UNIT)


def test_a_cooperative_close_logs_what_each_got(channels, hand, terms):
    channel = hand.open(terms, 50 * UNIT)
    hand.settle(terms, 3 * UNIT)
    hand.close(terms, 8 * UNIT)
    assert fields(channels, "channel", "settled", "refunded") == ("Closed", channel, 8 * UNIT, 42 * UNIT)


def test_a_claim_logs_each_row(channels, hand, terms, other):
    hand.open(terms, 50 * UNIT)
    hand.open(other, 50 * UNIT)
    rows = [hand.row(terms, 2 * UNIT), hand.row(other, 3 * UNIT)]
    channels.claim(terms.payee.address, terms.operator.address, rows)
    logs = [log for log in channels.get_logs() if log.address == channels.address]
    assert [(log.channel, log.settled) for log in logs] == [
        (hand.id(terms), 2 * UNIT),
        (hand.id(other), 3 * UNIT),
    ]
