"""SignCertificate: answered at once, sent afterwards, until the station answers; and what is kept of it."""

from dataclasses import replace

import pytest

from chargers.certificates.fakes import STATION, House, unreachable
from chargers.certificates.people import NOW, certificate, csr, new_key
from sunpile.basics.errors import NotInDialect
from sunpile.chargers.certificates import delivery
from sunpile.chargers.certificates.hashes import hash_data
from sunpile.chargers.certificates.names import load_chain
from sunpile.chargers.commands import CommandResult, SendSignedCertificate
from sunpile.chargers.notices import Question

REJECTED = CommandResult("Rejected", accepted=False, reason="InvalidCertificate")


async def ask(house: House, station=STATION, **payload):
    payload = {"csr": csr()} | payload
    return await house.desk.asked(Question(station, "SignCertificate", payload))


async def test_the_answer_comes_first_and_the_certificate_after_it(house: House) -> None:
    assert await ask(house, certificateType="ChargingStationCertificate") == {"status": "Accepted"}
    assert house.stations.asked == []
    await house.signing.settled()
    [(station, sent)] = house.stations.asked
    assert station == STATION
    assert isinstance(sent, SendSignedCertificate)
    assert sent.use == "ChargingStationCertificate"
    leaf, issuer = load_chain(sent.chain)
    leaf.verify_directly_issued_by(issuer)
    [record] = house.store.records.values()
    assert (record.state, record.station, record.outcome) == ("accepted", STATION, "Accepted")
    assert ("certificate", {"station": STATION, "state": "accepted", "outcome": "Accepted"}) in house.changes


@pytest.mark.parametrize("use", ["V2GCertificate", "V2G20Certificate"])
async def test_a_certificate_towards_cars_is_of_the_v2g_hierarchy(house: House, use: str) -> None:
    pem = csr(organisation="V2G Org", name="DE*SUN*S1")
    assert await ask(house, "CS-2", csr=pem, certificateType=use, requestId=7) == {"status": "Accepted"}
    await house.signing.settled()
    [(_, sent)] = house.stations.asked
    assert (sent.use, sent.request) == (use, 7)
    assert "v2g issuer" in load_chain(sent.chain)[1].subject.rfc4514_string()


async def test_without_a_type_as_in_ocpp_16_none_is_sent_back(house: House) -> None:
    assert await ask(house, "CS-16", csr=csr(name="SN-0016")) == {"status": "Accepted"}
    await house.signing.settled()
    assert house.stations.asked[0][1].use is None


async def test_a_refused_request_is_answered_with_why_and_kept(house: House) -> None:
    answer = await ask(house, csr=csr(name="SN-0002"))
    assert answer is not None
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == "InvalidCSR"
    assert "SN-0001" in answer["statusInfo"]["additionalInfo"]
    assert [(station, code) for station, code, _ in house.store.refusals_] == [(STATION, "WrongCommonName")]
    assert house.stations.asked == []


async def test_a_station_that_wants_another_root_is_told_that_it_is_not_here(house: House) -> None:
    root = load_chain((await house.authority.anchors("default", "csms", NOW))[0])[0]
    other, _ = certificate("Other root", ca=True)
    assert await ask(house, hashRootCertificate=hash_data(root, root)) == {"status": "Accepted"}
    answer = await ask(house, hashRootCertificate=hash_data(other, other))
    assert answer is not None
    assert "OtherRoot" in answer["statusInfo"]["additionalInfo"]


async def test_a_key_of_another_station_is_refused_the_stations_own_is_not(house: House) -> None:
    key = new_key()
    await ask(house, csr=csr(key=key))
    await house.signing.settled()
    await ask(house, csr=csr(key=key))
    await house.signing.settled()
    assert len(house.store.records) == 2
    answer = await ask(house, "CS-2", csr=csr(name="SN-0002", key=key))
    assert answer is not None
    assert "KeyUsed" in answer["statusInfo"]["additionalInfo"]


async def test_a_station_that_is_away_gets_its_certificate_when_it_comes(house: House) -> None:
    house.stations.answers["SendSignedCertificate"] = [unreachable(), CommandResult("Accepted", accepted=True)]
    await ask(house)
    await house.signing.settled()
    [record] = house.store.records.values()
    assert (record.state, record.tries) == ("issued", 0)
    house.desk.booted(STATION)
    await house.signing.settled()
    [record] = house.store.records.values()
    assert record.state == "accepted"


async def test_who_has_listed_it_before_it_was_answered_does_not_send_it_again(house: House) -> None:
    await ask(house)
    await house.signing.settled()
    [record] = house.store.records.values()
    step = await house.signing.send(replace(record, state="issued", tries=0))
    assert (step.state, step.tried) == ("accepted", False)
    assert len(house.stations.asked) == 1


async def test_a_station_that_rejects_it_is_not_asked_again(house: House) -> None:
    house.stations.answers["SendSignedCertificate"] = REJECTED
    await ask(house)
    await house.signing.settled()
    house.clock.at += 10_000
    assert await house.signing.send_waiting() == 0
    [record] = house.store.records.values()
    assert (record.state, record.outcome) == ("rejected", "Rejected InvalidCertificate")


async def test_a_passing_fault_is_tried_again_with_growing_pauses_and_given_up(house: House) -> None:
    house.stations.answers["SendSignedCertificate"] = CommandResult("InternalError", accepted=False)
    await ask(house)
    await house.signing.settled()
    times = []
    for _ in range(40):
        house.clock.at += 30
        if await house.signing.send_waiting():
            times.append(house.clock.at - NOW)
    assert times == [120, 360, 840]
    [record] = house.store.records.values()
    assert (record.state, record.tries) == ("rejected", 4)


async def test_a_question_about_something_else_is_left_to_others(house: House) -> None:
    assert await house.desk.asked(Question(STATION, "NotifyEVChargingNeeds", {})) is None


def test_decisions_about_delivery() -> None:
    waiting = delivery.Waiting(0, NOW, NOW + 100)
    lasting = delivery.Unsent("OCPP 1.6 has no V2GCertificate", lasting=True)
    assert delivery.decide(waiting, lasting, NOW).state == "rejected"
    assert delivery.decide(waiting, delivery.Unsent("away", lasting=False), NOW).state == "issued"
    assert delivery.decide(waiting, CommandResult("Accepted", accepted=True), NOW + 100).state == "rejected"


async def test_what_a_version_has_no_words_for_is_given_up(house: House) -> None:
    house.stations.answers["SendSignedCertificate"] = NotInDialect("1.6", "V2GCertificate")
    await ask(house)
    await house.signing.settled()
    [record] = house.store.records.values()
    assert record.state == "rejected"
    assert "1.6" in record.outcome
