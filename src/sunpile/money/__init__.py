"""Chapter 6: money in and out.

A driver (or a point's owner) tops up over a *rail*: a bank, a card, a wallet. The rail has its own reference for each
payment, and tokens are minted once for it, whatever is repeated: pending -> confirmed -> minted. Accounts say nothing
about the person: a random id, a random key that is kept only as its hash, and the token shown to piles.

Entry: `TopUps.begin`; the sandbox rail takes no real money.
"""

from sunpile.money.accounts import Accounts as Accounts
from sunpile.money.topups import TopUps as TopUps
