"""Files appear whole or not at all: written under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object], suffix: str = ".part") -> None:
    """Call `write(temporary)` on a name beside `path` that ends in `suffix`, then rename it to `path`.

    Raises
    ------
    OSError
        If the system refuses; then nothing is left behind.
    """
    handle, name = tempfile.mkstemp(prefix=".staghunt-", suffix=suffix, dir=path.parent)
    temporary = Path(name)
    try:
        os.close(handle)
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        mask = os.umask(
            0
        )  # the mode of a new file is what the user's umask says, which mkstemp does not respect
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
