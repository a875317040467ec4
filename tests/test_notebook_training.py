"""Training, judging and comparing from Python, beside what the command line does with the same words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt

from experiments import run_folders
from experiments.comparison.output import document
from experiments.notebook import compare, evaluate, train
from experiments.output import dumps
from experiments.training import request
from experiments.training.recorder import Recorder
from experiments.training.runs import Run, read_run
from games.errors import InputError

CLIMBING = "coordination:climbing"
SETTINGS: dict[str, Any] = {
    "learner.ppo.hidden": [8],
    "learner.ppo.rollout": 10,
    "learner.parents_learning_rate": None,
    "training.episodes": 10,
    "training.evaluate_every": 400,
    "training.save_every": 400,
    "training.greedy": True,
}
STEPS = 1_600


def trained(out: Path, **more: Any) -> Run:
    settings = {**SETTINGS, **more.pop("settings", {})}
    return train("bayes-net", CLIMBING, out=out, settings=settings, quiet=True, **{"steps": STEPS, **more})


def words(path: Path) -> list[str]:
    texts = {"learner.ppo.hidden": "[8]", "learner.parents_learning_rate": "null", "training.greedy": "true"}
    out = ["bayes-net", CLIMBING, "--steps", str(STEPS), "--out", str(path)]
    for key, value in SETTINGS.items():
        out += ["--set", f"{key}={texts.get(key, value)}"]
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("notebook") / "run", seed=3)


def lines(run: Run, seed: int) -> bytes:
    return (run.folder(seed) / "metrics.jsonl").read_bytes()


def test_a_run_is_the_one_of_the_command_line(run: Run, staghunt: Staghunt, tmp_path: Path) -> None:
    assert staghunt("train", *words(tmp_path / "cli"), "--seed", 3, "-q").code == 0
    theirs = read_run(tmp_path / "cli")
    assert lines(run, 3) == lines(theirs, 3)
    assert repr(run) == f"Run(bayes-net on {CLIMBING}, {run.path}, seeds 3)"
    assert run.spec == theirs.spec and read_run(run.path).spec == run.spec
    command = run.provenance["command"]
    assert command.startswith(
        f"staghunt train bayes-net {CLIMBING} --out {run.path} --steps 1600 --seeds 1 --seed 3 --set"
    )
    assert "learner.parents_learning_rate=null" in command


def test_a_second_call_reads_what_the_first_has_trained(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()}

    def fail(*_: Any) -> Any:
        raise AssertionError("a finished run was trained")

    monkeypatch.setattr(request, "train_run", fail)
    again = trained(run.path, seed=3)
    assert again.spec == run.spec
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()} == files


def test_an_interrupted_run_is_taken_up_where_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Recorder.take

    def interrupting(recorder: Recorder, event: Any) -> None:
        take(recorder, event)
        if recorder.saved and recorder.steps >= STEPS // 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "take", interrupting)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "run", seed=3)
    monkeypatch.undo()
    assert len(lines(read_run(tmp_path / "run"), 3)) < len(lines(run, 3))
    assert lines(trained(tmp_path / "run", seed=3), 3) == lines(run, 3)


def test_more_seeds_are_trained_beside_those_that_are_there(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    grown = trained(tmp_path / "run", seed=3, seeds=2)
    assert grown.seeds == (3, 4) and lines(grown, 3) == lines(run, 3)
    assert lines(grown, 4) not in (b"", lines(run, 3))
    with pytest.raises(InputError, match="other settings"):  # fewer are another run
        trained(tmp_path / "run", seed=3, seeds=1)


@pytest.mark.parametrize(
    "other",
    [
        {"steps": 3_200},
        {"seed": 4},
        {"settings": {"learner.dag": "empty"}},
        {"settings": {"training.batch": 8}},
    ],
)
def test_other_settings_in_the_same_folder_are_refused(run: Run, other: dict[str, Any]) -> None:
    before = lines(run, 3)
    with pytest.raises(
        InputError,
        match=r"holds a run of other settings \(.* is .* there, not .*\); give another folder, or fresh=True",
    ):
        trained(run.path, **{"seed": 3, **other})
    assert lines(run, 3) == before


def test_a_run_begun_anew_replaces_the_one_in_its_folder(tmp_path: Path) -> None:
    out, first = tmp_path / "run", {"learner.dag": "empty", "training.episodes": 5}
    old = lines(trained(out, steps=320, settings=first), 0)
    assert lines(trained(out, steps=320, fresh=True), 0) != old
    assert "dag: learned" in (out / "spec.yaml").read_text()


def test_settings_that_cannot_be_trained_leave_the_run_begun_anew(run: Run) -> None:
    for wrong in ({"learner.nope": 1}, {"env": "zoo:nope"}):
        before = lines(run, 3)
        with pytest.raises(InputError):
            train("iql", CLIMBING, out=run.path, settings=wrong, steps=10, fresh=True, quiet=True)
        assert lines(run, 3) == before


def test_a_run_that_is_being_trained_is_not_begun_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folders.locked.__wrapped__, "__defaults__", (0.0,))  # type: ignore[attr-defined]
    before = lines(run, 3)
    with run_folders.locked(run.path), pytest.raises(InputError, match="training"):
        trained(run.path, seed=3, fresh=True)
    assert lines(run, 3) == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"settings": {"learner.dags": "empty"}}, "dags"),
        ({"settings": {"learner.dag": "emty"}}, "there is no dag 'emty'"),
        ({"settings": {"training.batch": [1]}}, "training.batch"),
        ({"steps": 0}, "steps"),
        ({"workers": 0}, "workers is a number of at least 1, got 0"),
        ({"settings": {"learner.dag": np.array([1, 2])}}, "learner.dag"),
    ],
)
def test_wrong_settings_leave_no_folder(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        trained(tmp_path / "run", **changed)
    assert not (tmp_path / "run").exists()


def test_learning_that_diverges_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="seed 0 diverged"):
        trained(
            tmp_path / "run", settings={"learner.ppo.learning_rate": 1e30, "learner.ppo.max_grad_norm": 1e30}
        )


# --- judging and comparing ----------------------------------------------------------------------------------


def test_judging_tells_what_the_command_line_tells(run: Run, staghunt: Staghunt) -> None:
    asked = [
        "--episodes",
        40,
        "--checkpoint",
        "last",
        "--seed",
        5,
        "--exploitability",
        "--train-seed",
        3,
        "--json",
    ]
    theirs = staghunt("evaluate", run.path, *asked).json
    told = evaluate(
        run, episodes=40, checkpoint="last", seed=5, exploitability=True, train_seed=3, quiet=True
    )
    ours = plain(told.document())
    theirs.pop("stats"), ours.pop("stats")
    assert ours == theirs
    assert theirs["seeds"][0]["exploitability"]["bound"] == "exact"
    assert [row["dag"] for row in ours["seeds"][0]["graphs"]] == ["learned", "noisy", "empty"]
    assert repr(told).startswith(f"Evaluation(bayes-net on {CLIMBING}, {run.path}, mean return by seed 3: ")
    shown = told._repr_html_()
    assert "empty" in shown and "Gain from deviating" in shown and "<pre" in shown


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"episodes": 0}, "episodes is a number of at least 1, got 0"),
        ({"responder": "iql"}, "for exploitability=True"),
        ({"agents": ("Player 1",)}, "for exploitability=True"),
    ],
)
def test_questions_that_make_no_sense_are_refused(run: Run, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        evaluate(run, quiet=True, **asked)


def test_comparing_tells_what_the_command_line_tells(run: Run, staghunt: Staghunt, tmp_path: Path) -> None:
    alone = trained(tmp_path / "alone", seed=3, settings={"learner.dag": "empty"})
    one = staghunt("compare", run.path, alone.path, "--labels", "graph,alone", "--at", "auc", "--json").json
    found = compare({"graph": run, "alone": alone.path}, at="auc")
    assert plain(document(found, [], [])) == one
    for name in ("graph", "alone"):
        (theirs,) = [row for row in one["groups"] if row["algorithm"] == name]
        assert found.row(name).iqm.value == theirs["iqm"]["value"]
    assert "Probability of improvement" in found._repr_html_() and "alone" in found._repr_html_()
    with pytest.raises(
        InputError, match="there is not one row for 'graf'; there are graph on coordination:climbing"
    ):
        found.row("graf")
    assert compare(run).grouped.algorithms == ("bayes-net",)
    with pytest.raises(InputError, match="no run to compare"):
        compare([])


def plain(document: Any) -> Any:
    """As it is read back from what the command line prints."""
    return json.loads(dumps(document))
