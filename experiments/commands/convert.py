"""`staghunt convert`: write a game in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.options import Game, Json, Quiet, UnusedSeed

NAME = "convert"
HELP = "Write a game to a file of another format (.nfg or .json), exactly: payoffs survive the round trip."
EXAMPLES = ("staghunt convert zoo:chicken chicken.nfg", "staghunt convert payoffs.csv game.json")


def command(
    game: Game,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.", show_default=False)],
    seed: UnusedSeed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Load, save, say what was written."""
    from experiments.atomic import check_writable
    from experiments.guard import note

    check_writable(out, (".nfg", ".json"), "OUT")
    from games.load import load
    from games.save import save

    loaded = load(game)
    save(loaded, out)
    if json:
        from experiments.output import game_document, print_json

        print_json({"game": game_document(loaded), "file": str(out)})
    else:
        note(f"wrote {out}", quiet)
    return 0
