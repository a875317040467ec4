"""What sampled payoffs leave open: how much larger a regret may truly be than it is in the empirical game.

Each payoff u is within its radius r of the estimate, all at once with probability 1 - delta. The gain of deviating from
c to b is a sum over cells of x(a) [u(b, a_-i) - u(a)], so it is at most its estimate plus the same sum of radii.
Where b is what is played already nothing is compared and nothing is added. This is tighter than twice the
largest radius (Tuyls et al. 2020), because cells without probability do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from games.empirical import EmpiricalGame
from games.joint import Joint, Mixture
from games.simplices import Float


def slack_of(game: EmpiricalGame, strategy: Any, concept: str) -> float:
    """The largest over players of (upper bound of the true regret - regret in the empirical game); at least 0.

    Parameters
    ----------
    game : EmpiricalGame
        Estimates and radii.
    strategy : float64[sum(A)], Joint or Mixture
        As certified.
    concept : {"nash", "cce", "ce", "qre", "alpharank"}
        For "qre" of the regret in the entropy-regularised game, for "alpharank" of the CCE regret.
    """
    if isinstance(strategy, Joint | Mixture):
        dense = strategy.dense()
    else:
        dense = Mixture(np.ones(1), np.asarray(strategy, dtype=np.float64)[None, :], game.shape).dense()
    return max(0.0, *(_of_player(game, dense, i, concept) for i in range(len(game.shape))))


def _of_player(game: EmpiricalGame, dense: Any, i: int, concept: str) -> float:
    count = game.shape[i]
    joint = np.moveaxis(dense, i, 0).reshape(count, -1)
    payoff = np.moveaxis(game.payoffs[i], i, 0).reshape(count, -1)
    with np.errstate(invalid="ignore"):  # 0 * inf: a cell that is not played needs no radius
        radius = np.moveaxis(game.radius[i], i, 0).reshape(count, -1)
        played = _sums(joint, radius).diagonal()  # of each own action c: sum x(c, .) r(c, .)
        error = _sums(joint, radius) + played[:, None]  # [c, b]
    np.fill_diagonal(error, 0.0)
    if concept == "qre":
        # the best mixed reply against what is played moves no faster with payoffs than the worst pure one against it,
        # and of that one only the part that is not played already
        rest = np.maximum(joint.sum(axis=0) - joint, 0.0)
        others = np.where(np.eye(count, dtype=bool), 0.0, played[None, :]).sum(axis=1)
        return float((_sums(rest, radius).diagonal() + others).max())
    table = joint @ payoff.T
    gain = table - np.diag(table)[:, None]
    if concept == "ce":
        return float((gain + error).max(axis=1).sum() - gain.max(axis=1).sum())
    one = gain.sum(axis=0)
    return float((one + error.sum(axis=0)).max() - max(one.max(), 0.0))


def _sums(joint: Float, radius: Float) -> Float:
    """joint @ radius.T in which 0 times infinity is 0, float64[c, b]."""
    finite = np.where(np.isfinite(radius), radius, 0.0)
    out = joint @ finite.T
    endless = (joint > 0).astype(np.float64) @ (~np.isfinite(radius)).astype(np.float64).T > 0
    out[endless] = np.inf
    return out
