"""From settings to a checked record of a run: names known, types right, and where not, one sentence that says so."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from experiments.training.fields import Option, nearest_key, nearest_name, options_of
from experiments.training.layers import Given, Settings, from_mapping, merged, nested, short, source_of
from experiments.training.settings import Asked, Spec, Training
from experiments.training.yaml_text import read
from games.errors import InputError

_TOP = tuple(option.key for option in options_of(Asked, ""))


def learners() -> dict[str, tuple[type, dict[str, Any]]]:
    """All learners by name: their class, and the fields that the name fixes."""
    from marl.learners import LEARNERS

    return LEARNERS


def learner_options(name: str) -> list[Option]:
    """The settings that a learner has, without those that its name fixes."""
    kind, fixed = _learner(name, "")
    return [option for option in options_of(kind, "learner.") if option.key.split(".")[1] not in fixed]


def training_options() -> list[Option]:
    """All other settings."""
    return [*options_of(Asked, ""), *options_of(Training, "training.")]


def recipes() -> dict[str, Path]:
    """The configurations that come with the program, by name."""
    folder = Path(str(files("experiments"))) / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def settings_of_file(given: str) -> Settings:
    """The settings of ``--config``: of a file, or of a recipe by name.

    Raises
    ------
    InputError
        If there is neither, or the file is no configuration.
    """
    path, known = Path(given), recipes()
    if path.is_file():
        return from_mapping(read(path), given)
    if given in known:
        return from_mapping(read(known[given]), f"recipe {given}")
    if path.is_dir():
        raise InputError(f"--config {given} is a folder, expected a YAML file or the name of a recipe")
    near = nearest_name(given, known)
    hint = f"; did you mean {near}?" if near else f"; recipes are {', '.join(known)}" if known else ""
    raise InputError(f"--config {given}: there is no such file and no such recipe{hint}")


def spec_of(settings: Settings) -> Spec:
    """The record that settings describe.

    Raises
    ------
    InputError
        If a key is unknown, a value does not fit, or the learner or the environment is missing.
    """
    name = settings.get("learner.name")
    if name is None or not name.value:
        raise InputError(
            f"which learner? {_known_learners()}, as in `staghunt train mappo foraging:8x8-2p-3f`"
        )
    kind, fixed = _learner(name.value, name.source)
    if settings.get("env", Given(None, "")).value is None:
        raise InputError(
            f"which environment? `staghunt games` lists them, as in `staghunt train {name.value} foraging:8x8-2p-3f`"
        )
    _check_keys(settings, kind)
    _check_fixed(settings, str(name.value), fixed)
    top = {key: settings[key].value for key in _TOP if key in settings}
    asked: Asked = _built(Asked, top, settings, "")
    training: Training = _built(Training, nested(settings, "training"), settings, "training.")
    own = {key: value for key, value in nested(settings, "learner").items() if key != "name"}
    learner = _built(kind, {**own, **fixed}, settings, "learner.")
    return Spec(asked.env, str(name.value), learner, training.filled(), asked.seed, asked.seeds)


def spec_of_document(document: Any, source: str) -> Spec:
    """The record in a run's `spec.yaml`; `InputError` if it is none."""
    return spec_of(merged([from_mapping(document, source)]))


def _learner(name: Any, source: str) -> tuple[type, dict[str, Any]]:
    known = learners()
    found = known.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        near = nearest_name(str(name), known)
        hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
        where = f"{source}: " if source and source != "LEARNER" else ""
        raise InputError(f"{where}unknown learner {short(name)}; {hint}")
    return found


def _known_learners() -> str:
    names = list(learners())
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _check_keys(settings: Settings, kind: type) -> None:
    """Refuse keys that nobody knows, with the nearest that somebody does."""
    known = [option.key for option in training_options()] + [o.key for o in options_of(kind, "learner.")]
    for key, given in settings.items():
        if key in known or key == "learner.name":
            continue
        near = nearest_key(key, known)
        hint = f"did you mean {near}?" if near else "`staghunt train LEARNER --options` lists all"
        raise InputError(f"{given.source}: unknown key {key!r:.80}; {hint}")


def _check_fixed(settings: Settings, name: str, fixed: Mapping[str, Any]) -> None:
    for field, value in fixed.items():
        given = settings.get(f"learner.{field}")
        if given is not None and given.value != value:
            other = [n for n, (_, also) in learners().items() if also.get(field) == given.value]
            hint = f"; that would be {' or '.join(other)}" if other else ""
            raise InputError(
                f"{given.source}: learner.{field} is {short(value)} for {name}, not {short(given.value)}{hint}"
            )


def _built(kind: Any, values: dict[str, Any], settings: Settings, prefix: str) -> Any:
    """A checked record of a class; `InputError` naming the first value that does not fit."""
    for name, value in values.items():
        if not _is_finite(value):
            key = prefix + name
            raise InputError(f"{source_of(settings, key)}: {key} is {short(value)}, not a finite number")
    try:
        return TypeAdapter(kind).validate_json(json.dumps(_whole(values)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = prefix + _dotted(first["loc"])
        raise InputError(
            f"{source_of(settings, key.partition('[')[0])}: {key} is {short(_came(values, first))}, "
            f"expected {_wanted(first, kind)}"
        ) from None


def _came(values: dict[str, Any], problem: Any) -> Any:
    """The offending value; what pydantic calls input may be something around it."""
    value: Any = values
    try:
        for step in problem["loc"]:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return problem["input"]
    return value


def _is_finite(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_finite(item) for item in value)
    if isinstance(value, Mapping):
        return all(_is_finite(item) for item in value.values())
    return not isinstance(value, float) or math.isfinite(value)


def _whole(value: Any) -> Any:
    """The same with whole numbers for floats that are whole: 1e6 steps are a number of steps."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _dotted(location: tuple[Any, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


_NUMBERS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "of at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "of at most"),
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list, such as [64, 64]",
    "list": "a list, such as [64, 64]",
}


def _told(limit: float) -> str:
    return f"{int(limit):,}" if float(limit).is_integer() else f"{limit:g}"


def _wanted(problem: Any, kind: Any) -> str:
    """What would have been right, in words."""
    error, context = str(problem["type"]), problem.get("ctx") or {}
    if error in _NUMBERS:
        key, words = _NUMBERS[error]
        return f"a number {words} {_told(context[key])}"
    if error == "literal_error":
        return str(context["expected"]).replace("'", "")
    if error == "too_short":
        return f"a list of at least {context['min_length']}"
    if error == "missing":
        return "a value"
    return _KINDS.get(error.partition("_")[0], str(problem["msg"]).lower().removeprefix("input should be "))
