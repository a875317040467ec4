"""Films for notebooks: the episode that is asked for, as a GIF that can be read back, and clear complaints."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.film import Film
from experiments.notebook.films import Animation, beside, film
from games import make_env, play_episodes
from games.env import View
from games.errors import InputError
from games.policy import Independent, Random
from games.policy_names import find_policy
from games.streams import Streams, draw_seeds

SWARM = "swarm:vicsek?agents=6&horizon=7&kappa=0.5"
FORAGING = "foraging:5x5-2p-1f"


def in_gif(data: bytes) -> Any:
    return Image.open(io.BytesIO(data))


def test_the_episode_is_that_of_its_seed() -> None:
    env = make_env(SWARM)
    watched = Film(env)
    seeds = draw_seeds(np.random.default_rng(3), 1)
    team = Independent(env.spec, find_policy("turn", env))
    wanted = float(play_episodes(env, team, seeds, watch=watched).returns[0, 0])
    by_name, by_object = film(SWARM, "turn", seed=3), film(env, find_policy("turn", env), seed=3)
    for found in (by_name, by_object, film(SWARM, team, seed=3), film(env, ["turn"], seed=3)):
        assert found.returned == pytest.approx(wanted, abs=1e-12)
        assert [frame.step for frame in found.frames] == list(range(8))
        last = watched.frames[-1].scene
        assert np.array_equal(np.asarray(found.frames[-1].scene.points), np.asarray(last.points))
    assert film(SWARM, "turn", seed=4).returned != pytest.approx(wanted, abs=1e-6)


def test_frames_are_as_asked_for_and_the_last_is_kept() -> None:
    assert [frame.step for frame in film(SWARM, "zero", every=3).frames] == [0, 3, 6, 7]
    assert [frame.step for frame in film(SWARM, "zero", every=2, steps=5).frames] == [0, 2, 4, 5]
    short = film(FORAGING, seed=1, steps=4)
    assert short.frames[-1].step <= 4, "an environment without a horizon is cut off"


def test_it_shows_itself_as_a_gif() -> None:
    shown = film(SWARM, "zero", steps=3, fps=5, title="<b> & co", inches=1.5, dpi=50)
    html = shown._repr_html_()
    assert "<b>" not in html and "&lt;b&gt; &amp; co" in html
    data = base64.b64decode(re.findall(r"src='data:image/gif;base64,([^']+)'", html)[0])
    found = in_gif(data)
    assert data == shown.gif and found.format == "GIF" and found.n_frames == 4
    assert found.info["duration"] == 200 and found.info["loop"] == 0
    larger = in_gif(film(SWARM, "zero", steps=3, inches=3.0, dpi=50).gif)
    assert larger.size[0] == 2 * found.size[0], "twice the inches, twice the width"
    assert len(re.findall("<img ", beside(shown, shown)._repr_html_())) == 2


def test_it_is_saved_as_shown_or_as_a_strip(tmp_path: Path) -> None:
    shown = film(SWARM, steps=2, inches=1.5, dpi=50)
    assert shown.save(tmp_path / "film.gif").read_bytes() == shown.gif
    assert shown.save(str(tmp_path / "film.png")).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"unsupported suffix '.mp4', use .gif, .png"):
        shown.save(tmp_path / "film.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.gif", "film.png"]


class Still:
    """A policy written in a notebook: agents never turn."""

    def start(self, batch: int, agents: int) -> None:
        return

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Any, None]:
        return np.zeros((*view.acting.shape, 1), dtype=np.float32), None


def test_any_object_that_plays_can_be_filmed() -> None:
    still = film(SWARM, Still())
    assert still.returned == film(SWARM, "zero").returned
    agent = make_env(SWARM).spec.agents[0]
    some = film(SWARM, {agent: Still()})
    assert some.returned not in (still.returned, film(SWARM).returned)
    everybody = Random(make_env(SWARM).spec.groups[0].actions)
    assert film(SWARM, {"agents": everybody}).returned == film(SWARM).returned, (
        "who is not named plays at random"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"policy": "turned"}, "turned"),
        ({"policy": 3}, "a policy is a name, a path, a run, an object with start and sample"),
        ({"policy": {"agent 99": Still()}}, "has no agent or group 'agent 99'"),
        ({"policy": "human"}, "policy human needs a terminal"),
        ({"fps": 0}, "fps is a number above 0 and at most 50, got 0"),
        ({"every": 0}, "every must be above 0, got 0"),
        ({"steps": -1}, "steps must be above 0, got -1"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_complaints(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        film(SWARM, **arguments)
    with pytest.raises(InputError, match="no film"):
        beside()


def test_animations_tell_what_they_are() -> None:
    shown = film(FORAGING, "greedy", steps=2)
    assert isinstance(shown, Animation) and repr(shown) == "Animation(3 frames, 10 a second)"
    assert shown.returned is None or isinstance(shown.returned, float)
