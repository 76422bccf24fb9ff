# pragma version 0.4.3
# @license Apache-2.0
"""
@title How the market says no
"""

from market import layout


@internal
@pure
def _require(holds: bool, reason: String[32]):
    """
    An assertion; one place for all keeps the code small.
    """
    assert holds, reason


@internal
@pure
def _refuse_point(slot: uint256, zone: uint256):
    self._require(slot >> layout.ZONE_AT == zone, "row: wrong zone")
    raise "row: point already settled"


@internal
@pure
def _refuse_wh(wh: uint256):
    self._require(wh != 0, "row: no Wh")
    raise "row: above cap"
