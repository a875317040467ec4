"""A picture of gather-trade-build."""

from __future__ import annotations

from games.scene import Mark, Scene
from games.sims.economy_maps import LAND, STONE_SOURCE, WATER, Ground
from games.sims.economy_state import COIN, Constants, World

_WATER, _STONE, _WOOD = 5, -1, 4
_WORKERS = (0, 1, 2, 3, 6, 7)
"""Colours: of what is on the map, and of workers, who share them from the seventh on."""


def draw_economy(world: World, ground: Ground, constants: Constants, which: int) -> Scene:
    """The map: water and what grows as squares (small where nothing lies), houses in their owner's colour, workers as discs with
    their coin."""
    b, margin, marks = which, constants.margin, []
    rows, cols = ground.rows, ground.cols
    tiles = world.tiles[b, :, margin : margin + rows, margin : margin + cols]
    for row, line in enumerate(ground.code.tolist()):
        for col, code in enumerate(line):
            x, y = col + 0.5, rows - row - 0.5
            if code == WATER:
                marks.append(Mark("square", x, y, 1.0, _WATER))
            elif code != LAND:
                there = tiles[code - STONE_SOURCE, row, col] > 0
                color = _STONE if code == STONE_SOURCE else _WOOD
                sign = ("s" if code == STONE_SOURCE else "w") if there else "."
                marks.append(Mark("square", x, y, 0.6 if there else 0.2, color, sign))
            if owner := int(tiles[2, row, col]):
                marks.append(Mark("square", x, y, 0.9, _color(owner - 2), "H"))
    coin = world.inventory[b, :, COIN] + world.escrow[b, :, COIN]
    for i, (row, col) in enumerate(world.place[b].tolist()):
        marks.append(Mark("disc", col + 0.5, rows - row - 0.5, 0.8, _color(i), f"{coin[i]:.0f}"))
    rates = ", ".join(f"{100 * rate:.0f}" for rate in world.rates[b])
    told = (
        f"step {world.clock[b, 0]} of {constants.horizon}; coin {', '.join(f'{c:.0f}' for c in coin)}; "
        f"houses {', '.join(map(str, world.houses[b].tolist()))}; rates {rates} %"
    )
    return Scene(float(cols), float(rows), tuple(marks), grid=True, text=told)


def _color(worker: int) -> int:
    return _WORKERS[worker % len(_WORKERS)]
