"""`staghunt convert`: write a game in another format."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Game, Json, MaxNodes, Quiet, UnusedSeed

NAME = "convert"
HELP = (
    "Write a game to a file of another format (.nfg, .json or .efg), exactly: payoffs survive the round trip. A game "
    "in extensive form becomes .efg as it is, and .nfg or .json through its reduced strategic form."
)
EXAMPLES = (
    "staghunt convert zoo:chicken chicken.nfg",
    "staghunt convert payoffs.csv game.json",
    "staghunt convert openspiel:kuhn_poker kuhn.efg",
)


def command(
    game: Game,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.", show_default=False)],
    max_nodes: MaxNodes = None,
    seed: UnusedSeed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Load, save, say what was written."""
    from experiments.atomic import check_writable
    from experiments.guard import note
    from experiments.progress import Reporter

    check_writable(out, (".nfg", ".json", ".efg"), "OUT")
    with Reporter(quiet, f"reading {game}") as progress:
        from games.load import load
        from games.save import save

        loaded = load(game, max_nodes=max_nodes, progress=progress)
        progress(math.nan, f"writing {out}")
        written = _as_written(loaded, out)
        save(written, out)
    if json:
        from experiments.output import print_json

        print_json({"game": _about(written), "file": str(out)})
    else:
        note(f"wrote {out}", quiet)
    if hasattr(loaded, "radius"):
        note(f"{out} holds the estimated payoffs alone; their error bounds stay with {game}", quiet)
    return 0


def _as_written(game: Any, out: Path) -> Any:
    """The game in the form that the file's format holds."""
    from games.errors import InputError
    from games.tree import TreeGame

    tree = isinstance(game, TreeGame)
    if out.suffix.lower() == ".efg":
        if not tree:
            raise InputError(f"OUT {out}: a game in normal form has no tree to write; use .nfg or .json")
        return game
    return game.to_normal() if tree else game


def _about(game: Any) -> dict[str, Any]:
    from games.tree import TreeGame

    if isinstance(game, TreeGame):
        from experiments.tree_output import tree_document

        return tree_document(game)
    from experiments.output import game_document

    return game_document(game)
