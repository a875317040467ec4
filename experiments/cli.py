"""The `staghunt` command. Importing it costs typer and nothing else; each command imports what it uses when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from experiments.commands import (
    bench,
    certify,
    compare,
    convert,
    docs_,
    doctor,
    evaluate,
    fit,
    games_,
    info,
    play,
    psro,
    qre,
    report,
    reproduce,
    solve,
    tournament,
    train,
)
from experiments.guard import BAD_INPUT, BUG, INTERRUPTED, READER_GONE, complain, guarded, silence_stdout
from experiments.interrupts import Interrupts

app = typer.Typer(
    name="staghunt",
    help="Simulate, learn and solve multi-agent games: games in, certified equilibria out.",
    epilog="Example: staghunt solve zoo:chicken --concept cce",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"staghunt {version('staghunt')}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


for _module in (
    games_,
    info,
    solve,
    qre,
    fit,
    certify,
    convert,
    play,
    train,
    evaluate,
    compare,
    tournament,
    psro,
    reproduce,
    report,
    docs_,
    doctor,
    bench,
):
    app.command(
        name=_module.NAME,
        help=_module.HELP,
        short_help=_module.HELP.partition(". ")[0].rstrip("."),
        # typer joins the lines of an epilog's paragraph, so every example is a paragraph of its own
        epilog="\n\n".join(("Examples:", *_module.EXAMPLES)),
    )(guarded(_module.command, _module.NAME))


def run(arguments: Sequence[str] | None = None, interrupts: Interrupts | None = None) -> int:
    """Run one command line and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after `staghunt`; those of the process by default.
    interrupts : Interrupts, optional
        Knows whether a Ctrl-C was swallowed on the way, which explains an error that follows.

    Returns
    -------
    int
        0 success, 1 ran but the tolerance was not reached, learning diverged or a worker process died, 2 bad input,
        130 interrupted, 141 reader gone, 70 a bug of ours.
    """
    try:
        code = app(
            args=None if arguments is None else list(arguments), prog_name="staghunt", standalone_mode=False
        )
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        silence_stdout()
        return READER_GONE
    except OSError as error:
        silence_stdout()
        complain(f"the system refuses: {error.strerror or error}")
        return BAD_INPUT
    except Exception as error:
        if interrupts is not None and interrupts.lost:
            complain("interrupted")
            return INTERRUPTED
        return explain(error)
    return int(code or 0)


def explain(error: Exception) -> int:
    """Say in one sentence what escaped from a command, and return its exit status.

    Usage errors, whichever version of click they come from, know how to word themselves; anything else is a bug of
    ours, and STAGHUNT_TRACEBACK=1 shows where it happened.
    """
    kind = type(error).__name__
    describe = getattr(error, "format_message", None)
    if kind == "Abort":
        return INTERRUPTED
    if kind == "NoArgsIsHelpError":
        print(describe() if describe else "")
        return BAD_INPUT
    if describe is not None:
        path = getattr(getattr(error, "ctx", None), "command_path", "staghunt")
        complain(f"{describe().rstrip('.')}; see '{path} --help'")
        return BAD_INPUT
    if os.environ.get("STAGHUNT_TRACEBACK"):
        raise error
    complain(f"internal error, {kind}: {error} (set STAGHUNT_TRACEBACK=1 to see where, and please report it)")
    return BUG
