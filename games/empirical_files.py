"""Payoff tables as JSON: everything of a `PayoffTable`, floats as their shortest exact text, always the same bytes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from games.atomic import write_atomically
from games.empirical import PayoffTable
from games.errors import InputError

FORMAT, VERSION = "staghunt-payoff-table", 1
_ARRAYS = ("cells", "mean", "squares", "count", "exact")


def document_of(table: PayoffTable) -> dict[str, Any]:
    """The table as plain data."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "roles": list(table.roles),
        "populations": [list(names) for names in table.populations],
        "symmetric": table.symmetric,
        "constant_sum": table.constant_sum,
        "looks": table.looks,
        "sources": list(table.sources),
        **({"selected": table.selected} if table.selected else {}),
        "low": None if table.low is None else table.low.tolist(),
        "high": None if table.high is None else table.high.tolist(),
        **{name: getattr(table, name).tolist() for name in _ARRAYS},
    }


def table_of(document: Any, source: str) -> PayoffTable:
    """The table in plain data.

    Raises
    ------
    InputError
        If it is none.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{source} is not a payoff table")
    if document.get("version") != VERSION:
        raise InputError(f"{source} has version {document.get('version')} of the format, expected {VERSION}")
    try:
        mean, squares, count, exact = (np.array(document[name]) for name in _ARRAYS[1:])
        players = len(document["roles"])
        return PayoffTable(
            tuple(str(name) for name in document["roles"]),
            tuple(tuple(str(name) for name in names) for names in document["populations"]),
            np.array(document["cells"], dtype=np.int32).reshape(-1, players),
            mean.reshape(-1, players),
            squares.reshape(-1, players),
            count,
            exact,
            symmetric=bool(document["symmetric"]),
            low=document["low"],
            high=document["high"],
            constant_sum=bool(document["constant_sum"]),
            looks=int(document["looks"]),
            sources=tuple(str(name) for name in document["sources"]),
            selected=int(document.get("selected", 0)),
        )
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    except KeyError as error:
        raise InputError(f"{source}: the payoff table lacks {error.args[0]}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{source}: the payoff table is damaged: {error}") from None


def save_table(table: PayoffTable, path: Path) -> None:
    """Write a table, whole or not at all; `InputError` if the system refuses."""
    if not all(math.isfinite(v) for v in table.mean.ravel().tolist()):
        raise InputError(f"{path}: a mean of the payoff table is not a finite number")
    text = json.dumps(document_of(table), ensure_ascii=False, allow_nan=False) + "\n"
    try:
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), path.suffix)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def load_table(path: str | Path) -> PayoffTable:
    """Read a table; `InputError` if there is none."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8") from None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    return table_of(document, str(path))
