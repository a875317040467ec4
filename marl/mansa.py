"""MANSA: learning when to pay for central learning.

Two teams share an environment: one learned independently, one centrally. A third learner, Global, decides in every step
which of them acts, for everybody at once, and pays a price for every call of the central team; agents themselves are
paid plainly. So central learning happens where it is worth its price:

    maximise  E sum_t gamma^t (R(s_t, a_t) - c g_t),     a_t central if g_t = 1, independent if g_t = 0.

With a budget at most so many calls are made, on every trajectory. Source: Mguni et al. (2023), MANSA: Learning Fast and Slow
in Multi-Agent Systems, ICML; no implementation of theirs is public.

Letters: T steps, B sub-environments.
"""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from games.env import EnvSpec, Step
from games.errors import InputError
from games.policy import JointPolicy
from marl.checkpoint import Tree, load_moments, whole_number
from marl.learner import Batch, Metrics, Plain, central, central_inputs, tensor
from marl.mansa_checks import check_pair, remarks_on
from marl.mansa_state import Learning, part_of, title_of, told_of
from marl.ppo import PPO, own_judgement
from marl.ppo_data import Only
from marl.qlearning import QLearning
from marl.returns import Moments
from marl.switch import Switch
from marl.switched_team import Decider, Held, SwitchedTeam

Array = npt.NDArray[Any]
Component = QLearning | PPO
_QLEARNING: Any = QLearning
_SWITCH: Any = Switch
WITHIN = {"reward": "team", "rollout": 50}
"""What both learners do unless they are told otherwise: learn for the team, from rollouts of the same length."""
WARMUP, EPSILON_STEPS = 0.1, 0.3
"""Shares of a run in which chance calls, and over which the switch then explores less and less, if nobody says."""
USUAL_STEPS = 200_000
"""The run that is meant where none is known."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Mansa(Plain):
    """Hyperparameters: two learners, the learner of the switch, and what a call costs.

    The learners are any of the trainer's own: IQL and QMIX by default, or IPPO and MAPPO. Q-learners may learn from what
    the other team did (`share_data`); policies of proximal policy optimisation never do, and the central team learns from
    its own steps alone in any case, which is what makes a call a price paid in training.
    """

    independent: QLearning | PPO = Field(
        _QLEARNING(mixer="none", **WITHIN), description="who acts without a call"
    )
    central: QLearning | PPO = Field(
        _QLEARNING(mixer="monotonic", **WITHIN), description="who acts when called"
    )
    switch: Switch = Field(_SWITCH(), description="the learner of the switch")
    cost: float = Field(
        0.05, ge=0, description="price c of a call, in standard deviations of the team's reward of a step"
    )
    budget: int | None = Field(None, ge=0, description="calls at most, of an episode or of the whole run")
    budget_scope: Literal["episode", "run"] = Field("episode", description="what the budget is for")
    budget_cost: float = Field(
        0.02,
        ge=0,
        description="price of a call in place of cost where there is a budget, so that calls are not wasted",
    )
    share_data: bool = Field(True, description="whether an independent Q-learner learns from all steps")
    warmup: int | None = Field(
        None,
        ge=0,
        description="joint steps in which calls are made by a fair coin and the switch does not learn; a tenth of the run "
        "if none",
    )
    epsilon_steps: int | None = Field(
        None,
        ge=1,
        description="joint steps after those over which exploration falls (dqn); three tenths of the run if none",
    )
    epsilon_end: float = Field(0.05, ge=0, le=1, description="probability of a random call after that (dqn)")
    control: Literal["learned", "random", "independent", "central"] = Field(
        "learned", description="who decides: the switch, or as a control chance or nobody"
    )
    fraction: float = Field(0.5, ge=0, le=1, description="probability of a call where chance decides")
    execution: Literal["switched", "independent", "central"] = Field(
        "switched",
        description="who is judged: the switched team, which sees the state, or one of the two alone",
    )

    @property
    def rollout(self) -> int:
        """See `Learner.rollout`."""
        return self.independent.rollout

    @property
    def price(self) -> float:
        """What a call costs the switch."""
        return self.cost if self.budget is None else self.budget_cost

    def price_in_rewards(self, state: Learning) -> float:
        """What a call costs the switch, in units of the team's reward."""
        return self.price * float(state.moments.std)

    def filled(self, steps: int = USUAL_STEPS) -> Mansa:
        """The same with what was left open decided, for a run of so many joint steps."""
        warmup = int(WARMUP * steps) if self.warmup is None else self.warmup
        return replace(
            self, warmup=warmup, epsilon_steps=self.epsilon_steps or max(1, int(EPSILON_STEPS * steps))
        )

    def check(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> None:
        """Refuse two learners that do not fit each other or the environment, and a warm-up longer than the run."""
        for name, learner in (("independent", self.independent), ("central", self.central)):
            with told_of(name):
                learner.check(spec, steps, batch)
        check_pair(spec, self.independent, self.central)
        warmup = self._times[0]
        if self.control == "learned" and steps is not None and self.warmup is not None and warmup >= steps:
            raise InputError(
                f"the switch learns after a warmup of {warmup:,} steps, and the run has only {steps:,}; set a smaller warmup"
            )

    def remarks(self, spec: EnvSpec, steps: int | None = None, batch: int | None = None) -> tuple[str, ...]:
        """Budgets that never bind, prices that nobody pays."""
        return remarks_on(self, spec.horizon if self.budget_scope == "episode" else steps)

    @property
    def _times(self) -> tuple[int, int]:
        filled = self.filled()
        assert filled.warmup is not None and filled.epsilon_steps is not None
        return filled.warmup, filled.epsilon_steps

    def init(self, spec: EnvSpec, rng: np.random.Generator, device: str = "cpu") -> Learning:
        """Fresh learners, all three."""
        self.check(spec)
        states: list[Any] = []
        for learner in (self.independent, self.central):
            state: Any = learner.init(spec, rng, device)
            states.append(learner.masked(state) if isinstance(learner, QLearning) else state)
        inputs = central_inputs(spec) + (self.budget is not None)
        switch = self.switch.init(inputs, self.rollout, rng, device)
        return Learning(spec, states[0], states[1], switch, Moments(1.0), device)

    # --- playing -------------------------------------------------------------------------------------------

    def policy(self, state: Learning, greedy: bool = True) -> JointPolicy:
        """See `Learner.policy`.

        A switched team is judged with the whole budget of an episode; with one of the whole run, as it would play at this
        moment, with as many calls left as there are: calls of judged episodes are not taken from them.
        """
        independent = self.independent.policy(state.independent, greedy)
        central_ = self.central.policy(state.central, greedy)
        if self.execution == "independent":
            return independent
        if self.execution == "central" and self.budget is None:
            return central_
        decider = Decider(chance=1.0)
        if self.execution == "switched":
            network = deepcopy(state.switch.chooser).requires_grad_(False)
            decider = self._decider(state, network, 0.0, block=64, greedy=greedy)
        return SwitchedTeam(
            state.spec,
            independent,
            central_,
            decider,
            budget=self._left(state),
            full=self.budget,
            spends=self.budget_scope == "episode",
        )

    def _left(self, state: Learning) -> int | None:
        """Calls that are left of the run's budget, or the whole one of an episode; None without a budget."""
        if self.budget is None or self.budget_scope == "episode":
            return self.budget
        return max(self.budget - state.calls, 0)

    def beside(self, state: Learning, greedy: bool = True) -> dict[str, JointPolicy]:
        """The independent policies alone, beside a switched team."""
        if self.execution != "switched":
            return {}
        return {"independent": self.independent.policy(state.independent, greedy)}

    def explore(self, state: Learning) -> JointPolicy:
        """See `Learner.explore`."""
        decider = self._decider(state, state.switch.chooser, self.epsilon(state.steps), block=None)
        warmup, whole = self._times[0], self.budget is not None and self.budget_scope == "run"
        if self.control == "learned" and state.steps < warmup:
            # of a budget of the run no more than half is for learning what calls are worth
            chance = min(0.5, 0.5 * self.budget / warmup) if whole and self.budget is not None else 0.5
            decider = Decider(chance=chance)
        return SwitchedTeam(
            state.spec,
            self.independent.explore(state.independent),
            self.central.explore(state.central),
            decider,
            budget=self._left(state),
            full=self.budget,
            shared=whole,
        )

    def _decider(
        self, state: Learning, network: Any, epsilon: float, block: int | None, greedy: bool = False
    ) -> Decider:
        if self.control != "learned":
            chance = {"random": self.fraction, "independent": 0.0, "central": 1.0}[self.control]
            return Decider(chance=chance)
        soft = self.switch.method == "sac" and not greedy
        asked = _First(network)
        return Decider(asked, explore=0.0 if soft else epsilon, soft=soft, device=state.device, block=block)

    def epsilon(self, steps: int) -> float:
        """Probability of a random call after so many joint steps, where values decide."""
        if self.switch.method == "sac":
            return 0.0
        warmup, epsilon_steps = self._times
        share = min(max(steps - warmup, 0) / epsilon_steps, 1.0)
        return 1.0 + share * (self.epsilon_end - 1.0)

    # --- learning ------------------------------------------------------------------------------------------

    def update(self, state: Learning, batch: Batch, rng: np.random.Generator) -> tuple[Learning, Metrics]:
        """All three learn from what happened: both teams, and the switch."""
        notes = np.asarray(batch.steps.notes)
        called = notes[..., 0] > 0.5
        before = state.steps
        metrics: Metrics = {"call_fraction": float(called.mean()), "switch_epsilon": self.epsilon(before)}
        everything = self.share_data and isinstance(self.independent, QLearning)
        masks = (np.ones_like(called) if everything else ~called), called
        held: Held = batch.memory
        parts = (held.independent, held.central)
        onlys = self._onlys(state, batch, parts, masks)
        for k, name in enumerate(("independent", "central")):
            start = time.perf_counter()
            learner, own = getattr(self, name), getattr(state, name)
            told, samples = _taught(learner, own, batch._replace(memory=parts[k]), rng, masks[k], onlys[k])
            metrics |= {f"{name}_{key}": value for key, value in told.items()}
            metrics[f"{name}_samples_per_step"] = samples / called.size
            state.seconds[name] = time.perf_counter() - start
        start = time.perf_counter()
        state.steps += called.size
        state.calls += int(called.sum())
        gradient_steps = state.switch.gradient_steps
        metrics |= self._switch_learns(state, batch.steps.before, batch.steps.after, notes, before, rng)
        samples = (state.switch.gradient_steps - gradient_steps) * self.switch.batch_size
        metrics["switch_samples_per_step"] = samples / called.size
        metrics["call_fraction_so_far"] = state.calls / state.steps
        state.seconds["switch"] = time.perf_counter() - start
        return state, metrics

    def _onlys(
        self, state: Learning, batch: Batch, memories: tuple[Any, Any], masks: tuple[Array, Array]
    ) -> list[list[Only] | None]:
        """Which steps each learner of proximal policy optimisation may use, and what the other's critic says of all."""
        learners = (self.independent, self.central)
        states = (state.independent, state.central)
        groups = range(len(state.spec.groups))
        judged: list[Any] = [
            [learner.judged(own, batch._replace(memory=memory), g) for g in groups]
            if isinstance(learner, PPO)
            else None
            for learner, own, memory in zip(learners, states, memories)
        ]
        out: list[list[Only] | None] = []
        for k, learner in enumerate(learners):
            if not isinstance(learner, PPO):
                out.append(None)
                continue
            where = tensor(masks[k], state.device).float()
            others = judged[1 - k]
            out.append([Only(where, None if others is None else others[g]) for g in groups])
        return out

    def _switch_learns(
        self, state: Learning, before: Step, after: Step, notes: Array, steps: int, rng: np.random.Generator
    ) -> Metrics:
        """Keep the switch's transitions, then take the gradient steps that are due."""
        if self.control != "learned":
            return {}
        reward = _team_reward(state.spec, after)
        state.moments.update(tensor(reward, "cpu"))
        left = notes[..., 2] > 0 if self.budget is not None else np.ones(reward.shape, dtype=bool)
        state.switch.replay.add(
            {
                "seen": self._seen(state.spec, before, notes[..., 1]),
                "seen_next": self._seen(state.spec, after, notes[..., 2]),
                "switched": notes[..., 0] > 0.5,
                "open": notes[..., 1] > 0 if self.budget is not None else np.ones_like(left),
                "open_next": left,
                "reward": reward,
                "discount": after.discount,
            }
        )
        every = self.switch.learn_every
        due = state.steps // every - max(steps, self._times[0]) // every
        told = [
            self.switch.learn(
                state.switch,
                state.switch.replay.draw(self.switch.batch_size, "transitions", rng),
                self.price,
                state.moments.std,
            )
            for _ in range(due)
        ]
        if not told:
            return {}
        return {f"switch_{key}": float(torch.stack([one[key] for one in told]).mean()) for key in told[0]}

    def _seen(self, spec: EnvSpec, step: Step, share: Array) -> Array:
        """What the switch sees float32[T, B, s]: the state, and with a budget the share of it that is left."""
        seen = central(spec, step)
        if self.budget is None:
            return seen
        return np.concatenate([seen, share[..., None].astype(np.float32)], axis=-1)

    # --- keeping -------------------------------------------------------------------------------------------

    def save(self, state: Learning, whole: bool = True) -> Tree:
        """See `Learner.save`."""
        tree: Tree = {
            "independent": self.independent.save(state.independent, whole),
            "central": self.central.save(state.central, whole),
            "kinds": {"independent": title_of(self.independent), "central": title_of(self.central)},
            "steps": state.steps,
            "calls": state.calls,
        }
        if self.control == "learned":
            tree["switch"] = self.switch.save(state.switch, whole)
            tree["moments"] = {"0": dict(vars(state.moments))}
        return tree

    def load(self, spec: EnvSpec, tree: Tree, device: str = "cpu") -> Learning:
        """See `Learner.load`."""
        state = self.init(spec, np.random.default_rng(0), device)
        for name in ("independent", "central"):
            learner, part = getattr(self, name), part_of(tree, name, title_of(getattr(self, name)))
            with told_of(name):
                if isinstance(learner, QLearning):
                    learner.restore(getattr(state, name), part)
                else:
                    setattr(state, name, learner.load(spec, part, device))
        if self.control == "learned":
            self.switch.load(state.switch, tree.get("switch"))
            (state.moments,) = load_moments(tree.get("moments"), 1)
        state.steps, state.calls = whole_number(tree, "steps"), whole_number(tree, "calls")
        return state


class _First:
    """A network of one agent as a decider asks it: outputs alone, and nothing to remember."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def __call__(self, rows: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self._network(rows)[0], None


def _taught(
    learner: Component,
    state: Any,
    batch: Batch,
    rng: np.random.Generator,
    where: Array,
    only: list[Only] | None,
) -> tuple[Metrics, int]:
    """A team learns from the steps chosen by bool[T, B]; nothing is done where there are none.

    Also told is about how many environment steps its gradient steps were, those that were used again counted again.
    """
    if isinstance(learner, QLearning):
        before = state.samples
        return learner.update(state, batch, rng, where)[1], state.samples - before
    if where.any():
        told = learner.learn(state, batch, rng, own_judgement, only=only)[1]
        return told, learner.epochs * int(where.sum())
    learner.pass_by(state, batch)
    return {}, 0


def _team_reward(spec: EnvSpec, after: Step) -> Array:
    """What the team is paid, float32[T, B]: the common reward once, or the sum of all."""
    if spec.common_reward:
        return after.groups[0].reward[..., 0].astype(np.float32)
    return after.rewards.sum(axis=-1).astype(np.float32)
