"""Trees compiled from OpenSpiel, against play through OpenSpiel's own states, its solvers and its limits."""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games import load
from games.errors import InputError
from games.from_openspiel import tree_from_openspiel
from games.openspiel_tree import compile_tree
from games.tree import CHANCE, TERMINAL, TreeGame
from solvers.best_response import gains, nash_conv

pyspiel = pytest.importorskip("pyspiel", reason="open_spiel is not installed")

ORACLES = Path(__file__).parents[2] / "shared" / "oracles" / "solver_cases.json"
GAMES = [
    "kuhn_poker",
    "kuhn_poker(players=3)",
    "leduc_poker",
    "liars_dice(dice_sides=3)",
    "liars_dice(dice_sides=4)",
    "goofspiel(num_cards=3,imp_info=True)",
    "goofspiel(num_cards=4,imp_info=True,points_order=descending)",
    "goofspiel(num_cards=3,players=3,imp_info=True,points_order=ascending)",
    "turn_based_simultaneous_game(game=goofspiel(num_cards=3,imp_info=True,points_order=descending))",
    "tiny_hanabi",
    "matching_pennies_3p",
    "first_sealed_auction(max_value=4)",
    "oshi_zumo(coins=4,size=1,horizon=4)",
    "sheriff(num_rounds=2,max_items=2,max_bribe=2)",
    "battleship(board_width=2,board_height=2,ship_sizes=[1],ship_values=[1],num_shots=2,allow_repeated_shots=False)",
    "lewis_signaling",
    "nim(pile_sizes=1;2;3)",
    "catch(rows=4,columns=3)",
    "repeated_game(stage_game=matrix_pd(),num_repetitions=2)",
    "coordinated_mp",
    "misere(game=kuhn_poker())",
]


class Census:
    """Plays every line of a game through OpenSpiel, choosing at random but always alike in one information state."""

    def __init__(self, tree: TreeGame, behavior: np.ndarray) -> None:
        self.probs = {
            (i, name): block.tolist()
            for i, name, block in zip(tree.owner.tolist(), tree.infosets, tree.blocks(behavior))
        }
        self.counts = {CHANCE: 0, TERMINAL: 0} | dict.fromkeys(range(len(tree.players)), 0)
        self.met: set[tuple[int, str]] = set()

    def values(self, state: Any) -> np.ndarray:
        """Expected returns, counting on the way every chance move, end and choice between actions."""
        if state.is_terminal():
            self.counts[TERMINAL] += 1
            return np.array(state.returns())
        if state.is_chance_node():
            outcomes = [(a, p) for a, p in state.chance_outcomes() if p > 0]
            self.counts[CHANCE] += len(outcomes) > 1
            return sum(p * self.values(state.child(a)) for a, p in outcomes)
        if not state.is_simultaneous_node():
            moves = self.moves(state, state.current_player())
            return sum(p * self.values(state.child(a)) for a, p in moves)
        return self.together(state, [])

    def together(self, state: Any, chosen: list[int]) -> np.ndarray:
        if len(chosen) == state.num_players():
            after = state.clone()
            after.apply_actions(chosen)
            return self.values(after)
        return sum(p * self.together(state, [*chosen, a]) for a, p in self.moves(state, len(chosen)))

    def moves(self, state: Any, player: int) -> list[tuple[int, float]]:
        legal = state.legal_actions(player) or [0]
        if len(legal) == 1:
            return [(legal[0], 1.0)]
        by_string = state.get_game().get_type().provides_information_state_string
        view = state.information_state_string(player) if by_string else str(tuple(state.history()))
        self.counts[player] += 1
        self.met.add((player, view))
        return list(zip(legal, self.probs[player, view], strict=True))


@pytest.mark.parametrize("text", GAMES)
def test_expected_payoffs_and_counts_are_openspiels(text: str) -> None:
    tree, source = tree_from_openspiel(text), pyspiel.load_game(text)
    rng = np.random.default_rng(7)
    for behavior in (tree.uniform(), np.concatenate([rng.dirichlet(np.ones(len(b))) for b in tree.actions])):
        census = Census(tree, behavior)
        values = census.values(source.new_initial_state())
        assert tree.values(behavior) == pytest.approx(values, abs=1e-9 * max(1.0, tree.span))
    seen, numbers = np.unique(tree.player, return_counts=True)
    assert dict(zip(seen.tolist(), numbers.tolist())) == {k: n for k, n in census.counts.items() if n}
    assert set(zip(tree.owner.tolist(), tree.infosets)) == census.met
    assert len(tree.infosets) == len(census.met)
    assert tree.title == str(source) and len(tree.players) == source.num_players()
    assert tree.perfect_recall
    assert all(len(set(block)) == len(block) > 1 for block in tree.actions)


@pytest.mark.parametrize("text", ["kuhn_poker", "leduc_poker", "tiny_bridge_2p", "liars_dice(dice_sides=4)"])
def test_uniform_play_earns_what_openspiels_expected_score_says(text: str) -> None:
    score = pytest.importorskip("open_spiel.python.algorithms.expected_game_score")
    policy = pytest.importorskip("open_spiel.python.policy")
    if text == "tiny_bridge_2p":
        source = pyspiel.load_game(text)
        theirs = pyspiel.expected_returns(
            source.new_initial_state(), pyspiel.UniformRandomPolicy(source), -1, True
        )
    else:
        source = pyspiel.load_game(text)
        uniform = policy.UniformRandomPolicy(source)
        theirs = score.policy_value(source.new_initial_state(), [uniform] * source.num_players())
    tree = tree_from_openspiel(text)
    assert tree.values(tree.uniform()) == pytest.approx(np.array(theirs), abs=1e-9)


def uniform_cases() -> list[Any]:
    cases = json.loads(ORACLES.read_text())["cases"] if ORACLES.exists() else []
    return [pytest.param(c, id=c["game"][:40]) for c in cases if c["concept"] == "nash_conv_uniform"]


@pytest.mark.parametrize("case", uniform_cases())
def test_nash_conv_of_uniform_play(case: dict[str, Any]) -> None:
    tree = load(f"openspiel:{case['game']}")
    assert nash_conv(tree, tree.uniform()) == pytest.approx(case["value"], abs=case["tol"])
    if "uniform_values" in case:
        found = gains(tree, tree.uniform())
        assert found.values == pytest.approx(case["uniform_values"], abs=1e-9)
        assert found.values + found.regrets == pytest.approx(case["best_response_values"], abs=1e-9)


@pytest.mark.parametrize(
    "text",
    ["kuhn_poker(players=3)", "leduc_poker", "goofspiel(num_cards=4,imp_info=True,points_order=descending)"],
)
def test_nash_conv_is_the_compiled_solvers(text: str) -> None:
    source = pyspiel.load_game_as_turn_based(text)
    theirs = pyspiel.nash_conv(source, pyspiel.UniformRandomPolicy(source))
    tree = tree_from_openspiel(text)
    assert nash_conv(tree, tree.uniform()) == pytest.approx(theirs, abs=1e-9)


def test_simultaneous_moves_in_turn_are_openspiels_own_conversion() -> None:
    text = "goofspiel(num_cards=4,imp_info=True,points_order=random)"
    together, in_turn = (tree_from_openspiel(t) for t in (text, f"turn_based_simultaneous_game(game={text})"))
    assert together.nodes == in_turn.nodes and together.slots == in_turn.slots
    assert together.digest == in_turn.digest


@pytest.mark.parametrize("text", ["liars_dice_ir(dice_sides=4)", "phantom_ttt_ir"])
def test_imperfect_recall_is_told(text: str) -> None:
    if text == "phantom_ttt_ir":
        with pytest.raises(InputError, match="more than 5,000,000 nodes"):
            tree_from_openspiel(text)
        return
    tree = tree_from_openspiel(text)
    assert "forgets an own earlier move at information set 'P0" in str(tree.recall_problem)
    with pytest.raises(InputError, match="needs perfect recall"):
        nash_conv(tree, tree.uniform())


def test_an_extensive_form_file_is_read_alike_by_openspiel(tmp_path: Path) -> None:
    """A tree saved as .efg, played by OpenSpiel's own reader of such files."""
    from games import save

    for text in ("kuhn_poker", "tiny_hanabi", "liars_dice(dice_sides=3)"):
        tree = tree_from_openspiel(text)
        path = save(tree, tmp_path / "game.efg")
        source = pyspiel.load_game(f"efg_game(filename={path})")
        theirs = pyspiel.expected_returns(
            source.new_initial_state(), pyspiel.UniformRandomPolicy(source), -1, True
        )
        assert tree.values(tree.uniform()) == pytest.approx(theirs, abs=1e-9)
        again = tree_from_openspiel(f"efg_game(filename={path})")
        assert again.values(again.uniform()) == pytest.approx(theirs, abs=1e-9)
        assert load(path).digest == tree.digest


# --- limits --------------------------------------------------------------------------------------------------


def test_the_node_limit_is_exact() -> None:
    assert tree_from_openspiel("kuhn_poker", max_nodes=58).nodes == 58
    with pytest.raises(InputError, match="the game tree has more than 57 nodes"):
        tree_from_openspiel("kuhn_poker", max_nodes=57)
    assert load("openspiel:kuhn_poker", max_nodes=58).nodes == 58
    assert load("openspiel:kuhn_poker?max_nodes=3", max_nodes=58).nodes == 58
    assert load("zoo:chicken", max_nodes=1).shape == (2, 2)
    for limit in (0, -1, 2.5, "many", None, float("nan"), 2**40):
        with pytest.raises(InputError, match="is not a whole number from 1 to"):
            tree_from_openspiel("kuhn_poker", max_nodes=limit)


def test_hopeless_games_are_refused_at_once() -> None:
    for text in (
        "chess",
        "go",
        "backgammon",
        "hearts",
        "poker_no_limit",
        pyspiel.hunl_game_string("fullgame"),
        "2048",
    ):
        started = time.process_time()
        with pytest.raises(InputError) as caught:
            load(f"openspiel:{text}")
        assert time.process_time() - started < 20 and "\n" not in str(caught.value)


def test_no_game_below_the_limit_is_taken_for_hopeless() -> None:
    """Sampling may only refuse trees that are truly too large."""
    for text in GAMES[:8]:
        nodes = tree_from_openspiel(text).nodes
        assert compile_tree(pyspiel.load_game(text), nodes).nodes == nodes


def test_few_states_are_held_at_once() -> None:
    game = pyspiel.load_game("leduc_poker")
    compile_tree(game)
    tracemalloc.start()
    tree = compile_tree(game)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500 * tree.nodes


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("games.openspiel_tree._SECONDS", 0.0)
    told: list[tuple[float, str]] = []
    load("openspiel:leduc_poker", progress=lambda fraction, line: told.append((fraction, line)))
    assert told and all(math.isnan(fraction) for fraction, _ in told)
    assert [line for _, line in told] == [
        "compiling leduc_poker: 4,096 nodes",
        "compiling leduc_poker: 8,192 nodes",
    ]

    def stop(fraction: float, line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load("openspiel:leduc_poker", progress=stop)


def test_leduc_compiles_quickly() -> None:
    tree_from_openspiel("kuhn_poker")
    started = time.process_time()
    tree = tree_from_openspiel("leduc_poker")
    assert tree.nodes == 9457 and len(tree.owner) == 936
    assert time.process_time() - started < 10


# --- games that are not well made ----------------------------------------------------------------------------


class Fake:
    """A one-player game: chance picks a room, the player picks a door, as a stand-in for a badly written game."""

    def __init__(
        self, doors: dict[int, list[int]], odds: tuple[float, ...] = (0.5, 0.5), names: str = "door"
    ) -> None:
        self.doors, self.odds, self.names = doors, odds, names

    def get_type(self) -> Any:
        return self

    provides_information_state_string = True
    short_name = "fake"

    def num_players(self) -> int:
        return 1

    def max_game_length(self) -> int:
        return 2

    def num_distinct_actions(self) -> int:
        return 9

    def new_initial_state(self) -> Any:
        return FakeState(self, ())


class FakeState:
    def __init__(self, game: Fake, path: tuple[int, ...]) -> None:
        self.game, self.path = game, path

    def current_player(self) -> int:
        return (-1, 0, -4)[len(self.path)]

    def is_simultaneous_node(self) -> bool:
        return False

    def chance_outcomes(self) -> list[tuple[int, float]]:
        return list(enumerate(self.game.odds))

    def legal_actions(self) -> list[int]:
        return self.game.doors[self.path[0]]

    def information_state_string(self, player: int) -> str:
        return "dark"

    def action_to_string(self, player: int, action: int) -> str:
        return self.game.names if self.game.names == "door" else f"{self.game.names}{action}"

    def history(self) -> list[int]:
        return list(self.path)

    def returns(self) -> list[float]:
        return [float(sum(self.path))]

    def child(self, action: int) -> FakeState:
        return FakeState(self.game, (*self.path, action))

    def apply_action(self, action: int) -> None:
        self.path = (*self.path, action)


@pytest.mark.parametrize(
    "game,complaint",
    [
        (Fake({0: [1, 2], 1: [1, 2, 3]}), "'dark' of player 0 has 2 actions at one node and 3 at another"),
        (Fake({0: [1, 2], 1: [1, 3]}, names="d"), "'dark' of player 0 has different actions at two"),
        (Fake({0: [1, 2], 1: []}), "player 0 has no legal action"),
        (Fake({0: [1, 2], 1: [1, 2]}, (0.0, 0.0)), "chance has no possible outcome"),
        (Fake({0: [1, 2], 1: [1, 2]}, (math.inf, 0.5)), "a chance move has the probabilities"),
    ],
)
def test_inconsistent_games_are_refused(game: Fake, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        compile_tree(game)


def test_what_is_repaired() -> None:
    tree = compile_tree(Fake({0: [1, 2], 1: [1, 2], 2: [1, 2]}, (0.3333333333, 0.0, 0.6666666667)))
    assert tree.actions == (("door #1", "door #2"),)  # names that do not tell actions apart
    assert tree.nodes == 7 and tree.chance[1] + tree.chance[4] == 1.0
    assert compile_tree(Fake({0: [5], 1: [1]}, (1.0, 0.0))).nodes == 1  # nothing to choose
