"""Settings laid over one another: defaults under a file under the command line under `--set`, each with its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from experiments.training.yaml_text import parse
from games.errors import InputError

SECTIONS = ("learner", "training")
NAMED = ("learner", "learner.independent", "learner.central")
"""Sections that a name alone may stand for: `learner: mappo`."""
IGNORED = ("about", "format", "version", "provenance")
"""Keys of the top that say nothing about what is to be done: a run's `spec.yaml` is a configuration too."""


class Given(NamedTuple):
    """A value that somebody set."""

    value: Any
    source: str  # the file or the option, for messages


Settings = dict[str, Given]
"""By dotted key, such as ``training.steps``."""


def from_mapping(document: Any, source: str) -> Settings:
    """The settings in a configuration file.

    Raises
    ------
    InputError
        If it is no mapping, or a section is none.
    """
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise InputError(
            f"{source}: expected settings such as `env: foraging:8x8-2p-3f`, not {short(document)}"
        )
    out: Settings = {}
    for key, value in document.items():
        if str(key) not in IGNORED:
            _flatten(str(key), value, source, out)
    return out


def from_assignments(assignments: Iterable[str]) -> Settings:
    """The settings of ``--set key=value``; `InputError` for anything else."""
    out: Settings = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise InputError(
                f"--set {text!r:.80} is not of the form key=value, such as training.batch=32 or learner.hidden=[128, 128]"
            )
        _flatten(key, parse(value, f"--set {key}"), "--set", out)
    return out


def from_options(options: Mapping[str, tuple[Any, str]]) -> Settings:
    """The options of the command line that were given: by dotted key, the value and the option's name."""
    return {key: Given(value, name) for key, (value, name) in options.items() if value is not None}


def number(text: str | None, option: str) -> Any:
    """The number in an option's text, which may be written 2e6 or 1_000_000; None if the option was not given."""
    if text is None:
        return None
    value = parse(text.replace(",", ""), option)
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise InputError(f"{option} {text!r:.40} is not a whole number")
    return int(value)


def merged(layers: Iterable[Settings]) -> Settings:
    """Later layers win."""
    out: Settings = {}
    for layer in layers:
        out |= layer
    return out


def nested(settings: Settings, section: str) -> dict[str, Any]:
    """The part of the settings under a section, as the tree that it stands for."""
    out: dict[str, Any] = {}
    for key, given in settings.items():
        head, *rest = key.split(".")
        if head != section or not rest:
            continue
        place = out
        for name in rest[:-1]:
            place = place.setdefault(name, {})
        place[rest[-1]] = given.value
    return out


def source_of(settings: Settings, key: str) -> str:
    """Who set a key or something under it, for messages."""
    for name, given in settings.items():
        if name == key or name.startswith(key + ".") or key.startswith(name + "."):
            return given.source
    return "the configuration"


def short(value: Any) -> str:
    """A value in a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _flatten(key: str, value: Any, source: str, out: Settings) -> None:
    if key in NAMED and isinstance(value, str):
        key = f"{key}.name"
    if isinstance(value, Mapping):
        for name, item in value.items():
            _flatten(f"{key}.{name}", item, source, out)
        return
    if value is None and key in {*SECTIONS, *NAMED}:  # a section whose lines are all commented out
        return
    if key in SECTIONS:
        raise InputError(f"{source}: {key} is {short(value)}, not a section of settings")
    out[key] = Given(value, source)
