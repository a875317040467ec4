"""Games played in turns, in reduced strategic form: plans that differ only where play cannot lead are one."""

from __future__ import annotations

import itertools

import numpy as np

from games.catalogue.entry import Known, Source, check_range, register
from games.catalogue.grids import check_shape
from games.normal import NormalFormGame

_SELTEN_1975 = Source(
    "Selten",
    1975,
    "Reexamination of the Perfectness Concept for Equilibrium Points in Extensive Games",
    "International Journal of Game Theory",
    "4(1), 25-55",
)


@register(
    "centipede",
    Source(
        "McKelvey and Palfrey",
        1992,
        "An Experimental Study of the Centipede Game",
        "Econometrica",
        "60(4), 803-836, Figure 1",
    ),
    Known(pure_nash=((0, 0),)),
    Known(at={"moves": 6}, pure_nash=((0, 0),)),
)
def centipede(moves: int = 4, large: float = 0.4, small: float = 0.1, growth: float = 2) -> NormalFormGame:
    """Centipede: take the larger pile and end the game, or pass and let both piles grow; reduced normal form."""
    check_range("moves", moves, 1, 1000)
    sizes = ((moves + 1) // 2 + 1, moves // 2 + 1)
    check_shape(sizes, "centipede")
    # player 0 takes at its a-th turn, node 2a, player 1 at its b-th, node 2b + 1; the last action never takes
    first, second = 2 * np.arange(sizes[0])[:, None], 2 * np.arange(sizes[1])[None, :] + 1
    end = np.minimum(np.minimum(first, second), moves)
    taker_first = end % 2 == 0  # after the last pass the piles fall as if the next mover took them
    piles = large * growth**end, small * growth**end
    names = [(*(f"take at {k + 1}" for k in range(size - 1)), "pass") for size in sizes]
    return NormalFormGame.bimatrix(
        np.where(taker_first, *piles),
        np.where(taker_first, *piles[::-1]),
        actions=names,
        title=f"Centipede, {moves} moves",
    )


def _kuhn_mix() -> tuple[tuple[float, ...], ...]:
    """The equilibrium with alpha = 0: never bet first; call with the king, with the queen in 1 of 3; the second player
    bets the king and a third of the jacks, and calls with the king and a third of the queens."""
    first, second = np.zeros((3, 3, 3)), np.zeros((4, 4, 4))
    first[0, 0, 1], first[0, 1, 1] = 2 / 3, 1 / 3
    for (jack, p), (queen, q) in itertools.product(((0, 2 / 3), (1, 1 / 3)), ((0, 2 / 3), (2, 1 / 3))):
        second[jack, queen, 3] = p * q
    return tuple(first.ravel()), tuple(second.ravel())


@register(
    "kuhn-poker",
    Source(
        "Kuhn",
        1950,
        "A Simplified Two-Person Poker",
        "Contributions to the Theory of Games I (Annals of Mathematics Studies 24)",
        "pp. 97-103",
    ),
    Known(pure_nash=(), nash=(_kuhn_mix(),), value=-1 / 18, ce_welfare=0.0),
)
def kuhn_poker(ante: float = 1, bet: float = 1) -> NormalFormGame:
    """Kuhn poker: three cards, one bet; reduced normal form with 27 and 64 plans, worth -1/18 to the first player."""
    first = ("cf", "cc", "b")  # check then fold, check then call, bet
    second = ("fc", "fb", "cc", "cb")  # (fold or call) against a bet, (check or bet) after a check
    gain = np.zeros((3, 4, 2))
    for a, b, higher in np.ndindex(3, 4, 2):
        gain[a, b, higher] = _kuhn_hand(first[a], second[b], 1 if higher else -1, ante, bet)
    total = np.zeros((27, 64))
    plans_first = np.array(list(itertools.product(range(3), repeat=3)))
    plans_second = np.array(list(itertools.product(range(4), repeat=3)))
    for mine, other in itertools.permutations(range(3), 2):
        total += gain[plans_first[:, mine][:, None], plans_second[:, other], int(mine > other)]
    names = [
        tuple(" ".join(f"{card}:{kind[k]}" for card, k in zip("JQK", plan)) for plan in plans.tolist())
        for kind, plans in ((first, plans_first), (second, plans_second))
    ]
    return NormalFormGame.zero_sum(total / 6, actions=names, title="Kuhn poker")


def _kuhn_hand(first: str, second: str, sign: int, ante: float, bet: float) -> float:
    """What the first player wins with these plans for the cards held; sign is +1 with the higher card."""
    if first == "b":
        return ante if second[0] == "f" else sign * (ante + bet)
    if second[1] == "c":
        return sign * ante
    return -ante if first == "cf" else sign * (ante + bet)


@register(
    "selten-horse",
    Source(_SELTEN_1975.authors, 1975, _SELTEN_1975.title, _SELTEN_1975.where, "4(1), 25-55, Figure 1"),
    Known(pure_nash=((0, 0, 1), (1, 0, 0)), nash=(((1, 0), (1, 0), (0.25, 0.75)),)),
)
def selten_horse() -> NormalFormGame:
    """Selten's horse: three players, an equilibrium that only unreasonable beliefs support."""
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[:, 0, 0, :] = 1
    payoffs[:, 0, 1, 0], payoffs[:, 0, 1, 1] = (4, 4, 0), (0, 0, 1)
    payoffs[:, 1, :, 0] = np.array([3, 2, 2])[:, None]
    return NormalFormGame(payoffs, actions=(("R", "L"),) * 3, title="Selten's horse")


@register(
    "selten-perfectness",
    Source(_SELTEN_1975.authors, 1975, _SELTEN_1975.title, _SELTEN_1975.where, "4(1), 25-55, Figure 2"),
    Known(pure_nash=((0, 0),)),
)
def selten_perfectness() -> NormalFormGame:
    """Selten's 1975 two-player example in reduced normal form: a subgame perfect point that is not perfect."""
    return NormalFormGame.bimatrix(
        [[1, 1], [0, 0], [0, 2]],
        [[1, 1], [2, 3], [2, 0]],
        actions=(("R", "Lr", "Ll"), ("R", "L")),
        title="Selten's perfectness example",
    )


@register(
    "beer-quiche",
    Source(
        "Cho and Kreps",
        1987,
        "Signaling Games and Stable Equilibria",
        "Quarterly Journal of Economics",
        "102(2), 179-221, Figure 1",
    ),
    Known(pure_nash=((0, 1), (3, 2))),
)
def beer_quiche(surly: float = 0.9) -> NormalFormGame:
    """Beer-quiche signalling: breakfast tells, or hides, whether the sender is surly; strategic form."""
    check_range("surly", surly, 0, 1)
    meals, replies = ("Beer", "Quiche"), ("Duel", "Leave")
    senders = list(itertools.product((0, 1), repeat=2))  # meal of the surly type, meal of the wimp
    receivers = [(1, 1), (1, 0), (0, 1), (0, 0)]  # reply to beer, reply to quiche
    payoffs = np.zeros((2, 4, 4))
    for (a, plan), (b, reply) in itertools.product(enumerate(senders), enumerate(receivers)):
        for kind, weight in enumerate((surly, 1 - surly)):
            meal = plan[kind]
            left = reply[meal]
            payoffs[0, a, b] += weight * ((meal == kind) + 2 * left)
            payoffs[1, a, b] += weight * (left == (kind == 0))
    return NormalFormGame(
        payoffs,
        players=("Sender", "Receiver"),
        actions=(
            tuple(f"{meals[s]} if surly, {meals[w]} if not" for s, w in senders),
            tuple(f"{replies[x]} on beer, {replies[y]} on quiche" for x, y in receivers),
        ),
        title="Beer-quiche",
    )
