"""A node's data folder: settings, keys, the admin token, what is deployed, the members that run beside it."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sunpile.basics.errors import Conflict, NotFound, SettingInvalid
from sunpile.basics.keys import Key
from sunpile.chain import Deployment
from sunpile.chain.wallet import SCRYPT_ROUNDS, ensure_key, load_key, read_password
from sunpile.settings import FILE

ROLES = ("admin", "operator", "relayer", "minter", "utility", "payee", "node")
"""One key per job: deploy and wire; register and publish; settle; mint; the grid's account; be paid by drivers; sign
readings of meters that cannot."""
TOWN_ROUNDS = 1 << 10
"""Cost of scrypt for keys of a simulated town, which guard nothing."""


@dataclass(frozen=True)
class Folder:
    """Paths and contents of a data folder."""

    path: Path

    @property
    def password_file(self) -> Path:
        """Opens the key files; belongs on another disk where money is real."""
        return self.path / "keys" / "password"

    @property
    def chain(self) -> Path:
        """Journal and snapshots of the embedded engine."""
        return self.path / "chain"

    def key_file(self, name: str) -> Path:
        """Keystore file of a key."""
        return self.path / "keys" / f"{name}.json"

    def member(self, seat: int) -> Path:
        """Folder of the member in `seat`, if it runs here."""
        return self.path / "members" / str(seat)

    def database_url(self, configured: str) -> str:
        """The configured database, or SQLite in the folder."""
        return configured or f"sqlite:///{self.path.resolve() / 'sunpile.db'}"

    def create(self, settings: Mapping[str, object], quick_keys: bool = False, roles: Sequence[str] = ROLES) -> None:
        """Make the folder with its settings, keys and admin token.

        Raises
        ------
        Conflict
            if there is one already.
        """
        if (self.path / FILE).exists():
            raise Conflict(f"{self.path} has a {FILE} already; choose another folder")
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / FILE).write_text(to_toml(settings))
        for role in roles:
            ensure_key(self.key_file(role), self.password_file, TOWN_ROUNDS if quick_keys else SCRYPT_ROUNDS)
        token = self.path / "admin.token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_urlsafe(32) + "\n")

    def create_member(self, seat: int, settings: Mapping[str, object], quick_keys: bool = False) -> Key:
        """Make the folder of a member: its own settings, key and password."""
        inner = Folder(self.member(seat))
        inner.path.mkdir(parents=True, exist_ok=True)
        (inner.path / FILE).write_text(to_toml(settings))
        rounds = TOWN_ROUNDS if quick_keys else SCRYPT_ROUNDS
        return ensure_key(inner.key_file("member"), inner.password_file, rounds)

    def key(self, name: str) -> Key:
        """Open a key."""
        return load_key(self.key_file(name), read_password(self.password_file))

    def secret(self, name: str) -> bytes:
        """32 random bytes that outlive the process, made when first asked for."""
        path = self.path / "keys" / f"{name}.secret"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.touch(mode=0o600)
            partial.write_bytes(secrets.token_bytes(32))
            partial.rename(path)
        return path.read_bytes()

    def admin_token(self) -> str:
        """Bearer token of whoever runs the node."""
        path = self.path / "admin.token"
        if not path.exists():
            raise SettingInvalid("folder", str(self.path), "a folder made by: sunpile init")
        return path.read_text().strip()

    def save_deployment(self, deployment: Deployment) -> None:
        """Keep what is where on chain."""
        partial = self.path / "deployment.partial"
        partial.write_text(deployment.to_json())
        partial.rename(self.path / "deployment.json")

    def deployment(self) -> Deployment:
        """What is where on chain."""
        path = self.path / "deployment.json"
        if not path.exists():
            raise NotFound(f"{self.path} has no deployment yet; finish it with: sunpile init --folder {self.path}")
        return Deployment.from_json(path.read_text())


def to_toml(settings: Mapping[str, object]) -> str:
    """Settings as TOML: numbers, text and lists of text."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
