"""Nash equilibria: one (`nash`), all (`all_nash`), the pure ones (`pure_nash`). Picks the method, certifies the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from games import simplices
from games.errors import InputError
from games.normal import NormalFormGame
from solvers import nash_methods as methods
from solvers.nash_methods import Search
from solvers.normal_only import check_normal_form
from solvers.solution import Progress, Solution, Solutions, Status

METHODS = ("auto", "pure", "zero-sum", "lemke-howson", "support", "vertices", "qre")
ALL_METHODS = ("auto", "pure", "lemke-howson", "support", "vertices")
_LISTED = 10_000  # pure equilibria that become Solutions unless asked otherwise
_SAME = 1e-7  # profiles closer than this are one equilibrium


def nash(
    game: NormalFormGame,
    method: str = "auto",
    *,
    tolerance: float = 1e-8,
    seconds: float | None = None,
    iterations: int | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Solution:
    """One Nash equilibrium of a game with any number of players.

    Parameters
    ----------
    game : NormalFormGame
        The game.
    method : {"auto", "pure", "zero-sum", "lemke-howson", "support", "vertices", "qre"}
        "auto" takes the best reply of a single player; for two players the minimax linear program if the game is
        constant-sum, else Lemke-Howson (with other labels, vertex enumeration and QRE continuation behind it);
        for more players a pure equilibrium if there is one, else the limit of the principal logit QRE branch,
        polished by Newton's method. What was used is in the solution's `method`.
    tolerance : float
        Largest regret, relative to the payoff span, at which the answer counts as converged.
    seconds, iterations : float, int, optional
        Budgets; iterations are pivots or support pairs where the method has them.
    rng : Generator, optional
        Chooses the first Lemke-Howson label; without it the label is 0.
    progress : Progress, optional
        Called now and then by methods that may take long.

    Returns
    -------
    Solution
        Concept "nash", with the profile float64[sum(A)] as strategy. CONVERGED only if the certificate holds at the
        tolerance, otherwise BUDGET or NUMERICAL.

    Raises
    ------
    InputError
        For an unknown method, one that does not fit the game, a game without a pure equilibrium when "pure" is asked
        for, or a tolerance that is not positive.

    Examples
    --------
    >>> game = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    >>> nash(game).profile.tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    check_normal_form(game, "nash", "nash")
    _check(game, method, METHODS, tolerance)
    started = perf_counter()
    search = Search(game, tolerance, seconds, iterations, rng, progress)
    if method == "auto":
        found = methods.by_auto(search)
    elif method == "pure":
        pure = methods.by_pure(search)
        if pure is None:
            raise InputError("the game has no pure Nash equilibrium; another method finds a mixed one")
        found = pure
    elif method == "zero-sum":
        if len(game.shape) != 2 or game.constant_sum() is None:
            raise InputError("method zero-sum needs a two-player constant-sum game, and this is not one")
        found = methods.by_zero_sum(search)
    elif method == "qre":
        found = methods.by_qre(search)
    else:
        _two_players(game, method)
        by = {
            "lemke-howson": methods.by_lemke_howson,
            "support": methods.by_support,
            "vertices": methods.by_vertices,
        }
        found = by[method](search)
    return found.solution(game, tolerance, started)


def all_nash(
    game: NormalFormGame,
    method: str = "auto",
    *,
    tolerance: float = 1e-8,
    seconds: float | None = None,
    iterations: int | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Solutions:
    """All Nash equilibria that a method can list.

    Parameters
    ----------
    game : NormalFormGame
        The game.
    method : {"auto", "vertices", "support", "lemke-howson", "pure"}
        "vertices" (two players, what "auto" takes): all extreme equilibria. "support": by support enumeration,
        complete for nondegenerate games. "lemke-howson": the distinct ends of the paths from every label.
        "pure": all pure equilibria. "auto" with more than two players: all pure equilibria and the limit of the
        principal logit QRE branch; mixed equilibria beyond it are not searched for.
    tolerance, seconds, iterations, rng, progress
        As for `nash`.

    Returns
    -------
    Solutions
        A tuple of `Solution`. Empty if none was found. ``stats["complete"]`` says whether the list is known to be
        complete (of extreme equilibria, where they form continua). With "vertices", ``stats["component"]`` numbers the connected
        components of the set of equilibria and ``stats["subsets"]`` the maximal Nash subsets; members of a component
        with more than one extreme equilibrium are part of a continuum and have status DEGENERATE. With "support" all
        are DEGENERATE if the game showed itself degenerate. When a budget cut the search short, what was found
        is returned with status BUDGET.

    Raises
    ------
    InputError
        For an unknown method or one that does not fit the game.
    """
    check_normal_form(game, "all_nash", "nash")
    _check(game, method, ALL_METHODS, tolerance)
    started = perf_counter()
    search = Search(game, tolerance, seconds, iterations, rng, progress)
    players = len(game.shape)
    if method == "pure" or (method == "auto" and players == 1):
        return pure_nash(game)
    if method == "auto" and players > 2:
        return _pure_and_qre(search, started)
    if method == "auto":
        method = "vertices"
    _two_players(game, method)
    every = {
        "vertices": methods.all_vertices,
        "support": methods.all_support,
        "lemke-howson": methods.all_lemke_howson,
    }
    return Solutions(found.solution(game, tolerance, started) for found in every[method](search))


def pure_nash(game: NormalFormGame, *, limit: int = _LISTED) -> Solutions:
    """All pure Nash equilibria, any number of players, in lexicographic order of actions.

    Parameters
    ----------
    game : NormalFormGame
        The game; 10^7 profiles take about a second.
    limit : int
        List at most this many; ``stats["count"]`` of each tells how many there are. If that is more, the listed ones
        have status DEGENERATE, since the list is not complete.

    Returns
    -------
    Solutions
        A tuple of `Solution`. Empty if the game has none. A profile counts when no player gains more than 1e-12 of the
        player's own payoff range by deviating. With one player, several best actions are a continuum of equilibria: status DEGENERATE.
    """
    check_normal_form(game, "pure_nash", "nash")
    from solvers.pure import pure_equilibria

    if limit < 1:
        raise InputError(f"limit of pure equilibria to list must be at least 1, got {limit}")
    started = perf_counter()
    pure = pure_equilibria(game, limit)
    continuum = len(game.shape) == 1 and pure.total > 1
    status = Status.DEGENERATE if continuum or pure.total > limit else Status.CONVERGED
    note = "" if pure.total <= limit else f" (first {limit:,} of {pure.total:,})"
    stats = {
        "seconds": perf_counter() - started,
        "iterations": game.profiles,
        "count": pure.total,
        "complete": pure.total <= limit,
    }
    # the kernel compared every deviation of these profiles, so their certificates can wait until they are looked at
    return Solutions(
        Solution(
            game, "nash", simplices.pure(actions, game.offsets), status, "pure enumeration" + note, {}, stats
        )
        for actions in pure.profiles
    )


# --- checks and the n-player list -------------------------------------------------------------------------


def _check(game: NormalFormGame, method: str, known: Sequence[str], tolerance: float) -> None:
    if method not in known:
        raise InputError(f"unknown method {method!r} for Nash equilibria; known are {', '.join(known)}")
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise InputError(f"tolerance must be a positive number, got {tolerance}")


def _two_players(game: NormalFormGame, method: str) -> None:
    if len(game.shape) != 2:
        raise InputError(f"method {method} needs two players, this game has {len(game.shape)}")


def _pure_and_qre(search: Search, started: float) -> Solutions:
    """All pure equilibria and the limit of the principal branch, if it is another one."""
    pure = pure_nash(search.game)
    limit = methods.by_qre(search).solution(search.game, search.tolerance, started)
    complete = {"complete": False}
    listed = [replace(one, stats={**one.stats, **complete}) for one in pure]
    profile = limit.profile
    assert profile is not None
    fresh = all(one.profile is None or np.abs(profile - one.profile).max() > _SAME for one in pure)
    if fresh and (limit.status is Status.CONVERGED or not pure):
        listed.append(replace(limit, stats={**limit.stats, **complete}))
    return Solutions(listed)
