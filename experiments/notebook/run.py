"""Run notebooks from end to end: in full, storing what they show, or at their smoke budgets, storing nothing.

``python -m experiments.notebook.run [--smoke] [NOTEBOOK ...]``; without names, all of `notebooks/`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.atomic import write_text
from experiments.notebook.budgets import SMOKE

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SECONDS = 1_800
"""A cell that takes longer is stopped."""
_LIVE = "application/vnd.jupyter.widget-view+json"
_KEPT_ABOUT_KERNEL = ("name", "display_name", "language")


def executed(path: Path, *, smoke: bool, folder: Path) -> Any:
    """A notebook after all its cells have run, in a kernel of its own.

    Parameters
    ----------
    path : Path
        The notebook; it is not changed.
    smoke : bool
        Whether it runs at its smoke budget.
    folder : Path
        The kernel's working directory.

    Returns
    -------
    nbformat.NotebookNode
        With outputs.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    environment = {**os.environ, SMOKE: "1" if smoke else "0", "PYTHONPATH": _python_path()}
    client: Any = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],
        coalesce_streams=True,
    )
    client.execute(env=environment)
    return notebook


def _python_path() -> str:
    """The sources that this process uses, for the kernel too."""
    return os.pathsep.join([str(NOTEBOOKS.parent), *filter(None, [os.environ.get("PYTHONPATH")])])


def digest(notebook: Any) -> str:
    """Of the code cells: whether what is stored was made by them."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:16]


def stored(notebook: Any) -> str:
    """A notebook as it is committed: with outputs, without what differs from machine to machine."""
    import nbformat

    spec = notebook.metadata.get("kernelspec", {})
    kept = {key: spec[key] for key in _KEPT_ABOUT_KERNEL if key in spec}
    facts = {"code": digest(notebook), "staghunt": version("staghunt"), "date": date.today().isoformat()}
    notebook.metadata = {"kernelspec": kept, "language_info": {"name": "python"}, "full_run": facts}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            shown = output.get("data", {})
            shown.pop("text/latex", None)
            if "image/png" in shown:  # what stands in for a widget where no kernel runs
                shown.pop(_LIVE, None)
    return str(nbformat.writes(notebook, version=4)).rstrip("\n") + "\n"


def run(paths: list[Path], *, smoke: bool) -> None:
    """Run notebooks one after the other, and tell how long each took."""
    for path in paths:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="staghunt-notebook-") as folder:
            notebook = executed(path, smoke=smoke, folder=Path(folder))
        if not smoke:
            write_text(path, stored(notebook))
        print(f"{path.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


def main(words: list[str] | None = None) -> int:
    """The command line; exit status 0, or 2 for a notebook that is not there."""
    parser = argparse.ArgumentParser(prog="python -m experiments.notebook.run", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="smoke budgets; nothing is stored")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    asked = parser.parse_args(words)
    paths = asked.notebooks or sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    if not paths:
        print(
            f"there are no notebooks in {NOTEBOOKS}; they come with a checkout of the sources",
            file=sys.stderr,
        )
        return 2
    for path in paths:
        if not path.is_file():
            print(f"there is no notebook {path}", file=sys.stderr)
            return 2
    run(paths, smoke=asked.smoke)
    return 0


if __name__ == "__main__":
    sys.exit(main())
