"""Economies: ``economy:gather-trade-build`` and ``economy:one-step``, in which workers earn and a planner taxes."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from games.env import Env
from games.errors import InputError

NAMES = ("gather-trade-build", "one-step")

EXAMPLES = (
    "economy:gather-trade-build?agents=4",
    "economy:gather-trade-build?size=small&agents=4&tax=federal",
    "economy:one-step?agents=100",
)


def make(name: str, parameters: Mapping[str, Any]) -> Env:
    """The economy of this name.

    Parameters
    ----------
    name : str
        ``gather-trade-build`` or ``one-step``.
    parameters : mapping
        Constants as in `games.sims.economy_parameters.GatherTradeBuild`, or in `games.sims.economy_one_step`, as text or Python
        values; ``size=small`` is a shorter gather-trade-build on a smaller map.

    Raises
    ------
    InputError
        If there is no such economy, or a constant is unknown or out of range.
    """
    key = name.strip().lower()
    if key == "gather-trade-build":
        from games.sims.economy_gtb import GatherTradeBuildRules
        from games.sims.economy_parameters import read_parameters
        from games.sims.simulation import Simulation

        return Simulation(GatherTradeBuildRules(read_parameters(parameters)))
    if key == "one-step":
        from games.sims.economy_one_step import make as make_one_step

        return make_one_step(name, parameters)
    near = get_close_matches(key, NAMES, 1, 0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}"
    raise InputError(f"unknown economy {name!r:.40}; {hint}")
