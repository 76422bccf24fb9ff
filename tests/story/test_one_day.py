"""One town, one noon: what a person who clones the repository can check for himself."""

import asyncio
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from sunpile.basics.errors import Conflict
from sunpile.people.cli.commands import Verdict
from sunpile.settings import NodeSettings
from sunpile.store.tables import batches, bills, cdrs
from sunpile.wiring import upkeep
from sunpile.wiring.chain_side import engine_for
from sunpile.wiring.clock import StillClock
from sunpile.wiring.demo import open_books
from sunpile.wiring.folder import Folder

pytestmark = pytest.mark.asyncio(loop_scope="module")
STRANGER = Path(__file__).with_name("stranger.py")


async def test_every_interval_is_settled_and_store_and_chain_agree_to_the_nano(played: Any) -> None:
    summary = played.summary
    assert summary["intervals_settled"] == played.stage.town.scenario.intervals
    assert summary["differences"] == []
    assert summary["reconcile_differences"] == summary["worse_off"] == 0
    assert summary["wh_matched"] > 1000
    assert summary["gas_per_point_interval"] > 0


async def test_what_was_settled_is_what_the_meters_counted(played: Any) -> None:
    report = played.stage.report
    async with played.stage.opened() as (store, _reader, reconciler):
        settled = {
            (signed.reading.point, batch.interval): signed.reading.wh
            for batch in await store.settled(reconciler.zone)
            for signed in batch.kept.proposal.witness.readings
        }
    assert settled == report.truth
    assert report.ocpp_failures == []


async def test_a_stranger_recomputes_every_price_fill_and_bill_from_the_dump(played: Any) -> None:
    done = subprocess.run([sys.executable, "-I", STRANGER, played.dump], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    bills = played.dump / "bills.csv"
    honest = bills.read_text()
    lines = honest.splitlines()
    cells = lines[1].split(",")
    cells[5] = str(int(cells[5]) + 1)
    try:
        bills.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
        done = subprocess.run([sys.executable, "-I", STRANGER, played.dump], capture_output=True, text=True)
        assert done.returncode == 1
    finally:
        bills.write_text(honest)


async def receipt_of(played: Any, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """A full receipt whose bill is as `wanted`."""
    async with played.stage.opened() as (store, _reader, reconciler):
        rows = await store.bills(zone=reconciler.zone)
    headers = {"Authorization": f"Bearer {played.stage.folder.admin_token()}"}
    async with httpx2.AsyncClient(base_url=played.stage.page, headers=headers, trust_env=False) as client:
        for row in rows:
            answer = await client.get(f"/api/receipts/{row.zone}/{row.interval}/{row.point}")
            assert answer.status_code == 200, answer.text
            if wanted(answer.json()):
                return answer.json()
    raise AssertionError("no such receipt in this day")


def check(played: Any, receipt: dict[str, Any], folder: Path) -> Verdict:
    path = folder / "receipt.json"
    path.write_text(json.dumps(receipt))
    return upkeep.verify(path, f"{played.stage.page}/rpc")


async def test_a_receipt_is_checked_with_the_file_and_an_rpc_address_alone(played: Any, tmp_path: Path) -> None:
    receipt = await receipt_of(played, lambda found: found["bill"]["matched_wh"] not in (0, found["bill"]["wh"]))
    verdict = await asyncio.to_thread(check, played, receipt, tmp_path)
    assert verdict.ok, verdict.sentence
    names = [line.name for line in verdict.lines]
    assert names == ["reading", "signer", "price", "fill", "payment", "digest", "council", "code", "chain"]


def forgeries() -> dict[str, Callable[[dict[str, Any]], None]]:
    def reading(receipt: dict[str, Any]) -> None:
        receipt["readings"][0]["reading"]["wh"] += 1

    def payment(receipt: dict[str, Any]) -> None:
        receipt["bill"]["nano"] += 1

    def fill(receipt: dict[str, Any]) -> None:
        receipt["bill"]["matched_wh"] += 1

    def price(receipt: dict[str, Any]) -> None:
        receipt["header"]["price"] += 1

    def council(receipt: dict[str, Any]) -> None:
        receipt["council"]["signatures"] = receipt["council"]["signatures"][:2]

    def code(receipt: dict[str, Any]) -> None:
        receipt["chain"]["code_hash"] = "0x" + "11" * 32

    def code_of_another_council(receipt: dict[str, Any]) -> None:
        receipt["chain"]["council"] = "0x" + "33" * 20

    def digest(receipt: dict[str, Any]) -> None:
        receipt["previous"] = "0x" + "22" * 32

    return {f.__name__: f for f in (reading, payment, fill, price, council, code, code_of_another_council, digest)}


@pytest.mark.parametrize("name", forgeries())
async def test_a_forged_receipt_is_told_which_line_does_not_hold(played: Any, tmp_path: Path, name: str) -> None:
    receipt = await receipt_of(played, lambda found: found["bill"]["matched_wh"] not in (0, found["bill"]["wh"]))
    forged = copy.deepcopy(receipt)
    forgeries()[name](forged)
    verdict = await asyncio.to_thread(check, played, forged, tmp_path)
    assert not verdict.ok
    assert not {line.name: line.ok for line in verdict.lines}[name.partition("_")[0]]


async def test_the_shared_form_says_that_it_does_not_prove_itself(played: Any, tmp_path: Path) -> None:
    receipt = await receipt_of(played, lambda found: True)
    shared = {key: value for key, value in receipt.items() if key not in ("rows", "limits")} | {"form": "shared"}
    verdict = await asyncio.to_thread(check, played, shared, tmp_path)
    assert not verdict.ok
    assert "does not prove itself" in verdict.sentence


async def test_a_backup_taken_while_it_runs_is_a_node_that_agrees_with_its_chain(played: Any, tmp_path: Path) -> None:
    path = await asyncio.to_thread(upkeep.backup, played.stage.folder.path, tmp_path / "backup.zip")
    assert path.stat().st_mode & 0o077 == 0
    restored = tmp_path / "restored"
    await asyncio.to_thread(upkeep.restore, path, restored)
    settings, folder = NodeSettings.load(restored, rpc_port=0), Folder(restored)
    engine = engine_for(settings, folder, StillClock(played.stage.town.scenario.end))
    await engine.start()
    try:
        async with open_books(settings, folder, engine.rpc.url) as (store, _reader, reconciler):
            assert await reconciler.differences() == []
            assert len(await store.settled(reconciler.zone)) == played.summary["intervals_settled"]
    finally:
        await engine.stop()
    with pytest.raises(Conflict, match="not empty"):
        upkeep.restore(path, restored)


async def test_reconciliation_finds_one_nano_and_one_watt_hour(played: Any) -> None:
    async with played.stage.opened() as (store, _reader, reconciler):
        database = store._database
        rows = await store.bills(zone=reconciler.zone)
        which = (bills.c.interval == rows[0].interval) & (bills.c.point == rows[0].point)
        await database.write(lambda c: c.execute(update(bills).where(which).values(nano=rows[0].nano + 1)))
        found = await reconciler.differences()
        await database.write(lambda c: c.execute(update(bills).where(which).values(nano=rows[0].nano)))
        assert [d.what for d in found] == [f"balance of point {rows[0].point} [nano]"]
        last = (await store.settled(reconciler.zone))[-1]
        chosen = (batches.c.interval == last.interval) & (batches.c.state == "settled")
        await database.write(lambda c: c.execute(update(batches).where(chosen).values(digest=b"\x01" * 32)))
        found = await reconciler.differences()
        await database.write(lambda c: c.execute(update(batches).where(chosen).values(digest=last.digest)))
        assert {d.what.split()[0] for d in found} == {"digest", "BatchSettled"}
        assert await reconciler.differences() == []


async def test_a_session_s_receipt_splits_every_watt_hour_by_source(played: Any) -> None:
    async with played.stage.opened() as (store, _reader, _reconciler):
        names = await store._database.read(lambda c: list(c.scalars(select(cdrs.c.session))))
    headers = {"Authorization": f"Bearer {played.stage.folder.admin_token()}"}
    assert names, "no car left before the end of this day"
    async with httpx2.AsyncClient(base_url=played.stage.page, headers=headers, trust_env=False) as client:
        for name in names:
            receipt = (await client.get(f"/api/sessions/{name}/receipt")).json()
            for line in receipt["lines"]:
                if line["settled"]:
                    assert line["roof"] + line["battery"] + line["grid"] == line["wh"]
            assert sum(line["wh"] for line in receipt["lines"]) == receipt["wh"]
