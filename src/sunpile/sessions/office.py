"""`Office`: staff's side of sessions. Look at all evidence, decide on what is held, correct what is final.

Everything decided here is a record of its own, beside the audit log: nothing that was final is changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from sunpile.basics.audit import Audit, NoAudit
from sunpile.basics.errors import InputInvalid
from sunpile.basics.ids import EvseId, SessionId, StationId
from sunpile.basics.ports import Clock
from sunpile.basics.scope import Scope
from sunpile.sessions import ocmf
from sunpile.sessions.archive import (
    PAGE_MAX,
    HeldWork,
    JudgedSample,
    KeptMessage,
    MeterKey,
    SessionArchive,
    SessionDetail,
    SessionQuery,
)
from sunpile.sessions.cdr import Cdr
from sunpile.sessions.guess import guesses
from sunpile.sessions.model import Session, SessionRules
from sunpile.sessions.outcome import outcome
from sunpile.sessions.ports import Decision, Desk, SessionStore
from sunpile.sessions.register import trust
from sunpile.sessions.review import Ruling, correct, review
from sunpile.sessions.session import Fresh, Turn

_NO_IDS = Fresh(SessionId(""), 0)


class Office:
    """What staff does with sessions. Every call keeps to the tenant of its scope."""

    def __init__(
        self,
        store: SessionStore,
        archive: SessionArchive,
        clock: Clock,
        rules: SessionRules | None = None,
        audit: Audit | None = None,
        changed: Callable[[Session], None] = lambda _session: None,
    ) -> None:
        """`changed` is called with each session that staff has decided on."""
        self.store, self.archive, self.clock = store, archive, clock
        self.rules = rules or SessionRules()
        self.audit = audit or NoAudit()
        self.changed = changed

    async def list(self, scope: Scope, query: SessionQuery) -> Sequence[Session]:
        """Sessions, newest start first."""
        scope.need("read")
        if not 1 <= query.limit <= PAGE_MAX:
            raise InputInvalid(f"a page has 1 to {PAGE_MAX} sessions")
        return await self.archive.list(scope, query)

    async def held(self, scope: Scope, limit: int = PAGE_MAX) -> HeldWork:
        """What waits for a person: held sessions, and messages that fit none."""
        scope.need("read")
        return await self.archive.held(scope, max(1, min(limit, PAGE_MAX)))

    async def detail(self, scope: Scope, session: SessionId) -> SessionDetail:
        """A session with all its evidence."""
        scope.need("read")
        found = await self.archive.evidence(scope, session)
        max_w = found.pile.max_w if found.pile is not None else 0
        reasons = {(held.sample.at, held.sample.wh): held.reason for held in trust(found.samples, max_w).held}
        judged = (JudgedSample(sample, reasons.get((sample.at, sample.wh))) for sample in found.samples)
        guessed = guesses(found.session, max_w, found.earlier, found.later) if found.session.state == "held" else ()
        return SessionDetail(found, outcome(found.session), tuple(judged), guessed)

    async def review(self, scope: Scope, session: SessionId, ruling: Ruling) -> Session:
        """Decide on a held session: bill it by registers, by its signed values or not at all, or leave it held."""
        scope.need("operate")
        before = (await self.archive.evidence(scope, session)).session
        return await self._rule(
            scope, before, ruling, "session.review", lambda turn: review(turn, session, ruling, scope.actor)
        )

    async def correct(self, scope: Scope, session: SessionId, ruling: Ruling) -> Session:
        """Take the record of an ended session back by a credit record, and make a new one."""
        scope.need("operate")
        found = await self.archive.evidence(scope, session)
        return await self._rule(
            scope,
            found.session,
            ruling,
            "session.correct",
            lambda turn: correct(turn, session, ruling, scope.actor),
        )

    async def dismiss(self, scope: Scope, station: StationId, key: str, reason: str) -> KeptMessage:
        """Note that a held message has been looked at, and nothing follows from it."""
        scope.need("operate")
        found = await self.archive.dismiss(scope, station, key, self.clock.now())
        await self.audit.record(
            scope, "session.message.dismiss", f"station:{station}", {"key": key, "held": found.held}, None, reason
        )
        return found

    async def records(self, scope: Scope, since: int, until: int, after: str = "", limit: int = 1000) -> Sequence[Cdr]:
        """Charge detail records closed from `since` until before `until` [Unix s], by id."""
        scope.need("read")
        return await self.archive.records(scope, since, until, after, max(1, min(limit, 10_000)))

    async def meter_keys(self, scope: Scope, station: StationId) -> Sequence[MeterKey]:
        """The registered public keys of a station's meters."""
        scope.need("read")
        return await self.archive.meter_keys(scope, station)

    async def register_key(
        self, scope: Scope, station: StationId, evse: EvseId, key: str, since: int | None = None
    ) -> MeterKey:
        """Register the public key printed on an EVSE's meter. Values that came before keep their verdict."""
        scope.need("configure")
        if not 0 <= evse <= 64:
            raise InputInvalid("an EVSE has a number from 0 to 64")
        at = self.clock.now() if since is None else since
        found = MeterKey(station, evse, at, ocmf.plain_key(key), scope.actor)
        await self.archive.save_meter_key(scope, found)
        await self.audit.record(scope, "station.meter-key", f"station:{station}", None, asdict(found))
        return found

    async def _rule(
        self, scope: Scope, before: Session, ruling: Ruling, action: str, core: Callable[[Turn], Decision]
    ) -> Session:
        now = self.clock.now()

        def work(desk: Desk) -> Decision:
            return core(Turn(desk, now, self.rules, _NO_IDS))

        decision = await self.store.transact(work, now, before.station)
        after = decision.sessions[0] if decision.sessions else before
        await self.audit.record(
            scope, action, f"session:{before.session}", _facts(before), _facts(after) | asdict(ruling), ruling.reason
        )
        for session in decision.sessions:
            self.changed(session)
        return after


def _facts(session: Session) -> dict[str, object]:
    names = ("state", "held_reason", "start_wh", "end_wh", "ended_at", "wh", "owed")
    return {name: getattr(session, name) for name in names}
