"""The neural claims of the Bayesian-network actor-critic: how teams are judged, and the whole study in miniature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.dag_states import listed_steps
from experiments.papers import bayes_net, bayes_net_neural
from experiments.papers import bayes_net_arms as arms
from experiments.papers.arms import Arm, teams, trained
from experiments.papers.bayes_net_neural import NEURAL, poas
from experiments.papers.bayes_net_play import joint_table, mean_return, rng_of, sampled_table
from experiments.papers.claims import NotMeasured, Order
from experiments.papers.coordination_worth import anarchy, optimum, worth
from experiments.papers.folder import opened
from experiments.papers.reproduction import carry_out
from experiments.papers.samples import difference, sample, share
from games import make_env
from games.errors import InputError
from games.policy import Independent, Tabular, random_policy
from games.sims.coordination_bits import coordination_game
from marl.bayes_net import BayesNetActorCritic

TINY: Mapping[str, Any] = {"steps": 200, "seeds": 1, "other_sizes": [2], "other_seeds": 1, "episodes": 4}
CLAIMS = tuple(replace(claim, quick=TINY) for claim in bayes_net.NEURAL_CLAIMS)
SMALL = Arm(
    "small", "coordination:bits?agents=2", "mappo", {"training.batch": 4, "training.episodes": 2}, 256
)


def silent(fraction: float, message: str) -> None:
    assert 0.0 <= fraction <= 1.0 and message


# --- judging --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agents, best, ones, uniform", [(2, 47.8, 0.682, 0.523), (3, 43.104, 0.7743, 0.464)])
def test_worth_is_that_of_the_markov_game(agents: int, best: float, ones: float, uniform: float) -> None:
    game, size = coordination_game(agents), 2**agents
    for seed in range(5):
        joint = np.random.default_rng(seed).dirichlet(np.full(size, 0.5), size=size)
        exact = game.values(joint.reshape(size, *game.shape))[0]
        assert worth(joint, agents) == pytest.approx(exact, abs=1e-10)
        assert worth(joint, agents) <= optimum(agents) + 1e-9
    assert optimum(agents) == pytest.approx(best, abs=1e-4)
    assert anarchy(np.eye(size)[[size - 1] * size], agents) == pytest.approx(ones, abs=1e-4)
    assert anarchy(np.full((size, size), 1 / size), agents) == pytest.approx(uniform, abs=1e-4)


def test_worth_of_sizes_whose_game_is_not_written_out() -> None:
    assert optimum(5) == pytest.approx(53.7782, abs=1e-4)
    zeros = np.eye(1024)[[0] * 1024]
    assert anarchy(zeros, 10) == pytest.approx(1.0) and anarchy(zeros[:, ::-1], 10) < 0.8


def fresh_team(graph: str, agents: int, execution: Any = "learned", gain: float = 3.0) -> Any:
    """A team of untrained networks whose parents and graphs matter."""
    import torch

    env = make_env(arms.bits_env(agents))
    learner = BayesNetActorCritic(dag=graph, execution=execution)
    state = learner.init(env.spec, np.random.default_rng(1))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name in ("parents", "dag"):
            for parameter in state.networks[name].parameters() if name in state.networks else ():
                parameter.copy_(gain * torch.randn(parameter.shape, generator=generator))
    return learner.policy(state, greedy=False)


@pytest.mark.parametrize("graph", ["complete", "learned"])
def test_tables_are_what_networked_teams_play(graph: str) -> None:
    env = make_env(arms.bits_env(3))
    step, team = listed_steps(env), fresh_team(graph, 3)
    exact = joint_table(env, team)
    drawn = sampled_table(team, step, 4_000, np.random.default_rng(0))
    assert exact.shape == drawn.shape == (8, 8)
    # Hoeffding for each of 64 cells: false alarms below 1e-9
    assert np.abs(exact - drawn).max() < np.sqrt(np.log(2 * 64 / 1e-9) / (2 * 4_000))
    joint = exact.reshape(8, 2, 2, 2)
    product = np.einsum("sa,sb,sc->sabc", joint.sum((2, 3)), joint.sum((1, 3)), joint.sum((1, 2)))
    assert team.graphs(step).any() and np.abs(joint - product).max() > 0.01


def test_tables_of_independent_teams_are_products_in_the_agents_order() -> None:
    env = make_env(arms.bits_env(3))
    step = listed_steps(env)
    rng = np.random.default_rng(3)
    one, two = (rng.dirichlet([1.0, 1.0], size=8) for _ in range(2))
    team = Independent(env.spec, {"agent_0": Tabular(one), "agent_1": Tabular(two), "agent_2": Tabular(one)})
    wanted = np.einsum("sa,sb,sc->sabc", one, two, one).reshape(8, 8)
    assert joint_table(env, team) == pytest.approx(wanted, abs=1e-12)
    assert joint_table(env, random_policy(env.spec)) == pytest.approx(np.full((8, 8), 1 / 8))
    assert sampled_table(team, step, 4_000, rng) == pytest.approx(wanted, abs=0.06)


def test_noisy_play_is_another_distribution() -> None:
    """With noisy graphs what is played is a mixture of networks, which no noise-free network shows."""
    env = make_env(arms.bits_env(3))
    step = listed_steps(env)
    noisy = fresh_team("learned", 3, "noisy", gain=0.3)
    with pytest.raises(InputError, match="drawn anew"):
        joint_table(env, noisy)
    counted = sampled_table(noisy, step, 4_000, np.random.default_rng(0))
    assert counted.sum(axis=1) == pytest.approx(np.ones(8))


def test_returns_are_means_of_the_common_reward() -> None:
    env = make_env("coordination:matrix?game=zoo:pure-coordination&actions=2")
    team = Independent(env.spec, Tabular([[1.0, 0.0]]))
    assert mean_return(env, team, 7, rng_of(1, 2)) == 1.0


def test_samples_have_means_and_intervals() -> None:
    told = sample([1.0, 2.0, 3.0, 4.0])
    assert told["mean"] == 2.5 and 1.0 <= told["low"] < 2.5 < told["high"] <= 4.0
    assert sample([2.0]) == {"mean": 2.0, "low": None, "high": None, "values": [2.0]}
    # against scipy's Welch test at the level where p = 0.05 exactly
    from scipy import stats

    x, y = [1.0, 2.5, 3.0, 2.0], [0.0, 0.4, 1.4]
    wanted = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    told = difference(x, y)
    assert (told["low"], told["high"]) == pytest.approx((wanted.low, wanted.high))
    assert difference([1.0, 1.0], [0.5, 0.5]) == {"mean": 0.5, "low": 0.5, "high": 0.5}
    assert difference([1.0], [0.5, 0.5])["low"] is None
    assert share([True, True, False, True])["mean"] == 0.75 and share([True])["high"] == 1.0


# --- arms -----------------------------------------------------------------------------------------------------


def opened_at(path: Path, **how: Any) -> Order:
    order = Order(path, quick=True, quiet=True, **how)
    opened(bayes_net.PAPER, order)
    return order


def test_arms_are_runs_that_are_trained_once(tmp_path: Path) -> None:
    order = opened_at(tmp_path / "out", seed=7)
    run = trained(SMALL, order, silent)
    assert run.seeds == (7,) and run.spec.training.batch == 4
    written = (run.folder(7) / "last.safetensors").stat().st_mtime_ns
    assert trained(SMALL, order, silent).path == run.path
    assert (run.folder(7) / "last.safetensors").stat().st_mtime_ns == written
    with pytest.raises(
        InputError, match=r"training.steps is \d+ there, not \d+\); arm small has changed since; --fresh"
    ):
        trained(replace(SMALL, steps=512), order, silent)
    anew = replace(order, fresh=True, renewed=set())
    longer = trained(replace(SMALL, steps=512), anew, silent)
    assert longer.spec.training.steps == 512
    written = (run.folder(7) / "last.safetensors").stat().st_mtime_ns
    trained(
        replace(SMALL, steps=512), anew, silent
    )  # a second claim that rests on it does not train it again
    assert (run.folder(7) / "last.safetensors").stat().st_mtime_ns == written
    assert sorted(path.name for path in run.path.parent.iterdir()) == ["small"]
    (team,) = teams(longer, greedy=True)
    assert joint_table(make_env(SMALL.env), team).shape == (4, 4)


def test_an_arm_that_diverges_is_not_measured(tmp_path: Path) -> None:
    order = opened_at(tmp_path / "out")
    wild = replace(SMALL, settings={**SMALL.settings, "learner.learning_rate": 1e30})
    with pytest.raises(NotMeasured, match="arm small: seed 0 diverged"):
        trained(wild, order, silent)


def test_arms_of_a_study_differ_in_the_graph_alone() -> None:
    budget = bayes_net.COORDINATION[False]
    specs = [arms.coordination(budget, 3, graph) for graph in arms.GRAPHS]
    for arm in specs:
        assert {**arm.settings, "learner.dag": ""} == {**specs[0].settings, "learner.dag": ""}
        assert (arm.env, arm.steps, arm.seeds) == (specs[0].env, 200_000, 10)
        assert arm.settings["learner.ppo.sharing"] == "heads"
    assert "one-hot" in arms.aloha(bayes_net.ALOHA[False], "empty").env


def test_claims_on_the_same_runs_have_the_same_budget() -> None:
    claims = {claim.key: claim for claim in bayes_net.NEURAL_CLAIMS}
    assert set(claims) == set(NEURAL)
    for quick in (True, False):
        shared = [claims[key].budget(quick) for key in ("coordination", "context", "annealing")]
        assert shared[0] == shared[1] == shared[2]
    from experiments.papers.bayes_net_tabular import TABULAR

    assert sorted(bayes_net.LETTERS.values()) == sorted(TABULAR)
    assert set(bayes_net.LETTERS) == {claim.key for claim in bayes_net.TABULAR_CLAIMS}


# --- the study in miniature -----------------------------------------------------------------------------------


def test_the_study_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"training.episodes": 4, "training.batch": 4, "learner.sparsity_decays": 1}
    monkeypatch.setattr(arms, "COMMON", {**arms.COMMON, **short})
    monkeypatch.setattr(bayes_net_neural, "DRAWS", 500)
    monkeypatch.setattr(bayes_net_neural, "STATES", 64)
    order = opened_at(tmp_path / "out")
    paper = replace(bayes_net.PAPER, claims=CLAIMS)
    answers = {one.claim.key: one for one in carry_out(paper, CLAIMS, order, silent)}
    assert all(one.found is not None for one in answers.values())
    told = {key: json.loads((order.out / "claims" / f"{key}.json").read_text()) for key in answers}
    for document in told.values():
        assert document["figures"] and all(
            (order.out / f).stat().st_size > 5_000 for f in document["figures"]
        )

    poa = told["coordination"]["measured"]["poa"]
    assert set(poa) == {"2", "3"} and set(arms.GRAPHS) < set(poa["3"])
    assert "greedy, noisy graph" in poa["3"]["learned"] and "greedy, noisy graph" not in poa["3"]["empty"]
    gain = told["coordination"]["criteria"][0]
    wanted = poa["3"]["complete"]["greedy"]["mean"] - poa["3"]["empty"]["greedy"]["mean"]
    assert gain["value"]["mean"] == pytest.approx(wanted) and gain["passed"] == (wanted >= 0.03)

    annealed = told["annealing"]["measured"]
    assert annealed["poa"]["drawn"]["independent"] == poa["3"]["empty"]["drawn"]  # the same runs
    assert 0.0 < annealed["open_ratio"]["mean"] <= 1.0
    assert annealed["correlation_before"]["mutual_information"]["mean"] >= 0.0
    assert set(annealed["runs"]) == {f"coordination-3-{arm}" for arm in ("annealed", "learned", "empty")}

    context = told["context"]["measured"]
    spread = [context[which]["edge_spread"]["mean"] for which in ("trained", "untrained")]
    assert context["gain"]["mean"] == pytest.approx(spread[0] - spread[1]) and spread[1] > 0
    assert context["trained"]["states"] == [8]

    games = told["climbing"]["measured"]["games"]
    assert set(games) == {"climbing", "penalty"}
    for graph, row in games["climbing"].items():
        assert row["payoff"]["mean"] in (-30.0, 0.0, 5.0, 6.0, 7.0, 11.0), graph
        assert row["optimal"]["mean"] == (row["payoff"]["mean"] == 11.0)

    returns = told["aloha"]["measured"]["return"]
    best = max(returns["complete"]["greedy"]["mean"], returns["learned"]["greedy"]["mean"])
    assert told["aloha"]["criteria"][1]["value"]["mean"] == best
    assert told["aloha"]["measured"]["graphs"]["states"] == [256]

    run = trained(arms.annealed(TINY), order, silent)
    (alone,) = poas(run, 3, "drawn", "empty")
    (team,) = teams(run, greedy=False)
    assert alone == pytest.approx(anarchy(joint_table(make_env(run.spec.env), team.apart()), 3))
