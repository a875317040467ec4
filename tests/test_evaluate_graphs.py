"""Runs of bayes-net on the command line: evaluated with their graph and without, seated in tournaments, played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt

from experiments import cli
from experiments.exact_cells import exact_values
from experiments.tournament.agents import seated
from experiments.tournament.casting import casting
from experiments.tournament.folder import read_spec
from experiments.training.runs import load_team
from games import make_env
from games.against import Against
from games.assigned import play_assigned
from games.errors import InputError
from games.play import play_episodes
from games.policy import Independent
from games.streams import draw_seeds
from games.tabulate import tabulate_network
from games.team_seats import team_of_seats
from marl.neural import seats
from solvers.network_certificate import certify_network

BITS = "coordination:bits?agents=2&steps=5"


def train(folder: Path, *more: str, env: str = BITS) -> Path:
    words = ["train", "bayes-net", env, "--out", str(folder), "--steps", "1500", "--quiet", *more]
    assert cli.run(words) == 0
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def learned(home: Path) -> Path:
    return train(home / "learned", "--set", "learner.dag_hidden=8")


@pytest.fixture(scope="module")
def given(home: Path) -> Path:
    return train(home / "given", "--set", "learner.dag=complete")


def judged(staghunt: Staghunt, run: Path, *more: Any) -> dict[str, Any]:
    done = staghunt("evaluate", run, "--json", "-n", 400, *more)
    assert done.code == 0, done.err
    (one,) = done.json["seeds"]
    return dict(one)


def test_all_ways_to_draw_the_graph_are_told(staghunt: Staghunt, learned: Path) -> None:
    one = judged(staghunt, learned)
    graphs = {found["dag"]: found for found in one["graphs"]}
    assert list(graphs) == ["learned", "noisy", "empty"]
    assert one["return"] == graphs["learned"]["return"]
    _, env, _, team = load_team(learned, greedy=False)
    whole: Any = team
    for way, found in graphs.items():
        again = judged(staghunt, learned, "--dag", way)
        assert again["return"] == found["return"]
        assert again["graphs"] == [found]
        if way != "noisy":
            net = tabulate_network(env, whole.with_execution(way))
            assert found["method"] == "exact" and found["all_states"] and found["states"] == 4
            assert found["open_ratio"] == pytest.approx(net.graphs.sum(axis=(1, 2)).mean())
            assert found["total_correlation"] == pytest.approx(net.total_correlation().mean(), abs=1e-12)
    assert graphs["empty"]["open_ratio"] == 0 == graphs["empty"]["total_correlation"]
    assert 0 < graphs["noisy"]["open_ratio"] < 1
    told = staghunt("evaluate", learned, "-n", 50)
    assert told.code == 0 and "Edges in use" in told.out and "noisy" in told.out


def test_several_seeds_are_told_together(staghunt: Staghunt, home: Path) -> None:
    run = train(home / "two")
    # one seed at a time is trained in this process
    assert cli.run(["train", "--resume", str(run), "--seeds", "2", "--quiet"]) == 0
    document = staghunt("evaluate", run, "--json", "-n", 50).json
    means = [[found["return"]["mean"] for found in one["graphs"]] for one in document["seeds"]]
    together = document["aggregate"]["graphs"]
    assert [found["dag"] for found in together] == ["learned", "noisy", "empty"]
    np.testing.assert_allclose([found["return"]["mean"] for found in together], np.mean(means, axis=0))
    assert "all" in staghunt("evaluate", run, "-n", 50).out


def test_gains_with_a_graph_are_exact_and_say_of_what(staghunt: Staghunt, learned: Path) -> None:
    one = judged(staghunt, learned, "--exploitability")["exploitability"]
    assert one["bound"] == "exact" and "actions of its parents" in one["deviations"]
    _, env, _, team = load_team(learned)
    np.testing.assert_allclose(one["values"], exact_values(env, team), atol=1e-9)
    net = tabulate_network(env, team)
    tiled = type(net)(np.tile(net.graphs, (5, 1, 1)), np.tile(net.factors, (1, 5, 1)), net.shape)
    game = getattr(env, "rules").behind()  # noqa: B009
    np.testing.assert_allclose(one["regret"], certify_network(game, tiled).regret, atol=1e-12)
    told = staghunt("evaluate", learned, "-n", 50, "-x")
    assert "actions of its parents" in " ".join(told.out.split())


def test_bad_ways_are_refused(staghunt: Staghunt, learned: Path, given: Path, home: Path) -> None:
    assert "learned, noisy, empty, not 'often'" in staghunt("evaluate", learned, "--dag", "often").complaint
    assert "given, so no noise" in staghunt("evaluate", given, "--dag", "noisy").complaint
    alone = home / "alone"
    assert cli.run(["train", "ippo", BITS, "--out", str(alone), "--steps", "500", "--quiet"]) == 0
    assert "play independently" in staghunt("evaluate", alone, "--dag", "learned").complaint
    assert staghunt("evaluate", alone, "--json", "-n", 20).json["seeds"][0]["graphs"] is None
    wrong = staghunt("evaluate", learned, "-x", "--responder", "bayes-net").complaint
    assert "bayes-net correlates the actions of a team; a response is learned by iql, ippo, mappo" in wrong


def test_a_graph_that_is_given_has_two_ways(staghunt: Staghunt, given: Path) -> None:
    assert [found["dag"] for found in judged(staghunt, given)["graphs"]] == ["learned", "empty"]


# --- tournaments ------------------------------------------------------------------------------------------


def test_runs_play_together_where_one_role_has_all_seats(
    staghunt: Staghunt, learned: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        f"env: {BITS}\nmatches: 300\nexact: false\nroles:\n  team:\n    seats: [agents]\n"
        f"    agents: {{net: {learned}, zeros: constant}}\n"
    )
    done = staghunt("tournament", spec, "--out", tmp_path / "played", "--json", "--workers", 1)
    assert done.code == 0 and "apart" not in done.err, done.err
    (ranking,) = [r for r in done.json["rankings"] if r["name"] == "mean score"]
    done = staghunt("tournament", spec, "--out", tmp_path / "exact", "--json", "--set", "exact=true")
    (known,) = [r for r in done.json["rankings"] if r["name"] == "mean score"]
    _, env, _, team = load_team(learned)
    assert known["values"][0] == pytest.approx(exact_values(env, team)[0], abs=1e-9)
    np.testing.assert_allclose(ranking["values"], known["values"], atol=5 * 3 * 5 / np.sqrt(300))
    assert staghunt("play", "--replay", tmp_path / "played", 3).code == 0


def test_elsewhere_every_seat_is_apart_and_that_is_said_once(
    staghunt: Staghunt, learned: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(f"env: {BITS}\nmatches: 20\nagents: {{net: {learned}, zeros: constant}}\n")
    done = staghunt("tournament", spec, "--out", tmp_path / "run", "--json")
    assert done.code == 0 and done.err.count("plays apart") == 1, done.err
    found = casting(read_spec(spec))
    assert found.apart == ("net",)
    _, env, _, team = load_team(learned)
    own: Any = team
    seeds = draw_seeds(np.random.default_rng(1), 30)
    returns = play_assigned(env, found.cast, np.zeros((30, 2), dtype=int), seeds).returns
    np.testing.assert_array_equal(returns, play_episodes(env, own.apart(), seeds).returns)
    np.testing.assert_array_equal(returns, play_episodes(env, own.with_execution("empty"), seeds).returns)


def test_results_do_not_depend_on_who_is_played_beside(learned: Path) -> None:
    env = make_env(BITS)
    whole = seated(env, "net", str(learned), (0, 1), together=True)
    team = team_of_seats(whole.policies)
    assert team is not None and not isinstance(team, Independent)
    seeds = draw_seeds(np.random.default_rng(2), 150)
    wanted = play_episodes(env, team, seeds, batch=150).returns
    for batch in (1, 7, 64, 150):
        cast: Any = [whole.policies, list(seats(team).values())]
        seating = np.repeat((np.arange(150) % 3 == 1).astype(int)[:, None], 2, axis=1)
        found = play_assigned(env, cast, seating, seeds, batch=batch).returns
        np.testing.assert_array_equal(found[seating[:, 0] == 0], wanted[seating[:, 0] == 0])


# --- play -------------------------------------------------------------------------------------------------


def test_runs_as_policies(staghunt: Staghunt, learned: Path) -> None:
    _, env, _, team = load_team(learned)
    done = staghunt("play", BITS, "--policy", learned, "-n", 200, "--json")
    assert done.code == 0, done.err
    mean = done.json["returns"]["mean"][0]
    assert mean == pytest.approx(exact_values(env, team)[0], abs=5 * 3 * 5 / np.sqrt(200))
    mixed = staghunt("play", BITS, "--policy", f"agent_0={learned}", "-n", 20, "--json")
    assert mixed.code == 0 and mixed.err.count("apart") == 1, mixed.err


def test_one_agent_against_a_team(learned: Path) -> None:
    _, env, _, team = load_team(learned)
    against = Against(env, team, "agent_1")
    world, step = against.reset(draw_seeds(np.random.default_rng(0), 5))
    for _ in range(3):
        world, step = against.step(world, (np.zeros((5, 1), dtype=np.int32),))
    assert step.rewards.shape == (5, 1)


def test_teams_that_play_only_together_have_no_seats() -> None:
    from test_joint_teams import random_net

    with pytest.raises(InputError, match="play only together"):
        seats(random_net(np.random.default_rng(0), 2, 4))
