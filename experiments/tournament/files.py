"""The files that a tournament's agents are made of, and what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from experiments.tournament.agents import IMPORT
from experiments.tournament.spec import Spec
from experiments.trained import is_trained
from games.errors import InputError
from games.policy_names import is_file


def files_of(spec: Spec) -> dict[str, str]:
    """SHA-256 of the files that agents are made of, by path."""
    out = {}
    for role in spec.roles:
        for _, policy in role.agents:
            for path in _sources(policy):
                out[str(path)] = digest_of(path)
    return dict(sorted(out.items()))


def _sources(policy: str) -> list[Path]:
    if policy.startswith(IMPORT):
        return []
    if is_trained(policy):
        from experiments.trained import checkpoints

        return sorted(checkpoints(Path(policy))[1].values())
    return [Path(policy)] if is_file(policy) and Path(policy).is_file() else []


def digest_of(path: Path) -> str:
    """SHA-256 of a file; `InputError` if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
