"""EnergyMarket.settle: an honest batch."""

from market_hand import Hand


def test_a_batch_moves_what_the_model_moves(hand: Hand) -> None:
    tree = hand.tree()
    zone = hand.zone(tree)
    first = hand.model.zones[zone].next
    hand.publish(tree, first)
    points = [hand.point(zone) for _ in range(6)]
    hand.deposit_utility(tree, 10**15)
    for point in points[:3]:
        hand.deposit(point, 10**11)
    hand.at(zone, first + 1, 60)
    net = {points[0]: 900, points[1]: 300, points[2]: 500, points[3]: -700, points[4]: -400, points[5]: 100}
    hand.settle(zone, first, net)
    hand.check()
    hand.at(zone, first + 2, 60)
    hand.settle(zone, first + 1, {points[0]: 900, points[3]: -700, points[4]: -400})
    hand.check()
