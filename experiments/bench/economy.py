"""`staghunt bench economy`: how fast economies run, and how fast tax schedules are judged.

The reference, `ai-economist` 1.7.1, needs a numpy that no other peer can live with, and is not measured here: its rates, per process
second on another machine (2 AMD EPYC vCPUs, Python 3.11, numpy 1.23, random valid actions, resets included), are quoted, and so is
what is made of them. A step or an episode is one of one sub-environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.bench.envs_play import SEED, Playing, big, paced, throughput
from experiments.bench.harness import Duel, Finding, Row, Setting, run_duel
from experiments.bench.runner import Bench
from experiments.bench.timed_run import timed_run
from experiments.bench.timing import Side

DISTRIBUTIONS = ("staghunt", "numpy", "numba", "torch")
REFERENCE = "ai-economist 1.7.1 (quoted)"
PROGRAM = "C (quoted)"
EPISODES_PER_S, STEPS_PER_S, TRAINED_PER_S = 100_000.0, {4: 30_000.0, 10: 20_000.0}, 3_000.0
QUOTED_STEPS = {4: 1_071.0, 10: 700.0}
QUOTED_EPISODES, QUOTED_SCHEDULES = 89.5, 500_000.0
_BATCH, _WORLDS = 256, 64


@dataclass(frozen=True)
class Rate:
    """What is asked of a rate: units per process second to reach, and the reference's own."""

    unit: str
    wanted: float | None
    quoted: float

    @property
    def target(self) -> str | None:
        """In words."""
        return None if self.wanted is None else f"at least {self.wanted:,.0f} {self.unit} per second"


def every_row() -> list[Row]:
    """Rows of the one-step economy, of gather-trade-build, and of the solver."""
    return rows()


def rows() -> list[Row]:
    """Throughput of both economies and of the enumeration of schedules."""
    episodes = Rate("episodes", EPISODES_PER_S, QUOTED_EPISODES)
    found = [
        _row("one-step economy, 100 workers: rules alone", REFERENCE, episodes, _rules_alone),
        _row(
            "one-step economy, 100 workers: rates, skill and time seen",
            REFERENCE,
            episodes,
            lambda setting: _episodes("brief", setting),
        ),
        _row(
            "one-step economy, 100 workers: all seen that the reference shows",
            REFERENCE,
            replace(episodes, wanted=None),
            lambda setting: _episodes("full", setting),
        ),
    ]
    for agents, wanted in STEPS_PER_S.items():
        found.append(
            _row(
                f"gather-trade-build 25x25, {agents} workers, random valid actions",
                REFERENCE,
                Rate("steps", wanted, QUOTED_STEPS[agents]),
                _gathering(agents),
            )
        )
    schedules = Rate("schedules", QUOTED_SCHEDULES, QUOTED_SCHEDULES)
    found.append(
        _row("welfare of 4,084,101 schedules, 7 brackets, 100 workers", PROGRAM, schedules, _enumeration)
    )
    found.append(_row("welfare of random schedules, 3 brackets, 100 workers", PROGRAM, schedules, _judging))
    target = f"at least {TRAINED_PER_S:,.0f} steps per second"
    name = "workers and planner learn in small gather-trade-build, one thread"
    found.append(Row(name, "no peer", _run, target=target, quick=True))
    return found


def _row(name: str, peer: str, rate: Rate, side: Callable[[Setting], Side]) -> Row:
    def measure(setting: Setting) -> Finding:
        repeats, budget = (3, 5.0) if setting.quick else (9, 30.0)
        ours = side(setting)
        finding = run_duel(
            Duel(ours, None, lambda answer, _: (bool(answer), ""), repeats=repeats, budget_s=budget)
        )
        told = throughput(finding, rate.unit)
        if told.rate is None:
            return told
        times = told.rate / rate.quoted
        note = (
            f"{told.note}; {times:.3g} times the {big(rate.quoted)} {rate.unit} per process second "
            "quoted for the peer on another machine"
        )
        met = None if rate.wanted is None else told.rate >= rate.wanted
        return replace(told, note=note, quoted=rate.quoted, met=met)

    return Row(name, peer, measure, target=rate.target, quick=True)


def _run(setting: Setting) -> Finding:
    """A run of both levels as `staghunt reproduce ai-economist` trains them."""
    from experiments.papers.economist_village_arms import PLANNER, UPDATE, system

    updates = 4 if setting.quick else 20
    arm = system(PLANNER, {"together": updates * UPDATE, "seeds": 1}, None)
    given = {"learner.name": arm.learner, "env": arm.env, "training.steps": arm.steps, **arm.settings}
    spent, rows = timed_run(given, SEED)
    rate = arm.steps / spent.wall
    told = f"{rate:,.0f} steps per second of wall time, {len(rows)} evaluations of {rows[-1]['episodes']} episodes included"
    right = rows[-1]["steps"] == arm.steps
    return Finding(
        spent, pairs=1, met=rate >= TRAINED_PER_S, right=right, rate=arm.steps / spent.cpu, note=told
    )


# --- the one-step economy -------------------------------------------------------------------------------------


class Years:
    """Random schedules and labour, drawn beforehand, in a batch of one-step economies; an episode is two steps and a restart."""

    def __init__(self, observe: str) -> None:
        from games.env_uris import make_env
        from games.sims.economy_taxes import LEVELS

        self.env: Any = make_env(f"economy:one-step?observe={observe}")
        rng = np.random.default_rng(SEED)
        workers, planner = self.env.spec.groups
        n, count = workers.size, planner.width // (LEVELS + 1)
        self.labour = rng.integers(0, 101, (_BATCH, n), dtype=np.int32)
        self.schedules = rng.integers(0, LEVELS + 1, (_BATCH, 1, count), dtype=np.int32)
        self.idle = np.zeros_like(self.labour), np.zeros_like(self.schedules)
        self.all = np.ones(_BATCH, dtype=bool)
        self.world, _ = self.env.reset(np.arange(_BATCH, dtype=np.uint64))

    def play(self, episodes: int) -> None:
        """So many episodes of the whole batch, everything seen."""
        env = self.env
        for _ in range(episodes):
            self.world, _ = env.step(self.world, (self.idle[0], self.schedules))
            self.world, _ = env.step(self.world, (self.labour, self.idle[1]))
            self.world, _ = env.restart(self.world, self.all)

    def play_unseen(self, episodes: int) -> None:
        """The same without looking."""
        rules, state, streams = self.env.rules, self.world.state, self.world.streams.state[:, 0]
        for _ in range(episodes):
            rules.begin(state, streams, self.all)
            rules.advance(state, streams, (self.idle[0], self.schedules), self.all)
            rules.advance(state, streams, (self.labour, self.idle[1]), self.all)

    def adds_up(self) -> bool:
        """Whether, after one more year, all coin is what was earned."""
        self.play_unseen(1)
        results = self.world.state.results
        return bool(np.allclose(results[0].sum(axis=1), results[2].sum(axis=1)) and results[0].any())


def _rules_alone(setting: Setting) -> Side:
    years = Years("brief")
    side = paced(years.play_unseen, setting)
    return replace(side, units=side.units * _BATCH, extract=lambda _: years.adds_up())


def _episodes(observe: str, setting: Setting) -> Side:
    years = Years(observe)
    side = paced(years.play, setting)
    return replace(side, units=side.units * _BATCH, extract=lambda _: years.adds_up())


# --- gather-trade-build ---------------------------------------------------------------------------------------


def _gathering(agents: int) -> Callable[[Setting], Side]:
    def side(setting: Setting) -> Side:
        from games.env_uris import make_env

        playing = Playing(make_env(f"economy:gather-trade-build?agents={agents}"), _WORLDS)
        made = paced(playing.advance, setting)
        return replace(made, units=made.units * _WORLDS, extract=lambda _: playing.play.step.batch == _WORLDS)

    return side


# --- schedules ------------------------------------------------------------------------------------------------


def _enumeration(setting: Setting) -> Side:
    from games.sims.economy_one_step_model import OneStepEconomy
    from games.sims.economy_taxes import Brackets
    from solvers.taxation_optimum import optimum

    economy = OneStepEconomy.quantiles(100, Brackets.federal())
    return Side(
        lambda: optimum(economy, fixed={0: 0.0}),
        extract=lambda best: abs(best.welfare - 35.29105212298186) < 1e-9,
        units=21.0**5,
    )


def _judging(setting: Setting) -> Side:
    from games.sims.economy_one_step_model import OneStepEconomy
    from games.sims.economy_taxes import Brackets
    from solvers.taxation import welfare
    from solvers.taxation_optimum import optimum

    economy = OneStepEconomy.quantiles(100, Brackets.linear(3, 120))
    schedules = np.random.default_rng(SEED).random((5_000 if setting.quick else 50_000, 3))
    best = optimum(economy, grid=np.linspace(0, 1, 101)).welfare
    return Side(
        lambda: welfare(economy, schedules),
        extract=lambda values: bool(np.isfinite(values).all() and values.max() <= best * 1.001),
        units=float(len(schedules)),
    )


BENCH = Bench("economy", lambda: every_row(), DISTRIBUTIONS, packages=("games", "marl", "solvers"))
