"""sunpile: charging piles and rooftop solar, matched every interval, settled by a contract.

The story in chapters; each imports only the chapters before it:

0. `sunpile.basics`      the words everyone shares: Wh, money, intervals, keys, errors
1. `sunpile.chargers`    piles speak OCPP; `sunpile.solar`: roofs and batteries speak Modbus and HTTP
2. `sunpile.sessions`    plug in, authorise, charge, charge detail record
3. `sunpile.market`      standing orders and metered Wh become one price: `clear(book) -> Clearing`
4. `sunpile.settlement`  readings become a batch, a witness root, a receipt anyone can check
5. `sunpile.chain`       engines, contracts, journalled submission, the indexer
6. `sunpile.money`       top-up rails and the driver's account
7. `sunpile.people`      page, API and command line

`sunpile.store` keeps what happened, `sunpile.town` plays a town that knows nothing of the node's inside,
and `sunpile.wiring` is the only place that joins them.
"""

__version__ = "0.1.0"
