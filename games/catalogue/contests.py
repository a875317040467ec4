"""Contests: Colonel Blotto, and sealed-bid auctions in which the values are known to all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from games.catalogue.entry import Known, Numbers, Source, check_range, register
from games.catalogue.grids import Mesh, check_players, check_shape, count, highest, mesh_of, names_of
from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float

_VICKREY = Source(
    "Vickrey",
    1961,
    "Counterspeculation, Auctions, and Competitive Sealed Tenders",
    "Journal of Finance",
    "16(1), 8-37",
)


@register(
    "colonel-blotto",
    Source(
        "Borel",
        1921,
        "La théorie du jeu et les équations intégrales à noyau symétrique",
        "Comptes Rendus de l'Académie des Sciences",
        "173, 1304-1308",
    ),
    Known(pure_nash=(), value=0.0, ce_welfare=0.0),
    Known(at={"soldiers": 4, "enemy": 3, "fields": 2, "payoff": "captures"}, value=14 / 9),
    aliases=("blotto",),
)
def colonel_blotto(
    soldiers: int = 5,
    fields: int = 3,
    enemy: int = 0,
    payoff: Literal["fields", "majority", "captures"] = "fields",
) -> NormalFormGame:
    """Colonel Blotto: divide soldiers among fields; each field goes to the larger force.

    Payoffs are zero-sum: fields won minus lost ("fields"), plus or minus one for more fields ("majority"), or
    fields plus beaten enemies won minus lost ("captures", Dresher 1961). `enemy` is the other side's force if it
    differs.
    """
    check_range("soldiers", soldiers, 0, 10**6)
    check_range("enemy", enemy, 0, 10**6)
    check_range("fields", fields, 1, 10**3)
    forces = (soldiers, enemy or soldiers)
    check_shape([math.comb(n + fields - 1, fields - 1) for n in forces], "colonel-blotto")
    mine, theirs = (_divisions(n, fields) for n in forces)
    gain = np.zeros((len(mine), len(theirs)))
    for k in range(fields):
        a, b = mine[:, k][:, None], theirs[:, k]
        gain += np.sign(a - b) * (1 + np.minimum(a, b) if payoff == "captures" else 1)
    names = [tuple("-".join(map(str, row)) for row in table.tolist()) for table in (mine, theirs)]
    return NormalFormGame.zero_sum(
        np.sign(gain) if payoff == "majority" else gain, actions=names, title="Colonel Blotto"
    )


def _divisions(soldiers: int, fields: int) -> np.ndarray:
    """All ways to divide `soldiers` among `fields`, int[K, fields], in lexicographic order."""
    bars = list(itertools.combinations(range(soldiers + fields - 1), fields - 1))
    cuts = np.array(bars, dtype=np.int64).reshape(len(bars), fields - 1)
    edges = np.hstack([np.full((len(cuts), 1), -1), cuts, np.full((len(cuts), 1), soldiers + fields - 1)])
    return np.diff(edges, axis=1) - 1


def _auction(
    values: Numbers, title: str, price: Callable[[Mesh], Float] | None, all_pay: bool = False
) -> NormalFormGame:
    """Whole-number bids from 0 to the highest value; the highest bid wins, ties are drawn by lot.

    The winner pays `price(bids)` (by default the own bid); with `all_pay` everybody pays the own bid.
    """
    if len(values) < 2 or min(values) < 0:
        raise InputError(
            f"{title} needs the values of at least two bidders, none negative, such as values=8,5"
        )
    check_range("values", max(values), 0, 10**6)
    bids = range(int(max(values)) + 1)
    shape = check_players(len(values), len(bids), title)
    mesh = mesh_of(len(values), bids)
    top = highest(mesh)
    winners = count(mesh, top)
    payoffs = np.empty((len(values), *shape))
    for i, (own, value) in enumerate(zip(mesh, values)):
        gain = value if all_pay else value - (own if price is None else price(mesh))
        payoffs[i] = (own == top) * gain / winners - (own if all_pay else 0.0)
    return NormalFormGame(payoffs, actions=(names_of(bids),) * len(values), title=title)


def _second_highest(bids: Mesh) -> Float:
    top, second = bids[0], np.full_like(bids[0], -np.inf)
    for bid in bids[1:]:
        second = np.maximum(second, np.minimum(top, bid))
        top = np.maximum(top, bid)
    return second


@register(
    "first-price-auction",
    _VICKREY,
    Known(pure_nash=((5, 4), (6, 5), (7, 6))),
    Known(at={"values": (4, 4)}, pure_nash=((2, 2), (3, 3), (4, 4))),
)
def first_price_auction(values: Numbers = (8, 5)) -> NormalFormGame:
    """First-price auction: whole-number bids, the highest wins and pays its bid, ties are drawn by lot."""
    return _auction(values, "First-price auction", None)


@register("second-price-auction", _VICKREY, Known(at={"values": (3, 2)}, pure_count=8))
def second_price_auction(values: Numbers = (8, 5)) -> NormalFormGame:
    """Second-price (Vickrey) auction: the highest bid wins and pays the second highest; bidding one's value is dominant."""
    return _auction(values, "Second-price auction", _second_highest)


@register(
    "all-pay-auction",
    Source(
        "Baye, Kovenock and de Vries",
        1996,
        "The All-Pay Auction with Complete Information",
        "Economic Theory",
        "8(2), 291-305",
    ),
    Known(pure_nash=(), nash=(((0.2,) * 5 + (0,),) * 2,)),
)
def all_pay_auction(values: Numbers = (5, 5)) -> NormalFormGame:
    """All-pay auction: the highest bid wins, everybody pays their own."""
    return _auction(values, "All-pay auction", None, all_pay=True)


@register(
    "war-of-attrition",
    Source(
        "Maynard Smith",
        1974,
        "The Theory of Games and the Evolution of Animal Conflicts",
        "Journal of Theoretical Biology",
        "47(1), 209-221",
    ),
    Known(at={"value": 2, "longest": 2}, pure_nash=((0, 2), (2, 0))),
)
def war_of_attrition(value: float = 5, longest: int = 8) -> NormalFormGame:
    """War of attrition: who waits longer gets the prize, both pay for the time until the first leaves."""
    check_range("longest", longest, 0)
    check_shape((longest + 1,) * 2, "war-of-attrition")
    time = np.arange(longest + 1.0)
    own, other = time[:, None], time[None, :]
    return NormalFormGame.symmetric(
        value * (1 + np.sign(own - other)) / 2 - np.minimum(own, other),
        actions=(names_of(time),) * 2,
        title="War of attrition",
    )
