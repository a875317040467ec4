"""What level-based foraging can be set to, and reading it from names such as ``2s-10x10-3p-3f-coop``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import prod
from numbers import Real
from typing import Any, Literal

from games.catalogue.entry import Numbers, Parameter, shorten
from games.errors import InputError

Levels = tuple[int, ...]

RIGHT = "foraging:8x8-2p-3f, foraging:2s-10x10-3p-3f-coop or foraging:grid-2s-8x8-2p-3f"
_NAME = re.compile(
    r"(?:foraging-)?(?P<grid>grid-)?(?:(?P<sight>\d{1,6})s-)?(?P<rows>\d{1,6})x(?P<cols>\d{1,6})"
    r"-(?P<players>\d{1,6})p-(?P<foods>\d{1,6})f(?P<marks>(?:-(?:coop|ind|pen))*)(?:-v3)?",
    re.IGNORECASE | re.ASCII,
)
_MOST_NUMBERS, _LONGEST_SIDE, _HIGHEST_LEVEL = 10_000_000, 1_000, 1_000_000

PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter("sight", int, 0),
        Parameter("coop", bool, False),
        Parameter("penalty", float, 0.0),
        Parameter("min_player_level", Numbers, (1,)),
        Parameter("max_player_level", Numbers, (2,)),
        Parameter("min_food_level", Numbers, (1,)),
        Parameter("max_food_level", Numbers, ()),
        Parameter("horizon", int, 50),
        Parameter("normalize", bool, True),
        Parameter("reward", Literal["own", "team"], "own"),
        Parameter("grid", bool, False),
        Parameter("levels", bool, True),
    )
}


@dataclass(frozen=True)
class Setup:
    """One configuration of level-based foraging; `lbforaging` calls them the same unless noted.

    Parameters
    ----------
    rows, cols : int
        Size of the field.
    players, foods : int
        Number of players, and of foods at most (fewer are placed where no more fit).
    sight : int
        How far a player sees, in cells; the larger side of the field by default.
    coop : bool
        Every food has the highest level that it can have (``force_coop``).
    penalty : float
        What a player loses by a load that fails.
    min_player_level, max_player_level : tuple of int
        Bounds of the players' levels, one per player, dealt to the players at random in every episode.
    min_food_level : tuple of int
        Lowest level of each food.
    max_food_level : tuple of int, optional
        Highest level of each food; None: the sum of the three lowest players' levels.
    horizon : int
        Steps after which an episode is cut off (``max_episode_steps``).
    normalize : bool
        Whether the rewards of an episode in which everything is eaten sum to 1.
    team : bool
        Whether everybody gets the sum of all rewards (``reward=team``; not in `lbforaging`).
    grid : bool
        Observations are three layers of cells around the player instead of lists of coordinates.
    levels : bool
        Whether players' levels are observed (``observe_agent_levels``).
    """

    rows: int
    cols: int
    players: int
    foods: int
    sight: int
    coop: bool = False
    penalty: float = 0.0
    min_player_level: Levels = ()
    max_player_level: Levels = ()
    min_food_level: Levels = ()
    max_food_level: Levels | None = None
    horizon: int = 50
    normalize: bool = True
    team: bool = False
    grid: bool = False
    levels: bool = True

    @property
    def observation(self) -> tuple[int, ...]:
        """Shape of one observation."""
        if self.grid:
            return (3, 2 * self.sight + 1, 2 * self.sight + 1)
        return (3 * self.foods + (3 if self.levels else 2) * self.players,)

    @property
    def state(self) -> int:
        """Numbers in the global state."""
        return 3 * self.players + 4 * self.foods + 1

    @property
    def name(self) -> str:
        """The URI from which `read_setup` makes this setup again."""
        parts = ["grid"] if self.grid else []
        if self.sight != max(self.rows, self.cols):
            parts.append(f"{self.sight}s")
        parts += [f"{self.rows}x{self.cols}", f"{self.players}p", f"{self.foods}f"]
        if self.coop:
            parts.append("coop")
        told = {
            "penalty": repr(self.penalty),
            "min_player_level": _told(self.min_player_level),
            "max_player_level": _told(self.max_player_level),
            "min_food_level": _told(self.min_food_level),
            "max_food_level": _told(self.max_food_level),
            "horizon": str(self.horizon),
            "normalize": str(self.normalize).lower(),
            "reward": "team" if self.team else "own",
            "levels": str(self.levels).lower(),
        }
        if self.max_food_level == (1,) * self.foods:
            parts.append("ind")
            del told["max_food_level"]
        if self.penalty == 0.1:
            parts.append("pen")
            del told["penalty"]
        usual = {
            "min_player_level": "1",
            "max_player_level": "2",
            "min_food_level": "1",
            "max_food_level": "",
        }
        usual |= {"penalty": "0.0", "horizon": "50", "normalize": "true", "reward": "own", "levels": "true"}
        query = "&".join(f"{key}={value}" for key, value in told.items() if value != usual[key])
        return f"foraging:{'-'.join(parts)}" + (f"?{query}" if query else "")


def read_setup(name: str, parameters: Mapping[str, Any]) -> Setup:
    """The setup that a name and parameters describe; parameters win over the name.

    Parameters
    ----------
    name : str
        As `lbforaging` registers them, with or without ``Foraging-`` before and ``-v3`` behind: ``8x8-2p-3f``, ``2s-``
        for sight 2, ``grid-`` for grid observations, ``-coop``, ``-pen`` (penalty 0.1), ``-ind`` (all foods level 1).
    parameters : mapping
        Those of `Setup`, as text or Python values.

    Raises
    ------
    InputError
        If the name is not of this form, a parameter is unknown or wrong, or the setup cannot be played.
    """
    where = f"foraging:{shorten(name)}"
    found = _NAME.fullmatch(name.strip())
    if found is None:
        raise InputError(f"{where} is no size of level-based foraging; expected a name like {RIGHT}")
    marks = found["marks"].lower().split("-")[1:]
    if len(set(marks)) < len(marks):
        raise InputError(f"{where} says the same thing twice; expected a name like {RIGHT}")
    rows, cols, players, foods = (int(found[key]) for key in ("rows", "cols", "players", "foods"))
    values = {key: parameter.default for key, parameter in PARAMETERS.items()}
    values["sight"] = int(found["sight"] or max(rows, cols))
    values["coop"], values["grid"] = "coop" in marks, bool(found["grid"])
    values["penalty"] = 0.1 if "pen" in marks else 0.0
    values["max_food_level"] = (1,) if "ind" in marks else ()
    values |= {key: _value(where, key, given) for key, given in parameters.items()}
    values["team"] = values.pop("reward") == "team"
    for key, count, what in (
        ("min_player_level", players, "player"),
        ("max_player_level", players, "player"),
        ("min_food_level", foods, "food"),
        ("max_food_level", foods, "food"),
    ):
        free = key == "max_food_level" and not values[key]
        values[key] = None if free else _each(where, key, values[key], count, what)
    setup = Setup(rows, cols, players, foods, **values)
    _check_sizes(where, setup)
    _check_levels(where, setup)
    return setup


def _value(where: str, key: str, given: Any) -> Any:
    """A parameter's value from text or Python."""
    if key not in PARAMETERS:
        near = get_close_matches(key, PARAMETERS, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(PARAMETERS)}"
        raise InputError(f"{where} has no parameter {shorten(key)!r}; {hint}")
    parameter = PARAMETERS[key]
    if given is None and key == "max_food_level":
        return ()
    try:
        if parameter.kind == Numbers and isinstance(given, Real) and not isinstance(given, bool):
            return parameter.parse((given,))
        return parameter.parse(given)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _each(where: str, key: str, given: tuple[float, ...], count: int, what: str) -> Levels:
    """One whole, positive level for each of `count` things, from as many numbers or from one."""
    levels = tuple(int(level) for level in given)
    if len(levels) not in (1, count):
        raise InputError(f"{where}: {key} takes one level, or one per {what} ({count}), not {len(levels)}")
    if levels != tuple(given) or min(levels) < 1 or max(levels) > _HIGHEST_LEVEL:
        raise InputError(f"{where}: {key}={_told(given)} must be whole numbers from 1 to {_HIGHEST_LEVEL:,}")
    return levels * count if len(levels) == 1 else levels


def _check_sizes(where: str, setup: Setup) -> None:
    rows, cols = setup.rows, setup.cols
    if min(rows, cols) < 3 or max(rows, cols) > _LONGEST_SIDE:
        raise InputError(f"{where}: a field has 3 to {_LONGEST_SIDE:,} rows and columns, not {rows}x{cols}")
    if not 1 <= setup.players <= rows * cols:
        raise InputError(
            f"{where}: {setup.players} players do not fit; a {rows}x{cols} field takes 1 to {rows * cols}"
        )
    inside = (rows - 2) * (cols - 2)
    if not 1 <= setup.foods <= inside:
        raise InputError(
            f"{where}: {setup.foods} foods do not fit; food keeps off the border, and a {rows}x{cols} field has "
            f"{inside} cells inside it"
        )
    least = 1 if setup.grid else 0
    if not least <= setup.sight <= _LONGEST_SIDE:
        raise InputError(f"{where}: sight must be {least} to {_LONGEST_SIDE:,} cells, not {setup.sight}")
    if setup.horizon < 1 or setup.horizon > 2**31 - 1:
        raise InputError(f"{where}: an episode needs 1 to {2**31 - 1:,} steps, not horizon={setup.horizon}")
    if not 0 <= setup.penalty <= _HIGHEST_LEVEL:
        raise InputError(
            f"{where}: the penalty is what a failed load costs, 0 to {_HIGHEST_LEVEL:,}, not {setup.penalty:g}"
        )
    numbers = setup.players * prod(setup.observation) + setup.state
    if numbers > _MOST_NUMBERS:
        raise InputError(
            f"{where}: {numbers:,} numbers are observed in every sub-environment, more than {_MOST_NUMBERS:,}; "
            "take fewer players or foods, or a shorter sight"
        )


def _check_levels(where: str, setup: Setup) -> None:
    for low, high, what in (
        (setup.min_player_level, setup.max_player_level, "player"),
        (setup.min_food_level, setup.max_food_level or (), "food"),
    ):
        if any(a > b for a, b in zip(low, high)):
            raise InputError(
                f"{where}: min_{what}_level={_told(low)} is above max_{what}_level={_told(high)}"
            )
    weakest = sum(sorted(setup.min_player_level)[:3])
    if setup.max_food_level is None and not setup.coop and max(setup.min_food_level) > weakest:
        raise InputError(
            f"{where}: min_food_level={_told(setup.min_food_level)} can be above what the three weakest players have "
            f"together ({weakest}), which is the highest level of food unless max_food_level is given"
        )


def _told(levels: Any) -> str:
    """Levels as they stand in a URI: one number where all are the same."""
    if not levels:
        return ""
    each = levels[:1] if len(set(levels)) == 1 else levels
    return ",".join(f"{level:.12g}" for level in each)
