"""No password of a station is found in the raw message log."""

import json

import pytest

from sunpile.chargers.certificates.redaction import redacted
from sunpile.chargers.commands import SetNetworkProfile, SetVariables, VariableName, VariableValue
from sunpile.chargers.ocpp2 import Ocpp21
from sunpile.chargers.ocpp16 import Ocpp16

SECRET = "0123456789ABCDEF0123456789ABCDEF01234567"


@pytest.mark.parametrize(
    ("dialect", "command"),
    [
        (Ocpp21(), SetVariables([VariableValue(VariableName("BasicAuthPassword", "SecurityCtrlr"), SECRET)])),
        (Ocpp16(), SetVariables([VariableValue(VariableName("AuthorizationKey"), SECRET)])),
        (Ocpp21(), SetNetworkProfile(1, "wss://x", 2, "OCPP21", password=SECRET)),
        (Ocpp21(), SetVariables([VariableValue(VariableName("SharedSecret", "WebPaymentsCtrlr"), SECRET)])),
    ],
)
def test_a_secret_is_not_kept_and_the_rest_is(dialect, command) -> None:
    for action, payload in dialect.calls(command):
        frame = json.dumps([2, "id", action, payload], separators=(",", ":"))
        assert SECRET in frame
        kept = redacted(frame)
        assert SECRET not in kept
        assert json.loads(kept)[:3] == [2, "id", action]


def test_a_station_that_tells_its_key_is_not_quoted() -> None:
    frame = '[3,"1",{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"' + SECRET + '"}]}]'
    assert SECRET not in redacted(frame)
    assert SECRET not in redacted(frame.replace("AuthorizationKey", "AUTHORIZATIONKEY"))
    assert SECRET not in redacted(frame.replace("AuthorizationKey", "VpnKey"))
    vpn = {"server": "s", "user": "u", "password": SECRET, "key": SECRET, "type": "IKEv2"}
    kept = redacted(json.dumps([2, "1", "SetNetworkProfile", {"connectionData": {"vpn": vpn}}]))
    assert SECRET not in kept
    assert '"server":"s"' in kept


def test_what_holds_no_secret_stays_as_it_was_to_the_letter() -> None:
    for frame in ('[2, "1","Heartbeat",{ }]', "not json AuthorizationKey", '[2,"1","X",{"a":"AuthorizationKey"}]'):
        assert redacted(frame) is frame
