"""Counterfactual regret minimisation: CFR, CFR+, discounted and predictive CFR on any tree with perfect recall.

In two-player constant-sum games the average strategies converge to a Nash equilibrium. With more players or general
sums they do not: there it is the joint play, one profile drawn and played to the end, that converges to a normal-form
coarse correlated equilibrium (see `solvers.cfr_joint`), and that is what is returned and certified.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.tree import TreeGame
from solvers.best_response import arrays, from_plan, to_plan, to_strategy
from solvers.self_play import Gap, State, play
from solvers.sequences import Sequences, sequences_of
from solvers.solution import Progress, Solution


class Rule(NamedTuple):
    """How regrets are kept and plays averaged; see `solvers.cfr_kernels.iterate`."""

    predictive: bool
    alpha: float
    beta: float
    gamma: float


RULES = {
    "cfr": Rule(False, math.inf, math.inf, 0.0),
    "cfr+": Rule(False, math.inf, -math.inf, 1.0),
    "dcfr": Rule(False, 1.5, 0.0, 2.0),
    "pcfr+": Rule(True, math.inf, -math.inf, 2.0),
}
"""The published settings: CFR averages uniformly, CFR+ linearly, discounted and predictive CFR quadratically."""


def cfr(
    game: TreeGame,
    method: str = "pcfr+",
    *,
    concept: str | None = None,
    alternating: bool | None = None,
    alpha: float | None = None,
    beta: float | None = None,
    gamma: float | None = None,
    tolerance: float = 1e-3,
    seconds: float | None = None,
    iterations: int | None = None,
    progress: Progress | None = None,
    resume: Mapping[str, Any] | None = None,
    save: Callable[[State], None] | None = None,
) -> Solution:
    """Counterfactual regret minimisation in self-play.

    Parameters
    ----------
    game : TreeGame
        Any number of players, perfect recall.
    method : {"pcfr+", "cfr+", "dcfr", "cfr"}
        The variant.
    concept : {"nash", "cce"}, optional
        "nash" (the default for two-player constant-sum games, and possible only there) answers with the average
        behaviour strategies; "cce" (the default elsewhere) with a mixture of the profiles played.
    alternating : bool, optional
        Whether players update in turn (default for "nash") or all at once (always so for "cce", where one round
        must be one joint profile).
    alpha, beta, gamma : float, optional
        Discounting of positive and negative regrets ("dcfr" only) and the power of t that weights round t.
    tolerance : float
        Largest regret accepted, relative to the payoff span.
    seconds, iterations, progress, resume, save
        Budgets, reports and checkpoints, as in `solvers.self_play.play`.

    Returns
    -------
    Solution
        ``stats["trace"]`` has the distance from equilibrium against iterations and seconds.

    Raises
    ------
    InputError
        If the game lacks perfect recall, the method is unknown, or "nash" is asked of a game where self-play does
        not lead there.

    Notes
    -----
    An iteration costs O(S + E) in the notation of `solvers.sequences`; with alternating updates and CFR or CFR+ the
    iterates are those of OpenSpiel's CFRSolver and CFRPlusSolver.

    References
    ----------
    Zinkevich et al. (2007); Tammelin (2014); Brown and Sandholm (2019); Farina, Kroer and Sandholm (2021); Celli et
    al. (2019) on why averages are not enough beyond zero-sum games.

    Examples
    --------
    >>> from games import load
    >>> solution = cfr(load("openspiel:kuhn_poker"), tolerance=1e-6)
    >>> round(float(solution.values[0]), 5), solution.certificate.holds(1e-6)
    (-0.05556, True)
    """
    rule = _rule(method, alpha, beta, gamma)
    zero_sum = len(game.players) == 2 and game.constant_sum() is not None
    wanted = concept or ("nash" if zero_sum else "cce")
    if wanted not in ("nash", "cce"):
        raise InputError(f"self-play finds nash or cce, not {wanted}")
    if wanted == "nash" and not zero_sum:
        raise InputError(
            "self-play leads to a Nash equilibrium only in two-player constant-sum games; "
            "here it leads to a coarse correlated equilibrium (concept cce)"
        )
    if wanted == "cce" and alternating:
        raise InputError("for a cce players update all at once; leave alternating out")
    asked = {"alternating": wanted == "nash" if alternating is None else alternating, **rule._asdict()}
    budget: dict[str, Any] = {
        "tolerance": tolerance,
        "seconds": seconds,
        "iterations": iterations,
        "progress": progress,
        "resume": resume,
        "save": save,
        "method": method,
        "parameters": asked,
    }
    if wanted == "cce":
        from solvers.cfr_joint import JointCfr

        joint = JointCfr(game, rule)
        return play(game, joint, joint.measure, concept="cce", **budget)
    engine = Cfr(game, rule, asked["alternating"])
    return play(game, engine, engine.measure, concept="nash", **budget)


def _rule(method: str, alpha: float | None, beta: float | None, gamma: float | None) -> Rule:
    if method not in RULES:
        raise InputError(f"unknown method {method!r}; known are {', '.join(RULES)}")
    rule = RULES[method]
    if method != "dcfr" and (alpha is not None or beta is not None):
        raise InputError(f"alpha and beta discount regrets in dcfr, not in {method}")
    given = {
        name: float(value)
        for name, value in (("alpha", alpha), ("beta", beta), ("gamma", gamma))
        if value is not None
    }
    for name, value in given.items():
        if math.isnan(value) or (name == "gamma" and not 0 <= value <= 20):
            raise InputError(f"{name}={value} is out of range; gamma is between 0 and 20")
    return rule._replace(
        alpha=given.get("alpha", rule.alpha),
        beta=given.get("beta", rule.beta),
        gamma=given.get("gamma", rule.gamma),
    )


class Cfr:
    """CFR in the middle of its work; an `Engine` of `solvers.self_play`. S sequences."""

    def __init__(self, game: TreeGame, rule: Rule, alternating: bool) -> None:
        self.game, self.rule, self.alternating = game, rule, alternating
        self.form: Sequences = sequences_of(game)
        self.iterations = 0
        self.total = 0.0
        self.plan = to_plan(self.form, game.uniform())
        self.strategy = to_strategy(self.form, game.uniform())
        self.regret, self.average, self._g = (np.zeros(self.form.length) for _ in range(3))

    def advance(self, iterations: int) -> None:
        """Do this many more iterations."""
        from solvers.cfr_kernels import iterate

        self.total += iterate(
            self.iterations,
            iterations,
            *arrays(self.form),
            self.plan,
            self._g,
            self.strategy,
            self.regret,
            self.average,
            self.rule.predictive,
            self.alternating,
            self.rule.alpha,
            self.rule.beta,
            self.rule.gamma,
        )
        self.iterations += iterations

    def answer(self) -> Any:
        """The average behaviour strategies float64[slots], weighted by own reach."""
        return from_plan(self.game, self.form, self.average)

    def measure(self, _: Any) -> Gap:
        """Regrets of the average strategies."""
        from solvers.sequence_kernels import regrets

        values, regret = np.empty(self.form.players), np.empty(self.form.players)
        choice = np.empty(len(self.form.first), dtype=np.int32)
        regrets(*arrays(self.form), self.average / self.total, self._g, choice, values, regret)
        return Gap(np.maximum(regret, 0.0))

    def state(self) -> State:
        """What `restore` needs."""
        return {
            "iterations": np.int64(self.iterations),
            "total": np.float64(self.total),
            **{name: getattr(self, name).copy() for name in ("plan", "strategy", "regret", "average")},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`; `InputError` if it is of another game or method."""
        for name in ("plan", "strategy", "regret", "average"):
            array = np.asarray(state[name], dtype=np.float64) if name in state else np.empty(0)
            if array.shape != (self.form.length,):
                raise InputError(
                    f"the checkpoint has {array.size} numbers for {name!r}, this game needs {self.form.length}"
                )
            setattr(self, name, array.copy())
        self.iterations, self.total = int(state["iterations"]), float(state["total"])
