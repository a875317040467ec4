"""One Nash equilibrium of any tree with perfect recall, in behaviour strategies, by the method that fits the game."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from games.errors import InputError
from games.plan_counts import count_plans
from games.simplices import Float
from games.tree import CHANCE, TreeGame
from solvers.solution import Progress, Solution, Status

METHODS = ("auto", "backward-induction", "sequence-form", "sequence-lemke", "strategic", "qre")
LP_LIMIT = 500_000
"""Actions, over all information sets, beyond which "auto" plays a constant-sum game with CFR instead of a program."""
STRATEGIC_LIMIT = 200_000
"""Profiles of the reduced strategic form beyond which "auto" does not make it."""
PLAY_TOLERANCE = 1e-3
"""Relative regret at which that play stops (or at a larger `tolerance`); the certificate states what was reached."""


def tree_nash(
    game: TreeGame,
    method: str = "auto",
    *,
    tolerance: float = 1e-8,
    seconds: float | None = None,
    iterations: int | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Solution:
    """One Nash equilibrium of a tree, as behaviour strategies.

    Parameters
    ----------
    game : TreeGame
        Any number of players; perfect recall.
    method : {"auto", "backward-induction", "sequence-form", "sequence-lemke", "strategic", "qre"}
        "auto": backward induction with perfect information (the equilibrium is then subgame-perfect); for two players
        the sequence-form linear program if the game is constant-sum (CFR if it is huge), else Lemke's algorithm on
        the sequence form; for more players, the strategic form while it is small, else the limit of the principal
        branch of agent quantal response equilibria. Where the first choice does not converge the next one is tried.
    tolerance : float
        Largest regret, relative to the payoff span, at which the answer counts as converged.
    seconds, iterations : float, int, optional
        Budgets; iterations are pivots where the method has them.
    rng : Generator, optional
        For methods of the strategic form that use one.
    progress : Progress, optional
        Called now and then by methods that may take long.

    Returns
    -------
    Solution
        Concept "nash" with the behaviour strategy profile float64[slots], certified on the tree. CONVERGED only if the
        certificate holds at the tolerance. Where a player's own strategy never leads, actions are uniform, except
        with backward induction.

    Raises
    ------
    InputError
        For an unknown method, one that does not fit the game, or a game without perfect recall.

    Examples
    --------
    >>> from games.efg import parse_efg
    >>> from games.tree_build import from_efg
    >>> text = 'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "in" "out" } 0 p "" 2 1 "" { "fight" "yield" } 0 '
    >>> ends = 't "" 1 "" { -1 -1 } t "" 2 "" { 1 1 } t "" 3 "" { 0 2 }'
    >>> tree_nash(from_efg(parse_efg(text + ends))).behavior.tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    if method not in METHODS:
        raise InputError(
            f"unknown method {method!r} for Nash equilibria of a tree; known are {', '.join(METHODS)}"
        )
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise InputError(f"tolerance must be a positive number, got {tolerance}")
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds is a positive number, got {seconds}")
    game.require_perfect_recall("a Nash equilibrium in behaviour strategies")
    search = _Search(game, tolerance, seconds, iterations, rng, progress)
    if method == "auto":
        return search.auto()
    return search.by(method)


class _Search:
    """A game, what the answer must be worth, and what may be spent on it."""

    def __init__(
        self,
        game: TreeGame,
        tolerance: float,
        seconds: float | None,
        iterations: int | None,
        rng: np.random.Generator | None,
        progress: Progress | None,
    ) -> None:
        self.game, self.tolerance = game, tolerance
        self.iterations, self.rng, self.progress = iterations, rng, progress
        self.started = perf_counter()
        self.stop = None if seconds is None else self.started + seconds

    @property
    def left(self) -> float | None:
        """Seconds left, or None without a limit; never quite 0, which methods refuse."""
        return None if self.stop is None else max(self.stop - perf_counter(), 1e-3)

    def by(self, method: str) -> Solution:
        """One method's answer."""
        methods: dict[str, Callable[[], Solution]] = {
            "backward-induction": self._backward,
            "sequence-form": self._program,
            "sequence-lemke": self._lemke,
            "strategic": self._strategic,
            "qre": self._branch,
            "cfr": self._play,
        }
        return methods[method]()

    def auto(self) -> Solution:
        """The first method whose answer converges, or the best answer of all that had time."""
        best: Solution | None = None
        for method in self._fitting():
            found = self.by(method)
            if best is None or found.certificate.max_regret < best.certificate.max_regret:
                best = found
            if found.status is Status.CONVERGED or (self.stop is not None and perf_counter() >= self.stop):
                break
        assert best is not None
        return best

    def _fitting(self) -> Iterator[str]:
        game = self.game
        if is_perfect_information(game):
            yield "backward-induction"
            return
        if len(game.players) == 2:
            from solvers.sequence_lemke import LIMIT

            if game.constant_sum() is not None:
                yield "sequence-form" if game.slots <= LP_LIMIT else "cfr"
            if game.slots <= LIMIT:
                yield "sequence-lemke"
        if math.prod(count_plans(game)) <= STRATEGIC_LIMIT:
            yield "strategic"
        yield "qre"

    def _done(
        self, behavior: Float, method: str, stats: dict[str, Any], status: Status = Status.CONVERGED
    ) -> Solution:
        found = Solution(self.game, "nash", behavior, status, method, {"tolerance": self.tolerance})
        if found.certificate.holds(self.tolerance):
            status = Status.CONVERGED
        elif status is Status.CONVERGED:
            status = Status.NUMERICAL
        stats = {"iterations": 0, **stats, "seconds": perf_counter() - self.started}
        return replace(found, status=status, stats=stats)

    # --- methods ----------------------------------------------------------------------------------------------

    def _backward(self) -> Solution:
        return self._done(backward_induction(self.game), "backward-induction", {})

    def _program(self) -> Solution:
        from solvers.sequence_form import sequence_form

        return sequence_form(self.game, tolerance=self.tolerance, seconds=self.left, progress=self.progress)

    def _play(self) -> Solution:
        from solvers.cfr import cfr

        return cfr(
            self.game,
            tolerance=max(self.tolerance, PLAY_TOLERANCE),
            seconds=self.left,
            iterations=self.iterations,
            progress=self.progress,
        )

    def _lemke(self) -> Solution:
        from solvers.sequence_lemke import sequence_lemke

        most = self.iterations or 10**7
        found = sequence_lemke(self.game, None, most, seconds=self.left, progress=self.progress)
        out = self.stop is not None and perf_counter() >= self.stop
        budget = not found.converged and (out or found.pivots >= most)
        status = Status.BUDGET if budget else Status.CONVERGED if found.converged else Status.NUMERICAL
        return self._done(found.behavior, "sequence-lemke", {"iterations": found.pivots}, status)

    def _strategic(self) -> Solution:
        from solvers.nash import nash
        from solvers.realization import to_behavior

        found = nash(
            self.game.to_normal(),
            tolerance=self.tolerance,
            seconds=self.left,
            iterations=self.iterations,
            rng=self.rng,
            progress=self.progress,
        )
        behavior = to_behavior(self.game, found.profile)
        return self._done(behavior, f"strategic form, {found.method}", dict(found.stats), found.status)

    def _branch(self) -> Solution:
        from solvers.tree_polish import polish_tree
        from solvers.tree_qre import trace_agent_qre

        branch = trace_agent_qre(
            self.game, tolerance=self.tolerance, seconds=self.left, progress=self.progress
        )
        steps = {"iterations": len(branch.lambdas)}
        behavior = branch.behaviors[-1]
        if self.left is None or self.left > 1.0:
            behavior = polish_tree(self.game, behavior)
        return self._done(behavior, "agent qre limit", steps, branch.status)


def is_perfect_information(game: TreeGame) -> bool:
    """Whether every information set is a single node."""
    return int((game.player >= 0).sum()) == len(game.owner)


def backward_induction(game: TreeGame) -> Float:
    """The subgame-perfect equilibrium of a game with perfect information that takes the first of equally good actions.

    O(N log N). Rounding of expectations over chance moves is not taken for a difference: payoffs within 1e-12 of the
    player's payoff range count as equal.

    Raises
    ------
    InputError
        If some information set has more than one node.
    """
    if not is_perfect_information(game):
        raise InputError("backward induction needs perfect information: every information set a single node")
    values = np.zeros((len(game.players), game.nodes))
    values[:, game.terminals] = game.payoff
    chosen = np.zeros(game.slots)
    for level in reversed(game.levels[1:]):
        above = game.parent[level]
        random = game.player[above] == CHANCE
        for row in values:
            np.add.at(row, above[random], game.chance[level[random]] * row[level[random]])
        nodes, above = level[~random], above[~random]
        if not nodes.size:
            continue
        order = np.lexsort((game.slot[nodes], above))
        nodes, above = nodes[order], above[order]
        mover = game.player[above]
        worth = values[mover, nodes]
        start = np.flatnonzero(np.r_[True, above[1:] != above[:-1]])
        group = np.repeat(np.arange(start.size), np.diff(np.r_[start, nodes.size]))
        best = np.maximum.reduceat(worth, start)[group] - 1e-12 * game.spans[mover]
        good = np.flatnonzero(worth >= best)
        _, first = np.unique(group[good], return_index=True)
        taken = nodes[good[first]]
        chosen[game.slot[taken]] = 1.0
        values[:, game.parent[taken]] = values[:, taken]
    return chosen
