"""`make demo`: the main job on real games, end to end, in under a minute.

Every step is a command that a user could type; it is printed before it runs, and what it writes lands in `demo/`.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.cli import run

DATA = Path(__file__).parent / "data"
FOLDER = Path("demo")


def steps(data: Path, folder: Path) -> list[tuple[str, list[str]]]:
    """What is shown, in order: a heading and the words of a command line."""
    game = str(data / "capra_1999_travelers_dilemma.nfg")
    pennies = str(data / "goeree_holt_2001_matching_pennies_320.nfg")
    kuhn, solved = "openspiel:kuhn_poker", str(folder / "kuhn.json")
    choices = str(data / "goeree_holt_2001_matching_pennies_320.csv")

    def solve(concept: str, *more: str) -> list[str]:
        return ["solve", game, "--concept", concept, *more, "--out", str(folder / f"{concept}.json")]

    return [
        ("A game from the laboratory: the traveler's dilemma", ["info", game]),
        ("Its Nash equilibrium: the lowest claim, which hardly anybody made", solve("nash")),
        ("Recommendations that are followed when each is seen: no better", solve("ce")),
        (
            "Recommendations accepted before they are seen: much better",
            solve("cce", "--objective", "welfare", "--plot", str(folder / "cce.png")),
        ),
        (
            "Noisy play, from coin flips to Nash: the whole branch, with its folds",
            ["qre", game, "--plot", str(folder / "qre.png"), "--csv", str(folder / "qre.csv")],
        ),
        (
            "How noisy were people? Choices of the asymmetric matching pennies experiment",
            ["fit", pennies, choices, "--plot", str(folder / "fit.png")],
        ),
        (
            "A game tree, one-card poker, by self-play: exploitability falls, the first player loses 1/18 a hand",
            [
                "solve",
                kuhn,
                "-m",
                "pcfr+",
                "--tol",
                "1e-6",
                "--out",
                solved,
                "--plot",
                str(folder / "kuhn.png"),
            ],
        ),
        ("The saved strategy, judged anew from the game alone", ["certify", kuhn, solved, "--tol", "1e-6"]),
        (
            "The same strategy at the table: ten thousand hands",
            ["play", f"{kuhn}?compiled=true", "-p", solved, "-n", "10000"],
        ),
        (
            "A world to learn in: two foragers who can only lift together",
            ["play", "foraging:8x8-2p-2f-coop", "-p", "social", "--render", str(folder / "forage.gif")],
        ),
    ]


def demo(data: Path = DATA, folder: Path = FOLDER) -> int:
    """Run every step; the exit status is that of the first one that fails."""
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    for heading, words in steps(data, folder):
        print(f"\n━━ {heading}\n$ staghunt {shlex.join(_short(words))}\n", flush=True)
        code = run(words)
        if code != 0:
            print(f"the command above ended with exit status {code}", file=sys.stderr)
            return code
    written = sorted(path for path in folder.iterdir() if path.is_file())
    print(f"\nDone in {time.perf_counter() - start:.0f} s. Written:")
    for path in written:
        print(f"  {path}")
    print("Look at the pictures; every equilibrium above came with its certificate.")
    return 0


def _short(words: Sequence[str]) -> list[str]:
    """The words with paths relative to where we are, when they lie below it."""
    here = Path.cwd()
    shown = []
    for word in words:
        path = Path(word)
        inside = path.is_absolute() and path.is_relative_to(here)
        shown.append(str(path.relative_to(here)) if inside else word)
    return shown


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(demo())
