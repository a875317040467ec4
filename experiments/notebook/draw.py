"""Pictures for notebooks. Every function takes `axes=` to draw on, makes new ones without, and returns them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES: dict[str, str] = {
    "behavior": "experiments.notebook.draw_trees",
    "branch": "experiments.notebook.draw_games",
    "calls_around": "experiments.notebook.draw_calls",
    "calls_by": "experiments.notebook.draw_calls",
    "calls_map": "experiments.notebook.draw_calls",
    "calls_worth": "experiments.notebook.draw_calls",
    "certainty": "experiments.notebook.draw_tournaments",
    "convergence": "experiments.notebook.draw_trees",
    "correlated_polytope": "experiments.notebook.draw_games",
    "curves": "experiments.notebook.draw_learning",
    "executions": "experiments.notebook.draw_calls",
    "graph": "experiments.notebook.draw_learning",
    "graphs": "experiments.notebook.draw_learning",
    "growth": "experiments.notebook.draw_tournaments",
    "incomes": "experiments.notebook.draw_economies",
    "joint": "experiments.notebook.draw_games",
    "likelihood": "experiments.notebook.draw_games",
    "payoff_table": "experiments.notebook.draw_tournaments",
    "payoffs": "experiments.notebook.draw_games",
    "play_plane": "experiments.notebook.draw_games",
    "ranking": "experiments.notebook.draw_tournaments",
    "rates": "experiments.notebook.draw_economies",
    "rules": "experiments.notebook.draw_swarms",
    "scene": "experiments.notebook.draw_swarms",
    "sizes": "experiments.notebook.draw_swarms",
    "systems": "experiments.notebook.draw_economies",
    "tables": "experiments.notebook.draw_tournaments",
}
"""Where each picture is made."""
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'experiments.notebook.draw' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
