"""Scripted foragers: the library's heuristics decision by decision, and what ours achieve."""

from __future__ import annotations

import numpy as np
import pytest
from foraging_library import library_env, library_heuristics, put

from games import make_env
from games.env import Env
from games.errors import InputError
from games.foraging_policies import POLICIES, Forager
from games.play import Episodes, advance, begin, play_episodes, restart_stopped
from games.policy import Independent, random_policy
from games.streams import draw_seeds

URIS = ("8x8-2p-3f", "2s-8x8-3p-3f-coop", "5x5-6p-3f", "2s-10x6-4p-4f?max_player_level=4", "1s-6x6-3p-2f")


@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("name", ["h1", "h2", "h3", "h4"])
def test_heuristics_decide_as_in_the_library(name: str, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On states of random play, in every seat; where the library draws at random we are uniform over what is legal."""
    heuristic = library_heuristics(monkeypatch)[name]
    env = make_env(f"foraging:{uri}")
    forager, policy = POLICIES[name](env.spec), random_policy(env.spec)
    play = begin(env, policy, draw_seeds(np.random.default_rng(11), 4))
    peers = [library_env(env.rules.setup) for _ in range(4)]  # type: ignore[attr-defined]
    sure = 0
    for b, peer in enumerate(peers):
        put(peer, play.world.state, b)
    for _ in range(60):
        probs, _ = forager.probs(play.step.groups[0])
        for b, peer in enumerate(peers):
            for i, player in enumerate(peer.players):
                chosen = heuristic(player)._step(peer._make_obs(player))
                legal = play.step.groups[0].mask[b, i]
                expected = legal / legal.sum() if chosen is None else np.arange(6) == chosen.value
                np.testing.assert_array_equal(probs[b, i], expected)
                sure += chosen is not None
        transition = advance(env, policy, play)
        for b, peer in enumerate(peers):
            peer.step(transition.actions[0][b].tolist())
        restart_stopped(env, policy, play)
        for b in np.flatnonzero(transition.after.last):
            put(peers[b], play.world.state, b)
    setup = env.rules.setup  # type: ignore[attr-defined]
    assert sure > 10 or (name == "h3" and setup.coop and sure == 0)  # nobody can lift alone what takes all


def played_by(env: Env, name: str, episodes: int = 200) -> Episodes:
    policy = Independent(env.spec, POLICIES[name](env.spec))
    return play_episodes(env, policy, draw_seeds(np.random.default_rng(4), episodes))


def test_greedy_eats_all_that_it_can_lift_alone() -> None:
    env = make_env("foraging:8x8-2p-3f-ind")
    episodes = played_by(env, "greedy")
    assert episodes.ended.mean() > 0.99 and episodes.lengths.mean() < 20


@pytest.mark.parametrize("uri", ["8x8-2p-3f", "8x8-2p-2f-coop", "8x8-3p-3f-coop", "10x10-4p-4f"])
def test_social_finishes_what_takes_all_players(uri: str) -> None:
    """With full sight all agree where to go, and none waits for ever behind another."""
    env = make_env(f"foraging:{uri}")
    episodes = played_by(env, "social")
    assert episodes.ended.mean() > 0.95
    alone = play_episodes(env, random_policy(env.spec), episodes.seeds)
    assert episodes.returns.sum(axis=1).mean() > 3 * alone.returns.sum(axis=1).mean()


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_grids_and_lists_lead_to_the_same_choices(name: str) -> None:
    """Where nobody rounds a centre and everything in sight is in both observations."""
    for lists, grid in (("3s-7x7-1p-4f", "grid-3s-7x7-1p-4f"), ("12s-6x6-2p-3f", "grid-12s-6x6-2p-3f")):
        rounded = name in ("h2", "h4") and "2p" in lists
        envs = [make_env(f"foraging:{n}") for n in (lists, grid)]
        foragers = [POLICIES[name](env.spec) for env in envs]
        policy = random_policy(envs[0].spec)
        plays = [begin(env, policy, draw_seeds(np.random.default_rng(1), 40)) for env in envs]
        for _ in range(40):
            a, b = (f.probs(p.step.groups[0])[0] for f, p in zip(foragers, plays))
            apart = (plays[0].world.state.players[:, 0, :2] != plays[0].world.state.players[:, -1, :2]).any(
                axis=1
            )
            apart |= "1p" in lists
            if not rounded:
                np.testing.assert_array_equal(a[apart], b[apart])
            np.testing.assert_allclose(b.sum(axis=-1), 1.0)
            for env, play in zip(envs, plays):
                advance(env, policy, play)
                restart_stopped(env, policy, play)


@pytest.mark.parametrize("uri", ["2s-8x8-3p-3f-coop", "grid-2s-8x8-3p-3f-coop"])
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_choices_are_legal_and_look_at_nothing_else(name: str, uri: str) -> None:
    """One agent's choice is the same whoever else is in the view, and never illegal."""
    env = make_env(f"foraging:{uri}")
    forager = POLICIES[name](env.spec)
    play = begin(env, Independent(env.spec, forager), draw_seeds(np.random.default_rng(1), 16))
    for _ in range(60):
        view = play.step.groups[0]
        probs, _ = forager.probs(view)
        assert not probs[~view.mask].any()
        np.testing.assert_allclose(probs.sum(axis=-1), 1.0)
        alone = view._replace(reward=view.reward + 7).agents([1]).where(slice(3, 5))
        np.testing.assert_array_equal(forager.probs(alone)[0], probs[3:5, 1:2])
        advance(env, Independent(env.spec, forager), play)
        restart_stopped(env, Independent(env.spec, forager), play)


def test_foragers_refuse_what_they_cannot_play() -> None:
    with pytest.raises(InputError, match="foragers play level-based foraging"):
        POLICIES["greedy"](make_env("zoo:chicken").spec)
    hidden = make_env("foraging:8x8-2p-3f?levels=false")
    with pytest.raises(InputError, match="h1 and h2 do not"):
        POLICIES["greedy"](hidden.spec)
    assert played_by(hidden, "h1", 4).returns.shape == (4, 2)
    with pytest.raises(InputError, match="a forager's goal is nearest"):
        Forager(hidden.spec, "farthest", "any")  # type: ignore[arg-type]
