"""Where outputs may go, and writing them whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from games import atomic
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
    try:
        atomic.write_atomically(path, write, path.suffix)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
