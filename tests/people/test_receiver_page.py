"""The code on the page for receivers does what it says."""

import re
import time
from pathlib import Path

from sunpile.fleet.webhooks import Hook, rotated, signature

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "receive-webhooks.md"


def test_code_of_the_page_checks_signatures() -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, object] = {}
    exec(code[0], names)
    genuine, now = names["genuine"], int(time.time())
    hook = rotated(Hook("h", "t", "", (), "old"), "new", now)
    header = signature(hook, now, "{}")
    assert callable(genuine)
    assert [genuine(secret, header, b"{}") for secret in ("new", "old", "other")] == [True, True, False]
    assert not genuine("new", header, b"{ }")
    assert not genuine("new", signature(hook, now - 301, "{}"), b"{}")
    assert not genuine("new", header.replace("t=", "t=1"), b"{}")
    assert not genuine("new", "", b"{}")
