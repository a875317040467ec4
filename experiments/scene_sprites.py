"""Scenes of many squares and discs as pixels, fast: each mark is drawn once, and pasted wherever it comes again.

A film of a map shows hundreds of marks in every frame, of which few are new. What `experiments.scenes` draws of a mark alone
is kept with its transparency; frames are laid out of these pieces on the empty plane. Colours differ from those of
`experiments.scenes.draw_scene` by rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from experiments.scenes import draw_mark, draw_scene, is_words, points_per_unit, write_caption
from games.scene import Mark, Scene

Array = npt.NDArray[Any]

MANY = 40
"""With fewer marks a scene is drawn as fast without."""
_SOLID = ("square", "disc")
_KEPT = 20_000
"""Pieces kept at most."""


class Piece(NamedTuple):
    """A part of a picture: where it lies, its colours times their opacity, and what it lets through."""

    rows: slice
    columns: slice
    colour: Array  # float32[h, w, 3]
    through: Array  # float32[h, w, 1]


def fits(scenes: Sequence[Scene]) -> bool:
    """Whether all scenes are planes of one size with squares and discs only, and many of them."""
    first = scenes[0]
    size = (first.width, first.height, first.grid)
    plain = all(
        (one.width, one.height, one.grid) == size
        and one.image is None
        and one.points is None
        and one.density is None
        and not is_words(one)
        and all(mark.kind in _SOLID for mark in one.marks)
        for one in scenes
    )
    return plain and max(len(one.marks) for one in scenes) >= MANY


class Sprites:
    """Draws scenes for which `fits` holds.

    Parameters
    ----------
    figure : Figure
        On the Agg canvas; nothing else may be drawn on it.
    axes : Axes
        Its only axes.
    first : Scene
        Any of them.
    title : str
        Any title; with it and the scene's text, the places of both are found.
    """

    def __init__(self, figure: Figure, axes: Axes, first: Scene, title: str) -> None:
        self._axes, self._canvas = axes, _canvas(figure)
        self._pieces: dict[Mark, Piece] = {}
        draw_scene(axes, replace(first, marks=()), title)
        self._unit = points_per_unit(axes, first)
        self._canvas.draw()  # lays out title and text
        axes.set_title("")
        axes.set_xlabel("")
        self._canvas.draw()
        self._empty = self._pixels()[..., :3].astype(np.float32)

    def __call__(self, scene: Scene, title: str) -> npt.NDArray[np.uint8]:
        """The picture, uint8[h, w, 3]."""
        picture = self._empty.copy()
        for mark in scene.marks:
            _paste(picture, self._piece(mark))
        self._axes.set_title(title, fontsize=9, parse_math=False)
        write_caption(self._axes, scene.text)
        for text in (self._axes.title, self._axes.xaxis.label):
            if text.get_text():
                _paste(picture, self._drawn([text]))
        return np.rint(picture).astype(np.uint8)

    def _piece(self, mark: Mark) -> Piece:
        found = self._pieces.get(mark)
        if found is None:
            if len(self._pieces) >= _KEPT:
                self._pieces.clear()
            before = set(self._axes.get_children())
            draw_mark(self._axes, mark, self._unit, 3.0)
            artists = [one for one in self._axes.get_children() if one not in before]
            artists.sort(key=lambda one: one.get_zorder())
            found = self._pieces[mark] = self._drawn(artists)
            for artist in artists:
                artist.remove()
        return found

    def _drawn(self, artists: Iterable[Any]) -> Piece:
        """What artists look like alone."""
        renderer = self._canvas.get_renderer()
        renderer.clear()
        for artist in artists:
            artist.draw(renderer)
        pixels = self._pixels()
        seen = pixels[..., 3] > 0
        rows, columns = _ends(np.asarray(seen.any(axis=1))), _ends(np.asarray(seen.any(axis=0)))
        part = pixels[rows, columns].astype(np.float32)
        cover = part[..., 3:] / np.float32(255)
        return Piece(rows, columns, part[..., :3] * cover, 1 - cover)

    def _pixels(self) -> Array:
        return np.asarray(self._canvas.buffer_rgba())


class Palette:
    """Pictures with the same few colours for all frames of a film; what did not change since the last is not looked at again.

    Parameters
    ----------
    samples : sequence of uint8[h, w, 3]
        Some of the frames, from which colours are chosen.
    colours : int
        How many.
    """

    def __init__(self, samples: Sequence[Array], colours: int) -> None:
        sample = Image.fromarray(np.concatenate(list(samples)))
        self._colours = sample.quantize(colours, dither=Image.Dither.NONE).getpalette() or []
        self._table = np.array(self._colours, dtype=np.int64).reshape(-1, 3)
        self._nearest = np.full(1 << 24, -1, dtype=np.int16)  # by packed colour
        self._last: tuple[Array, Array] | None = None

    def __call__(self, pixels: Array) -> Image.Image:
        """The picture with the nearest of the colours in each place."""
        packed = pixels[..., 0].astype(np.int32)
        for channel in (1, 2):
            packed <<= 8
            packed |= pixels[..., channel]
        if self._last is None:
            chosen = self._found(packed)
        else:
            before, chosen = self._last
            new = packed != before
            chosen = chosen.copy()
            chosen[new] = self._found(packed[new])
        self._last = packed, chosen
        picture = Image.fromarray(chosen)
        picture.putpalette(self._colours)
        return picture

    def _found(self, packed: Array) -> Array:
        unknown = np.unique(packed[self._nearest[packed] < 0])
        for part in np.array_split(unknown, max(1, len(unknown) // 4_096)):
            each = np.stack([part >> 16, (part >> 8) & 255, part & 255], axis=1)
            far = ((each[:, None] - self._table) ** 2).sum(axis=2)
            self._nearest[part] = far.argmin(axis=1)
        return self._nearest[packed].astype(np.uint8)


def _ends(some: Array) -> slice:
    """From the first to the last that is true; nothing if none is."""
    where = np.flatnonzero(some)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)


def _canvas(figure: Figure) -> Any:
    return figure.canvas


def _paste(picture: Array, piece: Piece) -> None:
    below = picture[piece.rows, piece.columns]
    np.multiply(below, piece.through, out=below)
    below += piece.colour
