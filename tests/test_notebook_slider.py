"""The slider for lambda: moves along the branch where there are widgets, and is a picture where there are none."""

from __future__ import annotations

import importlib.util
from base64 import b64decode
from typing import Any

import numpy as np
import pytest

from experiments.notebook import lambda_slider, sliders
from experiments.notebook.run import stored
from games import load
from games.errors import InputError
from games.markov import MarkovGame
from games.normal import NormalFormGame
from solvers import qre, trace_qre

PNG = b"\x89PNG"
LIVE = "application/vnd.jupyter.widget-view+json"
CHICKEN = NormalFormGame.symmetric([[6, 2], [7, 0]], title="Chicken", players=("$Ann_", "Bob"))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ipywidgets were not installed."""
    monkeypatch.setattr(sliders, "find_spec", lambda name: None)


def test_without_widgets_it_is_a_picture(bare: None) -> None:
    slider = lambda_slider(CHICKEN, start=1.0)
    assert slider.widget is None and "install ipywidgets" in repr(slider)
    shown = slider._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/png"}
    assert b64decode(shown["image/png"]).startswith(PNG)
    assert slider.picture(1.0)._supxlabel.get_text() == sliders.WITHOUT  # type: ignore[attr-defined]


def test_the_picture_is_of_the_equilibrium_at_lambda(bare: None) -> None:
    slider = lambda_slider(trace_qre(CHICKEN))
    figure = slider.picture(1.0)
    play = qre(CHICKEN, 1.0)
    bars, curves = figure.axes[:2], figure.axes[2:]
    widths = [patch.get_width() for axes in bars for patch in axes.patches]
    assert widths == pytest.approx(play.profile)
    for axes, block in zip(curves, CHICKEN.blocks(play.profile)):
        marks = [line.get_xydata()[0] for line in axes.get_lines() if len(line.get_xydata()) == 1]
        for p in block:
            assert any(mark == pytest.approx([1.0, p]) for mark in marks)
    assert f"{play.values[0]:.5g}" in figure.get_suptitle()


def test_it_starts_where_play_moves(bare: None) -> None:
    slider = lambda_slider(CHICKEN)
    assert 0 < slider.low < slider.start < slider.high
    assert slider.low < 1.372 < slider.high  # the bifurcation of Chicken
    assert lambda_slider(CHICKEN, start=1e9).start == slider.high
    assert slider.png(0.0).startswith(PNG) and slider.png(1e12).startswith(PNG)


def test_games_of_every_kind(bare: None) -> None:
    assert lambda_slider("openspiel:kuhn_poker", lambda_max=2.0).png(1.0).startswith(PNG)
    still = NormalFormGame(np.zeros((1, 3)))
    assert lambda_slider(still).png(1.0).startswith(PNG)
    many = NormalFormGame(np.random.default_rng(0).random((3, 2, 2, 9)))
    assert lambda_slider(many, lambda_max=5.0).png(2.0).startswith(PNG)
    with pytest.raises(InputError, match="not a MarkovGame"):
        lambda_slider(MarkovGame.repeated(load("zoo:chicken"), discount=0.5))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 0"):
        lambda_slider(CHICKEN, start=-1.0)
    with pytest.raises(InputError, match="no further than lambda 0"):
        lambda_slider(CHICKEN, lambda_max=0.0)


# --- with widgets -----------------------------------------------------------------------------------------

needs_widgets = pytest.mark.skipif(
    importlib.util.find_spec("ipywidgets") is None, reason="ipywidgets is not installed"
)


@needs_widgets
def test_moving_the_slider_redraws() -> None:
    slider = lambda_slider(CHICKEN, start=0.5)
    control, picture = slider.widget.children
    before = picture.value
    assert before == slider.png(0.5) and control.value == pytest.approx(0.5)
    control.value = 2.0
    assert picture.value != before and picture.value == slider.png(2.0)
    assert slider.low == pytest.approx(10**control.min) and slider.high == pytest.approx(10**control.max)


@needs_widgets
def test_what_is_stored_needs_no_widget() -> None:
    import nbformat

    bundle: dict[str, Any] = lambda_slider(CHICKEN)._repr_mimebundle_()
    assert LIVE in bundle and "image/png" in bundle
    cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("execute_result", bundle)])
    written = stored(nbformat.v4.new_notebook(cells=[cell]))
    assert LIVE not in written and "image/png" in written
