"""Networks as policies: masks, distributions, and what they may not see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from walkers import CELLS, walkers

from games import Independent, play_episodes, rollout
from games.env import View
from games.errors import InputError
from games.play import begin
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import ACT, Streams, draw_seeds
from marl.neural import Neural, masked_softmax

SEEDS = draw_seeds(np.random.default_rng(0), 64)


def network(inputs: int = CELLS + 1, outputs: int = 3) -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(inputs, 16), torch.nn.Tanh(), torch.nn.Linear(16, outputs))


def view(depth: int, width: int, batch: int = 20_000) -> View:
    yes = np.ones((batch, 1), dtype=bool)
    return View(
        np.ones((batch, 1, depth), dtype=np.float32),
        np.ones((batch, 1, width), dtype=bool),
        np.zeros((batch, 1)),
        yes,
        yes,
    )


def test_a_network_plays_legally_and_its_play_is_a_function_of_the_seed() -> None:
    env = walkers()
    team = Independent(env.spec, Neural(network(), Discrete(3)))
    whole = play_episodes(env, team, SEEDS)
    assert (play_episodes(env, team, SEEDS[5:6]).returns[0] == whole.returns[5]).all()


def test_what_a_network_says_does_not_depend_on_the_batch() -> None:
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 6))
    rng = np.random.default_rng(3)
    seen = view(64, 6, 150)._replace(observation=rng.normal(size=(150, 1, 64)).astype(np.float32))
    seen.observation.setflags(write=False)
    together, apart = Neural(net, Discrete(6)), Neural(net, Discrete(6), block=None)
    whole = together.outputs(seen)[0]
    assert np.allclose(whole, apart.outputs(seen)[0], atol=1e-5)
    for b in range(150):
        assert (together.outputs(seen.where(slice(b, b + 1)))[0] == whole[b : b + 1]).all()
    order = rng.permutation(150)
    assert (together.outputs(seen.where(order))[0] == whole[order]).all()
    with pytest.raises(InputError, match="at least one sub-environment"):
        Neural(net, Discrete(6), block=0)


def test_the_global_state_changes_no_action() -> None:
    env = walkers()
    team = Independent(env.spec, Neural(network(), Discrete(3)))
    _, step = env.reset(SEEDS)
    chosen = [
        team.sample(s, team.start(64), Streams.from_seeds(SEEDS, ACT, agents=2))[0][0]
        for s in (step, step._replace(state=step.state * 0 - 5))
    ]
    assert (chosen[0] == chosen[1]).all()
    hidden = step.groups[0].observation.copy()
    hidden[:, 0] = 9
    other = team.sample(
        step._replace(groups=(step.groups[0]._replace(observation=hidden),)),
        team.start(64),
        Streams.from_seeds(SEEDS, ACT, agents=2),
    )[0][0]
    assert (other[:, 1] == chosen[0][:, 1]).all()


def test_drawn_actions_follow_the_masked_softmax() -> None:
    policy = Neural(lambda x: torch.tensor([1.0, -2.0, 0.5, 3.0]).expand(*x.shape[:2], 4), Discrete(4))
    seen = view(1, 4)
    seen.mask[..., 3] = False
    expected = np.exp([1.0, -2.0, 0.5, -np.inf])
    expected /= expected.sum()
    probs, _ = policy.probs(seen)
    assert np.allclose(probs[0, 0], expected, atol=1e-15)
    streams = Streams.from_seeds(draw_seeds(np.random.default_rng(1), 20_000), ACT)
    share = np.bincount(policy.sample(seen, None, streams)[0][:, 0], minlength=4) / 20_000
    assert (np.abs(share - expected) <= 4 * np.sqrt(expected * (1 - expected) / 20_000)).all()
    greedy = Neural(policy.network, Discrete(4), greedy=True).sample(seen, None, streams)[0]
    assert (greedy == 0).all()


def test_several_choices_at_once_and_vectors_of_numbers() -> None:
    streams = Streams.from_seeds(draw_seeds(np.random.default_rng(2), 20_000), ACT)
    both = Neural(
        lambda x: torch.tensor([0.0, 50.0, 0.0, 0.0, 50.0]).expand(*x.shape[:2], 5), MultiDiscrete((2, 3))
    )
    assert (both.sample(view(1, 5), None, streams)[0] == [1, 2]).all()
    bell = Neural(
        lambda x: torch.tensor([1.0, -1.0, 0.0, np.log(0.5)]).expand(*x.shape[:2], 4),
        Box((-9.0, -9.0), (9.0, 9.0)),
    )
    drawn = bell.sample(view(1, 0), None, streams)[0][:, 0]
    assert np.abs(drawn.mean(axis=0) - [1, -1]).max() < 4 / 20_000**0.5
    assert np.abs(drawn.std(axis=0) - [1, 0.5]).max() < 0.03
    mean = Neural(bell.network, bell.actions, greedy=True).sample(view(1, 0), None, streams)[0]
    assert (mean == np.float32([1, -1])).all()


@pytest.mark.parametrize(
    ("output", "told"),
    [(torch.zeros(2), r"shape .* expected \(5, 1, 3\)"), (torch.full((3,), torch.nan), "not a number")],
)
def test_a_network_that_does_not_fit_is_refused(output: Any, told: str) -> None:
    policy = Neural(lambda x: output.expand(*x.shape[:2], len(output)), Discrete(3))
    with pytest.raises(InputError, match=told):
        policy.probs(view(1, 3, 5))
    with pytest.raises(InputError, match="only a policy over discrete actions"):
        Neural(policy.network, Box((0.0,), (1.0,))).probs(view(1, 0, 5))


def test_softmax_survives_any_logits() -> None:
    logits = np.array([[1e308, -1e308], [-np.inf, 0.0], [5.0, 5.0]])
    mask = np.array([[True, True], [True, True], [False, False]])
    assert masked_softmax(logits, mask).tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]


def test_networks_roll_out() -> None:
    env = walkers()
    team = Independent(env.spec, Neural(network(), Discrete(3)))
    seen = rollout(env, team, begin(env, team, SEEDS), 5)
    assert seen.actions[0].shape == (5, 64, 2)
