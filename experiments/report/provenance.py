"""Where a run comes from, as lines of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Line = tuple[str, str]


def provenance_lines(provenance: Mapping[str, Any]) -> list[Line]:
    """Date, command, versions, sources and machine, as far as they are known."""
    lines = [
        (name, str(provenance[key]))
        for key, name in (("date", "Date"), ("command", "Command"))
        if key in provenance
    ]
    versions = provenance.get("versions")
    if isinstance(versions, Mapping):
        lines.append(("Versions", ", ".join(f"{name} {value}" for name, value in versions.items() if value)))
    git = provenance.get("git")
    if isinstance(git, Mapping) and git.get("commit"):
        lines.append(("Sources", f"commit {git['commit']}" + (", with changes" if git.get("dirty") else "")))
    machine = provenance.get("machine")
    if isinstance(machine, Mapping):
        lines.append(("Machine", ", ".join(f"{_words(name)} {value}" for name, value in machine.items())))
    for path, digest in _mapping(provenance.get("files")).items():
        lines.append((f"SHA-256 of {path}", str(digest)))
    return lines


def flat_lines(document: Mapping[str, Any], prefix: str = "") -> list[Line]:
    """Nested settings, one line for each, keys joined by points."""
    lines: list[Line] = []
    for key, value in document.items():
        if isinstance(value, Mapping):
            lines += flat_lines(value, f"{prefix}{key}.")
        elif value is not None:
            told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            lines.append((f"{prefix}{key}", told))
    return lines


def _words(name: Any) -> str:
    return str(name).replace("_", " ")


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
