"""Gather-trade-build against a recorded trace of the reference, laws of conservation, statistics of random play."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games.sims.economy import make
from games.sims.economy_facts import economy_facts
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_state import Chance
from games.sims.simulation import Simulation

ORACLES = Path(__file__).resolve().parents[2] / "shared" / "oracles"
TRACE = ORACLES / "ai_economist_oracle_gtb_trace.json"
needs_oracle = pytest.mark.skipif(not TRACE.exists(), reason="the shared oracles are not here")
RECORDED = {"horizon": 300, "period": 25, "coin": 12.0, "regeneration": 0.05}
RESOURCES = ("Stone", "Wood")


@cache
def trace() -> Any:
    return json.loads(TRACE.read_text())


def rules_of(env: Any) -> GatherTradeBuildRules:
    assert isinstance(env, Simulation) and isinstance(env.rules, GatherTradeBuildRules)
    return env.rules


def near(ours: Any, theirs: Any, what: str) -> None:
    np.testing.assert_allclose(
        np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float), rtol=1e-9, atol=1e-9, err_msg=what
    )


class Replay:
    """The recorded episode, step by step, with its chance put into ours."""

    def __init__(self) -> None:
        self.env = make("gather-trade-build", RECORDED)
        self.rules = rules_of(self.env)
        self.running, _ = self.env.reset(np.array([1], dtype=np.uint64))
        self.state = self.running.state
        world, init = self.state.world, trace()["init"]
        margin = self.rules.constants.margin
        world.tiles[0, 3] = 0
        for i, (row, col) in enumerate(init["loc"]):
            world.place[0, i] = row, col
            world.tiles[0, 3, row + margin, col + margin] = i + 2
        world.skill[0, :, 0] = init["build_payment"]
        world.skill[0, :, 2] = init["bonus_gather_prob"]
        self.live = np.ones(1, dtype=bool)

    def chance(self, step: Any) -> Chance:
        sources = self.rules.constants.sources
        bonus = np.full((1, 4), 2.0)
        bonus[0, : len(step["bonus_u"])] = step["bonus_u"]
        grown = {
            (kind, *tile) for kind, name in enumerate(RESOURCES) for tile in map(tuple, step["respawn"][name])
        }
        growth = np.array([[tuple(source) in grown for source in sources.tolist()]])
        assert growth.sum() == len(grown)
        return Chance(np.array([step["gather_order"]]), bonus, growth, np.zeros((1, 7)))

    def play(self, step: Any) -> tuple[np.ndarray, np.ndarray]:
        actions = np.array([step["actions"]], dtype=np.int32)
        planner = np.array([[step["planner"] or [0] * 7]], dtype=np.int32)
        (workers, above), _ = self.rules.play(self.state, self.chance(step), (actions, planner), self.live)
        return workers, above


@needs_oracle
def test_the_recorded_episode_is_replayed_number_by_number() -> None:
    replay = Replay()
    world = replay.state.world
    for step in trace()["steps"]:
        t = step["t"]
        before = world.trades.copy()
        workers, above = replay.play(step)
        near(world.place[0], step["loc"], f"places at {t}")
        near(world.inventory[0], step["inv"], f"inventories at {t}")
        near(world.escrow[0], step["esc"], f"escrow at {t}")
        near(world.labour[0], step["labor"], f"labour at {t}")
        near(world.rates[0], step["rates"], f"rates at {t}")
        near([*workers[0], *above[0]], step["reward"], f"rewards at {t}")
        check_trades(world.trades[0] - before[0], step["trades"])
        if step["tax"]:
            check_taxes(world, step["tax"], t // 25 - 1)
        if "obs_flat_agent0" in step:
            check_views(replay, step)
    check_end(replay)


def check_trades(change: np.ndarray, trades: Any) -> None:
    expected = np.zeros((4, 2, 2, 2))
    for name, first, second, price in trades:
        for agent, side in ((first, TRADE_ORDER[0]), (second, TRADE_ORDER[1])):
            expected[agent, RESOURCES.index(name), side] += 1.0, price
    near(change, expected, "trades")


TRADE_ORDER = (0, 1)
"""A recorded trade names the buyer, then the seller."""


def check_taxes(world: Any, tax: Any, year: int) -> None:
    for i in range(4):
        told = tax[str(i)]
        near(world.years[0, year, i], [told["income"], told["tax_paid"]], f"taxes of year {year}")
        near(world.last[0, i], [told["income"], told["marginal_rate"]], f"last income in year {year}")


def check_views(replay: Replay, step: Any) -> None:
    told, t = step["obs_flat_agent0"], step["t"]
    replay.state.world.skill[0, 0, 1] = told[
        1
    ]  # the sample that payments would come from is seen, but not recorded
    (workers, planner), _ = replay.rules.look(replay.state, (np.zeros((1, 4)), np.zeros((1, 1))))
    seen = replay.rules.layout.split_worker(workers.observation)
    close: Any = {"rtol": 1e-6, "atol": 6e-7}  # observations are recorded to six decimals
    np.testing.assert_allclose(seen["flat"][0, 0], told, **close, err_msg=f"worker at {t}")
    assert seen["time"][0, 0] == np.float32(t / 300)
    above = replay.rules.layout.split_planner(planner.observation)
    np.testing.assert_allclose(
        above["flat"][0, 0], step["obs_flat_planner"], **close, err_msg=f"planner at {t}"
    )
    np.testing.assert_allclose(
        above["per_agent"][0, 0, 0], step["obs_p0"], **close, err_msg=f"planner at {t}"
    )
    assert workers.mask[0, 0].tolist() == [bool(legal) for legal in step["mask_agent0"]]


def check_end(replay: Replay) -> None:
    facts, told = economy_facts(replay.env, replay.running), trace()["final_metrics"]
    near(facts.productivity, [told["social/productivity"]], "productivity")
    near(facts.equality, [told["social/equality"]], "equality")
    near(facts.eq_times_prod, [told["social_welfare/coin_eq_times_productivity"]], "eq*prod")
    near(facts.inverse_income_coin, [told["social_welfare/inv_income_weighted_coin_endow"]], "weighted coin")
    near(
        facts.inverse_income_utility, [told["social_welfare/inv_income_weighted_utility"]], "weighted utility"
    )
    near(facts.utility[0], [told[f"util/{i}"] for i in range(4)], "utility")
    near(facts.coin[0], [told[f"endow/{i}/Coin"] for i in range(4)], "coin")
    near(facts.labour[0], [told[f"endogenous/{i}/Labor"] for i in range(4)], "labour")
    near(facts.houses[0], [told[f"Build/{i}/n_builds"] for i in range(4)], "houses")
    assert facts.trades.tolist() == [told["Trade/n_trades"]] and facts.years.tolist() == [12]
    for i in range(4):
        for r, name in enumerate(RESOURCES):
            sold, bought = facts.sold[0, i, r], facts.bought[0, i, r]
            assert (
                sold == told[f"Trade/{i}/Sell{name}/n_sales"]
                and bought == told[f"Trade/{i}/Buy{name}/n_sales"]
            )
            near(facts.earned[0, i, r] / sold, told[f"Trade/{i}/Sell{name}/price"], "price of sales")
            near(facts.spent[0, i, r] / bought, told[f"Trade/{i}/Buy{name}/price"], "price of purchases")
    for k, cutoff in enumerate(("000", "009", "039", "084", "160", "204", "510")):
        near(facts.bracket_rates[0, k], told[f"PeriodicTax/avg_bracket_rate/{cutoff}"], "bracket rates")
        near(facts.occupancy[0, k], told[f"PeriodicTax/bracket_occupancy/{cutoff}"], "occupancy")
    near(facts.effective_rate[0], told["PeriodicTax/avg_effective_tax_rate"], "effective rate")
    near(facts.taxes_paid.sum(), told["PeriodicTax/total_collected_taxes"], "taxes")
    near(
        facts.extremes[0],
        [told[f"PeriodicTax/avg_tax_rate/{who}"] for who in ("poorest", "richest")],
        "extreme rates",
    )
    assert replay.state.world.counts[0].tolist() == [1, told["labor/warmup_integrator"]]
