"""Strategies for repeated games, by name.

`POLICIES` maps a name to a factory: ``factory(spec)`` makes the policy for all agents of a repeated game,
``factory(spec, agent)`` that of one of them. Those called scripted play two-player games of two actions; the last five
play any repeated normal-form game.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from games.env import EnvSpec
from games.errors import InputError
from games.normal import NormalFormGame
from games.policy import Policy
from games.strategies.automata import AUTOMATA
from games.strategies.grudges import (
    Aggravater,
    Doubler,
    FoolMeOnce,
    ForgetfulGrudger,
    Forgiver,
    GrudgerAlternator,
    InversePunisher,
    OnceBitten,
    Relenting,
    Retaliate,
    SoftGrudger,
)
from games.strategies.memory_one import MemoryOne, Payoffs, generous, linear_relation
from games.strategies.patterns import (
    Capri,
    Cycler,
    Machine,
    Password,
    Prober,
    Prober4,
    TrickyCooperator,
    TrickyDefector,
)
from games.strategies.replies import BestReply, FictitiousPlay, LevelK
from games.strategies.tit_for_tat import (
    AdaptiveTitForTat,
    ContriteTitForTat,
    GoByMajority,
    Gradual,
    Grudger,
    HardTitForTat,
    HardTitForTwoTats,
    OmegaTitForTat,
    OriginalGradual,
    Punisher,
    SlowTitForTwoTats,
    SneakyTitForTat,
    SpitefulTitForTat,
    TitForTwoTats,
    TitsForTats,
    TwoTitsForTat,
)
from games.strategies.tournament import (
    Adaptive,
    Champion,
    Davis,
    Downing,
    Feld,
    Graaskamp,
    Nydegger,
    RevisedDowning,
    Shubik,
    SteinAndRapoport,
    Tester,
    TidemanAndChieruzzi,
    Tullock,
)

__all__ = [
    "POLICIES",
    "SCRIPTED",
    "BestReply",
    "FictitiousPlay",
    "LevelK",
    "MemoryOne",
    "Payoffs",
    "linear_relation",
    "make_policy",
]

Factory = Callable[..., Policy]


def _memory_one(name: str, start: float, *after: float) -> Factory:
    def factory(spec: EnvSpec, agent: str | None = None) -> Policy:
        return MemoryOne(start, after, name)

    return factory


def _plain(kind: Callable[..., Any], **settings: Any) -> Factory:
    def factory(spec: EnvSpec, agent: str | None = None) -> Policy:
        policy: Policy = kind(**settings)
        return policy

    return factory


def _with_pay(kind: Callable[[Payoffs], Policy]) -> Factory:
    def factory(spec: EnvSpec, agent: str | None = None) -> Policy:
        return kind(payoffs_of(spec, agent))

    return factory


def _with_game(kind: Callable[..., Policy], **settings: Any) -> Factory:
    def factory(spec: EnvSpec, agent: str | None = None) -> Policy:
        game = getattr(spec, "game", None)
        if not isinstance(game, NormalFormGame):
            raise InputError(f"{spec.name} is not a repeated normal-form game, which this policy needs")
        return kind(game, None if agent is None else (_seat(spec, agent),), **settings)

    return factory


def payoffs_of(spec: EnvSpec, agent: str | None = None) -> Payoffs:
    """What the game pays an agent (the first by default), as a prisoner's dilemma; the usual payoffs if it is unknown."""
    game = getattr(spec, "game", None)
    if not isinstance(game, NormalFormGame) or game.shape != (2, 2):
        return Payoffs()
    seat = 0 if agent is None else _seat(spec, agent)
    own = game.payoffs[seat] if seat == 0 else game.payoffs[seat].T
    return Payoffs(*(float(own[cell]) for cell in ((0, 0), (1, 1), (0, 1), (1, 0))))


def known_rounds(spec: EnvSpec) -> int | None:
    """How long a match is, where its length is fixed."""
    return spec.horizon if getattr(spec, "continuation", 1.0) == 1.0 else None


def _seat(spec: EnvSpec, agent: str) -> int:
    if agent not in spec.agents:
        raise InputError(f"{spec.name} has no agent {agent!r}; it has {', '.join(spec.agents)}")
    return spec.agents.index(agent)


SCRIPTED: Mapping[str, Factory] = {
    "cooperator": _memory_one("Cooperator", 1, 1, 1, 1, 1),
    "defector": _memory_one("Defector", 0, 0, 0, 0, 0),
    "random-half": _memory_one("Random", 0.5, 0.5, 0.5, 0.5, 0.5),
    "alternator": _memory_one("Alternator", 1, 0, 0, 1, 1),
    "tit-for-tat": _memory_one("TitForTat", 1, 1, 0, 1, 0),
    "suspicious-tit-for-tat": _memory_one("SuspiciousTitForTat", 0, 1, 0, 1, 0),
    "anti-tit-for-tat": _memory_one("AntiTitForTat", 1, 0, 1, 0, 1),
    "bully": _memory_one("Bully", 0, 0, 1, 0, 1),
    "win-stay-lose-shift": _memory_one("WinStayLoseShift", 1, 1, 0, 0, 1),
    "appeaser": _memory_one("Appeaser", 1, 1, 0, 0, 1),
    "joss": _memory_one("Joss", 1, 0.9, 0, 0.9, 0),
    "grofman": _memory_one("Grofman", 1, 1, 2 / 7, 2 / 7, 1),
    "anonymous": _memory_one("Anonymous", 0.5, 0.5, 0.5, 0.5, 0.5),
    "firm-but-fair": _memory_one("FirmButFair", 1, 1, 0, 1, 2 / 3),
    "stochastic-cooperator": _memory_one("StochasticCooperator", 1, 0.935, 0.229, 0.266, 0.42),
    "repeater": _memory_one("Repeater", 0.6, 1, 1, 0, 0),
    "generous-tit-for-tat": _with_pay(generous),
    "zd-extort-2": _with_pay(lambda pay: linear_relation(1 / 9, 0.5, pay.punishment, pay)),
    "zd-extort-3": _with_pay(lambda pay: linear_relation(3 / 26, 1 / 3, pay.punishment, pay)),
    "zd-gtft-2": _with_pay(lambda pay: linear_relation(0.25, 0.5, pay.reward, pay)),
    "zd-set-2": _with_pay(lambda pay: linear_relation(0.25, 0.0, 2.0, pay)),
    "tit-for-two-tats": _plain(TitForTwoTats),
    "two-tits-for-tat": _plain(TwoTitsForTat),
    "hard-tit-for-tat": _plain(HardTitForTat),
    "hard-tit-for-two-tats": _plain(HardTitForTwoTats),
    "contrite-tit-for-tat": _plain(ContriteTitForTat),
    "omega-tit-for-tat": _plain(OmegaTitForTat),
    "gradual": _plain(Gradual),
    "grudger": _plain(Grudger),
    "punisher": _plain(Punisher),
    "soft-majority": _plain(GoByMajority),
    "hard-majority": _plain(GoByMajority, soft=False),
    "soft-majority-10": _plain(GoByMajority, window=10),
    "davis": _plain(Davis),
    "shubik": _plain(Shubik),
    "nydegger": _plain(Nydegger),
    "graaskamp": _plain(Graaskamp),
    "downing": _with_pay(Downing),
    "revised-downing": _plain(RevisedDowning),
    "stein-and-rapoport": lambda spec, agent=None: SteinAndRapoport(rounds=known_rounds(spec)),
    "tideman-and-chieruzzi": lambda spec, agent=None: TidemanAndChieruzzi(
        known_rounds(spec), payoffs_of(spec, agent)
    ),
    "feld": _plain(Feld),
    "tullock": _plain(Tullock),
    "champion": _plain(Champion),
    "tester": _plain(Tester),
    "adaptive": _plain(Adaptive),
    "prober": _plain(Prober, opening="DCC", expected={1: "C", 2: "C"}, then="D"),
    "prober-2": _plain(Prober, opening="DCC", expected={1: "D", 2: "C"}, then="C"),
    "prober-3": _plain(Prober, opening="DC", expected={1: "C"}, then="D"),
    "hard-prober": _plain(Prober, opening="DDCC", expected={1: "C", 2: "C"}, then="D"),
    "detective": _plain(Prober, opening="CDCC", expected=dict.fromkeys(range(4), "C"), then="D"),
    "prober-4": _plain(Prober4),
    "handshake": _plain(Password, opening="CD", expected={0: "C", 1: "D"}, then="C", otherwise="D"),
    "gradual-killer": _plain(Password, opening="DDDDDCC", expected={5: "D", 6: "D"}, then="D", otherwise="C"),
    "win-shift-lose-stay": _memory_one("WinShiftLoseStay", 0, 0, 1, 1, 0),
    "three-tits-for-two-tats": _plain(TitsForTats),
    "sneaky-tit-for-tat": _plain(SneakyTitForTat),
    "spiteful-tit-for-tat": _plain(SpitefulTitForTat),
    "slow-tit-for-two-tats": _plain(SlowTitForTwoTats),
    "adaptive-tit-for-tat": _plain(AdaptiveTitForTat),
    "forgiving-tit-for-tat": _plain(Forgiver, mirror=True),
    "original-gradual": _plain(OriginalGradual),
    "fool-me-once": _plain(FoolMeOnce),
    "spiteful-cc": _plain(Davis, patience=2),
    "aggravater": _plain(Aggravater),
    "easy-go": _plain(Relenting, move="D"),
    "opposite-grudger": _plain(Relenting, move="C"),
    "grudger-alternator": _plain(GrudgerAlternator),
    "forgetful-grudger": _plain(ForgetfulGrudger),
    "once-bitten": _plain(OnceBitten),
    "soft-grudger": _plain(SoftGrudger),
    "inverse-punisher": _plain(InversePunisher),
    "level-punisher": _plain(Forgiver, one_in=5, patience=10),
    "forgiver": _plain(Forgiver),
    "doubler": _plain(Doubler),
    "retaliate": _plain(Retaliate),
    "limited-retaliate": _plain(Retaliate, limit=20),
    "tricky-cooperator": _plain(TrickyCooperator),
    "tricky-defector": _plain(TrickyDefector),
    "capri": _plain(Capri),
    **{f"soft-majority-{w}": _plain(GoByMajority, window=w) for w in (5, 20, 40)},
    **{f"hard-majority-{w}": _plain(GoByMajority, soft=False, window=w) for w in (5, 10, 20, 40)},
    **{f"cycler-{c.lower()}": _plain(Cycler, cycle=c) for c in ("DC", "DDC", "CCD", "CCCD", "CCCDCD")},
    **{name: _plain(Machine, name=name, start=told[0], states=told[1:]) for name, told in AUTOMATA.items()},
}
"""Strategies for two players with two actions each: the first is to cooperate, the second to defect."""

POLICIES: Mapping[str, Factory] = {
    **SCRIPTED,
    "fictitious-play": _with_game(FictitiousPlay),
    "best-reply": _with_game(BestReply),
    "level-1": _with_game(LevelK, level=1),
    "level-2": _with_game(LevelK, level=2),
    "cognitive-hierarchy": _with_game(LevelK, level=4, mean=1.5),
}
"""All strategies for repeated games."""


def make_policy(name: str, spec: EnvSpec, agent: str | None = None) -> Policy:
    """The strategy of this name for an environment, or for one agent of it.

    Raises
    ------
    InputError
        With the nearest name if there is none, or if it does not fit the environment.

    Examples
    --------
    >>> from games import make_env
    >>> make_policy("tit-for-tat", make_env("repeated:prisoners-dilemma").spec)
    TitForTat(1, (1, 0, 1, 0))
    """
    from difflib import get_close_matches

    if name not in POLICIES:
        near = get_close_matches(name.lower().replace("_", "-").replace(" ", "-"), POLICIES, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(POLICIES))}"
        raise InputError(f"there is no strategy {name!r:.60}; {hint}")
    if name in SCRIPTED:
        for group in spec.groups:
            shape = len(spec.agents), group.width, group.depth % 4
            if shape != (2, 2, 0) or group.depth == 0:
                raise InputError(
                    f"{name} plays repeated games of two players with two actions each, and {spec.name} is not one"
                )
    return POLICIES[name](spec, agent)
