"""A scene in letters, for a person at a terminal."""

from __future__ import annotations

from games.scene import Mark, Scene

_LARGEST = 40
"""A grid with more columns or rows than this is not written out."""
_SIGNS = {"square": "#", "disc": "o", "arrow": ">", "line": "-"}


def scene_text(scene: Scene) -> str:
    """A scene as lines of text.

    A scene with a grid becomes rows of cells, the highest first, with the text of the mark in each cell, or a sign for
    its kind; others are only what their `text` says.

    Parameters
    ----------
    scene : Scene
        What is told.

    Examples
    --------
    >>> print(scene_text(Scene(3, 2, (Mark("disc", 0.5, 1.5, text="A"), Mark("square", 2.5, 0.5)), grid=True)))
    A . .
    . . #
    """
    parts = [_rows(scene)] if scene.grid and max(scene.width, scene.height) <= _LARGEST else []
    return "\n".join(part for part in (*parts, scene.text) if part)


def _rows(scene: Scene) -> str:
    columns, rows = max(1, round(scene.width)), max(1, round(scene.height))
    cells = [["." for _ in range(columns)] for _ in range(rows)]
    for mark in scene.marks:
        x, y = int(mark.x), int(mark.y)
        if 0 <= x < columns and 0 <= y < rows and (sign := _sign(mark)):
            cells[y][x] = sign
    wide = max(len(cell) for row in cells for cell in row)
    return "\n".join(" ".join(cell.ljust(wide) for cell in row).rstrip() for row in reversed(cells))


def _sign(mark: Mark) -> str:
    return " ".join(mark.text.split()) or _SIGNS.get(mark.kind, "")
