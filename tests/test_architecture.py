"""The shape of the code base: who imports whom, how large files and functions may grow, what the CLI path may load."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "games": {"games"},
    "solvers": {"games", "solvers"},
    "marl": {"games", "marl"},
    "experiments": {"games", "solvers", "marl", "experiments"},
}
ONLY_IN_EXPERIMENTS = {"typer", "rich", "ray", "matplotlib", "jinja2"}
ONLY_IN = {
    "torch": {"marl", "experiments"},
    "pyspiel": {"games", "experiments"},
    "open_spiel": {"games", "experiments"},
    "pettingzoo": {"games", "experiments"},
    "scipy": {"solvers", "experiments"},
    "networkx": {"games", "solvers", "experiments"},
    "highspy": {"solvers", "experiments"},
}
NEVER = {"scipy.stats", "pygambit.gte", "pickle"}
LAZY = {
    "numba",
    "scipy",
    "highspy",
    "networkx",
    "pyspiel",
    "matplotlib",
    "jinja2",
    "torch",
    "pettingzoo",
    "gymnasium",
}
FILE_LINES, FUNCTION_LINES = 400, 80


@cache
def sources() -> tuple[Path, ...]:
    return tuple(sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported(path: Path, *, eager: bool) -> set[str]:
    """Modules that a file imports: all of them, or those at import time only. `if TYPE_CHECKING` does not count."""
    names: set[str] = set()
    waiting: list[ast.AST] = [tree(path)]
    while waiting:
        node = waiting.pop()
        if is_type_checking(node) or (
            eager and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ):
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        waiting.extend(ast.iter_child_nodes(node))
    return names


def test_packages_import_only_what_the_table_allows() -> None:
    for path in sources():
        package = path.relative_to(ROOT).parts[0]
        for name in imported(path, eager=False):
            top = name.partition(".")[0]
            assert top not in MAY_IMPORT or top in MAY_IMPORT[package], f"{path} imports {name}"
            assert top not in ONLY_IN_EXPERIMENTS or package == "experiments", f"{path} imports {name}"
            assert package in ONLY_IN.get(top, {package}), f"{path} imports {name}"
            assert name not in NEVER, f"{path} imports {name}"


def test_adapters_alone_know_their_frameworks() -> None:
    for path in sources():
        if path.relative_to(ROOT).parts[0] != "games":
            continue
        heavy = {name.partition(".")[0] for name in imported(path, eager=False)}
        if heavy & {"pyspiel", "open_spiel", "pettingzoo", "gymnasium"}:
            assert path.name.startswith(("from_", "to_")), f"{path} knows {heavy}"


def test_certificates_share_no_code_with_solvers() -> None:
    certificates = sorted((ROOT / "solvers").glob("*certificate.py"))
    assert len(certificates) >= 3
    own = {f"solvers.{path.stem}" for path in certificates} | {"solvers.show"}
    for path in certificates:
        for name in imported(path, eager=False):
            home = ".".join(name.split(".")[:2])
            assert not name.startswith("solvers.") or home in own, f"{path.name} imports {name}"
            assert "kernel" not in name and not name.startswith(("numba", "scipy")), f"{path.name}: {name}"


def test_no_circle_of_imports_at_import_time() -> None:
    names = {module_name(path): path for path in sources()}
    graph = {name: imported(path, eager=True) & set(names) - {name} for name, path in names.items()}
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if state.get(name) == 2:
            return
        assert state.get(name) != 1, f"import circle: {' -> '.join((*trail, name))}"
        state[name] = 1
        for other in sorted(graph[name]):
            visit(other, (*trail, name))
        state[name] = 2

    for name in sorted(graph):
        visit(name, ())


@pytest.mark.parametrize(
    "start", ["experiments.cli", "games.load", "games.normal", "solvers.solution", "games", "solvers"]
)
def test_nothing_heavy_loads_on_the_command_line_path(start: str) -> None:
    names = {module_name(path): path for path in sources()}
    reached, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        found = imported(names[name], eager=True)
        heavy = {other.partition(".")[0] for other in found} & LAZY
        assert not heavy, f"{start} loads {heavy} through {name}"
        if start == "experiments.cli":
            assert not {"numpy", "rich"} & {other.partition(".")[0] for other in found}, (
                f"{name} is loaded by the CLI"
            )
        waiting.extend(other for other in found if other in names)


def test_files_and_functions_stay_small() -> None:
    for path in sources():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= FILE_LINES, f"{path}: {lines} lines"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                assert (size := code_lines(node)) <= FUNCTION_LINES, (
                    f"{path}: {node.name} has {size} lines of code"
                )


def code_lines(node: ast.FunctionDef) -> int:
    """Lines of a function's body without its docstring."""
    body = node.body
    if ast.get_docstring(node) is not None:
        body = body[1:]
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_no_room_without_a_name() -> None:
    for path in sources():
        assert path.stem not in ("utils", "util", "common", "core", "helpers", "misc"), path


def test_public_functions_are_documented_and_typed() -> None:
    for path in sources():
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name} has no docstring"
                assert node.returns is not None, f"{path}: {node.name} has no return type"


def test_the_checks_catch_a_broken_specimen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import torch\nif True:\n    from scipy import stats\ndef f():\n    import numba\n")
    assert {"torch", "scipy", "scipy.stats"} <= imported(bad, eager=True)
    assert "numba" not in imported(bad, eager=True)
    assert "numba" in imported(bad, eager=False)
