"""What the Axelrod library's strategies do, recorded: `python tests/axelrod_moves.py` writes data/axelrod_moves.json.

It needs the `peers` extra, whose library takes 10 to 20 seconds to import; the tests compare with the record, and with the library
itself where it is installed. Moves are 0 for C and 1 for D, packed into bits.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench.tournament_axelrod import DETERMINISTIC

RECORD = Path(__file__).parent / "data" / "axelrod_moves.json"
TURNS = 200

PURE = DETERMINISTIC
"""Our deterministic strategies and theirs."""

CHANCY = {
    "random-half": "Random",
    "joss": "FirstByJoss",
    "grofman": "FirstByGrofman",
    "firm-but-fair": "FirmButFair",
    "stochastic-cooperator": "StochasticCooperator",
    "repeater": "ALLCorALLD",
    "generous-tit-for-tat": "GTFT",
    "zd-extort-2": "ZDExtort2",
    "zd-extort-3": "ZDExtort3",
    "zd-gtft-2": "ZDGTFT2",
    "zd-set-2": "ZDSet2",
    "feld": "FirstByFeld",
    "tullock": "FirstByTullock",
    "champion": "SecondByChampion",
}
"""Our stochastic strategies whose chance of cooperating is a function of the history, and theirs."""

PLANNER = ("graaskamp", "FirstByGraaskamp")


def gap(time: int) -> int:
    """What chance gives the planner at a time: rounds until its next defection."""
    return 5 + 7 * time % 10


def situations(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Slips of the player and moves of its opponent, bool[count, TURNS] each: from blameless to wild."""
    rng = np.random.default_rng(seed)
    slips = rng.random((count, TURNS)) < np.tile([0.0, 0.02, 0.3], count)[:count, None]
    rates = np.tile([0.5, 0.05, 0.9, 0.3], count)[:count, None]
    stays = rng.random((count, TURNS)) < np.tile([0.0, 0.7], count)[:count, None]
    moves = rng.random((count, TURNS)) < rates
    for t in range(1, TURNS):
        moves[:, t] = np.where(stays[:, t], moves[:, t - 1], moves[:, t])
    return slips, moves


class Dial:
    """Stands in for a player's random generator: every draw gives the number it is set to."""

    def __init__(self) -> None:
        self.value = 0.0
        self.time = 0

    def random(self) -> float:
        return self.value

    def random_choice(self, p: float = 0.5) -> Any:
        from axelrod import Action

        return Action.C if self.random() < p else Action.D

    def randint(self, low: int, high: int) -> int:
        assert (low, high) == (5, 15)
        return gap(self.time)


def follow(kind: Any, slips: np.ndarray, moves: np.ndarray, ask: Callable[[Any, Any, Dial], float]) -> list:
    """What `ask` says of a player of the library in every round of one situation, in which its own moves follow.

    Its own move is the answer (as a bool), or its opposite where it slips.
    """
    import axelrod

    both = axelrod.Action.C, axelrod.Action.D
    player, other, dial = kind(), axelrod.MockPlayer([both[0]]), Dial()
    player.set_match_attributes(length=TURNS, game=axelrod.DefaultGame, noise=0)
    player._random = dial
    answers = []
    for t in range(TURNS):
        dial.time = t
        answers.append(ask(player, other, dial))
        own, reply = both[int(bool(answers[-1]) != slips[t])], both[int(moves[t])]
        player.update_history(own, reply)
        other.update_history(reply, own)
    return answers


def move(player: Any, other: Any, dial: Dial) -> float:
    """Whether it defects."""
    return float(player.strategy(other).value)


def chance_of_defecting(player: Any, other: Any, dial: Dial) -> float:
    """How likely it is to defect: where, as the random number grows, its move changes."""

    def at(value: float) -> int:
        dial.value = value
        return int(player.strategy(other).value)

    low, high = 0.0, 1.0 - 2.0**-53
    first, last = at(low), at(high)
    if first == last:
        return float(first)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle) == first else (low, middle)
    return high if first else 1.0 - high


def packed(bits: Any) -> str:
    """Bits as compressed text."""
    raw = np.packbits(np.asarray(bits, dtype=bool).ravel()).tobytes()
    return base64.b85encode(zlib.compress(raw, 9)).decode()


def unpacked(text: str, shape: tuple[int, ...]) -> np.ndarray:
    """The bits again."""
    raw = np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype=np.uint8)
    return np.unpackbits(raw)[: int(np.prod(shape))].reshape(shape).astype(bool)


def pure_moves(name: str, slips: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Moves of a strategy of theirs, float[situations, TURNS]."""
    import axelrod

    return np.array([follow(getattr(axelrod, name), s, m, move) for s, m in zip(slips, moves)])


def chances(name: str, slips: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Chances of defecting of a strategy of theirs, float[situations, TURNS]."""
    import axelrod

    kind = getattr(axelrod, name)
    return np.array([follow(kind, s, m, chance_of_defecting) for s, m in zip(slips, moves)])


def match_moves() -> np.ndarray:
    """Both players' moves of every pair of deterministic strategies, bool[pairs, TURNS, 2]."""
    import axelrod

    kinds = [getattr(axelrod, name) for name in PURE.values()]
    pairs = [(one, two) for i, one in enumerate(kinds) for two in kinds[i:]]
    played = [axelrod.Match((one(), two()), turns=TURNS).play() for one, two in pairs]
    return np.array([[[a.value, b.value] for a, b in match] for match in played], dtype=bool)


def record() -> dict[str, Any]:
    """Everything that the tests compare with."""
    import axelrod

    slips, moves = situations(1, 6)
    few = slips[:3], moves[:3]
    told: dict[str, Any] = {
        "how": "python tests/axelrod_moves.py",
        "versions": {
            "axelrod": axelrod.__version__,
            "numpy": np.__version__,
            "python": sys.version.split()[0],
        },
        "turns": TURNS,
        "slips": packed(slips),
        "opponent": packed(moves),
        "moves": {ours: packed(pure_moves(theirs, slips, moves)) for ours, theirs in PURE.items()},
        "planner": packed(pure_moves(PLANNER[1], slips, moves)),
        "matches": packed(match_moves()),
        "chances": {},
    }
    for ours, theirs in CHANCY.items():
        values, which = np.unique(chances(theirs, *few).round(10), return_inverse=True)
        raw = zlib.compress(which.astype("<u1").tobytes(), 9)
        told["chances"][ours] = [values.tolist(), base64.b85encode(raw).decode()]
    return told


def recorded_chances(entry: list[Any], count: int) -> np.ndarray:
    """The chances of one strategy in the record, float[count, TURNS]."""
    values, which = entry
    indices = np.frombuffer(zlib.decompress(base64.b85decode(which)), dtype="<u1")
    return np.array(values)[indices].reshape(count, TURNS)


if __name__ == "__main__":
    write = partial(json.dumps, indent=1)
    RECORD.write_text(write(record()) + "\n", encoding="utf-8")
    print(f"{RECORD}: {RECORD.stat().st_size:,} bytes")
