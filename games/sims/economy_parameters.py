"""The constants of gather-trade-build, their ranges and their names in a URI.

Defaults are those of the second phase in Zheng et al. (2022), "The AI Economist", Science Advances 8(18).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from games.catalogue.entry import Numbers, shorten
from games.errors import InputError
from games.sims.constants import changed, parameters_of, read_constants
from games.sims.economy_metrics import Welfare
from games.sims.economy_taxes import Brackets, fixed_schedule

Array = npt.NDArray[Any]
TaxSystem = Literal["planner", "free", "federal", "flat", "fixed", "saez", "redistribution"]

URI = "economy:gather-trade-build"
SMALL: dict[str, Any] = {
    "horizon": 200,
    "period": 20,
    "map": "mixed",
    "window": 7,
    "regeneration": 0.02,
    "labour_cost": 0.21 * (1000 / 200) ** 0.23,
    "scale": 1000 * 100 / 20,
}
"""``size=small``: a fifth of the steps. Utility is scale-free in coin, so that a labourer works as much for its leisure as
in the long episode if labour costs (1000 / T)^eta as much and brackets shrink with the length of a year."""
SIZES: dict[str, dict[str, Any]] = {"standard": {}, "small": SMALL}
MOST_AGENTS, MOST_YEARS, LARGEST = 250, 10_000, 1e9


@dataclass(frozen=True)
class GatherTradeBuild:
    """Every constant of gather-trade-build.

    Parameters
    ----------
    agents : int
        Workers, n.
    tax : str
        Who sets rates: the ``planner``; nobody (``free``); the US ``federal`` schedule; one ``flat`` rate; ``fixed`` rates;
        the formula of ``saez``; or ``redistribution``, which shares all coin equally in every step.
    rate, rates : float, tuple of float
        The flat rate; the fixed ones, one per bracket.
    horizon, period : int
        Steps of an episode, T, and of a tax year.
    map : str
        See `games.sims.economy_maps.read_map`.
    window : int
        Side of what a worker sees of the map, odd.
    regeneration : float
        Probability that a source brings forth a unit in a step.
    coin : float
        What a worker has at the beginning.
    skills : {"fixed", "pareto"}
        Payments for houses: expected order statistics, dealt at random with places of their own, or drawn for each episode
        and worker, who begin anywhere.
    bonus : {"pareto", "none"}
        Whether workers have a probability, drawn for each episode, of gathering two units at once.
    payment, multiplier : float
        A house brings ``payment * min(multiplier, 1 + (multiplier - 1) X)`` coin, X of a Pareto-II distribution of shape 4.
    build_labour, move_labour, collect_labour, order_labour : float
        What actions cost in labour.
    max_price, max_orders, order_duration : int
        Highest price, open orders of a worker per resource, and steps that an order can wait.
    price_decay : float
        What remains of the history of prices after a step.
    eta, labour_cost : float
        Utility is (coin^(1 - eta) - 1) / (1 - eta) - labour_cost * labour.
    warmup, warmup_method : float, str
        Labour costs 1 - exp(-k / warmup) of that, k the steps with a mean reward above 0 (``auto``) or the completed
        episodes (``decay``); everything at once with 0.
    welfare : {"eq*prod", "inverse-income"}
        What the planner is paid for.
    mixing : float
        With eq*prod: 0 pays for equality times productivity, 1 for productivity alone.
    brackets, bracket_count, top, scale : str, int, float, float
        ``federal``: the seven US brackets, dollars over `scale`; ``linear`` or ``log``: so many up to `top` coin.
    cutoffs : tuple of float
        Where brackets begin, instead of these.
    rate_step, rate_min, rate_max : float
        Rates that a planner can choose: from the lowest to the highest in such steps.
    anneal_slope, anneal_warmup : float
        The highest rate is rate_max * clip(anneal_slope (episodes - anneal_warmup), 0, 1); rate_max with slope 0.
    elasticity : float
        Of income in the formula of Saez; estimated if below 0.
    saez_weights : {"inverse-income", "uniform"}
        Welfare weights in that formula.
    saez_memory : int
        Pairs of income and marginal rate it remembers; it sets rates at random until it has so many.
    """

    agents: int = 4
    tax: TaxSystem = "planner"
    rate: float = 0.5
    rates: Numbers = ()
    horizon: int = 1000
    period: int = 100
    map: str = "quadrant"
    window: int = 11
    regeneration: float = 0.01
    coin: float = 0.0
    skills: Literal["fixed", "pareto"] = "fixed"
    bonus: Literal["pareto", "none"] = "pareto"
    payment: float = 10.0
    multiplier: float = 3.0
    build_labour: float = 10.0
    move_labour: float = 1.0
    collect_labour: float = 1.0
    order_labour: float = 0.25
    max_price: int = 10
    max_orders: int = 5
    order_duration: int = 50
    price_decay: float = 0.995
    eta: float = 0.23
    labour_cost: float = 0.21
    warmup: float = 0.0
    warmup_method: Literal["auto", "decay"] = "auto"
    welfare: Welfare = "eq*prod"
    mixing: float = 0.0
    brackets: Literal["federal", "linear", "log"] = "federal"
    bracket_count: int = 7
    top: float = 100.0
    scale: float = 1000.0
    cutoffs: Numbers = ()
    rate_step: float = 0.05
    rate_min: float = 0.0
    rate_max: float = 1.0
    anneal_slope: float = 0.0
    anneal_warmup: float = -100.0
    elasticity: float = -1.0
    saez_weights: Literal["inverse-income", "uniform"] = "inverse-income"
    saez_memory: int = 500

    def __post_init__(self) -> None:
        for name, parameter in parameters_of(GatherTradeBuild).items():
            if parameter.kind in (int, float):  # kernels are compiled for one type of each
                object.__setattr__(self, name, parameter.parse(getattr(self, name)))
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                wanted = f"from {low:g} to {high:g}" if high < LARGEST else f"at least {low:g}"
                raise InputError(f"{URI}: {name} must be {wanted}, not {value:g}")
        if self.window % 2 == 0:
            raise InputError(f"{URI}: window must be odd, so that its middle is a tile, not {self.window}")
        if self.horizon // self.period > MOST_YEARS:
            raise InputError(f"{URI}: at most {MOST_YEARS:,} tax years, not {self.horizon // self.period:,}")
        if self.rate_min > self.rate_max:
            raise InputError(f"{URI}: rate_min {self.rate_min:g} is above rate_max {self.rate_max:g}")
        if self.rates and self.tax != "fixed":
            raise InputError(f"{URI}: rates go with tax=fixed, not with tax={self.tax}")
        try:
            self.fixed_rates  # noqa: B018  (whether they fit the brackets)
        except InputError as error:
            raise InputError(f"{URI}: {error}") from None
        if self.tax == "saez" and self.tax_brackets.count < 2:
            raise InputError(f"{URI}: tax=saez needs at least 2 brackets, not 1")

    @property
    def tax_brackets(self) -> Brackets:
        """Where brackets begin."""
        if self.cutoffs:
            return Brackets(self.cutoffs)
        if self.brackets == "federal":
            return Brackets.federal(self.scale)
        make = Brackets.linear if self.brackets == "linear" else Brackets.log
        return make(self.bracket_count, self.top)

    @property
    def fixed_rates(self) -> Array:
        """The rates of a system that never changes them, float64[K]; 0 for the others."""
        return fixed_schedule(self.tax_brackets, self.tax, self.rate, self.rates)

    @property
    def levels(self) -> Array:
        """Rates that a planner can choose, float64[L]."""
        count = math.floor((self.rate_max - self.rate_min) / self.rate_step + 1e-9) + 1
        return np.minimum(self.rate_min + self.rate_step * np.arange(count), self.rate_max)

    @property
    def uri(self) -> str:
        """The URI with every constant that is not at its default; `games.make_env` makes the same economy of it."""
        ways = [
            [f"size={size}"] * (size != "standard") + changed(self, usual) for size, usual in SIZES.items()
        ]
        shortest = min(range(len(ways)), key=lambda way: len(ways[way]))
        return f"{URI}?" + "&".join(ways[shortest])


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("agents", 1, MOST_AGENTS),
    *((name, 1, 10_000_000) for name in ("horizon", "period", "order_duration")),
    *((name, 1, 1000) for name in ("max_price", "max_orders")),
    *((name, 0, 1) for name in ("rate", "rate_min", "rate_max", "regeneration", "price_decay", "mixing")),
    *((name, 0, LARGEST) for name in ("coin", "labour_cost", "warmup", "anneal_slope")),
    *((f"{action}_labour", 0, LARGEST) for action in ("build", "move", "collect", "order")),
    *((name, 1e-6, LARGEST) for name in ("payment", "top", "scale")),
    *((name, -LARGEST, LARGEST) for name in ("anneal_warmup", "elasticity")),
    ("window", 1, 101),
    ("multiplier", 1, LARGEST),
    ("eta", 0, 0.999),
    ("bracket_count", 2, 1000),
    ("rate_step", 0.001, 1),
    ("saez_memory", 1, 100_000),
)
"""Lowest and highest values."""


def read_parameters(given: Mapping[str, Any]) -> GatherTradeBuild:
    """The constants from URI text or Python values, the others as `size` (standard or small) has them; see `read_constants`."""
    size = given.get("size", "standard")
    if size not in SIZES:
        raise InputError(f"{URI}: size must be {' or '.join(SIZES)}, not {shorten(str(size))!r}")
    if not isinstance(layout := given.get("map", ""), str):
        raise InputError(f"{URI}: map must be text, not {layout!r:.60}")
    constants: GatherTradeBuild = read_constants(GatherTradeBuild, URI, given, SIZES[size], ("size",))
    return constants


@lru_cache
def ranked_payments(agents: int, payment: float, multiplier: float) -> tuple[float, ...]:
    """Expected payments for a house of agents of rising skill: order statistics of 100,000 draws with a fixed seed.

    The draws are those of the reference, whose numbers these are.

    >>> [round(p, 4) for p in ranked_payments(4, 10.0, 3.0)]
    [11.3316, 13.2671, 16.4724, 22.2496]
    """
    draws = np.random.RandomState(1).pareto(4, size=(100_000, agents))
    skills = np.sort(np.minimum(multiplier, (multiplier - 1) * draws + 1), axis=1)
    return tuple((skills.mean(axis=0) * payment).tolist())
