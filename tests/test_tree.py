"""Trees as flat arrays: against exact play of random trees, real files, and their own checks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_efg import exact_values, own_blocks, recall_fault, trees

from games import NormalFormGame, load, save, simplices
from games.efg import EfgTree, parse_efg
from games.efg_strategic import to_strategic
from games.efg_write import exact_odds, to_efg_text
from games.errors import InputError
from games.from_files import load_tree
from games.plan_counts import count_plans
from games.tree import CHANCE, TERMINAL, TreeGame
from games.tree_build import from_efg, to_efg

DATA = Path(__file__).parent / "data"
ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
oracle = pytest.mark.skipif(
    not ORACLES.is_dir(), reason="independent answers (../shared/oracles) are not here"
)
FILES = sorted((ORACLES / "games").rglob("*.efg")) if ORACLES.is_dir() else []


def random_behavior(tree: EfgTree, seed: int, pure: bool = False) -> dict[int, list[Fraction]]:
    rng = np.random.default_rng(seed)
    behavior = {}
    for h in own_blocks(tree):
        size = len(tree.infosets[h].actions)
        weights = (
            np.eye(size, dtype=int)[rng.integers(size)] if pure else rng.integers(0, 4, size) + (size == 1)
        )
        weights = weights if weights.sum() else np.ones(size, dtype=int)
        behavior[h] = [Fraction(int(w), int(weights.sum())) for w in weights]
    return behavior


def flat(behavior: dict[int, list[Fraction]]) -> list[float]:
    return [float(p) for h in sorted(behavior) for p in behavior[h]]


# --- expected payoffs ----------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(trees(), st.integers(0, 999))
def test_values_are_those_of_exact_play(tree: EfgTree, seed: int) -> None:
    game, behavior = from_efg(tree), random_behavior(tree, seed)
    exact = [float(u) for u in exact_values(tree, behavior)]
    assert game.values(flat(behavior)) == pytest.approx(exact, abs=1e-12)
    assert game.reach(flat(behavior)).sum() == pytest.approx(1.0)


@settings(max_examples=60, deadline=None)
@given(trees(depth=3), st.integers(0, 999))
def test_pure_behaviour_earns_what_its_cell_of_the_strategic_form_says(tree: EfgTree, seed: int) -> None:
    game, behavior = from_efg(tree), random_behavior(tree, seed, pure=True)
    values = game.values(flat(behavior))
    for form in ("full", "reduced"):
        try:
            normal = to_strategic(tree, form)
        except InputError:
            continue  # too large to write down
        again = game.to_normal(form)
        assert again.actions == normal.actions and np.allclose(again.payoffs, normal.payoffs, atol=1e-13)
        cell = []
        for i, names in enumerate(normal.actions):
            own = [h for h in own_blocks(tree) if tree.infosets[h].player == i]
            word = "".join(str(behavior[h].index(Fraction(1)) + 1) for h in own) or "*"
            cell += [
                k
                for k, name in enumerate(names)
                if all(a in ("*", b) for a, b in zip(name, word, strict=True))
            ]
        assert len(cell) == len(normal.shape)
        assert normal.payoffs[(slice(None), *cell)] == pytest.approx(values, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(trees(recall=True, depth=3), st.integers(0, 999))
def test_behaviour_earns_what_the_equivalent_mixed_strategies_earn(tree: EfgTree, seed: int) -> None:
    """Kuhn's theorem: with perfect recall, weigh each full strategy by the product of its choices."""
    game, behavior = from_efg(tree), random_behavior(tree, seed)
    assert game.perfect_recall
    if np.prod([float(n) for n in count_plans(game, "full")]) > 20_000:
        return
    normal = game.to_normal("full")
    profile = []
    for i, names in enumerate(normal.actions):
        own = [h for h in own_blocks(tree) if tree.infosets[h].player == i]
        for name in names:
            chosen = [behavior[h][int(a) - 1] for h, a in zip(own, name)]
            profile.append(float(np.prod([float(p) for p in chosen])))
    assert normal.values(np.array(profile)) == pytest.approx(game.values(flat(behavior)), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(trees(), st.integers(0, 999), st.randoms(use_true_random=False))
def test_naming_players_and_actions_differently_changes_nothing_else(
    tree: EfgTree, seed: int, coin: Any
) -> None:
    game, behavior = from_efg(tree), np.array(flat(random_behavior(tree, seed)))
    players = list(range(len(game.players)))
    coin.shuffle(players)
    seat = np.array(players)
    slots = np.arange(game.slots)
    for block in simplices.blocks(slots, game.offsets) if game.slots else []:
        order = block.tolist()
        coin.shuffle(order)
        block[:] = order
    other = TreeGame(
        player=np.append(seat, [TERMINAL, CHANCE])[game.player],
        infoset=game.infoset,
        parent=game.parent,
        slot=np.append(slots, -1)[game.slot],
        chance=game.chance,
        payoff=game.payoff[np.argsort(seat)],
        owner=seat[game.owner],
        offsets=game.offsets,
    )
    moved = np.empty_like(behavior)
    moved[slots] = behavior
    assert other.values(moved)[seat] == pytest.approx(game.values(behavior), abs=1e-13)
    assert (other.recall_problem is None) == (game.recall_problem is None)


# --- structure -----------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(trees())
def test_recall_is_judged_by_what_players_did(tree: EfgTree) -> None:
    game, fault = from_efg(tree), recall_fault(tree)
    assert game.perfect_recall == (fault is None)
    if fault is not None:
        assert fault in str(game.recall_problem)
        with pytest.raises(InputError, match="needs perfect recall, but P"):
            game.require_perfect_recall("this")
    elif game.slots:
        assert list(count_plans(game)) == [*map(len, to_strategic(tree).actions)]


@settings(max_examples=100, deadline=None)
@given(trees())
def test_derived_arrays(tree: EfgTree) -> None:
    game = from_efg(tree)
    levels = game.levels
    assert sorted(np.concatenate(levels).tolist()) == list(range(game.nodes))
    depth = {0: 0}
    for node in range(1, game.nodes):
        depth[node] = depth[int(game.parent[node])] + 1
    assert all(depth[node] == k for k, level in enumerate(levels) for node in level.tolist())
    for node in range(game.nodes):
        for i in range(len(game.players)):
            above, last = node, -1
            while game.parent[above] >= 0 and last < 0:
                if game.player[game.parent[above]] == i:
                    last = int(game.slot[above])
                above = int(game.parent[above])
            assert game.last_slots[i, node] == last
    assert np.array_equal(game.owner[game.infoset_of_slot], np.repeat(game.owner, np.diff(game.offsets)))


@settings(max_examples=100, deadline=None)
@given(trees())
def test_written_files_read_back_as_the_same_game(tree: EfgTree) -> None:
    game = from_efg(tree)
    again = from_efg(parse_efg(to_efg_text(game)))
    assert again.digest == game.digest
    assert (again.title, again.players, again.actions) == (game.title, game.players, game.actions)
    assert from_efg(to_efg(game)).values(game.uniform()) == pytest.approx(game.values(game.uniform()))


def path_game(**changes: Any) -> dict[str, Any]:
    """Arrays of a small game: player 0 moves, then chance, then player 1 twice without seeing anything."""
    arrays = {
        "player": [0, CHANCE, 1, TERMINAL, TERMINAL, 1, TERMINAL, TERMINAL, TERMINAL],
        "infoset": [0, -1, 1, -1, -1, 1, -1, -1, -1],
        "parent": [-1, 0, 1, 2, 2, 1, 5, 5, 0],
        "slot": [-1, 0, -1, 2, 3, -1, 2, 3, 1],
        "chance": [1, 1, 0.25, 1, 1, 0.75, 1, 1, 1],
        "payoff": [[1, 2, 3, 4, 5], [0, 0, 1, 0, 0]],
        "owner": [0, 1],
        "offsets": [0, 2, 4],
    }
    for name, change in changes.items():
        where, value = change
        arrays[name] = np.array(arrays[name], dtype=float)
        arrays[name][where] = value
    return arrays


def test_a_small_tree() -> None:
    game = TreeGame(**path_game())
    assert repr(game) == "TreeGame('', 2 players, 9 nodes, 2 information sets)"
    assert game.values([0.5, 0.5, 1, 0]) == pytest.approx([0.5 * (0.25 + 0.75 * 3) + 2.5, 0.375])
    assert game.terminals.tolist() == [3, 4, 6, 7, 8] and game.slots == 4
    assert game.constant_sum() is None and game.span == 4 and game.has_chance
    assert game.entry.tolist() == [-1, -1]
    assert not game.payoff.flags.writeable
    with pytest.raises(InputError, match=r"Player 2 at information set '2' has probabilities \[1.0, 1.0\]"):
        game.values([0.5, 0.5, 1, 1])
    with pytest.raises(InputError, match="has 3 probabilities, expected 4"):
        game.values([0.5, 0.5, 1])


@pytest.mark.parametrize(
    "changes,complaint",
    [
        ({"player": (0, 2)}, "player that does not exist"),
        ({"player": (0, -3)}, "player that does not exist"),
        ({"player": (0, 1)}, "nodes of different players"),
        ({"infoset": (2, -1)}, "exactly the nodes where players move"),
        ({"infoset": (3, 0)}, "exactly the nodes where players move"),
        ({"infoset": (2, 2)}, "exactly the nodes where players move"),
        ({"parent": (0, 0)}, "node 0 is the root"),
        ({"parent": (4, 5)}, "every other node's parent stands before it"),
        ({"parent": (8, 2)}, "not as many children"),
        ({"slot": (4, 2)}, "two children of a node follow the same action"),
        ({"slot": (4, 4)}, "not one of its parent's actions"),
        ({"slot": (8, -1)}, "not one of its parent's actions"),
        ({"slot": (0, 0)}, "moves of chance have a probability and no slot"),
        ({"slot": (2, 0)}, "moves of chance have a probability and no slot"),
        ({"chance": (0, 0.5)}, "moves of chance have a probability and no slot"),
        ({"chance": (8, 0.5)}, "moves of chance have a probability and no slot"),
        ({"chance": (2, 0.5)}, "do not sum to 1"),
        ({"chance": ([2, 5], [-0.25, 1.25])}, "are negative or"),
        ({"chance": (2, np.nan)}, "do not sum to 1"),
        ({"payoff": ((1, 3), np.inf)}, "payoff of player 1 at terminal 3 is inf"),
        ({"offsets": (1, 0)}, "a block of at least one action"),
        ({"offsets": (0, 1)}, "offsets give every information set"),
    ],
)
def test_arrays_that_are_no_tree_are_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        TreeGame(**path_game(**changes))


def test_nodes_and_information_sets_in_other_orders_are_refused() -> None:
    arrays = {name: np.array(array) for name, array in path_game().items()}
    swapped = dict(arrays, infoset=[1, -1, 0, -1, -1, 0, -1, -1, -1], owner=[1, 0], slot=arrays["slot"] ^ 2)
    swapped["slot"][[0, 2, 5]] = -1
    with pytest.raises(InputError, match="not numbered in the order in which nodes first visit them"):
        TreeGame(**swapped)
    unused = dict(arrays, owner=[0, 1, 1], offsets=[0, 2, 4, 6])
    with pytest.raises(InputError, match="not numbered in the order"):
        TreeGame(**unused)
    order = [0, 1, 8, 2, 5, 3, 4, 6, 7]  # breadth first
    place = np.argsort(order)
    wide = {name: array[order] for name, array in arrays.items() if len(array) == 9}
    wide["parent"] = np.append(place, -1)[wide["parent"]]
    with pytest.raises(InputError, match="preorder"):
        TreeGame(**dict(arrays, **wide))


def test_names_must_fit() -> None:
    with pytest.raises(InputError, match="1 player names for 2 players"):
        TreeGame(**path_game(), players=["A"])
    with pytest.raises(InputError, match="names do not fit"):
        TreeGame(**path_game(), actions=[["a", "b"], ["c"]])
    with pytest.raises(InputError, match="names do not fit"):
        TreeGame(**path_game(), infosets=["h"])


def test_games_without_decisions() -> None:
    end = from_efg(parse_efg('EFG 2 R "" { "A" "B" } t "" 1 "" { 3 4 }'))
    assert (end.nodes, end.slots, end.uniform().size) == (1, 0, 0)
    assert end.values([]).tolist() == [3, 4] and end.perfect_recall
    assert end.to_normal().payoffs.tolist() == [[[3]], [[4]]]
    luck = 'c "" 1 "" { "x" 0 "y" 1/4 "z" 3/4 } 0 t "" 1 "" { 9 } t "" 2 "" { 4 } t "" 3 "" { 8 }'
    game = from_efg(parse_efg('EFG 2 R "" { "A" } ' + luck))
    assert game.values(game.uniform()).tolist() == [7]
    assert from_efg(parse_efg(to_efg_text(game))).digest == game.digest


def test_deep_trees_are_walked_without_recursion() -> None:
    steps = 20_000
    absent = (
        'EFG 2 R "" { "A" } ' + 'p "" 1 1 "" { "on" "off" } 0 ' * steps + 't "" 1 "" { 1 } ' * (steps + 1)
    )
    game = from_efg(parse_efg(absent))
    assert len(game.levels) == steps + 1
    assert game.recall_problem == "A is absent-minded: one play visits information set '1:1' twice"


# --- files ---------------------------------------------------------------------------------------------------


@oracle
@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_real_files_keep_their_players_and_information_sets(path: Path) -> None:
    tree, game = load_tree(path), load(path)
    assert isinstance(game, TreeGame)
    assert game.players == tree.players and game.title == tree.title
    own = own_blocks(tree)
    assert game.owner.tolist() == [tree.infosets[h].player for h in own]
    assert game.actions == tuple(tree.infosets[h].actions for h in own)
    names = [(tree.infosets[h].name, f"{tree.infosets[h].player + 1}:{tree.infosets[h].number}") for h in own]
    assert game.infosets == tuple(name or number for name, number in names)
    moving = game.player >= 0
    assert [own[h] for h in game.infoset[moving]] == tree.infoset[moving].tolist()
    assert np.array_equal(game.player, tree.player) and np.array_equal(game.parent, tree.parent)
    fault = recall_fault(tree) if game.nodes < 10_000 else None
    assert (fault is None) == game.perfect_recall and (fault or "") in (game.recall_problem or "")
    if game.nodes < 10_000:
        behavior = random_behavior(tree, 1)
        exact = np.array([float(u) for u in exact_values(tree, behavior)])
        assert game.values(flat(behavior)) == pytest.approx(exact, rel=1e-11, abs=1e-11 * game.span)


@oracle
def test_which_real_files_have_imperfect_recall() -> None:
    faults = {path.name: load(path).recall_problem for path in FILES}
    assert any(fault and "absent-minded" in fault for fault in faults.values())
    assert any(fault and "forgets" in fault for fault in faults.values())
    assert sum(fault is not None for fault in faults.values()) < len(faults) / 4


@pytest.mark.parametrize(
    "name,problem",
    [
        ("driver", "absent-minded: one play visits information set"),
        ("two_selves", "forgets an own earlier move at information set"),
        ("signal", None),
        ("recall", None),
    ],
)
def test_our_files(name: str, problem: str | None) -> None:
    game = load(DATA / f"{name}.efg")
    assert problem is None if game.perfect_recall else problem in game.recall_problem


def test_saving_a_tree(tmp_path: Path) -> None:
    game = load(DATA / "signal.efg")
    path = save(game, tmp_path / "signal.efg")
    assert load(path).digest == game.digest and load(path).infosets == game.infosets
    for suffix in (".nfg", ".json", ".npz"):
        with pytest.raises(InputError, match=r"a tree is saved as \.efg; .* game\.to_normal\(\)"):
            save(game, tmp_path / f"signal{suffix}")
        assert np.array_equal(
            load(save(game.to_normal(), tmp_path / f"s{suffix}")).payoffs, game.to_normal().payoffs
        )
    with pytest.raises(InputError, match=r"cannot be saved as '\.txt'; expected \.efg"):
        save(game, tmp_path / "signal.txt")
    with pytest.raises(InputError, match="has no tree to save"):
        save(NormalFormGame.zero_sum([[1]]), tmp_path / "one.efg")


def test_numbers_and_names_survive_saving(tmp_path: Path) -> None:
    payoffs = [[0.1, 1 / 3, -0.0, 1e300, 5e-324], [2**53 + 2.0, -1e-9, 0.1 + 0.2, np.pi, -7.0]]
    odds = {"chance": ([2, 5], [1 / 3, 1 - 1 / 3])}
    names = {
        "title": 'a "title" \\ with\nlines',
        "players": ['Ann "A"', "Bob\\"],
        "infosets": ["", "h // not a comment"],
        "actions": [["{", "}"], ["#", "1/2"]],
    }
    game = TreeGame(**{**path_game(**odds), "payoff": payoffs, **names})
    again = load(save(game, tmp_path / "odd.efg"))
    assert again.digest == game.digest
    assert (again.title, again.players, again.actions) == (game.title, game.players, game.actions)
    assert again.infosets == ("1:1", "h // not a comment")


@given(
    st.lists(st.floats(0, 1, allow_subnormal=True), min_size=1, max_size=8).filter(lambda p: sum(p) > 1e-3)
)
@settings(max_examples=200, deadline=None)
def test_odds_are_fractions_that_round_to_the_floats(weights: list[float]) -> None:
    total = sum(map(Fraction, weights))
    odds = tuple(float(Fraction(w) / total) for w in weights)
    exact = exact_odds(odds)
    assert sum(exact) == 1
    assert tuple(map(float, exact)) == odds


def test_children_are_written_in_the_order_of_actions() -> None:
    arrays = path_game(slot=([3, 4], [3, 2]))
    game = TreeGame(**arrays)
    again = from_efg(parse_efg(to_efg_text(game)))
    for behavior in ([0.5, 0.5, 0.25, 0.75], [1, 0, 0, 1]):
        assert again.values(behavior) == pytest.approx(game.values(behavior))


# --- solvers that need a normal form -------------------------------------------------------------------------


def test_solvers_of_normal_forms_say_what_to_do_with_a_tree() -> None:
    import solvers

    game = load(DATA / "signal.efg")
    for name in ("nash", "all_nash", "pure_nash", "cce", "ce", "alpharank", "no_regret", "no_swap_regret"):
        with pytest.raises(InputError, match=rf"{name} works on games in normal form .* game\.to_normal\(\)"):
            getattr(solvers, name)(game)
