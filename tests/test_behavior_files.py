"""Saved behaviour strategies come back exactly, only into the game they are for, and play in OpenSpiel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games import load
from games.behavior_files import load_behavior, save_behavior
from games.efg import parse_efg
from games.errors import InputError
from games.simplices import Float
from games.to_openspiel import to_openspiel
from games.tree import TreeGame
from games.tree_build import from_efg
from solvers.best_response import nash_conv

pyspiel = pytest.importorskip("pyspiel")

TWINS = """EFG 2 R "twins" { "A" "B" } c "" 1 "" { "l" 1/2 "r" 1/2 } 0
p "" 1 1 "same" { "x" "y" } 0 t "" 1 "" { 1 0 } t "" 2 "" { 0 1 }
p "" 1 2 "same" { "x" "y" } 0 t "" 3 "" { 2 0 } p "" 2 1 "same" { "u" "v" "w" } 0
t "" 4 "" { 0 2 } t "" 5 "" { 1 1 } t "" 6 "" { 3 3 }
"""


def random_behavior(game: TreeGame, seed: int = 0) -> Float:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.dirichlet(np.ones(n)) for n in np.diff(game.offsets)])


@pytest.fixture(scope="module")
def kuhn() -> TreeGame:
    return load("openspiel:kuhn_poker")


# --- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_what_is_saved_is_what_is_loaded(tmp_path: Path, kuhn: TreeGame, seed: int) -> None:
    path, behavior = tmp_path / "b.json", random_behavior(kuhn, seed)
    assert save_behavior(path, kuhn, behavior, concept="nash", method="by hand") == path
    assert np.array_equal(load_behavior(path, kuhn), behavior)
    document = json.loads(path.read_text())
    assert document["game"] == {"title": "kuhn_poker()", "digest": kuhn.digest}
    assert document["concept"] == "nash" and len(document["behavior"]) == 12
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]


def test_order_and_names_do_not_matter_and_repeated_names_go_by_position(tmp_path: Path) -> None:
    game = from_efg(parse_efg(TWINS))
    behavior, path = random_behavior(game), tmp_path / "b.json"
    save_behavior(path, game, behavior)
    document = json.loads(path.read_text())
    rows = document["behavior"]
    assert [(row["player"], row["infoset"]) for row in rows] == [(0, "same"), (0, "same"), (1, "same")]
    for row in rows:
        row["actions"].reverse()
        row["probs"].reverse()
        row["player"] = game.players[row["player"]]
    rows.insert(0, rows.pop())
    path.write_text(json.dumps(document))
    assert np.array_equal(load_behavior(path, game), behavior)
    path.write_text(json.dumps({"behavior": rows}))  # without a digest it is believed
    assert np.array_equal(load_behavior(path, game), behavior)


def changed(rows: list[dict[str, Any]], **first: Any) -> list[dict[str, Any]]:
    return [{**rows[0], **first}, *rows[1:]]


BAD = [
    (lambda rows: changed(rows, infoset="nowhere"), "Player 1 has no information set 'nowhere'"),
    (lambda rows: changed(rows, infoset=None), "has no information set None"),
    (lambda rows: changed(rows, player=2), "player 2 is not one of 0 to 1"),
    (lambda rows: changed(rows, player=True), "player True"),
    (lambda rows: changed(rows, probs=[0.5]), "not lists of the same length"),
    (lambda rows: changed(rows, probs=[0.5, 0.2]), "not a distribution"),
    (lambda rows: changed(rows, probs=[1.5, -0.5]), "not a distribution"),
    (lambda rows: changed(rows, probs=["a", 0.5]), "not a list of numbers"),
    (lambda rows: changed(rows, probs=[float("nan"), 1]), "not a distribution"),
    (lambda rows: changed(rows, actions=["Pass", "Fold"]), "unknown action 'Fold'; known are Pass, Bet"),
    (lambda rows: changed(rows, actions=["Pass", "Pass"]), "unknown action"),
    (lambda rows: rows[:-1], "11 of 12 information sets; the first missing is"),
    (lambda rows: [*rows, rows[0]], "more often than in the game"),
    (lambda rows: [*rows, 3], "behavior[12] is a number, expected an object"),
    (lambda rows: {"0": rows}, "has no list 'behavior'"),
]


@pytest.mark.parametrize("spoil, told", BAD, ids=range(len(BAD)))
def test_bad_rows_are_named(tmp_path: Path, kuhn: TreeGame, spoil: Any, told: str) -> None:
    path = tmp_path / "b.json"
    save_behavior(path, kuhn, kuhn.uniform())
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "behavior": spoil(document["behavior"])}))
    with pytest.raises(InputError) as refused:
        load_behavior(path, kuhn)
    assert told in str(refused.value) and str(path) in str(refused.value)


def test_other_games_and_other_files(tmp_path: Path, kuhn: TreeGame) -> None:
    path = tmp_path / "b.json"
    save_behavior(path, kuhn, kuhn.uniform())
    other = from_efg(parse_efg(TWINS))
    with pytest.raises(InputError, match=r"is for 'kuhn_poker\(\)' \(digest .*\), not for 'twins'"):
        load_behavior(path, other)
    for content, told in (
        (b"{", "line 1: not valid JSON"),
        (b"[1]", "expected a JSON object, not a list"),
        (b"\x00\xff", "not valid JSON"),
        (b"", "is empty"),
        (b"[" * 100_000, "JSON"),
        (b"{}", "has no list 'behavior'"),
        (b'{"solutions": [3]}', "has no list 'behavior'"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=told.replace("[", "\\[")):
            load_behavior(path, kuhn)
    with pytest.raises(InputError, match="no such file"):
        load_behavior(tmp_path / "none.json", kuhn)
    with pytest.raises(InputError, match="is a folder"):
        save_behavior(tmp_path, kuhn, kuhn.uniform())
    with pytest.raises(InputError, match="is not JSON"):
        save_behavior(path, kuhn, kuhn.uniform(), about={1, 2})
    with pytest.raises(InputError, match="expected 24"):
        save_behavior(path, kuhn, [1.0])


def test_a_game_without_decisions(tmp_path: Path) -> None:
    game = from_efg(parse_efg('EFG 2 R "none" { "A" } t "" 1 "" { 5 }'))
    path = tmp_path / "b.json"
    save_behavior(path, game, [])
    assert load_behavior(path, game).size == 0


# --- OpenSpiel --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["kuhn_poker", "leduc_poker", "kuhn_poker(players=3)", "liars_dice(dice_sides=3)", "tiny_hanabi"]
)
def test_openspiel_judges_policies_as_we_do(name: str) -> None:
    game = load(f"openspiel:{name}")
    behavior = random_behavior(game)
    policy = to_openspiel(game, behavior)
    theirs = pyspiel.nash_conv(pyspiel.load_game(name), policy)
    assert theirs == pytest.approx(nash_conv(game, behavior), abs=1e-9)


def test_a_policy_plays_an_episode(kuhn: TreeGame) -> None:
    policy, rng = to_openspiel(kuhn, random_behavior(kuhn)), np.random.default_rng(3)
    state = pyspiel.load_game("kuhn_poker").new_initial_state()
    while not state.is_terminal():
        if state.is_chance_node():
            moves = state.chance_outcomes()
        else:
            moves = policy.get_state_policy(state.information_state_string())
        actions, probs = zip(*moves)
        assert sum(probs) == pytest.approx(1.0)
        state.apply_action(int(rng.choice(actions, p=probs)))
    assert sum(state.returns()) == 0.0


def test_actions_are_found_by_name(kuhn: TreeGame) -> None:
    """A tree with its actions in another order means the same policy."""
    behavior = random_behavior(kuhn)
    swap = np.arange(kuhn.slots).reshape(-1, 2)[:, ::-1].ravel()
    place = np.append(np.argsort(swap), -1)
    turned = TreeGame(
        player=kuhn.player,
        infoset=kuhn.infoset,
        parent=kuhn.parent,
        slot=place[kuhn.slot],
        chance=kuhn.chance,
        payoff=kuhn.payoff,
        owner=kuhn.owner,
        offsets=kuhn.offsets,
        players=kuhn.players,
        infosets=kuhn.infosets,
        actions=tuple(names[::-1] for names in kuhn.actions),
        title=kuhn.title,
    )
    theirs = to_openspiel(turned, behavior[swap]).policy_table()
    assert theirs == to_openspiel(kuhn, behavior).policy_table()


def test_simultaneous_moves_have_policies_too() -> None:
    name = "goofspiel(imp_info=True,num_cards=3,points_order=descending)"
    game = load(f"openspiel:{name}")
    policy = to_openspiel(game, random_behavior(game))
    state = pyspiel.load_game(name).new_initial_state()
    assert state.is_simultaneous_node()
    assert len(policy.action_probabilities(state.information_state_string(0))) == 3


def test_what_openspiel_cannot_play(kuhn: TreeGame) -> None:
    twins = from_efg(parse_efg(TWINS))
    with pytest.raises(InputError, match="does not know the game 'twins'"):
        to_openspiel(twins, twins.uniform())
    with pytest.raises(InputError, match="'same' of 'twins' is not one of OpenSpiel's"):
        to_openspiel(twins, twins.uniform(), "kuhn_poker")
    with pytest.raises(InputError, match=r"is not one of OpenSpiel.s|is not in the tree"):
        to_openspiel(kuhn, kuhn.uniform(), "kuhn_poker(players=3)")
    with pytest.raises(InputError, match="expected 24"):
        to_openspiel(kuhn, [0.5, 0.5])
