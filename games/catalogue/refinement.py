"""Small games built to separate solution concepts, or to have many equilibria."""

from __future__ import annotations

import numpy as np

from games.catalogue.entry import Known, Source, register
from games.normal import NormalFormGame


@register(
    "moulin-vial",
    Source(
        "Moulin and Vial",
        1978,
        "Strategically Zero-Sum Games: The Class of Games Whose Completely Mixed Equilibria Cannot Be Improved Upon",
        "International Journal of Game Theory",
        "7(3-4), 201-221",
    ),
    Known(pure_nash=((0, 0),), ce_welfare=6.0, cce_welfare=7.0),
)
def moulin_vial() -> NormalFormGame:
    """Moulin and Vial's game: one correlated equilibrium, and better coarse correlated ones."""
    return NormalFormGame.bimatrix(
        [[3, 1, 4], [1, 5, 0], [1, 0, 2]],
        [[3, 1, 1], [4, 2, 0], [1, 0, 5]],
        actions=(("Top", "Middle", "Bottom"), ("Left", "Centre", "Right")),
        title="Moulin and Vial's game",
    )


@register(
    "mckelvey-mclennan",
    Source(
        "McKelvey and McLennan",
        1997,
        "The Maximal Number of Regular Totally Mixed Nash Equilibria",
        "Journal of Economic Theory",
        "72(2), 411-425",
    ),
    Known(
        pure_nash=((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)),
        nash=(
            ((2 / 5, 3 / 5), (1 / 2, 1 / 2), (1 / 3, 2 / 3)),
            ((1 / 2, 1 / 2), (2 / 5, 3 / 5), (1 / 4, 3 / 4)),
        ),
    ),
)
def mckelvey_mclennan() -> NormalFormGame:
    """McKelvey and McLennan's 2x2x2 game: nine equilibria, two of them totally mixed."""
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[:, 0, 0, 0], payoffs[:, 1, 1, 0] = (9, 8, 12), (9, 8, 2)
    payoffs[:, 0, 1, 1] = payoffs[:, 1, 0, 1] = (3, 4, 6)
    return NormalFormGame(payoffs, title="McKelvey and McLennan's 2x2x2 game")


@register(
    "myerson-proper",
    Source(
        "Myerson",
        1978,
        "Refinements of the Nash Equilibrium Concept",
        "International Journal of Game Theory",
        "7(2), 73-80",
    ),
    Known(pure_nash=((0, 0), (1, 1), (2, 2)), ce_welfare=2.0),
)
def myerson_proper() -> NormalFormGame:
    """Myerson's 3x3 game: three Nash equilibria, two of them perfect, one proper."""
    return NormalFormGame.symmetric(
        [[1, 0, -9], [0, 0, -7], [-9, -7, -7]], title="Myerson's proper equilibrium example"
    )
