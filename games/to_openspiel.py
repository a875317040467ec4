"""Behaviour strategies as OpenSpiel policies, so that a solved game can be played and judged there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from games.errors import InputError
from games.text_input import shown
from games.tree import TreeGame

Choice = tuple[int, float]


def to_openspiel(game: TreeGame, behavior: Any, source: Any = None) -> Any:
    """A behaviour strategy profile as a ``pyspiel.TabularPolicy``.

    Parameters
    ----------
    game : TreeGame
        A tree that was compiled from OpenSpiel: its information sets are called by information-state strings.
    behavior : float64[slots]
        The profile. Decisions without a choice, which the tree leaves out, get probability one.
    source : pyspiel.Game or str, optional
        The OpenSpiel game; by default the one that the tree's title names.

    Returns
    -------
    pyspiel.TabularPolicy
        For all players at once, keyed by information-state string.

    Raises
    ------
    InputError
        If OpenSpiel does not know the game, its policies cannot be keyed by strings, or the tree is of another game.

    Examples
    --------
    >>> import pyspiel
    >>> from games import load
    >>> kuhn = load("openspiel:kuhn_poker")
    >>> policy = to_openspiel(kuhn, kuhn.uniform())
    >>> round(pyspiel.nash_conv(pyspiel.load_game("kuhn_poker"), policy), 6)
    0.916667
    """
    pyspiel = _pyspiel()
    flat = game.check_behavior(behavior)
    original = _game(pyspiel, game.title if source is None else source)
    known = _known(pyspiel, original)
    ours = _by_name(game, known)
    blocks = [block.tolist() for block in game.blocks(flat)]
    orders = _action_orders(original, game, known, ours)
    table: dict[str, list[Choice]] = {}
    for key, legal in known.items():
        ids = [action for action, _ in legal]
        if len(ids) == 1:
            table[key] = [(ids[0], 1.0)]
            continue
        choices = [_choices(ids, blocks[h], orders[h]) for h in ours[key]]
        if any(other != choices[0] for other in choices[1:]):
            raise InputError(
                f"OpenSpiel keys policies by string alone, and two players share {shown(key)} but play differently"
            )
        table[key] = choices[0]
    return pyspiel.TabularPolicy(table)


def _choices(ids: Sequence[int], probs: Sequence[float], order: Sequence[int]) -> list[Choice]:
    return [(action, probs[place]) for action, place in zip(ids, order)]


def _pyspiel() -> Any:
    try:
        import pyspiel
    except ImportError:
        raise InputError("OpenSpiel policies need the package open_spiel (pip install open_spiel)") from None
    return pyspiel


def _game(pyspiel: Any, source: Any) -> Any:
    if not isinstance(source, str):
        return source
    try:
        return pyspiel.load_game(source)
    except (pyspiel.SpielError, RuntimeError, ValueError) as error:
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        raise InputError(f"OpenSpiel does not know the game {shown(source)}: {reason}") from None


def _known(pyspiel: Any, original: Any) -> dict[str, Any]:
    """OpenSpiel's information states with their legal actions, as pairs that begin with the action."""
    kind = original.get_type()
    if not kind.provides_information_state_string:
        raise InputError(f"OpenSpiel has no information-state strings, by which policies go, in {original}")
    if kind.dynamics == pyspiel.GameType.Dynamics.SEQUENTIAL:
        return dict(pyspiel.UniformRandomPolicy(original).policy_table())
    return {
        view: [(action, 1.0) for action in state.legal_actions(player)]
        for state, player, view in _decisions(original)
    }


def _decisions(original: Any) -> Iterator[tuple[Any, int, str]]:
    """Every decision of a player in the tree: the state, the player, what the player knows."""
    pending = [original.new_initial_state()]
    while pending:
        state = pending.pop()
        if state.is_terminal():
            continue
        if not state.is_chance_node():
            together = state.is_simultaneous_node()
            for player in range(original.num_players()) if together else [state.current_player()]:
                yield state, player, state.information_state_string(player)
        pending.extend(state.child(action) for action in reversed(state.legal_actions()))


def _by_name(game: TreeGame, known: Mapping[str, Any]) -> dict[str, list[int]]:
    """For each of OpenSpiel's keys with a choice the tree's information sets; all of both must be covered."""
    ours: dict[str, list[int]] = {}
    for h, name in enumerate(game.infosets):
        ours.setdefault(name, []).append(h)
    strange = [name for name in ours if name not in known]
    if strange:
        raise InputError(f"information set {shown(strange[0])} of {game.title!r} is not one of OpenSpiel's")
    for key, legal in known.items():
        if len(legal) > 1 and key not in ours:
            raise InputError(f"OpenSpiel's information state {shown(key)} is not in the tree {game.title!r}")
        for h in ours.get(key, ()):
            if len(game.actions[h]) != len(legal):
                raise InputError(
                    f"information state {shown(key)} has {len(legal)} actions in OpenSpiel and "
                    f"{len(game.actions[h])} in the tree {game.title!r}"
                )
    return ours


# --- matching actions ----------------------------------------------------------------------------------------


def _action_orders(
    original: Any, game: TreeGame, known: Mapping[str, Any], ours: Mapping[str, Sequence[int]]
) -> dict[int, list[int]]:
    """For each information set, where in its block each of OpenSpiel's legal actions stands, found by action names.

    Names that do not depend on the state cost nothing; others are read off the states themselves.
    """
    orders: dict[int, list[int]] = {}
    words: dict[tuple[int, int], str] = {}
    waiting = set()
    for key, same in ours.items():
        for h in same:
            player = int(game.owner[h])
            for action, _ in known[key]:
                if (player, action) not in words:
                    words[player, action] = original.action_to_string(player, action)
            order = _order([words[player, action] for action, _ in known[key]], game.actions[h])
            if order is None:
                waiting.add(h)
            else:
                orders[h] = order
    if waiting:
        orders.update(_orders_in_states(original, game, ours, waiting))
    return orders


def _order(words: Sequence[str], names: Sequence[str]) -> list[int] | None:
    if list(words) == list(names):
        return list(range(len(names)))
    if len(set(names)) < len(names) or set(words) != set(names):
        return None
    return [list(names).index(word) for word in words]


def _orders_in_states(
    original: Any, game: TreeGame, ours: Mapping[str, Sequence[int]], waiting: set[int]
) -> dict[int, list[int]]:
    """The same by walking through states until every information set in `waiting` has been met."""
    found: dict[int, list[int]] = {}
    for state, player, view in _decisions(original):
        for h in ours.get(view, ()):
            if h in waiting and h not in found and game.owner[h] == player:
                words = [state.action_to_string(player, a) for a in state.legal_actions(player)]
                order = _order(words, game.actions[h])
                if order is None:
                    raise InputError(
                        f"the actions at information set {shown(game.infosets[h])} of {game.title!r} are not called "
                        "as in OpenSpiel"
                    )
                found[h] = order
        if len(found) == len(waiting):
            break
    return found
