"""What `staghunt tournament` prints: one JSON document, or tables for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from rich.markup import escape

from experiments.guard import note
from experiments.play_output import number
from experiments.tables import console, one_line, simple_table
from experiments.tournament.crosstable import show_payoffs
from experiments.tournament.folder import ANSWERS, REPORT, TABLE
from experiments.tournament.request import Outcome
from games.empirical_files import document_of

ROWS = 24
"""Agents of a role, and pairs, that are listed at most."""
SHORT = 28
"""Letters of an agent's name in a table."""
_COLUMNS = ("Elo", "OpenSkill", "alpha-rank", "Nash averaging", "CCE", "QRE")
_AS_MASS = ("alpha-rank", "CCE", "QRE")


def show_outcome(outcome: Outcome, page: Path | None, json: bool, quiet: bool) -> None:
    """Tell what came of a tournament."""
    if json:
        from experiments.output import print_json

        print_json(outcome_document(outcome, page))
    elif not quiet:
        _show(outcome)
        _show_files(outcome, page)


def outcome_document(outcome: Outcome, page: Path | None) -> dict[str, Any]:
    """What `tournament --json` prints: the content of `answers.json` with the table and the folder; `stats` alone vary."""
    return {
        "folder": str(outcome.tournament.path),
        "report": None if page is None else str(page),
        "tournament": outcome.tournament.spec.document(),
        **outcome.answers,
        "table": document_of(outcome.table),
        "stats": {"seconds": outcome.seconds, "matches": outcome.matches},
    }


def write_page(outcome: Outcome) -> Path:
    """Write the page of `staghunt report`."""
    from experiments.report.page import write_report

    path = outcome.tournament.path
    return Path(write_report(path, path / REPORT))


# --- tables -----------------------------------------------------------------------------------------------------------


def _show(outcome: Outcome) -> None:
    out = console()
    answers = outcome.answers
    out.print(_head(outcome))
    for line in _facts(outcome):
        out.print(line)
    show_payoffs(out, outcome.table, answers["delta"])
    roles = list(dict.fromkeys(r["role"] for r in answers["rankings"]))
    for role in roles:
        out.print()
        if role is not None:
            out.print(f"Agents of {escape(one_line(role))}")
        out.print(_ranking_table([r for r in answers["rankings"] if r["role"] == role]))
    for line in (*_ratings(answers), *_open_pairs(answers), *_cycles(answers)):
        out.print(line)
    out.print()
    out.print(_equilibria_table(outcome))
    for line in _reasons(answers):
        out.print(line)


def _head(outcome: Outcome) -> str:
    spec = outcome.tournament.spec
    agents = sum(len(role.agents) for role in spec.roles)
    kind = (
        "every seat for everybody"
        if spec.symmetric
        else f"{len(spec.roles)} role{'' if len(spec.roles) == 1 else 's'}"
    )
    return (
        f"[bold]Tournament in {escape(one_line(spec.env))}[/]  "
        f"[dim]{agents} agent{'' if agents == 1 else 's'}, {kind}[/]"
    )


def _facts(outcome: Outcome) -> Iterable[str]:
    answers, cells = outcome.answers, outcome.answers["cells"]
    exact = f", {cells['exact']:,} of them exact" if cells["exact"] else ""
    failed = f", [red]{len(cells['failed']):,} failed[/]" if cells["failed"] else ""
    told = f"{answers['matches']:,} matches of {answers['steps']:,} steps in {cells['all']:,} cells{exact}{failed}"
    if outcome.matches:
        pace = outcome.matches / max(outcome.seconds, 1e-9)
        now = "" if outcome.matches == answers["matches"] else f"{outcome.matches:,} of them now "
        told += f"; {now}in {outcome.seconds:.3g} s, {pace:,.3g} per second"
    elif answers["matches"]:
        told += "; nothing was left to play"
    yield told
    if outcome.answers["looks"]:
        yield escape(f"Looks at the results: {answers['looks']}; at the last one {answers['why']}")
    for name, reason in list(cells["failed"].items())[:ROWS]:
        yield f"[red]Failed[/]: {escape(one_line(name, 80))}: {escape(one_line(reason))}"
    if answers["left_out"]:
        yield f"Left out of games, as their cells failed: {_names(answers['left_out'])}"


def _ranking_table(rankings: Sequence[dict[str, Any]]) -> Any:
    """A row per agent, the best by mean score first."""
    by_name = {ranking["name"]: ranking for ranking in rankings}
    score = by_name.get("mean score", rankings[0])
    others = [name for name in _COLUMNS if name in by_name and by_name[name] is not score]
    level = f"{100 * score['level']:.6g}% interval"
    columns = ("Agent", score["name"].capitalize(), level, *others)
    table = simple_table(*columns, right=range(1, len(columns)))
    agents, values = score["agents"], score["values"]
    order = sorted(range(len(agents)), key=lambda k: math.inf if values[k] is None else -values[k])
    cells = {name: dict(zip(by_name[name]["agents"], by_name[name]["values"])) for name in others}
    for k in order[:ROWS]:
        rest = [_rated(name, cells[name].get(agents[k])) for name in others]
        table.add_row(_short(agents[k]), _number(values[k]), _interval(score, k), *rest)
    if len(order) > ROWS:
        table.add_row(f"[dim]and {len(order) - ROWS:,} more[/]", *[""] * (len(columns) - 1))
    return table


def _rated(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name in _AS_MASS:
        return f"{value:.3f}"
    return f"{value:.0f}" if name == "Elo" else number(value)


def _interval(ranking: dict[str, Any], k: int) -> str:
    low, high = ranking["low"], ranking["high"]
    if low is None or low[k] is None:
        return "-"
    return f"{number(low[k])} to {number(high[k])}"


def _ratings(answers: dict[str, Any]) -> Iterable[str]:
    exact = answers["cells"]["exact"]
    rated = [name for name in ("Elo", "OpenSkill") if any(r["name"] == name for r in answers["rankings"])]
    if exact and rated:
        yield (
            f"[dim]{' and '.join(rated)} {'count' if len(rated) > 1 else 'counts'} matches, of which the {exact:,} exact "
            "cells have none[/]"
        )


def _open_pairs(answers: dict[str, Any]) -> Iterable[str]:
    pairs = answers["undecided"]
    if pairs:
        told = "; ".join(f"{_short(a)} or {_short(b)}" for a, b in pairs[:8])
        more = f"; and {len(pairs) - 8:,} more pairs" if len(pairs) > 8 else ""
        yield f"Undecided by mean score: {told}{more}"
    elif any(r["name"] == "mean score" and r["low"] is not None for r in answers["rankings"]):
        yield "Undecided by mean score: nobody"


def _cycles(answers: dict[str, Any]) -> Iterable[str]:
    found = answers["intransitivity"]
    if found is None:
        return
    parts = []
    if found["cyclic_share"] is not None:
        parts.append(f"{100 * found['cyclic_share']:.3g}% of the margins are cyclic")
    if found["harmonic_share"] is not None:
        parts.append(f"{100 * found['harmonic_share']:.3g}% of what deviations gain has no potential")
    for cycle in found["cycles"][:2]:
        parts.append(" > ".join(_short(name) for name in (*cycle, cycle[0])))
    if found["sinks"]:
        sinks = "; ".join(_names(sink) for sink in found["sinks"][:3])
        more = f"; and {len(found['sinks']) - 3:,} more" if len(found["sinks"]) > 3 else ""
        parts.append(f"better replies end in {sinks}{more}")
    yield f"Intransitivity: {', '.join(parts) or 'none'}"


# --- equilibria -------------------------------------------------------------------------------------------------------


def _equilibria_table(outcome: Outcome) -> Any:
    answers = outcome.answers
    sure = f"Epsilon at {100 * (1 - answers['delta']):.6g}%"
    columns = ("Equilibrium", "Play", "Values", "Regret", "Slack", sure, "Status")
    table = simple_table(*columns, right=(3, 4, 5))
    for found in answers["equilibria"]:
        if "certificate" not in found:
            continue
        certificate = found["certificate"]
        table.add_row(
            escape(found["name"]),
            _mixture(outcome, found),
            " ".join(map(_number, found["values"][:4])) + (" ..." if len(found["values"]) > 4 else ""),
            _small(certificate["max_regret"]),
            _small(certificate["slack"]),
            _small(found["epsilon"]),
            escape(str(found["status"])),
        )
    return table


def _mixture(outcome: Outcome, found: dict[str, Any], most: int = 4) -> str:
    """The likeliest agents of each role, or joint profiles where play is correlated."""
    table, left_out = outcome.table, set(outcome.answers["left_out"])
    names = [[name for name in names if name not in left_out] for names in table.populations]
    blocks = found["profile"]
    if blocks is not None:
        same = table.symmetric and all(_alike(block, blocks[0]) for block in blocks[1:])
        told = [_likeliest(names[i], block, most) for i, block in enumerate(blocks)]
        if same:
            return told[0]
        return "; ".join(f"{escape(one_line(role, SHORT))}: {text}" for role, text in zip(table.roles, told))
    if found["joint"] is None:
        return "a mixture of many profiles"
    cells = sorted(found["joint"], key=lambda cell: -cell["prob"])
    labels = [profile_label([names[i][a] for i, a in enumerate(cell["actions"])]) for cell in cells]
    return _likeliest(labels, [cell["prob"] for cell in cells], most - 1)


def profile_label(names: Sequence[str]) -> str:
    """The agents of a profile on one line, every one of them cut rather than the last ones left out."""
    whole = " - ".join(names)
    if len(whole) <= SHORT:
        return whole
    room = max(4, (SHORT - 3 * (len(names) - 1)) // len(names))
    return " - ".join(one_line(name, room) for name in names)


def _alike(one: Sequence[float], two: Sequence[float]) -> bool:
    return all(abs(a - b) <= 1e-6 for a, b in zip(one, two))


def _likeliest(names: Sequence[str], probs: Sequence[float], most: int) -> str:
    order = sorted(range(len(probs)), key=lambda k: -probs[k])
    shown = [k for k in order if probs[k] >= 0.0005]
    told = ", ".join(f"{_short(names[k])} {probs[k]:.3g}" for k in shown[:most])
    rest = len(shown) - most
    return told + (f", and {rest:,} more" if rest > 0 else "")


def _reasons(answers: dict[str, Any]) -> Iterable[str]:
    for found in answers["equilibria"]:
        if "certificate" not in found:
            yield f"[dim]No {escape(found['about'])}: {escape(one_line(found['reason']))}[/]"
    for name, reason in answers["absent"].items():
        yield f"[dim]No {escape(name)}: {escape(one_line(reason))}[/]"
    if any(_endless(found) for found in answers["equilibria"]):
        yield (
            "[dim]No bound on the true game's epsilon: the range of payoffs is not known; give payoff_range in the spec[/]"
        )


def _endless(found: dict[str, Any]) -> bool:
    return "certificate" in found and found["certificate"]["slack"] == "inf"


# --- words ------------------------------------------------------------------------------------------------------------


def _show_files(outcome: Outcome, page: Path | None) -> None:
    path = outcome.tournament.path
    files = ", ".join([TABLE, ANSWERS, *([REPORT] if page is not None else [])])
    note(f"{files} and every match are in {path}")
    if page is None:
        note(f"next: staghunt report {quote(str(path))}")


def _short(name: str) -> str:
    return escape(one_line(name, SHORT))


def _names(names: Sequence[str], most: int = 6) -> str:
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(_short(name) for name in names[:most]) + more


def _number(value: Any) -> str:
    return "-" if value is None else number(value)


def _small(value: Any) -> str:
    """A regret or a slack; "inf" where there is no bound."""
    if isinstance(value, str):
        return value
    return "-" if value is None else f"{value + 0.0:.3g}"
