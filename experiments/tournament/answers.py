"""What a tournament answers: rankings, intransitivity, equilibria, and which cells failed; as a file that never varies.

`RUN/answers.json` has the same bytes for the same spec, whatever the engine, the workers and the interruptions: there
are no dates and no seconds in it.

::

    {"format": "staghunt-answers", "version": 1, "env", "spec": digest, "matches", "steps", "looks", "why", "reached",
     "self_play", "delta", "payoff_range": as in the spec,
     "cells": {"all", "exact", "failed": {"A - B": reason}},
     "left_out": [agents without whom no cell has failed],
     "rankings": [{"name", "about", "role" | null, "agents", "values", "low" | null, "high" | null, "level", "mass" | null,
                   "first" | null, "note"}],
     "absent": {measure: why it is not there},
     "undecided": [[a, b], ...]     by mean score, the higher one first
     "intransitivity": {"cyclic_share" | null, "cycles": [[a, b, c], ...], "harmonic_share" | null, "sinks": [[...], ...]} | null,
     "equilibria": [experiments.tournament.equilibria.document_of, ...]}
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.atomic import write_text
from experiments.output import dumps, plain
from experiments.tournament.equilibria import answers, document_of
from experiments.tournament.holes import complete
from experiments.tournament.run import Finished
from experiments.tournament.spec import READING, Spec
from experiments.tournament.standing import ranking_document, rankings_of, undecided
from games.empirical import EmpiricalGame, PayoffTable
from games.errors import InputError

FORMAT, VERSION = "staghunt-answers", 1
_LARGEST = 1 << 28
"""Bytes of a file that is still read."""
_CYCLES = 10
_MEMBERS = 1_000_000
"""Profiles of the largest game that is split into a potential and a harmonic part."""

Progress = Callable[[float, str], None]


def answers_document(spec: Spec, finished: Finished, progress: Progress | None = None) -> dict[str, Any]:
    """All answers as plain data.

    Parameters
    ----------
    spec : Spec
        The tournament.
    finished : Finished
        What came of it.
    progress : callable, optional
        ``progress(fraction, text)``.
    """
    results, decision = finished.results, finished.decision
    table = results.table
    tell = progress or (lambda fraction, text: None)
    small, left_out = complete(table)
    game, why_none = _game(small, spec)
    tell(math.nan, "ranking the agents")
    rankings = rankings_of(spec, results, small, left_out, tell)
    tell(math.nan, "looking for cycles")
    document = {
        "format": FORMAT,
        "version": VERSION,
        "env": spec.env,
        "spec": spec.digest,
        "matches": results.matches,
        "steps": results.steps,
        "looks": finished.looks,
        "why": "" if decision is None else decision.why,
        "reached": decision is None or decision.undecided == 0,
        **{key: spec.document()[key] for key in READING},
        "cells": {
            "all": len(table.cells),
            "exact": int(table.exact.sum()),
            "failed": _failed(table, results.failures),
        },
        "left_out": left_out,
        "rankings": [ranking_document(ranking, results) for ranking in rankings.rankings],
        "absent": rankings.absent,
        "undecided": undecided(rankings, spec.delta),
        "intransitivity": None if game is None else intransitivity(game, table.symmetric),
        "equilibria": _equilibria(game, why_none, spec, table.symmetric, tell),
    }
    found: dict[str, Any] = plain(document)
    return found


def write_answers(document: dict[str, Any], path: Path) -> None:
    """Write the document, whole or not at all; `InputError` if the system refuses."""
    write_text(path, dumps(document) + "\n")


def read_answers(path: Path) -> dict[str, Any]:
    """The document in a file; `InputError` if it cannot be read or is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(
                f"{path} is larger than {_LARGEST >> 20} MiB; these are no answers of a tournament"
            )
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{path} does not hold the answers of a tournament")
    if document.get("version") != VERSION:
        raise InputError(f"{path} has version {document.get('version')} of the format, expected {VERSION}")
    return document


def _failed(table: PayoffTable, failures: dict[int, str]) -> dict[str, str]:
    """The reason by cell; where two cells are called alike, with the cell's number."""
    out: dict[str, str] = {}
    for cell, reason in sorted(failures.items()):
        name = table.cell_name(cell)
        out[name if name not in out else f"{name} (cell {cell})"] = reason
    return out


# --- agents whose cells failed ----------------------------------------------------------------------------------------


def _game(table: PayoffTable | None, spec: Spec) -> tuple[EmpiricalGame | None, str]:
    """The empirical game, or why there is none."""
    if table is None:
        return None, "so many cells failed that no agents are left who have all met"
    try:
        return table.game(spec.delta, f"tournament in {spec.env}"), ""
    except InputError as error:
        return None, str(error)


# --- the game ---------------------------------------------------------------------------------------------------------


def intransitivity(game: EmpiricalGame, symmetric: bool) -> dict[str, Any]:
    """How far the game is from a ranking, and where better replies lead."""
    from solvers.intransitivity import cyclic_triples, decompose, split_margins
    from solvers.response_graph import response_graph, response_graph_single, sink_components

    share, cycles, sinks = None, [], []
    names = game.actions[0]
    if symmetric and len(game.shape) == 2:
        payoffs = game.payoffs[0]
        share = split_margins(payoffs).share
        if len(names) <= 400:
            cycles = [[names[a] for a in one.agents] for one in cyclic_triples(payoffs, _CYCLES)]
        graph = response_graph_single(payoffs)
        sinks = [] if graph is None else [[names[a] for a in sink] for sink in sink_components(graph)]
    else:
        graph = response_graph(game)
        if graph is not None:
            sinks = [[_profile(game, cell) for cell in sink] for sink in sink_components(graph)]
    harmonic = decompose(game).harmonic_share if game.profiles <= _MEMBERS else None
    return {"cyclic_share": share, "cycles": cycles, "harmonic_share": harmonic, "sinks": sinks}


def _profile(game: EmpiricalGame, cell: tuple[int, ...]) -> str:
    return " - ".join(names[a] for names, a in zip(game.actions, cell))


def _equilibria(
    game: EmpiricalGame | None, why_none: str, spec: Spec, symmetric: bool, progress: Progress
) -> list[dict[str, Any]]:
    if game is None:
        return [{"name": "game", "about": "equilibria", "reason": why_none}]
    # the choice of a starting point is all that they draw for
    return [document_of(answer) for answer in answers(game, spec.seed, symmetric, progress)]
