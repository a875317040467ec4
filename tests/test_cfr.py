"""CFR and its variants against OpenSpiel's iterates, closed forms, regret bounds and certificates."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from games import InputError, load
from games.efg import parse_efg
from games.tree import TreeGame
from games.tree_build import from_efg
from games.tree_strategies import BehaviorMixture
from solvers.best_response import best_response, exploitability, gains, nash_conv
from solvers.certificate import certify
from solvers.cfr import RULES, Cfr, cfr

CASES = Path(__file__).parents[2] / "shared" / "oracles" / "solver_cases.json"
needs_oracles = pytest.mark.skipif(not CASES.exists(), reason="the shared oracles are not here")
METHODS = tuple(RULES)


def tree(text: str) -> TreeGame:
    game = load(f"openspiel:{text}")
    assert isinstance(game, TreeGame)
    return game


def oracle(concept: str) -> list[dict[str, Any]]:
    if not CASES.exists():
        return []
    return [case for case in json.loads(CASES.read_text())["cases"] if case["concept"] == concept]


@needs_oracles
@pytest.mark.parametrize("case", oracle("cfr_trajectory"), ids=lambda case: case["id"])
def test_iterates_are_openspiels(case: dict[str, Any]) -> None:
    engine = Cfr(tree(case["game"]), RULES[case["algorithm"]], alternating=True)
    for iterations, expected in case["nash_conv_after"].items():
        engine.advance(int(iterations) - engine.iterations)
        assert engine.measure(None).regrets.sum() == pytest.approx(expected, abs=case["tol"])
        assert nash_conv(engine.game, engine.answer()) == pytest.approx(expected, abs=case["tol"])


@needs_oracles
@pytest.mark.parametrize("case", oracle("nash_conv_uniform"), ids=lambda case: case["id"])
def test_nash_conv_of_uniform_play_is_openspiels(case: dict[str, Any]) -> None:
    game = tree(case["game"])
    found = gains(game, game.uniform())
    assert found.regrets.sum() == pytest.approx(case["value"], abs=case["tol"])
    if "uniform_values" in case:
        np.testing.assert_allclose(found.values, case["uniform_values"], atol=case["tol"])
    certified = certify(game, game.uniform(), "nash")
    assert certified.nash_conv == pytest.approx(case["value"], abs=case["tol"])


def test_nash_conv_of_random_play_is_openspiels() -> None:
    """A strategy of no special kind, on games with two and three players."""
    import pyspiel
    from open_spiel.python import policy
    from open_spiel.python.algorithms import exploitability as theirs

    for name in ("kuhn_poker", "kuhn_poker(players=3)", "leduc_poker", "tiny_bridge_2p"):
        game, spiel = tree(name), pyspiel.load_game(name)
        rng = np.random.default_rng(3)
        behavior = game.check_behavior(
            np.concatenate([rng.dirichlet(np.ones(n)) for n in np.diff(game.offsets)])
        )
        table = policy.TabularPolicy(spiel)
        rows = {(owner, name): block for owner, name, _, block in game.rows(behavior)}
        for key, index in table.state_lookup.items():
            legal = np.flatnonzero(table.legal_actions_mask[index])
            found = [block for (_, name), block in rows.items() if name == key] if len(rows) < 50 else None
            block = found[0] if found else next((rows[i, key] for i in range(3) if (i, key) in rows), None)
            if block is not None:
                table.action_probability_array[index, legal] = block
        expected = theirs.nash_conv(spiel, table)
        assert nash_conv(game, behavior) == pytest.approx(expected, abs=1e-9)


# --- Kuhn poker -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alternating", [True, False])
def test_kuhn_pokers_value_and_equilibrium_family(method: str, alternating: bool) -> None:
    """Kuhn (1950): value -1/18; player 1 bets a jack with some a <= 1/3, a king with 3a, calls a queen with a + 1/3."""
    game = tree("kuhn_poker")
    tolerance = 1e-5 if alternating and method != "cfr" else 1e-3
    solution = cfr(game, method, alternating=alternating, tolerance=tolerance, iterations=200_000)
    assert solution.status == "converged"
    assert solution.certificate.holds(tolerance)
    assert solution.values[0] == pytest.approx(-1 / 18, abs=game.span * tolerance)
    bet = {(i, name): float(block[1]) for i, name, _, block in game.rows(solution.behavior)}
    a, near = bet[0, "0"], 60 * tolerance
    assert -near <= a <= 1 / 3 + near
    assert bet[0, "2"] == pytest.approx(3 * a, abs=30 * near)
    assert bet[0, "1pb"] == pytest.approx(a + 1 / 3, abs=30 * near)
    assert bet[1, "0b"] == pytest.approx(0, abs=near)
    assert bet[1, "1b"] == pytest.approx(1 / 3, abs=30 * near)
    assert bet[1, "0p"] == pytest.approx(1 / 3, abs=30 * near)


def test_regrets_stay_within_the_bound_of_cfr() -> None:
    """Zinkevich et al. (2007), theorem 4: average regret at most span * |I_i| * sqrt(|A|) / sqrt(T)."""
    game = tree("kuhn_poker(players=3)")
    bound = game.spans * np.bincount(game.owner) * math.sqrt(2)
    engine = Cfr(game, RULES["cfr"], alternating=False)
    from solvers.cfr_joint import JointCfr

    joint = JointCfr(game, RULES["cfr"])
    for rounds in (1, 10, 100, 1000):
        joint.advance(rounds - joint.iterations)
        engine.advance(rounds - engine.iterations)
        assert np.all(joint.measure(joint.answer()).regrets <= bound / math.sqrt(rounds))
    np.testing.assert_array_equal(joint.average, engine.average)


def test_cfr_plus_falls_faster_than_the_square_root() -> None:
    """The slope of log NashConv against log T: about -1/2 or better for CFR, near -1 or better for CFR+."""
    game = tree("leduc_poker")
    for method, steepest in (("cfr", -0.45), ("cfr+", -0.9)):
        engine = Cfr(game, RULES[method], alternating=True)
        gaps = []
        for rounds in (50, 100, 200, 400, 800):
            engine.advance(rounds - engine.iterations)
            gaps.append(engine.measure(None).regrets.sum())
        slope = np.polyfit(np.log([50, 100, 200, 400, 800]), np.log(gaps), 1)[0]
        assert slope < steepest


# --- more players: coarse correlated equilibria -----------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_three_players_reach_a_coarse_correlated_equilibrium(method: str) -> None:
    game = tree("kuhn_poker(players=3)")
    solution = cfr(game, method, tolerance=2e-3, iterations=20_000)
    assert solution.concept == "cce" and solution.status == "converged"
    assert isinstance(solution.strategy, BehaviorMixture)
    assert solution.behavior is None
    assert solution.certificate.holds(2e-3)
    assert solution.certificate.max_regret == pytest.approx(solution.stats["trace"][-1].max_regret, abs=1e-9)


def test_the_gap_of_the_joint_play_is_what_the_certificate_measures() -> None:
    """The sums kept along the way and the mixture's own certificate agree, signed gains included."""
    from solvers.cfr_joint import JointCfr

    game = tree("kuhn_poker(players=3)")
    joint = JointCfr(game, RULES["pcfr+"])
    joint.advance(37)
    gain = joint._gain(joint.total, joint.gradients, joint.values)
    certificate = certify(game, joint.answer(), "cce")
    np.testing.assert_allclose(certificate.gain, gain, atol=1e-12)
    np.testing.assert_allclose(certificate.values, joint.values / joint.total, atol=1e-12)


def test_thinned_mixtures_are_judged_by_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import solvers.cfr_joint as module

    monkeypatch.setattr(module, "MOST_PROFILES", 16)
    game = tree("kuhn_poker")
    solution = cfr(game, "cfr+", concept="cce", tolerance=5e-3, iterations=5000)
    assert len(solution.strategy) < 16
    assert solution.certificate.max_regret <= solution.stats["trace"][-1].max_regret + 1e-12
    assert solution.certificate.holds(5e-3)


def test_in_constant_sum_games_the_gaps_agree() -> None:
    """NashConv of the averages equals the sum of CCE gains of the joint play (spec: (R1 + R2) / T)."""
    from solvers.cfr_joint import JointCfr

    game = tree("kuhn_poker")
    joint = JointCfr(game, RULES["cfr"])
    joint.advance(200)
    average = Cfr.answer(joint)
    assert nash_conv(game, average) == pytest.approx(
        certify(game, joint.answer(), "cce").gain.sum(), abs=1e-12
    )


# --- running, stopping, resuming --------------------------------------------------------------------------------


@pytest.mark.parametrize("concept", ["nash", "cce"])
@pytest.mark.parametrize("method", METHODS)
def test_a_resumed_run_equals_an_uninterrupted_one(method: str, concept: str) -> None:
    game = tree("kuhn_poker")
    options: dict[str, Any] = {"concept": concept, "tolerance": 0.0}
    saved: list[dict[str, Any]] = []
    whole = cfr(game, method, iterations=500, **options)
    cfr(game, method, iterations=123, save=saved.append, **options)
    rest = cfr(game, method, iterations=500, resume=saved[-1], **options)
    kinds = (whole.strategy, rest.strategy)
    if concept == "cce":
        kinds = (whole.strategy.behaviors, rest.strategy.behaviors)
    assert kinds[0].tobytes() == kinds[1].tobytes()
    assert rest.stats["iterations"] == 500
    assert rest.stats["trace"][-1][2:] == whole.stats["trace"][-1][2:]


def test_how_work_is_cut_into_pieces_changes_nothing() -> None:
    game = tree("kuhn_poker(players=3)")
    one, many = (Cfr(game, RULES["dcfr"], alternating=True) for _ in range(2))
    one.advance(100)
    for piece in (1, 7, 30, 62):
        many.advance(piece)
    for name, array in one.state().items():
        np.testing.assert_array_equal(array, many.state()[name], err_msg=name)


def test_a_checkpoint_of_another_game_is_refused() -> None:
    saved: list[dict[str, Any]] = []
    cfr(tree("kuhn_poker"), iterations=3, tolerance=0.0, save=saved.append)
    with pytest.raises(InputError, match=r"checkpoint has 26 numbers .* needs 2186"):
        cfr(tree("leduc_poker"), iterations=5, tolerance=0.0, resume=saved[-1])
    with pytest.raises(InputError, match="not of a run for a coarse"):
        cfr(tree("kuhn_poker"), concept="cce", iterations=5, tolerance=0.0, resume=saved[-1])


def test_budgets_and_progress() -> None:
    told: list[str] = []
    game = tree("leduc_poker")
    solution = cfr(game, tolerance=0.0, seconds=0.3, progress=lambda _, text: told.append(text))
    assert solution.status == "budget"
    assert solution.stats["seconds"] < 3
    assert any("NashConv" in text for text in told)


def test_bad_requests() -> None:
    kuhn = tree("kuhn_poker")
    for message, call in (
        ("unknown method 'cfr2'; known are cfr", lambda: cfr(kuhn, "cfr2")),
        ("only in two-player constant-sum", lambda: cfr(tree("kuhn_poker(players=3)"), concept="nash")),
        ("finds nash or cce, not ce", lambda: cfr(kuhn, concept="ce")),
        ("update all at once", lambda: cfr(kuhn, concept="cce", alternating=True)),
        ("alpha and beta discount regrets in dcfr", lambda: cfr(kuhn, "cfr+", alpha=1.0)),
        ("gamma=30.0 is out of range", lambda: cfr(kuhn, gamma=30)),
        ("needs seconds or iterations", lambda: cfr(kuhn, tolerance=0.0)),
        ("iterations is at least 1", lambda: cfr(kuhn, iterations=0)),
        ("exploitability is for two-player", lambda: exploitability(tree("kuhn_poker(players=3)"), None)),
        ("there is no player 2", lambda: best_response(kuhn, kuhn.uniform(), 2)),
        ("has 3 probabilities, expected 24", lambda: gains(kuhn, [1.0, 0.0, 0.0])),
        ("not a distribution", lambda: gains(kuhn, np.full(24, 0.4))),
    ):
        with pytest.raises(InputError, match=message):
            call()


def test_imperfect_recall_is_refused_with_the_reason() -> None:
    forgetful = """EFG 2 R "driver" { "Driver" } p "" 1 1 "junction" { "exit" "go" } 0
        t "" 1 "" { 0 } p "" 1 1 "junction" { "exit" "go" } 0 t "" 2 "" { 4 } t "" 3 "" { 1 }"""
    with pytest.raises(InputError, match=r"Driver is absent-minded: .*'junction' twice"):
        cfr(from_efg(parse_efg(forgetful)))


# --- ordinary but unusual games -----------------------------------------------------------------------------------


def test_degenerate_games_are_solved() -> None:
    only_chance = (
        'EFG 2 R "" { "A" "B" } c "" 1 "" { "l" 1/2 "r" 1/2 } 0 t "" 1 "" { 1 -1 } t "" 2 "" { 3 -3 }'
    )
    one_player = 'EFG 2 R "" { "A" } p "" 1 1 "" { "x" "y" } 0 t "" 1 "" { 5 } t "" 2 "" { 7 }'
    nothing = 'EFG 2 R "" { "A" "B" } t "" 1 "" { 2 -2 }'
    for text, value in ((only_chance, 2.0), (one_player, 7.0), (nothing, 2.0)):
        game = from_efg(parse_efg(text))
        for method in METHODS:
            solution = cfr(game, method, tolerance=1e-2, iterations=5000)
            assert solution.status == "converged"
            assert solution.values[0] == pytest.approx(value, abs=0.05)


@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS))
def test_random_zero_sum_matrix_games_as_trees(seed: int, method: str) -> None:
    """Scaling payoffs scales the game: the same iterates, and values that agree with the LP."""
    from games.normal import NormalFormGame
    from solvers.nash import nash

    rng = np.random.default_rng(seed)
    matrix = rng.integers(-5, 6, (rng.integers(1, 5), rng.integers(1, 5))).astype(float)
    value = nash(NormalFormGame.zero_sum(matrix)).values[0]
    for scale in (1.0, 1e9, 1e-9):
        game = _matrix_tree(matrix * scale)
        solution = cfr(game, method, tolerance=0.02, iterations=200_000)
        assert solution.certificate.holds(0.02)
        assert abs(solution.values[0] / scale - value) <= 0.02 * max(game.span / scale, 1e-9) + 1e-9


def _matrix_tree(matrix: Any) -> TreeGame:
    rows, columns = matrix.shape
    player, infoset, parent, slot = [0], [0], [-1], [-1]
    for a in range(rows):
        above = len(player)
        player.append(1), infoset.append(1), parent.append(0), slot.append(a)
        for b in range(columns):
            player.append(-2), infoset.append(-1), parent.append(above), slot.append(rows + b)
    flat = matrix.ravel()
    return TreeGame(
        player=np.array(player),
        infoset=np.array(infoset),
        parent=np.array(parent),
        slot=np.array(slot),
        chance=np.ones(len(player)),
        payoff=np.stack([flat, -flat]),
        owner=np.array([0, 1]),
        offsets=np.array([0, rows, rows + columns]),
    )
