"""The results document of a benchmark: machine and versions, written atomically, taken up again where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from experiments.atomic import write_text

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Set to 1 before numpy is loaded, so that process time of one thread is compared with that of one thread."""

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds our packages (the repository's root when installed editable)."""


def machine() -> dict[str, Any]:
    """What this computer is: processor, cores, memory, system, Python and the number of threads allowed."""
    threads = {os.environ.get(name, "") for name in THREAD_VARIABLES}
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": 1 if threads == {"1"} else "not pinned",
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3)
    except (AttributeError, ValueError, OSError):
        return None


def versions(distributions: Iterable[str]) -> dict[str, str | None]:
    """Installed version of each distribution, None where it is absent."""
    out: dict[str, str | None] = {}
    for name in distributions:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = None
    return out


def source_digest(packages: Iterable[str] = ("games", "solvers")) -> str:
    """Twelve hex digits over the sources of some packages: which code of ours a row was measured with."""
    hasher = hashlib.sha256()
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            hasher.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return hasher.hexdigest()[:12]


def load_average() -> float | None:
    """The machine's load over the last minute, or None where the system does not tell."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def read(path: Path) -> dict[str, Any] | None:
    """An earlier results document, or None when there is none that can be read."""
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and isinstance(document.get("rows"), list) else None


def write(path: Path, document: dict[str, Any]) -> None:
    """Write the document whole or not at all: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def kept_rows(
    earlier: dict[str, Any] | None, document: dict[str, Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of an earlier document that may stand beside new ones: same bench, mode, machine and versions."""
    if earlier is None or any(
        earlier.get(key) != document[key] for key in ("bench", "quick", "machine", "versions")
    ):
        return {}
    return {
        (str(row.get("row")), str(row.get("peer"))): row for row in earlier["rows"] if isinstance(row, dict)
    }


def is_finished(row: dict[str, Any], source: str) -> bool:
    """Whether a kept row need not be measured again: ours did not fail, and with the code as it is now."""
    return row.get("source") == source and bool(row.get("pairs"))
