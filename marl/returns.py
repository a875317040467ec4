"""Returns and advantages over T recorded steps, and running moments.

Termination is a discount: 0 where the game ended, 1 where it was cut off, and then the value of the state in which it
was cut off counts on (bootstrapping); `last` only says that what follows belongs to another episode.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor


def advantages(
    reward: Tensor, value: Tensor, value_next: Tensor, discount: Tensor, last: Tensor, trace: float
) -> Tensor:
    """Generalised advantage estimates (Schulman et al. 2016, eq. 16), cut where episodes stop.

    Parameters
    ----------
    reward : float[T, B, n]
        Of each step.
    value : float[T, B, n]
        Of what was seen before it.
    value_next : float[T, B, n]
        Of what was seen after it, before anything restarts.
    discount : float[T, B, n]
        The factor gamma where play goes on or was cut off, 0 where it ended.
    last : bool[T, B]
        The episode stops with this step.
    trace : float
        The decay lambda: 0 looks one step ahead, 1 to the end.

    Returns
    -------
    float[T, B, n]
        Advantages; with `value` added they are the targets of the value function.
    """
    error = reward + discount * value_next - value
    decay = trace * discount * (~last)[..., None]
    out = torch.empty_like(error)
    ahead = torch.zeros_like(error[0])
    for t in range(len(error) - 1, -1, -1):
        ahead = torch.addcmul(error[t], decay[t], ahead)
        out[t] = ahead
    return out


@dataclass
class Moments:
    """Mean and mean square of a stream of numbers, by exponential forgetting, without bias from the start.

    Parameters
    ----------
    keep : float
        What remains of the past at each update; 1 forgets nothing and weighs all numbers alike.
    """

    keep: float
    weight: float = 0.0
    mean: float = 0.0
    square: float = 0.0

    def update(self, numbers: Tensor) -> None:
        """Take in numbers float[...]; none is fine."""
        if not numbers.numel():
            return
        exact = numbers.to(torch.float64)
        new = float(exact.numel()) if self.keep == 1.0 else 1.0 - self.keep
        old = self.weight * self.keep
        self.weight = old + new
        share = new / self.weight
        self.mean += share * (float(exact.mean()) - self.mean)
        self.square += share * (float(exact.square().mean()) - self.square)

    @property
    def std(self) -> float:
        """Standard deviation, 1 before there is any."""
        variance = self.square - self.mean * self.mean
        return sqrt(variance) if variance > 1e-12 * max(1.0, self.square) else 1.0
