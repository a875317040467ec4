"""Claims on Dec-POMFC about learning: what is reached, kernels beside histograms, and beside multi-agent learners.

E3, E4, E5 and E7 of this project's specification, whose criteria were fixed before anything was run. Returns are those of the
swarm at the end of training by its mean field (DET), undiscounted. The share of the gap that is closed is
g = (return - zero) / (scripted - zero), with the specification's returns of doing nothing and of the scripted rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.papers import decpomfc_arms as arms
from experiments.papers.arms import part_of, trained
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from experiments.papers.decpomfc_runs import by_means, seconds_of, sweep, trained_returns
from experiments.papers.samples import sample

if TYPE_CHECKING:
    from experiments.papers.arms import Arm
    from experiments.training.runs import Run

LINES = {"aggregation": (-199.0, -31.6), "kuramoto": (-75.8, -5.5)}
"""Returns of doing nothing and of the scripted rule."""
CLOSED, CLOSED_NAMED = 0.75, 0.82
"""Least g of every family, and on Aggregation of the one that was named."""
ON_PAR = {"mappo": 0.10, "ippo": 0.05}
"""By how much g may be below that of each algorithm."""
WORSE = 20.0
"""By how much at least the return of a bandwidth of a whole grid spacing is expected to be lower."""
MEANS = "agents at the mean of their policy"
"""What returns without agents' own chance are called; they are told, and not judged."""
Numbers = dict[str, list[float]]
"""By mode of execution, the mean return of every seed."""


def closed(task: str, returns: Sequence[float]) -> list[float]:
    """g of every seed.

    >>> closed("aggregation", [-199.0, -31.6])
    [0.0, 1.0]
    """
    zero, scripted = LINES[task]
    return [(value - zero) / (scripted - zero) for value in returns]


def learn(arm: Arm, task: str, agents: int, episodes: int, order: Order, progress: Progress) -> Any:
    """The run of an arm, and its swarms' returns by mode."""
    run = trained(arm, order, lambda share, text: progress(0.95 * share, text))
    modes = ("DET", "OPEN")
    played = sweep(
        run,
        task,
        modes,
        (agents,),
        episodes,
        run.seeds,
        order.seed,
        lambda share, text: progress(0.95 + 0.05 * share, text),
    )
    return run, {mode: [float(one.mean()) for one in played[mode][agents]] for mode in modes}


def told(task: str, numbers: Numbers) -> dict[str, Any]:
    """Returns by mode, and g."""
    found = {mode: sample(values) for mode, values in numbers.items()}
    return found | {"g": sample(closed(task, numbers["DET"]))}


# --- E3, E4, E5 -----------------------------------------------------------------------------------------------


def families(claim: Claim, order: Order, progress: Progress) -> Found:
    """What is reached by each family of rules on one task."""
    effort = claim.budget(order.quick)
    task = "aggregation" if claim.key == "aggregation" else "kuramoto"
    names = arms.FAMILIES[:2] if claim.key == "kuramoto" else arms.FAMILIES
    runs: dict[str, Run] = {}
    rows: dict[str, Numbers] = {}
    for k, family in enumerate(names):
        arm = arms.learned(task, family, effort)
        part = part_of(progress, k, len(names))
        runs[family], rows[family] = learn(arm, task, arms.AGENTS, effort["episodes"], order, part)
    if claim.key == "kuramoto":
        rows = {
            family: {mode: v[: effort["seeds"]] for mode, v in row.items()} for family, row in rows.items()
        }
    criteria = judge_kernels(rows) if claim.key == "kernels" else judge_learning(task, rows)
    measured: dict[str, Any] = {family: told(task, row) for family, row in rows.items()}
    if claim.key == "kernels":
        measured |= {"mixture minus histogram": paired(rows["mixture"], rows["histogram"])}
    measured["training seconds"] = {family: seconds_of(run) for family, run in runs.items()}
    from experiments.papers.decpomfc_figures import learning_figures

    return Found(measured, criteria, learning_figures(order, claim.key, task, runs, rows))


def judge_learning(task: str, rows: Mapping[str, Numbers]) -> tuple[Criterion, ...]:
    """E3 and E4: g of every family."""
    out = []
    for family, row in rows.items():
        least = CLOSED_NAMED if (task, family) == ("aggregation", arms.NAMED) else CLOSED
        g = sample(closed(task, row["DET"]))
        out.append(Criterion(f"{task}, {family}: mean g at least {least:g}", g, g["mean"] >= least))
    return tuple(out)


def judge_kernels(rows: Mapping[str, Numbers]) -> tuple[Criterion, ...]:
    """E5: the family that was named, against histograms, seed by seed."""
    gap = paired(rows[arms.NAMED], rows["histogram"])
    text = f"kuramoto: {arms.NAMED} minus histogram, return of paired seeds, 95 % bootstrap interval above 0"
    return (Criterion(text, gap, gap["low"] is not None and gap["low"] > 0.0),)


def paired(one: Numbers, other: Numbers) -> dict[str, Any]:
    """Mean difference over seeds of returns by DET, with its interval."""
    return sample([a - b for a, b in zip(one["DET"], other["DET"], strict=True)])


def bandwidth(claim: Claim, order: Order, progress: Progress) -> Found:
    """What a kernel as wide as the grid's spacing does to a mixture."""
    effort = claim.budget(order.quick)
    wide = arms.learned("aggregation", "mixture", effort, seeds=1, bandwidth=arms.WIDE)
    usual = arms.learned("aggregation", "mixture", effort)
    rows = {}
    for k, (name, arm) in enumerate({"usual": usual, "wide": wide}.items()):
        part = part_of(progress, k, 2)
        _, rows[name] = learn(arm, "aggregation", arms.AGENTS, effort["episodes"], order, part)
    first = {mode: values[:1] for mode, values in rows["usual"].items()}
    measured = {
        f"bandwidth {width:g}": told("aggregation", row)
        for width, row in ((arms.BANDWIDTH, first), (arms.WIDE, rows["wide"]))
    }
    return Found(measured, judge_bandwidth(first, rows["wide"]))


def judge_bandwidth(usual: Numbers, wide: Numbers) -> tuple[Criterion, ...]:
    """The same seed with both bandwidths."""
    lost = usual["DET"][0] - wide["DET"][0]
    text = (
        f"aggregation, mixture: return of bandwidth {arms.BANDWIDTH:g} minus that of {arms.WIDE:g} at least {WORSE:g}, "
        "the same seed"
    )
    return (Criterion(text, lost, lost >= WORSE),)


# --- E7 -------------------------------------------------------------------------------------------------------


def against_marl(claim: Claim, order: Order, progress: Progress) -> Found:
    """E7: IPPO and MAPPO with the time, for as long as Dec-POMFC trains; the better rate of learning of each."""
    effort = claim.budget(order.quick)
    criteria: list[Criterion] = []
    measured: dict[str, Any] = {"rates": arms.RATES}
    shown: dict[str, dict[str, Run]] = {}
    for k, agents in enumerate(effort["agents"]):
        runs, rows, spent = _marl_runs(effort, agents, order, part_of(progress, k, len(effort["agents"])))
        chosen = {name: best_rate(found) for name, found in rows.items()}
        best = {name: rows[name][rate]["judged"] for name, rate in chosen.items()}
        criteria += judge_marl(agents, best)
        measured[f"N={agents}"] = {
            name: {
                f"rate {rate:g}": {what: sample(values) for what, values in numbers.items()}
                | {
                    "g": sample(closed("aggregation", numbers["judged"])),
                    "g of means": sample(closed("aggregation", numbers[MEANS])),
                    "training seconds": spent[name][rate],
                    "steps": runs[name][rate].spec.training.steps,
                    "agent steps": runs[name][rate].spec.training.steps * agents,
                }
                for rate, numbers in found.items()
            }
            | {"chosen rate": chosen[name]}
            for name, found in rows.items()
        }
        shown[f"N={agents}"] = {name: runs[name][rate] for name, rate in chosen.items()}
    from experiments.papers.decpomfc_figures import marl_figure, write

    pictures = tuple(
        write(order, f"{claim.key}-{name.partition('=')[2]}", marl_figure(runs, name))
        for name, runs in shown.items()
    )
    return Found(measured, tuple(criteria), pictures)


def _marl_runs(
    effort: Mapping[str, Any], agents: int, order: Order, progress: Progress
) -> tuple[dict[str, dict[float, Run]], dict[str, dict[float, Numbers]], dict[str, dict[float, Any]]]:
    """Runs, returns and training seconds of every algorithm and rate; "judged" are the returns that count."""
    names = ("decpomfc", *arms.MARL)
    runs: dict[str, dict[float, Run]] = {name: {} for name in names}
    rows: dict[str, dict[float, Numbers]] = {name: {} for name in names}
    for k, (name, rate) in enumerate((name, rate) for name in names for rate in arms.RATES):
        part = part_of(progress, k, len(names) * len(arms.RATES))
        if name == "decpomfc":
            arm = arms.learned("aggregation", arms.NAMED, effort, agents=agents, rate=rate)
            run, numbers = learn(arm, "aggregation", agents, effort["episodes"], order, part)
            found = {
                "judged": numbers["DET"],
                "OPEN": numbers["OPEN"],
                MEANS: by_means(run, effort["episodes"], order.seed),
            }
        else:
            run = trained(arms.baseline(name, effort, agents, rate), order, part)
            found = {
                what: trained_returns(run, effort["episodes"], order.seed, greedy)
                for what, greedy in (("judged", False), (MEANS, True))
            }
        runs[name][rate], rows[name][rate] = run, found
    spent = {
        name: {rate: sample(seconds_of(run)) for rate, run in found.items()} for name, found in runs.items()
    }
    return runs, rows, spent


def best_rate(found: Mapping[float, Numbers]) -> float:
    """The rate of learning with the largest mean return that counts."""
    return max(found, key=lambda rate: float(np.mean(found[rate]["judged"])))


def judge_marl(agents: int, best: Mapping[str, Sequence[float]]) -> list[Criterion]:
    """On par with each algorithm: g at most so much lower."""
    g = {name: float(np.mean(closed("aggregation", returns))) for name, returns in best.items()}
    return [
        Criterion(
            f"N={agents}: g of decpomfc minus that of {other} at least {-slack:g}",
            {"difference": g["decpomfc"] - g[other], "decpomfc": g["decpomfc"], other: g[other]},
            g["decpomfc"] >= g[other] - slack,
        )
        for other, slack in ON_PAR.items()
    ]
