"""Pictures and displays of tournaments for notebooks: what is drawn is what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

from experiments.notebook import draw, read_off, tournament, train
from experiments.psro.loop import psro
from experiments.tournament.results import Results
from games import load
from games.empirical import PayoffTable
from games.errors import InputError
from games.policy import Tabular
from solvers import cce
from solvers.certificate import certify

ENV = "repeated:stag-hunt?rounds=5&noise=0.1"
AGENTS = ["tit-for-tat", "defector", "cooperator"]


@pytest.fixture(scope="module")
def sampled() -> Results:
    return tournament(ENV, AGENTS, matches=40, exact=False, seed=3)


@pytest.fixture(autouse=True)
def closed() -> None:
    pyplot.close("all")


def texts(axes: Axes) -> list[str]:
    return [one.get_text() for one in axes.texts]


def test_the_heat_map_has_every_seating_of_every_cell(sampled: Results) -> None:
    axes = draw.payoff_table(sampled)
    game = sampled.table.game()
    (image,) = axes.images
    assert np.array_equal(np.asarray(image.get_array()), game.payoffs[0])
    assert [label.get_text() for label in axes.get_yticklabels()] == AGENTS
    assert all("±" in text for text in texts(axes)) and len(texts(axes)) == 9
    number, radius = map(float, texts(axes)[1].split("\n±"))
    assert number == pytest.approx(game.payoffs[0, 0, 1], rel=1e-3)
    assert radius == pytest.approx(game.radius[0, 0, 1], rel=0.05)


def test_exact_payoffs_are_drawn_without_radii_and_roles_side_by_side() -> None:
    exact = tournament(ENV, AGENTS[:2])
    assert not any("±" in text for text in texts(draw.payoff_table(exact.table)))
    roles = tournament(ENV, roles={"Player 1": AGENTS[:2], "Player 2": AGENTS})
    panels = draw.payoff_table(roles)
    game = roles.table.game()
    assert len(panels) == 2
    for i, panel in enumerate(panels):
        assert np.array_equal(np.asarray(panel.images[0].get_array()), game.payoffs[i])
    with pytest.raises(InputError, match="1 axes were given for 2 matrices"):
        draw.payoff_table(roles, pyplot.subplot())


def test_the_ranking_is_that_of_mean_scores(sampled: Results) -> None:
    axes = draw.ranking(sampled)
    payoffs = sampled.table.game().payoffs[0]
    scores = (
        payoffs.sum(axis=1) - np.diag(payoffs)
    ) / 2  # against the others; matches with oneself do not count
    order = np.argsort(-scores)
    assert [label.get_text() for label in axes.get_yticklabels()] == [AGENTS[k] for k in order]
    assert axes.lines[0].get_xdata() == pytest.approx(scores[order])
    segments = axes.collections[0].get_segments()  # type: ignore[attr-defined]
    assert all(low[0] <= score <= high[0] for (low, high), score in zip(segments, scores[order]))
    with pytest.raises(InputError, match="unknown measure 'elo'"):
        draw.ranking(sampled, measure="elo")


def test_certainty_draws_epsilon_and_the_true_regret(sampled: Results) -> None:
    truth = tournament(ENV, AGENTS).table.game()
    answer = cce(sampled.table.game(), "gini")
    true = certify(truth, answer.strategy, "cce").max_regret
    assert true <= answer.certificate.epsilon
    axes = draw.certainty([40, 160], [answer.certificate] * 2, [true] * 2)
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
    assert drawn["promised: regret + slack"] == pytest.approx([answer.certificate.epsilon] * 2)
    assert drawn["regret in the true game"] == pytest.approx([true] * 2)
    assert drawn["one over the root of samples"][1] == pytest.approx(answer.certificate.epsilon / 2)
    with pytest.raises(InputError, match="as many certificates"):
        draw.certainty([40], [])
    with pytest.raises(InputError, match="no certificate"):
        draw.certainty([], [])


def test_growth_draws_every_iteration() -> None:
    found = psro(load("openspiel:kuhn_poker"), rng=np.random.default_rng(0))
    (line, *_) = draw.growth(found).lines
    assert np.asarray(line.get_xdata()).tolist() == [step.number for step in found.history]
    gaps = [step.gap for step in found.history[:-1]]
    assert np.asarray(line.get_ydata())[:-1] == pytest.approx(gaps)


def test_a_learned_policy_as_a_table_plays_as_the_network_does(tmp_path: Path) -> None:
    run = train("ippo", "repeated:chicken?rounds=4", out=tmp_path / "run", steps=64, quiet=True)
    table = read_off(run)
    assert table.table.shape == (5, 2) and table.table.sum(axis=1) == pytest.approx(np.ones(5))
    roles = {"Player 1": {"network": str(run.path), "table": table}, "Player 2": ["tit-for-tat", "defector"]}
    both = tournament(run.spec.env, roles=roles).table
    assert both.exact.all()
    assert both.game().payoffs[:, 0] == pytest.approx(both.game().payoffs[:, 1], abs=1e-6)
    axes = draw.tables({"learned": table, "even": Tabular([[0.5, 0.5]] * 5)}, list("abcde"), "Yield")
    assert texts(axes) == [f"{p:.2f}" for p in [*table.table[:, 0], *[0.5] * 5]]
    with pytest.raises(InputError, match=r"shape \(5,\), and there are 2 situations"):
        draw.tables({"learned": table}, ["a", "b"])
    with pytest.raises(InputError, match="no table"):
        draw.tables({}, ["a", "b"])


def test_results_show_the_table_with_radii(sampled: Results) -> None:
    html = sampled._repr_html_()
    game = sampled.table.game()
    assert "40" in html and "0 of them exact" in html and "6 of 6 cells known" in html
    cells = re.findall(r"<td [^>]*>([^<]*)</td>", html)
    assert cells == [f"{m:.4g} ± {r:.2g}" for m, r in zip(game.payoffs[0].ravel(), game.radius[0].ravel())]
    assert f"with probability 0.95 all of them are within {game.radius.max():.3g}" in html
    assert len(repr(sampled)) < 200 and "matches" in repr(sampled)
    assert f"within {game.radius.max():.3g}" in game._repr_html_()


def test_tables_of_roles_of_three_and_with_holes_show_themselves() -> None:
    exact = tournament(ENV, roles={"Player 1": AGENTS[:1], "Player 2": AGENTS}).table
    html = exact._repr_html_()
    assert "All payoffs are computed exactly" in html and "±" not in html
    game = exact.game()
    first = re.findall(r"<td [^>]*>([^<]*)</td>", html)[0]
    assert first == f"{game.payoffs[0, 0, 0]:.4g}, {game.payoffs[1, 0, 0]:.4g}"
    assert "exactly" in game._repr_html_()
    cells = [[0, 0, 0], [0, 0, 1]]
    three = PayoffTable(
        ("a", "b", "<c>"),
        (("x",), ("y",), ("z", "w")),
        cells,
        [[1, 2, 3], [0, 0, 0]],
        np.zeros((2, 3)),
        [4, 0],
        [False] * 2,
    )
    html = three._repr_html_()
    assert "&lt;c&gt;" in html and "x - y - z" in html and "nothing is guaranteed" in html
    assert re.findall(r"<td [^>]*>([^<]*)</td>", html)[-3:] == ["–"] * 3
