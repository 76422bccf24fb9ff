"""Files over HTTP: a station brings a log and fetches firmware with nothing but its address."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.people.upkeep_desk import NEW, Desk, desk, empty_file

from sunpile.fleet.uploads import Ticket, token
from sunpile.people.api import files

__all__ = ["desk", "empty_file"]
LOG = b"line\r\n" * 1000


@pytest.fixture
def station(desk: Desk) -> TestClient:
    """A station: it has no credentials of staff."""
    desk.client.post("/api/stations", json=NEW)
    return TestClient(desk.app)


def address(desk: Desk, kind: str = "DiagnosticsLog") -> str:
    """The address a station is told when staff ask for a log."""
    assert desk.client.post("/api/stations/NEW-1/logs", json={"kind": kind}).status_code == 202
    operation, arguments, targets = desk.runs.started[-1]
    assert (operation, targets, arguments["kind"]) == ("get-log", ["NEW-1"], kind)
    url: str = arguments["url"]
    assert url.startswith("https://node.test/files/up/")
    return url.removeprefix("https://node.test")


def test_a_log_is_brought_once_and_loaded_by_staff(desk: Desk, station: TestClient) -> None:
    url = address(desk)
    assert station.put(f"{url}/diag.zip", content=LOG).status_code == 201
    assert station.put(url, content=LOG).status_code == 403
    (file,) = desk.client.get("/api/files", params={"kind": "log"}).json()
    assert (file["station"], file["name"], file["size"]) == ("NEW-1", "diag.zip", len(LOG))
    loaded = desk.client.get(f"/api/files/{file['file']}")
    assert loaded.content == LOG
    assert loaded.headers["content-disposition"].startswith("attachment")
    assert loaded.headers["content-type"] == "application/octet-stream"


def test_a_log_may_come_as_a_form(desk: Desk, station: TestClient) -> None:
    sent = station.post(address(desk), data={"note": "x"}, files={"file": ("../a b.log", LOG, "text/plain")})
    assert sent.status_code == 201
    (file,) = desk.client.get("/api/files").json()
    assert (file["name"], file["size"]) == ("a b.log", len(LOG))
    assert desk.client.get(f"/api/files/{file['file']}").content == LOG


def test_a_form_without_a_file_is_refused_and_may_be_tried_again(desk: Desk, station: TestClient) -> None:
    url = address(desk)
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert station.post(url, content=b"--x\r\n\r\nno", headers=headers).status_code == 400
    assert station.post(url, content=b"", headers=headers).status_code == 400
    assert station.put(url, content=LOG).status_code == 201


def test_a_log_larger_than_its_limit_leaves_nothing(desk: Desk, station: TestClient) -> None:
    assert station.put(address(desk), content=b"x" * (desk.limits.log_bytes + 1)).status_code == 413
    assert desk.client.get("/api/files").json() == []
    assert [path for path in Path(desk.folder).rglob("*") if path.is_file()] == []


def test_an_address_serves_only_its_station_its_purpose_and_its_minutes(desk: Desk, station: TestClient) -> None:
    url = address(desk)
    assert station.put(url, content=LOG, auth=("OTHER", "x")).status_code == 403
    assert station.get(url.replace("/up/", "/down/")).status_code == 403
    forged = Ticket("NEW-1", "up", "DiagnosticsLog", 1 << 40, "ab" * 12)
    assert station.put(f"/files/up/{token(desk.secret, forged)}", content=LOG).status_code == 403
    assert station.put("/files/up/..%2f..%2fetc%2fpasswd", content=LOG).status_code in (403, 404)
    desk.clock.time += desk.limits.life_s
    assert station.put(url, content=LOG).status_code == 403


async def test_firmware_is_fetched_once_but_what_broke_off_goes_on(desk: Desk, station: TestClient) -> None:
    made = desk.client.post("/api/firmware/images?name=fw.bin&version=2.0", content=LOG)
    assert made.status_code == 201
    url = await desk.offer("NEW-1", made.json()["file"])
    assert station.head(url).status_code == 200
    assert station.get(url).content == LOG
    assert station.get(url).status_code == 403
    assert station.get(url, headers={"range": "bytes=0-"}).status_code == 403
    rest = station.get(url, headers={"range": "bytes=5990-"})
    assert (rest.status_code, rest.content) == (206, LOG[5990:])


def test_the_same_content_is_kept_until_its_last_file_is_removed(desk: Desk) -> None:
    files = [desk.client.post("/api/firmware/images?name=fw.bin", content=LOG).json()["file"] for _ in range(2)]
    assert len([path for path in Path(desk.folder).rglob("*") if path.is_file()]) == 1
    assert desk.client.delete(f"/api/files/{files[0]}").status_code == 204
    assert desk.client.get(f"/api/files/{files[1]}").content == LOG
    assert desk.client.delete(f"/api/files/{files[1]}").status_code == 204
    assert [path for path in Path(desk.folder).rglob("*") if path.is_file()] == []


async def test_old_logs_are_forgotten_and_firmware_is_kept(desk: Desk, station: TestClient) -> None:
    station.put(address(desk), content=LOG)
    desk.client.post("/api/firmware/images?name=fw.bin", content=b"image")
    assert await desk.files.forget(desk.clock.now() + 1) == 1
    assert [file["kind"] for file in desk.client.get("/api/files").json()] == ["firmware"]


def test_the_reference_names_each_route_by_an_id_of_its_own() -> None:
    app = FastAPI()
    app.include_router(files.router(None))  # type: ignore[arg-type]
    ids = [operation["operationId"] for path in app.openapi()["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ids) == 12
