"""Constants of simulations: frozen dataclasses whose fields are the parameters of a URI, read, checked by kind and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from games.catalogue.entry import Parameter, unknown
from games.errors import InputError

_NOTHING: Mapping[str, Any] = {}


def parameters_of(kind: Any) -> dict[str, Parameter]:
    """The fields of a dataclass as parameters, by name."""
    hints = get_type_hints(kind)
    return {f.name: Parameter(f.name, hints[f.name], f.default) for f in fields(kind)}


def read_constants(
    kind: type,
    uri: str,
    given: Mapping[str, Any],
    usual: Mapping[str, Any] = _NOTHING,
    besides: Iterable[str] = (),
) -> Any:
    """An object of a frozen dataclass from URI text or Python values.

    Parameters
    ----------
    kind : type
        The dataclass.
    uri : str
        Scheme and name, for messages.
    given : mapping
        What was asked for.
    usual : mapping
        Values of others, where they are not the defaults.
    besides : iterable of str
        Names in `given` that are read elsewhere.

    Raises
    ------
    InputError
        If a parameter is unknown (with the nearest right name), ill-typed or out of range.
    """
    table, values, others = parameters_of(kind), dict(usual), tuple(besides)
    for name, value in given.items():
        if name in others:
            continue
        if name not in table:
            raise InputError(f"{uri} {unknown('parameter', name, [*others, *table])}")
        values[name] = _read(table[name], value, uri)
    return kind(**values)


def changed(constants: Any, usual: Mapping[str, Any] = _NOTHING) -> list[str]:
    """``name=value`` for the number of agents and every constant that is not at its default, or not as `usual`."""
    return [
        f"{name}={parameter.show(getattr(constants, name))}"
        for name, parameter in parameters_of(type(constants)).items()
        if name == "agents" or getattr(constants, name) != usual.get(name, parameter.default)
    ]


def _read(parameter: Parameter, value: Any, uri: str) -> Any:
    name, kind = parameter.name, parameter.kind
    if get_origin(kind) is Literal and value not in get_args(kind):
        options = get_args(kind)
        near = get_close_matches(str(value).lower(), options, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"{uri}: {name} must be {' or '.join(options)}, not {value!r:.40}{hint}")
    if isinstance(value, bool) and kind is not bool:
        raise InputError(f"{uri}: {name} must be a number, not {value}")
    if kind is str:  # numbers and lists of them may be given as such
        if isinstance(value, tuple | list | np.ndarray):
            return ",".join(repr(float(part)) if isinstance(part, float) else str(part) for part in value)
        return str(value)
    try:
        return parameter.parse(value)
    except InputError as error:
        raise InputError(f"{uri}: {error}") from None
