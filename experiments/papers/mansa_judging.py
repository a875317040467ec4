"""Criteria of the neural claims on MANSA, from the numbers of arms (`experiments.papers.mansa_runs`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from experiments.papers.claims import Criterion
from experiments.papers.mansa_runs import Numbers
from experiments.papers.samples import difference

WORDS = {"return": "E1", "return_independent": "E2", "area": "area of E1", "area_independent": "area of E2"}
"""What numbers are called in criteria."""


def no_worse(
    rows: Mapping[str, Numbers],
    label: str,
    others: Sequence[str],
    slack: float,
    *,
    name: str = "return",
    where: str = "",
) -> Criterion:
    """The mean of an arm is at most so much below the return of the best of the others."""
    best = max(others, key=lambda other: float(np.mean(rows[other]["return"])))
    gap = difference(rows[label][name], rows[best]["return"])
    whom = others[0] if len(others) == 1 else f"the better of {' and '.join(others)}"
    text = f"{where}{label}: {WORDS[name]} minus that of {whom} at least {-slack:g}"
    return Criterion(text, {"arm": f"against {best}", **gap}, bool(gap["mean"] >= -slack))


def share_at_most(text: str, numbers: Numbers, bound: float, name: str = "calls_last_tenth") -> Criterion:
    """A mean share of calls is at most so large."""
    share = float(np.mean(numbers[name]))
    return Criterion(f"{text} at most {bound:g}", share, share <= bound)


def less_over_costs(rows: Mapping[float, Numbers]) -> Criterion:
    """At the end of training fewer calls are made the more they cost."""
    shares = {f"c={cost:g}": float(np.mean(rows[cost]["calls_last_tenth"])) for cost in sorted(rows)}
    falls = all(later < earlier for earlier, later in pairwise(shares.values()))
    return Criterion("share of calls in the last tenth of training falls strictly with c", shares, falls)


def budget_criteria(label: str, numbers: Numbers, budget: int) -> list[Criterion]:
    """A budget is exceeded neither in play nor in training."""
    most, beyond = int(max(numbers["most_calls"])), max(numbers["calls_beyond"])
    return [
        Criterion(
            f"{label}: most calls in an episode of the final team at most {budget}", most, most <= budget
        ),
        Criterion(
            f"{label}: calls in training beyond the budget of all episodes begun, at most 0",
            beyond,
            beyond <= 1e-6,  # shares of calls are rounded numbers
        ),
    ]


def monotone(rows: Mapping[str, Numbers], slack: float) -> list[Criterion]:
    """From one arm to the next the mean return falls by at most so much."""
    out = []
    for (one, before), (other, after) in pairwise(rows.items()):
        gap = difference(after["return"], before["return"])
        text = f"E1 of {other} minus that of {one} at least {-slack:g}"
        out.append(Criterion(text, gap, bool(gap["mean"] >= -slack)))
    return out


# --- random calls ---------------------------------------------------------------------------------------------


def beside_random(numbers: Numbers, control: Numbers) -> dict[str, Any]:
    """An arm minus its random control: at the end with as many calls as its own switch makes, and in training.

    Returns
    -------
    dict
        "E1" against the control with calls as often as the learned switch makes them in play, "E1, own share" against the
        control as it was trained, "E1, exploring" of both as they gather experience (greedy teams without memory may walk in circles,
        from which chance frees them), "area of E1" over evaluations in training, and E2.
    """
    return {
        "E1": difference(numbers["return"], control["return_at_same_share"]),
        "E1, own share": difference(numbers["return"], control["return"]),
        "E1, exploring": difference(numbers["return_exploring"], control["return_exploring"]),
        "area of E1": difference(numbers["area"], control["area"]),
        "E2": difference(numbers["return_independent"], control["return_independent"]),
        "area of E2": difference(numbers["area_independent"], control["area_independent"]),
    }


def above_zero(gap: Mapping[str, Any]) -> bool:
    """Whether a difference is positive by its interval; never without one."""
    return gap["low"] is not None and gap["low"] > 0.0


def headline(beside: Mapping[str, Any], label: str, control: str) -> Criterion:
    """The honest control: the learned switch beats random calls, at the end or over training."""
    parts = {name: dict(beside[name]) for name in ("E1", "area of E1")}
    text = f"{label}: E1 or area of E1 above that of {control} at the same share of calls, Welch's 95 % interval above 0"
    return Criterion(text, parts, any(map(above_zero, parts.values())))


def remark(beside: Mapping[str, Any], label: str) -> str:
    """What the comparison with random calls comes to, in a sentence."""
    clear = {
        name: gap
        for name, gap in ((name, beside[name]) for name in ("E1", "area of E1"))
        if gap["low"] is not None and not gap["low"] <= 0.0 <= gap["high"]
    }
    if not clear:
        return f"null result: neither E1 nor its area under the curve tells {label} from random calls at the same share"
    told = [
        f"{name} of {label} is {'above' if gap['mean'] > 0 else 'below'} that of random calls at the same share"
        for name, gap in clear.items()
    ]
    return "; ".join(told)


def differences(rows: Mapping[str, Numbers], label: str, others: Sequence[str]) -> dict[str, Any]:
    """An arm minus each of the others: E1 and E2 at the end, and areas under their curves."""
    return {
        other: {
            WORDS[name]: difference(rows[label][name], rows[other]["area" if "area" in name else "return"])
            for name in WORDS
        }
        for other in others
    }
