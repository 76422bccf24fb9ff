"""Chapter 1, second half: roofs and batteries produce.

Meters, inverters and batteries speak SunSpec over Modbus TCP. The node asks each at the very end of every interval,
and a few times in between for the page: `Poller`. What comes back is raw; `plant` makes registers of it that can be
trusted: they only rise, roll over where the device's counter does, and a jump that the device's power cannot explain
is held and never billed. `interval_energy` says what a device metered in one interval.

Entry: `Poller`, whose `measured` says what every polled point metered. Knows nothing of money, market or chain.
"""

from sunpile.solar.plant import Device, IntervalEnergy, RegisterRecord, interval_energy
from sunpile.solar.poller import Poller

__all__ = ["Device", "IntervalEnergy", "Poller", "RegisterRecord", "interval_energy"]
