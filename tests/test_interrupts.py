"""Ctrl-C before, and inside, code where Python cannot raise it; names that the terminal's encoding lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.choices import read_counts
from experiments.interrupts import RETRY, Interrupts
from games import NormalFormGame
from games.errors import InputError


def test_a_swallowed_interrupt_is_raised_again() -> None:
    with Interrupts() as interrupts:
        sys.unraisablehook(SimpleNamespace(exc_type=KeyboardInterrupt))  # type: ignore[arg-type]
        assert interrupts.lost
        with pytest.raises(KeyboardInterrupt):
            time.sleep(100 * RETRY)


def test_other_unraisable_errors_go_where_they_went(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[type] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: seen.append(event.exc_type))
    with Interrupts() as interrupts:
        sys.unraisablehook(SimpleNamespace(exc_type=ValueError))  # type: ignore[arg-type]
    assert seen == [ValueError] and not interrupts.lost


def test_an_interrupt_while_importing_ends_quietly() -> None:
    program = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from experiments.__main__ import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("redirect", "code"), [(">&-", 0), ("> /dev/full", 2)])
def test_a_stdout_that_takes_nothing(redirect: str, code: int) -> None:
    line = f'"{sys.executable}" -m experiments games --json {redirect}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert done.stderr == (
        "" if code == 0 else "staghunt: error: the system refuses: No space left on device\n"
    )


@pytest.mark.parametrize("command", ["info", "solve"])
def test_names_outside_the_terminals_encoding(tmp_path: Path, command: str) -> None:
    path = tmp_path / "game.nfg"
    path.write_text('NFG 1 R "Größe 漢字" { "A" "B" } { 2 1 }\n\n1 2 3 4\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "experiments", command, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert "Gr??e ??" in done.stdout


def test_glyphs_that_the_font_lacks_make_no_noise(tmp_path: Path) -> None:
    from experiments.heatmaps import payoff_heatmaps
    from experiments.plots import save_figure

    game = NormalFormGame.zero_sum([[1.0, 0.0], [0.0, 1.0]], title="漢字")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(tmp_path / "payoffs.png", payoff_heatmaps(game))


def test_the_index_out_of_range_is_the_one_named(tmp_path: Path) -> None:
    game = NormalFormGame.zero_sum([[1.0, 0.0], [0.0, 1.0]], actions=(("U", "D"), ("L", "R")))
    data = tmp_path / "data.csv"
    data.write_text("player,action,count\n0,0,3\n0,7,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 3: unknown action of Player 1, '7'"):
        read_counts(data, game)
