"""A process in which a checkout of EPyMARL trains, by its own loop, on a task and with the settings it is given.

EPyMARL (Papoudakis et al. 2021, https://github.com/uoe-agents/epymarl) is a folder of scripts and not on PyPI. Its files
are used as they are: the configuration files are read, the given settings are laid over them, and its `run_sequential`
does the rest. Of what its `main.py` does, only the record keeping by sacred is left out.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from experiments.bench.train_pace import Pacer, Told, family_cpu, serve

_NEVER = 1 << 60


def configuration(folder: Path, settings: Told) -> dict[str, Any]:
    """The checkout's own defaults for an algorithm and a gymnasium task, with our settings over them."""
    import yaml

    config: dict[str, Any] = {}
    for part in ("default", "envs/gymma", f"algs/{settings['algorithm']}"):
        told = yaml.safe_load((folder / "src" / "config" / f"{part}.yaml").read_text()) or {}
        for key, value in told.items():
            old = config.get(key)
            config[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    config |= {"use_cuda": False, "seed": settings["seed"], "t_max": settings.get("frames", _NEVER)}
    config["env_args"] = {**config["env_args"], **settings["task"], "seed": settings["seed"]}
    for name in ("test_interval", "log_interval", "runner_log_interval", "learner_log_interval"):
        config[name] = _NEVER
    if settings.get("evaluate_every"):
        config |= {"test_interval": settings["evaluate_every"], "test_nepisode": settings["episodes"]}
    return config | settings.get("overrides", {})


def make_importable(folder: Path) -> None:
    """Let its modules be found, without the StarCraft simulator that they import and no task here needs."""
    sys.path.insert(0, str(folder / "src"))
    if "smaclite" not in sys.modules:
        try:
            import_module("smaclite")
        except ImportError:
            sys.modules["smaclite"] = ModuleType("smaclite")


def train(settings: Told, pacer: Pacer) -> None:
    """Train by EPyMARL's loop; between two of its iterations the pacer is told."""
    import numpy as np
    import torch

    folder = Path(settings["folder"])
    make_importable(folder)
    import_module("lbforaging")  # registers the tasks
    torch.set_num_threads(1)
    np.random.seed(settings["seed"])  # noqa: NPY002 (as its main.py does; it draws from the global generators)
    torch.manual_seed(settings["seed"])
    loop, runners = import_module("run"), import_module("runners")
    for name, runner in list(runners.REGISTRY.items()):
        runners.REGISTRY[name] = _paced(runner, pacer)
    config = loop.args_sanity_check(configuration(folder, settings), logging.getLogger())
    args = SimpleNamespace(**config, device="cpu", unique_token="bench")
    loop.run_sequential(args=args, logger=_teller(pacer))


def _paced(runner: type, pacer: Pacer) -> type:
    """Its runner, which tells the pacer how far it is before it collects more."""

    class Paced(runner):
        def run(self, test_mode: bool = False) -> Any:
            if not test_mode:
                pacer.tick(self.t_env)
            return super().run(test_mode=test_mode)

    return Paced


def _teller(pacer: Pacer) -> Any:
    """Its logger, which also reports mean returns of tests."""

    class Teller(import_module("utils.logging").Logger):  # type: ignore[misc]
        def log_stat(self, key: str, value: Any, t: int, to_sacred: bool = True) -> None:
            super().log_stat(key, value, t, to_sacred)
            if key == "test_return_mean":
                pacer.tell(seen=t, value=float(value), cpu=family_cpu())

    quiet = logging.getLogger("epymarl")
    quiet.setLevel(logging.ERROR)
    return Teller(quiet)


if __name__ == "__main__":
    serve(train)
