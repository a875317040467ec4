"""Random agents in every environment that has a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from experiments.bench.envs_play import Playing, big, throughput
from experiments.bench.harness import Duel, Finding, Row, Setting, run_duel
from games.env_catalogue import Listed, environments

_LEAST_PER_S = 5e6
_COORDINATION = ("coordination:bits", "coordination:aloha")
_BATCH = 1_024
_BATCHES = {"swarm": 64, "pettingzoo": 8, "gymnasium": 8, "openspiel": 256}
_NO_PEER = "none"


def coordination_rows() -> list[Row]:
    """The environments of which no library has a batch, with the throughput they must reach."""
    return [
        Row(
            f"random agents, batch {_BATCH:,}: {uri.partition(':')[2]}",
            _NO_PEER,
            _measure_least(uri),
            target=f"{big(_LEAST_PER_S)} steps/s",
            quick=True,
        )
        for uri in _COORDINATION
    ]


def rows() -> list[Row]:
    """Every listed environment, for information."""
    return [
        Row(f"random agents: {world.uri}", _NO_PEER, _measure(world), quick=True) for world in environments()
    ]


def _measure_least(uri: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        found = alone(uri, _BATCH, setting)
        return replace(found, met=found.rate is not None and found.rate >= _LEAST_PER_S)

    return measure


def _measure(world: Listed) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        if absent := world.missing():
            return Finding(note=f"{', '.join(absent)} of the extra `envs` is not installed")
        batch = _BATCHES.get(world.scheme, _BATCH)
        found = alone(world.uri, batch, setting)
        return replace(found, note=f"{found.note}; batch {batch:,}")

    return measure


def alone(uri: str, batch: int, setting: Setting) -> Finding:
    """Random agents in one environment: seconds per joint step."""
    from games.env_uris import make_env

    playing = Playing(make_env(uri), batch)
    try:
        repeats, budget = (2, 3.0) if setting.quick else (9, 12.0)
        side = replace(playing.side(setting, 1), extract=lambda _: None)
        return throughput(
            run_duel(Duel(side, None, lambda ours, theirs: (True, ""), repeats=repeats, budget_s=budget))
        )
    finally:
        playing.close()
