"""Solved strategies as players of their games, once and repeated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt

from experiments.exact_cells import exact_values
from games import make_env, simulate
from games.assigned import play_assigned
from games.errors import InputError
from games.load import load
from games.normal import NormalFormGame
from games.play import play_episodes
from games.policy_names import find_policy, team
from games.sims.repeated import repeated
from games.streams import draw_seeds

SEEDS = draw_seeds(np.random.default_rng(0), 4_000)
ROW, COLUMN = [0.25, 0.75], [0.9, 0.1]


def write(path: Path, **document: Any) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def mixed(path: Path, *blocks: Any, **rest: Any) -> str:
    return write(path, solutions=[{"profile": list(blocks)}, {"profile": [[1, 0], [1, 0]]}], **rest)


def test_what_solve_writes_plays_its_game(staghunt: Staghunt, tmp_path: Path) -> None:
    for concept in ("nash", "qre"):
        path = tmp_path / f"{concept}.json"
        more = ("--lambda", "2") if concept == "qre" else ()
        assert (
            staghunt("solve", "zoo:chicken", "--concept", concept, *more, "--out", str(path), "--quiet").code
            == 0
        )
        told = json.loads(path.read_text(encoding="utf-8"))["solutions"][0]
        env = make_env("zoo:chicken")
        players = team(env, {"": str(path)})
        np.testing.assert_allclose(exact_values(env, players), told["values"], atol=1e-6)
        again = make_env("repeated:chicken?rounds=30")
        np.testing.assert_allclose(
            exact_values(again, team(again, {"": str(path)})), np.multiply(told["values"], 30), atol=1e-5
        )


def test_each_agent_plays_its_own_block(tmp_path: Path) -> None:
    name = mixed(tmp_path / "two.json", ROW, COLUMN)
    env = make_env("zoo:chicken")
    game: Any = load("zoo:chicken")
    wanted = game.values([*ROW, *COLUMN])
    for chosen in ({"": name}, dict.fromkeys(env.spec.agents, name), {"players": name}):
        np.testing.assert_allclose(exact_values(env, team(env, chosen)), wanted)
    one, two = env.spec.agents
    np.testing.assert_allclose(
        exact_values(env, team(env, {two: name, one: "random"})), game.values([0.5, 0.5, *COLUMN])
    )
    np.testing.assert_allclose(exact_values(env, team(env, {one: name})), game.values([*ROW, 0.5, 0.5]))
    played = play_episodes(env, team(env, {"": name}), SEEDS, batch=4_000).returns
    error = played.std(axis=0) / np.sqrt(len(SEEDS))
    assert (np.abs(played.mean(axis=0) - wanted) < 5 * error).all()


def test_seats_may_be_swapped(tmp_path: Path) -> None:
    name = mixed(tmp_path / "two.json", [1, 0], [0, 1])
    env = make_env("repeated:chicken?rounds=3")
    solved = [find_policy(name, env, agent) for agent in env.spec.agents]
    rival = find_policy("cooperator", env)
    seating = np.array([[0, 1], [1, 0], [0, 0]])
    played = play_assigned(env, [solved, [rival, rival]], seating, [1, 2, 3])
    game: Any = load("zoo:chicken")
    cells = [(0, 0), (0, 1), (0, 1)]
    assert played.returns.tolist() == [[3 * v for v in game.payoffs[(slice(None), *cell)]] for cell in cells]


def test_players_with_different_numbers_of_actions_and_long_memories(tmp_path: Path) -> None:
    game = NormalFormGame(np.random.default_rng(1).normal(size=(3, 2, 3, 1)))
    blocks = [[0.5, 0.5], [0.2, 0.3, 0.5], [1.0]]
    name = write(tmp_path / "three.json", profile=blocks)
    wanted = game.values(np.concatenate(blocks))
    once = simulate(game, name="three")
    np.testing.assert_allclose(exact_values(once, team(once, {"": name})), wanted)
    for memory in (1, 8):  # with 8 rounds there are too many situations for a table
        env = repeated(game, rounds=5, memory=memory)
        players = team(env, {"": name})
        played = play_episodes(env, players, SEEDS, batch=4_000).returns
        error = played.std(axis=0) / np.sqrt(len(SEEDS))
        assert (np.abs(played.mean(axis=0) - 5 * wanted) < 5 * error + 1e-9).all()
        alone = team(env, {env.spec.agents[1]: name, "": "random"})
        assert play_episodes(env, alone, SEEDS[:3]).ended.all()
    short, long = (repeated(game, rounds=5, memory=memory) for memory in (1, 8))
    one = play_episodes(short, team(short, {"": name}), SEEDS[:50])
    assert (one.returns == play_episodes(long, team(long, {"": name}), SEEDS[:50]).returns).all()


CORRELATED = r"correlated strategy, which plays for the whole team and cannot be one agent"


def test_correlated_strategies_are_not_agents(staghunt: Staghunt, tmp_path: Path) -> None:
    path = tmp_path / "cce.json"
    assert staghunt("solve", "zoo:chicken", "--concept", "cce", "--out", str(path), "--quiet").code == 0
    env = make_env("zoo:chicken")
    with pytest.raises(InputError, match=CORRELATED):
        find_policy(str(path), env)
    parts = [{"weight": 1.0, "profile": [ROW, COLUMN]}]
    with pytest.raises(InputError, match=CORRELATED):
        find_policy(write(tmp_path / "mixture.json", solutions=[{"profile": None, "mixture": parts}]), env)
    with pytest.raises(InputError, match=CORRELATED):
        find_policy(write(tmp_path / "joint.json", joint=[{"actions": [0, 0], "prob": 1.0}]), env)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"profile": [ROW]}, r"blocks of sizes \[2\], expected \[2, 2\]"),
    ({"profile": [ROW, [0.1, 0.2, 0.7]]}, r"blocks of sizes \[2, 3\], expected"),
    ({"profile": [ROW, 7]}, r"blocks of sizes \[2, 0\]"),
    ({"profile": []}, "holds no mixed profile"),
    ({"profile": {"a": 1}}, "holds no mixed profile"),
    ({"solutions": []}, "holds no solution"),
    ({"solutions": {}}, "'solutions' is not a list"),
    ({"solutions": [3]}, "'solutions' is not a list"),
    ({"solutions": [{}]}, "holds no mixed profile"),
    ({}, "holds no mixed profile"),
    ({"profile": [ROW, ["0.5", 0.5]]}, "not a number"),
    ({"profile": [ROW, [True, False]]}, "not a number"),
    ({"profile": [ROW, [None, 1]]}, "not a number"),
    ({"profile": [ROW, [0.6, 0.6]]}, "sum to 1.2"),
    ({"profile": [ROW, [1.5, -0.5]]}, "negative"),
    ({"profile": [ROW, [float("nan"), 1.0]]}, "sum to nan"),
    ({"profile": [ROW, [float("inf"), 0.0]]}, "sum to 2"),
    ({"profile": [ROW, [10**400, 0]]}, "sum to 2"),
    ({"profile": [ROW, COLUMN], "game": {"digest": "0123", "title": "Chess"}}, "is for 'Chess'"),
    ({"profile": [ROW, COLUMN], "game": {"actions": [["Dare", "Yield"]] * 2}}, "game with other actions"),
    ({"profile": [ROW, COLUMN], "game": {"players": ["A", "B"]}}, "game with other players"),
    ({"behavior": [{"player": 0}]}, "a behaviour strategy plays a game tree, and zoo:chicken is none"),
]


@pytest.mark.parametrize(("document", "why"), BAD)
def test_documents_that_do_not_fit_are_refused_in_a_sentence(
    tmp_path: Path, document: dict[str, Any], why: str
) -> None:
    name = write(tmp_path / "bad.json", **document)
    with pytest.raises(InputError, match=why) as caught:
        find_policy(name, make_env("zoo:chicken"))
    assert str(caught.value).startswith(name) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02binary", "not valid JSON"),
        (b"PK\x03\x04" + bytes(range(256)) * 20, "not valid JSON"),
        (b"[" * 100_000, "nested too deeply|not valid JSON"),
        (b'{"profile": [[0.5, 0.5], [0.5', "not valid JSON"),
        (b"[1, 2]", "expected a JSON object"),
    ],
)
def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "damaged.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=why) as caught:
        find_policy(str(path), make_env("zoo:chicken"))
    assert "\n" not in str(caught.value)


def test_other_environments_are_told_what_a_solved_strategy_plays(staghunt: Staghunt, tmp_path: Path) -> None:
    name = mixed(tmp_path / "two.json", ROW, COLUMN)
    with pytest.raises(
        InputError, match="plays a game tree, a normal-form game or a repeated one, and foraging"
    ):
        find_policy(name, make_env("foraging:5x5-2p-1f"))
    with pytest.raises(InputError, match=r"has no list 'behavior'"):
        find_policy(name, make_env("openspiel:kuhn_poker?compiled=true"))
    path = tmp_path / "chicken.json"
    assert staghunt("solve", "zoo:chicken", "--out", str(path), "--quiet").code == 0
    with pytest.raises(InputError, match="is for 'Chicken'"):
        find_policy(str(path), make_env("repeated:stag-hunt"))


@pytest.mark.parametrize("method", [(), ("--method", "cfr")])
def test_correlated_strategies_of_trees_are_not_agents_either(
    staghunt: Staghunt, tmp_path: Path, method: tuple[str, ...]
) -> None:
    path = tmp_path / "cce.json"
    done = staghunt(
        "solve", "openspiel:kuhn_poker", "--concept", "cce", *method, "--out", str(path), "--quiet"
    )
    assert done.code == 0
    with pytest.raises(InputError, match=CORRELATED):
        find_policy(str(path), make_env("openspiel:kuhn_poker?compiled=true"))
