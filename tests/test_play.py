"""Playing: rollouts, episodes and policies put together agent by agent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from walkers import CELLS, walkers

from games import Independent, make_env, play_episodes, random_policy, rollout
from games.env import EnvSpec, Group, View, check_actions
from games.errors import InputError
from games.play import begin
from games.policy import Memoryless, Random, Tabular, keep_where
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import ACT, Streams, draw_seeds

SEEDS = draw_seeds(np.random.default_rng(0), 40)


class Marching(Memoryless):
    """Always to the right."""

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Any, None]:
        return np.where(view.mask[..., 2], 2, 0), None


class Counting:
    """Stays for its first steps of an episode, then goes right."""

    def start(self, batch: int, agents: int) -> Any:
        return np.zeros((batch, agents), dtype=np.int64)

    def sample(self, view: View, memory: Any, streams: Streams) -> tuple[Any, Any]:
        return np.where((memory >= 2) & view.mask[..., 2], 2, 0), memory + 1


@pytest.mark.parametrize("batch", [1, 7, 40, 1000])
def test_episodes_depend_on_their_seeds_alone(batch: int) -> None:
    env = walkers()
    whole = play_episodes(env, random_policy(env.spec), SEEDS, batch=batch)
    alone = play_episodes(env, random_policy(env.spec), SEEDS[13:14])
    assert (whole.returns[13] == alone.returns[0]).all()
    assert whole.lengths[13] == alone.lengths[0]
    again = play_episodes(env, random_policy(env.spec), SEEDS[::-1])
    assert (again.returns[::-1] == whole.returns).all()
    assert (again.ended[::-1] == whole.ended).all()


def test_marching_walkers_always_arrive_without_slips() -> None:
    env = walkers(horizon=None)
    episodes = play_episodes(env, Independent(env.spec, Marching()), SEEDS)
    assert episodes.ended.all()
    assert (episodes.returns == 1).all()
    assert (episodes.lengths >= CELLS - 2).all()
    cut = play_episodes(env, Independent(env.spec, Marching()), SEEDS, max_steps=2)
    assert (cut.lengths == 2).all()
    assert not cut.ended.any()
    assert (cut.returns == 0).all()


def test_rollout_records_what_was_seen_and_restarts() -> None:
    env = walkers(horizon=6)
    policy = random_policy(env.spec)
    play = begin(env, policy, SEEDS)
    first = rollout(env, policy, play, 10)
    second = rollout(env, policy, play, 10)
    whole = rollout(env, policy, begin(env, policy, SEEDS), 20)
    assert whole.before.groups[0].observation.shape == (20, 40, 2, CELLS + 1)
    assert (np.concatenate([first.actions[0], second.actions[0]]) == whole.actions[0]).all()
    goes_on = ~whole.after.last[:-1]
    assert (whole.after.state[:-1][goes_on] == whole.before.state[1:][goes_on]).all()
    fresh = whole.before.state[1:][~goes_on]
    assert (fresh <= 1).all()
    assert (whole.before.groups[0].reward[1:][~goes_on] == 0).all()
    assert whole.after.last[5].all()
    assert not whole.before.last.any()


def test_memory_starts_afresh_with_every_episode() -> None:
    env = walkers(horizon=4)
    policy = Independent(env.spec, Counting())
    play = begin(env, policy, SEEDS)
    seen = rollout(env, policy, play, 12)
    moved = (seen.actions[0] == 2).any(axis=2).reshape(3, 4, 40)
    assert not moved[:, :2].any()
    assert moved[:, 2:].all()


def test_each_seat_draws_from_its_own_stream() -> None:
    """What one seat plays does not change the luck of another."""
    env = walkers()
    always = Independent(env.spec, {"A": Marching(), "B": Random(Discrete(3))})
    mixed = Independent(env.spec, {"A": Random(Discrete(3)), "B": Random(Discrete(3))})
    played = [rollout(env, policy, begin(env, policy, SEEDS), 1).actions[0] for policy in (always, mixed)]
    assert (played[0][0, :, 1] == played[1][0, :, 1]).all()
    assert (played[0][0, :, 0] != played[1][0, :, 0]).any()


def test_neighbouring_seats_with_one_policy_play_together_as_they_would_apart() -> None:
    env = make_env("zoo:random?shape=3x3x3&seed=1")
    one = Random(Discrete(3))
    together = Independent(env.spec, one)
    apart = Independent(env.spec, {agent: Random(Discrete(3)) for agent in env.spec.agents})
    assert [len(policy.seats) for policy in (together, apart)] == [1, 3]
    a, b = (play_episodes(env, policy, SEEDS).returns for policy in (together, apart))
    assert (a == b).all()


def test_tabular_play_follows_its_table() -> None:
    env = make_env("zoo:prisoners-dilemma")
    team = Independent(env.spec, {"Player 1": Tabular([[0.25, 0.75]]), "Player 2": Tabular([[1.0, 0.0]])})
    seeds = draw_seeds(np.random.default_rng(1), 20_000)
    play = begin(env, team, seeds)
    actions = rollout(env, team, play, 1).actions[0][0]
    assert (actions[:, 1] == 0).all()
    assert abs(actions[:, 0].mean() - 0.75) < 4 * (0.75 * 0.25 / 20_000) ** 0.5
    both = Independent(env.spec, Tabular([[[0.25, 0.75]], [[1.0, 0.0]]]))
    assert (rollout(env, both, begin(env, both, seeds), 1).actions[0][0] == actions).all()


def test_a_table_without_a_legal_action_is_refused() -> None:
    env = walkers()
    team = Independent(env.spec, Tabular(np.eye(3)[np.ones(2 * CELLS, dtype=int)]))  # always left
    with pytest.raises(InputError, match="gives no legal action in situation"):
        play_episodes(env, team, SEEDS)
    with pytest.raises(InputError, match="not negative"):
        Tabular([[-1.0, 2.0]])


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        ({"A": Marching()}, "walkers: B has no policy"),
        ({"walkers": Marching(), "C": Marching()}, "walkers has no agent or group 'C'"),
    ],
)
def test_a_team_needs_a_policy_for_each(policies: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Independent(walkers().spec, policies)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch": 0}, "at least one episode"),
        ({"max_steps": 0}, "at least one step, not 0"),
        ({"seeds": []}, "at least one seed"),
    ],
)
def test_nonsense_is_refused(options: Any, told: str) -> None:
    env = walkers()
    with pytest.raises(InputError, match=told):
        play_episodes(env, random_policy(env.spec), **{"seeds": SEEDS, **options})
    with pytest.raises(InputError, match="at least one step"):
        rollout(env, random_policy(env.spec), begin(env, random_policy(env.spec), SEEDS), 0)


def test_progress_never_goes_back_and_watchers_see_every_step() -> None:
    env, told, seen = walkers(horizon=5), [], []
    play_episodes(
        env,
        random_policy(env.spec),
        SEEDS,
        batch=16,
        progress=lambda fraction, _: told.append(fraction),
        watch=lambda world, step, actions: seen.append(actions is None),
    )
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert sum(seen) == 3
    assert len(seen) == 3 * 6


# --- spaces and the check of actions ---------------------------------------------------------------------------


def crowd() -> EnvSpec:
    return EnvSpec(
        "crowd",
        (
            Group("workers", ("a", "b"), (1,), Discrete(3), ("up", "down", "rest")),
            Group("planner", ("p",), (1,), MultiDiscrete((2, 3))),
            Group("movers", ("m",), (1,), Box((-1.0, 0.0), (1.0, float("inf")))),
        ),
        state=0,
    )


def look(spec: EnvSpec, batch: int = 2) -> Any:
    from games.env import Step

    views = tuple(
        View(
            np.zeros((batch, g.size, 1), dtype=np.float32),
            np.ones((batch, g.size, g.width), dtype=bool),
            np.zeros((batch, g.size)),
            np.ones((batch, g.size), dtype=bool),
            np.ones((batch, g.size), dtype=bool),
        )
        for g in spec.groups
    )
    return Step(views, np.zeros((batch, 0)), np.ones(batch, dtype=np.float32), np.zeros(batch, dtype=bool))


def test_random_play_fits_every_space() -> None:
    spec, step = crowd(), look(crowd(), 500)
    team = random_policy(spec)
    streams = Streams.from_seeds(np.arange(500, dtype=np.uint64), ACT, agents=4)
    actions, _ = team.sample(step, team.start(500), streams)
    clean = check_actions(spec, step, actions)
    assert [part.shape for part in clean] == [(500, 2), (500, 1, 2), (500, 1, 2)]
    assert [part.dtype for part in clean] == [np.int32, np.int32, np.float32]
    assert set(clean[1][:, 0, 1].tolist()) == {0, 1, 2}
    assert (np.abs(clean[2][..., 0]) <= 1).all()
    assert (clean[2][..., 1] >= 0).all()


def test_random_numbers_fill_boxes_as_wide_as_numbers_go() -> None:
    most = float(np.finfo(np.float32).max)
    box = Box((-most, 0.0, -1e39, 5.0), (most, float("inf"), 1e39, 5.0))
    spec = EnvSpec("wide", (Group("g", ("a",), (1,), box),), 0)
    streams = Streams.from_seeds(np.arange(500, dtype=np.uint64), ACT)
    actions, _ = random_policy(spec).sample(look(spec, 500), [None], streams)
    (clean,) = check_actions(spec, look(spec, 500), actions)
    assert 0.2 < (np.abs(clean[:, 0, 0]) < most / 2).mean() < 0.8
    assert clean[:, 0, 1].min() == 0
    assert np.abs(clean[:, 0, 2]).max() < 10
    assert (clean[:, 0, 3] == 5).all()


GOOD: list[Any] = [np.zeros((2, 2), dtype=int), np.zeros((2, 1, 2), dtype=int), np.zeros((2, 1, 2))]


def spoilt(part: int, value: Any, *where: Any) -> list[Any]:
    actions = [array.copy() for array in GOOD]
    actions[part][where] = value
    return actions


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        (
            spoilt(0, 3, 1, 0),
            "crowd: a chose action 3 in sub-environment 1, which is not legal there; legal: 0 (up), 1 (down), 2 (rest)",
        ),
        (spoilt(0, 1, 0, 1), "crowd: b chose action 1 (down) in sub-environment 0"),
        (
            spoilt(1, 2, 1, 0, 0),
            "crowd: p chose action 2 for part 0 in sub-environment 1, which is not legal there; legal: 0, 1",
        ),
        (spoilt(1, -1, 0, 0, 1), "p chose action -1 for part 1"),
        (
            spoilt(2, np.nan, 0, 0, 1),
            "m chose nan for part 1 of its action in sub-environment 0; expected a finite number from 0 to inf",
        ),
        (spoilt(2, np.inf, 1, 0, 1), "m chose inf for part 1 of its action in sub-environment 1"),
        (spoilt(2, 1e300, 1, 0, 1), "m chose 1e+300 for part 1"),
        ([*GOOD[:2], GOOD[2].astype(complex)], "type complex128, expected numbers"),
        ([*GOOD[:2], GOOD[2].astype(str)], "expected numbers"),
        ([[[1], [1, 2]], *GOOD[1:]], "actions of group 'workers' are not an array"),
        (None, "a tuple of 3 arrays"),
        (GOOD[:2], "a tuple of 3 arrays, one per group"),
        (GOOD[0], "a tuple of 3 arrays"),
        ([GOOD[0][:1], *GOOD[1:]], "shape (1, 2), expected (2, 2) (sub-environments, agents)"),
        ([GOOD[0].astype(float), *GOOD[1:]], "type float64, expected integers"),
    ],
)
def test_bad_actions_are_named(actions: Any, told: str) -> None:
    spec, step = crowd(), look(crowd())
    step.groups[0].mask[0, 1, 1] = False
    with pytest.raises(InputError) as caught:
        check_actions(spec, step, actions)
    assert told in str(caught.value)


def test_numbers_outside_their_box_are_clipped_once() -> None:
    spec = crowd()
    actions = spoilt(2, np.array([-np.inf, 1e30]), 1, 0)
    clean = check_actions(spec, look(spec), actions)
    assert clean[2][1, 0].tolist() == [-1.0, np.float32(1e30)]


def test_stacked_steps_keep_agents_and_sub_environments_apart() -> None:
    spec = crowd()
    steps = [look(spec, 2), look(spec, 2)]
    for t, step in enumerate(steps):
        for view in step.groups:
            view.reward[...] = 10 * t + np.arange(2)[:, None]
    parts = []
    for pair in zip(*(step.groups for step in steps)):
        columns: list[Any] = [None if c[0] is None else np.stack(c) for c in zip(*pair)]
        parts.append(View(*columns))
    stacked = steps[0]._replace(groups=tuple(parts), last=np.stack([step.last for step in steps]))
    assert stacked.batch == 2
    assert (stacked.rewards == np.stack([step.rewards for step in steps])).all()
    assert stacked.rewards[1, 1].tolist() == [11.0] * 4
    one = stacked.groups[0].agents(slice(1, 2))
    assert one.observation.shape == (2, 2, 1, 1)
    assert one.mask.shape == (2, 2, 1, 3)
    assert one.reward[:, 1, 0].tolist() == [1.0, 11.0]


def test_memory_of_any_shape_is_kept_where_play_goes_on() -> None:
    where = np.array([True, False])
    old = (np.array([1, 2]), [np.ones((2, 3)), None])
    new = (np.array([0, 0]), [np.zeros((2, 3)), None])
    kept = keep_where(old, new, where)
    assert kept[0].tolist() == [0, 2]
    assert kept[1][0].tolist() == [[0] * 3, [1] * 3]
    assert kept[1][1] is None
    named = keep_where({"h": np.array([1, 2])}, {"h": np.array([0, 0])}, where)
    assert named["h"].tolist() == [0, 2]
    assert old[0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Discrete(0), "at least one choice"),
        (lambda: Discrete(2.5), "at least one choice, not 2.5"),  # type: ignore[arg-type]
        (lambda: MultiDiscrete((2, True)), "positive numbers of choices"),
        (lambda: Box((float("inf"),), (float("inf"),)), "lower and upper bounds in order"),
        (lambda: Tabular("x"), "not an array of numbers"),
        (lambda: Tabular([[0.5, 0.5], [1.0]]), "not an array of numbers"),
        (lambda: MultiDiscrete(()), "positive numbers of choices"),
        (lambda: Box((1.0,), (0.0,)), "lower and upper bounds in order"),
        (lambda: Group("g", (), (1,), Discrete(1)), "has no agents"),
        (lambda: Group("g", ("a",), (1,), Discrete(2), ("x",)), "1 action names do not fit"),
        (
            lambda: EnvSpec("e", (Group("g", ("a",), (1,), Discrete(1)),) * 2, 0),
            "two agents of the same name",
        ),
        (lambda: EnvSpec("e", (), 0), "has no agents"),
    ],
)
def test_impossible_specs_are_refused(make: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        make()
