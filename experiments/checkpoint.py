"""Checkpoints of self-play: the engine's arrays with what they belong to, written whole or not at all, never pickled."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.text_input import shown

FORMAT = "staghunt-checkpoint"
VERSION = 1
_HEADER = "header"
_STATE = "state/"
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    IndexError,
    AttributeError,
    MemoryError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged archive may raise."""


class Checkpoint(NamedTuple):
    """A run that can go on."""

    game: str
    title: str
    concept: str
    method: str
    options: dict[str, Any]
    state: dict[str, Any]


class Keeper:
    """The `save` callback of a run: every call replaces the file.

    Parameters
    ----------
    path : Path
        Where the checkpoint goes (.npz).
    game, concept, method, options
        What the state belongs to; compared when it is resumed.
    """

    def __init__(self, path: Path, game: Any, concept: str, method: str, options: Mapping[str, Any]) -> None:
        self.path = path
        self.written = 0
        about = {
            "format": FORMAT,
            "version": VERSION,
            "game": game.digest,
            "title": game.title,
            "concept": concept,
            "method": method,
            "options": dict(options),
        }
        self._header = json.dumps(about, allow_nan=False)

    def __call__(self, state: Mapping[str, Any]) -> None:
        arrays = {_STATE + name: np.asarray(value) for name, value in state.items()}
        strange = [name for name, array in arrays.items() if array.dtype.hasobject]
        if strange:
            raise TypeError(f"the state {strange[0]!r} is not an array of numbers")
        # always the same name, so that a killed run leaves at most one file behind, and the next one clears it up
        temporary = self.path.with_name(f".{self.path.name}.part")
        try:
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **{_HEADER: np.array(self._header)}, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise InputError(f"cannot write the checkpoint {self.path}: {error.strerror or error}") from None
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self.written += 1


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file.

    Raises
    ------
    InputError
        If the file is missing, damaged, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(str(archive[_HEADER][()]))
            state = {name[len(_STATE) :]: archive[name] for name in archive.files if name.startswith(_STATE)}
        if header["format"] != FORMAT:
            raise ValueError
        version = header["version"]
        game, title, concept, method = (str(header[key]) for key in ("game", "title", "concept", "method"))
        found = Checkpoint(game, title, concept, method, dict(header["options"]), state)
    except FileNotFoundError:
        raise InputError(f"--resume {path}: no such file") from None
    except _DAMAGE:
        raise InputError(f"{path} is damaged, or is not a checkpoint of `staghunt solve`") from None
    if version != VERSION:
        raise InputError(f"{path} is a checkpoint of version {version}; this program reads version {VERSION}")
    for name in ("trace", "seconds", "iterations"):
        if name not in state:
            raise InputError(f"{path} is damaged: it has no {name}")
    return found


def check_game(found: Checkpoint, path: Path, game: Any) -> None:
    """Raise `InputError` unless the checkpoint is of this game."""
    if found.game != game.digest:
        raise InputError(
            f"{path}: checkpoint is of another game: {shown(found.title)} (digest {found.game[:12]}), "
            f"not {shown(game.title)} (digest {game.digest[:12]})"
        )


def check_same(found: Checkpoint, path: Path, concept: str, method: str, options: Mapping[str, Any]) -> None:
    """Raise `InputError` unless the checkpoint is of this concept, method and options."""
    if (found.concept, found.method) != (concept, method):
        raise InputError(
            f"{path}: checkpoint is of --concept {found.concept} --method {found.method}, "
            f"not of --concept {concept} --method {method}"
        )
    for key in sorted({*found.options, *options}):
        if found.options.get(key) != options.get(key):
            raise InputError(
                f"{path}: checkpoint was made with {key} {_said(found.options.get(key))}, "
                f"not {_said(options.get(key))}"
            )


def _said(value: Any) -> str:
    return "left at its default" if value is None else str(value)
