"""Teams that can be executed in several ways, all on the same episodes: returns, gaps to the first way, one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from experiments.evaluation import over_seeds, scores
from experiments.intervals import bootstrap_interval
from games.play import Episodes

if TYPE_CHECKING:
    from experiments.evaluation_output import Evaluation

_DIGITS = 10
"""Of differences of returns: what is left of equal ones is rounding."""


class Way(Protocol):
    """A way to execute a team, and what it played."""

    @property
    def episodes(self) -> Episodes:
        """The same seeds in all ways."""


def gap_of(told: Evaluation, name: str, first: Episodes, other: Episodes) -> dict[str, Any]:
    """By how much one way returns more than another on the same episodes, with its interval by the resamples called `name`."""
    gaps = np.round(scores(told.spec, first.returns) - scores(told.spec, other.returns), _DIGITS)
    bounds = bootstrap_interval(gaps[:, None], told.rng(name))
    ends = None if bounds is None else np.round(bounds[0], _DIGITS) + 0.0
    return {"mean": float(np.round(gaps.mean(), _DIGITS)) + 0.0, "interval": ends}


def way_over_seeds(
    told: Evaluation, name: str, ways: Sequence[Way], first: Sequence[Way] | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Mean return of a way over training seeds, and by how much the first way returns more, if there is one."""

    def means(found: Sequence[Way]) -> Any:
        return np.array([float(scores(told.spec, one.episodes.returns).mean()) for one in found])

    score, bounds = over_seeds(means(ways), told.rng(name))
    returned = {"mean": score, "interval": bounds}
    if first is None:
        return returned, None
    gap, ends = over_seeds(means(first) - means(ways), told.rng(name))
    return returned, {"mean": gap, "interval": ends}


def ways_table(
    heads: Sequence[str], rows: Mapping[int, Sequence[list[str]]], whole: Sequence[list[str]]
) -> Any:
    """A row per way of every training seed, and with several seeds a last part for all of them."""
    from experiments.tables import simple_table

    several = len(rows) > 1
    shown = ("Seed", *heads) if several else tuple(heads)
    table = simple_table(*shown, right=range(1 + several, len(shown)))
    for seed, ways in rows.items():
        for k, row in enumerate(ways):
            table.add_row(*([str(seed) if k == 0 else ""] if several else []), *row)
    if several:
        table.add_section()
        for k, row in enumerate(whole):
            table.add_row("all" if k == 0 else "", *row)
    return table
