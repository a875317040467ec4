"""What tells mean-field models apart, and how large their returns are: both from tables at a few fixed laws.

Functions of the mean field cannot be hashed, so a model is known by what they give at probing laws: the initial one and
the uniform one mixed, and others far from both. Two models that agree there but not elsewhere would pass for the same.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from games.meanfield import MeanFieldModel

Array = npt.NDArray[Any]

PROBES = 4
_GOLDEN = 0.6180339887498949
_DIGITS = 9


def probing_laws(model: MeanFieldModel) -> tuple[Array, Array]:
    """Laws without empty states, float64[4, X], and joint laws float64[4, X, U] that have them; the same on every machine."""
    states, actions = model.states, model.actions
    spread = np.full(states, 1.0 / states)
    ramps = [0.5 + (_GOLDEN * (k + 1) * (np.arange(states) + 1.0)) % 1.0 for k in range(PROBES - 2)]
    mu = np.stack([0.5 * model.initial + 0.5 * spread, spread, *(ramp / ramp.sum() for ramp in ramps)])
    tilt = 0.5 + (_GOLDEN * np.arange(1.0, states * actions + 1)).reshape(states, actions) % 1.0
    if model.legal is not None:
        tilt = np.where(model.legal, tilt, 0.0)
    return mu, mu[:, :, None] * (tilt / tilt.sum(axis=1, keepdims=True))


def probing_steps(model: MeanFieldModel) -> Array:
    """Steps at which a model is looked at: the first, or if they differ each, up to 64 of them."""
    if not model.timed:
        return np.zeros(1, dtype=np.int64)
    return np.unique(np.linspace(0, model.horizon - 1, min(model.horizon, 64)).astype(np.int64))


def digest_of(model: MeanFieldModel) -> str:
    """The hash of a model: of its initial law, horizon, discount and arrays, and of what its functions give at the probing
    laws (each step takes another of them where steps differ); numbers rounded to 9 digits."""
    found = hashlib.sha256(b"staghunt-mean-field-model")
    mu, nu = probing_laws(model)
    found.update(f"{mu.shape} {nu.shape} {model.horizon} {float(model.discount).hex()}".encode())
    _add(found, model.initial)
    if model.legal is not None:
        found.update(np.packbits(model.legal).tobytes())
    for name, part in (
        ("transition", model.transition),
        ("reward", model.reward),
        ("observation", model.observation),
    ):
        found.update(name.encode())
        if callable(part):
            for k, step in enumerate(_pairs(model)):
                law = slice(k % PROBES, k % PROBES + 1)
                _add(found, _ask(model, name, mu[law], nu[law], step))
        elif part is not None:
            _add(found, part)
    return found.hexdigest()


def span_of(model: MeanFieldModel) -> float:
    """The scale that tolerances are relative to: the largest range of rewards over states and actions at a probing law,
    times the discounted number of steps."""
    mu, nu = probing_laws(model)
    where = np.ones(nu.shape[1:], dtype=bool) if model.legal is None else model.legal
    widest = 0.0
    for step in probing_steps(model):
        tables = np.broadcast_to(model.rewards(mu, nu, step), nu.shape)[:, where]
        widest = max(widest, float(np.ptp(tables, axis=1).max()))
    return widest * float((model.discount ** np.arange(model.horizon)).sum())


def _pairs(model: MeanFieldModel) -> Array:
    """The steps of successive looks: every law once, or every step."""
    steps = probing_steps(model)
    return steps if len(steps) >= PROBES else np.resize(steps, PROBES)


def _ask(model: MeanFieldModel, name: str, mu: Array, nu: Array, step: int) -> Array:
    if name == "reward":
        return model.rewards(mu, nu, step)
    return model.transitions(mu, step) if name == "transition" else model.observations(mu, step)


def _add(found: Any, table: Array) -> None:
    """Hash numbers rounded to so many digits that another processor's last bits do not matter."""
    size = np.where(table == 0, 1.0, np.abs(table))
    scale = 10.0 ** np.clip(_DIGITS - np.ceil(np.log10(size)), -290, 290)
    found.update((np.rint(table * scale) / scale + 0.0).astype("<f8").tobytes())
