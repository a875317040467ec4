"""Compiled trees on disk, so that a large game is walked or parsed once.

A file holds the arrays and names of one tree under the hash of everything it depends on. A file that is damaged,
cut short or foreign is as good as none: the tree is compiled again and the file replaced. The folder is
``$STAGHUNT_CACHE`` (``off``: no cache), else ``staghunt`` in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from games.atomic import write_atomically
from games.tree import TreeGame

WORTH = 0.3
"""CPU seconds: a tree compiled faster than this is not kept."""
MOST_BYTES = 2 * 1024**3
"""When the files together are larger than this, those unused for longest are deleted."""

_VARIABLE = "STAGHUNT_CACHE"
_SUFFIX = ".tree.npz"
_ARRAYS = ("player", "infoset", "parent", "slot", "chance", "payoff", "owner", "offsets")
_CODE = ("tree", "tree_build", "tree_cache", "openspiel_tree", "from_openspiel", "efg", "text_input")
_STALE = 3600.0  # seconds after which a half-written file was left by a process that died


def cached(key: str, build: Callable[[], TreeGame]) -> TreeGame:
    """The tree of this key from disk, or built and, where that took long, kept.

    Parameters
    ----------
    key : str
        All that the tree depends on outside this package: contents, parameters, versions.
    build : callable
        Makes the tree; its exceptions pass through.
    """
    home = folder()
    if home is None:
        return build()
    path = home / f"{hashlib.sha256(f'{_code()} {key}'.encode()).hexdigest()}{_SUFFIX}"
    game = read(path, key)
    if game is not None:
        return game
    started = time.process_time()
    game = build()
    if time.process_time() - started > WORTH:
        write(path, key, game)
    return game


def folder() -> Path | None:
    """Where compiled trees are kept, or None if the cache is switched off or the user has no home."""
    chosen = os.environ.get(_VARIABLE, "").strip()
    if chosen.lower() in ("off", "no", "none", "0"):
        return None
    if chosen:
        return Path(chosen)
    try:
        base = os.environ.get("XDG_CACHE_HOME", "")
        return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "staghunt"
    except RuntimeError:
        return None


@cache
def _code() -> str:
    """Hash of the source that decides what a compiled tree looks like."""
    hasher = hashlib.sha256()
    for name in _CODE:
        with contextlib.suppress(OSError):
            hasher.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return hasher.hexdigest()


# --- files ---------------------------------------------------------------------------------------------------


def read(path: Path, key: str) -> TreeGame | None:
    """The tree in a file, checked like any other and against its own hash; None if the file is not whole."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        with np.load(path, allow_pickle=False) as archive:
            about = archive["about"].tobytes()
            facts = json.loads(about)
            if facts["key"] != key:
                return None
            words = [tuple(block) for block in facts["words"]]
            game = TreeGame(
                **{name: archive[name] for name in _ARRAYS},
                players=tuple(facts["players"]),
                infosets=tuple(facts["infosets"]),
                actions=tuple(words[k] for k in archive["word"].tolist()),
                title=facts["title"],
            )
            if archive["seal"].tobytes() != _seal(about, game):
                return None
    except Exception:  # whatever is wrong with a file of the cache, the tree can be compiled
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now; the oldest are deleted first
    return game


def write(path: Path, key: str, game: TreeGame) -> None:
    """Keep a tree: written whole under another name, then renamed. Failing to is no error."""
    words = {block: k for k, block in enumerate(dict.fromkeys(game.actions))}
    facts: dict[str, Any] = {
        "key": key,
        "title": game.title,
        "players": game.players,
        "infosets": game.infosets,
        "words": list(words),
    }
    about = json.dumps(facts).encode()
    buffer = io.BytesIO()
    np.savez(
        buffer,
        about=np.frombuffer(about, dtype=np.uint8),
        word=np.array([words[block] for block in game.actions], dtype=np.int32),
        seal=np.frombuffer(_seal(about, game), dtype=np.uint8),
        **{name: getattr(game, name) for name in _ARRAYS},
    )
    content = buffer.getbuffer()
    if len(content) > MOST_BYTES:
        return
    with contextlib.suppress(OSError, ValueError):  # ValueError: a NUL character in the folder's name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, lambda temporary: temporary.write_bytes(content))
        _make_room(path)


def _seal(about: bytes, game: TreeGame) -> bytes:
    """Hash of everything in a file."""
    return hashlib.sha256(about + repr(game.actions).encode() + game.digest.encode()).digest()


def _make_room(kept: Path) -> None:
    """Delete the files unused for longest while all together are too large, and what dead processes left."""
    files = []
    for path in kept.parent.iterdir():
        with contextlib.suppress(OSError):
            status = path.stat()
            if path.name.endswith(_SUFFIX) and path != kept:
                files.append((status.st_mtime, status.st_size, path))
            elif path.suffix == ".part" and time.time() - status.st_mtime > _STALE:
                path.unlink()
    room = MOST_BYTES - kept.stat().st_size
    for _, size, path in sorted(files, reverse=True):
        room -= size
        if room < 0:
            with contextlib.suppress(OSError):
                path.unlink()
