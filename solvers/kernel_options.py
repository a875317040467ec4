"""How the small numba kernels that run inside other kernels are compiled."""

from __future__ import annotations

from typing import Any

BARE: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""Options of kernels that allocate nothing: numba then counts no references to the arrays they are given, which for
a small game costs as much as the arithmetic."""
