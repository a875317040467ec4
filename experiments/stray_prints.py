"""Keeping what foreign code prints away from the results on stdout."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def prints_on_stderr() -> Iterator[None]:
    """Send to stderr whatever is printed on stdout in the meantime, by Python or by compiled libraries."""
    before = sys.stdout
    with contextlib.ExitStack() as stack:
        if before is not None:  # it is None where the shell closed it
            before.flush()
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
            with contextlib.suppress(OSError):
                kept = os.dup(1)
                stack.callback(os.close, kept)
                stack.callback(os.dup2, kept, 1)
                stack.callback(before.flush)  # what was printed by those who kept the old stdout
                os.dup2(2, 1)
        yield
