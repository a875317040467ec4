"""Measuring the claims of a paper one after the other; what is finished is kept, whatever happens next."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.guard import INTERRUPTED, NOT_REACHED, OK, complain, note
from experiments.papers.claims import Answer, Claim, NotMeasured, Order, Paper, Progress
from experiments.papers.folder import forget_answer, read_answer, write_answer
from experiments.papers.telling import write_answers
from experiments.run_folders import clear_temporary
from experiments.training.progress import duration
from experiments.training.provenance import differences, provenance
from games.errors import InputError


def carry_out(paper: Paper, claims: Sequence[Claim], order: Order, progress: Progress) -> list[Answer]:
    """Measure claims, but for those that were answered before, and write all answers.

    Parameters
    ----------
    paper : Paper
        Whose claims.
    claims : sequence of Claim
        Which of them.
    order : Order
        How; its folder is open and locked.
    progress : callable
        Told how far the whole is.

    Returns
    -------
    list of Answer
        To all claims of the paper, also those that were not asked for now.

    Raises
    ------
    InputError
        If a claim cannot be measured here: a package or memory is missing, files are damaged.
    """
    clear_temporary(order.out)
    if order.fresh:
        for claim in claims:
            forget_answer(claim, order)
    kept = {claim.key: read_answer(claim, order) for claim in paper.claims}
    facts = provenance()
    left = [claim for claim in claims if kept[claim.key] is None]
    _tell_kept([kept[claim.key] for claim in claims], facts, order)
    try:
        for number, claim in enumerate(left):
            part = _Part(progress, claim, number, len(left))
            part(0.0, "begins")
            kept[claim.key] = _answered(paper, claim, order, facts, part)
    finally:
        answers = [kept[claim.key] or Answer(claim) for claim in paper.claims]
        write_answers(paper, answers, order)
    return answers


def _answered(
    paper: Paper, claim: Claim, order: Order, facts: dict[str, object], progress: Progress
) -> Answer | None:
    """The answer to a claim, written down; None if it could not be measured, which is said."""
    start = time.perf_counter()
    try:
        found = paper.run(claim, order, progress)
    except NotMeasured as error:
        complain(f"{claim.key} could not be measured: {error}")
        return None
    except InputError as error:
        raise InputError(f"{claim.key}: {error}") from None
    answer = Answer(claim, found, time.perf_counter() - start, facts)
    write_answer(answer, order)
    note(f"{claim.key}: {answer.verdict} ({duration(answer.seconds)})", order.quiet)
    return answer


def _tell_kept(kept: Sequence[Answer | None], facts: dict[str, object], order: Order) -> None:
    """Say how many answers are there already, and how their circumstances differed."""
    old = [answer for answer in kept if answer is not None]
    if not old:
        return
    what = "claim is" if len(old) == 1 else "claims are"
    note(f"{len(old)} {what} answered already in {order.out}; --fresh measures anew", order.quiet)
    for told in dict.fromkeys(d for answer in old for d in differences(answer.facts, facts)):
        note(f"when that was measured, {told}", order.quiet)


class _Part:
    """Progress of one claim as progress of the whole."""

    def __init__(self, progress: Progress, claim: Claim, number: int, count: int) -> None:
        self._progress, self._key, self._number, self._count = progress, claim.key, number, count

    def __call__(self, fraction: float, message: str) -> None:
        done = (self._number + min(max(fraction, 0.0), 1.0)) / self._count
        self._progress(done, f"{self._key} ({self._number + 1}/{self._count}): {message}")


def status(answers: Sequence[Answer], claims: Sequence[Claim]) -> int:
    """0 if all claims that were asked for hold."""
    keys = {claim.key for claim in claims}
    asked = [answer for answer in answers if answer.claim.key in keys]
    return OK if all(answer.verdict == "holds" for answer in asked) else NOT_REACHED


def say_interrupted(paper: Paper, claims: Sequence[Claim], order: Order, usual: Path) -> int:
    """Tell how to go on; the exit status of an interruption."""
    done = sum(read_answer(claim, order) is not None for claim in claims)
    words = ["staghunt", "reproduce", paper.name]
    words += ["--quick"] * order.quick + (["--seed", str(order.seed)] if order.seed else [])
    if len(claims) < len(paper.claims):
        words += ["--only", ",".join(claim.key for claim in claims)]
    words += ["--out", str(order.out)] if order.out != usual else []
    what = f"{done} of {len(claims)} claims {'is' if done == 1 else 'are'} answered, and"
    complain(f"interrupted; {what} `{shlex.join(words)}` goes on")
    return INTERRUPTED
