"""Mean-field games by name and from OpenSpiel: tables, N agents, bad input, and the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from games import load, make_env
from games.errors import InputError
from games.laws import check_env
from games.mean_field_games import catalogue, is_mean_field, load_mean_field
from games.meanfield import MeanFieldModel, to_env
from games.play import play_episodes
from games.policy import Independent, Tabular
from games.streams import draw_seeds
from solvers.certificate import certify
from solvers.meanfield import mean_field_exploitability

NAMES = [entry.name for entry in catalogue()]


def uniform(model: MeanFieldModel) -> Any:
    legal = np.ones((model.states, model.actions)) if model.legal is None else model.legal.astype(float)
    return legal / legal.sum(axis=1, keepdims=True)


# --- the catalogue ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_game_is_whole(name: str) -> None:
    entry = next(entry for entry in catalogue() if entry.name == name)
    assert entry.summary and entry.source.title and entry.uri.startswith(f"mfg:{name}")
    model = load_mean_field(entry.uri)
    assert model.title.startswith(f"mfg:{name}") and model.span > 0
    again = load_mean_field(f"mfg:{name}")
    assert again.digest == model.digest and len(model.digest) == 64
    assert mean_field_exploitability(model, uniform(model)) > 1e-3


def test_digests_tell_games_apart() -> None:
    uris = [f"mfg:{name}" for name in NAMES] + [
        "mfg:crowd?size=11",
        "mfg:crowd?horizon=11",
        "mfg:sis?infection=0.8",
        "mfg:sis?ill=0.5",
        "mfg:left-right?right=3",
        "mfg:beach-bar?aversion=0.5",
        "mfg:beach-bar?noise=0.4",
        "mfg:four-rooms?start=everywhere",
    ]
    assert len({load_mean_field(uri).digest for uri in uris}) == len(uris)


def test_spans_scale_with_rewards_and_steps() -> None:
    model = load_mean_field("mfg:sis")
    half = MeanFieldModel(model.initial, model.transition, 0.5 * np.asarray(model.reward), 25)
    assert half.span == pytest.approx(model.span / 4)
    assert model.span == pytest.approx(50 * 1.5)
    flat = MeanFieldModel([1.0], np.ones((1, 2, 1)), np.zeros((1, 2)), 3)
    assert flat.span == 0 and certify(flat, [[0.5, 0.5]], "nash").holds(1e-12)


def test_the_crowd_is_as_described() -> None:
    """Steps on a ring, noise of a third each way, rewards by hand; the last move is free."""
    model = load_mean_field("mfg:crowd?size=5&horizon=3")
    assert model.action_names == ("left", "stay", "right")
    np.testing.assert_allclose(model.transitions(model.initial[None])[0, 0, 0], [1 / 3, 0, 0, 1 / 3, 1 / 3])
    mu = np.array([[0.1, 0.2, 0.3, 0.4, 0.0]])
    for step, paid in ((0, 0.2), (1, 0.2), (2, 0.0)):
        pay = model.rewards(mu, np.zeros((1, 5, 3)), step)[0]
        np.testing.assert_allclose(pay[2], 1 - np.log(0.3) - np.array([paid, 0, paid]))
        np.testing.assert_allclose(pay[0], 0 - np.log(0.1) - np.array([paid, 0, paid]))
        assert pay[4, 1] == pytest.approx(-np.log(1e-25))


def test_walls_are_walls() -> None:
    model = load_mean_field("mfg:four-rooms?noise=0")
    legal = model.legal
    assert legal is not None and model.states == 104
    corner = model.state_names.index("(1, 1)")
    assert legal[corner].tolist() == [False, False, True, True, True]
    moved = model.transitions(model.initial[None])[0, corner]
    assert (
        moved[3, model.state_names.index("(2, 1)")] == 1 and moved[4, model.state_names.index("(1, 2)")] == 1
    )
    flow = model.flow(uniform(model))
    assert (flow.states[1] > 0).sum() == 3


def test_in_the_epidemic_nobody_meets_nobody() -> None:
    model = load_mean_field("mfg:sis?ill=1&horizon=20")
    apart = np.array([[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_allclose(model.flow(apart).states[:, 1], 0.7 ** np.arange(21))
    out = np.array([[1.0, 0.0], [1.0, 0.0]])
    flow = load_mean_field("mfg:sis?horizon=500").flow(out)
    assert flow.states[-1, 1] == pytest.approx(1 - 0.3 / 0.81, abs=1e-9)  # I = 0.7 I + 0.81 I (1 - I)


# --- N agents ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri", ["mfg:crowd?agents=5", "mfg:four-rooms?agents=3&horizon=6", "mfg:sis?agents=4"]
)
def test_games_of_n_agents_keep_the_laws_and_make_themselves_again(uri: str) -> None:
    env = make_env(uri)
    assert len(check_env(env, steps=8, batch=3)) > 10
    again = make_env(env.spec.name)
    assert again.spec == env.spec and again.spec.name == env.spec.name


def test_a_hundred_agents_unless_said() -> None:
    assert len(make_env("mfg:left-right").spec.agents) == 100
    assert make_env("mfg:crowd", agents=7, size=12).spec.name == "mfg:crowd?agents=7&size=12"
    assert make_env("mfg:beach-bar?noise=1/4&agents=2").spec.name == "mfg:beach-bar?agents=2&noise=0.25"


@pytest.mark.parametrize("name, slack", [("crowd?size=5&horizon=6", 60.0), ("sis?horizon=12", 10.0)])
def test_returns_of_many_agents_come_to_those_of_the_mean_field(name: str, slack: float) -> None:
    """Within four standard errors and a bias of order 1 / N; steps count, since the last move of the crowd is free."""
    model, agents = load_mean_field(f"mfg:{name}"), 1000
    env = make_env(f"mfg:{name}", agents=agents)
    seeds = draw_seeds(np.random.default_rng(0), 40)
    rule = np.random.default_rng(1).dirichlet(np.ones(model.actions), size=model.states)
    found = play_episodes(env, Independent(env.spec, Tabular(rule)), seeds).returns.mean(axis=1)
    assert found.mean() == pytest.approx(
        model.flow(rule).value, abs=4 * found.std() / np.sqrt(40) + slack / agents
    )


def test_nobody_gains_much_alone_at_the_equilibrium_of_the_limit() -> None:
    """N agents on two roads: who leaves the equilibrium gains at most of order 1 / N. Exact, by the binomial law."""
    from scipy.stats import binom

    gains = []
    for agents in (5, 10, 20, 40, 80):
        others = np.arange(agents)  # how many of the others go left
        chance = binom.pmf(others, agents - 1, 2 / 3)
        left = -((others + 1) / agents) @ chance
        right = -2 * ((agents - others) / agents) @ chance
        gains.append(max(left, right) - (2 / 3 * left + right / 3))
    slope = np.polyfit(np.log((5, 10, 20, 40, 80)), np.log(gains), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)
    env = make_env("mfg:left-right?agents=20")
    rule = np.tile([2 / 3, 1 / 3], (3, 1))
    seeds = draw_seeds(np.random.default_rng(0), 2000)
    found = play_episodes(env, Independent(env.spec, Tabular(rule)), seeds).returns.mean()
    wanted = -(2 / 3 * (1 + 19 * 2 / 3) + 2 / 3 * (1 + 19 / 3)) / 20
    assert found == pytest.approx(wanted, abs=0.02)


def test_masks_keep_agents_off_the_walls() -> None:
    env = to_env(load_mean_field("mfg:four-rooms"), 3)
    _, step = env.reset(draw_seeds(np.random.default_rng(0), 2))
    assert not step.groups[0].mask[:, :, :2].any()
    with pytest.raises(InputError):
        env.step(env.reset(draw_seeds(np.random.default_rng(0), 2))[0], [np.zeros((2, 3), dtype=int)])


# --- OpenSpiel --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ("mfg_crowd_modelling(size=7,horizon=4)", "crowd?size=7&horizon=4"),
        (
            "mfg_crowd_modelling_2d(size=4,horizon=3,noise_intensity=0.3,crowd_aversion_coef=2.0)",
            "crowd-2d?size=4&horizon=3&noise=0.3&aversion=2",
        ),
        ("python_mfg_crowd_modelling(size=6,horizon=3)", "crowd?size=6&horizon=3"),
    ],
)
def test_our_crowds_are_openspiels(theirs: str, ours: str) -> None:
    """Transitions are the same numbers; rewards differ only in the step in which a move is paid, returns not at all."""
    pytest.importorskip("pyspiel", reason="OpenSpiel is not installed")
    told: list[str] = []
    one = load_mean_field(f"openspiel:{theirs}", progress=lambda share, text: told.append(text))
    two = load_mean_field(f"mfg:{ours}")
    assert "states" in told[0]
    np.testing.assert_allclose(
        one.transitions(one.initial[None]), two.transitions(two.initial[None]), atol=1e-15
    )
    np.testing.assert_allclose(one.initial, two.initial)
    rng = np.random.default_rng(0)
    for policy in (uniform(two), rng.dirichlet(np.ones(two.actions), size=(two.horizon, two.states))):
        assert one.flow(policy).value == pytest.approx(two.flow(policy).value, abs=1e-12)
        assert mean_field_exploitability(one, policy) == pytest.approx(
            mean_field_exploitability(two, policy), abs=1e-12
        )


def test_our_four_rooms_are_openspiels() -> None:
    pytest.importorskip("pyspiel", reason="OpenSpiel is not installed")
    from open_spiel.python.mfg.games.crowd_modelling_2d import FOUR_ROOMS

    given = ",".join(f"{key}={value}" for key, value in {**FOUR_ROOMS, "horizon": 25}.items())
    one = load_mean_field(f"openspiel:mfg_crowd_modelling_2d(only_distribution_reward=True,{given})")
    two = load_mean_field("mfg:four-rooms?horizon=25")
    assert one.state_names == two.state_names
    np.testing.assert_array_equal(one.legal, two.legal)
    moves = np.where(two.legal[:, :, None], two.transition - one.transition, 0)  # type: ignore[index, operator]
    assert abs(moves).max() < 1e-15
    assert one.flow(uniform(one)).value == pytest.approx(
        two.flow(uniform(two)).value + np.log(169), abs=1e-9
    )  # OpenSpiel's first reward is that of a uniform law, wherever agents start


@pytest.mark.parametrize(
    "uri, message",
    [
        ("openspiel:mfg_dynamic_routing", "another part of the mean field"),
        ("openspiel:python_mfg_predator_prey", "3 populations"),
        (
            "openspiel:mfg_crowd_modelling_2d(with_congestion=True,size=4)",
            "last move and on the mean field at once",
        ),
        ("openspiel:mean_field_lin_quad", "last move and on the mean field at once"),
        ("openspiel:mfg_crowd_modelling(sise=4)", "Unknown parameter 'sise'"),
        ("openspiel:mfg_crowd_modelling?size=4", "in brackets"),
        ("openspiel:leduc_poker", "no mean-field game"),
        ("mfg:crowed", "did you mean mfg:crowd"),
        ("mfg:quite-another", "there are crowd, beach-bar"),
        ("mfg:crowd?sice=3", "did you mean 'size'"),
        ("mfg:crowd?size=ten", "size=ten is not a whole number"),
        ("mfg:crowd?size=1", "must be between 2 and 1000"),
        ("mfg:crowd?agents=x", "agents=x is not a whole number"),
        ("mfg:sis?infection=1.5", "must be between 0 and 1"),
        ("mfg:four-rooms?start=middle", "must be corner or everywhere"),
        ("mfg:crowd?size=3&size=4", "given twice"),
        ("mfg:rock-paper-scissors?rock=-1", "rock=-1 must be"),
        ("zoo:chicken", "is no mean-field game"),
    ],
)
def test_bad_names_are_refused(uri: str, message: str) -> None:
    if uri.startswith("openspiel:"):
        pytest.importorskip("pyspiel", reason="OpenSpiel is not installed")
    with pytest.raises(InputError, match=message):
        load_mean_field(uri)


def test_who_is_a_mean_field_game() -> None:
    assert (
        is_mean_field("mfg:anything") and not is_mean_field("zoo:chicken") and not is_mean_field("game.nfg")
    )
    assert not is_mean_field("openspiel:leduc_poker") and not is_mean_field("openspiel:mfg_of_no_kind")
    with pytest.raises(InputError, match="load_mean_field"):
        load("mfg:crowd")
    for agents in (0, 10**7):
        with pytest.raises(InputError, match="between 1 and 1,000,000"):
            make_env(f"mfg:crowd?agents={agents}")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"legal": [[True, False], [False, False]]}, "at least one action"),
        ({"legal": np.ones((2, 3), dtype=bool)}, "legal must be"),
        ({"legal": np.ones((2, 2))}, "legal must be"),
        ({"state_names": ("a", "a")}, "state_names must be 2 different"),
        ({"action_names": ("a",)}, "action_names must be 2 different"),
    ],
)
def test_bad_parts_of_models_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MeanFieldModel([0.5, 0.5], np.full((2, 2, 2), 0.5), np.zeros((2, 2)), 3, **changes)


def test_functions_of_the_law_are_checked_whenever_they_are_asked() -> None:
    """Shapes that are wrong for several laws at once only, and numbers that are wrong for some laws only."""
    move = np.full((2, 2, 2), 0.5)
    several = MeanFieldModel([0.5, 0.5], move, lambda mu, nu: np.zeros((len(mu), 2, 1 + (len(mu) == 1))), 3)
    with pytest.raises(InputError, match="reward has shape"):
        mean_field_exploitability(several, np.full((2, 2), 0.5))
    crowded = MeanFieldModel([0.5, 0.5], move, lambda mu, nu: np.where(nu > 0.4, np.nan, nu), 3)
    with pytest.raises(InputError, match="not finite"):
        mean_field_exploitability(crowded, [[1.0, 0.0], [0.0, 1.0]])


# --- the command line -------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    from experiments.cli import app

    return CliRunner().invoke(app, list(words))


def test_from_a_name_to_a_certificate(tmp_path: Path) -> None:
    saved, picture = tmp_path / "crowd.json", tmp_path / "crowd.png"
    words = ("solve", "mfg:crowd?size=6&horizon=4", "--tol", "1e-4", "--json")
    result = run(*words, "--out", str(saved), "--plot", str(picture))
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    answer = told["solutions"][0]
    assert told["method"] == "mirror-descent" and answer["status"] == "converged"
    assert answer["certificate"]["holds"] and answer["certificate"]["bound"] == "exact"
    assert len(answer["behavior"]) == 24 and answer["behavior"][0]["actions"] == ["left", "stay", "right"]
    np.testing.assert_allclose(np.sum(answer["mean_field"], axis=1), 1)
    assert picture.read_bytes().startswith(b"\x89PNG")
    checked = run("certify", "mfg:crowd?size=6&horizon=4", str(saved), "--tol", "1e-4", "--json")
    assert checked.exit_code == 0
    found = json.loads(checked.stdout)["solutions"][0]
    assert found["exploitability"] == pytest.approx(answer["certificate"]["exploitability"], abs=1e-15)
    assert run("certify", "mfg:crowd?size=6&horizon=4", str(saved), "--tol", "1e-9").exit_code == 1
    assert "another game" in run("certify", "mfg:crowd?size=7&horizon=4", str(saved)).stderr
    document = json.loads(saved.read_text())
    for spoil, message in (
        (lambda rows: rows.pop(), "does not say what to do in step 3, state 5"),
        (lambda rows: rows[0].update(state="nowhere"), "behavior[0]"),
        (lambda rows: rows[0].update(probs=[1, 1, 1]), "sum to 1"),
        (lambda rows: rows[0].update(step=9), "behavior[0]"),
    ):
        spoilt = json.loads(json.dumps(document))
        spoil(spoilt["solutions"][0]["behavior"])
        saved.write_text(json.dumps(spoilt))
        refused = run("certify", "mfg:crowd?size=6&horizon=4", str(saved))
        assert refused.exit_code == 2 and message in refused.stderr


def test_a_missed_tolerance_is_exit_status_1(tmp_path: Path) -> None:
    table = tmp_path / "sis.csv"
    result = run(
        "solve", "mfg:sis?horizon=5", "-m", "fictitious-play", "--iterations", "3", "--out", str(table)
    )
    assert result.exit_code == 1 and "Exploitability" in result.stdout
    lines = table.read_text().splitlines()
    assert lines[0] == "solution,step,state,share,action,probability" and len(lines) == 1 + 5 * 2 * 2


def test_facts_and_lists() -> None:
    told = json.loads(run("info", "mfg:left-right", "--json").stdout)
    assert told["game"]["kind"] == "mean-field game" and told["uniform_policy"]["exploitability"] == 0.25
    assert len(told["environment"]["agents"]) == 100 and "Cui" in told["source"]
    shown = run("info", "mfg:crowd")
    assert shown.exit_code == 0 and "10 states" in shown.stdout and "As an environment" in shown.stdout
    listed = json.loads(run("games", "mfg:", "--json").stdout)
    assert {f"mfg:{name}" for name in NAMES} == {one["name"] for one in listed["games"]}
    assert listed["environments"][0]["uri"].startswith("mfg:")


@pytest.mark.parametrize(
    "words, message",
    [
        (("solve", "mfg:crowd", "-c", "cce"), "solved for nash"),
        (("solve", "mfg:crowd", "-m", "cfr"), "does not solve mean-field games"),
        (("solve", "mfg:crowd", "--all"), "--all does not go"),
        (("solve", "mfg:crowd", "--max-nodes", "5"), "--max-nodes"),
        (("solve", "mfg:crowd", "--alternating"), "--alternating does not go"),
        (("info", "mfg:crowd", "--plot", "x.png"), "--plot FILE"),
        (("qre", "mfg:crowd"), "is a mean-field game"),
    ],
)
def test_what_does_not_go_with_a_mean_field_game(words: tuple[str, ...], message: str) -> None:
    result = run(*words)
    assert result.exit_code == 2 and message in result.stderr
