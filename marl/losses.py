"""Losses of policies and values, as functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor


def clipped_surrogate(log_ratio: Tensor, advantage: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """The loss of proximal policy optimisation for every sample (Schulman et al. 2017, eq. 7), and the ratio.

    Parameters
    ----------
    log_ratio : float[...]
        Log-probability of what was done, under the new policy less under the old one.
    advantage : float[...]
        Of what was done.
    clip : float
        Beyond 1 - clip and 1 + clip the ratio gains nothing.
    """
    ratio = log_ratio.exp()
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    return -gain, ratio


def huber(error: Tensor, delta: float) -> Tensor:
    """Half the square of an error up to delta, linear beyond (Huber 1964)."""
    size = error.abs()
    return torch.where(size <= delta, 0.5 * error.square(), delta * (size - 0.5 * delta))


def value_loss(value: Tensor, target: Tensor, old_value: Tensor, clip: float | None, delta: float) -> Tensor:
    """Huber loss of every value; if `clip`, the larger of that and of the value moved from the old one by at most clip."""
    loss = huber(value - target, delta)
    if clip is None:
        return loss
    near = old_value + (value - old_value).clamp(-clip, clip)
    return torch.maximum(loss, huber(near - target, delta))


def weighted_mean(numbers: Tensor, weight: Tensor) -> Tensor:
    """Mean of numbers by weights of the same shape; 0 where all weights are."""
    return (numbers * weight).sum() / weight.sum().clamp_min(1e-12)


def standardised(numbers: Tensor, weight: Tensor) -> Tensor:
    """Numbers less their weighted mean, over their weighted standard deviation."""
    centred = numbers - weighted_mean(numbers, weight)
    return centred / (weighted_mean(centred.square(), weight).sqrt() + 1e-8)
