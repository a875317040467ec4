"""Equilibrium solvers, and certificates that share no code with them."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
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


class _Package(ModuleType):
    """Keeps a submodule from hiding the function of the same name once something has imported it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted(__all__)
