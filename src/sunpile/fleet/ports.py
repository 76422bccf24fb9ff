"""What the fleet needs from others; each service says the rest beside itself.

Runs need a way to ask stations, a store, and who belongs to a tenant; upkeep needs what stations are now, runs, and
what was kept of frames, curves and events.
"""

from sunpile.fleet.run_ports import Commands, Fleet, RunStore
from sunpile.fleet.upkeep_ports import CurveSource, EventSource, FrameSource, LiveStations, Runs

__all__ = ["Commands", "CurveSource", "EventSource", "Fleet", "FrameSource", "LiveStations", "RunStore", "Runs"]
