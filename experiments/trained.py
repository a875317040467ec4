"""Learned policies by name: a run of `staghunt train`, the folder of one of its seeds, or one of its checkpoints."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from games.env import Env
from games.errors import InputError
from games.policy import Independent, JointPolicy, Policy

if TYPE_CHECKING:
    from experiments.training.runs import Run

SUFFIX = ".safetensors"
WHICH = ("best", "last")


def is_trained(name: str) -> bool:
    """Whether a policy's name means a run or a checkpoint: a folder with a run in it, or a file of that suffix."""
    if name.lower().endswith(SUFFIX):
        return True
    path = Path(name)
    try:
        if not path.is_dir():
            return False
    except (OSError, ValueError):  # too long for a path, say
        return False
    from experiments.training.runs import is_run

    whole = path.resolve()
    return is_run(whole) or (whole.name.startswith("seed-") and is_run(whole.parent))


def folder_of(run: Run | str | Path) -> Path:
    """Where a run is, which may be given by its path."""
    return Path(run if isinstance(run, str | Path) else run.path)


def checkpoints(path: Path, which: str = "best", seed: int | None = None) -> tuple[Run, dict[int, Path]]:
    """The run that a path means, and the checkpoint of each seed that is meant.

    Parameters
    ----------
    path : Path
        A run, the folder of one of its seeds, or a checkpoint in either.
    which : str
        ``best``, ``last``, or the path of a checkpoint of the run.
    seed : int, optional
        One of several seeds.

    Raises
    ------
    InputError
        If something is missing, or the two contradict each other.
    """
    from experiments.training.runs import checkpoint_file, read_run, which_seed

    file: Path | None = path if path.suffix.lower() == SUFFIX else None
    if which not in WHICH:
        if file is not None:
            raise InputError(f"{path} is a checkpoint already; leave out {which}")
        file = Path(which)
        if file.suffix.lower() != SUFFIX and not file.exists():
            raise InputError(f"checkpoint {which!r} is neither best, last nor a {SUFFIX} file")
    if file is not None and not file.is_file():
        raise InputError(f"there is no checkpoint {file}")
    place = file.parent if file == path else path
    run = read_run(place)
    if file is not None:
        home = file.resolve().parent
        own = next((k for k in run.seeds if run.folder(k).resolve() == home), None)
        if seed is not None and own is not None and own != seed:
            raise InputError(f"{file} is a checkpoint of seed {own}, not of {seed}")
        number = seed if own is None else own
        return run, {which_seed(run, place, number) if number is not None else run.seeds[0]: file}
    chosen = which == "best"
    if seed is not None or place.resolve() != run.path.resolve():
        seeds: tuple[int, ...] = (which_seed(run, place, seed),)
    else:
        seeds = run.begun or run.seeds
    return run, {k: checkpoint_file(run, k, "best" if chosen else "last") for k in seeds}


def first_checkpoint(run: Run | str | Path, which: str = "best", seed: int | None = None) -> tuple[Run, Path]:
    """The run that is meant, and the checkpoint of one of its seeds: of the first, if none is said."""
    found, files = checkpoints(folder_of(run), which, seed)
    return found, next(iter(files.values()))


class Trained:
    """The learned policies of an environment's agents, by name; each checkpoint is read once.

    Parameters
    ----------
    env : Env
        Where they play, which must be where they were trained.
    greedy : bool, optional
        Whether they play their likeliest actions; as in their run's own evaluations if None.
    """

    def __init__(self, env: Env, greedy: bool | None = None) -> None:
        self._env, self._greedy = env, greedy
        self._teams: dict[str, JointPolicy] = {}

    def team(self, name: str) -> JointPolicy | None:
        """The team of a run (its only seed) or checkpoint; None if the name is of something else.

        Raises
        ------
        InputError
            If there is no such checkpoint, it is damaged or of another environment, or a run has several seeds.
        """
        if not is_trained(name):
            return None
        if name not in self._teams:
            from experiments.training.runs import team_of

            run, files = checkpoints(Path(name))
            if len(files) > 1:
                first = next(iter(files.values()))
                raise InputError(
                    f"{name} has {len(files)} seeds; name the policies of one, as in {first.parent}"
                )
            (file,) = files.values()
            self._teams[name] = team_of(run, file, greedy=self._greedy, env=self._env)[3]
        return self._teams[name]

    def together(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these names that mean teams that learned to play together."""
        teams = {name: self.team(name) for name in names}
        return tuple(
            name
            for name, team in sorted(teams.items())
            if team is not None and not isinstance(team, Independent)
        )

    def __call__(self, name: str) -> dict[str, Policy] | None:
        """Every agent's own policy in that team; agents that learned to play together are told nothing of each other."""
        whole = self.team(name)
        if whole is None:
            return None
        from marl.neural import seats

        return seats(whole)
