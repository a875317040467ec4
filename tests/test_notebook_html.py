"""What the command line prints, as HTML for notebooks."""

from __future__ import annotations

import pytest
from rich.markup import escape

from experiments.tables import as_html, console, simple_table


def test_what_is_shown_becomes_html(capsys: pytest.CaptureFixture[str]) -> None:
    def show() -> None:
        table = simple_table("Name", "Number", right=[1])
        table.add_row(escape("<b>&[red]x"), "1.5")
        console().print(table)

    told = as_html(show)
    assert capsys.readouterr().out == ""
    assert "&lt;b&gt;&amp;[red]x" in told and "1.5" in told and "<b>" not in told
    assert told.startswith("<pre") and told.rstrip().endswith("</pre>")
    show()
    assert "<b>&[red]x" in capsys.readouterr().out


def test_after_an_error_the_console_is_the_console_again(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        console().print("half")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        as_html(fail)
    console().print("whole")
    assert capsys.readouterr().out == "whole\n"
