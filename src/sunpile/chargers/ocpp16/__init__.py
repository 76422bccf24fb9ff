"""OCPP 1.6J with the security whitepaper: what its messages mean, and how ours are said in it."""

from sunpile.chargers.ocpp16.dialect import Ocpp16

__all__ = ["Ocpp16"]
