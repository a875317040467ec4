"""mpe2's own particle worlds beside ours: put into the same state, played by the same actions."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import Any

import numpy as np

from games.env import Env
from games.play import begin, restart_stopped
from games.policy import random_policy
from games.streams import draw_seeds


def library_env(setup: Any, **more: Any) -> Any:
    """mpe2's parallel environment with the setup of one of ours."""
    given = {name: getattr(setup, name) for name in [field.name for field in fields(setup)]}
    given["continuous_actions"] = given.pop("continuous")
    return import_module(f"mpe2.{setup.LIBRARY}").parallel_env(**given, **more)


def put(library: Any, env: Env, world: Any, b: int) -> dict[str, Any]:
    """Begin an episode in the library in the state of our sub-environment b; its first observations."""
    library.reset(seed=0)
    raw, state = library.unwrapped, world.state
    speech = hasattr(state, "bodies")
    bodies = state.bodies if speech else state
    movers = [agent for agent in raw.world.agents if agent.movable]
    assert len(movers) == bodies.place.shape[1] and len(raw.world.landmarks) == bodies.posts.shape[1]
    for i, agent in enumerate(movers):
        agent.state.p_pos, agent.state.p_vel = bodies.place[b, i].copy(), bodies.velocity[b, i].copy()
    for post, where in zip(raw.world.landmarks, bodies.posts[b]):
        post.state.p_pos = where.copy()
    if speech:
        raw.world.agents[0].goal_b = raw.world.landmarks[int(state.goal[b])]
    return {agent: raw.observe(agent) for agent in library.possible_agents}


def side_by_side(env: Env, batch: int, steps: int, seed: int, persistent: bool = False) -> dict[str, float]:
    """Play at random in ours and in the library; how often what happened.

    Everything that is seen and paid must agree to 1e-6, and episodes must end in the same way. `persistent` agents
    keep their action for six steps, so that they get fast and far.
    """
    spec, setup = env.spec, env.rules.setup  # type: ignore[attr-defined]
    libraries = [library_env(setup) for _ in range(batch)]
    assert list(spec.agents) == libraries[0].possible_agents
    policy = random_policy(spec)
    play = begin(env, policy, draw_seeds(np.random.default_rng(seed), batch))
    counts = {"ended": 0, "cut off": 0, "touches": 0, "furthest": 0.0}
    for b, library in enumerate(libraries):
        same_view(spec, play.step, b, put(library, env, play.world, b))
    chosen: Any = None
    for t in range(steps):
        if chosen is None or not persistent or t % 6 == 0:
            chosen, play.memory = policy.sample(play.step, play.memory, play.streams)
        play.world, play.step = env.step(play.world, chosen)
        for b, library in enumerate(libraries):
            compare_step(spec, play.step, b, library, chosen, counts, setup.max_cycles)
        stopped = play.step.last.copy()
        restart_stopped(env, policy, play)
        for b in np.flatnonzero(stopped):
            same_view(spec, play.step, b, put(libraries[b], env, play.world, b))
    return counts


def compare_step(
    spec: Any, step: Any, b: int, library: Any, chosen: Any, counts: dict[str, float], cycles: int
) -> None:
    """Step the library, and hold our step, already made, against it."""
    acts = {
        agent: chosen[g][b, i] if np.ndim(chosen[g][b, i]) else int(chosen[g][b, i])
        for agent, (g, i) in spec.places.items()
    }
    seen, paid, ended, cut, _ = library.step(acts)
    raw = library.unwrapped
    same_view(spec, step, b, seen)
    for agent, (g, i) in spec.places.items():
        assert abs(step.groups[g].reward[b, i] - paid[agent]) < 1e-9 * max(1.0, abs(paid[agent]))
    over = raw.scenario.is_terminal(raw.world)
    assert step.last[b] == (all(ended.values()) or all(cut.values()))
    assert step.discount[b] == (0.0 if over else 1.0)
    assert all(ended.values()) == (over and raw.steps < cycles)
    counts["ended"] += over
    counts["cut off"] += bool(step.last[b]) and not over
    solid = [one for one in raw.world.entities if one.collide]
    for k, one in enumerate(solid):
        counts["furthest"] = max(counts["furthest"], float(np.abs(one.state.p_pos).max()))
        for two in solid[:k]:
            away = np.linalg.norm(one.state.p_pos - two.state.p_pos)
            counts["touches"] += (one.movable or two.movable) and away < one.size + two.size


def same_view(spec: Any, step: Any, b: int, seen: dict[str, Any]) -> None:
    """Our observations of sub-environment b are these."""
    for agent, (g, i) in spec.places.items():
        ours = step.groups[g].observation[b, i]
        assert ours.dtype == seen[agent].dtype and ours.shape == seen[agent].shape
        np.testing.assert_allclose(ours, seen[agent], rtol=1e-6, atol=1e-7)
