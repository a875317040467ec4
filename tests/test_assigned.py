"""Matches with seats told one by one are, bit for bit, what each team plays alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from games import whole_matches
from games.assigned import Assigned, play_assigned
from games.env_uris import make_env
from games.errors import InputError
from games.play import Episodes, play_episodes
from games.policy import Independent
from games.policy_names import find_policy

CASES = [
    ("foraging:5x5-3p-2f", ["random", "greedy"], 12),
    ("mpe:simple-tag", ["random"], 8),
    ("repeated:prisoners-dilemma?rounds=6", ["random", "tit-for-tat", "win-stay-lose-shift"], None),
    ("zoo:random?shape=3x3x3&seed=2", ["random"], None),
    ("coordination:climbing", ["random"], None),
]


def cast_of(env: Any, names: list[str]) -> list[list[Any]]:
    """Two agents for each name; one policy object for all its seats where it fits them."""
    out = []
    for name in names * 2:
        made: dict[str, Any] = {}
        row = []
        for group in env.spec.groups:
            made[group.name] = find_policy(name, env, group.agents[0] if len(env.spec.groups) > 1 else None)
            row += [made[group.name]] * group.size
        out.append(row)
    return out


def drawn(env: Any, cast: list[list[Any]], matches: int, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    seating = rng.integers(0, len(cast), (matches, len(env.spec.agents)), dtype=np.int32)
    seeds, acts = rng.integers(0, 2**63, (2, matches), dtype=np.uint64)
    return seating, seeds, acts


def one_by_one(
    env: Any, cast: list[list[Any]], seating: Any, seeds: Any, acts: Any, limit: int | None
) -> Episodes:
    """Every match alone, by a team of independent agents."""
    parts = []
    for row, seed, act in zip(seating.tolist(), seeds, acts):
        team = Independent(
            env.spec, {name: cast[k][i] for i, (name, k) in enumerate(zip(env.spec.agents, row))}
        )
        parts.append(play_episodes(env, team, [int(seed)], np.array([act]), batch=1, max_steps=limit))
    return Episodes.joined(parts)


@pytest.mark.parametrize(("uri", "names", "limit"), CASES)
def test_a_match_is_what_its_team_plays_alone(uri: str, names: list[str], limit: int | None) -> None:
    env = make_env(uri)
    cast = cast_of(env, names)
    seating, seeds, acts = drawn(env, cast, 24)
    alone = one_by_one(env, cast, seating, seeds, acts, limit)
    together = play_assigned(env, cast, seating, seeds, acts, max_steps=limit)
    team = Assigned(env.spec, cast, seating)
    general = play_episodes(env, team, seeds, acts, batch=len(seeds), max_steps=limit)
    for found in (together, general):
        for one, two in zip(found[:4], alone[:4]):
            assert np.array_equal(one, two)


def test_batches_and_order_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_matches, "whole_matches", lambda *_: None)  # the general path
    env = make_env("foraging:5x5-3p-2f")
    cast = cast_of(env, ["random", "greedy"])
    seating, seeds, acts = drawn(env, cast, 40)
    whole = play_assigned(env, cast, seating, seeds, acts, max_steps=10)
    order = np.random.default_rng(1).permutation(40)
    other = play_assigned(env, cast, seating[order], seeds[order], acts[order], max_steps=10, batch=7)
    for one, two in zip(whole[:4], other[:4]):
        assert np.array_equal(one[order], two)


def test_one_policy_object_on_several_seats_is_asked_once_for_all_of_them() -> None:
    env = make_env("foraging:5x5-3p-2f")
    asked = []

    class Counting:
        def __init__(self) -> None:
            self.inner = find_policy("random", env)

        def start(self, batch: int, agents: int) -> Any:
            return self.inner.start(batch, agents)

        def sample(self, view: Any, memory: Any, streams: Any) -> Any:
            asked.append(view.mask.shape[:2])
            return self.inner.sample(view, memory, streams)

    shared = Counting()
    seating = np.array([[0, 0, 0], [0, 1, 0]], dtype=np.int32)
    other = find_policy("random", env)
    team = Assigned(env.spec, [[shared] * 3, [other] * 3], seating)
    play_episodes(env, team, [1, 2], batch=2, max_steps=1)
    assert asked == [(5, 1)]  # five of the six seats of both matches, in one call


def test_acts_are_seeds_unless_told() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=6")
    cast = cast_of(env, ["random"])
    seating, seeds, acts = drawn(env, cast, 30)
    assert np.array_equal(
        play_assigned(env, cast, seating, seeds).returns,
        play_assigned(env, cast, seating, seeds, seeds).returns,
    )
    assert not np.array_equal(
        play_assigned(env, cast, seating, seeds).returns,
        play_assigned(env, cast, seating, seeds, acts).returns,
    )


def test_wrong_seatings_are_refused() -> None:
    env = make_env("repeated:prisoners-dilemma?rounds=2")
    cast = cast_of(env, ["random"])
    half = [cast[0], [cast[1][0], None]]
    for seating, part, who in (
        ([[0, 2]], "none of the 2", cast),
        ([[0, -1]], "none of the 2", cast),
        ([[0]], "seating has shape (1, 1)", cast),
        ([[0, 0], [0, 0]], "one row for each of 1 matches", cast),
        ([[0.0, 1.0]], "expected a whole number", cast),
        ([[0, 1]], "agent 1 does not play Player 2", half),
    ):
        with pytest.raises(InputError, match=part.replace("(", r"\(").replace(")", r"\)")):
            play_assigned(env, who, np.array(seating), [1])
    assert play_assigned(env, half, np.array([[1, 0]]), [1]).returns.shape == (1, 2)


class _Always:
    """One action for everybody, in an array of its own type."""

    def __init__(self, action: Any) -> None:
        self.action = np.asarray(action)

    def start(self, batch: int, agents: int) -> None:
        return None

    def sample(self, view: Any, memory: Any, streams: Any) -> Any:
        return np.broadcast_to(self.action, (*view.acting.shape, *self.action.shape)), memory


def test_actions_keep_their_values_beside_those_of_another_type() -> None:
    """Whole numbers, long and short, and fractions, in whatever order they are put together."""
    env = make_env("mpe:simple-spread?continuous=true")
    first, second = _Always(np.zeros(5, dtype=np.int8)), _Always([0.0, 0.6, 0.3, 0.0, 0.5])
    cast = [[policy] * 3 for policy in (first, second, _Always(np.full(5, 0.25, dtype=np.float32)))]
    seating, seeds, acts = drawn(env, cast, 12)
    together = play_assigned(env, cast, seating, seeds, acts, max_steps=6)
    alone = one_by_one(env, cast, seating, seeds, acts, 6)
    assert np.array_equal(together.returns, alone.returns)


@pytest.mark.parametrize("wrong", [0.9, True, [0], np.uint64(2**63 + 1), np.int64(300)])
def test_a_wrong_action_is_refused_beside_right_ones(wrong: Any) -> None:
    env = make_env("zoo:random?shape=3x3&seed=2")
    cast = [[_Always(np.int8(1))] * 2, [_Always(wrong)] * 2]
    for seating in ([[0, 1]], [[1, 0]], [[0, 0], [1, 0], [0, 1]]):
        with pytest.raises(InputError):
            play_assigned(env, cast, np.array(seating), [1, 2, 3][: len(seating)])


def test_actions_for_too_few_matches_are_not_spread_over_all() -> None:
    class Short(_Always):
        def sample(self, view: Any, memory: Any, streams: Any) -> Any:
            return np.ones((1, 1), dtype=np.int64), memory

    env = make_env("zoo:random?shape=3x3&seed=2")
    with pytest.raises(InputError, match=r"shape \(1, 1\), expected \(2, 1\)"):
        play_assigned(env, [[_Always(1), Short(1)]], np.zeros((2, 2), dtype=int), [1, 2])
