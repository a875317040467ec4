"""Maps of gather-trade-build: where there is water, and where wood and stone grow.

A map is rows of characters: ``@`` water, ``W`` a source of wood, ``S`` a source of stone, ``.`` or a space for land.
`QUADRANT` is the open quadrant of Zheng et al. (2022), "The AI Economist", in which wood and stone grow in one corner,
only wood in the next, only stone in the third and nothing in the last; `MIXED` is a smaller one of their simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from games.catalogue.entry import shorten, unknown
from games.errors import InputError

Array = npt.NDArray[Any]

LAND, WATER, STONE_SOURCE, WOOD_SOURCE = range(4)
"""What the ground is made of."""
CHARACTERS = {".": LAND, " ": LAND, "@": WATER, "S": STONE_SOURCE, "W": WOOD_SOURCE}
LARGEST_SIDE = 200

QUADRANT = """
WWWWW..W....@.W..........
WW.W........@.W......W.WW
.W..........@.........W.W
SW.S.S......@............
............@...W......W.
.SS......................
.S.......................
.........................
.........................
S......S....@............
............@............
............@............
@@@@@....@@@@@@@....@@@@@
.S..........@............
S.S.........@............
...S........@............
SS.......................
.SS......................
SS.......................
..S......................
............@............
............@............
............@............
............@............
S...........@............
"""

MIXED = """
WWW....@.......
WSS....@.......
WWW....@.......
WWW....@.......
WSS............
SWS............
.......@.......
@@@@..@@@@..@@@
.......@.......
WWW....@....S..
.WW.........SS.
WWW..........SS
W.W....@.......
W......@.......
.......@.....S.
"""

MAPS = {"quadrant": QUADRANT, "mixed": MIXED}
"""Named maps, as text."""


@dataclass(frozen=True)
class Ground:
    """A map.

    Parameters
    ----------
    name : str
        Its name, or the file it was read from.
    code : uint8[H, W]
        `LAND`, `WATER`, `STONE_SOURCE` or `WOOD_SOURCE` of every tile.
    """

    name: str
    code: Array

    @property
    def rows(self) -> int:
        """H."""
        return int(self.code.shape[0])

    @property
    def cols(self) -> int:
        """W."""
        return int(self.code.shape[1])

    @property
    def sources(self) -> Array:
        """Kind (0 stone, 1 wood), row and column of every source, int64[S, 3], row after row."""
        row, col = np.nonzero(self.code >= STONE_SOURCE)
        kind = self.code[row, col].astype(np.int64) - STONE_SOURCE
        return np.ascontiguousarray(np.stack([kind, row, col], axis=1))

    def corner_places(self, agents: int) -> Array:
        """Where agents of rising skill begin, int64[n, 2], if skills are fixed.

        The least skilled quarter begins in the upper right corner, the next in the lower left, the next in the upper
        left and the most skilled in the lower right: four in a row from the corner inwards, further ones in the next row.

        Raises
        ------
        InputError
            If one of these tiles is water, off the map, or another's.
        """
        corners = ((0, -1), (-1, 0), (0, 0), (-1, -1))
        places: list[tuple[int, int]] = []
        among = [0, 0, 0, 0]
        for i in range(agents):
            corner = 4 * i // agents
            down, inwards = divmod(among[corner], 4)
            among[corner] += 1
            top, left = (side == 0 for side in corners[corner])
            row, col = down if top else self.rows - 1 - down, inwards if left else self.cols - 1 - inwards
            inside = 0 <= row < self.rows and 0 <= col < self.cols
            if not inside or self.code[row, col] == WATER or (row, col) in places:
                why = (
                    "water"
                    if inside and self.code[row, col] == WATER
                    else "taken"
                    if inside
                    else "off the map"
                )
                raise InputError(
                    f"map {self.name}: there are not enough start tiles for {agents} agents: ({row}, {col}) is {why}; "
                    "take fewer agents, another map or skills=pareto, with which agents begin anywhere"
                )
            places.append((row, col))
        return np.array(places, dtype=np.int64)

    def free_tiles(self, agents: int) -> Array:
        """Tiles on which an agent can stand, int64[F, 2]; `InputError` if there are not enough."""
        tiles = np.ascontiguousarray(np.argwhere(self.code != WATER))
        if len(tiles) < agents:
            count = (
                f"{len(tiles)} free tile{'' if len(tiles) == 1 else 's'}" if len(tiles) else "no free tile"
            )
            raise InputError(
                f"map {self.name} has {count} for {agents} agents; expected at least one for each"
            )
        return tiles


def read_map(name: str) -> Ground:
    """The map of this name, or of a text file.

    Parameters
    ----------
    name : str
        ``quadrant``, ``mixed``, or a path. Rows of a file end with a line break or a semicolon.

    Raises
    ------
    InputError
        If there is no such map or file, rows differ in length, or a character is unknown.

    Examples
    --------
    >>> read_map("mixed").code.shape
    (15, 15)
    """
    key = name.strip()
    if key.lower() in MAPS:
        return parse_map(MAPS[key.lower()].strip("\n"), key.lower())
    path = Path(key)
    if not path.is_file():
        if path.suffix or "/" in key or "\\" in key:
            raise InputError(f"there is no map file {shorten(key)!r}")
        raise InputError(f"gather-trade-build {unknown('map', key, MAPS)}, or a text file of @, W, S and .")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"map file {shorten(key)!r} cannot be read: {error}") from None
    return parse_map(text, key)


def parse_map(text: str, name: str) -> Ground:
    """A map from its text; see `read_map`."""
    rows = [line.rstrip("\r") for line in text.replace(";", "\n").split("\n")]
    while rows and not rows[-1]:
        rows.pop()
    if not rows or not rows[0]:
        raise InputError(
            f"map {shorten(name)} is empty; expected rows of @ (water), W (wood), S (stone) and . (land)"
        )
    if len(rows) > LARGEST_SIDE or len(rows[0]) > LARGEST_SIDE:
        raise InputError(
            f"map {shorten(name)} is too large: at most {LARGEST_SIDE} rows and columns, not {len(rows)} and {len(rows[0])}"
        )
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise InputError(
                f"map {shorten(name)}: row {number} has {len(row)} tiles, the first {len(rows[0])}; expected equally many"
            )
        for char in row:
            if char not in CHARACTERS:
                raise InputError(
                    f"map {shorten(name)}: row {number} has {char!r}; expected @ (water), W (wood), S (stone) or . (land)"
                )
    code = np.array([[CHARACTERS[char] for char in row] for row in rows], dtype=np.uint8)
    code.setflags(write=False)
    return Ground(name, code)
