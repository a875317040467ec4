"""Agent QRE rows: Gambit's slow trees beside Gambit, and the branch of a poker game that is beyond it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side, sample
from experiments.bench.trees_games import tree
from games.simplices import Float
from games.tree import TreeGame

_SLOW = ("bayes2a", "fig6_8", "artist2")
_UNFINISHED = ("cs", "palf3", "ttt")
FILES = (*_SLOW, *_UNFINISHED)
"""Trees of Gambit's own collection on which it takes long."""

_MAX_REGRET = 1e-8
_CAP_S = 60.0
_SAME_END = 1e-2
"""Largest difference of probabilities where both have followed the same branch to about the same regret."""
_SAME = 1e-6
"""Largest difference of probabilities at the same lambda."""
_LAMBDAS = (0.5, 1.0, 2.0, 5.0)
_RESIDUAL = 1e-8


def rows() -> list[Row]:
    """Branches to small regret, then answers at given lambdas for information, and the branch of leduc."""
    named = [(file, 50.0) for file in _SLOW] + [(file, "under 60 s") for file in _UNFINISHED]
    branches = [
        Row(
            f"agent qre branch: {file}",
            "Gambit logit_solve_branch",
            _branch(file),
            target=target,
            needs=("pygambit",),
            quick=file == "fig6_8",
        )
        for file, target in named
    ]
    points = [
        Row(
            f"agent qre at lambda 0.5, 1, 2, 5: {file}",
            "Gambit logit_solve_lambda",
            _at_lambdas(file),
            target=target if isinstance(target, str) else None,
            needs=("pygambit",),
            quick=file == "fig6_8",
        )
        for file, target in named
    ]
    leduc = Row("agent qre branch to lambda 10: leduc", "out of reach", _leduc, "under 60 s, certified")
    return [*branches, *points, leduc]


# --- Gambit's trees -------------------------------------------------------------------------------------------


def _branch(file: str) -> Callable[[Setting], Finding]:
    """The principal branch from lambda 0 until nobody gains more than 1e-8 of the payoff span."""

    def measure(setting: Setting) -> Finding:
        from solvers.certificate import certify
        from solvers.tree_qre import trace_agent_qre

        path = _found(setting, file)
        if path is None:
            return _absent(file)
        game = _read(path)

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            regret = _relative_regret(game, ours.behaviors[-1])
            lam = float(ours.lambdas[-1])
            residual = certify(game, ours.behaviors[-1], "qre", lam=lam).residual or 0.0
            folds, crossings = len(ours.turning_points), len(ours.bifurcations)
            note = (
                f"ours {len(ours.lambdas)} points, {folds} turning points, {crossings} bifurcations, "
                f"lambda {lam:.3g}, regret {regret:.0e}, residual {residual:.0e}"
            )
            right = ours.status == "converged" and regret <= 1.001 * _MAX_REGRET and residual <= _RESIDUAL
            if theirs is not None:
                lambdas, final = theirs
                apart = float(np.abs(final - ours.behaviors[-1]).max(initial=0.0))
                told = f"{len(lambdas)} points, lambda {lambdas[-1]:.3g}, regret {_relative_regret(game, final):.0e}"
                note += f"; peer {told}; ends {apart:.0e} apart"
                right = right and (apart <= _SAME_END or crossings > 0)
            return right, note

        ours = Side(lambda: trace_agent_qre(game, tolerance=_MAX_REGRET, seconds=_CAP_S))
        return _run(file, ours, contender(setting, lambda: _gambit_branch(path)), check)

    return measure


def _at_lambdas(file: str) -> Callable[[Setting], Finding]:
    """The answers at four lambdas, in one over the file's payoff units."""

    def measure(setting: Setting) -> Finding:
        from solvers.tree_qre import trace_agent_qre

        path = _found(setting, file)
        if path is None:
            return _absent(file)
        game = _read(path)

        def check(ours: Any, theirs: Any) -> tuple[bool, str]:
            residual = max(answer.certificate.residual for answer in ours)
            note = f"largest residual {residual:.0e}"
            right = residual <= _RESIDUAL
            if theirs is not None:
                lams, profiles = theirs
                apart = max(
                    float(np.abs(profile - answer.behavior).max(initial=0.0))
                    for profile, answer in zip(profiles, ours)
                )
                note += f"; peer at lambda {', '.join(f'{lam:.6g}' for lam in lams)}, {apart:.0e} apart"
                right = right and (apart <= _SAME or not np.allclose(lams, _LAMBDAS, rtol=1e-6))
            return right, note

        ours = Side(lambda: trace_agent_qre(game, max(_LAMBDAS), seconds=_CAP_S).at(_LAMBDAS))
        return _run(file, ours, contender(setting, lambda: _gambit_at_lambdas(path)), check)

    return measure


def _run(file: str, ours: Side, peer: Side | None, check: Callable[[Any, Any], tuple[bool, str]]) -> Finding:
    """The duel, with a cap on the peer; where Gambit does not finish, our own time is what is judged."""
    finding = run_duel(Duel(ours, peer, check, cap_s=_CAP_S, repeats=5, budget_s=15))
    if file in _UNFINISHED and finding.ours is not None:
        return replace(finding, met=finding.ours.wall < _CAP_S)
    return finding


def _found(setting: Setting, file: str) -> Path | None:
    if setting.files is None:
        return None
    return min(setting.files.rglob(f"{file}.efg"), default=None)


def _absent(file: str) -> Finding:
    return Finding(
        right=False,
        met=False,
        note=f"{file}.efg of Gambit's repository is not here; name a folder that has it with --files",
    )


def _read(path: Path) -> TreeGame:
    from games import load

    game: TreeGame = load(path)
    return game


def _relative_regret(game: TreeGame, behavior: Float) -> float:
    from solvers.certificate import certify

    return certify(game, behavior, "nash").max_regret / game.span


# --- Gambit ---------------------------------------------------------------------------------------------------


def _gambit_branch(path: Path) -> Side:
    import pygambit
    from pygambit.qre import logit_solve_branch

    theirs = pygambit.read_efg(str(path))
    order = in_our_order(theirs)

    def read(branch: Any) -> tuple[list[float], Float]:
        return [point.lam for point in branch], _probabilities(branch[-1], order)

    return Side(lambda: logit_solve_branch(theirs, maxregret=_MAX_REGRET), read, warm=lambda: None, calls=1)


def _gambit_at_lambdas(path: Path) -> Side:
    import pygambit
    from pygambit.qre import logit_solve_lambda

    theirs = pygambit.read_efg(str(path))
    order = in_our_order(theirs)

    def read(points: Any) -> tuple[list[float], list[Float]]:
        return [point.lam for point in points], [_probabilities(point, order) for point in points]

    return Side(lambda: logit_solve_lambda(theirs, list(_LAMBDAS)), read, warm=lambda: None, calls=1)


def _probabilities(point: Any, order: list[int]) -> Float:
    return np.array([float(point[k]) for k in order])


def in_our_order(game: Any) -> list[int]:
    """For each position of our flat behaviour strategies, the position in Gambit's.

    Gambit goes by player and information set, we by first appearance of information sets in the tree.
    """
    places, count = {}, 0
    for player in game.players:
        for infoset in player.infosets:
            places[player.number, infoset.number] = range(count, count + len(infoset.actions))
            count += len(infoset.actions)
    seen: dict[tuple[int, int], None] = {}
    waiting = [game.root]
    while waiting:
        node = waiting.pop()
        if not node.is_terminal and not node.player.is_chance:
            seen[node.player.number, node.infoset.number] = None
        waiting.extend(reversed(list(node.children)))
    return [place for key in seen for place in places[key]]


# --- leduc ----------------------------------------------------------------------------------------------------


def _leduc(setting: Setting) -> Finding:
    """Poker with 936 information sets: the branch to lambda 10 in units of one over a chip."""
    from solvers.tree_qre import trace_agent_qre

    game = tree("leduc")
    trace_agent_qre(game, lambda_max=1e-3)  # compiles
    spent, branch = sample(Side(lambda: trace_agent_qre(game, lambda_max=10.0, seconds=_CAP_S * 4)))
    last = branch.at([10.0])[0]
    residual = last.certificate.residual
    regret = _relative_regret(game, last.behavior)
    note = (
        f"{len(branch.lambdas)} points, {branch.status}, residual at lambda 10 {residual:.0e}, "
        f"Nash regret {regret:.2g} of the payoff span"
    )
    right = branch.status == "converged" and residual <= _RESIDUAL
    return Finding(spent, pairs=1, right=right, met=spent.cpu < _CAP_S, note=note)
