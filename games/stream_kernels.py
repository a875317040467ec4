"""Random streams inside numba: xoshiro256++ (Blackman and Vigna 2021), seeded by SplitMix64.

A stream is four uint64 words. All functions draw from one stream in place; simulations call them from their own
kernels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

BARE: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_U = np.uint64


@njit(**BARE)
def mix(z: Any) -> Any:
    """SplitMix64's finaliser: a bijection of uint64 that looks random."""
    z = (z ^ (z >> _U(30))) * _MIX1
    z = (z ^ (z >> _U(27))) * _MIX2
    return z ^ (z >> _U(31))


@njit(**BARE)
def seed_streams(seeds: Any, label: Any, state: Any) -> Any:
    """Fill state uint64[B, n, 4]: stream (b, i) is a function of seeds[b], the label and i."""
    for b in range(state.shape[0]):
        base = mix(seeds[b] + _GOLDEN * (_U(2) * _U(label) + _U(1)))
        for i in range(state.shape[1]):
            word = mix(base + _GOLDEN * _U(i + 1))
            for k in range(4):
                word = word + _GOLDEN
                state[b, i, k] = mix(word)


@njit(**BARE)
def bits(s: Any) -> Any:
    """64 random bits, uint64."""
    total = s[0] + s[3]
    result = ((total << _U(23)) | (total >> _U(41))) + s[0]
    t = s[1] << _U(17)
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = (s[3] << _U(45)) | (s[3] >> _U(19))
    return result


@njit(**BARE)
def uniform(s: Any) -> Any:
    """A float64 in [0, 1) with 53 random bits."""
    return float(bits(s) >> _U(11)) * (1.0 / 9007199254740992.0)


@njit(**BARE)
def below(s: Any, count: Any) -> Any:
    """An int64 in [0, count), count < 2**31, exactly uniform (Lemire 2019)."""
    n = _U(count)
    product = (bits(s) >> _U(32)) * n
    low = product & _U(0xFFFFFFFF)
    if low < n:
        floor = (_U(0x100000000) - n) % n
        while low < floor:
            product = (bits(s) >> _U(32)) * n
            low = product & _U(0xFFFFFFFF)
    return np.int64(product >> _U(32))


_BLOCKS = 128
_TAIL, _AREA = 3.442619855899, 9.91256303526217e-3


def _ziggurat() -> tuple[np.ndarray, np.ndarray]:
    """Edges float64[129] and ratios float64[128] of the blocks of equal area under exp(-x^2/2)."""
    edges = np.zeros(_BLOCKS + 1)
    height = math.exp(-0.5 * _TAIL * _TAIL)
    edges[0], edges[1] = _AREA / height, _TAIL
    for i in range(2, _BLOCKS):
        edges[i] = math.sqrt(-2.0 * math.log(_AREA / edges[i - 1] + height))
        height = math.exp(-0.5 * edges[i] * edges[i])
    return edges, edges[1:] / edges[:-1]


_EDGES, _RATIOS = _ziggurat()


@njit(**BARE)
def normal(s: Any) -> Any:
    """A standard normal float64, by the ziggurat (Marsaglia and Tsang 2000 in the form of Doornik 2005)."""
    while True:
        word = bits(s)
        u = 2.0 * (float(word >> _U(11)) * (1.0 / 9007199254740992.0)) - 1.0
        i = np.int64(word & _U(127))
        if abs(u) < _RATIOS[i]:
            return u * _EDGES[i]
        if i == 0:
            return _tail(s, u < 0.0)
        x = u * _EDGES[i]
        above = math.exp(-0.5 * (_EDGES[i] * _EDGES[i] - x * x))
        below_ = math.exp(-0.5 * (_EDGES[i + 1] * _EDGES[i + 1] - x * x))
        if below_ + uniform(s) * (above - below_) < 1.0:
            return x


@njit(**BARE)
def _tail(s: Any, negative: Any) -> Any:
    while True:
        x = math.log(1.0 - uniform(s)) / _TAIL
        y = math.log(1.0 - uniform(s))
        if -2.0 * y >= x * x:
            return x - _TAIL if negative else _TAIL - x


@njit(**BARE)
def fill_bits(state: Any, out: Any) -> Any:
    """64 bits per stream: state uint64[B, n, 4], out uint64[B, n, k]."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            for k in range(out.shape[2]):
                out[b, i, k] = bits(state[b, i])


@njit(**BARE)
def fill_uniform(state: Any, out: Any) -> Any:
    """Uniform numbers: state uint64[B, n, 4], out float64[B, n, k]."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            for k in range(out.shape[2]):
                out[b, i, k] = uniform(state[b, i])


@njit(**BARE)
def fill_normal(state: Any, out: Any) -> Any:
    """Standard normal numbers: state uint64[B, n, 4], out float64[B, n, k]."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            for k in range(out.shape[2]):
                out[b, i, k] = normal(state[b, i])


@njit(**BARE)
def pick_legal(state: Any, mask: Any, out: Any) -> Any:
    """A uniformly random legal action: mask bool[B, n, A], out int32[B, n]; 0 where none is legal.

    Every stream is drawn from exactly once, whatever is legal.
    """
    for b in range(mask.shape[0]):
        for i in range(mask.shape[1]):
            u = uniform(state[b, i])
            legal = 0
            for a in range(mask.shape[2]):
                legal += mask[b, i, a]
            if legal == mask.shape[2]:
                out[b, i] = np.int64(u * legal)
                continue
            left, seen, chosen = np.int64(u * legal), 0, 0
            for a in range(mask.shape[2]):  # without branches: nobody can predict them
                seen += mask[b, i, a]
                chosen += seen <= left
            out[b, i] = chosen if legal > 0 else 0


@njit(**BARE)
def pick_likely(state: Any, probs: Any, out: Any) -> Any:
    """An action drawn from probs float64[B, n, A] by inverting its distribution, into out int32[B, n].

    Every stream is drawn from exactly once. An action of probability 0 is never drawn.
    """
    for b in range(probs.shape[0]):
        for i in range(probs.shape[1]):
            u = uniform(state[b, i])
            total = 0.0
            for a in range(probs.shape[2]):
                total += probs[b, i, a]
            u *= total
            chosen = 0
            for a in range(probs.shape[2]):
                p = probs[b, i, a]
                if p > 0.0:
                    chosen = a
                    if u < p:
                        break
                    u -= p
            out[b, i] = chosen


@njit(**BARE)
def pick_soft(state: Any, logits: Any, mask: Any, out: Any) -> Any:
    """An action drawn from the soft-max of logits float64[B, n, A] over legal ones, bool[B, n, A], into out int32[B, n].

    Every stream is drawn from exactly once; where nothing is legal the action is 0. Logits of minus infinity are never
    chosen while there is another legal one.
    """
    for b in range(logits.shape[0]):
        for i in range(logits.shape[1]):
            u = uniform(state[b, i])
            top = -np.inf
            for a in range(logits.shape[2]):
                if mask[b, i, a] and logits[b, i, a] > top:
                    top = logits[b, i, a]
            total = 0.0
            for a in range(logits.shape[2]):
                if mask[b, i, a]:
                    total += math.exp(logits[b, i, a] - top) if top > -np.inf else 1.0
            u *= total
            chosen = 0
            for a in range(logits.shape[2]):
                if mask[b, i, a]:
                    p = math.exp(logits[b, i, a] - top) if top > -np.inf else 1.0
                    if p > 0.0:
                        chosen = a
                        if u < p:
                            break
                        u -= p
            out[b, i] = chosen
