"""What `staghunt solve` was asked, checked as far as possible before any game is read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

CONCEPTS = ("cce", "ce", "nash", "qre", "alpharank", "efce", "efcce")
ALIASES = {"nfcce": "cce"}
PLAY = ("cfr", "cfr+", "dcfr", "pcfr+", "mccfr-es", "mccfr-os", "mmd")
"""Methods on trees that iterate: they take budgets, leave a trace and can be resumed."""
TREE_METHODS = ("sequence-form", "sequence-lemke", "backward-induction", "strategic", "agent-qre")
"""Other methods that only trees have."""
LEARNING = (
    "regret-matching",
    "regret-matching+",
    "predictive-regret-matching+",
    "hedge",
    "optimistic-hedge",
    "internal-regret-matching",
    *PLAY,
)
LEARNING_TOLERANCE = 1e-3
DEFAULT_TOLERANCE = {
    "cce": 1e-9,
    "ce": 1e-9,
    "nash": 1e-8,
    "qre": 1e-8,
    "alpharank": 1e-8,
    "efce": 1e-8,
    "efcce": 1e-8,
}
OBJECTIVES = "welfare, min-welfare, player:K, min-player:K, egalitarian, entropy, gini and any"
TO_NASH = "self-play leads to a coarse correlated equilibrium here, not to Nash; use --concept cce"


class Request(NamedTuple):
    """What was asked, after checking; None where the choice is left to us."""

    concept: str | None = None
    objective: str | None = None
    lam: float | None = None
    method: str = "auto"
    tolerance: float | None = None
    every: bool = False
    sparse: bool = False
    seconds: float | None = None
    iterations: int | None = None
    seed: int = 0
    alpha: float = math.inf
    population: int = 50
    alternating: bool | None = None
    checkpoint: Path | None = None
    resume: Path | None = None
    infoset: str | None = None

    @property
    def accepted(self) -> float:
        """The largest regret accepted, relative to the payoff span: as asked, or what is usual."""
        if self.tolerance is not None:
            return self.tolerance
        if self.method in LEARNING and self.concept != "qre":
            return LEARNING_TOLERANCE
        return DEFAULT_TOLERANCE.get(self.concept or "", 1e-8)


def reached(solutions: tuple[Any, ...], tolerance: float) -> bool:
    """Whether there is an answer, every certificate holds and no solver stopped early."""
    return bool(solutions) and all(
        s.certificate.holds(tolerance) and s.status in ("converged", "degenerate") for s in solutions
    )


def shortfall(solutions: tuple[Any, ...], tolerance: float) -> str:
    """Why `reached` is false, in a sentence."""
    if not solutions:
        return "no equilibrium was found within the budget"
    missed = [s for s in solutions if not s.certificate.holds(tolerance)]
    if missed:
        return f"the tolerance {tolerance:g} of the payoff span was not reached ({missed[0].status.value})"
    stopped = next(s for s in solutions if s.status not in ("converged", "degenerate"))
    return f"the solver stopped early ({stopped.status.value}); the answer is an equilibrium but may not be the one asked for"


# --- checking ---------------------------------------------------------------------------------------------


def check(asked: Request) -> Request:
    """Refuse what cannot be meant, before the game is even read; the request with aliases resolved."""
    from games.errors import InputError

    concept = ALIASES.get(asked.concept or "", asked.concept)
    if concept is not None and concept not in CONCEPTS:
        raise InputError(f"unknown concept {concept!r}; known are {', '.join(CONCEPTS)}")
    if asked.tolerance is not None and not (math.isfinite(asked.tolerance) and asked.tolerance > 0):
        raise InputError(f"--tol is a positive number relative to the payoff span, got {asked.tolerance:g}")
    check_budget(asked.seconds, asked.iterations)
    asked = asked._replace(concept=concept)
    _check_fit(asked)
    pattern(asked.infoset)
    if asked.resume is not None and not asked.resume.is_file():
        what = "a folder, not a checkpoint" if asked.resume.is_dir() else "no such file"
        raise InputError(f"--resume {asked.resume}: {what}")
    return asked


def check_budget(seconds: float | None, iterations: int | None) -> None:
    """Refuse budgets that are not positive."""
    from games.errors import InputError

    if seconds is not None and not seconds > 0:
        raise InputError(f"--seconds is a positive number, got {seconds:g}")
    if iterations is not None and iterations < 1:
        raise InputError(f"--iterations is at least 1, got {iterations}")


def check_lambda(lam: float) -> None:
    """Refuse a precision that is not a finite number of at least zero."""
    from games.errors import InputError

    if not (math.isfinite(lam) and lam >= 0):
        raise InputError(f"--lambda is a finite number of at least 0, got {lam:g}")


def pattern(text: str | None) -> Any:
    """The compiled regular expression of `--infoset`, or None."""
    import re

    from games.errors import InputError

    if text is None:
        return None
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"--infoset {text!r} is not a regular expression: {error}") from None


def _check_fit(asked: Request) -> None:
    from games.errors import InputError

    concept = asked.concept
    if concept == "qre":
        if asked.lam is None:
            raise InputError("--concept qre needs --lambda L; `staghunt qre` traces the whole branch")
        check_lambda(asked.lam)
    elif asked.lam is not None and not (concept is None and asked.resume is not None):
        raise InputError("--lambda is for --concept qre" + (f", not {concept}" if concept else ""))
    if asked.every and concept not in (None, "nash"):
        raise InputError(f"--all lists all Nash equilibria; it does not go with --concept {concept}")
    if asked.sparse and concept not in (None, "ce", "cce"):
        raise InputError(f"--sparse is for ce and cce, not {concept}")
    if asked.objective not in (None, "welfare") and concept not in (None, "ce", "cce", "efce", "efcce"):
        raise InputError(f"--objective selects among correlated equilibria, not {concept}")
    if concept == "alpharank" and (not asked.alpha >= 0 or asked.population < 2):
        raise InputError("alpha-rank needs --alpha of at least 0 and --population of at least 2")
