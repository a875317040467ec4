"""Scenes as pictures on axes."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke

from experiments.plots import COLOURS
from games.scene import Mark, Scene

Float = npt.NDArray[np.float64]

_SOFT = 300
"""Up to so many arrows have soft edges."""
_SHADES = 40
"""Colours of headings."""
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
        write_caption(axes, scene.text)
    elif is_words(scene):
        axes.set_axis_off()
        _words(axes, scene.text)
    else:
        _plane(axes, scene)
        write_caption(axes, scene.text)


def is_words(scene: Scene) -> bool:
    """Whether a scene has nothing but its text."""
    drawn = scene.image, scene.points, scene.density
    return all(part is None for part in drawn) and not scene.marks and not scene.grid


def _plane(axes: Axes, scene: Scene) -> None:
    axes.set_xlim(0, scene.width)
    axes.set_ylim(0, scene.height)
    axes.set_aspect("equal")
    if scene.grid:
        _grid(axes, scene)
    if scene.density is not None:
        axes.imshow(
            _shaded(scene.density, scene.drift),
            origin="lower",
            extent=(0, scene.width, 0, scene.height),
            interpolation="nearest",
            zorder=1,
        )
    if scene.points is not None:
        _points(axes, scene)
    size = points_per_unit(axes, scene)
    for k, mark in enumerate(scene.marks):
        draw_mark(axes, mark, size, 3 + k / (len(scene.marks) + 1))


def _grid(axes: Axes, scene: Scene) -> None:
    across = [[(x, 0.0), (x, scene.height)] for x in np.arange(1.0, scene.width)]
    along = [[(0.0, y), (scene.width, y)] for y in np.arange(1.0, scene.height)]
    axes.add_collection(LineCollection(across + along, colors="#D8D8D8", linewidths=0.6, zorder=0))


def _points(axes: Axes, scene: Scene) -> None:
    """Dots, or arrows along the headings and coloured by them, smaller the more there are."""
    points = np.asarray(scene.points, dtype=np.float64).reshape(-1, 2)
    share = 1.0 / np.sqrt(max(len(points), 1))
    if scene.headings is None:
        size = float(np.clip(700 * share, 3.0, 60))
        shade = (*to_rgb(COLOURS[0]), float(np.clip(12 * share, 0.35, 1.0)))
        axes.scatter(points[:, 0], points[:, 1], s=size, color=[shade], linewidths=0)
        return
    length = float(np.clip(0.8 * share, 0.016, 0.07)) * max(scene.width, scene.height)
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
        width=float(np.clip(0.12 * share, 0.0025, 0.008)),
        color=_of_headings(angles),
        pivot="mid",
        # where they are many, soft edges would make films several times as large
        antialiased=len(points) <= _SOFT,
    )


def _of_headings(angles: Float) -> Float:
    """A colour for each heading, float64[..., 3]: right, up, left and down are told apart, none is pale."""
    wheel = np.array([to_rgb(COLOURS[k]) for k in (0, 2, 4, 1, 3)])
    at = np.mod(np.round(_SHADES * angles / (2 * np.pi)) / _SHADES, 1.0) * len(wheel)
    low = at.astype(np.int64) % len(wheel)
    part = (at - np.floor(at))[..., None]
    mixed: Float = (1 - part) * wheel[low] + part * wheel[(low + 1) % len(wheel)]
    return mixed


def _shaded(density: Float, drift: Any) -> Float:
    """A raster's colours float64[h, w, 3]: white where nobody is, darker the more there are, or coloured by heading.

    The scale is the same in all frames: full at twice the mean with headings, and else at 100 times, by logarithms. Where
    headings differ, colours are grey.
    """
    many = np.maximum(density, 0.0)
    if drift is None:
        depth = np.clip(np.log1p(many) / np.log1p(100.0), 0.0, 1.0)[..., None]
        dark = np.array(to_rgb("#06264A"))
        middle = np.array(to_rgb(COLOURS[0]))
        first, second = np.clip(2 * depth, 0, 1), np.clip(2 * depth - 1, 0, 1)
        return (1 - second) * ((1 - first) + first * middle) + second * dark
    order = np.abs(drift) / np.maximum(many, 1e-12)
    paint = order[..., None] * _of_headings(np.angle(drift)) + (1 - order[..., None]) * 0.6
    depth = np.clip(many / 2.0, 0.0, 1.0)[..., None] ** 0.7
    return np.clip(1 - depth + depth * paint, 0.0, 1.0)


def points_per_unit(axes: Axes, scene: Scene) -> float:
    """Typographic points in one unit of the scene, for the size of what is written."""
    box = axes.get_position()
    figure: Any = axes.figure
    wide, high = figure.get_size_inches() * (box.width, box.height)
    return 72.0 * float(min(wide / scene.width, high / scene.height))


def draw_mark(axes: Axes, mark: Mark, unit: float, order: float) -> None:
    """One mark; those of higher `order` cover the others.

    Parameters
    ----------
    axes : Axes
        Where; the limits are set.
    mark : Mark
        What.
    unit : float
        See `points_per_unit`.
    order : float
        Which marks it covers.
    """
    shade, half = colour(mark.color), mark.size / 2
    edge: dict[str, Any] = {"facecolor": shade, "edgecolor": "white", "linewidth": 0.5, "zorder": order}
    if mark.kind == "square":
        axes.add_artist(Rectangle((mark.x - half, mark.y - half), mark.size, mark.size, **edge))
    elif mark.kind == "disc":
        axes.add_artist(Circle((mark.x, mark.y), half, **edge))
    elif mark.kind == "line":
        ends = [mark.x, mark.x + mark.dx], [mark.y, mark.y + mark.dy]
        axes.plot(*ends, color=shade, linewidth=1.2, zorder=order, path_effects=_rim(mark))
    elif mark.kind == "arrow":
        style: dict[str, Any] = {
            "arrowstyle": "-|>",
            "color": shade,
            "linewidth": 1.2,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        if rim := _rim(mark):
            style |= {"path_effects": rim, "mutation_scale": 14}
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


def _rim(mark: Mark) -> list[Any]:
    """A white rim around what is black, so that it is seen on crowds."""
    return [withStroke(linewidth=3.2, foreground="white")] if mark.color == -2 else []


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


def write_caption(axes: Axes, text: str) -> None:
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
