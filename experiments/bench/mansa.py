"""`staghunt bench mansa`: what switching costs beside the two learners that are switched, and how long a run takes.

Overhead is the wall-clock of MANSA over that of its independent and its central learner, each trained alone on as many
joint steps, the three in turns in one process. Exploration is held at its beginning, where a fair coin calls: then both
teams act in every step, and all three learners learn, which is when MANSA has most to do. What the two alone play twice,
MANSA plays once, and its central team learns from the steps with a call alone; that is as it should be, and part of the
ratio.

A run is the whole of `staghunt train mansa`, all evaluations, checkpoints and files included.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from experiments.bench.harness import Finding, Row, Setting, medians
from experiments.bench.runner import Bench
from experiments.bench.timed_run import timed_run
from experiments.bench.timing import Sample

DISTRIBUTIONS = ("staghunt", "numpy", "numba", "torch")
ENV, BATCH, STEPS = "foraging:8x8-2p-2f-coop", 16, 1_000_000
OVERHEAD, LONGEST_S = 1.30, 300.0
_COIN = 1 << 40
"""So many steps of falling exploration leave it where it begins."""
_STRETCH, _QUICK_STRETCH = 16_000, 4_000
_TURNS, _QUICK_TURNS = 9, 3
_SEED, _SHARE = 1, 10


@dataclass(frozen=True)
class Pair:
    """Two learners that are switched, and what both of them are told."""

    independent: str
    central: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What they are called."""
        kind = "recurrent" if self.settings.get("recurrent") else "feed-forward"
        return f"{self.independent.upper()} and {self.central.upper()}, {kind}"

    def alone(self) -> tuple[Any, Any]:
        """The two learners."""
        from marl.learners import LEARNERS

        independent, central = (
            LEARNERS[name].make(**self.settings) for name in (self.independent, self.central)
        )
        return independent, central

    def switched(self, warmup: int) -> Any:
        """MANSA of the two, whose switch learns after so many steps."""
        from marl.learners import LEARNERS

        independent, central = self.alone()
        return LEARNERS["mansa"].make(
            independent=independent, central=central, warmup=warmup, epsilon_steps=_COIN
        )


PAIRS = (
    Pair("iql", "qmix"),
    Pair("iql", "qmix", {"recurrent": True}),
    Pair("ippo", "mappo"),
)


def every_row() -> list[Row]:
    """Overhead of each pair, then the time of a run."""
    rows = [
        Row(
            f"MANSA's overhead, {pair.title}: foraging 8x8-2p-2f-coop",
            "its two learners alone",
            _overhead(pair),
            target=1.0 / OVERHEAD,
            quick=True,
        )
        for pair in PAIRS
    ]
    rows.append(
        Row(
            f"MANSA, {STEPS:,} steps of training: foraging 8x8-2p-2f-coop",
            "no peer",
            _run,
            target=f"under {LONGEST_S:.0f} s",
            quick=True,
        )
    )
    return rows


# --- overhead -----------------------------------------------------------------------------------------------


class Training:
    """A learner that trains for one stretch at a time."""

    def __init__(self, learner: Any) -> None:
        from games.env_uris import make_env
        from marl.train import Plan, Trainer

        self._trainer = Trainer(
            learner, make_env(ENV), Plan(steps=1 << 60, batch=BATCH, seed=_SEED), "cpu", None
        )
        self.calls: list[float] = []

    def until(self, steps: int) -> None:
        """Train until so many joint steps are done."""
        while self._trainer.steps < steps:
            metrics = self._trainer.advance().metrics
            self.calls.append(metrics.get("call_fraction", math.nan))

    def sample(self, steps: int) -> Sample:
        """Seconds per joint step of at least so many more."""
        begun = self._trainer.steps
        wall, cpu = time.perf_counter(), time.process_time()
        self.until(begun + steps)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        done = self._trainer.steps - begun
        return Sample(wall / done, cpu / done)

    def close(self) -> None:
        """Give back the sub-environments."""
        self._trainer.close()


def _overhead(pair: Pair) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from experiments.training.driver import settled

        with settled(1):
            return overhead(
                pair,
                _QUICK_STRETCH if setting.quick else _STRETCH,
                _QUICK_TURNS if setting.quick else _TURNS,
            )

    return measure


def overhead(pair: Pair, stretch: int, turns: int) -> Finding:
    """MANSA, its independent and its central learner in turns, each by so many joint steps at a time.

    Warming up takes so many steps too: replays then hold enough to learn from, and the switch begins to learn.
    """
    trainings = [Training(learner) for learner in (pair.switched(stretch // 2), *pair.alone())]
    for training in trainings:
        training.until(stretch)
    trainings[0].calls.clear()
    samples: list[list[Sample]] = [[], [], []]
    for turn in range(turns):
        for k in range(3):
            which = (turn + k) % 3
            samples[which].append(trainings[which].sample(stretch))
    for training in trainings:
        training.close()
    alone = [Sample(one.wall + two.wall, one.cpu + two.cpu) for one, two in zip(samples[1], samples[2])]
    over = [mine.wall / theirs.wall for mine, theirs in zip(samples[0], alone)]
    called = statistics.fmean(trainings[0].calls)
    parts = ", ".join(
        f"{name} {1e6 * statistics.median(s.wall for s in own):.0f}"
        for name, own in zip(("MANSA", pair.independent.upper(), pair.central.upper()), samples)
    )
    return Finding(
        medians(samples[0]),
        medians(alone),
        1.0 / statistics.median(over),
        pairs=turns,
        right=0.4 < called < 0.6,
        note=f"wall-clock {statistics.median(over):.2f} times that of the two ({min(over):.2f} to {max(over):.2f} over "
        f"{turns} turns; under {OVERHEAD:.2f} asked); microseconds per joint step: {parts}; {100 * called:.0f} % of steps "
        "with a call; the ratio is of wall-clock",
    )


# --- a run --------------------------------------------------------------------------------------------------


def _run(setting: Setting) -> Finding:
    return whole_run(STEPS) if not setting.quick else tenth_of_a_run(STEPS)


def whole_run(steps: int) -> Finding:
    """All that `staghunt train mansa` does for so many steps, with everything else as it comes."""
    spent, rows = _trained({"training.steps": steps})
    last = rows[-1]
    return Finding(
        spent,
        pairs=1,
        met=spent.wall < LONGEST_S,
        right=last["steps"] >= steps,
        rate=steps / spent.cpu,
        note=f"{len(rows)} evaluations of {last['episodes']} episodes included; final return {last['return']:.2f}, of the "
        f"independent policies alone {last['return_independent']:.2f}, {100 * last['call_fraction']:.0f} % of steps with a "
        "call",
    )


def tenth_of_a_run(steps: int) -> Finding:
    """A tenth of a run, its schedules a tenth as long, evaluated twice and not 21 times; ten times that is an estimate."""
    part = steps // _SHARE
    spent, rows = _trained({"training.steps": part, "training.evaluate_every": part})
    whole = Sample(_SHARE * spent.wall, _SHARE * spent.cpu)
    return Finding(
        whole,
        pairs=1,
        met=whole.wall < LONGEST_S,
        right=rows[-1]["steps"] >= part,
        rate=steps / whole.cpu,
        note=f"EXTRAPOLATED, not measured: {part:,} steps took {spent.wall:.1f} s with {len(rows)} evaluations, and {steps:,} "
        "are ten times that here; what a larger replay and longer schedules change is not in it",
    )


def _trained(settings: dict[str, Any]) -> tuple[Sample, list[dict[str, Any]]]:
    """What a run with such settings took, and its evaluations."""
    given = {"learner.name": "mansa", "env": ENV, "training.batch": BATCH, **settings}
    return timed_run(given, _SEED)


BENCH = Bench("mansa", lambda: every_row(), DISTRIBUTIONS, packages=("games", "marl"))
