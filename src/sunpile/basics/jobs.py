"""What runs until the node stops: what fails once (a bad row, a store that is away) must not end the rest for good."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

log = logging.getLogger("sunpile.jobs")


@contextmanager
def goes_on(what: str) -> Generator[None]:
    """Do one round of `what`, or one piece of it; a failure is written to the log, and the next round tries again."""
    try:
        yield
    except Exception:
        log.exception("%s failed; it goes on with the next round", what)
