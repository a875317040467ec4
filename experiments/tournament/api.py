"""Tournaments from Python: agents may be policies of the caller's own, and everything stays in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.tournament.agents import is_scripted, object_seats, seated
from experiments.tournament.casting import Casting, finished_table, seats_of, table_of
from experiments.tournament.engine import Labour
from experiments.tournament.results import Results
from experiments.tournament.run import play
from experiments.tournament.spec import spec_of
from experiments.tournament.worker import Worker
from games.env import Env
from games.env_uris import make_env
from games.errors import InputError
from games.policy import JointPolicy, Policy

Agents = Mapping[str, "str | Policy | JointPolicy"] | Sequence[str]
_GIVEN = "(a policy object)"


def tournament(
    env: str | Env,
    agents: Agents | None = None,
    *,
    roles: Mapping[str, Any] | None = None,
    matches: int | Mapping[str, Any] = 100,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
    **more: Any,
) -> Results:
    """Play a tournament in this process.

    Parameters
    ----------
    env : str or Env
        An environment, or its URI.
    agents : mapping of str to (str or Policy), or sequence of str
        Name and policy of everybody, who then plays every seat: policies by name as on the command line, or objects
        (`games.policy.Policy`; for a role that has all seats also `games.policy.JointPolicy`).
    roles : mapping, optional
        Instead of `agents`: agents by role, or ``{"seats": [...], "agents": {...}}`` by role.
    matches : int or mapping
        Samples of every cell, or ``{"half_width": ..., "focus": ...}`` as in a spec file.
    seed : int
        Of everything random.
    progress : callable, optional
        ``progress(fraction, text)``.
    **more
        Further keys of a spec file: ``max_steps``, ``exact``, ``self_play``, ``delta``, ``payoff_range``.

    Returns
    -------
    Results
        ``.table`` is the `PayoffTable`, ``.table.game()`` the empirical game for solvers.

    Raises
    ------
    InputError
        As for a spec file.

    Examples
    --------
    >>> from solvers import cce
    >>> found = tournament("repeated:prisoners-dilemma?rounds=10", ["tit-for-tat", "defector"])
    >>> found.table.exact.all(), cce(found.table.game()).certificate.slack
    (np.True_, 0.0)
    """
    loaded = make_env(env) if isinstance(env, str) else env
    uri = env if isinstance(env, str) else env.spec.name
    objects: dict[str, Policy | JointPolicy] = {}
    document: dict[str, Any] = {"env": uri, "matches": matches, "seed": seed, **more}
    if agents is not None:
        document["agents"] = _by_text(agents, objects)
    if roles is not None:
        document["roles"] = {name: _role_by_text(value, objects) for name, value in roles.items()}
    spec = spec_of(document, "tournament")
    if loaded.spec.horizon is None and spec.max_steps is None:
        raise InputError(f"{uri} has no horizon, so matches need a limit: max_steps=500, say")
    table, names, cast = table_of(spec, loaded), [], []
    for number, role in enumerate(spec.roles):
        seats, together = seats_of(spec, table, loaded.spec, number)
        for name, policy in role.agents:
            names.append(name)
            if policy == _GIVEN:
                cast.append(object_seats(loaded, name, objects[name], seats, together))
            else:
                cast.append(seated(loaded, name, policy, seats, together=together).policies)
    # an object is the same in every seat; what is given by name may not be
    alike = all(policy == _GIVEN or is_scripted(policy) for role in spec.roles for _, policy in role.agents)
    casting = Casting(loaded, finished_table(table, alike), tuple(names), cast)
    return play(spec, Worker(spec, casting), None, Labour(), progress).results


def _by_text(agents: Agents, objects: dict[str, Policy | JointPolicy]) -> Any:
    """Agents as in a spec file; objects are put aside by name."""
    if not isinstance(agents, Mapping):
        return list(agents)
    out = {}
    for name, policy in agents.items():
        if not isinstance(policy, str):
            if objects.get(name, policy) is not policy:
                raise InputError(f"two different policies are called {name!r:.80}")
            objects[name] = policy
        out[name] = policy if isinstance(policy, str) else _GIVEN
    return out


def _role_by_text(value: Any, objects: dict[str, Policy | JointPolicy]) -> Any:
    if isinstance(value, Mapping) and "agents" in value:
        return {**value, "agents": _by_text(value["agents"], objects)}
    return _by_text(value, objects)
