"""Checkpoints of learners: exact, atomic, and nothing in a stranger's file is ever run."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save

from games import atomic
from games.errors import InputError
from marl import checkpoint
from marl.checkpoint import (
    load_module,
    load_moments,
    load_optimiser,
    module_tree,
    optimiser_tree,
    read_checkpoint,
    whole_number,
    write_checkpoint,
)
from marl.learner_trial import snapshot, tree_difference
from marl.returns import Moments

DTYPES = [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, np.uint64, np.bool_]
TENSORS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="/"), max_size=6)
TREES = st.dictionaries(
    NAMES,
    st.recursive(TENSORS | PLAIN, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8),
    max_size=4,
)


@given(tree=TREES)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]) -> None:
    file = tmp_path_factory.getbasetemp() / "tree.safetensors"
    write_checkpoint(file, tree)
    read = read_checkpoint(file)
    assert tree_difference(tree, read) is None and shape_of(tree) == shape_of(read)


def shape_of(tree: Any) -> Any:
    """Which dictionaries a tree has, empty ones too."""
    return {k: shape_of(v) for k, v in tree.items()} if isinstance(tree, dict) else None


def test_tensors_of_torch_are_arrays_when_read(tmp_path: Path) -> None:
    file = tmp_path / "t.safetensors"
    base = torch.arange(12.0).reshape(3, 4)
    tree = {
        "scalar": torch.tensor(3.0),
        "turned": base.T,
        "part": base[1:, ::2],
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "empty": torch.zeros(0, 3),
        "yes": torch.tensor(True),
        "deep": {"er": {"long": torch.tensor([2**62])}},
    }
    write_checkpoint(file, tree)
    read = read_checkpoint(file)
    assert tree_difference(snapshot(tree), read) is None
    assert read["scalar"].shape == () and read["turned"].shape == (4, 3)


def test_generators_go_on_where_they_were(tmp_path: Path) -> None:
    file, rng = tmp_path / "r.safetensors", np.random.default_rng(3)
    rng.random(7)
    rng.integers(0, 5, dtype=np.uint32)  # leaves half a word behind
    write_checkpoint(file, {"rng": rng.bit_generator.state})
    other = np.random.default_rng(0)
    other.bit_generator.state = read_checkpoint(file)["rng"]
    assert (rng.integers(0, 5, 9, dtype=np.uint32) == other.integers(0, 5, 9, dtype=np.uint32)).all()


@pytest.mark.parametrize(
    "tree", [{"a/b": np.zeros(1)}, {3: 1}, {"a": {None: 1}}, {"a": object()}, {"a": {1, 2}}]
)
def test_what_is_not_a_tree_is_a_bug_of_the_caller(tmp_path: Path, tree: Any) -> None:
    file = tmp_path / "t.safetensors"
    write_checkpoint(file, {"old": 1})
    with pytest.raises(TypeError):
        write_checkpoint(file, tree)
    assert read_checkpoint(file) == {"old": 1} and os.listdir(tmp_path) == [file.name]


# --- atomicity --------------------------------------------------------------------------------------------


def full_disk(*_: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    file = tmp_path / "last.safetensors"
    write_checkpoint(file, {"steps": 1, "w": np.ones(3)})
    before = file.read_bytes()
    target = checkpoint.os if place == "fsync" else atomic.os
    with monkeypatch.context() as patched:
        patched.setattr(target, place, full_disk)
        with pytest.raises(InputError, match=r"cannot write the checkpoint .*: No space left on device"):
            write_checkpoint(file, {"steps": 2, "w": np.zeros(3)})
    assert file.read_bytes() == before and os.listdir(tmp_path) == [file.name]


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write the checkpoint"):
        write_checkpoint(tmp_path / "none" / "a.safetensors", {})


# --- strangers' files -------------------------------------------------------------------------------------


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.where),)


def header(about: Any, tensors: dict[str, np.ndarray] | None = None) -> bytes:
    """A safetensors file whose metadata hold `about` as JSON, or as it is."""
    told = about if isinstance(about, str) else json.dumps(about)
    return save(tensors or {}, metadata={"staghunt": told})


def lying(entry: Any, length: int = 8) -> bytes:
    """A safetensors file whose header says something else about its content."""
    about = {"format": "staghunt-learner", "version": 1, "tree": {}}
    told = json.dumps({"__metadata__": {"staghunt": json.dumps(about)}, "w": entry}).encode()
    return struct.pack("<Q", len(told)) + told + bytes(length)


def good(tree: Any = None, **others: Any) -> dict[str, Any]:
    return {"format": "staghunt-learner", "version": 1, "tree": {} if tree is None else tree} | others


DEEP = "[" * 100_000 + "]" * 100_000
DAMAGED = {
    "nothing": b"",
    "noise": bytes(range(256)) * 8,
    "text": b"hello",
    "huge header": struct.pack("<Q", 2**63) + b"{}",
    "header beyond the file": struct.pack("<Q", 10**6) + b"{}",
    "header not JSON": struct.pack("<Q", 4) + b"abcd",
    "beyond the end": lying({"dtype": "F32", "shape": [100], "data_offsets": [0, 400]}),
    "other size": lying({"dtype": "F32", "shape": [100], "data_offsets": [0, 8]}),
    "backwards": lying({"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}),
    "overflow": lying({"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 8]}),
    "negative": lying({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}),
    "no type": lying({"dtype": "OBJECT", "shape": [2], "data_offsets": [0, 8]}),
    "no metadata": save({"w": np.zeros(2)}),
    "metadata not JSON": header("{"),
    "deep JSON": header(DEEP),
    "deep tree": header(json.dumps(good())[:-3] + DEEP + "}"),
    "huge number": header(json.dumps(good())[:-3] + "1" * 100_000 + "}"),
    "a list": header([1, 2]),
    "another format": header(good(format="pickle")),
    "no version": header({"format": "staghunt-learner", "tree": {}}),
    "no tree": header({"format": "staghunt-learner", "version": 1}),
    "tree is a list": header(good([1])),
    "tree is a text": header(good("os.system")),
    "folder is a number": header(good({"a": 3}), {"a/b": np.zeros(1)}),
    "folder is a text": header(good({"a": "x"}), {"a/b": np.zeros(1)}),
}


def check_damaged(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"is damaged, or is not a checkpoint of `staghunt train`") as caught:
        read_checkpoint(file)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == content, "what is refused is not touched"


@pytest.mark.parametrize("how", DAMAGED)
def test_damaged_files_are_one_sentence(tmp_path: Path, how: str) -> None:
    check_damaged(tmp_path / "x.safetensors", DAMAGED[how])


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    file, mark = tmp_path / "x.safetensors", tmp_path / "hacked"
    check_damaged(file, pickle.dumps(Bomb(mark)))
    torch.save({"w": Bomb(mark)}, file)
    check_damaged(file, file.read_bytes())
    np.savez(tmp_path / "x.npz", w=np.array([Bomb(mark)], dtype=object))
    check_damaged(file, (tmp_path / "x.npz").read_bytes())
    assert not mark.exists()
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert mark.exists(), "the bomb is a real one"


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w", bytes(10**8))
    content = (tmp_path / "b.zip").read_bytes()
    assert len(content) < 10**6
    check_damaged(tmp_path / "x.safetensors", content)


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "whole.safetensors"
    write_checkpoint(file, {"w": np.arange(5.0), "steps": 3})
    content = file.read_bytes()
    for length in range(len(content)):
        check_damaged(tmp_path / "part.safetensors", content[:length])


@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "byte.safetensors"
    content = bytearray(header(good({"steps": 3}), {"w": np.arange(5.0)}))
    content[place % len(content)] = value
    file.write_bytes(content)
    with suppress(InputError):
        assert isinstance(read_checkpoint(file), dict)


def test_other_versions_and_missing_files(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(header(good(version=2)))
    with pytest.raises(InputError, match="of version 2; this program reads version 1"):
        read_checkpoint(file)
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="there is no checkpoint"):
            read_checkpoint(missing)


# --- what does not fit ------------------------------------------------------------------------------------


def module(width: int = 3) -> torch.nn.Module:
    made = torch.nn.Linear(2, width)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(0.5)
    return made


def test_modules_and_optimisers_come_back() -> None:
    first, second = module(), module()
    adam, other = (torch.optim.Adam(m.parameters(), lr=0.1) for m in (first, second))
    for _ in range(3):
        first(torch.ones(1, 2)).square().sum().backward()
        adam.step()
    load_module(second, module_tree(first), "it")  # tensors do as well as arrays
    load_optimiser(other, snapshot(optimiser_tree(adam)))
    for net, opt in ((first, adam), (second, other)):
        opt.zero_grad()
        net(torch.ones(1, 2)).square().sum().backward()
        opt.step()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters()))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"weight": None}, r"has a tensor of shape \(3, 2\) called 'weight', the file has none"),
        ({"weight": np.zeros((2, 3), dtype=np.float32)}, r"the file one of shape \(2, 3\)"),
        ({"more": np.zeros(1)}, "the policy has nothing called 'more'"),
        ({"bias": "text"}, "called 'bias', the file one of shape text"),
        (
            {"bias": np.full(3, np.nan, dtype=np.float32)},
            "'bias' of the policy holds something that is not a number",
        ),
        ({"bias": np.zeros(3, dtype=np.complex64)}, "holds something that is not a number"),
    ],
)
def test_modules_refuse_what_does_not_fit(change: Any, told: str) -> None:
    tree = snapshot(module_tree(module())) | change
    with pytest.raises(InputError, match=told):
        load_module(module(), {k: v for k, v in tree.items() if v is not None}, "the policy")


@pytest.mark.parametrize("tree", [None, [], "text", {}])
def test_modules_refuse_what_is_no_tree(tree: Any) -> None:
    with pytest.raises(InputError, match="does not fit"):
        load_module(module(), tree, "the policy")


FIT = {"step": np.float32(1), "exp_avg": np.zeros(3, np.float32), "exp_avg_sq": np.zeros(3, np.float32)}


@pytest.mark.parametrize(
    "tree",
    [
        {"7": FIT},
        {"x": FIT},
        {"1": "text"},
        {"1": FIT | {"exp_avg": np.zeros(4, np.float32)}},
        {"1": FIT | {"exp_avg": "text"}},
        {"1": FIT | {"step": np.zeros(2)}},
        {"1": FIT | {"exp_avg": np.array(["a"], dtype=object)}},
        {"1": FIT | {"more": np.zeros(1)}},
        {"1": {"step": 1.0}},
        [],
        None,
    ],
)
def test_optimisers_refuse_what_does_not_fit(tree: Any) -> None:
    adam = torch.optim.Adam(module().parameters())
    load_optimiser(adam, {"1": FIT})
    with pytest.raises(InputError, match="its optimiser belongs to another network"):
        load_optimiser(adam, tree)


MOMENTS = vars(Moments(0.9, 0.5, 1.0, 2.0))


def test_moments_come_back() -> None:
    assert load_moments({"0": dict(MOMENTS)}, 1) == [Moments(**MOMENTS)]


@pytest.mark.parametrize(
    "tree",
    [
        None,
        {},
        {"0": 3},
        {"1": MOMENTS},
        {"0": {"keep": 0.9}},
        {"0": MOMENTS | {"mean": "x"}},
        {"0": MOMENTS | {"mean": None}},
        {"0": MOMENTS | {"mean": float("inf")}},
        {"0": MOMENTS | {"more": 1.0}},
    ],
)
def test_moments_refuse_what_does_not_fit(tree: Any) -> None:
    with pytest.raises(InputError, match="running moments of returns are missing"):
        load_moments(tree, 1)


@pytest.mark.parametrize("value", [None, -1, 1.0, "1", True, [1]])
def test_counts_are_whole(value: Any) -> None:
    with pytest.raises(InputError, match=r"steps is .*, not a count"):
        whole_number({"steps": value}, "steps")
    assert whole_number({"steps": 4}, "steps") == 4


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_checkpoint(path, {"numbers": np.arange(50.0)})
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_checkpoint(path)
