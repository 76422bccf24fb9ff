"""Every operation there is, declared once: REST, command line and console are made from this.

An operation is a station command with a name, titles, who may use it and how much it disturbs. Its arguments are the
command's fields; their JSON schema carries the Chinese label of each field as `x-label-zh`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from typing import Any, Literal, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.chargers import commands as c
from sunpile.chargers.certificates.redaction import is_secret
from sunpile.fleet.labels import label

Group = Literal[
    "remote", "availability", "configuration", "authorisation", "reservation", "charging", "firmware", "diagnostics",
    "monitoring", "display", "tariff", "certificates", "v2x", "vendor",
]  # fmt: skip
Weight = Literal["harmless", "disturbing", "dangerous"]
HARMLESS, DISTURBING, DANGEROUS = "harmless", "disturbing", "dangerous"
OPERATE, CONFIGURE = "operate", "configure"

GROUPS: dict[Group, tuple[str, str]] = {
    "remote": ("Remote control", "远程控制"),
    "availability": ("Availability", "可用性"),
    "configuration": ("Configuration", "配置"),
    "authorisation": ("Authorisation", "授权"),
    "reservation": ("Reservations", "预约"),
    "charging": ("Smart charging", "智能充电"),
    "firmware": ("Firmware", "固件"),
    "diagnostics": ("Diagnostics", "诊断"),
    "monitoring": ("Monitoring", "监控"),
    "display": ("Display", "显示"),
    "tariff": ("Tariffs and costs", "资费与费用"),
    "certificates": ("Certificates", "证书"),
    "v2x": ("Grid services", "车网互动"),
    "vendor": ("Vendor messages", "厂商消息"),
}
"""Titles of the groups, English and Chinese, in the order they are shown."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing staff can have stations do."""

    name: str
    """As in URLs and on the command line."""
    command: type[c.Command]
    """What is sent."""
    title: str
    """English."""
    title_zh: str
    """Chinese, simplified."""
    group: Group
    """Where it is shown."""
    permission: Literal["operate", "configure"] = "operate"
    """Who may start it."""
    weight: Weight = "harmless"
    """What it does to whoever charges: dangerous ones want a second approval."""
    again: bool = True
    """Asking twice does no more than asking once, so an answer lost in a crash is simply asked for again."""
    loads: bool = False
    """Changes power at once, and so keeps to the ramp."""
    ends: str = ""
    """What ends it, if not the answer: `Progress.work` or `ReportPart.report`."""

    @property
    def numbered(self) -> str:
        """The field that holds a number which we fill in when it is left out; empty if there is none."""
        for field in fields(self.command):
            if field.name == "request" and field.default is MISSING:
                return "request"
            if field.name == "remote_start":
                return "remote_start"
        return ""


def _o(command: type[c.Command], title: str, zh: str, group: Group, *flags: str, ends: str = "") -> Operation:
    """A row of the catalogue; its name is the command's in kebab case."""
    name = "".join("-" + letter.lower() if letter.isupper() else letter for letter in command.__name__).lstrip("-")
    weight = next((flag for flag in flags if flag in (DISTURBING, DANGEROUS)), HARMLESS)
    return Operation(
        name,
        command,
        title,
        zh,
        group,
        "configure" if CONFIGURE in flags else "operate",
        cast(Weight, weight),
        again="once" not in flags,
        loads="loads" in flags,
        ends=ends,
    )


CATALOGUE: tuple[Operation, ...] = (
    _o(c.RemoteStart, "Start charging", "远程启动充电", "remote", "loads", "once"),
    _o(c.RemoteStop, "Stop charging", "远程停止充电", "remote", DISTURBING, "loads"),
    _o(c.UnlockConnector, "Unlock a connector", "解锁连接器", "remote", DISTURBING, "once"),
    _o(c.Reset, "Restart", "重启", "remote", DANGEROUS, "once"),
    _o(c.TriggerMessage, "Ask for a message", "触发消息", "remote"),
    _o(c.GetTransactionStatus, "Ask for a transaction's status", "查询交易状态", "remote"),
    _o(c.RequestBatterySwap, "Give out a battery", "请求换电", "remote", DISTURBING, "once"),
    _o(c.NotifyWebPaymentStarted, "Announce a web payment", "通知网页支付开始", "remote", "once"),
    _o(c.ChangeAvailability, "Take into or out of service", "更改可用性", "availability", DISTURBING),
    _o(c.GetVariables, "Read settings", "读取配置", "configuration"),
    _o(c.SetVariables, "Change settings", "修改配置", "configuration", CONFIGURE, DISTURBING),
    _o(c.GetReport, "Read the device model", "读取设备模型", "configuration", ends="variables"),
    _o(c.SetNetworkProfile, "Set a network profile", "设置网络配置", "configuration", CONFIGURE, DANGEROUS),
    _o(c.ClearCache, "Empty the authorisation cache", "清除授权缓存", "authorisation", DISTURBING),
    _o(c.GetLocalListVersion, "Ask for the local list's version", "查询本地名单版本", "authorisation"),
    _o(c.SendLocalList, "Send the local list", "下发本地名单", "authorisation", CONFIGURE, DISTURBING, "once"),
    _o(c.GetCustomerInformation, "Ask for or delete a customer's data", "查询或删除客户信息", "authorisation",
       CONFIGURE, DISTURBING, ends="customer"),
    _o(c.ReserveNow, "Reserve", "预约", "reservation", DISTURBING),
    _o(c.CancelReservation, "Cancel a reservation", "取消预约", "reservation"),
    _o(c.SetChargingProfile, "Set a charging profile", "设置充电曲线", "charging", DISTURBING, "loads"),
    _o(c.ClearChargingProfile, "Clear charging profiles", "清除充电曲线", "charging", DISTURBING, "loads"),
    _o(c.GetChargingProfiles, "Ask for charging profiles", "查询充电曲线", "charging", ends="profiles"),
    _o(c.GetCompositeSchedule, "Ask for the composite schedule", "查询合成计划", "charging"),
    _o(c.UpdateDynamicSchedule, "Change a dynamic schedule", "更新动态计划", "charging", DISTURBING, "loads"),
    _o(c.UsePriorityCharging, "Charge with priority", "使用优先充电", "charging", DISTURBING, "loads"),
    _o(c.UpdateFirmware, "Update firmware", "升级固件", "firmware", CONFIGURE, DANGEROUS, "once", ends="firmware"),
    _o(c.PublishFirmware, "Publish firmware", "发布固件", "firmware", CONFIGURE, DISTURBING, "once", ends="publish"),
    _o(c.UnpublishFirmware, "Unpublish firmware", "取消发布固件", "firmware", CONFIGURE, DISTURBING),
    _o(c.GetLog, "Fetch a log", "获取日志", "diagnostics", "once", ends="log"),
    _o(c.SetMonitors, "Set monitors", "设置监控器", "monitoring", CONFIGURE, "once"),
    _o(c.ClearMonitors, "Remove monitors", "清除监控器", "monitoring", CONFIGURE, DISTURBING),
    _o(c.GetMonitors, "Ask for monitors", "查询监控器", "monitoring", ends="monitors"),
    _o(c.SetMonitoringBase, "Choose the base set of monitors", "设置监控基准", "monitoring", CONFIGURE, DISTURBING),
    _o(c.SetMonitoringLevel, "Choose which events are sent", "设置监控级别", "monitoring", CONFIGURE),
    _o(c.AdjustEventStream, "Change an event stream's pace", "调整事件流", "monitoring", CONFIGURE),
    _o(c.GetEventStreams, "Ask for event streams", "查询事件流", "monitoring"),
    _o(c.SetDisplayMessage, "Show a message", "设置显示消息", "display"),
    _o(c.GetDisplayMessages, "Ask for messages", "查询显示消息", "display", ends="messages"),
    _o(c.ClearDisplayMessage, "Take a message away", "清除显示消息", "display"),
    _o(c.CostUpdated, "Show the cost so far", "更新费用", "tariff"),
    _o(c.SetDefaultTariff, "Set the default tariff", "设置默认资费", "tariff", CONFIGURE, DISTURBING),
    _o(c.GetTariffs, "Ask for tariffs", "查询资费", "tariff"),
    _o(c.ClearTariffs, "Remove tariffs", "清除资费", "tariff", CONFIGURE, DISTURBING),
    _o(c.ChangeTransactionTariff, "Change a transaction's tariff", "更改交易资费", "tariff", CONFIGURE, DISTURBING),
    _o(c.InstallCertificate, "Install a certificate", "安装证书", "certificates", CONFIGURE),
    _o(c.DeleteCertificate, "Remove a certificate", "删除证书", "certificates", CONFIGURE, DANGEROUS),
    _o(c.GetInstalledCertificates, "Ask for installed certificates", "查询已安装证书", "certificates"),
    _o(c.SendSignedCertificate, "Send a signed certificate", "下发已签名证书", "certificates", CONFIGURE, DISTURBING),
    _o(c.AllowEnergyTransfer, "Allow energy transfer modes", "允许能量传输模式", "v2x", DISTURBING),
    _o(c.SendAfrrSignal, "Send a frequency restoration signal", "发送调频信号", "v2x", DISTURBING, "loads", "once"),
    _o(c.SetDerControl, "Set a grid control", "设置分布式能源控制", "v2x", CONFIGURE, DISTURBING),
    _o(c.GetDerControl, "Ask for grid controls", "查询分布式能源控制", "v2x", ends="der"),
    _o(c.ClearDerControl, "Remove grid controls", "清除分布式能源控制", "v2x", CONFIGURE, DISTURBING),
    _o(c.DataTransfer, "Send a vendor's message", "厂商数据传输", "vendor", CONFIGURE, DISTURBING, "once"),
)  # fmt: skip
"""Every operation, in the order they are shown."""

BY_NAME: Mapping[str, Operation] = {operation.name: operation for operation in CATALOGUE}


def operation_named(name: str) -> Operation:
    """The operation of that name.

    Raises
    ------
    NotFound
        if there is none.
    """
    found = BY_NAME.get(name)
    if found is None:
        raise NotFound(f"there is no operation {name[:60]!r}")
    return found


def as_asked(operation: Operation, arguments: Mapping[str, Any]) -> Operation:
    """The operation with these arguments: a customer's data that is only deleted is not told of by a report (N10)."""
    quiet = operation.command is c.GetCustomerInformation and not arguments.get("report")
    return replace(operation, ends="") if quiet else operation


@cache
def _adapter(command: type[c.Command]) -> TypeAdapter[c.Command]:
    return TypeAdapter(command)


def command_of(operation: Operation, arguments: Mapping[str, Any], number: int) -> c.Command:
    """The command with these arguments, `number` where a number is wanted and none given.

    Raises
    ------
    InputInvalid
        naming each argument that is wrong.
    """
    given = dict(arguments)
    if operation.numbered:
        given.setdefault(operation.numbered, number)
    try:
        return _adapter(operation.command).validate_json(orjson.dumps(given), strict=True)
    except (ValidationError, TypeError) as fault:
        raise _wrong(fault) from None


def _wrong(fault: ValidationError | TypeError) -> InputInvalid:
    if isinstance(fault, TypeError):
        return InputInvalid(f"arguments are no JSON: {fault}")
    faults = [
        {"at": ".".join(["arguments", *(str(step) for step in error["loc"])]), "fault": error["msg"]}
        for error in fault.errors(include_url=False, include_input=False)
    ]
    return InputInvalid(f"{faults[0]['at']}: {faults[0]['fault']}", faults=faults[:20])


@cache
def schema(name: str) -> dict[str, Any]:
    """JSON schema of an operation's arguments, with the Chinese label of each field as `x-label-zh`."""
    operation = operation_named(name)
    made = _adapter(operation.command).json_schema()
    for owner, part in {operation.command.__name__: made, **made.get("$defs", {})}.items():
        for field, described in part.get("properties", {}).items():
            described["x-label-zh"] = label(owner, field)
    if operation.numbered in made.get("required", ()):
        made["required"].remove(operation.numbered)
    return made


_PASSWORD = "POST /api/stations/{station}/password, which makes a new one"
OWN_WAYS = {
    "basicauthpassword": _PASSWORD,
    "authorizationkey": _PASSWORD,
    "sharedsecret": "POST /api/payments/qr-codes, which makes a new one",
}
"""Secrets between a station and this node, and the way that gives it one: so the node knows it, and no run keeps it."""


def refuse_secrets(values: Iterable[c.VariableValue]) -> None:
    """Go on only if `values` set none of `OWN_WAYS`. Those of a network profile are for later, and for its slot.

    Raises
    ------
    InputInvalid
        saying which way to go.
    """
    for value in values:
        name = value.name.variable.partition("[")[0].strip().casefold()
        if name in OWN_WAYS and value.name.component.casefold() != "networkconfiguration":
            raise InputInvalid(f"{value.name.variable} is a secret and is not set like this: use {OWN_WAYS[name]}")


SECRET_FIELDS = frozenset({"password"})
HIDDEN = "***"


def shown(arguments: Any) -> Any:
    """Arguments as staff and the audit log may see them: without passwords."""
    if isinstance(arguments, list):
        return [shown(item) for item in cast(list[Any], arguments)]
    if not isinstance(arguments, dict):
        return arguments
    record = cast(dict[str, Any], arguments)
    name = record.get("name")
    secret = isinstance(name, dict) and is_secret(str(cast(dict[str, Any], name).get("variable")))
    return {
        key: HIDDEN if value and (key in SECRET_FIELDS or (secret and key == "value")) else shown(value)
        for key, value in record.items()
    }
