"""The exceptions whose message is the sentence that the user reads."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input, described in one sentence: what is wrong, where, and what would be right.

    The command line prints the message and exits with status 2; anything else that escapes is a bug, but for
    `WorkerDied`.
    """


class WorkerDied(RuntimeError):
    """A worker process ended without being told to, described in one sentence: which, how, and what is lost with it.

    Nobody's input is at fault, nor need there be a bug of ours: the system may have run out of memory, somebody may
    have killed it, or the environment in it crashed. The command line prints the message and exits with status 1.
    """
