"""Whatever a file holds, reading it gives a game or an `InputError`, and soon."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from games.errors import InputError
from games.from_files import load_file
from games.normal import NormalFormGame
from games.tree import TreeGame

DATA = Path(__file__).parent / "data"
ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
OWN = sorted(DATA.glob("*.*fg")) + sorted(DATA.glob("*.csv")) + sorted(DATA.glob("*.json"))
PIECES = [
    "{",
    "}",
    '"',
    "\\",
    "0",
    "1",
    "-1",
    "1/0",
    "1/3",
    "1e400",
    "nan",
    "99999999",
    "p",
    "c",
    "t",
    ",",
    ";",
    "//",
    "#",
    "ÿ",
    "[",
    "]",
    ":",
    "null",
    "payoff_",
    "٣",
]
PIECES += ["9" * 5000, "{ " * 50, "\x00", "NFG 1 R", "EFG 2 R", "\n"]


def attempt(path, content):
    """Read these bytes as that file; the game if there is one."""
    path.write_bytes(content)
    before = time.process_time()
    game, complaint = None, str(path)
    try:
        tree = load_file(path)
        game = load_file(path, form="reduced") if isinstance(tree, TreeGame) else tree
    except InputError as error:
        complaint = str(error)
    assert time.process_time() - before < 10
    assert complaint.startswith(str(path))
    assert len(complaint) < 700 + len(str(path))
    if game is not None:
        assert isinstance(game, NormalFormGame)
        assert np.isfinite(game.payoffs).all()
        assert game.payoffs.shape == (len(game.players), *map(len, game.actions))
    return game


def mutate(content, rng):
    """A file after an accident: bytes flipped, tokens dropped, doubled, swapped or replaced, an end cut off."""
    kind = rng.randrange(7)
    if kind == 0 and content:
        changed = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    if kind == 1:
        return content[: rng.randrange(len(content) + 1)]
    tokens = content.split(b" ")
    k, m = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    if kind == 2:
        del tokens[k : k + rng.randint(1, 3)]
    elif kind == 3:
        tokens[k:k] = tokens[m : m + rng.randint(1, 5)]
    elif kind == 4:
        tokens[k], tokens[m] = tokens[m], tokens[k]
    elif kind == 5:
        tokens[k] = rng.choice(PIECES).encode("utf-8", "replace")
    else:
        tokens.insert(k, rng.choice(PIECES).encode("utf-8", "replace"))
    return b" ".join(tokens)


quietly = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quietly
@given(
    suffix=st.sampled_from([".nfg", ".efg", ".json", ".csv", ".npz", ".txt"]),
    content=st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8"))
    | st.lists(st.sampled_from(PIECES), max_size=40).map(lambda words: " ".join(words).encode("utf-8"))
    | st.lists(st.sampled_from(PIECES), max_size=40).map(
        lambda words: b'NFG 1 R "" { "a" "b" } { 2 2 } ' + " ".join(words).encode("utf-8")
    )
    | st.lists(st.sampled_from(PIECES), max_size=40).map(
        lambda words: b'EFG 2 R "" { "a" "b" } p "" 1 1 "" { "x" } 0 ' + " ".join(words).encode("utf-8")
    ),
)
def test_anything(tmp_path, suffix, content):
    attempt(tmp_path / f"any{suffix}", content)


@quietly
@given(source=st.sampled_from(OWN), seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_mutated_files_of_ours(tmp_path, source, seed, times):
    rng = random.Random(seed)
    content = source.read_bytes()
    for _ in range(times):
        content = mutate(content, rng)
    attempt(tmp_path / f"mutated{source.suffix}", content)


@quietly
@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_mutated_archives(tmp_path, seed, times):
    rng = random.Random(seed)
    path = tmp_path / "source.npz"
    np.savez(path, payoffs=np.zeros((2, 2, 2)))
    content = path.read_bytes()
    for _ in range(times):
        content = mutate(content, rng)
    attempt(tmp_path / "mutated.npz", content)


@pytest.mark.skipif(not ORACLES.is_dir(), reason="real files (../shared/oracles) are not here")
def test_mutated_real_files(tmp_path):
    rng = random.Random(7)
    games = refusals = 0
    for source in sorted((ORACLES / "games").rglob("*.*fg")):
        for _ in range(8):
            content = source.read_bytes()
            for _ in range(rng.randint(1, 3)):
                content = mutate(content, rng)
            game = attempt(tmp_path / f"mutated{source.suffix}", content)
            games, refusals = games + (game is not None), refusals + (game is None)
    assert games > 20
    assert refusals > 200


@pytest.mark.parametrize(
    "content",
    [
        b'NFG 1 R "" { "a" "b" } { 99999999 99999999 } 1 2',
        b'NFG 1 R "" { "a" "b" } { 2 2 } 1 2 3 4 5 6 7 ' + b"9" * 10**6,
        b'NFG 1 R "" { "a" "b" } { 2 2 } 1 2 3 4 5 6 7 1/' + b"7" * 10**6,
        b'NFG 1 R "" { "a" "b" } { 2 2 } 1 2 3 4 5 6 7 1e999999999',
        b'NFG 1 R "" ' + b"{ " * 10**6,
        b'NFG 1 R "' + b"\\" * 10**6,
        b'NFG 1 R "' + b'\\"' * 10**6,
        b"NFG 1 R " + b"/" * 10**6,
        b"NFG 1 R " + b", " * 10**6,
        b"NFG 1 R " + b"//\n#\n" * 3 * 10**5,
        b'EFG 2 R "" { "a" } ' + b'p "" 1 1 "" { "x" "y" } 0 ' * 10**4,
        b'EFG 2 R "" { "a" } c "" 1 "" { ' + b'"" 1/99991 ' * 10**4 + b"} 0",
        b'EFG 2 R "" { "a" } p "" 1 1 "" { ' + b'"x" ' * 10**5 + b"} 0 t",
    ],
    ids=range(13),
)
def test_hostile_files_are_refused_quickly(tmp_path, content):
    assert attempt(tmp_path / "hostile.game", content) is None
