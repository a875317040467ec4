"""Rankings of tournaments: brute-force bootstraps, coverage, published answers, and tables that are not whole."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from experiments.tournament.openskill import openskill_ratings
from experiments.tournament.ranking import Ranking, order_shares
from experiments.tournament.rankings import MEASURES, rank
from experiments.tournament.resampling import Resampler
from experiments.tournament.samples import Samples, lay_out
from games.empirical import symmetric_cells
from games.errors import InputError
from games.normal import NormalFormGame
from solvers.alpharank import alpharank
from solvers.correlated import cce
from solvers.ratings import bradley_terry
from solvers.zero_sum import nash_averaging

RPS = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def names(*sizes):
    return [[f"agent {k}" for k in range(size)] for size in sizes]


def exact_symmetric(matrix):
    matrix = np.asarray(matrix, dtype=float)
    size = len(matrix)
    cells = list(itertools.combinations_with_replacement(range(size), 2))
    payoffs = [[matrix[i, j], matrix[j, i]] for i, j in cells]
    return Samples.of(
        names(size, size), cells, [np.zeros((0, 2))] * len(cells), exact=payoffs, symmetric=True
    )


def exact_roles(game):
    cells = list(np.ndindex(*game.shape))
    payoffs = [game.payoffs[(slice(None), *cell)] for cell in cells]
    return Samples.of(names(*game.shape), cells, [np.zeros((0, len(game.shape)))] * len(cells), exact=payoffs)


def sampled(rng, size, count, strength, *, roles=2, symmetric=True, seeds=False, shared=0.0):
    """Zero-sum matches of agents of known strengths; with `seeds`, part of the luck is common to all cells."""
    if symmetric:
        cells = list(itertools.combinations_with_replacement(range(size), roles))
    else:
        cells = list(np.ndindex(*(size,) * roles))
    luck = shared * rng.normal(size=(count, 1))
    payoffs = [np.asarray(strength)[list(cell)] + luck + rng.normal(size=(count, roles)) for cell in cells]
    shape = names(*[size] * roles)
    numbers = [np.arange(count)] * len(cells) if seeds else None
    return Samples.of(shape, cells, payoffs, symmetric=symmetric, seeds=numbers)


# --- known answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alpha, expected",
    [
        (0.1, [0.28442728, 0.58288655, 0.13268617]),
        (1, [0.17471658, 0.71611101, 0.10917241]),
        (10, [0.28184630, 0.43801187, 0.28014183]),
        (math.inf, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_alpharank_of_one_population(alpha, expected):
    table = exact_symmetric([[0, -0.5, 1], [0.5, 0, -0.1], [-1, 0.1, 0]])
    found = rank(table, np.random.default_rng(0), names=["alpha-rank"], alpha=alpha, population=50)
    (ranking,) = found.rankings
    assert ranking.values == pytest.approx(expected, abs=1e-8)
    assert ranking.low is None and ranking.first is None and "all cells are exact" in ranking.note


def test_alpharank_of_five_strategies_as_openspiel():
    """OpenSpiel's test of a symmetric game of five strategies (population 20, alpha 0.1)."""
    pyspiel = pytest.importorskip("open_spiel.python.egt.alpharank", reason="needs OpenSpiel")
    matrix = np.array(
        [
            [0.0, 1.5, -0.5, 2.0, 1.0],
            [-1.0, 0.0, 0.3, 1.2, -2.0],
            [0.2, -0.7, 0.0, 0.4, 1.1],
            [0.9, 0.1, -1.3, 0.0, 0.6],
            [0.0, 2.0, 0.5, -0.4, 0.0],
        ]
    )
    *_, law, _, _ = pyspiel.compute([matrix], alpha=0.1, m=20, use_local_selection_model=False)
    found = rank(
        exact_symmetric(matrix), np.random.default_rng(0), names=["alpha-rank"], alpha=0.1, population=20
    )
    assert found.rankings[0].values == pytest.approx(law, abs=1e-8)


def test_alpharank_of_two_populations():
    dilemma = exact_roles(NormalFormGame.symmetric([[3, 0], [5, 1]]))
    for role in (0, 1):
        ranking = rank(dilemma, np.random.default_rng(0), names=["alpha-rank"], alpha=0.1, population=50).get(
            "alpha-rank", role
        )
        assert ranking.values == pytest.approx([0.0073373 + 0.00000041, 0.0073373 + 0.98532498], abs=1e-7)
    shapley = NormalFormGame.bimatrix(np.eye(3), np.roll(np.eye(3), 1, axis=1))
    found = rank(exact_roles(shapley), np.random.default_rng(0), names=["alpha-rank"])
    assert found.get("alpha-rank", 1).values == pytest.approx([1 / 3] * 3)


def test_measures_of_a_known_table():
    """Rock, paper, scissors and a fourth agent that loses to all by 1."""
    matrix = np.pad(RPS, (0, 1))
    matrix[:3, 3], matrix[3, :3] = 1, -1
    found = rank(exact_symmetric(matrix), np.random.default_rng(0))
    scores = found.get("mean score")
    assert scores.values == pytest.approx([1 / 3, 1 / 3, 1 / 3, -1])
    averaging = found.get("Nash averaging")
    assert averaging.values.tolist() == [0, 0, 0, -1]
    assert averaging.mass == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert found.get("CCE").values == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=1e-6)
    assert found.get("alpha-rank").order.tolist() == [0, 1, 2, 3]
    qre = found.get("QRE")
    x = qre.values[3] / qre.values[0]  # lambda is 10 over the span of 2, and three quarters meet the others
    assert x == pytest.approx(math.exp(-5 * (3 * qre.values[0] + qre.values[3])), rel=1e-6)
    assert {"Elo", "OpenSkill"} == set(found.absent) and "computed, not played" in found.absent["Elo"]
    itself = rank(exact_symmetric(matrix), np.random.default_rng(0), include_self=True)
    assert itself.get("mean score").values == pytest.approx([1 / 4, 1 / 4, 1 / 4, -3 / 4])


def test_axelrod_scores_leave_out_self_play():
    dilemma = rank(exact_symmetric([[3, 0], [5, 1]]), np.random.default_rng(0))
    assert dilemma.get("mean score").values.tolist() == [0, 5]
    alone = rank(exact_symmetric([[2.0]]), np.random.default_rng(0))
    assert (
        alone.get("mean score").values.tolist() == [2.0] and "itself included" in alone.get("mean score").note
    )


def test_roles_of_a_zero_sum_game():
    game = NormalFormGame.zero_sum([[2.0, -1], [-1, 1]])
    found = rank(exact_roles(game), np.random.default_rng(0))
    assert found.get("mean score", 0).values.tolist() == [0.5, 0]
    assert found.get("mean score", 1).values.tolist() == [-0.5, 0]
    for role in (0, 1):
        averaging = found.get("Nash averaging", role)
        assert averaging.mass == pytest.approx([0.4, 0.6])
        assert averaging.values == pytest.approx([0.2, 0.2] if role == 0 else [-0.2, -0.2])
    assert "interchangeable" in found.absent["OpenSkill"]
    general = rank(exact_roles(NormalFormGame.symmetric([[3, 0], [5, 1]])), np.random.default_rng(0))
    assert "constant sum" in general.absent["Nash averaging"]


def test_three_roles_and_their_averages():
    rng = np.random.default_rng(0)
    game = NormalFormGame(rng.normal(size=(3, 2, 3, 4)))
    found = rank(exact_roles(game), rng)
    for role in range(3):
        others = tuple(k for k in range(3) if k != role)
        assert found.get("mean score", role).values == pytest.approx(game.payoffs[role].mean(axis=others))
        marginal = alpharank(game).joint.dense().sum(axis=others)
        assert found.get("alpha-rank", role).values == pytest.approx(marginal, abs=1e-9)
        marginal = cce(game, "gini").joint.dense().sum(axis=others)
        assert found.get("CCE", role).values == pytest.approx(marginal, abs=1e-6)
    assert set(found.absent) == {"Elo", "OpenSkill", "Nash averaging"}


@pytest.mark.parametrize("include_self", [False, True])
@pytest.mark.parametrize("roles, size", [(2, 4), (3, 4), (4, 3)])
def test_mean_scores_of_symmetric_tables_by_enumeration(roles, size, include_self):
    rng = np.random.default_rng(roles)
    table = sampled(rng, size, 3, np.arange(size), roles=roles)
    means = {}
    for cell, mean in zip(map(tuple, table.cells.tolist()), table.mean):
        means[cell] = {agent: mean[cell.index(agent)] for agent in cell}
    found = rank(table, rng, names=["mean score"], include_self=include_self, replicates=2)
    for agent in range(size):
        others = [k for k in range(size) if include_self or k != agent]
        payoffs = [
            means[tuple(sorted((agent, *rest)))][agent]
            for rest in itertools.product(others, repeat=roles - 1)
        ]
        assert found.rankings[0].values[agent] == pytest.approx(np.mean(payoffs))


def test_symmetric_game_of_three():
    """The layout of multisets is the symmetric game: what an agent gets depends on whom it meets only."""
    rng = np.random.default_rng(1)
    table = sampled(rng, 3, 5, [0, 1, 2], roles=3)
    layout = lay_out(table)
    payoffs = layout.payoffs(table.mean)
    for order in itertools.permutations(range(3)):
        moved = np.stack([payoffs[k].transpose(order) for k in order])
        for role in range(3):
            assert moved[role] == pytest.approx(payoffs[role])
    found = rank(table, rng, replicates=20)
    marginal = alpharank(NormalFormGame(payoffs)).joint.dense().sum(axis=(1, 2))
    assert found.get("alpha-rank").values == pytest.approx(marginal, abs=1e-9)
    assert {"Elo", "Nash averaging"} == set(found.absent) - {"OpenSkill"}


# --- uncertainty ------------------------------------------------------------------------------------------


def test_replicates_as_a_brute_force_bootstrap():
    """Standard deviations of mean scores are those of resampling by hand, and of theory."""
    rng = np.random.default_rng(2)
    table = sampled(rng, 3, 40, [1, 0, -1])
    found = rank(table, rng, names=["mean score"], replicates=4000).rankings[0]
    by_hand = np.empty((3000, 3))
    cells = [table.payoffs[a:b] for a, b in itertools.pairwise(table.start)]
    for row in by_hand:
        scores = {0: [], 1: [], 2: []}
        for (i, j), block in zip(table.cells.tolist(), cells):
            drawn = block[rng.integers(0, 40, size=40)].mean(axis=0)
            if i != j:
                scores[i].append(drawn[0])
                scores[j].append(drawn[1])
        row[:] = [np.mean(scores[k]) for k in range(3)]
    low, high = np.quantile(by_hand, [0.025, 0.975], axis=0)
    assert found.high - found.low == pytest.approx(high - low, rel=0.08)
    assert found.low == pytest.approx(low, abs=0.03) and found.high == pytest.approx(high, abs=0.03)


@pytest.mark.parametrize("count", [2, 3, 10, 150, 1000])
def test_replicates_vary_as_means_do(count):
    """The variance of replicated cell means is s^2 / n, for few samples as for blocks of many."""
    rng = np.random.default_rng(3)
    table = Samples.of(names(1, 1), [[0, 0]], [rng.normal(size=(count, 2))])
    tables = np.concatenate([chunk.tables for chunk in Resampler(table).draw(rng, 20_000)])
    wanted = table.payoffs.var(axis=0, ddof=1) / count
    if count <= 100:
        assert tables[:, 0].var(axis=0) == pytest.approx(wanted, rel=0.05)
    else:  # blocks: right on average over samples, here of many columns
        many = rng.normal(size=(400, count, 2))
        spread = []
        for block in many:
            one = Samples.of(names(1, 1), [[0, 0]], [block])
            drawn = np.concatenate([chunk.tables for chunk in Resampler(one).draw(rng, 400)])
            spread.append(drawn[:, 0].var(axis=0) / (block.var(axis=0, ddof=1) / count))
        assert np.mean(spread) == pytest.approx(1.0, abs=0.03)


def test_common_luck_is_resampled_together():
    """Luck that all cells share widens intervals of scores, and not of differences between agents."""
    rng = np.random.default_rng(4)
    table = sampled(rng, 4, 60, [0.3, 0.1, -0.1, -0.3], seeds=True, shared=3.0)
    known = {
        "independent": Samples(table.populations, table.cells, table.payoffs, table.start, symmetric=True),
        "together": table,
    }
    widths, firsts = {}, {}
    for name, samples in known.items():
        ranking = rank(samples, np.random.default_rng(0), names=["mean score"], replicates=2000).rankings[0]
        widths[name], firsts[name] = (ranking.high - ranking.low).mean(), ranking.above[0, 3]
    luck = 2 * 1.96 * 3 / math.sqrt(60)
    assert widths["together"] == pytest.approx(luck, rel=0.2)
    assert widths["independent"] < 0.75 * widths["together"]  # luck taken for independent: too narrow
    assert (
        firsts["together"] > firsts["independent"]
    )  # differences are surer than independent luck would have it
    # seeds in any order and of any size tell the same luck
    mixed = Samples(
        table.populations, table.cells, table.payoffs, table.start,
        symmetric=True, seeds=(table.seeds * 7919 + 2**60) % 10007,
    )  # fmt: skip
    again = rank(mixed, np.random.default_rng(0), names=["mean score"], replicates=2000).rankings[0]
    assert (again.high - again.low).mean() == pytest.approx(widths["together"], rel=1e-6)


@pytest.mark.parametrize("shared", [0.0, 2.0])
def test_coverage(shared):
    """Of 200 tournaments of three agents, intervals hold the true scores about 95 times in 100."""
    strength = np.array([0.5, 0.0, -0.5])
    truth = strength
    held, repeats = np.zeros(3), 200
    differences = 0
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        table = sampled(rng, 3, 25, strength, seeds=shared > 0, shared=shared)
        ranking = rank(table, rng, names=["mean score"], replicates=400).rankings[0]
        held += (ranking.low <= truth) & (truth <= ranking.high)
        differences += bool(ranking.above[0, 2] > 0.975) + bool(ranking.above[0, 2] < 0.025)
    # P(Binomial(200, 0.95) < 180) is about 0.002; an interval of a mean of 25 holds a little less than it says
    assert (held >= 178).all() and held.sum() <= 3 * 199, held
    assert differences >= 180  # a difference of 1 is seen


def test_pairs_of_equals_are_undecided():
    """Between equals, "above" with probability over 0.975 or under 0.025 happens about five times in a hundred."""
    wrong = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ranking = rank(sampled(rng, 2, 40, [0, 0]), rng, names=["mean score"], replicates=400).rankings[0]
        wrong += not 0.025 <= ranking.above[0, 1] <= 0.975
        pairs = ranking.undecided(0.025)
        assert (len(pairs) == 1) == (max(ranking.above[0, 1], ranking.above[1, 0]) < 0.975)
    assert 1 <= wrong <= 22  # P(Binomial(200, 0.05) > 22) is about 0.0003


def test_order_shares_by_hand():
    first, above = order_shares(np.array([[3.0, 1, 1], [2, 2, 0], [0, 1, 1], [5, 4, 6]]))
    assert first == pytest.approx(np.array([1.5, 1, 1.5]) / 4)
    assert above[0, 1] == pytest.approx(2.5 / 4) and above[1, 2] == pytest.approx(2 / 4)
    assert above + above.T == pytest.approx(np.ones((3, 3)))


def test_order_puts_equals_by_mass_and_the_unranked_last():
    ranking = Ranking(
        "x",
        0,
        ("a", "b", "c", "d"),
        np.array([0.0, math.nan, 0.0, 1.0]),
        mass=np.array([0.1, math.nan, 0.9, 0]),
    )
    assert ranking.order.tolist() == [3, 2, 0, 1] and ranking.undecided() == ()


def test_elo_with_ties_and_its_interval():
    rng = np.random.default_rng(6)
    theta = np.array([0.8, 0.0, -0.8])
    cells = list(itertools.combinations(range(3), 2))
    outcomes, payoffs = [], []
    for i, j in cells:
        p = np.array([math.exp((theta[i] - theta[j]) / 2), 0.7, math.exp((theta[j] - theta[i]) / 2)])
        drawn = rng.multinomial(2, p / p.sum(), size=60)  # two seatings a seed
        outcomes.append(drawn)
        payoffs.append(np.stack([drawn[:, 0] - drawn[:, 2], drawn[:, 2] - drawn[:, 0]], axis=1) / 2)
    table = Samples.of(names(3, 3), cells, payoffs, outcomes=outcomes, symmetric=True)
    elo = rank(table, rng, names=["Elo"]).rankings[0]
    wins, ties = np.zeros((3, 3)), np.zeros((3, 3))
    for (i, j), block in zip(cells, outcomes):
        wins[i, j], ties[i, j], wins[j, i] = block.sum(axis=0)
        ties[j, i] = ties[i, j]
    fitted = bradley_terry(wins, ties)
    assert elo.values == pytest.approx(fitted.elo)
    assert (elo.high - elo.low) / (2 * 1.96) == pytest.approx(fitted.elo_error, rel=0.25)
    assert "tie parameter" in elo.note and elo.first[0] > 0.99
    payoff_only = Samples.of(names(3, 3), cells, payoffs, symmetric=True)
    sign = rank(payoff_only, rng, names=["Elo"]).rankings[0]
    assert sign.order.tolist() == [0, 1, 2] and not np.allclose(sign.values, elo.values)


def test_elo_of_roles_and_of_an_agent_that_always_wins():
    rng = np.random.default_rng(7)
    cells = list(np.ndindex(2, 3))
    payoffs = [np.array([[1.0, -1]] * 9 + [[-1, 1]] * (0 if i == 0 else 4)) for i, _ in cells]
    found = rank(Samples.of(names(2, 3), cells, payoffs), rng, names=["Elo"])
    rows, columns = found.rankings
    assert rows.values[0] > rows.values[1] > columns.values.max()
    assert "not finite" in rows.note and np.isfinite(rows.low).all()
    assert np.concatenate([rows.values, columns.values]).mean() == pytest.approx(1500)
    costly = [np.array([[1.0, 2], [0, 0]])] * 6
    assert "constant sum" in rank(Samples.of(names(2, 3), cells, costly), rng, names=["Elo"]).absent["Elo"]


# --- tables that are not whole ----------------------------------------------------------------------------


def test_missing_cells():
    """An agent that failed everywhere is left out of games, and the others are ranked as without it."""
    rng = np.random.default_rng(8)
    matrix = rng.normal(size=(5, 5))
    whole = exact_symmetric(matrix[:4, :4])
    cells = list(itertools.combinations_with_replacement(range(5), 2))
    payoffs = [[math.nan] * 2 if 4 in cell else [matrix[cell], matrix[cell[::-1]]] for cell in cells]
    table = Samples.of(names(5, 5), cells, [np.zeros((0, 2))] * 15, exact=payoffs, symmetric=True)
    found, wanted = rank(table, rng), rank(whole, rng)
    for name in ("mean score", "alpha-rank", "Nash averaging", "CCE"):
        ranking = found.get(name)
        assert ranking.values[:4] == pytest.approx(wanted.get(name).values) and math.isnan(ranking.values[4])
        assert ranking.order[-1] == 4 and "missing" in ranking.note
    assert np.isnan(table.matrix[4]).all() and table.matrix[:4, :4] == pytest.approx(matrix[:4, :4])
    # cells that are not listed are as those that failed
    some = [k for k, cell in enumerate(cells) if 4 not in cell]
    short = Samples.of(
        names(5, 5), [cells[k] for k in some], [np.zeros((0, 2))] * len(some),
        exact=[payoffs[k] for k in some], symmetric=True,
    )  # fmt: skip
    assert rank(short, rng).get("CCE").values[:4] == pytest.approx(wanted.get("CCE").values)
    assert "cells are missing" in rank(short, rng).get("mean score").note


def test_one_missing_cell_of_roles():
    rng = np.random.default_rng(9)
    game = NormalFormGame(rng.normal(size=(2, 3, 4)))
    table = exact_roles(game)
    gone = table.exact.copy()
    gone[5] = math.nan  # row 1, column 1
    table = Samples(table.populations, table.cells, table.payoffs, table.start, exact=gone)
    layout = lay_out(table)
    assert [kept.tolist() for kept in layout.kept] == [[0, 1, 2], [0, 2, 3]]
    inside = np.ix_(range(2), *layout.kept)
    assert layout.payoffs(table.mean) == pytest.approx(game.payoffs[inside])
    score = rank(table, rng, names=["mean score"]).get("mean score", 0)
    assert score.values[1] == pytest.approx(game.payoffs[0, 1, [0, 2, 3]].mean())
    nothing = Samples(table.populations, table.cells, table.payoffs, table.start)
    found = rank(nothing, rng)
    assert lay_out(nothing) is None and "missing" in found.absent["CCE"]
    assert np.isnan(found.get("mean score").values).all()


def test_single_samples_are_remarked():
    rng = np.random.default_rng(10)
    cells = [(0, 0), (0, 1), (1, 1)]
    one = Samples.of(names(2, 2), cells, [rng.normal(size=(1, 2))] * 3, symmetric=True)
    found = rank(one, rng)
    assert found.get("mean score").low is None and "single sample" in found.get("mean score").note
    mixed = Samples.of(names(2, 2), cells, [rng.normal(size=(n, 2)) for n in (5, 5, 1)], symmetric=True)
    score = rank(mixed, rng, replicates=20).get("mean score")
    assert score.low is not None and "too narrow" in score.note


def test_rounding_decides_nothing():
    """Payoffs equal but for rounding are ties at infinite alpha."""
    tied = [[0, 1, 0.3], [1 + 1e-15, 0, 0.1], [0.3, 0.1, 0]]
    ranking = rank(exact_symmetric(tied), np.random.default_rng(0), names=["alpha-rank"]).rankings[0]
    assert ranking.values == pytest.approx([1 / 3] * 3)
    still = rank(exact_symmetric(np.full((3, 3), 0.1)), np.random.default_rng(0))
    assert still.get("alpha-rank").values == pytest.approx([1 / 3] * 3)
    assert still.get("QRE").values == pytest.approx([1 / 3] * 3)


def test_relabelled_agents_and_the_same_luck():
    rng = np.random.default_rng(11)
    table = sampled(rng, 4, 20, [1, 0.5, 0, -1])
    once, again = (rank(table, np.random.default_rng(5), replicates=60) for _ in range(2))
    for a, b in zip(once.rankings, again.rankings):
        assert a.note == b.note
        for field in ("values", "low", "high", "first", "above", "mass"):
            x, y = getattr(a, field), getattr(b, field)
            assert (x is None and y is None) or np.array_equal(x, y, equal_nan=True)
    order = np.array([2, 0, 3, 1])  # agent k is called order[k] now
    moved = Samples(table.populations, order[table.cells], table.payoffs, table.start, symmetric=True)
    other = rank(moved, np.random.default_rng(5), replicates=2)
    for name in MEASURES:
        if name != "OpenSkill":
            assert other.get(name).values[order] == pytest.approx(once.get(name).values, abs=1e-6), name


def test_fifty_agents():
    rng = np.random.default_rng(12)
    told = []
    found = rank(
        sampled(rng, 50, 10, np.linspace(1, -1, 50)),
        rng,
        replicates=200,
        progress=lambda f, t: told.append(f),
    )
    assert all(found.get(name).low is not None for name in MEASURES if name not in found.absent)
    assert set(found.absent) <= {"OpenSkill"}
    assert told == sorted(told) and told[-1] == 1.0
    assert np.corrcoef(found.get("Elo").values, found.get("mean score").values)[0, 1] > 0.99


def test_nash_averaging_is_of_margins():
    rng = np.random.default_rng(13)
    matrix = rng.normal(size=(6, 6))
    margins = (matrix - matrix.T) / 2
    solution = nash_averaging(NormalFormGame.zero_sum(margins))
    ranking = rank(exact_symmetric(matrix), rng, names=["Nash averaging"]).rankings[0]
    assert ranking.values == pytest.approx(solution.stats["ratings"][:6], abs=1e-8)
    assert ranking.mass == pytest.approx(solution.profile[:6], abs=1e-8)


# --- OpenSkill --------------------------------------------------------------------------------------------


def test_openskill_as_the_library_by_hand():
    library = pytest.importorskip("openskill.models", reason="needs the extra `ratings`")
    players = np.array([[0, 1, 2], [2, 1, -1], [0, 0, 1], [1, 0, 2]])
    scores = np.array([[5.0, 1, 1], [0, 0, 99], [1, 2, 3], [4, 4, -2]])
    found = openskill_ratings(players, scores, 3, np.random.default_rng(3), orders=2)
    rng, means, deviations = np.random.default_rng(3), [], []
    for _ in range(2):
        model = library.PlackettLuce()
        ratings = [model.rating() for _ in range(3)]
        matches = [
            ([0, 1, 2], [1, 2, 2]),
            ([2, 1], [1, 1]),
            ([1, 0, 2], [1, 1, 2]),
        ]  # not the one against itself
        for m in rng.permutation(3):
            who, places = matches[m]
            for agent, (new,) in zip(who, model.rate([[ratings[k]] for k in who], ranks=places)):
                ratings[agent] = new
        means.append([r.mu for r in ratings])
        deviations.append([r.sigma**2 for r in ratings])
    assert found.mu == pytest.approx(np.mean(means, axis=0)) and found.matches == 3
    assert found.sigma == pytest.approx(np.sqrt(np.mean(deviations, axis=0)))
    assert found.spread == pytest.approx(np.std(means, axis=0, ddof=1))


def test_openskill_finds_the_order():
    pytest.importorskip("openskill", reason="needs the extra `ratings`")
    rng = np.random.default_rng(1)
    table = sampled(rng, 4, 30, [2, 1, 0, -1], roles=3)
    ranking = rank(table, rng, names=["OpenSkill"], replicates=2).rankings[0]
    assert ranking.order.tolist() == [0, 1, 2, 3] and (ranking.low < ranking.values).all()
    few = openskill_ratings(
        rng.permuted(np.tile([0, 1, 2, 3], (500, 1)), axis=1), rng.normal(size=(500, 4)), 4, rng, matches=50
    )
    assert few.matches == 50


def test_openskill_may_be_missing(monkeypatch):
    monkeypatch.setattr("experiments.tournament.openskill.available", lambda: False)
    rng = np.random.default_rng(1)
    found = rank(sampled(rng, 3, 5, [1, 0, -1]), rng, replicates=10)
    assert "staghunt[ratings]" in found.absent["OpenSkill"] and found.get("Elo") is not None


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"cells": [(0, 2)]}, "not in the population"),
        ({"cells": [(0, 1), (1, 0)], "start": [0, 1, 2]}, "same agents"),
        ({"start": [0, 1]}, "1 samples, but there are 2"),
        ({"start": [0, 1, 2]}, "increasing positions"),
        ({"payoffs": [[0, math.nan], [0, 0]]}, "finite"),
        ({"populations": (("a",), ("b", "c"))}, "same agents in every role"),
        ({"populations": ((), ())}, "at least one agent"),
        ({"outcomes": [[1, 0], [0, 1]]}, "three counts"),
        ({"outcomes": [[1, 0, -1], [0, 1, 0]]}, "three counts"),
        ({"seeds": [1]}, "1 seeds for 2 samples"),
        ({"exact": [[1.0, 2.0], [1.0, 2.0]]}, "exact payoffs"),
    ],
)
def test_bad_samples(changes, message):
    given = {
        "populations": (("a", "b"), ("a", "b")),
        "cells": [(0, 1)],
        "payoffs": [[0, 1], [1, 0]],
        "start": [0, 2],
        "symmetric": True,
    }
    Samples(**given)
    with pytest.raises(InputError, match=message):
        Samples(**{**given, **changes})


@pytest.mark.parametrize(
    "options, message",
    [
        ({"names": ["elo"]}, "no measure 'elo'"),
        ({"replicates": 1}, "replicates"),
        ({"level": 1.0}, "level"),
        ({"lam": -1.0}, "lambda"),
        ({"alpha": -1.0}, "alpha"),
        ({"population": 1}, "population"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(InputError, match=message):
        rank(exact_symmetric(RPS), np.random.default_rng(0), **options)


@pytest.mark.parametrize(
    "players, scores, message",
    [
        ([[0, 3]], [[0, 1.0]], "whole numbers"),
        ([[0, 1]], [[0, math.nan]], "not a number"),
        ([[0]], [[1.0]], "at least 2"),
        ([[0.0, 1.0]], [[1.0, 0]], "whole numbers"),
    ],
)
def test_bad_matches(players, scores, message):
    with pytest.raises(InputError, match=message):
        openskill_ratings(np.array(players), np.array(scores), 3, np.random.default_rng(0))


def test_who_has_only_met_themselves_has_no_mean_score() -> None:
    """Where all cells of different agents have failed."""
    cells = symmetric_cells(2, 2)
    payoffs = [np.random.default_rng(c).random((0 if c == 1 else 5, 2)) for c in range(3)]
    found = rank(
        Samples.of((("a", "b"),) * 2, cells, payoffs, symmetric=True), np.random.default_rng(0), replicates=20
    )
    scores = found.get("mean score")
    assert scores is not None
    assert np.isnan(scores.values).all() and scores.low is None
    assert "Elo" in found.absent
