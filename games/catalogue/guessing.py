"""Depth of reasoning: what others will do, what they think that others will do, and so on."""

from __future__ import annotations

import numpy as np

from games.catalogue.entry import Known, Source, check_range, register
from games.catalogue.grids import check_players, check_shape, lowest, mesh_of, names_of, total
from games.errors import InputError
from games.normal import NormalFormGame


@register(
    "travellers-dilemma",
    Source(
        "Basu",
        1994,
        "The Traveler's Dilemma: Paradoxes of Rationality in Game Theory",
        "American Economic Review",
        "84(2), 391-395",
    ),
    Known(pure_nash=((0, 0),)),
    Known(at={"low": 2, "high": 6}, pure_nash=((0, 0),), ce_welfare=4.0),
    aliases=("travelers-dilemma",),
)
def travellers_dilemma(low: int = 2, high: int = 100, bonus: float = 2) -> NormalFormGame:
    """Traveller's dilemma: both get the lower claim, the lower claimant a bonus that the other pays."""
    check_range("high", high, low)
    check_shape((high - low + 1,) * 2, "travellers-dilemma")
    claim = np.arange(low, high + 1, dtype=float)
    own, other = claim[:, None], claim[None, :]
    return NormalFormGame.symmetric(
        np.minimum(own, other) + bonus * np.sign(other - own),
        actions=(names_of(claim),) * 2,
        title="Traveller's dilemma",
    )


_REQUEST_MIX = (0, 0, 0, 0, 0.25, 0.25, 0.2, 0.15, 0.1, 0.05)


@register(
    "money-request-11-20",
    Source(
        "Arad and Rubinstein",
        2012,
        "The 11-20 Money Request Game: A Level-k Reasoning Study",
        "American Economic Review",
        "102(7), 3561-3573",
    ),
    Known(pure_nash=(), nash=((_REQUEST_MIX, _REQUEST_MIX),)),
    aliases=("11-20",),
)
def money_request(low: int = 11, high: int = 20, bonus: float = 20) -> NormalFormGame:
    """11-20 money request: you get what you ask for, and a bonus for asking exactly one less than the other."""
    check_range("high", high, low)
    check_shape((high - low + 1,) * 2, "money-request-11-20")
    ask = np.arange(low, high + 1, dtype=float)
    own, other = ask[:, None], ask[None, :]
    return NormalFormGame.symmetric(
        own + bonus * (own == other - 1), actions=(names_of(ask),) * 2, title="11-20 money request"
    )


@register(
    "beauty-contest",
    Source(
        "Nagel",
        1995,
        "Unraveling in Guessing Games: An Experimental Study",
        "American Economic Review",
        "85(5), 1313-1326",
    ),
    Known(pure_nash=((0, 0, 0),)),
    Known(at={"players": 2}, pure_nash=((0, 0),)),
    aliases=("guess-two-thirds", "p-beauty-contest"),
)
def beauty_contest(
    players: int = 3, high: float = 10, step: float = 1, p: float = 2 / 3, prize: float = 1
) -> NormalFormGame:
    """Beauty contest: whoever names the number closest to p times the average wins; ties share the prize."""
    check_range("high", high, 0)
    if step <= 0:
        raise InputError(f"parameter step={step:g} must be positive")
    count = high / step + 1e-9
    if count > 10**6:
        raise InputError(f"a grid of {count:.3g} numbers is too fine; raise step or lower high")
    levels = np.arange(int(count) + 1) * step
    shape = check_players(players, len(levels), "beauty-contest")
    mesh = mesh_of(players, levels.tolist())
    target = p / players * total(mesh)
    closest = lowest([np.abs(own - target) for own in mesh]) + 1e-9 * max(
        high, step
    )  # ties differ by rounding
    payoffs = np.empty((players, *shape))
    for i, own in enumerate(mesh):
        payoffs[i] = np.abs(own - target) <= closest
    payoffs *= prize / payoffs.sum(axis=0)
    return NormalFormGame(
        payoffs, actions=(names_of(levels.tolist()),) * players, title=f"{p:.3g}-beauty contest"
    )


@register(
    "bernheim",
    Source("Bernheim", 1984, "Rationalizable Strategic Behavior", "Econometrica", "52(4), 1007-1028"),
    Known(pure_nash=((1, 1),), nash=(((0, 1, 0, 0), (0, 1, 0, 0)),)),
)
def bernheim() -> NormalFormGame:
    """Bernheim's 4x4 game: one equilibrium, but three strategies of each player are rationalizable."""
    return NormalFormGame.bimatrix(
        [[0, 2, 7, 0], [5, 3, 5, 0], [7, 2, 0, 0], [0, 0, 0, 10]],
        [[7, 5, 0, 1], [2, 3, 2, 1], [0, 5, 7, 1], [0, -2, 0, -1]],
        actions=(("a1", "a2", "a3", "a4"), ("b1", "b2", "b3", "b4")),
        title="Bernheim's rationalizability example",
    )
