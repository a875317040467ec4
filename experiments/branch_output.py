"""QRE branches as JSON documents and CSV text, of normal-form games and of trees alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.output import CELL_LIMIT, blocks_of, certificate_document, csv_text, game_document
from experiments.tree_output import tree_document
from games.behavior_files import behavior_rows
from games.tree import TreeGame


def branch_document(
    branch: Any,
    solutions: Sequence[Any] | None,
    scale: float,
    unit: str,
    which: Sequence[int] | None = None,
) -> dict[str, Any]:
    """What `qre --json` prints: every traced point, or the points asked for; lambda is multiplied by `scale`.

    On a tree `which` leaves out all other information sets, and of a branch with more probabilities than
    `CELL_LIMIT` only the end and points asked for have their `behavior`.
    """
    game = branch.game
    points = solutions
    if points is None:
        points = tuple(branch.solution(k) for k in range(branch.lambdas.size))
    if isinstance(game, TreeGame):
        listed = which is not None or solutions is not None or len(points) * game.slots <= CELL_LIMIT
        about, key = tree_document(game), "behavior"
        end: Any = behavior_rows(game, branch.limit, which)
    else:
        listed = True
        about, key = game_document(game), "profile"
        end = blocks_of(branch.limit, game.shape)
    arrived = float(branch.regrets[-1]) <= 1.001e-8 * game.span
    return {
        "game": about,
        "branch": [_point(game, s, key, scale, listed, which) for s in points],
        "lambda_unit": unit,
        "turning_points": branch.turning_points * scale,
        "bifurcations": branch.bifurcations * scale,
        "limit": end if arrived else None,
        "end": {
            "lambda": float(branch.lambdas[-1]) * scale,
            key: end,
            "max_regret": float(branch.regrets[-1]),
        },
        "status": branch.status,
        "interrupted": branch.interrupted,
        "stats": branch.stats,
    }


def _point(
    game: Any, solution: Any, key: str, scale: float, listed: bool, which: Sequence[int] | None
) -> dict[str, Any]:
    if key == "profile":
        play: Any = blocks_of(solution.profile, game.shape)
    else:
        play = behavior_rows(game, solution.behavior, which) if listed else None
    return {
        "lambda": float(solution.parameters["lambda"]) * scale,
        key: play,
        "values": solution.values,
        "status": solution.status,
        "certificate": certificate_document(solution.certificate),
        **({"multiple": True} if solution.stats.get("multiple") else {}),
    }


def branch_csv(branch: Any, solutions: Sequence[Any], scale: float) -> str:
    """The branch as a table: lambda, then the probability of every action, then the largest Nash regret."""
    from solvers.certificate import certify

    game = branch.game
    rows: list[list[Any]] = [["lambda", *columns(game), "max_nash_regret"]]
    for s in solutions:
        regret = certify(game, s.strategy, "nash").max_regret
        rows.append([float(s.parameters["lambda"]) * scale, *s.strategy.tolist(), regret])
    if not solutions:
        for lam, profile, regret in zip(branch.lambdas, branch.profiles, branch.regrets):
            rows.append([float(lam) * scale, *profile.tolist(), float(regret)])
    return csv_text(rows)


def columns(game: Any) -> list[str]:
    """A name for every probability: player (and information set) and action."""
    if isinstance(game, TreeGame):
        return [
            f"{game.players[owner]}:{name}:{action}"
            for owner, name, actions in zip(game.owner.tolist(), game.infosets, game.actions)
            for action in actions
        ]
    return [f"{player}:{a}" for player, names in zip(game.players, game.actions) for a in names]


def moving_blocks(branch: Any, limit: int) -> list[int]:
    """The blocks whose probabilities change most along the branch, in order of appearance."""
    if not branch.profiles.shape[1]:
        return []
    moved = np.maximum.reduceat(np.ptp(branch.profiles, axis=0), branch.game.offsets[:-1])
    return sorted(np.argsort(-moved, kind="stable")[:limit].tolist())
