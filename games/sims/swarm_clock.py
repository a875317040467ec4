"""Time as something that agents see: t/T as the last number of each observation and of the global state.

For learners whose policies are otherwise the same in every step, beside rules that are a sequence in time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from games.stream_kernels import BARE

Array = npt.NDArray[Any]


class Clock:
    """The time of every sub-environment, in its state under "time", int64[B].

    Parameters
    ----------
    shown : bool
        Whether it is seen at all; if not, nothing is counted.
    horizon : int
        T, steps of an episode.
    """

    def __init__(self, shown: bool, horizon: int) -> None:
        self.shown, self.horizon = shown, horizon

    @property
    def width(self) -> int:
        """Numbers it adds to an observation, and to the global state."""
        return int(self.shown)

    def begin(self, state: dict[str, Any], where: Array) -> None:
        """Time 0 in the sub-environments chosen by bool[B]."""
        if self.shown:
            state["time"][where] = 0
            show_time(state["time"], self.horizon, where, state["seen"])

    def advance(self, state: dict[str, Any], live: Array) -> None:
        """One step more where `live` bool[B]."""
        if self.shown:
            state["time"] += live
            show_time(state["time"], self.horizon, live, state["seen"])

    def beside(self, features: Array, state: dict[str, Any]) -> Array:
        """The global state: features float32[B, M], and the time if it is shown."""
        if not self.shown:
            return features
        time = (state["time"] / self.horizon).astype(np.float32)
        return np.concatenate([features, time[:, None]], axis=1)


@njit(**BARE)
def show_time(time: Any, horizon: Any, where: Any, seen: Any) -> None:
    """Write t/T into the last column of ``seen`` float32[B, N, 3]."""
    for b in range(seen.shape[0]):
        if where[b]:
            part = np.float32(time[b] / horizon)
            for i in range(seen.shape[1]):
                seen[b, i, 2] = part
