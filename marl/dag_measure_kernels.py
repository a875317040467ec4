"""Compiled code behind `marl.bayes_net_team.NetworkedTeam.conditionals`.

Letters: B sub-environments, n agents, A actions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from marl.dag_kernels import likeliest, softened, told


@njit(cache=True)
def rows_of(
    actions: Any,
    graph: Any,
    base: Any,
    mask: Any,
    seen: Any,
    by_action: Any,
    head: Any,
    greedy: Any,
    out: Any,
) -> None:
    """Every agent's distribution float64[B, n, A] given its parents' parts of actions int32[B, n].

    The rest is as in `marl.dag_kernels.conditionals`.
    """
    batch, agents, width = base.shape
    logits, hidden = np.empty(width), np.empty(by_action.shape[3])
    for b in range(batch):
        for i in range(agents):
            told(b, i, graph, actions[b], base, seen, by_action, head, hidden, logits)
            if greedy:
                best = likeliest(logits, mask[b, i])
                for a in range(width):
                    out[b, i, a] = 1.0 if a == best else 0.0
            else:
                total = softened(logits, mask[b, i])
                for a in range(width):
                    out[b, i, a] = logits[a] / total
