"""Chapter 2: plug in, authorise, charge, charge detail record.

A driver sees the price, shows a token and plugs in. The pile reports a transaction; its meter's register is the
truth, and `register.trust` says which of its samples may be billed. `session.decide` turns each message into the
next state of one session, whatever came twice, late or out of order. While energy flows the driver sends vouchers
(`voucher`), each a little ahead; when one is late the pile is asked to stop. When all messages are there the session
becomes one charge detail record (`cdr`), and a receipt says where each kWh came from (`receipt`).

Entry: `Sessions` (service.py), which hears the piles. Knows nothing of the chain or the market; both stand behind
the ports.
"""

from sunpile.sessions.service import Sessions as Sessions
