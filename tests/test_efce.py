"""Extensive-form correlation: the ladder CE < EFCE < EFCCE < CCE, closed forms, and brute force of the certificate."""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hidden_moves import hidden_moves
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.joint import Joint
from games.plan_counts import count_plans
from games.tree import TERMINAL, TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan
from solvers.best_response import gains
from solvers.certificate import certify
from solvers.correlated import cce, ce
from solvers.correlation_plans import is_triangle_free, plan_of, recommendations, relevant_pairs
from solvers.efce import efcce, efce
from solvers.efce_certificate import certify_plan
from solvers.tree_nash import tree_nash

seeds = st.integers(0, 2**32 - 1)
ORACLES = Path(__file__).parents[2] / "shared" / "oracles" / "games"


def game_of(seed: int, rounds: int = 4) -> TreeGame:
    rng = np.random.default_rng(seed)
    return hidden_moves(rng, 2, int(rng.integers(1, rounds + 1)), chance=str(rng.choice(["none", "public"])))


def one_shot(payoffs: np.ndarray) -> TreeGame:
    """A simultaneous game: player 2 does not see player 1's move."""
    _, m, n = payoffs.shape
    player, infoset, parent, slot = [0], [0], [-1], [-1]
    for a in range(m):
        top = len(player)
        player.append(1)
        infoset.append(1)
        parent.append(0)
        slot.append(a)
        player += [TERMINAL] * n
        infoset += [-1] * n
        parent += [top] * n
        slot += range(m, m + n)
    return TreeGame(
        np.array(player),
        np.array(infoset),
        np.array(parent),
        np.array(slot),
        np.ones(len(player)),
        payoffs.reshape(2, -1),
        np.array([0, 1]),
        np.array([0, m, m + n]),
    )


# --- the programs ---------------------------------------------------------------------------------------------


@given(seeds, st.sampled_from(["welfare", "min-welfare", "player:0", "min-player:1", "egalitarian"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
def test_optima_climb_the_ladder_of_concepts(seed: int, objective: str) -> None:
    game = game_of(seed, rounds=3)
    assume(math.prod(count_plans(game)) <= 400)
    normal = game.to_normal()
    sign = -1.0 if objective.startswith("min") else 1.0
    fine, coarse = efce(game, objective), efcce(game, objective)
    for solution in (fine, coarse):
        assert solution.certificate.holds(1e-9)
        assert solution.stats["dual_bound"] == pytest.approx(solution.stats["objective_value"], abs=1e-6)
    ladder = [
        solution.stats["objective_value"]
        for solution in (ce(normal, objective), fine, coarse, cce(normal, objective))
    ]
    assert np.all(np.diff(sign * np.array(ladder)) >= -1e-6)
    assert certify(game, fine.strategy, "efcce").holds(1e-9)


def test_the_ladder_is_strict_somewhere() -> None:
    steps = np.zeros(3)
    for seed in range(40):
        game = game_of(seed, rounds=3)
        if math.prod(count_plans(game)) > 400:
            continue
        normal = game.to_normal()
        found = (ce(normal), efce(game), efcce(game), cce(normal))
        steps += np.diff([one.stats["objective_value"] for one in found]) > 1e-3
    assert steps.min() >= 1


@given(seeds)
@settings(max_examples=25)
def test_one_shot_games_have_the_ce_and_cce_of_the_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = one_shot(rng.integers(-9, 10, (2, *rng.integers(1, 5, 2))).astype(float))
    normal = game.to_normal()
    for ours, theirs, concept in ((efce, ce, "ce"), (efcce, cce, "cce")):
        for objective in ("welfare", "player:1"):
            found, known = ours(game, objective), theirs(normal, objective)
            assert found.stats["objective_value"] == pytest.approx(known.stats["objective_value"], abs=1e-7)
        # the plan's pairs of moves are the joint distribution, and regrets are those of the matrix game
        noisy = rng.dirichlet(np.ones(normal.profiles))
        plan = plan_of(game, pure_mixture(game, noisy))
        measured = certify_plan(game, plan, "ef" + concept)
        joint = Joint.from_indices(np.arange(normal.profiles), noisy, normal.shape)
        expected = certify(normal, joint, concept)
        np.testing.assert_allclose(measured.regret, expected.regret, atol=1e-12)
        np.testing.assert_allclose(measured.gain, expected.gain, atol=1e-12)
        np.testing.assert_allclose(measured.values, expected.values, atol=1e-12)


def pure_mixture(game: TreeGame, weights: np.ndarray) -> BehaviorMixture:
    """All pure pairs of a one-shot game, in C order, with these weights."""
    m, n = np.diff(game.offsets)
    rows = [np.concatenate([np.eye(m)[a], np.eye(n)[b]]) for a in range(m) for b in range(n)]
    return BehaviorMixture(weights, np.array(rows))


@given(seeds)
@settings(max_examples=30)
def test_a_nash_equilibrium_is_an_efce(seed: int) -> None:
    game = game_of(seed)
    found = tree_nash(game)
    plan = plan_of(game, found.behavior)
    for concept in ("efce", "efcce"):
        certificate = certify_plan(game, plan, concept)
        assert certificate.holds(1e-8)
        np.testing.assert_allclose(certificate.values, found.values, atol=1e-9)
    assert efce(game).values.sum() >= found.values.sum() - 1e-7


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_payoff_units_do_not_matter(factor: float) -> None:
    game = game_of(11)
    moved = dataclasses.replace(game, payoff=game.payoff * factor + np.array([[3.0], [-5.0]]) * factor)
    for solve in (efce, efcce):
        for objective in ("welfare", "egalitarian"):
            one, other = solve(game, objective), solve(moved, objective)
            assert other.certificate.holds(1e-8)
            if objective == "welfare":
                assert other.values.sum() / factor == pytest.approx(one.values.sum() - 2.0, abs=1e-7)


@pytest.mark.parametrize("payoffs", [[[0.0], [0.0]], [[7.0], [-2.0]]])
def test_games_without_a_choice(payoffs: list[list[float]]) -> None:
    empty = np.array([], dtype=int)
    game = TreeGame([TERMINAL], [-1], [-1], [-1], [1.0], payoffs, empty, [0])
    for solve in (efce, efcce):
        for objective in ("welfare", "egalitarian", "any"):
            found = solve(game, objective)
            assert found.certificate.holds(1e-12)
            assert found.values.tolist() == [row[0] for row in payoffs]


# --- the certificate against brute force ----------------------------------------------------------------------


@given(seeds)
@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
def test_certificates_equal_brute_force_over_deviations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = hidden_moves(rng, 2, int(rng.integers(1, 4)), chance=str(rng.choice(["none", "public"])))
    assume(max(count_plans(game, "full")) <= 100 and game.slots <= 14)
    mixture = random_mixture(game, rng)
    plan = plan_of(game, mixture)
    for concept in ("efce", "efcce"):
        certificate = certify_plan(game, plan, concept)
        assert certificate.residual == pytest.approx(0.0, abs=1e-12)
        for i in range(2):
            gain, regret = brute_force(game, mixture, i, concept == "efcce")
            assert certificate.gain[i] == pytest.approx(gain, abs=1e-9)
            assert certificate.regret[i] == pytest.approx(regret, abs=1e-9)


def random_mixture(game: TreeGame, rng: np.random.Generator) -> BehaviorMixture:
    rows = []
    for _ in range(3):
        row = np.zeros(game.slots)
        for low, high in itertools.pairwise(game.offsets.tolist()):
            row[rng.integers(low, high)] = 1.0
        rows.append(row)
    return BehaviorMixture(rng.dirichlet(np.ones(3)), np.array(rows))


def brute_force(game: TreeGame, mixture: BehaviorMixture, i: int, coarse: bool) -> tuple[float, float]:
    """Gains of every trigger by playing the mixture out, and of every set of triggers acted on."""
    children: dict[int, list[int]] = {}
    for node, above in enumerate(game.parent.tolist()):
        children.setdefault(above, []).append(node)
    column = {int(z): k for k, z in enumerate(game.terminals)}
    own = np.flatnonzero(game.owner == i).tolist()

    def worth(node: int, told: np.ndarray, trigger: int, reply: dict[int, int], away: bool) -> float:
        """Player i's payoff when the recommendations are pure, deviating at the trigger by `reply`."""
        if node in column:
            return float(game.payoff[i, column[node]])
        h = int(game.infoset[node])
        if h < 0:
            return sum(float(game.chance[c]) * worth(c, told, trigger, reply, away) for c in children[node])
        block = range(int(game.offsets[h]), int(game.offsets[h + 1]))
        move = next(s for s in block if told[s] == 1.0)
        if h in own:
            away = away or (h == trigger if coarse else move == trigger)
            move = reply[h] if away else move
        (child,) = [c for c in children[node] if game.slot[c] == move]
        return worth(child, told, trigger, reply, away)

    def expected(trigger: int, reply: dict[int, int]) -> float:
        return sum(w * worth(0, b, trigger, reply, False) for w, b in zip(mixture.weights, mixture.behaviors))

    base = expected(-5, {})
    blocks = [range(int(game.offsets[h]), int(game.offsets[h + 1])) for h in own]
    replies = [dict(zip(own, choice)) for choice in itertools.product(*blocks)]
    triggers = own if coarse else [s for block in blocks for s in block]
    best = {}
    for trigger in triggers:
        h = trigger if coarse else int(game.infoset_of_slot[trigger])
        allowed = [r for r in replies if coarse or r[h] != trigger]
        if allowed:
            best[trigger] = max(expected(trigger, r) for r in allowed) - base
    gain = max(best.values(), default=0.0)

    # sets of triggers none of which lies behind another; their gains add up
    def before(slot: int) -> set[int]:
        past = set()
        while slot >= 0:
            h = int(game.infoset_of_slot[slot])
            past.add(h if coarse else slot)
            slot = int(game.entry[h])
        return past

    def chain(trigger: int) -> set[int]:
        h = trigger if coarse else int(game.infoset_of_slot[trigger])
        return before(int(game.entry[h]))

    positive = [t for t in best if best[t] > 0]
    regret = 0.0
    for size in range(1, len(positive) + 1):
        for some in itertools.combinations(positive, size):
            if all(not (chain(t) & set(some)) for t in some):
                regret = max(regret, sum(best[t] for t in some))
    return gain, regret


# --- structure, input, inspection -----------------------------------------------------------------------------


@given(seeds)
def test_games_without_private_chance_are_triangle_free(seed: int) -> None:
    assert is_triangle_free(game_of(seed))


def test_private_chance_is_refused_with_a_way_out() -> None:
    game = hidden_moves(np.random.default_rng(0), 2, 3, chance="private")
    assert not is_triangle_free(game)
    for solve in (efce, efcce):
        with pytest.raises(InputError, match=r"triangle-free.*cce comes from self-play"):
            solve(game)
    plan = CorrelationPlan([-1], [-1], [1.0])
    with pytest.raises(InputError, match="triangle-free"):
        certify_plan(game, plan, "efce")


def test_bad_input_is_named() -> None:
    three = hidden_moves(np.random.default_rng(0), 3, 3)
    with pytest.raises(InputError, match="two players only, this game has 3"):
        efce(three)
    game = game_of(3)
    with pytest.raises(InputError, match="not linear"):
        efce(game, "entropy")
    with pytest.raises(InputError, match="no player"):
        efcce(game, "player:2")
    pairs = relevant_pairs(game)
    prob = plan_of(game, game.uniform()).prob
    with pytest.raises(InputError, match="relevant pairs"):
        certify_plan(game, CorrelationPlan(pairs.first[1:], pairs.second[1:], prob[1:]), "efce")
    with pytest.raises(InputError, match="not a finite number"):
        certify_plan(game, CorrelationPlan(pairs.first, pairs.second, prob * np.nan), "efce")
    with pytest.raises(InputError, match="not nash"):
        certify_plan(game, CorrelationPlan(pairs.first, pairs.second, prob), "nash")
    worse = certify_plan(game, CorrelationPlan(pairs.first, pairs.second, prob * 1.01), "efce")
    assert worse.residual == pytest.approx(0.01) and not worse.holds(1e-3)


def test_imperfect_recall_is_refused() -> None:
    path = ORACLES / "catalog" / "journals" / "geb" / "gilboa1997" / "fig2.efg"
    if not path.exists():
        pytest.skip("the oracle games are not here")
    from games.from_files import load_tree
    from games.tree_build import from_efg

    with pytest.raises(InputError):
        efce(from_efg(load_tree(path)))


def test_recommendations_have_names() -> None:
    game = one_shot(np.array([[[3.0, 0.0], [5.0, 1.0]], [[3.0, 5.0], [0.0, 1.0]]]))
    rows = recommendations(game, efce(game).strategy)
    assert rows[0] == ("", "", 1.0)
    assert ("1:2", "2:2", 1.0) in rows or any(p == pytest.approx(1.0) for *_, p in rows[1:])


def test_a_budget_that_runs_out_is_said() -> None:
    game = hidden_moves(np.random.default_rng(1), 2, 6)
    found = efce(game, seconds=1e-6)
    assert found.status in ("budget", "converged")
    assert np.isfinite(found.certificate.max_regret)


def test_regrets_of_a_product_plan_are_no_smaller_than_nash_gains() -> None:
    game = game_of(21)
    plan = plan_of(game, game.uniform())
    nash = gains(game, game.uniform())
    fine = certify_plan(game, plan, "efce")
    np.testing.assert_allclose(fine.values, nash.values, atol=1e-12)
    assert np.all(fine.regret >= nash.regrets - 1e-12)


def test_programs_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[efce.__module__], "MOST_PAIRS", 3)
    with pytest.raises(InputError, match="pairs of sequences, more than the 3"):
        efce(one_shot(np.zeros((2, 2, 2))))
