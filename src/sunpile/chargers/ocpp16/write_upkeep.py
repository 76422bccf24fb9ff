"""Firmware, logs, certificates in OCPP 1.6: with and without the security whitepaper."""

from collections.abc import Sequence

from sunpile.basics.errors import InputInvalid, NotInDialect
from sunpile.chargers.commands import (
    DeleteCertificate,
    GetInstalledCertificates,
    GetLog,
    InstallCertificate,
    SendSignedCertificate,
    UpdateFirmware,
)
from sunpile.chargers.ocpp16.words import ROOTS, VERSION, root_of
from sunpile.chargers.writing import Said, Writers, given, moment, moment_or_none, refuse


def _update_firmware(command: UpdateFirmware) -> Said:
    if (command.certificate is None) != (command.signature is None):
        raise InputInvalid("signed firmware comes with its certificate and its signature")
    if command.certificate is None:
        refuse(VERSION, installation_time_of_unsigned_firmware=command.install_at)
        return "UpdateFirmware", given(
            location=command.url,
            retrieveDate=moment(command.retrieve_at),
            retries=command.retries,
            retryInterval=command.retry_interval_s,
        )
    firmware = given(
        location=command.url,
        retrieveDateTime=moment(command.retrieve_at),
        installDateTime=moment_or_none(command.install_at),
        signingCertificate=command.certificate,
        signature=command.signature,
    )
    return "SignedUpdateFirmware", given(
        requestId=command.request,
        firmware=firmware,
        retries=command.retries,
        retryInterval=command.retry_interval_s,
    )


def _get_log(command: GetLog) -> Said:
    tries = given(retries=command.retries, retryInterval=command.retry_interval_s)
    oldest, latest = moment_or_none(command.oldest), moment_or_none(command.latest)
    if command.by == "GetDiagnostics":
        if command.kind != "DiagnosticsLog":
            raise NotInDialect(VERSION, f"{command.kind} without the security whitepaper")
        return "GetDiagnostics", given(location=command.url, startTime=oldest, stopTime=latest) | tries
    log = given(remoteLocation=command.url, oldestTimestamp=oldest, latestTimestamp=latest)
    return "GetLog", {"requestId": command.request, "logType": command.kind, "log": log} | tries


def _install(command: InstallCertificate) -> Said:
    return "InstallCertificate", {"certificateType": root_of(command.kind), "certificate": command.pem}


def _installed(command: GetInstalledCertificates) -> Sequence[Said]:
    kinds = command.kinds or list(ROOTS)
    return [("GetInstalledCertificateIds", {"certificateType": root_of(kind)}) for kind in kinds]


def _signed(command: SendSignedCertificate) -> Said:
    if command.use not in (None, "ChargingStationCertificate"):
        raise NotInDialect(VERSION, command.use or "")
    return "CertificateSigned", {"certificateChain": command.chain}


WRITERS: Writers = {
    DeleteCertificate: lambda command: ("DeleteCertificate", {"certificateHashData": command.certificate}),
    GetInstalledCertificates: _installed,
    GetLog: _get_log,
    InstallCertificate: _install,
    SendSignedCertificate: _signed,
    UpdateFirmware: _update_firmware,
}
