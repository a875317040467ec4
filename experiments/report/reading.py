"""Reading `answers.json`: rankings, equilibria with certificates and the rest, checked field by field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from experiments.training.layers import short
from games.errors import InputError

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A number of JSON: nothing stands for NaN, and the texts "inf" and "-inf" for what they say."""
_LOOSE = ConfigDict(extra="ignore")


@checked(frozen=True, config=_LOOSE)
class Cells:
    """How many cells there are, and which of them failed, with the reason."""

    all: int
    exact: int
    failed: dict[str, str] = field(default_factory=dict)


@checked(frozen=True, config=_LOOSE)
class Ranked:
    """One ranking; values, and the ends of intervals, in the order of `agents`."""

    name: str
    agents: list[str]
    values: list[Number]
    low: list[Number] | None = None
    high: list[Number] | None = None
    role: str | int | None = None
    about: str = ""
    note: str = ""
    level: Number = math.nan


@checked(frozen=True, config=_LOOSE)
class Intransitivity:
    """How far "better" depends on against whom."""

    cyclic_share: Number = math.nan
    harmonic_share: Number = math.nan
    cycles: list[list[str]] = field(default_factory=list)
    sinks: list[Any] = field(default_factory=list)


@checked(frozen=True, config=_LOOSE)
class Certified:
    """The numbers of a certificate."""

    regret: list[Number]
    max_regret: Number
    bound: str = "exact"
    slack: Number = 0.0
    delta: Number = 0.0
    span: Number = math.nan
    residual: Number = math.nan
    holds: bool | None = None


@checked(frozen=True, config=_LOOSE)
class Cell:
    """A profile of a joint distribution."""

    actions: list[int]
    prob: float


@checked(frozen=True, config=_LOOSE)
class Equilibrium:
    """A solution, or the reason why there is none."""

    name: str
    about: str = ""
    reason: str = ""
    profile: list[list[float]] | None = None
    joint: list[Cell] | None = None
    marginals: list[list[float]] | None = None
    values: list[Number] = field(default_factory=list)
    status: str = ""
    method: str = ""
    certificate: Certified | None = None
    epsilon: Number = math.nan

    @property
    def blocks(self) -> list[list[float]]:
        """How likely each agent of each role is to be played."""
        return self.profile or self.marginals or []


@checked(frozen=True, config=_LOOSE)
class Answers:
    """Everything that a tournament came to."""

    matches: int
    steps: int
    cells: Cells
    delta: Annotated[float, Field(gt=0, lt=1)]
    rankings: list[Ranked]
    equilibria: list[Equilibrium]
    spec: str | None = None
    left_out: list[str] = field(default_factory=list)
    looks: int | None = None
    why: str | None = None
    reached: bool | None = None
    absent: dict[str, str] = field(default_factory=dict)
    undecided: list[tuple[str, str]] = field(default_factory=list)
    intransitivity: Intransitivity | None = None


def read_answers(path: Path) -> Answers:
    """The answers in a file.

    Raises
    ------
    InputError
        If it cannot be read, is of another format, or damaged.
    """
    from experiments.tournament import answers as files

    document = files.read_answers(path)
    try:
        answers = TypeAdapter(Answers).validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise InputError(
            f"{path} is damaged: {where} is {short(first['input'])}; {first['msg'].lower()}"
        ) from None
    for ranking in answers.rankings:
        if any(
            len(v) != len(ranking.agents)
            for v in (ranking.values, ranking.low, ranking.high)
            if v is not None
        ):
            raise InputError(
                f"{path} is damaged: ranking {ranking.name!r:.80} has not one value for each agent"
            )
    return answers


def check_fits(answers: Answers, cells: int, shape: Sequence[int] | None, path: Path) -> None:
    """`InputError` unless answers are of a table with so many cells, and equilibria of so many agents (None: no game)."""
    if answers.cells.all != cells:
        raise InputError(
            f"{path} is of a table with {answers.cells.all:,} cells, and the table beside it has {cells:,}"
        )
    if shape is None:
        if any(one.certificate for one in answers.equilibria):
            raise InputError(f"{path} has equilibria, and the table beside it is no game")
        return
    for one in answers.equilibria:
        sizes = [len(block) for block in one.blocks]
        if sizes and sizes != list(shape):
            raise InputError(
                f"{path}: {one.name!r:.80} is of {sizes} agents, and the table has {list(shape)}"
            )
        for cell in one.joint or ():
            if len(cell.actions) != len(shape) or not all(0 <= a < n for a, n in zip(cell.actions, shape)):
                raise InputError(f"{path}: {one.name!r:.80} plays agents that are not in the table")
