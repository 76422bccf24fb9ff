"""Keys in files."""

import stat
from pathlib import Path

import pytest

from sunpile.basics.errors import InputInvalid, NotFound
from sunpile.basics.keys import Key
from sunpile.chain.wallet import ensure_key, load_key, new_password, read_password, save_key

CHEAP = 1 << 10


def test_a_key_survives_its_file_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    key, path = Key.new(), tmp_path / "keys" / "node.json"
    save_key(path, key, "secret", CHEAP)
    assert load_key(path, "secret").address == key.address
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.secret.hex() not in path.read_text()
    assert list(path.parent.iterdir()) == [path]


def test_a_wrong_password_and_a_wrong_file_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "node.json"
    save_key(path, Key.new(), "secret", CHEAP)
    with pytest.raises(InputInvalid, match="the password is wrong"):
        load_key(path, "Secret")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputInvalid, match="no keystore v3"):
        load_key(tmp_path / "other.json", "secret")
    with pytest.raises(NotFound):
        load_key(tmp_path / "none.json", "secret")


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    path, key = tmp_path / "node.json", Key.new()
    save_key(path, key, "secret", CHEAP)
    with pytest.raises(InputInvalid, match="exists already"):
        save_key(path, Key.new(), "secret", CHEAP)
    assert load_key(path, "secret").address == key.address


def test_a_key_is_made_once(tmp_path: Path) -> None:
    path, password = tmp_path / "node.json", tmp_path / "password"
    first = ensure_key(path, password, CHEAP)
    assert ensure_key(path, password, CHEAP).address == first.address
    assert stat.S_IMODE(password.stat().st_mode) == 0o600


def test_a_password_file_may_end_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "password"
    assert new_password(path) == read_password(path)
    path.write_text("with spaces \r\n")
    assert read_password(path) == "with spaces "
    with pytest.raises(NotFound):
        read_password(tmp_path / "none")
