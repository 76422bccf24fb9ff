"""Drivers pay voucher by voucher; the pile of one who stops paying is stopped, and nobody else's."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from story.conftest import small
from sunpile.store.tables import channels, sessions, vouchers
from sunpile.wiring.demo import DemoPlan, staged


async def test_a_pile_stops_when_the_next_voucher_is_late_and_others_go_on(tmp_path: Path) -> None:
    plan = DemoPlan(small(seed=5, houses=2, piles=8, batteries=0, from_hour=17, intervals=6, late_payers=2), tmp_path)
    async with staged(plan) as stage:
        await stage.play(lambda _progress: None)
        async with stage.opened() as (store, _reader, reconciler):
            rows = await store._database.read(lambda c: c.execute(select(sessions)).all())
            accounts = await store._database.read(lambda c: c.execute(select(channels)).all())
            paid = await store._database.read(
                lambda c: c.execute(select(vouchers.c.channel, vouchers.c.cumulative)).all()
            )
            assert await reconciler.differences() == []
    late = {driver.id_token for driver in stage.town.plan.drivers if driver.stops_paying}
    stopped = [row for row in rows if row.stop_reason == "Remote"]
    assert stopped, "nobody who stopped paying was charging in these hours"
    assert {row.id_token for row in stopped} <= late
    for row in stopped:
        assert row.owed > row.paid
        assert row.state == "ended"
    for row in rows:
        if row.id_token not in late and row.pays and row.state == "ended":
            assert row.owed <= row.paid
    best: dict[Any, int] = {}
    for channel, cumulative in paid:
        best[channel] = max(best.get(channel, 0), cumulative)
    for account in accounts:
        assert account.best == best.get(account.channel, 0) <= account.deposit
        assert account.settled <= account.best
