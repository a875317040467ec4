"""Learning curves of ours and of peers, drawn by training from scratch and kept, so that hours of them can be interrupted.

`python -m experiments.bench.train_curves [--quick] [--peer-checkout epymarl=FOLDER] TASK SIDE SEED...` draws some of
them ahead of `staghunt bench learning`: TASK is ``foraging`` or ``spread``, SIDE ``ours`` or ``peer``.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.atomic import write_text
from experiments.bench import ledger
from experiments.bench.runner import RESULTS
from experiments.bench.train_matches import BENCHMARL, EPYMARL
from experiments.bench.train_pace import Told, Trainer
from experiments.learning_curves import Curve, check_curve
from games.errors import InputError

MODULES = {
    "ours": "experiments.bench.train_ours",
    EPYMARL: "experiments.bench.train_epymarl",
    BENCHMARL: "experiments.bench.train_benchmarl",
}
FOLDER = RESULTS / "curves"
_UNHELD = 1 << 62
"""So many frames of warming up never end: the training is not held for samples."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Task:
    """What both sides learn.

    Parameters
    ----------
    key, title : str
        Short and long name.
    peer : str
        Who else learns it.
    ours, theirs : dict
        Settings of `train_ours` and of the peer's module, without seed and lengths.
    frames, every, episodes : int
        How long they train, how often they are judged, by how many episodes.
    quick_frames, quick_every, quick_episodes : int
        The same in a quick run.
    seeds : tuple of int
        Of the runs on either side.
    note : str
        What the two sides have in common and where they differ.
    """

    key: str
    title: str
    peer: str
    ours: Told
    theirs: Told
    note: str
    frames: int
    every: int
    episodes: int = 100
    quick_frames: int = 6_000
    quick_every: int = 2_000
    quick_episodes: int = 20
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)

    def settings(self, side: str, seed: int, quick: bool) -> Told:
        """What the process of one side is told for one seed."""
        frames, every, episodes = (
            (self.quick_frames, self.quick_every, self.quick_episodes)
            if quick
            else (self.frames, self.every, self.episodes)
        )
        chosen = self.ours if side == "ours" else self.theirs
        return {
            **chosen,
            "seed": seed,
            "frames": frames,
            "evaluate_every": every,
            "episodes": episodes,
            "warm": _UNHELD,
        }


def tasks() -> list[Task]:
    """Foraging together, and spreading out."""
    foraging = Task(
        "foraging",
        "MAPPO: foraging 8x8-2p-2f-coop",
        EPYMARL,
        {
            "algorithm": "mappo",
            "env": "foraging:8x8-2p-2f-coop",
            "envs": 10,
            "learner": {"hidden": [64, 64], "rollout": 50, "epochs": 4, "minibatches": 4, "reward": "team"},
        },
        {
            "algorithm": "mappo",
            "task": {"key": "Foraging-8x8-2p-2f-coop-v3", "time_limit": 50},
            "overrides": {"hidden_dim": 64, "use_rnn": False, "common_reward": True},
        },
        "layers of 64 and 64 and 4 passes on batches of 10 games on both sides, ours in 4 minibatches, all else as each "
        "has it",
        frames=400_000,
        every=20_000,
    )
    spread = Task(
        "spread",
        "MAPPO: mpe2 simple_spread",
        BENCHMARL,
        {
            "algorithm": "mappo",
            "env": "mpe:simple-spread?N=3",
            "envs": 40,
            "learner": {
                "hidden": [64, 64],
                "rollout": 25,
                "epochs": 10,
                "minibatches": 4,
                "sharing": "shared",
                "reward": "team",
                "gamma": 0.95,
                "trace": 0.9,
                "learning_rate": 1e-3,
            },
        },
        {
            "algorithm": "mappo",
            "env": "mpe2",
            "horizon": 25,
            "hidden": [64, 64],
            "envs": 10,
            "steps": 100,
            "epochs": 10,
            "minibatches": 1,
            "gamma": 0.99,
            "learning_rate": 5e-4,
        },
        "layers of 64 and 64 and 10 passes on 1,000 frames on both sides, ours with the learning rate, discount and "
        "minibatches of our recipe",
        frames=120_000,
        every=6_000,
        quick_every=3_000,
        seeds=(1, 2, 3),
    )
    return [foraging, spread]


def drawn(
    task: Task, side: str, seed: int, *, quick: bool, checkout: Path | None = None, keep: Path | None = FOLDER
) -> tuple[Curve, float]:
    """One side's returns (sums over agents, mean over episodes) against frames, and the process seconds that took.

    Parameters
    ----------
    task : Task
        What is learned.
    side : str
        ``ours`` or ``peer``.
    seed : int
        Of the run.
    quick : bool
        Short runs, which are not kept.
    checkout : Path, optional
        Where EPyMARL is.
    keep : Path, optional
        Where finished curves are kept and looked up; nowhere with None.
    """
    settings = task.settings(side, seed, quick)
    file = (
        None if keep is None or quick else keep / f"{task.key}-{side}-{seed}-{_digest(side, settings)}.json"
    )
    if file is not None and file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
        return check_curve(Curve(np.array(kept["steps"]), np.array(kept["values"]))), float(kept["cpu_s"])
    if checkout is not None:
        settings["folder"] = str(checkout)
    module = MODULES["ours" if side == "ours" else task.peer]
    seen: list[tuple[int, float]] = []
    cpu = 0.0
    with Trainer(module, settings) as trainer:
        for told in trainer.reports():
            if "seen" in told:
                seen.append((told["seen"], told["value"]))
                cpu = told["cpu"]
    steps, values = zip(*seen)
    curve = check_curve(Curve(np.array(steps, dtype=np.int64), np.array(values)))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        about: dict[str, Any] = {"task": task.title, "side": side, "seed": seed, "cpu_s": round(cpu, 1)}
        about |= {"steps": curve.steps.tolist(), "values": [float(f"{v:.6g}") for v in curve.values]}
        write_text(file, json.dumps(about) + "\n")
    return curve, cpu


def _digest(side: str, settings: Told) -> str:
    """Eight hex digits over the settings, and over our sources where they are what is run."""
    source = ledger.source_digest(("games", "marl")) if side == "ours" else ""
    return hashlib.sha256((json.dumps(settings, sort_keys=True) + source).encode()).hexdigest()[:8]


def _main(words: list[str]) -> None:
    quick = "--quick" in words
    checkout = None
    rest = [word for word in words if word != "--quick"]
    if "--peer-checkout" in rest:
        place = rest.index("--peer-checkout")
        checkout = Path(rest[place + 1].removeprefix("epymarl="))
        del rest[place : place + 2]
    known = {task.key: task for task in tasks()}
    if len(rest) < 3 or rest[0] not in known or rest[1] not in ("ours", "peer"):
        raise InputError(f"expected TASK SIDE SEED..., with TASK one of {', '.join(known)}")
    for seed in map(int, rest[2:]):
        start = time.perf_counter()
        curve, cpu = drawn(known[rest[0]], rest[1], seed, quick=quick, checkout=checkout)
        sys.stdout.write(
            f"{rest[0]} {rest[1]} seed {seed}: return {curve.values[0]:.3g} to {curve.values[-1]:.3g} in "
            f"{curve.steps[-1]:,} frames, {cpu:.0f} CPU seconds, {time.perf_counter() - start:.0f} s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1:])
