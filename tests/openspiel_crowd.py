"""OpenSpiel's algorithms for mean-field games as oracles, and its crowd game without its forgetfulness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyspiel
from open_spiel.python import policy as policies
from open_spiel.python.mfg.algorithms import fictitious_play, mirror_descent
from open_spiel.python.mfg.algorithms import nash_conv as gaps
from open_spiel.python.mfg.games.crowd_modelling import MFGCrowdModellingGame, MFGCrowdModellingState

SIDE = 3
SQUARE = (
    f"mfg_crowd_modelling_2d(size={SIDE},horizon=4,only_distribution_reward=True,initial_distribution=[0|0;1|2;2|1;1|1],"
    "initial_distribution_value=[0.5;0.25;0.125;0.125],noise_intensity=0.4)"
)
"""A game of OpenSpiel whose rewards do not depend on the last move."""
FIELD = int(pyspiel.PlayerId.MEAN_FIELD)


class RememberingState(MFGCrowdModellingState):
    """A state whose string tells the last move, which its reward depends on."""

    def state_to_str(self, x: Any, t: int, player_id: int = 0) -> str:
        if self._is_chance_init:
            return "initial"
        return f"({x}, {t}) after {self._last_action} for {int(player_id)}"

    def distribution_support(self) -> list[str]:
        return [f"({x}, {self.t}) after {a} for {FIELD}" for a in range(3) for x in range(self.size)]

    def update_distribution(self, distribution: Any) -> None:
        super().update_distribution(np.reshape(distribution, (3, self.size)).sum(axis=0).tolist())


class RememberingGame(MFGCrowdModellingGame):
    def new_initial_state(self) -> RememberingState:
        return RememberingState(self)


def load(text: str) -> Any:
    return pyspiel.load_game(text)


def remembering_crowd(size: int, horizon: int) -> Any:
    return RememberingGame({"size": size, "horizon": horizon})


def _place(state: Any) -> tuple[int, int]:
    """Number of the state and step, from "(x, t)..." or, on a square of SIDE cells, "(x, y, t)..."."""
    *place, t = map(int, state.observation_string(0).partition(")")[0].strip("(").split(", "))
    return (place[0] if len(place) == 1 else SIDE * place[0] + place[1]), t


class _Table(policies.Policy):
    def __init__(self, game: Any, table: Any) -> None:
        super().__init__(game, [0])
        self.table = table

    def action_probabilities(self, state: Any, player_id: Any = None) -> dict[int, float]:
        x, t = _place(state)
        return dict(enumerate(self.table[t, x]))


def nash_conv(game: Any, policy: Any) -> float:
    return float(gaps.NashConv(game, _Table(game, policy)).nash_conv())


def mirror_descent_curve(game: Any, rate: float, iterations: int) -> list[float]:
    """Its policies read the sums of values that the next iteration is adding to: they are written down before that."""
    method = mirror_descent.MirrorDescent(game, lr=rate)

    def freeze() -> None:
        method._policy = method.get_policy().to_tabular()

    return _curve(game, method, iterations, freeze)


def fictitious_play_curve(game: Any, iterations: int) -> list[float]:
    return _curve(game, fictitious_play.FictitiousPlay(game), iterations)


def _curve(game: Any, method: Any, iterations: int, then: Any = lambda: None) -> list[float]:
    found = [float(gaps.NashConv(game, method.get_policy()).nash_conv())]
    for _ in range(iterations):
        method.iteration()
        then()
        found.append(float(gaps.NashConv(game, method.get_policy()).nash_conv()))
    return found


def first_costs(game: Any, size: int, horizon: int) -> Any:
    """float64[T, X]: what the last move cost where OpenSpiel's depth-first recursion meets a state for the first time."""
    costs, seen = np.zeros((horizon, size)), set()

    def walk(state: Any) -> None:
        name = state.observation_string(0)
        if name in seen or state.is_terminal():
            return
        seen.add(name)
        if state.current_player() == FIELD:
            after = state.clone()
            after.update_distribution([1 / size] * size)
            walk(after)
            return
        if state.current_player() >= 0:
            x, t = _place(state)
            costs[t, x] = state.rewards()[0] - (1 - abs(x - size // 2) / (size // 2)) + np.log(1 / size)
            children = state.legal_actions()
        else:
            children = [action for action, _ in state.chance_outcomes()]
        for action in children:
            walk(state.child(action))

    walk(game.new_initial_state())
    return costs
