"""The folder of a tournament: making it, going on with it, and what is written there when it is done.

::

    RUN/tournament.yaml   what was asked for, and on which machine by which versions
    RUN/results.db        every match (`experiments.tournament.database`)
    RUN/table.json        the payoff table: the same bytes for the same spec
    RUN/answers.json      rankings, equilibria with certificates
    RUN/report.html       written by `staghunt report`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments import run_folders
from experiments.atomic import write_text
from experiments.tournament.agents import IMPORT
from experiments.tournament.files import digest_of, env_file, files_of
from experiments.tournament.spec import FORMAT, VERSION, Role, Spec, spec_of
from experiments.trained import is_trained
from experiments.training.yaml_text import dump, read
from games.errors import InputError
from games.policy_names import is_file

SPEC, TABLE, ANSWERS, REPORT = "tournament.yaml", "table.json", "answers.json", "report.html"


@dataclass(frozen=True)
class Tournament:
    """A tournament's folder.

    Parameters
    ----------
    path : Path
        Where it is.
    spec : Spec
        What was asked for.
    provenance : dict
        Versions, machine, date, command line.
    """

    path: Path
    spec: Spec
    provenance: dict[str, Any]


def is_tournament(path: Path) -> bool:
    """Whether a folder is one of a tournament."""
    return (path / SPEC).is_file()


KIND = run_folders.Kind("tournament", "staghunt tournament", is_tournament)


def read_spec(path: Path, change: Callable[[Any], Any] | None = None) -> Spec:
    """The spec in a YAML file, its files' paths made absolute.

    Parameters
    ----------
    path : Path
        The file.
    change : callable, optional
        From the document as it was read to the one that is meant, for what the command line says beside the file.

    Raises
    ------
    InputError
        As `experiments.tournament.spec.spec_of`.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected the YAML file of a tournament")
    document = read(path)
    spec = spec_of(document if change is None else change(document), str(path))
    game = env_file(spec.env)
    name = spec.env.partition("?")[0]
    env = spec.env if game is None else str(game.absolute()) + spec.env[len(name) :]
    return replace(spec, env=env, roles=tuple(_with_whole_paths(role) for role in spec.roles))


def read_tournament(path: Path) -> Tournament:
    """The tournament in a folder.

    Raises
    ------
    InputError
        If it is none, its spec is damaged, or a file that its agents are made of has changed since.
    """
    if not is_tournament(path):
        what = "there is no folder" if not path.exists() else "it has no tournament.yaml"
        raise InputError(f"{path} is not the folder of a tournament: {what}")
    document = read(path / SPEC)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{path / SPEC} is not the spec of a tournament")
    if document.get("version") != VERSION:
        raise InputError(
            f"{path / SPEC} has version {document.get('version')} of the format, expected {VERSION}"
        )
    spec = spec_of(document, str(path / SPEC))
    provenance = document.get("provenance")
    return Tournament(path, spec, provenance if isinstance(provenance, dict) else {})


def check_files(tournament: Tournament) -> None:
    """`InputError` if a checkpoint or strategy that agents are made of is not what it was when play began."""
    kept = tournament.provenance.get("files")
    for path, digest in kept.items() if isinstance(kept, dict) else ():
        if digest_of(Path(path)) != digest:
            raise InputError(
                f"{path} has changed since {tournament.path} was begun; its results would be mixed with others'"
            )


def new_tournament(spec: Spec, out: Path | None, provenance: dict[str, Any]) -> Tournament:
    """Make the folder and write the spec, whole or not at all.

    Raises
    ------
    InputError
        If the folder holds anything, or the system refuses.
    """
    return write_spec(new_folder(spec, out), spec, {**provenance, "files": files_of(spec)})


def write_spec(path: Path, spec: Spec, facts: dict[str, Any]) -> Tournament:
    """Write what was asked for into the folder, with its provenance and the digests of the agents' files.

    Raises
    ------
    InputError
        If the system refuses.
    """
    head = "# A tournament of `staghunt tournament`; the same command on this file plays the same again.\n"
    document = {"format": FORMAT, "version": VERSION, **spec.document(), "provenance": facts}
    write_text(path / SPEC, head + dump(document))
    return Tournament(path, spec, facts)


def _with_whole_paths(role: Role) -> Role:
    return replace(role, agents=tuple((name, _whole(policy)) for name, policy in role.agents))


def _whole(policy: str) -> str:
    if policy.startswith(IMPORT) or not (is_trained(policy) or is_file(policy)):
        return policy
    return str(Path(policy).absolute())


def new_folder(spec: Spec, out: Path | None) -> Path:
    """Make the folder: `out`, or ``runs/tournament-<env>`` with a number if that exists.

    Raises
    ------
    InputError
        If `out` holds anything, or the system refuses.
    """
    return run_folders.new_folder(KIND, f"tournament-{run_folders.slug(spec.env)}", out)


def check_out(out: Path | None) -> None:
    """Refuse a folder that a new tournament must not write to, before any work is done."""
    run_folders.check_out(KIND, out)
