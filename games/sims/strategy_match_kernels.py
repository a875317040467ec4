"""Whole matches of two strategies of a repeated 2x2 game in one loop: the same draws, in the same order, as step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from games.sims.repeated_kernels import tremble
from games.strategies.dispatch import move
from games.stream_kernels import BARE, uniform


@njit(**BARE)
def play_strategies(
    seats: Any,
    code: Any,
    draws: Any,
    numbers: Any,
    payoffs: Any,
    limit: Any,
    length: Any,
    chances: Any,
    streams: Any,
    world: Any,
    k: Any,
    x: Any,
    returns: Any,
    lengths: Any,
    ended: Any,
) -> None:
    """Play matches.

    Parameters
    ----------
    seats : int64[M, 2]
        The program of the row and of the column player.
    code, draws, numbers : int64[Q], bool[Q], float64[Q, w]
        Programs (`games.strategies.programs.Program`).
    payoffs : float64[2, 4]
        Flat.
    limit, length : int
        Matches are cut off after `limit` rounds; the game has ended after `length`, never if 0.
    chances : float64[2]
        Noise, and the probability of another round (negative: always).
    streams, world : uint64[M, 2, 4], uint64[M, 4]
        Of the players and of the game; not touched where nothing is drawn.
    k, x : int64[2, words], float64[2, reals]
        Room for what both remember.
    returns, lengths, ended : float64[M, 2], int32[M], bool[M]
        Filled.
    """
    noise, continuation = chances[0], chances[1]
    for m in range(seats.shape[0]):
        a, b = seats[m, 0], seats[m, 1]
        for i in range(2):
            for j in range(k.shape[1]):
                k[i, j] = 0
            for j in range(x.shape[1]):
                x[i, j] = 0.0
        left, right, time = np.int64(0), np.int64(0), np.int64(0)
        left_pay, right_pay, left_sum, right_sum = 0.0, 0.0, 0.0, 0.0
        over = False
        while not over and time < limit:
            u = uniform(streams[m, 0]) if draws[a] else 0.0
            v = uniform(streams[m, 1]) if draws[b] else 0.0
            one = move(code[a], left, right, time, left_pay, u, k[0], x[0], numbers[a])
            two = move(code[b], right, left, time, right_pay, v, k[1], x[1], numbers[b])
            if noise > 0.0:
                one = tremble(world[m], noise, 2, one)
                two = tremble(world[m], noise, 2, two)
            left, right = one, two
            left_pay, right_pay = payoffs[0, 2 * left + right], payoffs[1, 2 * left + right]
            left_sum += left_pay
            right_sum += right_pay
            time += 1
            over = uniform(world[m]) >= continuation if continuation >= 0.0 else time == length
        returns[m, 0], returns[m, 1] = left_sum, right_sum
        lengths[m] = time
        ended[m] = over
