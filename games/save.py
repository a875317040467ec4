"""Games to files: .nfg, .json and .npz, trees to .efg; read back bit for bit, written whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from games.atomic import write_atomically
from games.efg_write import listed, quoted, to_efg_text
from games.errors import InputError
from games.normal import NormalFormGame
from games.tables import FORMAT, VERSION, names_json
from games.tree import TreeGame


def save(game: NormalFormGame | TreeGame, path: str | Path) -> Path:
    """Write a game to a file whose suffix says the format: .nfg, .json or .npz, and .efg for a tree.

    Parameters
    ----------
    game : NormalFormGame or TreeGame
        The game. Payoffs, probabilities and names read back exactly as they are.
    path : str or Path
        Where to. An existing file is replaced, in one step: nobody ever sees half a file.

    Returns
    -------
    Path
        The path written.

    Raises
    ------
    InputError
        If the suffix is none of these or not one for such a game, or the folder cannot be written to.
    """
    path = Path(path)
    content = _encoder(game, path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected the name of a file")
    try:
        write_atomically(path, lambda temporary: temporary.write_bytes(content()))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path


def _encoder(game: NormalFormGame | TreeGame, path: Path) -> Callable[[], bytes]:
    """What writes this kind of game in the format of this suffix."""
    suffix = path.suffix.lower()
    if isinstance(game, TreeGame):
        if suffix in _ENCODERS:
            raise InputError(
                f"{path}: a tree is saved as .efg; {suffix} holds strategic forms, such as game.to_normal()"
            )
        if suffix != ".efg":
            raise InputError(f"{path}: a tree cannot be saved as {path.suffix!r}; expected .efg")
        return lambda: _utf8(to_efg_text(game))
    if suffix == ".efg":
        raise InputError(f"{path}: a game in normal form has no tree to save; expected {_EXPECTED}")
    if suffix not in _ENCODERS:
        raise InputError(f"{path}: a game cannot be saved as {path.suffix!r}; expected one of {_EXPECTED}")
    return lambda: _ENCODERS[suffix](game)


def to_nfg(game: NormalFormGame) -> str:
    """A game as the text of a Gambit .nfg file, payoff version.

    Examples
    --------
    >>> print(to_nfg(NormalFormGame([[1.0, 0.5]], players=["A"], title="one")), end="")
    NFG 1 R "one" { "A" } { 2 }
    <BLANKLINE>
    1.0
    0.5
    """
    first = f"NFG 1 R {quoted(game.title)} {listed(game.players)}"
    if all(name == str(k + 1) for block in game.actions for k, name in enumerate(block)):
        lines = [f"{first} {{ {' '.join(map(str, game.shape))} }}", ""]  # the form that every program reads
    else:
        lines = [first, "", "{ " + "\n".join(map(listed, game.actions)), "}", '""', ""]
    rows = game.payoffs.T.reshape(-1, len(game.shape))  # the first player's action varies fastest
    lines += [" ".join(map(repr, row)) for row in rows.tolist()]
    return "\n".join(lines) + "\n"


def to_json(game: NormalFormGame) -> str:
    """A game as this project's JSON, payoffs nested."""
    parts = {
        "format": FORMAT,
        "version": VERSION,
        "title": game.title,
        "players": game.players,
        "actions": game.actions,
        "payoffs": game.payoffs.tolist(),
    }
    lines = (f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in parts.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _to_npz(game: NormalFormGame) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, payoffs=game.payoffs, names=np.array(names_json(game)))
    return buffer.getvalue()


_ENCODERS: dict[str, Callable[[NormalFormGame], bytes]] = {
    ".nfg": lambda game: _utf8(to_nfg(game)),
    ".json": lambda game: _utf8(to_json(game)),
    ".npz": _to_npz,
}
_EXPECTED = ", ".join(_ENCODERS)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("a name has characters that UTF-8 cannot hold; save the game as .json") from None
