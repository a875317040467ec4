"""YAML as people mean it: plain data, no code, no key twice, and 1e-3 is a number.

Scalars are read as YAML 1.2 does: only true and false are truth values (not yes, no, on, off), and a number needs no
point before its exponent. Aliases are refused: a few lines of them can stand for more data than fits into memory.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from games.errors import InputError

LARGEST = 1 << 20
"""Bytes of a file that is still taken for settings."""
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?[0-9][0-9_]*$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_ODD = re.compile(r"^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$")


class _Loader(yaml.SafeLoader):
    """Plain data only."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012
    yaml_constructors = {  # noqa: RUF012
        tag: build
        for tag, build in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is no single name", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _ODD, list("-+."))


def _int(loader: _Loader, node: Any) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    if len(text) > 40:
        raise yaml.constructor.ConstructorError(None, None, "a number is too long", node.start_mark)
    return int(text)


def _float(loader: _Loader, node: Any) -> float:
    return float(loader.construct_scalar(node).replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))


_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


class _Dumper(yaml.SafeDumper):
    """Lists in one line, mappings in many, nothing abbreviated."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789")
)  # so that texts are quoted
_Dumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def _text(dumper: _Dumper, text: str) -> Any:
    """Texts with Unicode's own line breaks in double quotes: elsewhere readers take them for spaces."""
    broken = any(mark in text for mark in "\x85\u2028\u2029")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if broken else None)


_Dumper.add_representer(str, _text)


def parse(text: str, where: str) -> Any:
    """What a YAML text says.

    Parameters
    ----------
    text : str
        One document.
    where : str
        The file or option, for messages.

    Raises
    ------
    InputError
        If it is no YAML, gives a key twice, nests too deeply, or asks for objects.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}" if mark is not None and "\n" in text.strip() else ""
        raise InputError(f"{where}{place}: {error.problem or 'not YAML'}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{where} is not YAML: {' '.join(str(error).split())[:200]}") from None
    except (RecursionError, ValueError, OverflowError):
        raise InputError(f"{where}: what is in it is no configuration") from None


def read(path: Path) -> Any:
    """What a YAML file says; `InputError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise InputError(f"{path} has more than {LARGEST:,} bytes, which is no configuration")
    try:
        return parse(data.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8 (byte {error.start})") from None


def dump(document: Any) -> str:
    """Plain data as YAML, keys in their order; `parse` gives it back."""
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10_000
    )
    return text
