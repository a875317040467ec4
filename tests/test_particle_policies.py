"""Scripted particles: they share out posts as scipy does, and do far better than chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from games import make_env
from games import particle_policy_kernels as kernels
from games.errors import InputError
from games.particle_policies import POLICIES, Particle
from games.play import Episodes, play_episodes
from games.policy_names import find_policy, policy_names, team
from games.sims.particles import EXAMPLES

SEEDS = np.arange(200, dtype=np.uint64)


def play(uri: str, **chosen: str) -> Episodes:
    env = make_env(uri)
    return play_episodes(
        env, team(env, {who.replace("all", ""): name for who, name in chosen.items()}), SEEDS
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_posts_are_shared_out_at_the_least_sum_of_distances(count: int) -> None:
    """Against scipy; each agent finds the same assignment from its own view."""
    env = make_env(f"mpe:simple-spread?N={count}")
    world, step = env.reset(SEEDS[:50])
    seen = step.groups[0].observation
    room = [np.zeros((count, count)), np.zeros((3, count + 1)), *np.zeros((2, count + 1), dtype=np.int64)]
    wish = np.empty((50, count, 2))
    kernels.own_posts(seen, *room, wish)
    for b in range(50):
        place, posts = world.state.place[b], world.state.posts[b]
        cost = np.linalg.norm(place[:, None] - posts, axis=2)
        _, best = linear_sum_assignment(cost)
        assert np.allclose(place + wish[b], posts[best], atol=1e-6)


@pytest.mark.parametrize(("kind", "share"), [("", 0.5), ("&continuous=true", 0.9)])
def test_cover_covers(kind: str, share: float) -> None:
    """One whole push takes a particle 0.2 further, so with choices it can stop anywhere up to 0.14 from its post."""
    uri = f"mpe:simple-spread?N=3&max_cycles=60{kind}"
    scripted, random = (play(uri, all=name).returns.mean() for name in ("cover", "random"))
    assert scripted > 0.35 * random
    assert play(f"{uri}&terminate_on_success=true", all="cover").ended.mean() > share


@pytest.mark.parametrize("kind", ["", "?continuous=true"])
def test_guide_leads_the_listener_to_its_goal(kind: str) -> None:
    uri = f"mpe:simple-speaker-listener{kind}"
    together = play(uri, all="guide").returns.mean()
    misled = play(uri, listener="guide").returns.mean()
    assert together > 0.5 * misled and together > 0.25 * play(uri).returns.mean()


@pytest.mark.parametrize(
    "uri", ["mpe:simple-tag", "mpe:simple-tag?num_good=2&num_obstacles=0&continuous=true"]
)
def test_hunters_catch_and_prey_gets_away(uri: str) -> None:
    games = {
        (hunters, prey): play(uri, adversaries=hunters, prey=prey).returns
        for hunters in ("hunt", "random")
        for prey in ("hunt", "random")
    }
    catches = {who: float(returns[:, 0].mean()) for who, returns in games.items()}
    losses = {who: float(returns[:, -1].mean()) for who, returns in games.items()}
    assert catches["hunt", "random"] > 3 * catches["random", "random"]
    assert catches["hunt", "hunt"] < 0.7 * catches["hunt", "random"]
    assert losses["random", "hunt"] > losses["random", "random"]


def test_each_policy_fits_its_own_world_only() -> None:
    homes = {"cover": EXAMPLES[:2], "hunt": EXAMPLES[2:3], "guide": EXAMPLES[3:]}
    for uri in EXAMPLES:
        names = policy_names(make_env(uri))
        assert [name for name in POLICIES if name in names] == [n for n, uris in homes.items() if uri in uris]
    complaints: list[tuple[str, str, str]] = [
        (
            "mpe:simple-tag",
            "cover",
            r"policy cover is for another of the particle worlds; .* has random.*hunt",
        ),
        ("zoo:chicken", "hunt", r"policy hunt is for mpe, and zoo:chicken is none"),
        ("mpe:simple-tag", "zero", r"policy zero is for swarm, and mpe:simple-tag is none; it has random"),
    ]
    for uri, name, complaint in complaints:
        with pytest.raises(InputError, match=complaint):
            find_policy(name, make_env(uri))


def test_a_scripted_particle_minds_only_what_it_sees() -> None:
    env = make_env("mpe:simple-spread?N=4")
    _, step = env.reset(SEEDS[:9])
    policy: Any = POLICIES["cover"](env.spec)
    assert repr(policy) == "Particle('cover')" and isinstance(policy, Particle)
    whole, _ = policy.sample(step.groups[0], None, None)
    for i in range(4):
        alone, _ = policy.sample(step.groups[0].agents([i]), None, None)
        assert np.array_equal(alone[:, 0], whole[:, i])
