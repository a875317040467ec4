"""Files appear whole or not at all: write under a temporary name in the same folder, then rename."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from games.errors import InputError


def check_writable(path: Path | None, suffixes: Sequence[str], what: str) -> None:
    """Refuse an output path that could not be written later, before any work is done.

    Parameters
    ----------
    path : Path or None
        Where the output shall go; None is always fine.
    suffixes : sequence of str
        The suffixes (lower case, with the dot) that are supported.
    what : str
        The option, for the message.

    Raises
    ------
    InputError
        If the folder is missing or not writable, the suffix is unknown or the path is a folder.
    """
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{what} {path}: unsupported suffix {path.suffix!r}, use {', '.join(suffixes)}")
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"{what} {path}: the folder {folder} does not exist")
    if path.is_dir():
        raise InputError(f"{what} {path} is a folder, expected a file name")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{what} {path}: the folder {folder} is not writable")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary)` on a name beside `path` with the same suffix, then rename it to `path`.

    Raises
    ------
    InputError
        If the system refuses, with its reason.
    """
    temporary = None
    try:
        # the mode of a new file is what the user's umask says, which mkstemp does not respect
        handle, name = tempfile.mkstemp(prefix=".staghunt-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
        temporary = None
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
