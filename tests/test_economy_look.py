"""What is seen of gather-trade-build, against the same said slowly; maps, parameters and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games import make_env
from games.errors import InputError
from games.play import advance, begin
from games.policy import random_policy
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_look import PER_WORKER, Layout
from games.sims.economy_maps import read_map
from games.sims.economy_parameters import GatherTradeBuild, read_parameters
from games.sims.economy_state import World
from games.sims.simulation import Simulation

BASE = "economy:gather-trade-build"
WATER, STONE_SOURCE, WOOD_SOURCE = 1, 2, 3


def played(uri: str, steps: int, batch: int = 6) -> tuple[GatherTradeBuildRules, Any]:
    """Random play for a while."""
    env = make_env(uri)
    assert isinstance(env, Simulation) and isinstance(env.rules, GatherTradeBuildRules)
    play = begin(env, random_policy(env.spec), np.arange(batch, dtype=np.uint64))
    for _ in range(steps):
        advance(env, random_policy(env.spec), play)
    return env.rules, play


@pytest.mark.parametrize(
    ("uri", "steps"),
    [
        (f"{BASE}?coin=20&regeneration=0.1", 150),
        (f"{BASE}?size=small&agents=10&coin=20&regeneration=0.2&skills=pareto", 80),
        (f"{BASE}?size=small&window=1", 10),
        (f"{BASE}?size=small&window=31&coin=30&regeneration=0.3", 60),
    ],
)
def test_workers_see_the_tiles_around_them(uri: str, steps: int) -> None:
    rules, play = played(uri, steps)
    w: World = play.world.state.world
    seen = rules.layout.split_worker(play.step.groups[0].observation)
    for b in range(6):
        layers, owners = whole_map(w, rules, b)
        radius = rules.parameters.window // 2
        around = ((0, 0), (radius, radius), (radius, radius))
        layers, owners = np.pad(layers, around), np.pad(owners, around)
        for i, (row, col) in enumerate(w.place[b].tolist()):
            window = slice(row, row + 2 * radius + 1), slice(col, col + 2 * radius + 1)
            mine = owners[:, *window]
            assert (seen["map"][b, i] == layers[:, *window]).all()
            assert (seen["idx_map"][b, i] == np.where(mine == i + 2, 1, mine)).all()
            assert seen["idx_map"][b, i, 1, radius, radius] == 1


def whole_map(w: World, rules: GatherTradeBuildRules, b: int) -> tuple[np.ndarray, np.ndarray]:
    """Layers of the whole map, from what each of them is about."""
    m, ground = rules.constants.margin, rules.ground
    tiles = w.tiles[b, :, m : m + ground.rows, m : m + ground.cols]
    code = ground.code
    layers = [
        tiles[0],
        tiles[1],
        tiles[2] > 0,
        code == WATER,
        code == STONE_SOURCE,
        code == WOOD_SOURCE,
        code >= 0,
    ]
    people = np.zeros(code.shape)
    for i, (row, col) in enumerate(w.place[b].tolist()):
        people[row, col] = i + 2
    return np.stack(layers).astype(float), np.stack([tiles[2].astype(float), people])


def test_the_rest_is_what_the_names_say() -> None:
    rules, play = played(f"{BASE}?coin=20&regeneration=0.1&period=40&agents=5", 130)
    w: World = play.world.state.world
    p, layout = rules.parameters, rules.layout
    flat = layout.split_worker(play.step.groups[0].observation)["flat"].astype(float)
    at = layout.worker_places()
    assert flat.shape[-1] == 132 + 5 and at["inventory-Coin"] == slice(132, 133)
    own = w.own.astype(float)  # [b, n, resource, side, price]
    for r, name in enumerate(("Stone", "Wood")):
        for side, what in ((0, "bids"), (1, "asks")):
            mine = own[:, :, r, side]
            np.testing.assert_allclose(flat[..., at[f"my_{what}-{name}"]], mine)
            others = mine.sum(axis=1, keepdims=True) - mine
            np.testing.assert_allclose(flat[..., at[f"available_{what}-{name}"]], others)
        history = w.history[:, r]
        assert history.sum() > 0
        rate = history @ np.arange(11) / np.maximum(0.001, history.sum(axis=1))
        same_for_all(flat[..., at[f"market_rate-{name}"]], rate[:, None])
        same_for_all(flat[..., at[f"price_history-{name}"]], 0.01 * history)
    same_for_all(flat[..., at["curr_rates"]], w.rates)
    same_for_all(flat[..., at["last_incomes"]], np.sort(w.last[:, :, 0], axis=1) / 40)
    same_for_all(flat[..., at["tax_phase"]], np.full((6, 1), 11 / 40))
    same_for_all(flat[..., at["time"]], np.full((6, 1), 0.13))
    income = w.inventory[:, :, 0] + w.escrow[:, :, 0] - w.base
    for b in range(6):
        marginal = p.tax_brackets.marginal(income[b], w.rates[b])
        np.testing.assert_allclose(flat[b, :, at["marginal_rate"].start], marginal, rtol=1e-6)
    np.testing.assert_allclose(
        flat[..., at["inventory-Coin"].start :][..., :3], 0.01 * w.inventory, rtol=1e-6
    )
    np.testing.assert_allclose(flat[..., at["loc-col"].start], w.place[:, :, 1] / 25, rtol=1e-6)
    np.testing.assert_allclose(flat[..., at["loc-row"].start], w.place[:, :, 0] / 25, rtol=1e-6)
    np.testing.assert_allclose(flat[..., :2], w.skill[:, :, :2] / (10, 1), rtol=1e-6)
    state = play.step.state[:, -5 * PER_WORKER :].reshape(6, 5, PER_WORKER)
    np.testing.assert_allclose(state[..., :3], 0.01 * w.escrow, rtol=1e-6)
    np.testing.assert_allclose(state[..., 3], w.labour / 1000, rtol=1e-6)
    np.testing.assert_allclose(state[..., 6], 0.01 * w.houses, rtol=1e-6)


def same_for_all(shown: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(
        shown, np.repeat(expected[:, None], shown.shape[1], axis=1), rtol=1e-6, atol=1e-9
    )


def test_masks_are_what_the_rules_say() -> None:
    rules, play = played(
        f"{BASE}?size=small&coin=12&regeneration=0.3&max_orders=2&order_duration=5", 90, batch=20
    )
    w: World = play.world.state.world
    mask = play.step.groups[0].mask
    m, code = rules.constants.margin, rules.ground.code
    counted = np.zeros(50, dtype=int)
    for b in range(20):
        standing = {tuple(place) for place in w.place[b].tolist()}
        for i in range(4):
            row, col = w.place[b, i]
            owner = w.tiles[b, 2, m + row, m + col]
            goods, orders = w.inventory[b, i], w.own[b, i].sum(axis=(1, 2))
            expected = [True, bool(goods[1] >= 1 and goods[2] >= 1 and code[row, col] == 0 and owner == 0)]
            for r in range(2):
                expected += [bool(orders[r] < 2 and goods[0] >= price) for price in range(11)]
                expected += [bool(orders[r] < 2 and goods[1 + r] >= 1)] * 11
            for down, right in ((0, -1), (0, 1), (-1, 0), (1, 0)):
                y, x = row + down, col + right
                free = 0 <= y < 15 and 0 <= x < 15 and code[y, x] != WATER and (y, x) not in standing
                expected.append(bool(free and w.tiles[b, 2, m + y, m + x] in (0, i + 2)))
            assert mask[b, i].tolist() == expected
            counted += mask[b, i]
    assert (counted > 0).all() and (counted[1:] < 80).all()


def test_sizes_are_those_of_the_paper() -> None:
    assert (Layout(4, 11, 7, 11).worker_flat, Layout(4, 11, 7, 11).planner) == (136, 111)
    assert Layout(10, 11, 7, 11).worker_flat == 142
    small = read_parameters({"size": "small"})
    cutoffs = (0, 1.94, 7.895, 16.84, 32.145, 40.82, 102.06)
    np.testing.assert_allclose(small.tax_brackets.cutoffs, cutoffs)
    assert small.labour_cost == pytest.approx(0.304, abs=1e-3)
    quadrant, mixed = read_map("quadrant"), read_map("mixed")
    counts = [[int((ground.code == kind).sum()) for kind in (1, 2, 3)] for ground in (quadrant, mixed)]
    assert counts == [[33, 20, 20], [21, 12, 23]]
    assert (quadrant.code[:12, :12] == WOOD_SOURCE).sum() == 11 and not (quadrant.code[13:, 13:] > 1).any()


def test_a_map_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "tiny.txt"
    path.write_text("W.S\n.@.\r\nS W;", encoding="utf-8")
    env = make_env(BASE, map=str(path), window=3, horizon=20)
    rules = env.rules  # type: ignore[attr-defined]
    assert rules.ground.code.tolist() == [[3, 0, 2], [0, 1, 0], [2, 0, 3]]
    assert rules.constants.sources.tolist() == [[1, 0, 0], [0, 0, 2], [0, 2, 0], [1, 2, 2]]
    play = begin(env, random_policy(env.spec), np.arange(3, dtype=np.uint64))
    for _ in range(20):
        advance(env, random_policy(env.spec), play)
    assert play.step.last.all()


def test_a_picture_shows_everything() -> None:
    rules, play = played(f"{BASE}?size=small&coin=20&regeneration=0.3&horizon=100", 90)
    scene = rules.scene(play.world.state, 2)
    w: World = play.world.state.world
    squares = [mark for mark in scene.marks if mark.kind == "square"]
    assert (scene.width, scene.height) == (15, 15)
    assert len(squares) == 21 + 12 + 23 + w.houses[2].sum()
    discs = [(mark.x - 0.5, 14.5 - mark.y) for mark in scene.marks if mark.kind == "disc"]
    assert discs == [(col, row) for row, col in w.place[2].tolist()]
    assert "step 90 of 100" in scene.text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tax": "federel"}, "not 'federel'; did you mean federal?"),
        ({"tax": "saes"}, "did you mean saez?"),
        (
            {"tax": "none at all"},
            "must be planner or free or federal or flat or fixed or saez or redistribution, not 'none at all'",
        ),
        ({"size": "huge"}, "size must be standard or small, not 'huge'"),
        ({"agent": "4"}, "has no parameter 'agent'; did you mean 'agents'?"),
        ({"agents": "0"}, "agents must be from 1 to 250, not 0"),
        ({"agents": "four"}, "agents=four is not a whole number"),
        ({"rate": "1.5", "tax": "flat"}, "rate must be from 0 to 1, not 1.5"),
        ({"rates": "0.1,0.2", "tax": "fixed"}, "rates of tax=fixed has 2 rates for 7 brackets"),
        ({"rates": "0,0,0,0,0,0,2", "tax": "fixed"}, "the rate of bracket 7 is 2"),
        ({"rates": "0.1"}, "rates go with tax=fixed, not with tax=planner"),
        ({"cutoffs": "0,20,10"}, "tax brackets must rise: the 3. begins at 10, the one before at 20"),
        ({"cutoffs": "5,20"}, "tax brackets begin at 0, not at 5"),
        ({"cutoffs": "0,20", "tax": "federal"}, "tax=federal has 7 rates for 2 brackets"),
        ({"cutoffs": "0", "tax": "saez"}, "tax=saez needs at least 2 brackets"),
        ({"rate_min": "0.5", "rate_max": "0.2"}, "rate_min 0.5 is above rate_max 0.2"),
        ({"window": "4"}, "window must be odd"),
        ({"regeneration": "nan"}, "regeneration=nan is not a finite number"),
        ({"regeneration": True}, "regeneration must be a number, not True"),
        ({"map": "quadrat"}, "has no map 'quadrat'; did you mean 'quadrant'?"),
        ({"map": "nowhere/map.txt"}, "there is no map file 'nowhere/map.txt'"),
        ({"map": 3}, "map must be text, not 3"),
        ({"agents": "120", "size": "small"}, "there are not enough start tiles for 120 agents"),
    ],
)
def test_bad_parameters_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as raised:
        make_env(BASE, **given)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("text", "extra", "told"),
    [
        ("@@\n@@", {"skills": "pareto"}, "has no free tile for 4 agents"),
        ("@.\n.@", {"skills": "pareto"}, "has 2 free tiles for 4 agents"),
        ("..\n.", {}, "row 2 has 1 tiles, the first 2"),
        ("..\n.x", {}, "row 2 has 'x'; expected @ (water)"),
        ("\n\n", {}, "is empty"),
        ("..@\n...\n...", {}, "(0, 2) is water"),
        ("...", {}, "(0, 0) is taken"),
        ("." * 201, {}, "is too large"),
    ],
)
def test_bad_maps_are_refused(tmp_path: Path, text: str, extra: dict[str, Any], told: str) -> None:
    path = tmp_path / "map.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        make_env(BASE, map=str(path), **extra)
    assert told in str(raised.value)


def test_an_unknown_economy_is_refused() -> None:
    with pytest.raises(InputError, match="unknown economy 'gather-trade'; did you mean gather-trade-build"):
        make_env("economy:gather-trade")
    with pytest.raises(InputError, match=r"from 1 to 250, not 1000"):
        GatherTradeBuild(agents=1000)
