"""Rules of swarms as files on the command line, and pictures of swarms of all sizes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import ROOT, Staghunt

from experiments.film import Film
from experiments.pictures import write_gif
from experiments.scenes import _of_headings, _shaded
from experiments.session import Session
from games import make_env, play_episodes
from games.open_loop import OpenLoop, load_rules, save_rules
from games.policy import Independent
from games.policy_names import find_policy, policy_for_seat
from games.sims.swarm_scene import CROWD, aggregation_scene, heading_scene, raster
from games.streams import draw_seeds
from games.swarm_rules import RuleFamily

GATHER = "swarm:aggregation?agents=12&horizon=6"


def written(path: Path, uri: str = GATHER) -> OpenLoop:
    env = make_env(uri)
    family = RuleFamily.of(env.spec, "interpolation", 3, 0.5)
    xi = np.random.default_rng(1).normal(size=(env.spec.horizon or 0, family.size))
    policy = OpenLoop(family, family.rules(xi), made_in=env.spec.name)
    save_rules(path, policy)
    return policy


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    written(tmp_path / "rules.json")
    return tmp_path / "rules.json"


def test_a_file_plays_as_the_policy_in_it(staghunt: Staghunt, tmp_path: Path) -> None:
    policy = written(tmp_path / "rules.json")
    uri = GATHER.replace("12", "300")
    found = staghunt("play", uri, "-p", tmp_path / "rules.json", "-n", 20, "--seed", 4, "--json").json
    env = make_env(uri)
    seeds = draw_seeds(np.random.default_rng(4), 20)
    wanted = play_episodes(env, Independent(env.spec, policy), seeds).returns[:, 0].mean()
    assert found["returns"]["mean"][0] == pytest.approx(wanted, abs=1e-12)


def test_one_policy_serves_all_agents(rules: Path) -> None:
    env = make_env(GATHER)
    assert policy_for_seat(env, str(rules), "agent 03") == ""
    session = Session(GATHER, (str(rules),))
    assert len(session.team.seats) == 1, "a hundred thousand agents read the file once"
    assert isinstance(find_policy(str(rules), env), OpenLoop)


def test_torch_is_not_needed(rules: Path) -> None:
    words = ["play", GATHER, "--policy", str(rules), "-n", "2", "-q"]
    code = f"import sys; from experiments import cli; code = cli.run({words!r}); sys.exit(code + 10 * ('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        (GATHER.replace("=6", "=7"), "an episode of swarm:aggregation?agents=12&horizon=7 has 7 steps"),
        (GATHER + "&box=3", "shows something else"),
        ("swarm:kuramoto?horizon=6", "shows something else"),
        ("swarm:kuramoto?horizon=6&observe=polar", "shows something else"),
        ("zoo:chicken", "is not a swarm"),
    ],
)
def test_rules_play_only_where_they_fit(staghunt: Staghunt, rules: Path, uri: str, complaint: str) -> None:
    assert complaint in staghunt("play", uri, "-p", rules).complaint


def test_polar_rules_are_for_polar_observations(staghunt: Staghunt, tmp_path: Path) -> None:
    path, uri = tmp_path / "polar.json", "swarm:vicsek?agents=9&horizon=5"
    written(path, uri + "&observe=polar")
    assert staghunt("play", uri + "&observe=polar", "-p", path, "-n", 2).code == 0
    assert "shows something else" in staghunt("play", uri, "-p", path).complaint
    assert staghunt("play", uri.replace("=5", "=4") + "&observe=polar", "-p", path, "-n", 2).code == 0


def damage(document: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        del document[key]
    else:
        document[key] = value


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("means", None, "damaged"),
        ("means", [[[0.0]]], "shapes"),
        ("spreads", "wide", "damaged"),
        ("family", {"family": "interpolation"}, "damaged"),
        ("family", 3, "damaged"),
        ("version", 9, "version 9"),
        ("format", "else", "holds no rules"),
    ],
)
def test_damaged_files_are_refused(
    staghunt: Staghunt, rules: Path, key: str, value: Any, complaint: str
) -> None:
    document = json.loads(rules.read_text())
    damage(document, key, value)
    rules.write_text(json.dumps(document))
    assert complaint in staghunt("play", GATHER, "-p", rules).complaint


def test_files_that_are_none_are_refused(staghunt: Staghunt, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    assert "no such file" in staghunt("play", GATHER, "-p", path).complaint
    path.write_text('{"format": "staghunt-rules", "means": [NaN')
    assert "not valid JSON" in staghunt("play", GATHER, "-p", path).complaint


def test_evaluate_writes_what_play_reads(staghunt: Staghunt, tmp_path: Path) -> None:
    run, path = tmp_path / "run", tmp_path / "rules.json"
    small = ("--set", "learner.upper.rollout=6", "--set", "training.batch=4", "--set", "training.episodes=4")
    assert staghunt("train", "decpomfc", GATHER, "--steps", 48, "--out", run, *small, "-q").code == 0
    one = staghunt("evaluate", run, "--rules", path, "-n", 25, "--json", "--execution", "open").json
    policy = load_rules(path, make_env(GATHER).spec)
    assert policy.horizon == 6 and json.loads(path.read_text())["train_seed"] == 0
    played = staghunt("play", GATHER, "-p", path, "-n", 25, "--json").json
    assert played["returns"]["mean"][0] == pytest.approx(one["seeds"][0]["return"]["mean"], abs=1e-12)
    again = tmp_path / "again.json"
    assert staghunt("evaluate", run, "--agents", 3, "--rules", again, "-n", 2, "-q").code == 0
    assert again.read_bytes() == path.read_bytes()


# --- pictures -----------------------------------------------------------------------------------------------------


def test_few_are_points_and_crowds_a_raster() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.uniform(-2, 2, (2, 50)), rng.uniform(-2, 2, (2, CROWD + 1))
    scene = aggregation_scene(few, 2.0)
    assert scene.points is not None and scene.points.shape == (50, 2) and scene.density is None
    assert {mark.kind for mark in scene.marks} == {"line"}
    across = scene.marks[0]
    assert across.x + across.dx / 2 == pytest.approx(few[0].mean() + 2)
    crowd = aggregation_scene(many, 2.0)
    assert crowd.points is None and crowd.density is not None and crowd.density.mean() == pytest.approx(1.0)
    headings = rng.uniform(0, 2 * np.pi, CROWD + 1)
    vectors = np.stack([np.cos(headings), np.sin(headings)])
    turned = heading_scene(np.stack([*rng.uniform(0, 1, (2, CROWD + 1)), headings]), vectors)
    assert turned.drift is not None and turned.drift.mean() == pytest.approx(complex(*vectors.mean(axis=1)))
    assert (np.abs(turned.drift) <= turned.density + 1e-9).all()


def test_a_raster_counts_where_points_are() -> None:
    counts = raster(np.array([[0.999, 0.001]] * 7 + [[1.0, 1.0]]))
    assert counts[0, -1] == 7 * counts[-1, -1] > 0 and np.count_nonzero(counts) == 2


def test_colours_tell_headings_and_crowds_apart() -> None:
    shades = _of_headings(np.arange(8) * np.pi / 4)
    gaps = np.abs(shades[:, None] - shades[None]).sum(axis=-1) + 9 * np.eye(8)
    assert gaps.min() > 0.15 and np.allclose(_of_headings(np.array([2 * np.pi])), shades[0])
    darker = _shaded(np.array([[0.0, 1.0, 10.0, 1e6]]), None).sum(axis=-1)[0]
    assert darker[0] == 3.0 and (np.diff(darker) < 0).all()
    mixed = _shaded(np.array([[2.0, 2.0]]), np.array([[2.0, 0.0]]))
    assert np.allclose(mixed[0, 1], 0.6) and np.allclose(mixed[0, 0], shades[0])


@pytest.mark.parametrize("uri", ["swarm:aggregation", "swarm:vicsek", "swarm:kuramoto"])
@pytest.mark.parametrize("agents", [1, 30, CROWD + 10])
def test_films_tell_the_return_so_far(uri: str, agents: int, tmp_path: Path) -> None:
    env = make_env(uri, agents=agents, horizon=3)
    film = Film(env)
    team = Independent(env.spec, find_policy("zero", env))
    returns = play_episodes(env, team, [5], watch=film).returns[0, 0]
    assert film.frames[-1].title == f"step 3, return {returns:.4g}" and film.frames[0].title == "start"
    write_gif(tmp_path / "a.gif", film.frames, 5)
    assert (tmp_path / "a.gif").stat().st_size < 500_000
