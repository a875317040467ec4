"""Dec-POMFC by policy gradients (Dec-POMFPPO): a swarm trained in its mean field, executed by each agent alone.

The swarm is one agent of an upper level: it sees features of the mean field and acts, once per step, by a vector xi that
stands for a whole rule, "what to do with what you see" (`games.swarm_rules`). Everybody follows that rule by its own
observation. Upper-level steps are learned from by proximal policy optimisation:

    s_t = features of the mean field,  xi_t ~ N(m(s_t), diag sigma^2),  u^i_t ~ rule(xi_t)(. | y^i_t),  r_t common reward,

one transition per step, however many agents there are. In the limit of many agents the mean field moves without chance,
so that rules computed in advance on a large surrogate swarm serve any number of agents, without the mean field (OPEN).

Source: Cui, Hauck, Fabian and Koeppl, "Learning Decentralized Partially Observable Mean Field Control for Artificial
Collective Behavior", ICLR 2024, for the reduction and the algorithm; constants are this project's own.

Letters: T steps, B sub-environments, D numbers in xi.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass as record
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from games.env import EnvSpec, Group, Step, View
from games.errors import InputError
from games.play import Transition
from games.policy import JointPolicy
from games.sims.swarm import parameters_of
from games.sims.swarm_parameters import MAX_AGENTS
from games.sims.swarm_vicsek import Vicsek
from games.spaces import Box
from games.swarm_rules import Family, RuleFamily, sight_of
from marl.actors import log_prob_and_entropy, playing
from marl.checkpoint import Tree
from marl.decpomfc_team import Clock, Execution, Sighted, SwarmTeam
from marl.learner import Batch, Metrics, Plain
from marl.ppo import PPO, Said
from marl.ppo import Learning as UpperLearning
from marl.ppo_data import Part

Array = npt.NDArray[Any]
UPPER = {
    "rollout": 250,
    "epochs": 10,
    "minibatches": 4,
    "learning_rate": 1e-3,
    "entropy": 0.0,
    "max_grad_norm": 1.0,
}
"""What the learner of the upper level does unless it is told otherwise."""
LARGEST = 20_000
"""Numbers in xi at most."""
_PPO: Any = PPO


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class DecPOMFC(Plain):
    """Hyperparameters: the learner of the upper level, and what its actions mean.

    The three families of rules take the same vectors xi, on the same grid, so that they differ in nothing else.
    """

    upper: PPO = Field(_PPO(critic="observation", **UPPER), description="who learns the upper level")
    family: Family = Field("interpolation", description="from the grid of observations to what an agent sees")
    points: int = Field(3, ge=1, le=1000, description="grid points along each coordinate of an observation")
    bandwidth: float = Field(
        0.5, ge=1e-6, le=1e6, description="of the kernels of mixture and interpolation, in grid spacings"
    )
    spread: float = Field(0.5, ge=1e-3, description="largest standard deviation of an agent's action")
    log_std: float = Field(
        -0.5, ge=-10, le=2, description="logarithm of the upper level's first standard deviation"
    )
    clock: Clock = Field("none", description="how the upper level is told the time")
    kl: float = Field(0.0, ge=0, description="first weight of the penalty KL(old || new) of the upper level")
    kl_target: float = Field(
        0.03, gt=0, description="the penalty's weight grows where KL is over twice this, falls under half"
    )
    execution: Execution = Field(
        "open",
        description="who is judged: rules in advance, by the mean field (det), drawn for all (shared) or each (ind)",
    )
    surrogate: int = Field(
        2000, ge=2000, le=MAX_AGENTS, description="agents of the swarm on which rules are computed in advance"
    )

    @property
    def rollout(self) -> int:
        """See `Learner.rollout`."""
        return self.upper.rollout

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        """Refuse what is no swarm, and an upper level that remembers."""
        family = self.rule_family(spec)
        if family.size > LARGEST:
            raise InputError(
                f"points is {self.points}, which makes {family.count:,} grid points and {family.size:,} numbers that the "
                f"upper level chooses in every step; at most {LARGEST:,} are"
            )
        if self.upper.recurrent:
            raise InputError(
                "the upper level sees the whole mean field and remembers nothing: upper.recurrent must be false"
            )
        self.upper.check(self.upper_spec(spec), steps, batch)

    def remarks(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> tuple[str, ...]:
        """Wide kernels, grids without a middle, swarms that no limit describes."""
        out, parameters = [], parameters_of(spec)
        if self.family != "histogram" and self.bandwidth >= 1:
            out.append(
                f"a bandwidth of {self.bandwidth:g} times the grid's spacing blurs every rule to nearly the same action for all "
                "observations (measured on Aggregation: a return of -97 where 0.5 reaches -60; docs/dec-pomfc.md)"
            )
        if self.points % 2 == 0:
            out.append(
                f"a grid of {self.points} points along each coordinate has none in the middle of what is seen"
            )
        if isinstance(parameters, Vicsek) and parameters.kappa == 0:
            out.append(
                "where headings are uniform at first the mean field is symmetric and no limit tells what a finite swarm "
                "does; add kappa=0.5 to the environment for one that converges"
            )
        return tuple(out)

    def rule_family(self, spec: EnvSpec) -> RuleFamily:
        """What xi means in a swarm."""
        sight_of(spec)
        return RuleFamily.of(spec, self.family, self.points, self.bandwidth, self.spread)

    def upper_spec(self, spec: EnvSpec) -> EnvSpec:
        """The swarm as one agent: it sees the mean field and acts by xi, any D numbers."""
        size = self.rule_family(spec).size
        seen = spec.state + self._sighted(spec).extra
        group = Group("swarm", ("swarm",), (seen,), Box((-inf,) * size, (inf,) * size))
        return EnvSpec(f"{spec.name} as one agent", (group,), seen, spec.horizon, common_reward=True)

    def _sighted(self, spec: EnvSpec) -> Sighted:
        assert spec.horizon is not None  # every swarm has one
        return Sighted(self.clock, spec.horizon)

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Learning:
        """A fresh upper level; its rules are near the middle of everything."""
        self.check(spec)
        upper = self.upper.init(self.upper_spec(spec), rng, device)
        with torch.no_grad():
            upper.networks["actors"][0].log_std.fill_(self.log_std)
        return Learning(spec, upper, float(self.kl))

    # --- playing -------------------------------------------------------------------------------------------

    def policy(self, state: Learning, greedy: bool = True) -> JointPolicy:
        """See `Learner.policy`; greedy agents take the mean of their rule, and the upper level is at its mean anyway."""
        team = self.team(state, greedy)
        return team.apart() if self.execution == "open" else team.executed(self.execution)

    def beside(self, state: Learning, greedy: bool = True) -> dict[str, JointPolicy]:
        """The swarm by its mean field, beside rules computed in advance."""
        return {"det": self.team(state, greedy)} if self.execution == "open" else {}

    def team(self, state: Learning, greedy: bool = False) -> SwarmTeam:
        """The swarm by its mean field (DET): a copy that later updates do not change."""
        actor: Any = deepcopy(state.upper.networks["actors"][0]).requires_grad_(False)
        return self._team(state, actor, "det", greedy, block=64)

    def open_rules(self, state: Learning) -> Any:
        """The rules computed in advance, `games.open_loop.OpenLoop`."""
        return self.team(state).open()

    def explore(self, state: Learning) -> SwarmTeam:
        """See `Learner.explore`: one xi is drawn for the whole swarm."""
        return self._team(state, state.upper.networks["actors"][0], "shared", False, block=None)

    def _team(
        self, state: Learning, actor: Any, execution: Execution, greedy: bool, block: int | None
    ) -> SwarmTeam:
        upper = playing(actor, greedy=True, block=block)
        family = self.rule_family(state.spec)
        return SwarmTeam(
            state.spec, upper, self._sighted(state.spec), family, execution, self.surrogate, greedy
        )

    # --- learning ------------------------------------------------------------------------------------------

    def update(self, state: Learning, batch: Batch, rng: np.random.Generator) -> tuple[Learning, Metrics]:
        """One update of the upper level, from one transition per step."""
        upward = self._upward(state, batch.steps)
        weight = state.kl_weight

        def judge(state: UpperLearning, parts: list[Part]) -> Said:
            (part,) = parts
            actor: Any = state.networks["actors"][0]
            out, _ = actor.unroll(part.obs, None, part.fresh)
            log_prob, entropy = log_prob_and_entropy(actor.actions, out, part.mask, part.action)
            moved = kl_to(part.notes.unsqueeze(-2), out).mean() if weight else None
            return Said([log_prob], [entropy], None if moved is None else weight * moved)

        state.upper, metrics = self.upper.learn(state.upper, Batch(upward, None, batch.begun), rng, judge)
        if weight:
            metrics["kl_moved"] = self._moved(state, upward)
            state.kl_weight = weight * adapted(metrics["kl_moved"], self.kl_target)
            metrics["kl_weight"] = weight
        family = self.rule_family(state.spec)
        rules = family.rules(upward.actions[0][..., 0, :])
        metrics["rule_spread"] = float(rules.spreads.mean())
        metrics["upper_std"] = float(state.upper.networks["actors"][0].log_std.detach().exp().mean())
        return state, metrics

    def _upward(self, state: Learning, steps: Transition) -> Transition:
        """What happened to the swarm as one agent: arrays with T, B in front."""
        notes, sighted = np.asarray(steps.notes), self._sighted(state.spec)
        size = self.rule_family(state.spec).size
        time, xi, behind = notes[..., 0].astype(np.int64), notes[..., 1 : 1 + size], notes[..., 1 + size :]
        before = _as_one(steps.before, sighted(steps.before.state, time))
        after = _as_one(steps.after, sighted(steps.after.state, time + 1))
        return Transition(before, (xi[..., None, :],), after, behind)

    def _moved(self, state: Learning, upward: Transition) -> float:
        """Mean KL(old || new) of the upper level over recorded steps, in nats."""
        actor: Any = state.upper.networks["actors"][0]
        seen = upward.before.groups[0].observation
        with torch.no_grad():
            rows = torch.from_numpy(np.ascontiguousarray(seen.reshape(-1, 1, seen.shape[-1])))
            out, _ = actor(rows.to(state.upper.device))
            behind = torch.from_numpy(np.asarray(upward.notes)).to(out).reshape(len(out), 1, -1)
            return float(kl_to(behind, out).mean())

    # --- keeping -------------------------------------------------------------------------------------------

    def save(self, state: Learning, whole: bool = True) -> Tree:
        """See `Learner.save`."""
        upper = self.upper.save(state.upper, whole)
        return {"upper": upper, "sight": self._told(state.spec), "kl_weight": state.kl_weight}

    def load(self, spec: EnvSpec, tree: Tree, device: str = "cpu") -> Learning:
        """See `Learner.load`; the number of agents may be another."""
        self.check(spec)
        if tree.get("sight") != self._told(spec):
            raise InputError(_unlike(tree.get("sight"), self._told(spec), spec.name))
        part, weight = tree.get("upper"), tree.get("kl_weight")
        if not isinstance(part, Mapping) or not isinstance(weight, float) or not 0 <= weight < inf:
            raise InputError(
                "the checkpoint is damaged: it has no upper level, or a weight of KL that is no number"
            )
        upper = self.upper.load(self.upper_spec(spec), dict(part), device)
        return Learning(spec, upper, weight)

    def _told(self, spec: EnvSpec) -> dict[str, Any]:
        """What both levels see of a swarm, as a checkpoint keeps it: shapes, what observations and features cover, the clock."""
        bounds = {name: list(part) for name, part in sight_of(spec)._asdict().items()}
        grid = {
            name: _listed(value) for name, value in vars(parameters_of(spec).grid).items() if name[0] != "_"
        }
        clock = spec.horizon if self.clock != "none" else 0
        return bounds | {
            "shapes": [list(group.observation) for group in spec.groups],
            "grid": grid,
            "clock": clock,
        }


@record
class Learning:
    """The learner's state.

    Parameters
    ----------
    spec : EnvSpec
        Where it learns.
    upper : marl.ppo.Learning
        The upper level.
    kl_weight : float
        Of the penalty, as it is by now.
    """

    spec: EnvSpec
    upper: UpperLearning
    kl_weight: float

    @property
    def steps(self) -> int:
        """Joint environment steps learned from."""
        return self.upper.steps


def kl_to(old: Tensor, new: Tensor) -> Tensor:
    """KL(old || new) of normal distributions, float[...] in nats, from means and log standard deviations float[..., 2 D]."""
    mean, log_std = old.chunk(2, dim=-1)
    mean_new, log_std_new = new.chunk(2, dim=-1)
    ratio = ((2 * log_std).exp() + (mean - mean_new).square()) * (-2 * log_std_new).exp()
    return (log_std_new - log_std + 0.5 * ratio - 0.5).sum(-1)


def adapted(moved: float, target: float) -> float:
    """By what the weight of KL changes: 1.5 where the policy moved over twice the target, 0.5 under half of it."""
    return 1.5 if moved > 2 * target else 0.5 if moved < 0.5 * target else 1.0


def _as_one(step: Step, seen: Array) -> Step:
    """A step of the swarm as that of one agent that sees float32[..., M] and is paid the mean of all rewards."""
    reward = step.groups[0].reward.mean(axis=-1, keepdims=True)
    always = np.ones(reward.shape, dtype=bool)
    mask = np.ones((*reward.shape, 0), dtype=bool)
    return Step((View(seen[..., None, :], mask, reward, always, always),), seen, step.discount, step.last)


_MEANT = {
    "grid": "features of the mean field",
    "clock": "the time as the upper level is told it",
    "shapes": "shapes",
}


def _unlike(kept: Any, here: dict[str, Any], name: str) -> str:
    """Which of the things that are seen are not those of a checkpoint, in a sentence."""
    if not isinstance(kept, dict) or kept.keys() != here.keys():
        return "the checkpoint does not fit: it was written by another version, or is damaged; train again"
    what = next(key for key in here if kept[key] != here[key])
    meant = _MEANT.get(what, f"another grid of observations ({what})")
    return f"the checkpoint does not fit: {meant}: {kept[what]} there, and {here[what]} in {name}"


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
