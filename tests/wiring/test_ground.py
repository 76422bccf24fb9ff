"""What the doors of a node say to a new station."""

import pytest

from sunpile.settings import NodeSettings
from sunpile.wiring.ground import ocpp_url, usual_profile


@pytest.mark.parametrize(
    ("doors", "profile", "url"),
    [
        ({"ocpp_tls_port": 8481}, 2, "wss://127.0.0.1:8481/ocpp"),
        ({"ocpp_tls_port": 8481, "insecure_profiles": [1]}, 1, "ws://127.0.0.1:8480/ocpp"),
        ({"insecure_profiles": [0]}, 0, "ws://127.0.0.1:8480/ocpp"),
        ({"ocpp_tls_port": 8481, "server_names": ["csms.example"]}, 2, "wss://csms.example:8481/ocpp"),
    ],
)
def test_a_new_station_is_told_the_door_that_lets_it_in(doors: dict[str, object], profile: int, url: str) -> None:
    settings = NodeSettings.model_validate(doors)
    assert (usual_profile(settings), ocpp_url(settings)) == (profile, url)
