"""What `staghunt psro` was asked: checked before anything is read, then carried out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from experiments.psro.meta import Meta
from experiments.psro.oracles import Oracle, make_oracle
from games.errors import InputError

ITERATIONS = {"exact": 1000, "mccfr": 1000, "rl": 10}
EFFORT = {"mccfr": "traversals", "rl": "steps"}


class Request(NamedTuple):
    """The words of the command line."""

    game: str
    oracle: str = "exact"
    meta: str = "nash"
    objective: str | None = None
    lam: float | None = None
    iterations: int | None = None
    tolerance: float = 1e-3
    seconds: float | None = None
    effort: int | None = None
    learner: str = "ippo"
    episodes: int = 400
    max_steps: int | None = None
    max_nodes: int | None = None
    allow_import: tuple[str, ...] = ()
    seed: int = 0

    @property
    def solver(self) -> Meta:
        """The meta-solver."""
        return Meta(self.meta, self.objective, self.lam)

    @property
    def finder(self) -> Oracle:
        """The oracle, with its settings."""
        settings: dict[str, Any] = {}
        if self.oracle in EFFORT and self.effort is not None:
            settings[EFFORT[self.oracle]] = self.effort
        if self.oracle == "rl":
            settings |= {"learner": self.learner, "episodes": self.episodes, "max_steps": self.max_steps}
        return make_oracle(self.oracle, **settings)


def check(asked: Request) -> Request:
    """Refuse what cannot be meant, before the game is even read.

    Raises
    ------
    InputError
        With one sentence that names the option.
    """
    from experiments.requests import check_budget

    if asked.meta == "qre" and asked.lam is None:
        raise InputError("--meta qre needs --lambda L, in 1/payoff units")
    if not (math.isfinite(asked.tolerance) and asked.tolerance >= 0):
        raise InputError(f"--tol is a number of at least 0, got {asked.tolerance:g}")
    check_budget(asked.seconds, asked.iterations)
    for count, option in (
        (asked.effort, "--effort"),
        (asked.episodes, "--episodes"),
        (asked.max_steps, "--max-steps"),
    ):
        if count is not None and count < 1:
            raise InputError(f"{option} is at least 1, got {count}")
    _ = asked.solver
    _ = asked.finder
    if asked.effort is not None and asked.oracle not in EFFORT:
        raise InputError("--effort is for --oracle rl and mccfr; exact best responses need none")
    if asked.oracle == "rl":
        from marl.learners import LEARNERS

        if asked.learner not in LEARNERS:
            raise InputError(f"--learner {asked.learner!r} is none of {', '.join(LEARNERS)}")
    return asked._replace(iterations=asked.iterations or ITERATIONS[asked.oracle])


def carry_out(asked: Request, progress: Any) -> Any:
    """Load and run; an `experiments.psro.loop.Result`.

    Raises
    ------
    InputError
        If there is no such game, or the oracle or meta-solver does not work in it.
    """
    from experiments.psro.loop import psro

    return psro(
        _opened(asked, progress),
        oracle=asked.finder,
        meta=asked.solver,
        rng=np.random.default_rng(asked.seed),
        iterations=asked.iterations,
        tolerance=asked.tolerance,
        seconds=asked.seconds,
        episodes=asked.episodes,
        max_steps=asked.max_steps,
        progress=progress,
    )


def _opened(asked: Request, progress: Any) -> Any:
    """A game, or for a learner an environment where there is no game that could be held."""
    from games.env_uris import is_environment_only, make_env
    from games.load import load

    if is_environment_only(asked.game):
        return make_env(asked.game, allow_import=asked.allow_import)
    try:
        return load(asked.game, max_nodes=asked.max_nodes, progress=progress)
    except InputError:
        if asked.oracle != "rl":
            raise
        return make_env(asked.game, allow_import=asked.allow_import)
