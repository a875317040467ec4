"""The disk cache of compiled trees: what is kept, found, refused, replaced and thrown away."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from games import load, tree_cache
from games.efg_write import to_efg_text
from games.errors import InputError
from games.from_files import load_tree
from games.tree import TreeGame
from games.tree_build import from_efg

DATA = Path(__file__).parent / "data"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache" / "trees"
    monkeypatch.setenv("STAGHUNT_CACHE", str(folder))
    monkeypatch.setattr(tree_cache, "WORTH", 0.0)
    return folder


@pytest.fixture
def game() -> TreeGame:
    return from_efg(load_tree(DATA / "signal.efg"))


def same(a: TreeGame, b: TreeGame) -> bool:
    return (a.digest, a.title, a.players, a.infosets, a.actions) == (
        b.digest,
        b.title,
        b.players,
        b.infosets,
        b.actions,
    )


def never() -> TreeGame:
    raise AssertionError("built again")


def only(home: Path) -> Path:
    (path,) = home.iterdir()
    return path


def test_what_is_kept_is_found_whole(home: Path, game: TreeGame) -> None:
    assert tree_cache.cached("key", lambda: game) is game
    found = tree_cache.cached("key", never)
    assert found is not game and same(found, game)
    assert not found.payoff.flags.writeable
    assert tree_cache.cached("other key", lambda: game) is game
    assert len(list(home.iterdir())) == 2


def test_trees_made_quickly_are_not_kept(home: Path, game: TreeGame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_cache, "WORTH", 0.3)
    tree_cache.cached("key", lambda: game)
    assert not home.exists()


@pytest.mark.parametrize("switch", ["off", "OFF", "no", "0", " off "])
def test_the_cache_can_be_switched_off(
    home: Path, game: TreeGame, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    monkeypatch.setenv("STAGHUNT_CACHE", switch)
    tree_cache.cached("key", lambda: game)
    assert tree_cache.folder() is None and not home.exists()


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STAGHUNT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tree_cache.folder() == tmp_path / "staghunt"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tree_cache.folder() == tmp_path / ".cache" / "staghunt"


def damage(kind: str, path: Path, game: TreeGame) -> None:
    content = bytearray(path.read_bytes())
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "flipped":
        content[len(content) // 3] ^= 4
        path.write_bytes(content)
    elif kind == "foreign":
        path.write_bytes(b"#!/bin/sh\necho nothing of ours\n")
    elif kind == "pickle":
        np.savez(path, about=np.array([{"key": "key"}], dtype=object))
    elif kind == "other":
        np.savez(path, numbers=np.arange(3))
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        with np.load(path) as archive:
            arrays = dict(archive)
        if kind == "payoff":
            arrays["payoff"] = arrays["payoff"] + 1
        elif kind == "tree":
            arrays["parent"] = np.full_like(arrays["parent"], 10**6)
        elif kind == "names":
            facts = json.loads(arrays["about"].tobytes())
            facts["infosets"][0] = "another"
            arrays["about"] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        elif kind == "words":
            arrays["word"] = arrays["word"] - 1
        elif kind == "key":
            facts = json.loads(arrays["about"].tobytes()) | {"key": "another"}
            arrays["about"] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        np.savez(path, **arrays)


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "cut",
        "flipped",
        "foreign",
        "pickle",
        "folder",
        "payoff",
        "tree",
        "names",
        "words",
        "key",
        "other",
    ],
)
def test_damaged_files_are_compiled_again_and_replaced(home: Path, game: TreeGame, kind: str) -> None:
    tree_cache.cached("key", lambda: game)
    path = only(home)
    damage(kind, path, game)
    assert tree_cache.read(path, "key") is None
    assert same(tree_cache.cached("key", lambda: game), game)
    if kind != "folder":
        assert same(tree_cache.cached("key", never), game)
    assert [p.suffix for p in home.iterdir()] == [".npz"]


def test_every_flipped_bit_is_noticed_or_harmless(home: Path, game: TreeGame) -> None:
    tree_cache.cached("key", lambda: game)
    path = only(home)
    content = path.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(200):
        broken = bytearray(content)
        broken[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        found = tree_cache.read(path, "key")
        assert found is None or same(found, game)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs folders that cannot be written to")
def test_a_folder_that_cannot_be_written_to(home: Path, game: TreeGame) -> None:
    home.mkdir(parents=True)
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert tree_cache.cached("key", lambda: game) is game
    assert not list(home.iterdir())


def test_a_folder_that_cannot_exist(tmp_path: Path, game: TreeGame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_cache, "WORTH", 0.0)
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "below", tmp_path / "file", Path("/proc/nowhere"), Path("a\0b")):
        if "\0" in str(place):
            monkeypatch.setattr(tree_cache, "folder", lambda place=place: place)
        else:
            monkeypatch.setenv("STAGHUNT_CACHE", str(place))
        assert tree_cache.cached("key", lambda: game) is game


def test_the_oldest_files_make_room(home: Path, game: TreeGame, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(4):
        tree_cache.cached(f"key {k}", lambda: game)
        path = max(home.iterdir(), key=lambda p: p.stat().st_ctime_ns)
        os.utime(path, (1000 + k, 1000 + k))
    size = path.stat().st_size
    tree_cache.cached("key 0", never)  # used again: now the newest
    half = home / "half.part"
    half.write_bytes(b"x")
    os.utime(half, (0, 0))
    young = home / "young.part"
    young.write_bytes(b"x")
    monkeypatch.setattr(tree_cache, "MOST_BYTES", 3 * size + 100)
    tree_cache.cached("key 4", lambda: game)
    assert not half.exists() and young.exists()
    for k in (0, 3, 4):
        tree_cache.cached(f"key {k}", never)
    for k in (1, 2):
        with pytest.raises(AssertionError, match="built again"):
            tree_cache.cached(f"key {k}", never)
    monkeypatch.setattr(tree_cache, "MOST_BYTES", 100)
    tree_cache.cached("key 5", lambda: game)  # larger than the whole cache may be
    with pytest.raises(AssertionError, match="built again"):
        tree_cache.cached("key 5", never)


def test_openspiel_games_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspiel")
    first = load("openspiel:kuhn_poker")
    monkeypatch.setattr("games.from_openspiel.compile_tree", lambda *_: never())
    assert same(load("openspiel:kuhn_poker"), first)
    assert load("openspiel:kuhn_poker?form=reduced").shape == (27, 64)
    with pytest.raises(InputError, match="more than 57 nodes"):
        load("openspiel:kuhn_poker", max_nodes=57)
    with pytest.raises(AssertionError, match="built again"):
        load("openspiel:kuhn_poker(players=3)")
    monkeypatch.setattr("games.from_openspiel._version", lambda: "another")
    with pytest.raises(AssertionError, match="built again"):
        load("openspiel:kuhn_poker")


def test_games_that_may_change_are_told_apart(home: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyspiel")
    path = tmp_path / "game.efg"
    text = to_efg_text(load("openspiel:kuhn_poker"))
    path.write_text(text)
    before = load(f"openspiel:efg_game(filename={path})")
    path.write_text(text.replace("{ 2, -2 }", "{ 3, -3 }"))
    after = load(f"openspiel:efg_game(filename={path})")
    assert before.payoff.max() == 2 and after.payoff.max() == 3
    twice = [
        load(f"openspiel:normal_form_extensive_game(game={name}())?form=tree")
        for name in ("kuhn_poker", "tiny_hanabi")
    ]
    assert twice[0].nodes != twice[1].nodes


def test_games_written_in_python_are_not_kept(home: Path) -> None:
    pytest.importorskip("pyspiel")
    pytest.importorskip("open_spiel.python.games")
    for text in (
        "python_kuhn_poker",
        "misere(game=python_kuhn_poker())",
    ):
        tree = load(f"openspiel:{text}")
        assert tree.nodes > 5 and not home.exists()
    assert load("openspiel:python_kuhn_poker").digest == load("openspiel:kuhn_poker").digest


def test_large_files_are_kept(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("games.from_files._LARGE", 100)
    path = tmp_path / "signal.efg"
    path.write_bytes((DATA / "signal.efg").read_bytes())
    first = load(path)
    monkeypatch.setattr("games.efg.parse_efg", lambda text: never())
    assert same(load(path), first)
    path.write_text(path.read_text() + " ")
    with pytest.raises(AssertionError, match="built again"):
        load(path)


def test_reading_is_faster_than_compiling(home: Path) -> None:
    pytest.importorskip("pyspiel")
    load("openspiel:liars_dice(dice_sides=5)")
    started = time.process_time()
    tree = load("openspiel:liars_dice(dice_sides=5)")
    assert time.process_time() - started < 5 and tree.nodes == 38_381
