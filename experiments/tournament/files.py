"""The files that a tournament's game and agents are made of, and what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from experiments.tournament.agents import IMPORT
from experiments.tournament.spec import Spec
from experiments.trained import is_trained
from games.errors import InputError
from games.policy_names import is_file


def files_of(spec: Spec) -> dict[str, str]:
    """SHA-256 of the files that the game and its agents are made of, by path."""
    game = env_file(spec.env)
    out = {} if game is None else {str(game): digest_of(game)}
    for role in spec.roles:
        for _, policy in role.agents:
            for path in _sources(policy):
                out[str(path)] = digest_of(path)
    return dict(sorted(out.items()))


def env_file(env: str) -> Path | None:
    """The file that an environment's URI names, as ``games/stag.nfg`` or ``game.efg?form=full``; None if it names none."""
    path = Path(env.partition("?")[0])
    try:
        return path if path.is_file() else None
    except OSError:  # too long for a path, say
        return None


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
