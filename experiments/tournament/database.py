"""The results of a tournament in SQLite: a transaction for every finished job, so nothing finished is ever lost.

::

    meta(key, value)                     which tournament this is
    cells(cell, agents, exact, failure, failed_in)  agents as a JSON list; exact payoffs by role as a JSON list; why it
                                         failed, and in which job first
    rounds(look, samples)                what each look decided: samples to add to every cell, a JSON list
    jobs(job, look, seconds)             finished jobs
    matches(match, job, cell, sample, places, seed, act, steps, ended, returns)

`places` is a JSON list: who played each role, by place in its population. `returns` are the returns of the
environment's agents, float64 in little-endian order. Seeds are below 2**63.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.tournament.plan import Drawn, Job
from games.errors import InputError
from games.play import Array

FILE = "results.db"
VERSION = 1
_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cells(cell INTEGER PRIMARY KEY, agents TEXT NOT NULL, exact TEXT, failure TEXT, failed_in INTEGER);
CREATE TABLE rounds(look INTEGER PRIMARY KEY, samples TEXT NOT NULL);
CREATE TABLE jobs(job INTEGER PRIMARY KEY, look INTEGER NOT NULL, seconds REAL NOT NULL);
CREATE TABLE matches(
    match INTEGER PRIMARY KEY, job INTEGER NOT NULL, cell INTEGER NOT NULL, sample INTEGER NOT NULL,
    places TEXT NOT NULL, seed INTEGER NOT NULL, act INTEGER NOT NULL,
    steps INTEGER NOT NULL, ended INTEGER NOT NULL, returns BLOB NOT NULL);
CREATE INDEX matches_by_cell ON matches(cell, match);
"""
# of several reasons that of the first job, not of the one that was first to be finished
_FAIL = """
UPDATE cells SET failure = ?, failed_in = ? WHERE cell = ? AND (failed_in IS NULL OR failed_in > ?)
"""


@dataclass(frozen=True)
class Played:
    """What a worker brings back from a job.

    Parameters
    ----------
    drawn : Drawn
        The matches that were played.
    returns : float64[M, n]
        Of the environment's agents.
    steps : int32[M]
        Lengths.
    ended : bool[M]
        Ended, or cut off.
    failures : dict of int to str
        By cell, why its matches could not be played.
    seconds : float
        What it took.
    """

    drawn: Drawn
    returns: Array
    steps: Array
    ended: Array
    failures: dict[int, str]
    seconds: float


@dataclass(frozen=True)
class Match:
    """One row of the matches."""

    number: int
    cell: int
    sample: int
    places: tuple[int, ...]
    seed: int
    act: int
    steps: int
    ended: bool
    returns: Array


class Database:
    """The results of one tournament.

    Parameters
    ----------
    folder : Path or None
        Of the run; None keeps everything in memory.
    reading : bool
        Whether nothing will be written; the file must exist then.

    Raises
    ------
    InputError
        If the file cannot be opened, or is no database.
    """

    def __init__(self, folder: Path | None, reading: bool = False) -> None:
        self.path, self._reading = (folder or Path()) / FILE, reading
        try:
            if folder is None:
                self._link = sqlite3.connect(":memory:", isolation_level=None)
            elif reading:
                place = f"{self.path.absolute().as_uri()}?mode=ro"
                self._link = sqlite3.connect(place, uri=True, isolation_level=None)
            else:
                self._link = sqlite3.connect(self.path, isolation_level=None)
                # a write-ahead log costs one flush to disk for a transaction instead of three or four
                self._link.execute("PRAGMA journal_mode = WAL")
                self._link.execute("PRAGMA synchronous = FULL")
            self._link.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise self._refused(error) from None

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._reading:
            with contextlib.suppress(sqlite3.Error):  # the log goes into the file, which is then all there is
                self._link.execute("PRAGMA journal_mode = DELETE")
        self._link.close()

    def prepare(self, digest: str, cells: Sequence[str]) -> None:
        """Make the tables, or see that they are those of this tournament.

        Raises
        ------
        InputError
            If the results are of another tournament, or the file is damaged.
        """
        try:
            if not self._tables():
                self._create(digest, cells)
                return
        except sqlite3.Error as error:
            raise self._refused(error) from None
        self.check(digest)

    def check(self, digest: str) -> None:
        """See that the tables are those of this tournament; `InputError` if not."""
        try:
            if not {"meta", "cells", "rounds", "jobs", "matches"} <= self._tables():
                raise InputError(f"{self.path} is a database, but not one of a tournament")
            meta = dict(self._link.execute("SELECT key, value FROM meta"))
        except sqlite3.Error as error:
            raise self._refused(error) from None
        if meta.get("version") != str(VERSION):
            raise InputError(
                f"{self.path} has version {meta.get('version')} of the format, expected {VERSION}"
            )
        if meta.get("spec") != digest:
            raise InputError(
                f"{self.path} holds the results of another tournament than the one in the spec beside it"
            )

    def _tables(self) -> set[str]:
        return {row[0] for row in self._link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def _create(self, digest: str, cells: Sequence[str]) -> None:
        self._link.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.strip().rstrip(";").split(";"):
            self._link.execute(statement)
        self._link.executemany(
            "INSERT INTO meta VALUES (?, ?)", [("spec", digest), ("version", str(VERSION))]
        )
        rows = ((number, agents) for number, agents in enumerate(cells))
        self._link.executemany("INSERT INTO cells(cell, agents) VALUES (?, ?)", rows)
        self._link.execute("COMMIT")

    def _refused(self, error: sqlite3.Error) -> InputError:
        """The system's complaint, with what can be done about a file that cannot be read any more."""
        broken = "malformed" in str(error) or "not a database" in str(error)
        hint = "; move it away, and --resume plays everything again, with the same results" if broken else ""
        return InputError(f"{self.path}: {error}{hint}")

    # --- writing ------------------------------------------------------------------------------------------

    def finish(self, job: Job, played: Played) -> None:
        """Make a job's matches permanent, all or none.

        Raises
        ------
        InputError
            If the system refuses, with its reason: the disk may be full.
        """
        try:
            self._link.execute("BEGIN IMMEDIATE")
            self._link.executemany("INSERT INTO matches VALUES (?,?,?,?,?,?,?,?,?,?)", _rows(job, played))
            for cell, reason in sorted(played.failures.items()):
                self._link.execute(_FAIL, (reason, job.number, cell, job.number))
            self._link.execute("INSERT INTO jobs VALUES (?, ?, ?)", (job.number, job.look, played.seconds))
            self._link.execute("COMMIT")
        except sqlite3.Error as error:
            if self._link.in_transaction:
                self._link.execute("ROLLBACK")
            raise InputError(f"{self.path}: {error}; the results so far are kept") from None

    def set_exact(self, payoffs: Iterable[tuple[int, Sequence[float]]]) -> None:
        """Keep computed payoffs by role of some cells."""
        try:
            self._link.execute("BEGIN IMMEDIATE")
            rows = [(json.dumps([float(v) for v in values]), cell) for cell, values in payoffs]
            self._link.executemany("UPDATE cells SET exact = ? WHERE cell = ?", rows)
            self._link.execute("INSERT OR REPLACE INTO meta VALUES ('exact', 'done')")
            self._link.execute("COMMIT")
        except sqlite3.Error as error:
            if self._link.in_transaction:
                self._link.execute("ROLLBACK")
            raise self._refused(error) from None

    def set_round(self, look: int, samples: Sequence[int]) -> None:
        """Keep what a look decided, before anything of it is played."""
        try:
            text = json.dumps([int(n) for n in samples])
            self._link.execute("INSERT INTO rounds VALUES (?, ?)", (look, text))
        except sqlite3.Error as error:
            raise self._refused(error) from None

    # --- reading ------------------------------------------------------------------------------------------

    def jobs_done(self) -> set[int]:
        """Numbers of the finished jobs."""
        return {row[0] for row in self._query("SELECT job FROM jobs")}

    def round(self, look: int) -> Array | None:
        """Samples that a look added to every cell, int64[C]; None if it has not decided yet."""
        rows = self._query("SELECT samples FROM rounds WHERE look = ?", (look,))
        return np.array(json.loads(rows[0][0]), dtype=np.int64) if rows else None

    def seconds(self) -> float:
        """What all jobs took, added up."""
        return float(self._query("SELECT coalesce(sum(seconds), 0) FROM jobs")[0][0])

    def exact(self) -> dict[int, list[float]] | None:
        """Computed payoffs by cell; None if that has not been decided yet."""
        if not self._query("SELECT 1 FROM meta WHERE key = 'exact'"):
            return None
        rows = self._query("SELECT cell, exact FROM cells WHERE exact IS NOT NULL")
        return {cell: json.loads(text) for cell, text in rows}

    def failures(self) -> dict[int, str]:
        """Why cells failed."""
        return dict(self._query("SELECT cell, failure FROM cells WHERE failure IS NOT NULL ORDER BY cell"))

    def count(self) -> int:
        """Number of matches."""
        return int(self._query("SELECT count(*) FROM matches")[0][0])

    def samples(self, agents: int, roles: int) -> tuple[Array, Array, Array, Array, Array]:
        """All matches by cell and number: cell int64[M], sample int64[M], places int32[M, P], returns float64[M, n],
        steps int64[M]."""
        rows = self._query("SELECT cell, sample, places, returns, steps FROM matches ORDER BY cell, match")
        cell, sample, places, returns, steps = zip(*rows) if rows else ((), (), (), (), ())
        seen: dict[str, list[int]] = {text: json.loads(text) for text in set(places)}
        return (
            np.array(cell, dtype=np.int64),
            np.array(sample, dtype=np.int64),
            np.array([seen[text] for text in places], dtype=np.int32).reshape(-1, roles),
            np.frombuffer(b"".join(returns), dtype="<f8").astype(np.float64).reshape(-1, agents),
            np.array(steps, dtype=np.int64),
        )

    def match(self, number: int) -> Match:
        """One match; `InputError` if there is none of this number."""
        rows = self._query(
            "SELECT match, cell, sample, places, seed, act, steps, ended, returns FROM matches WHERE match = ?",
            (number,),
        )
        if not rows:
            last = self._query("SELECT max(match) FROM matches")[0][0]
            told = "no match is finished yet" if last is None else f"the last is {last:,}"
            raise InputError(f"{self.path} has no match {number:,}; {told}")
        found, cell, sample, places, seed, act, steps, ended, returns = rows[0]
        who = tuple(json.loads(places))
        return Match(
            found, cell, sample, who, seed, act, steps, bool(ended), np.frombuffer(returns, dtype="<f8")
        )

    def _query(self, text: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._link.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise self._refused(error) from None


def _rows(job: Job, played: Played) -> Iterable[tuple[Any, ...]]:
    drawn = played.drawn
    unique, which = np.unique(drawn.places, axis=0, return_inverse=True)
    texts = [json.dumps(row.tolist()) for row in unique]
    returns = np.ascontiguousarray(played.returns, dtype="<f8")
    size = returns.shape[1] * 8 if returns.ndim == 2 else 0
    blob = returns.tobytes()
    columns = (
        drawn.match.tolist(),
        drawn.cell.tolist(),
        drawn.sample.tolist(),
        np.ravel(which).tolist(),
        drawn.seeds.tolist(),
        drawn.acts.tolist(),
        played.steps.tolist(),
        played.ended.tolist(),
    )
    for k, (match, cell, sample, place, seed, act, steps, ended) in enumerate(zip(*columns)):
        paid = blob[k * size : (k + 1) * size]
        yield match, job.number, cell, sample, texts[place], seed, act, steps, ended, paid
