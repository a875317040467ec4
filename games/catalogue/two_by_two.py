"""Two players, two actions: the social situations that the whole field argues about.

Payoff names for symmetric 2x2 games: reward (both cooperate), temptation and sucker (one defects), punishment.
"""

from __future__ import annotations

from games.catalogue.entry import Known, Source, check_range, register
from games.errors import InputError
from games.normal import NormalFormGame

_GOEREE_HOLT = Source(
    "Goeree and Holt",
    2001,
    "Ten Little Treasures of Game Theory and Ten Intuitive Contradictions",
    "American Economic Review",
    "91(5), 1402-1422, Table 1",
)
_TWO = (("Cooperate", "Defect"),) * 2


def _social(r: float, s: float, t: float, p: float, title: str) -> NormalFormGame:
    return NormalFormGame.symmetric([[r, s], [t, p]], actions=_TWO, title=title)


def _require(holds: bool, order: str) -> None:
    if not holds:
        raise InputError(f"the game needs {order}")


@register(
    "prisoners-dilemma",
    Source(
        "Axelrod", 1984, "The Evolution of Cooperation", "Basic Books", "Figure 1, p. 8 (story: Tucker 1950)"
    ),
    Known(pure_nash=((1, 1),), nash=(((0, 1), (0, 1)),), ce_welfare=2.0, cce_welfare=2.0),
    aliases=("pd",),
)
def prisoners_dilemma(
    temptation: float = 5, reward: float = 3, punishment: float = 1, sucker: float = 0
) -> NormalFormGame:
    """Prisoner's dilemma: defecting dominates, and both would rather both cooperate."""
    _require(temptation > reward > punishment > sucker, "temptation > reward > punishment > sucker")
    return _social(reward, sucker, temptation, punishment, "Prisoner's dilemma")


@register(
    "chicken",
    Source(
        "Aumann",
        1974,
        "Subjectivity and Correlation in Randomized Strategies",
        "Journal of Mathematical Economics",
        "1(1), 67-96, Example 2.7",
    ),
    Known(
        pure_nash=((0, 1), (1, 0)),
        nash=(((2 / 3, 1 / 3), (2 / 3, 1 / 3)),),
        ce_welfare=10.5,
        cce_welfare=10.5,
        correlated=(((0, 0), 0.5), ((0, 1), 0.25), ((1, 0), 0.25)),
    ),
)
def chicken(reward: float = 6, sucker: float = 2, temptation: float = 7, crash: float = 0) -> NormalFormGame:
    """Chicken: a correlation device beats every Nash equilibrium."""
    _require(temptation > reward > sucker > crash, "temptation > reward > sucker > crash")
    return NormalFormGame.symmetric(
        [[reward, sucker], [temptation, crash]], actions=(("Yield", "Dare"),) * 2, title="Chicken"
    )


@register(
    "stag-hunt",
    Source(
        "Aumann",
        1990,
        "Nash Equilibria are not Self-Enforcing",
        "Economic Decision-Making: Games, Econometrics and Optimisation",
        "pp. 201-206 (story: Rousseau 1755)",
    ),
    Known(
        pure_nash=((0, 0), (1, 1)),
        nash=(((7 / 8, 1 / 8), (7 / 8, 1 / 8)),),
        ce_welfare=18.0,
        cce_welfare=18.0,
    ),
)
def stag_hunt(stag: float = 9, alone: float = 0, hare: float = 8, both_hare: float = 7) -> NormalFormGame:
    """Stag hunt: the efficient equilibrium is the risky one."""
    _require(stag > hare >= both_hare > alone, "stag > hare >= both_hare > alone")
    return NormalFormGame.symmetric(
        [[stag, alone], [hare, both_hare]], actions=(("Stag", "Hare"),) * 2, title="Stag hunt"
    )


@register(
    "battle-of-the-sexes",
    Source(
        "Osborne and Rubinstein",
        1994,
        "A Course in Game Theory",
        "MIT Press",
        "Example 15.3 (story: Luce and Raiffa 1957)",
    ),
    Known(
        pure_nash=((0, 0), (1, 1)), nash=(((2 / 3, 1 / 3), (1 / 3, 2 / 3)),), ce_welfare=3.0, cce_welfare=3.0
    ),
    aliases=("bos", "bach-or-stravinsky"),
)
def battle_of_the_sexes(favourite: float = 2, other: float = 1, apart: float = 0) -> NormalFormGame:
    """Battle of the sexes: both want to meet, each at a favourite place."""
    _require(favourite > other > apart, "favourite > other > apart")
    return NormalFormGame.bimatrix(
        [[favourite, apart], [apart, other]],
        [[other, apart], [apart, favourite]],
        actions=(("Bach", "Stravinsky"),) * 2,
        title="Battle of the sexes",
    )


@register(
    "matching-pennies",
    Source("Osborne and Rubinstein", 1994, "A Course in Game Theory", "MIT Press", "Example 17.1"),
    Known(pure_nash=(), nash=(((0.5, 0.5), (0.5, 0.5)),), value=0.0, ce_welfare=0.0, cce_welfare=0.0),
)
def matching_pennies(stake: float = 1) -> NormalFormGame:
    """Matching pennies: the row player wins on a match, the column player otherwise."""
    return NormalFormGame.zero_sum(
        [[stake, -stake], [-stake, stake]], actions=(("Heads", "Tails"),) * 2, title="Matching pennies"
    )


@register(
    "asymmetric-matching-pennies",
    _GOEREE_HOLT,
    Known(pure_nash=(), nash=(((1 / 2, 1 / 2), (1 / 8, 7 / 8)),)),
    Known(at={"x": 44}, pure_nash=(), nash=(((1 / 2, 1 / 2), (10 / 11, 1 / 11)),)),
    Known(at={"x": 80}, pure_nash=(), nash=(((1 / 2, 1 / 2), (1 / 2, 1 / 2)),)),
)
def asymmetric_matching_pennies(x: float = 320) -> NormalFormGame:
    """Matching pennies in cents with one odd payoff x (320, 44 or 80): Nash says that only the other player reacts."""
    return NormalFormGame.bimatrix(
        [[x, 40], [40, 80]],
        [[40, 80], [80, 40]],
        actions=(("Top", "Bottom"), ("Left", "Right")),
        title=f"Asymmetric matching pennies, x = {x:g}",
    )


@register(
    "ochs-matching-pennies",
    Source(
        "Ochs",
        1995,
        "Games with Unique, Mixed Strategy Equilibria: An Experimental Study",
        "Games and Economic Behavior",
        "10(1), 202-217",
    ),
    Known(pure_nash=(), nash=(((1 / 2, 1 / 2), (1 / 10, 9 / 10)),)),
    Known(at={"x": 4}, pure_nash=(), nash=(((1 / 2, 1 / 2), (1 / 5, 4 / 5)),)),
    Known(at={"x": 1}, pure_nash=(), nash=(((1 / 2, 1 / 2), (1 / 2, 1 / 2)),)),
)
def ochs_matching_pennies(x: float = 9) -> NormalFormGame:
    """Matching pennies in which the row player's first match pays x (9, 4 or 1 in the experiment)."""
    check_range("x", x, 0)
    return NormalFormGame.bimatrix(
        [[x, 0], [0, 1]],
        [[0, 1], [1, 0]],
        actions=(("A", "B"),) * 2,
        title=f"Ochs's matching pennies, x = {x:g}",
    )


@register(
    "hawk-dove",
    Source(
        "Maynard Smith and Price",
        1973,
        "The Logic of Animal Conflict",
        "Nature",
        "246, 15-18 (matrix: Maynard Smith 1982, ch. 2)",
    ),
    Known(pure_nash=((0, 1), (1, 0)), nash=(((1 / 2, 1 / 2), (1 / 2, 1 / 2)),)),
    Known(at={"value": 3, "cost": 4}, pure_nash=((0, 1), (1, 0)), nash=(((3 / 4, 1 / 4), (3 / 4, 1 / 4)),)),
    Known(at={"value": 4, "cost": 2}, pure_nash=((0, 0),)),
    aliases=("snowdrift",),
)
def hawk_dove(value: float = 2, cost: float = 4) -> NormalFormGame:
    """Hawk-dove: fight for a resource or share it; hawks are a fraction value/cost of the stable population."""
    return NormalFormGame.symmetric(
        [[(value - cost) / 2, value], [0, value / 2]], actions=(("Hawk", "Dove"),) * 2, title="Hawk-dove"
    )


@register(
    "deadlock",
    Source(
        "Oye",
        1985,
        "Explaining Cooperation under Anarchy: Hypotheses and Strategies",
        "World Politics",
        "38(1), 1-24",
    ),
    Known(pure_nash=((1, 1),), ce_welfare=4.0, cce_welfare=4.0),
)
def deadlock(
    temptation: float = 3, punishment: float = 2, reward: float = 1, sucker: float = 0
) -> NormalFormGame:
    """Deadlock: defecting dominates, and both prefer that both defect."""
    _require(temptation > punishment > reward > sucker, "temptation > punishment > reward > sucker")
    return _social(reward, sucker, temptation, punishment, "Deadlock")


@register(
    "harmony",
    Source(
        "Oye",
        1985,
        "Explaining Cooperation under Anarchy: Hypotheses and Strategies",
        "World Politics",
        "38(1), 1-24",
    ),
    Known(pure_nash=((0, 0),), ce_welfare=6.0, cce_welfare=6.0),
)
def harmony(
    reward: float = 3, temptation: float = 2, sucker: float = 1, punishment: float = 0
) -> NormalFormGame:
    """Harmony: cooperating dominates and is best for both."""
    _require(
        reward > temptation and sucker > punishment and reward > punishment,
        "reward > temptation, sucker > punishment and reward > punishment",
    )
    return _social(reward, sucker, temptation, punishment, "Harmony")


@register(
    "inspection",
    Source("Fudenberg and Tirole", 1991, "Game Theory", "MIT Press", "Example 1.7, p. 17"),
    Known(pure_nash=(), nash=(((1 / 4, 3 / 4), (1 / 2, 1 / 2)),)),
)
def inspection(
    wage: float = 4, effort: float = 2, inspecting: float = 1, product: float = 5
) -> NormalFormGame:
    """Inspection game: a worker may shirk, a principal may pay to look; shirking has probability inspecting/wage."""
    _require(wage > effort > inspecting > 0, "wage > effort > inspecting > 0")
    return NormalFormGame.bimatrix(
        [[0, wage], [wage - effort, wage - effort]],
        [[-inspecting, -wage], [product - wage - inspecting, product - wage]],
        players=("Agent", "Principal"),
        actions=(("Shirk", "Work"), ("Inspect", "Trust")),
        title="Inspection game",
    )


@register(
    "penalty-kick",
    Source(
        "Palacios-Huerta", 2003, "Professionals Play Minimax", "Review of Economic Studies", "70(2), 395-415"
    ),
    Known(pure_nash=(), nash=(((0.2299 / 0.5966, 0.3667 / 0.5966), (0.2505 / 0.5966, 0.3461 / 0.5966)),)),
)
def penalty_kick() -> NormalFormGame:
    """Penalty kick: scoring rates (per cent) of professionals by kicker's and goalkeeper's side; constant-sum."""
    scored = [[58.30, 94.97], [92.91, 69.92]]
    return NormalFormGame.bimatrix(
        scored,
        [[100 - rate for rate in row] for row in scored],
        players=("Kicker", "Goalkeeper"),
        actions=(("Left", "Right"),) * 2,
        title="Penalty kick",
    )


@register(
    "bismarck-sea",
    Source(
        "Haywood",
        1954,
        "Military Decision and Game Theory",
        "Journal of the Operations Research Society of America",
        "2(4), 365-385",
    ),
    Known(pure_nash=((0, 0),), value=2.0),
)
def bismarck_sea() -> NormalFormGame:
    """Battle of the Bismarck Sea: days of bombing by where one fleet searches and the other sails; zero-sum."""
    return NormalFormGame.zero_sum(
        [[2, 2], [1, 3]],
        players=("Kenney", "Imamura"),
        actions=(("Search north", "Search south"), ("Sail north", "Sail south")),
        title="Battle of the Bismarck Sea",
    )
