"""The pages of the documentation: where they are in a checkout and in an installed package, and what each is about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from experiments.checkout import HOME, checkout
from games.errors import InputError

_FRONT = re.compile(r"\A---\n.*?\n---\n", re.S)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.S)
_DIRECTIVE = re.compile(r"^::: *(\S+)\n(?:(?:    .*)?\n)*", re.M)
_ADMONITION = re.compile(r"^(?:!!!|\?\?\?\+?) +(\w+)(?: +\"([^\"]*)\")? *\n((?:(?: {4}.*)?\n)+)", re.M)
_SENTENCE = re.compile(r"(?<=[a-z0-9)`]{3}[.!?])(?<!et al\.)\s")
_NO_PARAGRAPHS = ("#", "|", "```", ":::", "!!!", "???", "- ", "1. ", ">", "<", "![")
_FENCED = re.compile(r"(?P<code>^```.*?^```\n)|(?:(?!^```)[^\n]*\n)+", re.M | re.S)
_DISPLAYED = re.compile(r"^\$\$(.+?)\$\$$", re.M | re.S)
_INLINE = re.compile(r"(?<![\\$`\w])\$(?=\S)([^$`\n]+?)(?<=\S)\$(?![\w$])")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Page:
    """A page of the documentation.

    Parameters
    ----------
    name : str
        Its path in docs/ without the suffix, such as ``solvers/cfr``.
    path : Path
        The file.
    """

    name: str
    path: Path

    @property
    def text(self) -> str:
        """Its Markdown, without front matter."""
        return _FRONT.sub("", self.path.read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        """Its first heading; the name where there is none."""
        found = re.search(r"^# +(.+)$", self.text, re.M)
        return _plain(found.group(1)) if found else self.name

    @property
    def summary(self) -> str:
        """The first sentence of its first paragraph."""
        for block in _COMMENT.sub("", self.text).split("\n\n"):
            if block.strip() and not block.lstrip().startswith(_NO_PARAGRAPHS):
                return _SENTENCE.split(_plain(block), maxsplit=1)[0]
        return ""

    def readable(self) -> str:
        """Its Markdown as a terminal can show it: without comments, formulas as code, notes as quotations, references by name."""
        text = _COMMENT.sub("", self.text)
        text = _FENCED.sub(_formulas, text + "\n").removesuffix("\n")
        text = _DIRECTIVE.sub(lambda m: f"`help({m.group(1)})` in Python tells more.\n\n", text)
        return _ADMONITION.sub(_quoted, text)


def folder(home: Path = HOME) -> Path | None:
    """Where the pages are: docs/ of a checkout, or in the installed package; None if they are nowhere."""
    root = checkout(home)
    for place in ([root / "docs"] if root is not None else []) + [home / "docs"]:
        if place.is_dir():
            return place
    return None


def pages(home: Path = HOME) -> dict[str, Page]:
    """All pages by name: the index first, then those of the main folder, then those of each further one."""
    place = folder(home)
    if place is None:
        return {}
    found = [Page(path.relative_to(place).with_suffix("").as_posix(), path) for path in place.rglob("*.md")]
    found.sort(key=lambda one: (one.name != "index", one.name.count("/"), one.name))
    return {one.name: one for one in found}


def page_of(name: str, home: Path = HOME) -> Page:
    """The page of a name, or of the last part of one; `InputError` with the nearest one if there is none.

    Parameters
    ----------
    name : str
        Such as ``guides/students``, ``students`` or ``docs/guides/students.md``.
    home : Path
        Folder of this package.
    """
    known = pages(home)
    if not known:
        raise InputError(f"the pages of the documentation are neither beside nor in {home}")
    wanted = name.strip().strip("/").lower().removeprefix("docs/").removesuffix(".md")
    if wanted in known:
        return known[wanted]
    if f"{wanted}/index" in known:
        return known[f"{wanted}/index"]
    ends = [page for key, page in known.items() if key.rpartition("/")[2] == wanted]
    ends = [
        page for page in ends if not page.name.startswith("reference/")
    ] or ends  # those are for a browser
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise InputError(f"page {name!r:.60} may be {' or '.join(page.name for page in ends)}")
    short = {key.rpartition("/")[2]: key for key in known}
    near = get_close_matches(wanted, [*known, *short], 1, 0.5)
    hint = f"did you mean {short.get(near[0], near[0])}" if near else "`staghunt docs` lists them"
    raise InputError(f"there is no page {name!r:.60}; {hint}{'?' if near else ''}")


def exists(name: str, home: Path = HOME) -> bool:
    """Whether there is a page of this whole name; looks at one file."""
    place = folder(home)
    return place is not None and (place / f"{name}.md").is_file()


def _plain(text: str) -> str:
    """A heading or paragraph in one line, links as their words."""
    return " ".join(_LINK.sub(r"\1", text).replace("`", "").replace("*", "").split())


def _formulas(match: re.Match[str]) -> str:
    """Formulas of a stretch of text as code; a block of code as it is."""
    if match.group("code"):
        return match.group()
    text = _DISPLAYED.sub(lambda found: f"```\n{found.group(1).strip()}\n```", match.group())
    return _INLINE.sub(r"`\1`", text)


def _quoted(match: re.Match[str]) -> str:
    kind, title, body = match.groups()
    lines = [
        f"**{title or kind.capitalize()}**",
        "",
        *(line.removeprefix("    ") for line in body.split("\n")),
    ]
    return "\n".join(f"> {line}".rstrip() for line in lines).rstrip("> \n") + "\n\n"
