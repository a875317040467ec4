"""Pictures of where a switch calls: by what tells most about its calls, over an episode, and by two features at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from experiments.plots import COLOURS, new_figure, plain_text, save_figure, tidy
from experiments.switch_bins import Binned
from experiments.switch_facts import FeatureFacts, SwitchFacts
from experiments.switch_features import STEP
from experiments.switch_maps import EAST, CallMap

PANELS = 4
"""Features that are drawn at most."""
FLAT = 0.05
"""Axes and colours reach at least to this share, so that a few calls do not look like many."""
NUMBERED = 120
"""Maps of up to so many cells carry their numbers of steps."""


def switch_figure(facts: SwitchFacts) -> Figure:
    """Up to four features that tell most besides the step of the episode, that step, and a map."""
    figure = new_figure(15.6, 8.2)
    panels = figure.subplots(2, 3).ravel()
    shown = [one for one in facts.features if one.feature != STEP][:PANELS]
    for axes, one in zip(panels, shown):
        draw_feature(axes, one)
    for axes in panels[len(shown) : PANELS]:
        axes.set_visible(False)
    draw_over_steps(panels[PANELS], facts.over_steps, facts.by(STEP))
    if facts.map is None:
        panels[PANELS + 1].set_visible(False)
    else:
        draw_map(panels[PANELS + 1], facts.map)
    figure.suptitle(headline(facts), fontsize=11)
    return figure


def write_switch_figure(path: Path, facts: SwitchFacts) -> None:
    """Write `switch_figure` as PNG, SVG or PDF, by the suffix, whole or not at all."""
    save_figure(path, switch_figure(facts))


def headline(facts: SwitchFacts) -> str:
    """What was looked at, and how often the switch called, in a sentence."""
    many = f"{facts.episodes:,} episode{'' if facts.episodes == 1 else 's'}"
    parts = [
        f"Calls of the central policies on {plain_text(facts.env, 60)}",
        f"{_percent(facts.share)} of {facts.steps:,} steps of {many}",
    ]
    if facts.budget is not None:
        parts.append(f"at most {facts.budget:,} an episode")
    if facts.kept < facts.steps:
        parts.append(f"features of {facts.kept:,} steps")
    if facts.trained is not None:
        parts.append(f"trained for {facts.trained:,} steps")
    return "; ".join(parts)


def draw_feature(axes: Axes, one: FeatureFacts) -> Axes:
    """Share of calls in every bin of a feature with Wilson intervals, and above them the number of steps."""
    bins = one.bins
    places = np.arange(len(bins.counts))
    share, ends = bins.share, bins.interval
    axes.bar(places, share, 0.72, color=COLOURS[0], alpha=0.55, linewidth=0)
    reach = np.abs(ends.T - share)
    axes.errorbar(places, share, reach, fmt="o", color=COLOURS[0], markersize=3.5, linewidth=1.3, capsize=2.5)
    top = max(float(ends[:, 1].max()), FLAT)
    for place, count, end in zip(places.tolist(), bins.counts.tolist(), ends[:, 1].tolist()):
        axes.text(place, end + 0.02 * top, _count(count), ha="center", va="bottom", fontsize=7, color="0.35")
    axes.set_xlim(-0.6, len(places) - 0.4)
    _share_axis(axes, 1.12 * top)
    labels = bins.labels
    axes.set_xticks(places, labels, fontsize=8)
    if sum(map(len, labels)) > 42:
        axes.tick_params(axis="x", rotation=45)
    axes.set_xlabel(_words(one.feature.label))
    also = f"; the same: {plain_text(', '.join(one.also), 24)}" if one.also else ""
    axes.set_title(f"{one.information:.2g} nats about the call{also}", fontsize=9)
    return axes


def draw_over_steps(axes: Axes, bins: Binned, told: FeatureFacts | None = None) -> Axes:
    """Share of calls over the steps of an episode with Wilson intervals, and how many episodes are still going on."""
    middle = (bins.low + bins.high) / 2
    ends = bins.interval
    axes.fill_between(middle, ends[:, 0], ends[:, 1], color=COLOURS[0], alpha=0.2, linewidth=0)
    axes.plot(middle, bins.share, "o-", color=COLOURS[0], markersize=3, linewidth=1.4, label="calls")
    widths = bins.high - bins.low + 1
    going = bins.counts / widths
    top = max(min(float(ends[:, 1].max()), 2 * float(np.nanmax(bins.share))), FLAT)
    axes.plot(
        middle,
        going / going.max() * top,
        color="0.55",
        linestyle=":",
        linewidth=1.2,
        label=f"episodes still going on (top: {_count(round(float(going.max())))})",
    )
    _share_axis(axes, 1.25 * top)
    axes.set_xlabel("step of the episode (steps)")
    about = "" if told is None else f": {told.information:.2g} nats about the call"
    axes.set_title(f"Over an episode{about}", fontsize=9)
    axes.legend(fontsize=7.5, framealpha=0.9, loc="upper right")
    return axes


def draw_map(axes: Axes, told: CallMap) -> Axes:
    """Share of calls by two features as colours, with the number of steps; grey where no step was."""
    share = np.divide(told.calls, told.counts, out=np.full(told.counts.shape, np.nan), where=told.counts > 0)
    top = max(float(np.nanmax(share)), FLAT)
    axes.set_facecolor("0.9")
    image = axes.imshow(
        np.ma.masked_invalid(share),
        origin="lower",
        aspect="auto",
        cmap="Blues",
        vmin=0.0,
        vmax=top,
        interpolation="nearest",
    )
    if share.size <= NUMBERED:
        size = 8 if share.size <= 40 else 6.5
        for (row, column), count in np.ndenumerate(told.counts):
            if count:
                dark = share[row, column] > 0.6 * top
                text = _count(int(count))
                axes.text(
                    column, row, text, ha="center", va="center", fontsize=size, color="w" if dark else "k"
                )
    axes.set_xticks(range(len(told.across_labels)), told.across_labels, fontsize=8)
    axes.set_yticks(range(len(told.up_labels)), told.up_labels, fontsize=8)
    if sum(map(len, told.across_labels)) > 36:
        axes.tick_params(axis="x", rotation=45)
    axes.set_xlabel(_words(told.across.label))
    axes.set_ylabel(_words(told.up.label))
    title = "By two features; numbers are steps"
    if told.across == EAST:
        title = "Where agents stand; numbers are agents in steps"
        middle = [(len(labels) - 1) / 2 for labels in (told.across_labels, told.up_labels)]
        axes.plot(*middle, "*", color="#c8501e", markersize=13, zorder=3)
        axes.set_aspect("equal")
    axes.set_title(title, fontsize=9)
    axes.figure.colorbar(image, ax=axes, format=PercentFormatter(1.0), label="share of steps with a call")
    return axes


# --- inside -------------------------------------------------------------------------------------------------------


def _share_axis(axes: Axes, top: float) -> None:
    axes.set_ylim(0.0, top)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("share of steps with a call")
    tidy(axes)


def _words(text: str) -> str:
    return plain_text(text, 60)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _count(number: int) -> str:
    """A number of steps in few characters.

    >>> [_count(n) for n in (7, 999, 1234, 99_960, 2_500_000)]
    ['7', '999', '1.2k', '100k', '2.5M']
    """
    if number < 1_000:
        return str(number)
    if number < 99_500:
        return f"{number / 1_000:.1f}k".replace(".0k", "k")
    return f"{number / 1_000:.0f}k" if number < 999_500 else f"{number / 1_000_000:.1f}M"
