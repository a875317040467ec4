"""Policies that were trained in one economy and go on learning in another: only the tax system may be another."""

from __future__ import annotations

from typing import Any

from experiments.economy_episodes import GATHER, economy_kind
from games.env import Env
from games.errors import InputError


def check_same_economy(trained: str, env: Env) -> None:
    """Refuse to go on in an economy whose workers would see and do something else than where they learned.

    Who sets rates, costs, skills and growth may differ; the map, where brackets begin, and how many workers there are must not.

    Parameters
    ----------
    trained : str
        URI of where policies were trained.
    env : Env
        Where they shall go on; anything but an economy is let pass.

    Raises
    ------
    InputError
        If something differs that must not.
    """
    from games.env_uris import make_env

    kind = economy_kind(env)
    if kind is None:
        return
    try:
        earlier: Any = make_env(trained)
    except InputError:  # of another program, or from a damaged file
        earlier = None
    if economy_kind(earlier) != kind:
        raise InputError(f"it was trained on {trained:.160}, not on an economy:{kind}")
    before, now = _fixed(earlier), _fixed(env)
    for what, value in now.items():
        if before[what] != value:
            raise InputError(f"it was trained with {what} {_short(before[what])}, not {_short(value)}")


def _fixed(env: Any) -> dict[str, Any]:
    """What must be the same."""
    parameters = env.rules.parameters
    brackets = parameters.tax_brackets.cutoffs
    out = {"brackets that begin at": brackets, "a number of workers of": parameters.agents}
    if economy_kind(env) == GATHER:
        return {"the map": _Map(parameters.map, env.rules.ground.code.tolist()), **out}
    return out


class _Map:
    """A map by its tiles, told by its name."""

    def __init__(self, name: str, tiles: list[Any]) -> None:
        self.name, self.tiles = name, tiles

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Map) and self.tiles == other.tiles

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{one:g}" for one in value[:8]) + (", ..." if len(value) > 8 else "") + " coin"
    return f"{value!s:.60}"
