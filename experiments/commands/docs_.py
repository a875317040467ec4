"""`staghunt docs`: the pages of the documentation, without a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.commands.options import Json, Quiet

if TYPE_CHECKING:
    from experiments.pages import Page

NAME = "docs"
HELP = (
    "List the pages of the documentation, or show one. They come with the program; in a pipe, a page is printed as the "
    "Markdown that it is."
)
EXAMPLES = (
    "staghunt docs",
    "staghunt docs tour",
    "staghunt docs guides/students --path",
)
LINE = 130
"""Letters about a page in the list."""


def command(
    page: Annotated[
        str,
        typer.Argument(
            help="Name of a page, such as scaling; the last part of it is enough.", show_default=False
        ),
    ] = "",
    path: Annotated[
        bool, typer.Option("--path", help="Print where the file is, or the folder of all of them.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """List, or show one."""
    from experiments.pages import folder, page_of, pages
    from games.errors import InputError

    if page:
        _tell(page_of(page), path, json, quiet)
        return 0
    known, place = pages(), folder()
    if place is None or not known:
        raise InputError("the pages of the documentation were not installed with the program")
    if path:
        print(place)
    elif json:
        from experiments.output import print_json

        print_json({"folder": str(place), "pages": [describe(one) for one in known.values()]})
    elif not quiet:
        _show(known.values())
    return 0


def describe(page: Page) -> dict[str, Any]:
    """One page as a record."""
    return {"name": page.name, "title": page.title, "description": page.summary, "file": str(page.path)}


def _tell(page: Page, path: bool, json: bool, quiet: bool) -> None:
    if path:
        print(page.path)
    elif json:
        from experiments.output import print_json

        print_json({**describe(page), "text": page.text})
    elif not quiet and not sys.stdout.isatty():
        print(page.text.strip())
    elif not quiet:
        from rich.markdown import Markdown

        from experiments.tables import console

        console().print(Markdown(page.readable()))


def _show(pages: Iterable[Page]) -> None:
    from experiments.listings import show_listing

    groups: dict[str, list[tuple[str, str]]] = {}
    for page in pages:
        folder = page.name.rpartition("/")[0]
        groups.setdefault(folder.capitalize(), []).append((page.name, one_line_about(page)))
    show_listing(groups, ["`staghunt docs PAGE` shows one; with --path, where it is."])


def one_line_about(page: Page) -> str:
    """Its title, with its first sentence where both fit a line."""
    whole = ". ".join(filter(None, (page.title, page.summary)))
    return whole if len(whole) <= LINE else page.title
