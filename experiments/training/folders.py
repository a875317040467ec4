"""Making the folder of a run, and having it for oneself."""

from __future__ import annotations

import contextlib
import os
from itertools import count
from pathlib import Path
from shlex import quote
from typing import Any

from experiments.atomic import write_text
from experiments.run_folders import HOME, PATIENCE, clear_temporary, locked, slug
from experiments.training.runs import FORMAT, SPEC, VERSION, Run, is_run
from experiments.training.settings import Spec
from experiments.training.yaml_text import dump
from games.errors import InputError

__all__ = ["PATIENCE", "check_out", "clear_temporary", "cut", "locked", "new_folder", "slug", "write_spec"]


def new_folder(spec: Spec, out: Path | None) -> Path:
    """Make the folder of a new run: `out`, or ``runs/<learner>-<env>`` with a number if that exists.

    Raises
    ------
    InputError
        If `out` holds anything, or the system refuses.
    """
    try:
        if out is not None:
            _check_empty(out)
            out.mkdir(parents=True, exist_ok=True)
            return out
        HOME.mkdir(exist_ok=True)
        for number in count(1):
            path = HOME / (f"{spec.name}-{slug(spec.env)}" + (f"-{number}" if number > 1 else ""))
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise InputError(f"cannot make the folder {out or HOME}: {error.strerror or error}") from None
    raise AssertionError


def check_out(out: Path | None) -> None:
    """Refuse a folder that a new run must not write to, before any work is done."""
    try:
        if out is not None:
            _check_empty(out)
    except OSError as error:
        raise InputError(f"--out {out}: {error.strerror or error}") from None


def _check_empty(out: Path) -> None:
    if is_run(out):
        raise InputError(
            f"--out {out} holds a run already; go on with it by `staghunt train --resume {quote(str(out))}`, or choose another folder"
        )
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file, expected a folder")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"--out {out} is not empty and not a run; choose another folder")


def write_spec(path: Path, spec: Spec, provenance: dict[str, Any]) -> Run:
    """Write `spec.yaml`, whole or not at all."""
    document = {"format": FORMAT, "version": VERSION, **spec.document(), "provenance": provenance}
    head = "# A run of `staghunt train`. `staghunt train --config` on this file trains the same again.\n"
    write_text(path / SPEC, head + dump(document))
    return Run(path, spec, provenance)


def cut(path: Path, size: int) -> None:
    """Shorten a file to what a checkpoint knew of it.

    Raises
    ------
    InputError
        If it is shorter than that already, so that something is missing.
    """
    have = path.stat().st_size if path.exists() else 0
    if have < size:
        raise InputError(
            f"{path} has {have:,} bytes, but the checkpoint beside it was written after {size:,}"
        )
    if have > size:
        try:
            os.truncate(path, size)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror or error}") from None
