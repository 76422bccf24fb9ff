from pathlib import Path

import pytest

from sunpile.basics.errors import SettingInvalid
from sunpile.settings import NodeSettings


def write(folder: Path, text: str) -> Path:
    (folder / "sunpile.toml").write_text(text)
    return folder


def test_the_file_is_read_the_environment_wins_and_the_command_line_wins_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path, "http_port = 9000\nocpp_port = 9001\ngrace = 30\n")
    monkeypatch.setenv("SUNPILE_OCPP_PORT", "9100")
    settings = NodeSettings.load(folder, grace=10)
    assert (settings.http_port, settings.ocpp_port, settings.grace) == (9000, 9100, 10)


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        ("interval_length = 7", "interval_length", "divisor of 900"),
        ("http_port = 99999", "http_port", "65535"),
        ("engine = 'geth'", "engine", "'anvil' or 'rpc'"),
        ("grase = 60", "grase", "grace"),
        ("clock = 'sundial'", "clock", "town://"),
        ("this is not toml", "sunpile.toml", "TOML"),
    ],
)
def test_a_wrong_setting_names_its_key_and_what_is_allowed(tmp_path: Path, text: str, key: str, allowed: str) -> None:
    with pytest.raises(SettingInvalid, match=allowed) as fault:
        NodeSettings.load(write(tmp_path, text))
    assert fault.value.key == key


def test_a_folder_without_settings_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="sunpile init"):
        NodeSettings.load(tmp_path)
