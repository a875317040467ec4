"""A process that trains one seed: it takes its order from stdin and tells of its progress in lines of JSON.

It ends at once when stdin does: whoever ordered it is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from experiments.guard import BAD_INPUT, BUG, NOT_REACHED


def main(handle: int) -> None:
    """Train what the first line of stdin asks for.

    Parameters
    ----------
    handle : int
        File descriptor of the pipe for the lines.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    order = json.loads(_line())
    threading.Thread(target=_watch, daemon=True).start()
    with os.fdopen(handle, "w") as pipe:
        failure = attempt(order, _teller(pipe))
        with contextlib.suppress(OSError):
            _send(pipe, {"done": True, "failure": failure})


def order_for(path: Path, seed: int, env_workers: int, allow_import: tuple[str, ...]) -> dict[str, Any]:
    """What a process is asked to do, as plain data."""
    return {
        "path": str(path),
        "seed": seed,
        "env_workers": env_workers,
        "allow_import": list(allow_import),
    }


def attempt(order: dict[str, Any], told: Callable[[Any], None]) -> list[Any] | None:
    """Train a seed; None, or the exit status and the sentence of what went wrong."""
    from experiments.training.driver import Stopped, train_seed
    from experiments.training.runs import read_run
    from games.errors import InputError, WorkerDied

    try:
        run = read_run(Path(order["path"]))
        train_seed(
            run,
            order["seed"],
            told,
            env_workers=order["env_workers"],
            allow_import=tuple(order["allow_import"]),
        )
    except InputError as error:
        return [BAD_INPUT, str(error)]
    except (Stopped, WorkerDied) as error:
        return [NOT_REACHED, str(error)]
    except Exception as error:
        if os.environ.get("STAGHUNT_TRACEBACK"):
            traceback.print_exc()
        return [BUG, f"internal error in seed {order['seed']}, {type(error).__name__}: {error}"]
    return None


def _teller(pipe: IO[str]) -> Callable[[Any], None]:
    def tell(report: Any) -> None:
        _send(pipe, {"report": list(report)})

    return tell


def _send(pipe: IO[str], told: dict[str, Any]) -> None:
    pipe.write(json.dumps(told) + "\n")
    pipe.flush()


def _line() -> bytes:
    """The first line of stdin, read without a buffer, whose lock the watching thread would hold at the end."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def _watch() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
