"""What staff does with certificates: within its tenant, recorded, and with what the station says told back."""

import pytest

from chargers.certificates.fakes import STATION, House, unreachable
from chargers.certificates.people import NOW, certificate, csr, new_key, pem
from sunpile.basics.errors import Conflict, InputInvalid, NotFound
from sunpile.basics.scope import NODE, PERMISSIONS, Scope
from sunpile.chargers.certificates.hashes import hash_data
from sunpile.chargers.certificates.names import load_pem
from sunpile.chargers.certificates.security import CRITICAL
from sunpile.chargers.commands import CommandResult
from sunpile.chargers.notices import Question, SecurityEvent

OTHER = Scope("other", "staff:1", frozenset(PERMISSIONS))
DAY_S = 86_400


def has(*rows: tuple[str, dict]) -> CommandResult:
    chain = [{"certificateType": kind, "certificateHashData": data} for kind, data in rows]
    return CommandResult("Accepted", accepted=True, data={"certificateHashDataChain": chain})


async def own_root(house: House):
    return load_pem((await house.authority.anchors("default", "csms", NOW))[0])


async def test_a_root_is_installed_listed_and_compared(house: House) -> None:
    root = await own_root(house)
    result = await house.upkeep.install(NODE, STATION, "CSMSRootCertificate", pem(root))
    assert result.accepted
    assert house.store.installed_[STATION] == [("CSMSRootCertificate", hash_data(root, root))]
    stranger, _ = certificate("Stranger", ca=True)
    wanted, _ = certificate("V2G Root", ca=True)
    await house.upkeep.trust_root(NODE, "V2GRootCertificate", pem(wanted), wanted=True)
    house.stations.answers["GetInstalledCertificates"] = has(
        ("CSMSRootCertificate", hash_data(root, root, "SHA384")),
        ("ManufacturerRootCertificate", hash_data(stranger, stranger)),
    )
    found = await house.upkeep.installed(NODE, STATION)
    assert [(one.kind, one.wanted, bool(one.fingerprint)) for one in found.installed] == [
        ("CSMSRootCertificate", True, True),
        ("ManufacturerRootCertificate", False, False),
    ]
    assert [root.kind for root in found.missing] == ["V2GRootCertificate"]
    assert found.strange == 1
    assert len(house.store.installed_[STATION]) == 2
    house.stations.answers["GetInstalledCertificates"] = CommandResult("NotFound", accepted=False)
    assert len((await house.upkeep.installed(NODE, STATION)).missing) == 2
    sixteen = await house.upkeep.installed(NODE, "CS-16")
    assert [root.kind for root in sixteen.missing] == ["CSMSRootCertificate"], "1.6 knows no V2G root"


async def test_a_leaf_is_no_root(house: House) -> None:
    leaf, _ = certificate("SN-0001")
    with pytest.raises(InputInvalid):
        await house.upkeep.install(NODE, STATION, "CSMSRootCertificate", pem(leaf))
    with pytest.raises(InputInvalid):
        await house.upkeep.trust_root(NODE, "MORootCertificate", pem(leaf), wanted=True)
    assert house.stations.asked == []


async def test_the_root_by_which_a_station_knows_us_is_deleted_only_if_sure(house: House) -> None:
    root = await own_root(house)
    data = hash_data(root, root)
    data["serialNumber"] = data["serialNumber"].upper()
    with pytest.raises(Conflict):
        await house.upkeep.delete(NODE, STATION, data)
    house.stations.answers["DeleteCertificate"] = CommandResult("Failed", accepted=False)
    result = await house.upkeep.delete(NODE, STATION, data, sure=True)
    assert result.status == "Failed"
    assert house.stations.asked[0][1].certificate == data, "as the station spells it"
    assert house.audits.rows[-1][1] == "certificate.delete"


async def test_what_was_deleted_is_no_longer_counted_as_installed(house: House) -> None:
    root, _ = certificate("V2G Root", ca=True)
    await house.upkeep.install(NODE, STATION, "V2GRootCertificate", pem(root))
    await house.upkeep.delete(NODE, STATION, hash_data(root, root))
    assert house.store.installed_[STATION] == []


async def test_a_new_root_counts_whether_signed_by_itself_or_by_the_old_one(house: House) -> None:
    old = await own_root(house)
    root_pem, cross_pem = await house.upkeep.rotate_root(NODE)
    new, cross = load_pem(root_pem), load_pem(cross_pem)
    for data in (hash_data(new, new), hash_data(cross, old)):
        house.stations.answers["GetInstalledCertificates"] = has(("CSMSRootCertificate", data))
        found = await house.upkeep.installed(NODE, STATION)
        assert found.missing == ()
        assert found.strange == 0
    house.stations.answers["GetInstalledCertificates"] = has(("CSMSRootCertificate", hash_data(old, old)))
    assert [root.pem for root in (await house.upkeep.installed(NODE, STATION)).missing] == [root_pem]


async def test_a_request_by_hand_is_judged_like_one_of_the_station(house: House) -> None:
    with pytest.raises(InputInvalid, match="SN-0001"):
        await house.upkeep.sign_by_hand(NODE, STATION, csr(name="SN-0002"), None, send=False)
    record = await house.upkeep.sign_by_hand(NODE, STATION, csr(), None, send=False)
    assert (record.state, house.stations.asked) == ("accepted", [])
    record = await house.upkeep.sign_by_hand(NODE, STATION, csr(), "ChargingStationCertificate", send=True)
    assert house.stations.names() == ["SendSignedCertificate"]


async def test_revoking_closes_the_stations_connection_once(house: House) -> None:
    record = await house.upkeep.sign_by_hand(NODE, STATION, csr(), None, send=False)
    with pytest.raises(InputInvalid):
        await house.upkeep.revoke(NODE, record.fingerprint, "because")
    with pytest.raises(NotFound):
        await house.upkeep.revoke(OTHER, record.fingerprint, "superseded")
    assert (await house.upkeep.revoke(NODE, record.fingerprint, "key_compromise")).state == "revoked"
    await house.upkeep.revoke(NODE, record.fingerprint, "key_compromise")
    assert house.dropped == [STATION]


async def test_certificates_that_end_soon_are_renewed_once_a_day(house: House) -> None:
    await house.upkeep.sign_by_hand(NODE, STATION, csr(), "ChargingStationCertificate", send=False)
    assert await house.upkeep.renew_due() == 0
    house.clock.at += 61 * DAY_S
    house.stations.answers["TriggerMessage"] = unreachable()
    assert await house.upkeep.renew_due() == 0, "it is away"
    house.stations.answers["TriggerMessage"] = CommandResult("Accepted", accepted=True)
    assert [await house.upkeep.renew_due() for _ in range(3)] == [1, 0, 0]
    assert house.stations.asked[-1][1].message == "SignChargingStationCertificate"
    house.clock.at += DAY_S
    assert await house.upkeep.renew_due() == 1


async def test_what_another_tenant_owns_is_not_there(house: House) -> None:
    steps = (
        house.upkeep.renew(OTHER, STATION),
        house.upkeep.installed(OTHER, STATION),
        house.upkeep.install(OTHER, STATION, "CSMSRootCertificate", pem(await own_root(house))),
        house.upkeep.delete(OTHER, STATION, hash_data(*[await own_root(house)] * 2)),
        house.upkeep.sign_by_hand(OTHER, STATION, csr(), None, send=True),
    )
    for step in steps:
        with pytest.raises(NotFound):
            await step
    assert house.stations.asked == []


async def test_a_chain_is_remembered_only_with_who_really_signed_it(house: House) -> None:
    root, key = certificate("V2G Root", ca=True)
    leaf, _ = certificate("SECC", issuer=root, issuer_key=key)
    forged, _ = certificate("SECC", issuer=root, issuer_key=new_key())
    assert await house.upkeep.know(NODE, pem(leaf, root)) == 2
    with pytest.raises(InputInvalid):
        await house.upkeep.know(NODE, pem(forged))
    payload = {"ocspRequestData": hash_data(leaf, root) | {"responderURL": "x"}}
    answer = await house.desk.asked(Question(STATION, "GetCertificateStatus", payload))
    assert answer is not None
    assert answer["status"] == "Failed"
    assert "no responder" in answer["statusInfo"]["additionalInfo"]


# -- security events ----------------------------------------------------------------------------------------------


async def test_every_event_is_kept_and_a_critical_one_shown_at_once(house: House) -> None:
    for kind in ("InvalidChargingStationCertificate", "InvalidMessages", "TamperDetectionActivated"):
        await house.desk.told(SecurityEvent(STATION, kind, NOW - 5, "info"))
    assert [(one.kind, one.critical) for one in house.store.events] == [
        ("InvalidChargingStationCertificate", True),
        ("InvalidMessages", False),
        ("TamperDetectionActivated", True),
    ]
    assert [data["kind"] for kind, data in house.changes if kind == "security"] == [
        "InvalidChargingStationCertificate",
        "TamperDetectionActivated",
    ]
    assert (house.store.events[-1].at, house.store.events[-1].received_at) == (NOW - 5, NOW)


def test_the_list_of_critical_events_has_the_names_of_ocpp_16_too() -> None:
    assert {"InvalidChargePointCertificate", "InvalidCentralSystemCertificate"} <= CRITICAL


async def test_every_tenants_stations_need_the_root_of_the_one_door_and_their_own_for_cars(house: House) -> None:
    assert await house.upkeep.root_pem(OTHER, "csms") == await house.upkeep.root_pem(NODE, "csms")
    assert await house.upkeep.root_pem(OTHER, "v2g") != await house.upkeep.root_pem(NODE, "v2g")
    [wanted] = [root.pem for root in await house.upkeep.roots(OTHER) if root.wanted]
    assert wanted == await house.upkeep.root_pem(NODE, "csms")
