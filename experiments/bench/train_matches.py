"""What `bench train` measures: the same work told to ours and to the peer, each in its own words.

A `Match` is built from facts that both sides share: task, widths of layers, how often each frame is learned from. What
is only theirs (step sizes of another parametrisation, say) stays as the peer has it, as it does not change the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from experiments.bench.train_pace import Told

EPYMARL, BENCHMARL = "EPyMARL", "BenchMARL"
SEED = 1
_FORAGING = "8x8-2p-3f"
_LIMIT = 50
_EPISODES = 10  # that EPyMARL's MAPPO collects side by side for an update
_EPOCHS = 4  # of EPyMARL's MAPPO
_OURS = 64  # sub-environments on our side, where nothing else is said
_REPLAYED = 32  # episodes of replay that EPyMARL learns from after each episode


@dataclass(frozen=True)
class Match:
    """One trainer of ours against one of a peer's.

    Parameters
    ----------
    name, peer : str
        Of the row.
    ours, theirs : dict
        Settings for `train_ours` and for the peer's module.
    note : str
        What both sides do, and where they differ.
    target, aim : float or None
        Ratios of throughput.
    quoted : float or None
        The peer's frames per CPU second as measured earlier on another day, for where there is no peer.
    quick : bool
        Part of a quick run.
    """

    name: str
    peer: str
    ours: Told
    theirs: Told
    note: str
    target: float | None = None
    aim: float | None = None
    quoted: float | None = None
    quick: bool = False


def matches() -> list[Match]:
    """All of them, in the order of the table."""
    return [
        foraging_mappo((64, 64), False, _OURS, quoted=1467.0, target=15.0, aim=40.0, quick=True),
        foraging_mappo((64, 64), False, _EPISODES, quoted=1467.0),
        foraging_mappo((128, 128), True, _OURS, quoted=814.0, target=15.0, aim=40.0),
        foraging_q("qmix", (64, 64), False, quoted=671.0, target=10.0, aim=30.0, quick=True),
        foraging_q("iql", (64, 64), False, target=10.0, aim=30.0),
        foraging_q("iql", (128, 128), True, quoted=397.0, target=10.0, aim=30.0),
        *(spread(name, "mpe2", target=3.0, aim=5.0, quick=name == "mappo") for name in ("ippo", "mappo")),
        *(
            spread(name, "vmas", quoted=quoted, target=3.0, aim=5.0)
            for name, quoted in (("ippo", 4039.0), ("mappo", 4427.0))
        ),
        *(spread(name, "ours") for name in ("ippo", "mappo")),
    ]


def foraging_task(name: str = _FORAGING) -> Told:
    """EPyMARL's name for a foraging task."""
    return {"key": f"Foraging-{name}-v3", "time_limit": _LIMIT}


def _layers(hidden: tuple[int, ...], recurrent: bool) -> str:
    return f"GRU of {hidden[-1]}" if recurrent else f"layers of {' and '.join(map(str, hidden))}"


def foraging_mappo(hidden: tuple[int, ...], recurrent: bool, envs: int, **facts: Any) -> Match:
    """MAPPO on foraging against EPyMARL's, `envs` sub-environments on our side."""
    learner = {
        "hidden": list(hidden),
        "recurrent": recurrent,
        "rollout": _LIMIT,
        "epochs": _EPOCHS,
        "minibatches": 1,
        "reward": "team",
    }
    theirs = {
        "hidden_dim": hidden[-1],
        "use_rnn": recurrent,
        "epochs": _EPOCHS,
        "batch_size_run": _EPISODES,
        "batch_size": _EPISODES,
        "buffer_size": _EPISODES,
        "common_reward": True,
    }
    same = envs == _EPISODES
    note = (
        f"every frame is learned from {_EPOCHS} times, a whole batch in each gradient step; ours collects {envs} x "
        f"{_LIMIT} frames for an update, the peer {_EPISODES} whole episodes of up to {_LIMIT}"
    )
    if recurrent:
        note += "; the critics remember nothing"
    return Match(
        f"MAPPO, {_layers(hidden, recurrent)}{', batches as the peer' if same else ''}: foraging {_FORAGING}",
        EPYMARL,
        _ours("mappo", f"foraging:{_FORAGING}", envs, learner, warm=3 * envs * _LIMIT),
        _epymarl("mappo", theirs, warm=3 * _EPISODES * _LIMIT),
        note,
        **facts,
    )


def foraging_q(algorithm: str, hidden: tuple[int, ...], recurrent: bool, **facts: Any) -> Match:
    """IQL or QMIX on foraging against EPyMARL's."""
    learner = {
        "hidden": list(hidden),
        "recurrent": recurrent,
        "rollout": _LIMIT,
        "learn_every": _LIMIT,
        "batch_size": _REPLAYED,
        "sample": "segments",
        "reward": "team",
    }
    theirs = {
        "hidden_dim": hidden[-1],
        "use_rnn": recurrent,
        "batch_size": _REPLAYED,
        "batch_size_run": 1,
        "common_reward": True,
    }
    if algorithm == "qmix":
        learner |= {"mixer_width": 32, "mixer_hidden": 64}
        theirs |= {"mixing_embed_dim": 32, "hypernet_embed": 64, "hypernet_layers": 2}
    note = (
        f"every frame is learned from {_REPLAYED} times: ours replays {_REPLAYED} segments of {_LIMIT} frames every "
        f"{_LIMIT} frames, the peer {_REPLAYED} episodes after each episode; ours plays {_OURS} games side by side"
    )
    return Match(
        f"{algorithm.upper()}, {_layers(hidden, recurrent)}: foraging {_FORAGING}",
        EPYMARL,
        _ours(algorithm, f"foraging:{_FORAGING}", _OURS, learner, warm=2 * _OURS * _LIMIT),
        _epymarl(algorithm, theirs, warm=2 * _REPLAYED * _LIMIT),
        note,
        **facts,
    )


SPREADS = {
    "mpe2": ("mpe2 simple_spread for both", "pettingzoo:mpe2.simple_spread_v3?N=3&max_cycles=100", "mpe2"),
    "vmas": ("VMAS simple_spread for both", "vmas", "vmas"),
    "ours": ("our simple-spread against mpe2's", "mpe:simple-spread?N=3&max_cycles=100", "mpe2"),
}
"""Which spread tasks there are: what they are called, our environment, BenchMARL's."""


def spread(algorithm: str, which: str, **facts: Any) -> Match:
    """PPO with three agents that cover three landmarks, against BenchMARL's."""
    title, env, their_env = SPREADS[which]
    wide = their_env == "vmas"
    envs, minibatches, horizon, epochs, hidden = (60 if wide else 10), (6 if wide else 1), 100, 10, [64, 64]
    learner = {
        "hidden": hidden,
        "sharing": "shared",
        "rollout": horizon,
        "epochs": epochs,
        "minibatches": minibatches,
        "gamma": 0.99,
        "learning_rate": 5e-4,
    }
    more = 10 if wide else 1  # a batched environment is the faster, the more of it there is
    learner["minibatches"] = more * minibatches
    frames = envs * horizon
    theirs: Told = {
        "algorithm": algorithm,
        "env": their_env,
        "horizon": horizon,
        "hidden": hidden,
        "envs": envs,
        "steps": horizon,
        "epochs": epochs,
        "minibatches": minibatches,
        "gamma": 0.99,
        "learning_rate": 5e-4,
        "seed": SEED,
        "warm": 2 * frames,
    }
    ours = _ours(algorithm, env, more * envs, learner, warm=2 * more * frames) | {"horizon": horizon}
    note = (
        f"ours collects {more * envs} x {horizon} frames for an update, the peer {envs} x {horizon}, and both learn from "
        f"every frame {epochs} times in gradient steps of {frames // minibatches:,} frames, discrete actions, two layers of 64 that all agents share"
    )
    if which == "ours":
        note += "; the same rules in a batched simulation on our side"
    return Match(f"{algorithm.upper()}: {title}", BENCHMARL, ours, theirs, note, **facts)


def _ours(algorithm: str, env: str, envs: int, learner: Told, warm: int) -> Told:
    return {"algorithm": algorithm, "env": env, "envs": envs, "learner": learner, "seed": SEED, "warm": warm}


def _epymarl(algorithm: str, overrides: Told, warm: int) -> Told:
    return {
        "algorithm": algorithm,
        "task": foraging_task(),
        "overrides": overrides,
        "seed": SEED,
        "warm": warm,
    }
