"""OpenSpiel's games as environments: against Shimmy, OpenSpiel's own environment, and a bare loop over its states."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.bench.envs_play import SEED, Playing, Tally, alike, duel, paced
from experiments.bench.harness import Finding, Row, Setting
from experiments.bench.timing import Side

_NAMES = ("leduc_poker", "connect_four")
_BATCH, _COMPILED_BATCH = 256, 1_024
_CUT_SHORT = ("leduc_poker",)
"""Games whose longest plays Shimmy cuts off, as it counts chance outcomes towards OpenSpiel's largest number of moves."""
_SHIMMY, _RL, _BARE = "Shimmy", "OpenSpiel rl_environment", "a bare pyspiel loop with tensors"


def rows() -> list[Row]:
    """Moves one state at a time, and on the compiled tree."""
    targets: tuple[tuple[str, float | None, tuple[str, ...]], ...] = (
        (_SHIMMY, 10.0, ("shimmy", "pyspiel")),
        (_RL, 1.5, ("pyspiel",)),
        (_BARE, None, ("pyspiel",)),
    )
    plain = [
        Row(
            f"random moves through OpenSpiel: {name}",
            peer,
            _measure(name, f"openspiel:{name}", _BATCH, peer),
            target=target,
            aim=None if target else 1.0,
            needs=needs,
            quick=True,
        )
        for name in _NAMES
        for peer, target, needs in targets
    ]
    compiled = [
        Row(
            f"random moves on the compiled tree, batch {_COMPILED_BATCH:,}: leduc_poker",
            peer,
            _measure("leduc_poker", "openspiel:leduc_poker?compiled=true", _COMPILED_BATCH, peer),
            target=target,
            needs=needs,
            quick=True,
        )
        for peer, target, needs in ((_SHIMMY, 50.0, ("shimmy", "pyspiel")), (_BARE, None, ("pyspiel",)))
    ]
    return plain + compiled


# --- contenders -------------------------------------------------------------------------------------------


class BareLoop:
    """States of the game itself, with the tensor that the acting player sees."""

    def __init__(self, name: str) -> None:
        import pyspiel

        self.game = pyspiel.load_game(name)
        self._tensor = (
            "information_state_tensor"
            if self.game.get_type().provides_information_state_tensor
            else "observation_tensor"
        )
        self._random = random.Random(SEED)
        self._state = self._begin()

    def _begin(self) -> Any:
        return self._past_chance(self.game.new_initial_state())

    def _past_chance(self, state: Any) -> Any:
        while state.is_chance_node():
            actions, probs = zip(*state.chance_outcomes())
            state.apply_action(self._random.choices(actions, probs)[0])
        return state

    def tally(self, moves: int) -> Tally:
        """Make so many moves, beginning anew when a play is over."""
        pick, state = self._random.choice, self._state
        reward = square = 0.0
        stops = 0
        for _ in range(moves):
            getattr(state, self._tensor)()
            state.apply_action(pick(state.legal_actions()))
            self._past_chance(state)
            if state.is_terminal():
                paid = state.returns()[0]
                reward, square, stops = reward + paid, square + paid**2, stops + 1
                state = self._begin()
        self._state = state
        return Tally(moves, reward, square, stops)


class RlEnvironment:
    """OpenSpiel's own environment."""

    def __init__(self, name: str) -> None:
        from open_spiel.python import rl_environment

        sampler = rl_environment.ChanceEventSampler(SEED)
        self.env = rl_environment.Environment(name, chance_event_sampler=sampler)
        self._step = self.env.reset()
        self._pick = random.Random(SEED).choice

    def tally(self, moves: int) -> Tally:
        """Make so many moves, beginning anew when a play is over."""
        env, step, pick = self.env, self._step, self._pick
        reward = square = 0.0
        stops = 0
        for _ in range(moves):
            seen = step.observations
            step = env.step([pick(seen["legal_actions"][seen["current_player"]])])
            if step.last():
                paid = step.rewards[0]
                reward, square, stops = reward + paid, square + paid**2, stops + 1
                step = env.reset()
        self._step = step
        return Tally(moves, reward, square, stops)


class Shimmy:
    """Shimmy's PettingZoo environment of an OpenSpiel game."""

    def __init__(self, name: str) -> None:
        from shimmy.openspiel_compatibility import OpenSpielCompatibilityV0

        self.env = OpenSpielCompatibilityV0(game_name=name)
        self.env.reset(seed=SEED)
        self._random = random.Random(SEED)

    def tally(self, moves: int) -> Tally:
        """Make so many moves, beginning anew when a play is over."""
        env = self.env
        reward = square = 0.0
        stops = made = 0
        while made < moves:
            agent = env.agent_selection
            _, _, terminated, truncated, info = env.last()
            if terminated or truncated:
                paid = float(env.rewards[env.possible_agents[0]])
                reward, square, stops = reward + paid, square + paid**2, stops + 1
                env.reset(seed=self._random.randrange(1 << 30))
                continue
            legal = np.flatnonzero(info["action_mask"])
            env.step(int(legal[self._random.randrange(len(legal))]))
            made += 1
            assert agent in env.possible_agents
        return Tally(moves, reward, square, stops)


_PEERS: dict[str, Callable[[str], Any]] = {_SHIMMY: Shimmy, _RL: RlEnvironment, _BARE: BareLoop}


def _measure(name: str, uri: str, batch: int, peer: str) -> Callable[[Setting], Finding]:
    def measure(setting: Setting) -> Finding:
        from games.env_uris import make_env

        ours = Playing(make_env(uri), batch)

        def build() -> Side:
            library = _PEERS[peer](name)
            tallied = 1_000 if setting.quick else 5_000
            return replace(paced(library.tally, setting), extract=lambda _: library.tally(tallied))

        check = _unlike if peer == _SHIMMY and name in _CUT_SHORT else alike
        return duel(setting, ours.side(setting, 20 if setting.quick else 100), build, check)

    return measure


def _unlike(ours: Tally, theirs: Tally | None) -> tuple[bool, str]:
    """Moves can be compared but plays cannot."""
    return (
        True,
        f"mean reward of a step {ours.mean_reward()[0]:.3g}; Shimmy counts chance as moves and cuts plays off",
    )
