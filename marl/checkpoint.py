"""Checkpoints: tensors in one safetensors file, everything else as JSON in its header. Reading one runs no code.

What is kept is a tree: dictionaries with names as keys, and at the leaves tensors, arrays, numbers, texts, truth values,
None, or lists of such. One file holds it all, so that one rename replaces a checkpoint.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from games import atomic
from games.errors import InputError
from marl.returns import Moments

Tree = dict[str, Any]
FORMAT = "staghunt-learner"
VERSION = 1
_HEADER = "staghunt"


def write_checkpoint(path: Path, tree: Tree) -> None:
    """Write a tree to `path`, whole or not at all.

    Raises
    ------
    InputError
        If the system refuses, a full disk say; an older file of this name stays as it was.
    """
    from safetensors.numpy import save

    tensors = dict(_tensors(tree, ""))
    about = {
        "format": FORMAT,
        "version": VERSION,
        "checksum": _checksum(tensors),
        "tree": _without_tensors(tree),
    }
    content = save(tensors, metadata={_HEADER: json.dumps(about)})

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    try:
        atomic.write_atomically(path, write, path.suffix)
    except OSError as error:
        raise InputError(f"cannot write the checkpoint {path}: {error.strerror or error}") from None


def read_checkpoint(path: Path, tensors: bool = True) -> Tree:
    """The tree in a file, its tensors as arrays, or left out where only the rest is wanted.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another version, or something else.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})[_HEADER])
            if about["format"] != FORMAT:
                raise ValueError
            version, tree = about["version"], about["tree"]
            if version == VERSION and tensors:
                found = {name: file.get_tensor(name) for name in sorted(file.keys())}
                if _checksum(found) != about["checksum"]:
                    raise ValueError
                for name, tensor in found.items():
                    _plant(tree, name, tensor)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is damaged, or is not a checkpoint of `staghunt train`") from None
    if version != VERSION:
        raise InputError(
            f"{path} is a checkpoint of version {version!r:.20}; this program reads version {VERSION}"
        )
    if not isinstance(tree, dict):
        raise InputError(f"{path} is damaged, or is not a checkpoint of `staghunt train`")
    return tree


def module_tree(module: nn.Module) -> Tree:
    """A module's parameters and buffers by name."""
    return {name.replace(".", ":"): tensor.detach() for name, tensor in module.state_dict().items()}


def load_module(module: nn.Module, tree: Any, what: str) -> None:
    """Set a module's parameters and buffers.

    Raises
    ------
    InputError
        If a tensor is missing, left over, or of another shape, naming it.
    """
    wanted, given = module_tree(module), tree if isinstance(tree, Mapping) else {}
    for name in sorted({*wanted, *given}):
        found = given.get(name)
        if isinstance(found, torch.Tensor):
            found = found.detach().cpu().numpy()
        if name not in wanted or not isinstance(found, np.ndarray) or found.shape != wanted[name].shape:
            told = "nothing" if name not in wanted else f"a tensor of shape {tuple(wanted[name].shape)}"
            shape = found.shape if isinstance(found, np.ndarray) else found
            raise InputError(
                f"the checkpoint does not fit: {what} has {told} called {name!r}, the file {_said(shape)}"
            )
        if found.dtype.kind not in "fiub" or (found.dtype.kind == "f" and not np.isfinite(found).all()):
            raise InputError(f"the checkpoint's {name!r} of {what} holds something that is not a number")
        with torch.no_grad():
            wanted[name].copy_(torch.from_numpy(np.array(found)))


def optimiser_tree(optimiser: torch.optim.Optimizer) -> Tree:
    """An optimiser's moments, by number of parameter."""
    return {str(i): dict(kept) for i, kept in optimiser.state_dict()["state"].items()}


def load_optimiser(optimiser: torch.optim.Optimizer, tree: Any) -> None:
    """Set the moments of Adam; `InputError` if they do not fit its parameters."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    try:
        for key, kept in tree.items():
            shape = parameters[int(key)].shape
            shapes = {"step": torch.Size(()), "exp_avg": shape, "exp_avg_sq": shape}
            state[int(key)] = {name: torch.as_tensor(value).clone() for name, value in kept.items()}
            if {name: value.shape for name, value in state[int(key)].items()} != shapes:
                raise ValueError
    except (ValueError, IndexError, AttributeError, TypeError):
        raise InputError("the checkpoint does not fit: its optimiser belongs to another network") from None
    whole = optimiser.state_dict()
    whole["state"] = state
    optimiser.load_state_dict(whole)


def load_moments(tree: Any, count: int) -> list[Moments]:
    """Running moments by number; `InputError` if they are not there."""
    try:
        kept = [{key: float(value) for key, value in tree[str(g)].items()} for g in range(count)]
        names = {field.name for field in fields(Moments)}
        if any(moments.keys() != names or not np.isfinite([*moments.values()]).all() for moments in kept):
            raise ValueError
        return [Moments(**moments) for moments in kept]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError("the checkpoint does not fit: running moments of returns are missing") from None


def whole_number(tree: Tree, key: str) -> int:
    """A count in a tree; `InputError` if there is none."""
    value = tree.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InputError(f"the checkpoint is damaged: {key} is {value!r:.40}, not a count")
    return value


def _said(shape: Any) -> str:
    return "has none" if shape is None else f"one of shape {shape}"


def _checksum(tensors: Mapping[str, np.ndarray]) -> int:
    """CRC-32 of the tensors' bytes, by which a flipped bit is noticed."""
    sum_ = 0
    for name in sorted(tensors):
        sum_ = zlib.crc32(tensors[name].tobytes(), sum_)
    return sum_


def _tensors(tree: Any, path: str) -> Iterator[tuple[str, np.ndarray]]:
    for key, value in tree.items():
        if not isinstance(key, str) or "/" in key:
            raise TypeError(f"a checkpoint's keys are names without a slash, not {key!r}")
        name = f"{path}{key}"
        if isinstance(value, dict):
            yield from _tensors(value, name + "/")
        elif isinstance(value, torch.Tensor):
            yield name, np.asarray(value.detach().cpu().numpy(), order="C")
        elif isinstance(value, np.ndarray):
            yield name, np.asarray(value, order="C")


def _without_tensors(tree: Any) -> Any:
    out = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            out[key] = _without_tensors(value)
        elif not isinstance(value, torch.Tensor | np.ndarray):
            out[key] = value
    return out


def _plant(tree: Any, name: str, tensor: np.ndarray) -> None:
    *folders, leaf = name.split("/")
    for folder in folders:
        tree = tree.setdefault(folder, {})
    tree[leaf] = tensor
