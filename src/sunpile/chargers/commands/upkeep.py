"""Firmware, certificates, diagnostics, monitoring: blocks A, L, M, N."""

from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from sunpile.chargers.commands.command import Command, record
from sunpile.chargers.commands.provisioning import VariableName

Url = Annotated[str, MinLen(1), MaxLen(2000)]
CertificateUse = Literal["ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"]
RootKind = Literal[
    "V2GRootCertificate",
    "MORootCertificate",
    "ManufacturerRootCertificate",
    "CSMSRootCertificate",
    "OEMRootCertificate",
]


@record
class UpdateFirmware(Command):
    """Have a station fetch and install firmware; signed, if a signature is given (2.x and the 1.6 whitepaper)."""

    request: int
    """Number by which its progress comes back (not in 1.6 without signature)."""
    url: Url
    """Where it lies."""
    retrieve_at: int
    """From when to fetch it [Unix s]."""
    install_at: int | None = None
    """From when to install it [Unix s]."""
    certificate: Annotated[str, MaxLen(5500)] | None = None
    """Signing certificate, PEM."""
    signature: Annotated[str, MaxLen(800)] | None = None
    """Signature of the file, base64."""
    retries: Annotated[int, Ge(0)] | None = None
    """How often to try again."""
    retry_interval_s: Annotated[int, Ge(0)] | None = None
    """Between tries [s]."""


@record
class PublishFirmware(Command):
    """Have a local controller offer firmware to the stations behind it (2.x)."""

    request: int
    """Number by which its progress comes back."""
    url: Url
    """Where it lies."""
    checksum: Annotated[str, MaxLen(32)]
    """MD5 of the file, hex."""
    retries: Annotated[int, Ge(0)] | None = None
    """How often to try again."""
    retry_interval_s: Annotated[int, Ge(0)] | None = None
    """Between tries [s]."""


@record
class UnpublishFirmware(Command):
    """Have a local controller stop offering firmware (2.x)."""

    checksum: Annotated[str, MaxLen(32)]
    """MD5 of the file, hex."""


@record
class InstallCertificate(Command):
    """Install a root certificate."""

    kind: RootKind
    """What it is for; OCPP 1.6 knows CSMSRootCertificate (its Central System root) and ManufacturerRootCertificate."""
    pem: Annotated[str, MinLen(1), MaxLen(10000)]
    """The certificate, PEM."""


@record
class DeleteCertificate(Command):
    """Remove an installed certificate."""

    certificate: dict[str, str]
    """OCPP CertificateHashData: hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber."""


@record
class GetInstalledCertificates(Command):
    """Ask which certificates are installed; they are in `data`."""

    kinds: list[str] | None = None
    """GetCertificateIdUse: CSMSRootCertificate, V2GRootCertificate ...; none: all. OCPP 1.6 is asked once per kind."""


@record
class SendSignedCertificate(Command):
    """Give a station the certificate it asked for with a CSR (CertificateSigned)."""

    chain: Annotated[str, MaxLen(10000)]
    """PEM chain, leaf first."""
    use: CertificateUse | None = None
    """Which one (2.x)."""
    request: int | None = None
    """Number of the request (2.1)."""


@record
class GetLog(Command):
    """Have a station upload a log."""

    request: int
    """Number by which its progress comes back."""
    kind: Literal["DiagnosticsLog", "SecurityLog", "DataCollectorLog"]
    """Which log."""
    url: Url
    """Where to put it."""
    oldest: int | None = None
    """Of entries from then [Unix s]."""
    latest: int | None = None
    """Until then [Unix s]."""
    retries: Annotated[int, Ge(0)] | None = None
    """How often to try again."""
    retry_interval_s: Annotated[int, Ge(0)] | None = None
    """Between tries [s]."""
    by: Literal["GetLog", "GetDiagnostics"] = "GetLog"
    """How to ask a station of OCPP 1.6: GetDiagnostics where it does not know the security whitepaper."""


@record
class Monitor:
    """A monitor on a variable (2.x)."""

    name: VariableName
    """Which variable."""
    kind: Literal[
        "UpperThreshold",
        "LowerThreshold",
        "Delta",
        "Periodic",
        "PeriodicClockAligned",
        "TargetDelta",
        "TargetDeltaRelative",
    ]
    """What it looks for."""
    value_milli: int
    """Threshold, difference or period [s], times 1,000."""
    severity: Annotated[int, Ge(0), Le(9)]
    """0 danger ... 9 debug."""
    id: int | None = None
    """Replace the monitor of this number; none: a new one."""
    transaction: bool = False
    """Only while a transaction runs."""
    stream: dict[str, int] | None = None
    """PeriodicEventStreamParams of 2.1: interval, values."""


@record
class SetMonitors(Command):
    """Set monitors (SetVariableMonitoring); their numbers are in `data`."""

    monitors: Annotated[list[Monitor], MinLen(1)]
    """Which."""


@record
class ClearMonitors(Command):
    """Remove monitors (ClearVariableMonitoring)."""

    ids: Annotated[list[int], MinLen(1)]
    """Which."""


@record
class GetMonitors(Command):
    """Ask which monitors are set (GetMonitoringReport); they come back in parts."""

    request: int
    """Number by which the parts come back."""
    criteria: list[Literal["ThresholdMonitoring", "DeltaMonitoring", "PeriodicMonitoring"]] | None = None
    """Of these kinds."""
    names: list[VariableName] | None = None
    """On these variables."""


@record
class SetMonitoringBase(Command):
    """Choose the set of monitors to start from (2.x)."""

    base: Literal["All", "FactoryDefault", "HardWiredOnly"]
    """Which."""


@record
class SetMonitoringLevel(Command):
    """Choose how severe an event must be to be sent (2.x)."""

    severity: Annotated[int, Ge(0), Le(9)]
    """Up to this severity."""


@record
class AdjustEventStream(Command):
    """Change the pace of a periodic event stream (2.1)."""

    stream: int
    """Its number."""
    interval_s: int | None = None
    """Longest time between messages [s]."""
    values: int | None = None
    """Values per message."""


@record
class GetEventStreams(Command):
    """Ask which periodic event streams run (2.1); they are in `data`."""
