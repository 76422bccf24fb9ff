"""Deviations from OCPP that can be put up with, each by its name and for one station only. Pure.

A profile is the set of names a station is allowed; it is empty unless staff say otherwise. `mend` looks only at what
strict validation refused and mends only the place that broke a rule; the few deviations a schema cannot see
(`always`) are looked for in every message of the stations that have them. What is mended is validated again.
"""

from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import jsonschema_rs

from sunpile.chargers import mending
from sunpile.chargers.mending import Fix, Problem
from sunpile.chargers.validation import Version, first_fault, validator

ROUNDS_MAX = 64
"""Faults mended in one message: a real one has as many as it has samples."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One way of a station to differ from the standard."""

    id: str
    """Its name."""
    en: str
    """What the station does and what is made of it, in English."""
    zh: str
    """The same in Chinese."""
    seen: str = ""
    """Where it is known from: an issue of a public project, or empty for what is only foreseen."""
    fix: Callable[[Problem], Fix | None] | None = None
    """What it makes of one broken rule; None: it is no matter of a broken rule."""
    always: Callable[[str, dict[str, Any]], int] | None = None
    """Mends in place what no schema sees; returns how often."""


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        "unknown-fields",
        "Fields that its OCPP version does not know are left out.",
        "忽略其 OCPP 版本中不存在的字段。",
        "evcc-io/evcc#14579",
        mending.unknown_fields,
    ),
    Deviation(
        "null-fields",
        "An optional field that is null counts as missing.",
        "值为 null 的可选字段视为未提供。",
        "mobilityhouse/ocpp#296",
        mending.null_fields,
    ),
    Deviation(
        "empty-texts",
        "An optional field with an empty text that is not allowed there counts as missing.",
        "不允许为空的可选字段若为空字符串，则视为未提供。",
        "",
        mending.empty_texts,
    ),
    Deviation(
        "time-without-zone",
        "A time without a time zone is read as UTC.",
        "没有时区的时间按 UTC 处理。",
        "evcc-io/evcc#10399",
        mending.time_without_zone,
    ),
    Deviation(
        "time-other-form",
        "A time with a blank for the T, or with a zone in hours only (+02), is read.",
        "接受以空格代替 T 或时区只写小时（+02）的时间。",
        "monta-app/ocpp-emulator#5",
        mending.time_other_form,
    ),
    Deviation(
        "texts-for-numbers",
        'A number written as text ("1") is read as a number.',
        "写成文本的数字（“1”）按数字处理。",
        "",
        mending.texts_for_numbers,
    ),
    Deviation(
        "numbers-for-texts",
        "A number or true/false where a text belongs is read as text, such as values of its configuration.",
        "应为文本处出现的数字或真假值按文本处理，例如配置值。",
        "lbbrhzn/ocpp#1499",
        mending.numbers_for_texts,
    ),
    Deviation(
        "fractions-for-integers",
        "A fraction where an integer belongs is rounded towards zero, such as a meter reading of 12.7 Wh.",
        "应为整数处的小数向零取整，例如 12.7 Wh 的电表读数。",
        "",
        mending.fractions_for_integers,
    ),
    Deviation(
        "one-for-list",
        "A single object where a list of them belongs is read as a list of one.",
        "应为列表处的单个对象视为只有一项的列表。",
        "",
        mending.one_for_list,
    ),
    Deviation(
        "empty-lists",
        "An empty list that must not be empty is left out, with the entry it belongs to if need be.",
        "不允许为空的列表若为空则忽略，必要时连同其所属条目。",
        "",
        mending.empty_lists,
    ),
    Deviation(
        "long-texts",
        "Texts that are too long are cut, such as serial numbers; identifiers and tokens are not.",
        "过长的文本被截断，例如序列号；标识与令牌除外。",
        "mobilityhouse/ocpp#128, lbbrhzn/ocpp#213",
        mending.long_texts,
    ),
    Deviation(
        "long-id-tags",
        "Only the first 20 characters of a longer id tag count: register it so.",
        "超过 20 个字符的卡号只取前 20 个字符：请按此登记。",
        "lbbrhzn/ocpp#1803, lbbrhzn/ocpp#2030",
        mending.long_id_tags,
    ),
    Deviation(
        "enum-spelling",
        "A value of a list that differs only in case, blanks, dots, hyphens or underscores is read as it is meant.",
        "仅在大小写、空格、点、连字符或下划线上不同的枚举值按其本意处理。",
        "",
        mending.enum_spelling,
    ),
    Deviation(
        "status-words",
        "Connector status words of other OCPP versions are translated (Occupied is Preparing).",
        "其他 OCPP 版本的枪状态词会被转换（Occupied 即 Preparing）。",
        "",
        mending.status_words,
    ),
    Deviation(
        "error-codes",
        "An error code that is not in the list is read as OtherError.",
        "不在列表中的错误代码视为 OtherError。",
        "lbbrhzn/ocpp#1248",
        mending.error_codes,
    ),
    Deviation(
        "stop-reasons",
        "A reason for a stop that is not in the list is read as Other.",
        "不在列表中的停止原因视为 Other。",
        "",
        mending.stop_reasons,
    ),
    Deviation(
        "unknown-measurands",
        "A sampled value whose measurand or unit is not in the list is left out.",
        "测量量或单位不在列表中的采样值被忽略。",
        "mobilityhouse/ocpp#54, lbbrhzn/ocpp#1576",
        mending.unknown_measurands,
    ),
    Deviation(
        "sample-context",
        "A context, location, phase or format of a sampled value that is not in the list counts as not given.",
        "采样值的场景、位置、相位或格式不在列表中时视为未提供。",
        "lbbrhzn/ocpp#361",
        mending.sample_context,
    ),
    Deviation(
        "connector-missing",
        "A meter or status message without a connector is taken as about connector 1.",
        "没有枪编号的电表或状态消息视为 1 号枪的消息。",
        "",
        mending.connector_missing,
    ),
    Deviation(
        "boot-fields-missing",
        'A boot message without vendor or model is read with "unknown" there.',
        "启动消息缺少厂商或型号时，以 unknown 代替。",
        "",
        mending.boot_fields_missing,
    ),
    Deviation(
        "placeholder-transactions",
        "Transaction number 0 or -1 in meter values counts as none.",
        "电表消息中的交易号 0 或 -1 视为没有交易。",
        "EVerest/libocpp#495, mikuso/ocpp-rpc#82",
        always=mending.placeholder_transactions,
    ),
    Deviation(
        "kwh-as-wh",
        "Energy that it calls Wh is kWh, and is multiplied by 1,000: readings, and starts and ends of transactions.",
        "它以 Wh 上报的电量实为 kWh，会乘以 1000：包括读数与交易的起止值。",
        "",
        always=mending.kwh_as_wh,
    ),
    Deviation(
        "decimal-comma",
        "A decimal comma in a sampled value is read as a point.",
        "采样值中的小数逗号按小数点处理。",
        "",
        always=mending.decimal_comma,
    ),
    Deviation(
        "no-subprotocol",
        "It names no OCPP version when it connects: 1.6 is assumed.",
        "它连接时不声明 OCPP 版本：按 1.6 处理。",
        "steve-community/steve#135, dallmann-consulting/OCPP.Core#43",
    ),
    Deviation(
        "subprotocol-spelling",
        "It misspells the OCPP version, such as OCPP1.6J or ocpp1.6j: it is read as it is meant.",
        "它把 OCPP 版本写错，例如 OCPP1.6J：按其本意处理。",
    ),
    Deviation(
        "identity-trailing-slash",
        "Its URL ends with a slash after its identity.",
        "它的地址在身份标识后多了一个斜杠。",
    ),
    Deviation(
        "identity-encoded-twice",
        "It percent-encodes its identity twice.",
        "它对身份标识做了两次百分号编码。",
    ),
    Deviation(
        "identity-case",
        "It writes its identity in capitals or in small letters only, other than it is registered.",
        "它的身份标识全部大写或全部小写，与登记不同。",
    ),
    Deviation(
        "other-user-name",
        "Its user name is not its identity; its password counts alone (A00.FR.204 asks for both).",
        "它的用户名不是身份标识；仅以密码为准（A00.FR.204 要求两者一致）。",
    ),
    Deviation(
        "message-ids-reused",
        "It uses message ids again on one connection; each message is handled as a new one.",
        "它在同一连接上重复使用消息编号；每条消息都按新消息处理。",
        "steve-community/steve#1305",
    ),
)
BY_ID = {deviation.id: deviation for deviation in DEVIATIONS}


class Mended(NamedTuple):
    """A message made valid."""

    payload: dict[str, Any]
    """The payload as it is acted on."""
    used: dict[str, int]
    """Name of each deviation put up with, to how often."""


def mend(version: Version, message: str, payload: dict[str, Any], profile: Collection[str]) -> Mended | None:
    """`payload` of `message` ("MeterValuesRequest") as its station means it; None if the profile does not help."""
    allowed = [BY_ID[name] for name in profile if name in BY_ID]
    mended, used = deepcopy(payload), dict[str, int]()
    fixes = [one for one in DEVIATIONS if one in allowed and one.fix is not None]
    for _ in range(ROUNDS_MAX):
        problem = _problem(version, message, mended)
        if problem is None:
            break
        for deviation in fixes:
            fix = cast(Callable[[Problem], Fix | None], deviation.fix)(problem)
            if fix is not None:
                used[deviation.id] = used.get(deviation.id, 0) + 1
                mending.apply(mended, fix)
                break
        else:
            return None
    for deviation in allowed:
        if deviation.always is not None and (times := deviation.always(message, mended)):
            used[deviation.id] = used.get(deviation.id, 0) + times
    return Mended(mended, used) if first_fault(version, message, mended) is None else None


def _problem(version: Version, message: str, payload: dict[str, Any]) -> Problem | None:
    compiled = validator(version, message)
    if compiled.is_valid(payload):
        return None
    try:
        compiled.validate(payload)
    except jsonschema_rs.ValidationError as error:
        kind: Any = error.kind
        return Problem(
            version,
            message,
            payload,
            tuple(error.instance_path),
            str(kind.name),
            tuple(getattr(kind, "options", ()) or ()),
            tuple(getattr(kind, "unexpected", ()) or ()),
            str(getattr(kind, "property", "")),
            int(getattr(kind, "limit", 0) or 0),
            tuple(getattr(kind, "types", ()) or ()),
        )
    return None


def looks_always(profile: Collection[str]) -> bool:
    """True if a station with this profile is mended in messages that are valid, too."""
    return any(BY_ID[name].always is not None for name in profile if name in BY_ID)
