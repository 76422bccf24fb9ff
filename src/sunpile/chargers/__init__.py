"""Chapter 1: piles speak.

A charging pile opens a WebSocket to us and talks OCPP, 1.6J or 2.0.1, both on one port. `access` decides who may come
in, before the 101. `codec` reads frames strictly and names each fault with the CALLERROR code of its version. A
dialect (`ocpp16`, `ocpp2`) turns a valid payload into an event in the words of `events`, and an answer back into a
payload. `desk` hands the event to the `StationInbox` and answers only once it is durable: to acknowledge is not to
accept, what is durable may still be held and never billed. `connection` keeps one call outstanding each way;
`station` is what the page shows. Money and markets are unknown here.

Entry: `Csms(book, inbox, clock, plan)`, `await csms.start(host, port)`; then `csms.stations` and operations such as
`await csms.command(station, RemoteStart(...))`.
"""

from sunpile.chargers.access import Limits, new_password
from sunpile.chargers.dialect import Plan
from sunpile.chargers.server import Csms
from sunpile.chargers.station import EvseState, StationState

__all__ = ["Csms", "EvseState", "Limits", "Plan", "StationState", "new_password"]
