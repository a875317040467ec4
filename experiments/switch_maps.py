"""Calls by two numbers at once: by two features, or by where agents stand, seen from the food that is nearest to each.

Letters: N steps, k features, K bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.switch_features import FOODS, NEAREST, SECOND, Feature

if TYPE_CHECKING:
    from experiments.switch_facts import FeatureFacts

Array = npt.NDArray[Any]

REACH = 7
"""Agents further from the nearest food than so many rows or columns are not on its map."""
EAST = Feature("columns east of the nearest food", "cells")
NORTH = Feature("rows north of it", "cells")


@dataclass(frozen=True)
class CallMap:
    """Calls by two features.

    Parameters
    ----------
    across, up : Feature
        The two.
    across_labels, up_labels : tuple of str
        Of their bins.
    counts, calls : int64[K of up, K of across]
        Steps, and those with a call.
    """

    across: Feature
    up: Feature
    across_labels: tuple[str, ...]
    up_labels: tuple[str, ...]
    counts: Array
    calls: Array


def by_two(found: Sequence[FeatureFacts], codes: Mapping[Feature, Array], called: Array) -> CallMap | None:
    """In foraging by the distance of the second-nearest agent and by how many foods are left (where there is but one, by the
    distance of the nearest agent), else by the two features that tell most; None without two.

    Parameters
    ----------
    found : sequence of FeatureFacts
        Those that tell most first.
    codes : mapping of Feature to int64[N]
        The bin of every step.
    called : bool[N]
        Whether there was a call.
    """
    known = {name: one for one in found for name in (one.feature.name, *one.also)}
    partner = known.get(FOODS.name) or known.get(NEAREST.name)
    first = known.get(SECOND.name)
    if first is None or partner is None or first is partner:
        if len(found) < 2:
            return None
        first, partner = found[:2]
    shape = len(partner.bins.counts), len(first.bins.counts)
    cell = codes[partner.feature] * shape[1] + codes[first.feature]
    return _map((first.feature, first.bins.labels), (partner.feature, partner.bins.labels), cell, called)


def around_food(features: Sequence[Feature], seen: Array, called: Array) -> CallMap | None:
    """Where agents stood when their team decided, each seen from the food that is nearest to it.

    Every agent counts once in every step in which food is left. Of foods as near, the first one is taken.

    Parameters
    ----------
    features : sequence of Feature
        What the columns of `seen` are.
    seen : float[N, k]
        Features of every step.
    called : bool[N]
        Whether there was a call.

    Returns
    -------
    CallMap or None
        None where coordinates are not known: outside foraging, and of more players and foods than have features.
    """
    column = {one.unit: seen[:, k].astype(np.float64) for k, one in enumerate(features)}
    players, foods = (_places(column, what) for what in ("player", "food"))
    if players is None or foods is None:
        return None
    there = np.stack([column[f"presence of food {j}"] > 0.5 for j in range(foods.shape[1])], axis=1)
    away = foods[:, None] - players[:, :, None]  # [N, players, foods, (south, east) from player to food]
    distance = np.where(there[:, None], np.abs(away).sum(axis=-1), np.inf)
    nearest = distance.argmin(axis=2)
    offset = np.take_along_axis(away, nearest[..., None, None], axis=2)[:, :, 0].astype(np.int64)
    known = np.isfinite(distance.min(axis=2)) & (np.abs(offset).max(axis=-1) <= REACH)
    if not known.any():
        return None
    reach = int(np.abs(offset[known]).max())
    north, east = offset[known][:, 0] + reach, reach - offset[known][:, 1]
    labels = [str(k) for k in range(-reach, reach + 1)]
    calls = np.broadcast_to(called[:, None], known.shape)[known]
    return _map((EAST, labels), (NORTH, labels), north * len(labels) + east, calls)


# --- inside -------------------------------------------------------------------------------------------------------


def _places(column: Mapping[str, Array], what: str) -> Array | None:
    """Rows and columns of all players or foods, float64[N, players or foods, 2]; None if there are none."""
    found: list[Array] = []
    while f"row of {what} {len(found)}" in column and f"column of {what} {len(found)}" in column:
        k = len(found)
        found.append(np.stack([column[f"row of {what} {k}"], column[f"column of {what} {k}"]], axis=1))
    last = f"presence of food {len(found) - 1}"
    if not found or (what == "food" and last not in column):
        return None
    return np.stack(found, axis=1)


def _map(
    across: tuple[Feature, Sequence[str]], up: tuple[Feature, Sequence[str]], cell: Array, called: Array
) -> CallMap:
    """Steps and calls by cell, counted row by row from below."""
    shape = len(up[1]), len(across[1])
    counts, calls = (
        np.bincount(part, minlength=shape[0] * shape[1]).reshape(shape) for part in (cell, cell[called])
    )
    return CallMap(across[0], up[0], tuple(across[1]), tuple(up[1]), counts, calls)
