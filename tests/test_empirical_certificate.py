"""What certificates of empirical games add for sampling: against every game that the radii allow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games.empirical import EmpiricalGame
from games.errors import InputError
from games.joint import Joint
from games.normal import NormalFormGame
from solvers.certificate import certify
from solvers.correlated import cce, ce
from solvers.empirical_certificate import slack_of
from solvers.qre import qre

SHAPES = [(2, 2), (3, 2), (2, 2, 2), (4,)]


def _game(seed: int, shape: tuple[int, ...]) -> EmpiricalGame:
    rng = np.random.default_rng(seed)
    payoffs = rng.normal(size=(len(shape), *shape))
    return EmpiricalGame(payoffs, radius=rng.random((len(shape), *shape)), delta=0.1)


def _profile(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(seed + 1)
    return np.concatenate([rng.dirichlet(np.full(n, 0.5)) for n in shape])


def _joint(seed: int, shape: tuple[int, ...]) -> Joint:
    rng = np.random.default_rng(seed + 2)
    return Joint.from_dense(rng.dirichlet(np.full(math.prod(shape), 0.3)).reshape(shape), 1e-12)


def _truths(game: EmpiricalGame, seed: int, count: int = 30) -> list[NormalFormGame]:
    """Games that the radii allow, corners of the box among them."""
    rng = np.random.default_rng(seed)
    corners = [rng.choice([-1.0, 1.0], size=game.payoffs.shape) for _ in range(count)]
    inside = [rng.uniform(-1, 1, size=game.payoffs.shape) for _ in range(count)]
    return [NormalFormGame(game.payoffs + shift * game.radius) for shift in corners + inside]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(SHAPES))
def test_no_game_within_the_radii_has_more_regret(seed: int, shape: tuple[int, ...]) -> None:
    game = _game(seed, shape)
    claims = [
        ("nash", _profile(seed, shape), {}),
        ("cce", _joint(seed, shape), {}),
        ("ce", _joint(seed, shape), {}),
    ]
    claims.append(("qre", _profile(seed, shape), {"lam": 2.0}))
    for concept, strategy, more in claims:
        found = certify(game, strategy, concept, **more)
        assert found.delta == 0.1
        for truth in _truths(game, seed):
            true = certify(truth, strategy, concept, **more)
            assert (true.regret <= found.regret + found.slack + 1e-9).all()


def _worst(game: EmpiricalGame, strategy: Joint, player: int, own: int | None, better: int) -> NormalFormGame:
    """The truth in which deviating to `better` gains a player the most."""
    shift = np.zeros_like(game.payoffs)
    mine = np.moveaxis(shift[player], player, 0)
    mine[:] = -1.0
    mine[better] = 1.0
    return NormalFormGame(game.payoffs + shift * game.radius)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (2, 2, 2)]))
def test_the_slack_is_reached_where_play_is_pure(seed: int, shape: tuple[int, ...]) -> None:
    """Against a pure profile the bound is attained by some game, so it cannot be smaller."""
    game = _game(seed, shape)
    cell = np.random.default_rng(seed).integers(0, shape)
    strategy = Joint(cell[None, :], [1.0], shape)
    found = certify(game, strategy, "cce")
    worst = 0.0
    for player, count in enumerate(shape):
        for better in range(count):
            if better != cell[player]:
                true = certify(_worst(game, strategy, player, None, better), strategy, "cce")
                worst = max(worst, float(true.regret[player] - found.regret[player]))
    assert found.slack == pytest.approx(max(worst, 0.0), abs=1e-9)


def test_it_is_at_most_twice_the_largest_radius_and_often_less() -> None:
    smaller = 0
    for seed in range(30):
        game = _game(seed, (3, 3))
        slack = slack_of(game, _joint(seed, (3, 3)), "cce")
        assert slack <= 2 * game.radius.max() + 1e-12
        smaller += slack < 1.5 * game.radius.max()
    assert smaller > 15


def test_unknown_ranges_leave_everything_open_but_only_where_somebody_plays() -> None:
    radius = np.zeros((2, 2, 2))
    radius[:, 1, 1] = math.inf
    game = EmpiricalGame([[[3, 0], [5, 1]], [[3, 5], [0, 1]]], radius=radius)
    corner = Joint([[0, 0]], [1.0], (2, 2))
    assert certify(game, corner, "cce").slack == 0.0  # neither deviation of one player leads to (1, 1)
    assert math.isinf(certify(game, Joint([[0, 1]], [1.0], (2, 2)), "cce").slack)


def test_solvers_judge_the_game_they_were_given() -> None:
    """Slack is told, not held against a solver: `holds` is about the estimates, `epsilon` about the truth."""
    game = _game(3, (3, 3))
    solutions = (cce(game, "welfare"), ce(game, "welfare"), cce(game, "gini"), qre(game, 1.5))
    assert max(solution.certificate.slack for solution in solutions) > 0.1
    for solution in solutions:
        certificate = solution.certificate
        assert solution.status.value == "converged"
        assert certificate.holds(1e-7)
        assert certificate.epsilon == certificate.max_regret + certificate.slack
        assert certificate.game == game.digest


def test_ordinary_games_have_no_slack() -> None:
    game = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    assert certify(game, [[0, 1], [0, 1]], "nash").slack == 0.0
    assert certify(game, [[0, 1], [0, 1]], "nash").epsilon == 0.0


@pytest.mark.parametrize("radius", [[[[0.0]]], -np.ones((2, 2, 2)), np.full((2, 2, 2), math.nan)])
def test_bad_radii_are_refused(radius: object) -> None:
    with pytest.raises(InputError, match="radii"):
        EmpiricalGame(np.zeros((2, 2, 2)), radius=radius)  # type: ignore[arg-type]


def test_who_has_no_choice_has_no_regret_to_be_unsure_of() -> None:
    payoffs = np.random.default_rng(0).random((2, 1, 3))
    game = EmpiricalGame(payoffs, radius=np.full((2, 1, 3), 0.2))
    for concept in ("nash", "cce", "ce", "qre", "alpharank"):
        # the second player's own two other actions still count
        assert 0 < slack_of(game, np.array([1.0, 0.2, 0.3, 0.5]), concept) <= 0.4
    alone = EmpiricalGame(payoffs[:, :, :1], radius=np.full((2, 1, 1), np.inf))
    for concept in ("nash", "cce", "ce", "qre", "alpharank"):
        assert slack_of(alone, np.ones(2), concept) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_no_game_within_the_radii_has_more_regularised_regret(seed: int) -> None:
    """At random corners of the box of payoffs, and at those that hurt one reply of one player most."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(2, 4))))
    payoffs, radius = rng.random((len(shape), *shape)), 0.3 * rng.random((len(shape), *shape))
    blocks, precision = [rng.dirichlet(np.ones(n)) for n in shape], float(rng.choice([0.5, 3.0, 50.0]))
    flat = np.concatenate(blocks)

    def regrets(game: NormalFormGame) -> list[float]:
        out = []
        for own, paid in zip(blocks, game.blocks(game.deviation_payoffs(flat))):
            best = paid.max() + np.log(np.exp(precision * (paid - paid.max())).sum()) / precision
            out.append(float(best - own @ paid + (own @ np.log(own)) / precision))
        return out

    game = EmpiricalGame(payoffs, radius=radius)
    slack, before = slack_of(game, flat, "qre"), max(regrets(game))
    corners = [rng.choice([-1.0, 1.0], payoffs.shape) for _ in range(20)]
    for i, n in enumerate(shape):
        for b in range(n):
            hurting = np.full(payoffs.shape, -1.0)
            hurting[(i, *(slice(None),) * i, b)] = 1.0
            corners.append(hurting)
    for corner in corners:
        assert max(regrets(NormalFormGame(payoffs + corner * radius))) <= before + slack + 1e-12
