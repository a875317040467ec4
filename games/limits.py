"""How large a payoff tensor may be, decided before anything is allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from games.errors import InputError

_GIB = 1024**3


def available_bytes() -> int:
    """Memory in bytes that a new allocation may hope for (free plus reclaimable, where the system tells)."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 4 * _GIB


def payoff_bytes(shape: Sequence[int]) -> int:
    """Bytes of the float64 payoff tensor [P, A1, ..., AP] of a game with these action counts."""
    return 8 * len(shape) * math.prod(shape)


def check_fits(shape: Sequence[int], what: str = "the payoff tensor", copies: float = 2) -> None:
    """Raise `InputError` when a payoff tensor of this shape would not fit, saying how large it would be.

    Parameters
    ----------
    shape : sequence of int
        Number of actions of each player.
    what : str
        What is being built, for the message.
    copies : float
        How many payoff tensors exist at once while it is built: two by default, since a game copies what it is given.
    """
    if len(shape) > 62:
        raise InputError(f"{what} has {len(shape)} players; a dense normal form is limited to 62")
    need = payoff_bytes(shape)
    have = int(0.8 * available_bytes())
    if copies * need > have:
        cells = math.prod(shape)
        times = f" ({copies:g} times that while it is built)" if need <= have else ""
        raise InputError(
            f"{what} has {len(shape)} players and {_count(cells)} joint profiles, {_size(need)} of payoffs{times}; "
            f"about {_size(have)} of memory is available"
        )


def _size(n: int) -> str:
    return f"{n / _GIB:.1f} GiB" if n < 1024 * _GIB else f"{_count(n // _GIB)} GiB"


def _count(n: int) -> str:
    if n < 10**9:
        return f"{n:,}"
    exponent = len(str(n)) - 1
    return f"{n / 10**exponent if exponent < 300 else int(str(n)[0]):.3g}e{exponent}"
