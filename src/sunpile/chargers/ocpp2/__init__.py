"""OCPP 2.0.1 and 2.1: what their messages mean, and how ours are said in them. 2.1 only adds to 2.0.1."""

from sunpile.chargers.ocpp2.dialect import Ocpp21, Ocpp201

__all__ = ["Ocpp21", "Ocpp201"]
