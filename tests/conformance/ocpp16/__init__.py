"""Scripts of the cases of OCPP 1.6, by block."""

from conformance.ocpp16 import charging, core, lists, reserving, smart, upkeep

__all__ = ["charging", "core", "lists", "reserving", "smart", "upkeep"]
