"""A reader of small pieces of HTML that refuses what is not well-formed."""

from __future__ import annotations

from html.parser import HTMLParser


class Balanced(HTMLParser):
    """Refuses a document that does not close what it opens, or that has a script in it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag != "script"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def read(html: str) -> str:
    """The text of a document."""
    parser = Balanced()
    parser.feed(html)
    assert not parser.open
    return parser.text
