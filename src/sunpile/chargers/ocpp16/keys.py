"""Configuration keys of OCPP 1.6 that mean what a standard variable of 2.x means."""

from sunpile.basics.errors import NotInDialect
from sunpile.chargers.commands import VariableName
from sunpile.chargers.ocpp16.words import VERSION

KEYS: dict[tuple[str, str], str] = {
    ("AlignedDataCtrlr", "Interval"): "ClockAlignedDataInterval",
    ("AlignedDataCtrlr", "Measurands"): "MeterValuesAlignedData",
    ("AlignedDataCtrlr", "TxEndedMeasurands"): "StopTxnAlignedData",
    ("AuthCacheCtrlr", "Enabled"): "AuthorizationCacheEnabled",
    ("AuthCtrlr", "AuthorizeRemoteStart"): "AuthorizeRemoteTxRequests",
    ("AuthCtrlr", "LocalAuthorizeOffline"): "LocalAuthorizeOffline",
    ("AuthCtrlr", "LocalPreAuthorize"): "LocalPreAuthorize",
    ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"): "AllowOfflineTxForUnknownId",
    ("LocalAuthListCtrlr", "Enabled"): "LocalAuthListEnabled",
    ("OCPPCommCtrlr", "HeartbeatInterval"): "HeartbeatInterval",
    ("OCPPCommCtrlr", "ResetRetries"): "ResetRetries",
    ("OCPPCommCtrlr", "WebSocketPingInterval"): "WebSocketPingInterval",
    ("SampledDataCtrlr", "TxEndedMeasurands"): "StopTxnSampledData",
    ("SampledDataCtrlr", "TxUpdatedInterval"): "MeterValueSampleInterval",
    ("SampledDataCtrlr", "TxUpdatedMeasurands"): "MeterValuesSampledData",
    ("SecurityCtrlr", "AdditionalRootCertificateCheck"): "AdditionalRootCertificateCheck",
    ("SecurityCtrlr", "CertSigningRepeatTimes"): "CertSigningRepeatTimes",
    ("SecurityCtrlr", "CertSigningWaitMinimum"): "CertSigningWaitMinimum",
    ("SecurityCtrlr", "OrganizationName"): "CpoName",
    ("TxCtrlr", "EVConnectionTimeOut"): "ConnectionTimeOut",
    ("TxCtrlr", "MaxEnergyOnInvalidId"): "MaxEnergyOnInvalidId",
    ("TxCtrlr", "StopTxOnEVSideDisconnect"): "StopTransactionOnEVSideDisconnect",
    ("TxCtrlr", "StopTxOnInvalidId"): "StopTransactionOnInvalidId",
}
"""(component, variable) to key. Passwords are not here: 1.6 writes them otherwise."""


def key_of(name: VariableName, attribute: str) -> str:
    """The configuration key that `name` means.

    Raises
    ------
    NotInDialect
        if 1.6 has no key for it.
    """
    if attribute != "Actual":
        raise NotInDialect(VERSION, f"attribute {attribute}")
    if name.variable_instance or name.component_instance or name.evse is not None or name.connector is not None:
        raise NotInDialect(VERSION, f"instances or EVSEs of {name.variable}")
    if not name.component:
        return name.variable
    key = KEYS.get((name.component, name.variable))
    if key is None:
        raise NotInDialect(
            VERSION, f"{name.component}.{name.variable}; name its configuration key, without a component"
        )
    return key
