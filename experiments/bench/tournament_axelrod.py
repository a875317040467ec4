"""A round robin of deterministic strategies of the repeated prisoner's dilemma, against the Axelrod library."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, contender, run_duel
from experiments.bench.timing import Side

DETERMINISTIC: Mapping[str, str] = {
    "cooperator": "Cooperator",
    "defector": "Defector",
    "alternator": "Alternator",
    "tit-for-tat": "TitForTat",
    "suspicious-tit-for-tat": "SuspiciousTitForTat",
    "anti-tit-for-tat": "AntiTitForTat",
    "bully": "Bully",
    "win-stay-lose-shift": "WinStayLoseShift",
    "appeaser": "Appeaser",
    "tit-for-two-tats": "TitFor2Tats",
    "two-tits-for-tat": "TwoTitsForTat",
    "hard-tit-for-tat": "HardTitForTat",
    "hard-tit-for-two-tats": "HardTitFor2Tats",
    "contrite-tit-for-tat": "ContriteTitForTat",
    "omega-tit-for-tat": "OmegaTFT",
    "gradual": "Gradual",
    "grudger": "Grudger",
    "punisher": "Punisher",
    "soft-majority": "GoByMajority",
    "hard-majority": "HardGoByMajority",
    "soft-majority-10": "GoByMajority10",
    "davis": "FirstByDavis",
    "shubik": "FirstByShubik",
    "nydegger": "FirstByNydegger",
    "downing": "FirstByDowning",
    "revised-downing": "RevisedDowning",
    "stein-and-rapoport": "FirstBySteinAndRapoport",
    "tideman-and-chieruzzi": "FirstByTidemanAndChieruzzi",
    "tester": "SecondByTester",
    "adaptive": "Adaptive",
    "prober": "Prober",
    "prober-2": "Prober2",
    "prober-3": "Prober3",
    "hard-prober": "HardProber",
    "detective": "Detective",
    "prober-4": "Prober4",
    "handshake": "Handshake",
    "gradual-killer": "GradualKiller",
    "win-shift-lose-stay": "WinShiftLoseStay",
    "three-tits-for-two-tats": "NTitsForMTats",
    "sneaky-tit-for-tat": "SneakyTitForTat",
    "spiteful-tit-for-tat": "SpitefulTitForTat",
    "slow-tit-for-two-tats": "SlowTitForTwoTats2",
    "adaptive-tit-for-tat": "AdaptiveTitForTat",
    "forgiving-tit-for-tat": "ForgivingTitForTat",
    "original-gradual": "OriginalGradual",
    "fool-me-once": "FoolMeOnce",
    "spiteful-cc": "SpitefulCC",
    "aggravater": "Aggravater",
    "easy-go": "EasyGo",
    "opposite-grudger": "OppositeGrudger",
    "grudger-alternator": "GrudgerAlternator",
    "forgetful-grudger": "ForgetfulGrudger",
    "once-bitten": "OnceBitten",
    "soft-grudger": "SoftGrudger",
    "inverse-punisher": "InversePunisher",
    "level-punisher": "LevelPunisher",
    "forgiver": "Forgiver",
    "doubler": "Doubler",
    "retaliate": "Retaliate",
    "limited-retaliate": "LimitedRetaliate",
    "tricky-cooperator": "TrickyCooperator",
    "tricky-defector": "TrickyDefector",
    "capri": "Capri",
    "soft-majority-5": "GoByMajority5",
    "soft-majority-20": "GoByMajority20",
    "soft-majority-40": "GoByMajority40",
    "hard-majority-5": "HardGoByMajority5",
    "hard-majority-10": "HardGoByMajority10",
    "hard-majority-20": "HardGoByMajority20",
    "hard-majority-40": "HardGoByMajority40",
    "cycler-dc": "CyclerDC",
    "cycler-ddc": "CyclerDDC",
    "cycler-ccd": "CyclerCCD",
    "cycler-cccd": "CyclerCCCD",
    "cycler-cccdcd": "CyclerCCCDCD",
    "fortress-3": "Fortress3",
    "fortress-4": "Fortress4",
    "predator": "Predator",
    "pun-1": "Pun1",
    "raider": "Raider",
    "ripoff": "Ripoff",
    "usually-cooperates": "UsuallyCooperates",
    "usually-defects": "UsuallyDefects",
    "solution-b1": "SolutionB1",
    "solution-b5": "SolutionB5",
    "thumper": "Thumper",
}
"""Our deterministic strategies, and the library's classes that play the same."""

_PLAYERS, _REPETITIONS, _ROUNDS = 50, 10, 200


def rows() -> list[Row]:
    """The first fifty strategies, everybody against everybody and a copy of itself; the peer with its table of results,
    and only playing."""
    what = f"{_PLAYERS} deterministic strategies, {_REPETITIONS} repetitions, {_ROUNDS} rounds"
    return [
        Row(
            f"repeated dilemma round robin, {what}"
            + (", played and scored" if scored else ", the peer only plays"),
            "Axelrod",
            _measure(scored),
            target=100.0,
            aim=1_000.0,
            needs=("axelrod",),
            quick=True,
        )
        for scored in (True, False)
    ]


class Scores(NamedTuple):
    """What a round robin comes to; both are exact, sums of whole numbers."""

    totals: Any  # float64[repetitions, players]: each player's score in its matches with others
    pairs: (
        Any  # float64[players, players]: the row player's score of all repetitions against the column player
    )


class OurRoundRobin:
    """The round robin as one call of `games.assigned.play_assigned`.

    Parameters
    ----------
    names : sequence of str
        Strategies.
    repetitions, rounds : int
        How often each pair plays, and how long.
    """

    def __init__(self, names: list[str], repetitions: int, rounds: int) -> None:
        from games.env_uris import make_env
        from games.strategies import make_policy

        self.env = make_env(f"repeated:prisoners-dilemma?rounds={rounds}")
        agents = self.env.spec.agents
        self.cast = [[make_policy(name, self.env.spec, agent) for agent in agents] for name in names]
        self.players, self.repetitions = len(names), repetitions
        pairs = np.stack(np.triu_indices(self.players), axis=1).astype(np.int32)
        self.seating = np.repeat(pairs, repetitions, axis=0)

    def play(self) -> Scores:
        """Play it and add up."""
        from games.assigned import play_assigned

        left, right = self.seating.T
        played = play_assigned(self.env, self.cast, self.seating, np.arange(len(left), dtype=np.uint64))
        own, other = played.returns.T
        pairs = np.zeros((self.players, self.players))
        np.add.at(pairs, (left, right), own)
        apart = left != right
        np.add.at(pairs, (right[apart], left[apart]), other[apart])
        turn = np.arange(len(left)) % self.repetitions
        totals = np.zeros((self.repetitions, self.players))
        np.add.at(totals, (turn[apart], left[apart]), own[apart])
        np.add.at(totals, (turn[apart], right[apart]), other[apart])
        return Scores(totals, pairs)


class AxelrodRoundRobin:
    """The same as a tournament of the library, in one process."""

    def __init__(self, names: list[str], repetitions: int, rounds: int) -> None:
        import axelrod

        self._library, self._kinds = axelrod, [getattr(axelrod, DETERMINISTIC[name]) for name in names]
        self._size = {"turns": rounds, "repetitions": repetitions}

    def play(self) -> Any:
        """Play it, with the library's own table of results."""
        return self._tournament().play(progress_bar=False)

    def only_play(self) -> None:
        """Play it and write down the moves."""
        with tempfile.TemporaryDirectory() as folder:
            moves = str(Path(folder) / "moves.csv")
            self._tournament().play(progress_bar=False, build_results=False, filename=moves)

    def _tournament(self) -> Any:
        return self._library.Tournament([kind() for kind in self._kinds], seed=1, **self._size)

    def scores(self, results: Any) -> Scores:
        """What the library's results come to; means per turn times turns are whole numbers again."""
        rounds, repetitions = self._size["turns"], self._size["repetitions"]
        pairs = np.round(np.array(results.payoff_matrix) * rounds * repetitions, 6)
        return Scores(np.array(results.scores, dtype=float).T, pairs)


def _measure(scored: bool) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        names = list(DETERMINISTIC)[: 12 if setting.quick else _PLAYERS]
        ours = OurRoundRobin(names, _REPETITIONS, _ROUNDS)

        def build() -> Side:
            library = AxelrodRoundRobin(names, _REPETITIONS, _ROUNDS)
            if scored:
                return Side(library.play, library.scores, warm=lambda: None, calls=1)
            return Side(library.only_play, warm=lambda: None, calls=1)

        repeats, budget = (2, 10.0) if setting.quick else (5, 90.0)
        peer = contender(setting, build)
        return run_duel(Duel(Side(ours.play), peer, _same_scores(names), repeats=repeats, budget_s=budget))

    return measure


def _same_scores(names: list[str]) -> Callable[[Scores, Scores | None], tuple[bool, str]]:
    def check(ours: Scores, theirs: Scores | None) -> tuple[bool, str]:
        best = int(ours.totals.sum(axis=0).argmax())
        note = f"the best is {names[best]}"
        if theirs is None:
            return True, note
        wrong = int((ours.pairs != theirs.pairs).sum() + (ours.totals != theirs.totals).sum())
        return wrong == 0, f"{note}, every score the same" if not wrong else f"{note}, {wrong} scores differ"

    return check
