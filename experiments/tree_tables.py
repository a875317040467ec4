"""Trees and what is played on them as tables for people, on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.tables import (
    FEW,
    NAMES,
    console,
    counted,
    one_line,
    parameters_text,
    show_verdict,
    simple_table,
)
from experiments.tree_output import is_zero_sum_pair, sequence_name
from games.simplices import Float
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan
from solvers.average_play import average_behavior
from solvers.show import TINY, number_text, probability_text

ROWS, PAIRS = 40, 24
"""At most so many information sets, or pairs of sequences, are shown."""


def tree_line(game: TreeGame) -> str:
    """Title and size in one line of markup."""
    sets = f"{len(game.owner):,} information set{'' if len(game.owner) == 1 else 's'}"
    players = f"{len(game.players)} player{'' if len(game.players) == 1 else 's'}"
    title = escape(one_line(game.title) or "Game without a title")
    return f"[bold]{title}[/]  [dim]a tree of {game.nodes:,} nodes, {players}, {sets}[/]"


def show_tree_solutions(
    game: TreeGame, solutions: Sequence[Any], seconds: float, which: Sequence[int] | None = None
) -> None:
    """Print each answer with its values, its certificate in words and, where it means something, exploitability."""
    out = console()
    out.print(tree_line(game))
    for solution in solutions:
        name = {
            "cce": "Normal-form coarse correlated equilibrium",
            "qre": "Agent quantal response equilibrium",
        }
        kind = name.get(solution.concept, NAMES.get(solution.concept, solution.concept))
        told = escape(solution.method + parameters_text(solution.parameters))
        out.print(f"\n[bold cyan]{kind}[/]  [dim]{told}[/]")
        show_strategy(out, game, solution.strategy, which)
        show_verdict(out, solution)
        if solution.concept in ("nash", "qre") and solution.behavior is not None:
            out.print(distance_text(game, solution))
        out.print(f"[dim]{solution.status.value} in {seconds:.3g} s{counted(solution)}[/]")


def distance_text(game: TreeGame, solution: Any) -> str:
    """NashConv, and exploitability of two players with opposed interests."""
    from solvers.certificate import certify

    nash = solution.certificate if solution.concept == "nash" else certify(game, solution.behavior, "nash")
    told = f"NashConv {nash.nash_conv:.3g}"
    return f"Exploitability {nash.nash_conv / 2:.3g}  [dim]{told}[/]" if is_zero_sum_pair(game) else told


def show_strategy(out: Console, game: TreeGame, strategy: Any, which: Sequence[int] | None = None) -> None:
    """A behaviour strategy by information set; correlated play by its average, and plans by their likeliest pairs."""
    average = average_behavior(game, strategy)
    if average is None:
        out.print("with imperfect recall, correlated play has no average behaviour strategy to show")
    elif which is None or len(which):
        out.print(behavior_table(game, average, which))
    if isinstance(strategy, BehaviorMixture):
        out.print(
            f"[dim]a mixture of {len(strategy):,} behaviour profiles, drawn before play; each player's average play "
            "is shown[/]"
        )
    if isinstance(strategy, CorrelationPlan):
        out.print(plan_table(game, strategy))


def behavior_table(game: TreeGame, behavior: Float, which: Sequence[int] | None = None) -> Table:
    """One row per information set, long lists cut: player, name, actions with their probabilities."""
    chosen = sorted(range(len(game.owner)) if which is None else which, key=lambda h: game.owner[h])
    table = simple_table("Player", "Information set", "Actions")
    last = None
    blocks = game.blocks(behavior) if game.slots else []
    for h in chosen[:ROWS]:
        player = game.players[game.owner[h]]
        table.add_row(
            escape(one_line(player)) if player != last else "",
            escape(one_line(game.infosets[h])),
            escape(actions_text(game.actions[h], blocks[h])),
        )
        last = player
    if len(chosen) > ROWS:
        table.add_row("", f"[dim]... ({len(chosen):,} in all)[/]", "")
    return table


def actions_text(names: Sequence[str], block: Float) -> str:
    """Actions with their probabilities in one line; of many only the likeliest."""
    order = list(range(len(names)))
    if len(names) > FEW:
        order = sorted(np.argsort(-block, kind="stable")[:FEW].tolist())
        order = [k for k in order if block[k] >= TINY]
    told = "  ".join(f"{one_line(names[k], 40)} {probability_text(float(block[k]))}" for k in order)
    less = len(names) - len(order)
    return told + (f"  and {less} less likely" if less else "")


def plan_table(game: TreeGame, plan: CorrelationPlan) -> Table:
    """The likeliest pairs of non-empty sequences that a mediator recommends together."""
    both = np.flatnonzero((plan.first >= 0) & (plan.second >= 0) & (plan.prob > TINY))
    order = both[np.argsort(-plan.prob[both], kind="stable")]
    table = simple_table(*map(one_line, game.players), "Probability", right=[2])
    for k in order[:PAIRS].tolist():
        pair = (int(plan.first[k]), int(plan.second[k]))
        table.add_row(
            *(escape(one_line(sequence_name(game, s))) for s in pair), probability_text(float(plan.prob[k]))
        )
    table.caption = f"pairs of sequences; {len(plan.prob):,} are relevant" + (
        f", {len(order):,} of them likely, the first {PAIRS} shown" if len(order) > PAIRS else ""
    )
    return table


# --- facts ------------------------------------------------------------------------------------------------


def show_facts(game: TreeGame, known: dict[str, Any]) -> None:
    """What `info` prints of a tree."""
    out = console()
    out.print(tree_line(game))
    table = simple_table(
        "Player", "Nodes", "Information sets", "Actions", "Sequences", "Payoff range", right=(1, 2, 3, 4)
    )
    for i, player in enumerate(game.players):
        low, high = known["payoff_ranges"][i]
        counts = (known[key][i] for key in ("decision_nodes", "information_sets", "actions", "sequences"))
        table.add_row(
            escape(one_line(player)),
            *(f"{count:,}" for count in counts),
            f"{number_text(low)} to {number_text(high)}",
        )
    out.print(table)
    out.print(
        f"Terminal nodes: {known['terminal_nodes']:,}    Chance nodes: {known['chance_nodes']:,}    "
        f"Depth: {known['depth']:,}"
    )
    total = known["constant_sum"]
    out.print(f"Kind: {'general-sum' if total is None else f'constant-sum ({number_text(total)})'}")
    problem = known["recall_problem"]
    out.print("Perfect recall: " + ("yes" if problem is None else f"no, {escape(one_line(problem, 300))}"))
    form = known["strategic_form"]
    if form["fits"]:
        sizes = " x ".join(f"{n:,}" for n in form["shape"])
        out.print(f"Reduced strategic form: {'' if known['perfect_recall'] else 'at most '}{sizes}")
    else:
        out.print(f"Its strategic form cannot be held: {escape(form['reason'])}")
    out.print(f"Digest: {game.digest}", style="dim")
