"""Equilibrium solvers, and certificates that share no code with them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Branch": "solvers.qre",
    "Certificate": "solvers.certificate",
    "Solution": "solvers.solution",
    "Status": "solvers.solution",
    "all_nash": "solvers.nash",
    "alpharank": "solvers.alpharank",
    "cce": "solvers.correlated",
    "ce": "solvers.correlated",
    "certify": "solvers.certificate",
    "fit_qre": "solvers.qre_fit",
    "nash": "solvers.nash",
    "nash_averaging": "solvers.zero_sum",
    "pure_nash": "solvers.nash",
    "qre": "solvers.qre",
    "trace_qre": "solvers.qre",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'solvers' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
