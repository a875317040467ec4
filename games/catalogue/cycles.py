"""Games without a resting point: rock-paper-scissors and its kin, Shapley's and Jordan's cycles, Morra."""

from __future__ import annotations

import numpy as np

from games.catalogue.entry import Known, Source, check_range, register
from games.normal import NormalFormGame

_RPS = ("Rock", "Paper", "Scissors")
_THIRD = (1 / 3, 1 / 3, 1 / 3)


@register(
    "rock-paper-scissors",
    Source(
        "Maynard Smith", 1982, "Evolution and the Theory of Games", "Cambridge University Press", "Appendix D"
    ),
    Known(pure_nash=(), nash=((_THIRD, _THIRD),), value=0.0, ce_welfare=0.0, cce_welfare=0.0),
    Known(at={"win": 2}, pure_nash=(), nash=((_THIRD, _THIRD),)),
    aliases=("rps",),
)
def rock_paper_scissors(win: float = 1, loss: float = -1, tie: float = 0) -> NormalFormGame:
    """Rock-paper-scissors with payoffs for a win, a loss and a tie (zero-sum when win = -loss and tie = 0)."""
    return NormalFormGame.symmetric(
        [[tie, loss, win], [win, tie, loss], [loss, win, tie]],
        actions=(_RPS,) * 2,
        title="Rock-paper-scissors",
    )


@register(
    "biased-rock-paper-scissors",
    Source(
        "Kaplansky",
        1945,
        "A Contribution to von Neumann's Theory of Games",
        "Annals of Mathematics",
        "46(3), 474-479 (solution of skew 3x3 games)",
    ),
    Known(pure_nash=(), nash=(((1 / 4, 1 / 2, 1 / 4),) * 2,), value=0.0),
    Known(at={"paper": 0.5, "rock": 1, "scissors": 0.1}, nash=(((1 / 16, 10 / 16, 5 / 16),) * 2,), value=0.0),
    aliases=("brps", "biased-rps"),
)
def biased_rock_paper_scissors(paper: float = 1, rock: float = 2, scissors: float = 1) -> NormalFormGame:
    """Zero-sum rock-paper-scissors in which winning with each hand has its own stake.

    The optimal mix is proportional to (scissors, rock, paper): each hand as often as the other two meet for much.
    """
    for name, stake in (("paper", paper), ("rock", rock), ("scissors", scissors)):
        check_range(name, stake, 0)
    return NormalFormGame.zero_sum(
        [[0, -paper, rock], [paper, 0, -scissors], [-rock, scissors, 0]],
        actions=(_RPS,) * 2,
        title="Biased rock-paper-scissors",
    )


@register(
    "rps-lizard-spock",
    Source("Kass and Bryla", 2005, "Rock Paper Scissors Spock Lizard", "samkass.com/theories/RPSSL.html"),
    Known(pure_nash=(), nash=(((0.2,) * 5, (0.2,) * 5),), value=0.0, ce_welfare=0.0),
)
def rps_lizard_spock() -> NormalFormGame:
    """Rock-paper-scissors-lizard-Spock: five hands, each beats two and loses to two."""
    hands = ("Rock", "Spock", "Paper", "Lizard", "Scissors")  # each beats the two before it on this circle
    ahead = (np.arange(5)[:, None] - np.arange(5)) % 5
    return NormalFormGame.zero_sum(
        np.select([ahead == 0, ahead <= 2], [0, 1], -1),
        actions=(hands,) * 2,
        title="Rock-paper-scissors-lizard-Spock",
    )


@register(
    "shapley",
    Source(
        "Shapley",
        1964,
        "Some Topics in Two-Person Games",
        "Advances in Game Theory (Annals of Mathematics Studies 52)",
        "pp. 1-28",
    ),
    Known(pure_nash=(), nash=((_THIRD, _THIRD),), ce_welfare=1.0, cce_welfare=1.0),
)
def shapley() -> NormalFormGame:
    """Shapley's game: fictitious play cycles forever, with ever longer runs."""
    return NormalFormGame.bimatrix(
        np.eye(3),
        np.roll(np.eye(3), 1, axis=1),
        actions=(("Top", "Middle", "Bottom"), ("Left", "Centre", "Right")),
        title="Shapley's game",
    )


@register(
    "jordan",
    Source(
        "Jordan",
        1993,
        "Three Problems in Learning Mixed-Strategy Nash Equilibria",
        "Games and Economic Behavior",
        "5(3), 368-386",
    ),
    Known(pure_nash=(), nash=(((0.5, 0.5),) * 3,), ce_welfare=2.0, cce_welfare=2.0),
    aliases=("jordan-matching-pennies", "matching-pennies-3"),
)
def jordan(win: float = 1, loss: float = 0) -> NormalFormGame:
    """Jordan's three-player matching pennies: 1 matches 2, 2 matches 3, 3 mismatches 1; learning cycles."""
    a, b, c = np.indices((2, 2, 2))
    wins = np.stack([a == b, b == c, c != a])
    return NormalFormGame(
        np.where(wins, win, loss),
        actions=(("Heads", "Tails"),) * 3,
        title="Jordan's three-player matching pennies",
    )


@register(
    "morra",
    Source("Chvátal", 1983, "Linear Programming", "W. H. Freeman", "ch. 15, Matrix games"),
    Known(
        pure_nash=(),
        nash=(((0, 7 / 12, 5 / 12, 0),) * 2, ((0, 3 / 5, 2 / 5, 0), (0, 4 / 7, 3 / 7, 0))),
        value=0.0,
    ),
)
def morra(fingers: int = 2) -> NormalFormGame:
    """Morra: show 1 to n fingers and guess the other's; a lone right guess wins the total shown."""
    check_range("fingers", fingers, 1, 30)
    hands = [(show, guess) for show in range(1, fingers + 1) for guess in range(1, fingers + 1)]
    show, guess = np.array(hands).T
    right = guess[:, None] == show  # the row player guesses the column player
    gain = (right.astype(int) - right.T.astype(int)) * (show[:, None] + show)
    names = tuple(f"show {s} guess {g}" for s, g in hands)
    return NormalFormGame.zero_sum(gain, actions=(names,) * 2, title=f"Morra, {fingers} fingers")
