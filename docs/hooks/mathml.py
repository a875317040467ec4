"""Equations as MathML, written when the site is built, so that pages need no script for them.

`pymdownx.arithmatex` finds `$...$` and `$$...$$` in the Markdown; what it marks is translated here.
"""

from __future__ import annotations

import html
import logging
import re
from typing import Any

from latex2mathml.converter import convert

_LOG = logging.getLogger("mkdocs.hooks.mathml")
_MARKED = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.S)
_TEXT = re.compile(r"<m(?:i|o|n|text)[^>]*>\\")
"""A command that the translator does not know stands in the page as it was written."""


def mathml(equation: str, block: bool) -> str:
    """An equation in LaTeX as a MathML element.

    Parameters
    ----------
    equation : str
        Without the dollar signs.
    block : bool
        Whether it stands in a line of its own.

    Returns
    -------
    str
        ``<math ...>``.

    Raises
    ------
    ValueError
        If a command in it is not known.

    >>> mathml("x^2", block=False)[-57:]
    '<mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    """
    element: str = convert(equation.strip(), display="block" if block else "inline")
    if _TEXT.search(element):
        raise ValueError(f"cannot be translated: {equation.strip()}")
    return element


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Translate every equation of a page."""

    def translated(found: re.Match[str]) -> str:
        try:
            element = mathml(html.unescape(found.group(3)), block=found.group(2) == "[")
        except (
            Exception
        ) as error:  # whatever the translator raises, the page and the equation are what is needed
            _LOG.warning("%s: equation %s (%s)", page.file.src_uri, found.group(3), error)
            return found.group(0)
        return f'<div class="equation">{element}</div>' if found.group(2) == "[" else element

    return _MARKED.sub(translated, content)
