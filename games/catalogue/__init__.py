"""Named games of the literature and seeded random families, each with its source and its known answers."""

from __future__ import annotations

from importlib import import_module

from games.catalogue.entry import ENTRIES, Entry, Known, Parameter, Source

__all__ = ["Entry", "Known", "Parameter", "Source", "entries"]

_ROOMS = (
    "two_by_two",
    "cycles",
    "coordination",
    "dilemmas",
    "guessing",
    "crowds",
    "contests",
    "markets",
    "bargaining",
    "sequential",
    "refinement",
    "random",
    "structured",
)


def entries() -> dict[str, Entry]:
    """Every catalogued game by name; the rooms are imported on the first call."""
    for room in _ROOMS:
        import_module(f"games.catalogue.{room}")
    return ENTRIES
