"""The documentation site: it builds without a warning, needs no network, has every page and every public name."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import experiments.notebook
import games
import solvers

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}


def hook(name: str) -> Any:
    """One of the modules that the site is built with."""
    specification = importlib.util.spec_from_file_location(f"hook_{name}", DOCS / "hooks" / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that the site is built with see each other, as they do when it is."""
    monkeypatch.syspath_prepend(str(DOCS / "hooks"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert built.returncode == 0, built.stderr
    return folder


class Resources(HTMLParser):
    """What a page loads, and the ids in it."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.loaded.append(named.get(LOADED.get(tag, "")) or "")
        self.ids.add(named.get("id") or "")


def read(page: Path) -> Resources:
    resources = Resources()
    resources.feed(page.read_text(encoding="utf-8"))
    return resources


def test_every_page_is_built_and_in_the_navigation(site: Path) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for page in sorted(DOCS.rglob("*.md")):
        name = page.relative_to(DOCS).as_posix()
        assert re.search(rf"[ :-] {re.escape(name)}$", navigation, re.M), f"{name} is not in the navigation"
        assert (site / name).with_suffix(".html").is_file(), name
    listed = (DOCS / "notebooks" / "index.md").read_text(encoding="utf-8")
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        assert f"(../../notebooks/{notebook.name})" in listed, notebook.name
        assert (site / "notebooks" / f"{notebook.stem}.html").is_file(), notebook.name
    assert (site / "readme.html").is_file()
    assert not list(site.rglob("*.py"))


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        for address in read(page).loaded:
            assert not re.match(r"(https?:)?//", address), f"{page.name} loads {address}"
    for sheet in sorted(site.rglob("*.css")):
        for address in re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", sheet.read_text(encoding="utf-8")):
            assert not re.match(r"[\"']?(https?:)?//", "".join(address)), f"{sheet.name} loads {address}"


def test_every_public_name_is_described(site: Path) -> None:
    described = set().union(*(read(page).ids for page in (site / "reference").glob("*.html")))
    for package in (games, solvers, experiments.notebook, experiments.notebook.draw):
        for name, home in package._HOMES.items():
            assert f"{home}.{name}" in described, f"{package.__name__}.{name}"


def test_what_is_written_for_one_reader_of_markdown_is_read_by_the_other(site: Path) -> None:
    """Lists that end a paragraph, and dollars and bars within tables, are told apart differently."""
    for page in sorted(site.rglob("*.html")):
        text = re.sub(r"<(pre|code|math)\b.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.S)
        if page.parent.name == "reference":
            continue
        for part in re.findall(r"<(?:p|li|td)>(.*?)</(?:p|li|td)>", text, re.S):
            words = re.sub(r"<[^>]*>", "", part)
            assert not re.search(r"\n(\* |\d\. |\| )|\*\*|\]\(|\$", words), f"{page.name}: {words}"


def test_every_command_is_in_the_guide() -> None:
    guide = (DOCS / "guides" / "command-line.md").read_text(encoding="utf-8")
    sources = [path.read_text("utf-8") for path in (ROOT / "experiments" / "commands").glob("*.py")]
    names = [found.group(1) for text in sources if (found := re.search(r'^NAME = "(.+)"$', text, re.M))]
    assert len(names) > 15
    for name in names:
        assert f"| `staghunt {name}` |" in guide, name


def test_search_has_an_index(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "Certify somebody else's strategy" in index


def test_equations_become_elements(site: Path) -> None:
    pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
    assert any('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in page for page in pages)
    assert not any('class="arithmatex"' in page for page in pages)


def test_unknown_commands_in_equations_are_refused() -> None:
    mathml = hook("mathml").mathml
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in mathml("x^2", block=False)
    with pytest.raises(ValueError, match="cannot be translated"):
        mathml(r"\nosuchthing x", block=True)


def test_notebooks_become_pages_with_what_they_showed(tmp_path: Path) -> None:
    import base64
    import json

    drawn = base64.b64encode(b"picture").decode()
    cells = [
        {
            "cell_type": "markdown",
            "source": ["# A title\n", "Text, [linked](../README.md).\n", "\n", "More."],
        },
        {
            "cell_type": "code",
            "source": "f()",
            "outputs": [
                {"output_type": "stream", "text": "\x1b[1mbold\x1b[0m\n"},
                {"output_type": "display_data", "data": {"image/png": drawn, "text/plain": "<Figure>"}},
                {"output_type": "execute_result", "data": {"text/html": "<b>1</b><script>x</script>"}},
                {"output_type": "execute_result", "data": {"text/plain": "'``` 2'"}},
            ],
        },
    ]
    path = tmp_path / "01-name.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}), encoding="utf-8")
    pages = hook("notebook_pages")
    made = dict(pages.pages_of(path))
    assert made["01-name/1-1.png"] == b"picture"
    page = made["01-name.md"]
    assert page.startswith("# A title\nText, [linked](../README.md).\n\nMore.\n")
    assert "```python\nf()\n```" in page and "```text\nbold\n```" in page and "\x1b" not in page
    assert "](01-name/1-1.png)" in page and "<Figure>" not in page
    assert "````text\n'``` 2'\n````" in page
    listed = pages.entry(path)
    assert listed.startswith("## [A title](01-name.md)\n\nText, [linked](../readme.md).\n\n[![")
    assert "](01-name/1-1.png){ width=420" in listed and "More" not in listed
    assert pages.on_page_content('<div data-shown="0"></div>') == '<div class="shown"><b>1</b></div>'


def test_links_out_of_the_folder_lead_to_pages() -> None:
    outside = hook("outside")

    class Page:
        class file:
            src_uri = "guides/index.md"

    turned = outside.on_page_markdown(
        "[a](../../README.md#b) [c](../../notebooks/01-x.ipynb) [d](../../Makefile) [e](tour.md) [f](#g)",
        Page,
    )
    assert turned == "[a](../readme.md#b) [c](../notebooks/01-x.md) d [e](tour.md) [f](#g)"
