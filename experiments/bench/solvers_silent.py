"""Silent errors on real files: answers for another lambda, or no equilibrium, handed over as if they were right.

A wrong answer counts as silent when it comes without an error, a warning or a status that says so. Both sides work on
the strategic form, each on the file as its own reader reads it, and every answer is judged by our certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench import families
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Capped, Side, in_child
from games import NormalFormGame
from solvers import Status, certify

LAMBDAS = (0.5, 1.0, 2.0, 5.0)
_WRONG = 1e-6
_MAX_REGRET = 1e-8
_CAP_S = 10.0

Verdicts = list[str]  # "right", "refused: why" or "silent: what", one per question


def rows() -> list[Row]:
    """QRE at given lambdas, and the equilibrium at the end of the branch."""
    return [
        Row(
            "qre at lambda 0.5, 1, 2, 5 on real files",
            "Gambit logit_solve_lambda",
            _measure(ours_at_lambdas, gambit_at_lambdas, len(LAMBDAS)),
            target="no silent error of ours",
            needs=("pygambit",),
        ),
        Row(
            "nash by qre on real files",
            "Gambit logit_solve",
            _measure(ours_at_the_end, gambit_at_the_end, 1),
            target="no silent error of ours",
            needs=("pygambit",),
        ),
    ]


def _measure(
    ours: Callable[[Path], Verdicts], peer: Callable[[Path], Verdicts], questions: int
) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        if setting.files is None:
            return Finding(
                right=False, met=False, note="no folder of real game files here; name one with --files"
            )
        paths = sorted(path for path in setting.files.rglob("*") if path.suffix in (".nfg", ".efg"))
        _load_kernels()
        note = f"{len(paths)} files, {len(paths) * questions} questions"
        told = _tally(paths, ours, questions)
        note += "; ours: " + told
        if setting.peer:
            note += "; peer: " + _tally(paths, peer, questions)
        silent = "silent" in told
        return Finding(pairs=len(paths), right=not silent, met=not silent and bool(paths), note=note)

    return measure


def _tally(paths: list[Path], solve: Callable[[Path], Verdicts], questions: int) -> str:
    """Ask about every file in a child of its own; how many answers were right, refused, silent or late."""
    counts: dict[str, int] = {}
    wrong: dict[str, None] = {}
    for path in paths:
        done = in_child(_side(solve, path), _CAP_S)
        for verdict in _verdicts(done, questions):
            kind = verdict.split(":")[0]
            counts[kind] = counts.get(kind, 0) + 1
            if kind == "silent":
                wrong[path.name] = None
    order = ("right", "refused", "silent", "late")
    told = ", ".join(f"{counts[kind]} {kind}" for kind in order if kind in counts)
    if wrong:
        told += f" ({', '.join(wrong)})"
    return told


def _load_kernels() -> None:
    """Compile or load our kernels here, so that no child spends its time on it."""
    from solvers.qre import qre, trace_qre

    for shape in ((2, 2), (2, 2, 2)):
        game = families.game(families.milli(1, shape))
        qre(game, 1.0)
        trace_qre(game)


def _side(solve: Callable[[Path], Verdicts], path: Path) -> Side:
    return Side(lambda: solve(path))


def _verdicts(done: Capped, questions: int) -> Verdicts:
    if done.stopped:
        return ["late"] * questions
    if done.error:
        return [f"refused: {done.error}"] * questions
    return done.answer


# --- ours -------------------------------------------------------------------------------------------------


def ours_at_lambdas(path: Path) -> Verdicts:
    """Our QRE at every lambda of one file, judged."""
    from games import load
    from solvers.qre import qre

    game = load(str(path))
    verdicts = []
    for lam in LAMBDAS:
        answer = qre(game, lam)
        if answer.status is not Status.CONVERGED:
            verdicts.append(f"refused: {answer.status}")
        else:
            verdicts.append(_judge_qre(game, answer.profile, lam, answer.parameters["lambda"]))
    return verdicts


def ours_at_the_end(path: Path) -> Verdicts:
    """The end of our branch of one file, judged as a Nash equilibrium."""
    from games import load
    from solvers.qre import trace_qre

    game = load(str(path))
    branch = trace_qre(game, max_regret=_MAX_REGRET)
    if branch.status is not Status.CONVERGED:
        return [f"refused: {branch.status}"]
    return [_judge_nash(game, branch.profiles[-1])]


# --- Gambit -----------------------------------------------------------------------------------------------


def gambit_at_lambdas(path: Path) -> Verdicts:
    """Gambit's points at the lambdas; it gives fewer points, or other lambdas, without saying so."""
    from pygambit.qre import logit_solve_lambda

    theirs, game = _gambit_game(path)
    points = logit_solve_lambda(theirs, list(LAMBDAS), use_strategic=True)
    verdicts = [
        _judge_qre(game, _gambit_profile(theirs, point.profile), lam, point.lam)
        for lam, point in zip(LAMBDAS, points)
    ]
    return verdicts + ["silent: no point"] * (len(LAMBDAS) - len(verdicts))


def gambit_at_the_end(path: Path) -> Verdicts:
    """Gambit's limiting equilibrium, judged as a Nash equilibrium."""
    from pygambit import nash

    theirs, game = _gambit_game(path)
    answers = nash.logit_solve(theirs, use_strategic=True, maxregret=_MAX_REGRET).equilibria
    if not answers:
        return ["refused: no equilibrium returned"]
    return [_judge_nash(game, _gambit_profile(theirs, answers[0]))]


def _gambit_game(path: Path) -> tuple[Any, NormalFormGame]:
    """Gambit's reading of the file, and its strategic form as our game so that our certificate applies."""
    import pygambit

    read = pygambit.read_nfg if path.suffix == ".nfg" else pygambit.read_efg
    theirs = read(str(path))
    return theirs, NormalFormGame(
        np.stack([np.asarray(a, dtype=float) for a in theirs.to_arrays(dtype=float)])
    )


def _gambit_profile(theirs: Any, profile: Any) -> Any:
    values = np.array([float(profile[s]) for player in theirs.players for s in player.strategies])
    sizes = np.array([len(player.strategies) for player in theirs.players])
    # probabilities that do not quite sum to one are scaled, not held against the peer
    return values / np.repeat(np.add.reduceat(values, np.cumsum(sizes) - sizes), sizes)


# --- verdicts ---------------------------------------------------------------------------------------------


def _judge_qre(game: NormalFormGame, profile: Any, asked: float, answered: float) -> str:
    if abs(answered - asked) > _WRONG * asked:
        return f"silent: lambda {answered:.6g} for {asked:g}"
    residual = certify(game, profile, "qre", lam=asked).residual
    if residual is None or residual > _WRONG:
        return f"silent: residual {residual}"
    return "right"


def _judge_nash(game: NormalFormGame, profile: Any) -> str:
    regret = certify(game, profile, "nash").max_regret
    if regret > _WRONG * (game.span or 1.0):
        return f"silent: regret {regret}"
    return "right"
