"""Chapter 1: piles speak.

A charging pile opens a WebSocket to us and talks OCPP, 1.6J, 2.0.1 or 2.1, all on one port, or on two: one with TLS.
`admission` decides who may come in, before the 101, by the pure rules of `access`, `takeover` and, for certificates, a
port; `refusals` has a sentence for everyone who may not. `codec` reads frames strictly and names each fault with the
CALLERROR code of its version; `leniency` mends what a station is allowed to get wrong; `replay` answers a retry of 2.1.
A dialect (`ocpp16`, `ocpp2`) turns a valid payload into an event in the words of `events`, a notice or a question, and
an answer back into a payload. `desk` hands it to the `StationInbox` and answers only once it is durable: to acknowledge
is not to accept, what is durable may still be held and never billed; before a station's `registration` is accepted it
hands over nothing. `connection` keeps one call outstanding each way; `station` is what the page shows. Money and
markets are unknown here.

Entry: `Csms(book, inbox, clock, plan)`, `await csms.open(Door(host, port), Door(host, port, tls.context(...)))`; then
`csms.stations` and operations such as `await csms.command(station, RemoteStart(...))`.
"""

from sunpile.chargers.access import Limits, new_password
from sunpile.chargers.dialect import Plan
from sunpile.chargers.server import Csms, Door
from sunpile.chargers.station import EvseState, StationState

__all__ = ["Csms", "Door", "EvseState", "Limits", "Plan", "StationState", "new_password"]
