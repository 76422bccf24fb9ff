# pragma version 0.4.3
# @license Apache-2.0
"""
@title Where each number stands in a word of storage
"""

M10: constant(uint256) = 2**10 - 1
M16: constant(uint256) = 2**16 - 1
M24: constant(uint256) = 2**24 - 1
M32: constant(uint256) = 2**32 - 1
M48: constant(uint256) = 2**48 - 1
M64: constant(uint256) = 2**64 - 1
M76: constant(uint256) = 2**76 - 1
M80: constant(uint256) = 2**80 - 1
M128: constant(uint256) = 2**128 - 1
M192: constant(uint256) = 2**192 - 1

# A point's slot, from the lowest bit: balance 80; the order in force: buy 10, sell 10, largest Wh 24, until 32;
# certified cap 24; flags; last settled interval 32; zone 20.
ORDER_AT: constant(uint256) = 80
SELL_AT: constant(uint256) = 90
MAX_WH_AT: constant(uint256) = 100
UNTIL_AT: constant(uint256) = 124
CAP_AT: constant(uint256) = 156
LAST_AT: constant(uint256) = 204
ZONE_AT: constant(uint256) = 236
# The second slot holds orders that were not yet in force when the first was written. Without the flag it says nothing.
PENDING: constant(uint256) = 2**180
# A change of the cap waits in `capChange`.
CAP_PENDING: constant(uint256) = 2**181
# An order was placed or cancelled: the default orders are history.
TOUCHED: constant(uint256) = 2**182
WAITING: constant(uint256) = PENDING + CAP_PENDING

# A waiting order, two to the second slot, the earlier one low: the 76 bits of an order, first interval 32.
ENTRY_SELL_AT: constant(uint256) = 10
ENTRY_MAX_WH_AT: constant(uint256) = 20
ENTRY_UNTIL_AT: constant(uint256) = 44
ENTRY_FROM_AT: constant(uint256) = 76

# A zone's word, from the lowest bit: next interval 32, seconds of an interval 16, retail cap 48, tree 32, billed 1.
LENGTH_AT: constant(uint256) = 32
RETAIL_CAP_AT: constant(uint256) = 48
TREE_AT: constant(uint256) = 96
BILLED_AT: constant(uint256) = 128

# Limits are per mille of the band; this one means: the side is off.
SIDE_OFF: constant(uint256) = 1023
DEFAULT_LIMIT: constant(uint256) = 500
# Rank of a row in its side: 0 trades first, 1000 last, and this one not at all.
NO_RANK: constant(uint256) = 1001
