"""The node signs for meters that cannot, and for nobody who has taken the key into their own hands."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import create_engine
from tests.chain.ground import StillClock
from tests.settlement.village import DOMAIN

from sunpile.basics.ids import Address, PointId, ZoneId
from sunpile.basics.interval import Interval
from sunpile.basics.keys import Key
from sunpile.basics.units import Wh
from sunpile.settlement.ports import PointRecord
from sunpile.store.database import Database
from sunpile.store.settlement import SettlementStore
from sunpile.store.tables import metadata
from sunpile.wiring.readings import Readings

ZONE, LENGTH, INTERVAL = ZoneId(1), 900, Interval(1_888_888, 900)
NODE, OWNER = Key.from_seed("node"), Key.from_seed("owner")
POINTS = (1, 2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SettlementStore]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    database = Database(url)
    yield SettlementStore(database)
    database.close()


class Market:
    """The meter keys of a chain on which the owner of point 2 has set a key of their own."""

    domain = DOMAIN

    async def keys_of(self, wanted: Sequence[tuple[int, int]]) -> list[Address | None]:
        return [OWNER.address if point == 2 else NODE.address for point, _ in wanted]


async def measured(_interval: Interval) -> Mapping[PointId, Wh | None]:
    return {PointId(point): Wh(500) for point in POINTS}


async def test_a_key_that_an_owner_set_on_chain_is_not_signed_over(store: SettlementStore) -> None:
    for point in POINTS:
        record = PointRecord(
            PointId(point), ZONE, "pile", OWNER.address, NODE.address, True, None, Wh(9000), f"pile {point}"
        )
        await store.put_point(record)
    market = cast("Any", Market())
    readings = Readings(ZONE, LENGTH, NODE, StillClock(INTERVAL.end + 1), store, market, [measured])
    await readings.collect(INTERVAL)
    held = await store.held(INTERVAL.index)
    assert set(held) == {1}
    assert held[PointId(1)][0].signer(DOMAIN) == NODE.address
