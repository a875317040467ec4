"""What the catalogue knows of a game: its source, its parameters, its known answers, and how to build it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import numpy as np

from games.errors import InputError
from games.normal import NormalFormGame

Shape = tuple[int, ...]
"""Number of actions of each player, written 5x5x5 in a URI."""
Numbers = tuple[float, ...]
"""A list of numbers, written 8,5,2 in a URI."""


@dataclass(frozen=True)
class Source:
    """Where a game was published.

    Parameters
    ----------
    authors, title, where : str
        Who, what, and the journal, book or series it appeared in.
    year : int
        Year of publication.
    locator : str
        Volume, pages, section, figure or example, where known.
    """

    authors: str
    year: int
    title: str
    where: str
    locator: str = ""

    def __str__(self) -> str:
        place = f"{self.where}, {self.locator}" if self.locator else self.where
        return f"{self.authors} ({self.year}), {self.title}, {place}"


@dataclass(frozen=True)
class Known:
    """Answers stated in the literature or derived by hand, for one choice of parameters.

    Parameters
    ----------
    at : mapping
        The parameters that these answers are for; the rest at their defaults.
    pure_nash : tuple of profiles, optional
        All pure Nash equilibria, each a tuple of action indices.
    pure_count : int, optional
        How many pure Nash equilibria there are, where listing them is idle.
    nash : tuple of mixed profiles
        Nash equilibria (not necessarily all), each a tuple of one distribution per player.
    value : float, optional
        First player's value of a two-player zero-sum (or constant-sum) game.
    ce_welfare, cce_welfare : float, optional
        Largest sum of payoffs over correlated (coarse correlated) equilibria.
    correlated : tuple of (profile, probability)
        A correlated equilibrium.
    """

    at: Mapping[str, Any] = field(default_factory=dict)
    pure_nash: tuple[tuple[int, ...], ...] | None = None
    pure_count: int | None = None
    nash: tuple[tuple[Sequence[float], ...], ...] = ()
    value: float | None = None
    ce_welfare: float | None = None
    cce_welfare: float | None = None
    correlated: tuple[tuple[tuple[int, ...], float], ...] = ()


@dataclass(frozen=True)
class Parameter:
    """One parameter of a catalogued game: its name, its type and its default."""

    name: str
    kind: Any
    default: Any

    def parse(self, text: Any) -> Any:
        """The value of this parameter given as URI text (or as a Python value); `InputError` if it is not one."""
        try:
            return _parse(self.kind, text)
        except (ValueError, TypeError, ZeroDivisionError, OverflowError):
            raise InputError(f"parameter {self.name}={text} is not {_describe(self.kind)}") from None

    def show(self, value: Any | None = None) -> str:
        """The value (by default the default) as it would be written in a URI."""
        value = self.default if value is None else value
        if self.kind == Shape:
            return "x".join(map(str, value))
        if self.kind == Numbers:
            return ",".join(map(_plain, value))
        if isinstance(value, bool):
            return str(value).lower()
        return _plain(value) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Entry:
    """One game or family of the catalogue.

    Parameters
    ----------
    name : str
        As in ``zoo:NAME``.
    summary : str
        One line for people.
    source : Source
        Where it was published.
    parameters : tuple of Parameter
        With defaults.
    builder : callable
        Makes the game from keyword arguments.
    known : tuple of Known
        Answers to test against.
    aliases : tuple of str
        Other names that ``zoo:`` understands.
    random : bool
        Whether it is a seeded random family.
    """

    scheme: ClassVar[str] = "zoo"
    name: str
    summary: str
    source: Source
    parameters: tuple[Parameter, ...]
    builder: Callable[..., Any]
    known: tuple[Known, ...] = ()
    aliases: tuple[str, ...] = ()
    random: bool = False

    @property
    def uri(self) -> str:
        """The URI with every parameter at its default."""
        query = "&".join(f"{p.name}={p.show()}" for p in self.parameters)
        return f"{self.scheme}:{self.name}" + (f"?{query}" if query else "")

    def build(self, parameters: Mapping[str, Any] | None = None) -> Any:
        """The game at these parameters (URI text or Python values), the others at their defaults.

        Raises
        ------
        InputError
            If a parameter is unknown, ill-typed, out of range, or the game would not fit in memory.
        """
        table = {p.name: p for p in self.parameters}
        values = {}
        for name, text in (parameters or {}).items():
            if name not in table:
                raise InputError(f"{self.scheme}:{self.name} {unknown('parameter', name, table)}")
            values[name] = table[name].parse(text)
        with np.errstate(all="ignore"):  # the game itself refuses payoffs that overflow
            return self.builder(**values)


ENTRIES: dict[str, Entry] = {}
"""All registered games by name, in the order of registration."""


def register(
    name: str, source: Source, *known: Known, aliases: tuple[str, ...] = (), random: bool = False
) -> Callable[[Callable[..., NormalFormGame]], Callable[..., NormalFormGame]]:
    """Decorator: put a function with typed, defaulted parameters into the catalogue as ``zoo:name``."""

    def enter(builder: Callable[..., NormalFormGame]) -> Callable[..., NormalFormGame]:
        hints = get_type_hints(builder)
        parameters = tuple(
            Parameter(p.name, hints[p.name], p.default)
            for p in inspect.signature(builder).parameters.values()
        )
        summary = (inspect.getdoc(builder) or "").split("\n", 1)[0].rstrip(".")
        ENTRIES[name] = Entry(name, summary, source, parameters, builder, known, aliases, random)
        return builder

    return enter


def canonical(name: str) -> str:
    """A name as the catalogue writes it: lower case, words joined by hyphens, no apostrophes."""
    return "-".join(name.lower().replace("'", "").replace("_", " ").replace("-", " ").split())


def unknown(what: str, name: str, candidates: Any) -> str:
    """The words "has no WHAT 'NAME'; ..." with the nearest right name, or all of them when there are few."""
    names = list(candidates)
    near = get_close_matches(name, names, 1, 0.5)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif not names:
        hint = f"it takes no {what}"
    elif len(names) <= 8:
        hint = f"it has {', '.join(names)}"
    else:
        hint = "`staghunt games` lists them"
    return f"has no {what} {shorten(name)!r}; {hint}"


def shorten(text: str, limit: int = 60) -> str:
    """At most `limit` characters of user input, for a message."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def check_range(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Raise `InputError` unless low <= value <= high."""
    if not low <= value <= high:
        wanted = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        raise InputError(f"parameter {name}={value:g} must be {wanted}")


# --- parameter values from text ---------------------------------------------------------------------------


def _parse(kind: Any, value: Any) -> Any:
    if get_origin(kind) is Literal:
        return _choice(get_args(kind), value)
    if kind == Shape:
        parts = value.lower().split("x") if isinstance(value, str) else list(value)
        return tuple(_integer(part) for part in parts)
    if kind == Numbers:
        parts = value.split(",") if isinstance(value, str) else list(value)
        return tuple(_number(part) for part in parts)
    if kind is bool:
        return _truth(value)
    if kind is int:
        return _integer(value)
    if kind is float:
        return _number(value)
    return value  # a parameter that only Python callers can give something special, such as a graph


def _plain(value: float) -> str:
    """The shortest text that reads back as the same number, 3 rather than 3.0."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def _choice(options: tuple[str, ...], value: Any) -> str:
    if value not in options:
        raise ValueError(value)
    return value


def _integer(value: Any) -> int:
    if isinstance(value, str):
        if len(value) > 20:
            raise ValueError(value)
        return int(value)
    if isinstance(value, bool) or int(value) != value:
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, str):
        if len(value) > 40:
            raise ValueError(value)
        number = float(Fraction(value)) if "/" in value else float(value)
    else:
        number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in words:
        raise ValueError(value)
    return words[str(value).lower()]


def _describe(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    words: dict[Any, str] = {
        Shape: "a shape such as 5x5x5",
        Numbers: "a list of numbers such as 8,5,2",
        bool: "true or false",
        int: "a whole number",
        float: "a finite number",
    }
    return words.get(kind, "a valid value")
