"""Pictures of lbforaging and rware, whose own renderers need a window."""

from __future__ import annotations

from typing import Any

import numpy as np

from games.scene import Mark, Scene


def draw(inner: Any) -> Scene | None:
    """A scene of an environment of lbforaging or rware; None for any other."""
    home = type(inner).__module__.partition(".")[0]
    if home == "lbforaging":
        return _foraging(inner)
    if home == "rware":
        return _warehouse(inner)
    return None


def _foraging(inner: Any) -> Scene:
    rows, columns = inner.field.shape
    marks = [
        Mark("disc", column + 0.5, rows - row - 0.5, 0.7, 2, str(int(inner.field[row, column])))
        for row, column in np.argwhere(inner.field > 0).tolist()
    ]
    for i, player in enumerate(inner.players):
        row, column = player.position
        marks.append(
            Mark("square", float(column) + 0.5, rows - float(row) - 0.5, 0.7, 3 + i, str(int(player.level)))
        )
    scores = ", ".join(f"agent_{i} {float(player.score):.2f}" for i, player in enumerate(inner.players))
    return Scene(
        float(columns), float(rows), tuple(marks), grid=True, text=f"step {inner.current_step}: {scores}"
    )


def _warehouse(inner: Any) -> Scene:
    rows, columns = inner.grid_size
    wanted = {id(shelf) for shelf in inner.request_queue}

    def at(x: Any, y: Any) -> tuple[float, float]:
        return float(x) + 0.5, rows - float(y) - 0.5

    marks = [Mark("square", *at(x, y), 0.95, -2, "goal") for x, y in inner.goals]
    for shelf in inner.shelfs:
        marks.append(Mark("square", *at(shelf.x, shelf.y), 0.8, 2 if id(shelf) in wanted else -1))
    for i, agent in enumerate(inner.agents):
        x, y = at(agent.x, agent.y)
        dx, dy = {"UP": (0, 1), "DOWN": (0, -1), "LEFT": (-1, 0), "RIGHT": (1, 0)}[agent.dir.name]
        marks.append(Mark("disc", x, y, 0.6, 3 + i, "" if agent.carrying_shelf is None else "x"))
        marks.append(Mark("arrow", x, y, 1.0, -2, "", 0.45 * dx, 0.45 * dy))
    text = f"step {inner._cur_steps}: agents carrying a shelf are marked x, requested shelves are coloured"
    return Scene(float(columns), float(rows), tuple(marks), grid=True, text=text)
