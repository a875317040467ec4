"""A page for every notebook, from what is stored in it: Markdown, code, and what the code showed when it last ran."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File
from outside import turned

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PICTURES = {"image/png": "png", "image/gif": "gif", "image/jpeg": "jpg"}
WIDGET = "application/vnd.jupyter.widget-view+json"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SCRIPT = re.compile(r"<script\b.*?</script>", re.S | re.I)
_PLACE = re.compile(r'<div data-shown="(\d+)"></div>')
_shown: list[str] = []
"""HTML that cells showed, put into their pages after Markdown has been read."""


def on_config(config: Any, **_: Any) -> Any:
    """Name the notebooks in the navigation, below the page that lists them."""
    _shown.clear()
    for entry in config["nav"] or ():
        if "Notebooks" in entry:
            entry["Notebooks"] += [
                {title(read(path)) or path.stem: f"notebooks/{path.stem}.md"} for path in notebooks()
            ]
    return config


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Add pages and pictures."""
    for path in notebooks():
        for name, content in pages_of(path):
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill the list of notebooks."""
    if page.file.src_uri != "notebooks/index.md":
        return markdown
    entries = "\n\n".join(map(entry, notebooks()))
    return re.sub(r"<!-- notebooks -->\n.*?<!-- end -->", lambda _: entries, markdown, flags=re.S)


def on_page_content(content: str, **_: Any) -> str:
    """Put what cells showed as HTML into their places."""
    return _PLACE.sub(lambda found: _shown[int(found.group(1))], content)


def notebooks() -> list[Path]:
    """All notebooks, in order."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def read(path: Path) -> dict[str, Any]:
    """A notebook as it is stored."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def title(notebook: dict[str, Any]) -> str | None:
    """Its first heading."""
    for cell in notebook["cells"]:
        found = re.search(r"^# (.+)$", text(cell["source"]), re.M)
        if cell["cell_type"] == "markdown" and found:
            return found.group(1).strip()
    return None


def entry(path: Path) -> str:
    """A notebook in the list of all: its title, its first paragraph, and the first thing that it drew."""
    notebook = read(path)
    first = next((text(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"), "")
    paragraphs = [
        part.strip().replace("\n", " ")
        for part in re.split(r"\n\s*\n|^# .*$", first, flags=re.M)
        if part.strip()
    ]
    pictures = [name for name, content in pages_of(path) if isinstance(content, bytes)]
    parts = [
        f"## [{title(notebook) or path.stem}]({path.stem}.md)",
        *(turned(part, "notebooks", "notebooks") for part in paragraphs[:1]),
    ]
    if pictures:
        parts.append(f"[![what it draws first]({pictures[0]}){{ width=420 loading=lazy }}]({path.stem}.md)")
    return "\n\n".join(parts)


def text(lines: Any) -> str:
    """What nbformat stores as a string or as a list of lines."""
    return lines if isinstance(lines, str) else "".join(lines)


def pages_of(path: Path) -> Iterator[tuple[str, str | bytes]]:
    """The page of a notebook, and the pictures on it.

    Yields
    ------
    name : str
        Below `notebooks/` in the site.
    content : str or bytes
    """
    notebook = read(path)
    parts = []
    for number, cell in enumerate(notebook["cells"]):
        source = text(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            if title(notebook) and len(parts) == 1:
                parts.append(f"*This page shows what is stored in `notebooks/{path.name}`, from a full run.*")
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(fenced("python", source))
            for place, output in enumerate(cell.get("outputs", ())):
                part, picture = told(output, f"{path.stem}/{number}-{place}")
                parts.append(part)
                if picture is not None:
                    yield picture
    if title(notebook) is None:
        parts.insert(0, f"# {path.stem}")
    yield f"{path.stem}.md", "\n\n".join(part for part in parts if part) + "\n"


def fenced(language: str, source: str) -> str:
    """A block of code that may have fences of its own in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`{3,}", source)), default=0))
    return f"{fence}{language}\n{source.rstrip()}\n{fence}"


def told(output: dict[str, Any], name: str) -> tuple[str, tuple[str, bytes] | None]:
    """What one output shows: its Markdown, and the picture that this Markdown names.

    Parameters
    ----------
    output : dict
        As nbformat stores it.
    name : str
        Of the picture, without ending.
    """
    if output["output_type"] == "stream":
        return fenced("text", plain(output["text"])), None
    if output["output_type"] == "error":
        return fenced("text", f"{output['ename']}: {output['evalue']}"), None
    data = output.get("data", {})
    for kind, ending in PICTURES.items():
        if kind in data:
            content = base64.b64decode(text(data[kind]))
            return f"![what the cell drew]({name}.{ending})", (f"{name}.{ending}", content)
    if WIDGET in data:
        return "*In the notebook there is a slider here.*", None
    if "image/svg+xml" in data:
        return _place(text(data["image/svg+xml"])), None
    if "text/html" in data:
        return _place(text(data["text/html"])), None
    if "text/markdown" in data:
        return text(data["text/markdown"]), None
    return (fenced("text", plain(data["text/plain"])) if "text/plain" in data else ""), None


def plain(lines: Any) -> str:
    """Text without colours."""
    return _ANSI.sub("", text(lines))


def _place(shown: str) -> str:
    """Where HTML goes once the Markdown around it has been read; scripts stay out."""
    _shown.append(f'<div class="shown">{_SCRIPT.sub("", shown)}</div>')
    return f'<div data-shown="{len(_shown) - 1}"></div>'
