"""From matches to a payoff table: samples of every cell, and what is known of their range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.tournament.casting import Table
from experiments.tournament.database import Database
from experiments.tournament.spec import Spec
from games.empirical import PayoffTable
from games.env import Env
from games.errors import InputError
from games.play import Array
from games.simplices import Float

_ROUNDING = 1e-9


@dataclass(frozen=True, repr=False)
class Results:
    """Everything that has been played or computed.

    Parameters
    ----------
    table : PayoffTable
        Means and errors.
    samples : list of float64[S_c, P]
        Payoffs by cell; of a symmetric cell each the mean over its seatings.
    failures : dict of int to str
        By cell, why it could not be played.
    matches : int
        How many were played.
    steps : int
        Of all matches together.
    by_match : ByMatch
        Payoffs and seating of every single match.
    """

    table: PayoffTable
    samples: list[Float]
    failures: dict[int, str]
    matches: int
    steps: int
    by_match: ByMatch

    def __repr__(self) -> str:
        return f"Results({self.table!r}, {self.matches:,} matches)"

    def _repr_html_(self) -> str:
        from games.show_tables import payoff_table_html

        failed = f", {len(self.failures):,} cells failed" if self.failures else ""
        head = f"<div><b>Tournament</b>: {self.matches:,} matches, {self.steps:,} steps{failed}</div>"
        return head + payoff_table_html(self.table)


@dataclass(frozen=True)
class ByMatch:
    """Single matches: what ratings are made of.

    Parameters
    ----------
    cell : int64[M]
        Which cell.
    places : int32[M, P]
        Who played each role.
    payoffs : float64[M, P]
        Of each role.
    """

    cell: Array
    places: Array
    payoffs: Float


def results_of(database: Database, spec: Spec, shape: Table, env: Env, looks: int = 0) -> Results:
    """Read what there is.

    Parameters
    ----------
    database : Database
        Of the run.
    spec : Spec
        The tournament.
    shape : Table
        Its roles and cells.
    env : Env
        The environment, for the range of payoffs.
    looks : int
        How often results have decided on whether to go on.

    Raises
    ------
    InputError
        If a payoff lies outside the range that the spec gives.
    """
    cell, sample, places, returns, steps = database.samples(len(env.spec.agents), len(shape.roles))
    payoffs = role_payoffs(shape, returns)
    bounds = payoff_range(spec, shape, env)
    if bounds is not None:
        _check_within(bounds, payoffs, spec)
    exact = database.exact() or {}
    failures = database.failures()
    samples = _samples(shape, cell, sample, places, payoffs)
    for failed in failures:
        samples[failed] = samples[failed][:0]
    table = table_from(spec, shape, env, samples, exact, bounds, looks)
    return Results(table, samples, failures, len(cell), int(steps.sum()), ByMatch(cell, places, payoffs))


def role_payoffs(shape: Table, returns: Float) -> Float:
    """Payoff of every role in every match, float64[M, P]: the mean of its seats' returns."""
    return np.stack([returns[:, list(seats)].mean(axis=1) for seats in shape.seats], axis=1)


def table_from(
    spec: Spec,
    shape: Table,
    env: Env,
    samples: list[Float],
    exact: dict[int, list[float]],
    bounds: tuple[Float, Float] | None,
    looks: int,
) -> PayoffTable:
    """The payoff table of samples and computed cells."""
    cells, players = shape.cells.shape
    mean, squares = np.zeros((cells, players)), np.zeros((cells, players))
    count, computed = np.zeros(cells, dtype=np.int64), np.zeros(cells, dtype=bool)
    for c, values in enumerate(samples):
        if c in exact:
            mean[c], computed[c] = exact[c], True
        elif len(values):
            mean[c], count[c] = values.mean(axis=0), len(values)
            squares[c] = ((values - mean[c]) ** 2).sum(axis=0)
    low, high = bounds if bounds is not None else (None, None)
    return PayoffTable(
        shape.roles,
        shape.populations,
        shape.cells,
        mean,
        squares,
        count,
        computed,
        shape.symmetric,
        low,
        high,
        constant_sum=constant_sum(env, spec.max_steps) and all(len(seats) == 1 for seats in shape.seats),
        looks=looks,
        # the seed alone: a longer tournament under the same one has the same matches, and shares the environment's luck
        sources=(f"seed {spec.seed}",) if count.any() else (),
    )


def _samples(shape: Table, cell: Array, sample: Array, places: Array, payoffs: Float) -> list[Float]:
    """Samples by cell, float64[S_c, P]; matches come sorted by cell and number."""
    if shape.symmetric:
        payoffs = _by_agent(shape, cell, places, payoffs)
    starts = np.searchsorted(cell, np.arange(len(shape.cells) + 1))
    out = []
    for c in range(len(shape.cells)):
        rows = slice(starts[c], starts[c + 1])
        each = len(shape.seatings(c)) if starts[c + 1] > starts[c] else 1
        own = payoffs[rows]
        out.append(own.reshape(-1, each, own.shape[1]).mean(axis=1) if each > 1 else own)
    return out


def _by_agent(shape: Table, cell: Array, places: Array, payoffs: Float) -> Float:
    """Payoffs of a symmetric table's matches in the order of the cell's agents, alike for those there twice.

    The k-th agent of a cell (sorted) is paid the mean over the seats on which that agent sat.
    """
    out = np.empty_like(payoffs)
    wanted = shape.cells[cell]
    for k in range(payoffs.shape[1]):
        mine = places == wanted[:, k : k + 1]
        out[:, k] = (payoffs * mine).sum(axis=1) / mine.sum(axis=1)
    return out


# --- ranges -------------------------------------------------------------------------------------------------------


def constant_sum(env: Env, max_steps: int | None = None) -> bool:
    """Whether it is known that the returns of two agents always have the same sum."""
    rules: Any = getattr(env, "rules", None)
    game = getattr(rules, "game", None)
    if len(env.spec.agents) != 2 or game is None or not hasattr(game, "constant_sum"):
        return False
    from games.sims.matrix import MatrixRules
    from games.sims.tree import TreeRules

    if not isinstance(rules, MatrixRules | TreeRules):
        return False
    total = game.constant_sum()
    return total is not None and (total == 0 or not _cut_off(env, max_steps))


def _cut_off(env: Env, max_steps: int | None) -> bool:
    """Whether matches may be cut off before the game has ended, which pays nothing more."""
    return max_steps is not None and max_steps < float(env.spec.horizon or 1)


def payoff_range(spec: Spec, shape: Table, env: Env) -> tuple[Float, Float] | None:
    """Between which payoffs every match of each role lies, float64[P] each; None if nobody knows."""
    if spec.payoff_range is not None:
        least, most = spec.payoff_range
        return np.full(len(shape.roles), least), np.full(len(shape.roles), most)
    found = _returns_range(env, spec.max_steps)
    if found is None:
        return None
    low, high = (np.array([part[list(seats)].mean() for seats in shape.seats]) for part in found)
    if shape.symmetric:  # everybody plays every seat
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    return low, high


def _returns_range(env: Env, max_steps: int | None) -> tuple[Float, Float] | None:
    """Lowest and highest return of every agent of an environment, where its rules tell."""
    from games.sims.markov import MarkovRules
    from games.sims.matrix import MatrixRules
    from games.sims.repeated import RepeatedRules
    from games.sims.tree import TreeRules

    rules: Any = getattr(env, "rules", None)
    cut = _cut_off(env, max_steps)
    longest = float(max_steps if cut and max_steps is not None else env.spec.horizon or 1)
    if isinstance(rules, TreeRules):
        low, high = rules.game.payoff.min(axis=1), rules.game.payoff.max(axis=1)
        # who is cut off is paid nothing
        return (np.minimum(low, 0.0), np.maximum(high, 0.0)) if cut else (low, high)
    if isinstance(rules, MatrixRules):
        return rules.game.flat.min(axis=1), rules.game.flat.max(axis=1)
    if isinstance(rules, RepeatedRules):
        low, high = rules.game.flat.min(axis=1), rules.game.flat.max(axis=1)
        fewest = longest if rules.spec.continuation == 1.0 else 1.0
        return np.minimum(fewest * low, longest * low), np.maximum(fewest * high, longest * high)
    if isinstance(rules, MarkovRules) and env.spec.horizon is not None:
        reward = rules.game.reward.reshape(len(rules.game.reward), -1)
        low, high = np.minimum(reward.min(axis=1), 0.0), np.maximum(reward.max(axis=1), 0.0)
        return longest * low, longest * high
    bounds = getattr(env, "return_bounds", None) or getattr(rules, "return_bounds", None)
    found = None if bounds is None else bounds(int(longest))
    if found is None:
        return None
    agents = len(env.spec.agents)
    return np.full(agents, float(found[0])), np.full(agents, float(found[1]))


def _check_within(bounds: tuple[Float, Float], payoffs: Float, spec: Spec) -> None:
    room = _ROUNDING * np.maximum(1.0, np.abs(bounds[1]) + np.abs(bounds[0]))
    outside = (payoffs < bounds[0] - room) | (payoffs > bounds[1] + room)
    if outside.any():
        m, role = np.argwhere(outside)[0]
        raise InputError(
            f"a match of {spec.env} paid {payoffs[m, role]:g}, which is outside the payoff range from {bounds[0][role]:g} to "
            f"{bounds[1][role]:g}; bounds on that range would be wrong"
        )
