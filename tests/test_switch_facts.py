"""Where a switch calls: hand-made switches on hand-made and real states, against brute force and closed forms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes

from experiments.intervals import wilson_interval
from experiments.output import dumps
from experiments.switch_bins import BINS, VALUES, binned, information, kind, periods
from experiments.switch_facts import SwitchFacts, facts_of, switch_facts
from experiments.switch_features import (
    BETWEEN,
    BUDGET,
    FOODS,
    NEAREST,
    REWARD,
    SECOND,
    STEP,
    Features,
    foraging_coordinates,
    foraging_features,
    foraging_measures,
)
from experiments.switch_log import CallLog
from experiments.switch_plots import (
    draw_feature,
    draw_map,
    draw_over_steps,
    headline,
    switch_figure,
    write_switch_figure,
)
from games import make_env, play_episodes
from games.env import Env
from games.errors import InputError
from games.play import advance, begin
from games.policy import random_policy
from games.streams import draw_seeds
from marl.switched_team import Decider, SwitchedTeam

FIELD = "foraging:5x5-3p-2f?horizon=20"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class Above:
    """A network of a switch that calls where a number of what it sees is above a threshold."""

    def __init__(self, coordinate: int, threshold: float) -> None:
        self.coordinate, self.threshold = coordinate, threshold

    def __call__(self, rows: torch.Tensor) -> tuple[torch.Tensor, None]:
        score = rows[..., self.coordinate] - self.threshold
        return torch.stack([torch.zeros_like(score), score], dim=-1), None


def team(env: Env, decider: Decider, **fields: Any) -> SwitchedTeam:
    """Two random teams and a switch between them."""
    return SwitchedTeam(env.spec, random_policy(env.spec), random_policy(env.spec), decider, **fields)


def looked(decider: Decider, episodes: int = 100, uri: str = FIELD, **fields: Any) -> SwitchFacts:
    env = make_env(uri)
    return switch_facts(env, team(env, decider, **fields), rng(), episodes=episodes)


# --- what is known of a state -----------------------------------------------------------------------------------


def state(players: list[tuple[int, int]], foods: list[tuple[int, int, bool]]) -> Any:
    """A global state of foraging, levels and time made up."""
    rows = [number for row, col in players for number in (row, col, 1)]
    rows += [number for row, col, there in foods for number in (row, col, 2 if there else 1, int(there))]
    return np.array([[*rows, 0.5]])


def test_distances_in_a_hand_made_state() -> None:
    """
    . A . .     A to the first food: 2, B to it: 3, C to it: 5; to the second: A 5, B 4, C 2; the eaten one is nobody's.
    . . . .     The nearest food is as near to A (2) as the second to C (2); the second-nearest agents are 3 and 4 away.
    . F . B
    x . . .
    . . F . C
    """
    players, foods = [(0, 1), (2, 4), (4, 4)], [(2, 1, True), (3, 0, False), (4, 2, True)]
    (second, nearest, left, between) = foraging_measures(state(players, foods), 3, 2 + 1)[0]
    assert (second, nearest, left) == (3, 2, 2)
    assert between == pytest.approx((5 + 7 + 2) / 3)
    (second, nearest, left, _) = foraging_measures(state(players, [(3, 0, False), (4, 2, True)]), 3, 2)[0]
    assert (second, nearest, left) == (4, 2, 1)
    nothing = foraging_measures(state(players, [(3, 0, False)]), 3, 1)[0]
    assert np.isnan(nothing[:2]).all() and nothing[2] == 0
    assert foraging_measures(state([(0, 0)], [(3, 4, True)]), 1, 1).tolist() == [[7, 1]]
    assert foraging_features(1) == (NEAREST, FOODS)
    assert foraging_features(2) == (SECOND, NEAREST, FOODS, BETWEEN)


def brute(players: Any, foods: Any) -> tuple[float, float, int, float]:
    """The same, agent by agent and food by food."""
    pairs = []
    for row, col, _, there in foods.tolist():
        if there:
            away = sorted(abs(r - row) + abs(c - col) for r, c, _ in players.tolist())
            pairs.append((away[0], away[1]))
    apart = [
        abs(players[a, 0] - players[b, 0]) + abs(players[a, 1] - players[b, 1])
        for a in range(len(players))
        for b in range(a)
    ]
    if not pairs:
        return math.nan, math.nan, 0, float(np.mean(apart))
    nearest, second = min(pairs)
    return second, nearest, len(pairs), float(np.mean(apart))


@pytest.mark.parametrize(
    "uri", ["foraging:6x6-2p-3f?horizon=25", "foraging:7x5-4p-2f", "foraging:grid-2s-8x8-3p-3f"]
)
def test_distances_are_those_of_the_fields_played(uri: str) -> None:
    env = make_env(uri)
    play = begin(env, random_policy(env.spec), draw_seeds(rng(1), 20))
    players, foods = play.world.state.players.shape[1], play.world.state.foods.shape[1]
    assert len(foraging_coordinates(players, foods)) == env.spec.state
    for _ in range(12):
        seen = foraging_measures(play.step.state, players, foods)
        field = play.world.state
        wanted = [brute(field.players[b], field.foods[b]) for b in range(20)]
        np.testing.assert_allclose(seen, np.array(wanted, dtype=float))
        advance(env, random_policy(env.spec), play)


def test_features_have_names_and_units() -> None:
    env = make_env("foraging:5x5-2p-1f")
    names = [one.label for one in Features(env, True).all]
    assert names[:7] == [one.label for one in (SECOND, NEAREST, FOODS, BETWEEN, STEP, REWARD, BUDGET)]
    assert names[7] == "state[0] (row of player 0)" and names[-1] == "state[10] (share of steps left)"
    assert [one.name for one in Features(make_env("foraging:15x15-8p-20f"), False).all][-1] == "state[63]"
    other = [one.label for one in Features(make_env("coordination:bits?agents=2"), False).all]
    assert other[:2] == [STEP.label, REWARD.label] and all("[" in name for name in other[2:])


# --- bins -------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.sampled_from([2, 5, 40, 10_000]), st.booleans())
def test_bins_hold_every_step_once(seed: int, count: int, different: int, missing: bool) -> None:
    draw = rng(seed)
    values = (draw.integers(0, different, count) ** 2 / 7.0).astype(np.float32)
    if missing:
        values[draw.random(count) < 0.3] = np.nan
    called = draw.random(count) < 0.4
    codes, bins = binned(values, called)
    assert bins.counts.sum() == count and bins.counts.min() > 0
    assert len(bins.counts) <= max(VALUES, BINS) + 1
    for k in range(len(bins.counts)):
        inside = values[codes == k]
        assert bins.counts[k] == len(inside) and bins.calls[k] == called[codes == k].sum()
        if np.isnan(bins.low[k]):
            assert k == len(bins.counts) - 1 and np.isnan(inside).all() and bins.labels[k] == "none"
        else:
            assert (inside.min(), inside.max()) == (bins.low[k], bins.high[k])
            ends = wilson_interval(int(bins.calls[k]), int(bins.counts[k]))
            assert bins.interval[k].tolist() == list(ends)
    known = ~np.isnan(bins.low)
    assert (bins.high[known][:-1] < bins.low[known][1:]).all()
    if len(np.unique(values[~np.isnan(values)])) <= VALUES:
        assert (bins.low[known] == bins.high[known]).all()


def test_one_frequent_value_has_a_bin_of_its_own() -> None:
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])
    called = values > 0
    _, bins = binned(values, called)
    assert bins.high[0] == 0.0 and bins.counts[0] == 900
    assert bins.share[0] == 0.0 and (bins.share[1:] == 1.0).all()


def test_mutual_information_is_what_it_is_by_definition() -> None:
    draw = rng(3)
    values = draw.integers(0, 4, 5_000).astype(float)
    called = draw.random(5_000) < 0.1 + 0.2 * values
    _, bins = binned(values, called)
    joint = {(v, c): 0 for v in range(4) for c in (False, True)}
    for value, call in zip(values.astype(int).tolist(), called.tolist()):
        joint[value, call] += 1
    total = 0.0
    for (value, call), count in joint.items():
        alone = sum(joint[value, c] for c in (False, True)) * sum(joint[v, call] for v in range(4))
        total += count / 5_000 * math.log(count * 5_000 / alone)
    assert information(bins) == pytest.approx(total - 3 / 10_000, rel=1e-12)
    half = np.arange(1_000) % 2 == 0
    assert information(binned(half.astype(float), half)[1]) == pytest.approx(math.log(2) - 1 / 2_000)
    assert information(binned(values, np.ones(5_000, dtype=bool))[1]) == 0.0


def test_kinds_are_functions_of_each_other() -> None:
    values = np.array([3.0, 1.0, np.nan, 3.0, 2.0])
    assert kind(values) == kind(-2.5 * values + 1) == kind(np.array([9.0, 4.0, np.nan, 9.0, 100.0]))
    assert kind(values) != kind(np.array([3.0, 1.0, np.nan, 3.0, 3.0]))
    assert kind(np.full(5, 7.0)) == np.zeros(5, dtype=np.int64).tobytes()


def test_long_episodes_are_told_in_periods() -> None:
    counted = np.stack([np.arange(120, 0, -1), np.ones(120, dtype=int)], axis=1)
    bins = periods(counted)
    assert bins.low.tolist() == list(range(0, 120, 3)) and bins.high.tolist() == list(range(2, 120, 3))
    assert bins.counts.sum() == counted[:, 0].sum() and bins.counts[0] == 120 + 119 + 118
    assert (bins.calls == 3).all()


# --- hand-made switches -----------------------------------------------------------------------------------------


def test_a_switch_by_a_coordinate_is_seen_through() -> None:
    facts = looked(Decider(Above(0, 2.0)))
    best = facts.features[0]
    assert best.feature.name == "state[0]"
    assert best.bins.low.tolist() == [0, 1, 2, 3, 4]
    assert best.bins.share.tolist() == [0, 0, 0, 1, 1]
    assert best.information == pytest.approx(facts.entropy, abs=5 / facts.kept)
    assert facts.features[1].information < 0.8 * facts.entropy
    assert facts.steps == facts.kept == facts.over_steps.counts.sum() == best.bins.counts.sum()
    assert facts.calls == best.bins.calls.sum() == facts.over_steps.calls.sum()
    assert facts.share == facts.calls / facts.steps and facts.episodes == 100


def test_a_switch_by_the_clock_is_seen_through() -> None:
    facts = looked(Decider(Above(3 * 3 + 4 * 2, 0.5)))  # more than half of 20 steps left
    best = facts.features[0]
    assert best.feature == STEP and "state[17]" in best.also
    assert facts.over_steps.share[:10].tolist() == [1.0] * 10
    assert not facts.over_steps.calls[10:].any() and len(facts.over_steps.counts) == 20
    assert facts.by(STEP) is best


def test_always_never_and_by_chance() -> None:
    for chance in (0.0, 1.0):
        facts = looked(Decider(chance=chance), 20)
        assert facts.share == chance and facts.entropy == 0.0
        assert all(one.information == 0.0 for one in facts.features)
        assert set(np.concatenate([one.bins.share for one in facts.features])) == {chance}
    facts = looked(Decider(chance=0.3), 300)
    assert facts.share == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / facts.steps))
    # 2 N times the plug-in information is chi-squared with at most 15 degrees: above 75 once in 2e9
    assert facts.features[0].information < 75 / (2 * facts.kept)


def test_a_budget_is_seen_being_used_up() -> None:
    facts = looked(Decider(chance=1.0), budget=4)
    assert facts.budget == 4
    assert facts.over_steps.share[:4].tolist() == [1.0] * 4 and not facts.over_steps.calls[4:].any()
    assert facts.calls <= 4 * facts.episodes
    budget = facts.by(BUDGET)
    assert budget is not None and budget is facts.features[0]
    assert budget.bins.low.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert budget.bins.share.tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert looked(Decider(chance=1.0), 5).by(BUDGET) is None


def test_rewards_so_far_are_those_that_were_paid() -> None:
    env = make_env("foraging:5x5-2p-3f?horizon=30")
    one = team(env, Decider(chance=0.5))
    log = CallLog(env, one, rng())
    play = begin(env, log.watched, draw_seeds(rng(5), 40))
    wanted = []
    paid = np.zeros(40)
    for t in range(30):
        going = ~play.step.last
        wanted.append(np.stack([np.full(going.sum(), t), paid[going]], axis=1))
        after = advance(env, log.watched, play).after
        paid += after.rewards.sum(axis=1)
    visits = log.visits()
    columns = [visits.features.index(STEP), visits.features.index(REWARD)]
    np.testing.assert_allclose(visits.seen[:, columns], np.concatenate(wanted), rtol=1e-6)
    assert paid.max() > 0


def test_watching_changes_nothing_and_batches_change_nothing() -> None:
    env = make_env(FIELD)
    one = team(env, Decider(chance=0.4), budget=6)
    seeds = draw_seeds(rng(2), 60)
    plain = play_episodes(env, one, seeds)
    told = []
    for batch in (60, 17):
        log = CallLog(env, one, rng())
        seen = play_episodes(env, log.watched, seeds, batch=batch)
        np.testing.assert_array_equal(seen.returns, plain.returns)
        np.testing.assert_array_equal(seen.counts["call"], plain.counts["call"])
        told.append(facts_of(log.visits()))
    assert told[0].calls == plain.counts["call"].sum() and told[0].steps == plain.lengths.sum()
    assert dumps(told[0].to_document()) == dumps(told[1].to_document())


def test_of_many_steps_a_random_part_is_kept() -> None:
    env = make_env(FIELD)
    one = team(env, Decider(Above(0, 2.0)))
    found = []
    for _ in range(2):
        log = CallLog(env, one, rng(4), limit=150)
        play_episodes(env, log.watched, draw_seeds(rng(6), 200))
        found.append(facts_of(log.visits()))
    whole = looked(Decider(Above(0, 2.0)), 200)
    assert dumps(found[0].to_document()) == dumps(found[1].to_document())
    assert found[0].kept == 150 < found[0].steps == found[0].over_steps.counts.sum()
    best = found[0].features[0]
    assert best.feature.name == "state[0]" and set(best.bins.share) == {0.0, 1.0}
    # a share of 150 steps drawn from all: five standard errors
    assert best.bins.calls.sum() / 150 == pytest.approx(whole.share, abs=5 * 0.5 / math.sqrt(150))


def test_there_must_be_a_switch_and_something_to_see() -> None:
    env = make_env(FIELD)
    with pytest.raises(InputError, match="no switch"):
        switch_facts(env, random_policy(env.spec), rng())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no step"):
        CallLog(env, team(env, Decider()), rng()).visits()
    with pytest.raises(InputError, match="at least one step"):
        CallLog(env, team(env, Decider()), rng(), limit=0)


# --- told and drawn ---------------------------------------------------------------------------------------------


def test_the_map_counts_steps_by_two_distances() -> None:
    facts = looked(Decider(chance=0.5), 60)
    assert facts.map is not None
    assert (facts.map.across, facts.map.up) == (SECOND, FOODS)
    second, foods = facts.by(SECOND), facts.by(FOODS)
    assert second is not None and foods is not None
    np.testing.assert_array_equal(facts.map.counts.sum(axis=0), second.bins.counts)
    np.testing.assert_array_equal(facts.map.counts.sum(axis=1), foods.bins.counts)
    np.testing.assert_array_equal(facts.map.calls.sum(axis=1), foods.bins.calls)
    single = looked(Decider(chance=0.5), 20, "foraging:5x5-2p-1f-coop")
    assert single.map is not None and (single.map.across, single.map.up) == (SECOND, NEAREST)
    assert FOODS.name in single.constant
    bits = looked(Decider(chance=0.5), 200, "coordination:bits?agents=2&steps=5")
    assert bits.map is not None
    assert [bits.map.across, bits.map.up] == [one.feature for one in bits.features[:2]]


def test_what_is_told_is_json_with_bins_of_the_best() -> None:
    document = looked(Decider(Above(0, 2.0)), 30, "foraging:6x6-3p-4f").to_document()
    assert dumps(document)
    assert sum("bins" in one for one in document["features"]) == 8 < len(document["features"])
    told = [one["information"] for one in document["features"]]
    assert told == sorted(told, reverse=True)
    for row in document["over_steps"]:
        assert row["interval"][0] <= row["share"] <= row["interval"][1]


@pytest.mark.parametrize(
    ("decider", "uri"),
    [
        (Decider(Above(0, 2.0)), FIELD),
        (Decider(chance=0.0), "foraging:5x5-2p-1f-coop"),
        (Decider(chance=1.0), "foraging:5x5-1p-1f"),
        (Decider(chance=0.5), "coordination:bits?agents=2&steps=1"),
    ],
)
def test_figures_are_drawn(decider: Decider, uri: str, tmp_path: Path) -> None:
    write_switch_figure(tmp_path / "calls.png", looked(decider, 12, uri))
    assert (tmp_path / "calls.png").stat().st_size > 5_000


def test_the_same_facts_give_the_same_file(tmp_path: Path) -> None:
    facts = looked(Decider(Above(0, 2.0)), 12)
    for name in ("one.svg", "two.svg", "three.pdf"):
        write_switch_figure(tmp_path / name, facts)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "three.pdf").stat().st_size > 5_000


def test_pictures_show_the_numbers() -> None:
    from experiments.plots import new_figure

    facts = looked(Decider(Above(0, 2.0)), 60)
    axes: Axes = new_figure(5, 4).add_subplot()
    draw_feature(axes, facts.features[0])
    heights = [float(patch.get_height()) for patch in axes.patches]  # type: ignore[attr-defined]
    assert heights == facts.features[0].bins.share.tolist()
    assert "state[0] (row of player 0)" in axes.get_xlabel() and axes.get_ylabel()
    texts = [text.get_text() for text in axes.texts]
    assert texts == [str(n) if n < 1_000 else f"{n / 1_000:.1f}k" for n in facts.features[0].bins.counts]
    axes = new_figure(5, 4).add_subplot()
    draw_over_steps(axes, facts.over_steps)
    np.testing.assert_allclose(np.asarray(axes.lines[0].get_ydata()), facts.over_steps.share)
    axes = new_figure(5, 4).add_subplot()
    assert facts.map is not None
    draw_map(axes, facts.map)
    shown: Any = np.ma.filled(np.ma.asarray(axes.images[0].get_array()), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        np.testing.assert_allclose(shown, facts.map.calls / facts.map.counts)
    assert "second-nearest" in axes.get_xlabel() and "foods left" in axes.get_ylabel()
    assert f"{facts.steps:,} steps of 60 episodes" in headline(facts)
    visible = [one for one in switch_figure(facts).axes if one.get_visible()]
    assert len(visible) == 7  # four features, the episode, the map and its colours
