"""Scripts of the cases of OCPP 16, by block."""
