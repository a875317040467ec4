"""Common interest, in whole or in part: which equilibrium, rather than whether."""

from __future__ import annotations

import numpy as np

from games.catalogue.entry import Known, Numbers, Source, check_range, register
from games.catalogue.grids import check_shape, from_levels, lowest
from games.errors import InputError
from games.normal import NormalFormGame

_CLAUS_BOUTILIER = Source(
    "Claus and Boutilier",
    1998,
    "The Dynamics of Reinforcement Learning in Cooperative Multiagent Systems",
    "AAAI-98",
    "pp. 746-752",
)


@register(
    "pure-coordination",
    Source("Schelling", 1960, "The Strategy of Conflict", "Harvard University Press", "ch. 3"),
    Known(
        pure_nash=((0, 0), (1, 1), (2, 2)),
        nash=(((1 / 3,) * 3,) * 2, ((1 / 2, 1 / 2, 0),) * 2),
        ce_welfare=2.0,
    ),
    Known(at={"actions": 2}, pure_nash=((0, 0), (1, 1)), nash=(((1 / 2, 1 / 2),) * 2,), ce_welfare=2.0),
)
def pure_coordination(actions: int = 3, payoff: float = 1) -> NormalFormGame:
    """Pure coordination: two players gain by doing the same, whatever it is."""
    check_range("actions", actions, 1)
    check_shape((actions, actions), "pure-coordination")
    return NormalFormGame.common_payoff(
        payoff * np.eye(actions), title=f"Pure coordination, {actions} actions"
    )


@register(
    "ranked-coordination",
    Source(
        "Harsanyi and Selten",
        1988,
        "A General Theory of Equilibrium Selection in Games",
        "MIT Press",
        "ch. 3",
    ),
    Known(pure_nash=((0, 0), (1, 1)), nash=(((1 / 3, 2 / 3),) * 2,), ce_welfare=4.0, cce_welfare=4.0),
    Known(at={"payoffs": (1.01, 1, 1)}, pure_nash=((0, 0), (1, 1), (2, 2))),
)
def ranked_coordination(payoffs: Numbers = (2, 1)) -> NormalFormGame:
    """Coordination on a diagonal of unequal payoffs, such as payoffs=2,1 or 1.01,1,1."""
    if not payoffs:
        raise InputError("parameter payoffs needs at least one number")
    check_shape((len(payoffs),) * 2, "ranked-coordination")
    return NormalFormGame.common_payoff(np.diag(payoffs), title="Ranked coordination")


@register(
    "minimum-effort",
    Source(
        "Van Huyck, Battalio and Beil",
        1990,
        "Tacit Coordination Games, Strategic Uncertainty, and Coordination Failure",
        "American Economic Review",
        "80(1), 234-248, payoff table A",
    ),
    Known(pure_nash=tuple((k, k, k) for k in range(7)), ce_welfare=3.9, cce_welfare=3.9),
    Known(at={"players": 2, "efforts": 4}, pure_nash=tuple((k, k) for k in range(4))),
    aliases=("weakest-link",),
)
def minimum_effort(
    players: int = 3, efforts: int = 7, benefit: float = 0.2, cost: float = 0.1, base: float = 0.6
) -> NormalFormGame:
    """Minimum effort (weakest link): everyone is paid for the least effort and bears the own."""
    check_range("efforts", efforts, 1)
    return from_levels(
        players,
        range(1, efforts + 1),
        lowest,
        lambda own, least: benefit * least - cost * own + base,
        "Minimum-effort coordination",
    )


@register(
    "climbing",
    _CLAUS_BOUTILIER,
    Known(pure_nash=((0, 0), (1, 1)), ce_welfare=22.0, cce_welfare=22.0),
)
def climbing() -> NormalFormGame:
    """Climbing game: a common payoff whose best cell is guarded by heavy penalties."""
    return NormalFormGame.common_payoff(
        [[11, -30, 0], [-30, 7, 6], [0, 0, 5]],
        actions=(("a0", "a1", "a2"), ("b0", "b1", "b2")),
        title="Climbing game",
    )


@register(
    "penalty",
    _CLAUS_BOUTILIER,
    Known(pure_nash=((0, 0), (1, 1), (2, 2)), ce_welfare=20.0, cce_welfare=20.0),
    Known(at={"k": -3}, pure_nash=((0, 0), (1, 1), (2, 2))),
)
def penalty(k: float = -100) -> NormalFormGame:
    """Penalty game: two equally good common-payoff equilibria, a penalty k for missing each other, and a safe one."""
    return NormalFormGame.common_payoff(
        [[10, 0, k], [0, 2, 0], [k, 0, 10]],
        actions=(("a0", "a1", "a2"), ("b0", "b1", "b2")),
        title=f"Penalty game, k = {k:g}",
    )


@register(
    "aumann-three-player",
    Source(
        "Aumann",
        1974,
        "Subjectivity and Correlation in Randomized Strategies",
        "Journal of Mathematical Economics",
        "1(1), 67-96, section 2 (also Osborne and Rubinstein 1994, Exercise 48.1)",
    ),
    Known(correlated=(((0, 0, 1), 0.5), ((1, 1, 1), 0.5)), ce_welfare=6.0),
)
def aumann_three_player() -> NormalFormGame:
    """Aumann's three-player game: a coin that the third player does not see makes (2, 2, 2) an equilibrium."""
    payoffs = np.zeros((3, 2, 2, 3))
    payoffs[:, 0, 0, 0] = 0, 0, 3
    payoffs[:, 1, 0, 0] = 1, 0, 0
    payoffs[:, 0, 0, 1] = payoffs[:, 1, 1, 1] = 2
    payoffs[:, 1, 0, 2] = 0, 1, 0
    payoffs[:, 1, 1, 2] = 0, 0, 3
    return NormalFormGame(
        payoffs,
        actions=(("Top", "Bottom"), ("Left", "Right"), ("A", "B", "C")),
        title="Aumann's three-player correlated equilibrium",
    )
