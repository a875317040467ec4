"""Options that several commands share, so that they read and behave alike."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Engine(StrEnum):
    """Who starts the processes that work."""

    local = "local"
    ray = "ray"


Game = Annotated[
    str,
    typer.Argument(
        metavar="GAME",
        help="A file (.nfg, .efg, .json, .npz, .csv), the folder of a tournament, or a name such as zoo:chicken or "
        "openspiel:leduc_poker.",
        show_default=False,
    ),
]
Env = Annotated[
    str | None,
    typer.Argument(
        metavar="[ENV]",
        help="An environment such as foraging:8x8-2p-3f or swarm:vicsek (`staghunt games` lists them), or any game, "
        "which is played once.",
        show_default=False,
    ),
]
AllowImport = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-import",
        metavar="PACKAGE",
        help="Let pettingzoo:, gymnasium: and import: import this package too; may be repeated.",
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No tables, no progress, no remarks.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
UnusedSeed = Annotated[
    int,
    typer.Option("--seed", min=0, help="Taken by every command; nothing in this one is random."),
]
Seconds = Annotated[
    float | None,
    typer.Option("--seconds", help="Stop after this long with the best answer so far.", show_default=False),
]
PlotFile = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw a picture (.png, .svg or .pdf).", show_default=False),
]
MaxNodes = Annotated[
    int | None,
    typer.Option(
        "--max-nodes", min=1, help="Refuse a game tree with more nodes than this.", show_default=False
    ),
]
Infoset = Annotated[
    str | None,
    typer.Option(
        "--infoset",
        metavar="REGEX",
        help="Show only the information sets of a tree whose names match.",
        show_default=False,
    ),
]
