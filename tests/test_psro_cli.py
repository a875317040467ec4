"""The command `psro` as a user meets it."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from command_line import Staghunt, start

KUHN = "openspiel:kuhn_poker"


def test_the_answer_can_be_certified_and_played(staghunt: Staghunt, tmp_path: Path) -> None:
    out, plot = tmp_path / "kuhn.json", tmp_path / "kuhn.png"
    ran = staghunt("psro", KUHN, "--tol", "1e-7", "--out", out, "--plot", plot, "--json")
    assert ran.code == 0 and not ran.err
    document = ran.json
    assert document == json.loads(out.read_text()) and plot.stat().st_size > 10_000
    (solution,) = document["solutions"]
    assert document["concept"] == "nash" and solution["certificate"]["holds"]
    assert solution["values"][0] == pytest.approx(-1 / 18, abs=1e-6)
    course = document["psro"]
    assert course["stopped"] == "tolerance" and len(course["iterations"]) == course["at"]
    assert course["iterations"][0]["gap"] == pytest.approx(11 / 12)
    assert [len(block) for block in course["marginals"]] == course["populations"]
    assert staghunt("certify", KUHN, out, "--tol", "1e-7").code == 0
    played = staghunt("play", f"{KUHN}?compiled=true", "--policy", out, "--episodes", "20", "--json")
    assert played.code == 0, played.err


def test_joint_answers_carry_their_certificate(staghunt: Staghunt, tmp_path: Path) -> None:
    out = tmp_path / "three.json"
    ran = staghunt("psro", f"{KUHN}(players=3)", "--meta", "cce", "--objective", "welfare", "--out", out)
    assert ran.code == 0 and "JPSRO" in ran.out and "Sum of gains" in ran.out
    judged = staghunt("certify", f"{KUHN}(players=3)", out, "--tol", "1e-3", "--json")
    assert judged.code == 0 and judged.json["concept"] == "cce"
    matrix = staghunt("psro", "zoo:chicken", "--meta", "ce", "--objective", "welfare", "--json")
    assert matrix.code == 0 and sum(matrix.json["solutions"][0]["values"]) == pytest.approx(10.5)


def test_budgets_that_do_not_suffice_say_so(staghunt: Staghunt) -> None:
    ran = staghunt("psro", KUHN, "--iterations", "2", "--tol", "1e-6")
    assert ran.code == 1 and "not reached within the budget" in ran.err and "NashConv" in ran.out
    stuck = staghunt("psro", KUHN, "--meta", "alpharank", "--quiet")
    assert stuck.code == 1 and not stuck.out and not stuck.err
    told = staghunt("psro", KUHN, "--meta", "alpharank")
    assert "in the populations already" in told.err


def test_environments_are_learned(staghunt: Staghunt, tmp_path: Path) -> None:
    out, plot = tmp_path / "climb.json", tmp_path / "climb.svg"
    words = ("--oracle", "rl", "--effort", "1500", "--iterations", "1", "--episodes", "40")
    ran = staghunt("psro", "coordination:climbing", *words, "--out", out, "--plot", plot)
    assert ran.code == 1 and "Gains found" in ran.out and "<svg" in plot.read_text()
    document = json.loads(out.read_text())
    assert document["env"] == "coordination:climbing" and document["psro"]["populations"] != [1, 1]
    sizes = document["psro"]["populations"]
    assert len(document["psro"]["payoffs"][0]) == sizes[0]
    assert len(document["psro"]["payoffs"][0][0]) == sizes[1]


@pytest.mark.parametrize(
    "words, sentence",
    [
        ([KUHN, "--oracle", "exat"], "no oracle 'exat'; did you mean 'exact'?"),
        ([KUHN, "--meta", "alpha"], "no meta-solver 'alpha'; did you mean 'alpharank'?"),
        ([KUHN, "--meta", "qre"], "--meta qre needs --lambda"),
        ([KUHN, "--lambda", "2"], "lambda is for meta-solver qre"),
        ([KUHN, "--objective", "gini"], "takes none"),
        ([KUHN, "--meta", "cce", "--objective", "ginni"], "objective"),
        ([KUHN, "--tol", "-0.1"], "--tol is a number of at least 0"),
        ([KUHN, "--iterations", "0"], "--iterations is at least 1"),
        ([KUHN, "--seconds", "-1"], "--seconds is a positive number"),
        ([KUHN, "--effort", "5"], "--effort is for --oracle rl and mccfr"),
        ([KUHN, "--oracle", "mccfr", "--effort", "0"], "--effort is at least 1"),
        ([KUHN, "--oracle", "rl", "--learner", "ipo"], "--learner 'ipo' is none of"),
        ([KUHN, "--out", "answer.csv"], "unsupported suffix"),
        (["foraging:8x8-2p-3f"], "no game tree or payoff matrix behind it"),
        (["zoo:chicken", "--oracle", "mccfr"], "samples plays of a game tree"),
        (["zoo:chickn"], "did you mean zoo:chicken?"),
        (["foragin:8x8-2p-3f", "--oracle", "rl"], "did you mean"),
    ],
)
def test_bad_input_is_one_sentence(staghunt: Staghunt, words: list[str], sentence: str) -> None:
    assert sentence in staghunt("psro", *words).complaint


def test_ctrl_c_gives_the_best_so_far() -> None:
    words = ("--meta", "uniform", "--tol", "0", "--iterations", "1000000000", "--json")
    process = start("psro", "openspiel:kuhn_poker", *words)
    time.sleep(8)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    if out:  # the first iteration had been judged
        assert "best answer so far" in err and json.loads(out)["psro"]["stopped"] == "interrupted"
