"""The doctor says in plain words what is out of reach, and what to do."""

import time
from pathlib import Path

import pytest
from sqlalchemy import insert

from sunpile.chargers.refusals import CURES
from sunpile.people.cli.commands import Finding
from sunpile.settings import NodeSettings
from sunpile.store.database import Database
from sunpile.store.schema import upgrade
from sunpile.store.tables import devices, refused_attempts, stations
from sunpile.wiring.demo import free_ports
from sunpile.wiring.doctor import examine, in_words
from sunpile.wiring.folder import Folder
from sunpile.wiring.serving import shown_host


@pytest.fixture
async def findings(tmp_path: Path) -> dict[str, Finding]:
    """A node that does not run, with piles and an inverter in all conditions."""
    http, ocpp, tls, member = free_ports(4)
    members = [f"http://127.0.0.1:{member}"]
    settings = NodeSettings(
        folder=tmp_path, http_port=http, ocpp_port=ocpp, ocpp_tls_port=tls, members=members, insecure_profiles=[1]
    )
    folder = Folder(tmp_path)
    database = Database(folder.database_url(""))
    upgrade(database.engine)
    secret = {"password_salt": b"", "password_hash": b"", "max_w": 11_000, "ocpp_version": "1.6"}
    now = int(time.time())

    def fill(connection) -> None:
        seen = {"fresh": now - 60, "asleep": now - 86_400, "new": None}
        for station, last_seen in seen.items():
            connection.execute(insert(stations), {"station": station, "last_seen": last_seen, **secret})
        for station, reason in (("stranger", "unknown station"), ("new", "wrong password"), ("fresh", "TLS failed")):
            at = now - (300 if station == "fresh" else 0)
            connection.execute(insert(refused_attempts), {"station": station, "at": at, "reason": reason})
        inverter = {"device": "d", "point": 1, "kind": "inverter", "host": "192.0.2.20", "port": 502, "unit": 1}
        fault = "nothing answers at 192.0.2.20:502"
        connection.execute(insert(devices), {**inverter, "max_w": 8000, "last_error": fault})

    await database.write(fill)
    database.close()
    return {finding.name: finding for finding in await examine(settings, folder)}


async def test_each_thing_out_of_reach_has_its_sentence_and_its_remedy(findings: dict[str, Finding]) -> None:
    said = {
        "node": "nothing answers",
        "chain": "",
        "member 0": "nothing answers",
        "door for piles, with TLS": "nobody listens",
        "door for piles, without TLS": "nobody listens",
        "pile asleep": "silent since",
        "pile new": "never connected",
        "pile 'stranger'": "no station of this identity",
        "pile 'new'": "the password is wrong",
        "inverter at 192.0.2.20:502 unit 1": "nothing answers",
    }
    for what, words in said.items():
        assert not findings[what].ok
        assert words in findings[what].sentence
        assert findings[what].remedy, what
    assert {what for what, finding in findings.items() if finding.ok} == {"database", "engine", "pile fresh"}


@pytest.mark.parametrize("reason", CURES)
def test_each_reason_for_turning_a_pile_away_has_words_and_a_remedy(reason: str) -> None:
    words, remedy = in_words(reason)
    assert words
    assert remedy.endswith(".")


async def test_without_a_market_nothing_of_a_chain_is_looked_for(tmp_path: Path) -> None:
    http, _ = free_ports(2)
    settings = NodeSettings(folder=tmp_path, http_port=http, market="off")
    found = {finding.name: finding for finding in await examine(settings, Folder(tmp_path))}
    assert set(found) == {"database", "node", "door for piles"}
    assert "insecure_profiles" in found["door for piles"].remedy
    assert found["database"].remedy == "start the node once"


def test_a_pile_is_told_an_address_it_can_reach() -> None:
    assert shown_host("192.0.2.7") == "192.0.2.7"
    assert shown_host("fd00::1") == "[fd00::1]"
    assert shown_host("0.0.0.0") not in ("", "0.0.0.0")
