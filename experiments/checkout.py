"""Whether the program runs from a checkout of its sources, and what only a checkout has."""

from __future__ import annotations

from pathlib import Path

from games.errors import InputError

HOME = Path(__file__).resolve().parent


def checkout(home: Path = HOME) -> Path | None:
    """The folder of the checkout that this package lies in; None if it was installed from a wheel."""
    root = home.parent
    return root if (root / "pyproject.toml").is_file() and (root / "tests").is_dir() else None


def needs_checkout(what: str, instead: str = "", home: Path = HOME) -> Path:
    """The folder of the checkout, for what cannot be done without one.

    Parameters
    ----------
    what : str
        What is to be done, as the subject of the sentence in the refusal.
    instead : str
        What can be done without a checkout.
    home : Path
        Folder of this package.

    Raises
    ------
    InputError
        If the program was installed from a wheel.
    """
    root = checkout(home)
    if root is None:
        advice = f"; {instead}" if instead else ""
        raise InputError(
            f"{what} needs a checkout of the sources, and this is an installed package in {home.parent}{advice}"
        )
    return root
