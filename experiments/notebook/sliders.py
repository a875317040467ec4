"""A slider for the precision of logit QRE, or a picture where there are no widgets."""

from __future__ import annotations

import io
import math
from base64 import b64encode
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from experiments.plots import COLOURS, PANELS, block_title, new_figure, plain_text, plot_branch, window
from games.errors import InputError
from games.normal import NormalFormGame
from games.simplices import Float
from games.tree import TreeGame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from solvers.qre_branch import Branch

STOPS = 80
"""Steps of the slider."""
DPI = 80
WITHOUT = "install ipywidgets for a slider"


class LambdaSlider:
    """Play along a logit branch at one lambda, with a slider to change it where ipywidgets is installed.

    Parameters
    ----------
    branch : Branch
        The branch, traced once; every position of the slider is a point on it, solved to rounding.
    start : float, optional
        The first lambda shown, or the nearest one where play moves; by default the (geometric) middle of where it does.

    Attributes
    ----------
    low, high : float
        The lambda between which play moves.
    widget : ipywidgets.VBox or None
        Slider and picture; None without ipywidgets.
    """

    def __init__(self, branch: Branch, start: float | None = None) -> None:
        self.branch = branch
        if branch.lambdas.max() <= 0:
            raise InputError(
                "this branch was traced no further than lambda 0, where there is nothing to slide"
            )
        low, high = window(branch)
        self.high = high
        self.low = low if 0 < low < self.high else 1e-3 * self.high
        middle = math.sqrt(self.low * self.high)
        self.start = middle if start is None else min(max(start, self.low), self.high)
        self.widget: Any = None
        self.widget = _widget(self) if find_spec("ipywidgets") else None

    def picture(self, lam: float) -> Figure:
        """Every player's play at `lam`, and where that is on the branch."""
        game = self.branch.game
        lam = min(max(lam, 0.0), float(self.branch.lambdas.max()))
        at = self.branch.at([lam])[0]
        shown, bars = _shown(self.branch)
        figure = new_figure(4.6 * len(shown), 3.2 + 2.2 * bars)
        rows = figure.subplots(
            1 + bars, len(shown), squeeze=False, height_ratios=[1.4, 3] if bars else [1], sharex="row"
        )
        if bars:
            from experiments.solution_plots import plot_strategies

            plot_strategies(rows[0], game, at.strategy)  # type: ignore[arg-type]
        for panel, block in zip(rows[-1], shown):
            plot_branch(panel, self.branch, block)
            panel.set_title("" if bars else block_title(game, block))
            _mark(panel, game.blocks(at.strategy)[block], lam)
        values = ", ".join(f"{plain_text(name, 20)} {v:.5g}" for name, v in zip(game.players, at.values))
        figure.suptitle(f"λ = {lam:.4g}: payoffs {values}", fontsize=11)
        if not find_spec("ipywidgets"):
            figure.supxlabel(WITHOUT, fontsize=8, color="0.4")
        return figure

    def png(self, lam: float) -> bytes:
        """The picture as a file."""
        target = io.BytesIO()
        self.picture(lam).savefig(target, format="png", dpi=DPI, metadata={"Software": None})
        return target.getvalue()

    def __repr__(self) -> str:
        told = f"LambdaSlider({self.branch!r}, lambda {self.low:.4g} to {self.high:.4g})"
        return told if self.widget is not None else f"{told}: {WITHOUT}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        picture = b64encode(self.png(self.start)).decode()
        bundle: dict[str, Any] = {"text/plain": repr(self), "image/png": picture}
        if self.widget is not None:
            live = self.widget._repr_mimebundle_()
            bundle |= {kind: data for kind, data in live.items() if kind != "text/plain"}
        return bundle


def lambda_slider(
    game: NormalFormGame | TreeGame | Branch | str,
    *,
    start: float | None = None,
    lambda_max: float | None = None,
) -> LambdaSlider:
    """Logit QRE of a game at a lambda that a slider sets; the branch is traced once.

    Without ipywidgets, and in stored notebooks, it shows as the picture at `start`.

    Parameters
    ----------
    game : NormalFormGame, TreeGame, Branch or str
        What `trace_qre` takes, a name that `games.load` takes, or a branch traced already.
    start : float, optional
        The first lambda shown.
    lambda_max : float, optional
        Trace no further.

    Raises
    ------
    InputError
        If it is no game with logit QRE, or `start` is not a finite number of at least 0.
    """
    from games import load
    from solvers.qre_branch import Branch as Traced
    from solvers.qre_branch import check_lambda

    if start is not None:
        start = check_lambda(start)
    found = load(game) if isinstance(game, str) else game
    if isinstance(found, TreeGame):
        from solvers.tree_qre import trace_agent_qre

        found = trace_agent_qre(found, lambda_max=lambda_max)
    elif isinstance(found, NormalFormGame):
        from solvers.qre import trace_qre

        found = trace_qre(found, lambda_max=lambda_max)
    if not isinstance(found, Traced):
        raise InputError(f"a slider needs a game in normal or extensive form, not a {type(found).__name__}")
    return LambdaSlider(found, start)


def _shown(branch: Branch) -> tuple[list[int], bool]:
    """The blocks that have a panel, and whether there is room for bars above."""
    from experiments.branch_output import moving_blocks

    if isinstance(branch.game, TreeGame):
        return moving_blocks(branch, 3), False
    players = len(branch.game.shape)
    return list(range(min(players, PANELS))), players <= PANELS


def _mark(panel: Axes, block: Float, lam: float) -> None:
    """A line at `lam`, and a point on the curve of every action."""
    panel.axvline(lam, color="0.4", linewidth=1.0, linestyle=":")
    for k, p in enumerate(block.tolist()):
        colour = COLOURS[k] if len(block) <= len(COLOURS) else "black"
        panel.plot([lam], [p], "o", color=colour, markeredgecolor="white", markersize=8, zorder=7)


def _widget(shown: LambdaSlider) -> Any:
    """The slider above its picture."""
    import ipywidgets

    low, high = math.log10(shown.low), math.log10(shown.high)
    slider = ipywidgets.FloatLogSlider(
        value=shown.start,
        base=10,
        min=low,
        max=high,
        step=max((high - low) / STOPS, 1e-6),
        description="lambda",
        readout_format=".4g",
        continuous_update=False,
        layout=ipywidgets.Layout(width="60%"),
    )
    picture = ipywidgets.Image(value=shown.png(shown.start), format="png")

    def redraw(change: dict[str, Any]) -> None:
        picture.value = shown.png(float(change["new"]))

    slider.observe(redraw, names="value")
    return ipywidgets.VBox([slider, picture])
