"""A worker of the Ray engine. Importing this module loads no numerical library, so that threads can still be limited."""

from __future__ import annotations

import os
from typing import Any

from experiments.bench.ledger import THREAD_VARIABLES


class Player:
    """What a Ray actor is: `experiments.tournament.serving` behind two methods."""

    def __init__(self) -> None:
        self._serving: Any = None

    def load(self, message: bytes) -> bytes:
        """Load the tournament; the answer as a message."""
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        from experiments.tournament.serving import load, stand_where

        stand_where(message)
        self._serving, told = load(message)
        return told

    def play(self, message: bytes) -> bytes:
        """Play an order; the results as a message."""
        told: bytes = self._serving.play(message)
        return told
