"""A study of MANSA: arms that are trained one after the other, found again by their labels, and judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.papers import mansa_foraging_arms as arms
from experiments.papers.arms import part_of, trained
from experiments.papers.claims import Order, Progress
from experiments.papers.mansa_runs import Numbers, final_numbers, learning_numbers, returns_by_chance, told

if TYPE_CHECKING:
    from experiments.papers.arms import Arm
    from experiments.training.runs import Run


@dataclass
class Study:
    """Arms trained one after the other, and what they came to.

    Parameters
    ----------
    order : Order
        How.
    progress : callable
        Told how far it is.
    episodes : int
        In which final teams are judged.
    count : int
        How many arms there will be.
    """

    order: Order
    progress: Progress
    episodes: int
    count: int
    runs: dict[str, Run] = field(default_factory=dict)
    rows: dict[str, Numbers] = field(default_factory=dict)

    def train(self, label: str, arm: Arm) -> Numbers:
        """Train an arm and judge it; by its label it is found again."""
        part = part_of(self.progress, len(self.runs), self.count)
        run = trained(arm, self.order, lambda share, text: part(0.9 * share, text))
        self.runs[label] = run
        final = final_numbers(
            run, self.episodes, self.order.seed, lambda share, text: part(0.9 + 0.1 * share, text)
        )
        self.rows[label] = learning_numbers(run) | final
        return self.rows[label]

    def train_random(
        self, label: str, like: str, task: str, budget: Mapping[str, Any], make: Any = arms.random, **how: Any
    ) -> None:
        """Train the control of an arm, which calls at random as often as that did in training.

        It is judged by chance of that share, and beside it as often as the final switch of the other arm calls.
        """
        model = self.rows[like]
        numbers = self.train(label, make(task, budget, fraction_of(model), **how))
        share = float(np.mean(model["calls_evaluation"]))
        numbers["return_at_same_share"] = returns_by_chance(
            self.runs[label], share, self.episodes, self.order.seed
        )

    def facts(self) -> dict[str, Any]:
        """All arms in plain numbers, and which runs they are."""
        return {
            "arms": {label: told(numbers) for label, numbers in self.rows.items()},
            "runs": {
                run.path.name: {"steps": run.spec.training.steps, "seeds": list(run.seeds)}
                for run in self.runs.values()
            },
        }


def fraction_of(numbers: Numbers) -> float:
    """With which probability a control calls: the mean share of calls in training, to four digits."""
    return round(float(np.mean(numbers["calls_training"])), 4)


def price(cost: float) -> str:
    """The label of MANSA at a price of calls."""
    return f"MANSA c={cost:g}"


def limit(calls: int) -> str:
    """The label of MANSA with a budget."""
    return f"MANSA-B {calls} of {arms.HORIZON}"


JUDGED = price(arms.COST)
SEPARATE, RANDOM, RANDOM_SEPARATE = f"{JUDGED}, separate data", "random", "random, separate data"
