"""Gambit's strategic-form files (.nfg): both the payoff and the outcome version.

In the file, profiles are listed with the first player's strategy varying fastest. Outcomes are numbered from 1;
outcome 0 pays nothing. Numbers are taken exactly as written and rounded once, to float64.
Reference: Gambit documentation, "Game representation formats".
"""

from __future__ import annotations

import math
import re

import numpy as np

from games.errors import InputError
from games.limits import check_fits
from games.normal import NormalFormGame
from games.simplices import Float, Int
from games.text_input import MAX_NUMBER, Tokens, header

_NUMERIC = re.compile(r"[0-9eE+\-./,\s]*+", re.ASCII)
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_BODY = re.compile(r"[0-9eE+\-./,\s{}]*+", re.ASCII)
_COMMA = str.maketrans(",", " ")


def parse_nfg(text: str) -> NormalFormGame:
    """The game that the text of an .nfg file describes.

    Parameters
    ----------
    text : str
        A whole file, payoff or outcome version, with `{ 2 3 }` or named strategies, an optional comment, numbers
        of either type (integers, decimals, exponents, ratios).

    Raises
    ------
    InputError
        With the line number, if the text is not a complete game of that format, or would not fit in memory.

    Examples
    --------
    >>> parse_nfg('NFG 1 R "example" { "A" "B" } { 2 1 }  1 2  1/2 .25').payoffs.tolist()
    [[[1.0], [0.5]], [[2.0], [0.25]]]
    """
    tokens = Tokens(text)
    title, players = header(tokens, "NFG", "1")
    shape, actions = _strategies(tokens, len(players))
    tokens.optional("string")  # a comment; games here carry none
    try:
        check_fits(shape)
    except InputError as error:
        raise tokens.error(str(error)) from None
    table = _outcome_version(tokens, shape) if tokens.kind == "{" else _payoff_version(tokens, shape)
    payoffs = table.reshape(*reversed(shape), len(shape)).T
    return NormalFormGame(payoffs, players=players, actions=tuple(actions), title=title)


def _strategies(tokens: Tokens, players: int) -> tuple[tuple[int, ...], list[tuple[str, ...]]]:
    """Sizes and names of the strategy sets: `{ 2 3 }` or `{ { "a" "b" } { "x" "y" "z" } }`."""
    opened = tokens.start
    tokens.take("{", "'{' and the players' strategies")
    actions: list[tuple[str, ...]] = []
    sizes: list[int] = []
    while tokens.kind == "word":
        sizes.append(tokens.integer("number of strategies"))
    while tokens.kind == "{" and not sizes:
        actions.append(tokens.labels("the strategies of a player"))
    tokens.take("}", "'}' after the players' strategies")
    shape = tuple(sizes or map(len, actions))
    if len(shape) != players:
        raise tokens.error(f"strategies of {len(shape)} players for {players} players", opened)
    if min(shape) == 0:
        raise tokens.error(f"player {shape.index(0) + 1} has no strategy", opened)
    return shape, actions


def _payoff_version(tokens: Tokens, shape: tuple[int, ...]) -> Float:
    """float64[profiles, P]: one payoff per player at each profile, in the file's order."""
    players, profiles = len(shape), math.prod(shape)
    wanted = profiles * players
    values = _plain_numbers(tokens.text[tokens.start :], wanted)
    if values is None:
        exact = []
        while tokens.kind == "word":
            exact.append(tokens.real("payoff"))
        if len(exact) != wanted:
            raise tokens.error(
                f"expected {wanted} payoffs ({profiles} profiles x {players} players), found {len(exact)}"
            )
        tokens.finish("the payoffs")
        values = np.array(exact)
    return values.reshape(profiles, players)


def _outcome_version(tokens: Tokens, shape: tuple[int, ...]) -> Float:
    """float64[profiles, P]: a list of outcomes, then the number of the outcome at each profile."""
    players, profiles = len(shape), math.prod(shape)
    fast = _plain_outcomes(tokens.text[tokens.start :], players, profiles)
    outcomes, index = fast if fast is not None else _listed_outcomes(tokens, players, profiles)
    table: Float = np.concatenate([np.zeros((1, players)), outcomes])
    return table[index]


def _listed_outcomes(tokens: Tokens, players: int, profiles: int) -> tuple[Float, Int]:
    """Outcomes and indices token by token: slower than `_plain_outcomes`, knows every dialect and every error."""
    tokens.take("{", "'{'")
    outcomes: list[list[float]] = []
    while tokens.kind == "{":
        opened = tokens.start
        tokens.advance()
        tokens.optional("string")
        row = []
        while tokens.kind == "word":
            row.append(tokens.real("payoff"))
        tokens.take("}", "'}' or a payoff of the outcome")
        if len(row) != players:
            raise tokens.error(
                f"outcome {len(outcomes) + 1} has {len(row)} payoffs, expected {players}, one per player",
                opened,
            )
        outcomes.append(row)
    tokens.take("}", "'}' after the list of outcomes")
    index = []
    while tokens.kind == "word":
        at = tokens.start
        number = tokens.integer("an outcome number")
        if number > len(outcomes):
            raise tokens.error(f"outcome {number} is not defined; there are {len(outcomes)}", at)
        index.append(number)
    if len(index) != profiles:
        raise tokens.error(f"expected {profiles} outcome numbers, one per profile, found {len(index)}")
    tokens.finish("the outcome numbers")
    return np.array(outcomes).reshape(-1, players), np.array(index)


# --- the same, in bulk, for large files without surprises; None means "look closely" --------------------------


def _plain_numbers(text: str, wanted: int) -> Float | None:
    if not _NUMERIC.fullmatch(text):
        return None
    return _floats(text.translate(_COMMA).split(), wanted)


def _plain_outcomes(text: str, players: int, profiles: int) -> tuple[Float, Int] | None:
    bare = _QUOTED.sub(" ", text)
    if not _BODY.fullmatch(bare):
        return None
    close = bare.rfind("}")
    words = bare[1:close].replace("{", " { ").replace("}", " } ").translate(_COMMA).split()
    count, rest = divmod(len(words), players + 2)
    if rest or words[:: players + 2] != ["{"] * count or words[players + 1 :: players + 2] != ["}"] * count:
        return None
    del words[:: players + 2]
    del words[players :: players + 1]
    outcomes = _floats(words, count * players)
    indices = bare[close + 1 :].translate(_COMMA).split()
    if outcomes is None or len(indices) != profiles or not all(map(str.isdigit, indices)):
        return None
    if max(map(len, indices)) > 9:
        return None
    index = np.fromiter(map(int, indices), dtype=np.int64, count=profiles)
    if index.max() > count:
        return None
    return outcomes.reshape(count, players), index


def _floats(words: list[str], wanted: int) -> Float | None:
    if len(words) != wanted or max(map(len, words), default=0) > MAX_NUMBER:
        return None
    try:
        values = np.fromiter(map(_rounded, words), dtype=np.float64, count=wanted)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return values if np.isfinite(values).all() else None


def _rounded(word: str) -> float:
    """A number rounded once to float64: decimal conversion and integer division are both correctly rounded."""
    if "/" not in word:
        return float(word)
    above, below = word.split("/")
    if below[:1] in ("+", "-"):
        raise ValueError
    return int(above) / int(below)
