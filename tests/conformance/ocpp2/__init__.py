"""Scripts of the cases of OCPP 2, by block."""

from conformance.ocpp2 import e_transactions  # noqa: F401  (importing them registers the scripts)
