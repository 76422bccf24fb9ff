"""Security events: kept, and shown at once where OCPP's list calls them critical."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sunpile.basics.ports import Clock
from sunpile.chargers.certificates.ports import SecurityRecord, SecurityStore
from sunpile.chargers.notices import SecurityEvent

CRITICAL = frozenset(
    {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "InvalidCsmsCertificate",
        "InvalidCentralSystemCertificate",
        "InvalidChargingStationCertificate",
        "InvalidChargePointCertificate",
        "DiscardedRenewedClientCertificate",
        "InvalidTLSVersion",
        "InvalidTLSCipherSuite",
        "MaintenanceLoginAccepted",
        "MaintenanceLoginFailed",
    }
)
"""Appendix 1 of OCPP 2.0.1 and 2.1 (the stricter of both), with the names of OCPP 1.6."""


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """Something the node itself saw: a refused certificate, a station that flaps."""

    station: str
    """Which station it is about."""
    kind: str
    """Its type."""
    info: str
    """Details."""
    critical: bool = False
    """Show it at once."""


class SecurityEvents:
    """What stations tell of their security, and what the node sees of theirs."""

    def __init__(self, store: SecurityStore, clock: Clock, changed: Callable[[str, dict[str, Any]], None]) -> None:
        self._store, self._clock, self._changed = store, clock, changed

    async def told(self, event: SecurityEvent) -> None:
        """Keep a station's event; return when it is durable."""
        await self._keep(event.station, event.kind, event.info, event.at, event.kind in CRITICAL)

    async def saw(self, event: OwnEvent) -> None:
        """Keep an event of the node's own."""
        await self._keep(event.station, event.kind, event.info, self._clock.now(), event.critical)

    async def _keep(self, station: str, kind: str, info: str, at: int, critical: bool) -> None:
        record = SecurityRecord(0, station, at, self._clock.now(), kind, info, critical)
        number = await self._store.keep(record)
        if critical:
            self._changed("security", {"id": number, "station": station, "kind": kind, "info": info, "at": at})
