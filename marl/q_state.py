"""What a Q-learner has learned so far."""

from __future__ import annotations

from dataclasses import dataclass as record
from typing import Any

import torch

from games.env import EnvSpec
from marl.replay import Replay
from marl.returns import Moments


@record
class Learning:
    """A Q-learner's state.

    Parameters
    ----------
    spec : EnvSpec
        Where it learns.
    networks : ModuleDict
        Actors, one per group, and the mixer if there is one.
    targets : ModuleDict
        The same, a while ago.
    adam : Adam
        The networks' optimiser.
    replay : Replay
        Experience.
    moments : list of Moments
        Of the rewards of each group, or of the team's.
    device : str
        Where the networks live.
    steps, gradient_steps, samples : int
        Joint environment steps kept, steps of the optimiser, and environment steps that these were about, those that were
        drawn again counted again.
    """

    spec: EnvSpec
    networks: Any
    targets: Any
    adam: torch.optim.Adam
    replay: Replay
    moments: list[Moments]
    device: str
    steps: int = 0
    gradient_steps: int = 0
    samples: int = 0

    def __post_init__(self) -> None:
        self.parameters = list(self.networks.parameters())
        self.target_parameters = list(self.targets.parameters())
