"""Interleaved timing of ours and a peer in one process, and the verdict on a row of a benchmark.

How a row is measured: both sides are warmed up (compilation, first calls) outside the timing. Then pairs of samples
are taken, ours first in every other pair, until `repeats` pairs are there or the row's time is used up. A sample is
one call, or as many calls as fill `SHORTEST` seconds; it holds wall and process time of one call (or of one unit,
where a side does several units of work per call). The ratio of a row is the median over the pairs of the peer's
process time over ours, so that whatever else the machine is doing disturbs both alike. A peer that may hang is run
in a forked child with a hard wall cap and is timed inside that child; when it is stopped, the process time it had used
makes the ratio a lower bound.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from experiments.bench.timing import Capped, Sample, Side, calls_needed, in_child, one_line, sample, warm_up


@dataclass(frozen=True)
class Setting:
    """How a benchmark was asked to run: smaller and shorter, with or without the peer, where real files are, and where
    peers that no registry has are checked out."""

    quick: bool = False
    peer: bool = True
    files: Path | None = None
    checkouts: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Duel:
    """Ours against a peer on one task.

    Parameters
    ----------
    ours, peer : Side
        The contenders; the peer is None where it is not installed.
    check : callable
        Given both extracted answers (the peer's may be None) returns whether ours is right, and a note.
    cap_s : float, optional
        Hard limit in wall seconds on each call of the peer, which is then run in a forked child.
    repeats : int
        Pairs of samples wanted.
    budget_s : float
        No further pair is begun after this many wall seconds.
    """

    ours: Side
    peer: Side | None
    check: Callable[[Any, Any], tuple[bool, str]]
    cap_s: float | None = None
    repeats: int = 7
    budget_s: float = 10.0


@dataclass(frozen=True)
class Finding:
    """What was measured in one row.

    `met` is only for rows whose target is not a ratio, `rate` (units of work per CPU second of ours) only for those
    that count work. `quoted` is the peer's rate as somebody else measured it, where there is no peer to measure: it
    makes no ratio and meets no target.
    """

    ours: Sample | None = None
    peer: Sample | None = None
    ratio: float | None = None
    lower_bound: bool = False
    pairs: int = 0
    right: bool = True
    met: bool | None = None
    note: str = ""
    rate: float | None = None
    quoted: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of a benchmark's table.

    Parameters
    ----------
    name, peer : str
        Which work, against whom; together the row's key.
    measure : callable
        Does the row, given a `Setting`.
    target, aim : float or str or None
        The least ratio to reach and the one hoped for; a target in words is judged by `measure` itself, and a row
        without a target is for information.
    needs : tuple of str
        Import names of what the peer needs.
    quick : bool
        Whether the row is part of a quick run.
    """

    name: str
    peer: str
    measure: Callable[[Setting], Finding]
    target: float | str | None = None
    aim: float | None = None
    needs: tuple[str, ...] = ()
    quick: bool = False

    def missing(self) -> list[str]:
        """Import names of the peer that are not installed here."""
        return [name for name in self.needs if find_spec(name) is None]


# --- duels ------------------------------------------------------------------------------------------------


def medians(samples: list[Sample]) -> Sample | None:
    """Median wall and median process time, separately."""
    if not samples:
        return None
    return Sample(statistics.median(s.wall for s in samples), statistics.median(s.cpu for s in samples))


def pairwise_ratio(ours: list[Sample], peers: list[Sample]) -> float | None:
    """Median over pairs of the peer's process time over ours."""
    ratios = [peer.cpu / max(our.cpu, 1e-9) for our, peer in zip(ours, peers)]
    return statistics.median(ratios) if ratios else None


def contender(setting: Setting, build: Callable[[], Side]) -> Side | None:
    """The peer's side, None where it is not installed; what goes wrong in building it is the peer's failure."""
    if not setting.peer:
        return None
    try:
        return build()
    except Exception as error:  # whatever a peer's import or constructor may raise
        failure = error

    def fail() -> None:
        raise failure

    return Side(fail)


def run_duel(duel: Duel) -> Finding:
    """Measure a duel: interleaved pairs of samples, medians, and the check of the last answers."""
    warm_up(duel.ours)
    our_calls = calls_needed(duel.ours)
    their_calls, refusal = _prepare_peer(duel)
    ours: list[Sample] = []
    peers = [refusal] if refusal else []
    start = time.perf_counter()
    for pair in range(duel.repeats):
        if pair and time.perf_counter() - start > duel.budget_s:
            break
        first = pair % 2 == 0
        if first:
            our, answer = sample(duel.ours, our_calls)
        if duel.peer is not None and not refusal:
            peers.append(_peer_sample(duel.peer, duel.cap_s, their_calls))
        if not first:
            our, answer = sample(duel.ours, our_calls)
        ours.append(our)
        if peers and not refusal and (peers[-1].stopped or peers[-1].error):
            break
    return _judge(duel, ours, duel.ours.extract(answer), peers)


def _prepare_peer(duel: Duel) -> tuple[int, Capped | None]:
    """Warm the peer up; how many of its calls fill a sample, and its failure if it already fails here."""
    peer = duel.peer
    if peer is None:
        return 0, None
    try:
        if duel.cap_s is None or peer.warm is not None:
            warm_up(peer)
        return (calls_needed(peer) if duel.cap_s is None else 1), None
    except Exception as error:
        return 0, Capped(Sample(math.nan, math.nan), error=one_line(error))


def _peer_sample(peer: Side, cap_s: float | None, calls: int) -> Capped:
    if cap_s is not None:
        return in_child(peer, cap_s)
    try:
        spent, answer = sample(peer, calls)
        return Capped(spent, peer.extract(answer))
    except Exception as error:  # as in a child
        return Capped(Sample(math.nan, math.nan), error=one_line(error))


def _judge(duel: Duel, ours: list[Sample], answer: Any, peers: list[Capped]) -> Finding:
    last = peers[-1] if peers else None
    their_answer = None if last is None or last.stopped or last.error else last.answer
    right, note = duel.check(answer, their_answer)
    finding = Finding(medians(ours), pairs=len(ours), right=right, note=note)
    if last is None:
        return finding
    if last.error:
        return replace(finding, note=_join(f"the peer failed: {last.error}", note))
    samples = [peer.sample for peer in peers]
    finding = replace(finding, peer=medians(samples), ratio=pairwise_ratio(ours, samples))
    if last.stopped:
        told = f"the peer was stopped after {duel.cap_s:g} s without an answer, the ratio is a lower bound"
        return replace(finding, lower_bound=True, note=_join(told, note))
    return finding


def _join(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


# --- rows -------------------------------------------------------------------------------------------------


def measure_row(row: Row, setting: Setting) -> dict[str, Any]:
    """Measure one row and write it down as the results file has it; a failure becomes the row's note."""
    missing = row.missing()
    try:
        finding = row.measure(replace(setting, peer=not missing))
    except Exception as error:  # one row must not take the others with it
        finding = Finding(right=False, note=f"ours failed: {one_line(error)}")
    if setting.quick:
        finding = replace(
            finding, note=_join("quick run: smaller or shorter than the row's name says", finding.note)
        )
    if missing:
        builder = "trainers" if {"benchmarl", "vmas"} & set(missing) else "peers"
        absent = (
            f"peer not installed ({', '.join(missing)}): make {builder} builds an environment that has it"
        )
        finding = replace(finding, note=_join(absent, finding.note))
    return record(row, finding)


def record(row: Row, finding: Finding) -> dict[str, Any]:
    """A row of the results document; `met` needs a right answer and the target reached."""
    reached = finding.met
    if reached is None:
        if row.target is None:
            reached = finding.ours is not None
        else:
            reached = finding.ratio is not None and finding.ratio >= float(row.target)
    out: dict[str, Any] = {
        "row": row.name,
        "peer": row.peer,
        "ours_s": finding.ours and _digits(finding.ours.wall),
        "peer_s": finding.peer and _digits(finding.peer.wall),
        "ours_cpu_s": finding.ours and _digits(finding.ours.cpu),
        "peer_cpu_s": finding.peer and _digits(finding.peer.cpu),
        "ratio": finding.ratio and _digits(finding.ratio),
        "target": row.target if not isinstance(row.target, float) else _digits(row.target),
        "met": bool(reached and finding.right),
        "note": finding.note,
        "pairs": finding.pairs,
    }
    if row.aim is not None:
        out["aim"] = row.aim
    if finding.rate is not None:
        out["per_s"] = _digits(finding.rate)
    if finding.quoted is not None:
        out["quoted_per_s"] = _digits(finding.quoted)
    if finding.lower_bound:
        out["lower_bound"] = True
    return out


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
