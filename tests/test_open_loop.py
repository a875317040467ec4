"""Sequences of rules: they are followed step by step, survive their file exactly, and refuse what they do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games import make_env
from games.errors import InputError
from games.open_loop import OpenLoop, load_rules, save_rules
from games.play import play_episodes
from games.policy import Independent
from games.swarm_policies import POLICIES
from games.swarm_rules import RuleFamily, Rules

URI = "swarm:aggregation?agents=30&horizon=6"


def rules(uri: str = URI, steps: int = 6, greedy: bool = False, seed: int = 0) -> OpenLoop:
    spec = make_env(uri).spec
    family = RuleFamily.of(spec, "interpolation", 3, 0.5)
    xi = np.random.default_rng(seed).normal(size=(steps, family.size))
    return OpenLoop(family, family.rules(xi), greedy=greedy, made_in=spec.name)


def test_step_t_follows_rule_t() -> None:
    env, sequence = make_env(URI), rules(greedy=True)
    shown: list[Any] = []
    play_episodes(
        env,
        Independent(env.spec, sequence),
        [1, 2],
        watch=lambda world, step, actions: shown.append((step.groups[0].observation, actions)),
    )
    for t in range(6):
        weights = sequence.family.weights(shown[t][0].astype(float))
        wanted = np.einsum("bnm,mj->bnj", weights, sequence.rules.means[t])
        np.testing.assert_allclose(shown[t + 1][1][0], wanted, atol=1e-6)


def test_a_rule_towards_the_middle_plays_like_the_scripted_one() -> None:
    """Interpolating -3 y at the points of a fine grid, cut off at 1, is nearly the scripted rule clip(-3 y)."""
    env = make_env("swarm:aggregation?agents=200")
    family = RuleFamily.of(env.spec, "interpolation", 61, 0.5)
    means = np.clip(-3 * family.centres, -1, 1)
    every = Rules(np.broadcast_to(means, (100, *means.shape)), np.full((100, *means.shape), 1e-3))
    ours = play_episodes(env, Independent(env.spec, OpenLoop(family, every)), range(20)).returns[:, 0]
    theirs = play_episodes(env, Independent(env.spec, POLICIES["centre"](env.spec)), range(20)).returns[:, 0]
    assert abs(ours.mean() - theirs.mean()) < 3 * np.hypot(ours.std(), theirs.std()) / np.sqrt(20) + 0.1


def test_rules_survive_their_file_exactly(tmp_path: Path) -> None:
    env, sequence = make_env(URI), rules()
    path = save_rules(tmp_path / "rules.json", sequence, note="kept")
    assert json.loads(path.read_text())["note"] == "kept"
    back = load_rules(path, env.spec)
    assert back.family == sequence.family and back.made_in == env.spec.name
    first, second = (
        play_episodes(env, Independent(env.spec, one), [5, 6]).returns for one in (sequence, back)
    )
    np.testing.assert_array_equal(first, second)


def test_rules_play_in_swarms_of_any_size(tmp_path: Path) -> None:
    path = save_rules(tmp_path / "rules.json", rules())
    for agents in (1, 2, 5000):
        env = make_env(URI, agents=agents)
        played = play_episodes(env, Independent(env.spec, load_rules(path, env.spec)), [1])
        assert np.isfinite(played.returns).all() and played.returns.shape == (1, agents)


@pytest.mark.parametrize("greedy", [False, True])
def test_greedy_rules_stay_greedy(greedy: bool, tmp_path: Path) -> None:
    path = save_rules(tmp_path / "rules.json", rules(greedy=greedy))
    spec = make_env(URI).spec
    assert load_rules(path, spec).greedy is greedy
    assert load_rules(path, spec, greedy=not greedy).greedy is not greedy


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("swarm:aggregation?horizon=7", r"these rules are 6, one per step, and an episode of .* has 7 steps"),
        (
            "swarm:kuramoto?horizon=6",
            r"are for what is seen in swarm:aggregation.*-2 to 2.*shows something else.*-1 to 1",
        ),
        ("swarm:aggregation?horizon=6&box=3", "shows something else"),
        ("zoo:chicken", "is not a swarm"),
    ],
)
def test_rules_refuse_what_they_do_not_fit(tmp_path: Path, uri: str, told: str) -> None:
    path = save_rules(tmp_path / "rules.json", rules())
    with pytest.raises(InputError, match=told) as caught:
        load_rules(path, make_env(uri).spec)
    assert str(path) in str(caught.value)


def test_polar_rules_do_not_play_on_cartesian_observations(tmp_path: Path) -> None:
    path = save_rules(tmp_path / "rules.json", rules("swarm:vicsek?observe=polar&horizon=6"))
    with pytest.raises(InputError, match="shows something else"):
        load_rules(path, make_env("swarm:vicsek?horizon=6").spec)


def _spoil(document: dict[str, Any], how: str) -> Any:
    if how == "no rules":
        return {"profile": []}
    if how == "version":
        document["version"] = 9
    elif how == "no family":
        del document["family"]
    elif how == "short":
        document["means"] = document["means"][:3]
    elif how == "text":
        document["means"][0][0][0] = "north"
    elif how == "points":
        document["family"]["points"] = 3.5
    elif how == "true":
        document["family"]["bandwidth"] = True
    elif how == "digits":
        document["means"] = [[[str(x) for x in row] for row in rule] for rule in document["means"]]
    elif how == "outside":
        document["means"][0][0][0] = 1000.0
    elif how == "spread":
        document["spreads"][0][0][0] = 0.0
    elif how == "ragged":
        document["means"][0] = document["means"][0][:2]
    return document


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("no rules", "holds no rules of a swarm"),
        ("version", "version 9 of its format; expected 1"),
        ("no family", "lacks a part of its rules"),
        ("short", "have shapes"),
        ("text", "is damaged"),
        ("spread", "a spread that is not above 0"),
        ("ragged", "is damaged"),
        ("points", "is damaged"),
        ("true", "is damaged"),
        ("digits", "is damaged"),
        ("outside", "a mean outside the actions' bounds"),
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path: Path, how: str, told: str) -> None:
    path = save_rules(tmp_path / "rules.json", rules())
    path.write_text(json.dumps(_spoil(json.loads(path.read_text()), how)))
    with pytest.raises(InputError, match=told) as caught:
        load_rules(path, make_env(URI).spec)
    assert str(caught.value).startswith(str(path))
