"""`staghunt play`, and what `info`, `games` and `doctor` say of environments, as a user meets them."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import ROOT, Staghunt
from PIL import Image

from experiments.play_output import interval, standard_errors
from experiments.session import Session, has_secrets
from games import make_env
from games.env_catalogue import environments
from games.env_uris import HOMES, is_environment_only
from games.errors import InputError
from games.play import play_episodes
from games.policy import random_policy
from games.policy_names import policy_names
from games.streams import draw_seeds

FORAGING = "foraging:8x8-2p-3f"
DILEMMA = "repeated:prisoners-dilemma?rounds=5"


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    assert set(document["stats"]) == {"seconds", "steps", "steps_per_second"}
    return {key: value for key, value in document.items() if key != "stats"}


# --- results ----------------------------------------------------------------------------------------------


def test_the_document_is_what_the_episodes_of_these_seeds_give(staghunt: Staghunt) -> None:
    told = staghunt("play", FORAGING, "--episodes", 30, "--seed", 5, "--json").json
    env = make_env(FORAGING)
    seeds = draw_seeds(np.random.default_rng(5), 30)
    played = play_episodes(env, random_policy(env.spec), seeds)
    assert told["returns"]["agents"] == ["player_0", "player_1"]
    assert told["returns"]["mean"] == played.returns.mean(axis=0).tolist()
    errors = [np.std(column, ddof=1) / 30**0.5 for column in played.returns.T]
    assert told["returns"]["standard_error"] == pytest.approx(errors, rel=1e-12)
    assert told["length"] == {
        "mean": played.lengths.mean(),
        "least": played.lengths.min(),
        "most": played.lengths.max(),
    }
    assert told["ended"] == played.ended.sum() and told["ended"] + told["cut_off"] == told["episodes"] == 30
    assert told["first_episode"] == {
        "seed": int(seeds[0]),
        "returns": played.returns[0].tolist(),
        "length": int(played.lengths[0]),
        "ended": bool(played.ended[0]),
    }
    assert told["policies"] == {"player_0": "random", "player_1": "random"} and told["seed"] == 5
    assert told["stats"]["steps"] == played.lengths.sum()


def test_batch_workers_and_pictures_change_nothing(staghunt: Staghunt, tmp_path: Path) -> None:
    words = ["play", FORAGING, "-n", 7, "--json"]
    plain = staghunt(*words).json
    for more in (["--batch", 3], ["--workers", 2], ["--render", tmp_path / "a.png"]):
        assert without_times(staghunt(*words, *more).json) == without_times(plain)
    assert staghunt(*words, "--seed", 1).json["returns"] != plain["returns"]


def test_intervals_are_student_s(staghunt: Staghunt) -> None:
    returns = np.array([[1.0, 2.0], [3.0, 2.0], [8.0, 2.0]])
    errors, bounds = standard_errors(returns), interval(returns)
    assert errors is not None and bounds is not None
    assert errors.tolist() == [pytest.approx(13**0.5 / 3**0.5), 0.0]
    quantile = 4.302652729911275  # of Student's t with two degrees of freedom at 0.975
    assert bounds[0].tolist() == pytest.approx([4 - quantile * errors[0], 4 + quantile * errors[0]])
    assert standard_errors(returns[:1]) is None and interval(returns[:1]) is None
    alone = staghunt("play", "zoo:chicken", "-n", 1, "--json").json
    assert alone["returns"]["standard_error"] is None and alone["returns"]["interval"] is None


def test_who_plays_what(staghunt: Staghunt) -> None:
    first = staghunt(
        "play", DILEMMA, "-n", 3, "-p", "Player 1=defector", "-p", "Player 2=tit-for-tat", "--json"
    )
    assert first.json["returns"]["mean"] == [5 + 4 * 1, 0 + 4 * 1]
    assert first.json["policies"] == {"Player 1": "defector", "Player 2": "tit-for-tat"}
    both = staghunt("play", DILEMMA, "-p", "cooperator")
    assert "cooperator" in both.out and "100 episodes of 5 steps; 100 ended, 0 cut off" in both.out


def test_cutting_off(staghunt: Staghunt) -> None:
    told = staghunt("play", DILEMMA, "-n", 4, "--max-steps", 2, "-p", "cooperator", "--json").json
    assert told["ended"] == 0 and told["cut_off"] == 4 and told["max_steps"] == 2
    assert told["length"]["most"] == 2 and told["returns"]["mean"] == [6.0, 6.0]
    assert "cut off (--max-steps 2)" in staghunt("play", DILEMMA, "-n", 4, "--max-steps", 2).out


def test_a_solved_tree_plays_its_value(staghunt: Staghunt, tmp_path: Path) -> None:
    path = tmp_path / "kuhn.json"
    assert staghunt("solve", "openspiel:kuhn_poker", "--out", path, "-q").code == 0
    told = staghunt("play", "openspiel:kuhn_poker?compiled=true", "-p", path, "-n", 4_000, "--json").json
    mean, error = told["returns"]["mean"][0], told["returns"]["standard_error"][0]
    assert abs(mean + 1 / 18) < 4 * error and error < 0.03
    assert told["returns"]["mean"][1] == pytest.approx(-mean)
    words = ["play", "openspiel:kuhn_poker?compiled=true", "-p", path, "-n", 20, "--json"]
    shared = staghunt(*words, "--workers", 2).json
    assert without_times(shared) == without_times(staghunt(*words).json)


def test_many_agents_are_told_together(staghunt: Staghunt) -> None:
    ran = staghunt("play", "foraging:15x15-26p-5f", "-n", 2, "--max-steps", 3)
    assert "and 3 more" in ran.out and ran.out.count("random") == 23
    team = staghunt("play", "swarm:vicsek?agents=100", "-n", 2, "--max-steps", 3)
    assert "each of 100 agents" in team.out and team.out.count("random") == 1
    assert (
        len(staghunt("play", "swarm:vicsek?agents=100", "-n", 2, "--max-steps", 3, "--json").json["policies"])
        == 100
    )


def test_quiet_says_nothing(staghunt: Staghunt, tmp_path: Path) -> None:
    ran = staghunt("play", DILEMMA, "-q", "--render", tmp_path / "a.gif")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


# --- pictures ---------------------------------------------------------------------------------------------


def test_an_episode_is_drawn(staghunt: Staghunt, tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    ran = staghunt("play", FORAGING, "--render", path, "--max-steps", 6, "--fps", 10)
    assert ran.code == 0 and f"wrote {path}: 7 frames" in ran.err and "1 episode of 6 steps" in ran.out
    with Image.open(path) as picture:
        assert picture.n_frames == 7 and picture.info["duration"] == 100
    strip = tmp_path / "b.PNG"
    ran = staghunt("play", FORAGING, "--render", strip, "--max-steps", 30, "-n", 3)
    assert "10 frames, evenly spaced of 31" in ran.err and "3 episodes" in ran.out
    assert Image.open(strip).width > 800
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gif", "b.PNG"]


@pytest.mark.parametrize("uri", ["zoo:chicken", DILEMMA, "openspiel:tic_tac_toe", "swarm:vicsek?agents=20"])
def test_every_kind_of_scene_can_be_drawn(staghunt: Staghunt, tmp_path: Path, uri: str) -> None:
    path = tmp_path / "a.gif"
    assert staghunt("play", uri, "--render", path, "--max-steps", 3).code == 0
    assert path.stat().st_size > 1_000


def test_environments_that_must_be_told_beforehand_are_drawn_too(staghunt: Staghunt, tmp_path: Path) -> None:
    pytest.importorskip("mpe2", reason="mpe2 comes with the extra `envs`")
    uri = "pettingzoo:mpe2.simple_spread_v3"
    words = ["play", uri, "-n", 2, "--max-steps", 4, "--json"]
    drawn = staghunt(*words, "--render", tmp_path / "a.gif").json
    assert without_times(drawn) == without_times(staghunt(*words).json)
    with Image.open(tmp_path / "a.gif") as picture:
        picture.seek(4)
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert colours is not None and len(colours) > 5


# --- people -----------------------------------------------------------------------------------------------


class Terminal:
    """The real program on a pseudo-terminal."""

    def __init__(self, *words: str) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.environ["OMP_NUM_THREADS"] = "1"
            os.execv(sys.executable, [sys.executable, "-m", "experiments", *words])
        self.seen = ""

    def read(self, until: str | None, limit: float = 60.0) -> str:
        """What appears until a text does, or until the program ends."""
        start, end = len(self.seen), time.monotonic() + limit
        while time.monotonic() < end and (until is None or until not in self.seen[start:]):
            if select.select([self.handle], [], [], 0.1)[0]:
                try:
                    more = os.read(self.handle, 4096)
                except OSError:  # Linux says so when the other side is closed
                    break
                if not more:
                    break
                self.seen += more.decode()
        return self.seen[start:]

    def enter(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def status(self) -> int:
        self.read(None)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_person_plays_at_the_terminal() -> None:
    terminal = Terminal("play", DILEMMA, "-p", "Player 1=human", "-p", "Player 2=tit-for-tat")
    for answer in ("coop", "nonsense", "d", "1", "0", "c"):
        terminal.read("Player 1> ")
        terminal.enter(f"{answer}\n")
    assert terminal.status() == 0
    assert "There is no action 'nonsense'; choose one of: 0 Cooperate, 1 Defect" in terminal.seen
    assert "Player 1 got 5, 8 so far" in terminal.seen and "It is over" in terminal.seen
    # C-C 3, D-C 5, D-D 1, C-D 0, C-C 3
    row = next(
        line for line in terminal.seen.splitlines() if line.startswith("Player 1 ") and "human" in line
    )
    assert row.split()[3] == "12"


@pytest.mark.parametrize("key", ["\x04", "\x03"])
def test_a_person_may_leave(key: str) -> None:
    terminal = Terminal("play", "zoo:chicken", "-p", "human", "--json")
    terminal.read("Player 1> ")
    terminal.enter(key)
    assert terminal.status() == 130
    assert "interrupted" in terminal.seen and "Traceback" not in terminal.seen and "{" not in terminal.seen


def test_a_person_sees_the_board_of_an_openspiel_game() -> None:
    pytest.importorskip("pyspiel", reason="needs OpenSpiel")
    terminal = Terminal("play", "openspiel:tic_tac_toe", "-p", "Player 1=human")
    terminal.read("Player 1> ")
    assert "Player 1 knows:\r\n...\r\n...\r\n..." in terminal.seen
    assert "4 x(1,1), 5 x(1,2)" in terminal.seen and "in all" not in terminal.seen
    terminal.enter("x(1,1)\n")
    later = terminal.read("Player 1> ")
    assert "4 x(1,1)" not in later and "o" in later.partition("knows:")[2].partition("Player")[0]
    terminal.enter("\x04")
    assert terminal.status() == 130


def test_hidden_things_stay_hidden() -> None:
    assert has_secrets("openspiel:leduc_poker") and has_secrets("zoo:chicken") and has_secrets("game.efg")
    assert not has_secrets(FORAGING) and not has_secrets(DILEMMA)


# --- bad input --------------------------------------------------------------------------------------------

BAD = [
    (["forage:8x8"], "unknown kind of environment 'forage'; did you mean foraging:?"),
    (["nowhere:x"], "known are foraging:"),
    (["x:y"], "unknown kind of environment 'x'; known are foraging:"),
    ([":"], "known are foraging:"),
    (["foraging"], "did you mean foraging:8x8-2p-3f?"),
    (["chickn"], "did you mean zoo:chicken?"),
    (["zoo:chickn"], "did you mean zoo:chicken?"),
    (["foraging:8x8-2p"], "foraging:"),
    (["zoo:chicken", "-p", "greedi"], "unknown policy 'greedi'; did you mean greedy?"),
    (["zoo:chicken", "-p", "greedy"], "policy greedy is for foraging"),
    (["zoo:chicken", "-p", "Plyer 1=random"], "did you mean 'Player 1'?"),
    (["zoo:chicken", "-p", "Player 1="], "names no policy"),
    (["zoo:chicken", "-p", "random", "-p", "random"], "two policies for everybody: random and random"),
    (["zoo:chicken", "-p", "Player 1=random", "-p", "Player 1=human"], "two policies for Player 1"),
    (["zoo:chicken", "-p", "random(p)"], "not a parameter of the form key=value"),
    (["zoo:chicken", "-p", "Player 2=human"], "human needs a terminal"),
    (["zoo:chicken", "-p", "human", "--workers", "2"], "leave out --workers"),
    (["zoo:chicken", "--episodes", "0"], "--episodes"),
    (["zoo:chicken", "--batch", "0"], "--batch"),
    (["zoo:chicken", "--max-steps", "0"], "--max-steps"),
    (["zoo:chicken", "--workers", "0"], "--workers"),
    (["zoo:chicken", "--seed", "-1"], "--seed"),
    (["zoo:chicken", "--fps", "0"], "--fps is a number above 0"),
    (["zoo:chicken", "--fps", "nan"], "--fps is a number above 0"),
    (["pettingzoo:os.path"], "os is not one of the packages"),
]


@pytest.mark.parametrize("words, told", BAD, ids=[" ".join(words)[:40] for words, _ in BAD])
def test_bad_input_is_refused_in_one_sentence(
    staghunt: Staghunt, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115
    assert told in staghunt("play", *words).complaint


def test_bad_pictures_are_refused_before_anything_is_played(staghunt: Staghunt, tmp_path: Path) -> None:
    for path, told in (
        (tmp_path / "a.bmp", "unsupported suffix '.bmp', use .gif, .png"),
        (tmp_path / "no" / "a.gif", "does not exist"),
        (tmp_path, "unsupported suffix"),
    ):
        assert told in staghunt("play", "zoo:chicken", "--render", path).complaint
    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_fails_in_the_middle_leaves_no_picture(
    staghunt: Staghunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from games.coordination_policies import Constant

    monkeypatch.setattr(Constant, "_legal", lambda self, mask: np.zeros(mask.shape[:2], dtype=int))
    ran = staghunt("play", "openspiel:tic_tac_toe", "-p", "constant", "--render", tmp_path / "a.gif")
    assert "is not legal" in ran.complaint and list(tmp_path.iterdir()) == []


def test_a_person_is_not_shared_by_processes() -> None:
    with pytest.raises(InputError, match="leave out --workers"):
        Session("zoo:chicken", ("human",), workers=2)


# --- info, games, doctor ----------------------------------------------------------------------------------


def test_info_describes_an_environment(staghunt: Staghunt) -> None:
    known = staghunt("info", FORAGING, "--json").json
    spec = make_env(FORAGING).spec
    assert known["env"]["agents"] == list(spec.agents) and known["env"]["horizon"] == spec.horizon
    (group,) = known["env"]["groups"]
    assert group["observation"] == list(spec.groups[0].observation) and group["actions"]["count"] == 6
    assert {"random", "greedy", "human"} <= set(known["policies"]) and "tit-for-tat" not in known["policies"]
    text = staghunt("info", "swarm:vicsek?agents=30").out
    assert "30 agents" in text and "1 number from -1 to 1" in text and "all at once" in text
    assert "staghunt play" in staghunt("info", FORAGING, "--plot", "x.png").complaint
    assert "did you mean" in staghunt("info", "swarm:vicsec").complaint
    assert "prisoners" in staghunt("info", "zoo:prisoners-dilemma", "--json").json["game"][
        "title"
    ].lower().replace("'", "")


@pytest.mark.parametrize("uri", ["zoo:chicken", "file.efg", "openspiel:leduc_poker"])
def test_info_tells_what_a_game_is_as_an_environment(staghunt: Staghunt, tmp_path: Path, uri: str) -> None:
    if uri.startswith("openspiel:"):
        pytest.importorskip("pyspiel", reason="needs OpenSpiel")
    if uri == "file.efg":
        uri = str(tmp_path / uri)
        Path(uri).write_text(
            'EFG 2 R "g" { "A" "B" }\np "" 1 1 "" { "l" "r" } 0\nt "" 1 "" { 1 0 }\nt "" 2 "" { 0 1 }\n'
        )
    known = staghunt("info", uri, "--json").json["environment"]
    env = make_env(uri)
    assert known["agents"] == list(env.spec.agents) and known["horizon"] == env.spec.horizon
    assert known["groups"][0]["observation"] == list(env.spec.groups[0].observation)
    assert known["policies"] == [*policy_names(env), "human"]
    text = " ".join(staghunt("info", uri).out.split())
    assert "As an environment: " in text and f"Policies: {', '.join(known['policies'])}" in text


def test_info_is_silent_of_games_that_nobody_plays(staghunt: Staghunt, tmp_path: Path) -> None:
    path = tmp_path / "end.efg"
    path.write_text('EFG 2 R "g" { "A" "B" }\nt "" 1 "" { 1 0 }\n')
    assert staghunt("info", path, "--json").json["environment"] is None
    told = staghunt("info", path)
    assert told.code == 0 and "As an environment" not in told.out


def test_games_lists_environments_too(staghunt: Staghunt) -> None:
    listed = staghunt("games", "--json").json["environments"]
    assert {one["uri"].partition(":")[0] for one in listed} >= set(HOMES)
    assert all(one["description"] and isinstance(one["installed"], bool) for one in listed)
    some = staghunt("games", "swarm:", "--json").json
    assert {one["uri"].partition("?")[0] for one in some["environments"]} == {
        "swarm:aggregation",
        "swarm:kuramoto",
        "swarm:vicsek",
    }
    assert some["games"] == []
    text = staghunt("games", "foraging").out
    assert FORAGING in text and "zoo:" not in text


def test_every_listed_environment_is_distinct_and_can_be_made() -> None:
    listed = environments()
    assert len({one.uri for one in listed}) == len(listed)
    for one in listed:
        assert is_environment_only(one.uri) or one.scheme in ("zoo", "openspiel")
        if not one.missing():
            assert make_env(one.uri).spec.agents


def test_every_example_of_a_module_is_listed() -> None:
    from importlib import import_module

    listed = {one.uri for one in environments()}
    for scheme, module in HOMES.items():
        examples = import_module(module).EXAMPLES
        assert examples and set(examples) <= listed, scheme


def test_doctor_knows_the_extra(staghunt: Staghunt) -> None:
    checks = {check["name"]: check for check in staghunt("doctor", "--json").json["checks"]}
    assert {"lbforaging", "mpe2", "rware"} <= set(checks)
    assert all(checks[name]["group"] == "extra" for name in ("lbforaging", "mpe2", "rware"))
