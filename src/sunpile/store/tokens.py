"""Tokens, groups and the tenant's policy in SQL, and what a session's desk asks of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, or_, select, update

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.basics.scope import Scope
from sunpile.sessions.tokens import (
    Asked,
    Facts,
    Group,
    Shown,
    Token,
    TokenLimits,
    TokenPolicy,
    Use,
    plain,
    starts_of,
)
from sunpile.store.database import Database
from sunpile.store.tables import sessions, stations
from sunpile.store.token_tables import session_costs, token_groups, token_policies, tokens
from sunpile.store.upkeep_tables import station_cards

LIMITS = TypeAdapter(TokenLimits)
PARENTS_MAX = 8
"""How many tokens may stand above one another."""
_PLACE = (
    select(stations.c.tenant, station_cards.c.site)
    .select_from(stations.outerjoin(station_cards, station_cards.c.station == stations.c.station))
    .where(stations.c.station == bindparam("station"))
)
_TOKEN = select(tokens).where(tokens.c.tenant == bindparam("tenant"), tokens.c.token == bindparam("name"))
_GROUP = select(token_groups).where(
    token_groups.c.tenant == bindparam("tenant"), token_groups.c.token_group == bindparam("name")
)
_POLICY = select(token_policies.c.unknown, token_policies.c.time_zone).where(
    token_policies.c.tenant == bindparam("tenant")
)
_NANO = func.coalesce(session_costs.c.nano, sessions.c.owed)


class TokenStore:
    """Tokens of the tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, scope: Scope, token: Token, now: int) -> Token | None:
        """Add or change a token; returns what was there before."""
        return (await self.save_many(scope, [token], now))[0]

    async def save_many(self, scope: Scope, wanted: Sequence[Token], now: int) -> list[Token | None]:
        """Add or change tokens, all or none; returns what was there before.

        Raises
        ------
        InputInvalid
            if a parent or a group is unknown, or parents go in a circle.
        """

        def work(connection: Connection) -> list[Token | None]:
            before = [put_token(connection, scope.tenant, token, now) for token in wanted]
            for token in wanted:
                _check_family(connection, scope.tenant, token)
            return before

        return await self._database.write(work)

    async def find(self, scope: Scope, token: str) -> Token:
        """One token.

        Raises
        ------
        NotFound
            if the tenant has no such token.
        """
        found = await self._database.read(lambda c: token_row(c, scope.tenant, token))
        if found is None:
            raise NotFound("there is no such token")
        return found

    async def remove(self, scope: Scope, token: str) -> Token:
        """Forget a token; returns it. Sessions keep what was shown."""

        def work(connection: Connection) -> Token:
            found = token_row(connection, scope.tenant, token)
            if found is None:
                raise NotFound("there is no such token")
            children = select(tokens.c.token).where(tokens.c.tenant == scope.tenant, tokens.c.parent == found.token)
            if connection.execute(children.limit(1)).first():
                raise InputInvalid("the token stands above others: give those another parent first")
            connection.execute(delete(tokens).where(_is(scope.tenant, found.token)))
            return found

        return await self._database.write(work)

    async def page(
        self, scope: Scope, after: str = "", limit: int = 100, search: str = "", status: str | None = None
    ) -> list[Token]:
        """Tokens in order of their ids, those after `after`. `search` is the beginning of a token, group or note."""
        query = select(tokens).where(tokens.c.tenant == scope.tenant, tokens.c.token > plain(after))
        if search:
            query = query.where(
                or_(
                    tokens.c.token.startswith(plain(search), autoescape=True),
                    func.upper(tokens.c.token_group).startswith(plain(search), autoescape=True),
                    tokens.c.notes.contains(search, autoescape=True),
                )
            )
        if status is not None:
            query = query.where(tokens.c.status == status)
        query = query.order_by(tokens.c.token).limit(limit)
        return await self._database.read(lambda c: [_read(row) for row in c.execute(query)])

    async def all(self, tenant: str) -> list[Token]:
        """Every token of a tenant: for local lists and exports."""
        query = select(tokens).where(tokens.c.tenant == tenant).order_by(tokens.c.token)
        return await self._database.read(lambda c: [_read(row) for row in c.execute(query)])

    async def save_group(self, scope: Scope, group: Group, now: int) -> Group | None:
        """Add or change a group; returns what was there before."""

        def work(connection: Connection) -> Group | None:
            before = group_row(connection, scope.tenant, group.group)
            values = {
                "status": group.status,
                "limits": LIMITS.dump_json(group.limits).decode(),
                "master_pass": group.master_pass,
                "changed_at": now,
            }
            which = and_(token_groups.c.tenant == scope.tenant, token_groups.c.token_group == group.group)
            if connection.execute(update(token_groups).where(which).values(values)).rowcount == 0:
                row = {"tenant": scope.tenant, "token_group": group.group}
                connection.execute(insert(token_groups).values(row | values))
            return before

        return await self._database.write(work)

    async def groups(self, scope: Scope) -> list[Group]:
        """The tenant's groups."""
        return await self.groups_of(scope.tenant)

    async def groups_of(self, tenant: str) -> list[Group]:
        """A tenant's groups."""
        query = select(token_groups).where(token_groups.c.tenant == tenant).order_by(token_groups.c.token_group)
        return await self._database.read(lambda c: [_read_group(row) for row in c.execute(query)])

    async def remove_group(self, scope: Scope, group: str) -> Group:
        """Forget a group that has no token."""

        def work(connection: Connection) -> Group:
            found = group_row(connection, scope.tenant, group)
            if found is None:
                raise NotFound("there is no such group")
            inside = select(tokens.c.token).where(tokens.c.tenant == scope.tenant, tokens.c.token_group == group)
            if connection.execute(inside.limit(1)).first():
                raise InputInvalid("the group still has tokens")
            which = and_(token_groups.c.tenant == scope.tenant, token_groups.c.token_group == group)
            connection.execute(delete(token_groups).where(which))
            return found

        return await self._database.write(work)

    async def policy(self, scope: Scope) -> TokenPolicy:
        """How the tenant treats tokens."""
        return await self._database.read(lambda c: policy_row(c, scope.tenant))

    async def set_policy(self, scope: Scope, policy: TokenPolicy, now: int) -> TokenPolicy:
        """Change it; returns what it was."""

        def work(connection: Connection) -> TokenPolicy:
            before = policy_row(connection, scope.tenant)
            values = {"unknown": policy.unknown, "time_zone": policy.time_zone, "changed_at": now}
            which = token_policies.c.tenant == scope.tenant
            if connection.execute(update(token_policies).where(which).values(values)).rowcount == 0:
                connection.execute(insert(token_policies).values({"tenant": scope.tenant} | values))
            return before

        return await self._database.write(work)

    async def use(self, scope: Scope, token: str, now: int) -> Use:
        """What a token has used by now."""

        def work(connection: Connection) -> Use:
            zone = policy_row(connection, scope.tenant).time_zone
            return use_of(connection, scope.tenant, [plain(token)], now, zone, None)

        return await self._database.read(work)


def shown(
    connection: Connection, id_token: str, station: str, evse: int | None, at: int, this: str | None
) -> Shown | None:
    """See `sessions.ports.Desk.shown`."""
    place = connection.execute(_PLACE, {"station": station}).first()
    if place is None:
        return None
    tenant, site = place
    asked = Asked(station, at, evse, site or "")
    policy = policy_row(connection, tenant)
    token = token_row(connection, tenant, id_token)
    if token is None:
        return Shown(Facts(None, policy=policy), asked)
    parents = tuple(_parents(connection, tenant, token))
    group = group_row(connection, tenant, token.group) if token.group else None

    def use(limits: TokenLimits, names: Iterable[str]) -> Use:
        if (limits.concurrent, limits.wh_day, limits.wh_month, limits.nano_month, limits.credit) == (None,) * 5:
            return Use()
        return use_of(connection, tenant, list(names), at, policy.time_zone, this)

    facts = Facts(
        token,
        group,
        parents,
        use(token.limits, [token.token]),
        use(group.limits, _members(connection, tenant, group.group)) if group else Use(),
        tuple(use(parent.limits, _family(connection, tenant, parent.token)) for parent in parents),
        policy,
    )
    return Shown(facts, asked)


def use_of(connection: Connection, tenant: str, names: Sequence[str], at: int, zone: str, this: str | None) -> Use:
    """What sessions started with any of these tokens have used, without session `this`."""
    if not names:
        return Use()
    day, month = starts_of(at, zone)
    mine = [
        func.upper(sessions.c.id_token).in_(names),
        stations.c.tenant == tenant,
    ]
    if this is not None:
        mine.append(sessions.c.session != this)

    def since(value: Any, start: int) -> Any:
        return func.coalesce(func.sum(value).filter(sessions.c.started_at >= start), 0)

    query = (
        select(
            func.count().filter(sessions.c.state == "active"),
            since(sessions.c.wh, day),
            since(sessions.c.wh, month),
            since(_NANO, month),
            func.coalesce(func.sum(_NANO), 0),
        )
        .select_from(sessions)
        .join(stations, stations.c.station == sessions.c.station)
        .outerjoin(session_costs, session_costs.c.session == sessions.c.session)
        .where(*mine)
    )
    row = connection.execute(query).one()
    return Use(*(int(value) for value in row))


def token_row(connection: Connection, tenant: str, token: str) -> Token | None:
    """A tenant's token."""
    row = connection.execute(_TOKEN, {"tenant": tenant, "name": plain(token)}).first()
    return _read(row) if row else None


def group_row(connection: Connection, tenant: str, group: str) -> Group | None:
    """A tenant's group."""
    row = connection.execute(_GROUP, {"tenant": tenant, "name": group}).first()
    return _read_group(row) if row else None


def policy_row(connection: Connection, tenant: str) -> TokenPolicy:
    """A tenant's policy; unknown tokens are refused where nothing else is said."""
    row = connection.execute(_POLICY, {"tenant": tenant}).first()
    return TokenPolicy(row[0], row[1]) if row else TokenPolicy()


def _parents(connection: Connection, tenant: str, token: Token) -> list[Token]:
    found: list[Token] = []
    above = token.parent
    while above is not None and len(found) < PARENTS_MAX:
        parent = token_row(connection, tenant, above)
        if parent is None:
            break
        found.append(parent)
        above = parent.parent
    return found


def _check_family(connection: Connection, tenant: str, token: Token) -> None:
    parents = _parents(connection, tenant, token)
    if token.parent is not None and not parents:
        raise InputInvalid("the token's parent is not known")
    if len(parents) == PARENTS_MAX and parents[-1].parent is not None:
        raise InputInvalid(f"parents go in a circle, or more than {PARENTS_MAX} stand above one another")
    if token.group is not None and group_row(connection, tenant, token.group) is None:
        raise InputInvalid("the token's group is not known")


def _members(connection: Connection, tenant: str, group: str) -> list[str]:
    query = select(tokens.c.token).where(tokens.c.tenant == tenant, tokens.c.token_group == group)
    return [row[0] for row in connection.execute(query)]


def _family(connection: Connection, tenant: str, parent: str) -> list[str]:
    """A token and all below it."""
    found, new = {parent}, [parent]
    while new:
        query = select(tokens.c.token).where(tokens.c.tenant == tenant, tokens.c.parent.in_(new))
        new = [row[0] for row in connection.execute(query) if row[0] not in found]
        found.update(new)
    return sorted(found)


def put_token(connection: Connection, tenant: str, token: Token, now: int) -> Token | None:
    """Add or change a token in a unit of work; what was there before. Its parent and group are not looked at."""
    before = token_row(connection, tenant, token.token)
    values = {
        "kind": token.kind,
        "driver": token.driver,
        "token_group": token.group,
        "parent": plain(token.parent) if token.parent is not None else None,
        "status": token.status,
        "valid_from": token.valid_from,
        "valid_until": token.valid_until,
        "limits": LIMITS.dump_json(token.limits).decode(),
        "language": token.language,
        "priority": token.priority,
        "rail": token.rail,
        "notes": token.notes,
        "changed_at": now,
    }
    if before is None:
        connection.execute(insert(tokens).values({"tenant": tenant, "token": token.token} | values))
    else:
        connection.execute(update(tokens).where(_is(tenant, token.token)).values(values))
    return before


def _is(tenant: str, token: str) -> Any:
    return and_(tokens.c.tenant == tenant, tokens.c.token == token)


def _read(row: Row[Any]) -> Token:
    known = row._mapping  # pyright: ignore[reportPrivateUsage]
    names = ("token", "kind", "driver", "parent", "status", "valid_from", "valid_until", "language", "priority")
    values = {name: known[name] for name in (*names, "rail", "notes")}
    return Token(group=known["token_group"], limits=LIMITS.validate_json(known["limits"]), **values)


def _read_group(row: Row[Any]) -> Group:
    known = row._mapping  # pyright: ignore[reportPrivateUsage]
    limits = LIMITS.validate_json(known["limits"])
    return Group(known["token_group"], known["status"], limits, known["master_pass"])
