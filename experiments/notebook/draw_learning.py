"""Pictures of learning: curves of runs, and the graphs on agents that teams have learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from experiments.comparison.summary import Comparison
from experiments.dag_facts import DagFacts, run_facts
from experiments.notebook.canvas import axes_for, axes_or_new
from experiments.notebook.comparing import compare
from experiments.trained import first_checkpoint
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.notebook.comparing import Runs
    from experiments.training.runs import Run

STATES = 16
"""Graphs are drawn in at most so many states."""
DRAWS = 256
"""Graphs drawn in a state to find how likely its edges are."""


def curves(
    runs: Runs | Comparison, axes: Axes | Sequence[Axes] | None = None, *, metric: str = "return"
) -> Axes | list[Axes]:
    """Scores against environment steps: the interquartile mean over seeds with its bootstrap interval.

    Parameters
    ----------
    runs : Run, mapping of str to Run, sequence of Run, or Comparison
        See `experiments.notebook.compare`. A run alone shows its seeds, too.
    axes : Axes, optional
        Where to; as many as there are environments.
    metric : str
        What evaluations measured.
    """
    from experiments.comparison.bands import curves_of
    from experiments.comparison.plots import draw_curves
    from experiments.plots import plain_text, tidy

    found = runs if isinstance(runs, Comparison) else compare(runs, metric=metric)
    drawn, tasks = curves_of(found), found.grouped.tasks
    panels = axes_for(axes, len(tasks), "environments", 6.4, 4.2)
    for panel, task in zip(panels, tasks):
        draw_curves(panel, found, drawn, task)
        panel.set_title(plain_text(task, 60), fontsize=10)
        panel.set_ylabel(f"{plain_text(found.asked.metric, 40)} (IQM)")
        tidy(panel)
        panel.legend(fontsize=8, framealpha=0.9)
    return panels[0] if len(panels) == 1 else panels


# --- graphs -------------------------------------------------------------------------------------------------------


def graph(
    run: Run | str | Path | DagFacts,
    axes: Axes | None = None,
    *,
    seed: int | None = None,
    checkpoint: str = "best",
    noisy: bool = True,
    bar: bool = True,
) -> Axes:
    """The graph that a team has learned, mean over states: from each agent to those who hear its action.

    Parameters
    ----------
    run : Run, str, Path or DagFacts
        A run of `bayes-net` or its folder, or what `experiments.dag_facts` measured of it.
    axes : Axes, optional
        Where to.
    seed : int, optional
        Which training seed; the first by default.
    checkpoint : str
        ``best``, ``last`` or a file.
    noisy : bool
        Whether edges are told by how likely they are with the noise of training, or by the share of states in which they
        are there without.
    bar : bool
        Whether to add a colour bar.
    """
    from experiments.dag_plots import draw_dag

    facts = run if isinstance(run, DagFacts) else run_facts(*first_checkpoint(run, checkpoint, seed))
    probability = facts.probability if noisy else facts.frequency
    axes = axes_or_new(axes, 5.2, 3.8)
    draw_dag(axes, probability, facts.agents, facts.places or None, neighbours=facts.neighbours, bar=bar)
    many = "in the only state" if facts.states == 1 else f"mean over {facts.states:,} states"
    axes.set_title(f"{'with the noise of training' if noisy else 'without noise'}, {many}", fontsize=10)
    return axes


def graphs(
    run: Run | str | Path,
    axes: Sequence[Axes] | None = None,
    *,
    seed: int | None = None,
    checkpoint: str = "best",
    noisy: bool = False,
) -> list[Axes]:
    """The graph of each state, of environments whose states can be listed.

    Parameters
    ----------
    run : Run, str or Path
        A run of `bayes-net`.
    axes : sequence of Axes, optional
        One for each state.
    seed, checkpoint
        As in `graph`.
    noisy : bool
        Whether edges are told by how likely they are with the noise of training; without it they are there or not.

    Raises
    ------
    InputError
        If the team has no graph, or there are more than 16 states.
    """
    from experiments.dag_correlation import graphs_of
    from experiments.dag_plots import draw_dag
    from experiments.dag_states import listed_steps
    from experiments.training.runs import team_of

    found, file = first_checkpoint(run, checkpoint, seed)
    _, env, _, team = team_of(found, file, greedy=False)
    told: Any = team
    if not hasattr(told, "edge_probabilities"):
        raise InputError(f"the agents of {file} have no learned graph")
    step = listed_steps(env, STATES)
    if step is None:
        raise InputError(
            f"{env.spec.name} has more than {STATES} states, or they cannot be listed; use draw.graph"
        )
    if noisy:
        tables = np.asarray(told.edge_probabilities(step, np.random.default_rng(0), DRAWS))
    else:
        tables = np.asarray(graphs_of(told, step), dtype=np.float64)
    panels = axes_for(axes, step.batch, "states", 2.3, 2.2, columns=4)
    for k, panel in enumerate(panels):
        draw_dag(panel, tables[k], env.spec.agents, bar=False)
        panel.set_title(f"state {' '.join(f'{number:g}' for number in step.state[k])}", fontsize=10)
    return panels
