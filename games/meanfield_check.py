"""Whether the parts of a mean-field model fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from games.errors import InputError

if TYPE_CHECKING:
    from games.meanfield import MeanFieldModel


def whole(model: MeanFieldModel) -> dict[str, Any]:
    """Sizes, names and legal actions of a model whose tables fit; `InputError` naming a part that does not."""
    mu, step = model.initial[None], np.zeros(1, dtype=np.int64)
    states = model.states
    table = model.transitions(mu, step)
    actions = table.shape[2]
    if (shape := model.observations(mu, step).shape)[:2] != (1, states) or len(shape) != 3:
        raise InputError(f"{model.title}: observation has shape {shape[1:]}, expected ({states}, Y)")
    nu = np.repeat(mu[:, :, None], actions, axis=2) / actions
    model.rewards(mu, nu, step)
    return {
        "_sizes": (actions, shape[2]),
        "legal": _legal(model, (states, actions)),
        "state_names": _names(model, "state_names", states),
        "action_names": _names(model, "action_names", actions),
    }


def _legal(model: MeanFieldModel, shape: tuple[int, int]) -> Any:
    if model.legal is None:
        return None
    legal = np.array(model.legal)
    if legal.dtype != bool or legal.shape != shape or not legal.any(axis=1).all():
        raise InputError(f"{model.title}: legal must be bool{shape} with at least one action in every state")
    legal.setflags(write=False)
    return legal


def _names(model: MeanFieldModel, field: str, count: int) -> tuple[str, ...]:
    names = tuple(map(str, getattr(model, field))) or tuple(map(str, range(count)))
    if len(names) != count or len(set(names)) != count:
        raise InputError(f"{model.title}: {field} must be {count} different names")
    return names


def check_sight(model: MeanFieldModel) -> None:
    """Refuse models whose agents do not see their state."""
    seen = model.observation
    if seen is None or (
        not callable(seen) and seen.shape == (model.states,) * 2 and (seen == np.eye(len(seen))).all()
    ):
        return
    raise InputError(
        f"{model.title}: agents do not see their state, and what is best by observations alone depends on the rest of the "
        "policy; mean-field games are solved for agents who see their state (observation None)"
    )
