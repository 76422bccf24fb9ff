"""Tables of certificates, trust, passwords on their way, and security events."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from sunpile.store.tables import Big, metadata

station_certificates = Table(
    "station_certificates",
    metadata,
    Column("fingerprint", String(64), primary_key=True, doc="SHA-256 of the certificate, hex"),
    Column("tenant", String(48), nullable=False),
    Column("station", String(48), nullable=False, doc="empty for one of our server"),
    Column("use", String(32), nullable=False),
    Column("name", String(64), nullable=False, doc="CN"),
    Column("serial", String(40), nullable=False, doc="hex"),
    Column("key_hash", String(64), nullable=False, doc="SHA-256 of the public key, hex"),
    Column("not_before", Big, nullable=False),
    Column("not_after", Big, nullable=False),
    Column("chain", Text, nullable=False, doc="PEM, leaf first"),
    Column("state", String(12), nullable=False, doc="issued, accepted, rejected or revoked"),
    Column("request", Big, doc="number of the station's request (2.1)"),
    Column("outcome", String(512), nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("changed_at", Big, nullable=False),
    Column("revoked_at", Big),
    Column("reason", String(32), nullable=False, server_default=""),
    Index("ix_station_certificates_station", "station"),
    Index("ix_station_certificates_tenant", "tenant", "not_after"),
    Index("ix_station_certificates_key_hash", "key_hash"),
    Index("ix_station_certificates_serial", "serial"),
)

refused_requests = Table(
    "refused_certificate_requests",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("tenant", String(48), nullable=False),
    Column("station", String(48), nullable=False),
    Column("at", Big, nullable=False),
    Column("code", String(32), nullable=False),
    Column("sentence", String(512), nullable=False),
    Column("csr", Text, nullable=False),
    Index("ix_refused_certificate_requests_station", "station", "at"),
)

trusted_roots = Table(
    "trusted_roots",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("kind", String(32), primary_key=True, doc="CSMSRootCertificate, V2GRootCertificate ..."),
    Column("fingerprint", String(64), primary_key=True),
    Column("pem", Text, nullable=False),
    Column("not_after", Big, nullable=False),
    Column("wanted", Boolean, nullable=False, doc="belongs on every station"),
    Column("added_at", Big, nullable=False),
)

known_certificates = Table(
    "known_certificates",
    metadata,
    Column("tenant", String(48), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("serial", String(40), nullable=False, doc="hex"),
    Column("pem", Text, nullable=False),
    Column("issuer", Text, nullable=False, doc="its issuer, PEM"),
    Column("seen_at", Big, nullable=False),
    Index("ix_known_certificates_serial", "serial"),
)

installed_certificates = Table(
    "installed_certificates",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("algorithm", String(8), primary_key=True),
    Column("issuer_name", String(128), primary_key=True),
    Column("issuer_key", String(128), primary_key=True),
    Column("serial", String(40), primary_key=True),
    Column("seen_at", Big, nullable=False),
)

station_secrets = Table(
    "station_secrets",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("station", String(48), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False, doc="of a password on its way, good until it is known to be taken"),
    Column("at", Big, nullable=False),
    Index("ix_station_secrets_station", "station"),
)

security_events = Table(
    "security_events",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=True),
    Column("tenant", String(48), nullable=False),
    Column("station", String(48), nullable=False),
    Column("at", Big, nullable=False, doc="by the station's clock"),
    Column("received_at", Big, nullable=False),
    Column("kind", String(50), nullable=False),
    Column("info", String(255), nullable=False, server_default=""),
    Column("critical", Boolean, nullable=False),
    Index("ix_security_events_tenant", "tenant", "received_at"),
    Index("ix_security_events_station", "station", "received_at"),
)

profile_upgrades = Table(
    "profile_upgrades",
    metadata,
    Column("station", String(48), primary_key=True),
    Column("profile", Integer, nullable=False, doc="higher security profile it was told and has not used yet"),
    Column("at", Big, nullable=False),
)
