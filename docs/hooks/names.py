"""``<!-- names: package.module -->`` on a page becomes the description of every name that the module finds homes for.

``<!-- names: package.module except one two -->`` leaves names out that are described elsewhere.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ASKED = re.compile(r"^<!-- names: ([\w.]+)(?: except ([\w ]+))? -->$", re.M)


def homes(module: str) -> dict[str, str]:
    """The `_HOMES` of a module: in which module each of its names is defined, read without importing anything."""
    folder = ROOT.joinpath(*module.split("."))
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "_HOMES" for target in targets):
            found: dict[str, str] = ast.literal_eval(node.value)
            return found
    raise ValueError(f"{path} has no _HOMES")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Write out what is asked for."""
    return _ASKED.sub(_described, markdown)


def _described(asked: re.Match[str]) -> str:
    left_out = (asked.group(2) or "").split()
    names = sorted(homes(asked.group(1)).items())
    return "\n\n".join(f"::: {home}.{name}" for name, home in names if name not in left_out)
