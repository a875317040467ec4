"""The folder of a run: what is in it, and reading it.

::

    RUN/spec.yaml             what was asked for, and on which machine by which versions
    RUN/seed-0/metrics.jsonl  lines {"kind": "update", ...} and {"kind": "evaluation", ...}, the same for the same seed
    RUN/seed-0/timing.jsonl   what the clock said
    RUN/seed-0/last.safetensors, best.safetensors, events.out.tfevents...
    RUN/seed-0/dense.safetensors   where a learned graph is made sparser: the last evaluation before that began

Nothing that is read runs code: the spec is plain YAML checked field by field, checkpoints are `marl.checkpoint`'s.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal

from games.errors import InputError

if TYPE_CHECKING:
    from experiments.training.settings import Spec
    from games.env import Env, EnvSpec
    from games.policy import JointPolicy
    from marl.learner import Learner

SPEC, METRICS, TIMING = "spec.yaml", "metrics.jsonl", "timing.jsonl"
LAST, BEST, DENSE = "last.safetensors", "best.safetensors", "dense.safetensors"
FORMAT, VERSION = "staghunt-run", 1
SECTIONS = ("env", "learner", "training", "seed", "seeds")
"""What every `spec.yaml` says, in the order in which it is written."""
Row = dict[str, Any]
_SEED = re.compile(r"seed-(\d+)")


@dataclass(frozen=True)
class Run:
    """A run's folder.

    Parameters
    ----------
    path : Path
        Where it is.
    spec : Spec
        What was asked for: the learner with all its fields, the environment, the training, the seeds.
    provenance : dict
        Versions, machine, state of the sources, command line, date.
    """

    path: Path
    spec: Spec
    provenance: dict[str, Any]

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds that were asked for, begun or not."""
        return self.spec.numbers()

    @property
    def begun(self) -> tuple[int, ...]:
        """Seeds that have written something."""
        return tuple(seed for seed in self.seeds if (self.folder(seed) / METRICS).is_file())

    def folder(self, seed: int) -> Path:
        """Where a seed writes."""
        return self.path / f"seed-{seed}"

    @property
    def title(self) -> str:
        """Learner and environment in a few words."""
        return f"{self.spec.name} on {self.spec.env}"

    def __repr__(self) -> str:
        return f"Run({self.title}, {self.path}, seeds {', '.join(map(str, self.seeds))})"

    def _repr_html_(self) -> str:
        from experiments.tables import as_html
        from experiments.training.summary import outcomes, show_run

        return as_html(lambda: show_run(self, outcomes(self, {})))


def is_run(path: Path) -> bool:
    """Whether a folder looks like a run."""
    return (path / SPEC).is_file()


def read_run(path: Path) -> Run:
    """A run, from its folder or the folder of one of its seeds.

    Raises
    ------
    InputError
        If it is no folder of a run, or its `spec.yaml` is damaged.
    """
    from experiments.training.config import spec_of_document
    from experiments.training.yaml_text import read

    path = Path(path)
    if not is_run(path) and _SEED.fullmatch(path.resolve().name) and is_run(path.resolve().parent):
        path = path.resolve().parent
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise InputError(f"{path} {what}; expected the folder of a run of `staghunt train`")
    if not is_run(path):
        raise InputError(f"{path} is not the folder of a run: it has no {SPEC}")
    where = str(path / SPEC)
    document = read(path / SPEC)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{where} is not the record of a run of `staghunt train`")
    if document.get("version") != VERSION:
        raise InputError(
            f"{where} is of version {document.get('version')!r:.20}; this program reads version {VERSION}"
        )
    missing = [key for key in SECTIONS if key not in document]
    if missing:  # defaults in place of what was lost would be another experiment
        raise InputError(f"{where} is damaged: it has no {missing[0]}")
    provenance = document.get("provenance")
    return Run(
        path, spec_of_document(document, where), dict(provenance) if isinstance(provenance, dict) else {}
    )


def read_metrics(folder: Path, kind: Literal["update", "evaluation"] | None = None) -> list[Row]:
    """The lines about a seed in their order, all or of one kind; none if it has not begun.

    An evaluation has "steps", "episodes", "return" (the mean score), "returns" (of every agent), "standard_error",
    "length" and "ended" (the share that was not cut off), for a switched team also "call_fraction" (of all steps) and
    "return_independent" (of its independent policies alone, from the same seeds). An update has "steps", "updates", "return" (of training
    episodes, None if none ended), "episodes" and the learner's own numbers, means since the line before.

    Raises
    ------
    InputError
        If a line in the middle is damaged. A last line without an end is that of a run in progress, and is left out.
    """
    rows = read_lines(folder / METRICS)
    return rows if kind is None else [row for row in rows if row.get("kind") == kind]


def best_evaluation(rows: Iterable[Row]) -> Row | None:
    """The last of the evaluations with the highest mean score: the one whose policies are in `best.safetensors`.

    Before there is another, that is the evaluation at step 0; afterwards what nothing has been learned for does not count.
    """
    scored = [row for row in rows if isinstance(row.get("return"), int | float)]
    trained = [row for row in scored if row["steps"] > 0]
    return max(reversed(trained or scored), key=lambda row: row["return"], default=None)


def read_timing(folder: Path) -> list[Row]:
    """What the clock said: lines with "steps", "seconds", "frames_per_second", "play", "learn" and "learn_PART"
    where learning has parts: shares of the time since the line before."""
    return read_lines(folder / TIMING)


def read_lines(path: Path) -> list[Row]:
    """A file with a JSON object in every line; see `read_metrics`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    rows: list[Row] = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("steps"), int):
            raise InputError(f"{path}, line {number}: not a line of a run of `staghunt train`")
        rows.append(row)
    return rows


def load_team(
    path: Path,
    which: Literal["best", "last"] = "best",
    *,
    seed: int | None = None,
    device: str = "cpu",
    greedy: bool | None = None,
    env: Env | None = None,
    allow_import: tuple[str, ...] = (),
) -> tuple[Learner, Env, Any, JointPolicy]:
    """A trained team, ready to play.

    Parameters
    ----------
    path : Path
        A run, or the folder of one of its seeds.
    which : str
        The policies of the best evaluation, or of the last checkpoint.
    seed : int, optional
        Of a run with several.
    device : str
        Where networks live.
    greedy : bool, optional
        Whether the likeliest actions are played; as in the run's own evaluations if None.
    env : Env, optional
        The run's environment, if it has been made already.
    allow_import : tuple of str
        Further packages that the environment may import; never taken from the run.

    Returns
    -------
    tuple
        Learner, environment, the learner's state, and the team.

    Raises
    ------
    InputError
        If the run, the seed or the checkpoint is missing, damaged, or of something else.
    """
    run = read_run(path)
    file = checkpoint_file(run, which_seed(run, path, seed), which)
    return team_of(run, file, device=device, greedy=greedy, env=env, allow_import=allow_import)


def checkpoint_file(run: Run, seed: int, which: Literal["best", "last"]) -> Path:
    """The checkpoint of a seed; `InputError` if there is none yet."""
    file = run.folder(seed) / (BEST if which == "best" else LAST)
    if not file.is_file():
        raise InputError(
            f"there is no {file}; `staghunt train --resume {quote(str(run.path))}` goes on until there is"
        )
    return file


def team_of(
    run: Run,
    file: Path,
    *,
    device: str = "cpu",
    greedy: bool | None = None,
    env: Env | None = None,
    allow_import: tuple[str, ...] = (),
) -> tuple[Learner, Env, Any, JointPolicy]:
    """The team in a checkpoint of a run; see `load_team`."""
    from games.env_uris import make_env
    from marl.checkpoint import read_checkpoint

    tree = read_checkpoint(file)
    if env is None:
        env = make_env(run.spec.env, allow_import=allow_import)
    about = tree.get("trainer")
    trained = about.get("env") if isinstance(about, dict) else None
    learner: Any = run.spec.learner
    if trained != env.spec.name:
        _check_other(file, run.spec.name, learner, str(trained), env.spec)
    try:
        saved = tree.get("learner")
        if not isinstance(saved, dict):
            raise InputError("the checkpoint is damaged: it has no learner")
        state = learner.load(env.spec, saved, device)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    team = learner.policy(state, run.spec.training.greedy if greedy is None else greedy)
    return learner, env, state, team


def kept_by(file: Path) -> Any:
    """What the sub-environments of a checkpoint had kept from episode to episode, float64[B, C]; None if nothing."""
    from marl.checkpoint import read_checkpoint
    from marl.train import carried_in

    try:
        return carried_in(read_checkpoint(file))
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def _check_other(file: Path, name: str, learner: Learner, trained: str, spec: EnvSpec) -> None:
    """`InputError` unless policies play in this environment too: a swarm of other size."""
    from experiments.other_swarm import check_carries, same_swarm

    if not same_swarm(trained, spec):
        swarm = trained.startswith("swarm:") and spec.name.startswith("swarm:")
        told = "; of a swarm nothing but the number of agents may change" if swarm else ""
        raise InputError(f"{file} was trained on {trained:.120}, not on {spec.name}{told}")
    try:
        check_carries(learner, name)
    except InputError as error:
        raise InputError(f"{file} was trained on {trained:.120}: {error}") from None


def which_seed(run: Run, path: Path, seed: int | None = None) -> int:
    """The seed that is meant: the given one, that of a seed's folder, or the only one."""
    named = _SEED.fullmatch(Path(path).resolve().name)
    if seed is None and named is not None:
        seed = int(named[1])
    if seed is None and len(run.seeds) == 1:
        seed = run.seeds[0]
    if seed not in run.seeds:
        known = ", ".join(map(str, run.seeds[:8])) + (", ..." if len(run.seeds) > 8 else "")
        what = "which seed" if seed is None else f"there is no seed {seed}"
        raise InputError(f"{run.path}: {what}; the run has {known}")
    return seed
