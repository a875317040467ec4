"""Policies for ``import:odd_players:...`` that are slow, or end the process that they play in."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from games.env import EnvSpec
from games.policy import Memoryless, Random


class Odd(Memoryless):
    """Plays at random after doing something."""

    def __init__(self, spec: EnvSpec, act: Any) -> None:
        self._random, self._act = Random(spec.groups[0].actions), act

    def sample(self, view: Any, memory: None, streams: Any) -> tuple[Any, None]:
        self._act()
        return self._random.sample(view, None, streams)


def slow(spec: EnvSpec, seconds: float = 0.01) -> Odd:
    return Odd(spec, lambda: time.sleep(seconds))


def leaves(spec: EnvSpec) -> Odd:
    """Ends the process, but not the one of the tests."""
    return Odd(spec, lambda: os._exit(7))


def killed(spec: EnvSpec) -> Odd:
    return Odd(spec, lambda: os.kill(os.getpid(), signal.SIGKILL))


def exits(spec: EnvSpec) -> Odd:
    return Odd(spec, lambda: sys.exit("enough"))


def once(spec: EnvSpec, mark: str) -> Odd:
    """The first process that plays it dies, and leaves a file as a mark."""

    def act() -> None:
        if not Path(mark).exists():
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    return Odd(spec, act)


def elsewhere(spec: EnvSpec) -> Odd:
    """Can be loaded only in the process that `ODD_PLAYERS_HOME` names."""
    if os.environ.get("ODD_PLAYERS_HOME") != str(os.getpid()):
        raise OSError("not here")
    return Odd(spec, lambda: None)


def deadly_to_load(spec: EnvSpec) -> Odd:
    """Loading it ends every process but the one that `ODD_PLAYERS_HOME` names."""
    if os.environ.get("ODD_PLAYERS_HOME") != str(os.getpid()):
        os.kill(os.getpid(), signal.SIGKILL)
    return Odd(spec, lambda: None)
