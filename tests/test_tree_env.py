"""Trees as environments: every move against a plain walk, plays against exact reach probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_efg import trees

from games import simulate
from games.efg import parse_efg
from games.errors import InputError
from games.laws import check_env
from games.play import advance, begin, play_episodes, restart_stopped
from games.policy import Independent, Random, Tabular, random_policy
from games.spaces import Discrete
from games.streams import draw_seeds
from games.tree import CHANCE, TERMINAL, TreeGame
from games.tree_build import from_efg
from games.tree_policies import tabular_team, tabulate

CHANCE_FIRST = """EFG 2 R "chance first" { "A" "B" }
c "" 1 "" { "never" 0 "stop" 1/4 "on" 1/2 "also never" 0 "far" 1/4 } 0
t "" 1 "" { 99 99 }
t "" 2 "" { 8 -8 }
p "" 2 1 "two" { "x" "y" "z" } 0
t "" 3 "" { 1 2 }
t "" 4 "" { 3 4 }
c "" 2 "" { "h" 1/3 "t" 2/3 } 0
p "" 1 1 "one" { "u" "v" } 0
t "" 5 "" { 5 6 }
t "" 6 "" { 7 8 }
t "" 7 "" { -3 0 }
t "" 9 "" { 50 50 }
t "" 8 "" { 4 4 }
"""
ABSENT_MINDED = """EFG 2 R "absent-minded" { "Driver" }
p "" 1 1 "" { "exit" "on" } 0
t "" 1 "" { 0 }
p "" 1 1 "" { "exit" "on" } 0
t "" 2 "" { 4 }
t "" 3 "" { 1 }
"""


def efg(text: str) -> TreeGame:
    return from_efg(parse_efg(text))


def spiel(text: str) -> TreeGame:
    pytest.importorskip("pyspiel", reason="the game is OpenSpiel's")
    from games.from_openspiel import tree_from_openspiel

    return tree_from_openspiel(text)


def lottery(branches: int) -> TreeGame:
    """Chance deals one of many cards with probabilities 1, 2, 3, ...; the player sees it and bets or does not."""
    player, infoset, parent, slot, chance, payoff = [CHANCE], [-1], [-1], [-1], [1.0], []
    total = branches * (branches + 1) / 2
    for k in range(branches):
        node = len(player)
        player += [0, TERMINAL, TERMINAL]
        infoset += [k, -1, -1]
        parent += [0, node, node]
        slot += [-1, 2 * k, 2 * k + 1]
        chance += [(k + 1) / total, 1.0, 1.0]
        payoff += [0.0, float(k)]
    offsets = np.arange(branches + 1) * 2
    return TreeGame(player, infoset, parent, slot, chance, [payoff], [0] * branches, offsets, title="lottery")


GAMES = {
    "kuhn": lambda: spiel("kuhn_poker"),
    "kuhn3": lambda: spiel("kuhn_poker(players=3)"),
    "leduc": lambda: spiel("leduc_poker"),
    "goofspiel": lambda: spiel("goofspiel(num_cards=3,imp_info=True,points_order=descending)"),
    "chance first": lambda: efg(CHANCE_FIRST),
    "absent-minded": lambda: efg(ABSENT_MINDED),
    "lottery": lambda: lottery(40),
}


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("observe", [None, "binary", "features"])
def test_it_obeys_every_law(name: str, observe: str | None) -> None:
    game = GAMES[name]()
    features = np.random.default_rng(1).normal(size=(len(game.owner), 5))
    env = simulate(game, name="tree", observe=features if observe == "features" else observe)
    assert env.spec.turn_based
    check_env(env, steps=30)


def children(game: TreeGame) -> list[dict[int, int]]:
    """Per node: the child by action, or by node number after chance."""
    below: list[dict[int, int]] = [{} for _ in range(game.nodes)]
    for v in range(1, game.nodes):
        u = int(game.parent[v])
        key = v if game.slot[v] < 0 else int(game.slot[v] - game.offsets[game.infoset[u]])
        below[u][key] = v
    return below


@pytest.mark.parametrize("name", ["kuhn3", "leduc", "chance first", "absent-minded"])
def test_every_move_follows_the_tree(name: str) -> None:
    game = GAMES[name]()
    env, below = simulate(game), children(game)
    own = [int((game.owner[:h] == game.owner[h]).sum()) for h in range(len(game.owner))]
    play = begin(env, random_policy(env.spec), draw_seeds(np.random.default_rng(3), 40))
    at, moved = play.world.state["node"].copy(), np.zeros(40, dtype=bool)
    for _ in range(60):
        t = advance(env, random_policy(env.spec), play)
        now = play.world.state["node"]
        for b in range(40):
            view = t.before.where([b]).groups[0]
            v = int(at[b])
            if game.player[v] == TERMINAL:  # chance ended it before anybody moved
                assert not moved[b] and view.row[0, 0] == len(game.owner) and view.mask.sum() == 1
                assert not view.observation.any() and now[b] == v
            else:
                i, h = int(game.player[v]), int(game.infoset[v])
                assert view.acting[0].tolist() == [k == i for k in range(len(game.players))]
                assert view.row[0, i] == h and view.mask[0, i].sum() == len(game.actions[h])
                assert view.observation[0, i].argmax() == own[h] and view.observation.sum() == 1
                v = below[v][int(t.actions[0][b, i])]
                path = [int(now[b])]
                while path[-1] != v:
                    path.append(int(game.parent[path[-1]]))  # ends in an IndexError if v is not above
                    assert game.player[path[-1]] == CHANCE and game.chance[path[-2]] > 0
            moved[b] = True
            after = t.after.where([b])
            over = game.player[now[b]] == TERMINAL
            assert after.groups[0].mask.any() == after.groups[0].acting.any() == (not over)
            assert after.last[0] == over and after.discount[0] == (0 if over else 1)
            z = np.searchsorted(game.terminals, now[b])
            assert after.rewards[0].tolist() == (
                game.payoff[:, z].tolist() if over else [0] * len(game.players)
            )
        restart_stopped(env, random_policy(env.spec), play)
        at, moved = play.world.state["node"].copy(), moved & ~t.after.last


def terminal_counts(game: TreeGame, behavior: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    ends = np.zeros(len(seeds), dtype=np.int64)

    def watch(world, step, actions) -> None:
        ends[:] = world.state["node"]

    play_episodes(simulate(game), tabular_team(game, behavior), seeds, batch=len(seeds), watch=watch)
    return np.bincount(np.searchsorted(game.terminals, ends), minlength=len(game.terminals))


@pytest.mark.parametrize("name", ["kuhn", "chance first", "absent-minded", "lottery"])
def test_plays_end_as_often_as_they_should(name: str) -> None:
    game, count = GAMES[name](), 40_000
    rng = np.random.default_rng(11)
    behavior = some(game, rng)
    counts = terminal_counts(game, behavior, draw_seeds(rng, count))
    reach = game.reach(behavior)
    assert counts[reach == 0].sum() == 0
    error = np.sqrt(count * reach * (1 - reach))
    assert np.all(np.abs(counts - count * reach) <= 4.5 * error + 1e-9)


def some(game: TreeGame, rng: np.random.Generator) -> np.ndarray:
    """A random behaviour strategy profile with a few sure and a few forbidden actions."""
    blocks = []
    for size in np.diff(game.offsets):
        block = rng.dirichlet(np.ones(size))
        if rng.random() < 0.3:
            block = np.eye(size)[rng.integers(size)]
        blocks.append(block)
    return np.concatenate(blocks)


@pytest.mark.parametrize("name", ["kuhn", "kuhn3", "leduc", "goofspiel", "chance first", "lottery"])
def test_mean_returns_are_the_values_of_the_tree(name: str) -> None:
    game, rng = GAMES[name](), np.random.default_rng(5)
    for behavior in (game.uniform(), some(game, rng)):
        team = tabular_team(game, behavior)
        returns = play_episodes(simulate(game), team, draw_seeds(rng, 30_000), batch=2_000).returns
        error = returns.std(axis=0) / np.sqrt(len(returns))
        assert np.all(np.abs(returns.mean(axis=0) - game.values(behavior)) <= 4 * error + 1e-12)


@settings(max_examples=40, deadline=None)
@given(trees(), st.integers(0, 2**32 - 1))
def test_random_trees(tree, seed: int) -> None:
    game = from_efg(tree)
    if not len(game.owner):
        with pytest.raises(InputError, match="nobody ever moves"):
            simulate(game)
        return
    env, rng = simulate(game, name="random tree"), np.random.default_rng(seed)
    check_env(env, steps=8, batch=2)
    behavior = some(game, rng)
    np.testing.assert_allclose(tabulate(env, tabular_team(game, behavior)), behavior, atol=1e-15)
    returns = play_episodes(env, tabular_team(game, behavior), draw_seeds(rng, 2_000)).returns
    assert np.all(np.abs(returns.mean(axis=0) - game.values(behavior)) <= bernstein(game, behavior, 2_000))


def bernstein(game: TreeGame, behavior: np.ndarray, count: int) -> np.ndarray:
    """How far the mean of `count` plays may be off, exceeded with probability below 1e-9 (Bernstein's inequality)."""
    log = np.log(2e9)
    variance = np.maximum(game.payoff**2 @ game.reach(behavior) - game.values(behavior) ** 2, 0)
    return np.sqrt(2 * variance * log / count) + game.spans * log / (3 * count) + 1e-12


@pytest.mark.parametrize("name", ["kuhn3", "leduc", "chance first", "absent-minded", "lottery"])
@pytest.mark.parametrize("observe", [None, "binary"])
def test_a_profile_survives_being_played_and_tabulated(name: str, observe: str | None) -> None:
    game = GAMES[name]()
    env, behavior = simulate(game, observe=observe), some(game, np.random.default_rng(2))
    np.testing.assert_allclose(tabulate(env, tabular_team(game, behavior)), behavior, atol=1e-15)
    np.testing.assert_allclose(tabulate(env, random_policy(env.spec)), game.uniform(), atol=1e-15)
    np.testing.assert_allclose(tabulate(env, Random(env.spec.groups[0].actions)), game.uniform(), atol=1e-15)


def test_seats_are_tabulated_one_by_one() -> None:
    game = GAMES["kuhn3"]()
    env, rng = simulate(game), np.random.default_rng(0)
    first, second = some(game, rng), some(game, rng)
    tables = [tabular_team(game, b).seats[0][2] for b in (first, second)]
    mixed = {"Player 1": tables[0], "Player 2": Random(Discrete(2)), "Player 3": tables[1]}
    found = tabulate(env, Independent(env.spec, mixed))
    owner = game.owner[game.infoset_of_slot]
    expected = np.select([owner == 0, owner == 1], [first, game.uniform()], second)
    np.testing.assert_allclose(found, expected, atol=1e-15)


class Forgetful(Random):
    def start(self, batch: int, agents: int = 0):
        return np.zeros(batch)


class Silent:
    def start(self, batch: int, agents: int = 0) -> None:
        return None


def test_what_cannot_be_tabulated_is_refused() -> None:
    game = GAMES["kuhn"]()
    env = simulate(game)
    with pytest.raises(InputError, match="remembers what happened"):
        tabulate(env, Forgetful(Discrete(2)))
    with pytest.raises(InputError, match="probs"):
        tabulate(env, Silent())
    with pytest.raises(InputError, match="not a distribution"):
        tabulate(env, Tabular(np.zeros((12, 2))))
    with pytest.raises(InputError, match="3 players, the policy seats 2"):
        tabulate(simulate(GAMES["kuhn3"]()), tabular_team(game, game.uniform()))
    from games import NormalFormGame

    matrix = simulate(NormalFormGame.bimatrix([[1, 0], [0, 1]], [[1, 0], [0, 1]]), name="a matrix")
    with pytest.raises(InputError, match="a matrix is not a game tree"):
        tabulate(matrix, random_policy(matrix.spec))
    with pytest.raises(InputError, match="has 3 probabilities, expected 24"):
        tabular_team(game, [1, 0, 0])


def test_what_is_seen_tells_the_information_set() -> None:
    game = GAMES["leduc"]()
    for observe in ("one-hot", "binary"):
        env = simulate(game, observe=observe)
        seen = env.rules.situations(np.arange(len(game.owner))).observation
        for i in range(2):
            own = seen[game.owner == i, i]
            assert len(np.unique(own, axis=0)) == len(own) and own.any(axis=1).all()
            assert not seen[game.owner != i, i].any()
    assert simulate(game).spec.groups[0].depth == 468  # information sets of each player
    assert simulate(game, observe="binary").spec.groups[0].depth == 9


def test_the_state_tells_the_node() -> None:
    game = GAMES["chance first"]()
    env = simulate(game)
    play = begin(env, random_policy(env.spec), draw_seeds(np.random.default_rng(3), 200))
    by_state: dict[bytes, int] = {}
    for _ in range(2):
        for state, node in zip(play.step.state, play.world.state["node"]):
            assert by_state.setdefault(state.tobytes(), int(node)) == node
        advance(env, random_policy(env.spec), play)
    assert len(set(by_state.values())) == len(by_state) > 3


def test_many_information_sets_are_seen_in_binary() -> None:
    assert simulate(lottery(1_024)).spec.groups[0].depth == 1_024
    env = simulate(lottery(1_025))
    assert env.spec.groups[0].depth == 11 and env.spec.groups[0].rows == 1_025
    check_env(env, steps=5)


def test_features_are_shown_as_given() -> None:
    game = GAMES["kuhn"]()
    features = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    env = simulate(game, observe=features)
    _, step = env.reset(np.arange(50, dtype=np.uint64))
    view = step.groups[0]
    np.testing.assert_array_equal(view.observation[view.acting], features[view.row[view.acting]])


@pytest.mark.parametrize(
    "observe, why",
    [
        ("onehot", "observe=onehot is not one-hot, binary"),
        (np.ones((11, 3)), r"shape \(12, d\), not \(11, 3\)"),
        (np.ones(12), r"shape \(12, d\), not \(12,\)"),
        (np.ones((12, 0)), r"shape \(12, d\)"),
        (np.full((12, 2), np.nan), "is not a finite number"),
        ([["a"]], r"shape \(12, d\)"),
    ],
)
def test_features_that_do_not_fit_are_refused(observe, why: str) -> None:
    with pytest.raises(InputError, match=why):
        simulate(GAMES["kuhn"](), observe=observe)


def test_a_game_without_moves_is_refused() -> None:
    with pytest.raises(InputError, match="nobody ever moves"):
        simulate(efg('EFG 2 R "nothing" { "A" } t "" 1 "" { 1 }'))
    with pytest.raises(InputError, match="nobody ever moves"):
        simulate(
            efg('EFG 2 R "luck" { "A" } c "" 1 "" { "a" 1/2 "b" 1/2 } 0 t "" 1 "" { 1 } t "" 2 "" { 2 }')
        )


def test_names_and_words() -> None:
    env = simulate(GAMES["kuhn"]())
    assert env.spec.groups[0].action_names == ("Pass", "Bet") and env.spec.horizon == 3
    assert env.spec.agents == ("Player 1", "Player 2") and env.spec.groups[0].rows == 12
    world, _ = env.reset(np.array([1], dtype=np.uint64))
    assert "Player 1 at information set" in env.scene(world).text and "0 Pass, 1 Bet" in env.scene(world).text
    play = begin(env, random_policy(env.spec), np.array([1]))
    while not play.step.last.all():
        advance(env, random_policy(env.spec), play)
    assert "over. Player 1: " in env.scene(play.world).text
    leduc = simulate(GAMES["leduc"]())
    assert leduc.spec.groups[0].action_names == () and leduc.spec.horizon == 8
