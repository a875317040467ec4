"""What came of a run: the last and the best evaluation of every seed, as a document and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from experiments.training.progress import duration
from experiments.training.runs import Row, Run, best_evaluation, read_metrics, read_timing
from experiments.training.switch_summary import SwitchOutcome, switch_outcome


class Outcome(NamedTuple):
    """What one seed came to."""

    seed: int
    steps: int
    seconds: float
    final: Row | None  # its last evaluation
    best: Row | None  # the one whose policies are in `best.safetensors`
    error: str | None
    switch: SwitchOutcome | None = None  # of runs of mansa

    @property
    def rate(self) -> float | None:
        """Joint steps per second of wall time, evaluations included."""
        return self.steps / self.seconds if self.seconds > 0 else None


def outcome(run: Run, seed: int, error: str | None = None) -> Outcome:
    """What a seed's files say."""
    folder = run.folder(seed)
    rows, times = read_metrics(folder), read_timing(folder)
    evaluations = [row for row in rows if row.get("kind") == "evaluation"]
    seconds = times[-1].get("seconds") if times else None
    return Outcome(
        seed,
        rows[-1]["steps"] if rows else 0,
        float(seconds) if isinstance(seconds, int | float) else 0.0,
        evaluations[-1] if evaluations else None,
        best_evaluation(evaluations),
        error,
        switch_outcome(run, seed),
    )


def outcomes(run: Run, failures: Mapping[int, tuple[int, str]]) -> list[Outcome]:
    """What all seeds came to."""
    return [outcome(run, seed, failures[seed][1] if seed in failures else None) for seed in run.seeds]


def run_document(run: Run, results: list[Outcome]) -> dict[str, Any]:
    """What `train --json` prints."""
    return {
        "run": str(run.path),
        **run.spec.document(),
        "results": [
            {
                "seed": one.seed,
                "folder": str(run.folder(one.seed)),
                "steps": one.steps,
                "seconds": one.seconds,
                "frames_per_second": one.rate,
                "final": _without_kind(one.final),
                "best": _without_kind(one.best),
                "error": one.error,
                **({} if one.switch is None else {"switch": one.switch.to_document()}),
            }
            for one in results
        ],
    }


def show_run(run: Run, results: list[Outcome]) -> None:
    """Print a row for every seed."""
    from rich.markup import escape

    from experiments.tables import console, one_line, simple_table

    out = console()
    out.print(f"[bold]{escape(one_line(run.title))}[/]")
    switched = any(one.switch is not None for one in results)
    heads = ["Seed", "Steps", "Return", "s.e.", "Best", "at step", "Time", "Frames/s"]
    heads += ["Calls", "last 10 %", "judged", "E2"] if switched else []
    table = simple_table(*heads, right=range(len(heads)))
    for one in results:
        final, best = one.final or {}, one.best or {}
        table.add_row(
            str(one.seed),
            f"{one.steps:,}",
            _number(final.get("return")),
            _number(final.get("standard_error"), 2),
            _number(best.get("return")),
            f"{best['steps']:,}" if best else "",
            duration(one.seconds),
            "" if one.rate is None else f"{one.rate:,.0f}",
            *([] if one.switch is None else _calls(one.switch)),
        )
    out.print(table)
    if switched:
        out.print(
            "[dim]Calls: share of training steps, of the last 10 % of them, and of the steps of the last evaluation; E2: "
            "its mean return of the independent policies alone[/]"
        )
    finals = [one.final["return"] for one in results if one.final and _is_number(one.final.get("return"))]
    if len(finals) > 1:
        out.print(f"Mean return over {len(finals)} seeds: {sum(finals) / len(finals):.4g}")
    out.print(f"[dim]{escape(str(run.path))}[/]", soft_wrap=True)


def _without_kind(row: Row | None) -> Row | None:
    return None if row is None else {key: value for key, value in row.items() if key != "kind"}


def _calls(one: SwitchOutcome) -> list[str]:
    """What stands in the columns of a switched team."""
    shares = one.call_fraction, one.call_fraction_last_tenth, one.call_fraction_evaluation
    told = ["" if share is None else f"{100 * share:.3g} %" for share in shares]
    return [*told, _number(one.return_independent)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, digits: int = 4) -> str:
    return f"{value:.{digits}g}" if _is_number(value) else ""
