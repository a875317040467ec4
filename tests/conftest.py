"""Tests never run on kernels compiled from older sources, and draw the same examples every time.

HYPOTHESIS_PROFILE=explore draws new ones.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from experiments.warm import drop_stale

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # once, before parallel workers start
        drop_stale()
