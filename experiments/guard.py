"""What happens when a command goes wrong: one sentence on stderr and the right exit status, never a traceback."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

OK, NOT_REACHED, BAD_INPUT, BUG, INTERRUPTED, READER_GONE = 0, 1, 2, 70, 130, 141


def complain(sentence: str) -> None:
    """Print one error sentence on stderr."""
    print(f"staghunt: error: {' '.join(sentence.split())}", file=sys.stderr)


def note(sentence: str, quiet: bool = False) -> None:
    """Print one remark on stderr, unless `quiet`."""
    if not quiet:
        print(f"staghunt: {' '.join(sentence.split())}", file=sys.stderr)


def silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush into a closed pipe stays quiet."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def guarded(command: Callable[..., int | None], name: str = "") -> Callable[..., None]:
    """Turn a command's return value, `InputError`, `WorkerDied`, Ctrl-C and a closed pipe into exit statuses.

    Parameters
    ----------
    command : callable
        Returns its exit status (None means 0).
    name : str
        Of the command: bad input is answered with the page of the documentation that tells more.
    """

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        from games.errors import InputError, WorkerDied

        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except InputError as error:
            from experiments.pointers import pointed

            complain(pointed(str(error), name, error.__traceback__))
            code = BAD_INPUT
        except WorkerDied as error:
            complain(str(error))
            code = NOT_REACHED
        except KeyboardInterrupt:
            complain("interrupted")
            code = INTERRUPTED
        except BrokenPipeError:
            silence_stdout()
            code = READER_GONE
        except MemoryError:
            complain("not enough memory for this; try a smaller game or another method")
            code = BAD_INPUT
        raise typer.Exit(code or OK)

    return wrapper
