"""Mguni et al. (2023): what MANSA is said to do, and by which criteria that is judged.

Of the paper only the abstract and third-party notes could be read, and no code of the authors is public: where claims come
from is told by `Claim.where`, and criteria are our own, fixed before full runs. Prices of a call were never tuned towards the
published figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.papers.claims import Claim, Found, Order, Paper, Progress, found_of

FORAGING: Mapping[bool, Mapping[str, Any]] = {
    False: {"steps": 200_000, "seeds": 5, "episodes": 500},
    True: {"steps": 20_000, "seeds": 2, "episodes": 100},
}
"""Effort by ``quick``; shared by all claims that rest on the same runs. Episodes judge a final team."""
TASKS: Mapping[bool, Mapping[str, Any]] = {
    False: {
        "steps": 200_000,
        "seeds": 5,
        "episodes": 500,
        "tasks": [
            "8x8-2p-2f-coop",
            "2s-8x8-2p-2f-coop",
            "10x10-3p-3f",
            "2s-10x10-3p-3f",
            "15x15-3p-5f",
            "15x15-4p-3f",
            "15x15-4p-5f",
        ],
    },
    True: {"steps": 20_000, "seeds": 2, "episodes": 100, "tasks": ["8x8-2p-2f-coop", "15x15-4p-5f"]},
}
PACKAGE: Mapping[bool, Mapping[str, Any]] = {
    False: {**FORAGING[False], "package_episodes": 200, "package_steps": 20_000},
    True: {**FORAGING[True], "package_episodes": 40, "package_steps": 4_000},
}
TESTS = {"exact-switch": "T1", "together": "T2", "penalty": "T4"}
"""What the tabular claims are called in `experiments.papers.mansa_tabular`."""


def run(claim: Claim, order: Order, progress: Progress) -> Found:
    """Measure a claim of this paper."""
    if "tabular" in claim.tags:
        from experiments.papers.mansa_tabular import TABULAR

        return found_of(TABULAR[TESTS[claim.key]](order.quick, order.seed, progress))
    from experiments.papers.mansa_foraging import FORAGING

    return FORAGING[claim.key](claim, order, progress)


TABULAR_CLAIMS = (
    Claim(
        "exact-switch",
        "Global learns the optimal switch",
        "Between two given teams a learned switch calls the central one exactly where that is worth its price, and with a "
        "budget where it is worth most.",
        "the optimal switch of the paper's impulse-control formulation, as recalled; computed",
        "chain of 10 states, 20 seeds: the learned switch equals the exact one at c = 0.05, 0.3 and 0.6 and with a budget of 2; "
        "with a budget of 1 on at least 0.8 of seeds; contraction, dominance and monotony of the exact operators to 1e-9",
        tags=("tabular",),
    ),
    Claim(
        "together",
        "Independent, central and Global learn together",
        "With all three learning at once, MANSA reaches the return of central learning with a fraction of its calls, and "
        "better than calls at random.",
        "abstract; our own tabular study",
        "chain of 10 states, 20 seeds: E1 at least 9.7 of 10 at a share of calls of at most 0.35 (separate data), E2 at least 9.9 "
        "(shared data), E1 above random calls at the same share, p < 0.01; budgets hold",
        tags=("tabular",),
    ),
    Claim(
        "penalty",
        "A repeated penalty game",
        "In a game that punishes miscoordination MANSA does no worse than the better of its components, and a few calls "
        "already help.",
        "our own extension of the tabular claim",
        "penalty game (-100) 25 times, 20 seeds: E1 at least that of the better component minus 5 % of the best return; with a "
        "budget of 6 calls E1 above independent learning; budgets hold",
        tags=("tabular",),
    ),
)
_T3 = (
    "5 seeds, greedy play at the end of training, means: E1 at c = 0.05 at least max(IQL, QMIX) - 0.05; E2 at least IQL - 0.02; "
    "share of calls in the last tenth of training at most 0.6"
)
NEURAL_CLAIMS = (
    Claim(
        "foraging-small",
        "MANSA in foraging, 5x5",
        "With a learned switch a team of IQL and QMIX returns as much as the better of the two with fewer central calls, and "
        "leaves independent policies that are as good.",
        "abstract; the task is ours",
        f"{_T3}, and falling strictly over c = 0.01, 0.05, 0.2; MANSA-B never exceeds its 12 calls; with separate data E1, or the area "
        "under its learning curve, above that of random calls at the same share by Welch's 95 % interval",
        FORAGING[False],
        FORAGING[True],
        tags=("neural",),
    ),
    Claim(
        "foraging-8x8",
        "MANSA in foraging, 8x8",
        "The same on a larger field, where food is found more rarely.",
        "abstract; the task is ours",
        f"{_T3}; MANSA-B never exceeds its 12 calls; E1, or the area under its learning curve, above that of random calls at the same "
        "share by Welch's 95 % interval",
        FORAGING[False],
        FORAGING[True],
        tags=("neural",),
    ),
    Claim(
        "budget-sweep",
        "MANSA-B with larger and smaller budgets",
        "A budget of central calls is never exceeded, and a larger one does not make the team worse.",
        "abstract (budgets); the sweep is ours",
        "5x5, budgets of 5, 12 and 25 of 50 steps: mean E1 falls by at most 0.05 from one budget to the next larger one; most calls in "
        "any episode of the final team within the budget, and calls in training within that of all episodes begun",
        FORAGING[False],
        FORAGING[True],
        tags=("neural",),
    ),
    Claim(
        "tasks",
        "MANSA on the benchmark's foraging tasks",
        "On the tasks of the EPyMARL benchmark MANSA of IPPO and MAPPO returns at least as much as the better of the two.",
        "abstract; the tasks are those of EPyMARL, and not known to be the paper's; trained on policy, for a "
        "tenth of the published 2,050,000 steps",
        "on every task, 5 seeds, greedy play at the end of training: mean E1 at c = 0.05 at least max(IPPO, MAPPO) - 0.05",
        TASKS[False],
        TASKS[True],
        tags=("neural",),
    ),
    Claim(
        "one-percent",
        "Central learning in about 1 % of steps",
        "In foraging central learners are called in about one percent of steps.",
        "abstract (level-based foraging); not expected at this scale, and prices were not tuned towards it",
        "runs of `tasks`, c = 0.05: share of calls, mean over tasks and seeds, at most 0.02 in the last tenth of training and in "
        "evaluation",
        TASKS[False],
        TASKS[True],
        tags=("neural",),
    ),
    Claim(
        "forty-percent",
        "40 % fewer calls at equal or better return",
        "MANSA saves two fifths of central calls and returns as much as central learning.",
        "abstract, where it is said of SMAC, which is not available here (StarCraft II): judged on the foraging tasks instead",
        "runs of `tasks`, c = 0.05, on every task: mean share of calls in training at most 0.6, and mean E1 at least that of MAPPO "
        "minus 0.02",
        TASKS[False],
        TASKS[True],
        tags=("neural",),
    ),
    Claim(
        "lbforaging",
        "The same in the package lbforaging",
        "Teams trained on our batched foraging are worth the same in the package that the paper used, and MANSA trains there.",
        "the paper's environment; a check of ours",
        "MANSA's teams of `foraging-small`, 200 episodes each in the package and in ours: mean E1 and E2 differ by at most 0.05 or no "
        "more than Welch's 95 % interval over episodes; MANSA trains 20,000 steps in the package, and its calls add up",
        PACKAGE[False],
        PACKAGE[True],
        tags=("neural",),
    ),
)
PAPER = Paper(
    "mansa",
    "MANSA: Learning Fast and Slow in Multi-Agent Systems",
    "David Mguni et al. (2023), ICML, arXiv 2302.05910",
    (*TABULAR_CLAIMS, *NEURAL_CLAIMS),
    run,
)
