"""The page on loopback over a sample day: `python -m tests.browser.serve` to look at it, a fixture for the tests."""

import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from tests.people.house import ADMIN, House, open_house, write_day

from sunpile.people.ports import ApiSettings


@contextmanager
def serve(house: House, port: int = 0) -> Iterator[str]:
    """Run the application in a thread and give its URL."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(house.app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        house.hub.close()
        server.should_exit = True
        thread.join(5)
        house.database.close()


def main() -> None:
    """Serve until Ctrl-C."""
    intervals = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    with tempfile.TemporaryDirectory() as folder:
        file = write_day(Path(folder) / "day.db", intervals)
        with serve(open_house(file, ApiSettings(ADMIN, open_town=True), intervals), 8499) as url:
            print(url)
            threading.Event().wait()


if __name__ == "__main__":
    main()
