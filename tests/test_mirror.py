"""Magnetic mirror descent against published equilibria, Gambit's and its own rate; certificates by other code."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_efg import trees

from games import InputError, load
from games.efg import parse_efg
from games.from_files import load_tree
from games.normal import NormalFormGame
from games.tree import CHANCE, TreeGame
from games.tree_build import from_efg
from solvers.best_response import to_plan
from solvers.certificate import certify
from solvers.mirror import mmd
from solvers.mirror_engine import MirrorEngine, plan_run
from solvers.mirror_reach import reaches_of
from solvers.self_play import State
from solvers.sequences import sequences_of
from solvers.solution import Solution, Status

ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
CASES = ORACLES / "solver_cases.json"
# Perturbed rock-paper-scissors and its QRE (both players alike), stored by the authors of MMD; L = 1/2.
RPS = (np.array([[0.0, -3.0, 3.0], [3.0, 0.0, -1.0], [-3.0, 1.0, 0.0]]) + 3) / 6
RPS_QRE = {
    0.5: (0.29813319, 0.41382045, 0.28804635),
    0.2: (0.22364492, 0.47798817, 0.29836691),
    0.1: (0.17347803, 0.48630324, 0.34021873),
    0.05: (0.15174470, 0.46794775, 0.38030755),
}
# Kuhn poker: probability of betting with J, Q, K after each history; agent form to the six digits of the MMD authors,
# reduced normal form to the eight of OpenSpiel's data, which come from Gambit.
KUHN_AGENT = {
    "": (0.189862, 0.136925, 0.591586),
    "pb": (0.0000454, 0.545458, 1.0),
    "p": (0.322164, 0.033852, 0.943417),
    "b": (0.0000454, 0.430075, 1.0),
}
KUHN_NORMAL = {
    "": (0.24635769, 0.29690186, 0.52453190),
    "p": (0.34994571, 0.36584058, 0.71561528),
    "b": (0.20277236, 0.58845174, 0.93798151),
}


def tree(text: str) -> TreeGame:
    game = load(f"openspiel:{text}")
    assert isinstance(game, TreeGame)
    return game


def matrix_game(first: Any) -> TreeGame:
    """A zero-sum matrix game as a tree in which the second player does not see the first move."""
    rows, columns = np.shape(first)
    own, theirs = (" ".join(f'"{k}"' for k in range(n)) for n in (rows, columns))
    below = []
    for i in range(rows):
        ends = [f't "" {1 + i * columns + j} "" {{ {first[i][j]} {-first[i][j]} }}' for j in range(columns)]
        below.append(f'p "" 2 1 "" {{ {theirs} }} 0 ' + " ".join(ends))
    text = f'EFG 2 R "matrix" {{ "A" "B" }} p "" 1 1 "" {{ {own} }} 0 ' + " ".join(below)
    return from_efg(parse_efg(text))


def zero_sum(game: TreeGame) -> TreeGame:
    return replace(game, payoff=np.stack([game.payoff[0], -game.payoff[0]]))


def behavior_of(solution: Solution) -> np.ndarray:
    assert solution.behavior is not None
    return solution.behavior


def bets(game: TreeGame, behavior: np.ndarray, history: str) -> list[float]:
    probs = dict(zip(game.infosets, game.blocks(behavior)))
    return [float(probs[card + history][1]) for card in "012"]


def check(solution: Solution, tolerance: float = 1e-8) -> None:
    assert solution.status is Status.CONVERGED
    assert solution.certificate.holds(tolerance), solution


# --- quantal response equilibria ------------------------------------------------------------------------------


@pytest.mark.parametrize("optimistic", [True, False])
def test_kuhn_agent_qre_is_the_authors(optimistic: bool) -> None:
    kuhn = tree("kuhn_poker")
    solution = mmd(kuhn, 10.0, optimistic=optimistic, tolerance=1e-10)
    check(solution, 1e-9)
    for history, expected in KUHN_AGENT.items():
        assert bets(kuhn, behavior_of(solution), history) == pytest.approx(expected, abs=1e-6)
    assert solution.values[0] == pytest.approx(-0.05624045, abs=1e-8)
    softer = mmd(kuhn, 2.0, optimistic=optimistic)
    assert bets(kuhn, behavior_of(softer), "") == pytest.approx((0.28429, 0.396992, 0.536128), abs=1e-6)
    assert softer.values[0] == pytest.approx(-0.04483547, abs=1e-8)


@pytest.mark.parametrize("optimistic", [True, False])
def test_kuhn_normal_form_qre_is_gambits(optimistic: bool) -> None:
    kuhn = tree("kuhn_poker")
    solution = mmd(kuhn, 10.0, form="dilated", optimistic=optimistic, tolerance=1e-10)
    check(solution, 1e-9)
    for history, expected in KUHN_NORMAL.items():
        assert bets(kuhn, behavior_of(solution), history) == pytest.approx(expected, abs=1e-8)
    assert solution.values[0] == pytest.approx(-0.00910015, abs=1e-8)
    assert not certify(kuhn, solution, "qre", lam=10.0).holds(1e-3)  # it is no agent QRE


@pytest.mark.parametrize("lam", [1.0, 5.0, 10.0])
@pytest.mark.parametrize("form", ["behavior", "dilated"])
def test_leduc(lam: float, form: str) -> None:
    check(mmd(tree("leduc_poker"), lam, form=form))


@pytest.mark.parametrize(
    "name",
    [
        "liars_dice(numdice=1,dice_sides=3)",
        "liars_dice(numdice=1,dice_sides=4)",
        "goofspiel(num_cards=4,imp_info=True,points_order=descending)",
    ],
)
@pytest.mark.parametrize("sharpness", [8.0, 130.0])
def test_dice_and_bidding(name: str, sharpness: float) -> None:
    game = tree(name)
    for form in ("behavior", "dilated"):
        check(mmd(game, sharpness / game.span, form=form))


def oracle_cases() -> list[dict[str, Any]]:
    if not CASES.exists():
        return []
    cases = json.loads(CASES.read_text())["cases"]
    return [case for case in cases if case["concept"] == "agent_logit_qre_efg" and case["lam"] <= 2]


@pytest.mark.skipif(not CASES.exists(), reason="the shared oracles are not here")
@pytest.mark.parametrize("case", oracle_cases(), ids=lambda case: f"{case['game']}:{case['lam']}")
def test_agent_qre_of_general_games_is_gambits(case: dict[str, Any]) -> None:
    game = from_efg(load_tree(ORACLES / "games" / case["game"]))
    solution = mmd(game, case["lam"], iterations=200_000)
    check(solution)
    behavior = behavior_of(solution)
    blocks = game.blocks(behavior)
    for i, expected in enumerate(case["profile"]):
        own = [block for block, owner in zip(blocks, game.owner) if owner == i]
        for block, wanted in zip(own, expected, strict=True):
            np.testing.assert_allclose(block, wanted, atol=max(case["tol"], 1e-6))


def mixed(game: TreeGame, normal: NormalFormGame, behavior: np.ndarray) -> list[np.ndarray]:
    """The mixed strategies over reduced plans, named by one digit per own information set, that `behavior` means."""
    blocks, profile = game.blocks(behavior), []
    for i, plans in enumerate(normal.actions):
        own = [block for block, owner in zip(blocks, game.owner) if owner == i]
        profile.append(
            np.array([math.prod(p[int(c) - 1] for p, c in zip(own, plan) if c != "*") for plan in plans])
        )
    return profile


@settings(max_examples=40)
@given(tree=trees(players=2, recall=True, depth=3), sharpness=st.sampled_from([0.0, 2.0, 20.0]))
def test_dilated_form_is_the_qre_of_the_reduced_normal_form(tree: Any, sharpness: float) -> None:
    game = zero_sum(from_efg(tree))
    assume(np.unique(game.owner).size == 2 and game.slots <= 16)
    lam = sharpness / (game.span or 1.0)
    solution, normal = mmd(game, lam, form="dilated", tolerance=1e-10), game.to_normal()
    check(solution, 1e-9)
    certificate = certify(normal, mixed(game, normal, behavior_of(solution)), "qre", lam=lam)
    assert certificate.holds(1e-9)
    np.testing.assert_allclose(certificate.values, solution.values, atol=1e-9 * max(game.span, 1.0))


# --- the rate --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", list(RPS_QRE))
@pytest.mark.parametrize("lipschitz", [1.0, 0.5])
@pytest.mark.parametrize("form", [True, False], ids=["dilated", "behavior"])
def test_every_step_contracts_kl_as_proved(alpha: float, lipschitz: float, form: bool) -> None:
    game, eta = matrix_game(RPS), alpha / lipschitz**2
    final = np.tile(RPS_QRE[alpha], 2)
    exact = behavior_of(mmd(game, 1 / alpha, form="dilated", tolerance=1e-13, iterations=100_000))
    np.testing.assert_allclose(exact, final, atol=2e-8)
    engine = MirrorEngine(game, game, plan_run(game, 1 / alpha, form, False, step=eta))
    state = engine.state()
    start = np.log([0.8, 0.1, 0.1, 0.1, 0.1, 0.8])
    state["logits"][sequences_of(game).slot >= 0] = start
    state["base"][sequences_of(game).slot >= 0] = start
    engine.restore(state)
    distances = []
    for _ in range(200):
        play = engine.answer()
        distances.append(float(exact @ np.log(exact / play)))
        engine.advance(1)
    seen = np.array(distances)
    enough = seen[:-1] > 1e-9
    ratios = seen[1:][enough] / seen[:-1][enough]
    assert ratios.max() <= 1 / (1 + eta * alpha) + 1e-6
    worst = {(0.5, 1.0): 0.6541, (0.2, 1.0): 0.9292, (0.5, 0.5): 0.3076, (0.2, 0.5): 0.7747}
    if (alpha, lipschitz) in worst:  # from this start, by the specification's own program
        assert ratios.max() == pytest.approx(worst[alpha, lipschitz], abs=2e-3)


# --- Nash equilibria -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["behavior", "dilated"])
def test_annealing_finds_nash(form: str) -> None:
    kuhn = tree("kuhn_poker")
    solution = mmd(kuhn, form=form, tolerance=1e-5, iterations=200_000)
    check(solution, 1e-5)
    assert solution.values[0] == pytest.approx(-1 / 18, abs=1e-4)


@pytest.mark.parametrize("settings", [{"alpha": 1.0, "step": 1.0}, {"magnet": "moving"}])
@pytest.mark.parametrize("optimistic", [True, False])
def test_the_authors_schedules_find_nash(settings: dict[str, Any], optimistic: bool) -> None:
    kuhn = tree("kuhn_poker")
    check(mmd(kuhn, optimistic=optimistic, tolerance=1e-3, iterations=100_000, **settings), 1e-3)


def test_annealing_on_leduc_is_below_a_thousandth_of_the_span() -> None:
    solution = mmd(tree("leduc_poker"), tolerance=1e-3, iterations=3000)
    check(solution, 1e-3)
    assert solution.certificate.values[0] == pytest.approx(-0.0856, abs=0.02)


def test_plain_annealing_on_leduc() -> None:
    leduc = tree("leduc_poker")
    short = mmd(leduc, optimistic=False, tolerance=1e-9, iterations=300)
    long = mmd(leduc, optimistic=False, tolerance=1e-9, iterations=3000)
    assert long.status is Status.BUDGET
    assert long.certificate.nash_conv < 0.5 * short.certificate.nash_conv


# --- laws ------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(tree=trees(players=2, recall=True, depth=4), sharpness=st.sampled_from([0.0, 0.5, 5.0, 30.0]))
def test_random_zero_sum_trees(tree: Any, sharpness: float) -> None:
    game = zero_sum(from_efg(tree))
    lam = sharpness / (game.span or 1.0)
    for form in ("behavior", "dilated"):
        solution = mmd(game, lam, form=form, iterations=100_000)
        if form == "dilated" or sharpness <= 5:
            check(solution)
        assert (solution.status is Status.CONVERGED) == solution.certificate.holds(1e-8)


@settings(max_examples=40)
@given(tree=trees(recall=True, depth=3), lam=st.sampled_from([0.01, 0.1]))
def test_any_number_of_players_at_low_precision(tree: Any, lam: float) -> None:
    game = from_efg(tree)
    for form in ("behavior", "dilated"):
        check(mmd(game, lam, form=form, iterations=100_000))


@settings(max_examples=40)
@given(tree=trees(recall=True, depth=4), seed=st.integers(0, 2**32 - 1))
def test_reach_of_information_sets(tree: Any, seed: int) -> None:
    game = from_efg(tree)
    form, reaches = sequences_of(game), reaches_of(game)
    behavior = np.random.default_rng(seed).random(game.slots) + 0.01
    behavior = (
        game.check_behavior(
            behavior / np.repeat([b.sum() for b in game.blocks(behavior)], np.diff(game.offsets))
        )
        if game.slots
        else behavior
    )
    x = to_plan(form, behavior)
    others = x[reaches.others].prod(axis=1) if len(game.players) > 1 else np.ones(len(reaches.weight))
    found = [float((reaches.weight * others)[a:b].sum()) for a, b in zip(reaches.rows, reaches.rows[1:])]
    step = np.append(behavior, 1.0)[game.slot] * game.chance
    for k, h in enumerate(form.infoset):
        total = 0.0
        for node in np.flatnonzero(game.infoset == h):
            reach = 1.0
            while node > 0:
                if game.player[game.parent[node]] != game.owner[h]:
                    reach *= step[node]
                node = game.parent[node]
            total += reach
        assert found[k] == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("lam", [4.0, None])
@pytest.mark.parametrize("form", [True, False])
def test_pieces_and_resuming_change_nothing(lam: float | None, form: bool) -> None:
    game = tree("kuhn_poker")
    for arguments in ({}, {"moving": True}) if lam is None else ({},):
        plan = plan_run(game, lam, form, True, **arguments)
        whole, parts = MirrorEngine(game, game, plan), MirrorEngine(game, game, plan)
        whole.advance(500)
        for n in (1, 2, 97, 250, 150):
            parts.advance(n)
            state = parts.state()
            parts = MirrorEngine(game, game, plan)
            parts.restore(state)
        assert whole.iterations == parts.iterations == 500
        for key, value in whole.state().items():
            np.testing.assert_array_equal(value, parts.state()[key])
        np.testing.assert_array_equal(whole.answer(), parts.answer())


def test_saved_runs_continue() -> None:
    kuhn, states = tree("kuhn_poker"), []
    whole = mmd(kuhn, 5.0, tolerance=0, iterations=200)
    mmd(kuhn, 5.0, tolerance=0, iterations=80, save=states.append)
    state: State = states[-1]
    rest = mmd(kuhn, 5.0, tolerance=0, iterations=200, resume=state)
    np.testing.assert_array_equal(whole.behavior, rest.behavior)
    with pytest.raises(InputError, match="another game"):
        mmd(tree("kuhn_poker(players=3)"), 5.0, resume=state)
    with pytest.raises(InputError, match="another lambda"):
        mmd(kuhn, 6.0, resume=state)
    with pytest.raises(InputError, match="no checkpoint of mmd"):
        mmd(kuhn, 5.0, resume={key: value for key, value in state.items() if key != "base"})


@pytest.mark.parametrize("scale", [1e9, 1e-9])
@pytest.mark.parametrize("form", ["behavior", "dilated"])
def test_units_do_not_matter(scale: float, form: str) -> None:
    kuhn = tree("kuhn_poker")
    scaled = replace(kuhn, payoff=kuhn.payoff * scale)
    shifted = replace(kuhn, payoff=kuhn.payoff + 1e7)
    plain = mmd(kuhn, 10.0, form=form)
    for other, lam in ((scaled, 10.0 / scale), (shifted, 10.0)):
        solution = mmd(other, lam, form=form)
        check(solution, 2e-8)
        np.testing.assert_allclose(solution.behavior, plain.behavior, atol=1e-7)
    check(mmd(scaled, form=form, iterations=100_000), 1e-3)
    check(mmd(shifted, form=form, iterations=100_000), 1e-3)


# --- corners ---------------------------------------------------------------------------------------------------

CORNERS = {
    "no move": 'EFG 2 R "" { "A" "B" } t "" 1 "" { 1 -1 }',
    "chance only": 'EFG 2 R "" { "A" "B" } c "" 1 "" { "x" 1/2 "y" 1/2 } 0 t "" 1 "" { 1 -1 } t "" 2 "" { 0 0 }',
    "one action": 'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "x" } 0 t "" 1 "" { 1 -1 }',
    "one mover": 'EFG 2 R "" { "A" "B" } p "" 2 1 "" { "x" "y" } 0 t "" 1 "" { 1 -1 } t "" 2 "" { 3 -3 }',
    "constant": 'EFG 2 R "" { "A" "B" } p "" 1 1 "" { "x" "y" } 0 t "" 1 "" { 7 -7 } t "" 1 "" { 7 -7 }',
    "never": 'EFG 2 R "" { "A" "B" } c "" 1 "" { "x" 0 "y" 1 } 0 p "" 1 1 "" { "a" "b" } 0 t "" 1 "" { 1 -1 } '
    't "" 2 "" { 2 -2 } p "" 2 1 "" { "a" "b" } 0 t "" 3 "" { 3 -3 } t "" 4 "" { 0 0 }',
}


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize("form", ["behavior", "dilated"])
def test_corners(name: str, form: str) -> None:
    game = from_efg(parse_efg(CORNERS[name]))
    for lam in (0.0, 1.5):
        check(mmd(game, lam, form=form, iterations=10_000))
    check(mmd(game, form=form, iterations=10_000), 1e-3)
    check(mmd(game, form=form, magnet="moving", iterations=10_000), 1e-3)


def test_one_player() -> None:
    game = from_efg(parse_efg('EFG 2 R "" { "A" } p "" 1 1 "" { "x" "y" } 0 t "" 1 "" { 1 } t "" 2 "" { 2 }'))
    solution = mmd(game, 1.0)
    check(solution)
    assert behavior_of(solution)[1] == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-8)


def test_three_players_although_nothing_is_promised() -> None:
    kuhn = tree("kuhn_poker(players=3)")
    for form in ("behavior", "dilated"):
        check(mmd(kuhn, 5.0, form=form, iterations=20_000))


def test_a_step_too_large_is_a_status() -> None:
    solution = mmd(tree("kuhn_poker"), 10.0, step=1e9, iterations=1000)
    assert solution.status is Status.BUDGET
    assert not solution.certificate.holds(1e-2)


def test_beliefs_far_below_the_smallest_float() -> None:
    """Moves of probability e^-400 twice in a row: beliefs are ratios of products that underflow."""
    text = """EFG 2 R "" { "A" "B" }
    p "" 1 1 "" { "l" "r" "s" } 0
      p "" 2 1 "" { "l" "r" } 0
        p "" 1 2 "" { "l" "r" } 0
          p "" 2 2 "" { "l" "r" } 0 t "" 1 "" { 1 -1 } t "" 2 "" { 0 0 }
          t "" 3 "" { 10 -10 }
        t "" 4 "" { 10 -10 }
      p "" 2 1 "" { "l" "r" } 0
        p "" 1 3 "" { "l" "r" } 0
          p "" 2 2 "" { "l" "r" } 0 t "" 5 "" { 0 0 } t "" 6 "" { 2 -2 }
          t "" 7 "" { 11 -11 }
        t "" 8 "" { 10 -10 }
      t "" 9 "" { 20 -20 }"""
    game = from_efg(parse_efg(text))
    assert not (game.player == CHANCE).any()
    check(mmd(game, 42.0, iterations=100_000))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"lam": -1.0}, "finite lambda"),
        ({"lam": math.inf}, "finite lambda"),
        ({"lam": 1e200}, "at most 1e100"),
        ({"lam": 1.0, "form": "sequence"}, "unknown form"),
        ({"magnet": "cold"}, "unknown magnet"),
        ({"lam": 1.0, "magnet": "moving"}, "moving"),
        ({"lam": 1.0, "alpha": 1.0}, "alpha is 1/lambda"),
        ({"step": 0.0}, "step is a positive"),
        ({"alpha": math.nan}, "alpha is a positive"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mmd(tree("kuhn_poker"), **arguments)


def test_games_without_a_nash_guarantee_are_sent_to_cfr() -> None:
    with pytest.raises(InputError, match="cfr with concept cce"):
        mmd(tree("kuhn_poker(players=3)"))


def test_certificate_of_the_dilated_form_refuses() -> None:
    kuhn = tree("kuhn_poker")
    with pytest.raises(InputError, match="finite lambda"):
        certify(kuhn, kuhn.uniform(), "qre", form="dilated")
    with pytest.raises(InputError, match="unknown form"):
        certify(kuhn, kuhn.uniform(), "qre", lam=1.0, form="mixed")
    assert not certify(kuhn, kuhn.uniform(), "qre", lam=1.0, form="dilated").holds(1e-2)
