"""What `staghunt solve` on a tree comes down to: concept and method filled in, or why they do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.checkpoint import Checkpoint, check_game, check_same, read_checkpoint
from experiments.requests import PLAY, TO_NASH, TREE_METHODS, Request
from experiments.tree_facts import CELLS_AT_ONCE, strategic_size
from experiments.tree_output import is_zero_sum_pair
from games.errors import InputError
from games.tree import TreeGame

SWEEPS = ("pcfr+", "cfr+", "dcfr", "cfr")
SAMPLERS = ("mccfr-es", "mccfr-os")
EXACT = ("simplex", "columns", "lp")
NO_REGRET = (
    "regret-matching",
    "regret-matching+",
    "predictive-regret-matching+",
    "hedge",
    "optimistic-hedge",
)

METHODS: Mapping[str, tuple[str, ...]] = {
    "nash": ("auto", *TREE_METHODS, *SWEEPS, *SAMPLERS, "mmd"),
    "cce": ("auto", *SWEEPS, *EXACT, *NO_REGRET),
    "ce": ("auto", *EXACT, "internal-regret-matching"),
    "qre": ("auto", "agent-qre", "mmd"),
    "alpharank": ("auto",),
    "efce": ("auto", "lp"),
    "efcce": ("auto", "lp"),
}
STRATEGIC_NASH = ("pure", "zero-sum", "lemke-howson", "support", "vertices")
DEFAULT_PLAY = "pcfr+"
"""What plays where self-play is wanted and no method is named."""


def settle(game: TreeGame, asked: Request) -> tuple[Request, Checkpoint | None]:
    """Fill in what was left to us, from the checkpoint if there is one, and refuse what does not fit."""
    found = read_checkpoint(asked.resume) if asked.resume is not None else None
    if found is not None and asked.resume is not None:
        check_game(found, asked.resume, game)
        asked = _as_before(asked, found)
    zero_sum = is_zero_sum_pair(game)
    asked = asked._replace(concept=asked.concept or ("nash" if zero_sum else "cce"))
    _check_options(game, asked)
    asked = asked._replace(method=_method(game, asked))
    _check_play(game, asked, zero_sum)
    if found is not None and asked.resume is not None:
        check_same(found, asked.resume, asked.concept or "", asked.method, options_of(asked))
    return asked, found


def _as_before(asked: Request, found: Checkpoint) -> Request:
    """What was not said again is as the checkpoint has it."""
    before = found.options
    return asked._replace(
        concept=asked.concept or found.concept,
        method=found.method if asked.method == "auto" else asked.method,
        lam=before.get("lambda") if asked.lam is None else asked.lam,
        alternating=before.get("alternating") if asked.alternating is None else asked.alternating,
        seed=before.get("seed", asked.seed) if asked.seed == 0 else asked.seed,
    )


def options_of(asked: Request) -> dict[str, Any]:
    """What, besides game, concept and method, a run must have in common with its checkpoint."""
    options: dict[str, Any] = {}
    if asked.method in SWEEPS:
        options["alternating"] = asked.alternating
    if asked.method in SAMPLERS:
        options["seed"] = asked.seed
    if asked.lam is not None:
        options["lambda"] = asked.lam
    return options


def _check_options(game: TreeGame, asked: Request) -> None:
    concept, method = asked.concept or "", asked.method
    known = METHODS[concept]
    if method not in known:
        raise InputError(_unknown(concept, method, known))
    if asked.every:
        raise InputError(
            "--all lists equilibria of normal-form games; add ?form=reduced to the game for those of its strategic form"
        )
    for given, option in ((asked.objective, "--objective"), (asked.sparse or None, "--sparse")):
        if given is not None and concept not in ("ce", "cce", "efce", "efcce"):
            raise InputError(f"{option} selects among correlated equilibria, not {concept}")
    if asked.sparse and concept in ("efce", "efcce"):
        raise InputError(f"--sparse is for ce and cce, not {concept}")


def _unknown(concept: str, method: str, known: tuple[str, ...]) -> str:
    listed = ", ".join(known)
    if concept == "nash" and method in STRATEGIC_NASH:
        return (
            f"--method {method} works on normal-form games; add ?form=reduced to the game for its strategic form, "
            f"or use one of {listed}"
        )
    finds = [name for name, methods in METHODS.items() if method in methods]
    if finds:
        return (
            f"--method {method} finds {' or '.join(finds)}, not {concept}; for {concept} there are {listed}"
        )
    return f"unknown method {method!r} for {concept} on a tree; known are {listed}"


def _method(game: TreeGame, asked: Request) -> str:
    """What "auto" means here, where that decides between the tree and its strategic form."""
    kept = asked.checkpoint is not None or asked.resume is not None or asked.infoset is not None
    if asked.method != "auto":
        return asked.method
    if asked.concept == "nash" and (asked.checkpoint is not None or asked.resume is not None):
        return DEFAULT_PLAY
    if asked.concept == "cce" and game.perfect_recall:
        if asked.objective not in (None, "any") or asked.sparse:
            return "auto"
        size = strategic_size(game)
        if kept or not size.fits or size.cells > CELLS_AT_ONCE:
            return DEFAULT_PLAY
    return "auto"


def _check_play(game: TreeGame, asked: Request, zero_sum: bool) -> None:
    """Refuse options and methods that do not go with what will be run."""
    concept, method = asked.concept, asked.method
    if asked.alternating is not None and method not in SWEEPS:
        raise InputError(f"--alternating and --simultaneous are for {', '.join(SWEEPS)}")
    if method in PLAY and asked.objective not in (None, "any"):
        raise InputError(
            f"--method {method} finds some CCE, not the best one; --objective needs the strategic form (--method auto)"
        )
    if method in PLAY and asked.sparse:
        raise InputError(f"--sparse does not go with --method {method}")
    if concept == "nash" and method in PLAY and not zero_sum:
        raise InputError(f"--method {method} does not go with --concept nash: {TO_NASH}")
    if method == "sequence-form" and not zero_sum:
        raise InputError(
            "--method sequence-form is for two-player constant-sum games; use --method agent-qre, or --concept cce"
        )
    if method not in PLAY:
        for given, option in ((asked.checkpoint, "--checkpoint"), (asked.resume, "--resume")):
            if given is not None:
                raise InputError(f"{option} is for methods that iterate: {', '.join(PLAY)}")
        if asked.infoset is not None and (concept in ("ce", "cce", "alpharank") or not game.slots):
            raise InputError(
                f"--infoset shows behaviour strategies, and {concept} is found in the strategic form here"
            )
