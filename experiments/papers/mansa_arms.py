"""Arms of the tabular claims on MANSA: what they learned, judged exactly, and their random controls; facts on the operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.papers.tabular_runs import Progress, at_most, welch_test
from games.markov import MarkovGame
from games.simplices import Float
from solvers.switching import optimal_switch
from solvers.switching_certificate import certify_switch
from solvers.switching_learning import LearnedSwitches, SwitchTraining, learn_together
from solvers.switching_play import SwitchPlay, evaluate_switch
from solvers.switching_team import SwitchedTeam


def spread(values: Sequence[float] | Float) -> dict[str, Any]:
    """Mean, standard deviation over seeds, and the numbers."""
    array = np.asarray(values, dtype=np.float64)
    deviation = float(array.std(ddof=1)) if len(array) > 1 else 0.0
    return {"mean": float(array.mean()), "standard deviation": deviation, "values": array.tolist()}


def optimal_team(game: MarkovGame) -> Float:
    """The best joint policy of a team game of finite horizon, float64[T, S, A1, ..., An]: backward induction."""
    policy = np.zeros((game.stages, game.size, game.profiles))
    after = np.zeros(game.size)
    for t in range(game.stages - 1, -1, -1):
        worth = game.flat_reward[0] + game.flat_transition @ after
        policy[t] = np.eye(game.profiles)[worth.argmax(axis=1)]
        after = worth.max(axis=1)
    return policy.reshape(game.stages, game.size, *game.shape)


# --- arms ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm: what was learned, and what its greedy policies are worth, one number per seed.

    Parameters
    ----------
    learned : LearnedSwitches
        All runs.
    switched, alone : float64[B]
        Expected return E1 with the arm's own switch, and E2 of the independent learners alone; calls unpaid.
    fraction : float64[B]
        Expected share of calls under E1.
    """

    learned: LearnedSwitches
    switched: Float
    alone: Float
    fraction: Float

    def facts(self) -> dict[str, Any]:
        """The arm in plain numbers."""
        independent, central, switch = self.learned.samples.mean(axis=0).tolist()
        return {
            "E1": spread(self.switched),
            "E2": spread(self.alone),
            "training fraction": spread(self.learned.call_fraction),
            "training fraction, last tenth": float(_last_tenth(self.learned)),
            "evaluation fraction": spread(self.fraction),
            "mean return in training": spread(self.learned.returns.mean(axis=1)),
            "updates": {"independent": independent, "central": central, "Global": switch},
        }


def _last_tenth(learned: LearnedSwitches) -> float:
    whole, last = learned.calls.mean(), learned.calls[:, -max(1, learned.calls.shape[1] // 10) :].mean()
    return float(learned.call_fraction.mean() * last / whole) if whole > 0 else 0.0


def run_arm(games: Sequence[MarkovGame], training: SwitchTraining, seeds: Any, progress: Progress) -> Arm:
    """Learn with every seed, and judge the greedy policies exactly; a coin keeps its probability when judged."""
    learned = learn_together(games, training, seeds, progress)
    chances = np.broadcast_to(
        {"independent": 0.0, "central": 1.0}.get(training.switch, training.probability), len(games)
    )
    greedy = training.switch == "learned"
    return _judged(learned, [learned.greedy_switch(k) if greedy else chances[k] for k in range(len(games))])


def beside_random(arm: Arm, seeds: Any, progress: Progress) -> dict[str, Any]:
    """An arm with a learned switch beside one that calls at random, in training and in evaluation as often as it did.

    With a budget the random switch has it, too, and calls with the same probability as long as calls are left; then it calls
    less often in all.
    """
    training = replace(
        arm.learned.training, switch="random", probability=arm.learned.call_fraction.tolist(), warm_up=0.0
    )
    learned = learn_together(arm.learned.games, training, seeds, progress)
    random = _judged(learned, arm.fraction.tolist())
    worth = learned.returns.mean(axis=1)
    return {
        "training fraction": {
            "MANSA": float(arm.learned.call_fraction.mean()),
            "random": float(learned.call_fraction.mean()),
        },
        "evaluation fraction": {
            "MANSA": float(arm.fraction.mean()),
            "random": float(random.fraction.mean()),
        },
        "E1 of random": spread(random.switched),
        "E2 of random": spread(random.alone),
        "mean return of random in training": spread(worth),
        "p, E1 above random": welch_test(arm.switched, random.switched),
        "p, E2 above random": welch_test(arm.alone, random.alone),
        "p, mean return in training above random": welch_test(arm.learned.returns.mean(axis=1), worth),
    }


def _judged(learned: LearnedSwitches, switches: Sequence[Any]) -> Arm:
    plays: list[SwitchPlay] = []
    alone = []
    for k, switch in enumerate(switches):
        team = learned.team(k)
        plays.append(evaluate_switch(team, switch, learned.training.cost, budget=learned.training.budget))
        alone.append(evaluate_switch(team, 0.0).returned)
    return Arm(
        learned,
        np.array([play.returned for play in plays]),
        np.array(alone),
        np.array([play.fraction for play in plays]),
    )


# --- facts on the operators ----------------------------------------------------------------------------------


def exact_facts(games: int, seed: int, progress: Progress, chain: SwitchedTeam) -> dict[str, Any]:
    """What is provable of the operators, measured on random discounted team games and on the chain."""
    rng = np.random.default_rng([seed, 1])
    excess, worse, rises, over, regret = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(games):
        team = random_team(rng)
        cost = float(rng.uniform(0.0, 1.0))
        for _ in range(20):
            u, v = rng.normal(size=(2, team.size)) * 10.0
            apart = abs(team.best(u, cost) - team.best(v, cost)).max() / abs(u - v).max()
            excess = max(excess, apart - team.gamma)
        found = optimal_switch(team, cost)
        for constant in (0.0, 1.0):
            worse = max(worse, (evaluate_switch(team, constant, cost).charged - found.values).max())
        judged = certify_switch(team.game, team.independent, team.central, found.switch, cost)
        regret = max(regret, judged.max_regret)
        limited = optimal_switch(team, cost, budget=2)
        over = max(over, *(play_most(limited.play, seed + i) for i in range(5)))
        rises = max(rises, rise_of_calls(team))
        progress((k + 1) / games, "random games")
    rises = max(rises, rise_of_calls(chain))
    return {
        "measured": {"random games": games},
        "criteria": [
            at_most("largest excess of the contraction factor of T over gamma", excess, 1e-12),
            at_most("largest advantage of a constant switch over v*, calls paid", worse, 1e-9),
            at_most("largest rise of the expected number of calls with the price", rises, 1e-9),
            at_most("largest regret of an optimal switch by its certificate", regret, 1e-9),
            at_most("most calls in a sampled episode of the best switch with B = 2", over, 2.0),
        ],
    }


def random_team(rng: np.random.Generator, states: int = 4) -> SwitchedTeam:
    """A discounted team game of two players with two actions each, with two random policies."""
    game = MarkovGame.common_reward(
        rng.dirichlet(np.full(states, 0.5), size=(states, 2, 2)),
        rng.normal(size=(states, 2, 2)),
        rng.dirichlet(np.ones(states)),
        discount=float(rng.choice([0.3, 0.9, 0.99])),
    )
    policies = rng.dirichlet(np.full(4, 0.5), size=(2, states)).reshape(2, states, 2, 2)
    return SwitchedTeam(game, policies[0], policies[1])


def rise_of_calls(team: SwitchedTeam, steps: int = 25) -> float:
    """By how much the expected number of calls rises at most from one price to the next, 0 to 2.4; 0 if it never does."""
    calls = [optimal_switch(team, cost).calls for cost in np.linspace(0.0, 2.4, steps).tolist()]
    return float(max(0.0, np.diff(calls).max()))


def play_most(play: SwitchPlay, seed: int, steps: int = 200) -> int:
    """Calls in one sampled episode of a switch with a budget in a discounted game."""
    rng, team, calls = np.random.default_rng([seed, 2]), play.team, 0
    state = int(rng.choice(team.size, p=team.game.initial))
    for _ in range(steps):
        g = int(rng.random() < play.switch[0, state, play.switch.shape[2] - 1 - calls])
        calls += g
        state = int(rng.choice(team.size, p=team.chains[g, 0, state]))
    return calls
