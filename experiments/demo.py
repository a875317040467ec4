"""`make demo`: the main job from end to end: learn, solve, play each against each, and solve what came of it.

Two small teams learn a repeated stag hunt within seconds; they meet scripted and solved players in a tournament; its
results are an empirical game, whose equilibria are computed and certified, sampling error included; a report shows it all.
Every step is a command that a user could type; it is printed before it runs, and what it writes lands in `demo/`.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from experiments.atomic import write_text
from experiments.cli import run

FOLDER = Path("demo")
HUNT = "repeated:stag-hunt?rounds=20&noise=0.02"
STEPS_IPPO, STEPS_IQL = 60_000, 40_000
_MADE = ("ippo", "iql", "tournament")
"""Folders in `demo/` that an earlier demo has made."""

SPEC = """\
# Who plays the repeated stag hunt best? Learned, solved and scripted players, each against each and itself.
env: {env}
agents:
  learned by IPPO: {folder}/ippo/seed-0/last.safetensors # as at the end of training; {folder}/ippo would be its best evaluation
  learned by IQL: {folder}/iql/seed-0/last.safetensors
  solved, Nash: {folder}/nash.json
  solved, noisy QRE: {folder}/noisy.json
  always hare: defector
  tit for tat: tit-for-tat
  win stay lose shift: win-stay-lose-shift
  grudger: grudger
matches:
  half_width: 6       # until the CCE of largest Gini impurity has an epsilon of at most this, in payoffs of 20 rounds
  focus: equilibrium  # more matches where that is undecided
  at_least: 200
seed: 1
"""


def steps(folder: Path) -> list[tuple[str, list[str]]]:
    """What is shown, in order: a heading and the words of a command line."""
    spec, tournament = str(folder / "tournament.yaml"), str(folder / "tournament")

    def train(learner: str, count: int) -> list[str]:
        every = f"training.evaluate_every={count // 5}"
        return ["train", learner, HUNT, "--steps", str(count), "--set", every, "--out", str(folder / learner)]

    def solve(*words: str) -> list[str]:
        return ["solve", "zoo:stag-hunt", *words]

    return [
        ("The game: together a stag, alone a hare", ["info", "zoo:stag-hunt"]),
        (
            "Solved: a Nash equilibrium, the one that pays most",
            solve("--concept", "nash", "--method", "support", "--out", str(folder / "nash.json")),
        ),
        (
            "Solved: how people with noisy choices would play (logit QRE)",
            solve("--concept", "qre", "--lambda", "0.2", "--out", str(folder / "noisy.json")),
        ),
        (
            "Learned: independent PPO, twenty rounds a match, one action in fifty slips",
            train("ippo", STEPS_IPPO),
        ),
        ("Learned: independent Q-learning, the same game", train("iql", STEPS_IQL)),
        (
            "Played: all against all; computed where that is possible, sampled where it is not",
            ["tournament", spec, "--out", tournament, "--report"],
        ),
        (
            "Solved again: the best that a mediator could recommend to this population, with its certificate",
            ["solve", tournament, "--concept", "cce", "--objective", "welfare"],
        ),
        ("Any match can be played again from its row", ["play", "--replay", tournament, "7"]),
        (
            "The same loop as an algorithm: populations of best responses in Leduc poker, to an exact equilibrium",
            ["psro", "openspiel:leduc_poker", "--tol", "1e-9", "--plot", str(folder / "psro.png")],
        ),
    ]


def demo(folder: Path = FOLDER) -> int:
    """Run every step; the exit status is that of the first one that fails."""
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    for name in _MADE:
        shutil.rmtree(folder / name, ignore_errors=True)
    write_text(folder / "tournament.yaml", SPEC.format(env=HUNT, folder=folder))
    for heading, words in steps(folder):
        print(f"\n━━ {heading}\n$ staghunt {shlex.join(_short(words))}\n", flush=True)
        code = run(words)
        if code != 0:
            print(f"the command above ended with exit status {code}", file=sys.stderr)
            return code
    print(
        f"\nDone in {time.perf_counter() - start:.0f} s. Look at {folder / 'tournament' / 'report.html'}; written:"
    )
    for path in sorted(path for path in folder.iterdir()):
        print(f"  {path}{'/' if path.is_dir() else ''}")
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
