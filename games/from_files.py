"""Games from files: which reader a file needs, and one form for every complaint."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from games.errors import InputError
from games.normal import NormalFormGame
from games.text_input import decode, is_binary, read_bytes, shown
from games.tree import TreeGame

if TYPE_CHECKING:
    from games.efg import EfgTree

FORMS = ("tree", "reduced", "full")
SUFFIXES = (".nfg", ".efg", ".json", ".npz", ".csv")
_LARGE = 200_000  # characters from which a tree may be worth keeping on disk
_MAGIC = {"NFG": ".nfg", "EFG": ".efg", "#AGG": ".agg", "#BAGG": ".bagg"}
_REFUSED = {
    ".agg": "action-graph games (.agg) are not read; convert it to .nfg with Gambit",
    ".bagg": "Bayesian action-graph games (.bagg) are not read; convert it to .nfg or .efg with Gambit",
    ".gbt": "Gambit workbooks (.gbt) are not read; save the game as .nfg or .efg in Gambit",
    ".xlsx": "spreadsheets (.xlsx) are not read; save the sheet as .csv",
    ".xls": "spreadsheets (.xls) are not read; save the sheet as .csv",
    ".ods": "spreadsheets (.ods) are not read; save the sheet as .csv",
    ".npy": "a bare array (.npy) is not read; save it in an .npz under the name 'payoffs'",
}


def load_file(path: str | Path, form: str | None = None, **table: Any) -> NormalFormGame | TreeGame:
    """Load a game from a file.

    Parameters
    ----------
    path : str or Path
        A Gambit strategic-form (.nfg) or extensive-form (.efg) file, or a game as .json, .npz or .csv (or .tsv).
        Gambit files and .npz archives are known by their content, the others by their suffix.
    form : {"tree", "reduced", "full"}, optional
        Whether an extensive-form game stays a tree (the default), or which strategic form it becomes, by exact
        arithmetic on the numbers in the file. Other files are strategic forms already and take none.
    **table
        Of a payoff table in .json: `delta` and `without` (`games.tables.parse_json`).

    Raises
    ------
    InputError
        One sentence beginning with the file's name: what is wrong, on which line, what would be right.

    See Also
    --------
    load_tree : the record of an .efg file, with names of nodes and outcomes and exact numbers.
    games.tables : the layouts of .json and .npz files.
    games.csv_tables : the layouts of .csv files.
    """
    path = Path(path)
    try:
        return _read(path.suffix.lower(), read_bytes(path), form, table)
    except InputError as error:
        raise _about(path, error) from None
    except MemoryError:
        raise InputError(f"{path}: the game does not fit in memory") from None


def load_tree(path: str | Path) -> EfgTree:
    """The tree of an .efg file as the file gives it, with exact numbers.

    Raises
    ------
    InputError
        As `load_file`.
    """
    from games.efg import parse_efg

    path = Path(path)
    try:
        return parse_efg(decode(read_bytes(path)))
    except InputError as error:
        raise _about(path, error) from None


def _read(suffix: str, content: bytes, form: str | None, table: dict[str, Any]) -> NormalFormGame | TreeGame:
    if suffix not in _REFUSED and (suffix == ".npz" or content.startswith(b"PK\x03\x04")):
        from games.tables import read_npz

        _check_form(".npz", form)
        return read_npz(content)
    text = decode(content)
    first = text[:64].split(maxsplit=1)
    known = _MAGIC.get(first[0].upper() if first else "")
    kind = known or suffix
    if kind in _REFUSED:
        raise InputError(_REFUSED[kind])
    if known is None and is_binary(text):
        raise InputError("is a binary file, not a game")
    _check_form(kind, form)
    return _parse(kind, text, form, table)


def _check_form(kind: str, form: str | None) -> None:
    if form is not None and kind != ".efg":
        raise InputError(f"form={form} is for extensive-form (.efg) files")


def _parse(kind: str, text: str, form: str | None, table: dict[str, Any]) -> NormalFormGame | TreeGame:
    if kind == ".nfg":
        from games.nfg import parse_nfg

        return parse_nfg(text)
    if kind == ".efg":
        return _parse_tree(text, form)
    if kind == ".json":
        from games.tables import parse_json

        return parse_json(text, **table)
    if kind in (".csv", ".tsv"):
        from games.csv_tables import parse_csv

        return parse_csv(text)
    what = f"a file name ending in {shown(kind)}" if kind else "a file name without an ending"
    raise InputError(f"{what} says nothing about its format; expected one of {', '.join(SUFFIXES)}")


def _parse_tree(text: str, form: str | None) -> NormalFormGame | TreeGame:
    from games.efg import parse_efg

    if form not in (None, "tree"):
        from games.efg_strategic import to_strategic

        return to_strategic(parse_efg(text), str(form))
    from games.tree_build import from_efg

    if len(text) < _LARGE:
        return from_efg(parse_efg(text))
    from games.tree_cache import cached

    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return cached(f"efg {key}", lambda: from_efg(parse_efg(text)))


def _about(path: Path, error: InputError) -> InputError:
    """The same complaint with the file's name in front."""
    message = str(error)
    joint = " " if message.startswith("is ") else ", " if message.startswith("line ") else ": "
    return InputError(f"{path}{joint}{message}")
