"""Particle worlds: the same as mpe2's, step by step; where everybody starts; ends and cut-offs; bad input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from games import make_env
from games.errors import InputError
from games.laws import LAWS, check_env
from games.sims import particles_kernels as physics
from games.sims.particles import EXAMPLES, setup_of
from games.sims.particles_setup import Spread, Tag, read_setup, setup_uri

SPREADS = [
    *(f"simple-spread?N={n}{kind}" for n in range(1, 6) for kind in ("", "&continuous=true")),
    "simple_spread?N=4&local_ratio=0&max_cycles=40",
    "simple_spread_v3?N=5&local_ratio=1&max_cycles=7",
    "simple-spread?N=9&local_ratio=0.25",
]
OTHERS = [
    "simple-tag",
    "simple_tag_v3?continuous=true",
    "simple-tag?num_good=3&num_adversaries=2&num_obstacles=4&max_cycles=60",
    "simple-tag?num_good=2&num_adversaries=5&num_obstacles=0&continuous=true",
    "simple-speaker-listener",
    "simple_speaker_listener_v4?continuous=true&max_cycles=9",
]


def theirs() -> Any:
    pytest.importorskip("mpe2", reason="compares with mpe2, which the extra envs brings")
    return __import__("particle_library")


@pytest.mark.parametrize("name", [*SPREADS, *OTHERS])
def test_every_step_is_the_librarys(name: str) -> None:
    env = make_env(f"mpe:{name}")
    steps = 3 * (env.spec.horizon or 0) + 5
    counts = theirs().side_by_side(env, batch=3, steps=steps, seed=1)
    assert counts["cut off"] == 9 and counts["ended"] == 0
    movers = env.rules.matter.radius.size  # type: ignore[attr-defined]
    assert counts["touches"] > 0 or movers < 3


@pytest.mark.parametrize("name", ["simple-spread?N=2", "simple-tag?num_good=2&max_cycles=60"])
def test_every_step_is_the_librarys_far_out_and_at_full_speed(name: str) -> None:
    counts = theirs().side_by_side(make_env(f"mpe:{name}"), batch=4, steps=70, seed=2, persistent=True)
    assert counts["furthest"] > 2.0


def test_deep_collisions_are_the_librarys() -> None:
    """So many particles that most overlap: every branch of the contact force."""
    counts = theirs().side_by_side(make_env("mpe:simple-spread?N=25&max_cycles=50"), 3, 50, seed=3)
    assert counts["touches"] > 200


@pytest.mark.parametrize(
    "name",
    ["simple-spread?N=1&max_cycles=60", "simple-tag?num_adversaries=6&num_obstacles=0&max_cycles=12"],
)
def test_success_ends_the_game_as_in_the_library(name: str) -> None:
    """Discount 0 then; in the last step too, where the library calls it cut off."""
    env = make_env(f"mpe:{name}", terminate_on_success=True)
    counts = theirs().side_by_side(env, batch=4, steps=240, seed=4)
    assert counts["ended"] > 0 and counts["cut off"] > 0


def test_a_success_in_the_last_step_has_ended() -> None:
    env = make_env("mpe:simple-spread?N=1&max_cycles=1&terminate_on_success=true")
    world, _ = env.reset(np.arange(2, dtype=np.uint64))
    world.state.posts[0] = world.state.place[0]
    world.state.posts[1] = world.state.place[1] + 1.0
    _, step = env.step(world, (np.zeros((2, 1), dtype=np.int32),))
    assert step.last.all() and step.discount.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "uri", [*EXAMPLES, "mpe:simple-speaker-listener?continuous=true", "mpe:simple-tag?N=1"]
)
def test_worlds_obey_the_laws(uri: str) -> None:
    env = make_env(uri.replace("?N=1", "?num_good=2&num_obstacles=0&terminate_on_success=true"))
    assert len(check_env(env)) == len(LAWS)


def test_everything_starts_uniformly_and_at_rest() -> None:
    """Kolmogorov-Smirnov on each coordinate; a false alarm once in 10,000 runs, but the seeds are fixed."""
    seeds = np.arange(4000, dtype=np.uint64)
    world, step = make_env("mpe:simple-spread?N=2").reset(seeds)
    tag, _ = make_env("mpe:simple-tag").reset(seeds)
    talk, _ = make_env("mpe:simple-speaker-listener").reset(seeds)
    drawn = [(place, 1.0) for place in (world.state.place, world.state.posts, tag.state.place)]
    drawn += [(tag.state.posts, 0.9), (talk.state.bodies.place, 1.0), (talk.state.bodies.posts, 1.0)]
    columns = [
        (places[:, i, k], reach) for places, reach in drawn for i in range(places.shape[1]) for k in (0, 1)
    ]
    for column, reach in columns:
        assert stats.kstest(column, stats.uniform(-reach, 2 * reach).cdf).pvalue > 1e-4 / len(columns)
    both = np.corrcoef(np.concatenate([world.state.place, world.state.posts], axis=1).reshape(4000, -1).T)
    assert np.abs(both - np.eye(8)).max() < 5 / math.sqrt(4000)
    assert stats.chisquare(np.bincount(talk.state.goal, minlength=3)).pvalue > 1e-4
    assert not world.state.velocity.any() and not step.groups[0].observation[..., :2].any()


def test_a_cut_off_is_no_end_and_a_restart_forgets() -> None:
    env = make_env("mpe:simple-speaker-listener?max_cycles=3")
    world, step = env.reset(np.arange(3, dtype=np.uint64))
    says = (np.full((3, 1), 2, dtype=np.int32), np.full((3, 1), 4, dtype=np.int32))
    for left in (2, 1, 0):
        world, step = env.step(world, says)
        assert np.allclose(step.state[:, -1], left / 3)
        assert (step.groups[1].observation[..., -3:] == [0, 0, 1]).all() and (step.discount == 1).all()
    assert step.last.all()
    world, step = env.restart(world, np.array([True, False, True]))
    assert step.last.tolist() == [False, True, False] and step.state[:, -1].tolist() == [1, 0, 1]
    assert not step.groups[1].observation[[0, 2], 0, -3:].any()
    assert not step.groups[1].observation[[0, 2], 0, :2].any() and step.groups[1].observation[1, 0, 1] > 0


@pytest.mark.parametrize("uri", EXAMPLES)
def test_the_state_tells_all_that_matters(uri: str) -> None:
    """Two particles' worth of state in one row: what the views show follows from it."""
    env = make_env(uri)
    world, step = env.reset(np.arange(5, dtype=np.uint64))
    bodies = getattr(world.state, "bodies", world.state)
    n, m = bodies.place.shape[1], bodies.posts.shape[1]
    told = step.state[:, : 4 * n].reshape(5, n, 2, 2)
    assert np.array_equal(told[:, :, 1], bodies.place.astype(np.float32)) and not told[:, :, 0].any()
    posts = step.state[:, 4 * n : 4 * n + 2 * m].reshape(5, m, 2)
    assert np.array_equal(posts, bodies.posts.astype(np.float32)) and (step.state[:, -1] == 1).all()
    if uri.endswith("listener"):
        assert np.array_equal(step.state[:, 10:13].argmax(axis=1), world.state.goal)
        assert np.array_equal(step.groups[0].observation[:, 0].argmax(axis=1), world.state.goal)


@given(st.floats(0, 3), st.floats(0.01, 0.5))
def test_the_contact_force_is_the_soft_positive_part(distance: float, touching: float) -> None:
    wanted = np.logaddexp(0, -(distance - touching) / 1e-3) * 1e-3
    assert math.isclose(physics.overlap(distance, touching), wanted, rel_tol=1e-12, abs_tol=1e-300)


def test_momentum_is_kept_in_collisions() -> None:
    """Without pushes the sum of velocities only fades, by a quarter a step, whoever collides."""
    env = make_env("mpe:simple-spread?N=12&max_cycles=30")
    world, _ = env.reset(np.arange(20, dtype=np.uint64))
    world.state.velocity[:] = np.random.default_rng(0).normal(size=world.state.velocity.shape)
    before = world.state.velocity.sum(axis=1)
    alone = world.state.velocity * 0.75**20
    for _ in range(20):
        world, _ = env.step(world, (np.zeros((20, 12), dtype=np.int32),))
    assert np.allclose(world.state.velocity.sum(axis=1), before * 0.75**20, atol=1e-12)
    assert np.abs(world.state.velocity - alone).max() > 0.01


def test_two_at_the_same_place_do_not_make_nan() -> None:
    env = make_env("mpe:simple-spread?N=2")
    world, _ = env.reset(np.arange(1, dtype=np.uint64))
    world.state.place[:] = 0.25
    _, step = env.step(world, (np.array([[1, 2]], dtype=np.int32),))
    assert np.isfinite(step.groups[0].observation).all() and np.isfinite(step.rewards).all()


def test_common_reward_is_said_where_it_is_so() -> None:
    for query, common in (("N=3", False), ("N=3&local_ratio=0", True), ("N=1", True)):
        assert make_env(f"mpe:simple-spread?{query}").spec.common_reward is common
    assert make_env("mpe:simple-speaker-listener").spec.common_reward


@pytest.mark.parametrize("name", [*SPREADS, *OTHERS])
def test_a_name_makes_the_same_world_again(name: str) -> None:
    spec = make_env(f"mpe:{name}").spec
    again = make_env(spec.name).spec
    assert again == spec and setup_uri(setup_of(again)) == spec.name
    spaced = spec.name.replace("mpe:simple-", "MPE:Simple_", 1)
    assert make_env(spaced).spec == spec


def test_parameters_may_be_python_values_and_mpe2s_spellings() -> None:
    assert read_setup("simple_spread", {"n": 5, "continuous_actions": True}) == Spread(5, continuous=True)
    assert read_setup("Simple Tag", {"num_good": "2", "continuous": "yes"}) == Tag(2, continuous=True)


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("mpe:simple-spread?N=0", r"^mpe:simple-spread: N must be from 1 to 1,000, not 0$"),
        ("mpe:simple-spread?N=1001", r"N must be from 1 to 1,000, not 1,001"),
        ("mpe:simple-spread?N=99999999999999999999999", r"N=9+ is not a whole number"),
        ("mpe:simple-spread?N=two", r"^mpe:simple-spread: parameter N=two is not a whole number$"),
        ("mpe:simple-spread?N=2&n=3", r"N is given twice, also as n"),
        ("mpe:simple-spread?local_ratoi=1", r"no parameter 'local_ratoi'; did you mean 'local_ratio'\?"),
        ("mpe:simple-spread?wind=1", r"no parameter 'wind'; it has N, local_ratio, max_cycles, continuous, "),
        ("mpe:simple-spread?local_ratio=1.5", r"local_ratio is a share from 0 to 1, not 1.5"),
        ("mpe:simple-spread?local_ratio=nan", r"local_ratio=nan is not a finite number"),
        ("mpe:simple-spread?max_cycles=0", r"max_cycles must be from 1 to 2,147,483,647, not 0"),
        ("mpe:simple-spread?continuous=maybe", r"continuous=maybe is not true or false"),
        ("mpe:simple-spread?curriculum=true", r"pettingzoo:mpe2.simple_spread_v3\?curriculum=\.\.\."),
        ("mpe:simple-tag?num_good=0", r"num_good must be from 1 to 1,000, not 0"),
        ("mpe:simple-tag?num_good=900&num_obstacles=900", r"at most 1,000 together, not 1,803"),
        ("mpe:simple-tag?num_obstacles=-1", r"num_obstacles must be from 0 to 1,000, not -1"),
        (
            "mpe:simple-spread-v2",
            r"simple-spread-v2 is not the version that is played here; take mpe:simple-spread$",
        ),
        ("mpe:spread", r"there is no mpe:spread; did you mean mpe:simple-spread\?"),
        ("mpe:", r"there is no mpe:; known are simple-spread, simple-tag, simple-speaker-listener"),
        (
            "mpe:simple-adversary",
            r"not among the particle worlds here, .* pettingzoo:mpe2.simple_adversary_v3$",
        ),
        ("mpe:simple_line_v1", r"mpe2's own is pettingzoo:mpe2.simple_line_v1$"),
        ("mpe:simple", r"mpe:simple is not among .* pettingzoo:mpe2.simple_v3$"),
        ("mpee:simple-spread", r"unknown kind of environment 'mpee'; did you mean mpe:"),
    ],
)
def test_bad_input_gets_one_sentence(uri: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        make_env(uri)
    assert "\n" not in str(caught.value)


def test_only_particle_worlds_have_such_a_setup() -> None:
    with pytest.raises(InputError, match="zoo:chicken is no particle world; expected mpe:simple-spread"):
        setup_of(make_env("zoo:chicken").spec)


@pytest.mark.parametrize("uri", EXAMPLES)
def test_scenes_show_everybody_even_far_out(uri: str) -> None:
    env = make_env(uri)
    world, _ = env.reset(np.arange(2, dtype=np.uint64))
    bodies = getattr(world.state, "bodies", world.state)
    bodies.place[1, 0] = (7.0, -9.0)
    for which, side in ((0, 2.4), (1, 2 * 9)):
        scene = env.scene(world, which)
        assert scene.width == scene.height >= side
        assert len(scene.marks) == bodies.place.shape[1] + bodies.posts.shape[1]
        for mark in scene.marks:
            assert mark.size / 2 <= mark.x + 1e-9 <= scene.width and 0 <= mark.y <= scene.height
        assert scene.text.startswith("step 0 of 25")
    scene = env.scene(world, 1)
    assert any(math.isclose(mark.x - scene.width / 2, 7.0) and mark.text == "0" for mark in scene.marks)
