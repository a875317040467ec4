"""The README and the changelog as pages of the site, and links to files outside `docs/` that still lead somewhere.

In the repository a page links to ``../README.md`` or ``../../notebooks/01-name.ipynb``, which works where the source is
read. Here such links are turned to the pages made from those files; a link to any other file becomes its text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
PAGES = {"README.md": "readme.md", "CHANGELOG.md": "changelog.md"}
"""Pages made from files of the repository's root."""
_LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add the pages."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links out of `docs/` to pages of the site."""
    source = page.file.src_uri
    home = "" if source in PAGES.values() else posixpath.join("docs", posixpath.dirname(source))
    if source.startswith("notebooks/") and source != "notebooks/index.md":
        home = "notebooks"
    return turned(markdown, home, posixpath.dirname(source))


def turned(markdown: str, home: str, folder: str) -> str:
    """Markdown with its links turned: `home` is where it lies in the repository, `folder` where it will lie in the site."""
    return _LINK.sub(lambda found: _turned(found, home, folder), markdown)


def _turned(found: re.Match[str], home: str, folder: str) -> str:
    text, target, anchor = found.group(1), found.group(2), found.group(3) or ""
    file = posixpath.normpath(posixpath.join(home, target))
    if file in PAGES:
        inside = PAGES[file]
    elif file.startswith("notebooks/") and file.endswith(".ipynb"):
        inside = file.removesuffix(".ipynb") + ".md"
    elif file.startswith("docs/"):
        inside = file.removeprefix("docs/")
    else:
        return text
    return f"[{text}]({posixpath.relpath(inside, folder or '.')}{anchor})"
