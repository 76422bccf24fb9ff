"""Security events: kept, and shown at once where OCPP's list calls them critical."""

from collections.abc import Callable
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


class SecurityEvents:
    """What stations tell of their security, and what the node sees of theirs."""

    def __init__(self, store: SecurityStore, clock: Clock, changed: Callable[[str, dict[str, Any]], None]) -> None:
        self._store, self._clock, self._changed = store, clock, changed

    async def told(self, event: SecurityEvent) -> None:
        """Keep an event; return when it is durable."""
        station, kind, info, critical = event.station, event.kind, event.info, event.kind in CRITICAL
        record = SecurityRecord(0, station, event.at, self._clock.now(), kind, info, critical)
        number = await self._store.keep(record)
        if critical:
            self._changed("security", {"id": number, "station": station, "kind": kind, "info": info, "at": event.at})
