"""One node for all cases; each case has a station of its own."""

from collections.abc import Iterator

import pytest

from conformance.node import NodeProcess


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A running node with `market = off`."""
    process = NodeProcess(tmp_path_factory.mktemp("conformance") / "node")
    process.start()
    yield process
    process.stop()
