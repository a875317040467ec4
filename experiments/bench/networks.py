"""`staghunt bench networks`: what a Bayesian network of actions costs beside independent play, and its parts beside peers.

Joint actions are drawn for 1,024 sub-environments with 10 agents, by networks of the same size; a target of a third says
that correlated play shall cost less than three times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.runner import Bench
from experiments.bench.timing import Side

DISTRIBUTIONS = ("staghunt", "numpy", "numba", "torch", "scipy")
BATCH, ENV = 1_024, "coordination:aloha?agents=10&observe=one-hot"
_SEED, _THIRD = 1, 1.0 / 3.0


def every_row() -> list[Row]:
    """Sampling by graph and by what parents tell, then the assignments behind a graph's order."""
    kinds = {
        "learned graph, told actions": {"dag": "learned", "parents": "actions"},
        "learned graph, told observations too": {"dag": "learned", "parents": "observations"},
        "complete graph, told actions": {"dag": "complete", "parents": "actions"},
        "complete graph, told observations too": {"dag": "complete", "parents": "observations"},
    }
    rows = [
        Row(
            f"joint actions of {BATCH:,} x 10: {name}",
            "MAPPO, independent",
            _drawing(fields),
            _THIRD,
            quick=True,
        )
        for name, fields in kinds.items()
    ]
    rows.append(
        Row(
            f"{BATCH:,} assignments of 10 x 10",
            "scipy, one by one",
            _assigning,
            needs=("scipy",),
            quick=True,
        )
    )
    return rows


def _drawing(fields: dict[str, Any]) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from marl.bayes_net import BayesNetActorCritic

        ours = _sampler(BayesNetActorCritic(ppo=_ppo(), **fields))
        duel = Duel(ours, contender(setting, lambda: _sampler(_ppo())), _whole, repeats=21, budget_s=20.0)
        return run_duel(duel)

    return measure


def _ppo() -> Any:
    from marl.learners import LEARNERS

    return LEARNERS["mappo"].make(hidden=(64, 64), sharing="heads")


def _sampler(learner: Any) -> Side:
    """Drawing the joint actions of a step again and again."""
    from games.env_uris import make_env
    from games.play import begin
    from games.streams import draw_seeds

    env = make_env(ENV)
    team = learner.explore(learner.init(env.spec, np.random.default_rng(_SEED)))
    play = begin(env, team, draw_seeds(np.random.default_rng(_SEED), BATCH))

    def draw() -> Any:
        return team.sample(play.step, play.memory, play.streams)[0][0]

    return Side(draw)


def _whole(ours: Any, theirs: Any) -> tuple[bool, str]:
    """Both are joint actions, and fresh networks transmit about half of the time."""
    shares = [float(np.mean(actions)) for actions in (ours, theirs) if actions is not None]
    right = ours.shape == (BATCH, 10) and all(abs(share - 0.5) < 0.1 for share in shares)
    return right, f"share of transmissions {', '.join(f'{share:.2f}' for share in shares)}"


def _assigning(setting: Setting) -> Finding:
    from marl.dag_kernels import assign

    scores = np.random.default_rng(_SEED).gumbel(size=(BATCH, 10, 10)).astype(np.float32)
    agent_at = np.empty((BATCH, 10), dtype=np.int32)

    def ours() -> float:
        assign(scores, agent_at)
        return _total(scores, agent_at)

    def peer() -> Side:
        from scipy.optimize import linear_sum_assignment

        def solve() -> float:
            rows = [linear_sum_assignment(matrix, maximize=True)[1] for matrix in scores]
            return _total(scores, np.array(rows))

        return Side(solve)

    def check(mine: float, theirs: float | None) -> tuple[bool, str]:
        return theirs is None or abs(mine - theirs) < 1e-3, f"sum of the best scores {mine:.6g}"

    return run_duel(Duel(Side(ours), contender(setting, peer), check))


def _total(scores: Any, agent_at: Any) -> float:
    return float(np.take_along_axis(scores.astype(np.float64), agent_at[..., None], axis=2).sum())


BENCH = Bench("networks", lambda: every_row(), DISTRIBUTIONS)
