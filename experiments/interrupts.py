"""Ctrl-C that arrives where Python cannot raise it (inside a C callback, such as the compiler's) is delivered later."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

RETRY = 0.05


class Interrupts:
    """Context manager: a swallowed `KeyboardInterrupt` is not printed but raised again a moment later.

    Attributes
    ----------
    lost : bool
        Whether an interrupt was swallowed; what fails after that, fails because of it.
    """

    lost = False

    def __init__(self) -> None:
        self._previous: Any = None
        self._timer: Any = None

    def __enter__(self) -> Interrupts:
        self._previous = sys.unraisablehook
        sys.unraisablehook = self._unraisable
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        sys.unraisablehook = self._previous

    def _unraisable(self, event: Any) -> None:
        if not issubclass(event.exc_type, KeyboardInterrupt):
            self._previous(event)
            return
        import _thread

        self.lost = True
        self._timer = threading.Timer(RETRY, _thread.interrupt_main)
        self._timer.daemon = True
        self._timer.start()


class Patience:
    """Context manager and progress callable: Ctrl-C is raised at the next report, where the work can be saved.

    A second Ctrl-C does not wait.

    Parameters
    ----------
    progress : callable
        Where reports go.
    """

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._previous: Any = None
        self._asked = False

    def __enter__(self) -> Patience:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def __call__(self, fraction: float, message: str) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._progress(fraction, message)
