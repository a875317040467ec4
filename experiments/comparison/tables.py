"""A comparison as tables for people."""

from __future__ import annotations

import math
from typing import Any

from experiments.aggregates import Estimate
from experiments.comparison.summary import Comparison

ROWS = 40
"""Longer tables are cut; JSON and CSV hold everything."""


def show(found: Comparison) -> None:
    """Print the tables, then everything a reader should know about them."""
    from rich.markup import escape

    from experiments.tables import console, one_line

    out = console()
    out.print(f"[bold]{escape(found.asked.score)}[/]  [dim]{escape(one_line(_scale_text(found), 400))}[/]")
    out.print(_rows_table(found))
    if found.asked.threshold is not None:
        out.print()
        out.print(_threshold_table(found))
    if found.ranks or len(found.shared_tasks) > 1:
        out.print()
        out.print(_totals_table(found))
    if found.pairs:
        out.print()
        out.print(_pairs_table(found))
    out.print()
    for sentence in found.notes:
        out.print(f"[dim]{escape(one_line(sentence, 600))}[/]")


def _scale_text(found: Comparison) -> str:
    if found.scales is None:
        return "not normalised"
    told = "; ".join(f"{task}: 0 is {s.low:.6g}, 1 is {s.high:.6g}" for task, s in found.scales.items())
    return f"normalised, {told}"


def _level(found: Comparison) -> str:
    return f"{100 * found.asked.confidence:.6g} % interval"


def number(value: float) -> str:
    """Four significant digits, and no "-0".

    >>> [number(x) for x in (-0.0, 0.123456, -1234.5, 12345.6)]
    ['0', '0.1235', '-1234', '12346']
    """
    return f"{value + 0.0:.4g}" if abs(value) < 1e4 or abs(value) >= 1e9 else f"{value:.0f}"


def interval_text(estimate: Estimate) -> str:
    """Both ends, or a dash."""
    return f"{number(estimate.low)} to {number(estimate.high)}" if estimate.has_interval else "-"


def _rows_table(found: Comparison) -> Any:
    from rich.markup import escape

    from experiments.tables import one_line, simple_table

    table = simple_table(
        "Environment", "Algorithm", "Seeds", "Steps", "IQM", _level(found), "Mean", "Lowest", "Highest",
        right=(2, 3, 4, 5, 6, 7, 8),
    )  # fmt: skip
    before = None
    for row in found.rows[:ROWS]:
        ends = {int(curve.steps[-1]) for curve in row.group.curves}
        steps = f"{min(ends):,}" if len(ends) == 1 else f"{min(ends):,} to {max(ends):,}"
        table.add_row(
            escape(one_line(row.group.task)) if row.group.task != before else "",
            escape(one_line(row.group.algorithm)),
            str(len(row.scores)),
            steps,
            number(row.iqm.value),
            interval_text(row.iqm),
            number(row.mean.value),
            number(float(row.scores.min())),
            number(float(row.scores.max())),
        )
        before = row.group.task
    return _cut(table, len(found.rows))


def _threshold_table(found: Comparison) -> Any:
    from rich.markup import escape

    from experiments.tables import one_line, simple_table

    table = simple_table(
        "Environment", "Algorithm", f"{found.asked.metric} to reach", "Reached by", "Steps (IQM)", _level(found),
        right=(2, 3, 4, 5),
    )  # fmt: skip
    for row in found.rows[:ROWS]:
        passage, level = row.passage, row.threshold
        assert passage is not None and level is not None
        table.add_row(
            escape(one_line(row.group.task)),
            escape(one_line(row.group.algorithm)),
            number(level),
            f"{passage.reached} of {passage.runs}",
            steps_text(passage.lower, passage.upper),
            "-" if math.isnan(passage.low) else f"{_steps(passage.low)} to {_steps(passage.high)}",
        )
    return _cut(table, len(found.rows))


def steps_text(lower: float, upper: float) -> str:
    """A number of steps of which only bounds may be known.

    >>> steps_text(1500.2, 1500.2), steps_text(1500, 2000), steps_text(1500, math.inf)
    ('1,500', '1,500 to 2,000', 'over 1,500')
    """
    if math.isinf(upper):
        return f"over {_steps(lower)}"
    return _steps(lower) if lower == upper else f"{_steps(lower)} to {_steps(upper)}"


def _steps(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:,.0f}"


def _totals_table(found: Comparison) -> Any:
    from rich.markup import escape

    from experiments.tables import one_line, simple_table

    columns = ["Algorithm"]
    count = len(found.shared_tasks)
    if found.totals:
        # on one task the interquartile mean is in the first table, and the median is the mean
        columns += ["IQM", "Median", "Mean"][0 if count > 1 else 2 :]
        columns += ["Optimality gap"] * (found.scales is not None)
    columns += ["Mean rank" if count > 1 else "Rank"] * bool(found.ranks)
    where = "1 environment" if count == 1 else f"{count} environments"
    table = simple_table(*columns, right=range(1, len(columns)), title=f"Over {where}")
    for k, name in enumerate(found.grouped.algorithms[:ROWS]):
        cells = [escape(one_line(name))]
        if found.totals:
            total = found.totals[k]
            shown = [total.iqm, total.median, total.mean][0 if count > 1 else 2 :]
            shown += [] if total.optimality_gap is None else [total.optimality_gap]
            cells += [_with_interval(estimate) for estimate in shown]
        if found.ranks:
            cells.append(_with_interval(found.ranks[k]))
        table.add_row(*cells)
    return _cut(table, len(found.grouped.algorithms))


def _with_interval(estimate: Estimate) -> str:
    told = f" [dim]({interval_text(estimate)})[/]" if estimate.has_interval else ""
    return number(estimate.value) + told


def _pairs_table(found: Comparison) -> Any:
    from rich.markup import escape

    from experiments.tables import one_line, simple_table

    table = simple_table(
        "X", "Y", "P(X > Y)", _level(found), "Environments",
        right=(2, 3, 4), title="Probability of improvement",
    )  # fmt: skip
    for pair in found.pairs[:ROWS]:
        table.add_row(
            escape(one_line(pair.better)),
            escape(one_line(pair.worse)),
            number(pair.probability.value),
            interval_text(pair.probability),
            str(len(pair.tasks)),
        )
    return _cut(table, len(found.pairs))


def _cut(table: Any, rows: int) -> Any:
    if rows > ROWS:
        table.caption = f"and {rows - ROWS:,} more; --json and --csv hold all"
    return table
