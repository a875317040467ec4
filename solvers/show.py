"""How numbers, certificates and solutions read: plain text for tables, HTML for notebooks."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from games.joint import Joint, Mixture
from games.meanfield import MeanFieldModel
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan

if TYPE_CHECKING:
    from solvers.certificate import Certificate
    from solvers.solution import Solution
    from solvers.taxation_certificate import TaxCertificate

TINY = 1e-6
ROWS = 30
_CELL = "padding:1px 10px 1px 0;text-align:left;font-variant-numeric:tabular-nums"


def probability_text(p: float) -> str:
    """Six decimals; "0" and "1" only when exact, otherwise "<1e-06" and ">0.999999".

    >>> [probability_text(p) for p in (0.0, 1e-9, 0.25, 1 - 1e-12, 1.0)]
    ['0', '<1e-06', '0.250000', '>0.999999', '1']
    """
    if p in (0.0, 1.0):
        return str(int(p))
    if p < TINY:
        return "<1e-06"
    return ">0.999999" if p > 1 - TINY else f"{p:.6f}"


def number_text(x: float) -> str:
    """Seven significant digits, and no "-0".

    >>> [number_text(x) for x in (-0.0, 1 / 3, 1e9, 1e-9)]
    ['0', '0.3333333', '1e+09', '1e-09']
    """
    return f"{x + 0.0:.7g}"


def certificate_text(certificate: Certificate) -> str:
    """The certificate in a sentence of plain words.

    For a Nash equilibrium: "no player can gain more than 1.2e-12 by deviating (3e-13 of the payoff range)".
    """
    c = certificate
    share = f"{c.max_regret / c.span:.2g} of the payoff range" if c.span > 0 else "all payoffs are equal"
    if c.concept == "alpharank":
        return f"the ranking changes by {_small(c.residual or 0.0)} in one step of its own Markov chain"
    verb = {
        "ce": "by swapping recommended actions",
        "cce": "by playing any fixed action instead of the recommendations",
        "efce": "by turning from the recommendations when one is seen",
        "efcce": "by turning from the recommendations before one is seen",
        "bayes-net": "by another policy that knows the same of the others' actions",
    }.get(c.concept, "by deviating")
    if c.bound == "lower":
        text = f"some player can gain at least {_small(c.max_regret)} {verb} ({share}); nothing is certified"
    elif c.max_regret == 0.0:
        text = f"no player can gain anything {verb}"
    else:
        text = f"no player can gain more than {_small(c.max_regret)} {verb} ({share})"
    if c.concept == "qre":
        text = (
            f"every probability is within {_small(c.residual or 0.0)} of its logit response; "
            f"in payoffs perturbed by entropy {text}"
        )
    if c.slack > 0:
        text += f", plus {_small(c.slack)} for sampling error with probability {1 - c.delta:.6g}"
    return text


def _small(x: float) -> str:
    return "infinity" if math.isinf(x) else f"{x + 0.0:.2g}"


def ranked_cells(
    joint: Joint | Mixture, limit: int
) -> tuple[list[tuple[tuple[int, ...], float]], int, float]:
    """The `limit` likeliest profiles with their probabilities, how many others there are, and their total mass.

    A mixture over more profiles than can be spread out is summarised by nothing: the list is empty.
    """
    if isinstance(joint, Mixture):
        if math.prod(joint.shape) > 10**7:
            return [], -1, 1.0
        joint = joint.joint()
    order = np.argsort(-joint.probs, kind="stable")
    top = [(tuple(int(a) for a in joint.cells[k]), float(joint.probs[k])) for k in order[:limit]]
    rest = order[limit:]
    return top, int(rest.size), float(joint.probs[rest].sum())


# --- HTML -------------------------------------------------------------------------------------------------


def certificate_html(certificate: Certificate) -> str:
    """A certificate as an HTML fragment."""
    rows = "".join(
        f"<tr><td style='{_CELL}'>player {i}</td><td style='{_CELL}'>{number_text(v)}</td>"
        f"<td style='{_CELL}'>{r:.3g}</td></tr>"
        for i, (v, r) in enumerate(zip(certificate.values, certificate.regret))
    )
    return (
        f"<div><b>Certificate</b> ({escape(certificate.concept)}, {escape(certificate.bound)}): "
        f"{escape(certificate_text(certificate))}<table><tr><th style='{_CELL}'></th>"
        f"<th style='{_CELL}'>value</th><th style='{_CELL}'>regret</th></tr>{rows}</table></div>"
    )


def tax_certificate_html(certificate: TaxCertificate) -> str:
    """How far a schedule and its workers are from equilibrium."""
    c = certificate
    rates = ", ".join(f"{100 * rate:.4g}%" for rate in c.rates[:ROWS])
    bound = "exactly" if c.bound == "exact" else "at least"
    lines = [
        ("Rates by bracket", rates + (", ..." if len(c.rates) > ROWS else "")),
        ("Welfare", number_text(c.welfare)),
        ("Welfare with workers who answer best", number_text(c.ideal)),
        ("Planner's regret", f"{bound} {c.planner_regret:.3g}"),
        ("Largest regret of a worker", f"{c.max_regret:.3g} coin"),
        ("Workers' regret over what work gains them", f"{c.relative:.3g}"),
    ]
    return f"<div><b>Certificate of taxes</b><table>{''.join(map(row_html, lines))}</table></div>"


def solution_html(solution: Solution) -> str:
    """A solution as an HTML fragment: strategies, values and the certificate's sentence."""
    game = solution.game
    title = f"{solution.concept.upper()} of {game.title or 'a game without a title'}"
    told = ", ".join(f"{key} = {value}" for key, value in solution.parameters.items() if value is not None)
    players = ("every agent",) if isinstance(game, MeanFieldModel) else game.players
    values = ", ".join(f"{name} {number_text(v)}" for name, v in zip(players, solution.values))
    if isinstance(game, MeanFieldModel):
        body = _policy_rows(game, solution.strategy)
    elif isinstance(game, TreeGame):
        body = _behavior_rows(game, solution.strategy)
    elif solution.profile is not None:
        body = _profile_rows(game, solution.profile)
    else:
        body = _joint_rows(game, solution.joint)
    return (
        f"<div><b>{escape(title)}</b> <small>{escape(solution.method)}, {escape(solution.status.value)}"
        f"{', ' + escape(told) if told else ''}</small>"
        f"<table>{body}</table><div>Values: {escape(values)}</div>"
        f"<div>Certificate: {escape(certificate_text(solution.certificate))}</div></div>"
    )


def _profile_rows(game: Any, profile: Any) -> str:
    rows = []
    for player, names, block in zip(game.players, game.actions, game.blocks(profile)):
        order = np.argsort(-block, kind="stable")[:ROWS]
        for k in sorted(order.tolist()):
            cells = (player if k == min(order.tolist()) else "", names[k], probability_text(float(block[k])))
            rows.append(row_html(cells))
        if block.size > ROWS:
            rows.append(row_html(("", f"and {block.size - ROWS} more", "")))
    return row_html(("Player", "Action", "Probability"), "th") + "".join(rows)


def _policy_rows(model: MeanFieldModel, policy: Any) -> str:
    """What is done where most agents are: one row per step, with the fullest state."""
    states = model.flow(policy).states
    rows = [row_html(("Step", "Fullest state", "Share", "Actions and probabilities"), "th")]
    for t, rule in enumerate(policy):
        if len(rows) > ROWS:
            rows.append(row_html((f"and {model.horizon - ROWS:,} more", "", "", "")))
            break
        x = int(states[t].argmax())
        told = "  ".join(
            f"{name} {probability_text(float(p))}" for name, p in zip(model.action_names, rule[x]) if p > 0
        )
        rows.append(row_html((str(t), model.state_names[x], probability_text(float(states[t, x])), told)))
    return "".join(rows)


def _behavior_rows(game: TreeGame, strategy: Any) -> str:
    """One row per information set; correlated play by each player's average."""
    from solvers.average_play import average_behavior

    behavior = average_behavior(game, strategy)
    rows = [row_html(("Player", "Information set", "Actions and probabilities"), "th")]
    for owner, name, names, block in game.rows(behavior) if behavior is not None else ():
        if len(rows) > ROWS:
            rows.append(row_html(("", f"and {len(game.owner) - ROWS:,} more", "")))
            break
        order = sorted(np.argsort(-block, kind="stable")[:ROWS].tolist())
        told = "  ".join(f"{names[k]} {probability_text(float(block[k]))}" for k in order)
        rows.append(row_html((game.players[owner], name, told)))
    if isinstance(strategy, BehaviorMixture):
        rows.append(row_html((f"the average of a mixture of {len(strategy):,} behaviour profiles", "", "")))
    if isinstance(strategy, CorrelationPlan):
        rows.append(
            row_html((f"the average of a plan over {len(strategy.prob):,} pairs of sequences", "", ""))
        )
    return "".join(rows)


def _joint_rows(game: Any, joint: Any) -> str:
    top, others, mass = ranked_cells(joint, ROWS)
    rows = [row_html((*game.players, "Probability"), "th")]
    for cell, prob in top:
        rows.append(row_html((*(game.actions[i][a] for i, a in enumerate(cell)), probability_text(prob))))
    if others:
        label = f"and {others} more" if others > 0 else f"a mixture of {joint.weights.size} product profiles"
        rows.append(row_html((label, *[""] * (len(game.players) - 1), probability_text(mass))))
    return "".join(rows)


def row_html(cells: Any, tag: str = "td") -> str:
    """A row of a table; everything in it is escaped."""
    return "<tr>" + "".join(f"<{tag} style='{_CELL}'>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
