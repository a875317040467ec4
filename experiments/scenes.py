"""Scenes as pictures on axes."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, Rectangle

from experiments.plots import COLOURS
from games.scene import Mark, Scene

_GREY, _BLACK = "#9A9A9A", "#000000"


def colour(index: int) -> str:
    """A colour by its number in a `Mark`: a palette that everybody tells apart, grey for -1, black for -2."""
    if index < 0:
        return _GREY if index == -1 else _BLACK
    return COLOURS[index % len(COLOURS)]


# --- one frame --------------------------------------------------------------------------------------------


def draw_scene(axes: Axes, scene: Scene, title: str = "") -> None:
    """Draw one scene.

    Parameters
    ----------
    axes : Axes
        Where; whatever is on them is removed.
    scene : Scene
        What.
    title : str
        Written above.
    """
    axes.clear()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9, parse_math=False)
    if scene.image is not None:
        axes.imshow(np.asarray(scene.image), interpolation="nearest", aspect="equal")
        _caption(axes, scene.text)
    elif is_words(scene):
        axes.set_axis_off()
        _words(axes, scene.text)
    else:
        _plane(axes, scene)
        _caption(axes, scene.text)


def is_words(scene: Scene) -> bool:
    """Whether a scene has nothing but its text."""
    return scene.image is None and not scene.marks and scene.points is None and not scene.grid


def _plane(axes: Axes, scene: Scene) -> None:
    axes.set_xlim(0, scene.width)
    axes.set_ylim(0, scene.height)
    axes.set_aspect("equal")
    if scene.grid:
        _grid(axes, scene)
    if scene.points is not None:
        _points(axes, scene)
    size = _points_per_unit(axes, scene)
    for k, mark in enumerate(scene.marks):
        _mark(axes, mark, size, 3 + k / (len(scene.marks) + 1))


def _grid(axes: Axes, scene: Scene) -> None:
    across = [[(x, 0.0), (x, scene.height)] for x in np.arange(1.0, scene.width)]
    along = [[(0.0, y), (scene.width, y)] for y in np.arange(1.0, scene.height)]
    axes.add_collection(LineCollection(across + along, colors="#D8D8D8", linewidths=0.6, zorder=0))


def _points(axes: Axes, scene: Scene) -> None:
    """Dots, or arrows along the headings, smaller the more there are."""
    points = np.asarray(scene.points, dtype=np.float64).reshape(-1, 2)
    share = 1.0 / np.sqrt(max(len(points), 1))
    if scene.headings is None:
        axes.scatter(
            points[:, 0], points[:, 1], s=float(np.clip(900 * share, 0.4, 60)), color=COLOURS[0], linewidths=0
        )
        return
    length = float(np.clip(0.5 * share, 0.008, 0.06)) * max(scene.width, scene.height)
    angles = np.asarray(scene.headings, dtype=np.float64)
    axes.quiver(
        points[:, 0],
        points[:, 1],
        length * np.cos(angles),
        length * np.sin(angles),
        angles="xy",
        scale_units="xy",
        scale=1,
        units="width",
        width=float(np.clip(0.03 * share, 0.0012, 0.006)),
        color=COLOURS[0],
        pivot="mid",
    )


def _points_per_unit(axes: Axes, scene: Scene) -> float:
    """Typographic points in one unit of the scene, for the size of what is written."""
    box = axes.get_position()
    figure: Any = axes.figure
    wide, high = figure.get_size_inches() * (box.width, box.height)
    return 72.0 * float(min(wide / scene.width, high / scene.height))


def _mark(axes: Axes, mark: Mark, unit: float, order: float) -> None:
    """One mark; those of higher `order` cover the others."""
    shade, half = colour(mark.color), mark.size / 2
    edge: dict[str, Any] = {"facecolor": shade, "edgecolor": "white", "linewidth": 0.5, "zorder": order}
    if mark.kind == "square":
        axes.add_patch(Rectangle((mark.x - half, mark.y - half), mark.size, mark.size, **edge))
    elif mark.kind == "disc":
        axes.add_patch(Circle((mark.x, mark.y), half, **edge))
    elif mark.kind == "line":
        ends = [mark.x, mark.x + mark.dx], [mark.y, mark.y + mark.dy]
        axes.plot(*ends, color=shade, linewidth=1.2, zorder=order)
    elif mark.kind == "arrow":
        style = {"arrowstyle": "-|>", "color": shade, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
        tip, tail = (mark.x + mark.dx, mark.y + mark.dy), (mark.x, mark.y)
        axes.annotate("", tip, tail, arrowprops=style, zorder=order)
    elif mark.kind != "label":
        raise ValueError(f"a scene has a mark of kind {mark.kind!r}, which nobody knows how to draw")
    if mark.text:
        solid = mark.kind in ("square", "disc")
        axes.text(
            mark.x,
            mark.y,
            mark.text,
            color=_ink(shade) if solid else shade,
            fontsize=_font(mark, unit),
            ha="center",
            va="center",
            parse_math=False,
            clip_on=True,
            zorder=order,
        )


def _font(mark: Mark, unit: float) -> float:
    """A size at which the text fits into the mark; labels are as high as their size says, but can be read."""
    if mark.kind == "label":
        return float(np.clip(0.6 * mark.size * unit, 6, 14))
    longest = max(map(len, mark.text.splitlines()), default=1)
    return float(np.clip(mark.size * unit * min(0.6, 1.3 / max(longest, 1)), 4, 16))


def _ink(shade: str) -> str:
    """Black or white, whichever is read more easily on a colour."""
    red, green, blue = (int(shade[k : k + 2], 16) for k in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


def _caption(axes: Axes, text: str) -> None:
    """What is told below a picture, in at most three lines."""
    lines = _folded(text, _columns(axes, 7.5))
    if len(lines) > 3:
        lines = [*lines[:2], lines[2][:-1] + "…"]
    axes.set_xlabel("\n".join(lines), fontsize=7.5, parse_math=False)


def _words(axes: Axes, text: str) -> None:
    """A scene that is told instead of drawn, as large as it fits; boards of letters keep their columns."""
    figure: Any = axes.figure
    box = axes.get_position()
    wide, high = 72 * figure.get_size_inches() * (box.width, box.height)
    for size in (11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0):
        lines = _folded(text, _columns(axes, size))
        if len(lines) * 1.25 * size <= high or size == 5.0:
            break
    lines = lines[: max(1, int(high / (1.25 * size)))]
    block = max(map(len, lines), default=0) * 0.6 * size
    axes.text(
        max(0.0, 0.5 * (1 - block / wide)),
        0.5,
        "\n".join(lines),
        transform=axes.transAxes,
        family="monospace",
        fontsize=size,
        ha="left",
        va="center",
        parse_math=False,
    )


def _columns(axes: Axes, size: float) -> int:
    """Letters of a size that fit beside one another."""
    figure: Any = axes.figure
    return max(8, int(72 * figure.get_size_inches()[0] * axes.get_position().width / (0.6 * size)))


def _folded(text: str, columns: int) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        clean = "".join(c if c.isprintable() else " " for c in line)
        lines += [clean] if len(clean) <= columns else textwrap.wrap(clean, columns)
    return lines
