"""Mean-field games of OpenSpiel as tabular models.

All histories are walked once, level by level; what a decision costs or pays is then asked of OpenSpiel for every new
law. States are OpenSpiel's observation strings without the step, where they hold it. Only games of one population qualify
in which the mean field does not move agents itself.

A subtlety: rewards may depend on how a state was reached (in the crowd games, on the last move) although its string does
not say so. What does not depend on the law is then put where it belongs, into the step before. OpenSpiel's own algorithms
remember one value per string, that of the first path they happen to take.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from games.errors import InputError
from games.from_openspiel import explained, load_spiel, pyspiel_module
from games.meanfield import MeanFieldModel
from games.openspiel_mean_field_walk import Level, Progress, Walk

Array = npt.NDArray[Any]

_MOST_NUMBERS = 5e7
_IN_PYTHON = ("python_", "mean_field_")
_MODULES = (
    "crowd_avoidance",
    "crowd_modelling",
    "dynamic_routing",
    "linear_quadratic",
    "periodic_aversion",
    "predator_prey",
)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?![\w.])")


def is_mean_field_game(text: str) -> bool:
    """Whether an OpenSpiel game string names a mean-field game; False also where it names nothing."""
    name = _short_name(text)
    if "mfg" not in name and "mean_field" not in name:
        return False  # told without OpenSpiel, which takes a while to import
    spiel = _spiel(name)
    kind = spiel.GameType.Dynamics.MEAN_FIELD
    return any(game.short_name == name and game.dynamics == kind for game in spiel.registered_games())


def from_openspiel_mean_field(text: str, *, progress: Progress | None = None) -> MeanFieldModel:
    """An OpenSpiel mean-field game as a model.

    Parameters
    ----------
    text : str
        As OpenSpiel writes it: ``mfg_crowd_modelling(size=10,horizon=10)``.
    progress : callable, optional
        Told how many steps have been walked.

    Returns
    -------
    MeanFieldModel
        Rewards are OpenSpiel's for whatever law they are asked at; what does not depend on the law but on the move that
        led to a state is paid with that move. Agents see their state.

    Raises
    ------
    InputError
        If there is no such game, it has several populations, its transitions depend on the mean field, it is too large, or
        what it pays depends on the past in another way.

    Examples
    --------
    >>> model = from_openspiel_mean_field("mfg_crowd_modelling(size=5,horizon=3)")
    >>> model.states, model.actions, model.state_names[:2]
    (5, 3, ('(0)', '(1)'))
    """
    _spiel(_short_name(text))
    game = load_spiel(text)
    told = f"openspiel:{text}"
    if game.get_type().dynamics != pyspiel_module().GameType.Dynamics.MEAN_FIELD:
        raise InputError(f"{told} is no mean-field game")
    with explained(text):
        roots = game.new_initial_states()
        if len(roots) != 1 or game.num_players() != 1:
            raise InputError(
                f"the game has {len(roots)} populations, and mean-field games of one are solved here"
            )
        levels, first = Walk(progress).all_levels(roots[0])
        return _model(told, game.num_distinct_actions(), levels, first)


def _short_name(text: str) -> str:
    return re.split(r"[(?]", text, maxsplit=1)[0].strip()


def _spiel(name: str) -> Any:
    """pyspiel, with its mean-field games in Python if one is meant: they register themselves when imported."""
    spiel = pyspiel_module()
    if name.startswith(_IN_PYTHON):
        for module in _MODULES:
            import_module(f"open_spiel.python.mfg.games.{module}")
    return spiel


# --- tabulating -------------------------------------------------------------------------------------------


def _model(told: str, actions: int, levels: list[Level], first: dict[int, float]) -> MeanFieldModel:
    names, places = _identified(levels)
    states, horizon = len(names), len(levels)
    if states * states * actions > _MOST_NUMBERS:
        raise InputError(f"the game has {states:,} states, too many for a table of transitions")
    initial = np.zeros(states)
    for x, chance in first.items():
        initial[places[0][x]] = chance
    table = np.zeros((states, actions, states))
    legal = np.zeros((states, actions), dtype=bool)
    extra = np.zeros((horizon, states, actions))
    for t, level in enumerate(levels):
        for x, moves in enumerate(level.moves):
            here = places[t][x]
            legal[here, level.legal[x]] = True
            for u, law in moves.items():
                extra[t, here, u] = level.extra[x, u]
                if law:
                    table[here, u] = 0.0
                for z, chance in law.items():
                    table[here, u, places[t + 1][z]] = chance
    missing = table.sum(axis=2) == 0
    table[missing, np.nonzero(missing)[0]] = 1.0  # not legal, or the end
    table /= table.sum(axis=2, keepdims=True)
    payer = _Payer(levels, places, extra)
    return MeanFieldModel(
        initial / initial.sum(),
        table,
        payer,
        horizon,
        title=told,
        timed=True,
        legal=None if legal.all() else legal,
        state_names=tuple(names),
    )


def _identified(levels: list[Level]) -> tuple[list[str], list[Array]]:
    """Names of states, and where the states of each level stand among them.

    Where all strings hold the step at the same place, it is left out and states of different steps are the same if they
    move in the same way; otherwise each string is a state.
    """
    stripped = _without_step(levels)
    if stripped is not None:
        names = sorted({name for level in stripped for name in level}, key=_natural)
        number = {name: x for x, name in enumerate(names)}
        places = [np.array([number[name] for name in level]) for level in stripped]
        if _moves_agree(levels, places):
            return names, places
    names = list(dict.fromkeys(name for level in levels for name in level.names))
    number = {name: x for x, name in enumerate(names)}
    return names, [np.array([number[name] for name in level.names]) for level in levels]


def _natural(name: str) -> tuple[Any, ...]:
    """Order by the numbers in a name."""
    return (*(int(n) for n in _NUMBER.findall(name)), name)


def _without_step(levels: list[Level]) -> list[list[str]] | None:
    """Names without the number that is the step in all of them; None if no place holds it, or two states become one."""
    numbers = [[_NUMBER.findall(name) for name in level.names] for level in levels]
    count = min(len(found) for level in numbers for found in level)
    for place in reversed(range(count)):
        if all(int(found[place]) == t for t, level in enumerate(numbers) for found in level):
            stripped = [[_cut(name, place) for name in level.names] for level in levels]
            alike = all(len(set(level)) == len(level) for level in stripped)
            return stripped if alike else None
    return None


def _cut(name: str, place: int) -> str:
    found = list(_NUMBER.finditer(name))[place]
    before, after = name[: found.start()], name[found.end() :]
    return re.sub(r",\s*$", "", before) + after


def _moves_agree(levels: list[Level], places: list[Array]) -> bool:
    """Whether states of the same name have the same actions and move alike at all steps but the last."""
    seen: dict[tuple[int, int], dict[int, float]] = {}
    actions: dict[int, list[int]] = {}
    for t, level in enumerate(levels):
        for x, moves in enumerate(level.moves):
            here = int(places[t][x])
            if actions.setdefault(here, level.legal[x]) != level.legal[x]:
                return False
            for u, law in moves.items():
                if not law:
                    continue
                told = {int(places[t + 1][z]): chance for z, chance in law.items()}
                known = seen.setdefault((here, u), told)
                if known is not told and (
                    known.keys() != told.keys() or any(abs(known[z] - told[z]) > 1e-12 for z in told)
                ):
                    return False
    return True


class _Payer:
    """Rewards float64[B, X, U] at laws and steps, asked of OpenSpiel."""

    def __init__(self, levels: list[Level], places: list[Array], extra: Array) -> None:
        self.levels, self.places, self.extra = levels, places, extra
        self.supports = [_support(level) for level in levels]

    def __call__(self, mu: Array, nu: Array, step: Array) -> Array:
        table = self.extra[step]
        for b, t in enumerate(step):
            level, places = self.levels[t], self.places[t]
            dense = np.zeros(self.supports[t][1])
            where = self.supports[t][0]
            known = where >= 0
            dense[where[known]] = mu[b, places[known]]
            law = dense.tolist()
            for x, node in enumerate(level.nodes):
                if where[x] >= 0:
                    node = node.clone()
                    node.update_distribution(law)
                table[b, places[x]] += float(node.rewards()[0])
        return table


def _support(level: Level) -> tuple[Array, int]:
    """Where each state stands in the law that OpenSpiel wants to be told (-1: it is not told any), and its length."""
    where = np.array([level.support.get(name, -1) if name else -1 for name in level.fields])
    return where, len(level.support)
