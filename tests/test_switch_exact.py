"""A switched team's exact value and its distance from the best switch, beside play and brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from experiments.read_off import NotExact
from experiments.switch_exact import exact_switch
from games import make_env, play_episodes
from games.env import Env
from games.policy import Independent, Tabular
from games.sims.switching_chain import switching_chain
from games.simulate import simulate
from games.streams import draw_seeds
from marl.learners import LEARNERS
from marl.switched_team import Decider, SwitchedTeam

BITS = "coordination:bits?agents=2&steps=4"


class Rows:
    """Values of not calling and of calling, by the place of the 1 in a one-hot state."""

    def __init__(self, calls: Any) -> None:
        self.calls = torch.as_tensor(np.asarray(calls, dtype=np.float64))

    def __call__(self, rows: torch.Tensor) -> tuple[torch.Tensor, None]:
        number = rows[..., : len(self.calls)].argmax(dim=-1)
        return torch.stack([torch.full(number.shape, 0.5).double(), self.calls[number]], dim=-1), None


def pure(env: Env, rng: np.random.Generator) -> Independent:
    """Every agent plays some action in every situation."""
    group = env.spec.groups[0]
    chosen = rng.integers(0, group.width, (group.size, group.rows))
    return Independent(
        env.spec, {a: Tabular(np.eye(group.width)[chosen[i]]) for i, a in enumerate(env.spec.agents)}
    )


def chain_env() -> Env:
    return simulate(switching_chain(np.random.default_rng(4), 4, (1, 2)).game, name="a chain")


@pytest.mark.parametrize("budget", [None, 1])
def test_the_best_of_all_switches_has_no_regret_and_others_what_they_miss(budget: int | None) -> None:
    env, rng = chain_env(), np.random.default_rng(0)
    one, other = pure(env, rng), pure(env, rng)
    size = env.spec.groups[0].rows
    worths, regrets = [], []
    for calls in product([0.0, 1.0], repeat=4):  # in the last of 5 states nothing happens any more
        decider = Decider(Rows(np.resize([*calls], size)))
        found = exact_switch(env, SwitchedTeam(env.spec, one, other, decider, budget=budget), 0.1)
        worths.append(found.returned - 0.1 * found.calls)
        regrets.append(float(found.certificate.regret[0]))
    if budget is None:
        assert max(worths) == pytest.approx(found.best_returned - 0.1 * found.best_calls)
        assert min(regrets) == pytest.approx(0.0, abs=1e-12)
    best = found.best_returned - 0.1 * found.best_calls
    assert regrets == pytest.approx([best - worth for worth in worths], abs=1e-9)
    assert max(regrets) > 0.05


@pytest.mark.parametrize("uri", ["bits", "chain"])
@pytest.mark.parametrize("budget", [None, 2])
def test_what_is_computed_is_what_is_played(uri: str, budget: int | None) -> None:
    env = make_env(BITS) if uri == "bits" else chain_env()
    rng = np.random.default_rng(1)
    decider = Decider(chance=0.6)
    team = SwitchedTeam(env.spec, pure(env, rng), pure(env, rng), decider, budget=budget)
    found = exact_switch(env, team, 0.0)
    played = play_episodes(env, team, draw_seeds(np.random.default_rng(2), 4_000))
    score = played.returns[:, 0]
    error = score.std() / np.sqrt(len(score)) + 1e-9
    assert abs(score.mean() - found.returned) < 4.5 * error
    calls = played.counts["call"]
    assert abs(calls.mean() - found.calls) < 4.5 * (calls.std() / np.sqrt(len(calls)) + 1e-9)
    if budget is not None:
        assert calls.max() <= budget


def test_a_budget_of_the_whole_run_is_judged_with_the_calls_that_are_left() -> None:
    """What the switch sees when it is computed is what it sees when it plays, and nothing is used up."""
    env = make_env(BITS)
    learner: Any = LEARNERS["mansa"].make(budget=10, budget_scope="run")
    state = learner.init(env.spec, np.random.default_rng(0))
    with torch.no_grad():
        for parameter in state.switch.chooser.parameters():
            parameter.mul_(3.0)
    for spent in (0, 4, 9, 10):
        state.calls = spent
        team = learner.policy(state)
        found = exact_switch(env, team, 0.0)
        played = play_episodes(env, team, draw_seeds(np.random.default_rng(2), 2_000)).counts["call"]
        assert abs(played.mean() - found.calls) < 4.5 * (played.std() / np.sqrt(len(played)) + 1e-9)
        assert (spent < 10) or not played.any()


def test_a_trained_learner_s_switch_is_certified_at_its_price() -> None:
    env = make_env(BITS)
    learner: Any = LEARNERS["mansa"].make()
    state = learner.init(env.spec, np.random.default_rng(0))
    state.moments.update(torch.arange(10.0))
    assert learner.price_in_rewards(state) == pytest.approx(0.05 * np.arange(10.0).std(), rel=1e-3)
    found = exact_switch(env, learner.policy(state), learner.price_in_rewards(state))
    assert found.certificate.regret[0] >= 0.0 and found.returned <= found.best_returned + 1e-9 + found.calls


@pytest.mark.parametrize(
    "uri, why",
    [("foraging:5x5-2p-1f-coop", "no table"), ("zoo:chicken", "paid differently")],
)
def test_where_nothing_is_exact_the_reason_is_told(uri: str, why: str) -> None:
    env = make_env(uri)
    learner: Any = LEARNERS["mansa"].make()
    with pytest.raises(NotExact, match=why):
        exact_switch(env, learner.policy(learner.init(env.spec, np.random.default_rng(0))), 0.1)
    remembering: Any = LEARNERS["mansa"].make(
        independent=LEARNERS["iql"].make(recurrent=True), central=LEARNERS["qmix"].make(recurrent=True)
    )
    bits = make_env(BITS)
    with pytest.raises(NotExact, match="remember"):
        exact_switch(bits, remembering.policy(remembering.init(bits.spec, np.random.default_rng(0))), 0.1)
