"""`staghunt solve` on trees: which solver a settled request goes to, and what an interrupt leaves behind."""

from __future__ import annotations

import math
import time
from typing import Any

from experiments.checkpoint import Checkpoint, Keeper
from experiments.interrupts import Patience
from experiments.requests import PLAY, Request
from experiments.tree_request import SWEEPS, options_of, settle
from games.errors import InputError
from games.tree import TreeGame

Answer = tuple[Request, tuple[Any, ...], float]
"""The request as settled, the solutions, and how many seconds they took."""


class Stopped(Exception):
    """Ctrl-C during self-play whose state is kept in a file."""


def answer_tree(game: TreeGame, asked: Request, progress: Any) -> Answer:
    """Settle the request, solve, certify.

    Raises
    ------
    InputError
        If the request does not fit the game.
    Stopped
        On Ctrl-C, when a checkpoint has been written; its text says how to go on.
    """
    asked, found = settle(game, asked)
    keeper = keeper_of(game, asked)
    start = time.perf_counter()
    progress(math.nan, f"solving for {asked.concept}")
    try:
        if keeper is None:
            solutions = solve_tree(game, asked, found, None, progress)
        else:
            with Patience(progress) as patient:
                solutions = solve_tree(game, asked, found, keeper, patient)
        progress(math.nan, "certifying")
        for solution in solutions:
            _ = solution.certificate
    except KeyboardInterrupt:
        if keeper is None or not keeper.written:
            raise
        raise Stopped(f"interrupted; --resume {keeper.path} goes on from here") from None
    return asked, solutions, time.perf_counter() - start


def solve_tree(
    game: TreeGame, asked: Request, found: Checkpoint | None, keeper: Keeper | None, progress: Any
) -> tuple[Any, ...]:
    """Hand a settled request to its solver; always a tuple of solutions."""
    if asked.method in PLAY:
        return (_play(game, asked, found, keeper, progress),)
    concept = asked.concept
    if concept in ("ce", "cce", "alpharank"):
        return _strategic(game, asked, progress)
    limits: dict[str, Any] = {"seconds": asked.seconds, "progress": progress}
    if concept in ("efce", "efcce"):
        from solvers.efce import efcce, efce

        solver = efce if concept == "efce" else efcce
        return (solver(game, asked.objective or "welfare", **limits),)
    if concept == "qre":
        from solvers.tree_qre import agent_qre

        return (agent_qre(game, asked.lam or 0.0, **limits),)
    import numpy as np

    from solvers.tree_nash import tree_nash

    rng = np.random.default_rng(asked.seed)
    limits |= {"tolerance": asked.accepted, "iterations": asked.iterations, "rng": rng}
    method = "qre" if asked.method == "agent-qre" else asked.method
    return (tree_nash(game, method, **limits),)


def keeper_of(game: TreeGame, asked: Request) -> Keeper | None:
    """What writes the checkpoint: to the file named, else to the one resumed from."""
    path = asked.checkpoint or asked.resume
    return None if path is None else Keeper(path, game, asked.concept or "", asked.method, options_of(asked))


def _play(
    game: TreeGame, asked: Request, found: Checkpoint | None, keeper: Keeper | None, progress: Any
) -> Any:
    limits = {
        "tolerance": asked.accepted,
        "seconds": asked.seconds,
        "iterations": asked.iterations,
        "progress": progress,
        "resume": None if found is None else found.state,
        "save": keeper,
    }
    if asked.method in SWEEPS:
        from solvers.cfr import cfr

        return cfr(game, asked.method, concept=asked.concept, alternating=asked.alternating, **limits)
    if asked.method == "mmd":
        from solvers.mirror import mmd

        return mmd(game, asked.lam, **limits)
    import numpy as np

    from solvers.mccfr import mccfr

    return mccfr(game, asked.method, rng=np.random.default_rng(asked.seed), **limits)


def _strategic(game: TreeGame, asked: Request, progress: Any) -> tuple[Any, ...]:
    """The concepts of the normal form, on the reduced strategic form."""
    from experiments.normal_solve import solve_normal

    try:
        normal = game.to_normal()
    except InputError as error:
        if asked.concept == "cce":
            raise InputError(
                f"a CCE by --objective, --sparse or --method {asked.method} needs the strategic form, and {error}; "
                "without these, or with --method pcfr+, self-play finds one on the tree"
            ) from None
        two = len(game.players) == 2 and not game.has_chance
        other = "efce" if two and asked.concept == "ce" else "cce"
        raise InputError(
            f"--concept {asked.concept} needs the strategic form, and {error}; --concept {other} works on the tree"
        ) from None
    return solve_normal(normal, asked, progress)
