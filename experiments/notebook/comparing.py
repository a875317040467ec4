"""Comparing runs from Python: what `staghunt compare` tells, as an object that shows itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.comparison.summary import Comparison
    from experiments.training.runs import Run

    One = Run | str | Path
    Runs = One | Mapping[str, One] | Sequence[One]
    """One, or several by the name of each one's algorithm, or without names."""


def compare(
    runs: Runs,
    *,
    metric: str = "return",
    at: str = "last",
    normalise: Sequence[str] = (),
    threshold: str | None = None,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Comparison:
    """Put training runs side by side, with intervals over their seeds.

    Parameters
    ----------
    runs : Run, mapping of str to Run, or sequence of Run
        What `train` returned, or folders: by name, or in a list, where algorithms are named as on the command line.
    metric : str
        What evaluations measured: ``return``, ``length``, ``ended``, ``call_fraction`` ...
    at : str
        Which number stands for a run: ``last``, ``best``, ``auc`` or ``steps=N``.
    normalise : sequence of str
        Scales, as `staghunt compare --normalise` takes them.
    threshold : str, optional
        Also tell after how many steps runs reach a score, such as ``0.8`` or ``90%``.
    confidence : float
        Of all intervals.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    Comparison
        ``.row(name).iqm`` and ``.mean`` are estimates with ``value``, ``low`` and ``high``, ``.row(name).scores`` one number per seed.

    Raises
    ------
    InputError
        If a folder is no run, or runs cannot be compared.
    """
    from experiments.comparison.groups import read_runs
    from experiments.comparison.request import request, scales_of
    from experiments.comparison.summary import compare as compared
    from experiments.trained import folder_of
    from games.errors import InputError

    named = list(runs) if isinstance(runs, Mapping) else None
    if isinstance(runs, Mapping):
        given = list(runs.values())
    else:
        given = list(runs) if isinstance(runs, Sequence) and not isinstance(runs, str) else [runs]
    if not given:
        raise InputError("there is no run to compare; give at least one")
    folders = [folder_of(run) for run in given]
    asked = request(metric, at, list(normalise), threshold, confidence, resamples, seed)
    grouped = read_runs(folders, named, metric)
    return compared(grouped, asked, scales_of(grouped, asked.normalise))
