"""The fields of records as settings: their dotted keys, descriptions and defaults, and which is meant by a wrong one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic_core import PydanticUndefined


class Option(NamedTuple):
    """A setting."""

    key: str
    kind: str  # in words
    default: Any
    about: str


def options_of(kind: Any, prefix: str) -> list[Option]:
    """The fields of a pydantic dataclass, those of records in it too, by dotted key."""
    out: list[Option] = []
    for name, field in kind.__pydantic_fields__.items():
        inner = [part for part in (field.annotation, *get_args(field.annotation)) if is_record(part)]
        if inner:
            for part in inner:
                out += options_of(part, f"{prefix}{name}.")
            continue
        default = None if field.default is PydanticUndefined else field.default
        out.append(Option(prefix + name, in_words(field.annotation), default, field.description or ""))
    return list({option.key: option for option in out}.values())


def is_record(kind: Any) -> bool:
    """Whether a type is a pydantic dataclass."""
    return isinstance(kind, type) and hasattr(kind, "__pydantic_fields__")


def in_words(kind: Any) -> str:
    """A type as a reader of a configuration calls it."""
    if get_origin(kind) is Literal:
        return " | ".join(str(value) for value in get_args(kind))
    plain = {int: "whole number", float: "number", bool: "true | false", str: "text"}
    if kind in plain:
        return plain[kind]
    parts = [part for part in get_args(kind) if part is not type(None)]
    if get_origin(kind) in (tuple, list):
        return f"list of {in_words(parts[0])}s"
    return " | ".join(in_words(part) for part in parts if part is not Ellipsis) or str(kind)


def nearest_name(given: str, known: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    names = list(known)
    near = get_close_matches(given.lower(), names, 1, 0.5)
    return near[0] if near else None


def nearest_key(given: str, known: Sequence[str]) -> str | None:
    """The dotted key that was probably meant.

    >>> keys = ["seed", "training.steps", "learner.learning_rate", "learner.critic_learning_rate"]
    >>> [nearest_key(k, keys) for k in ("steps", "lerning_rate", "learner.lr", "train.steps", "bananas")]
    ['training.steps', 'learner.learning_rate', 'learner.learning_rate', 'training.steps', None]
    """
    above = given.rpartition(".")[0]
    if above in known:
        return above
    section, _, leaf = given.lower().replace("-", "_").rpartition(".")

    def likeness(key: str) -> float:
        home, _, name = key.rpartition(".")
        initials = "".join(word[0] for word in name.split("_"))
        same = 1.0 if leaf == name else 0.9 if leaf == initials and len(leaf) > 1 else 0.0
        close = max(same, SequenceMatcher(None, leaf, name).ratio())
        nearby = SequenceMatcher(None, section, home).ratio() if section else 0.0
        return close + 0.1 * nearby if close >= 0.6 else 0.0

    best = max(known, key=likeness, default=None)
    return best if best is not None and likeness(best) > 0 else None
