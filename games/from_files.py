"""Games from files: which reader a file needs, and one form for every complaint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from games.errors import InputError
from games.normal import NormalFormGame
from games.text_input import decode, is_binary, read_bytes, shown

if TYPE_CHECKING:
    from games.efg import EfgTree

SUFFIXES = (".nfg", ".efg", ".json", ".npz", ".csv")
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


def load_file(path: str | Path, form: str = "reduced") -> NormalFormGame:
    """Load a game from a file.

    Parameters
    ----------
    path : str or Path
        A Gambit strategic-form (.nfg) or extensive-form (.efg) file, or a game as .json, .npz or .csv (or .tsv).
        Gambit files and .npz archives are known by their content, the others by their suffix.
    form : {"reduced", "full"}
        Which strategic form an extensive-form game becomes; other files are strategic forms already.

    Raises
    ------
    InputError
        One sentence beginning with the file's name: what is wrong, on which line, what would be right.

    See Also
    --------
    load_tree : the tree of an .efg file, without its strategic form.
    games.tables : the layouts of .json and .npz files.
    games.csv_tables : the layouts of .csv files.
    """
    path = Path(path)
    try:
        return _read(path.suffix.lower(), read_bytes(path), form)
    except InputError as error:
        raise _about(path, error) from None
    except MemoryError:
        raise InputError(f"{path}: the game does not fit in memory") from None


def load_tree(path: str | Path) -> EfgTree:
    """The tree of an .efg file; it may be far larger than any strategic form could be.

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


def _read(suffix: str, content: bytes, form: str) -> NormalFormGame:
    if suffix not in _REFUSED and (suffix == ".npz" or content.startswith(b"PK\x03\x04")):
        from games.tables import read_npz

        return read_npz(content)
    text = decode(content)
    first = text[:64].split(maxsplit=1)
    known = _MAGIC.get(first[0].upper() if first else "")
    kind = known or suffix
    if kind in _REFUSED:
        raise InputError(_REFUSED[kind])
    if known is None and is_binary(text):
        raise InputError("is a binary file, not a game")
    return _parse(kind, text, form)


def _parse(kind: str, text: str, form: str) -> NormalFormGame:
    if kind == ".nfg":
        from games.nfg import parse_nfg

        return parse_nfg(text)
    if kind == ".efg":
        from games.efg import parse_efg
        from games.efg_strategic import to_strategic

        return to_strategic(parse_efg(text), form)
    if kind == ".json":
        from games.tables import parse_json

        return parse_json(text)
    if kind in (".csv", ".tsv"):
        from games.csv_tables import parse_csv

        return parse_csv(text)
    what = f"a file name ending in {shown(kind)}" if kind else "a file name without an ending"
    raise InputError(f"{what} says nothing about its format; expected one of {', '.join(SUFFIXES)}")


def _about(path: Path, error: InputError) -> InputError:
    """The same complaint with the file's name in front."""
    message = str(error)
    joint = " " if message.startswith("is ") else ", " if message.startswith("line ") else ": "
    return InputError(f"{path}{joint}{message}")
