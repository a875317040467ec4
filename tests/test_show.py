"""Games, certificates and solutions as HTML and as sentences: right, and safe against names from files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from balanced_html import read

from games.efg import parse_efg
from games.info import facts, is_symmetric, iterated_elimination
from games.joint import Mixture
from games.normal import NormalFormGame
from games.tree import TreeGame
from games.tree_build import from_efg
from games.tree_strategies import BehaviorMixture
from solvers.average_play import average_behavior
from solvers.certificate import certify
from solvers.correlation_plans import plan_of
from solvers.efce import efce
from solvers.show import certificate_text, number_text, probability_text
from solvers.solution import Solution, Status

NASTY = "<script>alert('x')</script>&"
GAME = NormalFormGame.symmetric(
    [[6, 2], [7, 0]], players=(NASTY, "B"), actions=(("Y", NASTY), ("Y", "D")), title=NASTY
)
THIRD = np.array([2 / 3, 1 / 3, 2 / 3, 1 / 3])


def test_html_of_everything_is_balanced_and_escaped() -> None:
    nash = Solution(GAME, "nash", THIRD, Status.CONVERGED, "by hand")
    mixed = Solution(GAME, "cce", Mixture(np.ones(1), THIRD[None], (2, 2)), Status.BUDGET, "by hand")
    for shown in (GAME, nash, mixed, nash.certificate):
        text = read(shown._repr_html_())
        assert "<script>" not in shown._repr_html_()
        assert NASTY in text or shown is nash.certificate
    assert "0.666667" in read(nash._repr_html_()) and "Values" in read(nash._repr_html_())
    assert "0.444444" in read(mixed._repr_html_())


def test_html_of_games_of_every_shape() -> None:
    for shape in ((1,), (3,), (2, 40), (2, 2, 2), (30, 1, 1)):
        game = NormalFormGame(np.random.default_rng(0).random((len(shape), *shape)))
        assert f"{len(shape)} player{'' if len(shape) == 1 else 's'}, " in read(game._repr_html_())


def test_certificates_in_words() -> None:
    exact = certify(GAME, THIRD, "nash")
    assert "by deviating" in certificate_text(exact)
    off = certify(GAME, np.full(4, 0.5), "nash")
    assert (
        certificate_text(off) == "no player can gain more than 0.25 by deviating (0.036 of the payoff range)"
    )
    lower = dataclasses.replace(off, bound="lower", slack=0.1, delta=0.05)
    assert "at least 0.25" in certificate_text(lower) and "with probability 0.95" in certificate_text(lower)
    assert "logit response" in certificate_text(certify(GAME, np.full(4, 0.5), "qre", lam=0.0))
    flat = NormalFormGame(np.ones((2, 2, 2)))
    assert certificate_text(certify(flat, np.full(4, 0.5), "ce")) == (
        "no player can gain anything by swapping recommended actions"
    )


@pytest.mark.parametrize(
    "p, told", [(0.0, "0"), (1e-300, "<1e-06"), (0.5, "0.500000"), (1 - 1e-9, ">0.999999")]
)
def test_probabilities_do_not_pretend(p: float, told: str) -> None:
    assert probability_text(p) == told
    assert number_text(-0.0) == "0"


# --- facts about games ------------------------------------------------------------------------------------


def test_facts_of_known_games() -> None:
    dilemma = facts(NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]))
    assert dilemma["strictly_dominated"] == [{0: 1}, {0: 1}] and dilemma["weakly_dominated"] == [{}, {}]
    assert dilemma["symmetric"] and dilemma["constant_sum"] is None
    pennies = facts(NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
    assert pennies["constant_sum"] == 0.0 and not pennies["symmetric"]
    common = facts(NormalFormGame.common_payoff(np.arange(8.0).reshape(2, 2, 2)))
    assert common["common_payoff"] and not common["symmetric"]
    weak = facts(NormalFormGame.bimatrix([[1, 1], [1, 0]], [[0, 0], [0, 0]]))
    assert weak["weakly_dominated"] == [{1: 0}, {}] and weak["strictly_dominated"] == [{}, {}]


def test_iterated_elimination_needs_several_rounds() -> None:
    game = NormalFormGame.bimatrix([[3, 0], [2, 4], [1, 1]], [[2, 1], [1, 3], [5, 2]])
    left, rounds = iterated_elimination(game)
    assert left == [[0, 1], [0, 1]] and rounds == 1
    chain = NormalFormGame.bimatrix([[1, 1, 0], [0, 0, 2]], [[0, 2, 1], [3, 1, 0]])
    assert iterated_elimination(chain) == ([[0], [1]], 3)


def brute_dominated(game: NormalFormGame, player: int, strict: bool) -> set[int]:
    table = np.moveaxis(game.payoffs[player], player, 0).reshape(game.shape[player], -1)
    found = set()
    for a in range(len(table)):
        for b in range(len(table)):
            better = (table[b] > table[a]).all() if strict else (table[b] >= table[a]).all()
            if a != b and better and (table[b] > table[a]).any():
                found.add(a)
    return found


def test_dominance_agrees_with_brute_force() -> None:
    rng = np.random.default_rng(7)
    for _ in range(60):
        shape = tuple(rng.integers(1, 5, rng.integers(1, 4)))
        game = NormalFormGame(rng.integers(0, 3, (len(shape), *shape)).astype(float))
        known = facts(game)
        for i in range(len(shape)):
            strict, weak = set(known["strictly_dominated"][i]), set(known["weakly_dominated"][i])
            assert strict == brute_dominated(game, i, True)
            assert strict | weak == brute_dominated(game, i, False)


def test_symmetry_of_many_players() -> None:
    crowd = np.indices((2, 2, 2)).sum(axis=0).astype(float)  # how many chose action 1
    payoffs = np.stack([np.indices((2, 2, 2))[i] * crowd for i in range(3)])
    assert is_symmetric(NormalFormGame(payoffs))
    payoffs[2] *= 2
    assert not is_symmetric(NormalFormGame(payoffs))


# --- trees ------------------------------------------------------------------------------------------------


def nasty_tree() -> TreeGame:
    inside = 'p "" 2 1 "second" { "c" "d" } 0 t "" 1 "" { 2 1 } t "" 2 "" { 0 2 }'
    out = 't "" 3 "" { 1 1 }'
    start = f'p "" 1 1 "{NASTY}" {{ "{NASTY}" "b" }} 0'
    return from_efg(parse_efg(f'EFG 2 R "{NASTY}" {{ "{NASTY}" "B" }} {start} {inside} {out}'))


def test_html_of_solutions_on_trees() -> None:
    game = nasty_tree()
    half = game.uniform()
    nash = Solution(game, "nash", half, Status.BUDGET, "by hand")
    mixed = Solution(
        game, "cce", BehaviorMixture(np.ones(2), np.stack([half, half])), Status.BUDGET, "by hand"
    )
    plan = efce(game)
    for shown in (nash, mixed, plan):
        html = shown._repr_html_()
        text = read(html)
        assert "<script>" not in html and NASTY in text and "second" in text and "Values" in text
    assert "0.500000" in read(nash._repr_html_())
    assert "mixture of 2 behaviour profiles" in read(mixed._repr_html_())
    assert "pairs of sequences" in read(plan._repr_html_())
    assert "turning from the recommendations" in certificate_text(plan.certificate)


def test_average_play_has_the_same_reach() -> None:
    """Kuhn's theorem: a mixture's average reaches every own move as often as the mixture does."""
    game = nasty_tree()
    rng = np.random.default_rng(5)
    behaviors = np.stack([np.concatenate([rng.dirichlet(np.ones(2)) for _ in game.owner]) for _ in range(4)])
    mixture = BehaviorMixture(rng.random(4), behaviors)
    average = average_behavior(game, mixture)
    assert average is not None
    expected = mixture.weights @ behaviors[:, : game.slots]  # nobody moves twice here
    assert average == pytest.approx(expected)
    assert average_behavior(game, plan_of(game, mixture)) == pytest.approx(average)


def test_trees_show_themselves() -> None:
    from games import load

    text = load("openspiel:kuhn_poker")._repr_html_()
    assert "58 nodes, perfect recall" in text and "-2 to 2" in text
    hostile = from_efg(parse_efg('EFG 2 R "<script>" { "<b>" } t "" 1 "" { 1 }'))
    assert "<script>" not in hostile._repr_html_() and "&lt;b&gt;" in hostile._repr_html_()
