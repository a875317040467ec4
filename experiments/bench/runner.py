"""What all benches share: choosing rows, running them in a pinned child, keeping what is finished.

The rows run in a child process whose numerical libraries are held to one thread, set before they are loaded; finished
rows are written at once, and a later run with the same machine, versions and sources does not repeat them.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from experiments.bench import ledger
from experiments.bench.harness import Row, Setting, measure_row
from experiments.checkout import needs_checkout
from games.errors import InputError

Progress = Callable[[float, str], None]

RESULTS = Path(__file__).resolve().parent / "results"
REAL_FILES = ledger.ROOT.parent / "shared" / "oracles" / "games"


@dataclass(frozen=True)
class Bench:
    """One comparison: a module of this package that has it as `BENCH`.

    Parameters
    ----------
    name : str
        Of the comparison, its module and its results file.
    rows : callable
        Every row, in the order of the tables.
    distributions : tuple of str
        Whose versions the results depend on.
    packages : tuple of str
        Of our own, what the results depend on.
    checkouts : mapping of str to str
        Peers that no registry has, by name, and a file that a checkout of theirs holds.
    """

    name: str
    rows: Callable[[], Sequence[Row]]
    distributions: tuple[str, ...]
    packages: tuple[str, ...] = ("games", "solvers")
    checkouts: Mapping[str, str] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        """The committed results."""
        return RESULTS / f"{self.name}.json"

    def selected(self, quick: bool, patterns: Sequence[str] | None) -> list[Row]:
        """The rows of a whole or a quick run that match one of the patterns."""
        every = [row for row in self.rows() if row.quick or not quick]
        return every if patterns is None else [row for row in every if _matches(row, patterns)]


def conduct(
    bench: Bench,
    quick: bool = False,
    rows: str | Sequence[str] | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
    *,
    fresh: bool = False,
    files: Path | None = None,
    checkouts: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """Measure ours beside the peers and write the results document.

    Parameters
    ----------
    bench : Bench
        What is measured.
    quick : bool
        A few small rows with few repeats; the numbers are a smoke test, not a claim.
    rows : str or sequence of str, optional
        Glob patterns: only rows whose name, or "name | peer", matches one. Other rows of an earlier document stay.
    out : Path, optional
        Where the document goes; by default the committed results, or nowhere for a quick run.
    progress : callable, optional
        Called with the fraction done and the row being measured.
    fresh : bool
        Measure again what an earlier run with the same machine, versions and sources has finished.
    files : Path, optional
        Folder of real `.nfg` and `.efg` files, for the rows on them; those say so where a file is absent.
    checkouts : mapping of str to Path, optional
        Folders of peers that no registry has, by name.

    Returns
    -------
    dict
        ``{"bench", "quick", "machine", "versions", "rows": [...]}`` as in the design, rows in the order of the tables.

    Raises
    ------
    InputError
        If no row matches, `files` is not a folder, or a checkout is not what it is said to be.
    """
    if out is None and not quick:
        needs_checkout(
            f"renewing the committed results of bench {bench.name}", "give another file with --out"
        )
        out = bench.results
    if files is not None and not files.is_dir():
        raise InputError(f"--files {files} is not a folder")
    _check_checkouts(bench, checkouts or {})
    patterns = [rows] if isinstance(rows, str) else list(rows or ()) or None
    if not bench.selected(quick, patterns):
        wanted = " or ".join(map(repr, patterns or ()))
        raise InputError(f"no row matches {wanted}; rows are named like {_names(bench, quick)}")
    order = {
        "quick": quick,
        "rows": patterns,
        "out": out and str(out),
        "fresh": fresh,
        "files": files and str(files),
        "checkouts": {name: str(folder.resolve()) for name, folder in (checkouts or {}).items()},
    }
    if all(os.environ.get(name) == "1" for name in ledger.THREAD_VARIABLES):
        return _run_here(bench, order, progress)
    return _run_pinned(bench, order, progress)


def _check_checkouts(bench: Bench, checkouts: Mapping[str, Path]) -> None:
    for name, folder in checkouts.items():
        if name not in bench.checkouts:
            known = ", ".join(bench.checkouts) or "none"
            raise InputError(f"bench {bench.name} has no peer {name!r} that is a checkout; it has {known}")
        if not (folder / bench.checkouts[name]).is_file():
            raise InputError(
                f"{folder} is not a checkout of {name}: there is no {bench.checkouts[name]} in it"
            )


# --- the pinned child -------------------------------------------------------------------------------------


def _run_pinned(bench: Bench, order: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
    """Run in a child with one thread; its reports and the document come back as lines of JSON on a pipe."""
    reading, writing = os.pipe()
    environment = dict(os.environ, **dict.fromkeys(ledger.THREAD_VARIABLES, "1"))
    command = [sys.executable, "-m", "experiments.bench.runner", bench.name, str(writing)]
    child = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=(writing,),
        text=True,
    )
    os.close(writing)
    document: dict[str, Any] | None = None
    try:
        assert child.stdin is not None
        child.stdin.write(json.dumps(order))
        child.stdin.close()
        with os.fdopen(reading) as lines:
            for line in lines:
                told = json.loads(line)
                if "document" in told:
                    document = told["document"]
                elif "refused" in told:
                    raise InputError(told["refused"])
                elif progress is not None:
                    progress(told["fraction"], told["message"])
        child.wait()
    finally:
        if child.poll() is None:
            _end(child)
    if document is None:
        raise RuntimeError(f"the process that measures ended early, with exit code {child.returncode}")
    return document


def _end(child: subprocess.Popen[str]) -> None:
    """Interrupt the child, so that it can end its own children; kill it if a long kernel does not let it hear."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _serve(bench: Bench, writing: int) -> None:
    """In the child: take the order from stdin, send reports and the document down the pipe."""
    with os.fdopen(writing, "w") as pipe:

        def send(told: dict[str, Any]) -> None:
            pipe.write(json.dumps(told) + "\n")
            pipe.flush()

        try:
            document = _run_here(
                bench,
                json.loads(sys.stdin.read()),
                lambda part, text: send({"fraction": part, "message": text}),
            )
            send({"document": document})
        except InputError as error:
            send({"refused": str(error)})


# --- the run itself ---------------------------------------------------------------------------------------


def _run_here(bench: Bench, order: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
    quick, patterns = bool(order["quick"]), order["rows"]
    out = Path(order["out"]) if order["out"] else None
    files = Path(order["files"]) if order["files"] else REAL_FILES
    document: dict[str, Any] = {
        "bench": bench.name,
        "quick": quick,
        "machine": ledger.machine(),
        "versions": ledger.versions(bench.distributions),
        "rows": [],
    }
    source = ledger.source_digest(bench.packages)
    checkouts = {name: Path(folder) for name, folder in order.get("checkouts", {}).items()}
    kept = ledger.kept_rows(ledger.read(out) if out else None, document)
    chosen = bench.selected(quick, patterns)
    keys = {(row.name, row.peer) for row in chosen}
    for done, row in enumerate(chosen):
        key = (row.name, row.peer)
        if not order["fresh"] and key in kept and ledger.is_finished(kept[key], source):
            continue
        if progress is not None:
            progress(done / len(chosen), f"{row.name} against {row.peer}")
        load = ledger.load_average()
        measured = measure_row(row, Setting(quick, True, files if files.is_dir() else None, checkouts))
        kept[key] = {**measured, "load": load, "source": source}
        document["rows"] = _in_order(bench, kept, quick, keys if patterns is None else None)
        if out is not None:
            ledger.write(out, document)
    document["rows"] = _in_order(bench, kept, quick, keys if patterns is None else None)
    return document


def _in_order(
    bench: Bench,
    kept: dict[tuple[str, str], dict[str, Any]],
    quick: bool,
    only: set[tuple[str, str]] | None,
) -> list[dict[str, Any]]:
    """Rows in the order of the tables; of a whole run, `only` its own rows."""
    every = [(row.name, row.peer) for row in bench.selected(quick, None)]
    return [kept[key] for key in every if key in kept and (only is None or key in only)]


def _matches(row: Row, patterns: Sequence[str]) -> bool:
    names = (row.name, f"{row.name} | {row.peer}")
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _names(bench: Bench, quick: bool) -> str:
    return ", ".join(dict.fromkeys(repr(row.name) for row in bench.selected(quick, None)[:3]))


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the child without a traceback: whoever started it has been interrupted too, and says so."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    with _interruptible():
        _serve(import_module(f"experiments.bench.{sys.argv[1]}").BENCH, int(sys.argv[2]))
