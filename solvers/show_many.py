"""Several solutions side by side, fits to data and gaps of joint policies, as HTML for notebooks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from games import simplices
from games.normal import NormalFormGame
from games.simplices import Float
from games.tree import TreeGame
from solvers.show import ROWS, certificate_text, number_text, probability_text, row_html, solution_html

if TYPE_CHECKING:
    from solvers.network_gap import NetworkGap
    from solvers.qre_fit import Fit
    from solvers.solution import Solution

CELLS = 100_000
"""Correlated play over more joint actions than this is not put side by side."""
COLUMNS = 12
"""At most so many solutions stand side by side."""
LISTED = 3
"""At most so many solutions that do not fit into one table are shown below each other."""
_NAMES = {"nash": "Nash equilibria", "qre": "logit QRE", "ce": "correlated equilibria", "cce": "CCE"}


def solutions_html(solutions: Sequence[Solution]) -> str:
    """Solutions as HTML: those of one game in normal form as the columns of a table, others one below the other."""
    if not solutions:
        return "<div>No solution was found.</div>"
    game = solutions[0].game
    if isinstance(game, NormalFormGame) and all(s.game is game for s in solutions):
        if all(s.profile is not None for s in solutions):
            return _side_by_side(game, solutions)
        if game.profiles <= CELLS:
            return _joints_side_by_side(game, solutions)
    shown = "".join(solution_html(s) for s in solutions[:LISTED])
    left = len(solutions) - LISTED
    return f"<div>{shown}{f'<div>and {left:,} more</div>' if left > 0 else ''}</div>"


def _side_by_side(game: NormalFormGame, solutions: Sequence[Solution]) -> str:
    """One column per mixed profile; one row per action."""
    shown = solutions[:COLUMNS]
    lams = [s.parameters.get("lambda") for s in shown]
    heads = [f"{k + 1}" if lam is None else f"λ = {number_text(lam)}" for k, lam in enumerate(lams)]
    rows = [row_html(("Player", "Action", *heads), "th")]
    blocks = [game.blocks(s.profile) for s in shown]
    for i, (player, names) in enumerate(zip(game.players, game.actions)):
        for k, name in enumerate(names[:ROWS]):
            told = (probability_text(float(block[i][k])) for block in blocks)
            rows.append(row_html((player if k == 0 else "", name, *told)))
        if len(names) > ROWS:
            rows.append(row_html(("", f"and {len(names) - ROWS:,} more", *[""] * len(shown))))
    return _whole(game, solutions, [*rows, *_below(game, shown, 2)])


def _joints_side_by_side(game: NormalFormGame, solutions: Sequence[Solution]) -> str:
    """One column per distribution; one row per joint action that one of them plays, the likeliest of them."""
    shown = solutions[:COLUMNS]
    tables = np.stack([_dense(game, s) for s in shown])
    played = np.flatnonzero(tables.max(axis=0) > 0)
    top = np.sort(played[np.argsort(-tables[:, played].sum(axis=0), kind="stable")[:ROWS]])
    names = [s.parameters.get("objective") for s in shown]
    heads = [s.concept.upper() + (f", {name}" if name else "") for s, name in zip(shown, names)]
    rows = [row_html((*game.players, *heads), "th")]
    for cell in top.tolist():
        actions = np.unravel_index(cell, game.shape)
        told = (probability_text(float(p)) for p in tables[:, cell])
        rows.append(row_html((*(game.actions[i][a] for i, a in enumerate(actions)), *told)))
    if len(played) > ROWS:
        left = tables.sum(axis=1) - tables[:, top].sum(axis=1)
        blank = [""] * (len(game.players) - 1)
        rows.append(row_html((f"and {len(played) - ROWS:,} more", *blank, *map(number_text, left.tolist()))))
    return _whole(game, solutions, [*rows, *_below(game, shown, len(game.players))])


def _dense(game: NormalFormGame, solution: Solution) -> Float:
    """The joint distribution of a solution, flat."""
    if solution.profile is not None:
        joint = np.ones(1)
        for block in game.blocks(solution.profile):
            joint = np.outer(joint, block).ravel()
        return joint
    assert solution.joint is not None
    return solution.joint.dense().ravel()


def _below(game: NormalFormGame, shown: Sequence[Solution], width: int) -> list[str]:
    """Under the strategies: values, the largest regret, and whatever else is to be said; labels are so many cells wide."""
    rows = []

    def add(label: str, name: str, cells: Sequence[str]) -> None:
        labels = [f"{label} {name}".strip()] if width == 1 else [label, name]
        rows.append(row_html((*labels, *[""] * (width - len(labels)), *cells)))

    for i, player in enumerate(game.players):
        add("Value" if i == 0 else "", player, [number_text(float(s.values[i])) for s in shown])
    if len(game.players) > 1:
        add("Sum", "", [number_text(float(s.values.sum())) for s in shown])
    add("Largest regret", "", [f"{s.certificate.max_regret:.2g}" for s in shown])
    if any(s.status != "converged" for s in shown):
        add("Status", "", [s.status.value for s in shown])
    return rows


def _whole(game: NormalFormGame, solutions: Sequence[Solution], rows: Sequence[str]) -> str:
    """The table under its title."""
    concepts = {s.concept for s in solutions}
    kind = _NAMES.get(concepts.pop(), "solutions") if len(concepts) == 1 else "solutions"
    if len(solutions) == 1:
        kind = kind.replace("equilibria", "equilibrium").replace("solutions", "solution")
    title = escape(game.title or "a game without a title")
    more = f" (the first {COLUMNS} of them)" if len(solutions) > COLUMNS else ""
    method = escape(", ".join(dict.fromkeys(s.method for s in solutions[:COLUMNS])))
    return (
        f"<div><b>{len(solutions):,} {kind} of {title}</b>{more} <small>{method}</small>"
        f"<table>{''.join(rows)}</table></div>"
    )


# --- fits -------------------------------------------------------------------------------------------------


def fit_html(fit: Fit) -> str:
    """An estimate with its interval, the likelihoods it stands between, and fitted beside observed frequencies."""
    game = fit.game
    low, high = (number_text(end) if math.isfinite(end) else "infinity" for end in fit.interval)
    error = "" if math.isnan(fit.standard_error) else f", standard error {number_text(fit.standard_error)}"
    likelihoods = (
        ("QRE", fit.log_likelihood),
        ("uniform play", fit.log_likelihood_uniform),
        ("observed frequencies (best possible)", fit.log_likelihood_saturated),
    )
    table = row_html(("Model", "Log-likelihood"), "th") + "".join(
        row_html((name, f"{value:.6f}")) for name, value in likelihoods
    )
    title = escape(game.title or "a game without a title")
    return (
        f"<div><b>Logit QRE of {title}, fitted to {number_text(float(fit.counts.sum()))} choices</b> "
        f"<small>maximum likelihood, {escape(fit.status.value)}</small>"
        f"<div>lambda = <b>{number_text(fit.lam)}</b>, {100 * fit.level:g}% interval {low} to {high}{error}</div>"
        f"<table>{table}</table><table>{_fitted_rows(fit)}</table>"
        f"<div>Certificate: {escape(certificate_text(fit.solution.certificate))}</div></div>"
    )


def _fitted_rows(fit: Fit) -> str:
    """One row per action of the blocks that were observed: its count, its share, its probability in the QRE."""
    game = fit.game
    shares = simplices.normalise(fit.counts, game.offsets)
    where = "Information set" if isinstance(game, TreeGame) else "Player"
    rows = [row_html((where, "Action", "Count", "Observed", "QRE"), "th")]
    for h, (first, last) in enumerate(zip(game.offsets[:-1].tolist(), game.offsets[1:].tolist())):
        if not fit.counts[first:last].any():
            continue
        for k in range(first, last):
            if len(rows) > ROWS:
                return "".join([*rows, row_html(("and more", "", "", "", ""))])
            name = _block_name(game, h) if k == first else ""
            told = (number_text(float(fit.counts[k])), *map(_share, (shares[k], fit.profile[k])))
            rows.append(row_html((name, game.actions[h][k - first], *told)))
    return "".join(rows)


def _block_name(game: Any, h: int) -> str:
    if isinstance(game, TreeGame):
        return f"{game.players[game.owner[h]]}: {game.infosets[h]}"
    return str(game.players[h])


def _share(p: np.floating[Any]) -> str:
    return probability_text(float(p))


# --- joint policies  --------------------------------------------------------------------------


def gap_html(gap: NetworkGap) -> str:
    """What every player of a joint policy earns, and could earn by its best response."""
    rows = [row_html(("", "Value", "Best response", "Gain"), "th")]
    for i, (value, best, gain) in enumerate(zip(gap.values, gap.best, gap.gains)):
        rows.append(row_html((f"player {i}", number_text(value), number_text(best), f"{gain:.3g}")))
    within = f", best responses to within {gap.error:.2g}" if gap.error else ""
    return f"<div><b>Nash gap</b> {number_text(gap.gap)}{within}<table>{''.join(rows)}</table></div>"
