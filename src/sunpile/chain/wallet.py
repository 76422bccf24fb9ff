"""Keys in files: Ethereum keystore v3 (scrypt), readable only by their owner."""

import secrets
from pathlib import Path
from typing import Any

import orjson

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.basics.keys import Key
from sunpile.basics.secret_files import write_private

SCRYPT_ROUNDS = 1 << 17


def new_password(path: Path) -> str:
    """Write a fresh random password to `path`, readable only by the owner, and return it."""
    password = secrets.token_urlsafe(24)
    _write_new(path, password.encode() + b"\n")
    return password


def read_password(path: Path) -> str:
    """The password in `path`, without the line's end."""
    if not path.is_file():
        raise NotFound(f"the password file {path} does not exist")
    return path.read_text().rstrip("\r\n")


def save_key(path: Path, key: Key, password: str, rounds: int = SCRYPT_ROUNDS) -> None:
    """Write `key` to `path` as keystore v3, sealed by `password`; an existing file is never replaced.

    `rounds` is the cost of scrypt (a power of two); only tests and towns lower it.
    """
    from eth_account import Account

    sealed: Any = Account.encrypt(key.secret, password, kdf="scrypt", iterations=rounds)
    _write_new(path, orjson.dumps(sealed, option=orjson.OPT_INDENT_2))


def load_key(path: Path, password: str) -> Key:
    """The key in the keystore file `path`.

    Raises
    ------
    NotFound
        if there is no such file.
    InputInvalid
        if it is no keystore, or the password is wrong.
    """
    if not path.is_file():
        raise NotFound(f"the key file {path} does not exist")
    from eth_account import Account

    try:
        return Key(bytes(Account.decrypt(orjson.loads(path.read_bytes()), password)))
    except Exception as fault:
        why = "the password is wrong" if "MAC mismatch" in str(fault) else "it is no keystore v3 file"
        raise InputInvalid(f"the key file {path} cannot be opened: {why}") from fault


def ensure_key(path: Path, password_file: Path, rounds: int = SCRYPT_ROUNDS) -> Key:
    """The key in `path`; made, with a password in `password_file`, if it does not exist yet."""
    if path.exists():
        return load_key(path, read_password(password_file))
    password = read_password(password_file) if password_file.exists() else new_password(password_file)
    key = Key.new()
    save_key(path, key, password, rounds)
    return key


def _write_new(path: Path, content: bytes) -> None:
    try:
        write_private(path, content)
    except FileExistsError as fault:
        raise InputInvalid(f"{path} exists already and is not replaced") from fault
