"""The one exception for bad input: its message is the sentence the user reads."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input, described in one sentence: what is wrong, where, and what would be right.

    The command line prints the message and exits with status 2; anything else that escapes is a bug.
    """
