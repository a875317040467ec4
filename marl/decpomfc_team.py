"""How a swarm plays what it learned: by the mean field as it is (DET, SHARED, IND), or by rules computed in advance (OPEN).

In all of them an agent's action depends on its own observation and on the rule of the step. What differs is who computes
the rule, and from what: OPEN from a large surrogate swarm, before the episode, so that nobody needs the mean field.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from games.env import EnvSpec, Step, View
from games.env_uris import make_env
from games.open_loop import OpenLoop
from games.play import advance, begin
from games.policy import Independent
from games.streams import Streams
from games.swarm_rules import RuleFamily
from marl.neural import Neural

Array = npt.NDArray[Any]
Execution = Literal["open", "det", "shared", "ind"]
"""Rules in advance; rules from the mean field; drawn from it once for all; drawn by every agent for itself."""
Clock = Literal["none", "share", "one-hot"]
SURROGATE_SEED = 2**63
"""Of the surrogate's episode; seeds of played episodes are smaller (`games.streams.draw_seeds`)."""


class Sighted(NamedTuple):
    """What the upper level sees of a swarm."""

    clock: Clock
    horizon: int

    @property
    def extra(self) -> int:
        """Inputs beside the mean field."""
        return {"none": 0, "share": 1, "one-hot": self.horizon}[self.clock]

    def __call__(self, state: Array, time: Array) -> Array:
        """Inputs float32[..., M + extra] from features of the mean field float32[..., M] at steps int32[...]."""
        if self.clock == "none":
            return state
        if self.clock == "share":
            told = (time / self.horizon)[..., None]
        else:
            told = np.eye(self.horizon)[np.minimum(time, self.horizon - 1)]
        return np.concatenate([state, told.astype(np.float32)], axis=-1)


class SwarmTeam:
    """A swarm that looks at its mean field in every step.

    Parameters
    ----------
    spec : EnvSpec
        Where it plays.
    upper : Neural
        From what is seen of the mean field to means and logarithms of standard deviations of xi.
    sighted : Sighted
        What that is.
    family : RuleFamily
        From xi to a rule, and from a rule to actions.
    execution : {"det", "shared", "ind"}
        Whether xi is the mean, drawn once for everybody (by the first agent's stream, which all would have to share), or
        drawn by every agent for itself.
    surrogate : int
        Agents of the swarm from which rules are computed in advance (`apart`).
    greedy : bool
        Whether agents take the mean of their distribution of actions.
    """

    sees_state = True

    def __init__(
        self,
        spec: EnvSpec,
        upper: Neural,
        sighted: Sighted,
        family: RuleFamily,
        execution: Execution,
        surrogate: int,
        greedy: bool = False,
    ) -> None:
        self.spec, self.upper, self.sighted, self.family = spec, upper, sighted, family
        self.execution, self.surrogate, self.greedy = execution, surrogate, greedy

    def __repr__(self) -> str:
        return f"SwarmTeam({self.execution}, {self.family.family}, greedy={self.greedy})"

    def start(self, batch: int) -> Array:
        """The step everywhere: zeros int32[B]."""
        return np.zeros(batch, dtype=np.int32)

    def sample(self, step: Step, memory: Array, streams: Streams) -> tuple[tuple[Array, ...], Array]:
        """See `games.policy.JointPolicy`."""
        actions, after, _ = self.sample_noting(step, memory, streams)
        return actions, after

    def sample_noting(
        self, step: Step, memory: Array, streams: Streams
    ) -> tuple[tuple[Array, ...], Array, Array]:
        """Actions, the next step, and what was behind them: the step, xi, its means and log standard deviations.

        Of agents that drew for themselves the first one's xi is noted.
        """
        mean, log_std = self.chosen(step.state, memory)
        xi = self._drawn(mean, log_std, streams)
        actions = self.family.act(self.family.rules(xi), step.groups[0].observation, streams, self.greedy)
        notes = [memory[:, None], xi[:, 0], mean[:, 0], log_std[:, 0]]
        return (actions,), memory + 1, np.concatenate(notes, axis=-1).astype(np.float32)

    def chosen(self, state: Array, time: Array) -> tuple[Array, Array]:
        """What the upper level makes of mean fields float32[B, M] at steps int32[B]: two arrays float64[B, 1, D]."""
        seen = self.sighted(state, time)[:, None]
        empty = np.ones((len(seen), 1), dtype=bool)
        out, _ = self.upper.outputs(View(seen, empty[:, :, None][..., :0], empty * 0.0, empty, empty))
        mean, log_std = np.split(out, 2, axis=-1)
        return mean, log_std

    def _drawn(self, mean: Array, log_std: Array, streams: Streams) -> Array:
        """xi as float64[B, 1 or N, D]; what is drawn has the precision in which it is noted."""
        if self.execution == "det":
            return mean
        who = streams if self.execution == "ind" else streams.agents(slice(0, 1))
        drawn = mean + np.exp(log_std) * who.normal(mean.shape[-1])
        return drawn.astype(np.float32).astype(np.float64)

    def executed(self, execution: Execution) -> SwarmTeam:
        """The same swarm in another way, but for `open` (see `apart`)."""
        return SwarmTeam(
            self.spec, self.upper, self.sighted, self.family, execution, self.surrogate, self.greedy
        )

    def open(self) -> OpenLoop:
        """Rules for every step, from one episode of a surrogate swarm that follows the means of the upper level.

        One episode, not a mean of several: where a swarm breaks a symmetry, each does it in another way.
        """
        env = make_env(self.spec.name, agents=self.surrogate)
        team, xis = self.executed("det"), []
        team = SwarmTeam(
            env.spec, team.upper, team.sighted, team.family, "det", self.surrogate, greedy=self.greedy
        )
        play = begin(env, team, np.array([SURROGATE_SEED], dtype=np.uint64))
        for _ in range(self.sighted.horizon):
            notes = advance(env, team, play).notes
            assert notes is not None
            xis.append(notes[0, 1 : 1 + self.family.size].astype(np.float64))
        env.close(play.world)
        rules = self.family.rules(np.stack(xis))
        return OpenLoop(self.family, rules, greedy=self.greedy, made_in=self.spec.name)

    def apart(self) -> Independent:
        """The swarm without its mean field: everybody by rules computed in advance."""
        return Independent(self.spec, self.open())
