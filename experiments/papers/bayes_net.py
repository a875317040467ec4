"""Chen and Zhang (2023): what their Bayesian-network actor-critic is said to do, and by which criteria that is judged.

The paper's text was not available, only its abstract and the authors' code: where the claims come from is told by
`Claim.where`, and criteria are our own, fixed before full runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.papers.claims import Claim, Found, Order, Paper, Progress, found_of

COORDINATION: Mapping[bool, Mapping[str, Any]] = {
    False: {"steps": 200_000, "seeds": 10, "other_sizes": [2, 5], "other_seeds": 3},
    True: {"steps": 60_000, "seeds": 2, "other_sizes": [], "other_seeds": 0},
}
"""Effort by ``quick``; shared by all claims that rest on the same runs."""
ALOHA: Mapping[bool, Mapping[str, Any]] = {
    False: {"steps": 1_000_000, "seeds": 5, "episodes": 400},
    True: {"steps": 100_000, "seeds": 2, "episodes": 200},
}
MATRIX: Mapping[bool, Mapping[str, Any]] = {
    False: {"steps": 100_000, "seeds": 20},
    True: {"steps": 20_000, "seeds": 3},
}
LETTERS = {
    "gradient": "a",
    "fixtures": "b",
    "convergence": "c",
    "step-size": "d",
    "dependencies": "e",
    "matrix": "f",
}
"""What the tabular claims are called in `experiments.papers.bayes_net_tabular`."""


def run(claim: Claim, order: Order, progress: Progress) -> Found:
    """Measure a claim of this paper."""
    if "tabular" in claim.tags:
        from experiments.papers.bayes_net_tabular import TABULAR

        return found_of(TABULAR[LETTERS[claim.key]](order.quick, order.seed, progress))
    from experiments.papers.bayes_net_neural import NEURAL

    return NEURAL[claim.key](claim, order, progress)


TABULAR_CLAIMS = (
    Claim(
        "gradient",
        "The policy gradient is exact",
        "The gradient of a tabular softmax Bayesian-network policy is the visited advantage of every action given its "
        "parents' actions.",
        "policy gradient theorem; computed",
        "largest difference from central differences below 1e-6, for every kind of graph and 2 and 3 agents",
        tags=("tabular",),
    ),
    Claim(
        "fixtures",
        "The coordination game's values",
        "Optimal and reference values of the coordination game, and best responses by value iteration, are what brute "
        "force finds.",
        "authors' code; computed",
        "values to 1e-4; best responses equal brute force over deterministic policies of 2 agents",
        tags=("tabular",),
    ),
    Claim(
        "convergence",
        "Gradient ascent converges to Nash equilibria",
        "Under tabular softmax and exact gradient ascent, iterates converge to a Nash equilibrium in cooperative Markov "
        "games.",
        "abstract",
        "2 agents, empty graph, step 1: largest Nash gap at most 0.0012 after 2,000 and 0.00025 after 10,000 iterations; 3 "
        "agents at most 0.0025 and, after 5,000, 0.001; complete graph of 2 agents at most 0.002 on nine in ten seeds; "
        "values never fall",
        tags=("tabular",),
    ),
    Claim(
        "step-size",
        "Convergence needs a small enough step",
        "With a step that is too large, ascent comes to rest far from equilibrium.",
        "condition of the convergence theorem; computed",
        "with step 10, Nash gaps stay large",
        tags=("tabular",),
    ),
    Claim(
        "dependencies",
        "Dependencies help gradient ascent",
        "Policies with action dependencies reach a better price of anarchy than independent ones.",
        "abstract; authors' tabular code",
        "complete minus empty graph at least 0.05 for 2 and 3 agents, line above empty for 3, one-sided Welch test p < 0.01",
        tags=("tabular",),
    ),
    Claim(
        "matrix",
        "Dependencies help in matrix games",
        "In the climbing and penalty games, exact gradient ascent reaches the optimum more often with a complete graph.",
        "computed",
        "success rates within 0.12 of 18 % and 64 % (climbing), 38 % and 92 % (penalty -100), and more often with a complete "
        "graph",
        tags=("tabular",),
    ),
)
NEURAL_CLAIMS = (
    Claim(
        "coordination",
        "Dependencies help in the Coordination Game",
        "Trained actor-critics with action dependencies reach a better price of anarchy than independent ones, with a "
        "learned graph as with a complete one.",
        "abstract (better returns from action dependencies on the benchmarks)",
        "3 agents, greedy play, noise-free graphs, mean over seeds: POA of complete minus independent at least 0.03, learned "
        "minus complete at least -0.03, complete at least 0.93",
        COORDINATION[False],
        COORDINATION[True],
        tags=("neural",),
    ),
    Claim(
        "context",
        "The learned graph depends on context",
        "The graph is a function of the state, and not one topology for all states.",
        "title and abstract (context-aware)",
        "Coordination Game of 3 agents: standard deviation over states of an edge's probability, mean over edges and seeds, "
        "at least 0.02 above that of untrained networks",
        COORDINATION[False],
        COORDINATION[True],
        tags=("neural",),
    ),
    Claim(
        "annealing",
        "Annealing leaves independent policies",
        "With a schedule that makes the graph sparser, training ends with weakly or purely independent policies that are "
        "as good.",
        "abstract",
        "Coordination Game of 3 agents, greedy play, mean over seeds: final open ratio at most 0.05; POA with and without the "
        "learned graph differ by at most 0.02; POA without a graph at least that of independently trained agents minus 0.01",
        COORDINATION[False],
        COORDINATION[True],
        tags=("neural",),
    ),
    Claim(
        "climbing",
        "Dependencies help trained teams in matrix games",
        "Actor-critics with a complete graph do no worse than independent ones in the climbing and penalty games.",
        "our own extension of the tabular claim",
        "mean greedy payoff of complete minus independent at least 0 in both games",
        MATRIX[False],
        MATRIX[True],
        tags=("neural",),
    ),
    Claim(
        "aloha",
        "Dependencies help on Aloha",
        "Trained actor-critics with action dependencies earn more on Aloha than any independent agents could.",
        "abstract (better returns from action dependencies on the benchmarks)",
        "greedy play, mean over seeds: independent agents earn 4.5 to 6.8 (6.2 is the best product policy we know), the better "
        "of complete and learned at least 7.5",
        ALOHA[False],
        ALOHA[True],
        tags=("neural",),
    ),
)
PAPER = Paper(
    "bayes-net",
    "Context-Aware Bayesian Network Actor-Critic Methods for Cooperative Multi-Agent Reinforcement Learning",
    "Dingyang Chen and Qi Zhang (2023), ICML, arXiv 2306.01920",
    (*TABULAR_CLAIMS, *NEURAL_CLAIMS),
    run,
)
