"""`staghunt tournament`: what it writes and prints, and one sentence for everything that is wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, Ran, Staghunt, start

from experiments.run_folders import locked
from experiments.tournament import engine, engine_gradual, engine_local, request, wish
from experiments.tournament.answers import complete
from experiments.tournament.engine import InProcess, Labour
from experiments.tournament.engine_gradual import GradualEngine
from experiments.tournament.engines import engine_for
from experiments.tournament.plan import Job, Task
from experiments.tournament.spec import spec_of
from experiments.tournament.wish import Wish
from experiments.tournament.worker import Worker
from games.empirical_files import document_of, load_table
from games.errors import InputError
from games.load import load

DILEMMA = """
env: repeated:prisoners-dilemma?rounds=4
agents: [random, tit-for-tat, defector]
matches: 30
exact: false
"""
POLICIES = """
import numpy as np

class Bad:
    def __init__(self, how):
        self.how = how

    def start(self, batch, agents):
        return None

    def sample(self, view, memory, streams):
        if self.how == "raise":
            raise ValueError("on [red]purpose[/]\\nin two lines")
        if self.how == "die":
            import os
            os._exit(9)
        if self.how == "print":
            print("a policy talks")
        action = 99 if self.how == "illegal" else 0
        return np.full(view.mask.shape[:2], action, dtype=np.int32), None

def make(spec, how="raise"):
    return Bad(how)
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(DILEMMA)
    return path


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    package = tmp_path / "package" / "policies_of_a_test"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(POLICIES)
    monkeypatch.syspath_prepend(str(package.parent))
    return package.name


def written(path: Path, **document: Any) -> Path:
    path.write_text(json.dumps(document, ensure_ascii=False))  # JSON is YAML, but for its escapes
    return path


# --- what comes of it -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("finished")
    (home / "spec.yaml").write_text(DILEMMA)
    done = Wish(home / "spec.yaml", home / "run", workers=1)
    with request.opened(done, True) as ready:
        request.carry_out(ready, lambda fraction, text: None)
    return home / "run"


def test_a_finished_tournament_is_shown_again(staghunt: Staghunt, finished: Path) -> None:
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    ran = staghunt("tournament", "--resume", finished)
    assert ran.code == 0
    assert "nothing was left to play" in ran.out and f"staghunt report {finished}" in ran.err
    for part in (
        "tit-for-tat",
        "Mean score",
        "Elo",
        "alpha-rank",
        "Nash averaging",
        "Epsilon at 95%",
        "Undecided",
    ):
        assert part in ran.out
    assert {path.name: path.read_bytes() for path in finished.iterdir()} == before


def test_json_is_one_document(staghunt: Staghunt, finished: Path) -> None:
    told = staghunt("tournament", "--resume", finished, "--json").json
    answers = json.loads((finished / "answers.json").read_text())
    assert {key: told[key] for key in answers} == answers
    assert told["table"] == document_of(load_table(finished / "table.json"))
    assert told["folder"] == str(finished) and told["tournament"]["env"].startswith("repeated:")
    assert told["matches"] == 180 and told["steps"] == 720 and told["reached"] is True
    assert told["cells"] == {"all": 6, "exact": 0, "failed": {}}
    names = [ranking["name"] for ranking in told["rankings"]]
    assert {"mean score", "Elo", "alpha-rank", "Nash averaging", "CCE", "QRE"} <= set(names)
    score = told["rankings"][0]
    table = load_table(finished / "table.json")
    game = table.game()
    for k, value in enumerate(score["values"]):
        others = [game.payoffs[0, k, j] for j in range(3) if j != k]
        assert value == pytest.approx(sum(others) / 2, abs=1e-12)
        assert score["low"][k] <= value <= score["high"][k]


def test_answers_speak_of_the_true_game(finished: Path) -> None:
    answers = json.loads((finished / "answers.json").read_text())
    game = load(finished)
    assert game.delta == answers["delta"] == 0.05
    solved = {found["name"]: found for found in answers["equilibria"]}
    assert set(solved) == {"nash", "cce", "cce-welfare", "ce", "qre"}
    for found in solved.values():
        certificate = found["certificate"]
        assert found["epsilon"] == pytest.approx(certificate["max_regret"] + certificate["slack"])
        assert 0 < certificate["slack"] <= 2 * game.radius.max() + 1e-12
        assert "seconds" not in json.dumps(found)


def test_bytes_do_not_depend_on_workers(spec: Path, tmp_path: Path, finished: Path) -> None:
    with request.opened(Wish(spec, tmp_path / "two", workers=2), True) as ready:
        request.carry_out(ready, lambda fraction, text: None)
    for name in ("table.json", "answers.json"):
        assert (tmp_path / "two" / name).read_bytes() == (finished / name).read_bytes()


def test_the_folder_is_named_after_the_environment(
    staghunt: Staghunt, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = staghunt(
        "tournament",
        spec,
        "--matches",
        2,
        "--seed",
        5,
        "--set",
        "agents.dove=cooperator",
        "--json",
        "--workers",
        1,
    )
    assert ran.code == 0
    told = ran.json
    assert told["folder"] == "runs/tournament-repeated-prisoners-dilemma-rounds-4"
    assert told["tournament"]["seed"] == 5 and told["tournament"]["matches"] == {"samples": 2}
    assert list(told["tournament"]["agents"]) == ["random", "tit-for-tat", "defector", "dove"]


def test_roles_of_three_seats_and_one(staghunt: Staghunt, tmp_path: Path) -> None:
    path = written(
        tmp_path / "tag.yaml",
        env="mpe:simple-tag",
        roles={"adversaries": {"a": "random", "b": "random"}, "agent_0": ["random"]},
        matches=4,
        max_steps=3,
    )
    ran = staghunt("tournament", path, "--out", tmp_path / "run", "--workers", 1)
    assert ran.code == 0
    assert "Agents of adversaries" in ran.out and "the range of payoffs is not known" in ran.out
    certificate = json.loads((tmp_path / "run" / "answers.json").read_text())["equilibria"][0]["certificate"]
    assert certificate["slack"] == "inf"


def test_exact_cells_are_not_played_and_say_so(staghunt: Staghunt, tmp_path: Path) -> None:
    path = written(tmp_path / "s.yaml", env="zoo:chicken", agents={"a": "random", "b": "constant"}, matches=5)
    ran = staghunt("tournament", path, "--out", tmp_path / "run", "--workers", 1)
    assert ran.code == 0
    assert "3 of them exact" in ran.out and "All cells are exact" in ran.out
    answers = json.loads((tmp_path / "run" / "answers.json").read_text())
    assert answers["matches"] == 0
    assert all(found["certificate"]["slack"] == 0 for found in answers["equilibria"])


def test_a_half_width_out_of_reach_is_told(staghunt: Staghunt, spec: Path, tmp_path: Path) -> None:
    change = ("--set", "matches={half_width: 0.01, at_least: 4, at_most: 8}")
    ran = staghunt("tournament", spec, *change, "--out", tmp_path / "run", "--workers", 1, "--quiet")
    assert ran.code == 1
    assert "the half-width 0.01 that was asked for is not reached" in ran.err
    assert staghunt("tournament", "--resume", tmp_path / "run", "--quiet").code == 1


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "part"),
    [("raise", "ValueError: on [red]purpose[/] in two lines"), ("illegal", "chose action 99")],
)
def test_a_cell_that_fails_is_marked_and_the_rest_is_played(
    staghunt: Staghunt, tmp_path: Path, policies: str, how: str, part: str
) -> None:
    agents = {"good": "random", "[red]bad": f"import:{policies}:make(how={how})", "other": "defector"}
    path = written(
        tmp_path / "s.yaml", env="repeated:prisoners-dilemma?rounds=3", agents=agents, matches=6, exact=False
    )
    words = ("tournament", path, "--out", tmp_path / "run", "--workers", 1)
    assert f"--allow-import {policies}" in staghunt(*words).complaint
    ran = staghunt(*words, "--allow-import", policies)
    assert ran.code == 1
    assert "cell good - [red]bad has failed, as have 2 more" in ran.err and part in ran.err
    assert "the other 3 cells were played" in ran.err
    assert "Failed: good - [red]bad" in ran.out
    answers = json.loads((tmp_path / "run" / "answers.json").read_text())
    assert set(answers["cells"]["failed"]) == {"good - [red]bad", "[red]bad - [red]bad", "[red]bad - other"}
    assert answers["left_out"] == ["[red]bad"] and answers["matches"] == 24  # good and other in both seatings
    rankings = {ranking["name"]: ranking for ranking in answers["rankings"]}
    assert rankings["mean score"]["values"][1] is None and rankings["Elo"]["values"][1] is None
    assert rankings["CCE"]["agents"] == ["good", "other"]
    assert all("certificate" in found for found in answers["equilibria"])
    assert "was not played" in staghunt("solve", tmp_path / "run").complaint
    assert staghunt("solve", f"{tmp_path / 'run'}?without=[red]bad", "--quiet").code == 0


def test_a_policy_that_ends_its_process_ends_only_its_cells(
    staghunt: Staghunt, tmp_path: Path, policies: str
) -> None:
    agents = {"good": "random", "bad": f"import:{policies}:make(how=die)"}
    path = written(tmp_path / "s.yaml", env="zoo:chicken", agents=agents, matches=4, exact=False)
    ran = staghunt(
        "tournament", path, "--out", tmp_path / "run", "--workers", 2, "--allow-import", policies, "--quiet"
    )
    assert ran.code == 1 and "died" in ran.err
    assert "good - bad" in json.loads((tmp_path / "run" / "answers.json").read_text())["cells"]["failed"]


def test_what_policies_print_is_kept_from_the_document(
    staghunt: Staghunt, tmp_path: Path, policies: str
) -> None:
    agents = {"talks": f"import:{policies}:make(how=print)"}
    path = written(tmp_path / "s.yaml", env="zoo:chicken", agents=agents, matches=2, exact=False)
    words = ("tournament", path, "--out", tmp_path / "run", "--workers", 1, "--allow-import", policies)
    ran = staghunt(*words, "--json")
    assert ran.code == 0 and ran.json["matches"] == 2 and "a policy talks" in ran.err


def test_nothing_at_all_could_be_played(staghunt: Staghunt, tmp_path: Path, policies: str) -> None:
    agents = {"bad": f"import:{policies}:make"}
    path = written(tmp_path / "s.yaml", env="zoo:chicken", agents=agents, matches=2, exact=False)
    ran = staghunt("tournament", path, "--out", tmp_path / "run", "--workers", 1, "--allow-import", policies)
    assert ran.code == 1 and "no other cell is left" in ran.err


def test_those_with_most_failed_cells_are_left_out(finished: Path) -> None:
    table = load_table(finished / "table.json")
    holes = {3, 4}  # tit-for-tat against itself and against defector
    count = table.count.copy()
    count[list(holes)] = 0
    from dataclasses import replace

    small, gone = complete(replace(table, count=count))
    assert gone == ["tit-for-tat"] and small is not None and small.known.all()
    assert small.populations[0] == ("random", "defector")
    assert complete(replace(table, count=0 * count))[0] is None


@pytest.mark.parametrize(
    "name",
    [
        "[red]x[/]",
        "[/]",
        "two\nlines",
        "bell\x07",
        "😀" * 60,
        "x" * 200,
        "a - b",
        "<script>",
        "\u202eleft",
        "%s {0} \\",
    ],
)
def test_odd_names_are_shown_as_they_are(staghunt: Staghunt, tmp_path: Path, name: str) -> None:
    path = written(
        tmp_path / "s.yaml", env="zoo:chicken", agents={name: "random", "b": "constant"}, matches=2
    )
    ran = staghunt("tournament", path, "--out", tmp_path / "run", "--workers", 1)
    assert ran.code == 0
    assert "\x07" not in ran.out and "two\nlines" not in ran.out and "\u202e" not in ran.out
    if name.startswith("[red]"):
        assert "[red]x[/]" in ran.out
    assert (
        staghunt("tournament", "--resume", tmp_path / "run", "--json").json["tournament"]["agents"][name]
        == "random"
    )


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"agents": ["tit-for-tit"]}, "did you mean tit-for-tat"),
        ({"agents": ["no-such-run/seed-0/best.safetensors"]}, "no-such-run"),
        ({"agents": ["random", "random"]}, "two agents"),
        ({"agents": {"a": "import:os:getcwd"}}, "--allow-import os"),
        ({"matchse": 3}, "did you mean matches?"),
        ({"env": "repeated:prisoners-dilema"}, "prisoners-dilemma"),
        ({"env": "repeated:prisoners-dilemma?continuation=0.9&rounds=none"}, "rounds"),
        ({"env": "mpe:simple-tag"}, "give roles instead of agents"),
        ({"agents": None, "roles": {"Player 1": ["random"]}}, "no role plays Player 2"),
        ({"agents": None, "roles": {"Player 3": ["random"]}}, "has no agent 'Player 3'"),
    ],
)
def test_a_wrong_spec_makes_no_folder(
    staghunt: Staghunt, tmp_path: Path, change: dict[str, Any], part: str
) -> None:
    document = {"env": "repeated:prisoners-dilemma?rounds=4", "agents": ["random"], "matches": 3, **change}
    path = written(
        tmp_path / "s.yaml", **{key: value for key, value in document.items() if value is not None}
    )
    assert part in staghunt("tournament", path, "--out", tmp_path / "run").complaint
    assert not (tmp_path / "run").exists()


def test_a_strategy_of_another_role_is_refused(staghunt: Staghunt, tmp_path: Path) -> None:
    strategy = tmp_path / "chicken.json"
    assert staghunt("solve", "zoo:chicken", "-c", "nash", "--out", strategy, "--quiet").code == 0
    path = written(tmp_path / "s.yaml", env="foraging:8x8-2p-3f", agents={"s": str(strategy)}, matches=2)
    assert "agent 's': " in staghunt("tournament", path, "--out", tmp_path / "run").complaint


def test_wrong_command_lines(staghunt: Staghunt, spec: Path, tmp_path: Path, finished: Path) -> None:
    for words, part in (
        ((), "give the SPEC.yaml"),
        ((tmp_path / "none.yaml",), "No such file"),
        ((tmp_path,), "is a folder"),
        ((spec, "--out", finished), "holds a tournament already"),
        ((spec, "--out", spec), "is a file"),
        ((spec, "--out", spec / "sub"), "cannot make the folder"),
        ((spec, "--out", tmp_path), "is not empty"),
        ((spec, "--address", "x"), "--engine ray"),
        ((spec, "--set", "delta"), "key=value"),
        ((spec, "--set", "matches.half_wdth=1"), "did you mean half_width?"),
        ((spec, "--engine", "rya"), "--engine"),
        (("--resume", tmp_path), "no tournament.yaml"),
        (("--resume", tmp_path / "none"), "there is no folder"),
        (("--resume", finished, "--seed", 1), "--seed cannot be given"),
        (("--resume", finished, "--out", "x"), "--out cannot be given"),
        ((spec, "--resume", finished, "--seed", 9), "seed is different"),
        ((spec, "--resume", finished, "--matches", 9), "matches is different"),
        ((spec, "--resume", finished, "--set", "exact=true"), "exact is different"),
    ):
        assert part in staghunt("tournament", *words).complaint, words


def test_a_finished_one_takes_another_delta(
    staghunt: Staghunt, spec: Path, tmp_path: Path, finished: Path
) -> None:
    run = tmp_path / "copy"
    shutil.copytree(finished, run)
    told = staghunt("tournament", spec, "--resume", run, "--set", "delta=0.5", "--json").json
    assert told["delta"] == 0.5 and told["matches"] == 180
    assert told["table"] == document_of(load_table(finished / "table.json"))
    assert (run / "results.db").exists() and "delta: 0.5" in (run / "tournament.yaml").read_text()


def test_results_of_another_tournament_are_refused(
    staghunt: Staghunt, spec: Path, tmp_path: Path, finished: Path
) -> None:
    other = tmp_path / "other"
    assert staghunt("tournament", spec, "--matches", 2, "--out", other, "--workers", 1, "--quiet").code == 0
    shutil.copy(finished / "results.db", other / "results.db")
    assert "another tournament" in staghunt("tournament", "--resume", other).complaint
    (other / "answers.json").unlink()
    assert "another tournament" in staghunt("tournament", "--resume", other).complaint
    (other / "results.db").write_text("not a database at all, but text")
    assert "results.db" in staghunt("tournament", "--resume", other).complaint


def test_a_changed_strategy_stops_what_is_not_finished(staghunt: Staghunt, tmp_path: Path) -> None:
    strategy, run = tmp_path / "s.json", tmp_path / "run"
    assert staghunt("solve", "zoo:chicken", "-c", "nash", "--out", strategy, "--quiet").code == 0
    path = written(
        tmp_path / "s.yaml",
        env="zoo:chicken",
        roles={"Player 1": {"s": str(strategy)}, "Player 2": ["random"]},
        matches=2,
    )
    ran = staghunt("tournament", path, "--out", run, "--workers", 1, "--quiet")
    assert ran.code == 0, ran.err
    strategy.write_text(strategy.read_text() + " ")
    assert staghunt("tournament", "--resume", run, "--quiet").code == 0
    (run / "answers.json").unlink()
    assert "has changed since" in staghunt("tournament", "--resume", run).complaint


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions bind no superuser")
def test_a_read_only_folder_is_told(staghunt: Staghunt, spec: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for out in (closed, closed / "run"):
        assert "ermission" in staghunt("tournament", spec, "--out", out).complaint


def test_a_folder_that_cannot_be_written_is_left_as_it_was(
    staghunt: Staghunt, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise InputError("cannot write there: Read-only file system")

    monkeypatch.setattr(request, "locked", refused)
    assert "Read-only file system" in staghunt("tournament", spec, "--out", tmp_path / "run").complaint
    assert not (tmp_path / "run").exists()


# --- processes --------------------------------------------------------------------------------------------------------


def test_two_processes_refuse_each_other(
    staghunt: Staghunt, spec: Path, tmp_path: Path, finished: Path
) -> None:
    run = tmp_path / "copy"
    shutil.copytree(finished, run)
    (run / "answers.json").unlink()
    before = (run / "tournament.yaml").read_bytes()
    program = (
        "import sys\nfrom pathlib import Path\nfrom experiments.run_folders import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('locked', flush=True)\n    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        assert (
            "another process is playing a tournament in" in staghunt("tournament", "--resume", run).complaint
        )
    finally:
        other.communicate("")
    assert (run / "tournament.yaml").read_bytes() == before
    assert staghunt("tournament", "--resume", run, "--quiet").code == 0
    with locked(run):  # a finished one is shown without asking for the lock
        assert staghunt("tournament", "--resume", run, "--quiet").code == 0


def test_what_a_killed_beginning_left_is_no_obstacle(staghunt: Staghunt, spec: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / ".lock").touch()
    (run / ".staghunt-abc.yaml").touch()
    assert staghunt("tournament", spec, "--matches", 2, "--out", run, "--workers", 1, "--quiet").code == 0


def test_ctrl_c_tells_how_to_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    path = written(
        tmp_path / "s.yaml",
        env="foraging:8x8-2p-3f",
        agents=["random", "greedy"],
        matches=200_000,
        exact=False,
    )
    child = start("tournament", path, "--out", run, "--workers", 1)
    deadline = time.monotonic() + 120
    while not (run / "results.db").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, (out, err)
    assert err.strip().splitlines()[-1].endswith(f"`staghunt tournament --resume {run}` goes on")
    assert "interrupted" in err and "Traceback" not in err


def job(number: int, count: int = 10) -> Job:
    return Job(number, 1, (Task(0, number * count, count, number * count),))


class Crew:
    """Stands for worker processes."""

    def __init__(self, *_: Any) -> None:
        self.played: list[int] = []

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def play(self, jobs: Any) -> Any:
        for one in jobs:
            self.played.append(one.number)
            yield one, None


def test_workers_start_only_when_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(engine_gradual.time, "perf_counter", lambda: 0.1 * next(clock))  # a job takes 0.1 s
    monkeypatch.setattr(engine_local, "LocalEngine", Crew)

    class Here:
        def play(self, one: Job) -> str:
            return "here"

    for jobs, here in ((20, 20), (40, 40), (45, 1), (60, 1)):
        gradual = GradualEngine(Labour(workers=2, gradual=True), None, Here())  # type: ignore[arg-type]
        with gradual:
            found = list(gradual.play([job(k) for k in range(jobs)]))
        assert [one.number for one, _ in found] == list(range(jobs))
        assert sum(played == "here" for _, played in found) == here and gradual.hired == (here < jobs)


def test_who_works_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wish, "usable_cores", lambda: 8)
    ours = spec_of({"env": "zoo:chicken", "agents": ["random"]}, "x")
    theirs = spec_of({"env": "zoo:chicken", "agents": {"a": "import:p:q"}}, "x")
    assert Wish(None).labour(ours) == Labour(workers=8, gradual=True)
    assert Wish(None).labour(theirs) == Labour(workers=8)
    assert Wish(None, workers=1).labour(ours) == Labour(workers=1)
    assert isinstance(
        engine_for(Wish(None).labour(ours), ours, Worker.of(ours)), engine_gradual.GradualEngine
    )
    assert isinstance(engine_for(Labour(workers=1), ours, Worker.of(ours)), InProcess)
    assert engine.ENGINES == ("local", "ray")


def test_report_is_written_beside_the_rest(staghunt: Staghunt, finished: Path, tmp_path: Path) -> None:
    run = tmp_path / "copy"
    shutil.copytree(finished, run)
    told: Ran = staghunt("tournament", "--resume", run, "--report", "--json")
    assert told.json["report"] == str(run / "report.html")
    assert "tit-for-tat" in (run / "report.html").read_text()


def test_a_game_from_a_file_may_not_change_while_it_is_played(
    staghunt: Staghunt, tmp_path: Path, chicken: str
) -> None:
    spec, run = tmp_path / "spec.yaml", tmp_path / "run"
    spec.write_text(f"env: {chicken}\nagents: [random]\nmatches: 3\nexact: false\n")
    assert staghunt("tournament", spec, "--out", run).code == 0
    (run / "answers.json").unlink()
    (run / "results.db").unlink()
    Path(chicken).write_text(Path(chicken).read_text().replace("6 6", "5 5"))
    told = staghunt("tournament", "--resume", run)
    assert told.code == 2
    assert "chicken.nfg has changed" in told.err
