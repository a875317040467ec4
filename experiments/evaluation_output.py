"""What came of `staghunt evaluate`, as a JSON document and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.economy_gains_output import show_tax_gains, tax_document
from experiments.env_output import env_document, env_line
from experiments.evaluation import Gains, Judged, Summary, over_seeds, summarise
from experiments.evaluation_economy import economy_aggregate, economy_document, show_economy
from experiments.evaluation_graphs import aggregate_document, graphs_document, show_graphs
from experiments.evaluation_rules import rules_aggregate, rules_document, show_rules
from experiments.evaluation_switch import show_switch, switch_aggregate, switch_document
from experiments.exact_gains import BY_SITUATION, Exact, exploitability
from experiments.learned_gains import LearnedGain, LearnedGains, at_least
from experiments.play_output import ROWS, between, number
from games.env import EnvSpec


@dataclass(frozen=True)
class Evaluation:
    """Everything that was judged, and how.

    Parameters
    ----------
    run : Path
        The run.
    learner : str
        Its learner's name.
    spec : EnvSpec
        Its environment.
    seeds : tuple of Judged
        One per training seed.
    which : str
        Which checkpoint of each was asked for.
    greedy : bool
        Whether the likeliest actions were played.
    threshold : float or None
        Of success.
    seed : int
        Of everything random.
    limit : int or None
        Steps after which episodes were cut off by us.
    seconds : float
        Wall time.
    """

    run: Path
    learner: str
    spec: EnvSpec
    seeds: tuple[Judged, ...]
    which: str
    greedy: bool
    threshold: float | None
    seed: int
    limit: int | None
    seconds: float

    def summaries(self) -> list[Summary]:
        """Of every training seed, with the same resamples."""
        return [
            summarise(self.spec, judged.episodes, self.threshold, self.rng("episodes"))
            for judged in self.seeds
        ]

    def rng(self, purpose: str) -> np.random.Generator:
        """The bootstrap's generator for one purpose."""
        return np.random.default_rng([self.seed, *purpose.encode()])

    def document(self) -> dict[str, Any]:
        """Everything as plain data, as `staghunt evaluate --json` prints it."""
        return evaluation_document(self)

    def __repr__(self) -> str:
        scores = ", ".join(
            f"{judged.seed}: {part.score:.4g}" for judged, part in zip(self.seeds, self.summaries())
        )
        return f"Evaluation({self.learner} on {self.spec.name}, {self.run}, mean return by seed {scores})"

    def _repr_html_(self) -> str:
        from experiments.tables import as_html

        return as_html(lambda: show_evaluation(self))


def evaluation_document(told: Evaluation) -> dict[str, Any]:
    """What `evaluate --json` prints; all but `stats` is a function of the command line and the run."""
    parts = told.summaries()
    steps = sum(int(judged.episodes.lengths.sum()) for judged in told.seeds)
    return {
        "run": str(told.run),
        "learner": told.learner,
        "env": env_document(told.spec),
        "checkpoint": told.which,
        "greedy": told.greedy,
        "episodes": len(told.seeds[0].episodes.seeds),
        "seed": told.seed,
        "max_steps": told.limit,
        "success": "the episode ended"
        if told.threshold is None
        else f"a score of at least {told.threshold:g}",
        "seeds": [_seed_document(told, judged, part) for judged, part in zip(told.seeds, parts)],
        "aggregate": _aggregate(told, parts),
        "stats": {"seconds": told.seconds, "steps": steps},
    }


def _seed_document(told: Evaluation, judged: Judged, part: Summary) -> dict[str, Any]:
    count, lengths = len(judged.episodes.seeds), judged.episodes.lengths
    bounds = part.intervals
    return {
        "train_seed": judged.seed,
        "file": str(judged.file),
        "steps": judged.steps,
        "return": {"mean": part.score, "interval": None if bounds is None else bounds[0]},
        "returns": {
            "agents": told.spec.agents,
            "mean": part.returns,
            "interval": None if bounds is None else bounds[1:],
        },
        "length": {"mean": part.length, "least": lengths.min(), "most": lengths.max()},
        "ended": part.ended,
        "cut_off": count - part.ended,
        "success": {"rate": part.successes / count, "interval": part.success_interval},
        "exploitability": None if judged.gains is None else gains_document(judged.gains, told.seed),
        "graphs": graphs_document(told, judged.graphs),
        "switch": switch_document(told, judged.switch),
        "rules": rules_document(told, judged.rules),
        "economy": economy_document(told, judged.economy),
    }


def _aggregate(told: Evaluation, parts: list[Summary]) -> dict[str, Any] | None:
    """Means over training seeds; nothing where there is one."""
    if len(parts) < 2:
        return None
    score, bounds = over_seeds([part.score for part in parts], told.rng("seeds"))
    count = len(told.seeds[0].episodes.seeds)
    shares = [part.successes / count for part in parts]
    out: dict[str, Any] = {
        "train_seeds": len(parts),
        "return": {"mean": score, "interval": bounds},
        "success": {"rate": float(np.mean(shares))},
        "length": {"mean": float(np.mean([part.length for part in parts]))},
    }
    if (graphs := aggregate_document(told)) is not None:
        out["graphs"] = graphs
    if (switch := switch_aggregate(told)) is not None:
        out["switch"] = switch
    if (rules := rules_aggregate(told)) is not None:
        out["rules"] = rules
    if (economy := economy_aggregate(told)) is not None:
        out["economy"] = economy
    convs = [exact.certificate.nash_conv for exact in _exact(told)]
    if len(convs) == len(parts):
        conv, bounds = over_seeds(convs, told.rng("gains"))
        out["nash_conv"] = {"mean": conv, "interval": bounds}
    return out


def _exact(told: Evaluation) -> list[Exact]:
    found = (judged.gains for judged in told.seeds)
    return [gains.exact for gains in found if gains is not None and gains.exact is not None]


def gains_document(gains: Gains, seed: int = 0) -> dict[str, Any]:
    """Exact gains if there are any, else lower bounds; with both, those by trained responses under `learned`."""
    if gains.tax is not None:
        document = tax_document(gains.tax, seed)
    elif gains.exact is None:
        assert gains.learned is not None
        return {**_learned_document(gains.learned), "why_not_exact": gains.why}
    else:
        document = _exact_document(gains.exact)
    if gains.learned is not None:
        document["learned"] = _learned_document(gains.learned)
    return document


def _exact_document(exact: Exact) -> dict[str, Any]:
    certificate = exact.certificate
    return {
        "bound": certificate.bound,
        "behind": exact.behind,
        "deviations": exact.deviations,
        "values": certificate.values,
        "regret": certificate.regret,
        "nash_conv": certificate.nash_conv,
        "exploitability": exploitability(exact),
        "span": certificate.span,
    }


def _learned_document(learned: LearnedGains) -> dict[str, Any]:
    return {
        "bound": "lower",
        "responder": learned.responder,
        "steps": learned.steps,
        "episodes": learned.episodes,
        "seed": learned.seed,
        "agents": [_gain_document(gain) for gain in learned.agents],
        "nash_conv": None
        if learned.total is None
        else {
            "gain": learned.total,
            "interval": learned.interval,
            "at_least": at_least(learned.interval),
        },
    }


def _gain_document(gain: LearnedGain) -> dict[str, Any]:
    response = gain.response
    return {
        "agent": gain.agent,
        "value": gain.value,
        "response_value": gain.response_value,
        "gain": gain.gain,
        "interval": gain.interval,
        "at_least": gain.at_least,
        "response": {
            "chosen_at": response.steps,
            "trained": response.trained,
            "greedy": response.greedy,
            "stopped": response.stopped or None,
        },
    }


# --- for people ------------------------------------------------------------------------------------------------


def show_evaluation(told: Evaluation) -> None:
    """Print returns, success and gains, seed by seed, and their means."""
    from rich.markup import escape

    from experiments.tables import console, one_line

    out, parts = console(), told.summaries()
    count = len(told.seeds[0].episodes.seeds)
    how = "the likeliest actions" if told.greedy else "drawn actions"
    out.print(env_line(told.spec))
    out.print(
        f"{escape(one_line(told.learner))}, {escape(one_line(str(told.run)))}: {count:,} "
        f"episode{'' if count == 1 else 's'} of {how}, checkpoint {escape(one_line(told.which))}"
    )
    out.print(_seeds_table(told, parts))
    if len(told.seeds) == 1 and not told.spec.common_reward and len(told.spec.agents) > 1:
        out.print(_agents_table(told, parts[0]))
    if _zero_sum(told):
        out.print(
            "[dim]the agents' returns sum to 0 in every episode, so the mean return does not tell how well they play; "
            "--exploitability does[/]"
        )
    if any(part.intervals is None for part in parts):
        out.print("[dim]one episode has no interval[/]")
    show_graphs(out, told)
    show_switch(out, told)
    show_rules(out, told)
    show_economy(out, told)
    for judged in told.seeds:
        if judged.gains is not None:
            _show_gains(out, judged, len(told.seeds) > 1)
    out.print(f"[dim]{told.seconds:.3g} s; 95 % intervals: bootstrap, of shares Wilson's[/]")


def _zero_sum(told: Evaluation) -> bool:
    """Whether what one agent gets the others lose, in all episodes that were played."""
    if told.spec.common_reward:
        return False
    returns = np.concatenate([judged.episodes.returns for judged in told.seeds])
    largest = float(np.abs(returns).max())
    return largest > 0 and float(np.abs(returns.sum(axis=1)).max()) <= 1e-9 * largest


def _seeds_table(told: Evaluation, parts: list[Summary]) -> Any:
    from experiments.tables import simple_table

    count = len(told.seeds[0].episodes.seeds)
    what = "Ended" if told.threshold is None else f"Return >= {told.threshold:g}"
    table = simple_table(
        "Seed", "Steps", "Mean return", "Interval", what, "Interval", "Length", right=range(1, 7)
    )
    for judged, part in zip(told.seeds, parts):
        table.add_row(
            str(judged.seed),
            "-" if judged.steps is None else f"{judged.steps:,}",
            number(part.score),
            between(None if part.intervals is None else part.intervals[0]),
            f"{100 * part.successes / count:.4g} %",
            " to ".join(f"{100 * end:.3g}" for end in part.success_interval),
            f"{part.length:.4g}",
        )
    whole = _aggregate(told, parts)
    if whole is not None:
        table.add_section()
        table.add_row(
            "all",
            "",
            number(whole["return"]["mean"]),
            between(whole["return"]["interval"]),
            f"{100 * whole['success']['rate']:.4g} %",
            "",
            f"{whole['length']['mean']:.4g}",
        )
    return table


def _agents_table(told: Evaluation, part: Summary) -> Any:
    from rich.markup import escape

    from experiments.tables import one_line, simple_table

    agents = told.spec.agents
    shown = len(agents) if len(agents) <= ROWS else ROWS - 1
    table = simple_table("Agent", "Mean return", "Interval", right=(1, 2))
    for i, agent in enumerate(agents[:shown]):
        bounds = None if part.intervals is None else part.intervals[1 + i]
        table.add_row(escape(one_line(agent)), number(part.returns[i]), between(bounds))
    if shown < len(agents):
        table.add_row(f"[dim]and {len(agents) - shown:,} more[/]", number(part.returns[shown:].mean()), "")
    return table


def _show_gains(out: Any, judged: Judged, several: bool) -> None:
    from rich.markup import escape

    gains = judged.gains
    assert gains is not None
    of = f" (seed {judged.seed})" if several else ""
    out.print()
    if gains.tax is not None:
        show_tax_gains(out, gains.tax, of)
    if gains.exact is not None:
        _show_exact(out, gains.exact, of)
    if gains.learned is not None:
        _show_learned(out, gains.learned, of)
        if gains.exact is None and gains.tax is None:
            out.print(f"[dim]not exact, because {escape(' '.join(gains.why.split()))}[/]")


def _show_exact(out: Any, exact: Exact, of: str) -> None:
    from rich.markup import escape

    certificate = exact.certificate
    out.print(f"[bold]Gain from deviating{of}[/]  [dim]exact, from the {escape(exact.behind)}[/]")
    if exact.deviations != BY_SITUATION:
        out.print(f"[dim]deviations: {escape(exact.deviations)}[/]")
    told = ", ".join(number(gain) for gain in certificate.regret[:ROWS])
    out.print(f"By player: {told}{', ...' if len(certificate.regret) > ROWS else ''}")
    share = f"  [dim]the largest gain is {100 * certificate.max_regret / certificate.span:.3g} % of the payoff span[/]"
    out.print(f"NashConv {number(certificate.nash_conv)}{share if certificate.span > 0 else ''}")
    if exact.duel:
        out.print(f"Exploitability {number(exploitability(exact))}")


def _show_learned(out: Any, learned: LearnedGains, of: str) -> None:
    from rich.markup import escape

    from experiments.tables import one_line, simple_table

    out.print(
        f"[bold]Gain from deviating{of}[/]  [dim]at least: {escape(learned.responder)} trained {learned.steps:,} steps "
        f"against the frozen others, {learned.episodes:,} paired episodes[/]"
    )
    table = simple_table("Agent", "Return", "By response", "Gain", "Interval", "At least", right=range(1, 6))
    for gain in learned.agents:
        table.add_row(
            escape(one_line(gain.agent)),
            number(gain.value),
            number(gain.response_value),
            number(gain.gain),
            between(gain.interval),
            number(gain.at_least),
        )
    out.print(table)
    if learned.total is not None:
        out.print(
            f"NashConv is at least {number(at_least(learned.interval))}  "
            f"[dim]the responses gain {number(learned.total)} ({between(learned.interval)})[/]"
        )
    for gain in learned.agents:
        if gain.response.stopped:
            out.print(f"[dim]{escape(gain.agent)}: {escape(gain.response.stopped)}[/]")
