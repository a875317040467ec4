"""A process in which BenchMARL trains on a spread task, by its own experiment loop, with the settings it is given.

BenchMARL (Bettini et al. 2024, https://github.com/facebookresearch/BenchMARL) knows the task by PettingZoo's old name for
it, `pettingzoo.mpe`, which is gone: the particle environments are now the package mpe2. `mpe2_spread` gives it that
package's environment through TorchRL's own wrapper and leaves everything else as BenchMARL has it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import torch
from benchmarl import algorithms
from benchmarl.environments import VmasTask
from benchmarl.environments.pettingzoo.common import PettingZooClass
from benchmarl.experiment import Experiment, ExperimentConfig
from benchmarl.experiment.callback import Callback
from benchmarl.models import MlpConfig
from torch import nn

from experiments.bench.train_pace import Pacer, Told, family_cpu, serve


def train(settings: Told, pacer: Pacer) -> None:
    """Train by BenchMARL's loop; after each batch that it has collected the pacer is told."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        experiment = Experiment(
            task=vmas_spread(settings) if settings["env"] == "vmas" else mpe2_spread(settings),
            algorithm_config=algorithm(settings),
            model_config=model(settings),
            critic_model_config=model(settings),
            seed=settings["seed"],
            config=experiment_config(settings, folder),
            callbacks=[Teller(pacer)],
        )
        experiment.run()


def algorithm(settings: Told) -> Any:
    """The configuration of the algorithm, with our settings over BenchMARL's own."""
    chosen = {"mappo": algorithms.MappoConfig, "ippo": algorithms.IppoConfig}[settings["algorithm"]]
    config = chosen.get_from_yaml()
    for name, value in settings.get("overrides", {}).items():
        setattr(config, name, value)
    return config


def model(settings: Told) -> Any:
    """A perceptron with rectified hidden layers."""
    return MlpConfig(num_cells=settings["hidden"], layer_class=nn.Linear, activation_class=nn.ReLU)


def experiment_config(settings: Told, folder: str) -> Any:
    """How much is collected, how often it is used, no logs; evaluation only if the settings ask for it."""
    config = ExperimentConfig.get_from_yaml()
    frames = settings["envs"] * settings["steps"]
    every = settings.get("evaluate_every", 0)
    chosen = {
        "prefer_continuous_actions": False,
        "share_policy_params": True,
        "lr": settings["learning_rate"],
        "gamma": settings["gamma"],
        "max_n_frames": settings.get("frames", 1_000_000_000),
        "on_policy_n_envs_per_worker": settings["envs"],
        "on_policy_collected_frames_per_batch": frames,
        "on_policy_n_minibatch_iters": settings["epochs"],
        "on_policy_minibatch_size": frames // settings["minibatches"],
        "evaluation": bool(every),
        "evaluation_interval": every or frames,
        "evaluation_episodes": settings.get("episodes", 1),
        "render": False,
        "loggers": [],
        "create_json": bool(every),  # it evaluates only where the results are written down
        "save_folder": folder,
    }
    for name, value in chosen.items():
        setattr(config, name, value)
    return config


def vmas_spread(settings: Told) -> Any:
    """BenchMARL's own spread task of VMAS."""
    task = VmasTask.SIMPLE_SPREAD.get_from_yaml()
    task.config.update(max_steps=settings["horizon"])
    return task


def mpe2_spread(settings: Told) -> Any:
    """BenchMARL's own task class of PettingZoo, with the environment from mpe2."""
    return Mpe2Spread("SIMPLE_SPREAD", {"max_cycles": settings["horizon"], "N": 3, "local_ratio": 0.5})


class Mpe2Spread(PettingZooClass):
    """The spread task under its new name."""

    def get_env_fun(
        self, num_envs: int, continuous_actions: bool, seed: int | None, device: Any
    ) -> Callable[[], Any]:
        """What makes one environment; BenchMARL makes as many as it wants."""

        def make() -> Any:
            from mpe2 import simple_spread_v3
            from torchrl.envs import PettingZooWrapper

            env = simple_spread_v3.parallel_env(**self.config, continuous_actions=continuous_actions)
            return PettingZooWrapper(
                env, return_state=True, categorical_actions=True, seed=seed, device=device
            )

        return make


class Teller(Callback):
    """Tells the pacer how far the experiment is, and mean returns of evaluations."""

    def __init__(self, pacer: Pacer) -> None:
        super().__init__()
        self.pacer = pacer

    def __getstate__(self) -> dict[str, Any]:
        return {}  # BenchMARL writes its callbacks down, and pipes cannot be

    def on_batch_collected(self, batch: Any) -> None:
        """One more batch; all the learning from those before is done."""
        self.pacer.tick(self.experiment.total_frames)

    def on_evaluation_end(self, rollouts: list[Any]) -> None:
        """Episodes of the policy as it is."""
        returns = [_team_return(self.experiment, rollout) for rollout in rollouts]
        mean = sum(returns) / len(returns)
        self.pacer.tell(seen=self.experiment.total_frames, value=mean, cpu=family_cpu())


def _team_return(experiment: Any, rollout: Any) -> float:
    """The undiscounted return of one episode, summed over agents."""
    return sum(float(rollout.get(("next", group, "reward")).sum()) for group in experiment.group_map)


if __name__ == "__main__":
    serve(train)
