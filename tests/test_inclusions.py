"""Relations between concepts that hold in every game: Nash within CE within CCE, and what affine changes do."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from games import NormalFormGame
from solvers import cce, ce, certify, nash

shapes = st.sampled_from([(2, 2), (3, 2), (3, 3), (2, 2, 2), (4, 1), (2, 3, 2)])


@st.composite
def games(draw):
    shape = draw(shapes)
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    top = draw(st.sampled_from([2, 10, 10**6]))
    return NormalFormGame(rng.integers(-top, top + 1, (len(shape), *shape)).astype(float))


@settings(max_examples=40, deadline=None)
@given(games())
def test_nash_is_a_ce_is_a_cce(game):
    solution = nash(game)
    assert solution.certificate.holds(1e-8)
    assert certify(game, solution.profile, "ce").holds(1e-8)
    assert certify(game, solution.profile, "cce").holds(1e-8)
    correlated = ce(game)
    assert correlated.certificate.holds(1e-9)
    assert certify(game, correlated, "cce").holds(1e-9)
    span = max(game.span, 1.0)
    welfare = solution.values.sum()
    assert correlated.values.sum() >= welfare - 1e-7 * span
    assert cce(game).values.sum() >= correlated.values.sum() - 1e-7 * span


@settings(max_examples=25, deadline=None)
@given(games(), st.sampled_from([1e-6, 3.0, 1e6]), st.integers(0, 10**6))
def test_positive_affine_payoffs_keep_the_equilibria(game, factor, seed):
    shift = np.random.default_rng(seed).uniform(-5, 5, len(game.shape)) * factor
    moved = NormalFormGame(game.payoffs * factor + shift.reshape(-1, *[1] * len(game.shape)))
    for concept, strategy in [("nash", nash(game)), ("ce", ce(game)), ("cce", cce(game))]:
        assert certify(moved, strategy, concept).holds(1e-7)


@settings(max_examples=40, deadline=None)
@given(games(), st.integers(0, 10**6))
def test_certificates_are_never_negative(game, seed):
    rng = np.random.default_rng(seed)
    profile = np.concatenate([rng.dirichlet(np.ones(n)) for n in game.shape])
    for concept in ("nash", "ce", "cce"):
        certificate = certify(game, profile, concept)
        assert certificate.regret.min() >= -1e-12 * max(game.span, 1.0)
    qre = certify(game, profile, "qre", lam=0.7)
    assert qre.regret.min() >= 0


@settings(max_examples=25, deadline=None)
@given(games(), st.integers(0, 10**6))
def test_a_product_profile_has_equal_nash_and_cce_regret(game, seed):
    rng = np.random.default_rng(seed)
    profile = np.concatenate([rng.dirichlet(np.ones(n)) for n in game.shape])
    one, other = certify(game, profile, "nash"), certify(game, profile, "cce")
    np.testing.assert_allclose(one.regret, other.regret, atol=1e-9 * max(game.span, 1.0))
