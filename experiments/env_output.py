"""Environments as JSON documents and tables: what `info`, `play` and `games` say about them."""

from __future__ import annotations

import math
from typing import Any

from games.env import EnvSpec, Group
from games.spaces import Actions, Box, Discrete, MultiDiscrete

LISTED, POLICIES_LISTED = 8, 100
"""Longer lists of agents and actions are cut in tables."""


def env_document(spec: EnvSpec) -> dict[str, Any]:
    """Everything that is known about an environment before it runs."""
    return {
        "name": spec.name,
        "agents": spec.agents,
        "groups": [_group_document(group) for group in spec.groups],
        "state": spec.state,
        "horizon": spec.horizon,
        "turn_based": spec.turn_based,
        "common_reward": spec.common_reward,
    }


def _group_document(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "agents": group.agents,
        "observation": group.observation,
        "actions": actions_document(group.actions, group.action_names),
        "rows": group.rows or None,
    }


def actions_document(actions: Actions, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """A kind of action with its sizes or bounds."""
    if isinstance(actions, Discrete):
        return {"kind": "discrete", "count": actions.count, "names": list(names) or None}
    if isinstance(actions, MultiDiscrete):
        return {"kind": "multi-discrete", "counts": actions.counts}
    return {"kind": "box", "low": actions.low, "high": actions.high}


def show_env(spec: EnvSpec, policies: list[str]) -> None:
    """Print an environment's groups and what is known of its play."""
    from rich.markup import escape

    from experiments.tables import console, one_line, simple_table

    out = console()
    out.print(env_line(spec))
    table = simple_table("Group", "Agents", "Observation", "Actions", "Situations")
    for group in spec.groups:
        table.add_row(
            escape(one_line(group.name)),
            escape(listed(group.agents)),
            " x ".join(map(str, group.observation)) or "1",
            escape(actions_text(group.actions, group.action_names)),
            f"{group.rows:,}" if group.rows else "-",
        )
    out.print(table)
    kinds = ["turn by turn" if spec.turn_based else "all at once", f"state of {spec.state:,} numbers"]
    if spec.common_reward:
        kinds.append("everybody always gets the same reward")
    out.print(f"Play: {', '.join(kinds)}")
    out.print(f"Policies: {escape(', '.join(policies))}")


def show_as_env(spec: EnvSpec, policies: list[str]) -> None:
    """Print in two lines how `play` sees a game."""
    from rich.markup import escape

    from experiments.tables import console

    out = console()
    group = spec.groups[0]
    turns = "turn by turn" if spec.turn_based else "all at once"
    horizon = "no horizon" if spec.horizon is None else f"at most {_plural(spec.horizon, 'step')}"
    shape = " x ".join(map(str, group.observation)) or "1"
    sizes = f"observations of {shape}, actions {actions_text(group.actions, group.action_names)}"
    out.print(f"As an environment: {turns}, {horizon}, {escape(sizes)}")
    out.print(f"Policies: {escape(listed(policies, POLICIES_LISTED))}")


def env_line(spec: EnvSpec) -> str:
    """Name and size in one line of markup."""
    from rich.markup import escape

    from experiments.tables import one_line

    count = len(spec.agents)
    horizon = "no horizon" if spec.horizon is None else f"at most {_plural(spec.horizon, 'step')}"
    return f"[bold]{escape(one_line(spec.name))}[/]  [dim]{_plural(count, 'agent')}, {horizon}[/]"


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def listed(names: tuple[str, ...] | list[str], limit: int = LISTED) -> str:
    """Names in one line, cut when there are many."""
    from experiments.tables import one_line

    told = ", ".join(one_line(name, 60) for name in names[:limit])
    return told if len(names) <= limit else f"{told}, ... ({len(names):,} in all)"


def actions_text(actions: Actions, names: tuple[str, ...] = ()) -> str:
    """A kind of action in words."""
    if isinstance(actions, Discrete):
        return f"{actions.count:,}" + (f": {listed(names)}" if names else "")
    if isinstance(actions, MultiDiscrete):
        return f"{' x '.join(map(str, actions.counts))} choices at once"
    assert isinstance(actions, Box)
    bounds = set(zip(actions.low, actions.high))
    where = _interval(*bounds.pop()) if len(bounds) == 1 else ""
    return f"{_plural(len(actions.low), 'number')}{where}"


def _interval(low: float, high: float) -> str:
    return f" from {low:g} to {high:g}" if math.isfinite(low) and math.isfinite(high) else ""
