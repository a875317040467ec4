"""Results about trees as JSON documents and CSV text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.output import CELL_LIMIT, certificate_document, csv_text, objective_value
from games.behavior_files import behavior_rows
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan
from solvers.average_play import average_behavior


def tree_document(game: TreeGame) -> dict[str, Any]:
    """Title, players, size and digest: enough to know which game an answer is about."""
    return {
        "title": game.title,
        "players": game.players,
        "actions": _action_names(game),
        "infosets": len(game.owner),
        "nodes": game.nodes,
        "digest": game.digest,
    }


def _action_names(game: TreeGame) -> list[list[str]]:
    """For each player the different names of actions at all own information sets, in order of appearance."""
    found: list[dict[str, None]] = [{} for _ in game.players]
    for i, names in zip(game.owner.tolist(), game.actions):
        found[i].update(dict.fromkeys(names))
    return [list(names) for names in found]


def matching(game: TreeGame, pattern: Any) -> list[int] | None:
    """The information sets whose name the compiled pattern finds; None for all of them."""
    return None if pattern is None else [h for h, name in enumerate(game.infosets) if pattern.search(name)]


# --- solutions --------------------------------------------------------------------------------------------


def tree_solve_document(
    game: TreeGame,
    concept: str,
    solutions: Sequence[Any],
    tolerance: float,
    seconds: float,
    which: Sequence[int] | None = None,
) -> dict[str, Any]:
    """What `solve --json` prints for a tree; `which` leaves out all other information sets."""
    first = solutions[0] if solutions else None
    document: dict[str, Any] = {
        "game": tree_document(game),
        "concept": concept,
        "method": first.method if first else None,
        "solutions": [solution_document(s, tolerance, which) for s in solutions],
        "stats": {
            "seconds": seconds,
            "iterations": first.stats.get("iterations") if first else None,
            "solutions": len(solutions),
        },
    }
    value = objective_value(first) if first and first.behavior is None else None
    if first and value is not None:
        document |= {"objective": first.parameters.get("objective"), "objective_value": value}
    return document


def solution_document(
    solution: Any, tolerance: float | None, which: Sequence[int] | None = None
) -> dict[str, Any]:
    """One entry of `solutions`: play, values, certificate, and the course of self-play."""
    return {
        **strategy_document(solution.game, solution.strategy, which),
        "values": solution.values,
        "status": solution.status,
        "certificate": {
            **certificate_document(solution.certificate, tolerance),
            "nash_conv": solution.certificate.nash_conv,
        },
        "method": solution.method,
        "parameters": solution.parameters,
        "stats": stats_document(solution.stats),
    }


def stats_document(stats: Any) -> dict[str, Any]:
    """The stats with the trace as a list of [iterations, seconds, NashConv]."""
    document = dict(stats)
    if "trace" in document:
        document["trace"] = [[p.iterations, p.seconds, p.nash_conv] for p in document["trace"]]
    return document


def strategy_document(game: TreeGame, strategy: Any, which: Sequence[int] | None = None) -> dict[str, Any]:
    """`behavior`, or null and what stands for correlated play: `mixture` or `plan`, with average play."""
    if isinstance(strategy, np.ndarray):
        return {"behavior": behavior_rows(game, strategy, which), "joint": None}
    average = average_behavior(game, strategy)
    document: dict[str, Any] = {
        "behavior": None,
        "joint": None,
        "marginals": None if average is None else behavior_rows(game, average, which),
    }
    if isinstance(strategy, BehaviorMixture):
        listed = strategy.behaviors.size <= CELL_LIMIT
        return {
            **document,
            "mixture": {
                "profiles": len(strategy),
                "weights": strategy.weights if len(strategy) <= CELL_LIMIT else None,
                "behaviors": strategy.behaviors if listed else None,
            },
        }
    listed = strategy.prob.size <= CELL_LIMIT
    return {
        **document,
        "relevant_pairs": int(strategy.prob.size),
        "plan": plan_rows(game, strategy) if listed else None,
    }


def plan_rows(game: TreeGame, plan: CorrelationPlan) -> list[dict[str, Any]]:
    """Pairs of sequences by the names of their last moves, and as positions in a behaviour strategy."""
    return [
        {"sequences": [sequence_name(game, a), sequence_name(game, b)], "slots": [a, b], "prob": p}
        for a, b, p in zip(plan.first.tolist(), plan.second.tolist(), plan.prob.tolist())
    ]


def sequence_name(game: TreeGame, slot: int) -> str:
    """A sequence by its last move: the information set and the action; "" for the empty one."""
    if slot < 0:
        return ""
    h = int(game.infoset_of_slot[slot])
    return f"{game.infosets[h]}: {game.actions[h][slot - int(game.offsets[h])]}"


# --- CSV --------------------------------------------------------------------------------------------------


def behaviors_csv(game: TreeGame, solutions: Sequence[Any]) -> str:
    """Behaviour strategies as a table, one line per action; a correlation plan with one line per pair of sequences."""
    rows: list[list[Any]] = [["solution", "player", "infoset", "action", "probability"]]
    if any(isinstance(s.strategy, CorrelationPlan) for s in solutions):
        rows = [["solution", *game.players, "probability"]]
    for k, solution in enumerate(solutions):
        strategy = solution.strategy
        if isinstance(strategy, CorrelationPlan):
            rows.extend([k, *row["sequences"], row["prob"]] for row in plan_rows(game, strategy))
            continue
        average = average_behavior(game, strategy)
        for owner, name, actions, block in game.rows(average) if average is not None else ():
            rows.extend([k, game.players[owner], name, a, p] for a, p in zip(actions, block))
    return csv_text(rows)


def is_zero_sum_pair(game: TreeGame) -> bool:
    """Whether "exploitability" means something: two players, payoffs that sum to a constant."""
    return len(game.players) == 2 and game.constant_sum() is not None
