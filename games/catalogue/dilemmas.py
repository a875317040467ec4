"""Many players, private interest against the common good."""

from __future__ import annotations

import math

import numpy as np

from games.catalogue.entry import Known, Source, check_range, register
from games.catalogue.grids import count, from_levels, from_names, lowest, total
from games.errors import InputError
from games.normal import NormalFormGame


@register(
    "public-goods",
    Source(
        "Isaac and Walker",
        1988,
        "Group Size Effects in Public Goods Provision: The Voluntary Contributions Mechanism",
        "Quarterly Journal of Economics",
        "103(1), 179-199",
    ),
    Known(pure_nash=((0, 0, 0, 0),), ce_welfare=16.0, cce_welfare=16.0),
    Known(at={"players": 2, "endowment": 3, "multiplier": 3}, pure_nash=((3, 3),), ce_welfare=18.0),
)
def public_goods(players: int = 4, endowment: int = 4, multiplier: float = 1.6) -> NormalFormGame:
    """Linear public goods: contributions are multiplied and shared equally; keep everything if multiplier < players."""
    check_range("endowment", endowment, 1)
    return from_levels(
        players,
        range(endowment + 1),
        total,
        lambda own, given: endowment - own + multiplier / players * given,
        "Public goods game",
    )


def _volunteer_mix(players: int, benefit: float, cost: float) -> tuple[tuple[float, float], ...]:
    refuse = (cost / benefit) ** (1 / (players - 1))
    return ((1 - refuse, refuse),) * players


@register(
    "volunteers-dilemma",
    Source("Diekmann", 1985, "Volunteer's Dilemma", "Journal of Conflict Resolution", "29(4), 605-610"),
    Known(pure_nash=((0, 1, 1), (1, 0, 1), (1, 1, 0)), nash=(_volunteer_mix(3, 2, 1),), ce_welfare=5.0),
    Known(at={"players": 5, "benefit": 100, "cost": 50}, pure_count=5, nash=(_volunteer_mix(5, 100, 50),)),
)
def volunteers_dilemma(players: int = 3, benefit: float = 2, cost: float = 1) -> NormalFormGame:
    """Volunteer's dilemma: one volunteer, at a cost, is enough for everybody."""
    return from_names(
        players,
        ("Volunteer", "Wait"),
        lowest,
        lambda own, least: benefit * (least == 0) - cost * (own == 0),
        "Volunteer's dilemma",
    )


@register(
    "tragedy-of-the-commons",
    Source(
        "Hardin",
        1968,
        "The Tragedy of the Commons",
        "Science",
        "162, 1243-1248 (model: Gibbons 1992, section 1.2.D)",
    ),
    Known(pure_nash=((2, 4), (3, 3), (4, 2)), ce_welfare=18.0, cce_welfare=18.0),
)
def tragedy_of_the_commons(
    players: int = 2, herd: int = 9, capacity: float = 10, cost: float = 1
) -> NormalFormGame:
    """Tragedy of the commons: each grazes 0 to `herd` animals, worth capacity minus the total, at a cost each."""
    check_range("herd", herd, 1)
    return from_levels(
        players,
        range(herd + 1),
        total,
        lambda own, grazing: own * (np.maximum(capacity - grazing, 0) - cost),
        "Tragedy of the commons",
    )


@register(
    "diners-dilemma",
    Source(
        "Glance and Huberman", 1994, "The Dynamics of Social Dilemmas", "Scientific American", "270(3), 76-81"
    ),
    Known(pure_nash=((1, 1, 1),), ce_welfare=0.0, cce_welfare=0.0),
)
def diners_dilemma(
    players: int = 3, dear: float = 30, cheap: float = 10, dear_joy: float = 30, cheap_joy: float = 18
) -> NormalFormGame:
    """Unscrupulous diner's dilemma: everybody orders, and the bill is split equally."""
    if dear < cheap:
        raise InputError("the game needs dear >= cheap")
    return from_names(
        players,
        ("Cheap", "Dear"),
        total,
        lambda own, dishes: (
            np.where(own > 0, dear_joy, cheap_joy) - cheap - (dear - cheap) * dishes / players
        ),
        "Diner's dilemma",
    )


@register(
    "participation",
    Source(
        "Palfrey and Rosenthal",
        1984,
        "Participation and the Provision of Discrete Public Goods: A Strategic Analysis",
        "Journal of Public Economics",
        "24(2), 171-193",
    ),
    Known(pure_count=math.comb(4, 2) + 1),
)
def participation(
    players: int = 4, threshold: int = 2, benefit: float = 3, cost: float = 1
) -> NormalFormGame:
    """Threshold public good without refund: provided to all if at least `threshold` players pay."""
    check_range("threshold", threshold, 1)
    return from_names(
        players,
        ("Pay", "Keep"),
        lambda mesh: count(mesh, 0),
        lambda own, paid: benefit * (paid >= threshold) - cost * (own == 0),
        "Participation game",
    )
