"""Training in a test: a few thousand steps, then what the policies reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl.train import Evaluated, Plan, train


def reached(learner: Any, env: Any, steps: int, seed: int, *, batch: int = 32, greedy: bool = True) -> Any:
    """Mean return of every agent in 200 matches after training, float64[agents]."""
    plan = Plan(
        steps,
        batch,
        evaluate_every=steps,
        save_every=10 * steps,
        episodes=200,
        greedy=greedy,
        max_steps=50,
        seed=seed,
    )
    judged = [event for event in train(learner, env, plan) if isinstance(event, Evaluated)]
    return np.asarray(judged[-1].episodes.returns.mean(axis=0))
