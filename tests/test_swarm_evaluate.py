"""Runs of decpomfc on the command line: executed in four ways, in swarms of other sizes, drawn, and told about."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt
from PIL import Image

from experiments import cli
from experiments.evaluation_rules import WAYS
from experiments.other_swarm import same_swarm
from experiments.report.page import report_on
from experiments.swarm_players import Players, at_once
from experiments.swarm_plots import moments, rules_figure, sizes_figure
from experiments.swarm_sizes import (
    FEWEST,
    MeanFieldLine,
    Sized,
    SizesJudged,
    episodes_of,
    mean_field_line,
    read_sizes,
)
from experiments.swarm_sizes_output import SizesTold, rows_over_seeds
from experiments.training.runs import BEST, read_run, team_of
from games import make_env, play_episodes
from games.errors import InputError
from games.meanfield import swarm_limit, swarm_surrogate
from games.open_loop import OpenLoop
from games.open_loop_limit import FEW, lower_policy, many, open_limit
from games.policy import Independent
from games.streams import draw_seeds
from games.swarm_rules import RuleFamily, Rules

GATHER = "swarm:aggregation?agents=12&horizon=8&cells=3"
ALIGN = "swarm:kuramoto?agents=12&horizon=8&kappa=0.5"


def train(folder: Path, learner: str, env: str, *more: str) -> Path:
    small = ("--set", "training.batch=4", "--set", "training.episodes=4", "--quiet")
    small = ("--set", "training.evaluate_every=128", *small)
    if learner == "decpomfc":
        small = (
            *small,
            "--set",
            "learner.upper.rollout=16",
            "--set",
            "learner.upper.epochs=1",
            "--set",
            "learner.upper.hidden=[8]",
        )
    assert cli.run(["train", learner, env, "--steps", "128", "--out", str(folder), *small, *more]) == 0
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def gather(home: Path) -> Path:
    return train(home / "gather", "decpomfc", GATHER)


@pytest.fixture(scope="module")
def align(home: Path) -> Path:
    folder = train(home / "align", "decpomfc", ALIGN)
    # one seed at a time is trained in this process
    assert cli.run(["train", "--resume", str(folder), "--seeds", "2", "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def shared(home: Path) -> Path:
    return train(home / "shared", "ippo", GATHER, "--set", "learner.sharing=shared")


@pytest.fixture(scope="module")
def numbered(home: Path) -> Path:
    return train(home / "numbered", "ippo", GATHER)


@pytest.fixture(autouse=True)
def small_surrogate(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no flow of densities in the plane, which takes seconds."""
    monkeypatch.setattr("experiments.swarm_sizes.SURROGATES", 3)
    monkeypatch.setattr("games.open_loop_limit.open_limit", partial(open_limit, most=1e6))


# --- four ways ----------------------------------------------------------------------------------------------------


def test_all_ways_are_told_on_the_same_episodes(staghunt: Staghunt, gather: Path) -> None:
    (one,) = staghunt("evaluate", gather, "-n", 50, "--json").json["seeds"]
    ways = {found["execution"]: found for found in one["rules"]["executions"]}
    assert tuple(ways) == WAYS and one["rules"]["execution"] == "open"
    assert one["return"] == ways["open"]["return"]
    run = read_run(gather)
    learner: Any
    learner, env, state, _ = team_of(run, run.folder(0) / BEST)
    team, seeds = learner.team(state), draw_seeds(np.random.default_rng(0), 50)
    for way in WAYS:
        player = team.apart() if way == "open" else team.executed(way)
        mean = play_episodes(env, player, seeds).returns[:, 0].mean()
        assert ways[way]["return"]["mean"] == pytest.approx(mean, abs=1e-9)
        if way != "open":
            below = ways["open"]["return"]["mean"] - ways[way]["return"]["mean"]
            assert ways[way]["below_open"]["mean"] == pytest.approx(below, abs=1e-9)
    (alone,) = staghunt("evaluate", gather, "-n", 50, "--json", "--execution", "det").json["seeds"]
    assert alone["return"] == ways["det"]["return"] and len(alone["rules"]["executions"]) == 1


def test_tables_say_who_needs_the_mean_field(staghunt: Staghunt, gather: Path, align: Path) -> None:
    text = " ".join(staghunt("evaluate", gather, "-n", 5).out.split())
    assert "open alone is decentralised" in text and "det, shared and ind need the mean field" in text
    both = staghunt("evaluate", align, "-n", 5, "--json").json
    means = [seed["rules"]["executions"][1]["return"]["mean"] for seed in both["seeds"]]
    assert both["aggregate"]["rules"]["executions"][1]["return"]["mean"] == pytest.approx(np.mean(means))


# --- other sizes --------------------------------------------------------------------------------------------------


def test_other_sizes_are_what_playing_them_gives(staghunt: Staghunt, gather: Path) -> None:
    asked = ("evaluate", gather, "--agents", "40,12,1", "-n", 30, "--json", "--execution", "det,open,ind")
    document = staghunt(*asked).json
    assert document["agents"] == [1, 12, 40] and document["executions"] == ["open", "det", "ind"]
    (seed,) = document["seeds"]
    line = seed["mean_field"]
    swarm = line["swarm"]
    assert swarm["agents"] == 20_000 and line["limit"] is None and line["value"] == swarm["mean"]
    assert "choices of actions" in line["why_no_limit"]
    run = read_run(gather)
    for row in seed["sizes"]:
        learner: Any
        env = make_env(GATHER, agents=row["agents"])
        learner, _, state, team = team_of(run, run.folder(0) / BEST, env=env)
        player = team if row["execution"] == "open" else learner.team(state).executed(row["execution"])
        returns = play_episodes(env, player, draw_seeds(np.random.default_rng(0), 30)).returns[:, 0]
        assert row["return"]["mean"] == pytest.approx(returns.mean(), abs=1e-9)
        if row["execution"] == "ind":  # whose limit is another
            assert row["bias"] is row["mean_absolute_deviation"] is None
        else:
            assert row["mean_absolute_deviation"] == pytest.approx(np.abs(returns - line["value"]).mean())
        assert row["episodes"] == 30
        low, high = row["return"]["interval"]
        assert low < row["return"]["mean"] < high
    small = {**staghunt(*asked, "--batch", 7).json, "stats": None}
    assert small == {**document, "stats": None}, "how many are played at once changes nothing"
    ordinary = staghunt("evaluate", gather, "-n", 30, "--json").json["seeds"][0]["return"]
    own = next(row for row in seed["sizes"] if (row["agents"], row["execution"]) == (12, "open"))
    assert own["return"] == ordinary


def test_the_limit_of_headings_is_computed_and_close(staghunt: Staghunt, align: Path) -> None:
    done = staghunt("evaluate", align, "--agents", "10,400", "-n", 60, "--json")
    document = done.json
    for seed in document["seeds"]:
        line = seed["mean_field"]
        assert line["limit"] == line["value"]
        assert abs(line["swarm"]["mean"] - line["limit"]) < 6 * line["swarm"]["standard_error"] + 0.01
        first, last = (row for row in seed["sizes"] if row["execution"] == "open")
        assert last["mean_absolute_deviation"] < 0.5 * first["mean_absolute_deviation"]
    whole = document["aggregate"]["sizes"]
    assert [row["agents"] for row in whole] == [10, 10, 400, 400] and "episodes" not in whole[0]
    text = " ".join(staghunt("evaluate", align, "--agents", 10, "-n", 5).out.split())
    assert "by the flow of a density" in text and "all 10 open" in text


def test_shared_networks_play_in_any_swarm(staghunt: Staghunt, shared: Path, numbered: Path) -> None:
    (seed,) = staghunt("evaluate", shared, "--agents", "5,12", "-n", 20, "--json").json["seeds"]
    assert [row["execution"] for row in seed["sizes"]] == ["apart", "apart"]
    own = staghunt("evaluate", shared, "-n", 20, "--json").json["seeds"][0]["return"]["mean"]
    assert seed["sizes"][1]["return"]["mean"] == pytest.approx(own, abs=1e-6)
    assert "sharing=numbered" in staghunt("evaluate", numbered, "--agents", 5).complaint
    assert "for as many agents" in staghunt("play", GATHER.replace("12", "5"), "-p", numbered).complaint
    assert staghunt("play", GATHER.replace("12", "5"), "-p", shared, "-n", 2).code == 0


def test_the_limit_is_that_of_agents_drawing_actions() -> None:
    """Against many agents who draw, and a rule without chance against itself as a function."""
    rng = np.random.default_rng(0)
    for uri, most in (("swarm:kuramoto?horizon=6&kappa=0.5", 3e7), ("swarm:aggregation?horizon=3", 1e9)):
        env = make_env(uri)
        for family in ("interpolation", "mixture", "histogram"):
            if family != "interpolation" and "aggregation" in uri:  # which takes seconds
                continue
            grid = RuleFamily.of(env.spec, family, 3, 0.5)
            xi = rng.normal(size=(env.spec.horizon or 0, grid.size))
            policy = OpenLoop(grid, grid.rules(xi))
            found = open_limit(policy, env, most).value
            crowd = make_env(uri, agents=10_000)
            returns = play_episodes(crowd, Independent(crowd.spec, policy), list(range(3, 15))).returns[:, 0]
            error = returns.std(ddof=1) / np.sqrt(len(returns))
            assert abs(found - returns.mean()) < 5 * error + 0.002 * abs(found) and error < 0.02
        still = OpenLoop(policy.family, Rules(policy.rules.means, policy.rules.spreads), greedy=True)

        def rule(seen: Any, time: int, still: OpenLoop = still) -> Any:
            return still.family.weights(seen) @ still.rules.means[time]

        if "kuramoto" in uri:
            assert open_limit(still, env).value == pytest.approx(swarm_limit(env).flow(rule).value, abs=1e-9)
        assert swarm_surrogate(env).flow(lower_policy(still, FEW)).value == pytest.approx(
            swarm_surrogate(env).flow(rule).value, abs=1e-5
        )
    with pytest.raises(InputError, match="choices of actions"):
        open_limit(policy, env, most=1e3)
    even = make_env("swarm:kuramoto?horizon=6")
    grid = RuleFamily.of(even.spec, "histogram", 3, 0.5)
    with pytest.raises(InputError, match="no finite swarm comes close"):
        open_limit(OpenLoop(grid, grid.rules(np.zeros((6, grid.size)))), even)


def test_nodes_stand_for_a_normal_number() -> None:
    for (z, weight), exact in ((FEW, 1e-6), (many(), 1e-3)):
        moments = [weight @ part for part in (np.ones(len(z)), z, z**2, np.abs(z), z**4)]
        assert np.allclose(moments, [1, 0, 1, np.sqrt(2 / np.pi), 3], atol=exact)


def test_seeds_of_the_line_are_its_own(gather: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from marl.decpomfc_team import SURROGATE_SEED

    seen: list[np.ndarray] = []

    def fake(env: Any, team: Any, seeds: np.ndarray, batch: int, **more: Any) -> np.ndarray:
        seen.append(seeds)
        return np.arange(len(seeds), dtype=float)

    monkeypatch.setattr("experiments.swarm_sizes.returns_of", fake)
    run = read_run(gather)
    players = Players(run, run.folder(0) / BEST, None, "cpu")
    line = mean_field_line(players, "open", 0, 8, lambda share, text: None)
    own = draw_seeds(np.random.default_rng(0), 1_000)
    assert not set(seen[0].tolist()) & {*own.tolist(), SURROGATE_SEED}
    assert line.mean == 1.0 and line.error == pytest.approx(1 / np.sqrt(3))


def test_large_swarms_play_fewer_episodes_at_once_and_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (
        make_env("swarm:aggregation?agents=100").spec,
        make_env("swarm:aggregation?agents=100000").spec,
    )
    assert episodes_of(few, "open", 500) == 500 and episodes_of(many, "open", 500) == 20
    assert episodes_of(many, "ind", 500) == FEWEST and episodes_of(many, "ind", 3) == 3
    assert at_once(few, 0, 256) == 256 and at_once(many, 0, 256) == 10
    assert at_once(many, 36, 256) < 3 and at_once(make_env("swarm:kuramoto?agents=1000000").spec, 0, 256) == 1
    monkeypatch.setattr("experiments.swarm_players.available_bytes", lambda: 2**20)
    with pytest.raises(InputError, match="GiB"):
        at_once(many, 0, 1)


def test_means_over_seeds_are_of_their_means() -> None:
    def judged(seed: int, values: list[float]) -> SizesJudged:
        line = MeanFieldLine(20_000, 3, -1.0, 0.1, None)
        return SizesJudged(seed, Path("x"), None, line, (Sized(5, "open", np.array(values)),))

    spec = make_env(GATHER).spec
    seeds = judged(0, [-1.0, -3.0]), judged(1, [-4.0, -4.0])
    told = SizesTold(Path("r"), "decpomfc", spec, (5,), ("open",), seeds, "best", False, 9, 0, 1.0)
    (row,) = rows_over_seeds(told)
    assert (row.mean, row.bias, row.deviation) == (-3.0, -2.0, 2.0)
    assert sizes_figure(told).axes[0].get_xscale() == "log"


# --- what is refused ----------------------------------------------------------------------------------------------


def test_sizes_are_read() -> None:
    assert read_sizes(" 10, 2,10,1_000") == (2, 10, 1_000)


@pytest.mark.parametrize("bad", ["0", "2,x", "", "-3", "2,,3", "1.5", "2;3", "²"])
def test_what_is_no_size_is_refused(staghunt: Staghunt, gather: Path, bad: str) -> None:
    assert "whole numbers above 0" in staghunt("evaluate", gather, f"--agents={bad}").complaint


def test_what_does_not_fit_is_refused(staghunt: Staghunt, gather: Path, align: Path, home: Path) -> None:
    other = train(home / "coop", "ippo", "foraging:5x5-2p-1f-coop?horizon=5")
    for words, complaint in (
        ((other, "--agents", "2"), "for runs in swarms"),
        ((other, "--execution", "det"), "this is a run of ippo"),
        ((other, "--rules", "x.json"), "this is a run of ippo"),
        ((gather, "--agents", "99999999"), "at most 10,000,000"),
        ((gather, "--execution", "open,best"), "not 'best'"),
        ((gather, "--execution", "switched"), "open, det, shared, ind"),
        ((gather, "--dag", "empty"), "has none"),
        ((gather, "--agents", "2", "--success", "1"), "cannot be given with --agents"),
        ((gather, "--agents", "2", "-x"), "cannot be given with --agents"),
        ((gather, "--agents", "2,3", "--render", home / "x.gif"), "give one number"),
        ((align, "--rules", home / "x.json"), "add --train-seed"),
        ((gather, "--rules", home / "x.txt"), "use .json"),
    ):
        assert complaint in staghunt("evaluate", *words).complaint
    assert "at least 1, not 0" in staghunt("play", "swarm:vicsek?agents=0").complaint


def test_nothing_but_the_number_of_agents_may_change(staghunt: Staghunt, gather: Path) -> None:
    assert staghunt("play", GATHER.replace("12", "30"), "-p", gather, "-n", 2).code == 0
    for other in (GATHER + "&shift=0.5", GATHER.replace("=8", "=9"), "swarm:kuramoto"):
        assert "nothing but the number of agents" in staghunt("play", other, "-p", gather).complaint
    spec = make_env(GATHER).spec
    assert same_swarm("swarm:aggregation?agents=3&horizon=8&cells=3", spec)
    assert not same_swarm("swarm:aggregation?agents=3&nonsense=1", spec) and not same_swarm(
        "zoo:chicken", spec
    )


def test_a_wide_bandwidth_is_remarked_on(staghunt: Staghunt, home: Path) -> None:
    wide = ("--set", "learner.bandwidth=1", "--set", "learner.upper.rollout=16", "--steps", 64)
    done = staghunt("train", "decpomfc", GATHER, "--out", home / "wide", *wide)
    assert done.code == 0 and "blurs every rule" in done.err


# --- pictures -----------------------------------------------------------------------------------------------------


def test_figures_films_and_the_report(staghunt: Staghunt, gather: Path, align: Path, tmp_path: Path) -> None:
    sizes, rules, film = tmp_path / "n.svg", tmp_path / "r.svg", tmp_path / "f.gif"
    asked = ("evaluate", align, "--agents", "2,20", "-n", 5, "-q", "--figure", sizes)
    assert staghunt(*asked).code == 0 and "<svg" in sizes.read_text()
    assert staghunt("evaluate", gather, "-n", 3, "-q", "--figure", rules).code == 0
    assert "<svg" in rules.read_text()
    assert staghunt("evaluate", gather, "--agents", 30, "-n", 3, "-q", "--render", film).code == 0
    with Image.open(film) as picture:
        assert picture.n_frames == 9
    html = report_on(gather).html
    assert 'id="rules"' in html and "bandwidth 0.5 grid spacings" in html


def test_rules_are_drawn_as_they_are(gather: Path, align: Path) -> None:
    assert moments(100) == [0, 25, 50, 99] and moments(1) == [0]
    run = read_run(align)
    players = Players(run, run.folder(0) / BEST, None, "cpu")
    policy: Any = players.rules
    panels = rules_figure(policy, make_env(ALIGN).spec).axes
    assert [axes.get_title() for axes in panels[:4]] == [f"step {t + 1} of 8" for t in (0, 2, 4, 7)]
    shown = panels[1].images[0].get_array()
    ends = np.array([[-1.0, 1.0]])  # ahead -1, left 1: the last row of the first column
    assert shown[-1, 0] == pytest.approx((policy.family.weights(ends) @ policy.rules.means[2])[0, 0])
