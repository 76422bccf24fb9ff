"""A firmware campaign over HTTP, from the image to the last station."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from tests.fleet.test_firmware import certificate
from tests.people.upkeep_desk import NEW, Desk, desk, empty_file

from sunpile.basics.ids import StationId
from sunpile.chargers.commands import CommandResult, UpdateFirmware
from sunpile.chargers.notices import Progress
from sunpile.fleet.firmware import sign

__all__ = ["desk", "empty_file"]
IMAGE = b"image" * 500_000


def prepared(desk: Desk, stations: int) -> tuple[str, list[str]]:
    """An image and stations that are connected."""
    names = [f"NEW-{number}" for number in range(stations)]
    for name in names:
        desk.client.post("/api/stations", json=NEW | {"station": name})
        desk.door.show(name, connected=True)
    made = desk.client.post("/api/firmware/images?name=fw.bin&version=2.0", content=IMAGE)
    assert (made.status_code, made.json()["size"]) == (201, len(IMAGE))
    return made.json()["file"], names


async def test_a_campaign_asks_each_station_with_an_address_of_its_own_until_all_have_it(desk: Desk) -> None:
    image, names = prepared(desk, 1)
    body = {"image": image, "name": "2.0", "stations": names}
    campaign = desk.client.post("/api/firmware/campaigns", json=body).json()
    assert campaign["state"] == "running"
    await desk.campaigns.tick()
    station, command = desk.door.asked[0]
    assert isinstance(command, UpdateFirmware)
    assert (station, command.signature) == ("NEW-0", None)
    assert (
        desk.client.get(command.url.removeprefix("https://node.test"), headers={"Authorization": ""}).content == IMAGE
    )
    await desk.campaigns.tick()
    assert len(desk.door.asked) == 1
    for status in ("Downloading", "Installing", "Installed"):
        await desk.campaigns.told(Progress(StationId("NEW-0"), "firmware", command.request, status))
    await desk.campaigns.tick()
    page = desk.client.get(f"/api/firmware/campaigns/{campaign['campaign']}").json()
    assert (page["campaign"]["state"], page["targets"][0]["state"]) == ("done", "installed")
    assert page["campaign"]["counts"] == {"installed": 1}


async def test_a_refusal_is_a_failure_and_ends_the_campaign(desk: Desk) -> None:
    image, names = prepared(desk, 1)
    desk.client.post("/api/firmware/campaigns", json={"image": image, "name": "2.0", "stations": names})
    desk.door.answer = CommandResult("Rejected", accepted=False, reason="NotEnabled")
    await desk.campaigns.tick()
    await desk.campaigns.tick()
    (campaign,) = desk.client.get("/api/firmware/campaigns").json()
    assert (campaign["state"], campaign["reason"]) == ("aborted", "1 of 1 stations of wave 1 failed")


async def test_many_stations_want_a_second_person_and_an_image_in_use_stays(desk: Desk) -> None:
    image, names = prepared(desk, 2)
    body = {"image": image, "name": "2.0", "stations": names}
    campaign = desk.client.post("/api/firmware/campaigns", json=body).json()
    assert campaign["state"] == "approval"
    await desk.campaigns.tick()
    assert desk.door.asked == []
    assert desk.client.post("/api/firmware/campaigns", json=body).status_code == 409
    assert desk.client.delete(f"/api/firmware/images/{image}").status_code == 409
    at = f"/api/firmware/campaigns/{campaign['campaign']}"
    assert desk.client.post(f"{at}/approve", json={}).json()["state"] == "running"
    assert desk.client.post(f"{at}/turn", json={"state": "paused"}).json()["state"] == "paused"
    await desk.campaigns.tick()
    assert desk.door.asked == []
    assert desk.client.post(f"{at}/turn", json={"state": "aborted"}).json()["state"] == "aborted"
    assert desk.client.post(f"{at}/turn", json={"state": "running"}).status_code == 409
    assert desk.client.delete(f"/api/firmware/images/{image}").status_code == 204


async def test_a_signed_image_is_sent_with_its_signature_and_a_wrong_one_is_refused(desk: Desk) -> None:
    image, names = prepared(desk, 1)
    key = ec.generate_private_key(ec.SECP256R1())
    right = {"signature": sign(hashlib.sha256(IMAGE).digest(), key), "certificate": certificate(key)}
    wrong = right | {"signature": base64.b64encode(b"x" * 70).decode()}
    assert desk.client.put(f"/api/firmware/images/{image}/signature", json=wrong).status_code == 400
    assert desk.client.put(f"/api/firmware/images/{image}/signature", json=right).status_code == 200
    desk.client.post("/api/firmware/campaigns", json={"image": image, "name": "2.0", "stations": names})
    await desk.campaigns.tick()
    command = desk.door.asked[0][1]
    assert isinstance(command, UpdateFirmware)
    assert {"signature": command.signature, "certificate": command.certificate} == right


def test_a_local_controller_is_told_the_address_and_the_checksum(desk: Desk) -> None:
    image, _ = prepared(desk, 1)
    assert desk.client.post(f"/api/firmware/images/{image}/publish", json={"station": "NEW-0"}).status_code == 202
    operation, arguments, targets = desk.runs.started[-1]
    assert (operation, targets) == ("publish-firmware", ["NEW-0"])
    assert arguments["checksum"] == hashlib.md5(IMAGE).hexdigest()
    desk.client.post(f"/api/firmware/images/{image}/unpublish", json={"station": "NEW-0"})
    assert desk.runs.started[-1][0] == "unpublish-firmware"


async def test_only_the_image_itself_is_without_the_limit_of_bodies(desk: Desk) -> None:
    """JSON is read whole before anybody is asked who he is: without a limit a stranger could fill the memory."""
    large = b'{"signature": "' + b"x" * (2 << 20)
    stranger = {"Authorization": ""}
    for path in ("/api/firmware/images/x/signature", "/api/firmware/images/x/publish"):
        send = desk.client.put if path.endswith("signature") else desk.client.post
        assert send(path, content=large, headers=stranger).status_code == 413
