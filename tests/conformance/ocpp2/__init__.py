"""Scripts of the cases of OCPP 2, by block."""
