"""A progress line on stderr, shown only on a terminal and only once the work has lasted over a second."""

from __future__ import annotations

import math
import sys
import threading
from types import TracebackType
from typing import Any

DELAY = 1.0
_COMPILER = ("numba/core/compiler", "numba\\core\\compiler")


class Reporter:
    """Context manager and `Progress` callable: ``with Reporter() as progress: solve(..., progress=progress)``.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    title : str
        What is being done, until the first report says more.
    """

    def __init__(self, quiet: bool = False, title: str = "working") -> None:
        self._title = title
        self._latest: tuple[float, str] = (math.nan, title)
        self._done = threading.Event()
        self._watched = threading.get_ident()
        shown = not quiet and sys.stderr.isatty()
        self._thread = threading.Thread(target=self._show, daemon=True) if shown else None

    def __call__(self, fraction: float, message: str) -> None:
        self._latest = (fraction, message)

    def __enter__(self) -> Reporter:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _show(self) -> None:
        if self._done.wait(DELAY):
            return
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns: tuple[Any, ...] = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(30),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
            task = bar.add_task(escape(self._title), total=None)
            while not self._done.wait(0.15):
                fraction, message = self._latest
                known = math.isfinite(fraction)
                if self._compiling():
                    known, message = False, "compiling kernels (first run only)"
                bar.update(
                    task,
                    description=escape(message),
                    total=1.0 if known else None,
                    completed=min(max(fraction, 0.0), 1.0) if known else 0.0,
                )

    def _compiling(self) -> bool:
        """Whether the watched thread is inside numba's compiler; looking at its stack spares importing numba."""
        frame = sys._current_frames().get(self._watched)
        while frame is not None:
            if any(part in frame.f_code.co_filename for part in _COMPILER):
                return True
            frame = frame.f_back
        return False
