"""Meta-solvers: from the payoffs between populations to how often each member, or each profile of members, is played.

A meta-solver gives a `Sigma`: a profile, when players draw from their populations independently (Nash, uniform, QRE),
or a joint distribution, when a device draws for all (CE, CCE, alpha-rank). What is then asked of the oracles follows
from it (`targets`), as in PSRO (Lanctot et al. 2017) for profiles and in JPSRO (Marris et al. 2021) for joints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from games import simplices
from games.errors import InputError
from games.joint import Joint
from games.normal import NormalFormGame
from games.simplices import Float, Int

METAS = ("nash", "ce", "cce", "alpharank", "uniform", "qre")
OBJECTIVE = "gini"
"""Of ce and cce unless asked otherwise: the maximum Gini distributions of JPSRO, which spread over many profiles."""
_NEGLIGIBLE = 1e-12  # recommendations rarer than this are rounding of the meta-solver
_EXACT = 1e-11  # relative regret asked of correlated meta-solvers with a linear objective


class Sigma(NamedTuple):
    """How populations are played: one of the two."""

    profile: Float | None = None
    """float64[sum(n)]: everybody's mixture, in flat layout."""
    joint: Joint | None = None
    """A distribution over profiles of members."""

    def marginals(self) -> Float:
        """Each player's mixture, flat."""
        if self.joint is not None:
            return self.joint.marginals()
        assert self.profile is not None
        return self.profile


@dataclass(frozen=True)
class Meta:
    """A meta-solver by name.

    Parameters
    ----------
    name : {"nash", "ce", "cce", "alpharank", "uniform", "qre"}
        Which; "uniform" plays every best response as often as it was one, which is fictitious play.
    objective : str, optional
        Which CE or CCE (`solvers.correlated.cce`), "gini" by default.
    lam : float, optional
        Precision of the QRE.

    Raises
    ------
    InputError
        If there is no such meta-solver, or it does not take what was given.
    """

    name: str = "nash"
    objective: str | None = None
    lam: float | None = None

    def __post_init__(self) -> None:
        if self.name not in METAS:
            near = get_close_matches(self.name, METAS, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(METAS)}"
            raise InputError(f"there is no meta-solver {self.name!r}; {hint}")
        if self.objective is not None and self.name not in ("ce", "cce"):
            raise InputError(f"an objective chooses among CE or CCE; meta-solver {self.name} takes none")
        if self.name == "qre":
            if self.lam is None:
                raise InputError("meta-solver qre needs a precision lambda, in 1/payoff units")
            if not (math.isfinite(self.lam) and self.lam >= 0):
                raise InputError(f"lambda is a finite number of at least 0, got {self.lam:g}")
        elif self.lam is not None:
            raise InputError(f"a precision lambda is for meta-solver qre, not for {self.name}")

    @property
    def correlated(self) -> bool:
        """Whether its answers are joint distributions."""
        return self.name in ("ce", "cce", "alpharank")

    @property
    def counts(self) -> bool:
        """Whether it matters how often a strategy has been a best response."""
        return self.name == "uniform"

    @property
    def concept(self) -> str:
        """What the play it leads to is judged as."""
        return {"ce": "ce", "cce": "cce", "alpharank": "cce"}.get(self.name, "nash")

    def check(self, players: int) -> None:
        """Refuse an objective that names a player whom the game does not have."""
        if self.objective is not None:
            from solvers.goals import goal_of

            goal_of(self.objective, players)

    def solve(self, game: NormalFormGame, counts: Sequence[Sequence[int]]) -> Sigma:
        """How the populations behind `game` are played.

        Parameters
        ----------
        game : NormalFormGame
            What their members earn against each other.
        counts : sequences of int
            For each player how often each member was a best response (1 for the first).
        """
        return _SOLVERS[self.name](self, game, counts)


def _nash(meta: Meta, game: NormalFormGame, counts: Sequence[Sequence[int]]) -> Sigma:
    if len(game.shape) == 2 and game.constant_sum() is not None:
        from solvers.zero_sum import minimax

        found = minimax(game)
        return Sigma(np.concatenate([found.row, found.column]))
    from solvers.nash import nash

    return Sigma(nash(game).profile)


def _correlated(meta: Meta, game: NormalFormGame, counts: Sequence[Sequence[int]]) -> Sigma:
    from solvers import correlated

    solver = correlated.ce if meta.name == "ce" else correlated.cce
    objective = meta.objective or OBJECTIVE
    curved = objective in ("gini", "entropy")
    found = solver(game, objective, tolerance=1e-10 if curved else _EXACT)
    joint = found.joint
    assert joint is not None
    return Sigma(joint=joint if isinstance(joint, Joint) else joint.joint())


def _alpharank(meta: Meta, game: NormalFormGame, counts: Sequence[Sequence[int]]) -> Sigma:
    from solvers.alpharank import alpharank

    joint = alpharank(game).joint
    assert isinstance(joint, Joint)
    return Sigma(joint=joint)


def _uniform(meta: Meta, game: NormalFormGame, counts: Sequence[Sequence[int]]) -> Sigma:
    weights = np.concatenate([np.asarray(own, dtype=np.float64) for own in counts])
    return Sigma(simplices.normalise(weights, game.offsets))


def _qre(meta: Meta, game: NormalFormGame, counts: Sequence[Sequence[int]]) -> Sigma:
    from solvers.qre import qre

    assert meta.lam is not None
    return Sigma(qre(game, meta.lam).profile)


_SOLVERS: dict[str, Callable[[Meta, NormalFormGame, Sequence[Sequence[int]]], Sigma]] = {
    "nash": _nash,
    "ce": _correlated,
    "cce": _correlated,
    "alpharank": _alpharank,
    "uniform": _uniform,
    "qre": _qre,
}


# --- what is asked of oracles ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """Play of the others that a player is to respond to.

    Parameters
    ----------
    player : int
        Who responds.
    own : float
        What the player earns now, given that.
    chance : float
        How likely the player is told so: 1, unless it is recommended strategies one by one (CE).
    weights : list of float64[n], or None
        Everybody's mixtures, where the others mix independently.
    cells, probs : int32[K, P], float64[K], or None
        Where they are drawn together: profiles and probabilities; the player's own column is not looked at.
    """

    player: int
    own: float
    chance: float = 1.0
    weights: list[Float] | None = None
    cells: Int | None = None
    probs: Float | None = None


def targets(game: NormalFormGame, sigma: Sigma, concept: str) -> list[Target]:
    """What everybody responds to: the others' play, in a CE given each recommendation."""
    if sigma.profile is not None:
        values, blocks = game.values(sigma.profile), game.blocks(sigma.profile)
        return [Target(i, float(v), weights=blocks) for i, v in enumerate(values)]
    joint = sigma.joint
    assert joint is not None
    paid = game.payoffs[(slice(None), *joint.cells.T)]
    if concept != "ce":
        values = paid @ joint.probs
        return [Target(i, float(v), cells=joint.cells, probs=joint.probs) for i, v in enumerate(values)]
    found = []
    for i in range(len(game.shape)):
        for told in np.unique(joint.cells[:, i]):
            where = joint.cells[:, i] == told
            chance = float(joint.probs[where].sum())
            if chance > _NEGLIGIBLE:
                given = joint.probs[where] / chance
                own = float(paid[i, where] @ given)
                found.append(Target(i, own, chance, cells=joint.cells[where], probs=given))
    return found
