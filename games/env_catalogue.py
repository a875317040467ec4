"""The environments that have a name, for lists: one or more examples of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Listed:
    """An environment as it is listed.

    Parameters
    ----------
    uri : str
        What `games.make_env` takes.
    summary : str
        What it is, in a line.
    needs : tuple of str
        Modules of other libraries, from the extra `envs`, without which it cannot be made.
    """

    uri: str
    summary: str
    needs: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        """The kind: what stands before the colon."""
        return self.uri.partition(":")[0]

    def missing(self) -> list[str]:
        """Which of the modules it needs are not installed here."""
        return [name for name in self.needs if find_spec(name) is None]


def environments() -> tuple[Listed, ...]:
    """Every listed environment, kind after kind.

    Examples
    --------
    >>> [one.uri for one in environments() if one.scheme == "swarm"]
    ['swarm:aggregation?agents=100', 'swarm:kuramoto?agents=100&kappa=0.5', 'swarm:vicsek?agents=100']
    """
    return _OURS + _THEIRS


_OURS = (
    Listed("foraging:8x8-2p-3f", "Level-based foraging: two players, some food takes both to load"),
    Listed("foraging:8x8-2p-2f-coop", "Level-based foraging: all food takes both players"),
    Listed("foraging:2s-10x10-3p-3f", "Level-based foraging: three players who see two cells far"),
    Listed("foraging:15x15-4p-5f", "Level-based foraging: four players in a large field"),
    Listed(
        "foraging:grid-2s-8x8-2p-3f", "Level-based foraging: players see layers of cells instead of lists"
    ),
    Listed(
        "foraging:8x8-3p-3f-pen?reward=team", "Level-based foraging: failed loads cost, rewards are shared"
    ),
    Listed(
        "coordination:bits?agents=3", "Coordination game: bits of a state to be matched by common actions"
    ),
    Listed("coordination:aloha?agents=10", "Aloha: neighbours who send at once lose both packets"),
    Listed("coordination:gather", "Gather: meet at a place that only some know"),
    Listed("coordination:climbing", "The climbing game: two agents, a risky optimum"),
    Listed(
        "coordination:penalty?k=-100&steps=25",
        "The penalty game: two optima, a large loss for missing each other",
    ),
    Listed("coordination:climb?agents=5", "Climbing for any number of agents"),
    Listed(
        "coordination:matrix?game=zoo:pure-coordination&actions=4", "A common-payoff game, played many times"
    ),
    Listed(
        "repeated:prisoners-dilemma?rounds=200",
        "The repeated prisoner's dilemma, with the last round in view",
    ),
    Listed("repeated:chicken?rounds=50&memory=2", "Repeated chicken with two rounds in view"),
    Listed(
        "repeated:stag-hunt?continuation=0.95&noise=0.01",
        "The repeated stag hunt, of random length and with slips",
    ),
    Listed("repeated:public-goods?rounds=20", "The repeated public-goods game"),
    Listed(
        "swarm:aggregation?agents=100",
        "A swarm that shall gather in one place",
    ),
    Listed("swarm:kuramoto?agents=100&kappa=0.5", "Coupled oscillators that shall swing together"),
    Listed("swarm:vicsek?agents=100", "Self-driven particles that shall fly in one direction"),
    Listed("mfg:crowd?agents=50", "A mean-field game with 50 agents: near the middle, but not in the crowd"),
    Listed(
        "mfg:sis?agents=200",
        "A mean-field game with 200 agents: go out, or keep one's distance in an epidemic",
    ),
    Listed(
        "economy:gather-trade-build?agents=4",
        "Workers gather, trade, build and pay taxes; a planner sets the rates",
    ),
    Listed(
        "economy:gather-trade-build?size=small&agents=4&tax=federal",
        "The same in a fifth of the time, under US federal rates",
    ),
    Listed(
        "economy:one-step?agents=100", "Workers choose how much to work once; a planner has set the rates"
    ),
    Listed("mpe:simple-spread?N=3", "Particles cover as many posts without colliding, as in mpe2"),
    Listed(
        "mpe:simple-spread?N=3&continuous=true", "Particles cover posts, pushed by any force up to a bound"
    ),
    Listed("mpe:simple-tag", "Three slow adversaries hunt a faster particle among obstacles"),
    Listed("mpe:simple-speaker-listener", "One agent knows the goal and speaks, the other moves"),
    Listed("zoo:chicken", "Any game in normal form, one joint move per episode"),
    Listed("openspiel:leduc_poker?compiled=true", "A game tree, compiled: Leduc poker"),
)
_THEIRS = (
    Listed("openspiel:leduc_poker", "A game of OpenSpiel: Leduc poker"),
    Listed("openspiel:kuhn_poker(players=3)", "A game of OpenSpiel: Kuhn poker for three"),
    Listed("openspiel:connect_four", "A game of OpenSpiel: connect four"),
    Listed(
        "openspiel:goofspiel(num_cards=4,imp_info=True,points_order=descending)",
        "A game of OpenSpiel in which both bid at once",
    ),
    Listed("openspiel:matrix_rps", "A game of OpenSpiel: rock, paper, scissors"),
    Listed(
        "pettingzoo:mpe2.simple_spread_v3?N=3",
        "Three agents cover three landmarks without colliding",
        ("mpe2",),
    ),
    Listed("pettingzoo:mpe2.simple_tag_v3", "Three pursuers hunt a faster evader", ("mpe2",)),
    Listed("pettingzoo:classic.connect_four_v3", "Connect four of PettingZoo", ("pygame",)),
    Listed("pettingzoo:classic.tictactoe_v3", "Tic-tac-toe of PettingZoo", ("pygame",)),
    Listed(
        "pettingzoo:butterfly.knights_archers_zombies_v11",
        "Knights and archers against zombies; players die",
        ("pygame",),
    ),
    Listed(
        "gymnasium:lbforaging/Foraging-8x8-2p-3f-v3",
        "Level-based foraging by its own library",
        ("lbforaging",),
    ),
    Listed("gymnasium:rware/rware-tiny-2ag-v2", "Two robots fetch shelves in a warehouse", ("rware",)),
    Listed("gymnasium:CartPole-v1", "A single agent balances a pole"),
)
