"""Typed settings of a node and of a member: one TOML file in the data folder, environment variables on top.

`SUNPILE_HTTP_PORT=9000` overrides `http_port`. A wrong setting is refused with its key and what is allowed.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sunpile.basics.errors import SettingInvalid
from sunpile.basics.interval import check_length

FILE = "sunpile.toml"
T = TypeVar("T", bound="FileSettings")


class FileSettings(BaseSettings):
    """What a node and a member have in common."""

    model_config = SettingsConfigDict(env_prefix="SUNPILE_", extra="forbid", frozen=True)

    folder: Path = Path("data")
    """Where keys, database and chain journal live."""
    host: str = "127.0.0.1"
    """Address to listen on; loopback unless told otherwise."""
    database: str = ""
    """SQLAlchemy URL; empty = SQLite in the folder."""

    @classmethod
    def load(cls: type[T], folder: Path, **overrides: object) -> T:
        """Read `sunpile.toml` in `folder`; environment variables and `overrides` win.

        Raises
        ------
        SettingInvalid
            naming the key and the allowed values.
        """
        path = folder / FILE
        if not path.exists():
            raise SettingInvalid("folder", str(folder), f"a folder with {FILE}; make one with: sunpile init")
        try:
            values = tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as fault:
            raise SettingInvalid(FILE, str(path), f"valid TOML ({fault})") from fault
        values = {key: value for key, value in values.items() if f"SUNPILE_{key.upper()}" not in os.environ}
        try:
            return cls.model_validate({"folder": folder, **values, **overrides})
        except ValidationError as fault:
            first = fault.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise SettingInvalid(key, str(first.get("input", "")), _allowed(cls, key, first["msg"])) from fault


def _allowed(cls: type[BaseSettings], key: str, message: str) -> str:
    if key not in cls.model_fields:
        return "one of the keys " + ", ".join(sorted(cls.model_fields))
    return message[0].lower() + message[1:]


Port = Annotated[int, Field(ge=0, le=65535)]
IntervalLength = Annotated[int, AfterValidator(check_length)]


class NodeSettings(FileSettings):
    """Settings of `sunpile node`."""

    market: Literal["on", "off"] = "on"
    """off: charging stations only; no chain, no market, no Node.js."""
    http_port: Port = 8400
    """Page, API and RPC."""
    ocpp_port: Port = 8480
    """Piles connect to ws://HOST:PORT/ocpp/IDENTITY."""
    ocpp_tls_port: Port | None = None
    """Piles with TLS (security profiles 2 and 3) connect to wss://HOST:PORT/ocpp/IDENTITY; none: no such door."""
    insecure_profiles: list[Annotated[int, Field(ge=0, le=1)]] = []
    """Security profiles without TLS that are let in at `ocpp_port`: [1], or [0, 1] for a private network."""
    operator_name: str = Field("sunpile", min_length=1, max_length=64)
    """The operator's name: O in stations' certificates."""
    server_names: list[str] = []
    """Host names and addresses in the TLS door's certificate; empty: `host`."""
    old_tls_suites: bool = False
    """Let in stations that know only TLS suites without forward secrecy (TLS_RSA_WITH_AES_*_GCM, A00.FR.318)."""
    ocsp_hosts: list[str] = []
    """Hosts of certificate authorities that may be asked whether a certificate is revoked."""
    approve_above: int | None = Field(100, ge=1)
    """A run over more stations than this wants a second person's yes; none: never."""
    approve_dangerous_above: int | None = Field(1, ge=1)
    """The same for restarts, firmware and what clears things."""
    rpc_port: Port = 0
    """Port of the embedded engine on loopback; 0 = any free one."""
    engine: Literal["anvil", "rpc"] = "anvil"
    """anvil: embedded, one machine; rpc: any EVM chain at `rpc_url`."""
    rpc_url: str = ""
    """JSON-RPC of the `rpc` engine."""
    confirmations: int = Field(1, ge=1, le=1000)
    """Blocks until a foreign chain's block counts as final."""
    chain_id: int = Field(4242, ge=1, le=2**53)
    """EIP-155 chain id, of the embedded chain or of the one at `rpc_url`."""
    clock: str = Field("machine", pattern=r"^(machine|town://[^:/]+:\d+)$")
    """machine, or town://host:port for a simulated day."""
    interval_length: IntervalLength = 900
    """Seconds of a market interval: a divisor of 900 from 5 up."""
    grace: int = Field(60, ge=0, le=3600)
    """Seconds after an interval's end in which readings may still arrive."""
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")
    """ISO 4217."""
    retail_cap: int = Field(1_000_000, gt=0, le=2**31)
    """Highest retail tariff [micro/kWh]; sets the reserve of buyers."""
    co2_grid: int = Field(380, ge=0, le=2000)
    """Grams of CO2 in a kWh from the grid."""
    members: list[str] = []
    """URLs of the council members' processes."""
    genesis_time: int = Field(0, ge=0)
    """Time of the chain's first block [Unix s]; 0 = when it is initialised."""
    live_poll: int = Field(300, ge=5, le=900)
    """Seconds between polls of inverters for live power."""
    public_url: str = Field("", pattern=r"^(https?://[^/]+)?$")
    """Where people and stations reach the HTTP side, as https://csms.example; empty: host and port."""
    oidc_issuer: str = Field("", pattern=r"^(https?://\S+)?$")
    """URL of the operator's OpenID provider for staff; empty: none."""
    oidc_client_id: str = ""
    """What it calls this node."""
    oidc_client_secret: str = Field("", repr=False)
    """Empty for a public client: PKCE alone."""
    oidc_role_claim: str = "roles"
    """Claim that holds a member's role."""
    webhook_hosts: list[str] = []
    """host:port that webhooks may reach over plain HTTP or in private networks; others only over HTTPS, in public."""
    rpc_open: bool = True
    """false: `/rpc` wants the admin token, for zones with homes on a shared network."""
    shared: bool = False
    """true: `sunpile door` processes serve stations beside this node; wants `market = off` and PostgreSQL."""
    sandbox: bool = False
    """Top-ups without money: anybody with an account may mint. For first steps and towns, never where money is real."""
    open_town: bool = False
    """True only for a simulated town, where nobody is real: homes and full receipts are shown to everyone."""
    time_zone: str = "UTC"
    """IANA name of the zone's local time, for the page."""
    sample_interval: int = Field(300, ge=5, le=3600)
    """Seconds between a pile's meter samples while it charges."""

    @property
    def trades(self) -> bool:
        """True if this node has a market and a chain."""
        return self.market == "on"


class MemberSettings(FileSettings):
    """Settings of `sunpile member`."""

    port: Port = 8500
    """Port the member listens on."""
    rpc_url: str = "http://127.0.0.1:8400/rpc"
    """The chain as this member reads it."""
