# pragma version 0.4.3
# pragma nonreentrancy on
# @license Apache-2.0
"""
@title EnergyMarket: the market that checks its own clearing
@notice Keeps the money of metering points and settles one batch per zone and interval. Whoever builds the
    batch proposes one price and rows (point, Wh); this contract verifies in one pass that the price is the middle
    of the competitive equilibria of the standing orders, and moves the money in the same pass. No fills are
    posted: they follow.

    What must hold; each line has a test of that name:
    EM-1  Money is conserved: balances, utility accounts and fee pool are together `held`, and the token balance
          of this contract is never less.
    EM-2  No balance is ever negative, whatever order debits come in.
    EM-3  No Wh is matched beyond a limit, the largest Wh of the order, the certified cap or the metered Wh.
    EM-4  Each zone's intervals are settled in order, each once, after they ended and before their deadline; a voided
          one is never settled.
    EM-5  There is one digest per zone and interval, and each names the one before it.
    EM-6  The price is the middle of the equilibrium interval inside the band; the marginal group shares by
          cumulative floors.
    EM-7  No act of a participant makes `settle` revert.
    EM-8  A live buyer can pay: balance >= largest Wh x retail cap x open intervals, for every order in force.
    EM-9  An order, a cancel, a withdrawal of reserve and a cap take effect in the first interval that starts at
          least one interval later; what is in force in an interval is fixed when it starts.
    EM-10 Who asks for the money gets what no open interval needs, after D, whatever an operator does.
    EM-11 Nobody is worse off than at the grid's tariff, fees included.
    EM-12 A batch counts only with a quorum of the seats of the epoch in which its interval ended.
    EM-13 If the utility account cannot cover the feed-in of a batch, no grid-sold Wh of it is credited until
          `payOwed` credits all of them, once.
    EM-14 A late Wh is paid at the tariff of its own interval, once per point and interval, up to the cap.
    EM-15 A signed order works once, for this contract on this chain, and none works after a later one.
    EM-16 Fees lie on matched Wh only; the fee pool leaves only through the council.

    Money is nano-currency, energy Wh, prices micro-currency per kWh: Wh x price is nano exactly. Written bounds:
    Wh < 2**24, prices < 2**48, so a row moves < 2**72; all money together is `held` < 2**80, so no balance can
    outgrow its 80 bits; at most 2,000 rows, so no sum of Wh exceeds 2**35.
@custom:kill Nothing stops the contract. If nobody settles, anyone voids after D, and everybody withdraws.
"""

from interfaces import IEnergyMarket
from market import accounts
from market import batches
from market import leftovers
from market import ledger
from market import market_views
from market import orders
from market import settling
from market import standing
import typed_data

implements: IEnergyMarket

# What a signature is bound to.
initializes: typed_data
exports: typed_data.DOMAIN_SEPARATOR

# Whose money is where, and the terms of each zone. The words are those of `market/layout.vy`.
initializes: ledger
exports: (ledger.utilityBalance, ledger.owedTotal, ledger.feePool, ledger.held)

# Which order is in force when, and the reserve it needs.
initializes: standing[ledger := ledger]

# Owners place and cancel orders.
initializes: orders[ledger := ledger, standing := standing, typed_data := typed_data]
exports: (orders.placeOrder, orders.placeOrderSigned, orders.cancelOrder, orders.cancelOrderSigned, orders.nonceOf)

# The registry opens zones and points; money comes in and goes out.
initializes: accounts[ledger := ledger, orders := orders, standing := standing]
exports: (
    accounts.addZone,
    accounts.addPoint,
    accounts.setCap,
    accounts.deposit,
    accounts.depositWithAuthorization,
    accounts.depositUtility,
    accounts.requestWithdrawal,
    accounts.requestWithdrawalSigned,
    accounts.withdraw,
    accounts.withdrawUtility,
    accounts.payReward,
    accounts.withdrawalOf,
)

# What a batch is: rows, digest, signatures.
initializes: batches[ledger := ledger, typed_data := typed_data]
exports: (batches.lastDigest, batches.digestAt)

# Each interval is settled.
initializes: settling[batches := batches, ledger := ledger, standing := standing]
exports: settling.settle

# Late Wh, owed feed-in, intervals that nobody settled.
initializes: leftovers[batches := batches, ledger := ledger, standing := standing]
exports: (leftovers.settleLate, leftovers.payOwed, leftovers.void, leftovers.lateDigestAt)

# What else anyone can read.
initializes: market_views[batches := batches, leftovers := leftovers, ledger := ledger, standing := standing]
exports: (
    market_views.balanceOf,
    market_views.slotOf,
    market_views.orderAt,
    market_views.ordersAt,
    market_views.reserveOf,
    market_views.reserveFor,
    market_views.firstEffective,
    market_views.nextInterval,
    market_views.settledLate,
    market_views.isOwed,
)


@deploy
def __init__(token_: address, registry_: address, council_: address):
    """
    @param token_ The SettlementToken this market keeps
    @param registry_ Where points, zones and tariffs come from
    @param council_ Who signs batches, and is paid for it
    """
    typed_data.__init__("sunpile")
    ledger.__init__(token_, registry_, council_)
