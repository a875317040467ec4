"""What a paper claims, by which criteria that is judged, and what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Progress = Callable[[float, str], None]
Verdict = Literal["holds", "does not hold", "not run"]


class NotMeasured(Exception):
    """A claim could not be measured, for which nobody's input is to blame; the message is one sentence."""


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Parameters
    ----------
    key : str
        Its name on the command line and of its file.
    title : str
        In a few words.
    says : str
        What is claimed, in one sentence.
    where : str
        The section of the paper that claims it, or what else it rests on.
    criteria : str
        When it counts as reproduced, fixed before it is measured.
    full, quick : mapping
        The effort as plain numbers (steps, seeds, ...), whole and reduced. What is measured depends on these, on the
        criteria and on the seed alone.
    tags : tuple of str
        What kind of claim it is.
    """

    key: str
    title: str
    says: str
    where: str
    criteria: str
    full: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def budget(self, quick: bool) -> Mapping[str, Any]:
        """The effort that is made."""
        return self.quick if quick else self.full


@dataclass(frozen=True)
class Criterion:
    """One condition of a claim, and whether it is met.

    Parameters
    ----------
    text : str
        The condition in words.
    value : number or text
        What was measured of it.
    passed : bool
        Whether that is enough.
    """

    text: str
    value: Any
    passed: bool


@dataclass(frozen=True)
class Found:
    """What a measurement came to.

    Parameters
    ----------
    measured : mapping
        All numbers that were measured, as plain data.
    criteria : tuple of Criterion
        The conditions; the claim holds if all are met.
    figures : tuple of str
        Pictures, by their paths in the folder of the reproduction.
    """

    measured: Mapping[str, Any]
    criteria: tuple[Criterion, ...]
    figures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.criteria:  # otherwise a claim of which nothing was asked would hold
            raise ValueError("a claim is judged by at least one criterion")


def found_of(document: Mapping[str, Any]) -> Found:
    """What a measurement told as plain data: ``measured``, and ``criteria`` with ``text``, ``value`` and ``passed``."""
    criteria = tuple(Criterion(c["text"], c["value"], bool(c["passed"])) for c in document["criteria"])
    return Found(document["measured"], criteria)


@dataclass(frozen=True)
class Answer:
    """A claim and what came of it.

    Parameters
    ----------
    claim : Claim
        What was claimed.
    found : Found or None
        What was measured; None if that has not happened.
    seconds : float
        Wall time of the sitting that finished it.
    facts : mapping
        Date, versions, machine, state of the sources.
    """

    claim: Claim
    found: Found | None = None
    seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Whether the claim holds; it does if it was measured and every one of its criteria is met."""
        if self.found is None:
            return "not run"
        return "holds" if all(one.passed for one in self.found.criteria) else "does not hold"


@dataclass(frozen=True)
class Order:
    """How claims are measured in this sitting.

    Parameters
    ----------
    out : Path
        Folder of the reproduction.
    quick : bool
        With reduced effort.
    seed : int
        The first seed of everything random.
    workers : int or None
        Training seeds at a time; as many as cores if None.
    fresh : bool
        Measure anew what was measured before, and train anew what was trained.
    quiet : bool
        Without remarks.
    """

    out: Path
    quick: bool = False
    seed: int = 0
    workers: int | None = None
    fresh: bool = False
    quiet: bool = False
    renewed: set[str] = field(default_factory=set)
    """Names of the training runs that this sitting has begun anew, so that it does so once."""

    def figure(self, name: str) -> Path:
        """Where a picture goes; the folder is made."""
        folder = self.out / FIGURES
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.png"


FIGURES = "figures"
Measure = Callable[[Claim, Order, Progress], Found]


@dataclass(frozen=True)
class Paper:
    """A paper.

    Parameters
    ----------
    name : str
        On the command line.
    title, citation : str
        The paper's title; who wrote it, and where it appeared.
    claims : tuple of Claim
        What it claims, in the order in which that is measured.
    run : callable
        Measures a claim; imports what it needs when it is called.
    """

    name: str
    title: str
    citation: str
    claims: tuple[Claim, ...]
    run: Measure
