"""What a PSRO run leaves behind: its iterations, its populations, and how they are best played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from experiments.psro.arenas import Arena
from experiments.psro.meta import Meta, Sigma
from experiments.psro.oracles import Oracle
from experiments.psro.populations import Populations
from games.simplices import Float

REACHED, KNOWN, BUDGET, INTERRUPTED = "tolerance", "known", "budget", "interrupted"
"""Why a run ended: nobody gains more; all responses are known; iterations or seconds are used up; Ctrl-C."""


class Iteration(NamedTuple):
    """One iteration, before its responses joined."""

    number: int
    seconds: float
    sizes: tuple[int, ...]
    """Members of each population."""
    values: Float
    """float64[P]: what players earn under the meta-strategy."""
    gains: Float
    """float64[P]: what a best response gains, exactly, or what the oracle's response gains."""
    found: Float
    """float64[P]: what the oracle's responses gain."""
    added: int
    """Responses that were new."""

    @property
    def gap(self) -> float:
        """The sum of the gains: NashConv where players mix independently and best responses are known."""
        return float(self.gains.sum())


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Where a run ended.

    Parameters
    ----------
    arena, meta, oracle
        What was run.
    populations : Populations
        All strategies; ``populations.members`` can be given to `psro` as `start` to go on.
    sigma : Sigma
        The best meta-strategy met (by its largest gain), or where gains are estimates the last one.
    at : Iteration
        Where it was met.
    history : tuple of Iteration
        All iterations.
    stopped : str
        "tolerance", "known" (all responses were in the populations already), "budget" or "interrupted".
    """

    arena: Arena
    meta: Meta
    oracle: Oracle
    populations: Populations
    sigma: Sigma
    at: Iteration
    history: tuple[Iteration, ...]
    stopped: str

    def __repr__(self) -> str:
        sizes = " x ".join(map(str, self.populations.sizes))
        told = f"{len(self.history)} iterations, {sizes}, gap {self.at.gap:.3g}, {self.stopped}"
        return f"Result({self.oracle.name} responses to {self.meta.name}, {told})"

    @property
    def answer(self) -> Any:
        """The play in the game itself: a profile, a mixture of profiles, or a team."""
        return self.arena.answer(self.populations.members, self.sigma)

    @property
    def concept(self) -> str:
        """What a certificate judges the answer as; on trees the CE of strategies is judged as a CCE."""
        from games.tree import TreeGame

        return (
            "cce"
            if self.meta.concept == "ce" and isinstance(self.arena.game, TreeGame)
            else self.meta.concept
        )

    @property
    def certificate(self) -> Any:
        """How far the answer is from equilibrium, from the game alone; None where the game is not known."""
        if not self.arena.exact:
            return None
        from solvers.certificate import certify

        return certify(self.arena.game, self.answer, self.concept)
