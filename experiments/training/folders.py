"""Making the folder of a run, and having it for oneself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from experiments import run_folders
from experiments.atomic import write_text
from experiments.run_folders import PATIENCE, clear_temporary, locked, slug
from experiments.training.runs import FORMAT, SPEC, VERSION, Run, is_run
from experiments.training.settings import Spec
from experiments.training.yaml_text import dump
from games.errors import InputError

__all__ = ["PATIENCE", "check_out", "clear_temporary", "cut", "locked", "new_folder", "slug", "write_spec"]


KIND = run_folders.Kind("run", "staghunt train", is_run)


def new_folder(spec: Spec, out: Path | None) -> Path:
    """Make the folder of a new run: `out`, or ``runs/<learner>-<env>`` with a number if that exists.

    Raises
    ------
    InputError
        If `out` holds anything, or the system refuses.
    """
    return run_folders.new_folder(KIND, f"{spec.name}-{slug(spec.env)}", out)


def check_out(out: Path | None) -> None:
    """Refuse a folder that a new run must not write to, before any work is done."""
    run_folders.check_out(KIND, out)


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
