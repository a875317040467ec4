"""PSRO rows: process time to a small NashConv with exact best responses, against OpenSpiel's psro_v2.

OpenSpiel's solver runs as its example sets it up (best responses in C++, Nash by its linear program, one new policy
per player and iteration, sampling from marginals) but for the payoffs of the meta-game, which it would estimate by
1,000 episodes of Python for each entry: they are computed by its C++ instead, exactly, which is faster and spares it
the noise. Its NashConv is measured outside its time, ours inside.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from experiments.bench.harness import Duel, Finding, Row, Setting, run_duel
from experiments.bench.timing import Sample, Side, one_line
from experiments.bench.trees_games import tree

_NEAR, _QUICK = 0.1, 2.0
_TARGET = 10.0
_CAP_S = 600.0
"""OpenSpiel is stopped after so many process seconds; its time then makes the ratio a lower bound."""


def rows() -> list[Row]:
    """Leduc poker to NashConv 0.1; in a quick run, to a much larger one."""
    return [
        Row(
            f"seconds to NashConv {_NEAR:g} by PSRO: leduc",
            "OpenSpiel psro_v2",
            _measure,
            target=_TARGET,
            needs=("pyspiel", "cvxpy"),
            quick=True,
        )
    ]


def _measure(setting: Setting) -> Finding:
    near = _QUICK if setting.quick else _NEAR
    game = tree("leduc")

    def check(ours: Any, _: Any) -> tuple[bool, str]:
        count, reached = ours
        note = f"ours {count} iterations to NashConv {reached:.3g}, measured in every one"
        return bool(reached <= near), note

    finding = run_duel(Duel(Side(lambda: _ours(game, near)), None, check, repeats=5, budget_s=10))
    if not setting.peer or finding.ours is None:
        return finding
    try:
        theirs = _theirs(near)
    except Exception as error:  # whatever the peer may raise
        return replace(finding, note=f"the peer failed: {one_line(error)}; {finding.note}")
    told = f"{finding.note}; peer {theirs.iterations} iterations to {theirs.nash_conv:.3g}, measuring not counted"
    if theirs.nash_conv > near:
        told += f", stopped after {_CAP_S:g} s: the ratio is a lower bound"
    return replace(
        finding,
        peer=theirs.spent,
        ratio=theirs.spent.cpu / finding.ours.cpu,
        lower_bound=theirs.nash_conv > near,
        pairs=1,
        note=told,
    )


# --- ours -----------------------------------------------------------------------------------------------------


class _Near(Exception):
    """Near enough."""


def _ours(game: Any, near: float) -> tuple[int, float]:
    """Iterations until NashConv is small enough, and what it then is."""
    from experiments.psro.loop import psro
    from experiments.psro.result import Iteration

    last: list[Iteration] = []

    def watch(step: Iteration) -> None:
        last[:] = [step]
        if step.gap <= near:
            raise _Near

    with contextlib.suppress(_Near):
        psro(game, rng=np.random.default_rng(0), tolerance=0.0, watch=watch)
    return last[0].number, last[0].gap


# --- theirs ---------------------------------------------------------------------------------------------------


class Theirs(NamedTuple):
    """What psro_v2 took, and where it came."""

    spent: Sample
    iterations: int
    nash_conv: float


def _solver() -> Callable[[], Any]:
    """What makes a fresh solver; tables of states and best responders are made once, outside the timing."""
    import pyspiel
    from open_spiel.python.algorithms import policy_utils
    from open_spiel.python.algorithms.psro_v2 import best_response_oracle, psro_v2, utils

    game = pyspiel.load_game("leduc_poker")
    states, names = utils.compute_states_and_info_states_if_none(game, None, None)
    oracle = best_response_oracle.BestResponseOracle(
        game=game, all_states=states, state_to_information_state=names
    )

    class Exactly(psro_v2.PSROSolver):
        """Payoffs of the meta-game by OpenSpiel's own sum over the tree, each policy put into a table once."""

        def sample_episodes(self, policies: Any, num_episodes: int) -> Any:
            known: dict[int, Any] = self.__dict__.setdefault("_tables", {})
            for policy in policies:
                if id(policy) not in known:
                    table = policy_utils.policy_to_dict(policy, game, states, names)
                    known[id(policy)] = pyspiel.TabularPolicy(table), policy
            tables = [known[id(policy)][0] for policy in policies]
            return np.array(pyspiel.expected_returns(game.new_initial_state(), tables, -1, True))

    return lambda: Exactly(
        game,
        oracle,
        sims_per_entry=1,
        meta_strategy_method="nash",
        training_strategy_selector="probabilistic",
        sample_from_marginals=True,
        number_policies_selected=1,
    )


def _theirs(near: float) -> Theirs:
    """Runs psro_v2 until its NashConv is small enough or its time is up; what it prints is swallowed."""
    from open_spiel.python.algorithms import exploitability, policy_aggregator

    wall = cpu = 0.0
    solver, count = None, 0
    with contextlib.redirect_stdout(io.StringIO()):
        make = _solver()
        while True:
            began = time.perf_counter(), time.process_time()
            if solver is None:
                solver = make()
            else:
                solver.iteration()
            wall, cpu = wall + time.perf_counter() - began[0], cpu + time.process_time() - began[1]
            count += 1
            aggregator = policy_aggregator.PolicyAggregator(solver._game)
            play = aggregator.aggregate(range(2), solver.get_policies(), solver.get_meta_strategies())
            gap = float(exploitability.nash_conv(solver._game, play))
            if gap <= near or cpu > _CAP_S:
                return Theirs(Sample(wall, cpu), count, gap)
