"""Pictures of games for notebooks: what is drawn is what the solvers say, on the axes that are given."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.axes import Axes

from experiments.intervals import wilson_interval
from experiments.notebook import draw
from experiments.notebook.draw_games import CORNERS, observed_shares
from experiments.regions import correlated_polytope
from games import load
from games.errors import InputError
from games.joint import Joint
from games.normal import NormalFormGame
from games.tree import TreeGame
from solvers import all_nash, cce, ce, certify, cfr, fit_qre, trace_qre

CHICKEN = NormalFormGame.symmetric([[6, 2], [7, 0]], title="Chicken_$")
BRIDGE = NormalFormGame.symmetric([[6, 2, 8], [7, 0, 8], [4, 1, 7]], title="Narrow bridge")
OCHS = NormalFormGame.bimatrix([[1.1141, 0], [0, 0.2785]], [[0, 1.1141], [1.1141, 0]])
COUNTS = (67.456, 60.544, 46.848, 81.152)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure outlives its test."""
    yield
    pyplot.close("all")


def labelled(axes: Any, label: str) -> Any:
    """The line with this label."""
    found = [line for line in axes.get_lines() if line.get_label() == label]
    assert len(found) == 1, [line.get_label() for line in axes.get_lines()]
    return found[0]


# --- the payoff plane -------------------------------------------------------------------------------------


def test_stars_are_where_the_best_of_each_concept_pays() -> None:
    best = [cce(BRIDGE, "welfare"), ce(BRIDGE, "welfare")]
    traced = trace_qre(BRIDGE)
    axes = draw.payoffs(BRIDGE, best, branch=traced)
    assert labelled(axes, "this CCE").get_xydata().ravel() == pytest.approx([5.5, 5.5])
    assert labelled(axes, "this CE").get_xydata().ravel() == pytest.approx([5.25, 5.25])
    assert len({labelled(axes, f"this {name}").get_color() for name in ("CCE", "CE")}) == 2
    path = labelled(axes, "logit QRE").get_xydata()
    assert path[0] == pytest.approx([BRIDGE.payoffs[0].mean()] * 2)
    assert sorted(path[-1]) == pytest.approx([2, 7], abs=1e-6)


def test_given_axes_are_drawn_on() -> None:
    _, (left, right) = pyplot.subplots(1, 2)
    assert draw.payoffs(CHICKEN, axes=left) is left
    assert draw.joint(all_nash(CHICKEN)[1], right) is right
    assert draw.branch(trace_qre(CHICKEN), [left, right]) == [left, right]
    with pytest.raises(InputError, match="1 axes were given for 2 players"):
        draw.branch(trace_qre(CHICKEN), left)


def test_joint_play_of_independent_players_is_the_product() -> None:
    axes = draw.joint(all_nash(CHICKEN)[1])
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(np.array([[4, 2], [2, 1]]) / 9)
    three = NormalFormGame(np.zeros((3, 2, 2, 2)))
    with pytest.raises(InputError, match="two players"):
        draw.joint(all_nash(three)[0])
    with pytest.raises(InputError, match="this game has 3"):
        draw.payoffs(three)


def test_trees_have_no_payoff_plane_and_no_polytope(kuhn: TreeGame) -> None:
    for picture in (draw.payoffs, draw.correlated_polytope):
        with pytest.raises(InputError, match="to_normal"):
            picture(kuhn)


# --- the tetrahedron --------------------------------------------------------------------------------------


def test_the_polytope_of_chicken_is_the_textbook_one() -> None:
    found = correlated_polytope(CHICKEN)
    fractions = {
        (0.5, 0.25, 0.25, 0),
        (4 / 9, 2 / 9, 2 / 9, 1 / 9),
        (0, 1, 0, 0),
        (0, 0.4, 0.4, 0.2),
        (0, 0, 1, 0),
    }
    assert {tuple(np.round(v, 9)) for v in found.vertices} == {tuple(np.round(v, 9)) for v in fractions}
    faces = 6  # a double pyramid: five vertices, nine edges, six triangles, by Euler's formula
    assert len(found.vertices) - len(found.edges) + faces == 2


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), span=st.integers(1, 9))
def test_vertices_are_equilibria_and_no_equilibrium_is_outside(seed: int, span: int) -> None:
    """The certificate judges the vertices; linear programs in random directions find nothing beyond them."""
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.integers(-span, span + 1, (2, 2, 2)).astype(float))
    found = correlated_polytope(game)
    cells = np.array(list(np.ndindex(2, 2)), dtype=np.int32)
    for x in found.vertices:
        assert certify(game, Joint(cells, x, (2, 2)), "ce").max_regret <= 1e-8 * max(game.span, 1.0)
    for objective in ("welfare", "min-welfare", "player:0", "min-player:1"):
        weights = {"welfare": (1, 1), "min-welfare": (-1, -1), "player:0": (1, 0), "min-player:1": (0, -1)}[
            objective
        ]
        gains = np.array(weights) @ game.flat
        assert (found.vertices @ gains).max() == pytest.approx(
            gains @ ce(game, objective).joint.dense().ravel(), abs=1e-7
        )
    for nash in all_nash(game):
        joint = np.outer(*game.blocks(nash.profile)).ravel()
        # in the convex hull: no direction separates it from the vertices
        for direction in rng.normal(size=(20, 4)):
            assert direction @ joint <= (found.vertices @ direction).max() + 1e-7


def test_edges_join_the_vertices_of_a_connected_polytope() -> None:
    found = correlated_polytope(load("zoo:battle-of-the-sexes"))
    reached, waiting = {0}, [0]
    while waiting:
        k = waiting.pop()
        fresh = {a + b - k for a, b in found.edges if k in (a, b)} - reached
        reached |= fresh
        waiting += fresh
    assert reached == set(range(len(found.vertices)))


@pytest.mark.parametrize("name", ["chicken", "matching-pennies", "prisoners-dilemma"])
def test_the_tetrahedron_draws_polytopes_of_every_dimension(name: str) -> None:
    game = load(f"zoo:{name}")
    axes = draw.correlated_polytope(game)
    marks = np.stack(labelled(axes, "Nash").get_data_3d(), axis=1)
    joints = [np.outer(*game.blocks(one.profile)).ravel() for one in all_nash(game)]
    assert marks == pytest.approx(np.stack(joints) @ CORNERS)
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(CORNERS, 2)]
    assert distances == pytest.approx([distances[0]] * 6)
    axes.figure.canvas.draw()


def test_the_tetrahedron_is_for_two_by_two() -> None:
    with pytest.raises(InputError, match="this game is 3 x 3"):
        draw.correlated_polytope(BRIDGE)
    with pytest.raises(InputError, match="axes in space"):
        draw.correlated_polytope(CHICKEN, pyplot.subplot())


# --- quantal response -------------------------------------------------------------------------------------


def test_observed_shares_stand_at_the_estimate() -> None:
    fit = fit_qre(OCHS, COUNTS)
    left, right = draw.branch(trace_qre(OCHS), fit=fit)
    for axes, share in ((left, 0.527), (right, 0.366)):
        marks = [c for c in axes.containers if c.get_label() == "observed"]
        assert marks[0].lines[0].get_xydata().ravel() == pytest.approx([fit.lam, share])
        assert axes.get_xlim()[1] >= fit.interval[1]
    assert "95% interval" in [text.get_text() for text in left.get_legend().get_texts()]


def test_shares_have_wilson_intervals() -> None:
    fit = fit_qre(OCHS, [30, 10, 0, 7], level=0.9)
    shares = observed_shares(fit, 0)
    assert shares[0] == pytest.approx((0.75, *wilson_interval(30, 40, 0.9)))
    assert observed_shares(fit, 1)[0][:2] == (0.0, 0.0)
    draw.branch(trace_qre(OCHS), fit=fit)[0].figure.canvas.draw()
    one_sided = fit_qre(OCHS, [3, 4, 0, 0])
    assert observed_shares(one_sided, 1) == []


def test_the_plane_of_play_runs_from_uniform_to_nash() -> None:
    fit, traced = fit_qre(OCHS, COUNTS), trace_qre(OCHS)
    axes = draw.play_plane([traced, trace_qre(CHICKEN)], fits=fit, labels=["Ochs"])
    path = labelled(axes, "Ochs").get_xydata()
    assert path[0] == pytest.approx([0.5, 0.5]) and path[-1] == pytest.approx([0.5, 0.2], abs=1e-3)
    marks = [tuple(line.get_xydata()[0]) for line in axes.get_lines() if len(line.get_xydata()) == 1]
    assert any(mark == pytest.approx((0.527, 0.366)) for mark in marks)
    assert any(mark == pytest.approx((fit.profile[0], fit.profile[2])) for mark in marks)
    with pytest.raises(InputError, match="two players"):
        draw.play_plane(trace_qre(NormalFormGame(np.zeros((1, 2)))))
    with pytest.raises(InputError, match="no branch"):
        draw.play_plane([])


def test_likelihood_has_its_maximum_where_the_fit_says() -> None:
    fit = fit_qre(OCHS, COUNTS)
    axes = draw.likelihood(fit)
    curve = labelled(axes, "log-likelihood").get_xydata()
    assert curve[curve[:, 1].argmax(), 0] == pytest.approx(fit.lam, rel=0.05)
    assert curve[:, 1].max() <= fit.log_likelihood + 1e-3


# --- trees ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kuhn() -> TreeGame:
    game = load("openspiel:kuhn_poker")
    assert isinstance(game, TreeGame)
    return game


def test_convergence_ends_at_the_certificates(kuhn: TreeGame) -> None:
    runs = {name: cfr(kuhn, name, iterations=200, tolerance=0.0) for name in ("cfr", "cfr+")}
    panels = draw.convergence(runs)
    assert [axes.get_xlabel() for axes in panels] == ["iterations", "seconds"]
    for name, run in runs.items():
        iterations, gap = labelled(panels[0], name).get_xydata()[-1]
        assert iterations == 200 and gap == pytest.approx(run.certificate.nash_conv / 2, rel=1e-6)
        colour = labelled(panels[0], name).get_color()
        assert labelled(panels[1], name).get_color() == colour
    assert panels[0].get_xlim()[0] < 1 and panels[0].get_xlim()[1] > 200
    (alone,) = draw.convergence(runs["cfr"], along=("iterations",))
    assert labelled(alone, "cfr").get_xydata()[-1] == pytest.approx([200, gap_of(runs["cfr"])])


def gap_of(run: Any) -> float:
    """Exploitability."""
    return float(run.certificate.nash_conv / 2)


def test_convergence_needs_a_course(kuhn: TreeGame) -> None:
    from solvers import tree_nash

    with pytest.raises(InputError, match="sequence-form has no course"):
        draw.convergence([tree_nash(kuhn, "sequence-form")])
    with pytest.raises(InputError, match="no solution"):
        draw.convergence([])
    once = cfr(kuhn, iterations=2, tolerance=0.0)
    with pytest.raises(InputError, match="same method"):
        draw.convergence([once, once])
    with pytest.raises(InputError, match="iterations and seconds, not nodes"):
        draw.convergence(once, along=["nodes"])


def test_behaviour_is_drawn_set_by_set(kuhn: TreeGame) -> None:
    run = cfr(kuhn, iterations=100, tolerance=0.0)
    axes = draw.behavior(run, {"2b": "King, bet", "0": "Jack first"})
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["King, bet", "Jack first"]
    blocks = dict(zip(kuhn.infosets, kuhn.blocks(run.behavior)))
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == pytest.approx([*blocks["2b"], *blocks["0"]])
    assert isinstance(draw.behavior(run, ["1"]), Axes)
    with pytest.raises(InputError, match="no information set '9x'"):
        draw.behavior(run, ["9x"])
    with pytest.raises(InputError, match="extensive form"):
        draw.behavior(all_nash(CHICKEN)[0], ["0"])
