"""What the logit tracer asks of a system of equations G(x, lambda) = 0 in log-probabilities x.

The operations below are chosen by the type of their first argument when a kernel that calls them is compiled, so that
one tracer follows normal-form games and trees alike at no cost at run time. A system is a NamedTuple with a field
`offsets` int[B + 1] (blocks of x that are distributions); its workspace has `residual`, `slope` float64[N] (G, and minus
its derivative in lambda) and `small` float64[N + 1]; its Jacobian has `slope` and `live` int[1] (how many unknowns
the factored matrix has).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.extending import overload

from games.simplices import Float

_KERNELS: dict[tuple[str, str], Any] = {}
_OPTIONS: Any = {"error_model": "numpy"}


def implements(operation: Callable[..., Any], kind: type) -> Callable[[Any], Any]:
    """Decorator: use the kernel for `operation` when its first argument is a NamedTuple `kind`."""

    def register(kernel: Any) -> Any:
        _KERNELS[operation.__name__, kind.__qualname__] = kernel
        return kernel

    return register


def _kernel(operation: str, first: Any) -> Any:
    """The registered kernel for a numba type, or None."""
    return _KERNELS.get((operation, getattr(getattr(first, "instance_class", None), "__qualname__", "")))


def new_work(system: Any) -> Any:
    """Workspaces for `evaluate`."""
    raise NotImplementedError("only compiled kernels call this")


def new_jacobian(system: Any) -> Any:
    """Room for a factored derivative."""
    raise NotImplementedError("only compiled kernels call this")


def evaluate(system: Any, work: Any, z: Float, p: Float) -> None:
    """Everything at z = (x, lambda) but the regret: normalises x, writes probabilities to `p`, fills `work`."""
    raise NotImplementedError("only compiled kernels call this")


def nash_regret(system: Any, work: Any, p: Float) -> float:
    """The most that a player, or on a tree an agent, can gain at the evaluated point by changing strategy."""
    raise NotImplementedError("only compiled kernels call this")


def rounding(system: Any, work: Any, lam: float) -> float:
    """How far rounding alone moves the corrector near the evaluated point, in Fisher length."""
    raise NotImplementedError("only compiled kernels call this")


def linearise(system: Any, work: Any, jacobian: Any, p: Float, lam: float, normal: Float) -> float:
    """Factor the derivative at the evaluated point, bordered by `normal`; returns the determinant's sign."""
    raise NotImplementedError("only compiled kernels call this")


def solve_bordered(jacobian: Any, residual: Float, border: float, small: Float, step: Float) -> None:
    """Solve derivative @ step = -residual with the border equal to `border`; step is (dx, dlambda)."""
    raise NotImplementedError("only compiled kernels call this")


def subtract_coupling(jacobian: Any, dense: Float) -> None:
    """Subtract from dense[:N, :N] the derivative of the logit response in x."""
    raise NotImplementedError("only compiled kernels call this")


@overload(new_work, jit_options=_OPTIONS, strict=False)
def _new_work(system: Any) -> Any:
    if (kernel := _kernel("new_work", system)) is not None:
        return lambda system: kernel(system)
    return None


@overload(new_jacobian, jit_options=_OPTIONS, strict=False)
def _new_jacobian(system: Any) -> Any:
    if (kernel := _kernel("new_jacobian", system)) is not None:
        return lambda system: kernel(system)
    return None


@overload(evaluate, jit_options=_OPTIONS, strict=False)
def _evaluate(system: Any, work: Any, z: Any, p: Any) -> Any:
    if (kernel := _kernel("evaluate", system)) is not None:
        return lambda system, work, z, p: kernel(system, work, z, p)
    return None


@overload(nash_regret, jit_options=_OPTIONS, strict=False)
def _nash_regret(system: Any, work: Any, p: Any) -> Any:
    if (kernel := _kernel("nash_regret", system)) is not None:
        return lambda system, work, p: kernel(system, work, p)
    return None


@overload(rounding, jit_options=_OPTIONS, strict=False)
def _rounding(system: Any, work: Any, lam: Any) -> Any:
    if (kernel := _kernel("rounding", system)) is not None:
        return lambda system, work, lam: kernel(system, work, lam)
    return None


@overload(linearise, jit_options=_OPTIONS, strict=False)
def _linearise(system: Any, work: Any, jacobian: Any, p: Any, lam: Any, normal: Any) -> Any:
    if (kernel := _kernel("linearise", system)) is not None:
        return lambda system, work, jacobian, p, lam, normal: kernel(system, work, jacobian, p, lam, normal)
    return None


@overload(solve_bordered, jit_options=_OPTIONS, strict=False)
def _solve_bordered(jacobian: Any, residual: Any, border: Any, small: Any, step: Any) -> Any:
    if (kernel := _kernel("solve_bordered", jacobian)) is not None:
        return lambda jacobian, residual, border, small, step: kernel(jacobian, residual, border, small, step)
    return None


@overload(subtract_coupling, jit_options=_OPTIONS, strict=False)
def _subtract_coupling(jacobian: Any, dense: Any) -> Any:
    if (kernel := _kernel("subtract_coupling", jacobian)) is not None:
        return lambda jacobian, dense: kernel(jacobian, dense)
    return None


@njit(cache=True, error_model="numpy")
def regret_at(system: Any, z: Float, p: Float) -> float:
    """Normalise z, write its probabilities to `p` and return the largest Nash regret there."""
    work = new_work(system)
    evaluate(system, work, z, p)
    return nash_regret(system, work, p)
