"""Equilibrium solvers, and certificates that share no code with them."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvers.alpharank import alpharank as alpharank
    from solvers.best_response import best_response as best_response
    from solvers.best_response import exploitability as exploitability
    from solvers.best_response import nash_conv as nash_conv
    from solvers.certificate import Certificate as Certificate
    from solvers.certificate import certify as certify
    from solvers.cfr import cfr as cfr
    from solvers.correlated import cce as cce
    from solvers.correlated import ce as ce
    from solvers.efce import efcce as efcce
    from solvers.efce import efce as efce
    from solvers.mccfr import mccfr as mccfr
    from solvers.meanfield import mean_field_exploitability as mean_field_exploitability
    from solvers.meanfield import mean_field_nash as mean_field_nash
    from solvers.mirror import mmd as mmd
    from solvers.nash import all_nash as all_nash
    from solvers.nash import nash as nash
    from solvers.nash import pure_nash as pure_nash
    from solvers.qre import Branch as Branch
    from solvers.qre import qre as qre
    from solvers.qre import trace_qre as trace_qre
    from solvers.qre_fit import fit_qre as fit_qre
    from solvers.sequence_form import sequence_form as sequence_form
    from solvers.solution import Solution as Solution
    from solvers.solution import Solutions as Solutions
    from solvers.solution import Status as Status
    from solvers.tree_nash import tree_nash as tree_nash
    from solvers.tree_qre import agent_qre as agent_qre
    from solvers.tree_qre import trace_agent_qre as trace_agent_qre
    from solvers.zero_sum import nash_averaging as nash_averaging

_HOMES = {
    "Branch": "solvers.qre",
    "Certificate": "solvers.certificate",
    "Solution": "solvers.solution",
    "Solutions": "solvers.solution",
    "Status": "solvers.solution",
    "agent_qre": "solvers.tree_qre",
    "all_nash": "solvers.nash",
    "alpharank": "solvers.alpharank",
    "best_response": "solvers.best_response",
    "cce": "solvers.correlated",
    "ce": "solvers.correlated",
    "certify": "solvers.certificate",
    "cfr": "solvers.cfr",
    "efcce": "solvers.efce",
    "efce": "solvers.efce",
    "exploitability": "solvers.best_response",
    "fit_qre": "solvers.qre_fit",
    "mccfr": "solvers.mccfr",
    "mean_field_exploitability": "solvers.meanfield",
    "mean_field_nash": "solvers.meanfield",
    "mmd": "solvers.mirror",
    "nash": "solvers.nash",
    "nash_averaging": "solvers.zero_sum",
    "nash_conv": "solvers.best_response",
    "no_regret": "solvers.dynamics",
    "no_swap_regret": "solvers.dynamics",
    "pure_nash": "solvers.nash",
    "qre": "solvers.qre",
    "sequence_form": "solvers.sequence_form",
    "trace_agent_qre": "solvers.tree_qre",
    "trace_qre": "solvers.qre",
    "tree_nash": "solvers.tree_nash",
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
