"""Cells that are computed, not played."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.tournament.api import tournament
from games.policy import Tabular
from games.tree_policies import behavior_table
from solvers import certify, cfr, nash_conv


def test_what_ties_is_equal_to_the_bit() -> None:
    """The mean over seatings of a constant-sum game is half the sum, whoever is added to whom first."""
    found = tournament("openspiel:kuhn_poker(players=3)?compiled=true", {"a": "random", "b": "random"})
    assert found.table.exact.all()
    assert (found.table.mean == 0).all()


def test_solved_strategies_on_a_tree_are_judged_without_a_match() -> None:
    """Two seats swapped: the self-play cell of an equilibrium is worth 0, and nobody gains against it."""
    from games import make_env

    env = make_env("openspiel:kuhn_poker?compiled=true")
    game = env.rules.game  # type: ignore[attr-defined]
    solved = cfr(game, "pcfr+", tolerance=1e-9)
    agents = {"solved": Tabular(behavior_table(game, solved.behavior)), "random": "random"}
    table = tournament(env, agents).table
    assert table.exact.all() and table.count.sum() == 0
    assert table.mean[0] == pytest.approx([0, 0], abs=1e-12)
    assert table.mean[1, 0] > 0
    assert table.mean[1].sum() == pytest.approx(0, abs=1e-12)
    # at least as good as anybody against an equilibrium, by swapped seats: what random play loses to it at least
    assert table.mean[1, 0] >= -nash_conv(game, solved.behavior)
    assert certify(table.game(), [[1, 0], [1, 0]], "nash").slack == 0.0


def test_played_and_computed_cells_agree() -> None:
    agents = ["tit-for-tat", "random-half", "win-stay-lose-shift"]
    env = "repeated:prisoners-dilemma?rounds=30&noise=0.05&continuation=0.9"
    exact = tournament(env, agents).table
    played = tournament(env, agents, matches=4_000, exact=False).table
    assert exact.exact.all() and not played.exact.any()
    z = (played.mean - exact.mean) / played.standard_error
    assert np.abs(z).max() < 5


def test_only_what_can_be_computed_is() -> None:
    found = tournament("repeated:stag-hunt?rounds=10&noise=0.1", ["tit-for-tat", "grudger"], matches=20)
    assert found.table.exact.tolist() == [True, False, False]
    assert found.table.count.tolist() == [0, 20, 20]
