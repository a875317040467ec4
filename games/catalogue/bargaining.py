"""Dividing a pie: demands, offers and majorities on a grid."""

from __future__ import annotations

import numpy as np

from games.catalogue.entry import Known, Source, check_range, register
from games.catalogue.grids import check_shape, from_levels, names_of, total
from games.normal import NormalFormGame
from games.simplices import Float


@register(
    "nash-demand",
    Source("Nash", 1953, "Two-Person Cooperative Games", "Econometrica", "21(1), 128-140"),
    Known(pure_nash=(*((k, 10 - k) for k in range(11)), (10, 10)), ce_welfare=10.0, cce_welfare=10.0),
)
def nash_demand(players: int = 2, pie: int = 10) -> NormalFormGame:
    """Nash demand game: demands that fit in the pie are met, others get nothing."""
    check_range("pie", pie, 1)
    return from_levels(
        players, range(pie + 1), total, lambda own, asked: own * (asked <= pie), "Nash demand game"
    )


@register(
    "divide-the-dollar",
    Source(
        "Brams and Taylor",
        1994,
        "Divide the Dollar: Three Solutions and Extensions",
        "Theory and Decision",
        "37(2), 211-231",
    ),
    Known(pure_nash=((5, 5), (5, 6), (6, 5), (6, 6)), ce_welfare=10.0),
)
def divide_the_dollar(pie: int = 10) -> NormalFormGame:
    """Divide the dollar: demands that do not fit are served lowest first, so that asking for half is safe."""
    check_range("pie", pie, 1)
    check_shape((pie + 1,) * 2, "divide-the-dollar")
    demand = np.arange(pie + 1.0)
    own, other = demand[:, None], demand[None, :]
    greedy = np.select([own < other, own > other], [own + 0 * other, pie - other + 0 * own], pie / 2)
    return NormalFormGame.symmetric(
        np.where(own + other <= pie, own, greedy), actions=(names_of(demand),) * 2, title="Divide the dollar"
    )


@register(
    "ultimatum",
    Source(
        "Güth, Schmittberger and Schwarze",
        1982,
        "An Experimental Analysis of Ultimatum Bargaining",
        "Journal of Economic Behavior & Organization",
        "3(4), 367-388",
    ),
    Known(pure_nash=(*((k, k) for k in range(11)), (0, 10)), ce_welfare=10.0),
)
def ultimatum(pie: int = 10) -> NormalFormGame:
    """Ultimatum game: one offers, the other has set the least that is accepted (threshold strategies)."""
    check_range("pie", pie, 1)
    check_shape((pie + 1,) * 2, "ultimatum")
    offer, least = np.arange(pie + 1.0)[:, None], np.arange(pie + 1.0)[None, :]
    accepted = offer >= least
    levels = range(pie + 1)
    return NormalFormGame.bimatrix(
        accepted * (pie - offer),
        accepted * offer,
        players=("Proposer", "Responder"),
        actions=(tuple(f"offer {k}" for k in levels), tuple(f"accept {k} or more" for k in levels)),
        title="Ultimatum game",
    )


@register(
    "dictator",
    Source(
        "Forsythe, Horowitz, Savin and Sefton",
        1994,
        "Fairness in Simple Bargaining Experiments",
        "Games and Economic Behavior",
        "6(3), 347-369",
    ),
    Known(pure_nash=((0, 0),), ce_welfare=10.0),
)
def dictator(pie: int = 10) -> NormalFormGame:
    """Dictator game: one decides alone what to give; the other has a single action."""
    check_range("pie", pie, 1)
    check_shape((pie + 1, 1), "dictator")
    gift: Float = np.arange(pie + 1.0)[:, None]
    return NormalFormGame.bimatrix(
        pie - gift,
        gift,
        players=("Dictator", "Recipient"),
        actions=(tuple(f"give {k}" for k in range(pie + 1)), ("accept",)),
        title="Dictator game",
    )


@register(
    "majority-bargaining",
    Source(
        "Neumann and Morgenstern",
        1944,
        "Theory of Games and Economic Behavior",
        "Princeton University Press",
        "section 21, the three-person majority game",
    ),
    Known(
        pure_nash=((0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)),
        value=None,
        ce_welfare=0.0,
    ),
)
def majority_bargaining(prize: float = 1) -> NormalFormGame:
    """Three-person majority game: two who name each other take half a prize each from the third; zero-sum."""
    partner = ((1, 2), (0, 2), (0, 1))
    payoffs = np.zeros((3, 2, 2, 2))
    for profile in np.ndindex(2, 2, 2):
        named = [partner[i][profile[i]] for i in range(3)]
        for i in range(3):
            j = named[i]
            if i < j and named[j] == i:
                payoffs[(slice(None), *profile)] = -prize
                payoffs[(i, *profile)] = payoffs[(j, *profile)] = prize / 2
    return NormalFormGame(
        payoffs,
        actions=tuple(tuple(f"with Player {j + 1}" for j in pair) for pair in partner),
        title="Three-person majority game",
    )
