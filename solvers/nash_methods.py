"""The methods behind `solvers.nash`: each takes a `Search` and returns candidates, which become certified Solutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from games import simplices
from games.normal import NormalFormGame
from games.simplices import Float
from solvers.solution import Progress, Solution, Status

_LABELS_TRIED = 12  # Lemke-Howson labels before other methods are asked
_SMALL = 24  # actions of both players up to which vertex enumeration is worth trying as a last resort
_PIVOTS = 10**6
_PATIENCE = (
    10**10
)  # payoff cells times pivots of Lemke-Howson, some ten seconds, before other methods are asked
_SAME = 1e-7  # profiles closer than this are one equilibrium
_WATCHED = 200  # actions up to which bifurcations are worth looking for
_CLEAN = 1e-13  # regret, relative to the payoff range, above which an answer is polished


class Search:
    """One question: the game, how exact, and how much may be spent."""

    def __init__(
        self,
        game: NormalFormGame,
        tolerance: float,
        seconds: float | None,
        iterations: int | None,
        rng: np.random.Generator | None,
        progress: Progress | None,
    ) -> None:
        self.game, self.tolerance, self.rng, self.progress = game, tolerance, rng, progress
        self.stop = perf_counter() + (math.inf if seconds is None else seconds)
        self.iterations = iterations

    @property
    def seconds(self) -> float | None:
        """Seconds left, or None when there is no limit."""
        return None if math.isinf(self.stop) else max(self.stop - perf_counter(), 0.0)


class Found:
    """A candidate profile with the status it deserves if its certificate holds."""

    def __init__(
        self,
        profile: Float,
        method: str,
        stats: Mapping[str, Any],
        status: Status = Status.CONVERGED,
        otherwise: Status = Status.NUMERICAL,
    ) -> None:
        self.profile, self.method, self.stats = profile, method, dict(stats)
        self.status, self.otherwise = status, otherwise

    def regret(self, game: NormalFormGame) -> float:
        from solvers.polish import max_regret

        return max_regret(game, self.profile)

    def solution(self, game: NormalFormGame, tolerance: float, started: float) -> Solution:
        from solvers.polish import max_regret, polish

        if max_regret(game, self.profile) > _CLEAN:
            self.profile = polish(game, self.profile)
        stats = {"seconds": perf_counter() - started, "iterations": 0, **self.stats}
        solution = Solution(
            game, "nash", self.profile, self.status, self.method, {"tolerance": tolerance}, stats
        )
        return solution if solution.certificate.holds(tolerance) else replace(solution, status=self.otherwise)


# --- one equilibrium --------------------------------------------------------------------------------------


def by_auto(search: Search) -> Found:
    """What suits the game, and the next best thing while the regret is not below the tolerance."""
    game = search.game
    if len(game.shape) == 1:
        best = int(np.argmax(game.payoffs[0]))
        return Found(simplices.pure([best], game.offsets), "best action", {})
    if len(game.shape) > 2:
        return by_pure(search) or by_qre(search)
    if game.constant_sum() is not None:
        minimax = by_zero_sum(search)
        if minimax.regret(game) <= search.tolerance:
            return minimax
    if search.iterations is None:
        search.iterations = min(
            _PIVOTS, _PATIENCE // game.profiles + 100
        )  # paths of large games can be very long
    tries: list[Callable[[Search], Found | None]] = [by_lemke_howson, by_pure]
    if sum(game.shape) <= _SMALL:
        tries.append(by_vertices)
    best_found: Found | None = None
    for attempt in [*tries, by_qre]:
        found = attempt(search)
        if found is None:
            continue
        if found.regret(game) <= search.tolerance:
            return found
        if best_found is None or found.regret(game) < best_found.regret(game):
            best_found = found
        if search.seconds == 0.0:
            break
    assert best_found is not None
    return best_found


def by_pure(search: Search) -> Found | None:
    """The first pure equilibrium in lexicographic order, or None."""
    from solvers.pure import pure_equilibria

    pure = pure_equilibria(search.game, 1)
    if not pure.total:
        return None
    profile = simplices.pure(pure.profiles[0], search.game.offsets)
    return Found(profile, "pure enumeration", {"iterations": search.game.profiles, "count": pure.total})


def by_zero_sum(search: Search) -> Found:
    """Minimax strategies of a two-player constant-sum game."""
    from solvers.zero_sum import minimax

    result = minimax(search.game, progress=search.progress)
    profile = np.concatenate([result.row, result.column])
    return Found(profile, result.method, {"iterations": result.pivots, "value": result.value})


def by_lemke_howson(search: Search) -> Found:
    """The end of a Lemke-Howson path, from another label if rounding spoiled the first."""
    from solvers.lemke_howson import lemke_howson

    game = search.game
    labels = sum(game.shape)
    start = int(search.rng.integers(labels)) if search.rng is not None else 0
    most = _PIVOTS if search.iterations is None else search.iterations
    pivots, best = 0, None
    for k in range(min(labels, _LABELS_TRIED)):
        label = (start + k) % labels
        result = lemke_howson(
            game, label, max(most - pivots, 0), seconds=search.seconds, progress=search.progress
        )
        pivots += result.pivots
        spent = pivots >= most or search.seconds == 0.0
        found = Found(
            np.concatenate([result.row, result.column]),
            "Lemke-Howson",
            {"iterations": pivots, "label": label},
            otherwise=Status.BUDGET if spent else Status.NUMERICAL,
        )
        if best is None or found.regret(game) < best.regret(game):
            best = found
        if best.regret(game) <= min(search.tolerance, 1e-10) or spent:
            break
    assert best is not None
    return best


def by_support(search: Search) -> Found:
    """An equilibrium of the smallest equal-sized supports that have one."""
    from solvers.support import support_equilibria

    game = search.game
    result = support_equilibria(
        game, first=True, seconds=search.seconds, iterations=search.iterations, progress=search.progress
    )
    stats = {"iterations": result.pairs}
    if len(result.profiles):
        return Found(result.profiles[0], "support enumeration", stats)
    # nothing: out of budget, or too degenerate for linear systems of equal size
    otherwise = Status.NUMERICAL if result.complete else Status.BUDGET
    return Found(simplices.uniform(game.offsets), "support enumeration", stats, otherwise=otherwise)


def by_vertices(search: Search) -> Found:
    """The first extreme equilibrium."""
    found = all_vertices(search)
    if found:
        return found[0]
    return Found(simplices.uniform(search.game.offsets), "vertex enumeration", {}, otherwise=Status.BUDGET)


def by_qre(search: Search) -> Found:
    """The limit of the principal logit QRE branch, polished; along a random arm of a bifurcation if that fails."""
    from solvers.polish import max_regret, polish
    from solvers.qre import trace_qre

    game = search.game
    exact = min(search.tolerance, 1e-8)
    best, best_regret, points = simplices.uniform(game.offsets), math.inf, 0
    cut = False
    for arm in ("split", "perturb"):
        rng = None if arm == "split" else (search.rng or np.random.default_rng(0))
        branch = trace_qre(
            game,
            max_regret=exact,
            on_bifurcation=arm,
            rng=rng,
            seconds=search.seconds,
            progress=search.progress,
        )
        if branch.interrupted:
            raise KeyboardInterrupt
        points += len(branch.lambdas)
        profile = polish(game, branch.limit)
        regret = max_regret(game, profile)
        cut = cut or branch.status is Status.BUDGET
        if regret < best_regret:
            best, best_regret = profile, regret
        if best_regret <= exact or cut or sum(game.shape) > _WATCHED:
            break
    method = "logit QRE continuation and Newton polishing"
    return Found(best, method, {"iterations": points}, otherwise=Status.BUDGET if cut else Status.NUMERICAL)


# --- all equilibria ---------------------------------------------------------------------------------------


def all_vertices(search: Search) -> list[Found]:
    """All extreme equilibria; what is known of them when there are too many vertices."""
    from solvers.vertices import extreme_equilibria

    result = extreme_equilibria(search.game, seconds=search.seconds, progress=search.progress)
    if result.near_ties:
        why = "vertex enumeration among near-ties, and Lemke-Howson"
        return all_lemke_howson(search, result.profiles, why, Status.DEGENERATE)
    if not result.complete:
        why = "vertex enumeration, cut short, and Lemke-Howson"
        return all_lemke_howson(search, result.profiles, why, Status.BUDGET)
    return [
        Found(
            profile,
            "vertex enumeration",
            {
                "iterations": result.bases,
                "complete": True,
                "component": int(result.component[k]),
                **({} if result.subsets is None else {"subsets": result.subsets[k]}),
            },
            Status.DEGENERATE if result.continuum[k] else Status.CONVERGED,
        )
        for k, profile in enumerate(result.profiles)
    ]


def all_support(search: Search) -> list[Found]:
    """What equal-sized supports give."""
    from solvers.support import support_equilibria

    result = support_equilibria(
        search.game, seconds=search.seconds, iterations=search.iterations, progress=search.progress
    )
    status = Status.DEGENERATE if result.degenerate else Status.CONVERGED
    if not result.complete:
        status = Status.BUDGET
    stats = {"iterations": result.pairs, "complete": result.complete and not result.degenerate}
    return [Found(profile, "support enumeration", stats, status) for profile in result.profiles]


def all_lemke_howson(
    search: Search,
    known: Float | None = None,
    method: str = "Lemke-Howson",
    status: Status = Status.CONVERGED,
) -> list[Found]:
    """The ends of the paths from every label, and what is `known` already, with the method and status of both."""
    from solvers.lemke_howson import lemke_howson

    game = search.game
    profiles = [] if known is None else list(known)
    most = _PIVOTS if search.iterations is None else search.iterations
    pivots, cut = 0, False
    for label in range(sum(game.shape)):
        if pivots >= most or (search.seconds == 0.0 and profiles):
            cut = True
            break
        result = lemke_howson(game, label, most - pivots, seconds=search.seconds, progress=search.progress)
        pivots += result.pivots
        profile = np.concatenate([result.row, result.column])
        cut = cut or not result.converged
        if result.converged and all(np.abs(profile - other).max() > _SAME for other in profiles):
            profiles.append(profile)
    status = Status.BUDGET if cut else status
    method += " from every label"
    return [Found(profile, method, {"iterations": pivots, "complete": False}, status) for profile in profiles]
