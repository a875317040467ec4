"""OpenSpiel games in normal form, against OpenSpiel's own converters, known values and brute force."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from games.errors import InputError
from games.from_openspiel import tree_from_openspiel
from games.load import load
from games.normal import NormalFormGame
from games.plan_counts import count_plans
from games.tree import TreeGame
from solvers.certificate import certify

pyspiel = pytest.importorskip("pyspiel", reason="open_spiel is not installed")


def zero_sum_solution(game: NormalFormGame) -> tuple[float, list[np.ndarray]]:
    """Value and optimal strategies of a two-player zero-sum game by one linear program per player."""
    from scipy.optimize import linprog

    strategies, values = [], []
    for matrix in (game.payoffs[0], -game.payoffs[0].T):
        rows, columns = matrix.shape
        result = linprog(
            np.r_[np.zeros(rows), -1.0],
            np.hstack([-matrix.T, np.ones((columns, 1))]),
            np.zeros(columns),
            np.r_[np.ones(rows), 0.0][None, :],
            [1],
            bounds=[(0, None)] * rows + [(None, None)],
        )
        strategies.append(np.maximum(result.x[:-1], 0))
        values.append(float(result.x[-1]))
    assert values[0] == pytest.approx(-values[1], abs=1e-9)
    return values[0], strategies


@pytest.mark.parametrize(
    "name",
    [
        "matrix_mp",
        "matrix_rps",
        "matrix_rpsw",
        "matrix_brps",
        "matrix_pd",
        "matrix_bos",
        "matrix_cd",
        "matrix_sh",
    ],
)
def test_matrix_games_have_openspiels_payoffs_and_names(name: str) -> None:
    theirs, ours = pyspiel.load_game(name), load(f"openspiel:{name}")
    assert ours.shape == (theirs.num_rows(), theirs.num_cols())
    for a, b in np.ndindex(ours.shape):
        assert ours.payoffs[0, a, b] == theirs.row_utility(a, b)
        assert ours.payoffs[1, a, b] == theirs.col_utility(a, b)
    assert ours.actions[0] == tuple(theirs.row_action_name(k) for k in range(ours.shape[0]))


def test_one_shot_games_of_more_players_and_of_other_kinds() -> None:
    pennies = load("openspiel:matching_pennies_3p")
    assert pennies.shape == (2, 2, 2) and pennies.actions[0] == ("Heads", "Tails")
    assert certify(pennies, [[0.5, 0.5]] * 3, "nash").holds(1e-12)
    blotto = load("openspiel:blotto(coins=4,fields=3)")
    assert blotto.shape == (15, 15) and blotto.actions[0][0] == "[0,0,4]"
    ours = load("zoo:colonel-blotto?soldiers=4&fields=3&payoff=majority")
    assert np.array_equal(blotto.payoffs, ours.payoffs)


def test_kuhn_poker_is_worth_minus_one_eighteenth() -> None:
    game = load("openspiel:kuhn_poker?form=reduced")
    assert game.shape == (27, 64)
    assert game.constant_sum() == pytest.approx(0)
    value, strategies = zero_sum_solution(game)
    assert value == pytest.approx(-1 / 18, abs=1e-9)
    assert certify(game, strategies, "nash").holds(1e-9)
    assert set(" ".join(game.actions[0]).split()) == {"Pass", "Bet", "*"}
    assert load("openspiel:kuhn_poker?form=full").shape == (64, 64)


def test_kuhn_poker_is_the_catalogues_up_to_the_order_of_plans() -> None:
    ours, theirs = load("zoo:kuhn-poker").payoffs[0], load("openspiel:kuhn_poker?form=reduced").payoffs[0]
    assert np.allclose(np.sort(ours.ravel()), np.sort(theirs.ravel()))
    assert np.allclose(np.sort(ours.sum(axis=1)), np.sort(theirs.sum(axis=1)))
    assert np.allclose(np.sort(ours.sum(axis=0)), np.sort(theirs.sum(axis=0)))


@pytest.mark.parametrize(
    "text",
    [
        "kuhn_poker",
        "tiny_hanabi",
        "coordinated_mp",
        "first_sealed_auction(max_value=3)",
        "nim(pile_sizes=1;2;2)",
        "repeated_game(stage_game=matrix_pd(),num_repetitions=2)",
        "turn_based_simultaneous_game(game=goofspiel(num_cards=3,imp_info=True,points_order=descending))",
        "goofspiel(num_cards=3,points_order=descending,imp_info=True)",
    ],
)
def test_every_plan_earns_what_playing_it_earns(text: str) -> None:
    """Plays joint plans through OpenSpiel itself, reading each choice from the plan's name."""
    game, source = load(f"openspiel:{text}", form="reduced"), pyspiel.load_game(text)
    tree = tree_from_openspiel(text)
    order = [[name for i, name in zip(tree.owner, tree.infosets) if i == k] for k in range(len(game.shape))]
    numbers = load_numbers(text)
    rng = np.random.default_rng(1)
    for _ in range(25):
        cell = tuple(int(rng.integers(size)) for size in game.shape)
        plans = [dict(zip(order[i], numbers[i][cell[i]])) for i in range(len(cell))]
        assert play(source.new_initial_state(), plans) == pytest.approx(game.payoffs[(slice(None), *cell)])


def load_numbers(text: str) -> list[list[list[int | None]]]:
    """Each player's plans as action numbers, None where nothing is chosen."""
    labels = tree_from_openspiel(text).to_normal().actions
    return [[[None if k == "*" else int(k) - 1 for k in plan] for plan in block] for block in labels]


def play(state, plans) -> np.ndarray:
    if state.is_terminal():
        return np.array(state.returns())
    if state.is_chance_node():
        return sum(p * play(state.child(a), plans) for a, p in state.chance_outcomes())

    def choose(player: int) -> int:
        legal = state.legal_actions(player) or [0]
        if len(legal) == 1:
            return legal[0]
        by_string = state.get_game().get_type().provides_information_state_string
        view = state.information_state_string(player) if by_string else str(tuple(state.history()))
        return legal[plans[player][view]]

    state = state.clone()
    if state.is_simultaneous_node():
        state.apply_actions([choose(i) for i in range(len(plans))])
    else:
        state.apply_action(choose(state.current_player()))
    return play(state, plans)


def test_perfect_information_without_strings() -> None:
    """Catch with three columns and three rows: the paddle can always get under the ball."""
    game = load("openspiel:catch(rows=3,columns=3)?form=reduced")
    assert len(game.shape) == 1
    assert game.payoffs.max() == 1.0


@pytest.mark.parametrize(
    "text,words",
    [
        ("kuhn_pokr", "did you mean openspiel:kuhn_poker"),
        ("", "no game ''"),
        ("kuhn_poker(playrs=2)", "Unknown parameter 'playrs'. Available parameters are: players"),
        ("kuhn_poker(players=50)", "num_players_ <= kGameType.max_num_players fails"),
        ("kuhn_poker(", "closing bracket"),
        ("kuhn_poker) x", "unexpected 'x'"),
        ("kuhn_poker?form=ful", "form=ful is not one of tree, reduced, full"),
        ("kuhn_poker?players=2", "has no parameter 'players' here; write the game's own in brackets"),
        ("mfg_garnet", "mean-field"),
        ("stones_and_gems", "samples chance"),
        ("gin_rummy", "no information-state strings"),
        ("leduc_poker?form=reduced", r"reduced strategic form .* \(strategies: 6.3e\+44 x 4.9e\+87\)"),
        ("kuhn_poker(players=3)?form=full", "65,536 x 65,536 x 65,536"),
        ("kuhn_poker(players=3)?form=reduced", "6,561 x 10,000 x 65,536"),
        ("chess", r"more than 5,000,000 nodes; raise max_nodes \(\?max_nodes= in the name, or --max-nodes"),
        ("chess", "far larger: plays last up to 17,695 moves with up to 4,674 actions"),
        ("go", "more than 5,000,000 nodes"),
        ("backgammon", "more than 5,000,000 nodes"),
        ("pig", "more than 5,000,000 nodes"),
        ("phantom_ttt", "more than 5,000,000 nodes"),
        ("hearts", "more than 5,000,000 nodes"),
        ("hearts?form=reduced", "more than 5,000,000 nodes"),
        ("cliff_walking?max_nodes=100,000", "more than 100,000 nodes; .* by its parameters$"),
        ("kuhn_poker?max_nodes=57", "more than 57 nodes"),
        ("kuhn_poker?max_nodes=lots", "max_nodes=lots is not a whole number from 1 to"),
        ("kuhn_poker?max_nodes=0", "max_nodes=0 is not a whole number from 1 to"),
        ("kuhn_poker?max_nodes=1e6", "max_nodes=1e6 is not"),
        ("nfg_game", "OpenSpiel refuses nfg_game"),
        ("efg_game(filename=/no/such/file)", "OpenSpiel refuses"),
        ("add_noise", "Missing parameter epsilon"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_the_reason(text: str, words: str) -> None:
    started = time.process_time()
    with pytest.raises(InputError, match=words) as caught:
        load(f"openspiel:{text}")
    assert "\n" not in str(caught.value)
    assert time.process_time() - started < 60


def test_plans_are_counted_before_they_are_listed() -> None:
    for text in ("kuhn_poker", "tiny_hanabi", "nim(pile_sizes=1;2;2)", "liars_dice(numdice=1,dice_sides=2)"):
        tree = tree_from_openspiel(text)
        assert tuple(count_plans(tree)) == tree.to_normal().shape
        if not text.startswith("nim"):
            assert tuple(count_plans(tree, "full")) == tree.to_normal("full").shape


def test_the_kind_of_game_that_comes_back() -> None:
    assert isinstance(load("openspiel:kuhn_poker"), TreeGame)
    assert load("openspiel:kuhn_poker", form="tree").digest == tree_from_openspiel("kuhn_poker").digest
    for text in ("matrix_pd", "blotto(coins=3,fields=2)", "matching_pennies_3p"):
        normal, tree = load(f"openspiel:{text}"), load(f"openspiel:{text}?form=tree")
        assert isinstance(normal, NormalFormGame) and isinstance(tree, TreeGame)
        assert np.array_equal(tree.to_normal().payoffs, normal.payoffs)
        assert tree.actions == normal.actions


def test_openspiels_own_complaints_stay_off_the_screen() -> None:
    code = "import games\ntry: games.load('openspiel:kuhn_poker(playrs=2)')\nexcept games.InputError: pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
