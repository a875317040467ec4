"""Notebooks: what is stored is whole and was made by the code above it, and every cell runs."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from experiments.notebook.run import NOTEBOOKS, digest, executed, main, run

ALL = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
CELLS, KILOBYTES = 15, 700
ABSOLUTE = re.compile(r"(?<![\w<:/.+])/\w+/\w")
"""A path from the root of a file system, which addresses and closing tags are not."""
PICTURE = re.compile(r"base64,[\w+/=]+")


def of(outputs: list[Any]) -> str:
    """Everything that outputs say, as one text."""
    texts = [output.get("text", "") for output in outputs]
    for output in outputs:
        texts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


def test_there_are_eight() -> None:
    assert [path.name[:2] for path in ALL] == [f"{k:02}" for k in range(1, 9)]


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_is_stored(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = notebook.cells
    assert len(cells) <= CELLS
    assert path.stat().st_size < 1024 * KILOBYTES
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    assert notebook.metadata.full_run.code == digest(notebook), "run it in full again: its code has changed"
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        assert not [output for output in cell.outputs if output.output_type == "error"]
        assert not [output for output in cell.outputs if output.get("name") == "stderr"]
        told = of(cell.outputs)
        assert ABSOLUTE.search(PICTURE.sub("", told)) is None, "a path of the machine that ran it"
    assert "assert " in code[-1].source and of(code[-1].outputs).strip(), (
        "the promised number and its assertion"
    )
    assert sum("image/png" in output.get("data", {}) for cell in code for output in cell.outputs) >= 1


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_cell_runs(path: Path, tmp_path: Path) -> None:
    done = executed(path, smoke=True, folder=tmp_path)
    assert all(cell.execution_count for cell in done.cells if cell.cell_type == "code")


def test_paths_are_told_from_addresses_and_tags() -> None:
    assert ABSOLUTE.search("wrote /somewhere/else/run") and ABSOLUTE.search("'/a/b'")
    for text in (
        "https://arxiv.org/abs/1",
        "<b>x</b></td>",
        "runs/notebooks/bridge.nfg",
        "7/6 and 1/2",
        "../docs/a.md",
    ):
        assert ABSOLUTE.search(text) is None, text


def small(*sources: str) -> Any:
    """A notebook of these code cells."""
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "path": "/somewhere"}},
    )


def test_a_full_run_is_stored_and_a_smoke_run_is_not(tmp_path: Path) -> None:
    path = tmp_path / "one.ipynb"
    notebook = small("from experiments.notebook import budget\nprint(budget('whole', smoke='part'))")
    nbformat.write(notebook, path)
    before = path.read_bytes()
    assert main(["--smoke", str(path)]) == 0 and path.read_bytes() == before
    assert main([str(path)]) == 0
    after = nbformat.read(path, as_version=4)
    assert of(after.cells[0].outputs) == "whole\n"
    assert after.metadata.full_run.code == digest(notebook) and "path" not in after.metadata.kernelspec
    changed = copy.deepcopy(after)
    changed.cells[0].source += " "
    assert digest(changed) != digest(after)


def test_a_cell_that_fails_stores_nothing(tmp_path: Path) -> None:
    path = tmp_path / "wrong.ipynb"
    nbformat.write(small("1 / 0"), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="division by zero"):
        run([path], smoke=False)
    assert path.read_bytes() == before


def test_a_notebook_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.ipynb")]) == 2
    assert "there is no notebook" in capsys.readouterr().err
