"""Zheng et al. (2022): what the AI Economist is said to do, and by which criteria that is judged.

Of the paper only abstract and introduction could be read; its simulation's rules are from the authors' public code. Claims are judged
where the truth is known: the rules against numbers of that code, and the one-step economy, in which best responses and
the optimal schedule are exact; and in a small gather-trade-build, the kind of economy that the paper's figures are from, of a size that
two cores can learn. Criteria are those of this project's specification, fixed before anything was run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.papers.claims import Claim, Found, Order, Paper, Progress, found_of

ALONE: Mapping[bool, Mapping[str, Any]] = {
    False: {"seeds": 5, "updates": 625},
    True: {"seeds": 2, "updates": 200},
}
"""Effort by ``quick``: updates of 32 episodes each of a planner whose workers answer best; 625 are 20,000 episodes."""
TWO_LEVEL: Mapping[bool, Mapping[str, Any]] = {
    False: {
        "seeds": 5,
        "without_seeds": 1,
        "alone": 600,
        "together": 900,
        "schedules": 500,
        "deviations": 0,
    },
    True: {
        "seeds": 1,
        "without_seeds": 1,
        "alone": 100,
        "together": 150,
        "schedules": 200,
        "deviations": 500,
    },
}
"""The same of both levels: updates of either phase, 48,000 episodes in all; on how many schedules workers are asked, and with how many
the planner's is compared given how these workers answer (0 is all)."""
VILLAGE: Mapping[bool, Mapping[str, Any]] = {
    False: {"seeds": 3, "alone": 960_000, "together": 384_000, "episodes": 100},
    True: {"seeds": 1, "alone": 200_000, "together": 100_000, "episodes": 50},
}
"""The same of gather-trade-build: joint steps of the first phase and of every tax system after it, and episodes that judge."""
CHECK = "a check of ours (specification, section 6)"
ONE_STEP = "one-step economy of the authors' code, constants of this project's specification"


def run(claim: Claim, order: Order, progress: Progress) -> Found:
    """Measure a claim of this paper."""
    if "tabular" in claim.tags:
        from experiments.papers.economist_tabular import TABULAR

        return found_of(TABULAR[claim.key](order.quick, order.seed, progress))
    from experiments.papers import economist_alone, economist_two_level, economist_village

    learned = {
        "best-responders": economist_alone.best_responders,
        "two-level": economist_two_level.two_level,
        "seven-brackets": economist_alone.seven_brackets,
        "learned-flat-rate": economist_alone.learned_flat_rate,
        "village-workers": economist_village.first_phase,
        "village-responses": economist_village.responses,
        "village-planner": economist_village.planner,
    }
    return learned[claim.key](claim, order, progress)


TABULAR_CLAIMS = (
    Claim(
        "rules",
        "The rules are the reference's",
        "Taxes, social metrics, utilities, annealing, the Saez formula and the one-step economy are those of the authors' simulation.",
        f"tier 0; {CHECK}; stored numbers of the authors' code",
        "largest relative error of every kind of case at most 1e-9",
        tags=("tabular",),
    ),
    Claim(
        "trace",
        "A recorded episode is replayed",
        "Gather-trade-build does, step by step, what the authors' simulation does, given the same chance.",
        f"tier 0; {CHECK}; an episode of the authors' code, recorded",
        "300 steps: places, inventories, escrow, labour, rates, trades, taxes, rewards and metrics of the episode with relative errors of at "
        "most 1e-9, observations to the six decimals recorded, masks equal",
        tags=("tabular",),
    ),
    Claim(
        "auction",
        "The double auction is the reference's",
        "Orders are matched, priced, kept and given back as in the authors' simulation.",
        f"tier 0; {CHECK}; ten scenarios of the authors' code",
        "inventories, escrow, labour, trades and open orders of every day told, and history of prices: largest relative error at most 1e-9",
        tags=("tabular",),
    ),
    Claim(
        "random-play",
        "Random play comes to the same",
        "Workers who do anything legal at random fare as in the authors' simulation.",
        f"tier 0; {CHECK}; statistics of 25 episodes of the authors' code",
        "economy of standard size, without taxes and with the federal schedule: every mean over 100 episodes within 4 standard errors",
        tags=("tabular",),
    ),
    Claim(
        "optima",
        "What a planner could reach at most",
        "In the one-step economy no tax system is as good as the best schedule of the planner's grid, and the Saez formula is not "
        "the optimum.",
        f"{CHECK}; {ONE_STEP}",
        "welfare of free market, best flat rate, US federal, Saez and the enumerated optimum in three economies as computed by another "
        "program, to four digits; with seven brackets the optimum is above all others",
        tags=("tabular",),
    ),
    Claim(
        "flat-rate",
        "The best flat rate in closed form",
        "The best flat rate is Saez' (1 - g) / (1 - g + e) but for the worker's own share, which matters in small societies.",
        f"{CHECK}; {ONE_STEP}",
        "closed forms with and without the own share to 1e-5, with 100 and 4 workers; best rate of the grid from 0.20 to 0.30",
        tags=("tabular",),
    ),
    Claim(
        "elasticity",
        "The Saez baseline finds the elasticity (E)",
        "From incomes under random flat rates the Saez baseline estimates the elasticity of income, which is 1.",
        f"{CHECK}; estimator of the authors' code",
        "estimate from 0.90 to 1.05, from flat rates up to 0.9 and in the median of memories of 500 pairs",
        tags=("tabular",),
    ),
)
LEARNED_CLAIMS = (
    Claim(
        "best-responders",
        "A planner learns the optimal schedule (A)",
        "By reinforcement alone, without knowing skills or utilities, a planner finds the optimal taxes for workers who answer best.",
        f"abstract (recovers optimal taxes in one-step economies); {ONE_STEP}",
        "three brackets, inverse-income welfare, 5 seeds of at most 20,000 episodes: welfare of the greedy schedule at least 99.5 % of the "
        "optimum, bottom rate at most 0.05, middle 0.35 to 0.60, top 0.15 to 0.30, on every seed",
        ALONE[False],
        ALONE[True],
        tags=("one-step",),
    ),
    Claim(
        "two-level",
        "Planner and workers learn together (B)",
        "Two levels of learners find nearly optimal taxes, and workers who learned under random schedules first answer nearly best.",
        f"abstract (two-level learning, curriculum); {ONE_STEP}",
        "three brackets, 5 seeds of 48,000 episodes, 19,200 of them with workers alone under random schedules; greedy schedule, by exact "
        "best responses: at least 99 % of the optimum, and 2 % above the best flat rate, on at least 4 of 5 seeds; workers' regret on "
        "random schedules at most 5 % of what working gains, likewise",
        TWO_LEVEL[False],
        TWO_LEVEL[True],
        tags=("one-step",),
    ),
    Claim(
        "seven-brackets",
        "Better than Saez and the federal schedule (C)",
        "With the brackets of the United States the learned schedule is worth more than Saez', the federal and every flat one.",
        f"abstract (improves on Saez and the federal schedule); {ONE_STEP}",
        "seven brackets, workers answer best, 5 seeds of at most 20,000 episodes: welfare of the greedy schedule at least 98 % of the optimum "
        "and above Saez, US federal and the best flat rate, on every seed; rates of brackets 2 to 6 are told",
        ALONE[False],
        ALONE[True],
        tags=("one-step",),
    ),
    Claim(
        "learned-flat-rate",
        "A planner of one rate (D)",
        "A planner that can only set a flat rate learns the one that is best.",
        f"{CHECK}; {ONE_STEP}",
        "one bracket, workers answer best, 5 seeds of at most 20,000 episodes: rate from 0.20 to 0.30 on every seed",
        ALONE[False],
        ALONE[True],
        tags=("one-step",),
    ),
)
SMALL_VILLAGE = (
    "small gather-trade-build, scaled as this project's specification says, networks without memory"
)
VILLAGE_CLAIMS = (
    Claim(
        "village-workers",
        "Workers learn to gather, trade and build",
        "Without taxes workers specialise: the most skilled buy and build, the least skilled gather and sell.",
        f"qualitative results; {SMALL_VILLAGE}",
        "first phase, 3 seeds, 100 episodes each with actions drawn and labour at its full cost, means over seeds: return of a worker above 0; "
        "houses and coin at least 3 times those of random play; rank correlation of skill and houses above 0.5; one of the two least skilled "
        "is a net seller; there are trades",
        VILLAGE[False],
        VILLAGE[True],
        tags=("gather-trade-build",),
    ),
    Claim(
        "village-responses",
        "Workers answer to taxes",
        "Taxes lower what workers produce, once they have learned to live with them.",
        f"figure data of the authors' code (productivity falls under every tax); {SMALL_VILLAGE}",
        "workers of the first phase, trained further under a flat rate of 0.50 and without taxes, equally long: productivity under the rate at "
        "most 0.9 of the other",
        VILLAGE[False],
        VILLAGE[True],
        tags=("gather-trade-build",),
    ),
    Claim(
        "village-planner",
        "The learned planner beats free market and US federal taxes",
        "A planner that learns together with the workers brings more equality times productivity than free market, US federal taxes and Saez.",
        f"figure data of the authors' code (+30 %, +32 %, +16 % over these three); {SMALL_VILLAGE}",
        "workers of the first phase branched into free market, US federal, flat 0.25, 0.50 and 0.75, Saez and planner, equally many further steps, "
        "3 seeds, 100 episodes each: workers answer to taxes; eq*prod at least 1.10 times that of free market and of US federal, lower end of "
        "either 95 % interval above 1; at least 0.97 times the best flat rate's; productivity at least half the free market's; rates not "
        "all near 0 nor near the cap; the ratio to Saez is told",
        VILLAGE[False],
        VILLAGE[True],
        tags=("gather-trade-build",),
    ),
)
PAPER = Paper(
    "ai-economist",
    "The AI Economist: Taxation policy design via two-level deep multiagent reinforcement learning",
    "Stephan Zheng, Alexander Trott, Sunil Srinivasa, David C. Parkes, Richard Socher (2022), Science Advances 8(18), arXiv 2108.02755",
    (*TABULAR_CLAIMS, *LEARNED_CLAIMS, *VILLAGE_CLAIMS),
    run,
)
