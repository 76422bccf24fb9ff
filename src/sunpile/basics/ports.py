"""Chapter 0 needs one thing of others: the time, so that a day can pass in a minute and a test can hold it still."""

from contextlib import AbstractContextManager
from typing import Protocol


class Clock(Protocol):
    """The node's only source of time. Unix seconds, UTC, whole."""

    def now(self) -> int:
        """Unix time now [s]."""
        ...

    async def sleep_until(self, when: int) -> None:
        """Return when `now() >= when` [Unix s]. A periodic job calls it again each round."""
        ...

    def work(self) -> AbstractContextManager[None]:
        """Mark work in progress: a virtual clock does not move on before it ends."""
        ...
