"""The exact tabular theory of Bayesian-network policies, measured: claims (a) to (f).

Source: Chen and Zhang (2023), Context-Aware Bayesian Network Actor-Critic Methods for Cooperative Multi-Agent Reinforcement
Learning, ICML. Games are the coordination game on n bits, whose initial distribution is uniform here (that of the authors' code
sums to 2**n / n, which multiplies their steps by as much), and matrix games played once. The graphs are the empty one, the full
chain ("line"; that of the authors' code lacks an edge) and the complete one. POA is the value over the best value of any joint
policy, 1 at best.

Every function takes `quick` (fewer runs), a seed and a progress callback, and returns `measured` (plain numbers) and `criteria`
(`text`, `value`, `passed`). The thresholds were fixed beforehand.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from experiments.papers.bayes_net_dependencies import dependencies, matrix_games
from experiments.papers.coordination_worth import optimum
from experiments.papers.tabular_runs import (
    GRAPHS,
    Parts,
    Progress,
    at_most,
    coordinate,
    criterion,
    starts,
)
from games.bayes_net import BayesNet
from games.simplices import Float
from games.sims.coordination_bits import bit_rewards, coordination_game
from solvers.network_certificate import certify_network
from solvers.network_gap import network_gap
from solvers.network_gradient import SoftmaxNetworks

FIXTURES: dict[int, tuple[list[float], float, float, float]] = {
    2: ([3, 0, 2], 47.8000, 0.6820, 0.5230),
    3: ([3, 0, 1, 2], 43.1040, 0.7743, 0.4640),
    5: ([3, 3, 0, 1, 2, 2], 53.7782, 0.6985, 0.4649),
}
"""By number of bits: rewards by number of ones, the best value J*, POA of all ones and of uniformly random play."""


# --- (a) the gradient ----------------------------------------------------------------------------------------


def gradient(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """(a) Equation (5) against central differences, for every graph and 2 and 3 agents."""
    points, parts = (1 if quick else 5), Parts(progress, 6)
    errors: dict[str, float] = {}
    for agents, dag in product((2, 3), GRAPHS):
        part = parts(f"n={agents}, {dag}")
        networks = SoftmaxNetworks(coordination_game(agents), dag)
        worst = 0.0
        for k, at in enumerate(starts(networks.game, dag, points, seed, agents)):
            worst = max(worst, abs(networks.slope(at).gradient - _differences(networks, at)).max())
            part((k + 1) / points, "central differences")
        errors[f"n={agents}, {dag}"] = float(worst)
    largest = max(errors.values())
    text = "largest error of the gradient against central differences, all graphs, n=2 and 3, < 1e-06"
    return {
        "measured": {"errors": errors, "points": points},
        "criteria": [criterion(text, largest, largest < 1e-6)],
    }


def _differences(networks: SoftmaxNetworks, at: Float, width: float = 1e-5) -> Float:
    """Central differences float64[L] of the common value, values from the game's own evaluation of the joint policy."""
    game = networks.game

    def value(logits: Float) -> float:
        return float(game.values(networks.policy(logits).joint())[0])

    return np.array([(value(at + d) - value(at - d)) / (2 * width) for d in np.eye(len(at)) * width])


# --- (b) known numbers ---------------------------------------------------------------------------------------


def fixtures(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """(b) Known values of the coordination games, and best responses against brute force."""
    sizes = (2, 3) if quick else tuple(FIXTURES)
    parts = Parts(progress, len(sizes) + len(GRAPHS))
    table: dict[str, Any] = {}
    off = {"rewards": 0.0, "J*": 0.0, "POA of all ones": 0.0, "POA of uniform play": 0.0}
    for agents in sizes:
        parts(f"n={agents}")
        rewards, best, ones, uniform = FIXTURES[agents]
        game = coordination_game(agents)
        fair = np.full((game.size, *game.shape), 1.0 / game.profiles)
        sure = np.zeros_like(fair)
        sure.reshape(game.size, -1)[:, -1] = 1.0
        found: dict[str, Any] = {
            "rewards": bit_rewards(agents).tolist(),
            "J*": optimum(agents),
            "POA of all ones": float(game.values(sure)[0]) / optimum(agents),
            "POA of uniform play": float(game.values(fair)[0]) / optimum(agents),
        }
        known: dict[str, Any] = dict(zip(off, (rewards, best, ones, uniform)))
        for name, wanted in known.items():
            off[name] = max(off[name], float(np.abs(np.subtract(found[name], wanted)).max()))
        table[f"n={agents}"] = found
    differences = {dag: _against_brute_force(dag, seed, parts(f"best responses, {dag}")) for dag in GRAPHS}
    criteria = [
        at_most(f"{name}: largest difference from the known values", x, 1e-4) for name, x in off.items()
    ]
    criteria.append(
        at_most(
            "best response (7) and certificate against brute force over deterministic policies, n=2: largest difference",
            max(differences.values()),
            1e-7,
        )
    )
    return {"measured": {"table": table, "best responses": differences}, "criteria": criteria}


def _against_brute_force(dag: str, seed: int, progress: Progress) -> float:
    """The largest difference, over both agents, of best values: (7), the certificate, all deterministic policies."""
    game, worst = coordination_game(2), 0.0
    networks = SoftmaxNetworks(game, dag)
    tables = networks.tables(starts(game, dag, 1, seed, 2)[0])
    net = BayesNet.from_tables(networks.dag, tables)
    gap, certificate = network_gap(game, net), certify_network(game, net)
    for i in range(2):
        rows = tables[i].reshape(-1, 2)
        best, changed = -np.inf, list(tables)
        for choice in product(range(2), repeat=len(rows)):
            changed[i] = np.eye(2)[list(choice)].reshape(tables[i].shape)
            best = max(best, float(game.values(BayesNet.from_tables(networks.dag, changed).joint())[i]))
        certified = float(certificate.values[i] + certificate.regret[i])
        worst = max(worst, abs(float(gap.best[i]) - best), abs(certified - best))
        progress((i + 1) / 2, "all deterministic policies")
    return worst


# --- (c) convergence -----------------------------------------------------------------------------------------


def convergence(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """(c) Convergence to Nash equilibria at gap x t = constant, and values that never fall."""
    runs, more, rates = 10, (10 if quick else 200), (0.05, 0.3, 1.0)
    parts = Parts(progress, 3 + 6 * len(rates))
    gaps: dict[str, Any] = {}
    criteria = []
    limits: dict[tuple[int, str], dict[int, float | None]] = {
        (2, "empty"): {500: None, 2000: 0.0012, 10_000: 0.00025},
        (3, "empty"): {2000: 0.0025, 5000: 0.001},
    }
    for (agents, dag), checks in limits.items():
        name = f"n={agents}, {dag}"
        found = coordinate(agents, dag, more, (seed, 3), 1.0, max(checks), parts(name), tuple(checks))
        gaps[name] = {str(t): _gap_facts(found.gap_at(t), runs, t) for t in checks}
        for t, limit in checks.items():
            if limit is not None:
                text = f"{name}, step 1, {runs} runs: largest NEgap after {t:,} iterations"
                criteria.append(at_most(text, float(found.gap_at(t)[:runs].max()), limit))
    found = coordinate(2, "complete", more, (seed, 3), 1.0, 2000, parts("n=2, complete"), (2000,))
    gaps["n=2, complete"] = {"2000": _gap_facts(found.gap_at(2000), runs, 2000)}
    near = int((found.gap_at(2000)[:runs] <= 0.002).sum())
    gaps["n=2, complete"]["share of all at most 0.002"] = float((found.gap_at(2000) <= 0.002).mean())
    text = f"n=2, complete, step 1: NEgap <= 0.002 after 2,000 iterations on >= 9 of {runs} runs"
    criteria.append(criterion(text, near, near >= 9))
    drops = {}
    for agents, dag, step in product((2, 3), GRAPHS, rates):
        name = f"n={agents}, {dag}, step {step:g}"
        climbed = coordinate(agents, dag, runs, (seed, 3), step, 2000 if quick else 10_000, parts(name))
        drops[name] = float(max(0.0, -np.diff(climbed.values[:, :, 0]).min()))
    text = "largest fall of J in an iteration, all graphs, n=2 and 3, steps 0.05, 0.3 and 1"
    criteria.append(at_most(text, max(drops.values()), 1e-9))
    return {
        "measured": {"runs": runs, "runs in all": more, "gaps": gaps, "falls": drops},
        "criteria": criteria,
    }


def _gap_facts(gaps: Float, runs: int, t: int) -> dict[str, float]:
    """Of the first `runs` gaps, to which criteria apply, and of all."""
    first = gaps[:runs]
    return {
        "largest": float(first.max()),
        "median": float(np.median(first)),
        "median x t": float(np.median(first)) * t,
        "largest of all": float(gaps.max()),
        "median of all": float(np.median(gaps)),
    }


# --- (d) the size of steps ------------------------------------------------------------------------------------


def step_size(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """(d) Steps of 10 stop away from Nash equilibria; steps of 1 from the same starts do not."""
    runs, iterations, agents = 50, 60_000, 2
    steps, graphs = (1.0, 10.0), ("empty",) if quick else ("empty", "complete")
    parts = Parts(progress, len(steps) * len(graphs))
    facts: dict[str, Any] = {}
    for dag, step in product(graphs, steps):
        name = f"{dag}, step {step:g}"
        found = coordinate(agents, dag, runs, (seed, 4), step, iterations, parts(name), (iterations,))
        gaps, value = found.gap_at(iterations), found.values[:, :, 0]
        far = gaps >= 1.0
        facts[name] = {
            "runs with NEgap >= 1": int(far.sum()),
            "NEgaps of these": np.sort(gaps[far]).tolist(),
            "largest NEgap": float(gaps.max()),
            "their change of J in the last 10,000 iterations": float(
                np.abs(value[far, -1] - value[far, -10_001]).max(initial=0.0)
            ),
            "runs in which J falls": int((np.diff(value, axis=1).min(axis=1) < -1e-9).sum()),
        }
    big, small = facts["empty, step 10"], facts["empty, step 1"]
    when = f"after {iterations:,} iterations"
    changed = big["their change of J in the last 10,000 iterations"]
    criteria = [
        criterion(
            f"n=2, empty, step 10: of {runs} runs at least one has NEgap >= 1 {when}",
            big["runs with NEgap >= 1"],
            big["runs with NEgap >= 1"] > 0,
        ),
        at_most("the change of J of these runs in the last 10,000 iterations", changed, 1e-3),
        at_most(
            f"n=2, empty, step 1, the same starts: largest NEgap {when}", small["largest NEgap"], 0.00025
        ),
    ]
    return {"measured": {"runs": runs, "iterations": iterations, "n=2": facts}, "criteria": criteria}


TABULAR: dict[str, Callable[[bool, int, Progress], dict[str, Any]]] = {
    "a": gradient,
    "b": fixtures,
    "c": convergence,
    "d": step_size,
    "e": dependencies,
    "f": matrix_games,
}
"""The claims by their letter: `f(quick, seed, progress)`."""
