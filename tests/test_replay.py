"""The replay: a ring of the newest segments, drawn from uniformly, saved whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from games.errors import InputError
from marl.checkpoint import read_checkpoint, write_checkpoint
from marl.replay import Kept, Replay

STEPS = 3
LAYOUT = {
    "seen": Kept((2,)),
    "done": Kept((), torch.int32),
    "legal": Kept((2, 2), torch.bool),
    "memory": Kept((4,), timed=False),
}


def numbered(first: int, size: int) -> dict[str, Any]:
    """Segments number `first` and on, whose contents tell number and time."""
    number = np.arange(first, first + size)
    code = 10 * number[None, :] + np.arange(STEPS)[:, None]
    return {
        "seen": np.stack([code, -code], axis=-1).astype(np.float32),
        "done": code.astype(np.int64),
        "legal": np.broadcast_to((code % 2 == 0)[..., None, None], (STEPS, size, 2, 2)),
        "memory": np.repeat(number[:, None], 4, axis=1).astype(np.float32),
    }


def numbers(replay: Replay) -> list[int]:
    """The segments in the ring, after checking that everything about them fits together."""
    held = replay.segments(np.arange(replay.filled))
    wanted = held["memory"][:, 0].long()
    code = 10 * wanted[None, :] + torch.arange(STEPS)[:, None]
    assert (held["done"] == code).all()
    assert (held["seen"] == torch.stack([code, -code], dim=-1)).all()
    assert (held["legal"] == (code % 2 == 0)[..., None, None]).all()
    assert (held["memory"] == wanted[:, None]).all()
    return wanted.tolist()


@given(st.integers(1, 7), st.lists(st.integers(1, 9), max_size=8))
def test_the_ring_holds_the_newest(capacity: int, sizes: list[int]) -> None:
    replay, first = Replay(capacity, STEPS, LAYOUT), 0
    for size in sizes:
        replay.add(numbered(first, size))
        first += size
        assert sorted(numbers(replay)) == list(range(max(0, first - capacity), first))
    assert replay.added == first
    assert replay.filled == min(first, capacity)


def test_single_steps_are_those_of_their_segments() -> None:
    replay = Replay(5, STEPS, LAYOUT)
    replay.add(numbered(0, 7))
    held = numbers(replay)
    times, which = np.array([2, 0, 1, 2]), np.array([4, 0, 4, 3])
    single = replay.transitions(times, which)
    assert single["done"].tolist() == [[10 * held[w] + t for t, w in zip(times, which)]]
    assert single["seen"].shape == (1, 4, 2)
    assert single["memory"][:, 0].tolist() == [held[w] for w in which]


@pytest.mark.parametrize("how", ["segments", "transitions"])
def test_draws_are_uniform(how: str) -> None:
    replay, rng = Replay(6, STEPS, LAYOUT), np.random.default_rng(1)
    replay.add(numbered(0, 9))
    counts: dict[int, int] = {}
    for _ in range(4_000):
        for code in replay.draw(3, how, rng)["done"].flatten().tolist():
            counts[code] = counts.get(code, 0) + 1
    assert len(counts) == 6 * STEPS
    mean = sum(counts.values()) / len(counts)
    square = sum((n - mean) ** 2 / mean for n in counts.values())
    if how == "segments":  # the steps of a segment come together: six independent numbers, each three times
        square /= STEPS
        assert square < 20.5  # chi-square, 5 degrees of freedom, 0.1 %
    else:
        assert square < 40.8  # 17 degrees of freedom


def test_segments_of_a_draw_differ_while_there_are_enough() -> None:
    replay, rng = Replay(6, STEPS, LAYOUT), np.random.default_rng(2)
    replay.add(numbered(0, 4))
    assert all(len(set(replay.draw(4, "segments", rng)["done"][0].tolist())) == 4 for _ in range(50))
    assert replay.draw(9, "segments", rng)["done"].shape == (STEPS, 9)


def test_the_same_generator_draws_the_same() -> None:
    replay = Replay(6, STEPS, LAYOUT)
    replay.add(numbered(0, 6))
    one, other = (replay.draw(4, "segments", np.random.default_rng(3)) for _ in range(2))
    assert all((one[name] == other[name]).all() for name in LAYOUT)


def test_what_was_drawn_is_not_changed_by_what_comes_later() -> None:
    replay = Replay(2, STEPS, LAYOUT)
    replay.add(numbered(0, 2))
    drawn = replay.segments(np.array([0, 1]))
    replay.add(numbered(2, 2))
    assert drawn["done"][0].tolist() == [0, 10]


@pytest.mark.parametrize("added", [0, 3, 8])
def test_saved_and_loaded_it_goes_on_as_it_would_have(added: int, tmp_path: Path) -> None:
    replay = Replay(5, STEPS, LAYOUT)
    if added:
        replay.add(numbered(0, added))
    write_checkpoint(tmp_path / "replay.safetensors", {"replay": replay.save()})
    other = Replay(5, STEPS, LAYOUT)
    other.load(read_checkpoint(tmp_path / "replay.safetensors")["replay"])
    for both in (replay, other):
        both.add(numbered(added, 4))
    assert numbers(replay) == numbers(other)
    assert replay.added == other.added == added + 4


def test_a_replay_that_does_not_fit_is_refused() -> None:
    replay = Replay(5, STEPS, LAYOUT)
    replay.add(numbered(0, 3))
    tree = {"added": 3, "kept": {name: ring.numpy() for name, ring in replay.save()["kept"].items()}}
    for broken, told in (
        (None, "has no replay"),
        ({"added": -1}, "damaged"),
        ({"added": 3, "kept": {}}, "'seen' of shape None"),
        ({"added": 2, "kept": tree["kept"]}, "'seen' of shape"),
        (tree | {"kept": tree["kept"] | {"memory": np.full((3, 4), np.nan)}}, "not a number"),
    ):
        with pytest.raises(InputError, match=told):
            Replay(5, STEPS, LAYOUT).load(broken)


def test_pieces_that_do_not_fit_are_refused() -> None:
    replay, pieces = Replay(5, STEPS, LAYOUT), numbered(0, 2)
    with pytest.raises(InputError, match="'memory' of shape"):
        replay.add({**pieces, "memory": np.zeros((2, 3), dtype=np.float32)})
    with pytest.raises(InputError, match="not nothing"):
        replay.add({name: piece for name, piece in pieces.items() if name != "done"})
    with pytest.raises(InputError, match=r"pieces of \[2, 3\] segments"):
        replay.add({**pieces, "memory": np.zeros((3, 4), dtype=np.float32)})
    with pytest.raises(InputError, match="'done' of shape"):
        replay.add({**pieces, "done": pieces["done"][:2]})
    with pytest.raises(InputError, match="at least one segment"):
        Replay(0, STEPS, LAYOUT)
    assert replay.added == 0
