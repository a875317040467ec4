"""Results as JSON documents and CSV text: what `--json`, `--out` and `--csv` write."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from games.joint import Joint, Mixture
from games.normal import NormalFormGame

CELL_LIMIT = 100_000
"""A joint distribution with more cells than this is not listed; a mixture is given as its components instead."""


def plain(value: Any) -> Any:
    """`value` as strict JSON: numpy unwrapped, NaN as null, infinities as the strings "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, str):
        return str(value)  # a StrEnum becomes its text
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def dumps(document: Mapping[str, Any]) -> str:
    """The document as one line of JSON; floats as their shortest exact repr."""
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False)


def print_json(document: Mapping[str, Any]) -> None:
    """Print the document on stdout, whatever characters the terminal's encoding lacks."""
    text = dumps(document)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = json.dumps(plain(document), ensure_ascii=True, allow_nan=False)
    print(text)


# --- documents --------------------------------------------------------------------------------------------


def game_document(game: NormalFormGame) -> dict[str, Any]:
    """Title, names and digest: enough to know which game an answer is about."""
    return {"title": game.title, "players": game.players, "actions": game.actions, "digest": game.digest}


def certificate_document(certificate: Any, tolerance: float | None = None) -> dict[str, Any]:
    """The certificate's numbers; `holds` is judged at `tolerance` relative to the span."""
    document = {
        "regret": certificate.regret,
        "max_regret": certificate.max_regret,
        "span": certificate.span,
        "bound": certificate.bound,
        "slack": certificate.slack,
        "delta": certificate.delta,
        "epsilon": certificate.epsilon,
        "gain": certificate.gain,
        "residual": certificate.residual,
    }
    if tolerance is not None:
        document |= {"tolerance": tolerance, "holds": certificate.holds(tolerance)}
    return document


def joint_document(joint: Joint | Mixture | None) -> tuple[list[dict[str, Any]] | None, dict[str, Any]]:
    """The list of cells (None when play is independent or there are too many) and the keys that replace it."""
    if joint is None:
        return None, {}
    extra: dict[str, Any] = {"marginals": blocks_of(joint.marginals(), joint.shape)}
    if isinstance(joint, Mixture):
        if math.prod(joint.shape) > CELL_LIMIT:
            extra |= {
                "mixture": [
                    {"weight": w, "profile": blocks_of(p, joint.shape)}
                    for w, p in zip(joint.weights, joint.profiles)
                ]
            }
            return None, extra
        joint = joint.joint()
    extra["support"] = joint.support_size
    if joint.support_size > CELL_LIMIT:
        return None, extra
    return [{"actions": cell, "prob": prob} for cell, prob in zip(joint.cells, joint.probs)], extra


def solution_document(solution: Any, tolerance: float) -> dict[str, Any]:
    """One entry of `solutions`."""
    profile = None if solution.profile is None else blocks_of(solution.profile, solution.game.shape)
    cells, extra = joint_document(solution.joint)
    return {
        "profile": profile,
        "joint": cells,
        "values": solution.values,
        "status": solution.status,
        "certificate": certificate_document(solution.certificate, tolerance),
        "method": solution.method,
        "parameters": solution.parameters,
        "stats": solution.stats,
        **extra,
    }


def solve_document(
    game: NormalFormGame, concept: str, solutions: Sequence[Any], tolerance: float, seconds: float
) -> dict[str, Any]:
    """What `solve --json` prints."""
    first = solutions[0] if solutions else None
    iterations = first.stats.get("iterations") if first else None
    document: dict[str, Any] = {
        "game": game_document(game),
        "concept": concept,
        "method": first.method if first else None,
        "solutions": [solution_document(s, tolerance) for s in solutions],
        "stats": {"seconds": seconds, "iterations": iterations, "solutions": len(solutions)},
    }
    value = objective_value(first) if first else None
    if value is not None:
        document["objective"] = first.parameters.get("objective") if first else None
        document["objective_value"] = value
    return document


def objective_value(solution: Any) -> float | None:
    """The selected objective at the solution in payoff units, or None where selection is not by payoffs."""
    objective = str(solution.parameters.get("objective", ""))
    values = solution.values
    name, _, player = objective.partition(":")
    if name in ("welfare", "min-welfare"):
        return float(values.sum())
    if name == "egalitarian":
        return float(values.min())
    if name in ("player", "min-player") and player.isdigit():
        return float(values[int(player)])
    return None


def blocks_of(profile: Any, shape: Sequence[int]) -> list[Any]:
    """A flat profile as a list of lists, one per player."""
    return [block.tolist() for block in np.split(np.asarray(profile), np.cumsum(shape)[:-1])]


# --- CSV --------------------------------------------------------------------------------------------------


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV; floats as their shortest exact repr."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([repr(float(v)) if isinstance(v, float | np.floating) else v for v in row])
    return text.getvalue()


def solutions_csv(game: NormalFormGame, solutions: Sequence[Any]) -> str:
    """Equilibria as a table: one line per player and action, or per joint profile when play is correlated."""
    rows: list[list[Any]] = []
    if any(s.joint is not None for s in solutions):
        rows.append(["solution", *game.players, "probability"])
        for k, solution in enumerate(solutions):
            joint = solution.joint.joint() if isinstance(solution.joint, Mixture) else solution.joint
            for cell, prob in zip(joint.cells, joint.probs):
                rows.append([k, *(game.actions[i][a] for i, a in enumerate(cell)), prob])
        return csv_text(rows)
    rows.append(["solution", "player", "action", "probability"])
    for k, solution in enumerate(solutions):
        for player, names, block in zip(game.players, game.actions, game.blocks(solution.profile)):
            rows.extend([k, player, name, prob] for name, prob in zip(names, block))
    return csv_text(rows)
