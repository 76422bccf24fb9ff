"""A node as small as the town can tell: OCPP and HTTP over real sockets, a clock participant, a little memory.

It checks every OCPP message against the schemas of the `ocpp` package and every signature against EIP-712.
"""

import asyncio
import base64
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from sunpile.basics.ids import Address
from sunpile.basics.keys import recover
from sunpile.basics.pile import PILE, connector_number, text32
from sunpile.basics.reading import Reading, SignedReading
from sunpile.basics.typed_data import Domain
from sunpile.town import signing
from sunpile.wiring.clock import TownClock

ADMIN = "an admin token of a test"
CONTRACTS = {
    name: f"0x{number:040x}"
    for number, name in enumerate(("SettlementToken", "Registry", "EnergyMarket", "Council", "Channels"), 0xA1)
}
DOMAINS = signing.Domains(
    Domain("sunpile", 4242, Address(CONTRACTS["EnergyMarket"])),
    Domain("sunpile", 4242, Address(CONTRACTS["Registry"])),
    Domain("sunpile euro", 4242, Address(CONTRACTS["SettlementToken"])),
    Domain("sunpile channels", 4242, Address(CONTRACTS["Channels"])),
)
STEP_WH = 100


@cache
def schema(version: str, action: str) -> jsonschema_rs.Validator:
    """Request schema of an action."""
    folder, name = ("v16", f"{action}.json") if version == "ocpp1.6" else ("v201", f"{action}Request.json")
    text = (files("ocpp") / folder / "schemas" / name).read_text(encoding="utf-8-sig")
    return jsonschema_rs.validator_for(json.loads(text), validate_formats=True)


@dataclass
class FakeSession:
    """A charging session."""

    name: str
    station: str
    evse: int
    token: str
    start_wh: int
    price: int
    wh: int = 0
    active: bool = True

    @property
    def owed(self) -> int:
        return self.wh * self.price


@dataclass
class Memory:
    """What survives a kill."""

    points: list[dict[str, Any]] = field(default_factory=list)
    piles: dict[str, dict[str, Any]] = field(default_factory=dict)
    drivers: dict[str, str] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    paid: Counter[str] = field(default_factory=Counter)
    money: Counter[str] = field(default_factory=Counter)
    orders: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    readings: dict[tuple[int, int], int] = field(default_factory=dict)
    registers: dict[tuple[str, int], dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    sessions: dict[str, FakeSession] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    tariffs: list[dict[str, Any]] = field(default_factory=list)
    talk: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    invalid: list[str] = field(default_factory=list)


class FakeNode:
    """The node. `kill` and `start` may be called at any time."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.sockets: dict[str, ServerConnection] = {}
        self.calls: dict[str, asyncio.Future[Any]] = {}
        self.clock: TownClock | None = None
        self.late: set[str] = set()
        self.http_port = self.ocpp_port = 0
        self._http: uvicorn.Server | None = None
        self._running: list[asyncio.Task[Any]] = []
        self._ocpp: Any = None

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self, clock_port: int | None) -> None:
        """Listen, join the clock."""
        if clock_port:
            self.clock = TownClock("127.0.0.1", clock_port, "node")
            await self.clock.join()
        self._ocpp = await serve(
            self._station,
            "127.0.0.1",
            self.ocpp_port,
            subprotocols=["ocpp1.6", "ocpp2.0.1"],
            process_request=self._knock,
            compression=None,
        )
        self.ocpp_port = self._ocpp.sockets[0].getsockname()[1]
        config = uvicorn.Config(self._app(), port=self.http_port, log_level="error", lifespan="off", ws="none")
        self._http = uvicorn.Server(config)
        self._http.install_signal_handlers = lambda: None
        self._running.append(asyncio.create_task(self._http.serve()))
        while not self._http.started:
            await asyncio.sleep(0.01)
        self.http_port = self._http.servers[0].sockets[0].getsockname()[1]
        if self.clock:
            self.clock.ready()

    async def kill(self) -> None:
        """Fall over: sockets are cut, nothing is said."""
        self._ocpp.close(close_connections=False)
        for socket in list(self.sockets.values()):
            socket.transport.abort()
        self.sockets.clear()
        assert self._http
        self._http.force_exit = self._http.should_exit = True
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        if self.clock and self.clock._link:
            self.clock._link.cancel()
            await asyncio.gather(self.clock._link, return_exceptions=True)

    @property
    def urls(self) -> tuple[str, str]:
        """HTTP and OCPP."""
        return f"http://127.0.0.1:{self.http_port}", f"ws://127.0.0.1:{self.ocpp_port}/ocpp"

    # -- OCPP ---------------------------------------------------------------------------------------------------------

    async def _knock(self, connection: ServerConnection, request: Any) -> Any:
        station = request.path.rsplit("/", 1)[-1]
        given = base64.b64decode(request.headers.get("Authorization", "Basic ").split(" ", 1)[1]).decode()
        card = self.memory.piles.get(station)
        if card is None or given != f"{station}:{card['password']}":
            return connection.respond(401, "who are you?\n")
        return None

    async def _station(self, socket: ServerConnection) -> None:
        assert socket.request
        station = socket.request.path.rsplit("/", 1)[-1]
        self.sockets[station] = socket
        try:
            async for frame in socket:
                message = json.loads(frame)
                if message[0] == 2:
                    answer = self._answer(station, socket.subprotocol or "", message[2], message[3])
                    await socket.send(json.dumps([3, message[1], answer]))
                else:
                    self.calls.pop(message[1]).set_result(message[2])
        except ConnectionClosed:
            pass

    async def call(self, station: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a command and return the answer, or {"error": code}."""
        message_id = f"c{len(self.calls)}-{action}"
        self.calls[message_id] = asyncio.get_running_loop().create_future()
        future = self.calls[message_id]
        await self.sockets[station].send(json.dumps([2, message_id, action, payload]))
        answer = await asyncio.wait_for(future, 5)
        return answer if isinstance(answer, dict) else {"error": answer}

    def _answer(self, station: str, version: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            schema(version, action).validate(payload)
        except jsonschema_rs.ValidationError as fault:
            self.memory.invalid.append(f"{station} {action}: {fault.message}")
        body = f"{action} {json.dumps(payload, sort_keys=True)}"
        self.memory.talk[station].append(body)
        key = f"{station} {body}"
        if key not in self.memory.seen or action in ("BootNotification", "Heartbeat", "Authorize"):
            self.memory.seen[key] = self._act(station, version, action, payload)
        return self.memory.seen[key]

    def _act(self, station: str, version: str, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "BootNotification":
                return {"status": "Accepted", "currentTime": "2022-06-15T00:00:00Z", "interval": 900}
            case "Heartbeat":
                return {"currentTime": "2022-06-15T00:00:00Z"}
            case "Authorize" if version == "ocpp1.6":
                return {"idTagInfo": {"status": self._verdict(payload["idTag"])}}
            case "Authorize":
                return {"idTokenInfo": {"status": self._verdict(payload["idToken"]["idToken"])}}
            case "StartTransaction":
                number = len(self.memory.sessions) + 1
                at = payload["meterStart"]
                self._begin(str(number), station, payload["connectorId"], payload["idTag"], at)
                return {"transactionId": number, "idTagInfo": {"status": self._verdict(payload["idTag"])}}
            case "StopTransaction":
                self._meter(str(payload["transactionId"]), payload["meterStop"], ends=True)
                return {}
            case "MeterValues":
                return self._values(station, payload)
            case "TransactionEvent":
                return self._event(station, payload)
        return {}

    def _verdict(self, token: str) -> str:
        return "Accepted" if token in self.memory.drivers.values() else "Invalid"

    def _begin(self, name: str, station: str, evse: int, token: str, register: int) -> None:
        price = self.memory.piles[station]["price"]
        self.memory.sessions[name] = FakeSession(name, station, evse, token, register, price)

    def _meter(self, name: str, register: int, ends: bool = False) -> None:
        session = self.memory.sessions[name]
        session.wh = register - session.start_wh
        session.active = session.active and not ends

    def _values(self, station: str, payload: dict[str, Any]) -> dict[str, Any]:
        evse = payload.get("connectorId") or payload["evseId"]
        for value in payload["meterValue"]:
            register = register_of(value)
            if value["sampledValue"][0]["context"] == "Sample.Clock":
                self.memory.registers[station, evse][stamp_of(value)] = register
            if "transactionId" in payload:
                self._meter(str(payload["transactionId"]), register)
        return {}

    def _event(self, station: str, payload: dict[str, Any]) -> dict[str, Any]:
        name, evse = payload["transactionInfo"]["transactionId"], payload["evse"]["id"]
        value = payload["meterValue"][0]
        if payload["eventType"] == "Started":
            self._begin(name, station, evse, payload["idToken"]["idToken"], register_of(value))
            return {"idTokenInfo": {"status": self._verdict(payload["idToken"]["idToken"])}}
        if value["sampledValue"][0]["context"] == "Sample.Clock":
            self.memory.registers[station, evse][stamp_of(value)] = register_of(value)
        self._meter(name, register_of(value), ends=payload["eventType"] == "Ended")
        return {}

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    def _app(self) -> Starlette:
        routes = [
            Route("/api/info", self._info),
            Route("/rpc", self._rpc, methods=["POST"]),
            Route("/api/quote", self._quote),
            Route("/api/me/session", self._mine),
            Route("/api/sessions", self._start, methods=["POST"]),
            Route("/api/sessions/{name}", self._session),
            Route("/api/sessions/{name}/vouchers", self._voucher, methods=["POST"]),
        ]
        for path, act in {
            "admin/tariffs": self._tariff,
            "admin/points": self._point,
            "admin/piles": self._pile,
            "top-ups": self._top_up,
            "deposits": self._deposit,
            "orders": self._order,
            "readings": self._readings,
            "drivers": self._driver,
            "channels": self._channel,
        }.items():
            routes.append(Route(f"/api/{path}", self._body(act), methods=["POST"]))
        return Starlette(routes=routes)

    def _body(self, act: Any) -> Any:
        async def handle(request: Request) -> Response:
            body = json.loads(await request.body())
            return JSONResponse(act(body, request.headers.get("authorization", "")))

        return handle

    async def _info(self, request: Request) -> Response:
        return JSONResponse(
            {"chain_id": 4242, "contracts": CONTRACTS, "zone": 1, "tree": 1, "interval_length": 900}
            | {"payee": "0x" + "ee" * 20, "node_signer": "0x" + "cc" * 20, "members": [], "currency": "EUR"}
        )

    async def _rpc(self, request: Request) -> Response:
        call = json.loads(await request.body())["params"][0]
        if call["data"].startswith("0x70a08231"):
            result = self.memory.money["0x" + call["data"][-40:]].to_bytes(32, "big")
        else:
            name = b"sunpile euro"
            words = [bytes([0x0F]) + bytes(31), (224).to_bytes(32, "big"), bytes(160)]
            result = b"".join(words) + len(name).to_bytes(32, "big") + name.ljust(32, b"\0")
        return JSONResponse({"jsonrpc": "2.0", "id": 1, "result": "0x" + result.hex()})

    def _tariff(self, body: dict[str, Any], bearer: str) -> Any:
        assert bearer == f"Bearer {ADMIN}"
        self.memory.tariffs.append(body)
        return {}

    def _point(self, body: dict[str, Any], bearer: str) -> Any:
        assert bearer == f"Bearer {ADMIN}"
        self.memory.points.append(body)
        return {"point": len(self.memory.points)}

    def _pile(self, body: dict[str, Any], bearer: str) -> Any:
        assert bearer == f"Bearer {ADMIN}"
        for item, signature in zip(body["evses"], body["signatures"], strict=True):
            values = {
                "point": item["point"],
                "place": text32(body["place"]),
                "connector": connector_number(body["connector"]),
                "model": text32(body["model"]),
                "price": body["price"],
                "nonce": 1,
                "deadline": body["deadline"],
            }
            assert signed_by(PILE.digest(DOMAINS.registry, values), signature, body["owner"])
        self.memory.piles[body["station"]] = {**body, "password": "ab" * 20}
        return {"url": self.urls[1], "identity": body["station"], "password": "ab" * 20}

    def _top_up(self, body: dict[str, Any], _bearer: str) -> Any:
        self.memory.money[body["address"]] += body["minor"] * 10_000_000
        return {"reference": body["reference"], "nano": body["minor"] * 10_000_000, "state": "minted"}

    def _spend(self, body: dict[str, Any], who: str, to: Address, amount: int) -> None:
        values = {
            "from": who,
            "to": to,
            "value": amount,
            "validAfter": body["valid_after"],
            "validBefore": body["valid_before"],
            "nonce": bytes.fromhex(body["nonce"][2:]),
        }
        assert signed_by(signing.RECEIVE.digest(DOMAINS.token, values), body["signature"], who)
        self.memory.money[who] -= amount
        assert self.memory.money[who] >= 0

    def _deposit(self, body: dict[str, Any], _bearer: str) -> Any:
        assert int(body["nonce"][2:10], 16) == body["point"]
        self._spend(body, body["from"], DOMAINS.market.contract, body["amount"])
        return {}

    def _order(self, body: dict[str, Any], _bearer: str) -> Any:
        values = {**body, "maxWh": body["max_wh"]}
        owner = self.memory.points[body["point"] - 1]["owner"]
        assert signed_by(signing.ORDER.digest(DOMAINS.market, values), body["signature"], owner)
        self.memory.orders[body["point"], body["nonce"]] = body
        return {}

    def _readings(self, body: dict[str, Any], _bearer: str) -> Any:
        results: list[dict[str, Any]] = []
        for item in body["readings"]:
            raw = Reading(item["point"], item["interval"], item["wh"], bytes.fromhex(item["salt"][2:]))
            signer = SignedReading(raw, bytes.fromhex(item["signature"][2:])).signer(DOMAINS.market)
            key = item["point"], item["interval"]
            known = self.memory.readings.get(key)
            status = "accepted" if known is None else "duplicate" if known == item["wh"] else "differing"
            if signer != self.memory.points[item["point"] - 1]["meter_key"]:
                status = "refused"
            else:
                self.memory.readings.setdefault(key, item["wh"])
            results.append({"point": key[0], "interval": key[1], "status": status, "reason": ""})
        return {"results": results}

    def _driver(self, body: dict[str, Any], bearer: str) -> Any:
        assert bearer == f"Bearer {ADMIN}"
        api_key = f"key of {body['id_token']}"
        self.memory.drivers[api_key] = body["id_token"]
        return {"driver": f"d{len(self.memory.drivers)}", "api_key": api_key}

    def _channel(self, body: dict[str, Any], bearer: str) -> Any:
        self._spend(body, body["payer"], DOMAINS.channels.contract, body["deposit"])
        self.memory.channels[bearer.removeprefix("Bearer ")] = body
        return {"channel": body["nonce"]}

    async def _quote(self, request: Request) -> Response:
        return JSONResponse({"price": self.memory.piles[request.query_params["station"]]["price"]})

    def _active(self, api_key: str) -> FakeSession | None:
        token = self.memory.drivers[api_key]
        return next((s for s in self.memory.sessions.values() if s.active and s.token == token), None)

    async def _mine(self, request: Request) -> Response:
        api_key = request.headers["authorization"].removeprefix("Bearer ")
        session = self._active(api_key)
        if session is None:
            return JSONResponse({"title": "none"}, 404)
        return JSONResponse(self._view(session, api_key))

    def _view(self, session: FakeSession, api_key: str) -> dict[str, Any]:
        token = self.memory.drivers[api_key]
        owed = sum(s.owed for s in self.memory.sessions.values() if s.token == token)
        paid = self.memory.paid[api_key]
        due = owed + STEP_WH * session.price
        return {"session": session.name, "wh": session.wh, "owed": owed, "paid": paid, "due_cumulative": due}

    async def _session(self, request: Request) -> Response:
        api_key = request.headers["authorization"].removeprefix("Bearer ")
        return JSONResponse(self._view(self.memory.sessions[request.path_params["name"]], api_key))

    async def _voucher(self, request: Request) -> Response:
        api_key = request.headers["authorization"].removeprefix("Bearer ")
        body, opened = json.loads(await request.body()), self.memory.channels[api_key]
        values = {"channel": bytes.fromhex(opened["nonce"][2:]), "cumulative": body["cumulative"]}
        assert signed_by(signing.VOUCHER.digest(DOMAINS.channels, values), body["signature"], opened["signer"])
        assert body["cumulative"] <= opened["deposit"]
        self.memory.paid[api_key] = max(self.memory.paid[api_key], body["cumulative"])
        return JSONResponse(self._view(self.memory.sessions[request.path_params["name"]], api_key))

    async def _start(self, request: Request) -> Response:
        assert self.clock
        api_key = request.headers["authorization"].removeprefix("Bearer ")
        body, token = json.loads(await request.body()), self.memory.drivers[api_key]
        with self.clock.work():
            if self.sockets[body["station"]].subprotocol == "ocpp1.6":
                command = {"connectorId": body["evse"], "idTag": token}
                answer = await self.call(body["station"], "RemoteStartTransaction", command)
            else:
                command = {"evseId": body["evse"], "idToken": {"idToken": token, "type": "Central"}, "remoteStartId": 7}
                answer = await self.call(body["station"], "RequestStartTransaction", command)
        return JSONResponse(answer, 202 if answer["status"] == "Accepted" else 409)


def signed_by(digest: bytes, signature: str, address: str) -> bool:
    """Whether `address` signed."""
    return recover(digest, bytes.fromhex(signature[2:])) == address


def register_of(value: dict[str, Any]) -> int:
    """The energy register of a meter value [Wh]."""
    first = value["sampledValue"][0]
    unit = first.get("unit") or first["unitOfMeasure"]["unit"]
    return round(float(first["value"]) * (1000 if unit == "kWh" else 1))


def stamp_of(value: dict[str, Any]) -> int:
    """Unix time of a meter value."""
    from datetime import datetime

    return int(datetime.fromisoformat(value["timestamp"]).timestamp())
