"""Gather-trade-build, step by step, against a recorded episode of the reference implementation.

The episode is stored with the tests of a checkout (`tests/data/economist_trace.json`); without it the claim is not measured. Its chance
(the order of workers, draws of bonuses, tiles that grow) is put into our simulation; everything else is computed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.papers.claims import NotMeasured
from experiments.papers.economist_auction import RESOURCES, tallied
from experiments.papers.economist_rules import CASES, TOLERANCE, relative_error
from experiments.papers.tabular_runs import Progress, at_most
from games.sims.economy import make
from games.sims.economy_facts import EconomyFacts, economy_facts
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_state import Chance
from games.sims.simulation import Simulation

Array = npt.NDArray[Any]
TRACE = CASES.with_name("economist_trace.json")
RECORDED = {"horizon": 300, "period": 25, "coin": 12.0, "regeneration": 0.05}
SIX_DECIMALS = 1e-6
CUTOFFS = ("000", "009", "039", "084", "160", "204", "510")
Errors = dict[str, float]


def recorded_episode() -> Any:
    """The recorded episode; `NotMeasured` where it is not."""
    try:
        return json.loads(TRACE.read_text(encoding="utf-8"))
    except OSError:
        raise NotMeasured(
            f"the recorded episode, {TRACE.name}, is in tests/data of a checkout, which this is not"
        ) from None


class Replay:
    """A recorded episode, step by step, with its chance put into ours.

    Parameters
    ----------
    recorded : mapping
        What `recorded_episode` gives.
    """

    def __init__(self, recorded: Mapping[str, Any]) -> None:
        env = make("gather-trade-build", RECORDED)
        assert isinstance(env, Simulation) and isinstance(env.rules, GatherTradeBuildRules)
        self.env, self.rules, self.recorded = env, env.rules, recorded
        self.running, _ = env.reset(np.array([1], dtype=np.uint64))
        self.state = self.running.state
        self._live = np.ones(1, dtype=bool)
        world, start, margin = self.state.world, recorded["start"], self.rules.constants.margin
        world.tiles[0, 3] = 0
        for i, (row, column) in enumerate(start["place"]):
            world.place[0, i] = row, column
            world.tiles[0, 3, row + margin, column + margin] = i + 2
        world.skill[0, :, 0] = start["payment"]
        world.skill[0, :, 2] = start["bonus"]

    def play(self, t: int) -> Array:
        """Step t, from 1 on: rewards of the workers and of the planner, float64[n + 1]."""
        steps, year, first = self.recorded["steps"], *divmod(t - 1, RECORDED["period"])
        planner = [0] * 7 if first else self.recorded["years"]["planner"][year]
        actions = np.array([steps["actions"][t - 1]], dtype=np.int32)
        moves = (actions, np.array([[planner]], dtype=np.int32))
        (workers, above), _ = self.rules.play(self.state, self._chance(t), moves, self._live)
        return np.concatenate([workers[0], above[0]])

    def _chance(self, t: int) -> Chance:
        steps, sources = self.recorded["steps"], self.rules.constants.sources
        drawn = steps["bonus"][t - 1]
        bonus = np.full((1, 4), 2.0)
        bonus[0, : len(drawn)] = drawn
        grown = {tuple(tile) for tile in steps["grown"][t - 1]}
        growth = np.array([[tuple(source) in grown for source in sources.tolist()]])
        assert growth.sum() == len(grown)
        return Chance(np.array([steps["order"][t - 1]]), bonus, growth, np.zeros((1, 7)))


def replay_errors(recorded: Mapping[str, Any]) -> Errors:
    """The largest relative error of everything recorded, by its name; of masks, how many entries differ."""
    replay, worst = Replay(recorded), defaultdict[str, float](float)
    views = {view["t"]: view for view in recorded["views"]}
    for t in range(1, len(recorded["steps"]["actions"]) + 1):
        before = replay.state.world.trades.copy()
        rewards = replay.play(t)
        found = _step_errors(replay, t, rewards, replay.state.world.trades[0] - before[0])
        found += _year_errors(replay, t)
        if t in views:
            found += _view_errors(replay, views[t])
        for name, error in found:
            worst[name] = max(worst[name], error)
    facts = economy_facts(replay.env, replay.running)
    counts = replay.state.world.counts[0]
    pairs = [*_end(facts, recorded["end"]), (counts, [1, recorded["end"]["labor/warmup_integrator"]])]
    worst["metrics in the end"] = max(relative_error(ours, theirs) for ours, theirs in pairs)
    return dict(worst)


def _step_errors(replay: Replay, t: int, rewards: Array, traded: Array) -> list[tuple[str, float]]:
    world, told = replay.state.world, {name: one[t - 1] for name, one in replay.recorded["steps"].items()}
    ours = {
        "places": world.place[0],
        "inventories": world.inventory[0],
        "escrow": world.escrow[0],
        "labour": world.labour[0],
        "rewards": rewards,
        "trades": traded,
    }
    told["trades"] = tallied((resource, *pair, price) for resource, *pair, price in told["trades"])
    return [(name, relative_error(value, told[name])) for name, value in ours.items()]


def _year_errors(replay: Replay, t: int) -> list[tuple[str, float]]:
    world, told = replay.state.world, replay.recorded["years"]
    year, passed = divmod(t, RECORDED["period"])
    errors = [("rates", relative_error(world.rates[0], told["rates"][int((t - 1) // RECORDED["period"])]))]
    if not passed:
        income, paid, rate = np.transpose(told["taxes"][int(year) - 1])
        collected = np.stack([income, paid], axis=1)
        errors.append(("taxes", relative_error(world.years[0, int(year) - 1], collected)))
        errors.append(("taxes", relative_error(world.last[0], np.stack([income, rate], axis=1))))
    return errors


def _view_errors(replay: Replay, told: Mapping[str, Any]) -> list[tuple[str, float]]:
    # the sample that a worker's payment would come from is seen, but not recorded elsewhere
    replay.state.world.skill[0, 0, 1] = told["worker"][1]
    (workers, planner), _ = replay.rules.look(replay.state, (np.zeros((1, 4)), np.zeros((1, 1))))
    seen = replay.rules.layout.split_worker(workers.observation)
    above = replay.rules.layout.split_planner(planner.observation)
    pairs = (
        (seen["flat"][0, 0], told["worker"]),
        (seen["time"][0, 0], np.reshape(told["t"] / RECORDED["horizon"], seen["time"][0, 0].shape)),
        (above["flat"][0, 0], told["planner"]),
        (above["per_agent"][0, 0, 0], told["of_worker"]),
    )
    differ = int((workers.mask[0, 0] != np.array(told["mask"], dtype=bool)).sum())
    return [*(("observations", relative_error(*pair)) for pair in pairs), ("masks", float(differ))]


def _end(facts: EconomyFacts, told: Mapping[str, float]) -> Iterator[tuple[Any, Any]]:
    """Pairs of ours and theirs: metrics of the whole episode."""
    workers = range(4)
    yield facts.productivity[0], told["social/productivity"]
    yield facts.equality[0], told["social/equality"]
    yield facts.eq_times_prod[0], told["social_welfare/coin_eq_times_productivity"]
    yield facts.inverse_income_coin[0], told["social_welfare/inv_income_weighted_coin_endow"]
    yield facts.inverse_income_utility[0], told["social_welfare/inv_income_weighted_utility"]
    yield facts.utility[0], [told[f"util/{i}"] for i in workers]
    yield facts.coin[0], [told[f"endow/{i}/Coin"] for i in workers]
    yield facts.labour[0], [told[f"endogenous/{i}/Labor"] for i in workers]
    yield facts.houses[0], [told[f"Build/{i}/n_builds"] for i in workers]
    yield facts.trades[0], told["Trade/n_trades"]
    yield facts.years[0], RECORDED["horizon"] / RECORDED["period"]
    for r, name in enumerate(RESOURCES):
        for side, amount, coin in (("Sell", facts.sold, facts.earned), ("Buy", facts.bought, facts.spent)):
            yield amount[0, :, r], [told[f"Trade/{i}/{side}{name}/n_sales"] for i in workers]
            yield (
                coin[0, :, r] / amount[0, :, r],
                [told[f"Trade/{i}/{side}{name}/price"] for i in workers],
            )
    yield facts.bracket_rates[0], [told[f"PeriodicTax/avg_bracket_rate/{cutoff}"] for cutoff in CUTOFFS]
    yield facts.occupancy[0], [told[f"PeriodicTax/bracket_occupancy/{cutoff}"] for cutoff in CUTOFFS]
    yield facts.effective_rate[0], told["PeriodicTax/avg_effective_tax_rate"]
    yield facts.taxes_paid.sum(), told["PeriodicTax/total_collected_taxes"]
    yield facts.extremes[0], [told[f"PeriodicTax/avg_tax_rate/{who}"] for who in ("poorest", "richest")]


def trace(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """Three hundred recorded steps, replayed."""
    measured = replay_errors(recorded_episode())
    criteria = []
    for name, error in measured.items():
        limit = {"observations": SIX_DECIMALS, "masks": 0.0}.get(name, TOLERANCE)
        what = "entries that differ" if name == "masks" else "largest relative error"
        criteria.append(at_most(f"{name}: {what}", error, limit))
    progress(1.0, "300 steps replayed")
    return {"measured": {"largest errors": measured}, "criteria": criteria}
