"""A process in which one of our learners trains, by `marl.train.train`, with the settings it is given."""

from __future__ import annotations

import time
from typing import Any

from experiments.bench.train_pace import Pacer, Told, family_cpu, serve
from experiments.bench.train_profile import Profile

_NEVER = 1 << 60


def learner(settings: Told) -> Any:
    """The learner of this name, with the settings over its own."""
    from marl.learners import LEARNERS

    return LEARNERS[settings["algorithm"]].make(**settings["learner"])


def environment(settings: Told) -> Any:
    """By its URI; ``vmas`` is the spread task of VMAS."""
    if settings["env"] == "vmas":
        from experiments.bench.train_vmas import VmasSpread

        return VmasSpread(settings["horizon"])
    from games.env_uris import make_env

    return make_env(settings["env"])


def train(settings: Told, pacer: Pacer) -> None:
    """Train by our loop; after each update the pacer is told."""
    import torch

    from marl.train import Evaluated, Plan, Updated
    from marl.train import train as events

    torch.set_num_threads(1)
    plan = Plan(
        steps=settings.get("frames", _NEVER),
        batch=settings["envs"],
        evaluate_every=settings.get("evaluate_every", _NEVER),
        save_every=_NEVER,
        episodes=settings.get("episodes", 1),
        seed=settings["seed"],
    )
    watched = Watch(pacer, settings["profile_s"]) if "profile_s" in settings else None
    for event in events(learner(settings), environment(settings), plan):
        if isinstance(event, Updated):
            if watched is None:
                pacer.tick(event.steps)
            elif watched.done(event.steps):
                return
        elif isinstance(event, Evaluated):
            mean = float(event.episodes.returns.sum(axis=1).mean())
            pacer.tell(seen=event.steps, value=mean, cpu=family_cpu())


class Watch:
    """Profiles a training that is warm, for so many seconds of wall-clock, and tells the shares."""

    def __init__(self, pacer: Pacer, seconds: float) -> None:
        self._pacer, self._seconds, self._profile = pacer, seconds, Profile()
        self._start: tuple[int, float, float] | None = None

    def done(self, frames: int) -> bool:
        """To be called between updates; True once the shares are told."""
        if frames < self._pacer.warm:
            return False
        if self._start is None:
            self._start = frames, time.perf_counter(), time.process_time()
            self._profile.__enter__()
            return False
        began, wall, cpu = self._start
        if time.perf_counter() - wall < self._seconds:
            return False
        self._profile.__exit__(None, None, None)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self._pacer.tell(frames=frames - began, cpu=cpu, wall=wall, shares=self._profile.shares())
        return True


if __name__ == "__main__":
    serve(train)
