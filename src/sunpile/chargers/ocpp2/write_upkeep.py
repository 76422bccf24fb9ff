"""Firmware, logs, certificates, monitoring in OCPP 2.x."""

from sunpile.basics.errors import InputInvalid
from sunpile.chargers.commands import (
    AdjustEventStream,
    ClearMonitors,
    DeleteCertificate,
    GetEventStreams,
    GetInstalledCertificates,
    GetLog,
    GetMonitors,
    InstallCertificate,
    Monitor,
    PublishFirmware,
    SendSignedCertificate,
    SetMonitoringBase,
    SetMonitoringLevel,
    SetMonitors,
    UnpublishFirmware,
    UpdateFirmware,
)
from sunpile.chargers.ocpp2.write_provisioning import component_variable, component_variables
from sunpile.chargers.values import decimal
from sunpile.chargers.writing import Payload, Said, Writers, given, moment, moment_or_none


def _update_firmware(command: UpdateFirmware) -> Said:
    if (command.certificate is None) != (command.signature is None):
        raise InputInvalid("signed firmware comes with its certificate and its signature")
    firmware = given(
        location=command.url,
        retrieveDateTime=moment(command.retrieve_at),
        installDateTime=moment_or_none(command.install_at),
        signingCertificate=command.certificate,
        signature=command.signature,
    )
    return "UpdateFirmware", given(
        requestId=command.request,
        firmware=firmware,
        retries=command.retries,
        retryInterval=command.retry_interval_s,
    )


def _publish(command: PublishFirmware) -> Said:
    return "PublishFirmware", given(
        requestId=command.request,
        location=command.url,
        checksum=command.checksum,
        retries=command.retries,
        retryInterval=command.retry_interval_s,
    )


def _get_log(command: GetLog) -> Said:
    log = given(
        remoteLocation=command.url,
        oldestTimestamp=moment_or_none(command.oldest),
        latestTimestamp=moment_or_none(command.latest),
    )
    return "GetLog", given(
        requestId=command.request,
        logType=command.kind,
        log=log,
        retries=command.retries,
        retryInterval=command.retry_interval_s,
    )


def _install(command: InstallCertificate) -> Said:
    return "InstallCertificate", {"certificateType": command.kind, "certificate": command.pem}


def _signed(command: SendSignedCertificate) -> Said:
    return "CertificateSigned", given(
        certificateChain=command.chain, certificateType=command.use, requestId=command.request
    )


def _monitor(monitor: Monitor) -> Payload:
    return component_variable(monitor.name) | given(
        id=monitor.id,
        transaction=monitor.transaction or None,
        value=decimal(monitor.value_milli, 3),
        type=monitor.kind,
        severity=monitor.severity,
        periodicEventStream=monitor.stream,
    )


def _set_monitors(command: SetMonitors) -> Said:
    return "SetVariableMonitoring", {"setMonitoringData": [_monitor(monitor) for monitor in command.monitors]}


def _get_monitors(command: GetMonitors) -> Said:
    return "GetMonitoringReport", given(
        requestId=command.request,
        monitoringCriteria=command.criteria or None,
        componentVariable=component_variables(command.names),
    )


def _adjust(command: AdjustEventStream) -> Said:
    return "AdjustPeriodicEventStream", {
        "id": command.stream,
        "params": given(interval=command.interval_s, values=command.values),
    }


WRITERS: Writers = {
    AdjustEventStream: _adjust,
    ClearMonitors: lambda command: ("ClearVariableMonitoring", {"id": command.ids}),
    DeleteCertificate: lambda command: ("DeleteCertificate", {"certificateHashData": command.certificate}),
    GetEventStreams: lambda command: ("GetPeriodicEventStream", {}),
    GetInstalledCertificates: lambda command: (
        "GetInstalledCertificateIds",
        given(certificateType=command.kinds or None),
    ),
    GetLog: _get_log,
    GetMonitors: _get_monitors,
    InstallCertificate: _install,
    PublishFirmware: _publish,
    SendSignedCertificate: _signed,
    SetMonitoringBase: lambda command: ("SetMonitoringBase", {"monitoringBase": command.base}),
    SetMonitoringLevel: lambda command: ("SetMonitoringLevel", {"severity": command.severity}),
    SetMonitors: _set_monitors,
    UnpublishFirmware: lambda command: ("UnpublishFirmware", {"checksum": command.checksum}),
    UpdateFirmware: _update_firmware,
}
