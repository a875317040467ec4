"""The constants of the one-step economy as an environment, their ranges and their names in a URI."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from games.catalogue.entry import Numbers, shorten
from games.errors import InputError
from games.sims.constants import changed, read_constants
from games.sims.economy_metrics import Welfare
from games.sims.economy_one_step_model import (
    Array,
    OneStepEconomy,
    pareto_skills,
    quantile_skills,
)
from games.sims.economy_taxes import Brackets, fixed_schedule

TaxSystem = Literal["planner", "free", "federal", "flat", "fixed", "saez"]
URI = "economy:one-step"
FEDERAL = "federal"
MOST_BRACKETS, MOST_CHOICES = 1000, 10_000_000


@dataclass(frozen=True)
class OneStep:
    """Every constant of the one-step economy.

    Parameters
    ----------
    agents : int
        Workers, n.
    brackets : str
        How many, up to `top` coin; or ``federal``, the seven US ones, dollars over `scale`.
    spacing, top, scale : str, float, float
        Brackets of equal width (``linear``) or each twice as wide as the last (``log``), the open one from `top`.
    cutoffs : tuple of float
        Where brackets begin, instead of these.
    cost, delta : float
        Labour of l hours costs ``cost * l^delta``.
    labour_levels : int
        Choices of labour: equally spaced hours from 0 to 100.
    skills : str
        ``quantiles`` of the distribution; ``pareto``, mean order statistics of 1,000 draws by `seed`; or the numbers
        themselves, one per worker.
    seed : int
        Of skills=pareto.
    utility, eta : str, float
        ``linear`` in coin; ``isoelastic``, (coin^(1 - eta) - 1) / (1 - eta) - cost * l.
    welfare, mixing : str, float
        What the planner is paid for; with eq*prod, mixing=1 pays for productivity alone.
    tax : str
        Who sets rates: the ``planner``; nobody (``free``); the ``federal`` schedule; one ``flat`` rate; ``fixed`` rates; the
        formula of ``saez``.
    rate, rates : float, tuple of float
        The flat rate; the fixed ones, one per bracket.
    elasticity, saez_weights, saez_memory : float, str, int
        Of the Saez formula: estimated if below 0; welfare weights; how many pairs of income and marginal rate are kept, and
        must be there before it is used (until then rates are random).
    observe : {"full", "brief"}
        What the reference shows; or only what matters to a choice: rates, own skill and the time.
    """

    agents: int = 100
    brackets: str = "3"
    spacing: Literal["linear", "log"] = "linear"
    top: float = 120.0
    scale: float = 1000.0
    cutoffs: Numbers = ()
    cost: float = 0.016
    delta: float = 2.0
    labour_levels: int = 101
    skills: str = "quantiles"
    seed: int = 0
    utility: Literal["linear", "isoelastic"] = "linear"
    eta: float = 0.23
    welfare: Welfare = "inverse-income"
    mixing: float = 0.0
    tax: TaxSystem = "planner"
    rate: float = 0.25
    rates: Numbers = ()
    elasticity: float = -1.0
    saez_weights: Literal["inverse-income", "uniform"] = "inverse-income"
    saez_memory: int = 500
    observe: Literal["full", "brief"] = "full"

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{URI}: {name} must be from {low:g} to {high:g}, not {value:g}")
        if self.agents * self.labour_levels > MOST_CHOICES:
            raise InputError(
                f"{URI}: {self.agents:,} agents with {self.labour_levels:,} levels of labour are too many; "
                f"at most {MOST_CHOICES:,} together, multiplied"
            )
        if self.rates and self.tax != "fixed":
            raise InputError(f"{URI}: rates go with tax=fixed, not with tax={self.tax}")
        try:
            self.fixed_rates  # noqa: B018  (whether they fit the brackets)
            self.economy  # noqa: B018
        except InputError as error:
            text = str(error)
            raise InputError(text if text.startswith(URI) else f"{URI}: {text}") from None

    @cached_property
    def economy(self) -> OneStepEconomy:
        """The economy; of isoelastic utility all but the costs of labour."""
        return OneStepEconomy(
            self.wages, self.tax_brackets, self.cost, self.delta, self.labour_levels, self.welfare
        )

    @property
    def tax_brackets(self) -> Brackets:
        """Where brackets begin."""
        if self.cutoffs:
            return Brackets(self.cutoffs)
        if self.brackets == FEDERAL:
            return Brackets.federal(self.scale)
        try:
            count = int(self.brackets)
        except ValueError:
            count = 0
        if not 2 <= count <= MOST_BRACKETS:
            raise InputError(
                f"brackets is a number from 2 to {MOST_BRACKETS} or {FEDERAL}, not {shorten(self.brackets)!r}"
            )
        return (Brackets.log if self.spacing == "log" else Brackets.linear)(count, self.top)

    @property
    def wages(self) -> tuple[float, ...]:
        """Skills of the workers."""
        if self.skills == "quantiles":
            return quantile_skills(self.agents)
        if self.skills == "pareto":
            return pareto_skills(self.agents, self.seed)
        try:
            given = tuple(float(part) for part in self.skills.split(","))
        except ValueError:
            raise InputError(
                f"skills are quantiles, pareto or numbers such as 1.1,1.6, not {shorten(self.skills)!r}"
            ) from None
        if len(given) != self.agents:
            raise InputError(f"{len(given)} skills are given for {self.agents} agents; expected one for each")
        return given

    @cached_property
    def fixed_rates(self) -> Array:
        """The rates of a system that never changes them, float64[K]; 0 for the others."""
        return fixed_schedule(self.tax_brackets, self.tax, self.rate, self.rates)

    @property
    def uri(self) -> str:
        """The URI with every constant that is not at its default; `games.make_env` makes the same economy of it."""
        return f"{URI}?" + "&".join(changed(self))


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("agents", 1, 10_000),
    ("top", 1e-6, 1e9),
    ("scale", 1e-6, 1e9),
    ("cost", 1e-100, 1e6),
    ("labour_levels", 2, 10_001),
    ("seed", 0, 2**63),
    ("eta", 0, 0.999),
    ("mixing", 0, 1),
    ("rate", 0, 1),
    ("elasticity", -1e6, 1e6),
    ("saez_memory", 1, 100_000),
)


def read_parameters(given: Mapping[str, Any]) -> OneStep:
    """The constants from URI text or Python values, the others at their defaults; see `read_constants`."""
    constants: OneStep = read_constants(OneStep, URI, given)
    return constants
