"""The settings of a learner and of training as a table: keys, kinds, defaults and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.training.config import learner_options, learners, training_options
from experiments.training.fields import Option
from experiments.training.layers import from_assignments
from games.errors import InputError


def list_options(learner: str | None, assignments: Sequence[str], json: bool) -> int:
    """Print all settings; 0."""
    if learner is None:
        raise InputError(
            f"--options of which learner? There are {', '.join(learners())}, as in `staghunt train mappo --options`"
        )
    own, others = learner_options(learner, from_assignments(assignments)), training_options()
    if json:
        from experiments.output import print_json

        print_json({"learner": learner, "options": [option._asdict() for option in [*own, *others]]})
        return 0
    from rich.markup import escape

    from experiments.tables import console, simple_table

    out = console()
    for title, options in ((f"Settings of {learner}", own), ("Settings of training", others)):
        table = simple_table("Key", "Default", "Kind", "Meaning", title=title)
        for option in options:
            table.add_row(option.key, escape(_default(option)), escape(option.kind), escape(option.about))
        out.print(table)
        out.print()
    out.print("Set them in a YAML file (--config) or by --set KEY=VALUE.")
    return 0


def _default(option: Option) -> str:
    value: Any = option.default
    if value is None:
        return "null" if option.key != "env" else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        str(list(value))
        if isinstance(value, tuple)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
