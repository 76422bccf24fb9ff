# pragma version 0.4.3
# @license Apache-2.0
"""
@title Registry: who is who, and what the grid costs
@notice Trees of zones with the grid's tariffs, zones, metering points, piles. Nothing here names a person:
    a home is a bare number with its zone and a salted commitment.

    What must hold; each line has a test of that name:
    RE-1  A point has one owner, one zone and one parent, fixed when it is registered.
    RE-2  In every interval a point has one meter key at most; a change takes effect in the first interval
          that starts at least one interval after it is on chain, so that no past reading changes hands.
    RE-3  A tariff is published before its interval by the same rule, 0 <= feed-in <= retail <= retail cap,
          and never changed after; without one for an interval the last one holds.
    RE-4  A parent stands in the same zone and has no parent itself.
    RE-5  Only the certifier of the zone changes a cap; the market learns of every cap and every zone.
    RE-6  A pile is on chain only as its owner signed it, each signature works once and none works after a later one.
    RE-7  The market is named once.

    The first interval with a tariff is the first interval of every zone of that tree.
@custom:kill Nothing stops the contract. Without new tariffs the last one holds.
"""

from interfaces import IEnergyMarket
from interfaces import IRegistry
import typed_data

implements: IRegistry
initializes: typed_data
exports: (typed_data.DOMAIN_SEPARATOR, typed_data.eip712Domain)

METER_KEY_TYPE: constant(bytes32) = keccak256("MeterKey(uint32 point,address key,uint64 nonce,uint64 deadline)")
PILE_TYPE: constant(bytes32) = keccak256(
    "Pile(uint32 point,bytes32 place,uint8 connector,bytes32 model,uint64 price,uint64 nonce,uint64 deadline)"
)

MAX_ZONE: constant(uint256) = 2**20 - 1
MAX_POINT: constant(uint256) = 2**32 - 1
MAX_CAP: constant(uint256) = 2**24 - 1
MAX_PRICE: constant(uint256) = 2**48 - 1
MASK_48: constant(uint256) = 2**48 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_192: constant(uint256) = 2**192 - 1
# Seconds a tariff may be published ahead: 31 days.
MAX_AHEAD: constant(uint256) = 31 * 86400
# A binary search over at most 2**32 checkpoints.
MAX_STEPS: constant(uint256) = 33

struct Tree:
    # Seconds of an interval, a divisor of 900.
    length: uint256
    # The most a kWh of the grid may ever cost, micro per kWh.
    retail_cap: uint256
    # Owns the tree's utility account in the market.
    utility: address
    # Publishes the grid's tariffs.
    tariff_source: address

struct Zone:
    tree: uint256
    # Registers points.
    operator: address
    # Registers points and sets their caps.
    certifier: address
    # Grid legs are billed outside: only matched Wh move money.
    billed_by_retailer: bool

struct Point:
    owner: address
    zone: uint32
    parent: uint32
    # The most Wh the meter can measure in one interval.
    cap: uint32
    # Salted commitment to whatever the certifier checked.
    commitment: bytes32

struct Pile:
    place: bytes32
    model: bytes32
    connector: uint256
    # What the pile asks of a driver, micro per kWh.
    price: uint256

admin: public(address)
market: public(address)

treeCount: public(uint256)
zoneCount: public(uint256)
pointCount: public(uint256)
treeOf: public(HashMap[uint256, Tree])
zoneInfo: public(HashMap[uint256, Zone])
pointInfo: public(HashMap[uint256, Point])
pileOf: public(HashMap[uint256, Pile])
# The last nonce used in a signature of the point's owner.
nonceOf: public(HashMap[uint256, uint256])

# Tree -> checkpoints, each from 32 << 192 | retail 48 << 144 | feed-in 48 << 96 | buy fee 48 << 48 | sell fee 48.
tariffCount: public(HashMap[uint256, uint256])
tariffs: HashMap[uint256, HashMap[uint256, uint256]]
# Point -> checkpoints, each from 32 << 160 | key 160.
meterKeyCount: public(HashMap[uint256, uint256])
meterKeys: HashMap[uint256, HashMap[uint256, uint256]]


@deploy
def __init__(admin_: address):
    """
    @param admin_ Who creates trees and zones and names the market
    """
    assert admin_ != empty(address), "admin: zero address"
    typed_data.__init__("sunpile")
    self.admin = admin_


# -------------------------------------------------------- trees, zones, tariffs


@external
def setMarket(market: address):
    """
    @notice Name the market that keeps these points' money; the admin, once
    """
    assert msg.sender == self.admin, "registry: not the admin"
    assert self.market == empty(address), "registry: market already set"
    assert market != empty(address), "registry: zero address"
    self.market = market
    log IRegistry.MarketSet(market=market)


@external
def createTree(length: uint256, retail_cap: uint256, utility: address, tariff_source: address) -> uint256:
    """
    @notice Create a tree of zones that share tariffs and one utility account
    @param length Seconds of an interval: a divisor of 900 from 5 up
    @param retail_cap The most a kWh of the grid may ever cost, micro per kWh
    @param utility Owner of the utility account
    @param tariff_source Who publishes the tariffs
    @return The tree's number, from 1
    """
    assert msg.sender == self.admin, "registry: not the admin"
    assert length >= 5 and length <= 900 and 900 % length == 0, "tree: not a length"
    assert retail_cap != 0 and retail_cap <= MAX_PRICE, "tree: not a retail cap"
    assert utility != empty(address) and tariff_source != empty(address), "registry: zero address"
    tree: uint256 = self.treeCount + 1
    assert tree <= MASK_32, "tree: too many"
    self.treeCount = tree
    self.treeOf[tree] = Tree(length=length, retail_cap=retail_cap, utility=utility, tariff_source=tariff_source)
    log IRegistry.TreeCreated(
        tree=tree, length=length, retail_cap=retail_cap, utility=utility, tariff_source=tariff_source
    )
    return tree


@external
def createZone(tree: uint256, operator: address, certifier: address, billed_by_retailer: bool) -> uint256:
    """
    @notice Create a zone of a tree: the points that trade with each other
    @return The zone's number, from 1
    """
    assert msg.sender == self.admin, "registry: not the admin"
    assert self.market != empty(address), "registry: no market yet"
    assert operator != empty(address) and certifier != empty(address), "registry: zero address"
    info: Tree = self.treeOf[tree]
    assert info.length != 0, "tree: unknown"
    zone: uint256 = self.zoneCount + 1
    assert zone <= MAX_ZONE, "zone: too many"
    self.zoneCount = zone
    self.zoneInfo[zone] = Zone(
        tree=tree, operator=operator, certifier=certifier, billed_by_retailer=billed_by_retailer
    )
    extcall IEnergyMarket(self.market).addZone(zone, tree, info.length, info.retail_cap, billed_by_retailer)
    log IRegistry.ZoneCreated(
        zone=zone, tree=tree, operator=operator, certifier=certifier, billed_by_retailer=billed_by_retailer
    )
    return zone


@external
def publishTariff(
    tree: uint256, from_interval: uint256, retail: uint256, feed_in: uint256, buy_fee: uint256, sell_fee: uint256
) -> uint256:
    """
    @notice Publish the grid's tariff, in force from an interval on until the next one; all micro per kWh
    @return The tariff's index in its tree, from 0
    """
    info: Tree = self.treeOf[tree]
    assert info.length != 0, "tree: unknown"
    assert msg.sender == info.tariff_source, "tariff: not the source"
    effective: uint256 = self._first_effective(info.length)
    assert from_interval >= effective, "tariff: too late"
    # A slip of the finger must not close the tree to every tariff after it.
    assert from_interval <= effective + MAX_AHEAD // info.length, "tariff: too far ahead"
    assert feed_in <= retail, "tariff: feed-in above retail"
    assert retail <= info.retail_cap, "tariff: retail above the cap"
    assert buy_fee <= MAX_PRICE and sell_fee <= MAX_PRICE, "tariff: fee too large"
    index: uint256 = self.tariffCount[tree]
    if index != 0:
        assert self.tariffs[tree][index - 1] >> 192 < from_interval, "tariff: not after the last"
    self.tariffCount[tree] = index + 1
    self.tariffs[tree][index] = (
        (from_interval << 192) | (retail << 144) | (feed_in << 96) | (buy_fee << 48) | sell_fee
    )
    log IRegistry.TariffPublished(
        tree=tree,
        index=index,
        from_interval=from_interval,
        retail=retail,
        feed_in=feed_in,
        buy_fee=buy_fee,
        sell_fee=sell_fee,
    )
    return index


@external
@view
def utilityOf(tree: uint256) -> address:
    """
    @notice Owner of the tree's utility account
    """
    return self.treeOf[tree].utility


@external
@view
def tariffStart(tree: uint256) -> uint256:
    """
    @notice First interval with a tariff; 0 while there is none
    """
    return self.tariffs[tree][0] >> 192


@external
@view
def tariffAt(tree: uint256, interval: uint256) -> (uint256, uint256):
    """
    @notice The tariff in force in an interval
    @return Its index, and retail << 144 | feed-in << 96 | buy fee << 48 | sell fee
    """
    return self._tariff_at(tree, interval)


@external
@view
def tariffOf(tree: uint256, index: uint256, interval: uint256) -> uint256:
    """
    @notice The tariff with an index, if it is the one in force in `interval`: what a batch names is checked in two reads
    @return from << 192 | retail << 144 | feed-in << 96 | buy fee << 48 | sell fee
    """
    count: uint256 = self.tariffCount[tree]
    assert index < count, "tariff: unknown"
    word: uint256 = self.tariffs[tree][index]
    assert word >> 192 <= interval, "tariff: not of this interval"
    if index + 1 < count:
        assert self.tariffs[tree][index + 1] >> 192 > interval, "tariff: not of this interval"
    return word


@external
@view
def limitPrice(tree: uint256, interval: uint256, per_mille: uint256) -> uint256:
    """
    @notice Micro per kWh of an order's limit in an interval; reverts where nothing is matched
    """
    assert per_mille <= 1000, "order: not a limit"
    tariff: uint256 = self._tariff_at(tree, interval)[1]
    low: uint256 = ((tariff >> 96) & MASK_48) + (tariff & MASK_48)
    assert low + ((tariff >> 48) & MASK_48) <= tariff >> 144, "price: there is no band"
    return low + ((tariff >> 144) - ((tariff >> 48) & MASK_48) - low) * per_mille // 1000


# ---------------------------------------------------------------------- points


@external
def registerPoint(
    zone: uint256, owner: address, meter_key: address, cap: uint256, parent: uint256, commitment: bytes32
) -> uint256:
    """
    @notice Register a metering point; it may trade from the first effective interval on
    @param meter_key Who signs its readings
    @param cap The most Wh it can import or export in one interval
    @param parent The point of the meter it stands behind, or 0
    @param commitment Salted commitment to whatever was checked; says nothing by itself
    @return The point's index, from 1
    """
    info: Zone = self.zoneInfo[zone]
    assert info.tree != 0, "zone: unknown"
    assert msg.sender == info.operator or msg.sender == info.certifier, "point: not the operator or the certifier"
    assert owner != empty(address) and meter_key != empty(address), "registry: zero address"
    assert cap != 0 and cap <= MAX_CAP, "point: not a cap"
    if parent != 0:
        meter: Point = self.pointInfo[parent]
        assert meter.zone == convert(zone, uint32), "point: parent in another zone"
        assert meter.parent == 0, "point: parent has a parent"
    point: uint256 = self.pointCount + 1
    assert point <= MAX_POINT, "point: too many"
    self.pointCount = point
    self.pointInfo[point] = Point(
        owner=owner,
        zone=convert(zone, uint32),
        parent=convert(parent, uint32),
        cap=convert(cap, uint32),
        commitment=commitment,
    )
    effective: uint256 = self._first_effective(self.treeOf[info.tree].length)
    self._set_meter_key(point, meter_key, effective)
    extcall IEnergyMarket(self.market).addPoint(point, zone, cap)
    log IRegistry.PointRegistered(
        point=point,
        zone=zone,
        owner=owner,
        parent=parent,
        cap=cap,
        commitment=commitment,
        from_interval=effective,
    )
    return point


@external
def setCap(point: uint256, cap: uint256):
    """
    @notice Set the most Wh a point can import or export in one interval, from the first effective interval on
    """
    zone: uint256 = convert(self.pointInfo[point].zone, uint256)
    assert zone != 0, "point: unknown"
    assert msg.sender == self.zoneInfo[zone].certifier, "point: not the certifier"
    assert cap != 0 and cap <= MAX_CAP, "point: not a cap"
    self.pointInfo[point].cap = convert(cap, uint32)
    effective: uint256 = self._first_effective(self.treeOf[self.zoneInfo[zone].tree].length)
    extcall IEnergyMarket(self.market).setCap(point, cap)
    log IRegistry.CapSet(point=point, cap=cap, from_interval=effective)


@external
def setMeterKey(point: uint256, key: address):
    """
    @notice Change who signs the point's readings, from the first effective interval on; its owner
    """
    assert msg.sender == self.pointInfo[point].owner, "point: not the owner"
    self._change_meter_key(point, key)


@external
def setMeterKeySigned(
    point: uint256, key: address, nonce: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32
):
    """
    @notice Change who signs the point's readings by a signature of its owner
    """
    self._use_nonce(point, nonce, deadline)
    typed_data._check(
        self.pointInfo[point].owner, keccak256(abi_encode(METER_KEY_TYPE, point, key, nonce, deadline)), v, r, s
    )
    self._change_meter_key(point, key)


@external
def registerPile(
    point: uint256,
    place: bytes32,
    connector: uint256,
    model: bytes32,
    price: uint256,
    nonce: uint256,
    deadline: uint256,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice Put a charging pile on the map, or change it, as its owner signed it
    @param place Where it stands: up to 32 bytes of text
    @param connector IEC 62196 connector, as OCPP numbers them here
    @param model Up to 32 bytes of text
    @param price What it asks of a driver, micro per kWh
    """
    self._use_nonce(point, nonce, deadline)
    assert connector <= 255, "pile: not a connector"
    assert price <= 2**64 - 1, "pile: price too large"
    typed_data._check(
        self.pointInfo[point].owner,
        keccak256(abi_encode(PILE_TYPE, point, place, connector, model, price, nonce, deadline)),
        v,
        r,
        s,
    )
    self.pileOf[point] = Pile(place=place, model=model, connector=connector, price=price)
    log IRegistry.PileRegistered(point=point, place=place, connector=connector, model=model, price=price)


@external
@view
def ownerOf(point: uint256) -> address:
    """
    @notice Who orders, withdraws and signs for the point
    """
    return self.pointInfo[point].owner


@external
@view
def zoneOf(point: uint256) -> uint256:
    """
    @notice The zone the point trades in
    """
    return convert(self.pointInfo[point].zone, uint256)


@external
@view
def parentOf(point: uint256) -> uint256:
    """
    @notice The point of the meter it stands behind, or 0
    """
    return convert(self.pointInfo[point].parent, uint256)


@external
@view
def capOf(point: uint256) -> uint256:
    """
    @notice The newest cap, which may not be in force yet (the market knows the one in force)
    """
    return convert(self.pointInfo[point].cap, uint256)


@external
@view
def meterKeyAt(point: uint256, interval: uint256) -> address:
    """
    @notice Whose signature a reading of the point in that interval must bear; the zero address before the first
    """
    after: uint256 = self.meterKeyCount[point]
    first: uint256 = 0
    for _: uint256 in range(MAX_STEPS):
        if first >= after:
            break
        middle: uint256 = (first + after) // 2
        if self.meterKeys[point][middle] >> 160 <= interval:
            first = middle + 1
        else:
            after = middle
    if first == 0:
        return empty(address)
    return convert(self.meterKeys[point][first - 1] & (2**160 - 1), address)


@internal
@view
def _tariff_at(tree: uint256, interval: uint256) -> (uint256, uint256):
    after: uint256 = self.tariffCount[tree]
    first: uint256 = 0
    # The last checkpoint from <= interval lies in [first - 1, after - 1].
    for _: uint256 in range(MAX_STEPS):
        if first >= after:
            break
        middle: uint256 = (first + after) // 2
        if self.tariffs[tree][middle] >> 192 <= interval:
            first = middle + 1
        else:
            after = middle
    assert first != 0, "tariff: none"
    return first - 1, self.tariffs[tree][first - 1] & MASK_192


@internal
@view
def _first_effective(length: uint256) -> uint256:
    return (block.timestamp + 2 * length - 1) // length


@internal
def _use_nonce(point: uint256, nonce: uint256, deadline: uint256):
    assert self.pointInfo[point].owner != empty(address), "point: unknown"
    assert block.timestamp <= deadline, "signature: expired"
    assert nonce > self.nonceOf[point] and nonce <= 2**64 - 1, "signature: nonce used"
    self.nonceOf[point] = nonce


@internal
def _change_meter_key(point: uint256, key: address):
    assert key != empty(address), "registry: zero address"
    length: uint256 = self.treeOf[self.zoneInfo[convert(self.pointInfo[point].zone, uint256)].tree].length
    self._set_meter_key(point, key, self._first_effective(length))


@internal
def _set_meter_key(point: uint256, key: address, effective: uint256):
    count: uint256 = self.meterKeyCount[point]
    # Two changes before the same interval: the later one holds, the earlier one never began.
    if count == 0 or self.meterKeys[point][count - 1] >> 160 != effective:
        self.meterKeyCount[point] = count + 1
        count += 1
    self.meterKeys[point][count - 1] = (effective << 160) | convert(key, uint256)
    log IRegistry.MeterKeySet(point=point, key=key, from_interval=effective)
