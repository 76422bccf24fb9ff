"""The service of alerts: hears what stations tell, looks at what is true, tells pages and webhooks."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from sunpile.basics.audit import Audit
from sunpile.basics.errors import Conflict, InputInvalid
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.fleet.alerts import (
    DEFAULTS,
    EVENT_KINDS,
    KINDS,
    Alert,
    Finding,
    Outcome,
    Rule,
    happened,
    key_of,
    looked,
)
from sunpile.fleet.upkeep_ports import Changed

log = logging.getLogger(__name__)
Announce = Callable[[str, str, dict[str, Any]], Awaitable[object]]
"""Tell webhooks: tenant, event, data."""
Source = Callable[[int], Awaitable[Sequence[Finding]]]
"""What is true at a moment [Unix s], of the kinds it speaks for."""


class AlertBook(Protocol):
    """Where alerts are kept; what takes a scope sees its tenant only."""

    async def alive(self) -> Sequence[Alert]: ...
    async def keep(self, outcome: Outcome) -> None: ...
    async def listing(self, scope: Scope, state: str, station: str, limit: int) -> Sequence[Alert]: ...
    async def get(self, scope: Scope, alert: str) -> Alert: ...
    async def rules(self) -> dict[str, list[Rule]]: ...
    async def save_rule(self, scope: Scope, rule: Rule, at: int) -> None: ...
    async def remove_rule(self, scope: Scope, rule: str) -> None: ...


class Alarm:
    """Opens and closes alerts."""

    def __init__(
        self,
        book: AlertBook,
        audit: Audit,
        clock: Clock,
        changed: Changed,
        announce: Announce | None = None,
    ) -> None:
        self._book, self._audit, self._clock, self._changed, self._announce = book, audit, clock, changed, announce
        self.quiet: frozenset[str] = frozenset()
        """Stations in maintenance."""

    # -- what is true -----------------------------------------------------------------------------------------------

    async def happened(self, findings: Iterable[Finding]) -> None:
        """Things that happened once."""
        findings = list(findings)
        if findings:
            rules, alive = await self._rules(), await self._book.alive()
            await self._follow(happened(rules, alive, findings, self.quiet, self._clock.now()))

    async def look(self, findings: Iterable[Finding], kinds: Iterable[str]) -> None:
        """All that is true now of these kinds."""
        rules, alive = await self._rules(), await self._book.alive()
        await self._follow(looked(rules, alive, findings, frozenset(kinds), self.quiet, self._clock.now()))

    async def _rules(self) -> dict[str, list[Rule]]:
        return {tenant: with_defaults(rules) for tenant, rules in (await self._book.rules()).items()}

    async def _follow(self, outcome: Outcome) -> None:
        names = {key_of(alert): alert.alert or secrets.token_hex(8) for alert in outcome.save}
        named = tuple(replace(alert, alert=names[key_of(alert)]) for alert in outcome.save)
        await self._book.keep(replace(outcome, save=named))
        for what, alert in outcome.news:
            await self._tell(what, replace(alert, alert=names[key_of(alert)]))

    async def _tell(self, what: str, alert: Alert) -> None:
        data = {"change": what, "station": alert.station, "kind": alert.kind, "subject": alert.subject}
        data |= {"severity": alert.severity, "state": alert.state, "detail": alert.detail, "alert": alert.alert}
        self._changed("alert", data | {"tenant": alert.tenant})
        if self._announce is not None:
            await self._announce(alert.tenant, f"alert.{what}", data)

    # -- staff ------------------------------------------------------------------------------------------------------

    async def listing(self, scope: Scope, state: str = "", station: str = "", limit: int = 100) -> Sequence[Alert]:
        """Alerts of the tenant, newest first; an empty state is all that need somebody."""
        return await self._book.listing(scope, state, station, limit)

    async def acknowledge(self, scope: Scope, alert: str, note: str = "") -> Alert:
        """Say that somebody has seen it: it escalates no more.

        Raises
        ------
        NotFound
            if there is none.
        Conflict
            if it is closed.
        """
        scope.need("operate")
        before = await self._book.get(scope, alert)
        if before.state == "closed":
            raise Conflict(f"alert {alert} is closed")
        now = self._clock.now()
        after = replace(before, state="acknowledged", acknowledged_by=scope.actor, acknowledged_at=now)
        return await self._decided(scope, "acknowledged", before, after, note)

    async def close(self, scope: Scope, alert: str, note: str = "") -> Alert:
        """Close one by hand; what is still true opens a new one at the next look. Raises `NotFound`, `Conflict`."""
        scope.need("operate")
        before = await self._book.get(scope, alert)
        if before.state == "closed":
            raise Conflict(f"alert {alert} is closed")
        after = replace(before, state="closed", closed_at=self._clock.now())
        return await self._decided(scope, "closed", before, after, note)

    async def _decided(self, scope: Scope, what: str, before: Alert, after: Alert, note: str) -> Alert:
        await self._book.keep(Outcome((after,)))
        await self._audit.record(
            scope, f"alert.{what}", f"alert:{after.alert}", {"state": before.state}, {"state": after.state}, note
        )
        await self._tell(what, after)
        return after

    async def rules(self, scope: Scope) -> list[Rule]:
        """The tenant's rules: the defaults, with what it changed or added."""
        return with_defaults((await self._book.rules()).get(scope.tenant, []))

    async def save_rule(self, scope: Scope, rule: Rule, reason: str = "") -> Rule:
        """Change or add a rule.

        Raises
        ------
        InputInvalid
            if there is no such kind of alert.
        """
        scope.need("configure")
        if rule.kind not in KINDS:
            raise InputInvalid(f"a kind of alert is one of {', '.join(KINDS)}")
        if not 0 <= rule.severity <= 9 or min(rule.hold_s, rule.clear_s, rule.escalate_s, rule.threshold) < 0:
            raise InputInvalid("a severity is 0 to 9, and no time or threshold is negative")
        if rule.kind in EVENT_KINDS and rule.clear_s == 0:
            raise InputInvalid("an alert of what happens once needs a time after which it closes")
        before = next((asdict(one) for one in await self.rules(scope) if one.rule == rule.rule), None)
        await self._book.save_rule(scope, rule, self._clock.now())
        await self._audit.record(scope, "alert-rule.save", f"alert-rule:{rule.rule}", before, asdict(rule), reason)
        return rule

    async def remove_rule(self, scope: Scope, rule: str) -> None:
        """Take back what was changed. Raises `NotFound`."""
        scope.need("configure")
        await self._book.remove_rule(scope, rule)
        await self._audit.record(scope, "alert-rule.remove", f"alert-rule:{rule}", {"rule": rule}, None)


def with_defaults(changed: Iterable[Rule]) -> list[Rule]:
    """The defaults, with those a tenant changed in their place and those it added."""
    rules = {rule.rule: rule for rule in DEFAULTS} | {rule.rule: rule for rule in changed}
    return list(rules.values())
