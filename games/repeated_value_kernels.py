"""How often the cells of a repeated game are played, by carrying the distribution over histories from round to round.

Histories are numbered as rows of the first player (`games.sims.repeated`): starts[l] is where those of length l begin.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from games.stream_kernels import BARE


@njit(**BARE)
def carry(
    joint: Any,
    starts: Any,
    memory: Any,
    rounds: Any,
    weight: Any,
    going: Any,
    now: Any,
    after: Any,
    seen: Any,
) -> Any:
    """Play `rounds` rounds.

    Parameters
    ----------
    joint : float64[S, cells]
        Probability of each cell after each history.
    starts, memory : int64[memory + 1], int
        Where histories of each length begin; how many rounds are remembered.
    rounds : int
        How many to play.
    weight, going : float
        Probability that the first of them is played, and of each one after.
    now, after : float64[S]
        Distribution over histories before the first round, and after the last; both are changed.
    seen : float64[cells]
        Expected times that each cell is played, added to.

    Returns
    -------
    float
        Probability that one more round is played.
    """
    cells = joint.shape[1]
    for _ in range(rounds):
        for s in range(len(after)):
            after[s] = 0.0
        stride = 1  # cells ** length
        for length in range(memory + 1):
            full = length == memory
            place = stride // cells if full else stride
            for code in range(stride):
                p = now[starts[length] + code]
                if p == 0.0:
                    continue
                kept = starts[length] + code // cells if full else starts[length + 1] + code
                for c in range(cells):
                    w = p * joint[starts[length] + code, c]
                    if w != 0.0:
                        seen[c] += w * weight
                        after[kept + c * place] += w
            stride *= cells
        for s in range(len(after)):
            now[s] = after[s]
        weight *= going
    return weight
