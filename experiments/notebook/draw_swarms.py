"""Pictures of swarms and of any environment's scenes, on axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from experiments.notebook.canvas import axes_for, axes_or_new
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.notebook.films import Animation
    from experiments.swarm_sizes_output import SizesTold
    from games.open_loop import OpenLoop


def sizes(
    told: SizesTold, *, deviations: bool = True, axes: Axes | Sequence[Axes] | None = None
) -> list[Axes]:
    """Mean return against the number of agents, with the mean-field line.

    Parameters
    ----------
    told : SizesTold
        What `experiments.notebook.swarms.sizes` returned.
    deviations : bool
        Whether a second panel shows the mean absolute deviation of an episode's return from that line, and the rate
        1 / sqrt(agents) at which it should fall.
    axes : Axes or sequence of Axes, optional
        A panel, or two.

    Returns
    -------
    list of Axes
    """
    from experiments.swarm_plots import draw_deviations, draw_sizes

    panels = axes_for(axes, 2 if deviations else 1, "quantities", 4.8, 3.4)
    draw_sizes(panels[0], told)
    if deviations:
        draw_deviations(panels[1], told)
    return panels


def rules(policy: OpenLoop, env: Any, *, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """What a swarm's rules say over what an agent sees, at four moments of an episode.

    Parameters
    ----------
    policy : OpenLoop
        The rules.
    env : str or Env
        The swarm.
    axes : sequence of Axes, optional
        A panel for each moment.

    Returns
    -------
    list of Axes
    """
    from experiments.swarm_plots import draw_rules, moments
    from games.env_uris import make_env

    spec = (make_env(env) if isinstance(env, str) else env).spec
    policy.check(spec)
    count = len(moments(policy.horizon))
    panels = axes_for(axes, count, "moments", 2.7, 2.7, columns=4)
    draw_rules(panels, policy, spec)
    for panel in panels[1:]:
        panel.tick_params(labelleft=False)
    return panels


def scene(film: Animation, step: int | None = None, *, axes: Axes | None = None) -> Axes:
    """One frame of a film.

    Parameters
    ----------
    film : Animation
        What `film` returned.
    step : int, optional
        The last frame up to this step of the episode; the last of all by default.
    axes : Axes, optional
        Where.
    """
    from experiments.scenes import draw_scene

    shown = [frame for frame in film.frames if step is None or frame.step <= step]
    if not shown:
        raise InputError(f"a film begins at step {film.frames[0].step:,}, and there is no step {step:,}")
    frame = shown[-1]
    place = axes_or_new(axes, 3.6, 3.8)
    draw_scene(place, frame.scene, ": ".join(filter(None, (film.title, frame.title))))
    return place
