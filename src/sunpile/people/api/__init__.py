"""The HTTP interface: every route says who may use it, every refusal is problem+json (RFC 9457)."""
