"""What economies came to when their episodes ended, episode by episode: watched while they are played, before a restart.

Letters: E episodes, n workers by rising skill, K tax brackets, Y tax years, M incomes of a year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from games.env import Env, Step, World
from games.errors import InputError
from games.play import Episodes, play_episodes
from games.policy import JointPolicy
from games.sims.economy_facts import EconomyFacts, economy_facts
from games.sims.economy_gtb import GatherTradeBuildRules
from games.sims.economy_one_step import OneStepRules
from games.sims.economy_one_step_facts import one_step_facts

Array = npt.NDArray[Any]
Seen = TypeVar("Seen")
GATHER, ONE_STEP = "gather-trade-build", "one-step"


@dataclass(frozen=True)
class EconomyEpisodes:
    """Episodes of an economy.

    Parameters
    ----------
    kind : str
        `GATHER` or `ONE_STEP`.
    numbers : mapping of str to float64[E]
        How society did, by name.
    workers : mapping of str to float64[E, n]
        How workers did, by name and rising skill; the first column is the skill.
    cutoffs : float64[K]
        Where brackets begin.
    rates : float64[E, K]
        Mean schedule of the years.
    occupancy : float64[E, K]
        Share of incomes in each bracket; losses are in the lowest.
    earned, collected : float64[E, K]
        Income before tax of those in a bracket, losses not counted, and what they paid.
    incomes, marginal : float64[M]
        All incomes of a year, and the rates on the next coin of them.
    """

    kind: str
    numbers: Mapping[str, Array]
    workers: Mapping[str, Array]
    cutoffs: Array
    rates: Array
    occupancy: Array
    earned: Array
    collected: Array
    incomes: Array
    marginal: Array

    @property
    def count(self) -> int:
        """E, how many episodes."""
        return len(self.rates)

    @staticmethod
    def joined(parts: list[EconomyEpisodes]) -> EconomyEpisodes:
        """Several one after the other; at least one."""
        first = parts[0]

        def whole(name: str) -> Any:
            mine = [getattr(part, name) for part in parts]
            if isinstance(mine[0], Mapping):
                return {key: np.concatenate([one[key] for one in mine]) for key in mine[0]}
            return np.concatenate(mine)

        columns = ("rates", "occupancy", "earned", "collected", "incomes", "marginal")
        return EconomyEpisodes(
            first.kind, whole("numbers"), whole("workers"), first.cutoffs, *map(whole, columns)
        )


def economy_kind(env: Any) -> str | None:
    """Which economy an environment is; None if it is none."""
    rules = getattr(env, "rules", None)
    if isinstance(rules, GatherTradeBuildRules):
        return GATHER
    return ONE_STEP if isinstance(rules, OneStepRules) else None


def played_out(
    env: Any, team: JointPolicy, seeds: Array, look_at: Callable[[Any, World], Seen]
) -> tuple[Episodes, Seen]:
    """Play episodes of one length at once, and say what an economy's `look_at(env, world)` says as they end.

    Parameters
    ----------
    env : Env
        An economy, as `games.make_env` makes it, or wrapped.
    team : JointPolicy
        Who plays.
    seeds : uint64[E]
        One per episode.
    look_at : callable
        Such as `games.sims.economy_facts.economy_facts`.
    """
    seen: list[Seen] = []

    def watch(world: World, step: Step, actions: tuple[Array, ...] | None) -> None:
        if step.last.all():
            seen.append(look_at(env, world))

    episodes = play_episodes(env, team, seeds, batch=len(seeds), watch=watch)
    return episodes, seen[0]


class EconomyLog:
    """Looks at economies when their episodes end: a `Watch` of `games.play.play_episodes`.

    Parameters
    ----------
    env : Env
        As `games.make_env` makes it, in this process.
    limit : int, optional
        The step at which episodes are cut off, if they are: of gather-trade-build its completed years count.

    Raises
    ------
    InputError
        If it is no economy, or nothing has happened in its episodes by then.
    """

    def __init__(self, env: Env, limit: int | None = None) -> None:
        kind, horizon = economy_kind(env), env.spec.horizon or 0
        if kind is None:
            raise InputError(f"{env.spec.name} is no economy")
        if kind == ONE_STEP and limit is not None and limit < horizon:
            raise InputError(
                f"--max-steps {limit}: in {env.spec.name} nobody has worked before its step {horizon}, so there is nothing to "
                "tell; leave it out"
            )
        self._env, self._kind, self._limit = env, kind, limit
        self._parts: list[EconomyEpisodes] = []
        self._steps = 0

    def __call__(self, world: World, step: Step, actions: tuple[Array, ...] | None) -> None:
        self._steps = 0 if actions is None else self._steps + 1
        if step.last.all() or self._steps == self._limit:
            self._parts.append(look(self._env, world))

    def episodes(self) -> EconomyEpisodes:
        """What was seen; `InputError` if no episode has ended."""
        if not self._parts:
            raise InputError(f"no episode of {self._env.spec.name} has ended")
        return EconomyEpisodes.joined(self._parts)


def look(env: Any, world: World) -> EconomyEpisodes:
    """What the episodes of a world have come to; see `EconomyEpisodes`."""
    if economy_kind(env) == GATHER:
        return _gathered(economy_facts(env, world))
    return _one_step(env, one_step_facts(env, world))


def _gathered(facts: EconomyFacts) -> EconomyEpisodes:
    numbers = {
        "equality": facts.equality,
        "gini": 1.0 - facts.equality,
        "productivity": facts.productivity,
        "eq_times_prod": facts.eq_times_prod,
        "inverse_income_utility": facts.inverse_income_utility,
        "effective_rate": facts.effective_rate,
        "effective_rate_poorest": facts.extremes[:, 0],
        "effective_rate_richest": facts.extremes[:, 1],
        "trades": facts.trades,
        "houses": facts.houses.sum(axis=1),
        "labour": facts.labour.mean(axis=1),
        "gaming": facts.gaming.mean(axis=1),
    }
    workers = {
        "payment": facts.payment,
        "houses": facts.houses,
        "net_wood": facts.net_sales[:, :, 1],
        "net_stone": facts.net_sales[:, :, 0],
        "labour": facts.labour,
        "coin": facts.coin,
        "income": facts.incomes.sum(axis=1),
        "after_tax": facts.after_tax.sum(axis=1),
        "gaming": facts.gaming,
    }
    counted = np.arange(facts.incomes.shape[1]) < facts.years[:, None]
    return _made(
        GATHER,
        numbers,
        workers,
        facts.cutoffs,
        facts.bracket_rates,
        (facts.incomes, facts.paid, facts.schedules, counted),
    )


def _one_step(env: Any, facts: Mapping[str, Array]) -> EconomyEpisodes:
    economy, coin = env.rules.economy, facts["coin"]
    rows = np.arange(len(coin))
    numbers = {
        "equality": facts["equality"],
        "gini": 1.0 - facts["equality"],
        "productivity": facts["productivity"],
        "eq_times_prod": facts["eq*prod"],
        "inverse_income_utility": facts["inverse-income"],
        "welfare": facts["welfare"],
        "effective_rate": facts["effective"].mean(axis=1),
        "effective_rate_poorest": facts["effective"][rows, coin.argmin(axis=1)],
        "effective_rate_richest": facts["effective"][rows, coin.argmax(axis=1)],
        "hours": facts["hours"].mean(axis=1),
    }
    workers = {
        "wage": np.broadcast_to(economy.wages, coin.shape),
        "hours": facts["hours"],
        "income": facts["income"],
        "after_tax": coin,
        "utility": facts["utility"],
    }
    year = (facts["income"][:, None], facts["paid"][:, None], facts["rates"][:, None])
    counted = np.ones((len(coin), 1), dtype=bool)
    return _made(ONE_STEP, numbers, workers, economy.brackets.array, facts["rates"], (*year, counted))


def _made(
    kind: str,
    numbers: Mapping[str, Array],
    workers: Mapping[str, Array],
    cutoffs: Array,
    rates: Array,
    years: tuple[Array, Array, Array, Array],
) -> EconomyEpisodes:
    """Workers in the order of their skill, and what lies in each bracket.

    `years` are incomes float64[B, Y, n], what was paid, schedules float64[B, Y, K], and which years are over, bool[B, Y].
    """
    incomes, paid, schedules, counted = years
    order = np.argsort(next(iter(workers.values())), axis=1, kind="stable")
    ranked = {
        name: np.take_along_axis(np.asarray(each, dtype=np.float64), order, axis=1)
        for name, each in workers.items()
    }
    bracket = np.maximum(np.searchsorted(cutoffs, incomes, side="right") - 1, 0)
    inside = (bracket[..., None] == np.arange(len(cutoffs))) & counted[:, :, None, None]
    marginal = np.where(incomes < 0, 0.0, np.take_along_axis(schedules, bracket, axis=2))
    many = np.maximum(1, inside.sum(axis=(1, 2, 3)))
    return EconomyEpisodes(
        kind,
        {name: np.asarray(each, dtype=np.float64) for name, each in numbers.items()},
        ranked,
        cutoffs,
        rates,
        inside.sum(axis=(1, 2)) / many[:, None],
        np.einsum("byn,bynk->bk", np.maximum(incomes, 0.0), inside),
        np.einsum("byn,bynk->bk", paid, inside),
        incomes[counted].ravel(),
        marginal[counted].ravel(),
    )
