"""Magnetic mirror descent: quantal response equilibria by their regularised game, Nash equilibria by annealing.

A logit QRE at precision lambda is the Nash equilibrium of the game whose payoffs are raised by alpha = 1/lambda times
the entropy of the player's own strategy. MMD is proximal mirror descent on that game with the entropy taken exactly:

    p' proportional to [p rho^(eta alpha) exp(eta q)]^(1/(1 + eta alpha)),

rho the magnet (uniform for a QRE) and q the action payoffs. Strategies are kept as logits, so nothing underflows.

References: Sokota, D'Orazio, Kolter, Loizou, Lanctot, Mitliagkas, Brown and Kroer, "A unified approach to
reinforcement learning, quantal response equilibria, and two-player zero-sum games" (2022); Cen, Wei and Chi, "Fast
policy extragradient methods for competitive games with entropy regularization" (2021) for the optimistic variant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from games.errors import InputError
from games.tree import TreeGame
from solvers.mirror_engine import MirrorEngine, plan_run
from solvers.self_play import State, play
from solvers.solution import Progress, Solution

FORMS = ("behavior", "dilated")
MAGNETS = ("uniform", "moving")


def mmd(
    game: TreeGame,
    lam: float | None = None,
    *,
    form: str = "behavior",
    magnet: str = "uniform",
    optimistic: bool = True,
    step: float | None = None,
    alpha: float | None = None,
    tolerance: float | None = None,
    seconds: float | None = None,
    iterations: int | None = None,
    progress: Progress | None = None,
    resume: Mapping[str, Any] | None = None,
    save: Callable[[State], None] | None = None,
) -> Solution:
    """Magnetic mirror descent in self-play, all players at once; the answer is the last iterate.

    Parameters
    ----------
    game : TreeGame
        Perfect recall. For a Nash equilibrium (`lam` None), two players and constant sum. A QRE is looked for in any
        game, but only two-player constant-sum games have a guarantee: elsewhere the run may cycle (status "budget").
    lam : float, optional
        Precision of the QRE wanted, in units of one over payoff; None for a Nash equilibrium.
    form : {"behavior", "dilated"}
        "behavior" updates the behaviour strategy at every information set by the action payoffs conditional on
        reaching it; its fixed points are the agent QRE. "dilated" updates in the sequence form with dilated entropy;
        its fixed points are the QRE of the reduced normal form, to which it converges linearly in two-player
        zero-sum games when eta <= alpha / L^2 (there is no theorem for "behavior").
    magnet : {"uniform", "moving"}
        For a Nash equilibrium: "uniform" follows the QRE and doubles lambda whenever regrets in the regularised game
        have become small, or, when `alpha` or `step` is given, lets both fall like 1/sqrt(t) as the authors do;
        "moving" keeps both and lets the magnet follow play at rate 0.05. None of these has a linear rate.
    optimistic : bool
        Play one step ahead of the iterate (Cen, Wei and Chi 2021), which allows steps of order 1/L instead of
        alpha / L^2 and takes the same work. False gives the update of Sokota et al.
    step : float, optional
        eta, in units of one over payoff (at t = 1 when it falls). By default it starts small for the payoff span
        and adapts to the contraction seen, deterministically.
    alpha : float, optional
        For a Nash equilibrium: weight of the entropy, in payoff units (at t = 1 when it falls).
    tolerance : float, optional
        Stop when the largest regret is at most this times the payoff span, and the residual of a QRE at most this.
        By default 1e-8 for a QRE and 1e-3 for a Nash equilibrium.
    seconds, iterations, progress, resume, save
        See `solvers.self_play.play`.

    Returns
    -------
    Solution
        Concept "qre" or "nash". For the dilated form ``parameters["form"]`` is "dilated" and the certificate
        measures the QRE of the reduced normal form.

    Raises
    ------
    InputError
        For imperfect recall, arguments out of range, a checkpoint of another run, or a Nash equilibrium of a game
        that is not two-player constant-sum.

    Notes
    -----
    An iteration takes O(S + E + R): sequences, payoff entries and reach entries.

    Examples
    --------
    >>> from games import load
    >>> kuhn = load("openspiel:kuhn_poker")
    >>> mmd(kuhn, 10.0).certificate.holds(1e-8)
    True
    """
    _check(game, lam, form, magnet, step, alpha)
    work = _above_common_part(game)
    plan = plan_run(
        work, lam, form == "dilated", optimistic, moving=magnet == "moving", step=step, alpha=alpha
    )
    engine = MirrorEngine(game, work, plan)
    asked: dict[str, Any] = {} if lam is None else {"lambda": float(lam)}
    if form == "dilated":
        asked["form"] = form
    if lam is None:
        asked |= {"magnet": magnet, "alpha": alpha, "step": step}
        tolerance = 1e-3 if tolerance is None else tolerance
    else:
        tolerance = 1e-8 if tolerance is None else tolerance
    return play(
        game,
        engine,
        lambda _: engine.gap(),
        concept="nash" if lam is None else "qre",
        method="mmd",
        tolerance=tolerance,
        seconds=seconds,
        iterations=iterations,
        parameters={**asked, "optimistic": optimistic},
        progress=progress,
        resume=resume,
        save=save,
    )


def _check(
    game: TreeGame, lam: float | None, form: str, magnet: str, step: float | None, alpha: float | None
) -> None:
    game.require_perfect_recall("magnetic mirror descent")
    if form not in FORMS:
        raise InputError(f"unknown form {form!r}; known are behavior and dilated")
    if magnet not in MAGNETS:
        raise InputError(f"unknown magnet {magnet!r}; known are uniform and moving")
    if 0 < game.span < 1e-305:
        raise InputError(
            f"a payoff span of {game.span:.3g} is too small to compute with; use other units of payoff"
        )
    for name, value in (("step", step), ("alpha", alpha)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} is a positive finite number, got {value}")
    if lam is not None:
        if not (math.isfinite(lam) and lam >= 0):
            raise InputError(f"a QRE needs a finite lambda >= 0, got {lam}")
        if lam * game.span > 1e100:
            raise InputError(f"lambda times the payoff span is at most 1e100, got {lam * game.span:.3g}")
        if magnet != "uniform":
            raise InputError("a QRE is the fixed point of the uniform magnet only, not of a moving one")
        if alpha is not None:
            raise InputError("alpha is 1/lambda for a QRE; give lam alone")
    elif len(game.players) != 2 or game.constant_sum() is None:
        raise InputError(
            "mirror descent finds Nash equilibria of two-player constant-sum games only; "
            "cfr with concept cce works for all games"
        )


def _above_common_part(game: TreeGame) -> TreeGame:
    """The game less what is common to most payoffs of a player, next to which differences would drown in rounding."""
    low, high = game.payoff.min(axis=1), game.payoff.max(axis=1)
    alike = np.sign(low) * np.sign(high) > 0
    narrow = 0.5 * high - 0.5 * low < 0.25 * np.maximum(abs(low), abs(high))  # halves cannot overflow
    common = np.where(alike & narrow, low, 0.0)
    return replace(game, payoff=game.payoff - common[:, None]) if common.any() else game
