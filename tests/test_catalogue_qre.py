"""Catalogued payoffs against quantal response points and game files that were computed elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from games.load import load
from solvers.certificate import certify

ORACLES = Path(__file__).parents[2] / "shared" / "oracles" / "games"


def pair(p: float, q: float | None = None) -> list[list[float]]:
    return [[p, 1 - p], [p if q is None else q, 1 - (p if q is None else q)]]


@pytest.mark.parametrize(
    "uri,lam,profile",
    [
        ("zoo:asymmetric-matching-pennies", 0.02, pair(0.82880170, 0.37143099)),
        ("zoo:asymmetric-matching-pennies", 0.05, pair(0.81798786, 0.21892338)),
        ("zoo:asymmetric-matching-pennies?x=44", 0.05, pair(0.35617066, 0.63998922)),
        ("zoo:stag-hunt", 0.1, pair(0.40759275)),
        ("zoo:stag-hunt", 0.3, pair(0.14901200)),
        ("zoo:battle-of-the-sexes", 1.0, pair(0.57115075, 0.42884925)),
        ("zoo:chicken", 1.37218354942, pair(0.58413188499)),
        ("zoo:ranked-coordination", 1.0, pair(0.80415395)),
        ("zoo:ranked-coordination?payoffs=1.01,1,1", 2.7030710745, [[0.5707134, 0.2146433, 0.2146433]] * 2),
        ("zoo:selten-perfectness", 1.0, [[0.46857970, 0.17238084, 0.35903946], [0.63313694, 0.36686306]]),
    ],
)
def test_published_quantal_response_points(uri: str, lam: float, profile: list[list[float]]) -> None:
    certificate = certify(load(uri), profile, "qre", lam=lam)
    assert certificate.residual is not None
    assert certificate.residual < 5e-7


@pytest.mark.parametrize(
    "name,path",
    [
        ("mckelvey-mclennan", "contrib/games/2x2x2.nfg"),
        ("selten-horse", "catalog/journals/ijgt/selten1975/fig1.efg"),
    ],
)
def test_the_same_game_as_a_real_file(name: str, path: str) -> None:
    if not (ORACLES / path).exists():
        pytest.skip(f"the game files are not here ({path})")
    theirs = load(ORACLES / path, **({"form": "reduced"} if path.endswith(".efg") else {}))
    assert np.array_equal(load(f"zoo:{name}").payoffs, theirs.payoffs)
