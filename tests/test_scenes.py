"""Scenes as pictures: what is drawn where, animated and in strips, and keeping long episodes as few frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, Rectangle
from PIL import Image

from experiments import scenes
from experiments.film import Film, Frame
from experiments.pictures import evenly, write_gif, write_strip
from experiments.plots import COLOURS, new_figure
from experiments.scenes import colour, draw_scene
from games.env import Step, View
from games.scene import Mark, Scene
from games.scene_text import scene_text


def drawn(scene: Scene, title: str = "") -> Any:
    figure = new_figure(4, 4)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    draw_scene(axes, scene, title)
    return axes


def pixels(axes: Any) -> np.ndarray:
    """Colours of the figure, the origin below left as in a scene."""
    axes.figure.canvas.draw()
    return np.asarray(axes.figure.canvas.buffer_rgba())[::-1, :, :3] / 255.0


def at(axes: Any, x: float, y: float) -> np.ndarray:
    """The colour that is seen at a point of the scene."""
    column, row = axes.transData.transform((x, y))
    return pixels(axes)[round(row), round(column)]


def near(found: np.ndarray, wanted: str, tolerance: float = 0.03) -> bool:
    return bool(np.abs(found - to_rgb(wanted)).max() < tolerance)


# --- one frame --------------------------------------------------------------------------------------------


def test_squares_and_discs_stand_where_the_scene_says_and_y_grows_upwards() -> None:
    axes = drawn(Scene(4, 4, (Mark("square", 1, 3, 1.0, 2), Mark("disc", 3, 1, 1.0, 1)), grid=True))
    assert near(at(axes, 1, 3), COLOURS[2]) and near(at(axes, 0.6, 2.6), COLOURS[2])
    assert near(at(axes, 3, 1), COLOURS[1])
    assert near(at(axes, 2.6, 1.4), "white"), "a disc has no corners"
    assert near(at(axes, 3.3, 3.3), "white")
    (square,) = (p for p in axes.patches if isinstance(p, Rectangle))
    (disc,) = (p for p in axes.patches if isinstance(p, Circle))
    assert square.get_xy() == (0.5, 2.5) and disc.radius == 0.5


def test_later_marks_cover_earlier_ones() -> None:
    marks = Mark("disc", 1, 1, 1.0, 0), Mark("square", 1, 1, 0.5, 1)
    assert near(at(drawn(Scene(2, 2, marks)), 1, 1), COLOURS[1])
    assert near(at(drawn(Scene(2, 2, marks[::-1])), 1, 1), COLOURS[0])


def test_lines_and_arrows_lead_from_the_point_in_their_direction() -> None:
    axes = drawn(Scene(4, 4, (Mark("line", 1, 1, dx=2, color=-2), Mark("arrow", 1, 3, dx=2, color=1))))
    assert at(axes, 2, 1).max() < 0.3 and near(at(axes, 3.5, 1), "white")
    assert near(at(axes, 2.8, 3), COLOURS[1], 0.3) and near(at(axes, 0.8, 3), "white")


def test_texts_are_taken_literally() -> None:
    axes = drawn(Scene(2, 2, (Mark("label", 1, 1, text="$x_1$"),), text="pays $5 or $6"), "step $1$")
    axes.figure.canvas.draw()
    assert [t.get_text() for t in axes.texts] == ["$x_1$"]
    assert axes.get_title() == "step $1$" and axes.get_xlabel() == "pays $5 or $6"
    assert not any(t.get_parse_math() for t in (axes.title, axes.xaxis.label, *axes.texts))


def test_swarms_are_dots_or_arrows_along_their_headings() -> None:
    dots = drawn(Scene(1, 1, points=np.array([[0.25, 0.75]])))
    assert near(at(dots, 0.25, 0.75), COLOURS[0]) and near(at(dots, 0.75, 0.25), "white")
    arrows = drawn(Scene(1, 1, points=np.array([[0.5, 0.5]]), headings=np.array([np.pi / 2])))
    (quiver,) = (c for c in arrows.collections if type(c).__name__ == "Quiver")
    assert quiver.V[0] > 0 and abs(quiver.U[0]) < 1e-12
    drawn(Scene(1, 1, points=np.empty((0, 2)), headings=np.empty(0)))


def test_words_fill_the_picture_and_boards_keep_their_columns() -> None:
    board = "x.o\n.x.\no.x"
    (text,) = drawn(Scene(text=board)).texts
    assert text.get_text() == board and text.get_family() == ["monospace"]
    (long,) = drawn(Scene(text="word " * 2_000)).texts
    axes = long.axes
    axes.figure.canvas.draw()
    box = long.get_window_extent().transformed(axes.transAxes.inverted())
    assert box.x0 >= -0.05 and box.x1 <= 1.05 and box.y0 >= -0.05 and box.y1 <= 1.05
    assert drawn(Scene()).texts[0].get_text() == ""


def test_a_ready_image_is_shown_as_it_is() -> None:
    image = np.zeros((4, 8, 3), dtype=np.uint8)
    image[0, 0] = (255, 0, 0)
    axes = drawn(Scene(image=image))
    assert np.array_equal(axes.images[0].get_array(), image)


def test_an_unknown_mark_is_a_bug_and_not_left_out() -> None:
    with pytest.raises(ValueError, match="kind 'hexagon'"):
        drawn(Scene(marks=(Mark("hexagon", 0, 0),)))


def test_colours_are_distinct_and_letters_on_them_readable() -> None:
    assert colour(-1) != colour(-2) and colour(0) == colour(len(COLOURS))
    assert len({colour(k) for k in range(len(COLOURS))}) == len(COLOURS)

    def brightness(shade: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(shade)]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    for shade in (*COLOURS, colour(-1)):
        ink, ground = brightness(scenes._ink(shade)), brightness(shade)
        assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) > 3.0  # WCAG 2, large letters


# --- letters ----------------------------------------------------------------------------------------------


def test_a_grid_in_letters() -> None:
    marks = Mark("disc", 0.5, 1.5, text="10"), Mark("square", 2.5, 0.5), Mark("disc", 9, 9, text="outside")
    assert scene_text(Scene(3, 2, marks, grid=True, text="two rows")).splitlines() == [
        "10 .  .",
        ".  .  #",
        "two rows",
    ]
    assert scene_text(Scene(text="only words")) == "only words"
    assert scene_text(Scene(100, 100, marks, grid=True)) == ""


# --- episodes ---------------------------------------------------------------------------------------------


def frames(count: int, scene: Scene | None = None) -> list[Frame]:
    return [
        Frame(k, scene or Scene(4, 3, (Mark("disc", 0.5 + k % 3, 1, 0.8),), grid=True)) for k in range(count)
    ]


def test_a_gif_has_every_frame_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    write_gif(path, frames(4), fps=5)
    with Image.open(path) as picture:
        assert picture.n_frames == 4 and picture.info["loop"] == 0
        shown = []
        for k in range(4):
            picture.seek(k)
            shown.append((picture.info["duration"], np.asarray(picture.convert("RGB"))))
    assert [time for time, _ in shown] == [200, 200, 200, 1000]
    assert len({image.shape for _, image in shown}) == 1
    assert not np.array_equal(shown[0][1], shown[1][1])
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]
    again = tmp_path / "b.gif"
    write_gif(again, frames(4), fps=5)
    assert again.read_bytes() == path.read_bytes()


def test_a_strip_has_at_most_ten_frames_the_first_and_the_last(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for count, columns, rows in ((1, 1, 1), (3, 3, 1), (10, 5, 2), (57, 5, 2)):
        chosen = write_strip(path, frames(count))
        steps = [frame.step for frame in chosen]
        assert steps[0] == 0 and steps[-1] == count - 1 and len(steps) == min(count, 10)
        with Image.open(path) as picture:
            assert picture.width / picture.height == pytest.approx(
                columns * 0.62 * 4.6 / (rows * (0.62 * 4.6 * 0.75 + 0.9)), rel=0.02
            )


def test_what_fails_in_drawing_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(b"old")
    bad = [*frames(2), Frame(2, Scene(marks=(Mark("hexagon", 0, 0),)))]
    with pytest.raises(ValueError, match="hexagon"):
        write_gif(path, bad, fps=5)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


@given(st.integers(1, 2_000), st.integers(2, 50))
def test_evenly_spaced_numbers_are_spaced_evenly(count: int, limit: int) -> None:
    chosen = evenly(count, limit)
    assert chosen[0] == 0 and chosen[-1] == count - 1 and len(chosen) == min(count, limit)
    gaps = set(np.diff(chosen))
    assert all(gap > 0 for gap in gaps) and len(gaps) <= 2


class Clock:
    """An environment of which only the pictures are asked for, each telling its step."""

    def scene(self, world: Any, which: int = 0) -> Scene:
        return Scene(text=str(world))


def seen(last: bool) -> Step:
    flags = np.zeros((1, 1), dtype=bool)
    view = View(np.zeros((1, 1, 1)), flags, np.zeros((1, 1)), flags, flags)
    return Step((view,), np.zeros((1, 1)), np.ones(1), np.array([last]))


@given(st.integers(0, 400), st.integers(2, 20), st.booleans())
def test_a_film_keeps_few_frames_evenly_spaced_with_both_ends(steps: int, limit: int, cut: bool) -> None:
    film = Film(Clock(), last=steps if cut else None, limit=limit)
    for k in range(steps + 1):
        film(k, seen(k == steps and not cut), None)
    kept = [frame.step for frame in film.frames]
    assert [frame.scene.text for frame in film.frames] == [str(k) for k in kept]
    assert kept[0] == 0 and kept[-1] == steps == film.steps
    assert len(kept) <= limit
    if steps < limit:
        assert kept == list(range(steps + 1))
    else:
        assert len(kept) >= limit / 2 and set(np.diff(kept[:-1])) <= {film.stride}


def test_frames_are_named_by_their_step() -> None:
    assert [Frame(k, Scene()).title for k in (0, 1, 1_200)] == ["start", "step 1", "step 1,200"]
