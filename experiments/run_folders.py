"""Folders of runs and tournaments: their names, having one for oneself, and what a killed process left there."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shlex import quote

from games.errors import InputError

HOME = Path("runs")
LOCK = ".lock"
PATIENCE = 3.0
"""Seconds in which the processes of a killed run have noticed and left."""
TEMPORARY = ".staghunt-*"
"""What `games.atomic` calls files that are not whole yet."""


def slug(text: str) -> str:
    """A text as part of a folder's name.

    >>> slug("pettingzoo:mpe2.simple_spread_v3?N=3")
    'pettingzoo-mpe2.simple_spread_v3-n-3'
    """
    flat = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.").lower()
    return flat[:80].rstrip("-.") or "env"


@dataclass(frozen=True)
class Kind:
    """What a folder may hold.

    Parameters
    ----------
    noun : str
        What it is called: ``run``, ``tournament``.
    command : str
        What goes on with one, as ``staghunt train``.
    is_one : callable
        Whether a folder holds one already.
    """

    noun: str
    command: str
    is_one: Callable[[Path], bool]


def new_folder(kind: Kind, stem: str, out: Path | None) -> Path:
    """Make a folder: `out`, or ``runs/<stem>`` with a number if that exists.

    Raises
    ------
    InputError
        If `out` holds anything, or the system refuses.
    """
    try:
        if out is not None:
            _check_empty(kind, out)
            out.mkdir(parents=True, exist_ok=True)
            return out
        HOME.mkdir(exist_ok=True)
        for number in count(1):
            path = HOME / (stem + (f"-{number}" if number > 1 else ""))
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise InputError(f"cannot make the folder {out or HOME}: {error.strerror or error}") from None
    raise AssertionError


def check_out(kind: Kind, out: Path | None) -> None:
    """Refuse a folder that something new must not be written to, before any work is done."""
    try:
        if out is not None:
            _check_empty(kind, out)
    except OSError as error:
        raise InputError(f"--out {out}: {error.strerror or error}") from None


def _check_empty(kind: Kind, out: Path) -> None:
    if kind.is_one(out):
        raise InputError(
            f"--out {out} holds a {kind.noun} already; go on with it by `{kind.command} --resume {quote(str(out))}`, "
            "or choose another folder"
        )
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file, expected a folder")
    # what a process that was killed at the very beginning left behind does not count
    if out.is_dir() and any(not (path.name == LOCK or path.match(TEMPORARY)) for path in out.iterdir()):
        raise InputError(f"--out {out} is not empty and not a {kind.noun}; choose another folder")


@contextlib.contextmanager
def locked(folder: Path, patience: float = PATIENCE, *, doing: str = "training") -> Iterator[None]:
    """Nobody else writes here in the meantime; the system ends the lock with the process, however that ends.

    Parameters
    ----------
    folder : Path
        Of a run, or of a seed.
    patience : float
        Seconds to wait for somebody who may be leaving.
    doing : str
        What such a process does, for the message.

    Raises
    ------
    InputError
        If another process is at work here.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from None
    try:
        deadline = time.monotonic() + patience
        while not _lock(handle):
            if time.monotonic() > deadline:
                raise InputError(f"another process is {doing} in {folder}; wait for it, or end it")
            time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Whether we have the lock now; where the system knows no locks, nobody is kept out."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def clear_temporary(folder: Path) -> None:
    """Delete what a killed process left half written."""
    for path in folder.glob(TEMPORARY):
        with contextlib.suppress(OSError):
            path.unlink()
