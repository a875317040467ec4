"""Gather-trade-build: laws of environments and of conservation, what is allowed, tax systems."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from games import make_env
from games.errors import InputError
from games.laws import check_env
from games.play import advance, begin, restart_stopped
from games.policy import random_policy
from games.sims.economy_facts import economy_facts
from games.sims.economy_gtb import Economy, GatherTradeBuildRules
from games.sims.economy_parameters import ranked_payments
from games.sims.economy_state import World
from games.sims.economy_taxes import US_FEDERAL, Brackets
from games.sims.simulation import Simulation

BASE = "economy:gather-trade-build"
LAYERS = slice(0, 2)


def simulation(uri: str) -> tuple[Simulation, GatherTradeBuildRules]:
    env = make_env(uri)
    assert isinstance(env, Simulation) and isinstance(env.rules, GatherTradeBuildRules)
    return env, env.rules


def copied(world: World) -> World:
    return World(*(array.copy() for array in world))


def coin(world: World) -> np.ndarray:
    return world.inventory[:, :, 0] + world.escrow[:, :, 0]


@pytest.mark.parametrize(
    "uri",
    [
        f"{BASE}?size=small",
        f"{BASE}?agents=10&horizon=60&period=7",
        f"{BASE}?size=small&agents=3&skills=pareto&tax=saez&saez_memory=8&horizon=40&warmup=9&anneal_slope=0.01",
        f"{BASE}?size=small&agents=1&tax=redistribution&horizon=30&window=1&coin=5",
        f"{BASE}?size=small&agents=31&tax=flat&horizon=5&skills=pareto&welfare=inverse-income&coin=3",
    ],
)
def test_it_is_an_environment(uri: str) -> None:
    env, _ = simulation(uri)
    assert len(check_env(env, batch=3, steps=30)) > 10
    assert make_env(env.spec.name).spec == env.spec


@pytest.mark.parametrize("tax", ["planner", "free", "flat", "redistribution"])
def test_coin_and_goods_come_from_somewhere(tax: str) -> None:
    env, rules = simulation(f"{BASE}?size=small&tax={tax}&coin=30&regeneration=0.1&horizon=90&period=9")
    play = begin(env, random_policy(env.spec), np.arange(20, dtype=np.uint64))
    w: World = play.world.state.world
    payments = w.skill[:, :, 0]
    for _ in range(90):
        old = copied(w)
        advance(env, random_policy(env.spec), play)
        built = w.houses - old.houses
        np.testing.assert_allclose(
            coin(w).sum(axis=1), (coin(old) + built * payments).sum(axis=1), rtol=1e-12
        )
        check_goods(w, old, built)
        assert (w.escrow >= 0).all() and (w.inventory[:, :, 1:] >= 0).all()
        assert tax == "redistribution" or w.inventory.min() > -1e-9
        check_bodies(w, rules)
    assert w.houses.sum() > 0 and w.trades.sum() > 0


def check_goods(w: World, old: World, built: np.ndarray) -> None:
    """What is gathered leaves the map: one unit for each that is taken, two owned where the worker was lucky."""
    owned = (w.inventory + w.escrow)[:, :, 1:].sum(axis=1) - (old.inventory + old.escrow)[:, :, 1:].sum(
        axis=1
    )
    gathered = owned + built.sum(axis=1)[:, None]
    gone = (old.tiles[:, LAYERS] > w.tiles[:, LAYERS]).sum(axis=(2, 3))
    assert (w.tiles[:, LAYERS] <= 1).all()
    assert (gathered >= gone).all() and (gathered >= 0).all()
    assert (gathered.sum(axis=1) <= 2 * old.place.shape[1]).all()


def check_bodies(w: World, rules: GatherTradeBuildRules) -> None:
    """Everybody stands on land of its own, and a house stands for each that was built."""
    m, ground = rules.constants.margin, rules.ground
    for b in range(len(w.place)):
        rows, cols = w.place[b].T
        assert (ground.code[rows, cols] != 1).all()
        assert (w.tiles[b, 3, rows + m, cols + m] == np.arange(len(rows)) + 2).all()
        assert (w.tiles[b, 3] > 0).sum() == len(rows)
        owners = w.tiles[b, 2, rows + m, cols + m]
        assert ((owners == 0) | (owners == np.arange(len(rows)) + 2)).all()
        counts = [(w.tiles[b, 2] == i + 2).sum() for i in range(len(rows))]
        assert counts == w.houses[b].tolist()
    land = ground.code == 0
    houses = w.tiles[:, 2, m : m + ground.rows, m : m + ground.cols] > 0
    assert not houses[:, ~land].any()


def test_what_is_masked_does_nothing_and_what_is_allowed_does_something() -> None:
    env, rules = simulation(f"{BASE}?size=small&coin=8&regeneration=0.2&horizon=120")
    play = begin(env, random_policy(env.spec), np.arange(12, dtype=np.uint64))
    rng, state, live = np.random.default_rng(3), play.world.state, np.ones(12, dtype=bool)
    keep = np.zeros((12, 1, 7), dtype=np.int32)
    refused = moved = taken = 0
    for _ in range(120):
        mask = play.step.groups[0].mask
        actions = rng.integers(0, 50, mask.shape[:2]).astype(np.int32)
        legal = np.take_along_axis(mask, actions[..., None], axis=2)[..., 0]
        rules_draw(rules, play)
        twin = Economy(copied(state.world), state.chance)
        was = copied(state.world)
        rules.play(twin, state.chance, (np.where(legal, actions, 0), keep), live)
        probe = Economy(copied(state.world), state.chance)
        rules.play(probe, state.chance, (actions, keep), live)
        for ours, theirs in zip(probe.world, twin.world):
            assert (ours == theirs).all()
        refused += (~legal).sum()
        for b, i in np.argwhere(legal & (actions > 0)):
            effect, free = has_effect(was, probe.world, b, i, actions[b, i])
            assert effect or not free, f"action {actions[b, i]} of worker {i} did nothing"
            moved, taken = moved + effect, taken + (not effect)
        advance(env, random_policy(env.spec), play)
    assert refused > 500 and moved > 500 and taken < moved / 20


def rules_draw(rules: GatherTradeBuildRules, play: Any) -> None:
    from games.sims.economy_begin_kernels import draw

    streams = play.world.streams.state[:, 0].copy()
    draw(play.world.state.chance, rules.constants, streams, np.ones(len(streams), dtype=bool))


def has_effect(was: World, now: World, b: int, i: int, action: int) -> tuple[bool, bool]:
    """Whether an allowed action did what it says, and whether it should have, since nobody took the target."""
    if action == 1:
        return bool(now.houses[b, i] == was.houses[b, i] + 1), True
    if action < 46:
        worked = now.labour[b, i] - was.labour[b, i]
        return bool(worked % 1 == 0.25), True
    way = ((0, -1), (0, 1), (-1, 0), (1, 0))[action - 46]
    target = was.place[b, i] + way
    others = np.delete(now.place[b], i, axis=0)
    return bool((now.place[b, i] == target).all()), not (others == target).all(axis=1).any()


def test_taxes_of_a_system_are_what_its_schedule_says() -> None:
    env, rules = simulation(f"{BASE}?size=small&tax=federal&coin=20&horizon=80")
    play = begin(env, random_policy(env.spec), np.arange(30, dtype=np.uint64))
    np.testing.assert_allclose(play.world.state.world.rates, np.tile(US_FEDERAL, (30, 1)))
    while not play.step.last.all():
        advance(env, random_policy(env.spec), play)
    facts, brackets = economy_facts(env, play.world), Brackets(tuple(rules.constants.cutoffs))
    due = brackets.due(facts.incomes, US_FEDERAL)
    assert (facts.paid <= due + 1e-9).all()
    assert np.isclose(facts.paid, due).mean() > 0.8 and (facts.paid.sum(axis=1) > 0).any()
    np.testing.assert_allclose(facts.after_tax.sum(axis=(1, 2)), facts.incomes.sum(axis=(1, 2)), atol=1e-9)
    np.testing.assert_allclose(facts.coin.sum(axis=1), 80 + facts.incomes.sum(axis=(1, 2)))
    np.testing.assert_allclose(facts.coin, 20 + facts.after_tax.sum(axis=1))
    np.testing.assert_allclose(facts.occupancy.sum(axis=1), 1)
    assert facts.gaming.shape == (30, 4) and (facts.effective_by_bracket <= 0.37 + 1e-9).all()


def test_redistribution_leaves_nobody_richer() -> None:
    env, _ = simulation(f"{BASE}?size=small&tax=redistribution&coin=5&horizon=100")
    play = begin(env, random_policy(env.spec), np.arange(10, dtype=np.uint64))
    while not play.step.last.all():
        advance(env, random_policy(env.spec), play)
        owned = coin(play.world.state.world)
        np.testing.assert_allclose(owned, np.tile(owned.mean(axis=1, keepdims=True), 4))
    facts = economy_facts(env, play.world)
    np.testing.assert_allclose(facts.equality, 1, atol=1e-9)
    payments = (facts.houses * facts.payment).sum(axis=1)
    np.testing.assert_allclose(facts.incomes.sum(axis=(1, 2)), payments, atol=1e-9)
    assert (facts.schedules == 0).all()


def test_the_cap_on_rates_rises_with_completed_episodes_and_is_carried_over() -> None:
    uri = f"{BASE}?size=small&horizon=2&period=2&anneal_slope=0.001&anneal_warmup=-100"
    env, rules = simulation(uri)
    for episodes, allowed in ((0, 2), (37, 2), (100, 4), (450, 11), (900, 20), (5000, 20)):
        given = np.array([[episodes, 7.0]] * 2)
        _, step = env.reset(np.arange(2, dtype=np.uint64), carried=given)
        mask = step.groups[1].mask[0, 0].reshape(7, 22)
        assert mask[:, : allowed + 2].all() and not mask[:, allowed + 2 :].any()
    play = begin(env, random_policy(env.spec), np.arange(3, dtype=np.uint64))
    for _ in range(6):
        advance(env, random_policy(env.spec), play)
        restart_stopped(env, random_policy(env.spec), play)
    kept = env.carry(play.world)
    assert kept is not None and kept[:, 0].tolist() == [3, 3, 3]
    np.testing.assert_allclose(play.world.state.world.cap, 0.103)
    inside = play.step.groups[1].mask[0, 0].reshape(7, 22)
    assert inside[:, 0].all()
    assert rules.constants.levels[3] == 3 * 0.05
    with pytest.raises(InputError, match=r"was it kept under another tax"):
        env.reset(np.arange(3, dtype=np.uint64), carried=np.zeros((3, 5)))


def test_the_planner_chooses_once_a_year_and_is_seen_a_step_later() -> None:
    env, rules = simulation(f"{BASE}?size=small&horizon=12&period=4")
    world, step = env.reset(np.array([4], dtype=np.uint64))
    places, first = rules.layout.worker_places(), []
    none = np.zeros((1, 4), dtype=np.int32)
    for t in range(12):
        chooses = bool(step.groups[1].mask[0, 0].sum() > 7)
        first.append(chooses)
        flat = rules.layout.split_worker(step.groups[0].observation)["flat"][0, 0]
        assert flat[places["is_first_day"]] == chooses == (t % 4 == 0)
        assert flat[places["is_tax_day"]] == (t % 4 == 3)
        rates = flat[places["curr_rates"]].copy()
        choice = np.full((1, 1, 7), 5 if chooses else 0, dtype=np.int32)
        choice[0, 0, 2] = 0
        world, step = env.step(world, (none, choice))
        after = rules.layout.split_worker(step.groups[0].observation)["flat"][0, 0][places["curr_rates"]]
        assert t % 4 == 0 or (rates == after).all()
    assert first == [True, False, False, False] * 3
    np.testing.assert_allclose(after, [0.2, 0.2, 0, 0.2, 0.2, 0.2, 0.2], atol=1e-7)
    assert step.last.all() and not step.groups[0].acting.any()


@pytest.mark.parametrize("method", ["auto", "decay"])
def test_labour_costs_little_at_first(method: str) -> None:
    env, _ = simulation(f"{BASE}?size=small&horizon=30&warmup=20&warmup_method={method}&coin=10")
    policy = random_policy(env.spec)
    play = begin(env, policy, np.arange(8, dtype=np.uint64))
    w: World = play.world.state.world
    for _ in range(3):
        before = w.utility[:, :4].copy()
        for _ in range(30):
            weight = 1 - np.exp(-w.counts[:, 0 if method == "decay" else 1] / 20)
            steps = w.counts[:, 1].copy()
            advance(env, policy, play)
            cost = 0.21 * 5**0.23 * weight[:, None] * w.labour
            np.testing.assert_allclose(w.utility[:, :4], (coin(w) ** 0.77 - 1) / 0.77 - cost)
            reward = play.step.groups[0].reward
            np.testing.assert_allclose(reward, w.utility[:, :4] - before, atol=1e-12)
            assert (w.counts[:, 1] - steps == (reward.mean(axis=1) > 0)).all()
            before = w.utility[:, :4].copy()
        restart_stopped(env, policy, play)
        assert (w.labour == 0).all()
    assert w.counts[:, 0].tolist() == [3] * 8 and w.counts[:, 1].min() > 0


def test_saez_rates_are_random_until_enough_is_known_then_by_the_formula() -> None:
    env, rules = simulation(f"{BASE}?size=small&tax=saez&saez_memory=24&horizon=40&period=10&coin=20")
    policy = random_policy(env.spec)
    play = begin(env, policy, np.arange(5, dtype=np.uint64))
    w: World = play.world.state.world
    assert (w.rates == 0).all()
    for year in range(12):
        advance(env, policy, play)
        if year < 6:  # six years of four workers make 24 pairs
            assert len(np.unique(w.rates)) == w.rates.size
        else:
            check_formula(w, rules)
        for _ in range(9):
            advance(env, policy, play)
        assert w.formula[:, 1].tolist() == [4 * (year + 1)] * 5
        if play.step.last.all():
            restart_stopped(env, policy, play)
            shown = np.minimum(w.formula[:, 2:], 1)
            np.testing.assert_allclose(w.rates, shown)
    kept = env.carry(play.world)
    assert kept is not None and kept.shape == (5, 2 + 2 + 7 + 48)
    world, _ = env.reset(np.arange(5, dtype=np.uint64), carried=kept)
    again = env.carry(world)
    assert again is not None and (again == kept).all()


def check_formula(w: World, rules: GatherTradeBuildRules) -> None:
    from games.sims.economy_saez import saez

    for b in range(len(w.rates)):
        found = saez(
            Brackets(tuple(rules.constants.cutoffs)),
            w.pairs[b, :, 0],
            w.pairs[b, :, 1],
            fixed=float(w.formula[b, 0]),
        )
        np.testing.assert_allclose(w.rates[b], found.rates, rtol=1e-9, atol=1e-12)


def test_skills_are_dealt_or_drawn() -> None:
    env, rules = simulation(f"{BASE}?agents=6")
    world, _ = env.reset(np.arange(400, dtype=np.uint64))
    skill, place = world.state.world.skill, world.state.world.place
    np.testing.assert_allclose(np.sort(skill[:, :, 0], axis=1), np.tile(ranked_payments(6, 10, 3), (400, 1)))
    rank = skill[:, :, 0].argsort(axis=1)
    starts = np.take_along_axis(place, rank[..., None], axis=1)
    assert (starts == rules.constants.starts).all()
    assert starts[0].tolist() == [[0, 24], [0, 23], [24, 0], [0, 0], [0, 1], [24, 24]]
    assert len({tuple(order) for order in rank.tolist()}) > 250  # of 720
    bonus = skill[:, :, 2]
    assert abs(bonus.mean() - 0.222) < 0.02 and abs(np.median(bonus) - 0.130) < 0.01
    drawn, _ = make_env(f"{BASE}?agents=6&skills=pareto").reset(np.arange(800, dtype=np.uint64))
    multiple = drawn.state.world.skill[:, :, 0] / 10
    assert abs(multiple.mean() - 1.583) < 0.025 and abs((multiple == 3).mean() - 0.063) < 0.013
    np.testing.assert_allclose(multiple, np.minimum(3, 1 + 2 * drawn.state.world.skill[:, :, 1]))
    tiles = {tuple(place) for place in drawn.state.world.place.reshape(-1, 2).tolist()}
    assert len(tiles) > 590  # of 592 tiles of land
