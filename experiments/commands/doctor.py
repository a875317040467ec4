"""`staghunt doctor`: what is installed and whether it works."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from experiments.commands.options import Json, Quiet, UnusedSeed

NAME = "doctor"
HELP = "Check the installation: versions, extras, LP and QP solvers, the kernel cache, CPU and memory."
EXAMPLES = ("staghunt doctor", "staghunt doctor --json")

REQUIRED = {
    "numpy": "numpy",
    "scipy": "scipy",
    "numba": "numba",
    "networkx": "networkx",
    "matplotlib": "matplotlib",
    "highspy": "highspy",
    "clarabel": "clarabel",
    "typer": "typer",
    "rich": "rich",
    "open_spiel": "pyspiel",
    "pettingzoo": "pettingzoo",
    "gymnasium": "gymnasium",
    "torch": "torch",
    "pydantic": "pydantic",
    "pyyaml": "yaml",
    "jinja2": "jinja2",
    "safetensors": "safetensors",
    "tensorboard": "tensorboard",
}
EXTRAS = {
    "lbforaging": ("lbforaging", "envs", "gymnasium:lbforaging/... and the tests of our foraging"),
    "rware": ("rware", "envs", "gymnasium:rware/..."),
    "mpe2": ("mpe2", "envs", "pettingzoo:mpe2...."),
    "pygame-ce": ("pygame", "envs", "pettingzoo:butterfly.... and pictures of its environments"),
    "rlcard": ("rlcard", "envs", "pettingzoo:classic.... card games"),
    "ray": ("ray", "ray", "training and tournaments on a cluster (--engine ray)"),
    "openskill": ("openskill", "ratings", "OpenSkill ratings of tournaments"),
    "axelrod": ("axelrod", "peers", "agents axelrod:... and benchmarks of repeated games"),
    "shimmy": ("shimmy", "peers", "benchmarks of OpenSpiel environments against Shimmy"),
    "pygambit": ("pygambit", "peers", "QRE and Nash benchmarks against Gambit"),
    "nashpy": ("nashpy", "peers", "Nash benchmarks against Nashpy"),
    "quantecon": ("quantecon", "peers", "Nash and minimax benchmarks against QuantEcon"),
    "cvxpy": ("cvxpy", "peers", "CE and CCE benchmarks through OpenSpiel"),
    "jupyterlab": ("jupyterlab", "notebook", "the notebooks"),
    "ipywidgets": ("ipywidgets", "notebook", "sliders in notebooks"),
    "mkdocs-material": ("material", "docs", "the documentation as a site"),
    "pytest": ("pytest", "dev", "the tests"),
}
UNCOMPILED = (
    "no kernel is compiled yet, so first calls take long: `python -m experiments.warm` compiles them all"
)


class Finding(NamedTuple):
    """One line of the report."""

    group: str
    name: str
    state: str  # "ok", "broken", "absent"
    detail: str


def command(seed: UnusedSeed = 0, json: Json = False, quiet: Quiet = False) -> int:
    """Exit status 0 unless a required piece is broken or absent."""
    findings = [
        *_packages(),
        _checked("solver", "HiGHS (linear programs)", try_lp),
        _checked("kernels", "numba compiles", try_kernel),
        _checked("kernels", "cache", cache_state),
        Finding("machine", "CPU", "ok", _cpu()),
        Finding("machine", "memory", "ok", _memory()),
        *_extras(),
    ]
    broken = [f for f in findings if f.group != "extra" and f.state != "ok"]
    if json:
        from experiments.output import print_json

        print_json({"ok": not broken, "checks": [f._asdict() for f in findings]})
    elif not quiet:
        _show(findings, len(broken))
    return 1 if broken else 0


def _packages() -> list[Finding]:
    ours = Finding("package", "staghunt", "ok", f"{_version('staghunt')} on Python {sys.version.split()[0]}")
    return [ours, *(_package("package", name, module, "") for name, module in REQUIRED.items())]


def _extras() -> list[Finding]:
    return [
        _package("extra", name, module, f"pip install 'staghunt[{extra}]' for {what}")
        for name, (module, extra, what) in EXTRAS.items()
    ]


def _package(group: str, name: str, module: str, advice: str) -> Finding:
    from importlib.util import find_spec

    try:
        present = find_spec(module) is not None
    except (ImportError, ValueError):
        present = False
    if present:
        return Finding(group, name, "ok", _version(name))
    return Finding(group, name, "absent", advice or f"required; pip install {name}")


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown version"


def _checked(group: str, name: str, check: Callable[[], str]) -> Finding:
    """Run one check; whatever it raises is the finding."""
    try:
        return Finding(group, name, "ok", check())
    except Exception as error:
        return Finding(group, name, "broken", f"{type(error).__name__}: {error}")


def try_lp() -> str:
    """Solve max x + y subject to x + 2y <= 4, 3x + y <= 6: the optimum is 2.8 at (1.6, 1.2)."""
    import highspy
    import numpy as np

    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    for _ in range(2):
        model.addVar(0.0, highspy.kHighsInf)
    model.changeColsCost(2, np.array([0, 1], dtype=np.int32), np.array([-1.0, -1.0]))
    for bound, row in ((4.0, [1.0, 2.0]), (6.0, [3.0, 1.0])):
        model.addRow(-highspy.kHighsInf, bound, 2, np.array([0, 1], dtype=np.int32), np.array(row))
    model.run()
    value = -model.getInfo().objective_function_value
    if abs(value - 2.8) > 1e-9:
        raise ArithmeticError(f"a linear program with optimum 2.8 came out as {value}")
    return f"{_version('highspy')} solves a linear program"


def try_kernel() -> str:
    """Evaluate deviation payoffs of matching pennies through the kernel that solvers use."""
    from games.normal import NormalFormGame

    game = NormalFormGame.zero_sum([[1.0, -1.0], [-1.0, 1.0]])
    u = game.deviation_payoffs([0.75, 0.25, 0.5, 0.5])
    if u.tolist() != [0.0, 0.0, -0.5, 0.5]:
        raise ArithmeticError(f"deviation payoffs of matching pennies came out as {u.tolist()}")
    return f"{_version('numba')} on {_version('llvmlite')} (llvmlite)"


def cache_state() -> str:
    """Where compiled kernels are kept, and that the place can be written."""
    import games

    chosen = os.environ.get("NUMBA_CACHE_DIR")
    package = Path(next(iter(games.__path__)))
    folder = Path(chosen) if chosen else package / "__pycache__"
    nearest = next((p for p in (folder, *folder.parents) if p.exists()), Path("/"))
    if os.access(nearest, os.W_OK):
        empty = not any(folder.rglob("*.nbi"))
        return f"{folder} is writable" + (f"; {UNCOMPILED}" if empty else "")
    if chosen:
        raise PermissionError(f"NUMBA_CACHE_DIR={folder} is not writable: every run compiles anew")
    return (
        f"{folder} is read-only; numba falls back to a folder of your own (set NUMBA_CACHE_DIR to choose it)"
    )


def _cpu() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    import platform

    return f"{usable} usable of {os.cpu_count()} ({platform.machine()}, {platform.system()})"


def _memory() -> str:
    from games.limits import available_bytes

    free = available_bytes()
    profiles = int(0.8 * free / 16)
    return f"{free / 1024**3:.1f} GiB available: a two-player game of up to {profiles:,} profiles fits"


def _show(findings: list[Finding], broken: int) -> None:
    from rich.markup import escape

    from experiments.tables import console, simple_table

    colours = {"ok": "green", "broken": "bold red", "absent": "yellow"}
    table = simple_table("", "Check", "State", "Detail")
    group = ""
    for finding in findings:
        label = finding.group if finding.group != group else ""
        group = finding.group
        optional = finding.group == "extra"
        colour = "dim" if optional and finding.state == "absent" else colours[finding.state]
        table.add_row(label, finding.name, f"[{colour}]{finding.state}[/]", escape(finding.detail))
    out = console()
    out.print(table)
    out.print(
        "Everything required works." if not broken else f"[bold red]{broken} required checks failed.[/]"
    )
