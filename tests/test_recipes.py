"""Recipes: each is a valid run, and what is said of it is what was recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from experiments import recipes as program
from experiments.training import config
from experiments.training.config import recipes, settings_of_file, spec_of
from experiments.training.layers import merged
from games import make_env
from games.errors import InputError

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
NAMES = sorted(recipes())


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_a_valid_run_and_has_reached_something(name: str) -> None:
    spec = spec_of(merged([settings_of_file(name)]))
    spec.learner.check(make_env(spec.env).spec)
    kept = program.reached()[name]
    assert (kept["env"], kept["learner"], kept["steps"]) == (spec.env, spec.name, spec.training.steps)
    assert kept["seeds"] == list(spec.numbers()) and len(kept["return"]["by_seed"]) == spec.seeds
    low, middle, high = (kept["return"][key] for key in ("low", "iqm", "high"))
    least, most = min(kept["return"]["by_seed"]), max(kept["return"]["by_seed"])
    assert least - 1e-9 <= low <= middle <= high <= most + 1e-9  # the interval's ends are sums, rounded
    assert middle > max(kept["return"]["before"])


def test_nothing_is_recorded_without_a_recipe() -> None:
    assert sorted(program.reached()) == NAMES


def test_the_table_is_the_committed_records() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = re.search(
        r"<!-- table: python -m experiments\.recipes --table -->\n(.*?)\n<!-- end -->", text, re.S
    )
    assert shown is not None
    assert shown.group(1) == program.table(program.reached())


def test_a_recipe_is_trained_gone_on_with_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small.yaml"
    small.write_text(
        "env: coordination:matrix\nlearner: {name: ippo, rollout: 4, hidden: [8]}\n"
        "training: {steps: 256, batch: 8, episodes: 10}\nseeds: 2\n"
    )
    monkeypatch.setattr(program, "REACHED", tmp_path / "reached.json")
    for home in (program, config):
        monkeypatch.setattr(home, "recipes", lambda: {"small": small})
    for _ in range(2):  # the second time nothing is left to do
        assert program.main(["small", "--out", str(tmp_path / "runs")]) == 0
        kept = json.loads((tmp_path / "reached.json").read_text())["small"]
        assert kept["learner"] == "ippo" and kept["seeds"] == [0, 1] and kept["steps"] == 256
    with pytest.raises(InputError, match="there is no recipe 'smal'"):
        program.main(["smal"])
