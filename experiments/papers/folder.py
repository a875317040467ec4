"""The folder of a reproduction: whose it is, and the answers in it.

::

    OUT/reproduction.json    which paper, with which effort and seed
    OUT/claims/KEY.json      a finished claim: what was measured, when, where and by which versions
    OUT/runs/NAME/           runs of `staghunt train` that claims rest on
    OUT/figures/*.png
    OUT/answers.json, OUT/answers.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments import run_folders
from experiments.atomic import write_text
from experiments.output import dumps, plain
from experiments.papers.claims import Answer, Claim, Criterion, Found, Order, Paper
from games.errors import InputError

RECORD, CLAIMS, RUNS = "reproduction.json", "claims", "runs"
FORMAT, VERSION = "staghunt-reproduction", 1


def default_folder(paper: Paper, quick: bool, seed: int) -> Path:
    """Where a reproduction goes if nobody says: every effort and seed has a folder of its own.

    >>> from experiments.papers.registry import PAPERS
    >>> default_folder(PAPERS["bayes-net"], True, 3).as_posix()
    'runs/reproduce-bayes-net-quick-seed-3'
    """
    name = f"reproduce-{paper.name}" + ("-quick" if quick else "") + (f"-seed-{seed}" if seed else "")
    return run_folders.HOME / name


def opened(paper: Paper, order: Order) -> None:
    """Make the folder, or make sure that it is the one of this reproduction.

    Raises
    ------
    InputError
        If it holds anything else, or was begun with another effort or seed.
    """
    wanted = {"paper": paper.name, "quick": order.quick, "seed": order.seed}
    if (order.out / RECORD).is_file():
        _check(order.out, _read(order.out / RECORD), wanted)
    else:
        kind = run_folders.Kind("reproduction", "staghunt reproduce", lambda path: False)
        run_folders.new_folder(kind, f"reproduce-{paper.name}", order.out)
        write_text(order.out / RECORD, _text({"format": FORMAT, "version": VERSION, **wanted}))
    try:
        for name in (CLAIMS, RUNS):
            (order.out / name).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {order.out}: {error.strerror or error}") from None


def _check(out: Path, record: Any, wanted: Mapping[str, Any]) -> None:
    """`InputError` unless a record is of the reproduction that is wanted."""
    where = out / RECORD
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"{where} is damaged: it is not the record of a reproduction")
    if record.get("version") != VERSION:
        raise InputError(
            f"{where} is of version {record.get('version')!r:.20}; this program reads version {VERSION}"
        )
    if record.get("paper") != wanted["paper"]:
        raise InputError(f"--out {out} reproduces {record.get('paper')!s:.40}; choose another folder")
    if record.get("quick") is not wanted["quick"] or record.get("seed") != wanted["seed"]:
        raise InputError(
            f"--out {out} was begun {_with(record)}, not {_with(wanted)}; choose another folder, or go on as it was begun"
        )


def _with(record: Mapping[str, Any]) -> str:
    return (
        f"{'with' if record.get('quick') else 'without'} --quick and with --seed {record.get('seed')!s:.20}"
    )


# --- answers --------------------------------------------------------------------------------------------------


def settings(claim: Claim, order: Order) -> dict[str, Any]:
    """Everything that decides what is measured, but for the program itself."""
    effort: dict[str, Any] = plain(claim.budget(order.quick))
    return {
        "claim": claim.key,
        "criteria": claim.criteria,
        "quick": order.quick,
        "seed": order.seed,
        "budget": effort,
    }


def answer_document(answer: Answer, order: Order) -> dict[str, Any]:
    """A claim as it is written."""
    claim, found = answer.claim, answer.found
    told: dict[str, Any] = {
        "key": claim.key,
        "title": claim.title,
        "says": claim.says,
        "where": claim.where,
        "verdict": answer.verdict,
        "settings": settings(claim, order),
    }
    if found is not None:
        told["criteria"] = [{"text": c.text, "value": c.value, "passed": c.passed} for c in found.criteria]
        told |= {"measured": found.measured, "figures": found.figures, "seconds": round(answer.seconds, 3)}
        told["provenance"] = answer.facts
    return dict(plain(told))


def write_answer(answer: Answer, order: Order) -> None:
    """Keep a finished claim."""
    write_text(_home(answer.claim, order), _text(answer_document(answer, order)))


def read_answer(claim: Claim, order: Order) -> Answer | None:
    """The answer that is kept for a claim; None if there is none, it cannot be read, or it is of other settings."""
    try:
        kept = _read(_home(claim, order))
        if kept["settings"] != settings(claim, order):
            return None
        criteria = tuple(Criterion(str(c["text"]), c["value"], c["passed"] is True) for c in kept["criteria"])
        found = Found(dict(kept["measured"]), criteria, tuple(map(str, kept["figures"])))
        answer = Answer(claim, found, float(kept["seconds"]), dict(kept["provenance"]))
    except (InputError, KeyError, TypeError, ValueError):
        return None
    there = criteria and all((order.out / name).is_file() for name in found.figures)
    return answer if there and kept.get("verdict") == answer.verdict else None


def forget_answer(claim: Claim, order: Order) -> None:
    """Delete the answer of a claim that is measured anew."""
    try:
        _home(claim, order).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {order.out}: {error.strerror or error}") from None


def _home(claim: Claim, order: Order) -> Path:
    return order.out / CLAIMS / f"{claim.key}.json"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path}: {error}") from None


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(json.loads(dumps(document)), ensure_ascii=False, indent=1) + "\n"
