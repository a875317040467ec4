"""`staghunt games`: the games and environments that have a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from experiments.commands.options import Json, Quiet, UnusedSeed

NAME = "games"
HELP = "List the games that can be loaded by name, with their parameters and sources, and environments to play in."
EXAMPLES = (
    "staghunt games",
    "staghunt games hunt",
    "staghunt games 'random*' --json",
    "staghunt games swarm:",
    "staghunt games mfg:",
)
FEW = 6  # this many games or fewer are told with their whole source


def command(
    pattern: Annotated[
        str,
        typer.Argument(help="Part of a name or description, or a pattern with * and ?.", show_default=False),
    ] = "",
    seed: UnusedSeed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Print the catalogue's entries and the environments that match."""
    from games.env_catalogue import environments
    from games.load import catalogue
    from games.mean_field_games import catalogue as mean_field_catalogue

    entries = [entry for entry in (*catalogue(), *mean_field_catalogue()) if matches(pattern, entry)]
    worlds = [world for world in environments() if matches_environment(pattern, world)]
    if json:
        from experiments.output import print_json

        listed = [describe_environment(world) for world in worlds]
        print_json({"games": [describe(entry) for entry in entries], "environments": listed})
    elif not entries and not worlds:
        from experiments.guard import note

        note(
            f"no game matches {pattern!r}; `staghunt games` lists them all, and files load by their path",
            quiet,
        )
    elif not quiet:
        if entries:
            _show(entries)
        if worlds:
            _show_environments(worlds, after=bool(entries))
    return 0


def describe(entry: Any) -> dict[str, Any]:
    """One entry as a record."""
    return {
        "name": f"{entry.scheme}:{entry.name}",
        "aliases": entry.aliases,
        "description": entry.summary,
        "source": str(entry.source),
        "parameters": {p.name: value_text(p.default) for p in entry.parameters},
    }


def describe_environment(world: Any) -> dict[str, Any]:
    """One environment as a record; `installed` says whether it can be made here."""
    return {
        "uri": world.uri,
        "description": world.summary,
        "needs": world.needs,
        "installed": not world.missing(),
    }


def value_text(value: Any) -> str:
    """A parameter's default as a URI spells it."""
    if isinstance(value, tuple):
        return ("x" if all(isinstance(v, int) for v in value) else ",").join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def matches(pattern: str, entry: Any) -> bool:
    """Whether the pattern fits a whole name, or occurs in a name, the description or the source."""
    from fnmatch import fnmatch

    wanted = pattern.lower().removeprefix(f"{entry.scheme}:")
    names = [name.lower() for name in (entry.name, *entry.aliases)]
    if any(fnmatch(name, wanted) or wanted in name for name in names):
        return True
    return wanted in entry.summary.lower() or wanted in str(entry.source).lower()


def matches_environment(pattern: str, world: Any) -> bool:
    """Whether the pattern fits a whole URI, with or without its scheme, or occurs in it or the description."""
    from fnmatch import fnmatch

    wanted, uri = pattern.lower(), world.uri.lower()
    names = (uri, uri.partition(":")[2])
    return any(fnmatch(name, wanted) for name in names) or wanted in uri or wanted in world.summary.lower()


def _show_environments(worlds: Sequence[Any], after: bool) -> None:
    from rich.markup import escape

    from experiments.tables import console, simple_table

    table = simple_table("Environment", "What", "Needs")
    for world in worlds:
        absent = world.missing()
        needs = f"{', '.join(absent)}: pip install 'staghunt[envs]'" if absent else ", ".join(world.needs)
        table.add_row(escape(world.uri), escape(world.summary), escape(needs))
    out = console()
    if after:
        out.print()
    out.print(table)
    out.print(
        "Look with `staghunt info ENV`, play with `staghunt play ENV`; games are played once per episode.",
        style="dim",
    )


def _show(entries: Sequence[Any]) -> None:
    from rich.markup import escape

    from experiments.tables import console, simple_table

    table = simple_table("Name", "What", "Parameters", "Source")
    for entry in entries:
        parameters = ", ".join(f"{p.name}={value_text(p.default)}" for p in entry.parameters)
        source = str(entry.source) if len(entries) <= FEW else f"{entry.source.authors} {entry.source.year}"
        table.add_row(
            f"{entry.scheme}:{escape(entry.name)}", escape(entry.summary), escape(parameters), escape(source)
        )
    out = console()
    out.print(table)
    out.print("Parameters go after a question mark: 'zoo:random?shape=5x5x5&seed=1'.", style="dim")
    out.print("Files load by their path: .nfg, .efg, .json, .npz, .csv.", style="dim")
