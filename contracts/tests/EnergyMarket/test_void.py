"""EnergyMarket.void: what nobody settled."""

from market_hand import refused


def test_em_4_each_interval_is_settled_once_or_voided(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    hand.at(zone, first + 1)
    hand.settle(zone, first, {town.sellers[0]: -5})
    again, proposal = hand.propose(zone, first, {town.sellers[1]: -5})
    with refused(hand.market, "interval: not the next"):
        hand.send(proposal)
    with refused(hand.market, "void: settled or voided before"):
        hand.market.void(zone, first)
    hand.at(zone, first + 5, 899)
    _, proposal = hand.propose(zone, first + 1, {town.sellers[1]: -5})
    with refused(hand.market, "void: not past its deadline"):
        hand.market.void(zone, first + 1)
    hand.at(zone, first + 6)
    with refused(hand.market, "interval: past its deadline"):
        hand.send(proposal)
    with refused(hand.market, "zone: unknown"):
        hand.market.void(99, first + 1)
    hand.market.void(zone, first + 1)
    hand.model.void(zone, first + 1)
    assert hand.events("Voided") == [("Voided", zone, first + 1, first + 1)]
    with refused(hand.market, "interval: not the next"):
        hand.send(proposal)
    assert hand.market.digestAt(zone, first + 1) == bytes(32)
    hand.settle(zone, first + 2, {town.sellers[1]: -5})
    hand.check()
    assert again.zone == zone


def test_a_long_outage_is_voided_at_once(town) -> None:
    hand, zone, first = town.hand, town.zone, town.first
    hand.at(zone, first + 1_000)
    with refused(hand.market, "void: not past its deadline"):
        hand.market.void(zone, first + 996)
    hand.market.void(zone, first + 995)
    hand.model.void(zone, first + 995)
    assert hand.market.nextInterval(zone) == first + 996
    hand.settle(zone, first + 996, {town.buyers[0]: 50, town.sellers[0]: -50})
    hand.check()
