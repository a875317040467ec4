"""What notebooks import: train, evaluate and play in a line each, look at what comes of it, and draw it.

>>> from experiments.notebook import draw, evaluate, film, lambda_slider, tournament, train
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.notebook import draw as draw
    from experiments.notebook.budgets import budget as budget
    from experiments.notebook.budgets import is_smoke as is_smoke
    from experiments.notebook.comparing import compare as compare
    from experiments.notebook.films import film as film
    from experiments.notebook.judging import evaluate as evaluate
    from experiments.notebook.sliders import lambda_slider as lambda_slider
    from experiments.notebook.tables import read_off as read_off
    from experiments.notebook.training import train as train
    from experiments.tournament.api import tournament as tournament

_HOMES = {
    "budget": "experiments.notebook.budgets",
    "compare": "experiments.notebook.comparing",
    "evaluate": "experiments.notebook.judging",
    "film": "experiments.notebook.films",
    "is_smoke": "experiments.notebook.budgets",
    "lambda_slider": "experiments.notebook.sliders",
    "read_off": "experiments.notebook.tables",
    "tournament": "experiments.tournament.api",
    "train": "experiments.notebook.training",
}
__all__ = ["draw", *_HOMES]


def __getattr__(name: str) -> Any:
    if name == "draw":
        return import_module("experiments.notebook.draw")
    if name not in _HOMES:
        raise AttributeError(f"module 'experiments.notebook' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
