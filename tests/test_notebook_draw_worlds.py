"""Swarms and economies in notebooks: what is told is what playing finds, and what is drawn is what is told."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from experiments.notebook import draw, film, train
from experiments.notebook.canvas import new_axes
from experiments.notebook.economies import learned
from experiments.notebook.swarms import rules, sizes
from experiments.training.runs import Run
from games import make_env, play_episodes
from games.errors import InputError
from games.policy import Independent
from games.sims.economy_one_step_model import OneStepEconomy
from games.sims.economy_taxes import Brackets
from games.streams import draw_seeds
from solvers.taxation import free_market, outcome, us_federal
from solvers.taxation_optimum import optimum

SWARM = "swarm:vicsek?agents=8&horizon=5&kappa=0.5"
ECONOMY = "economy:one-step?agents=6&observe=brief"


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = {
        "learner.upper.rollout": 5,
        "training.batch": 2,
        "training.episodes": 2,
    }
    return train(
        "decpomfc", SWARM, out=tmp_path_factory.mktemp("a") / "run", steps=20, settings=settings, quiet=True
    )


@pytest.fixture(scope="module")
def economy(tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = {"training.batch": 4, "training.episodes": 4}
    settings |= {f"learner.{who}.rollout": 2 for who in ("workers", "planner")}
    out = tmp_path_factory.mktemp("b") / "run"
    return train("economist", ECONOMY, out=out, steps=16, settings=settings, quiet=True)


@pytest.fixture(autouse=True)
def closed() -> Any:
    yield
    from matplotlib import pyplot

    pyplot.close("all")


# --- swarms ----------------------------------------------------------------------------------------------


def test_sizes_are_those_of_the_rules_played_directly(swarm: Run) -> None:
    told = sizes(swarm, (2, 30), execution="open", episodes=12, seed=5, surrogate=(40, 3))
    (judged,) = told.seeds
    assert (judged.line.agents, judged.line.episodes) == (40, 3)
    assert [(one.agents, one.way) for one in judged.sizes] == [(2, "open"), (30, "open")]
    for one in judged.sizes:
        env = make_env(SWARM, agents=one.agents)
        seeds = draw_seeds(np.random.default_rng(5), 12)
        wanted = play_episodes(env, Independent(env.spec, rules(swarm)), seeds).returns[:, 0]
        assert np.allclose(one.returns, wanted, atol=1e-12)
    assert "30" in told._repr_html_() and "Mean-field line" in told._repr_html_()


def test_sizes_are_drawn_as_told(swarm: Run) -> None:
    told = sizes(swarm, (2, 30), execution="open", episodes=3, surrogate=(40, 2))
    means = [float(one.returns.mean()) for one in told.seeds[0].sizes]
    panels = draw.sizes(told)
    assert len(panels) == 2
    curve = next(line for line in panels[0].get_lines() if line.get_label() == "open")
    assert np.allclose(curve.get_ydata(), means) and list(curve.get_xdata()) == [2, 30]
    limit = next(line for line in panels[0].get_lines() if line.get_label() == "mean-field line")
    assert set(limit.get_ydata()) == {told.seeds[0].line.value}
    (own,) = new_axes(1)
    assert draw.sizes(told, deviations=False, axes=own) == [own] and own.get_xscale() == "log"
    with pytest.raises(InputError, match="1 axes were given for 2 quantities"):
        draw.sizes(told, axes=own)


def test_rules_and_scenes_are_drawn(swarm: Run) -> None:
    policy = rules(swarm)
    panels = draw.rules(policy, SWARM.replace("agents=8", "agents=3000"))
    assert [panel.get_title() for panel in panels] == [f"step {k} of 5" for k in (1, 2, 3, 5)]
    with pytest.raises(InputError, match="shows something else"):
        draw.rules(policy, "swarm:aggregation?horizon=5")
    shown = film(SWARM, policy, title="rules")
    assert draw.scene(shown).get_title().startswith("rules: step 5")
    assert draw.scene(shown, 2).get_title().startswith("rules: step 2")
    with pytest.raises(InputError, match="there is no step -1"):
        draw.scene(shown, -1)


def test_complaints_about_swarms(swarm: Run, economy: Run) -> None:
    with pytest.raises(InputError, match="rules computed in advance are decpomfc's"):
        rules(economy)
    with pytest.raises(InputError, match="--agents is for runs in swarms"):
        sizes(economy, (2, 3))
    with pytest.raises(InputError, match="at least 1 agent and 2 episodes, not 40 and 1"):
        sizes(swarm, (2,), surrogate=(40, 1))


# --- economies -------------------------------------------------------------------------------------------


def test_what_was_learned_is_judged_exactly(economy: Run, swarm: Run) -> None:
    found = learned(economy)
    rates, own = found.rates, found.economy
    assert own.size == 6 and np.allclose(rates * 20, np.round(rates * 20)), "rates of the planner's grid"
    best = optimum(own)
    judged = found.certificate(best.rates[None])
    ideal = outcome(own, rates)
    assert judged.ideal == pytest.approx(ideal.welfare, abs=1e-9)
    assert judged.planner_regret == pytest.approx(best.welfare - ideal.welfare, abs=1e-9)
    assert found.certificate().planner_regret == pytest.approx(judged.planner_regret, abs=1e-9), (
        "of 9,261 schedules"
    )
    income, alone = own.wages * own.hours[found.labour], np.arange(own.size)
    assert np.allclose(found.outcome.income, income)
    paid = own.brackets.due(income, rates)
    for i in alone:  # what the first worker could gain, written out
        mine = own.wages[i] * own.hours
        due = own.brackets.due(mine, rates)
        values = mine - due + (due + paid.sum() - paid[i]) / own.size - own.costs
        assert judged.regret[i] == pytest.approx(values.max() - values[found.labour[i]], abs=1e-9)
    assert 0 < found.regret_on_random(20) < 1, "workers who have hardly learned lose something"
    with pytest.raises(InputError, match=r"told of economy:one-step"):
        learned(swarm)


def test_schedules_are_drawn_as_they_are() -> None:
    brackets = Brackets.federal()
    own = OneStepEconomy.quantiles(5, brackets)
    axes = draw.rates({"federal": us_federal(own), "none": np.zeros(7)}, brackets.cutoffs[:6], [30.0, 70.0])
    steps = axes.patches[0].get_data()
    assert steps.values.tolist() == [0.10, 0.12, 0.22, 0.24, 0.32, 0.35], "the seventh bracket is left out"
    assert steps.edges.tolist()[:6] == list(brackets.cutoffs[:6])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["federal", "none", "incomes"]
    with pytest.raises(InputError, match="a schedule must have 7 rates"):
        draw.rates({"short": [0.1, 0.2]}, brackets)


def test_systems_and_incomes_are_drawn_as_they_are() -> None:
    own = OneStepEconomy.quantiles(5, Brackets.federal())
    free, federal = free_market(own), us_federal(own)
    axes = draw.systems({"free": free, "federal": federal, "seeds": ([0.5, 0.6], [400.0, 420.0])})
    points = {bar.get_label(): bar.lines[0].get_xydata()[0] for bar in axes.containers}
    coin = np.sort(federal.coin)
    gini = np.abs(coin[:, None] - coin).sum() / (2 * len(coin) ** 2 * coin.mean())
    scaled = 1 - gini * len(coin) / (len(coin) - 1)
    assert points["federal"] == pytest.approx((coin.sum(), scaled))
    assert points["seeds"] == pytest.approx((410.0, 0.55))
    panels = draw.incomes({"free market": free, "US federal": federal})
    assert [panel.get_title() for panel in panels] == ["free market", "US federal"]
    bars = [bar.get_height() for bar in panels[1].containers[-1]]
    assert np.allclose(bars, federal.coin)
    assert panels[0].get_ylim() == panels[1].get_ylim() and panels[1].get_legend() is None
    with pytest.raises(InputError, match="no tax system"):
        draw.incomes({})
