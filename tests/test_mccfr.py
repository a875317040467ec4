"""Monte Carlo CFR: what it samples is unbiased, where it goes is certified, and runs repeat bit for bit."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import simplices
from games.errors import InputError
from games.tree import CHANCE, TERMINAL, TreeGame
from solvers.best_response import nash_conv
from solvers.mccfr import METHODS, Mccfr, mccfr
from solvers.mccfr_stream import SHIFT, stream_of
from solvers.solution import Status


def seeded(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def kuhn() -> TreeGame:
    from games.from_openspiel import tree_from_openspiel

    return tree_from_openspiel("kuhn_poker")


@pytest.fixture(scope="module")
def kuhn3() -> TreeGame:
    from games.from_openspiel import tree_from_openspiel

    return tree_from_openspiel("kuhn_poker(players=3)")


def random_tree(seed: int, players: int = 2, depth: int = 5) -> TreeGame:
    """A tree with perfect recall: single actions, uneven and impossible chance moves, shared information sets."""
    rng = seeded(seed)
    rows: list[list[Any]] = []  # player, infoset, parent, slot, chance
    payoff: list[Any] = []
    known: dict[tuple[Any, ...], tuple[int, int]] = {}
    owner: list[int] = []
    offsets = [0]

    def grow(parent: int, slot: int, chance: float, left: int, last: tuple[int, ...]) -> None:
        v = len(rows)
        kind = (
            TERMINAL if left == 0 else int(rng.choice([TERMINAL, CHANCE, *range(players), *range(players)]))
        )
        if kind == TERMINAL:
            rows.append([TERMINAL, -1, parent, slot, chance])
            payoff.append(rng.integers(-3, 4, players) + (rng.random() < 0.3) * rng.random(players))
            return
        n = int(rng.integers(1, 4))
        if kind == CHANCE:
            rows.append([CHANCE, -1, parent, slot, chance])
            weights = rng.dirichlet(np.full(n, 4.0)) if rng.random() < 0.7 else np.full(n, 1.0 / n)
            if n > 1 and rng.random() < 0.3:
                weights = np.append(0.0, weights[1:] / weights[1:].sum())
            for w in weights.tolist():
                grow(v, -1, w, left - 1, last)
            return
        key = (kind, last[kind], n, int(rng.integers(3)))
        if key not in known:
            known[key] = (len(owner), offsets[-1])
            owner.append(kind)
            offsets.append(offsets[-1] + n)
        h, first = known[key]
        rows.append([kind, h, parent, slot, chance])
        for a in range(n):
            mine = tuple(first + a if i == kind else s for i, s in enumerate(last))
            grow(v, first + a, 1.0, left - 1, mine)

    grow(-1, -1, 1.0, depth, (-1,) * players)
    player, infoset, parent, slot, chance = (np.array(column) for column in zip(*rows))
    values = np.array(payoff, dtype=float).T.reshape(players, -1)
    return TreeGame(player, infoset, parent, slot, chance, values, np.array(owner, int), np.array(offsets))


def chain(depth: int, *, stops: int = 1) -> TreeGame:
    """Two players and chance in turn, `depth` times; each move goes on or (with one of `stops`) ends the game."""
    rows: list[list[Any]] = []
    payoff, owner, offsets = [], [], [0]
    parent, slot, chance = -1, -1, 1.0
    for d in range(depth):
        v, kind = len(rows), (0, 1, CHANCE)[d % 3]
        rows.append([kind, -1 if kind == CHANCE else len(owner), parent, slot, chance])
        base = offsets[-1]
        if kind != CHANCE:
            owner.append(kind)
            offsets.append(base + stops + 1)
        odds = 1.0 / (stops + 1) if kind == CHANCE else 1.0
        for a in range(stops):
            rows.append([TERMINAL, -1, v, -1 if kind == CHANCE else base + a, odds])
            payoff.append(float((d * 7 + a) % 5))
        parent, slot, chance = v, -1 if kind == CHANCE else base + stops, odds
    rows.append([TERMINAL, -1, parent, slot, chance])
    payoff.append(2.5)
    columns = [np.array(column) for column in zip(*rows)]
    values = np.array([payoff, payoff]) * np.array([[1.0], [-1.0]])
    return TreeGame(*columns, values, np.array(owner), np.array(offsets))


def swapped(game: TreeGame) -> TreeGame:
    """The same game with the two players' numbers exchanged."""
    player = np.where(game.player >= 0, 1 - game.player, game.player)
    parts = (game.infoset, game.parent, game.slot, game.chance, game.payoff[::-1])
    return TreeGame(player, *parts, 1 - game.owner, game.offsets)


def scaled_game(game: TreeGame, factor: float, shift: float = 0.0) -> TreeGame:
    parts = (game.player, game.infoset, game.parent, game.slot, game.chance)
    signs = np.array([[1.0], [-1.0]])
    return TreeGame(*parts, game.payoff * factor + shift * signs, game.owner, game.offsets)


# --- the stream -----------------------------------------------------------------------------------------------


def stream_values(game: TreeGame, behavior: Any) -> Any:
    """Expected scaled payoffs of the active players, read off the stream."""
    s = stream_of(game)
    probability = {}
    for at, slot in zip(s.place.tolist(), s.slot.tolist()):
        probability[at] = behavior[slot]

    def value(pos: int) -> Any:
        if pos < 0:
            return s.payoff[~pos]
        block, word = int(s.code[pos]), int(s.code[pos + 1])
        if block >= 0:
            n = word >> SHIFT
            odds = np.array([probability[block + a] for a in range(n)])
        elif block == -1:
            n, odds = word, np.full(word, 1.0 / word)
        else:
            n = word
            start = -2 - block
            odds = np.zeros(n)
            for k in range(n):  # as the alias table draws
                odds[k] += s.keep[start + k] / n
                odds[s.other[start + k]] += (1.0 - s.keep[start + k]) / n
        return sum(odds[k] * value(int(s.code[pos + 2 + k])) for k in range(n))

    return value(int(s.code[0]))


@given(st.integers(0, 10**6), st.integers(1, 4))
@settings(max_examples=80)
def test_the_stream_is_the_game(seed: int, players: int) -> None:
    game = random_tree(seed, players)
    game.require_perfect_recall("the test")
    weights = seeded(seed).random(game.slots)
    behavior = simplices.normalise(weights, game.offsets) if game.slots else weights
    active = np.unique(game.owner[np.diff(game.offsets) > 1])
    middle = 0.5 * (game.payoff.max(axis=1) + game.payoff.min(axis=1))
    expected = (game.values(behavior) - middle) / np.where(game.spans > 0, game.spans, 1.0)
    np.testing.assert_allclose(stream_values(game, behavior)[: len(active)], expected[active], atol=1e-12)


# --- unbiasedness ---------------------------------------------------------------------------------------------


def exact_updates(game: TreeGame, behavior: Any, player: int) -> tuple[Any, Any]:
    """Counterfactual regrets of a player; of the others' slots, reach by all but the player."""
    regret, others = np.zeros(game.slots), np.zeros(game.slots)
    below: list[list[int]] = [[] for _ in range(game.nodes)]
    for v in range(1, game.nodes):
        below[game.parent[v]].append(v)
    place = {int(v): z for z, v in enumerate(game.terminals)}
    span = game.spans[player] or 1.0

    def walk(v: int, theirs: float) -> float:
        i = int(game.player[v])
        if i == TERMINAL:
            return float(game.payoff[player, place[v]]) / span
        steps = [game.chance[c] if i == CHANCE else behavior[game.slot[c]] for c in below[v]]
        values = [walk(c, theirs if i == player else theirs * p) for c, p in zip(below[v], steps)]
        total = float(np.dot(steps, values))
        for c, p, value in zip(below[v], steps, values):
            if i == player:
                regret[game.slot[c]] += theirs * (value - total)
            elif i >= 0:
                others[game.slot[c]] += theirs * p
        return total

    walk(0, 1.0)
    return regret, others


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("which", ["kuhn", "kuhn swapped", "random 7", "random 20", "random 176"])
def test_sampled_updates_are_unbiased(method: str, which: str, kuhn: TreeGame) -> None:
    # |Z| > 5.6 has probability 2e-8 and all cases have fewer than 1,500 numbers: false alarms below 1e-4 in all.
    # For the normal limit to hold, the games are such that every reachable node is met forty times or more.
    if which.startswith("random"):
        game = random_tree(int(which.split()[1]), 2, 6)
    else:
        game = swapped(kuhn) if which.endswith("swapped") else kuhn
    engine = Mccfr(game, method, seeded(5))
    start = engine.state()
    start["regret"] = seeded(6).choice([-0.2, 1.0, 1.5, 2.0], size=game.slots)  # no move is taken rarely
    engine.restore(start)
    behavior = simplices.normalise(np.maximum(start["regret"], 0.0), game.offsets)
    base, before, draws = engine.table.copy(), engine.regret, 16_000
    total, squares = np.zeros((2, game.slots)), np.zeros((2, game.slots))
    for _ in range(draws):
        engine.table[:] = base
        engine.advance(1)
        sample = np.stack([engine.regret - before, engine.average])
        total += sample
        squares += sample**2
    mean = total / draws
    error = np.sqrt(np.maximum(squares / draws - mean**2, 0.0) / draws)
    regret, others = exact_updates(game, behavior, 0)
    mine = np.repeat((game.owner == 0) & (np.diff(game.offsets) > 1), np.diff(game.offsets))
    assert mine.any()
    assert np.all(np.abs(mean[0] - regret)[mine] <= 5.6 * error[0][mine] + 1e-12)
    # Player 1 is averaged in player 0's traversals, by the others' reach whatever player 0 does.
    rest = np.repeat((game.owner == 1) & (np.diff(game.offsets) > 1), np.diff(game.offsets))
    assert rest.any()
    assert np.all(np.abs(mean[1] - others)[rest] <= 5.6 * error[1][rest] + 1e-12)


# --- convergence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, iterations", [("mccfr-es", 20_000), ("mccfr-os", 100_000)])
@pytest.mark.parametrize("options", [{}, {"linear": True}, {"plus": True}])
def test_kuhn_poker_is_solved(kuhn: TreeGame, method: str, iterations: int, options: dict[str, bool]) -> None:
    solution = mccfr(kuhn, method, rng=seeded(0), tolerance=0.0, iterations=iterations, **options)
    assert solution.status is Status.BUDGET and solution.stats["iterations"] == iterations
    assert solution.concept == "nash" and solution.method == method
    assert solution.certificate.regret.sum() < 0.05
    assert solution.certificate.regret.sum() == pytest.approx(
        solution.stats["trace"][-1].nash_conv, abs=1e-12
    )
    assert solution.values[0] == pytest.approx(-1 / 18, abs=0.03)


def test_it_stops_at_its_tolerance(kuhn: TreeGame) -> None:
    solution = mccfr(kuhn, rng=seeded(0), tolerance=0.005)
    assert solution.status is Status.CONVERGED and solution.certificate.holds(0.005)


@pytest.mark.parametrize("method", METHODS)
def test_nash_conv_falls_like_one_over_the_root_of_iterations(kuhn: TreeGame, method: str) -> None:
    counts = np.array([10**3, 10**4, 10**5, 10**6])
    gaps = np.zeros((12, len(counts)))
    for seed in range(len(gaps)):
        engine = Mccfr(kuhn, method, seeded(seed))
        for k, count in enumerate(counts):
            engine.advance(int(count) - engine.iterations)
            gaps[seed, k] = nash_conv(kuhn, engine.answer())
    slope = np.polyfit(np.log(counts), np.log(gaps).mean(axis=0), 1)[0]
    assert -0.65 < slope < -0.35


@pytest.mark.parametrize("method", METHODS)
def test_it_is_as_close_as_openspiel_after_as_many_iterations(kuhn: TreeGame, method: str) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    ours, theirs = [], []
    for seed in range(12):
        engine = Mccfr(kuhn, method, seeded(seed))
        engine.advance(5_000)
        ours.append(nash_conv(kuhn, engine.answer()))
        game = pyspiel.load_game("kuhn_poker")
        peer = (
            pyspiel.ExternalSamplingMCCFRSolver(game, seed + 1)
            if method == "mccfr-es"
            else pyspiel.OutcomeSamplingMCCFRSolver(game, 0.6, seed + 1)
        )
        for _ in range(5_000):
            peer.run_iteration()
        theirs.append(pyspiel.nash_conv(game, peer.average_policy(), True))
    assert 0.5 < np.exp(np.mean(np.log(ours)) - np.mean(np.log(theirs))) < 2.0


@given(st.integers(0, 10**6))
@settings(max_examples=25)
def test_random_constant_sum_games_are_solved(seed: int) -> None:
    game = random_tree(seed)
    parts = (game.player, game.infoset, game.parent, game.slot, game.chance)
    game = TreeGame(*parts, np.stack([game.payoff[0], 5.0 - game.payoff[0]]), game.owner, game.offsets)
    for method in METHODS:
        solution = mccfr(game, method, rng=seeded(seed), tolerance=0.05, iterations=300_000)
        assert solution.status is Status.CONVERGED and solution.certificate.holds(0.05)


def test_threats_that_nobody_tests_are_averaged_too() -> None:
    # The first player stays out because the second would punish. If a player's strategy were averaged only in plays in
    # which just that player explores (as in OpenSpiel), the average would forget to punish once nobody enters.
    game = TreeGame(
        [0, -2, 1, -2, -2], [0, -1, 1, -1, -1], [-1, 0, 0, 2, 2], [-1, 0, 1, 2, 3], [1.0] * 5,
        [[0.0, -1.0, 10.0], [0.0, 1.0, -10.0]], [0, 1], [0, 2, 4],
    )  # fmt: skip
    for seed in range(50):
        solution = mccfr(game, "mccfr-os", rng=seeded(seed), tolerance=0.0, iterations=20_000)
        assert solution.certificate.holds(0.02)


# --- repeating, cutting, resuming -----------------------------------------------------------------------------


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{}, {"linear": True, "plus": True}])
def test_cuts_change_nothing(kuhn3: TreeGame, method: str, options: dict[str, bool]) -> None:
    whole = Mccfr(kuhn3, method, seeded(3), **options)
    whole.advance(5_000)
    pieces = Mccfr(kuhn3, method, seeded(3), **options)
    for count in (0, 1, 7, 992, 4_000):
        pieces.advance(count)
    assert same(whole.state(), pieces.state())
    other = Mccfr(kuhn3, method, seeded(4), **options)
    other.advance(5_000)
    assert not np.array_equal(other.answer(), whole.answer())
    other.restore(pieces.state())
    for engine in (whole, other):
        engine.advance(1_000)
    assert same(whole.state(), other.state()) and np.array_equal(whole.answer(), other.answer())


@pytest.mark.parametrize("method", METHODS)
def test_a_resumed_run_is_the_uninterrupted_one(kuhn: TreeGame, method: str) -> None:
    saved: list[bytes] = []

    def save(state: dict[str, Any]) -> None:
        file = io.BytesIO()
        np.savez(file, **state)
        saved.append(file.getvalue())

    whole = mccfr(kuhn, method, rng=seeded(9), tolerance=0.0, iterations=3_000)
    mccfr(kuhn, method, rng=seeded(9), tolerance=0.0, iterations=1_111, save=save)
    state = dict(np.load(io.BytesIO(saved[-1])))
    resumed = mccfr(kuhn, method, rng=seeded(1), tolerance=0.0, iterations=3_000, resume=state)
    assert np.array_equal(whole.strategy, resumed.strategy)
    assert resumed.stats["iterations"] == 3_000


def test_the_generator_decides_and_is_asked_once(kuhn: TreeGame) -> None:
    rng = seeded(2)
    first = mccfr(kuhn, rng=rng, tolerance=0.0, iterations=500)
    second = mccfr(kuhn, rng=rng, tolerance=0.0, iterations=500)
    again = mccfr(kuhn, rng=seeded(2), tolerance=0.0, iterations=500)
    assert np.array_equal(first.strategy, again.strategy)
    assert not np.array_equal(first.strategy, second.strategy)


# --- ordinary oddities ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_three_players_run_but_averages_are_not_called_nash(kuhn3: TreeGame, method: str) -> None:
    engine = Mccfr(kuhn3, method, seeded(0))
    engine.advance(50_000)
    assert nash_conv(kuhn3, engine.answer()) < 0.2  # uniform play has 2.0625
    with pytest.raises(InputError, match='use cfr\\(game, concept="cce"\\)'):
        mccfr(kuhn3, method, rng=seeded(0))


@pytest.mark.parametrize("method", METHODS)
def test_one_player_finds_the_best_plan(method: str) -> None:
    for seed in range(30):
        game = random_tree(seed, 1)
        solution = mccfr(game, method, rng=seeded(seed), tolerance=0.02, iterations=200_000)
        assert solution.status is Status.CONVERGED and solution.certificate.holds(0.02)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_decide(method: str) -> None:
    leaf = TreeGame([-2], [-1], [-1], [-1], [1.0], [[3.0], [4.0]], [], [0])
    lottery = TreeGame(
        [-1, -2, -2], [-1] * 3, [-1, 0, 0], [-1] * 3, [1, 0.25, 0.75], [[0.0, 4.0], [1, 1]], [], [0]
    )
    forced = TreeGame([0, -2], [0, -1], [-1, 0], [-1, 0], [1, 1], [[5.0], [5.0]], [0], [0, 1])
    for game, values in ((leaf, [3, 4]), (lottery, [3, 1]), (forced, [5, 5])):
        solution = mccfr(game, method, rng=seeded(0), tolerance=0.0, iterations=10)
        assert solution.status is Status.CONVERGED
        assert solution.values.tolist() == values and solution.certificate.holds(0.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_silent_third_player_changes_nothing(kuhn: TreeGame, method: str) -> None:
    parts = (kuhn.infoset, kuhn.parent, kuhn.slot, kuhn.chance)
    payoff = np.stack([kuhn.payoff[0], kuhn.payoff[0] ** 2, kuhn.payoff[1]])
    player = np.where(kuhn.player == 1, 2, kuhn.player)
    game = TreeGame(player, *parts, payoff, np.where(kuhn.owner == 1, 2, kuhn.owner), kuhn.offsets)
    three = mccfr(game, method, rng=seeded(0), tolerance=0.0, iterations=20_000)
    two = mccfr(kuhn, method, rng=seeded(0), tolerance=0.0, iterations=20_000)
    assert np.array_equal(three.strategy, two.strategy)
    assert three.certificate.regret.sum() == pytest.approx(two.certificate.regret.sum(), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_units_of_payoff_do_not_matter(kuhn: TreeGame, method: str) -> None:
    plain = mccfr(kuhn, method, rng=seeded(0), tolerance=0.0, iterations=5_000)
    for factor in (2.0**30, 2.0**-30):
        other = mccfr(scaled_game(kuhn, factor), method, rng=seeded(0), tolerance=0.0, iterations=5_000)
        assert np.array_equal(plain.strategy, other.strategy)
    for factor, shift in ((1e9, 3e9), (1e-9, 1.0), (1e-300, 0.0), (0.0, 7.0)):
        game = scaled_game(kuhn, factor, shift)
        solution = mccfr(game, method, rng=seeded(0), tolerance=0.02, iterations=100_000)
        assert solution.status is Status.CONVERGED and solution.certificate.holds(0.02)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stops", [1, 30])
def test_very_deep_trees_stay_finite(method: str, stops: int) -> None:
    game = chain(3_000, stops=stops)
    engine = Mccfr(game, method, seeded(0), epsilon=1.0)
    engine.advance(300)
    state = engine.state()
    table = {"regret": 0.0, "average": 0.0}
    for name in table:
        assert np.all(np.isfinite(state[name]))
    state["regret"] = np.tile(np.append(np.zeros(stops), 1.0), len(game.owner))  # everybody goes on
    engine.restore(state)
    engine.advance(300)
    assert all(np.all(np.isfinite(engine.state()[name])) for name in table)
    assert np.all(np.isfinite(engine.answer()))


# --- bad input ------------------------------------------------------------------------------------------------


def test_bad_input_is_named(kuhn: TreeGame, kuhn3: TreeGame) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"method": "cfr"}, "unknown method 'cfr'"),
        ({"epsilon": 0.0}, "epsilon is a probability above 0, got 0.0"),
        ({"epsilon": 1.5}, "epsilon is a probability"),
        ({"epsilon": float("nan")}, "epsilon is a probability"),
        ({"rng": 3}, "rng is a numpy.random.Generator, got int"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": 0.0}, "needs seconds or iterations"),
    ]
    for wrong, message in cases:
        with pytest.raises(InputError, match=message):
            mccfr(kuhn, **{"rng": seeded(0), **wrong})
    state = Mccfr(kuhn, "mccfr-es", seeded(0)).state()
    with pytest.raises(InputError, match="checkpoint is of mccfr-es, not of mccfr-os"):
        Mccfr(kuhn, "mccfr-os", seeded(0)).restore(state)
    with pytest.raises(InputError, match="another game"):
        Mccfr(kuhn3, "mccfr-es", seeded(0)).restore(state)
    with pytest.raises(InputError, match="no 'counter'"):
        Mccfr(kuhn, "mccfr-es", seeded(0)).restore({k: v for k, v in state.items() if k != "counter"})
    with pytest.raises(InputError, match="'average'"):
        Mccfr(kuhn, "mccfr-es", seeded(0)).restore({**state, "average": np.zeros(3)})


def test_imperfect_recall_is_refused() -> None:
    absent = TreeGame(
        [0, -2, 0, -2, -2], [0, -1, 0, -1, -1], [-1, 0, 0, 2, 2], [-1, 0, 1, 0, 1], [1] * 5,
        [[0.0, 4.0, 1.0]], [0], [0, 2],
    )  # fmt: skip
    with pytest.raises(InputError, match="perfect recall"):
        mccfr(absent, rng=seeded(0))
