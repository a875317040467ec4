"""Which packages `pettingzoo:` and `gymnasium:` may import, and how the arguments in a URI are understood."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any

from games.errors import InputError

KNOWN = (
    "pettingzoo",
    "mpe2",
    "magent2",
    "momaland",
    "lbforaging",
    "rware",
    "gymnasium",
    "ale_py",
    "minigrid",
)
"""Packages of environments that a URI alone may import; every other one must be allowed by name."""

IN_EXTRA = ("pettingzoo", "mpe2", "lbforaging", "rware", "rlcard", "pygame", "pymunk", "chess", "shimmy")
"""What the extra `envs` installs."""


def import_allowed(module: str, allow: Iterable[str], where: str) -> ModuleType:
    """Import a module of a known or allowed package.

    Parameters
    ----------
    module : str
        Its full dotted name.
    allow : iterable of str
        Packages allowed beyond `KNOWN`; importing runs their code, so a URI alone cannot ask for it.
    where : str
        The URI, for messages.

    Raises
    ------
    InputError
        If the package is not allowed, is not installed, or has no such module.
    """
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        raise InputError(f"{where}: {module!r:.80} is not the name of a Python module")
    if parts[0] not in (*KNOWN, *allow):
        raise InputError(
            f"{where}: {parts[0]} is not one of the packages that are imported without asking "
            f"({', '.join(KNOWN)}); to run its code, allow it: --allow-import {parts[0]}, or "
            f"make_env(..., allow_import=({parts[0]!r},))"
        )
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(f"{where}: {_not_found(module, error.name or module)}") from error
    except (Exception, SystemExit) as error:
        raise InputError(f"{where}: importing {module} raised {told(error)}") from error


def told(error: BaseException) -> str:
    """An exception as it is quoted in a message."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text:.300}" if text else type(error).__name__


def _not_found(module: str, missing: str) -> str:
    top = missing.partition(".")[0]
    parent, _, last = module.rpartition(".")
    if parent and (missing == module or module.startswith(f"{missing}.")) and top == missing.split(".")[0]:
        names = _siblings(parent)
        if names is not None:
            near = get_close_matches(last, names, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(names)[:12])}"
            return f"{parent} has no environment {last!r}; {hint}"
    if top == module.partition(".")[0] and _siblings(top) is not None:
        return f"there is no module {missing!r}"
    return f"{module} needs {top}, which is not installed: pip install {_installs(top, module)}"


def _installs(package: str, module: str) -> str:
    """What brings a package that is missing: our extra, pettingzoo's, or the package itself."""
    if package in IN_EXTRA:
        return "'staghunt[envs]'"
    family = module.split(".")[1:2]
    return f"'pettingzoo[{family[0]}]'" if family in (["atari"], ["sisl"]) else package


def _siblings(package: str) -> list[str] | None:
    """Names of the modules in a package, or None if there is no such package."""
    try:
        home = import_module(package)
    except ImportError:
        return None
    names = [info.name for info in pkgutil.iter_modules(getattr(home, "__path__", []))]
    return [
        name for name in names if not name.startswith("_") and name.rpartition("_v")[2].isdigit()
    ] or names


def typed(value: Any) -> Any:
    """Text from a URI as a Python value: a number, ``true``, ``false``, ``none``, a tuple or list, or the text itself.

    Examples
    --------
    >>> typed("3"), typed("0.5"), typed("true"), typed("(8, 8)"), typed("vector-masked")
    (3, 0.5, True, (8, 8), 'vector-masked')
    """
    if not isinstance(value, str):
        return value
    words = {"true": True, "false": False, "none": None}
    if value.lower() in words:
        return words[value.lower()]
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return value


def typed_like(value: Any, example: Any, where: str) -> Any:
    """`typed`, and names of enumeration members where the example holds such members: ``global``, ``shelves,agents``."""
    if isinstance(example, Enum) and isinstance(value, str):
        return _member(type(example), value, where)
    if (
        isinstance(example, list | tuple)
        and example
        and isinstance(example[0], Enum)
        and isinstance(value, str)
    ):
        return [_member(type(example[0]), part.strip(), where) for part in value.split(",")]
    return typed(value)


def _member(kind: type[Enum], name: str, where: str) -> Enum:
    members = {member.name.lower(): member for member in kind}
    if name.lower() not in members:
        raise InputError(f"{where}: {kind.__name__} has no member {name!r:.60}; it has {', '.join(members)}")
    return members[name.lower()]


def check_arguments(makers: Iterable[Any], given: Mapping[str, Any], where: str) -> None:
    """Refuse an argument that the environment does not take.

    Parameters
    ----------
    makers : iterable of callables
        Whatever makes the environment, outermost first; the first whose arguments are all named is believed (many
        factories only pass ``**kwargs`` on).
    given : mapping
        The arguments.
    where : str
        The URI, for messages.
    """
    for maker in makers:
        try:
            parameters = inspect.signature(maker).parameters.values()
        except (TypeError, ValueError):
            continue
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            continue
        refuse_unknown(given, [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL], where)
        return


def refuse_unknown(given: Iterable[str], names: Iterable[str], where: str) -> None:
    """`InputError` naming the nearest right one, if a parameter is not among the names."""
    names = list(names)
    for key in given:
        if key not in names:
            near = [n for n in names if n.lower() == key.lower()] or get_close_matches(key, names, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(names) or 'none'}"
            raise InputError(f"{where}: no parameter {key!r}; {hint}")


def build(factory: Callable[..., Any], parameters: Mapping[str, Any], where: str) -> Any:
    """One environment; whatever its constructor raises becomes an `InputError`."""
    try:
        return factory(**parameters)
    except InputError:
        raise
    except ModuleNotFoundError as error:
        missing = (error.name or "a package").partition(".")[0]
        raise InputError(
            f"{where}: the environment needs {missing}, which is not installed: pip install {_installs(missing, '')}"
        ) from error
    except (Exception, SystemExit) as error:
        shown = ", ".join(f"{key}={value!r:.60}" for key, value in parameters.items())
        raise InputError(
            f"{where}: the environment cannot be made{' with ' + shown if shown else ''}: {told(error)}"
        ) from error
