"""What agents gain by knowing each other's actions in tabular games: claims (e) and (f) of `bayes_net_tabular`."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from experiments.papers.coordination_worth import optimum
from experiments.papers.tabular_runs import (
    GRAPHS,
    Parts,
    Progress,
    coordinate,
    criterion,
    starts,
    welch_test,
)
from games.load import load
from games.markov import MarkovGame
from games.normal import NormalFormGame
from games.simplices import Float
from solvers.network_ascent import ascend
from solvers.network_gap import network_gap

AUTHORS_RATE, AUTHORS_STEPS = 0.01, 2000
MATRIX_GAMES = {
    "climbing": ("zoo:climbing", {"empty": 0.18, "complete": 0.64}),
    "penalty -100": ("zoo:penalty?k=-100", {"empty": 0.38, "complete": 0.92}),
    "penalty -25": ("zoo:penalty?k=-25", {}),
}
"""Where they are, and in which share of 50 runs the optimum was reached when the thresholds were fixed."""


# --- (e) what dependencies are worth --------------------------------------------------------------------------


def dependencies(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """(e) Graphs with edges earn more; also with the authors' settings, and their measure of the Nash gap."""
    runs, iterations = (20 if quick else 50), 5000
    arms = list(product((2, 3), GRAPHS))
    authors = list(product((2, 3) if quick else (2, 3, 5), GRAPHS))
    parts = Parts(progress, len(arms) + len(authors))
    worth = {}
    for agents, dag in arms:
        found = coordinate(agents, dag, runs, (seed, 5), 1.0, iterations, parts(f"n={agents}, {dag}"))
        worth[agents, dag] = found.values[:, -1, 0] / optimum(agents)
    theirs = {}
    for agents, dag in authors:
        name = f"n={agents}, {dag}"
        theirs[name] = _as_authors(
            agents, dag, runs if agents < 5 else 6, seed, parts(f"authors' steps, {name}")
        )
    criteria = []
    for agents in (2, 3):
        gain = float(worth[agents, "complete"].mean() - worth[agents, "empty"].mean())
        text = f"n={agents}: mean POA of complete - empty >= 0.05, {runs} runs"
        criteria.append(criterion(text, gain, gain >= 0.05))
    line = float(worth[3, "line"].mean() - worth[3, "empty"].mean())
    criteria.append(criterion("n=3: mean POA of line - empty > 0", line, line > 0))
    tests = {}
    for agents, dag in ((2, "complete"), (3, "complete"), (3, "line")):
        p = welch_test(worth[agents, dag], worth[agents, "empty"])
        tests[f"n={agents}, {dag}"] = p
        text = f"n={agents}: POA of {dag} above empty, one-sided Welch test, p < 0.01"
        criteria.append(criterion(text, p, p < 0.01))
    means = {f"n={n}, {dag}": _spread(values) for (n, dag), values in worth.items()}
    measured = {"runs": runs, "iterations": iterations, "POA": means, "p": tests, "authors' settings": theirs}
    return {"measured": measured, "criteria": criteria}


def _spread(values: Float) -> dict[str, Any]:
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return {"mean": float(values.mean()), "standard error": error, "values": values.tolist()}


def _as_authors(agents: int, dag: str, runs: int, seed: int, progress: Progress) -> dict[str, Any]:
    """2,000 steps of 0.01 with an initial distribution that sums to 2**n / n."""
    step = AUTHORS_RATE * 2**agents / agents
    found = coordinate(agents, dag, runs, (seed, 5), step, AUTHORS_STEPS, progress, (AUTHORS_STEPS,))
    game, gaps = found.networks.game, found.gap_at(AUTHORS_STEPS)
    blind = np.array([network_gap(game, net, blind=True).gap for net in found.policies()])
    return {
        "POA": _spread(found.values[:, -1, 0] / optimum(agents)),
        "mean NEgap": float(gaps.mean()),
        "largest NEgap": float(gaps.max()),
        "mean NEgap against deviations that do not see the parents' actions, as the authors measure": float(
            blind.mean()
        ),
        "largest norm of a gradient": float(found.steepest.max()) * 2**agents / agents,
        "runs": runs,
    }


# --- (f) matrix games -----------------------------------------------------------------------------------------


def matrix_games(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """(f) How often exact gradient ascent finds the optimum of climbing and penalty games, without and with edges."""
    runs, more, step, iterations = 50, (50 if quick else 1000), 0.05, 6000
    parts = Parts(progress, 2 * len(MATRIX_GAMES))
    facts: dict[str, Any] = {}
    criteria = []
    for number, (name, (uri, rates)) in enumerate(MATRIX_GAMES.items()):
        table = load(uri)
        assert isinstance(table, NormalFormGame)
        game = MarkovGame.repeated(table, horizon=1)
        for dag in ("empty", "complete"):
            start = starts(game, dag, more, seed, 6, number, GRAPHS.index(dag))
            found = ascend(game, dag, start, step, iterations, progress=parts(f"{name}, {dag}"))
            value = found.values[:, -1, 0]
            reached = value >= 0.95 * float(
                game.reward.max()
            )  # the next best equilibrium is worth 0.7 of it or less
            facts[f"{name}, {dag}"] = {
                "mean payoff": float(value[:runs].mean()),
                "share at the optimum": float(reached[:runs].mean()),
                "mean payoff of all": float(value.mean()),
                "share of all at the optimum": float(reached.mean()),
            }
            if dag in rates:
                text = f"{name}, {dag}: share of {runs} runs that reach the optimum within 0.12 of {rates[dag]:g}"
                share = float(reached[:runs].mean())
                criteria.append(criterion(text, share, abs(share - rates[dag]) <= 0.12 + 1e-12))
    measured = {"runs": runs, "runs in all": more, "step": step, "iterations": iterations, "games": facts}
    return {"measured": measured, "criteria": criteria}
