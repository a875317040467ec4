"""`make_env`: an environment from its URI, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from os.path import exists
from typing import Any

from games.env import Env
from games.errors import InputError
from games.uri import SCHEMES, split_query

HOMES = {
    "foraging": "games.sims.foraging",
    "coordination": "games.sims.coordination",
    "repeated": "games.sims.repeated",
    "swarm": "games.sims.swarm",
    "mfg": "games.mean_field_games",
    "economy": "games.sims.economy",
    "mpe": "games.sims.particles",
    "pettingzoo": "games.from_pettingzoo",
    "gymnasium": "games.from_gymnasium",
    "openspiel": "games.from_openspiel_env",
}
"""Where each scheme is built: a module with ``make(name, parameters) -> Env`` and ``EXAMPLES``."""
_WORD = re.compile(r"[\w+ -]*")
"""What may be meant as a scheme; a file's name has a dot or a slash."""


def make_env(uri: str, *, workers: int = 1, allow_import: tuple[str, ...] = (), **parameters: Any) -> Env:
    """An environment.

    Parameters
    ----------
    uri : str
        ``foraging:8x8-2p-3f``, ``coordination:aloha?agents=10``, ``repeated:prisoners-dilemma?rounds=200``,
        ``swarm:vicsek?agents=100``, ``mfg:crowd?agents=50``, ``economy:gather-trade-build?size=small``, ``mpe:simple-spread?N=3``, ``pettingzoo:mpe2.simple_spread_v3?N=3``,
        ``gymnasium:lbforaging/Foraging-8x8-2p-3f-v3``, ``openspiel:leduc_poker``; any game that `games.load` reads
        (``zoo:chicken``, ``game.efg``) is played once per episode.
    workers : int
        Processes that share the sub-environments; the results are the same for any number.
    allow_import : tuple of str
        Packages beyond the known ones that ``pettingzoo:`` and ``gymnasium:`` may import.
    **parameters
        Further parameters, as text or Python values; they win over those in the URI.

    Raises
    ------
    InputError
        If there is no such environment or a parameter does not fit; the message says what would be right.

    Examples
    --------
    >>> make_env("zoo:prisoners-dilemma").spec.agents
    ('Player 1', 'Player 2')
    """
    if workers < 1:
        raise InputError(f"at least one worker is needed, not {workers}")
    if workers > 1:
        from games.pool import Pool

        return Pool(uri, workers=workers, allow_import=allow_import, **parameters)
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() not in HOMES:
        return _from_game(uri, parameters)
    name, _, query = rest.partition("?")
    given = {**split_query(query, f"{scheme}:{name}"), **parameters}
    if scheme.lower() in ("pettingzoo", "gymnasium"):
        given["allow_import"] = allow_import
    make: Callable[..., Env] = import_module(HOMES[scheme.lower()]).make
    return make(name, given)


def is_environment_only(uri: str) -> bool:
    """Whether a URI names an environment that is no game: nothing that `games.load` could read."""
    scheme, colon, _ = uri.partition(":")
    return bool(colon) and scheme.lower() in HOMES and scheme.lower() not in SCHEMES and not exists(uri)


def _from_game(uri: str, parameters: dict[str, Any]) -> Env:
    from games.load import load
    from games.simulate import simulate

    if not exists(uri):
        _check_kind(uri)
    return simulate(load(uri, **parameters), name=uri)


def _check_kind(uri: str) -> None:
    """`InputError` for what neither names an environment nor looks like a file."""
    scheme, colon, rest = uri.partition(":")
    if (colon and scheme.lower() in SCHEMES) or not _WORD.fullmatch(scheme):
        return
    if colon and len(scheme) == 1 and rest.startswith(("/", "\\")):
        return  # a drive
    known = list(dict.fromkeys((*HOMES, *SCHEMES)))
    near = get_close_matches(scheme.lower(), known, 1, 0.6)
    if not (near or colon):
        return  # a file, or a game whose scheme was left out: `load` knows better
    if near and not (colon and rest):
        hint = f"did you mean {_example(near[0])}?"
    elif near:
        hint = f"did you mean {near[0]}:?"
    else:
        hint = f"known are {', '.join(f'{s}:' for s in known)} and files, as in {_example('foraging')}"
    what = "kind of environment" if colon else "environment"
    raise InputError(f"unknown {what} {scheme[:60]!r}; {hint}")


def _example(scheme: str) -> str:
    return str(import_module(HOMES[scheme]).EXAMPLES[0]) if scheme in HOMES else "zoo:chicken"
