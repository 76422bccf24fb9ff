"""Writing files that hold a secret, such as a key."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write all or nothing, mode 0600.

    Raises
    ------
    FileExistsError
        if there is such a file: it is never replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    finally:
        beside.unlink()
