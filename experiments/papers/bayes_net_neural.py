"""The neural claims of the Bayesian-network actor-critic, measured on trained teams.

Teams are judged as they are at the end of their training, by tables where those can be listed. "greedy" play takes the
likeliest actions, "drawn" play draws them; graphs are noise-free unless they are called noisy.

POA is the expected discounted return from a uniformly random state over the best that is possible. Source of the criteria:
provisional values of our own, fixed before the study was run; the paper's figures could not be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.dag_facts import facts
from experiments.dag_plots import write_dag_figure
from experiments.dag_states import listed_steps, states_of
from experiments.papers import bayes_net_arms as arms
from experiments.papers.arms import teams, trained_all
from experiments.papers.bayes_net_figures import annealing_figure, curves_figure, values_figure, write
from experiments.papers.bayes_net_play import joint_table, mean_return, rng_of, sampled_table
from experiments.papers.claims import Claim, Criterion, Found, Order, Progress
from experiments.papers.coordination_worth import anarchy
from experiments.papers.samples import difference, sample, share
from experiments.training.runs import read_metrics
from games.env_uris import make_env

if TYPE_CHECKING:
    from experiments.dag_facts import DagFacts
    from experiments.training.runs import Run

JUDGED = "greedy"
"""The play by which criteria are judged; the other one is reported."""
PLAYS = {"greedy": True, "drawn": False}
GAIN, SLACK, ENOUGH = 0.03, 0.03, 0.93
"""Coordination: complete above independent, learned not below complete, complete itself (POA, 3 agents)."""
ALOHA_ALONE, ALOHA_TOGETHER = (4.5, 6.8), 7.5
"""Aloha: where independent agents end up, and what the better of complete and learned reaches (mean return)."""
FINAL_RATIO, APART, NO_WORSE = 0.05, 0.02, 0.01
"""Annealing: final open ratio, POA with and without the learned graph, POA below independently trained agents."""
VARIES = 0.02
"""Context: standard deviation over states of the probability of an edge, mean over edges, above that of fresh networks."""
DRAWS, STATES = 20_000, 256
"""Joint actions per state that estimate noisy play; graphs drawn per state to find how likely edges are."""


# --- coordination ---------------------------------------------------------------------------------------------


def poas(run: Run, agents: int, play: str, execution: str = "learned", seed: int = 0) -> list[float]:
    """POA of every seed's final team.

    Parameters
    ----------
    run : Run
        On the coordination game of so many agents.
    play : {"greedy", "drawn"}
        Likeliest actions, or drawn ones.
    execution : {"learned", "noisy", "empty"}
        How networked teams draw their graph; "noisy" is estimated from `DRAWS` joint actions in each state.
    seed : int
        Of those.
    """
    env = make_env(arms.bits_env(agents))
    out = []
    for k, team in enumerate(teams(run, greedy=PLAYS[play])):
        if hasattr(team, "with_execution"):
            team = team.with_execution(execution)
        noisy = getattr(team, "execution", "learned") == "noisy"
        table = (
            sampled_table(team, _states(agents), DRAWS, rng_of(seed, k)) if noisy else joint_table(env, team)
        )
        out.append(anarchy(table, agents))
    return out


def _states(agents: int) -> Any:
    step = listed_steps(make_env(arms.bits_env(agents)))
    assert step is not None
    return step


def coordination(claim: Claim, order: Order, progress: Progress) -> Found:
    """Dependencies between actions raise the POA in the coordination game."""
    budget = claim.budget(order.quick)
    sizes = (3, *budget["other_sizes"])
    wanted = [arms.coordination(budget, n, graph) for n in sizes for graph in arms.GRAPHS]
    runs = trained_all([*wanted, arms.slow(budget)], order, progress)
    rows = {str(n): _coordination_rows(runs, n, order.seed) for n in sizes}
    rows["3"]["complete, parents at the networks' rate"] = {
        play: sample(poas(runs["coordination-3-complete-slow"], 3, play)) for play in PLAYS
    }
    by_arm = {graph: rows["3"][graph][JUDGED]["values"] for graph in arms.GRAPHS}
    gain = difference(by_arm["complete"], by_arm["empty"])
    behind = difference(by_arm["learned"], by_arm["complete"])
    reached = sample(by_arm["complete"])
    criteria = (
        _at_least(f"POA of complete minus independent, 3 agents, at least {GAIN}", gain, GAIN),
        _at_least(f"POA of learned minus complete, 3 agents, at least {-SLACK}", behind, -SLACK),
        _at_least(f"POA of complete, 3 agents, at least {ENOUGH}", reached, ENOUGH),
    )
    shown = {f"{n} agents, {graph}": rows[str(n)][graph][JUDGED] for n in sizes for graph in arms.GRAPHS}
    of_three = {graph: runs[f"coordination-3-{graph}"] for graph in arms.GRAPHS}
    figures = (
        write(order, f"{claim.key}-poa", values_figure(shown, "POA (1 is best)", reference=1.0)),
        write(order, f"{claim.key}-curves", curves_figure(of_three, "return of 25 steps, greedy")),
    )
    measured = {"poa": rows, "complete_minus_independent": gain, "learned_minus_complete": behind}
    return Found(measured | _runs(runs), criteria, figures)


def _coordination_rows(runs: Mapping[str, Run], agents: int, seed: int) -> dict[str, Any]:
    """POA by arm and play."""
    out: dict[str, Any] = {}
    for graph in arms.GRAPHS:
        run = runs[f"coordination-{agents}-{graph}"]
        out[graph] = {play: sample(poas(run, agents, play)) for play in PLAYS}
        if graph == "learned":
            out[graph] |= {
                f"{play}, noisy graph": sample(poas(run, agents, play, "noisy", seed)) for play in PLAYS
            }
    return out


# --- aloha ----------------------------------------------------------------------------------------------------


def aloha(claim: Claim, order: Order, progress: Progress) -> Found:
    """Dependencies between actions raise the return on Aloha beyond what independent agents can have."""
    budget = claim.budget(order.quick)
    runs = trained_all([arms.aloha(budget, graph) for graph in arms.GRAPHS], order, progress)
    env, rows = make_env(arms.ALOHA), {}
    for graph in arms.GRAPHS:
        run = runs[f"aloha-{graph}"]
        ways = ("learned", "noisy") if graph == "learned" else ("learned",)
        rows[graph] = {
            play + (", noisy graph" if way == "noisy" else ""): sample(
                _returns(run, env, play, way, budget["episodes"], order.seed)
            )
            for play in PLAYS
            for way in ways
        }
    means = {graph: rows[graph][JUDGED]["mean"] for graph in arms.GRAPHS}
    low, high = ALOHA_ALONE
    together = max(("complete", "learned"), key=lambda graph: means[graph])
    criteria = (
        Criterion(
            f"mean return of independent agents from {low} to {high}",
            _mean(rows["empty"][JUDGED]),
            low <= means["empty"] <= high,
        ),
        Criterion(
            f"mean return of the better of complete and learned at least {ALOHA_TOGETHER}",
            {"arm": together, **_mean(rows[together][JUDGED])},
            means[together] >= ALOHA_TOGETHER,
        ),
    )
    seen = graph_facts(runs["aloha-learned"], order.seed)
    write_dag_figure(order.figure(f"{claim.key}-graph"), seen[0])
    shown = {graph: rows[graph][JUDGED] for graph in arms.GRAPHS}
    by_graph = {graph: runs[f"aloha-{graph}"] for graph in arms.GRAPHS}
    figures = (
        write(order, f"{claim.key}-return", values_figure(shown, "mean return of an episode")),
        write(order, f"{claim.key}-curves", curves_figure(by_graph, "return of 20 steps, greedy")),
        order.figure(f"{claim.key}-graph").relative_to(order.out).as_posix(),
    )
    return Found({"return": rows, "graphs": _variation(seen)} | _runs(runs), criteria, figures)


def _returns(run: Run, env: Any, play: str, execution: str, episodes: int, seed: int) -> list[float]:
    """Mean return of every seed's final team, all in the same episodes."""
    out = []
    for team in teams(run, greedy=PLAYS[play]):
        if hasattr(team, "with_execution"):
            team = team.with_execution(execution)
        out.append(mean_return(env, team, episodes, rng_of(seed, episodes)))
    return out


# --- annealing ------------------------------------------------------------------------------------------------


def annealing(claim: Claim, order: Order, progress: Progress) -> Found:
    """A graph that is annealed away leaves independent agents that are as good."""
    budget = claim.budget(order.quick)
    wanted = [arms.annealed(budget), *(arms.coordination(budget, 3, graph) for graph in ("learned", "empty"))]
    runs = trained_all(wanted, order, progress)
    after, before, alone = (runs[arm.name] for arm in wanted)
    poa = {
        play: {
            "annealed": sample(poas(after, 3, play)),
            "annealed, empty graph": sample(poas(after, 3, play, "empty")),
            "independent": sample(poas(alone, 3, play)),
        }
        for play in PLAYS
    }
    judged = poa[JUDGED]
    ratio = sample([_last_ratio(after, seed) for seed in after.seeds])
    moved = [
        abs(one - other)
        for one, other in zip(judged["annealed"]["values"], judged["annealed, empty graph"]["values"])
    ]
    gain = difference(judged["annealed, empty graph"]["values"], judged["independent"]["values"])
    criteria = (
        _at_most(f"open ratio in the last updates at most {FINAL_RATIO}", ratio, FINAL_RATIO),
        _at_most(f"POA with the learned graph and with none differ by at most {APART}", sample(moved), APART),
        _at_least(f"POA without graph minus independently trained at least {-NO_WORSE}", gain, -NO_WORSE),
    )
    shown = {**judged, "not annealed": sample(poas(before, 3, JUDGED))}
    figures = (
        write(order, f"{claim.key}-schedule", annealing_figure(after)),
        write(order, f"{claim.key}-poa", values_figure(shown, "POA (1 is best)", reference=1.0)),
    )
    measured = {
        "poa": poa,
        "open_ratio": ratio,
        "without_graph_minus_independent": gain,
        "correlation_before": _correlation(graph_facts(before, order.seed)),
        "correlation_after": _correlation(graph_facts(after, order.seed)),
    }
    return Found(measured | _runs(runs), criteria, figures)


def _last_ratio(run: Run, seed: int) -> float:
    """The open ratio of the graphs that were trained on last."""
    rows = [row for row in read_metrics(run.folder(seed), "update") if row.get("open_ratio") is not None]
    return float(rows[-1]["open_ratio"])


def _correlation(seen: list[DagFacts]) -> dict[str, Any]:
    """How far drawn actions are from independent ones, in nats, means over states and pairs."""
    return {
        "mutual_information": sample([one.mean_information for one in seen]),
        "total_correlation": sample([float(one.correlation.mean()) for one in seen]),
        "open_ratio_noise_free": sample([float(one.ratio.mean()) for one in seen]),
    }


# --- context --------------------------------------------------------------------------------------------------


def graph_facts(run: Run, seed: int) -> list[DagFacts]:
    """The graphs and the correlation of every seed's final team, which draws its actions."""
    return _facts(run, teams(run, greedy=False), seed)


def untrained_facts(run: Run, seed: int) -> list[DagFacts]:
    """The same of fresh networks, as many as the run has seeds."""
    spec, learner = make_env(run.spec.env).spec, run.spec.learner
    fresh = (learner.init(spec, rng_of(seed, k)) for k in range(len(run.seeds)))
    return _facts(run, (learner.policy(state, greedy=False) for state in fresh), seed)


def _facts(run: Run, found: Iterable[Any], seed: int) -> list[DagFacts]:
    env, out = make_env(run.spec.env), []
    for k, team in enumerate(found):
        rng = rng_of(seed, k)
        step, listed = states_of(env, team, rng)
        out.append(facts(team, step, rng, STATES, listed=listed, env=env))
    return out


def context(claim: Claim, order: Order, progress: Progress) -> Found:
    """The learned graph depends on the state."""
    budget = claim.budget(order.quick)
    runs = trained_all([arms.coordination(budget, 3, "learned")], order, progress)
    run = runs["coordination-3-learned"]
    seen, fresh = graph_facts(run, order.seed), untrained_facts(run, order.seed)
    varies, before = _variation(seen), _variation(fresh)
    gain = difference(varies["edge_spread"]["values"], before["edge_spread"]["values"])
    text = (
        "standard deviation over states of an edge's probability, mean over edges, minus that of untrained networks at "
        f"least {VARIES}"
    )
    path = order.figure(f"{claim.key}-graph")
    write_dag_figure(path, seen[0])
    measured = {"trained": varies, "untrained": before, "gain": gain} | _runs(runs)
    figure = path.relative_to(order.out).as_posix()
    return Found(measured, (_at_least(text, gain, VARIES),), (figure,))


def _variation(seen: list[DagFacts]) -> dict[str, Any]:
    """How graphs vary with the state, seed by seed."""
    pairs = ~np.eye(len(seen[0].agents), dtype=bool)
    return {
        "edge_spread": sample([float(one.spread[pairs].mean()) for one in seen]),
        "edge_probability": sample([float(one.probability[pairs].mean()) for one in seen]),
        "edge_entropy": sample([float(one.uncertainty.mean()) for one in seen]),
        "open_ratio_variation": sample([one.variation for one in seen]),
        "open_ratio": sample([float(one.ratio.mean()) for one in seen]),
        "distinct_graphs": [one.distinct for one in seen],
        "states": [one.states for one in seen],
    }


# --- matrix games ---------------------------------------------------------------------------------------------


def climbing(claim: Claim, order: Order, progress: Progress) -> Found:
    """Dependencies help in matrix games in which unilateral exploration is punished."""
    budget = claim.budget(order.quick)
    wanted = [arms.matrix(budget, game, graph) for game in arms.MATRIX for graph in arms.GRAPHS]
    runs = trained_all(wanted, order, progress)
    rows: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    criteria = []
    for game in arms.MATRIX:
        rows[game] = {graph: _matrix_row(runs[f"{game}-{graph}"]) for graph in arms.GRAPHS}
        shown |= {f"{game}, {graph}": row["payoff"] for graph, row in rows[game].items()}
        gain = difference(rows[game]["complete"]["payoff"]["values"], rows[game]["empty"]["payoff"]["values"])
        criteria.append(_at_least(f"{game}: mean payoff of complete minus independent at least 0", gain, 0.0))
    figure = write(order, f"{claim.key}-payoff", values_figure(shown, "payoff, greedy"))
    return Found({"games": rows} | _runs(runs), tuple(criteria), (figure,))


def _matrix_row(run: Run) -> dict[str, Any]:
    """Expected payoff of every seed's greedy team, and in how many seeds it is the largest there is."""
    env: Any = make_env(run.spec.env)
    payoffs = env.rules.behind().flat[0]
    reached = [float((joint_table(env, team)[0] * payoffs).sum()) for team in teams(run, greedy=True)]
    return {"payoff": sample(reached), "optimal": share([value >= payoffs.max() - 1e-6 for value in reached])}


# --- the rest -------------------------------------------------------------------------------------------------


def _mean(told: Mapping[str, Any]) -> dict[str, Any]:
    """A mean with its interval, without the numbers behind it."""
    return {key: told[key] for key in ("mean", "low", "high")}


def _at_least(text: str, told: Mapping[str, Any], bound: float) -> Criterion:
    return Criterion(text, _mean(told), bool(told["mean"] >= bound))


def _at_most(text: str, told: Mapping[str, Any], bound: float) -> Criterion:
    return Criterion(text, _mean(told), bool(told["mean"] <= bound))


def _runs(runs: Mapping[str, Run]) -> dict[str, Any]:
    """Which runs it rests on."""
    return {
        "runs": {
            name: {"steps": run.spec.training.steps, "seeds": list(run.seeds)} for name, run in runs.items()
        }
    }


NEURAL = {
    "coordination": coordination,
    "aloha": aloha,
    "annealing": annealing,
    "context": context,
    "climbing": climbing,
}
"""What measures each claim."""
