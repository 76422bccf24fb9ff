"""Every CSMS case of the OCA's lists, by version and id. A case without a script fails: none is skipped silently."""

import asyncio

import pytest

from conformance import ocpp2, ocpp16  # noqa: F401  (importing them registers the scripts)
from conformance.node import NodeProcess, Operator
from conformance.registry import SCRIPTS, Case, cases
from conformance.scene import new_scene

TIME_S = 60


PLAYED = [case for case in cases() if (case.version, case.id) in SCRIPTS]


@pytest.mark.parametrize("case", PLAYED, ids=lambda case: f"{case.version}-{case.id}")
def test_case(case: Case, node: NodeProcess) -> None:
    script = SCRIPTS[case.version, case.id]

    async def play() -> None:
        async with node.client() as client, asyncio.timeout(TIME_S):
            scene = await new_scene(node, Operator(client), case.version)
            try:
                await script.play(scene)
                assert scene.station.unexpected == []
            finally:
                await scene.station.close()

    asyncio.run(play())


def test_every_case_has_a_script() -> None:
    assert [f"{case.version} {case.id}" for case in cases() if (case.version, case.id) not in SCRIPTS] == []


def test_every_script_plays_a_case_of_the_list() -> None:
    assert set(SCRIPTS) <= {(case.version, case.id) for case in cases()}
