"""Registry: zones, points, meter keys, caps, piles."""

import pytest
from market_hand import ZERO, Hand, refused
from roles import domain_of, role, twin

OWNER, OPERATOR, CERTIFIER = role("point_owner"), role("zone_operator"), role("certifier")
KEY = "uint32 point,address key,uint64 nonce,uint64 deadline"
PILE = "uint32 point,bytes32 place,uint8 connector,bytes32 model,uint64 price,uint64 nonce,uint64 deadline"
NOBODY = "0x" + "00" * 20


def text(value: str) -> bytes:
    return value.encode().ljust(32, b"\0")


def test_re_1_a_point_has_one_owner_zone_and_parent(hand: Hand) -> None:
    zone = hand.zone(hand.tree())
    house = hand.point(zone)
    pile = hand.point(zone, parent=house)
    registry = hand.registry
    assert (house, pile, registry.pointCount()) == (1, 2, 2)
    for point, parent in ((house, 0), (pile, house)):
        assert registry.ownerOf(point) == OWNER.address
        assert registry.zoneOf(point) == zone
        assert registry.parentOf(point) == parent
        assert registry.capOf(point) == 10_000
    assert registry.ownerOf(3) == NOBODY
    assert not [f for f in dir(registry) if f in ("transferPoint", "setOwner", "setZone", "setParent")]


def test_re_2_a_meter_key_changes_one_whole_interval_later(hand: Hand) -> None:
    zone = hand.zone(hand.tree())
    now = hand.model.now // 900
    point = hand.point(zone)
    registry, new, newer = hand.registry, role("payee").address, role("payer").address
    assert registry.meterKeyAt(point, now) == NOBODY
    assert registry.meterKeyAt(point, now + 1) == OWNER.address
    hand.time(now * 900 + 1)
    registry.setMeterKey(point, new, sender=OWNER.address)
    assert registry.meterKeyAt(point, now + 1) == OWNER.address
    assert registry.meterKeyAt(point, now + 2) == new
    # Before the same interval a later change takes the place of the earlier one.
    registry.setMeterKey(point, newer, sender=OWNER.address)
    assert registry.meterKeyCount(point) == 2
    for interval in range(now + 3, now + 40):
        hand.time(interval * 900)
        registry.setMeterKey(point, new if interval % 2 else newer, sender=OWNER.address)
    assert registry.meterKeyAt(point, now + 2) == newer
    for interval in range(now + 4, now + 41):
        assert registry.meterKeyAt(point, interval) == (new if (interval - 1) % 2 else newer)
    with refused(registry, "registry: zero address"):
        registry.setMeterKey(point, NOBODY, sender=OWNER.address)


def test_a_meter_key_by_signature(hand: Hand) -> None:
    point = hand.point(hand.zone(hand.tree()))
    registry, key = hand.registry, role("payee").address
    values = {"point": point, "key": key, "nonce": 3, "deadline": hand.model.now}
    signature = OWNER.sign(domain_of(registry, "sunpile"), "MeterKey", KEY, **values)
    with refused(registry, "signature: wrong signer"):
        registry.setMeterKeySigned(point, role("payer").address, 3, hand.model.now, *signature)
    with refused(registry, "signature: high s"):
        registry.setMeterKeySigned(*values.values(), *twin(signature))
    registry.setMeterKeySigned(*values.values(), *signature, sender=role("relayer").address)
    assert registry.meterKeyAt(point, hand.model.now // 900 + 1) == key
    with refused(registry, "signature: nonce used"):
        registry.setMeterKeySigned(*values.values(), *signature)
    hand.time(hand.model.now + 1)
    with refused(registry, "signature: expired"):
        registry.setMeterKeySigned(*values.values(), *signature)
    with refused(registry, "point: unknown"):
        registry.setMeterKeySigned(99, *list(values.values())[1:], *signature)


def test_re_4_a_parent_is_a_meter_of_the_same_zone(hand: Hand) -> None:
    tree = hand.tree()
    zone, other = hand.zone(tree), hand.zone(tree)
    house = hand.point(zone)
    pile = hand.point(zone, parent=house)
    cases = [
        (other, house, "point: parent in another zone"),
        (zone, 99, "point: parent in another zone"),
        (zone, pile, "point: parent has a parent"),
    ]
    for where, parent, reason in cases:
        with refused(hand.registry, reason):
            hand.point(where, parent=parent)


def test_re_5_the_certifier_sets_the_cap_and_the_market_learns_it(hand: Hand) -> None:
    zone = hand.zone(hand.tree())
    point = hand.point(zone, 400)
    now = hand.model.now // 900
    assert hand.market.orderAt(point, now)[4] == 400
    hand.registry.setCap(point, 500, sender=CERTIFIER.address)
    assert [hand.market.orderAt(point, now + n)[4] for n in (0, 1)] == [400, 500]
    for cap in (0, 2**24):
        with refused(hand.registry, "point: not a cap"):
            hand.registry.setCap(point, cap, sender=CERTIFIER.address)
    with refused(hand.registry, "point: unknown"):
        hand.registry.setCap(9, 1, sender=CERTIFIER.address)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"zone": 9}, "zone: unknown"),
        ({"owner": NOBODY}, "registry: zero address"),
        ({"key": NOBODY}, "registry: zero address"),
        ({"cap": 0}, "point: not a cap"),
        ({"cap": 2**24}, "point: not a cap"),
    ],
)
def test_a_point_that_cannot_be_is_refused(hand: Hand, changed: dict, reason: str) -> None:
    zone = hand.zone(hand.tree())
    values = {"zone": zone, "owner": OWNER.address, "key": OWNER.address, "cap": 5} | changed
    with refused(hand.registry, reason):
        hand.registry.registerPoint(*values.values(), 0, ZERO, sender=OPERATOR.address)


def test_re_6_a_pile_stands_as_its_owner_signed_it(hand: Hand) -> None:
    point = hand.point(hand.zone(hand.tree()))
    registry = hand.registry

    def pile(nonce: int, price: int = 420_000, signer=OWNER, **other):
        values = {"point": point, "place": text("48.2082,16.3738"), "connector": 2, "model": text("Model S 11")}
        values |= {"price": price, "nonce": nonce, "deadline": hand.model.now + 10}
        signature = signer.sign(domain_of(registry, "sunpile"), "Pile", PILE, **(values | other))
        return (*values.values(), *signature)

    first = pile(1)
    registry.registerPile(*first, sender=role("relayer").address)
    assert tuple(registry.pileOf(point)) == (text("48.2082,16.3738"), text("Model S 11"), 2, 420_000)
    registry.registerPile(*pile(2, 500_000))
    for call, reason in (
        (first, "signature: nonce used"),
        (pile(3, signer=role("stranger")), "signature: wrong signer"),
        (pile(3, place=text("elsewhere")), "signature: wrong signer"),
    ):
        with refused(registry, reason):
            registry.registerPile(*call)
    assert registry.pileOf(point)[3] == 500_000
    late = pile(3)
    hand.time(hand.model.now + 11)
    with refused(registry, "signature: expired"):
        registry.registerPile(*late)
