"""Episodes as files: an animated GIF, or a strip of frames in a PNG."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from experiments.atomic import write_atomically
from experiments.film import Frame
from experiments.plots import new_figure, save_figure
from experiments.scene_sprites import Palette, Sprites, fits
from experiments.scenes import draw_scene, is_words
from games.scene import Scene

STRIP = 10
"""A strip shows at most so many frames."""
_GIF_DPI = 100
_PANEL = 4.6
"""Inches of the longer side of a frame in a GIF."""
_HEAD, _FOOT = 0.3, 0.75
"""Inches above and below a frame, for its title and its text."""
_GIF_COLOURS = 128
_SAMPLES = 6
"""Frames from which the colours of a film of a map are chosen."""


def write_gif(path: Path, frames: Sequence[Frame], fps: float) -> None:
    """An animated GIF of all frames, written whole or not at all.

    Parameters
    ----------
    path : Path
        Where to.
    frames : sequence of Frame
        What happened.
    fps : float
        Frames per second; the last one stays for a second.
    """
    write_atomically(path, lambda temporary: encode_gif(temporary, frames, fps))


def encode_gif(
    target: Path | IO[bytes],
    frames: Sequence[Frame],
    fps: float,
    *,
    inches: float = _PANEL,
    dpi: int = _GIF_DPI,
    colours: int = _GIF_COLOURS,
) -> None:
    """An animated GIF of all frames, as small as asked for.

    Parameters
    ----------
    target : Path or binary file
        Where to.
    frames : sequence of Frame
        What happened.
    fps : float
        Frames per second; the last one stays for a second.
    inches : float
        The longer side of a scene.
    dpi : int
        Pixels per inch.
    colours : int
        Told apart, 2 to 256; fewer make the file smaller.
    """
    still = round(1000 / fps)
    times = [still] * (len(frames) - 1) + [max(still, 1000)]
    pictures = _pictures(frames, inches, dpi, colours)
    first = next(pictures)
    first.save(target, format="GIF", save_all=True, append_images=pictures, duration=times, loop=0)


def _pictures(frames: Sequence[Frame], inches: float, dpi: int, colours: int) -> Iterator[Any]:
    """The frames as palette images of one size."""
    from PIL import Image

    wide, high = _size(frames[0].scene, inches)
    figure = new_figure(wide, high + _HEAD + _FOOT)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.04, _FOOT / (high + _HEAD + _FOOT), 0.92, high / (high + _HEAD + _FOOT)))
    figure.set_dpi(dpi)
    if fits([frame.scene for frame in frames]):
        sprites = Sprites(figure, axes, frames[0].scene, frames[0].title)
        some = [sprites(frames[k].scene, frames[k].title) for k in evenly(len(frames), _SAMPLES)]
        palette = Palette(some, colours)
        yield from (palette(sprites(frame.scene, frame.title)) for frame in frames)
        return
    for frame in frames:
        draw_scene(axes, frame.scene, frame.title)
        picture = Image.fromarray(_pixels(figure))
        # flat colours need no dithering, whose noise would differ from frame to frame
        yield picture.quantize(colours, dither=Image.Dither.NONE)


def _pixels(figure: Figure) -> npt.NDArray[np.uint8]:
    canvas: Any = figure.canvas
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _size(scene: Scene, longest: float = _PANEL) -> tuple[float, float]:
    """Inches of a frame: the longer side is given, and no side is less than a third of it."""
    if scene.image is not None:
        high, wide = np.asarray(scene.image).shape[:2]
    elif is_words(scene):
        wide, high = 4, 3
    else:
        wide, high = scene.width, scene.height
    longer = max(wide, high)
    return longest * max(wide / longer, 0.34), longest * max(high / longer, 0.34)


def write_strip(path: Path, frames: Sequence[Frame]) -> list[Frame]:
    """At most `STRIP` frames, evenly spaced from the first to the last, side by side in one picture; returns them."""
    chosen = [frames[k] for k in evenly(len(frames), STRIP)]
    columns = min(len(chosen), 5)
    rows = -(-len(chosen) // columns)
    wide, high = (0.62 * side for side in _size(chosen[0].scene))
    figure = new_figure(columns * wide, rows * (high + 0.9))
    panels = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for axes in panels[len(chosen) :]:
        axes.set_visible(False)
    for axes, frame in zip(panels, chosen):
        draw_scene(axes, frame.scene, frame.title)
    save_figure(path, figure)
    return chosen


def evenly(count: int, limit: int) -> list[int]:
    """At most `limit` of the numbers 0 to count - 1, evenly spaced, the first and the last among them.

    >>> evenly(7, 3)
    [0, 3, 6]
    """
    if count <= limit:
        return list(range(count))
    return [int(k) for k in np.round(np.linspace(0, count - 1, limit))]
