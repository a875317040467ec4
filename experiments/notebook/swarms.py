"""Trained swarms: their rules computed in advance, and how they do with other numbers of agents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.trained import checkpoints, first_checkpoint, folder_of
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.swarm_sizes_output import SizesTold
    from experiments.training.runs import Run
    from games.open_loop import OpenLoop


def rules(run: Run | str | Path, *, checkpoint: str = "best", train_seed: int | None = None) -> OpenLoop:
    """The rules that a trained swarm follows without the mean field, one per step: what `evaluate --rules` writes.

    Parameters
    ----------
    run : Run, str or Path
        What `train` returned, or the folder of a run, of one of its seeds, or a checkpoint.
    checkpoint : str
        ``best``, ``last`` or a file.
    train_seed : int, optional
        One of the run's seeds; the first by default.

    Returns
    -------
    OpenLoop
        A policy for any number of agents; `games.open_loop.save_rules` writes it.

    Raises
    ------
    InputError
        If the run is of another learner.
    """
    from experiments.evaluation_rules import has_rules
    from experiments.open_rules import open_rules

    found, file = first_checkpoint(run, checkpoint, train_seed)
    if not has_rules(found.spec.learner):
        raise InputError(
            f"{found.path} was trained by {found.spec.name}; rules computed in advance are decpomfc's"
        )
    return open_rules(found, file)[0]


def sizes(
    run: Run | str | Path,
    agents: Sequence[int],
    *,
    execution: str | None = None,
    episodes: int = 100,
    seed: int = 0,
    surrogate: tuple[int, int] | None = None,
    checkpoint: str = "best",
    train_seed: int | None = None,
    quiet: bool = True,
) -> SizesTold:
    """Play a trained swarm with other numbers of agents: what `staghunt evaluate RUN --agents N,N` tells.

    Parameters
    ----------
    run : Run, str or Path
        What `train` returned, or the folder of a run, of one of its seeds, or a checkpoint.
    agents : sequence of int
        How many.
    execution : str, optional
        Ways to execute, with commas: ``open``, ``det``, ``shared``, ``ind``; the run's own and ``det`` by default.
    episodes : int
        Of each size at most; fewer of large swarms.
    seed : int
        Of the episodes.
    surrogate : tuple of two int, optional
        Agents and episodes (at least 2) of the large swarm beside the limit; 20,000 and 20 by default.
    checkpoint, train_seed
        As in `rules`; all seeds by default.
    quiet : bool
        Show no progress.

    Returns
    -------
    SizesTold
        Shows itself as a table; see `draw.sizes`.

    Raises
    ------
    InputError
        If the run is of no swarm, or sizes or ways to execute are wrong.
    """
    from experiments.evaluation_sizes import Sizes, judged_sizes

    if surrogate is not None and (surrogate[0] < 1 or surrogate[1] < 2):
        raise InputError(
            f"a surrogate has at least 1 agent and 2 episodes, not {surrogate[0]:,} and {surrogate[1]:,}"
        )
    found, files = checkpoints(folder_of(run), checkpoint, train_seed)
    wish = Sizes(
        ",".join(map(str, agents)),
        execution,
        episodes=episodes,
        seed=seed,
        surrogate=surrogate,
        quiet=quiet,
    )
    return judged_sizes(found, files, checkpoint, wish)
