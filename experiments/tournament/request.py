"""What `staghunt tournament` does: begin a tournament or go on with one, play it, answer, and keep all that."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.guard import INTERRUPTED, complain, note
from experiments.run_folders import LOCK, clear_temporary, locked
from experiments.tournament import folder
from experiments.tournament.answers import answers_document, read_answers, write_answers
from experiments.tournament.database import FILE as DATABASE
from experiments.tournament.database import Database
from experiments.tournament.engine import Labour
from experiments.tournament.folder import ANSWERS, TABLE, Tournament
from experiments.tournament.run import Progress, play
from experiments.tournament.spec import READING, Spec
from experiments.tournament.wish import Wish, asked_for, check
from experiments.tournament.worker import Worker
from experiments.training.provenance import differences, provenance
from games.empirical import PayoffTable
from games.empirical_files import load_table, save_table
from games.errors import InputError

DOING = "playing a tournament"


@dataclass(frozen=True)
class Ready:
    """A tournament that may be played; nobody else can until we are done.

    Parameters
    ----------
    tournament : Tournament
        Its folder.
    worker : Worker or None
        Environment and policies; None if nothing is left to play.
    labour : Labour
        Who works.
    """

    tournament: Tournament
    worker: Worker | None
    labour: Labour


@dataclass(frozen=True)
class Outcome:
    """A tournament that has been played.

    Parameters
    ----------
    tournament : Tournament
        Its folder.
    table : PayoffTable
        As in its `table.json`.
    answers : dict
        As in its `answers.json`.
    matches : int
        How many were played now, not in an earlier sitting.
    seconds : float
        How long that took.
    """

    tournament: Tournament
    table: PayoffTable
    answers: dict[str, Any]
    matches: int = 0
    seconds: float = 0.0


# --- opening ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened(wish: Wish, quiet: bool) -> Iterator[Ready]:
    """A tournament to play, with its folder locked; everything is checked before a folder is made.

    Raises
    ------
    InputError
        If anything is wrong, or another process plays there.
    """
    check(wish)
    if wish.resume is not None:
        with _resumed(wish, wish.resume, quiet) as ready:
            yield ready
        return
    spec = asked_for(wish)
    folder.check_out(wish.out)
    worker = Worker.of(spec, wish.allow_import)
    _say_apart(worker, quiet)
    if spec.symmetric and not spec.self_play and worker.casting.env.spec.common_reward:
        note(
            f"everybody is paid the same in {spec.env}, and mean scores count an agent among the others alone, so they reward "
            "good company; set self_play: true to count it among its own kind too",
            quiet,
        )
    facts = {**provenance(), "files": folder.files_of(spec)}
    fresh = wish.out is None or not wish.out.exists()
    path = folder.new_folder(spec, wish.out)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(path, doing=DOING))
            folder.check_out(path)  # somebody may have been quicker
            tournament = folder.write_spec(path, spec, facts)
        except InputError:
            if fresh and not folder.is_tournament(path):
                with contextlib.suppress(OSError):
                    (path / LOCK).unlink(missing_ok=True)
                    path.rmdir()
            raise
        yield Ready(tournament, worker, wish.labour(spec))


@contextlib.contextmanager
def _resumed(wish: Wish, path: Path, quiet: bool) -> Iterator[Ready]:
    """A tournament to go on with; one that is finished needs no lock, nor any of the files of its agents."""
    tournament = folder.read_tournament(path)
    again = None if wish.spec is None else _same(tournament, asked_for(wish), wish.spec)
    if again is None and is_finished(tournament):
        yield Ready(tournament, None, wish.labour(tournament.spec))
        return
    with locked(path, doing=DOING):
        clear_temporary(path)
        folder.check_files(tournament)
        for told in differences(tournament.provenance, provenance()):
            note(f"{told}, so the rest need not be bit for bit what it would have been", quiet)
        if again is not None:
            (path / ANSWERS).unlink(missing_ok=True)
            tournament = folder.write_spec(path, again, tournament.provenance)
        worker = Worker.of(tournament.spec, wish.allow_import)
        _say_apart(worker, quiet)
        yield Ready(tournament, worker, wish.labour(tournament.spec))


def _say_apart(worker: Worker, quiet: bool) -> None:
    """Tell of agents that learned to play together and sit apart."""
    if worker.casting.remark:
        note(worker.casting.remark, quiet)


def _same(tournament: Tournament, given: Spec, source: Path) -> Spec | None:
    """The tournament's spec as it is to be read now, if that is different from before.

    Raises
    ------
    InputError
        If the spec that is given is of another tournament.
    """
    spec = tournament.spec
    if given.digest != spec.digest:
        ours, theirs = spec.document(), given.document()
        keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
        raise InputError(
            f"{source} is not the tournament in {tournament.path}: {keys[0]} is different; begin a new one without --resume"
        )
    now = replace(spec, **{key: getattr(given, key) for key in READING})
    return None if now == spec else now


def is_finished(tournament: Tournament) -> bool:
    """Whether all has been played and answered as the spec says; `InputError` if the results are of another tournament.

    A table or answers that cannot be read do not count: results are all there, so both can be written again.
    """
    path = tournament.path
    if not ((path / DATABASE).exists() and (path / ANSWERS).is_file() and (path / TABLE).is_file()):
        return False
    with Database(path, reading=True) as database:
        database.check(tournament.spec.digest)
    try:
        load_table(path / TABLE)
        answers = read_answers(path / ANSWERS)
    except InputError:
        return False
    asked = tournament.spec.document()
    return all(answers.get(key) == asked[key] for key in READING)


# --- playing ----------------------------------------------------------------------------------------------------------


def carry_out(ready: Ready, progress: Progress) -> Outcome:
    """Play what is left, answer, and write both.

    Raises
    ------
    InputError
        If the folder cannot be written, or its results are of another tournament.
    """
    tournament, worker = ready.tournament, ready.worker
    path = tournament.path
    if worker is None:
        return Outcome(tournament, load_table(path / TABLE), read_answers(path / ANSWERS))
    before, start = matches_in(path), time.perf_counter()
    finished = play(tournament.spec, worker, path, ready.labour, progress)
    seconds = time.perf_counter() - start
    document = answers_document(tournament.spec, finished, progress)
    save_table(finished.results.table, path / TABLE)
    write_answers(document, path / ANSWERS)
    return Outcome(tournament, finished.results.table, document, finished.results.matches - before, seconds)


def matches_in(path: Path) -> int:
    """How many matches a folder holds."""
    if not (path / DATABASE).is_file():
        return 0
    with Database(path) as database:
        try:
            return database.count()
        except InputError:  # no tables yet, or a file that is refused later
            return 0


def say_interrupted(path: Path) -> int:
    """Tell how to go on; the exit status of an interruption."""
    count = 0
    with contextlib.suppress(InputError):
        count = matches_in(path)
    kept = f"{count:,} matches are kept, and" if count else "no matches are finished yet;"
    complain(f"interrupted; {kept} `staghunt tournament --resume {shlex.quote(str(path))}` goes on")
    return INTERRUPTED


def status(outcome: Outcome) -> list[str]:
    """What went wrong, sentence by sentence; empty if nothing did."""
    from experiments.tables import one_line

    answers, told = outcome.answers, []
    failed = answers["cells"]["failed"]
    if failed:
        name, reason = next(iter(failed.items()))
        more = "" if len(failed) == 1 else f", as have {len(failed) - 1:,} more"
        rest = answers["cells"]["all"] - len(failed)
        told.append(
            f"cell {one_line(name, 80)} has failed{more} ({one_line(reason)}); "
            + ("no other cell is left" if not rest else f"the other {rest:,} cells were played")
        )
    if not answers["reached"]:
        wanted = outcome.tournament.spec.matches
        told.append(
            f"the half-width {wanted.half_width:g} that was asked for is not reached: {answers['why']} of "
            f"{wanted.at_most:,} samples a cell"
        )
    return told
