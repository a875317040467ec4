"""Rows of `bench swarm` on very many agents: a million of them, and what an agent costs as they become more.

Equal density: everybody sees as many others on average whatever the number of agents, 39 as in a swarm of 200 with the
default radius of 0.25, so the radius is 0.25 sqrt(200 / N). With the default radius itself an agent among a million
sees 196,000 others, in an exact sum over the disc; that row has no target.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from experiments.bench.envs_play import Playing, big, paced
from experiments.bench.harness import Duel, Finding, Row, Setting, medians, run_duel
from experiments.bench.swarm_peers import Prepared
from experiments.bench.timing import Sample, Side, peak_gib, sample

MANY, _QUICK_MANY = 1_000_000, 50_000
SIZES, _QUICK_SIZES = (1_000, 10_000, 100_000, 1_000_000), (1_000, 20_000)
LEAST, GROWTH = 2.0, 1.5
_TURNS, _QUICK_TURNS = 7, 2


def rows() -> list[Row]:
    """A million agents, then costs per agent."""
    rate = f"at least {LEAST:g} steps per second"
    plays = [("vicsek", None), ("vicsek", "turn"), ("aggregation", None), ("aggregation", "centre")]
    return [
        *(
            Row(
                f"a million agents, {rule or 'prepared random actions'}: {name}",
                "no peer",
                _million(name, rule),
                target=rate,
                quick=True,
            )
            for name, rule in plays
        ),
        Row("a million agents, prepared random actions: vicsek, radius 0.25", "no peer", _wide),
        *(
            Row(
                f"an agent's step, from {SIZES[0]:,} agents to {SIZES[-1]:,}: {name}",
                "no peer",
                _costs(name),
                target=f"less than {GROWTH:g} times the cost",
                quick=True,
            )
            for name in ("vicsek", "aggregation")
        ),
    ]


def equal_density(name: str, agents: int) -> Any:
    """A swarm whose agents see 39 others on average, if they see others at all."""
    from games.env_uris import make_env

    given: dict[str, Any] = {} if name == "aggregation" else {"radius": 0.25 * math.sqrt(200 / agents)}
    return make_env(f"swarm:{name}", agents=agents, **given)


# --- a million --------------------------------------------------------------------------------------------


def _million(name: str, rule: str | None) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        agents = _QUICK_MANY if setting.quick else MANY
        return pace(equal_density(name, agents), rule, setting)

    return measure


def pace(env: Any, rule: str | None, setting: Setting) -> Finding:
    """Steps per second of one swarm, moved by actions drawn beforehand or by a scripted rule that looks each time."""
    from games.policy import Independent
    from games.swarm_policies import POLICIES

    if rule is None:
        side = Prepared(env, 1).side(setting)
    else:
        playing = Playing(env, 1, Independent(env.spec, POLICIES[rule](env.spec)))
        side = paced(playing.advance, setting)
    finding = run_duel(Duel(side, None, lambda *_: (True, ""), repeats=3 if setting.quick else 9))
    assert finding.ours is not None
    rate = 1.0 / max(finding.ours.wall, finding.ours.cpu)
    note = f"{big(rate)} steps per second of {env.spec.groups[0].size:,} agents; {_memory()}"
    return replace(finding, met=rate >= LEAST, rate=rate, note=note)


def _wide(setting: Setting) -> Finding:
    from games.env_uris import make_env

    env = make_env("swarm:vicsek", agents=MANY)
    prepared = Prepared(env, 1)
    spent, _ = sample(Side(lambda: prepared.step(1)))
    seen = math.pi * 0.25**2 * MANY
    note = f"{spent.wall:.2f} s per step, in which each agent sees {seen:,.0f} others; {_memory()}"
    return Finding(spent, pairs=1, rate=1.0 / spent.cpu, note=note)


def _memory() -> str:
    return f"no more than {peak_gib():.2f} GiB of memory, this bench's other rows included"


# --- cost per agent ---------------------------------------------------------------------------------------


def _costs(name: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        sizes, turns = (_QUICK_SIZES, _QUICK_TURNS) if setting.quick else (SIZES, _TURNS)
        return costs(name, sizes, turns, setting)

    return measure


def costs(name: str, sizes: tuple[int, ...], turns: int, setting: Setting) -> Finding:
    """Time per step and agent of swarms of equal density, one of each size, in turns."""
    sides = []
    for size in sizes:
        side = Prepared(equal_density(name, size), 1).side(setting)
        sides.append(replace(side, units=side.units * size))
    samples: list[list[Sample]] = [[] for _ in sizes]
    for turn in range(turns):
        for k in range(len(sizes)):
            which = (turn + k) % len(sizes)
            samples[which].append(sample(sides[which])[0])
    cpu = [statistics.median(one.cpu for one in own) for own in samples]
    growth = statistics.median(last.cpu / first.cpu for first, last in zip(samples[0], samples[-1]))
    told = ", ".join(f"{1e9 * cost:.0f} for {size:,}" for cost, size in zip(cpu, sizes))
    note = (
        f"{growth:.2f} times from the smallest swarm to the largest, {max(cpu) / min(cpu):.2f} between the cheapest and the "
        f"dearest; nanoseconds of process time per agent and step, one swarm at a time: {told}"
    )
    return Finding(medians(samples[-1]), pairs=turns, met=growth < GROWTH, rate=1.0 / cpu[-1], note=note)
