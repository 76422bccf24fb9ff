"""Behind a meter: only what crosses the meter trades, shared by those whose energy has its sign."""

from collections.abc import Iterable, Mapping, Sequence

from sunpile.basics.ids import PointId
from sunpile.basics.units import Wh


def cumulative_shares(total: int, parts: Sequence[int]) -> list[int]:
    """Split `total` pro rata of `parts` (>= 0, sum > 0) into whole numbers whose sum is exactly `total`.

    share_k = floor(total * A_k / A) - floor(total * A_(k-1) / A), with A_k the running sum of `parts`.

    >>> cumulative_shares(10, [1, 1, 1])
    [3, 3, 4]
    """
    whole = sum(parts)
    shares: list[int] = []
    running = given = 0
    for part in parts:
        running += part
        reached = total * running // whole
        shares.append(reached - given)
        given = reached
    return shares


def behind_meter(meter: PointId, net: Wh, children: Mapping[PointId, Wh]) -> dict[PointId, Wh]:
    """Energy with which each point of one house enters the market [Wh], import positive.

    The meter itself stands for the house's own part, `net` less its children. Points whose energy has the other
    sign used or gave it inside the house: no trade, no fee.
    """
    parts = {meter: net - sum(children.values()), **children}
    sign = 1 if net > 0 else -1
    sharing = [point for point in sorted(parts) if parts[point] * sign > 0] if net else []
    shares = cumulative_shares(abs(net), [abs(parts[point]) for point in sharing]) if sharing else []
    entering = dict.fromkeys(sorted(parts), Wh(0))
    entering.update({point: Wh(sign * share) for point, share in zip(sharing, shares, strict=True)})
    return entering


def net_zone(readings: Mapping[PointId, Wh], parents: Mapping[PointId, PointId]) -> dict[PointId, Wh]:
    """Netted Wh of every point in `readings`; `parents` names the meter a point stands behind, if any.

    Every meter with children must be in `readings` with all of them; leaving incomplete houses out is the caller's.
    """
    children: dict[PointId, dict[PointId, Wh]] = {}
    for point, parent in parents.items():
        if point in readings:
            children.setdefault(parent, {})[point] = readings[point]
    netted: dict[PointId, Wh] = {}
    for point in sorted(readings):
        if point in children:
            netted.update(behind_meter(point, readings[point], children[point]))
        elif point not in parents:
            netted[point] = readings[point]
    return dict(sorted(netted.items()))


def houses(points: Iterable[PointId], parents: Mapping[PointId, PointId]) -> dict[PointId, list[PointId]]:
    """Points grouped by the meter they are settled with: a meter with all behind it, or a point alone."""
    groups: dict[PointId, list[PointId]] = {}
    for point in sorted(points):
        groups.setdefault(parents.get(point, point), []).append(point)
    return groups
