"""How often certificates of sampled games are right: tournaments whose exact game is known, repeated under many seeds.

``python -m experiments.coverage`` plays the small tournaments below 200 times each, solves every empirical game for
coarse correlated and Nash equilibria, measures their true regret on the exact game, and compares it with regret plus
slack. The claim is that it is at most that in a share of at least 1 - delta. The results lie in
`experiments/results/coverage.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.checkout import needs_checkout
from experiments.tournament.engine import Labour
from experiments.tournament.run import play
from experiments.tournament.spec import Spec, spec_of
from experiments.tournament.worker import Worker
from games.empirical import EmpiricalGame, PayoffTable
from games.errors import InputError
from games.normal import NormalFormGame

RESULTS = Path(__file__).parent / "results" / "coverage.json"
REPETITIONS = 200
Progress = Callable[[float, str], None]

STUDIES: dict[str, dict[str, Any]] = {
    "noisy repeated dilemma, 5 memory-one strategies, 50 samples": {
        "env": "repeated:prisoners-dilemma?rounds=20&noise=0.05",
        "agents": ["tit-for-tat", "defector", "win-stay-lose-shift", "generous-tit-for-tat", "random-half"],
        "matches": 50,
    },
    "noisy repeated chicken, a population for each role, 30 samples": {
        "env": "repeated:chicken?rounds=5&continuation=0.8",
        "roles": {
            "Player 1": ["cooperator", "defector", "bully", "random-half"],
            "Player 2": ["tit-for-tat", "win-stay-lose-shift", "anonymous"],
        },
        "matches": 30,
    },
    "noisy repeated stag hunt, adaptive, an equilibrium to 3 in 10 rounds": {
        "env": "repeated:stag-hunt?rounds=10&noise=0.1",
        "agents": ["tit-for-tat", "defector", "cooperator", "win-stay-lose-shift"],
        "matches": {"half_width": 3.0, "at_least": 64, "at_most": 2000, "focus": "equilibrium"},
    },
}


@dataclass(frozen=True)
class Coverage:
    """What a study found.

    Parameters
    ----------
    repetitions : int
        Tournaments played.
    covered : dict of str to int
        By concept, in how many no player's true regret exceeded the certificate's.
    payoffs : int
        In how many all payoffs lay within their radii.
    slack, regret : dict of str to float
        By concept, mean slack, and mean true regret.
    delta : float
        Of every certificate.
    samples : float
        Mean number of samples of a tournament.
    """

    repetitions: int
    covered: dict[str, int]
    payoffs: int
    slack: dict[str, float]
    regret: dict[str, float]
    delta: float
    samples: float


def study(document: dict[str, Any], repetitions: int, progress: Progress | None = None) -> Coverage:
    """Play a tournament many times and hold its certificates against the exact game.

    Parameters
    ----------
    document : mapping
        The tournament's spec, without seed; all its cells must be computable.
    repetitions : int
        Seeds 0, 1, ...
    progress : callable, optional
        ``progress(fraction, text)``.
    """
    spec = spec_of(document, "study")
    truth = _exact_game(spec)
    sampled = replace(spec, exact=False)
    worker = Worker.of(sampled)
    covered: dict[str, list[bool]] = {"cce": [], "nash": []}
    slack: dict[str, list[float]] = {"cce": [], "nash": []}
    regret: dict[str, list[float]] = {"cce": [], "nash": []}
    inside, samples = 0, []
    for seed in range(repetitions):
        table = _played(replace(sampled, seed=seed), worker)
        game = table.game(spec.delta)
        samples.append(int(table.count.sum()))
        inside += bool((np.abs(game.payoffs - truth.payoffs) <= game.radius + 1e-12).all())
        for concept, found in _claims(game):
            from solvers.certificate import certify

            certificate, true = found.certificate, certify(truth, found.strategy, concept)
            covered[concept].append(
                bool((true.regret <= certificate.regret + certificate.slack + 1e-12).all())
            )
            slack[concept].append(certificate.slack)
            regret[concept].append(true.max_regret)
        if progress is not None:
            progress((seed + 1) / repetitions, f"{seed + 1} of {repetitions} tournaments")
    return Coverage(
        repetitions,
        {concept: sum(hits) for concept, hits in covered.items()},
        inside,
        {concept: float(np.mean(values)) for concept, values in slack.items()},
        {concept: float(np.mean(values)) for concept, values in regret.items()},
        spec.delta,
        float(np.mean(samples)),
    )


def _claims(game: EmpiricalGame) -> list[tuple[str, Any]]:
    from solvers.correlated import cce
    from solvers.nash import nash

    return [("cce", cce(game, "gini")), ("nash", nash(game))]


def _exact_game(spec: Spec) -> NormalFormGame:
    """The true game: every cell computed."""
    table = _played(spec, Worker.of(spec))
    if not table.exact.all():
        raise ValueError("a study needs a tournament whose cells can all be computed")
    return table.game(spec.delta)


def _played(spec: Spec, worker: Worker) -> PayoffTable:
    return play(spec, Worker(spec, worker.casting), None, Labour()).results.table


def main(arguments: list[str] | None = None) -> int:
    """Run all studies, print them and keep them."""
    parser = argparse.ArgumentParser(prog="python -m experiments.coverage", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args(arguments)
    if asked.out is None:
        try:
            needs_checkout("renewing the committed results", "give another file with --out")
        except InputError as error:
            parser.error(str(error))
    out: Path = asked.out or RESULTS
    from experiments.atomic import write_text
    from experiments.bench import ledger
    from experiments.progress import Reporter

    found: dict[str, Any] = {}
    for name, document in STUDIES.items():
        with Reporter(False, name) as progress:
            result = study(document, asked.repetitions, progress)
        found[name] = {"spec": document, **result.__dict__}
        share = {c: f"{hits / result.repetitions:.1%}" for c, hits in result.covered.items()}
        print(
            f"{name}: covered {share}, asked for {1 - result.delta:.0%}; slack {result.slack}, regret {result.regret}"
        )
    document = {
        "machine": ledger.machine(),
        "versions": ledger.versions(("staghunt", "numpy", "numba", "scipy", "open_spiel")),
        "studies": found,
    }
    out.parent.mkdir(exist_ok=True)
    write_text(out, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
