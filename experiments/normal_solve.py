"""`staghunt solve` on normal-form games: which solver a request goes to."""

from __future__ import annotations

from typing import Any

from experiments.requests import PLAY, TREE_METHODS, Request
from games.errors import InputError


def settle(asked: Request) -> Request:
    """Fill in what was left to us, and refuse what only a tree can have."""
    asked = asked._replace(concept=asked.concept or "cce")
    if asked.concept in ("efce", "efcce"):
        raise InputError(
            f"{asked.concept} is for games in extensive form; in the normal form it is "
            + ("the CE: use --concept ce" if asked.concept == "efce" else "the CCE: use --concept cce")
        )
    for given, option in (
        (asked.infoset, "--infoset"),
        (asked.checkpoint, "--checkpoint"),
        (asked.resume, "--resume"),
        (asked.alternating, "--alternating"),
    ):
        if given is not None:
            name = "--simultaneous" if option == "--alternating" and not given else option
            raise InputError(f"{name} is for games in extensive form, and this one is in normal form")
    if asked.every and asked.concept != "nash":
        raise InputError(f"--all lists all Nash equilibria; it does not go with --concept {asked.concept}")
    if asked.method != "auto" and asked.concept in ("qre", "alpharank"):
        raise InputError(f"--method does not go with --concept {asked.concept}, which has one method only")
    if asked.method in (*PLAY, *TREE_METHODS):
        raise InputError(
            f"--method {asked.method} is for games in extensive form, and this one is in normal form"
        )
    return asked


def solve_normal(game: Any, asked: Request, progress: Any) -> tuple[Any, ...]:
    """Hand the request to its solver; always a tuple of solutions."""
    if asked.concept in ("ce", "cce"):
        return (_correlated(game, asked, progress),)
    if asked.concept == "nash":
        return _nash(game, asked, progress)
    if asked.concept == "qre":
        from solvers.qre import qre

        return (qre(game, asked.lam or 0.0, seconds=asked.seconds, progress=progress),)
    from solvers.alpharank import alpharank

    return (alpharank(game, alpha=asked.alpha, population=asked.population, progress=progress),)


def budget(asked: Request, progress: Any) -> dict[str, Any]:
    """The arguments that every iterative solver takes."""
    import numpy as np

    return {
        "tolerance": asked.accepted,
        "seconds": asked.seconds,
        "iterations": asked.iterations,
        "rng": np.random.default_rng(asked.seed),
        "progress": progress,
    }


def _correlated(game: Any, asked: Request, progress: Any) -> Any:
    from solvers import correlated

    solver = correlated.ce if asked.concept == "ce" else correlated.cce
    objective = asked.objective or "welfare"
    return solver(game, objective, method=asked.method, sparse=asked.sparse, **budget(asked, progress))


def _nash(game: Any, asked: Request, progress: Any) -> tuple[Any, ...]:
    from solvers.nash import all_nash, nash

    if asked.every:
        return tuple(all_nash(game, asked.method, **budget(asked, progress)))
    return (nash(game, asked.method, **budget(asked, progress)),)
