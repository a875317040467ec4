"""Cui et al. (2024): what Dec-POMFC is said to do, and by which criteria that is judged: the paper's structure, own constants.

Of the paper only the abstract, reviews and texts that cite it could be read, and no code of the authors for it is public: tasks,
structure and the kinds of claims are the paper's, all constants and criteria our own, fixed before full runs. No number here is one of
the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.papers.claims import Claim, Found, Order, Paper, Progress

LEARNING: Mapping[bool, Mapping[str, Any]] = {
    False: {"steps": 600_000, "seeds": 3, "pairs": 5, "episodes": 200},
    True: {"steps": 40_000, "seeds": 2, "pairs": 2, "episodes": 40},
}
"""Effort by ``quick``; shared by all claims that rest on the same runs. Kuramoto is trained with as many seeds as families are
compared on in pairs."""
SIZES: Mapping[bool, Mapping[str, Any]] = {
    False: {**LEARNING[False], "sizes": [20, 50, 100, 200, 400], "large": 4},
    True: {**LEARNING[True], "sizes": [20, 50, 100], "large": 1},
}
MODES: Mapping[bool, Mapping[str, Any]] = {
    False: {**LEARNING[False], "sizes": [2, 10, 20, 50, 100, 200, 400]},
    True: {**LEARNING[True], "sizes": [20, 50, 100]},
}
MARL: Mapping[bool, Mapping[str, Any]] = {
    False: {
        **LEARNING[False],
        "agents": [50, 100],
        "mappo": {"50": 110_000, "100": 80_000},
        "ippo": {"50": 76_000, "100": 52_000},
    },
    True: {
        **LEARNING[True],
        "agents": [50],
        "mappo": {"50": 7_200},
        "ippo": {"50": 4_800},
    },
}
"""Steps of IPPO and MAPPO by the number of agents: so many as take as long as those of Dec-POMFC. Frames per second of processor
time, of playing and learning alone, median of three measurements on one machine: Dec-POMFC 18,900 and 15,600 (with 50 and 100
agents), MAPPO 3,420 and 2,020, IPPO 2,340 and 1,290. The seconds that runs took are told with the answer."""
LIMIT: Mapping[bool, Mapping[str, Any]] = {
    False: {"sizes": [10, 20, 50, 100, 200, 500, 1000], "episodes": 300, "large": 10},
    True: {"sizes": [10, 20, 50, 100, 200, 500], "episodes": 100, "large": 2},
}
GRADIENT: Mapping[bool, Mapping[str, Any]] = {
    False: {"sizes": [2, 5, 10, 20, 40, 80, 160, 320], "episodes": 1_500, "reference": 2_500, "repeats": 4},
    True: {"sizes": [5, 10, 20, 40, 80, 160], "episodes": 1_500, "reference": 2_500, "repeats": 1},
}
LIPSCHITZ: Mapping[bool, Mapping[str, Any]] = {
    False: {"pairs": 10_000, "borders": 200},
    True: {"pairs": 1_000, "borders": 50},
}
REFERENCES: Mapping[bool, Mapping[str, Any]] = {False: {"episodes": 400}, True: {"episodes": 100}}
WHERE = "paper's structure, own constants"


def run(claim: Claim, order: Order, progress: Progress) -> Found:
    """Measure a claim of this paper."""
    from experiments.papers import decpomfc_learning, decpomfc_lipschitz, decpomfc_sizes, decpomfc_theory

    measures = {
        "references": decpomfc_theory.references,
        "limit": decpomfc_sizes.scripted_limit,
        "gradient": decpomfc_theory.gradient,
        "lipschitz": decpomfc_lipschitz.lipschitz,
        "aggregation": decpomfc_learning.families,
        "kuramoto": decpomfc_learning.families,
        "kernels": decpomfc_learning.families,
        "bandwidth": decpomfc_learning.bandwidth,
        "trained-limit": decpomfc_sizes.trained_limit,
        "execution": decpomfc_sizes.decentralised,
        "initial-laws": decpomfc_sizes.other_laws,
        "marl": decpomfc_learning.against_marl,
    }
    return measures[claim.key](claim, order, progress)


KNOWN_CLAIMS = (
    Claim(
        "references",
        "Returns of known rules",
        "The swarms return what they did in an independent implementation, for doing nothing, chance and scripted rules.",
        "a check of ours (section 3.5 of the specification)",
        "200 agents: every return within 3 standard errors of the specification's, taken to be means of 20 episodes",
        REFERENCES[False],
        REFERENCES[True],
        tags=("exact",),
    ),
    Claim(
        "limit",
        "Swarms come close to the limit (E1)",
        "Returns of finite swarms under a fixed policy deviate from the mean-field limit by O(1 / sqrt(N)).",
        f"propagation of chaos; {WHERE}",
        "scripted rule, Aggregation, N = 10 to 1000, 300 episodes each, against the density's return: slope of the mean absolute "
        "deviation from -0.60 to -0.40; for N >= 50 bias at most 1 % of the limit or 3 standard errors",
        LIMIT[False],
        LIMIT[True],
        tags=("exact",),
    ),
    Claim(
        "gradient",
        "Policy gradients of swarms converge (E8)",
        "The policy gradient on N agents converges to that of the limit.",
        f"abstract (policy gradient guarantees); the rate is ours; {WHERE}",
        "Aggregation, 20 steps, 8 locations on a grid of 2 x 2, 1500 episodes with the same draws of xi for all N, against 2500 agents, "
        "means over 4 repetitions: slope of the relative error over N = 5 to 160 from -0.8 to -0.4, cosine at least 0.99 for N >= 40",
        GRADIENT[False],
        GRADIENT[True],
        tags=("exact",),
    ),
    Claim(
        "lipschitz",
        "Kernel rules are Lipschitz, histograms are not (E10)",
        "Mixtures by kernels change no faster in W1 than a constant that does not depend on their parameters.",
        f"kernel parametrisation and its condition on the bandwidth; the constant is ours; {WHERE}",
        "Kuramoto, 10,000 random triples of a vector and two observations: largest ratio of W1 to distance at most diam(U) diam(grid) / "
        "(2 sigma^2); across a border of histograms the ratio grows at least ninefold with every tenth of the distance, beyond that bound",
        LIPSCHITZ[False],
        LIPSCHITZ[True],
        tags=("exact",),
    ),
)
TRAINED_CLAIMS = (
    Claim(
        "aggregation",
        "Learning Aggregation (E3)",
        "Dec-POMFC's policy gradients learn to gather.",
        f"task of the paper; {WHERE}",
        "100 agents, 0.6 million steps, 3 seeds, by the mean field: mean share of the gap between doing nothing (-199) and the scripted "
        "rule (-31.6) at least 0.75 for every family of rules, 0.82 for interpolation",
        LEARNING[False],
        LEARNING[True],
        tags=("trained",),
    ),
    Claim(
        "kuramoto",
        "Learning Kuramoto (E4)",
        "Dec-POMFC's policy gradients learn to align.",
        f"task of the paper; {WHERE}",
        "100 agents, 0.6 million steps, 3 seeds, by the mean field: mean share of the gap between doing nothing (-75.8) and the scripted "
        "rule (-5.5) at least 0.75 for interpolation and mixture",
        LEARNING[False],
        LEARNING[True],
        tags=("trained",),
    ),
    Claim(
        "kernels",
        "Kernels learn better than histograms (E5)",
        "Kernel-based rules improve on histograms of the same size.",
        f"abstract; interpolation, which is our variant, was named beforehand; {WHERE}",
        "Kuramoto, 3 x 3 points, the same steps, 5 paired seeds: mean return of interpolation minus histogram above 0 by a paired 95 % "
        "bootstrap interval",
        LEARNING[False],
        LEARNING[True],
        tags=("trained",),
    ),
    Claim(
        "bandwidth",
        "Kernels as wide as the grid's spacing fail",
        "A bandwidth of a whole grid spacing blurs every rule until little is learned.",
        "found by us in calibration (-108.5 against -64.2)",
        "Aggregation, mixture, one seed: return with a bandwidth of 0.5 spacings at least 20 above that with 1",
        LEARNING[False],
        LEARNING[True],
        tags=("trained",),
    ),
    Claim(
        "trained-limit",
        "Trained swarms come close to the limit (E2)",
        "Returns of trained policies approach their mean-field value as the number of agents grows.",
        f"returns against the number of agents; {WHERE}",
        "interpolation, 3 seeds, by the mean field, N = 20 to 400, against 20,000 agents: slope of the mean absolute deviation from "
        "-0.65 to -0.40 (Aggregation); from N = 50 on the mean bias does not grow, up to 2 standard errors; at N = 400 the bias of every "
        "swarm at most 3 % (Aggregation) and 6 % (Kuramoto) of its limit",
        SIZES[False],
        SIZES[True],
        tags=("trained",),
    ),
    Claim(
        "execution",
        "Decentralised execution costs little (E6)",
        "Rules computed in advance need no mean field at run time and return as much as looking at it.",
        f"open-loop execution; {WHERE}",
        "interpolation, 3 seeds: OPEN within 3 % of DET for N >= 50 (Aggregation), within 10 % for N >= 100 (Kuramoto); there also DET at "
        "least SHARED at least IND, up to 2 standard errors",
        MODES[False],
        MODES[True],
        tags=("trained",),
    ),
    Claim(
        "initial-laws",
        "Rules in advance depend on where agents begin (E9)",
        "Open-loop policies lose where first states follow another law than the one they were computed for.",
        f"sensitivity to the initial law, by a text that cites the paper; no threshold was set; {WHERE}",
        "interpolation, 3 seeds, 100 agents: OPEN minus DET is lower on Aggregation from a rescaled and shifted box than as trained",
        LEARNING[False],
        LEARNING[True],
        tags=("trained",),
    ),
    Claim(
        "marl",
        "On par with multi-agent learners (E7)",
        "Dec-POMFC is on par with state-of-the-art multi-agent reinforcement learning.",
        f"abstract; MAPPO was added to the paper's IPPO, both see the time; {WHERE}",
        "Aggregation, N = 50 and 100, 3 seeds, equal time of training, the better of two rates of learning for every algorithm: share of "
        "the gap (see aggregation) at least that of MAPPO minus 0.10 and at least that of IPPO minus 0.05",
        MARL[False],
        MARL[True],
        tags=("trained",),
    ),
)
PAPER = Paper(
    "dec-pomfc",
    "Learning Decentralized Partially Observable Mean Field Control for Artificial Collective Behavior",
    "Kai Cui, Sascha Hauck, Christian Fabian, Heinz Koeppl (2024), ICLR, arXiv 2307.06175",
    (*KNOWN_CLAIMS, *TRAINED_CLAIMS),
    run,
)
