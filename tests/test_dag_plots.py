"""Pictures of graphs draw what they are given, and the page about a run says what its files say."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from balanced_html import read
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch
from report_runs import Page

from experiments import cli
from experiments.dag_facts import DagFacts, run_facts
from experiments.dag_plots import (
    dag_figure,
    draw_dag,
    draw_information,
    draw_variation,
    headline,
    write_dag_figure,
)
from experiments.plots import new_figure
from experiments.report.dags import GraphSection, density_figure, graphs_of
from experiments.report.page import report_on
from experiments.training.runs import BEST, DENSE, LAST, read_metrics, read_run, team_of
from games.bayes_net import BayesNet
from games.dag import Dag
from games.errors import InputError

NASTY = "<script>$x^{</script>&"
CHAIN = np.array([[0.0, 0.9, 0.3], [0.0, 0.0, 0.6], [0.01, 0.0, 0.0]])


def made(agents: int = 3, **changes: Any) -> DagFacts:
    """Facts made up."""
    draw = np.random.default_rng(agents)
    p = draw.random((agents, agents)) * (1 - np.eye(agents))
    ratio = draw.random(5)
    facts = DagFacts(
        agents=tuple(f"agent_{i}" for i in range(agents)),
        states=5,
        listed=True,
        execution="learned",
        greedy=False,
        draws=64,
        probability=p,
        spread=p / 4,
        frequency=np.triu(np.ones((agents, agents)), 1),
        distinct=2,
        noisy_ratio=ratio / 2,
        ratio=ratio,
        uncertainty=ratio / 3,
        information=(p + p.T) / 10,
        correlation=ratio,
        method="exact",
        samples=0,
        bias=0.0,
    )
    return dataclasses.replace(facts, **changes)


def panel() -> Axes:
    return new_figure(5, 4).add_subplot()


def arrows(axes: Axes) -> list[FancyArrowPatch]:
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


# --- the graph ----------------------------------------------------------------------------------------------------


def test_arrows_lead_from_parents_to_children_and_are_wide_where_edges_are_likely() -> None:
    places = [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0)]
    axes = draw_dag(panel(), CHAIN, ("agent_0", "agent_1", "agent_2"), places)
    drawn: Any = {}
    for arrow in arrows(axes):
        start, end = arrow._posA_posB  # type: ignore[attr-defined]
        drawn[places.index(tuple(start)), places.index(tuple(end))] = arrow
    assert set(drawn) == {(0, 1), (0, 2), (1, 2)}  # an edge of one in a hundred is left out
    widths = [drawn[edge].get_linewidth() for edge in ((0, 2), (1, 2), (0, 1))]
    assert widths == sorted(widths) and widths[0] < widths[-1]
    shades = [sum(to_rgba(drawn[edge].get_edgecolor())[:3]) for edge in ((0, 2), (1, 2), (0, 1))]
    assert shades == sorted(shades, reverse=True)
    assert texts(axes) == ["0", "1", "2"]
    bar = axes.figure.axes[-1]
    assert "probability of an edge" in bar.get_ylabel() and bar.get_ylim() == (0.0, 1.0)


def test_neighbours_are_joined_by_thin_lines_and_names_stay_names() -> None:
    names = (NASTY, "_hidden", "agent 3")
    axes = draw_dag(panel(), CHAIN, names, neighbours=[(0, 1), (1, 2)], bar=False)
    (lines,) = [c for c in axes.collections if type(c).__name__ == "LineCollection"]
    assert len(lines.get_segments()) == 2  # type: ignore[attr-defined]
    assert len(texts(axes)) == 3 and "$" not in texts(axes)[0].replace(r"\$", "")
    axes.figure.canvas.draw()


@pytest.mark.parametrize("agents", [2, 13, 30, 70])
def test_graphs_of_any_size_are_drawn(agents: int) -> None:
    p = np.triu(np.full((agents, agents), 0.5), 1)
    axes = draw_dag(panel(), p, [f"a{i}" for i in range(agents)])
    assert len(arrows(axes)) == min(agents * (agents - 1) // 2, 400)
    axes.figure.canvas.draw()
    empty = draw_dag(panel(), np.zeros((agents, agents)), [f"a{i}" for i in range(agents)])
    assert not arrows(empty) and "no edges" in texts(empty)


# --- the tables ---------------------------------------------------------------------------------------------------


def test_variation_is_coloured_by_deviation_and_says_the_mean() -> None:
    spread = CHAIN / 3
    axes = draw_variation(panel(), CHAIN, spread, ("a", "b", "c"))
    (image,) = axes.images
    drawn: Any = image.get_array()
    np.testing.assert_array_equal(np.ma.filled(drawn, -1.0), np.where(np.eye(3), -1.0, spread))
    assert "0.90\n± 0.30" in texts(axes) and len(texts(axes)) == 6
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("parent", "child")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "c"]


def test_information_is_drawn_in_nats_and_noise_does_not_look_like_much() -> None:
    table = np.array([[0.0, 0.69, 1e-5], [0.69, 0.0, np.nan], [1e-5, np.nan, 0.0]])
    axes = draw_information(panel(), table, ("a", "b", "c"))
    assert sorted(texts(axes)) == ["0", "0", "0.69", "0.69", "–", "–"]
    assert axes.images[0].get_clim() == (0.0, 0.69)
    assert axes.figure.axes[-1].get_ylabel() == "nats"
    slight = draw_information(panel(), table * 1e-3, ("a", "b", "c"))
    assert slight.images[0].get_clim() == (0.0, 0.01)
    axes.figure.canvas.draw()


@pytest.mark.parametrize("agents", [2, 10, 40])
def test_the_figure_has_three_panels(agents: int) -> None:
    facts = made(agents)
    figure = dag_figure(facts)
    titles = [axes.get_title() for axes in figure.axes[:3]]
    assert titles[0] == "Graphs as played, drawn without noise: mean over states"
    assert "mean ± deviation" in titles[1] and "Mutual information" in titles[2]
    assert len(arrows(figure.axes[0])) == min(
        agents * (agents - 1) // 2, 400
    )  # what is played is without noise
    assert figure.get_suptitle() == headline(facts)
    figure.canvas.draw()


def test_the_headline_says_what_was_looked_at() -> None:
    told = headline(made())
    assert told.startswith("all 5 states; open ratio ") and "2 different graphs" in told
    unknown = made(correlation=np.full(5, np.nan), greedy=True, listed=False)
    assert "5 states" in headline(unknown) and headline(unknown).endswith("likeliest actions")
    noisy = dag_figure(made(execution="noisy"))
    assert "with noise" in noisy.axes[0].get_title()


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_files_are_written_and_the_same_again(suffix: str, tmp_path: Path) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in (first, second):
        write_dag_figure(path, made(places=((0.5, 0.5), (1.5, 0.5), (2.5, 0.5))))
    assert first.read_bytes() == second.read_bytes() and first.stat().st_size > 5_000


# --- a run --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def annealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose graph is annealed away, with two seeds."""
    out = tmp_path_factory.mktemp("runs") / "annealed"
    options = {
        "training.episodes": 10,
        "training.evaluate_every": 640,
        "training.log_every": 128,
        "learner.ppo.hidden": "[8]",
        "learner.ppo.rollout": 4,
        "learner.sparsity": 0.1,
        "learner.sparsity_steps": 5_120,
    }
    words = ["train", "bayes-net", "coordination:bits?agents=3", "--steps", 5_120, "-o", out, "-q"]
    words += [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    assert cli.run([str(word) for word in words]) == 0
    # one seed at a time is trained in this process
    assert cli.run(["train", "--resume", str(out), "--seeds", "2", "-q"]) == 0
    return out


def test_the_policies_before_annealing_are_kept(annealed: Path) -> None:
    run = read_run(annealed)
    for seed in run.seeds:
        wanted = {row["steps"]: row["wanted_ratio"] for row in read_metrics(run.folder(seed), "update")}
        judged = [row["steps"] for row in read_metrics(run.folder(seed), "evaluation")]
        dense = max(steps for steps in judged if wanted.get(steps) == 1.0)
        state = team_of(run, run.folder(seed) / DENSE)[2]
        assert state.steps == dense < 0.5 * 5_120 and min(wanted.values()) == 0.0


def test_facts_of_a_run_draw_actions_and_graphs_as_asked(annealed: Path) -> None:
    run = read_run(annealed)
    found = run_facts(run, run.folder(0) / DENSE)
    assert found.listed and found.states == 8 and not found.greedy and found.method == "exact"
    assert found.steps == team_of(run, run.folder(0) / DENSE)[2].steps
    noisy = run_facts(run, run.folder(0) / DENSE, execution="noisy")
    assert noisy.method == "counted" and noisy.execution == "noisy"
    assert 0.1 < noisy.noisy_ratio.mean() < 1.0
    assert run_facts(run, run.folder(0) / LAST, execution="empty").frequency.max() == 0


def test_the_page_says_what_the_checkpoints_are_like(annealed: Path) -> None:
    first = report_on(annealed)
    assert first.html == report_on(annealed).html
    page, run = Page(first.html), read_run(annealed)
    names = {"before annealing": DENSE, "best evaluation": BEST, "last": LAST}
    rows = page.having("graph")
    assert {(row["seed"], row["which"]) for row in rows} == {(s, w) for s in "01" for w in names}
    for which, name in names.items():
        document = run_facts(run, run.folder(1) / name).to_document()
        told = {row["graph"]: row["value"] for row in rows if (row["seed"], row["which"]) == ("1", which)}
        assert float(told["open ratio"]) == document["open_ratio"]
        assert float(told["total correlation"]) == document["total_correlation"]
        assert float(told["mutual information"]) == document["mean_mutual_information"]
        assert int(told["steps"]) == document["trained_steps"]
    pictures = [values["alt"] for tag, values in page.tags if tag == "img"]
    assert sum("Learned graph on 3 agents" in alt for alt in pictures) == 3
    assert any(alt.startswith("Open ratio") for alt in pictures)


def test_density_over_training_with_its_aim(annealed: Path) -> None:
    run = read_run(annealed)
    lines = {seed: read_metrics(run.folder(seed), "update") for seed in run.seeds}
    density, influence = density_figure(lines).axes
    labels = [line.get_label() for line in density.lines]
    assert labels == ["seed 0", "seed 1", "wanted, τ", "its weight, α"]
    np.testing.assert_array_equal(density.lines[0].get_ydata(), [row["open_ratio"] for row in lines[0]])
    np.testing.assert_array_equal(density.lines[2].get_ydata(), [row["wanted_ratio"] for row in lines[0]])
    np.testing.assert_array_equal(influence.lines[1].get_ydata(), [row["influence"] for row in lines[1]])


def test_evaluate_draws_the_graph_of_one_seed(annealed: Path, tmp_path: Path) -> None:
    path = tmp_path / "graph.svg"
    words = ["evaluate", str(annealed), "--figure", str(path), "-n", "4", "-q"]
    assert cli.run(words) == 2 and not path.exists()  # of two seeds
    assert cli.run([*words, "--train-seed", "1"]) == 0
    run = read_run(annealed)
    write_dag_figure(tmp_path / "same.svg", run_facts(run, run.folder(1) / BEST))
    assert path.read_bytes() == (tmp_path / "same.svg").read_bytes()
    assert cli.run([*words[:3], str(tmp_path / "graph.gif"), *words[4:]]) == 2


def test_agents_without_a_graph_are_said_to_have_none(tmp_path: Path) -> None:
    out = tmp_path / "empty"
    words = ["train", "bayes-net", "coordination:bits?agents=2", "--steps", "640", "-o", str(out), "-q"]
    words += ["--set", "learner.dag=empty", "--set", "learner.ppo.hidden=[8]", "--set", "training.episodes=4"]
    assert cli.run(words) == 0
    run = read_run(out)
    with pytest.raises(InputError, match="play independently"):
        run_facts(run, run.folder(0) / BEST)
    section = graphs_of(run, lambda fraction, text: None)
    assert isinstance(section, GraphSection) and section.curves is None and not section.rows
    assert len(section.notes) == 1 and "play independently" in Page(report_on(out).html).text
    assert not (run.folder(0) / DENSE).exists()
    assert cli.run(["evaluate", str(out), "--figure", str(tmp_path / "graph.png"), "-n", "4", "-q"]) == 2


# --- notebooks ----------------------------------------------------------------------------------------------------


def test_graphs_and_networks_show_themselves_in_notebooks() -> None:
    text = read(Dag.of("2>0,2>1", [NASTY, "b", "c"])._repr_html_())
    assert "3 agents" in text and "2 edges" in text
    assert re.sub(r"\s+", " ", text).endswith(f"c – {NASTY} c b c ")
    copies = BayesNet.from_tables(Dag.line(2, [NASTY, "b"]), [[[[0.5, 0.5]]], [[[1, 0], [0, 1]]]])
    named = BayesNet(copies.graphs, copies.factors, copies.shape, (NASTY, "b"))
    assert "0.6931 nats" in read(named._repr_html_()) and NASTY in read(named._repr_html_())
    alone = BayesNet.from_tables(Dag.empty(2), [[[[0.5, 0.5]]], [[[1, 0]]]])
    assert "independent play" in read(alone._repr_html_())
    large = read(Dag.complete(30)._repr_html_())
    assert "first 20 of 30 agents" in large and "435 edges" in large
    nowhere = BayesNet(Dag.line(2).parents, np.zeros((2, 0, 4)), (2, 2))
    assert "no situations" not in read(nowhere._repr_html_())


def test_documents_of_facts_are_json() -> None:
    assert json.loads(json.dumps(made().to_document()))["open_ratio"] == made().ratio.mean()
