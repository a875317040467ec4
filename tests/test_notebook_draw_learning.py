"""Pictures of learning for notebooks draw what was measured: curves, graphs of every state, calls and what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from run_folders import write_run

from experiments.evaluation_output import Evaluation
from experiments.notebook import compare, draw, evaluate, train
from experiments.papers.mansa_arms import optimal_team
from experiments.training.runs import Run, load_team
from games.errors import InputError
from games.sims.switching_chain import switching_chain
from games.tabulate import Situations
from solvers.switching import optimal_switch
from solvers.switching_team import SwitchedTeam

mpl.use("Agg")
SMALL = {"training.episodes": 10, "training.batch": 8}


@pytest.fixture(autouse=True)
def closed() -> Any:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("draw") / "graph"
    settings = {**SMALL, "learner.ppo.hidden": [8], "learner.ppo.rollout": 10}
    return train("bayes-net", "coordination:bits?agents=3", out=out, steps=160, settings=settings, quiet=True)


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    out = tmp_path_factory.mktemp("draw") / "switch"
    settings: dict[str, Any] = {**SMALL, "learner.warmup": 80}
    for part in ("independent", "central", "switch"):
        settings |= {f"learner.{part}.hidden": [8], f"learner.{part}.learn_every": 80}
    env = "foraging:4x4-2p-1f-coop?horizon=8"
    run = train("mansa", env, out=out, steps=320, settings=settings, quiet=True)
    return evaluate(run, checkpoint="last", episodes=60, quiet=True)


# --- curves ------------------------------------------------------------------------------------------------


def test_curves_are_interquartile_means_with_their_bands(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = {name: rng.random((5, 4)) + shift for name, shift in (("one", 0.0), ("other", 2.0))}
    folders = {
        name: write_run(tmp_path / name, {k: row.tolist() for k, row in enumerate(table)})
        for name, table in values.items()
    }
    axes = draw.curves(folders)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "other"]
    for line, (name, table) in zip(axes.lines, values.items()):
        assert line.get_label() == name and line.get_xdata().tolist() == [0, 1000, 2000, 3000]
        expected = np.sort(table, axis=0)[1:4].mean(axis=0)  # of 5 runs, one is cut off at each end
        assert np.asarray(line.get_ydata()) == pytest.approx(expected)
    bands = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    assert [(band.min() < table.mean() < band.max()) for band, table in zip(bands, values.values())] == [
        True
    ] * 2
    mine = plt.figure().subplots()
    assert draw.curves(compare(folders), mine) is mine and len(mine.lines) == 2


def test_every_environment_has_curves_of_its_own(tmp_path: Path) -> None:
    envs = ["foraging:8x8-2p-3f", "foraging:5x5-2p-1f"]
    runs = [write_run(tmp_path / f"run{k}", {0: [0.0, k]}, env=env) for k, env in enumerate(envs)]
    panels = draw.curves(runs)
    assert [panel.get_title() for panel in panels] == envs
    with pytest.raises(InputError, match="1 axes were given for 2 environments"):
        draw.curves(runs, plt.figure().subplots())


# --- graphs ------------------------------------------------------------------------------------------------


def test_every_state_has_the_graph_that_is_played_in_it(team: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import experiments.dag_plots as dag_plots

    tables: list[Any] = []
    really = dag_plots.draw_dag

    def watched(axes: Axes, probability: Any, *rest: Any, **more: Any) -> Axes:
        tables.append(np.asarray(probability))
        return really(axes, probability, *rest, **more)

    monkeypatch.setattr(dag_plots, "draw_dag", watched)
    panels = draw.graphs(team)
    bits = [f"state {a} {b} {c}" for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    assert [panel.get_title() for panel in panels] == bits
    _, env, _, policy = load_team(team.path, greedy=False)
    found: Any = policy
    step = Situations(env).step(np.arange(8))
    nets = found.network(step)
    for k, table in enumerate(tables):
        assert set(np.unique(table)) <= {0.0, 1.0} and not np.diag(table).any()
        assert (np.triu(table) == 0).all() or np.linalg.matrix_power(table.astype(int), 3).sum() == 0
        assert table.tolist() == np.asarray(nets.graphs)[k].astype(float).tolist()
    tables.clear()
    draw.graphs(team, noisy=True)
    assert all(((table >= 0) & (table <= 1)).all() for table in tables)
    assert any(((table > 0.05) & (table < 0.95)).any() for table in tables)
    tables.clear()
    mine = plt.figure().subplots()
    assert draw.graph(team, mine, noisy=False) is mine
    assert tables[0] == pytest.approx(np.asarray(nets.graphs).mean(axis=0))
    assert "mean over 8 states" in mine.get_title()


def test_teams_without_a_graph_have_none_to_draw(team: Run, tmp_path: Path) -> None:
    settings = {**SMALL, "learner.hidden": [8], "learner.rollout": 10}
    alone = train(
        "mappo", "coordination:climbing", out=tmp_path / "run", steps=80, settings=settings, quiet=True
    )
    for picture in (draw.graph, draw.graphs):
        with pytest.raises(InputError, match="graph"):
            picture(alone)
    with pytest.raises(InputError, match="2 axes were given for 8 states"):
        draw.graphs(team, plt.figure().subplots(1, 2))
    with pytest.raises(InputError, match="there is no seed 5"):
        draw.graph(team, seed=5)


# --- switches ----------------------------------------------------------------------------------------------


def test_calls_are_drawn_as_they_were_counted(switched: Evaluation) -> None:
    switch = switched.seeds[0].switch
    assert switch is not None and switch.facts is not None
    facts = switch.facts
    for axes, told in ((draw.calls_map(switched), facts.map), (draw.calls_around(facts), facts.around)):
        assert told is not None
        cells = np.ma.filled(axes.images[0].get_array(), np.nan)
        expected = np.divide(
            told.calls, told.counts, out=np.full(told.counts.shape, np.nan), where=told.counts > 0
        )
        np.testing.assert_allclose(cells, expected)
        assert axes.get_xlabel().startswith(told.across.name[:20])
    first = facts.features[0]
    mine = plt.figure().subplots()
    assert draw.calls_by(switched, first.feature.name, mine) is mine
    assert [bar.get_height() for bar in mine.patches] == pytest.approx(first.bins.share.tolist())
    assert (
        facts.around is not None and facts.around.counts.sum() == 2 * facts.steps
    )  # food is left in every step


def test_executions_have_the_returns_that_are_told(switched: Evaluation) -> None:
    axes = draw.executions(switched)
    told = switched.document()["seeds"][0]["switch"]["executions"]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(
        [way["return"]["mean"] for way in told]
    )
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert [label.split("\n")[0] for label in labels] == ["switched", "random", "independent", "central"]
    assert labels[2].endswith("0 % calls") and labels[3].endswith("100 % calls")


def test_calls_of_others_are_refused(switched: Evaluation, team: Run) -> None:
    told = evaluate(team, episodes=5, quiet=True)
    for picture in (draw.calls_map, draw.calls_around, draw.calls_by, draw.executions):
        with pytest.raises(InputError, match="has no switch"):
            picture(told)
    with pytest.raises(InputError, match="there is no feature 'hunger' that changes; there are "):
        draw.calls_by(switched, "hunger")
    with pytest.raises(InputError, match="there is no feature 99"):
        draw.calls_by(switched, 99)
    with pytest.raises(InputError, match="of seed 3 has no switch"):
        draw.calls_map(switched, seed=3)


def test_a_call_is_worth_what_independent_agents_leave(tmp_path: Path) -> None:
    game = switching_chain(np.random.default_rng(0), 5, (1, 3)).game
    best = optimal_team(game)
    worse = best.copy()
    for state in (1, 3):
        worse[:, state] = np.where(np.isclose(game.reward[0, state], 5 / 11), 1.0, 0.0)
    found = optimal_switch(SwitchedTeam(game, worse, best), 0.2)
    axes = draw.calls_worth(found)
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in axes.patches}
    expected = {k: (6 / 11 if k in (1, 3) else 0.0) - 0.2 for k in range(5)}
    assert heights == pytest.approx(expected)
    called, rest = axes.containers
    assert len(called) == 2 and len(rest) == 3
    with pytest.raises(InputError, match="with a budget"):
        draw.calls_worth(optimal_switch(SwitchedTeam(game, worse, best), 0.2, budget=1))


def test_names_of_pictures_lead_to_functions() -> None:
    for name in draw.__all__:
        assert callable(getattr(draw, name)) and getattr(draw, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'curve'"):
        _ = draw.curve
