"""Pictures draw what they claim: polygons are exact, marks sit on the branch, any game has one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes

from experiments import heatmaps, plots, regions, solution_plots, tree_plots
from experiments.branch_output import moving_blocks
from games import load
from games.efg import parse_efg
from games.errors import InputError
from games.normal import NormalFormGame
from games.tree import TreeGame
from games.tree_build import from_efg
from solvers.cfr import cfr
from solvers.correlated import cce, ce
from solvers.nash import nash
from solvers.qre import trace_qre
from solvers.tree_qre import agent_qre, trace_agent_qre

CHICKEN = NormalFormGame.symmetric([[6, 2], [7, 0]], title="chicken")
COORDINATION = NormalFormGame.symmetric(np.diag([1.01, 1.0, 1.0]), title="almost even $coordination_")


def inside(point: Any, polygon: Any, slack: float) -> bool:
    """Whether a point lies in a convex counter-clockwise polygon, up to `slack`."""
    after = np.roll(polygon, -1, axis=0)
    along, out = after - polygon, np.asarray(point) - polygon
    cross = along[:, 0] * out[:, 1] - along[:, 1] * out[:, 0]
    return bool((cross >= -slack * np.hypot(*along.T)).all())


# --- payoff polygons --------------------------------------------------------------------------------------


def test_chicken_polygons_are_the_textbook_ones() -> None:
    corners = {(7.0, 2.0), (5.25, 5.25), (2.0, 7.0), (3.6, 3.6)}
    for concept in ("ce", "cce"):
        found = regions.equilibrium_region(CHICKEN, concept)
        assert found is not None
        assert {tuple(np.round(v, 6)) for v in found} == corners
    assert {tuple(v) for v in regions.feasible_region(CHICKEN)} == {(0, 0), (7, 2), (6, 6), (2, 7)}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_polygons_are_nested_and_reach_the_optima(seed: int, rows: int, columns: int) -> None:
    game = NormalFormGame(np.random.default_rng(seed).integers(-3, 4, (2, rows, columns)).astype(float))
    feasible = regions.feasible_region(game)
    outer, inner = regions.equilibrium_region(game, "cce"), regions.equilibrium_region(game, "ce")
    assert outer is not None and inner is not None
    slack = 2 * regions.ACCURACY * max(game.span, 1.0)
    for small, large in ((inner, outer), (outer, feasible)):
        if len(large) >= 3:
            assert all(inside(v, large, slack) for v in small)
    for solver, polygon in ((cce, outer), (ce, inner)):
        assert polygon.sum(axis=1).max() == pytest.approx(solver(game).values.sum(), abs=2 * slack)
    equilibrium = nash(game).values
    if len(inner) >= 3:
        assert inside(equilibrium, inner, slack)


def test_degenerate_polygons_are_points_and_segments() -> None:
    pennies = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    assert regions.equilibrium_region(pennies, "cce") == pytest.approx(np.zeros((1, 2)), abs=1e-9)
    assert len(regions.feasible_region(pennies)) == 2
    common = NormalFormGame.common_payoff([[1.0, 0.0], [0.0, 1.0]])
    found = regions.equilibrium_region(common, "ce")
    assert found is not None and len(found) == 2
    assert sorted(found[:, 0]) == pytest.approx([0.5, 1.0], abs=1e-7)
    constant = NormalFormGame(np.full((2, 2, 3), 1e9))
    assert len(regions.feasible_region(constant)) == 1
    assert regions.equilibrium_region(constant, "ce") == pytest.approx(np.full((1, 2), 1e9))


def test_extreme_points_of_a_known_polygon() -> None:
    angles = 2 * np.pi * np.arange(7) / 7
    corners = np.column_stack([np.cos(angles), np.sin(angles)])
    found = regions.extreme_points(lambda direction: corners[int((corners @ direction).argmax())])
    assert {tuple(v) for v in found} == {tuple(v) for v in corners}


def test_too_large_for_a_picture() -> None:
    game = NormalFormGame(np.zeros((2, 60, 60)))
    assert regions.equilibrium_region(game, "ce") is None


# --- branches ---------------------------------------------------------------------------------------------


def test_branch_panels_show_every_action_and_every_fold() -> None:
    branch = trace_qre(COORDINATION)
    assert branch.turning_points.size == 2
    figure = plots.branch_figure(branch)
    assert len(figure.axes) == 2
    axes = figure.axes[0]
    labels = [line.get_label() for line in axes.lines]
    assert {"1", "2", "3", "turning point"} <= set(labels)
    for k in range(3):
        x, y = axes.lines[k].get_data()
        traced = branch.profiles[:, k]
        assert np.asarray(y)[0] == pytest.approx(1 / 3) and np.asarray(y)[-1] == pytest.approx(traced[-1])
        # a fold means that the curve runs backwards somewhere, and drawing must not iron that out
        assert (np.diff(np.asarray(x)) < 0).any()
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert sorted({float(m.get_xdata()[0]) for m in marks}) == pytest.approx(sorted(branch.turning_points))


def test_scale_log_axis_and_window() -> None:
    branch = trace_qre(CHICKEN)
    assert branch.bifurcations.size == 1
    axes = plots.branch_figure(branch, scale=7.0, unit="1 / payoff span", log=True).axes[0]
    assert axes.get_xscale() == "log" and "payoff span" in axes.get_xlabel()
    low, high = plots.window(branch)
    assert 0 < low < float(branch.bifurcations[0]) < high < branch.lambdas.max()
    assert axes.get_xlim() == pytest.approx((7 * low, 7 * high))
    assert plots.window(branch, whole=True)[1] == branch.lambdas.max()


@pytest.mark.parametrize("shape", [(1,), (3,), (1, 2), (2, 1, 2), (12, 11), (2, 2, 2, 2, 2)])
def test_any_game_has_a_branch_picture(shape: tuple[int, ...], tmp_path: Path) -> None:
    game = NormalFormGame(np.random.default_rng(5).random((len(shape), *shape)))
    figure = plots.branch_figure(trace_qre(game))
    assert sum(axes.get_visible() for axes in figure.axes) == len(shape)
    plots.save_figure(tmp_path / "a.png", figure)


# --- solutions and payoffs --------------------------------------------------------------------------------


def test_solution_figures_of_every_kind(tmp_path: Path) -> None:
    wide = NormalFormGame(np.random.default_rng(1).random((3, 4, 3, 45)), title="wide")
    for k, solutions in enumerate(((cce(CHICKEN),), (nash(CHICKEN),), (cce(wide),), (nash(wide),), ())):
        figure = solution_plots.solution_figure(CHICKEN if k != 2 and k != 3 else wide, solutions)
        plots.save_figure(tmp_path / f"{k}.png", figure)
        assert (tmp_path / f"{k}.png").stat().st_size > 5000


def test_the_solution_sits_in_its_region() -> None:
    axes: Axes = solution_plots.payoff_region_figure(CHICKEN, (cce(CHICKEN),)).axes[0]
    (star,) = (line for line in axes.lines if line.get_marker() == "*")
    assert np.ravel(star.get_data()) == pytest.approx([5.25, 5.25])
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert len(np.asarray(dots.get_xdata())) == 3


def test_heatmaps_say_the_numbers() -> None:
    figure = heatmaps.payoff_heatmaps(CHICKEN)
    assert [[t.get_text() for t in axes.texts] for axes in figure.axes] == [
        ["6", "2", "7", "0"],
        ["6", "7", "2", "0"],
    ]
    assert len(heatmaps.payoff_heatmaps(NormalFormGame([[1.0, 2.0]])).axes) == 1
    with pytest.raises(InputError, match="at most two players"):
        heatmaps.payoff_heatmaps(NormalFormGame(np.zeros((3, 2, 2, 2))))


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_same_answer_same_file(suffix: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{k}{suffix}" for k in range(2)]
    for path in files:
        plots.save_figure(path, heatmaps.payoff_heatmaps(CHICKEN))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_names_from_files_are_not_typeset() -> None:
    assert plots.plain_text("$x^2$ \n" + "a" * 40) == r"\$x^2\$ " + "a" * 21 + "…"


# --- trees ------------------------------------------------------------------------------------------------


def wide_game(infosets: int) -> TreeGame:
    """Two players; chance tells player 1 which of many information sets it is, player 2 never learns."""
    chances = " ".join(f'"{k}" 1/{infosets}' for k in range(infosets))
    lines = ['EFG 2 R "wide $x" { "$A" "B" }', f'c "" 1 "" {{ {chances} }} 0']
    for k in range(infosets):
        lines.append(f'p "" 1 {k + 1} "set {k}" {{ "l" "r" "m" }} 0')
        lines += [
            f'p "" 2 1 "any" {{ "u" "d" }} 0 t "" {10 * k + 1} "" {{ {k} 0 }} t "" {10 * k + 2} "" {{ 0 1 }}'
        ]
        lines += [f't "" {10 * k + 3} "" {{ 1 1 }}', f't "" {10 * k + 4} "" {{ 2 -{k} }}']
    return from_efg(parse_efg("\n".join(lines)))


def test_convergence_is_drawn_against_iterations_and_seconds() -> None:
    game = load("openspiel:kuhn_poker")
    solution = cfr(game, "cfr+", tolerance=1e-4)
    figure = tree_plots.tree_figure(game, [solution])
    left, right = figure.axes
    trace = solution.stats["trace"]
    for axes, along, label in (
        (left, [p.iterations for p in trace], "iterations"),
        (right, [p.seconds for p in trace], "seconds"),
    ):
        x, y = axes.lines[0].get_data()
        assert list(x) == along and list(y) == [p.nash_conv / 2 for p in trace]
        wide = max(along) >= 20 * min(along)  # else a logarithmic axis would have no ticks
        assert axes.get_xscale() == ("log" if wide else "linear")
        assert axes.get_yscale() == "log" and axes.get_xlabel() == label
    assert left.get_ylabel() == "exploitability"
    general = wide_game(3)
    solution = cfr(general, tolerance=1e-2)
    assert tree_plots.tree_figure(general, [solution]).axes[0].get_ylabel() == "sum of regrets"


def test_behaviour_is_drawn_in_bars_that_add_up(tmp_path: Path) -> None:
    game = wide_game(40)
    solution = agent_qre(game, 1.0)
    figure = tree_plots.tree_figure(game, [solution])
    first, second = figure.axes
    assert "first 24 of 40" in first.get_title() and len(second.patches) == 2
    assert sum(bar.get_width() for bar in first.patches) == pytest.approx(24.0)
    plots.save_figure(tmp_path / "a.png", figure)
    plots.save_figure(tmp_path / "b.png", tree_plots.tree_figure(game, []))


def test_a_branch_of_a_tree_shows_what_moves_most() -> None:
    game = wide_game(12)
    branch = trace_agent_qre(game, 2.0)
    figure = plots.branch_figure(branch)
    moved = np.maximum.reduceat(np.ptp(branch.profiles, axis=0), game.offsets[:-1])
    shown = moving_blocks(branch, plots.PANELS)
    assert len(figure.axes) == plots.PANELS == len(shown)
    assert moved[shown].min() >= np.delete(moved, shown).max()
    assert "6 of 13" in figure.get_suptitle()
