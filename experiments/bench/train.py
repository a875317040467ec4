"""`staghunt bench train`: how fast our learners train, beside EPyMARL's and BenchMARL's.

Both sides train in processes of their own, by their own loops, one thread each, and are let go in turns
(`train_pace`). Times are seconds of process time per frame, a frame being one joint step of one sub-environment, so a
ratio of times is a ratio of throughputs; processes that a peer starts are counted in. Starting, compiling and filling
replay buffers is done before the first sample, and nothing is evaluated.

EPyMARL is not on PyPI: ``--peer-checkout epymarl=FOLDER`` says where it is. Without it, its rows show an earlier
measurement, quoted and not measured, which makes no ratio.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from experiments.bench.envs_play import big
from experiments.bench.harness import Finding, Row, Setting, medians, pairwise_ratio
from experiments.bench.runner import Bench
from experiments.bench.timing import Sample, one_line
from experiments.bench.train_matches import (
    BENCHMARL,
    EPYMARL,
    Match,
    foraging_mappo,
    foraging_q,
    matches,
    spread,
)
from experiments.bench.train_pace import Told, Trainer
from experiments.bench.train_profile import ENVIRONMENT, NETWORKS, REST

OURS = "experiments.bench.train_ours"
MODULES = {EPYMARL: "experiments.bench.train_epymarl", BENCHMARL: "experiments.bench.train_benchmarl"}
DISTRIBUTIONS = (
    "staghunt",
    "numpy",
    "numba",
    "torch",
    "lbforaging",
    "mpe2",
    "gymnasium",
    "benchmarl",
    "torchrl",
    "vmas",
)
CHECKOUTS = {"epymarl": "src/run.py"}
_NEEDS = {"mpe2": ("benchmarl", "mpe2"), "vmas": ("benchmarl", "vmas")}
_SAMPLE_S, _QUICK_S = 3.0, 0.5
_PAIRS, _QUICK_PAIRS = 5, 2
_PROFILE_S, _QUICK_PROFILE_S = 10.0, 2.0
_OVERHEAD = 0.15
_EARLIER = "an earlier measurement on another day, on 2 cores of an AMD EPYC of 2022 (Zen 4)"


def every_row() -> list[Row]:
    """Throughputs against the peers, then where our own time goes."""
    profiled = (
        foraging_mappo((64, 64), False, 64),
        foraging_q("qmix", (64, 64), False),
        spread("mappo", "ours"),
    )
    return [*(_row(match) for match in matches()), *(_profile_row(match) for match in profiled)]


def _row(match: Match) -> Row:
    needs = _NEEDS[match.theirs["env"]] if match.peer == BENCHMARL else ("lbforaging",)
    return Row(
        match.name,
        match.peer,
        _measure(match),
        target=match.target,
        aim=match.aim,
        needs=needs,
        quick=match.quick,
    )


# --- throughput -------------------------------------------------------------------------------------------


def _measure(match: Match) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        if match.ours["env"] == "vmas" and find_spec("vmas") is None:
            return Finding(note="VMAS is not installed", quoted=match.quoted)
        theirs = peer_settings(match, setting)
        with ExitStack() as stack:
            us = stack.enter_context(Trainer(OURS, match.ours))
            us.wait()
            them, trouble = None, ""
            if theirs is not None:
                try:
                    them = stack.enter_context(Trainer(MODULES[match.peer], theirs))
                    them.wait()
                except RuntimeError as error:  # whatever it said last
                    them, trouble = None, f"the peer failed: {error}"
            finding = duel(us, them, setting)
        return _told(match, finding, theirs, trouble)

    return measure


def peer_settings(match: Match, setting: Setting) -> Told | None:
    """What the peer's process is told; None where there is no peer."""
    if match.peer == BENCHMARL:
        return match.theirs if setting.peer else None
    folder = setting.checkouts.get("epymarl")
    return None if folder is None or not setting.peer else {**match.theirs, "folder": str(folder)}


def duel(us: Trainer, them: Trainer | None, setting: Setting) -> Finding:
    """Samples in turns, ours first in every other pair."""
    seconds = _QUICK_S if setting.quick else _SAMPLE_S
    ours: list[Sample] = []
    peers: list[Sample] = []
    note = ""
    for pair in range(_QUICK_PAIRS if setting.quick else _PAIRS):
        sides = [(us, ours)] if them is None else [(us, ours), (them, peers)]
        for trainer, samples in sides if pair % 2 == 0 else sides[::-1]:
            try:
                samples.append(trainer.sample(seconds).per_frame)
            except RuntimeError as error:
                if trainer is us:
                    raise
                them, note = None, f"the peer failed: {one_line(error)}"
    if not peers:
        return Finding(medians(ours), note=note)
    return Finding(medians(ours), medians(peers), pairwise_ratio(ours, peers), pairs=len(peers), note=note)


def _told(match: Match, finding: Finding, theirs: Told | None, trouble: str) -> Finding:
    """The finding with throughputs in words; the quoted one where the peer was not measured."""
    assert finding.ours is not None
    rate = 1.0 / finding.ours.cpu
    parts = [f"{big(rate)} frames per CPU second"]
    quoted = None
    if finding.peer is not None:
        parts[0] += f", the peer's {big(1.0 / finding.peer.cpu)}"
    elif match.quoted is not None:
        quoted = match.quoted
        parts.append(f"QUOTED, not measured: the peer's {big(quoted)} come from {_EARLIER}")
    if theirs is None and match.peer == EPYMARL:
        parts.append("give a checkout by --peer-checkout epymarl=FOLDER to measure it")
    if theirs is not None and "folder" in theirs:
        parts.append(f"EPyMARL's sources {digest(Path(theirs['folder']))}")
    told = "; ".join(part for part in (*parts, trouble, finding.note, match.note) if part)
    return replace(finding, rate=rate, quoted=quoted, note=told)


def digest(folder: Path) -> str:
    """Twelve hex digits over the sources and settings of a checkout: which version of the peer this was."""
    hasher = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.yaml") for path in (folder / "src").rglob(kind)):
        hasher.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return hasher.hexdigest()[:12]


# --- overhead ---------------------------------------------------------------------------------------------


def _profile_row(match: Match) -> Row:
    def measure(setting: Setting) -> Finding:
        seconds = _QUICK_PROFILE_S if setting.quick else _PROFILE_S
        with Trainer(OURS, {**match.ours, "profile_s": seconds}) as us:
            told = next(told for told in us.reports() if "shares" in told)
        shares, frames = told["shares"], told["frames"]
        spent = Sample(told["wall"] / frames, told["cpu"] / frames)
        note = ", ".join(f"{part} {100 * shares[part]:.1f} %" for part in (NETWORKS, ENVIRONMENT, REST))
        return Finding(
            spent, met=shares[REST] < _OVERHEAD, note=f"of wall-clock: {note}", rate=1.0 / spent.cpu
        )

    work, _, task = match.name.partition(": ")
    work = work.partition(",")[0]
    return Row(
        f"trainer overhead: {work}, {task}",
        "none",
        measure,
        target=f"under {100 * _OVERHEAD:.0f} % of wall-clock is neither networks nor environment",
        quick=True,
    )


BENCH = Bench("train", lambda: every_row(), DISTRIBUTIONS, packages=("games", "marl"), checkouts=CHECKOUTS)
