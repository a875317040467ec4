"""From settings to a checked record of a run: names known, types right, and where not, one sentence that says so."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from experiments.training.fields import Option, nearest_key, nearest_name, options_of
from experiments.training.layers import Given, Settings, from_mapping, merged, nested, short, source_of
from experiments.training.settings import Asked, Spec, Training
from experiments.training.yaml_text import read
from games.errors import InputError

if TYPE_CHECKING:
    from marl.learners import Preset

_TOP = tuple(option.key for option in options_of(Asked, ""))


class Named(NamedTuple):
    """A learner that is asked for, or one that is part of it."""

    prefix: str  # of its settings, such as ``learner.`` or ``learner.central.``
    name: str
    preset: Preset
    within: Mapping[str, Any] = MappingProxyType({})  # defaults of its own, as a part of another

    @property
    def options(self) -> list[Option]:
        """Its settings, but for those of its parts and those that its name fixes."""
        left_out = {*self.preset.fixed, *self.preset.parts}
        depth = self.prefix.count(".")
        found = [
            o for o in options_of(self.preset.kind, self.prefix) if o.key.split(".")[depth] not in left_out
        ]
        usual = {self.prefix + field: value for field, value in self.within.items()}
        return [o._replace(default=usual.get(o.key, o.default)) for o in found]


def learners() -> dict[str, Preset]:
    """All learners by name."""
    from marl.learners import LEARNERS

    return LEARNERS


def learner_options(name: str, settings: Settings | None = None) -> list[Option]:
    """The settings that a learner has, without those that its name fixes; its parts are as in `settings`."""
    given = {**(settings or {}), "learner.name": Given(name, "")}
    whole, *parts = _named(given)
    out = list(whole.options)
    for part in parts:
        field = part.prefix.split(".")[1]
        about = f"the learner {field}; {listed(part_names(field))}"
        out += [Option(f"{part.prefix}name", "text", part.name, about), *part.options]
    return out


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
            f"which learner? {listed(list(learners()))}, as in `staghunt train mappo foraging:8x8-2p-3f`"
        )
    named = _named(settings)
    if settings.get("env", Given(None, "")).value is None:
        raise InputError(
            f"which environment? `staghunt games` lists them, as in `staghunt train {name.value} foraging:8x8-2p-3f`"
        )
    _check_keys(settings, named)
    for one in named:
        _check_fixed(settings, one)
    top = {key: settings[key].value for key in _TOP if key in settings}
    asked: Asked = _built(Asked, top, settings, "")
    training: Training = _built(Training, nested(settings, "training"), settings, "training.")
    learner = _made(settings, named, training.steps)
    return Spec(asked.env, named[0].name, learner, training.filled(), asked.seed, asked.seeds)


def _made(settings: Settings, named: list[Named], steps: int) -> Any:
    """The learner, its parts first; what it leaves open for a run of so many steps is decided."""
    made: dict[str, Any] = {}
    for one in reversed(named):
        tree: Any = {"learner": nested(settings, "learner")}
        for key in one.prefix.split(".")[:-1]:
            tree = tree.get(key, {})
        left_out = {"name", *one.preset.parts}
        own = {key: value for key, value in tree.items() if key not in left_out}
        own = {**one.within, **own, **one.preset.fixed}
        record: Any = _built(one.preset.kind, own, settings, one.prefix)
        parts = {field: made[f"{one.prefix}{field}."] for field in one.preset.parts}
        made[one.prefix] = replace(record, **parts) if parts else record
    learner = made["learner."]
    return learner.filled(steps)


def spec_of_document(document: Any, source: str) -> Spec:
    """The record in a run's `spec.yaml`; `InputError` if it is none."""
    return spec_of(merged([from_mapping(document, source)]))


def _named(settings: Settings) -> list[Named]:
    """The learner that is asked for, and its parts."""
    given = settings["learner.name"]
    preset = _learner(given.value, given.source)
    out = [Named("learner.", str(given.value).lower(), preset)]
    for field, usual in preset.parts.items():
        key, allowed = f"learner.{field}", part_names(field)
        given = settings.get(key) or settings.get(f"{key}.name", Given(usual, ""))
        name = given.value.lower() if isinstance(given.value, str) else ""
        if key in settings or name not in allowed:
            near = None if name in learners() else nearest_name(name, allowed)
            hint = f"; did you mean {near}?" if near else ""
            raise InputError(
                f"{given.source}: {key} is {short(given.value)}, expected {listed(allowed)}{hint}"
            )
        out.append(Named(f"{key}.", name, learners()[name], preset.within.get(field, {})))
    return out


def part_names(field: str) -> tuple[str, ...]:
    """The learners that a part of another may be."""
    from marl.learners import PARTS

    return PARTS[field]


def listed(names: Sequence[str], word: str = "or") -> str:
    """Names in a sentence.

    >>> listed(["iql", "vdn", "qmix"])
    'iql, vdn or qmix'
    """
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)


def _learner(name: Any, source: str) -> Preset:
    known = learners()
    found = known.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        near = nearest_name(str(name), known)
        hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
        where = f"{source}: " if source and source != "LEARNER" else ""
        raise InputError(f"{where}unknown learner {short(name)}; {hint}")
    return found


def _check_keys(settings: Settings, named: list[Named]) -> None:
    """Refuse keys that nobody knows, with the nearest that somebody does."""
    known = [option.key for option in training_options()]
    fixed = []
    for one in named:
        known += [option.key for option in one.options]
        fixed += [one.prefix + field for field in ("name", *one.preset.fixed)]
    for key, given in settings.items():
        if key in known or key in fixed:
            continue
        inside = next((name for name in known if name.startswith(f"{key}.")), None)
        if inside is not None:
            raise InputError(
                f"{given.source}: {key} is {short(given.value)}, not a section of settings such as {inside}"
            )
        raise InputError(f"{given.source}: unknown key {key!r:.80}; {_meant(key, named, known)}")


def _meant(key: str, named: list[Named], known: list[str]) -> str:
    """What a key that is not known was probably meant to be."""
    section, _, leaf = key.rpartition(".")
    nested_in = [one.prefix + leaf for one in named[1:] if one.prefix + leaf in known]
    if section == "learner" and nested_in:
        return f"did you mean {listed(nested_in)}?"
    field = key.split(".")[1] if key.startswith("learner.") else ""
    made_of = [name for name, preset in learners().items() if field in preset.parts]
    if made_of and field not in named[0].preset.parts:
        return f"{listed(made_of, 'and')} has a learner {field}, {named[0].name} has none"
    for one in reversed(named):
        if key.startswith(one.prefix):
            names = list(learners()) if one is named[0] else part_names(field)
            others = [name for name in names if key in _keys_of(one.prefix, name)]
            if others:
                return f"it is a setting of {listed(others, 'and')}, not of {one.name}"
            break
    names = [f"{one.prefix}name" if key.startswith(one.prefix) else one.prefix[:-1] for one in named]
    near = nearest_key(key, [*known, *names])
    return f"did you mean {near}?" if near else f"`staghunt train {named[0].name} --options` lists all"


def _keys_of(prefix: str, name: str) -> list[str]:
    return [option.key for option in Named(prefix, name, learners()[name]).options]


def _check_fixed(settings: Settings, one: Named) -> None:
    for field, value in one.preset.fixed.items():
        given = settings.get(one.prefix + field)
        if given is not None and given.value != value:
            part = one.prefix.split(".")[1]
            names = part_names(part) if part else tuple(learners())
            other = [name for name in names if learners()[name].fixed.get(field) == given.value]
            hint = f"; that would be {listed(other)}" if other else ""
            raise InputError(
                f"{given.source}: {one.prefix}{field} is {short(value)} for {one.name}, not {short(given.value)}{hint}"
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
