"""Scripts of the cases of OCPP 1.6, by block."""

from conformance.ocpp16 import charging, core, doors, lists, reserving, secure, smart, upkeep

__all__ = ["charging", "core", "doors", "lists", "reserving", "secure", "smart", "upkeep"]
