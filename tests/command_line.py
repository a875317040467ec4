"""Command lines run in this process or in one of their own, and what they did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DATA = ROOT / "experiments" / "data"
CHICKEN = """NFG 1 R "Chicken" { "Ann" "Bob" }
{ { "Yield" "Dare" } { "Yield" "Dare" } }
""
6 6 7 2 2 7 0 0
"""
OCHS = DATA / "ochs_1995_matching_pennies.nfg"
TRAVELERS = DATA / "capra_1999_travelers_dilemma.nfg"


class Ran:
    """What a command line did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))

    @property
    def complaint(self) -> str:
        """The single error sentence, after checking that it is one."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert "Traceback" not in self.err
        lines = self.err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("staghunt: error: "), self.err
        assert not self.out
        return lines[0]


Staghunt = Callable[..., Ran]


def start(*words: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "experiments", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
