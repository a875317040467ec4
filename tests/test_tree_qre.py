"""Agent logit QRE of trees: closed forms, known values, other programs' values, invariances, and bad input."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import InputError
from games.efg import parse_efg
from games.from_files import load_tree
from games.normal import NormalFormGame
from games.tree import CHANCE, TERMINAL, TreeGame
from games.tree_build import from_efg
from solvers import certify, qre
from solvers.solution import Status
from solvers.tree_certificate import _conditional_payoffs, _node_values
from solvers.tree_qre import agent_qre, agent_qre_at, fit_agent_qre, trace_agent_qre

ORACLES = Path(__file__).parents[2] / "shared" / "oracles"


def tree(text):
    return from_efg(parse_efg(text))


CENTIPEDE = tree(
    """EFG 2 R "centipede" { "A" "B" }
    p "" 1 1 "" { "take" "pass" } 0
    t "" 1 "" { 0.4 0.1 }
    p "" 2 1 "" { "take" "pass" } 0
    t "" 2 "" { 0.2 0.8 }
    p "" 1 2 "" { "take" "pass" } 0
    t "" 3 "" { 1.6 0.4 }
    p "" 2 2 "" { "take" "pass" } 0
    t "" 4 "" { 0.8 3.2 }
    t "" 5 "" { 6.4 1.6 }"""
)
HORSE = tree(
    """EFG 2 R "horse" { "1" "2" "3" }
    p "" 1 1 "" { "R" "L" } 0
    p "" 2 1 "" { "R" "L" } 0
    t "" 1 "" { 1 1 1 }
    p "" 3 1 "" { "R" "L" } 0
    t "" 2 "" { 4 4 0 }
    t "" 3 "" { 0 0 1 }
    p "" 3 1 "" { "R" "L" } 0
    t "" 4 "" { 3 2 2 }
    t "" 5 "" { 0 0 0 }"""
)


def solved(game, lam, **options):
    solution = agent_qre(game, lam, **options)
    assert solution.status is Status.CONVERGED, solution.stats
    assert solution.parameters["lambda"] == lam
    assert certify(game, solution.strategy, "qre", lam=lam).residual < 1e-11
    return solution.behavior


def random_tree(rng, players=2, depth=4, chance=True, zero=False, scale=1.0, together=0.6):
    """A random tree with perfect recall: nodes join information sets of players with the same own history."""
    player, infoset, parent, slot, odds, payoffs = [], [], [], [], [], []
    sets, owner, sizes = {}, [], []

    def grow(above, move, probability, level, last):
        node = len(player)
        parent.append(above)
        slot.append(move)
        odds.append(probability)
        kind = int(rng.integers(-1 if chance else 0, players)) if level < depth else TERMINAL
        if level > 1 and rng.random() < 0.15:
            kind = TERMINAL
        player.append(kind)
        infoset.append(-1)
        if kind == TERMINAL:
            payoffs.append(scale * rng.integers(-3, 4, players))
        elif kind == CHANCE:
            shares = rng.dirichlet(np.ones(2))
            if zero and rng.random() < 0.5:
                shares = np.array([0.0, 1.0])
            for share in shares:
                grow(node, -1, float(share), level + 1, last)
        else:
            key = (kind, last[kind])
            known = sets.setdefault(key, [])
            if known and rng.random() < together:
                h = known[rng.integers(len(known))]
            else:
                h = len(owner)
                known.append(h)
                owner.append(kind)
                sizes.append(int(rng.integers(1, 4)))
            infoset[node] = h
            first = sum(sizes[:h])
            for a in range(sizes[h]):
                here = (*last[:kind], (h, a), *last[kind + 1 :])
                grow(node, (h, a), 1.0, level + 1, here)
        return first if kind >= 0 else 0

    grow(-1, -1, 1.0, 0, tuple(() for _ in range(players)))
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    moves = [offsets[m[0]] + m[1] if isinstance(m, tuple) else -1 for m in slot]
    return TreeGame(player, infoset, parent, moves, odds, np.array(payoffs).T, owner, offsets)


# --- known values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lam,expected",
    [
        (0.5, (0.51668180, 0.33489243, 0.59306970)),
        (1, (0.58091589, 0.19582102, 0.60315520)),
        (2, (0.68690288, 0.11201324, 0.50879247)),
        (5, (0.77664378, 0.25350567, 0.30400009)),
        (8, (0.98591181, 0.95962046, 0.15099329)),
        (10, (0.99890323, 0.99690907, 0.10559532)),
        (50, (1, 1, 0.01637491)),
        (200, (1, 1, 0.00367732)),
    ],
)
def test_selten_horse(lam, expected):
    np.testing.assert_allclose(solved(HORSE, lam)[::2], expected, atol=1e-8)


@pytest.mark.parametrize(
    "lam,expected",
    [
        (1, (0.296257, 0.277980, 0.464884, 0.832018)),
        (2, (0.236193, 0.376299, 0.761577, 0.960834)),
        (5, (0.492704, 0.851436, 0.981847, 0.999665)),
    ],
)
def test_centipede(lam, expected):
    np.testing.assert_allclose(solved(CENTIPEDE, lam)[::2], expected, atol=1e-6)


def test_lambda_fitted_to_centipede_counts():
    """Counts rebuilt from the conditional take rates .07, .38, .65, .75 of McKelvey and Palfrey."""
    fit = fit_agent_qre(CENTIPEDE, [20, 261, 100, 161, 104, 57, 43, 14])
    assert fit.lam == pytest.approx(1.71245405, abs=1e-7)
    assert fit.log_likelihood == pytest.approx(-424.914860, abs=1e-6)
    assert fit.log_likelihood_saturated == pytest.approx(-382.250937, abs=1e-6)
    assert fit.interval[0] < fit.lam < fit.interval[1]
    assert fit.solution.certificate.residual < 1e-9
    with pytest.raises(InputError, match="counts"):
        fit_agent_qre(CENTIPEDE, [1, 2, 3])


def test_kuhn_poker():
    """The arrays stored by the authors of magnetic mirror descent, six digits."""
    pytest.importorskip("pyspiel")
    from games.from_openspiel import tree_from_openspiel

    game = tree_from_openspiel("kuhn_poker")
    sharp = solved(game, 10.0)
    bet = dict(zip(game.infosets, (block[1] for block in game.blocks(sharp))))
    assert [bet[c] for c in ("0", "1", "2")] == pytest.approx([0.189862, 0.136925, 0.591586], abs=1e-6)
    assert [bet[c + "pb"] for c in "012"] == pytest.approx([0.0000454, 0.545458, 1], abs=1e-6)
    assert [bet[c + "p"] for c in "012"] == pytest.approx([0.322164, 0.033852, 0.943417], abs=1e-6)
    assert [bet[c + "b"] for c in "012"] == pytest.approx([0.0000454, 0.430075, 1], abs=1e-6)
    assert game.values(sharp)[0] == pytest.approx(-0.05624045, abs=1e-8)
    blunt = solved(game, 2.0)
    bet = dict(zip(game.infosets, (block[1] for block in game.blocks(blunt))))
    assert [bet[c] for c in "012"] == pytest.approx([0.28429, 0.396992, 0.536128], abs=1e-6)
    assert game.values(blunt)[0] == pytest.approx(-0.04483547, abs=1e-8)


def oracle_cases():
    if not (ORACLES / "solver_cases.json").exists():
        return []
    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    return [case for case in cases if case["concept"].startswith("agent_logit_qre_efg")]


def by_label(game, labels, profile):
    """The oracle's profile in this game's order: by name where names tell information sets apart."""
    flat = np.empty(game.slots)
    for i, own_labels in enumerate(labels):
        own = np.flatnonzero(game.owner == i)
        names = [game.infosets[h] for h in own]
        for j, label in enumerate(own_labels):
            h = own[names.index(label) if len(set(names)) == len(names) and label in names else j]
            flat[game.offsets[h] : game.offsets[h + 1]] = profile[i][j]
    return flat


@pytest.mark.skipif(not oracle_cases(), reason="the oracle files are not here")
@pytest.mark.parametrize("case", oracle_cases(), ids=lambda case: case["id"])
def test_values_of_other_programs(case):
    game = from_efg(load_tree(ORACLES / "games" / case["game"]))
    behavior = solved(game, case["lam"])
    if "profile" in case:
        expected = by_label(game, case["infoset_labels"], case["profile"])
        np.testing.assert_allclose(behavior, expected, atol=case["tol"])
        np.testing.assert_allclose(game.values(behavior), case["payoffs"], atol=10 * case["tol"])


@pytest.mark.skipif(not oracle_cases(), reason="the oracle files are not here")
@pytest.mark.parametrize("name", ["contrib/games/e13.efg", "contrib/games/cent3.efg"])
def test_limits_of_another_program(name):
    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    (case,) = (c for c in cases if c["concept"] == "limiting_logit_equilibrium" and c["game"] == name)
    game = from_efg(load_tree(ORACLES / "games" / name))
    branch = trace_agent_qre(game)
    assert branch.status is Status.CONVERGED
    assert certify(game, branch.limit, "nash").regret.max() <= 1e-8 * game.span
    labels = [[game.infosets[h] for h in np.flatnonzero(game.owner == i)] for i in range(len(game.players))]
    labels = case.get("infoset_labels", labels)
    np.testing.assert_allclose(branch.limit, by_label(game, labels, case["profile"]), atol=case["tol"])


def test_limit_of_the_horse_off_the_path():
    """Player 3 is not reached in the limit, and p3 goes to 0 only like a constant over lambda (spec: .0037 at 200)."""
    branch = trace_agent_qre(HORSE)
    assert branch.status is Status.CONVERGED
    assert branch.limit[[0, 2]] == pytest.approx([1, 1])
    assert branch.limit[4] < 1e-3
    assert branch.limit[4] * branch.lambdas[-1] == pytest.approx(0.00367732 * 200, rel=0.1)


# --- theory -------------------------------------------------------------------------------------------------------


def backward(game, lam):
    """Agent QRE of perfect information by recursion: later play does not depend on earlier."""
    value, behavior = np.zeros((game.nodes, len(game.players))), np.empty(game.slots)
    value[game.terminals] = game.payoff.T
    for n in range(game.nodes - 1, -1, -1):
        children = np.flatnonzero(game.parent == n)
        if game.player[n] == CHANCE:
            value[n] = game.chance[children] @ value[children]
        elif game.player[n] >= 0:
            u = lam * value[children, game.player[n]]
            p = np.exp(u - u.max())
            p /= p.sum()
            behavior[game.slot[children]] = p
            value[n] = p @ value[children]
    return behavior


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 20))
def test_perfect_information_is_backward_recursion(seed, lam):
    game = random_tree(np.random.default_rng(seed), players=3, together=0.0)
    if game.slots:
        np.testing.assert_allclose(solved(game, lam), backward(game, lam), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.floats(0.01, 10), st.booleans())
def test_random_trees_are_certified(seed, players, lam, zero):
    game = random_tree(np.random.default_rng(seed), players=players, depth=4, zero=zero)
    if not game.slots:
        return
    branch = trace_agent_qre(game, lam)
    assert branch.status is Status.CONVERGED
    (solution,) = branch.at([lam])
    assert solution.certificate.residual < 1e-9
    k = len(branch.lambdas) // 2
    behavior = branch.behaviors[k]
    u = _conditional_payoffs(game, behavior, _node_values(game, behavior, game.payoff))
    agents = np.maximum.reduceat(u, game.offsets[:-1]) - np.add.reduceat(u * behavior, game.offsets[:-1])
    whole = certify(game, behavior, "nash").regret.max()
    assert branch.regrets[k] == pytest.approx(max(whole, agents.max()), abs=1e-9 * max(game.span, 1))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_one_information_set_per_player_is_the_normal_form(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 4, 2))
    row, column = rng.normal(size=shape), rng.normal(size=shape)
    moves = [" ".join(f'"{a}"' for a in range(k)) for k in shape]
    leaves = [
        f't "" {1 + a * shape[1] + b} "" {{ {row[a, b]!r} {column[a, b]!r} }}'
        for a in range(shape[0])
        for b in range(shape[1])
    ]
    text = f'EFG 2 R "" {{ "A" "B" }} p "" 1 1 "" {{ {moves[0]} }} 0\n'
    for a in range(shape[0]):
        text += (
            f'p "" 2 1 "" {{ {moves[1]} }} 0\n' + "\n".join(leaves[a * shape[1] : (a + 1) * shape[1]]) + "\n"
        )
    text = text.replace("np.float64(", "").replace(")", "")
    strategic = qre(NormalFormGame.bimatrix(row, column), 2.0)
    np.testing.assert_allclose(solved(tree(text), 2.0), strategic.profile, atol=1e-9)


def mirrored(game, players):
    """The same game with players renumbered and every node's moves in reverse order; and where each slot went."""
    order, waiting = [], [0]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(np.flatnonzero(game.parent == order[-1]).tolist())  # popped last child first
    order = np.array(order)
    place = np.argsort(order)
    met = game.infoset[order][game.infoset[order] >= 0]
    sets = np.array(list(dict.fromkeys(met.tolist())), dtype=int)  # old number at each new place
    sizes = np.diff(game.offsets)
    offsets = np.concatenate([[0], np.cumsum(sizes[sets])])
    new = np.argsort(sets)
    moved = np.concatenate([offsets[new[h]] + np.arange(sizes[h])[::-1] for h in range(len(sizes))])
    other = TreeGame(
        np.where(game.player >= 0, players[game.player], game.player)[order],
        np.where(game.infoset >= 0, new[game.infoset], -1)[order],
        np.where(game.parent >= 0, place[game.parent], -1)[order],
        np.where(game.slot >= 0, moved[game.slot], -1)[order],
        game.chance[order],
        game.payoff[np.argsort(players)][:, np.argsort(place[game.terminals])],
        players[game.owner[sets]],
        offsets,
    )
    return other, moved


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_players_and_information_sets_are_only_names(seed):
    rng = np.random.default_rng(seed)
    game = random_tree(rng, players=3, depth=4)
    if game.slots:
        other, moved = mirrored(game, rng.permutation(3))
        np.testing.assert_allclose(solved(other, 1.5)[moved], solved(game, 1.5), atol=1e-9)


@pytest.mark.parametrize("scale", [1e9, 1e-9])
def test_lambda_is_one_over_payoff(scale):
    rng = np.random.default_rng(7)
    game = random_tree(rng, players=2, depth=5)
    other = random_tree(np.random.default_rng(7), players=2, depth=5, scale=scale)
    np.testing.assert_allclose(solved(other, 3.0 / scale), solved(game, 3.0), atol=1e-11)
    branch = trace_agent_qre(other)
    assert branch.status is Status.CONVERGED
    assert branch.regrets[-1] <= 1e-8 * other.span


# --- ordinary odd input -------------------------------------------------------------------------------------------


def test_one_player_one_action_constant_and_empty():
    single = tree('EFG 2 R "" { "A" } p "" 1 1 "" { "a" "b" } 0 t "" 1 "" { 1 } t "" 2 "" { 0 }')
    assert solved(single, 2.0)[0] == pytest.approx(1 / (1 + math.exp(-2)))
    only = tree('EFG 2 R "" { "A" } p "" 1 1 "" { "a" } 0 t "" 1 "" { 5 }')
    assert solved(only, 2.0) == pytest.approx([1])
    constant = tree('EFG 2 R "" { "A" } p "" 1 1 "" { "a" "b" } 0 t "" 1 "" { 5 } t "" 2 "" { 5 }')
    assert solved(constant, 1e6) == pytest.approx([0.5, 0.5])
    assert trace_agent_qre(constant).status is Status.CONVERGED
    for text in ('t "" 1 "" { 5 }', 'c "" 1 "" { "h" 1/2 "t" 1/2 } 0 t "" 1 "" { 5 } t "" 2 "" { 1 }'):
        nobody = tree('EFG 2 R "" { "A" } ' + text)
        assert agent_qre(nobody, 3.0).behavior.size == 0
        branch = trace_agent_qre(nobody)
        assert branch.status is Status.CONVERGED
        assert branch.regrets[-1] == 0


def test_chance_of_probability_zero():
    """Where chance never leads, beliefs are uniform: player 1 there gets (3 + 0) / 2 from "a", 1 from "b"."""
    game = tree(
        """EFG 2 R "" { "A" }
        c "" 1 "" { "x" 0 "y" 0 "z" 1 } 0
        p "" 1 1 "" { "a" "b" } 0
        t "" 1 "" { 3 } t "" 2 "" { 1 }
        p "" 1 1 "" { "a" "b" } 0
        t "" 3 "" { 0 } t "" 4 "" { 1 }
        p "" 1 2 "" { "a" "b" } 0
        t "" 5 "" { 0 } t "" 6 "" { 1 }"""
    )
    expected = [1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(1))]
    assert solved(game, 1.0)[::2] == pytest.approx(expected)


def test_beliefs_between_hopeless_moves():
    """Player 2 is reached only by two moves of probability exp(-1000) and exp(-1001), and believes accordingly."""
    game = tree(
        """EFG 2 R "" { "A" "B" }
        p "" 1 1 "" { "out" "x" "y" } 0
        t "" 1 "" { 1000 0 }
        p "" 2 1 "" { "l" "r" } 0
        t "" 2 "" { 1 1 } t "" 3 "" { 1 0 }
        p "" 2 1 "" { "l" "r" } 0
        t "" 4 "" { 0 0 } t "" 5 "" { 0 1 }"""
    )
    branch = trace_agent_qre(game, 1.0)
    belief = 1 / (1 + math.exp(-1))
    expected = 1 / (1 + math.exp(-(2 * belief - 1)))
    assert branch.log_profiles[-1][:3] == pytest.approx([0, -999, -1000])
    assert branch.behaviors[-1][3] == pytest.approx(expected, abs=1e-9)
    said = agent_qre(game, 1.0)
    assert said.status is Status.NUMERICAL
    assert "underflow" in said.stats["reason"]


# --- the branch ---------------------------------------------------------------------------------------------------

COORDINATION = tree(
    """EFG 2 R "" { "A" "B" }
    p "" 1 1 "" { "l" "r" } 0
    p "" 2 1 "" { "l" "r" } 0
    t "" 1 "" { 1 1 } t "" 2 "" { 0 0 }
    p "" 2 1 "" { "l" "r" } 0
    t "" 3 "" { 0 0 } t "" 4 "" { 1 1 }"""
)


def test_bifurcation_policies():
    """The pitchfork of 2x2 coordination is at lambda = 2; its arms solve log(p / (1 - p)) = lambda (2p - 1)."""
    branch = trace_agent_qre(COORDINATION, 4.0, on_bifurcation="continue")
    np.testing.assert_allclose(branch.bifurcations, [2.0], atol=1e-6)
    np.testing.assert_allclose(branch.limit, 0.5)
    arm = trace_agent_qre(
        COORDINATION, 4.0, on_bifurcation="perturb", rng=np.random.default_rng(1)
    ).behaviors[-1]
    assert sorted(arm[:2])[1] == pytest.approx(0.9787520120, abs=1e-8)
    with pytest.raises(InputError, match="bifurcates near lambda"):
        trace_agent_qre(COORDINATION, 4.0, on_bifurcation="error")


def test_first_crossing_of_a_fold():
    """diag(1.01, 1, 1) as a tree: three points at lambda 2.72, of which the first is the answer."""
    rows = "\n".join(
        'p "" 2 1 "" { "a" "b" "c" } 0\n'
        + "\n".join(
            f't "" {1 + 3 * a + b} "" {{ {v} {v} }}'
            for b in range(3)
            for v in [1.01 if a == b == 0 else float(a == b)]
        )
        for a in range(3)
    )
    game = tree('EFG 2 R "" { "A" "B" } p "" 1 1 "" { "a" "b" "c" } 0\n' + rows)
    (solution,) = agent_qre_at(game, [2.72])
    branch = trace_agent_qre(game)
    np.testing.assert_allclose(branch.turning_points, [2.7663241824, 2.7030710745], atol=1e-7)
    assert solution.behavior[1] == pytest.approx(0.31819143, abs=1e-7)
    (first,) = branch.at([2.72])
    assert first.stats["crossings"] == 3


def test_interruption_keeps_what_was_traced():
    calls = []

    def stop(share, text):
        calls.append(text)
        raise KeyboardInterrupt

    pytest.importorskip("pyspiel")
    from games.from_openspiel import tree_from_openspiel

    game = tree_from_openspiel("liars_dice(dice_sides=3)")
    branch = trace_agent_qre(game, caution=40.0, progress=stop)
    assert branch.interrupted
    assert branch.status is Status.BUDGET
    assert calls
    assert len(branch.lambdas) > 1


def test_budgets_are_told():
    solution = agent_qre(HORSE, 1e9, seconds=0.0)
    assert solution.status in (Status.BUDGET, Status.CONVERGED, Status.NUMERICAL)
    branch = trace_agent_qre(HORSE, 1e9, max_points=3)
    assert branch.status is Status.BUDGET
    assert len(branch.lambdas) == 3


@pytest.mark.parametrize("lam", [-1, math.nan, math.inf, "x"])
def test_bad_lambda(lam):
    with pytest.raises(InputError):
        agent_qre(HORSE, lam)


def test_bad_input():
    forgets = tree(
        """EFG 2 R "" { "A" } p "" 1 1 "" { "a" "b" } 0
        p "" 1 2 "" { "c" "d" } 0 t "" 1 "" { 1 } t "" 2 "" { 0 }
        p "" 1 2 "" { "c" "d" } 0 t "" 3 "" { 0 } t "" 4 "" { 1 }"""
    )
    with pytest.raises(InputError, match="perfect recall"):
        agent_qre(forgets, 1.0)
    with pytest.raises(InputError, match="trees"):
        trace_agent_qre(NormalFormGame.bimatrix([[1]], [[1]]))
    with pytest.raises(InputError, match="on_bifurcation"):
        trace_agent_qre(HORSE, on_bifurcation="sideways")
    with pytest.raises(InputError, match="rng"):
        trace_agent_qre(HORSE, on_bifurcation="perturb")
    with pytest.raises(InputError, match="beyond the traced branch"):
        trace_agent_qre(HORSE, 1.0).at([2.0])
