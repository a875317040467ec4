"""Entry point of the `staghunt` program: Ctrl-C ends it quietly with status 130, even while it is still importing."""

from __future__ import annotations

import io
import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Import the command line, run it, and leave with its exit status."""
    try:
        if sys.stdout is None:  # started with stdout closed
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a name that the terminal's encoding lacks shows as "?"
        from experiments.interrupts import Interrupts

        with Interrupts() as interrupts:
            from experiments.cli import run

            code = run(interrupts=interrupts)
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
