"""What the rows of `bench envs` share: our agents in the middle of play, and comparing what two sides experienced."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.bench.harness import Duel, Finding, Setting, contender, run_duel
from experiments.bench.timing import Side, steady
from games.env import Env
from games.play import advance, begin, restart_stopped
from games.policy import JointPolicy, random_policy
from games.streams import draw_seeds

SEED = 1
_SAMPLE_S, _QUICK_S = 0.25, 0.05
_TOLERANCE = 6.0
"""Standard errors by which two means of the same quantity may differ."""


@dataclass(frozen=True)
class Tally:
    """What happened in some joint steps.

    Parameters
    ----------
    steps : int
        How many.
    reward, square : float
        Sums over steps of the first agent's reward and of its square.
    stops : int
        Episodes that stopped.
    """

    steps: int
    reward: float
    square: float
    stops: int

    def mean_reward(self) -> tuple[float, float]:
        """Mean reward per step, and its standard error."""
        mean = self.reward / self.steps
        return mean, math.sqrt(max(self.square / self.steps - mean**2, 0.0) / self.steps)

    def mean_stops(self) -> tuple[float, float]:
        """Episodes stopped per step, and its standard error."""
        share = self.stops / self.steps
        return share, math.sqrt(max(share * (1 - share), 0.0) / self.steps)


class Playing:
    """Agents of ours in a batch of sub-environments, restarting whatever stops.

    Parameters
    ----------
    env : Env
        The environment.
    batch : int
        Sub-environments.
    policy : JointPolicy, optional
        Who plays; random agents by default.
    """

    def __init__(self, env: Env, batch: int, policy: JointPolicy | None = None) -> None:
        self.env, self.batch = env, batch
        self.policy = random_policy(env.spec) if policy is None else policy
        self.play = begin(env, self.policy, draw_seeds(np.random.default_rng(SEED), batch))

    def advance(self, steps: int) -> None:
        """Let the whole batch take so many steps."""
        for _ in range(steps):
            advance(self.env, self.policy, self.play)
            restart_stopped(self.env, self.policy, self.play)

    def tally(self, steps: int) -> Tally:
        """Go on for so many steps of the batch and write down what happens."""
        reward = square = 0.0
        stops = 0
        for _ in range(steps):
            after = advance(self.env, self.policy, self.play).after
            paid = after.groups[0].reward[:, 0]
            reward, square = reward + float(paid.sum()), square + float((paid**2).sum())
            stops += int(after.last.sum())
            restart_stopped(self.env, self.policy, self.play)
        return Tally(steps * self.batch, reward, square, stops)

    def side(self, setting: Setting, tallied: int) -> Side:
        """This as a contender whose answer is a tally of `tallied` further steps of the batch."""
        side = paced(self.advance, setting)
        return replace(side, units=side.units * self.batch, extract=lambda _: self.tally(tallied))

    def close(self) -> None:
        """Give back what the world holds."""
        self.env.close(self.play.world)


def paced(step: Callable[[int], Any], setting: Setting) -> Side:
    """A contender whose every sample lasts about as long as this run's samples shall."""
    step(2)  # what is slow only once would make the samples too short
    return steady(step, _QUICK_S if setting.quick else _SAMPLE_S)


def alike(ours: Tally, theirs: Tally | None) -> tuple[bool, str]:
    """Whether two sides had the same rewards and lengths of episodes, up to chance, and a note."""
    mean, error = ours.mean_reward()
    note = f"mean reward of a step {mean:.3g}"
    if theirs is None:
        return True, note
    other, their_error = theirs.mean_reward()
    note += f", the peer's {other:.3g}"
    stops, stop_error = ours.mean_stops()
    their_stops, their_stop_error = theirs.mean_stops()
    right = abs(mean - other) <= _TOLERANCE * math.hypot(error, their_error) + 1e-9
    # lengths of episodes vary less than coins do, and the first episodes of a batch stop together
    slack = 0.02 * max(stops, their_stops) + 1.0 / theirs.steps
    right = (
        right and abs(stops - their_stops) <= _TOLERANCE * math.hypot(stop_error, their_stop_error) + slack
    )
    return right, note


def duel(
    setting: Setting,
    ours: Side,
    peer: Callable[[], Side],
    check: Callable[[Any, Any], tuple[bool, str]] = alike,
) -> Finding:
    """Ours against a peer with this run's repeats; the throughputs are told."""
    rival = contender(setting, peer)
    repeats, budget = (3, 5.0) if setting.quick else (9, 30.0)
    return throughput(run_duel(Duel(ours, rival, check, repeats=repeats, budget_s=budget)))


def throughput(finding: Finding, unit: str = "steps") -> Finding:
    """The finding with throughputs, in units per second, in its note, and ours as its rate."""
    if finding.ours is None:
        return finding
    rate = 1.0 / max(finding.ours.cpu, 1e-12)
    told = f"{big(rate)} {unit} per CPU second"
    if finding.peer is not None and math.isfinite(finding.peer.cpu):
        told += f", the peer's {big(1.0 / max(finding.peer.cpu, 1e-12))}"
    return replace(finding, rate=rate, note="; ".join(part for part in (told, finding.note) if part))


def big(value: float) -> str:
    """Three digits, thousands and millions in words.

    >>> big(5_432_100.0)
    '5.43 million'
    """
    if value >= 999_500:
        return f"{value / 1e6:.3g} million"
    return f"{float(f'{value:.3g}'):,.10g}"
