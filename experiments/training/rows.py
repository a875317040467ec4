"""Lines about updates and evaluations: what is written of the numbers that training yields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from experiments.training.runs import Row
from games.env import EnvSpec
from games.errors import InputError
from games.play import Array, Episodes
from marl.checkpoint import Tree
from marl.train import Updated

_OWN = ("kind", "steps", "updates", "return", "length", "episodes")


def scores(spec: EnvSpec, returns: Array) -> Array:
    """The score of each episode, float64[E], from returns float64[E, agents]: the common return, or the sum."""
    return np.asarray(returns[:, 0] if spec.common_reward else returns.sum(axis=1))


def evaluation_row(
    spec: EnvSpec, steps: int, episodes: Episodes, beside: Mapping[str, Episodes] = MappingProxyType({})
) -> Row:
    """The line about an evaluation; see `runs.read_metrics`."""
    score = scores(spec, episodes.returns)
    error = score.std(ddof=1) / math.sqrt(len(score)) if len(score) > 1 else math.nan
    return {
        "kind": "evaluation",
        "steps": steps,
        "episodes": len(score),
        "return": float(score.mean()),
        "returns": episodes.returns.mean(axis=0).tolist(),
        "standard_error": float(error),
        "length": float(episodes.lengths.mean()),
        "ended": float(episodes.ended.mean()),
        **{f"{name}_fraction": episodes.share(name) for name in episodes.counts},
        **{f"return_{name}": float(scores(spec, other.returns).mean()) for name, other in beside.items()},
    }


class Window:
    """Sums over the updates since the last line about them."""

    def __init__(self, kept: Any = None) -> None:
        self.sums: dict[str, list[float]] = {}  # by name: sum and count
        self.episodes, self.returned, self.lengths = 0, 0.0, 0
        if kept is not None:
            self._restore(kept)

    def add(self, event: Updated, score: Array) -> None:
        """Take an update in."""
        for name, value in event.metrics.items():
            entry = self.sums.setdefault(name, [0.0, 0])
            entry[0] += value
            entry[1] += 1
        if len(score):
            self.episodes += len(score)
            self.returned += float(score.sum())
            self.lengths += int(event.lengths.sum())

    def means(self) -> dict[str, float]:
        """Mean of every number of the learner, over the updates that had it."""
        return {name: total / number for name, (total, number) in self.sums.items()}

    def row(self, steps: int, updates: int) -> Row:
        """The line about these updates; steps and updates are counted from the beginning."""
        return {
            "kind": "update",
            "steps": steps,
            "updates": updates,
            **{name: value for name, value in self.means().items() if name not in _OWN},
            "return": self.returned / self.episodes if self.episodes else None,
            "length": self.lengths / self.episodes if self.episodes else None,
            "episodes": self.episodes,
        }

    def tree(self) -> Tree:
        """The sums, for a checkpoint."""
        return {
            "names": list(self.sums),
            "sums": list(self.sums.values()),
            "episodes": [self.episodes, self.returned, self.lengths],
        }

    def _restore(self, kept: Any) -> None:
        try:
            self.sums = {
                str(name): [float(s), int(n)]
                for name, (s, n) in zip(kept["names"], kept["sums"], strict=True)
            }
            episodes, returned, lengths = kept["episodes"]
            self.episodes, self.returned, self.lengths = int(episodes), float(returned), int(lengths)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            raise InputError("the checkpoint is damaged: its sums over updates are missing") from None
