"""Mean-field games and their solutions as JSON documents, CSV text and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from games.meanfield import MeanFieldModel
from games.simplices import Float

_ROWS = 12  # states in a table
_STEPS = 6  # steps in a table


def model_document(model: MeanFieldModel) -> dict[str, Any]:
    """What the model is: sizes, names, and whether moves depend on the mean field."""
    return {
        "title": model.title,
        "kind": "mean-field game",
        "states": model.state_names,
        "actions": model.action_names,
        "horizon": model.horizon,
        "discount": model.discount,
        "initial": model.initial,
        "moves_depend_on_the_mean_field": callable(model.transition),
        "span": model.span,
        "digest": model.digest,
    }


def mean_field_document(
    model: MeanFieldModel, solutions: Sequence[Any], tolerance: float, seconds: float
) -> dict[str, Any]:
    """What `solve --json` prints."""
    about = model_document(model)
    keys = ("title", "kind", "states", "actions", "horizon", "discount", "digest")
    return {
        "game": {key: about[key] for key in keys},
        "concept": "nash",
        "method": solutions[0].method,
        "solutions": [_solution_document(model, solution, tolerance) for solution in solutions],
        "stats": {"seconds": seconds, "iterations": solutions[0].stats["iterations"]},
    }


def _solution_document(model: MeanFieldModel, solution: Any, tolerance: float) -> dict[str, Any]:
    from experiments.output import certificate_document

    certificate = solution.certificate
    trace = [[p.iterations, p.seconds, p.nash_conv] for p in solution.stats["trace"]]
    return {
        "behavior": policy_rows(model, solution.strategy),
        "mean_field": model.flow(solution.strategy).states,
        "values": solution.values,
        "status": solution.status,
        "certificate": {
            **certificate_document(certificate, tolerance),
            "exploitability": certificate.max_regret,
        },
        "method": solution.method,
        "parameters": solution.parameters,
        "stats": {**solution.stats, "trace": trace},
    }


def policy_rows(model: MeanFieldModel, policy: Float) -> list[dict[str, Any]]:
    """A policy as records: step (from 0), state, names of its legal actions, probabilities."""
    names = np.array(model.action_names, dtype=object)
    legal = np.ones(policy.shape[1:], dtype=bool) if model.legal is None else model.legal
    return [
        {
            "step": t,
            "state": model.state_names[x],
            "actions": names[legal[x]].tolist(),
            "probs": policy[t, x, legal[x]].tolist(),
        }
        for t in range(len(policy))
        for x in range(model.states)
    ]


def policies_csv(model: MeanFieldModel, solutions: Sequence[Any]) -> str:
    """Policies as a table, one line per action, with the share of agents in the state."""
    from experiments.output import csv_text

    rows: list[list[Any]] = [["solution", "step", "state", "share", "action", "probability"]]
    for k, solution in enumerate(solutions):
        shares = model.flow(solution.strategy).states
        for i, row in enumerate(policy_rows(model, solution.strategy)):
            share = float(shares[row["step"], i % model.states])
            rows.extend(
                [k, row["step"], row["state"], share, a, p] for a, p in zip(row["actions"], row["probs"])
            )
    return csv_text(rows)


def model_line(model: MeanFieldModel) -> str:
    """Title and sizes in one line of markup."""
    from rich.markup import escape

    from experiments.tables import one_line

    return (
        f"[bold]{escape(one_line(model.title))}[/]  [dim]mean-field game, {model.states:,} states, "
        f"{model.actions} actions, {model.horizon:,} steps[/]"
    )


def show_mean_field(model: MeanFieldModel, solution: Any, seconds: float) -> None:
    """Print the mean field, what is done where most agents are, and the certificate."""
    from rich.markup import escape

    from experiments.tables import NAMES, console, counted, simple_table
    from solvers.show import certificate_text, number_text

    out = console()
    out.print(model_line(model))
    certificate, flow = solution.certificate, model.flow(solution.strategy)
    out.print(
        f"\n[bold cyan]{NAMES['nash']}[/]  [dim]{escape(solution.method)}{counted(solution)}, {seconds:.2f} s, "
        f"{solution.status.value}[/]"
    )
    steps = np.unique(np.linspace(0, model.horizon - 1, min(model.horizon, _STEPS)).astype(int))
    shares = flow.states[:-1]
    busy = np.sort(np.argsort(-shares[steps].max(axis=0), kind="stable")[:_ROWS])
    table = simple_table(
        "State", *(f"step {t}" for t in steps), right=tuple(range(1, len(steps) + 1)), title="Share of agents"
    )
    for x in busy:
        table.add_row(escape(model.state_names[x]), *(f"{shares[t, x]:.4f}" for t in steps))
    if len(busy) < model.states:
        table.add_row(f"and {model.states - len(busy):,} more", *("" for _ in steps))
    out.print(table)
    out.print(f"Value of an agent: {number_text(float(certificate.values[0]))}")
    out.print(f"Exploitability: {certificate.max_regret:.3g}")
    out.print(f"Certificate: {escape(certificate_text(certificate))}")


def certified_document(
    model: MeanFieldModel, certificates: Sequence[Any], tolerance: float | None
) -> dict[str, Any]:
    """What `certify --json` prints."""
    from experiments.output import certificate_document

    about = model_document(model)
    return {
        "game": {key: about[key] for key in ("title", "kind", "digest")},
        "concept": "nash",
        "solutions": [
            {
                "values": found.values,
                "best_response_values": found.values + found.regret,
                "nash_conv": found.nash_conv,
                "exploitability": found.max_regret,
                "certificate": certificate_document(found, tolerance),
                "parameters": {},
            }
            for found in certificates
        ],
    }


def show_certified(model: MeanFieldModel, certificates: Sequence[Any]) -> None:
    """Print what `certify` found."""
    from rich.markup import escape

    from experiments.tables import console
    from solvers.show import certificate_text, number_text

    out = console()
    out.print(model_line(model))
    for found in certificates:
        value, gain = float(found.values[0]), float(found.regret[0])
        out.print(f"Value: {number_text(value)}    Best reply: {number_text(value + gain)}")
        out.print(f"Exploitability: {gain:.3g}")
        out.print(f"Certificate: {escape(certificate_text(found))}")


def show_model(model: MeanFieldModel, facts: dict[str, Any]) -> None:
    """Print what a mean-field game is."""
    from rich.markup import escape

    from experiments.env_output import listed
    from experiments.tables import console
    from solvers.show import number_text

    out = console()
    out.print(model_line(model))
    out.print(f"States: {escape(listed(model.state_names))}")
    out.print(f"Actions: {escape(listed(model.action_names))}")
    depends = "depend on the mean field" if callable(model.transition) else "do not depend on the mean field"
    out.print(f"Moves {depends}; discount {model.discount:g}; scale of returns {number_text(model.span)}")
    uniform = facts["uniform_policy"]
    out.print(
        f"If all act at random they earn {number_text(uniform['value'])}, and one agent could gain "
        f"{number_text(uniform['exploitability'])}"
    )
    if facts["source"]:
        out.print(f"Source: {escape(facts['source'])}")
    out.print(f"Digest: {model.digest}", style="dim")
