"""Alerts: when one opens, escalates and closes. Pure; what is true of stations comes as findings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

AlertState = Literal["pending", "open", "acknowledged", "closed"]
KINDS: dict[str, tuple[str, str]] = {
    "offline": ("Station offline", "充电站离线"),
    "faulted": ("Connector faulted", "连接器故障"),
    "security": ("Critical security event", "严重安全事件"),
    "monitor": ("Monitored variable", "监控变量告警"),
    "firmware": ("Firmware failed", "固件升级失败"),
    "log": ("Log upload failed", "日志上传失败"),
    "drift": ("Settings differ from template", "配置偏离模板"),
    "no-energy": ("Session without energy", "无电量会话"),
    "certificate": ("Certificate expires", "证书即将到期"),
    "clock": ("Clock differs", "时钟偏差"),
    "leniency": ("Deviations put up with", "容忍的偏差"),
    "token-guessing": ("Tokens are guessed", "疑似猜测卡号"),
}
"""Kinds with their titles in English and Chinese."""
EVENT_KINDS = frozenset(("security", "monitor", "firmware", "log", "no-energy", "token-guessing"))
"""What happens once; the others are true for a time."""
ALARMING = frozenset(
    ("SecurityLogWasCleared", "MemoryExhaustion", "TamperDetectionActivated", "MaintenanceLoginAccepted",
     "MaintenanceLoginFailed", "InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate",
     "InvalidCsmsCertificate", "InvalidChargingStationCertificate", "InvalidTLSVersion", "InvalidTLSCipherSuite",
     "AttemptedReplayAttacks")
)  # fmt: skip
"""Security events that alert: those OCPP calls critical (2.0.1 part 2 appendix 1) less those of daily work (restarts,
updates, clock), and those that say that somebody showed something false."""
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Rule:
    """When to alert."""

    rule: str
    """Its id."""
    kind: str
    """One of KINDS."""
    severity: int = 5
    """Of its alerts: 0 danger ... 9 debug, as OCPP counts."""
    threshold: int = 0
    """offline, clock: more than so many seconds; monitor: this severity or worse; certificate: fewer days;
    leniency: more times a day; no-energy: so many on an EVSE in a row."""
    hold_s: int = 0
    """It must be true for so long before the alert opens [s]."""
    clear_s: int = 300
    """It must be gone for so long before the alert closes [s]; of what happens once: closed so long after."""
    escalate_s: int = 0
    """Escalated if nobody has acknowledged it after so long [s]; 0: never."""
    enabled: bool = True
    """Off: it opens nothing."""
    site: str = ""
    """Only at this site."""
    tag: str = ""
    """Only stations with this tag."""


DEFAULTS: tuple[Rule, ...] = (
    Rule("offline", "offline", 4, threshold=600, clear_s=120, escalate_s=4 * 3600),
    Rule("faulted", "faulted", 3, hold_s=60, clear_s=300, escalate_s=4 * 3600),
    Rule("security", "security", 2, clear_s=7 * DAY_S, escalate_s=3600),
    Rule("monitor", "monitor", 3, threshold=3, clear_s=DAY_S),
    Rule("firmware", "firmware", 4, clear_s=7 * DAY_S),
    Rule("log", "log", 6, clear_s=DAY_S),
    Rule("drift", "drift", 6, hold_s=3600, clear_s=0),
    Rule("no-energy", "no-energy", 5, threshold=3, clear_s=DAY_S),
    Rule("certificate", "certificate", 4, threshold=30, clear_s=0),
    Rule("clock", "clock", 5, threshold=60, hold_s=600, clear_s=600),
    Rule("token-guessing", "token-guessing", 3, clear_s=DAY_S),
    Rule("leniency", "leniency", 7, threshold=1000, clear_s=DAY_S, enabled=False),
)
"""What a tenant has before he changes anything."""


class Finding(NamedTuple):
    """Something that is true of a station, or has just happened."""

    tenant: str
    """Whose."""
    station: str
    """Of which station."""
    kind: str
    """One of KINDS."""
    subject: str
    """What of it: an EVSE, a variable, a certificate; empty: the station."""
    value: int
    """What the rule's threshold is held against."""
    detail: str
    """In words."""
    site: str = ""
    """Where the station stands."""
    tags: tuple[str, ...] = ()
    """Its tags."""
    cleared: bool = False
    """Of what happened: it is over."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert."""

    alert: str
    """Its id."""
    tenant: str
    """Whose."""
    rule: str
    """By which rule."""
    station: str
    """Of which station."""
    subject: str
    """What of it."""
    kind: str
    """One of KINDS."""
    severity: int
    """0 danger ... 9 debug."""
    state: AlertState
    """pending (not shown), open, acknowledged, closed."""
    opened_at: int
    """Since when [Unix s]."""
    last_at: int
    """When it was last true, or happened [Unix s]."""
    count: int = 1
    """How often it happened."""
    detail: str = ""
    """In words."""
    clear_since: int | None = None
    """Since when it has been gone [Unix s]."""
    escalated: bool = False
    """Nobody acknowledged it in time."""
    acknowledged_by: str | None = None
    """Who has seen it."""
    acknowledged_at: int | None = None
    """When [Unix s]."""
    closed_at: int | None = None
    """When it closed [Unix s]."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows."""

    save: tuple[Alert, ...] = ()
    """New or changed alerts."""
    drop: tuple[str, ...] = ()
    """Pending ones whose cause went away."""
    news: tuple[tuple[str, Alert], ...] = field(default=())
    """(opened, escalated or closed; the alert) to tell."""


Key = tuple[str, str, str, str]
"""Tenant, rule, station, subject."""


def key_of(alert: Alert) -> Key:
    """What an alert is about: there is one open alert of it at a time."""
    return (alert.tenant, alert.rule, alert.station, alert.subject)


def matches(rule: Rule, finding: Finding) -> bool:
    """True if the rule speaks of this finding."""
    if not rule.enabled or rule.kind != finding.kind:
        return False
    if (rule.site and rule.site != finding.site) or (rule.tag and rule.tag not in finding.tags):
        return False
    match rule.kind:
        case "offline" | "clock" | "leniency":
            return finding.value > rule.threshold
        case "monitor":
            return finding.cleared or finding.value <= rule.threshold
        case "certificate":
            return finding.value < rule.threshold
        case "no-energy":
            return finding.value >= rule.threshold
        case _:
            return True


def happened(
    rules: Mapping[str, Sequence[Rule]],
    known: Iterable[Alert],
    findings: Iterable[Finding],
    suppressed: Collection[str],
    now: int,
) -> Outcome:
    """What follows from things that happened once; stations in maintenance are passed over."""
    alerts = {key_of(alert): alert for alert in known}
    save: dict[Key, Alert] = {}
    news: list[tuple[str, Alert]] = []
    for finding in findings:
        if finding.station in suppressed or finding.kind not in EVENT_KINDS:
            continue
        for rule in rules.get(finding.tenant, DEFAULTS):
            if not matches(rule, finding):
                continue
            key = (finding.tenant, rule.rule, finding.station, finding.subject)
            before = save.get(key) or alerts.get(key)
            if before is not None and before.state == "closed":
                before = None
            if finding.cleared:
                if before is not None:
                    save[key] = replace(before, state="closed", last_at=now, closed_at=now)
                    news.append(("closed", save[key]))
            elif before is None:
                save[key] = _new(rule, finding, "open", now)
                news.append(("opened", save[key]))
            else:
                save[key] = replace(before, last_at=now, count=before.count + 1, detail=finding.detail)
    return Outcome(tuple(save.values()), (), tuple(news))


def looked(
    rules: Mapping[str, Sequence[Rule]],
    known: Iterable[Alert],
    findings: Iterable[Finding],
    kinds: Collection[str],
    suppressed: Collection[str],
    now: int,
) -> Outcome:
    """What follows from all that is true now of these kinds. Stations in maintenance stay as they are."""
    known = list(known)
    true: dict[Key, tuple[Rule, Finding]] = {}
    for finding in findings:
        for rule in rules.get(finding.tenant, DEFAULTS):
            if matches(rule, finding) and finding.station not in suppressed:
                true[finding.tenant, rule.rule, finding.station, finding.subject] = (rule, finding)
    save: list[Alert] = []
    drop: list[str] = []
    news: list[tuple[str, Alert]] = []
    by_rule = {(tenant, rule.rule): rule for tenant, some in rules.items() for rule in some}
    default = {rule.rule: rule for rule in DEFAULTS}
    for alert in known:
        cause = true.pop(key_of(alert), None)
        if alert.station in suppressed:
            continue
        rule = by_rule.get((alert.tenant, alert.rule)) or default.get(alert.rule)
        after, told = _went_on(alert, rule, cause, alert.kind in kinds, now)
        if after is None:
            drop.append(alert.alert)
        elif after != alert:
            save.append(after)
        if after is not None and told:
            news.append((told, after))
    for rule, finding in true.values():
        if finding.kind in EVENT_KINDS:
            continue
        fresh = _new(rule, finding, "pending" if rule.hold_s else "open", now)
        save.append(fresh)
        if fresh.state == "open":
            news.append(("opened", fresh))
    return Outcome(tuple(save), tuple(drop), tuple(news))


def _went_on(
    alert: Alert, rule: Rule | None, cause: tuple[Rule, Finding] | None, looked_for: bool, now: int
) -> tuple[Alert | None, str]:
    """The alert after a look, and what to tell of it; None: it never opened and its cause is gone."""
    if cause is not None:
        held = replace(alert, last_at=now, clear_since=None, detail=cause[1].detail)
        if alert.state == "pending":
            if now < alert.opened_at + cause[0].hold_s:
                return alert, ""
            return replace(held, state="open"), "opened"
        return _escalated(held, rule, now)
    if alert.kind in EVENT_KINDS:
        over = rule is not None and now >= alert.last_at + rule.clear_s
        return (replace(alert, state="closed", closed_at=now), "closed") if over else _escalated(alert, rule, now)
    if not looked_for:
        return alert, ""
    if alert.state == "pending":
        return None, ""
    since = now if alert.clear_since is None else alert.clear_since
    if rule is None or now >= since + rule.clear_s:
        return replace(alert, state="closed", clear_since=since, closed_at=now), "closed"
    return replace(alert, clear_since=since), ""


def _escalated(alert: Alert, rule: Rule | None, now: int) -> tuple[Alert, str]:
    late = rule is not None and rule.escalate_s and now >= alert.opened_at + rule.escalate_s
    if late and alert.state == "open" and not alert.escalated:
        return replace(alert, escalated=True, severity=max(0, alert.severity - 1)), "escalated"
    return alert, ""


def _new(rule: Rule, finding: Finding, state: AlertState, now: int) -> Alert:
    return Alert(
        "",
        finding.tenant,
        rule.rule,
        finding.station,
        finding.subject[:160],
        finding.kind,
        rule.severity,
        state,
        now,
        now,
        detail=finding.detail,
    )
