"""Tests never run on kernels compiled from older sources."""

from __future__ import annotations

import pytest

from experiments.warm import drop_stale


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # once, before parallel workers start
        drop_stale()
