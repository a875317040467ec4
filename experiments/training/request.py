"""What `staghunt train` does: begin a run or go on with one, train its seeds, and tell what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.guard import INTERRUPTED, complain, note
from experiments.other_economy import check_same_economy
from experiments.session import check_room
from experiments.training.cluster import check_ray
from experiments.training.config import settings_of_file, spec_of
from experiments.training.driver import start_of, steps_done
from experiments.training.folders import check_out, clear_temporary, locked, new_folder, write_spec
from experiments.training.layers import from_assignments, from_options, merged
from experiments.training.progress import Progress, Together
from experiments.training.provenance import differences, provenance, usable_cores
from experiments.training.runs import Run, is_run, read_run
from experiments.training.seeds import Failures, Labour, train_seeds
from experiments.training.settings import Spec
from games.env import Env
from games.env_uris import make_env
from games.errors import InputError
from marl.learner import check_device


@dataclass(frozen=True)
class Wish:
    """The command line.

    Parameters
    ----------
    options : dict
        By dotted key, the value (None if it was not given) and the option's name.
    config : str or None
        File or recipe.
    assignments : tuple of str
        Of ``--set``.
    out, resume : Path or None
        Folder of a new run, and of one to go on with.
    workers : int or None
        Seeds at a time.
    engine : str
        "local" or "ray".
    allow_import : tuple of str
        Further packages that environments may import.
    command : tuple of str or None
        The command line that the run's record names; that of this process if None.
    """

    options: Mapping[str, tuple[Any, str]]
    config: str | None
    assignments: tuple[str, ...]
    out: Path | None
    resume: Path | None
    workers: int | None
    engine: str
    allow_import: tuple[str, ...]
    command: tuple[str, ...] | None = None


def prepared(wish: Wish, quiet: bool) -> tuple[Run, list[int]]:
    """A run ready to be trained, and the seeds that are left to do; the spec is written when this returns.

    The caller holds no lock yet; `seeds_left` tells what is left once it does.
    """
    if wish.engine == "ray":
        check_ray()
    if wish.resume is not None:
        return _resumed(wish, quiet)
    spec = asked_for(wish)
    check_out(wish.out)
    for remark in check_spec(spec, wish.allow_import):
        note(remark, quiet)
    facts = provenance(spec.training.device, wish.command)
    return write_spec(new_folder(spec, wish.out), spec, facts), list(spec.numbers())


def asked_for(wish: Wish) -> Spec:
    """The spec of a new run: defaults, under the file, under the command line, under ``--set``."""
    layers = [] if wish.config is None else [settings_of_file(wish.config)]
    return spec_of(merged([*layers, from_options(wish.options), from_assignments(wish.assignments)]))


def check_spec(spec: Spec, allow_import: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Refuse what cannot be trained, before anything is written; what was probably not meant, a sentence each.

    Raises
    ------
    InputError
        If there is no such environment or device, the learner does not fit, or memory is too small.
    """
    how = spec.training
    check_device(how.device)
    env = make_env(spec.env, allow_import=allow_import)
    if env.spec.horizon is None and how.max_steps is None:
        raise InputError(
            f"{spec.env} has no horizon, so evaluation episodes need a limit: set training.max_steps, as in "
            "--set training.max_steps=500"
        )
    spec.learner.check(env.spec, how.steps, how.batch)
    for key, value in (("training.episodes", how.episodes), ("training.batch", how.batch)):
        try:
            check_room(env.spec, value, min(value, 256) if key.endswith("episodes") else value)
        except InputError as error:
            why = str(error).partition(";")[0]
            raise InputError(f"{key} is {value:,}, too many for the memory here: {why}") from None
    if how.start is not None:
        _check_start(spec, env)
    remarks: tuple[str, ...] = spec.learner.remarks(env.spec, how.steps, how.batch)
    return remarks


def _check_start(spec: Spec, env: Env) -> None:
    """`InputError` unless every seed can begin with what the earlier run has learned."""
    assert spec.training.start is not None
    for seed in spec.numbers():
        tree = start_of(spec.training.start, seed)
        learner = spec.learner.filled(spec.training.steps)
        about = tree.get("trainer")
        try:
            if isinstance(about, dict) and "env" in about:
                check_same_economy(str(about["env"]), env)
            learner.start(env.spec, tree.get("learner"), np.random.default_rng(0))
        except (InputError, AttributeError) as error:
            why = error if isinstance(error, InputError) else "it holds nothing learned"
            raise InputError(f"training.start {spec.training.start}: {why}") from None


def taken_up(wish: Wish, path: Path, remedy: str) -> Wish:
    """A wish for a run in a folder; if that very run is there already, the wish to go on with it.

    Raises
    ------
    InputError
        If a run of other settings is there; it ends with the remedy.
    """
    if not is_run(path):
        return wish
    there, wanted = read_run(path).spec.document(), asked_for(wish).document()
    if there != wanted:
        raise InputError(f"{path} holds a run of other settings{_first_difference(there, wanted)}; {remedy}")
    return replace(wish, options={}, config=None, assignments=(), out=None, resume=path)


def _first_difference(there: Any, wanted: Any, key: str = "") -> str:
    """The first setting that differs, in words."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        for name in {**there, **wanted}:
            if there.get(name) != wanted.get(name):
                return _first_difference(there.get(name), wanted.get(name), f"{key}.{name}".lstrip("."))
    return f" ({key} is {there} there, not {wanted})"


def _resumed(wish: Wish, quiet: bool) -> tuple[Run, list[int]]:
    """A run to go on with."""
    assert wish.resume is not None
    _check_alone(wish)
    run = read_run(wish.resume)
    more = {key: value for key, (value, _) in wish.options.items() if value is not None}
    steps = _no_less(run, more.get("training.steps"), run.spec.training.steps, "--steps", "steps")
    seeds = _no_less(run, more.get("seeds"), run.spec.seeds, "--seeds", "seeds")
    workers = more.get("training.env_workers", run.spec.training.env_workers)
    training = replace(run.spec.training, steps=steps, env_workers=workers)
    run = Run(run.path, replace(run.spec, training=training, seeds=seeds), run.provenance)
    left = seeds_left(run)
    if not left:
        return run, []
    now = provenance(training.device, wish.command)
    for told in differences(run.provenance, now):
        note(
            f"{told}, so the rest of the run need not be bit for bit what it would have been",
            quiet,
        )
    history = run.provenance.get("resumed")
    entry = {key: now[key] for key in ("date", "command", "versions", "git", "machine")}
    facts = {**run.provenance, "resumed": [*(history if isinstance(history, list) else []), entry]}
    with locked(run.path):
        clear_temporary(run.path)
        return write_spec(run.path, run.spec, facts), left


def seeds_left(run: Run) -> list[int]:
    """Seeds that have not all their steps behind them; `InputError` if a checkpoint is damaged."""
    return [seed for seed in run.seeds if steps_done(run.folder(seed)) < run.spec.training.steps]


def _check_alone(wish: Wish) -> None:
    """`--resume` goes on with what was asked for then."""
    given = [
        name
        for key, (value, name) in wish.options.items()
        if value is not None and key not in ("training.steps", "seeds", "training.env_workers")
    ]
    given += ["--config"] * (wish.config is not None) + ["--set"] * bool(wish.assignments)
    given += ["--out"] * (wish.out is not None)
    if given:
        raise InputError(
            f"--resume goes on with what the run was asked to do, so {given[0]} cannot be given with it; "
            "only --steps and --seeds, to do more, and what changes the speed"
        )


def _no_less(run: Run, wanted: int | None, had: int, option: str, what: str) -> int:
    if wanted is not None and wanted < had:
        raise InputError(
            f"{option} {wanted:,}: {run.path} was asked for {had:,} {what}; going on can only do more"
        )
    return had if wanted is None else wanted


def train_run(run: Run, seeds: Sequence[int], wish: Wish, progress: Progress) -> Failures:
    """Train what is left of a run.

    Raises
    ------
    InputError
        If another process is at work in its folder.
    """
    how = run.spec.training
    cores = max(1, usable_cores() // (how.threads * how.env_workers))
    labour = Labour(min(wish.workers or cores, len(seeds)), wish.engine, how.env_workers, wish.allow_import)
    with locked(run.path):
        done = {seed: steps_done(run.folder(seed)) for seed in run.seeds}
        together = Together(run, done, progress)
        together.tell()
        return train_seeds(run, seeds, labour, together)


def say_interrupted(run: Run) -> int:
    """Tell how to go on; the exit status of an interruption."""
    try:
        done = [steps_done(run.folder(seed)) for seed in run.seeds]
    except InputError:
        done = [0]
    at = (
        f"the last checkpoint is of step {min(done):,}" if len(done) == 1 else "the last checkpoints are kept"
    )
    what = f"{at}, and" if any(done) else "there is no checkpoint yet;"
    how = "goes on" if any(done) else "begins anew"
    complain(f"interrupted; {what} `staghunt train --resume {shlex.quote(str(run.path))}` {how}")
    return INTERRUPTED
