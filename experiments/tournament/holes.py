"""Tables with failed cells: whom to leave out so that a whole game is left."""

from __future__ import annotations

import numpy as np

from games.empirical import PayoffTable
from games.errors import InputError


def complete(table: PayoffTable) -> tuple[PayoffTable | None, list[str]]:
    """The table without those agents, one after the other, who have most failed cells; and who they are.

    Returns
    -------
    PayoffTable or None
        Nothing if a role would be left without an agent.
    list of str
        The agents left out, in that order.
    """
    gone: list[str] = []
    small = table
    while True:
        failed = np.flatnonzero(~small.known)
        if not failed.size:
            return small, gone
        counts: dict[str, int] = {}
        for cell in failed.tolist():
            for name in {names[a] for names, a in zip(small.populations, small.cells[cell].tolist())}:
                counts[name] = counts.get(name, 0) + 1
        order = [name for names in small.populations for name in names]
        for name in sorted(counts, key=lambda name: (-counts[name], -order.index(name))):
            try:
                small = small.without([name])
            except InputError:  # nobody else plays that role
                continue
            gone.append(name)
            break
        else:
            return None, gone
