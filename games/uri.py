"""Game URIs: telling files from schemes, and a URI's parameters."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from games.errors import InputError

SCHEMES = ("zoo", "openspiel")
TABLE, TOURNAMENT = "table.json", "tournament.yaml"
"""In the folder of a tournament: its payoff table once it is over, and what was asked for."""
SUFFIXES = (".nfg", ".efg", ".json", ".npz", ".csv")
_SCHEME = re.compile(
    r"([A-Za-z][A-Za-z0-9_+-]+):(.*)", re.DOTALL
)  # two letters at least: C:\game.nfg is a path


@dataclass(frozen=True)
class Uri:
    """A game URI taken apart.

    Parameters
    ----------
    scheme : {"file", "zoo", "openspiel"}
        Where the game comes from.
    name : str
        The path, the name in the zoo, or the OpenSpiel game string with its parameters in brackets.
    parameters : mapping of str to str
        The text after ``?``, split at ``&``.
    """

    scheme: str
    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> Uri:
    """Take a URI apart; an existing file is always taken as that file, whatever its name looks like.

    Raises
    ------
    InputError
        If it is neither a known scheme nor something that could be a game file.
    """
    if not text.strip():
        raise InputError("the game is empty; expected a file, zoo:NAME or openspiel:NAME")
    if os.path.isfile(text):
        return Uri("file", text)
    match = _SCHEME.fullmatch(text)
    if match and match[1].lower() in SCHEMES:
        return _with_scheme(match[1].lower(), match[2])
    base, mark, query = text.rpartition("?")
    if mark and not os.path.isdir(text):
        if os.path.isfile(base) or _suffix(base) in SUFFIXES:
            return Uri("file", base, split_query(query, base))
        if os.path.isdir(base):
            return Uri("file", _table_in(base), split_query(query, base))
    if os.path.isdir(text):
        return Uri("file", _table_in(text))
    if _suffix(text) in SUFFIXES:
        return Uri("file", text)
    if match:
        raise InputError(_unknown_scheme(match[1]))
    raise InputError(_not_a_game(text))


def _table_in(folder: str) -> str:
    """The payoff table of a tournament."""
    table = os.path.join(folder, TABLE)
    if os.path.isfile(table):
        return table
    if os.path.isfile(os.path.join(folder, TOURNAMENT)):
        raise InputError(
            f"the tournament in {folder} is not over, so it has no {TABLE} yet; see `staghunt tournament --resume`"
        )
    raise InputError(f"{folder} is a directory; expected a game file, or the folder of a tournament")


def split_query(query: str, where: str) -> dict[str, str]:
    """The parameters of ``key=value&key=value``."""
    parameters: dict[str, str] = {}
    for part in query.split("&") if query else ():
        key, mark, value = part.partition("=")
        if not mark or not key or not value:
            raise InputError(f"{_short(where)}: {_short(part)!r} is not a parameter of the form key=value")
        if key in parameters:
            raise InputError(f"{_short(where)}: parameter {_short(key)} is given twice")
        parameters[key] = value
    return parameters


def _with_scheme(scheme: str, rest: str) -> Uri:
    if scheme == "openspiel":
        end = rest.rfind(")") + 1 or len(rest.partition("?")[0])
        tail = rest[end:].strip()
        if tail and not tail.startswith("?"):
            raise InputError(
                f"openspiel:{_short(rest)}: unexpected {_short(tail)!r} after the game's parameters"
            )
        return Uri(scheme, rest[:end].strip(), split_query(tail[1:], f"openspiel:{rest[:end]}"))
    name, _, query = rest.partition("?")
    return Uri(scheme, name.strip(), split_query(query, f"{scheme}:{name}"))


def _suffix(text: str) -> str:
    return Path(text).suffix.lower()


def _unknown_scheme(scheme: str) -> str:
    from games.env_uris import HOMES

    if scheme.lower() in HOMES:
        return (
            f"{_short(scheme)}: means environments to play and learn in (`staghunt play`, train, tournament), not games to solve; "
            f"games are {', '.join(f'{s}:' for s in SCHEMES)}, mfg: and files"
        )
    near = get_close_matches(scheme.lower(), SCHEMES, 1, 0.4)
    hint = (
        f"did you mean {near[0]}:?"
        if near
        else f"known are {', '.join(f'{s}:' for s in SCHEMES)}, mfg: and files"
    )
    return f"unknown kind of game {_short(f'{scheme}:')!r}; {hint}"


def _not_a_game(text: str) -> str:
    suffix = _suffix(text)
    if suffix and ("/" in text or "\\" in text or suffix[1:].isalpha()):
        return f"no file {_short(text)}, and {_short(suffix)} is not a known kind; games are {', '.join(SUFFIXES)} files"
    from games.catalogue import entries
    from games.catalogue.entry import canonical

    names = {alias: e.name for e in entries().values() for alias in (e.name, *e.aliases)}
    wanted = canonical(text)
    near = [wanted] if wanted in names else get_close_matches(wanted, names, 1, 0.6)
    hint = f"did you mean zoo:{names[near[0]]}?" if near else "expected a file, zoo:NAME or openspiel:NAME"
    return f"no file {_short(text)}; {hint}"


def _short(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
