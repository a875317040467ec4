"""Laws of the theory on random trees: values, best responses and regrets, under any names."""

from __future__ import annotations

import itertools

import numpy as np
from grown_trees import permute_players, random_behavior, random_tree, relabel
from hypothesis import given, settings
from hypothesis import strategies as st

from games.tree import TreeGame
from solvers.best_response import best_response, from_plan, gains, nash_conv, to_plan
from solvers.certificate import certify
from solvers.cfr import RULES, cfr
from solvers.sequences import sequences_of

seeds = st.integers(0, 2**32 - 1)


def game_of(seed: int, **options: object) -> tuple[TreeGame, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return random_tree(rng, int(rng.integers(1, 5)), int(rng.integers(0, 5)), **options), rng


def brute_values(game: TreeGame, behavior: np.ndarray) -> np.ndarray:
    """Expected payoffs by plain recursion."""
    children: dict[int, list[int]] = {}
    for node, above in enumerate(game.parent.tolist()):
        children.setdefault(above, []).append(node)
    column = {int(z): k for k, z in enumerate(game.terminals)}

    def value(node: int) -> np.ndarray:
        if node in column:
            return game.payoff[:, column[node]]
        total = np.zeros(len(game.payoff))
        for child in children[node]:
            p = behavior[game.slot[child]] if game.slot[child] >= 0 else game.chance[child]
            total += p * value(child)
        return total

    return value(0)


@given(seeds)
def test_values_and_regrets_agree_with_recursion_and_certificate(seed: int) -> None:
    game, rng = game_of(seed)
    behavior = random_behavior(rng, game)
    found, certificate = gains(game, behavior), certify(game, behavior, "nash")
    expected = brute_values(game, behavior)
    for values in (found.values, certificate.values, game.values(behavior)):
        np.testing.assert_allclose(values, expected, atol=1e-11)
    np.testing.assert_allclose(found.regrets, certificate.regret, atol=1e-11)


@given(seeds)
@settings(max_examples=30)
def test_no_pure_strategy_beats_the_best_response(seed: int) -> None:
    game, rng = game_of(seed)
    behavior = random_behavior(rng, game)
    regrets = gains(game, behavior).regrets
    for player in range(len(game.players)):
        reply = best_response(game, behavior, player)
        value = game.values(reply)[player]
        assert abs(value - game.values(behavior)[player] - regrets[player]) < 1e-11
        own = np.flatnonzero(game.owner == player)
        sizes = np.diff(game.offsets)[own]
        if np.prod(sizes.astype(float)) > 300:
            continue
        for choices in itertools.product(*map(range, sizes)):
            pure = behavior.copy()
            for h, choice in zip(own, choices):
                pure[game.offsets[h] : game.offsets[h + 1]] = 0.0
                pure[game.offsets[h] + choice] = 1.0
            assert game.values(pure)[player] <= value + 1e-11


@given(seeds)
def test_plans_and_behavior_strategies_are_the_same_play(seed: int) -> None:
    game, rng = game_of(seed)
    behavior = random_behavior(rng, game)
    form = sequences_of(game)
    plan = to_plan(form, behavior)
    back = from_plan(game, form, 3.5 * plan)
    np.testing.assert_allclose(to_plan(form, back), plan, atol=1e-14)
    np.testing.assert_allclose(game.reach(back), game.reach(behavior), atol=1e-14)


@given(seeds)
def test_names_of_players_do_not_matter(seed: int) -> None:
    game, rng = game_of(seed)
    behavior = random_behavior(rng, game)
    order = rng.permutation(len(game.players)).tolist()
    other = permute_players(game, order)
    mine, theirs = gains(game, behavior), gains(other, behavior)
    np.testing.assert_allclose(theirs.values[order], mine.values, atol=1e-12)
    np.testing.assert_allclose(theirs.regrets[order], mine.regrets, atol=1e-12)


@given(seeds)
def test_the_order_of_actions_does_not_matter(seed: int) -> None:
    game, rng = game_of(seed)
    behavior = random_behavior(rng, game)
    other, where = relabel(game, rng)
    moved = np.empty_like(behavior)
    moved[where] = behavior
    np.testing.assert_allclose(gains(other, moved).regrets, gains(game, behavior).regrets, atol=1e-12)
    certificates = [certify(g, b, "qre", lam=0.7) for g, b in ((game, behavior), (other, moved))]
    np.testing.assert_allclose(certificates[0].regret, certificates[1].regret, atol=1e-11)


@given(seeds)
@settings(max_examples=20)
def test_the_value_does_not_depend_on_names(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = random_tree(rng, 2, 4, zero_sum=True)
    others = (game, permute_players(game, [1, 0]), relabel(game, rng)[0])
    values = [cfr(other, tolerance=1e-4, iterations=100_000).values for other in others]
    for value in (values[1][::-1], values[2]):
        np.testing.assert_allclose(value, values[0], atol=4e-4 * max(game.span, 1.0))


@given(seeds)
@settings(max_examples=30)
def test_zero_sum_self_play_meets_its_certificate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = random_tree(rng, 2, 4, zero_sum=True)
    solution = cfr(game, tolerance=1e-4, iterations=100_000)
    assert solution.status == "converged"
    assert solution.certificate.holds(1e-4)
    assert nash_conv(game, solution.behavior) <= 2e-4 * max(game.span, 1.0)


@given(seeds, st.sampled_from(sorted(RULES)))
@settings(max_examples=30)
def test_self_play_of_any_game_meets_its_certificate(seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    game = random_tree(rng, int(rng.integers(2, 5)), 4)
    solution = cfr(game, method, concept="cce", tolerance=0.02, iterations=20_000)
    assert solution.status == "converged"
    assert solution.certificate.holds(0.02)
