"""Where a run comes from: versions, the state of the sources, the machine, the command line and the date."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.bench import ledger

DISTRIBUTIONS = ("staghunt", "numpy", "torch", "numba", "safetensors")
"""On whose versions the numbers of a run may depend."""
PATIENCE = 10.0
"""Seconds that git has to answer."""


def provenance(device: str = "cpu", command: Sequence[str] | None = None) -> dict[str, Any]:
    """What is known about this process, as plain data.

    Parameters
    ----------
    device : str
        Where networks live; the name of a GPU is told.
    command : sequence of str, optional
        The command line, by default that of this process.
    """
    machine = {key: value for key, value in ledger.machine().items() if key not in ("python", "threads")}
    if device.startswith("cuda"):
        machine["gpu"] = _gpu(device)
    words = ["staghunt", *sys.argv[1:]] if command is None else list(command)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(words),
        "versions": {"python": machine_python(), **ledger.versions(DISTRIBUTIONS)},
        "git": git_state(),
        "machine": {**machine, "usable_cores": usable_cores()},
    }


def machine_python() -> str:
    """Version of the interpreter."""
    return ".".join(map(str, sys.version_info[:3]))


def usable_cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def git_state(root: Path = ledger.ROOT) -> dict[str, Any] | None:
    """Commit of the sources, and whether they were changed since; None where they are no git checkout."""
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        return None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changed is None else bool(changed)}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not as it was when a run began and may change its numbers, in words."""
    told = []
    old, new = _mapping(before.get("versions")), _mapping(now.get("versions"))
    for name in new:
        if name in old and old[name] != new[name]:
            told.append(f"{name} was {old[name]} and is {new[name]}")
    was, here = _mapping(before.get("git")).get("commit"), _mapping(now.get("git")).get("commit")
    if was and here and was != here:
        told.append(f"the sources were at commit {str(was)[:10]} and are at {str(here)[:10]}")
    cpu, ours = _mapping(before.get("machine")).get("cpu"), _mapping(now.get("machine")).get("cpu")
    if cpu and cpu != ours:
        told.append(f"the processor was {cpu} and is {ours}")
    return told


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _git(root: Path, *words: str) -> str | None:
    """What git answers, or None if it cannot."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _gpu(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name(device)) if torch.cuda.is_available() else "none"
