"""What a batch of gather-trade-build economies consists of, and what stays the same in all of them.

Letters: B economies, n workers, P prices, K tax brackets, Y tax years of an episode, S sources on the map, w the side of a
worker's window, H and W the sides of the map, which is stored with a margin of w // 2 tiles all around.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from games.sims.economy_maps import Ground
from games.sims.economy_parameters import GatherTradeBuild, ranked_payments
from games.sims.economy_saez import FIRST_ELASTICITY
from games.sims.economy_saez_kernels import BINS, INVERSE_INCOME, UNIFORM

Array = npt.NDArray[Any]

COIN, STONE, WOOD = range(3)
"""Columns of what is owned; resource r of a market is column 1 + r."""
BUY, SELL = 0, 1
PLANNER, NOBODY, FIXED, SAEZ, EQUAL = range(5)
SYSTEMS = {
    "planner": PLANNER,
    "free": NOBODY,
    "federal": FIXED,
    "flat": FIXED,
    "fixed": FIXED,
    "saez": SAEZ,
    "redistribution": EQUAL,
}
"""Who sets the rates."""
EPISODES, PAID_STEPS = range(2)
"""What an economy counts over all its episodes: completed episodes, and steps with a mean reward above 0."""
ELASTICITY, PAIRS, MEANS = range(3)
"""Columns of what the formula of Saez remembers: its elasticity, how many pairs it has seen, then K running means of rates."""


class World(NamedTuple):
    """A batch of economies."""

    tiles: Array  # uint8[B, 4, H + w - 1, W + w - 1]: stone, wood, owner of the house + 2, agent + 2
    place: Array  # int64[B, n, 2]: row and column
    inventory: Array  # float64[B, n, 3]: coin, stone, wood
    escrow: Array  # float64[B, n, 3]: what backs open orders
    labour: Array  # float64[B, n]: all of the episode
    skill: Array  # float64[B, n, 3]: payment for a house, the draw it would come from, probability of a bonus
    orders: (
        Array  # int64[B, 2, 2, n * max_orders, 3]: by resource and side: price, agent, step; the best first
    )
    open: Array  # int64[B, 2, 2]: how many orders there are
    own: Array  # float32[B, n, 2, 2, P]: open orders of each worker by resource, side and price
    placed: Array  # int64[B, n, 2]: open orders of each worker by resource
    history: Array  # float64[B, 2, P]: decayed counts of trades by resource and price
    clock: Array  # int64[B, 2]: steps played, day of the tax year (from 1)
    rates: Array  # float64[B, K]: the present schedule
    cap: Array  # float64[B]: no rate of this episode is higher
    base: Array  # float64[B, n]: coin after the last collection of taxes
    last: Array  # float64[B, n, 2]: income of the last year and the rate on the next coin of it
    utility: Array  # float64[B, n + 1]: of each worker, and what the planner is paid for
    counts: Array  # float64[B, 2]: over all episodes, see `EPISODES`
    formula: Array  # float64[B, 2 + K]: over all episodes, see `ELASTICITY`
    pairs: Array  # float64[B, M, 2]: a ring of incomes and marginal rates; M is 0 without the formula of Saez
    houses: Array  # int64[B, n]: built by each worker
    trades: Array  # float64[B, n, 2, 2, 2]: by resource and side: units and coin
    years: Array  # float64[B, Y, n, 2]: income before taxes and what was collected
    schedules: Array  # float64[B, Y, K]: rates at the end of each year
    shared: Array  # float64[B, n]: with redistribution, coin given away (received, if negative) in the present year


class Chance(NamedTuple):
    """What chance decides in one step."""

    order: Array  # int64[B, n]: in which order workers move and gather
    bonus: (
        Array  # float64[B, n]: uniform numbers, one for each time that something is gathered, in that order
    )
    growth: Array  # bool[B, S]: which sources bring forth a unit
    rates: Array  # float64[B, K]: uniform numbers, for rates at random


class Constants(NamedTuple):
    """What stays the same."""

    ground: Array  # uint8[H + w - 1, W + w - 1]: the map with its margin, whose code is 255
    sources: Array  # int64[S, 3]: kind (0 stone, 1 wood), row, column
    starts: Array  # int64[F, 2]: n places of rising skill, or all tiles on which an agent can stand
    payments: Array  # float64[n]: of rising skill; empty if they are drawn
    cutoffs: Array  # float64[K]
    levels: Array  # float64[L]: rates a planner can choose
    fixed: Array  # float64[K]: rates of a system that never changes them
    room: Array  # float64[n]: to work in
    order: Array  # float64[n]: to sort in
    flags: Array  # int64[n]: to mark in
    work: Array  # float64[4, 101]: for the formula of Saez
    system: int
    margin: int
    horizon: int
    period: int
    regeneration: float
    coin: float
    bonus: bool
    payment: float
    multiplier: float
    build_labour: float
    move_labour: float
    collect_labour: float
    order_labour: float
    max_orders: int
    order_duration: int
    price_decay: float
    eta: float
    labour_cost: float
    warmup: float
    by_episodes: bool
    inverse_income: bool
    equality_weight: float
    rate_min: float
    rate_max: float
    anneal_slope: float
    anneal_warmup: float
    elasticity: float
    weight_type: int


def make_constants(p: GatherTradeBuild, ground: Ground) -> Constants:
    """The constants as kernels take them; `InputError` if the workers find no place on the map."""
    margin, n = p.window // 2, p.agents
    ranked = p.skills == "fixed"
    starts = ground.corner_places(n) if ranked else ground.free_tiles(n)
    padded = np.pad(ground.code, margin, constant_values=255)
    return Constants(
        ground=padded,
        sources=ground.sources,
        starts=starts,
        payments=np.array(ranked_payments(n, p.payment, p.multiplier) if ranked else ()),
        cutoffs=np.array(p.tax_brackets.cutoffs),
        levels=p.levels,
        fixed=np.array(p.fixed_rates),
        room=np.empty(n),
        order=np.empty(n),
        flags=np.empty(n, dtype=np.int64),
        work=np.empty((4, BINS + 1)),
        system=SYSTEMS[p.tax],
        margin=margin,
        horizon=p.horizon,
        period=p.period,
        regeneration=p.regeneration,
        coin=p.coin,
        bonus=p.bonus == "pareto",
        payment=p.payment,
        multiplier=p.multiplier,
        build_labour=p.build_labour,
        move_labour=p.move_labour,
        collect_labour=p.collect_labour,
        order_labour=p.order_labour,
        max_orders=p.max_orders,
        order_duration=p.order_duration,
        price_decay=p.price_decay,
        eta=p.eta,
        labour_cost=p.labour_cost,
        warmup=p.warmup,
        by_episodes=p.warmup_method == "decay",
        inverse_income=p.welfare == "inverse-income",
        equality_weight=1 - p.mixing,
        rate_min=p.rate_min,
        rate_max=p.rate_max,
        anneal_slope=p.anneal_slope,
        anneal_warmup=p.anneal_warmup,
        elasticity=p.elasticity if p.elasticity >= 0 else float("nan"),
        weight_type=UNIFORM if p.saez_weights == "uniform" else INVERSE_INCOME,
    )


def allocate_world(p: GatherTradeBuild, constants: Constants, batch: int) -> World:
    """Economies that have not begun; nothing has been kept from earlier episodes."""
    n, prices, brackets = p.agents, p.max_price + 1, len(constants.cutoffs)
    years, tiles = p.horizon // p.period, constants.ground.shape

    def zeros(*shape: int, dtype: Any = np.float64) -> Array:
        return np.zeros((batch, *shape), dtype=dtype)

    formula = zeros(MEANS + brackets)
    formula[:, ELASTICITY] = FIRST_ELASTICITY
    return World(
        tiles=zeros(4, *tiles, dtype=np.uint8),
        place=zeros(n, 2, dtype=np.int64),
        inventory=zeros(n, 3),
        escrow=zeros(n, 3),
        labour=zeros(n),
        skill=zeros(n, 3),
        orders=zeros(2, 2, n * p.max_orders, 3, dtype=np.int64),
        open=zeros(2, 2, dtype=np.int64),
        own=zeros(n, 2, 2, prices, dtype=np.float32),
        placed=zeros(n, 2, dtype=np.int64),
        history=zeros(2, prices),
        clock=zeros(2, dtype=np.int64),
        rates=zeros(brackets),
        cap=zeros(),
        base=zeros(n),
        last=zeros(n, 2),
        utility=zeros(n + 1),
        counts=zeros(2),
        formula=formula,
        pairs=zeros(p.saez_memory if p.tax == "saez" else 0, 2),
        houses=zeros(n, dtype=np.int64),
        trades=zeros(n, 2, 2, 2),
        years=zeros(years, n, 2),
        schedules=zeros(years, brackets),
        shared=zeros(n),
    )


def allocate_chance(constants: Constants, batch: int) -> Chance:
    """Room for what chance decides."""
    n = len(constants.room)
    return Chance(
        np.zeros((batch, n), dtype=np.int64),
        np.zeros((batch, n)),
        np.zeros((batch, len(constants.sources)), dtype=bool),
        np.zeros((batch, len(constants.cutoffs))),
    )
