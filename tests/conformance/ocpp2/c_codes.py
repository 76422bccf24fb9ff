"""Block C, codes: a driver without an account scans the QR code on a station and pays on the server's page (2.1)."""

import asyncio
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2

from conformance.ocpp2.i_costs import NANO, at_station, tariff
from conformance.ocpp2.states import Visit, until
from conformance.registry import case
from conformance.scene import Scene
from conformance.station import Payload

BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIELD = re.compile(r'name="(ticket|key)" value="([^"]*)"')
UNITS = 20


@dataclass
class Code:
    """A station's dynamic QR code, set up by the operator."""

    scene: Scene
    template: str
    secret: str
    validity_s: int
    length: int

    @classmethod
    async def set_up(cls, scene: Scene) -> "Code":
        """The operator gives the station its secret and its address."""
        body = {"station": scene.station.identity, "evse": 1, "validity_s": 30, "length": 8}
        asking = asyncio.create_task(scene.operator.post("/api/payments/qr-codes", body))
        request = await scene.station.expect("SetVariables", lambda payload: "WebPaymentsCtrlr" in str(payload))
        rows = request.payload["setVariableData"]
        assert all(row["component"] == {"name": "WebPaymentsCtrlr", "evse": {"id": 1}} for row in rows), rows
        values = {row["variable"]["name"]: row["attributeValue"] for row in rows}
        results = [
            {key: row[key] for key in ("component", "variable")} | {"attributeStatus": "Accepted"} for row in rows
        ]
        await request.answer({"setVariableResult": results})
        assert (await asking)["status"] == "Accepted"
        assert (values["TOTPVersion"], values["ValidityTime"], values["Length"]) == ("v1", "30", "8"), values
        assert len(values["SharedSecret"]) >= 16
        return cls(scene, values["URLTemplate"], values["SharedSecret"], 30, 8)

    def password(self, ahead: int = 0) -> str:
        """The time-based password the station shows now, or so many periods later."""
        step = int(time.time()) // self.validity_s + ahead
        digest = hmac.new(self.secret.encode(), step.to_bytes(8, "big"), hashlib.sha256).digest()
        begin = digest[-1] & 0x0F
        return "".join(BASE62[digest[(begin + at) % len(digest)] % 62] for at in range(self.length))

    def path(self, **changes: str) -> str:
        """Path and query of the address it shows, with changes."""
        values = {"chargingStationId": self.scene.station.identity, "evse": "1", "version": "v1"}
        values |= {"totp": self.password()} | changes
        address = self.template
        for name, value in values.items():
            address = address.replace("{" + name + "}", value)
        return "/" + address.split("/", 3)[3]


async def scanned(scene: Scene, path: str) -> httpx2.Response:
    """A driver's telephone opens the address."""
    async with phone(scene) as client:
        return await client.get(path)


def phone(scene: Scene) -> httpx2.AsyncClient:
    """A driver's browser, signed in nowhere."""
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{scene.node.http_port}", timeout=30, trust_env=False)


async def pay(scene: Scene, code: Code) -> tuple[Payload, str]:
    """Scan, choose an amount, pay: what the server asks the station to start, and the payment's number."""
    page = await scanned(scene, code.path())
    assert page.status_code == 200, page.text
    fields = dict(FIELD.findall(page.text))
    form = {"ticket": fields["ticket"], "key": fields["key"], "units": str(UNITS), "language": "en"}
    target = f"/pay/{scene.station.identity}/1"
    scene.station.habits["NotifyWebPaymentStarted"] = {}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with phone(scene) as client:
        paying = asyncio.create_task(client.post(target, content=urlencode(form), headers=headers))
        request = await scene.station.expect("RequestStartTransaction")
        await request.answer({"status": "Accepted"})
        answer = await paying
    assert answer.status_code == 303, answer.text
    told = [payload for action, payload in scene.station.heard if action == "NotifyWebPaymentStarted"]
    assert [(one["evseId"], one["timeout"] > 0) for one in told] == [(1, True)], told
    return request.payload, answer.headers["location"].rsplit("/", 1)[1]


async def payment(scene: Scene, number: str) -> dict[str, Any]:
    """The payment as the operator sees it."""
    rows = await scene.operator.get("/api/payments?limit=500")
    found: dict[str, Any] = next(row for row in rows if row["hold"] == number)
    return found


async def charged_by_code(scene: Scene) -> tuple[Visit, str]:
    """A driver who paid ahead by the code, charged, and left; the payment's number."""
    await at_station(scene, await tariff(scene))
    await scene.booted()
    asked, number = await pay(scene, await Code.set_up(scene))
    assert (asked["idToken"]["type"], asked["evseId"]) == ("DirectPayment", 1), asked
    visit = Visit(scene, asked["idToken"]["idToken"], kind="DirectPayment")
    answer = await visit.event("RemoteStart", token=visit.token, info={"remoteStartId": asked["remoteStartId"]})
    assert answer["idTokenInfo"]["status"] == "Accepted", answer
    assert answer["transactionLimit"]["maxCost"] == UNITS, answer
    visit.accepted = True
    await visit.charge()
    assert (await payment(scene, number))["state"] == "charging"
    answer = await visit.unplug()
    assert answer["totalCost"] == 1.5, answer
    await visit.is_over("EVDisconnected")
    return visit, number


async def settled(scene: Scene, number: str) -> None:
    """What was used is taken, and no more; the driver finds the receipt."""
    seen = await until(lambda: payment(scene, number), lambda found: found["state"] == "settled")
    assert (seen["taken_nano"], seen["nano"]) == (3 * NANO // 2, UNITS * NANO), seen
    page = await scanned(scene, f"/payments/{number}")
    assert page.status_code == 200
    assert "1.5" in page.text, page.text


@case("TC_C_131_CSMS", "2.1", basis="C25 with WebPaymentsCtrlr; schemas of NotifyWebPaymentStarted, TransactionEvent")
async def by_code(scene: Scene) -> None:
    visit, number = await charged_by_code(scene)
    await settled(scene, number)
    # The one-time token is good no more.
    asked = {"idToken": {"idToken": visit.token, "type": "DirectPayment"}}
    assert (await scene.station.call("Authorize", asked))["idTokenInfo"]["status"] != "Accepted"


@case("TC_C_117_CSMS", "2.1", basis="C21 settled by the server: a payment by its own rail, with its receipt page")
async def settled_here(scene: Scene) -> None:
    _, number = await charged_by_code(scene)
    await settled(scene, number)


async def turned_away(scene: Scene, path: str, *statuses: int) -> None:
    """Fail unless the page offers no way to pay, and nothing is asked of the station."""
    page = await scanned(scene, path)
    assert page.status_code in statuses, (path, page.status_code)
    assert 'name="ticket"' not in page.text
    assert "RequestStartTransaction" not in [action for action, _ in scene.station.heard]


@case("TC_C_132_CSMS", "2.1", basis="C25: parameters of the address that are wrong or missing")
async def wrong_parameters(scene: Scene) -> None:
    await scene.booted()
    code = await Code.set_up(scene)
    await turned_away(scene, code.path(chargingStationId="NOWHERE"), 404)
    await turned_away(scene, code.path(evse="9"), 403, 404)
    await turned_away(scene, code.path(evse="one"), 400)
    await turned_away(scene, code.path(version="v9"), 403)
    await turned_away(scene, code.path().split("?", maxsplit=1)[0], 403)


@case("TC_C_133_CSMS", "2.1", basis="C25: a password that is wrong, old, of another EVSE, or used")
async def wrong_password(scene: Scene) -> None:
    await at_station(scene, await tariff(scene))
    await scene.booted()
    code = await Code.set_up(scene)
    await turned_away(scene, code.path(totp="00000000"), 403)
    await turned_away(scene, code.path(totp=code.password(-3)), 403)
    await turned_away(scene, code.path(evse="2"), 403)
    # Who comes with the right one is served, and it pays only once.
    page = await scanned(scene, code.path())
    assert page.status_code == 200
    late = dict(FIELD.findall(page.text))
    asked, _ = await pay(scene, code)
    assert asked["evseId"] == 1
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    form = urlencode({"ticket": late["ticket"], "key": late["key"], "units": str(UNITS)})
    async with phone(scene) as client:
        again = await client.post(f"/pay/{scene.station.identity}/1", content=form, headers=headers)
    assert again.status_code == 409, again.text
    assert [action for action, _ in scene.station.heard].count("RequestStartTransaction") == 1
