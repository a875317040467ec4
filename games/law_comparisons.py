"""Comparing what two runs of an environment show, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from games.env import Step, View
from games.play import Transition


def _parts_of(step: Step) -> Iterator[tuple[str, Any]]:
    for view in step.groups:
        yield from zip(View._fields, view)
    yield from (("state", step.state), ("discount", step.discount), ("last", step.last))


def different(a: Step, b: Step) -> str | None:
    """Which part of two steps differs, or None."""
    for (name, x), (_, y) in zip(_parts_of(a), _parts_of(b)):
        if (x is None) != (y is None) or (x is not None and not np.array_equal(x, y)):
            return name
    return None


def differs(a: list[Transition], b: list[Transition]) -> str | None:
    """Where two plays part, or None."""
    for t, (x, y) in enumerate(zip(a, b)):
        what = different(x.before, y.before) or different(x.after, y.after)
        if what is None and any((p != q).any() for p, q in zip(x.actions, y.actions)):
            what = "actions"
        if what is not None:
            return f"{what} of step {t + 1}"
    return None


def rows(transition: Transition, chosen: Any) -> Transition:
    """A transition in some sub-environments."""
    return Transition(
        transition.before.where(chosen),
        tuple(part[chosen] for part in transition.actions),
        transition.after.where(chosen),
    )


def copied(step: Step) -> Step:
    """A step whose arrays are its own."""
    return step.where(np.arange(step.batch))
