"""`staghunt evaluate` and learned policies in `play`, and the intervals they tell, against scipy's and by coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt
from scipy import stats

from experiments import cli
from experiments.evaluation import scores
from experiments.intervals import bootstrap_interval, expanded_interval, wilson_interval
from experiments.trained import checkpoints, is_trained
from experiments.training.runs import load_team, read_run
from games import make_env
from games.errors import InputError
from games.play import play_episodes
from games.streams import draw_seeds

FORAGING = "foraging:5x5-2p-1f"
KUHN = "openspiel:kuhn_poker?compiled=true"


def train(folder: Path, learner: str, env: str, *more: str) -> Path:
    assert cli.run(["train", learner, env, "--out", str(folder), "--quiet", *more]) == 0
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def foraging(home: Path) -> Path:
    folder = train(home / "foraging", "ippo", FORAGING, "--steps", "2048")
    # one seed at a time is trained in this process
    assert cli.run(["train", "--resume", str(folder), "--seeds", "2", "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def kuhn(home: Path) -> Path:
    return train(home / "kuhn", "ippo", KUHN, "--steps", "2048", "--seed", "3")


# --- intervals --------------------------------------------------------------------------------------------------


def test_the_bootstrap_agrees_with_scipys() -> None:
    """Both draw their own resamples; quantiles of 4,000 of them differ by a few percent of the interval's width."""
    values = np.random.default_rng(1).gamma(0.7, size=(60, 3))
    ours = bootstrap_interval(values, np.random.default_rng(2))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(3)
    )
    assert ours is not None
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert (abs(ours[:, 0] - theirs.confidence_interval.low) < 0.06 * width).all()
    assert (abs(ours[:, 1] - theirs.confidence_interval.high) < 0.06 * width).all()


@pytest.mark.parametrize("skewed", [False, True])
def test_the_interval_holds_the_truth_as_often_as_it_says(skewed: bool) -> None:
    """95 % of intervals of 100 samples hold the mean; of 1,000 intervals fewer than 90 % do with probability 1e-4 if
    the true share is 93.5 %, which is what the asymptotic error of skewed samples leaves."""
    rng = np.random.default_rng(7)
    values = rng.exponential(size=(100, 1_000)) if skewed else rng.normal(1.0, 2.0, size=(100, 1_000))
    bounds = bootstrap_interval(values, rng)
    assert bounds is not None
    held = ((bounds[:, 0] <= 1.0) & (bounds[:, 1] >= 1.0)).mean()
    assert 0.9 < held < 0.985


def test_the_interval_of_a_few_seeds_is_wide_enough() -> None:
    """Of five normal numbers a plain percentile interval holds the mean 84 times in 100; the expanded one over 90."""
    rng = np.random.default_rng(3)
    held = plain = 0
    for _ in range(600):
        values = rng.normal(size=5)
        bounds = expanded_interval(values, rng)
        assert bounds is not None
        held += bounds[0] <= 0 <= bounds[1]
        means = rng.choice(values, size=(2_000, 5)).mean(axis=1)
        low, high = np.quantile(means, [0.025, 0.975])
        plain += low <= 0 <= high
    assert plain / 600 < 0.88 and held / 600 > 0.9


def test_single_numbers_have_no_interval_and_equal_ones_no_width() -> None:
    rng = np.random.default_rng(0)
    assert bootstrap_interval(np.ones((1, 2)), rng) is None and expanded_interval(np.ones(1), rng) is None
    bounds = bootstrap_interval(np.full((30, 2), [0.1, 3.0]), rng)
    assert bounds is not None
    assert bounds == pytest.approx(np.array([[0.1, 0.1], [3.0, 3.0]]), abs=1e-12)


@pytest.mark.parametrize(("successes", "count"), [(0, 7), (7, 7), (3, 10), (950, 1_000)])
def test_wilson_is_scipys(successes: int, count: int) -> None:
    theirs = stats.binomtest(successes, count).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, count) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


# --- the command ------------------------------------------------------------------------------------------------


def test_it_tells_what_playing_the_checkpoint_gives(staghunt: Staghunt, foraging: Path) -> None:
    told = staghunt("evaluate", foraging, "--train-seed", 1, "-n", 60, "--seed", 9, "--json").json
    _, env, _, team = load_team(foraging, seed=1)
    episodes = play_episodes(env, team, draw_seeds(np.random.default_rng(9), 60))
    (part,) = told["seeds"]
    assert part["train_seed"] == 1 and part["steps"] in (0, 1024, 2048)
    assert part["return"]["mean"] == pytest.approx(scores(env.spec, episodes.returns).mean())
    assert part["returns"]["mean"] == pytest.approx(episodes.returns.mean(axis=0))
    assert part["length"]["mean"] == pytest.approx(episodes.lengths.mean())
    low, high = part["return"]["interval"]
    assert low < part["return"]["mean"] < high
    assert part["ended"] == episodes.ended.sum()
    assert part["success"]["rate"] == pytest.approx(episodes.ended.mean())
    assert part["success"]["interval"] == pytest.approx(wilson_interval(int(episodes.ended.sum()), 60))
    assert told["aggregate"] is None and part["exploitability"] is None


def test_all_seeds_are_judged_on_the_same_episodes_and_put_together(
    staghunt: Staghunt, foraging: Path
) -> None:
    told = staghunt("evaluate", foraging, "-n", 40, "--success", 0.5, "--checkpoint", "last", "--json").json
    parts, whole = told["seeds"], told["aggregate"]
    assert [part["train_seed"] for part in parts] == [0, 1]
    means = [part["return"]["mean"] for part in parts]
    assert whole["return"]["mean"] == pytest.approx(np.mean(means))
    assert whole["return"]["interval"] == pytest.approx(sorted(means)), "of two numbers, the two"
    for seed, part in enumerate(parts):
        _, env, _, team = load_team(foraging, "last", seed=seed)
        episodes = play_episodes(env, team, draw_seeds(np.random.default_rng(0), 40))
        assert part["success"]["rate"] == pytest.approx((scores(env.spec, episodes.returns) >= 0.5).mean())


def test_the_document_is_a_function_of_the_seed(staghunt: Staghunt, foraging: Path) -> None:
    def document(seed: int, batch: int) -> dict[str, Any]:
        words = ("evaluate", foraging, "-n", 30, "--seed", seed, "--batch", batch, "--json")
        told = staghunt(*words).json
        told["stats"].pop("seconds")
        return told

    assert document(1, 256) == document(1, 7)
    assert document(1, 256) != document(2, 256)


def test_greedy_and_drawn_play_differ(staghunt: Staghunt, foraging: Path) -> None:
    told = [
        staghunt("evaluate", foraging / "seed-0", "-n", 40, how, "--json").json
        for how in ("--greedy", "--stochastic")
    ]
    assert [t["greedy"] for t in told] == [True, False]
    assert told[0]["seeds"][0]["length"] != told[1]["seeds"][0]["length"]


@pytest.mark.parametrize("suffix", [".gif", ".png", ".svg"])
def test_the_first_episode_is_drawn(staghunt: Staghunt, foraging: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"first{suffix}"
    ran = staghunt("evaluate", foraging / "seed-1", "-n", 3, "--render", path)
    assert ran.code == 0 and path.stat().st_size > 1_000 and f"wrote {path}" in ran.err


def test_the_table_tells_seeds_agents_and_their_mean(staghunt: Staghunt, foraging: Path) -> None:
    out = staghunt("evaluate", foraging, "-n", 20).out
    assert "Mean return" in out and "\nall" in out
    alone = staghunt("evaluate", foraging / "seed-0" / "last.safetensors", "-n", 20).out
    assert "player_0" in alone and "\nall" not in alone
    assert not staghunt("evaluate", foraging, "-n", 20, "--quiet").out


def test_exact_exploitability_by_the_command(staghunt: Staghunt, kuhn: Path) -> None:
    from experiments.exact_gains import exact_gains

    _, env, _, team = load_team(kuhn)
    exact = exact_gains(env, team).certificate
    told = staghunt("evaluate", kuhn, "-n", 20, "--exploitability", "--json").json
    found = told["seeds"][0]["exploitability"]
    assert found["bound"] == "exact" and found["behind"] == "game tree"
    assert found["nash_conv"] == pytest.approx(exact.nash_conv)
    assert found["exploitability"] == pytest.approx(exact.nash_conv / 2)
    assert found["regret"] == pytest.approx(exact.regret)
    out = staghunt("evaluate", kuhn, "-n", 20, "-x").out
    assert "exact, from the game tree" in out and "NashConv" in out and "Exploitability" in out


def test_learned_exploitability_by_the_command(staghunt: Staghunt, foraging: Path, kuhn: Path) -> None:
    words = ("-n", 20, "-x", "--steps", 2_048, "--gain-episodes", 100)
    told = staghunt("evaluate", foraging / "seed-0", *words, "--json").json
    found = told["seeds"][0]["exploitability"]
    assert found["bound"] == "lower" and found["steps"] == 2_048 and found["responder"] == "ippo"
    assert "no table or tree" in found["why_not_exact"]
    for gain in found["agents"]:
        low, high = gain["interval"]
        assert low <= gain["gain"] <= high and gain["at_least"] == max(0.0, low)
        assert gain["gain"] == pytest.approx(gain["response_value"] - gain["value"])
    out = staghunt("evaluate", kuhn, *words, "--responder", "iql").out
    assert "exact, from the game tree" in out and "at least: iql trained 2,048 steps" in out


# --- as policies of `play` --------------------------------------------------------------------------------------


def test_a_run_plays_for_everybody_or_for_one(staghunt: Staghunt, kuhn: Path) -> None:
    told = staghunt("play", KUHN, "--policy", kuhn, "-n", 50, "--seed", 4, "--json").json
    judged = staghunt("evaluate", kuhn, "-n", 50, "--seed", 4, "--json").json
    assert told["returns"]["mean"] == judged["seeds"][0]["returns"]["mean"]
    file = kuhn / "seed-3" / "best.safetensors"
    one = staghunt("play", KUHN, "-p", f"Player 1={file}", "-p", "Player 2=random", "-n", 50, "--json").json
    assert one["policies"] == {"Player 1": str(file), "Player 2": "random"}
    both = staghunt(
        "play", KUHN, "-p", f"Player 1={file}", "-p", f"Player 2={kuhn}", "-n", 50, "--seed", 4, "--json"
    )
    assert both.json["returns"]["mean"] == told["returns"]["mean"], "alone each plays as it does in its team"


def test_a_run_with_an_equals_sign_in_its_name_plays(staghunt: Staghunt, kuhn: Path, tmp_path: Path) -> None:
    (tmp_path / "a=b (1").symlink_to(kuhn)
    assert staghunt("play", KUHN, "--policy", tmp_path / "a=b (1", "-n", 5, "--quiet").code == 0


# --- bad input --------------------------------------------------------------------------------------------------


def test_what_cannot_be_judged_is_refused(
    staghunt: Staghunt, foraging: Path, kuhn: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "bad.safetensors"
    damaged.write_bytes(b"\x80\x04not a checkpoint")
    other = foraging / "seed-0" / "last.safetensors"
    cases: tuple[tuple[tuple[Any, ...], str], ...] = (
        ((tmp_path / "no",), "does not exist"),
        ((tmp_path,), "no spec.yaml"),
        ((kuhn, "--checkpoint", "middle"), "neither best, last nor"),
        ((kuhn, "--checkpoint", tmp_path / "no.safetensors"), "there is no checkpoint"),
        ((kuhn, "--checkpoint", damaged), "is damaged"),
        ((kuhn, "--checkpoint", other), "was trained on"),
        ((kuhn, "--train-seed", 8), "no seed 8"),
        ((foraging / "seed-0", "--checkpoint", other, "--train-seed", 1), "checkpoint of seed 0, not of 1"),
        ((kuhn, "--steps", 100), "--steps is for --exploitability"),
        ((kuhn, "-x", "--responder", "vdn"), "mixes the values of a team"),
        ((kuhn, "--success", "nan"), "--success is a number"),
        ((kuhn, "--render", tmp_path / "a.mp4"), "unsupported suffix"),
        ((kuhn, "--device", "abacus"), "no device"),
    )
    for words, why in cases:
        assert why in staghunt("evaluate", *words).complaint, words


def test_what_cannot_play_is_refused(staghunt: Staghunt, foraging: Path, kuhn: Path, tmp_path: Path) -> None:
    cases: tuple[tuple[str, Any, str], ...] = (
        (KUHN, foraging, "has 2 seeds"),
        (KUHN, foraging / "seed-1", "was trained on"),
        (KUHN, tmp_path / "gone.safetensors", "there is no checkpoint"),
    )
    for env, policy, why in cases:
        assert why in staghunt("play", env, "--policy", policy).complaint


def test_what_means_a_run(foraging: Path, tmp_path: Path) -> None:
    assert is_trained(str(foraging)) and is_trained(str(foraging / "seed-0")) and is_trained("x.safetensors")
    assert not is_trained("random") and not is_trained(str(tmp_path)) and not is_trained("a" * 9_000)
    run, files = checkpoints(foraging)
    assert run.path == read_run(foraging).path and set(files) == {0, 1}
    with pytest.raises(InputError, match="checkpoint already"):
        checkpoints(foraging / "seed-0" / "last.safetensors", str(foraging / "seed-0" / "best.safetensors"))


def test_sums_are_scores_unless_the_reward_is_common() -> None:
    returns = np.array([[1.0, 2.0], [3.0, 3.0]])
    assert scores(make_env("zoo:chicken").spec, returns).tolist() == [3.0, 6.0]
    assert scores(make_env("coordination:aloha?agents=2").spec, returns).tolist() == [1.0, 3.0]
