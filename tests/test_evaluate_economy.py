"""`staghunt evaluate` in economies: what it tells is what replayed episodes hold; exact regrets; what is refused; pictures."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt
from report_runs import Page

from experiments import cli, pictures
from experiments.economy_episodes import EconomyLog
from experiments.economy_plots import incomes_figure, rates_figure, student_interval, systems_figure
from experiments.evaluation import Judged
from experiments.evaluation_output import Evaluation, evaluation_document, show_evaluation
from experiments.film import Film
from experiments.play_output import number
from experiments.plots import new_figure
from experiments.report.page import report_on
from experiments.scene_sprites import Palette, Sprites, fits
from experiments.scenes import draw_scene
from experiments.training.runs import BEST, read_run, team_of
from games import make_env, play_episodes, random_policy
from games.errors import InputError
from games.streams import ACT, Streams, draw_seeds

GATHER = "economy:gather-trade-build?size=small&horizon=40&period=10&multiplier=9&payment=30"
ONE = "economy:one-step?agents=4&skills=1.13316,1.32671,1.64724,2.22496&cost=0.012&observe=brief"
EPISODES = 40
LEVELS = ("workers", "planner")


def train(folder: Path, uri: str, *more: str, rollout: int = 2) -> Path:
    words = ["train", "economist", uri, "--out", str(folder), "--steps", str(8 * rollout), "--quiet", *more]
    for name in LEVELS:
        words += ["--set", f"learner.{name}.rollout={rollout}", "--set", f"learner.{name}.hidden=[8]"]
    assert cli.run([*words, "--set", "training.batch=4", "--set", "training.episodes=4"]) == 0
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def gathering(home: Path) -> Path:
    return train(home / "gather", GATHER, rollout=20)


@pytest.fixture(scope="module")
def one_step(home: Path) -> Path:
    return train(home / "one-step", ONE)


def judged(staghunt: Staghunt, run: Path, *more: Any) -> dict[str, Any]:
    done = staghunt("evaluate", run, "--json", "-n", EPISODES, *more)
    assert done.code == 0, done.err
    (one,) = done.json["seeds"]
    return dict(one)


def replayed(run: Path, *, greedy: bool | None = None) -> tuple[Any, Any]:
    """The same episodes, played by a loop of our own: the environment and its worlds at the end."""
    found = read_run(run)
    _, env, _, team = team_of(found, found.folder(0) / BEST, greedy=greedy)
    seeds = draw_seeds(np.random.default_rng(0), EPISODES)
    world, step = env.reset(seeds)
    streams, memory = Streams.from_seeds(seeds, ACT, agents=len(env.spec.agents)), team.start(EPISODES)
    while not step.last.all():
        actions, memory = team.sample(step, memory, streams)
        world, step = env.step(world, actions)
    return env, world.state


def pairwise_gini(coin: Any) -> float:
    """Mean absolute difference of two workers over twice the mean."""
    if coin.sum() == 0:
        return 0.0
    pairs = [abs(a - b) for a, b in itertools.combinations(coin, 2)]
    return float(np.mean(pairs) / (2 * coin.mean()))


# --- what is told -------------------------------------------------------------------------------------------------


def test_numbers_of_gather_trade_build_are_those_of_the_episodes(staghunt: Staghunt, gathering: Path) -> None:
    told = judged(staghunt, gathering)["economy"]
    _, state = replayed(gathering)
    world = state.world
    coin = world.inventory[:, :, 0] + world.escrow[:, :, 0]
    income, paid = world.years[..., 0], world.years[..., 1]
    ginis = np.array([pairwise_gini(one) for one in coin])
    each = np.array([paid[k] / one if one > 0 else 0.0 for k, one in np.ndenumerate(income)])
    sums = paid.sum(axis=1) / np.maximum(1e-3, np.maximum(income, 0).sum(axis=1))
    rows = np.arange(EPISODES)
    expected = {
        "gini": ginis.mean(),
        "equality": 1 - ginis.mean(),
        "productivity": coin.sum() / EPISODES,
        "eq_times_prod": ((1 - ginis) * coin.mean(axis=1)).mean(),
        "effective_rate": each.mean(),
        "effective_rate_poorest": sums[rows, coin.argmin(axis=1)].mean(),
        "effective_rate_richest": sums[rows, coin.argmax(axis=1)].mean(),
        "trades": world.trades[:, :, :, 0, 0].sum() / EPISODES,
        "houses": world.houses.sum() / EPISODES,
        "labour": world.labour.mean(),
    }
    assert coin.sum() > 0 and paid.sum() > 0 and world.houses.sum() > 0
    for name, value in expected.items():
        low, high = told["numbers"][name]["interval"]
        assert told["numbers"][name]["mean"] == pytest.approx(value, abs=1e-9), name
        assert low <= value <= high
    order = np.argsort(world.skill[:, :, 0], axis=1)
    for name, values in (
        ("payment", world.skill[:, :, 0]),
        ("houses", world.houses),
        ("coin", coin),
        ("income", income.sum(axis=1)),
        ("net_wood", world.trades[:, :, 1, 1, 0] - world.trades[:, :, 1, 0, 0]),
        ("net_stone", world.trades[:, :, 0, 1, 0] - world.trades[:, :, 0, 0, 0]),
    ):
        ranked = np.take_along_axis(values, order, axis=1).mean(axis=0)
        assert told["workers"][name]["mean"] == pytest.approx(ranked, abs=1e-9), name


def test_brackets_of_gather_trade_build(staghunt: Staghunt, gathering: Path) -> None:
    told = judged(staghunt, gathering)["economy"]["brackets"]
    env, state = replayed(gathering)
    income, paid = state.world.years[..., 0].ravel(), state.world.years[..., 1].ravel()
    ends = [*told["cutoffs"], np.inf]
    assert told["cutoffs"] == pytest.approx(env.rules.parameters.tax_brackets.cutoffs)
    assert told["rates"]["mean"] == pytest.approx(state.world.schedules.mean(axis=(0, 1)))
    for k, (low, high) in enumerate(itertools.pairwise(ends)):
        inside = (income < high) & ((income >= low) | (k == 0))
        earned = np.maximum(income[inside], 0).sum()
        assert told["occupancy"]["mean"][k] == pytest.approx(inside.mean())
        share = told["effective_rates"]["mean"][k]
        assert share is None if earned == 0 else share == pytest.approx(paid[inside].sum() / earned)
    assert sum(told["occupancy"]["mean"]) == pytest.approx(1.0)


def test_taxes_are_given_back(staghunt: Staghunt, gathering: Path, one_step: Path) -> None:
    for run in (gathering, one_step):
        workers = judged(staghunt, run)["economy"]["workers"]
        before, after = (sum(workers[name]["mean"]) for name in ("income", "after_tax"))
        assert before > 0 and after == pytest.approx(before, abs=1e-9)
        assert workers["income"]["mean"] != pytest.approx(workers["after_tax"]["mean"])


def test_numbers_of_the_one_step_economy(staghunt: Staghunt, one_step: Path) -> None:
    told = judged(staghunt, one_step)["economy"]
    env, state = replayed(one_step)
    income, paid, coin = state.results[0], state.results[1], state.results[2]
    ginis = [pairwise_gini(one) for one in coin]
    numbers = {name: one["mean"] for name, one in told["numbers"].items()}
    assert numbers["gini"] == pytest.approx(np.mean(ginis))
    assert numbers["productivity"] == pytest.approx(coin.sum(axis=1).mean())
    assert numbers["effective_rate"] == pytest.approx(
        np.mean(np.divide(paid, income, out=0 * paid, where=income > 0))
    )
    hours = income / np.array(env.rules.economy.skills)
    assert told["workers"]["hours"]["mean"] == pytest.approx(hours.mean(axis=0))
    assert told["brackets"]["rates"]["mean"] == pytest.approx(state.rates.mean(axis=0))


@pytest.mark.parametrize("which", ["gathering", "one_step"])
def test_tables_say_the_same(staghunt: Staghunt, which: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(which)
    told = judged(staghunt, run)["economy"]
    done = staghunt("evaluate", run, "-n", EPISODES)
    text = " ".join(done.out.split())
    for one in told["numbers"].values():
        low, high = one["interval"]
        assert f"{number(one['mean'])} {number(low)} to {number(high)}" in text
    for k in range(4):
        row = [number(float(column["mean"][k])) for column in told["workers"].values()]
        assert f"{k + 1} {' '.join(row)}" in text
    assert judged(staghunt, run)["economy"] == told


def test_several_seeds_are_told_together(capsys: pytest.CaptureFixture[str]) -> None:
    env, seeds = make_env(ONE), []
    for k in range(3):
        log = EconomyLog(env)
        drawn = draw_seeds(np.random.default_rng(k), 10)
        played = play_episodes(env, random_policy(env.spec), drawn, batch=4, watch=log)
        assert np.allclose(log.episodes().numbers["welfare"], played.returns[:, -1])  # as in whose row
        seeds.append(Judged(k, Path("."), None, played, economy=log.episodes()))
    told = Evaluation(Path("."), "economist", env.spec, tuple(seeds), "best", False, None, 0, None, 1.0)
    means = [one.economy.numbers["productivity"].mean() for one in seeds if one.economy is not None]
    whole = evaluation_document(told)["aggregate"]["economy"]["numbers"]["productivity"]
    assert whole["mean"] == pytest.approx(np.mean(means))
    assert min(means) <= whole["interval"][0] < whole["mean"] < whole["interval"][1] <= max(means)
    show_evaluation(told)
    text = " ".join(capsys.readouterr().out.split())
    assert " ".join(number(mean) for mean in (*means, whole["mean"])) in text


# --- regrets ------------------------------------------------------------------------------------------------------


def brute_force(env: Any, rates: Any, labour: Any) -> tuple[Any, float]:
    """Regrets of workers who change their labour alone, and welfare, from the definition of the economy."""
    wages, cutoffs = env.rules.economy.skills, [*env.rules.economy.brackets.cutoffs, np.inf]

    def tax(z: float) -> float:
        return sum(
            rate * (min(z, high) - low)
            for rate, (low, high) in zip(rates, itertools.pairwise(cutoffs))
            if z > low
        )

    def utility(i: int, hours: Any) -> float:
        due = [tax(w * h) for w, h in zip(wages, hours)]
        return wages[i] * hours[i] - due[i] + sum(due) / len(due) - 0.012 * hours[i] ** 2

    regrets = []
    for i in range(len(wages)):
        tried = [utility(i, [*labour[:i], level, *labour[i + 1 :]]) for level in range(101)]
        regrets.append(max(tried) - utility(i, labour))
    weights = np.array([1 / max(1, w * h) for w, h in zip(wages, labour)])
    utilities = np.array([utility(i, labour) for i in range(len(wages))])
    return np.array(regrets), float((weights * utilities).sum() / weights.sum())


def test_exact_regrets_are_those_of_brute_force(staghunt: Staghunt, one_step: Path) -> None:
    gains = judged(staghunt, one_step, "-x", "--greedy")["exploitability"]
    env, state = replayed(one_step, greedy=True)
    hours = [round(h) for h in (state.results[0][0] / np.array(env.rules.economy.skills)).tolist()]
    regrets, welfare = brute_force(env, state.rates[0].tolist(), hours)
    assert not gains["drawn"] and gains["bound"] == "exact" and gains["workers"]["interval"] is None
    assert gains["workers"]["regret"] == pytest.approx(regrets, abs=1e-9) and regrets.max() > 0
    planner = gains["planner"]
    assert planner["welfare"] == pytest.approx(welfare, abs=1e-9)
    best, answered = planner["answers_best"], planner["answers_as_they_do"]
    assert best["best_welfare"] == pytest.approx(51.9312, abs=1e-4)  # the enumerated optimum of these four
    assert best["regret"] == pytest.approx(best["best_welfare"] - best["welfare"], abs=1e-9)
    assert answered["schedules"] == 21**3 and answered["bound"] == "exact"
    assert answered["regret"] == pytest.approx(answered["best_welfare"] - welfare, abs=1e-9)
    assert answered["regret"] >= 0


def test_drawn_actions_regret_on_average(staghunt: Staghunt, one_step: Path) -> None:
    gains = judged(staghunt, one_step, "-x", "--stochastic")["exploitability"]
    assert gains["drawn"] and gains["planner"]["answers_as_they_do"]["bound"] == "lower"
    for mean, (low, high) in zip(gains["workers"]["regret"], gains["workers"]["interval"]):
        assert 0 <= low < mean < high
    assert gains["workers"]["relative"] > 0
    done = staghunt("evaluate", one_step, "-n", 2, "-x", "--stochastic")
    assert number(gains["workers"]["regret"][0]) in done.out and "at least" in done.out


def test_responses_are_learned_for_a_worker_and_the_planner(staghunt: Staghunt, gathering: Path) -> None:
    more = ("-x", "--steps", 64, "--gain-episodes", 4, "--agent", "planner", "--agent", "agent_0")
    gains = judged(staghunt, gathering, *more)["exploitability"]
    assert [one["agent"] for one in gains["agents"]] == ["planner", "agent_0"] and gains["bound"] == "lower"
    assert "no table or tree" in gains["why_not_exact"]


# --- refusals -----------------------------------------------------------------------------------------------------


def test_other_economies_are_refused(staghunt: Staghunt, home: Path, gathering: Path, one_step: Path) -> None:
    other = one_step / "seed-0" / BEST
    assert "was trained on" in staghunt("evaluate", gathering, "--checkpoint", other).complaint
    for uri, start, told in (
        (f"{GATHER}&map=quadrant", gathering, "it was trained with the map mixed, not quadrant"),
        (f"{GATHER}&brackets=linear&top=50", gathering, "brackets that begin at 0, 1.94"),
        (f"{GATHER}&agents=6", gathering, "a number of workers of 4, not 6"),
        (f"{ONE}&top=60", one_step, "brackets that begin at 0, 60, 120 coin, not 0, 30, 60 coin"),
        (ONE, gathering, "not on an economy:one-step"),
    ):
        out = home / "refused"
        done = staghunt("train", "economist", uri, "--start", start, "--steps", 40, "--out", out)
        assert told in done.complaint and not out.exists()


def test_a_branch_may_have_another_tax_system(staghunt: Staghunt, home: Path, gathering: Path) -> None:
    run = train(home / "branch", f"{GATHER}&tax=federal", "--start", str(gathering), rollout=20)
    found = judged(staghunt, run)["economy"]["brackets"]
    assert found["rates"]["mean"] == pytest.approx([0.10, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--workers", "2"), "one process alone can; leave out --workers"),
        (("--max-steps", "1"), "nobody has worked before its step 2"),
        (("--figure", "x.txt"), "unsupported suffix"),
        (("-x", "--agent", "nobody"), "has no agent 'nobody'"),
    ],
)
def test_what_cannot_be_told_is_refused(
    staghunt: Staghunt, one_step: Path, words: tuple[str, ...], told: str
) -> None:
    assert told in staghunt("evaluate", one_step, "-n", 4, *words, "--quiet").complaint


# --- pictures -----------------------------------------------------------------------------------------------------


def test_figure_and_page(staghunt: Staghunt, gathering: Path, tmp_path: Path) -> None:
    path = tmp_path / "economy.svg"
    done = staghunt("evaluate", gathering, "-n", 10, "--figure", path, "--quiet")
    assert done.code == 0 and path.stat().st_size > 10_000
    page = Page(report_on(gathering).html)
    shown = {a["data-economy"]: float(a["data-value"]) for _, a in page.tags if "data-economy" in a}
    assert shown["equality"] + shown["gini"] == pytest.approx(1.0) and "houses" in shown
    assert sum(a.get("data-bracket") == "rate" for _, a in page.tags) == 7


def test_intervals_of_a_few_seeds_are_students() -> None:
    mean, half = student_interval([1.0, 2.0, 3.0, 4.0])
    assert mean == 2.5
    assert half == pytest.approx(
        3.182446 * np.sqrt(5 / 3) / 2, abs=1e-5
    )  # a table's quantile of t with 3 degrees
    assert student_interval([7.0]) == (7.0, 0.0)


def test_figures_show_what_they_are_given() -> None:
    points = {"free": ([0.4, 0.5], [90.0, 100.0]), "planner": ([0.7, 0.8], [60.0, 80.0])}
    (axes,) = systems_figure(points).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["free", "planner"]
    means = [tuple(np.ravel(box.lines[0].get_xydata())) for box in axes.containers]
    assert np.allclose(means, [(95.0, 0.45), (70.0, 0.75)])
    (axes,) = incomes_figure([[1.0, 3.0], [3.0, 5.0]], [[2.0, 2.0], [4.0, 4.0]], ["a", "b"]).axes
    assert [bar.get_height() for bar in axes.patches] == [2.0, 4.0, 3.0, 3.0]
    (axes,) = rates_figure({"mine": [[0.0, 0.5], [0.2, 0.7]]}, [0.0, 10.0], [4.0, 30.0]).axes
    assert axes.patches[-1].get_data().values.tolist() == pytest.approx([0.1, 0.6])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: systems_figure({}),
        lambda: systems_figure({"a": ([0.5], [1.0, 2.0])}),
        lambda: systems_figure({"a": ([np.nan], [1.0])}),
        lambda: rates_figure({"a": [0.1, 0.2, 0.3]}, [0.0, 10.0]),
        lambda: incomes_figure([1.0, 2.0], [1.0, 2.0], ["only one"]),
    ],
)
def test_figures_refuse_what_does_not_fit(draw: Any) -> None:
    with pytest.raises(InputError):
        draw()


def test_films_of_maps_look_as_scenes_drawn_one_by_one() -> None:
    env = make_env(GATHER)
    film = Film(env, 40)
    play_episodes(env, random_policy(env.spec), draw_seeds(np.random.default_rng(1), 1), batch=1, watch=film)
    shown = film.frames[::13]
    assert fits([frame.scene for frame in shown])
    wide, high = pictures._size(shown[0].scene)
    axes = []
    for _ in range(2):
        figure = new_figure(wide, high + 1.0)
        figure.set_layout_engine("none")
        axes.append(figure.add_axes((0.04, 0.2, 0.92, 0.75)))
    seen: list[Any] = []
    sprites = Sprites(axes[1].figure, axes[1], shown[0].scene, shown[0].title)
    for frame in shown:
        draw_scene(axes[0], frame.scene, frame.title)
        slow = pictures._pixels(axes[0].figure).astype(int)
        fast = sprites(frame.scene, frame.title)
        assert np.abs(slow - fast).max() <= 2
        seen.append(fast)
    palette = Palette(seen, 128)
    for fast in seen:  # what did not change is kept, and that is what a picture by itself would get
        shown_as = np.asarray(palette(fast).convert("RGB")).astype(int)
        assert (shown_as == np.asarray(Palette(seen, 128)(fast).convert("RGB"))).all()
        assert np.abs(shown_as - fast).mean() < 1


def test_switched_teams_in_economies_are_told_by_execution(staghunt: Staghunt, tmp_path: Path) -> None:
    settings = {"learner.independent": "ippo", "learner.central": "mappo", "training.batch": 4}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    uri, out = "economy:one-step?agents=2&cost=0.012&observe=brief", tmp_path / "run"
    assert staghunt("train", "mansa", uri, "--steps", "256", *words, "--out", out, "-q").code == 0
    told = staghunt("evaluate", out, "--episodes", "4", "--json")
    assert told.code == 0, told.err
    (seed,) = told.json["seeds"]
    assert seed["switch"] and seed["economy"] is None
