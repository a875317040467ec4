"""`staghunt games`: the games and environments that have a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from experiments.commands.options import Json, Quiet, UnusedSeed

NAME = "games"
HELP = (
    "List the games that can be loaded by name and environments to play in, a line each. Where a pattern leaves few, "
    "their parameters and sources are told too."
)
EXAMPLES = (
    "staghunt games",
    "staghunt games hunt",
    "staghunt games 'random*' --json",
    "staghunt games swarm:",
    "staghunt games mfg:",
)
FEW = 6  # this many games or fewer are told with parameters and source


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
        _show(entries, worlds)
    return 0


def describe(entry: Any) -> dict[str, Any]:
    """One entry as a record."""
    return {
        "name": f"{entry.scheme}:{entry.name}",
        "aliases": entry.aliases,
        "description": entry.summary,
        "source": str(entry.source),
        "parameters": {p.name: p.show() for p in entry.parameters},
        "group": group_of(entry),
    }


def describe_environment(world: Any) -> dict[str, Any]:
    """One environment as a record; `installed` says whether it can be made here."""
    return {
        "uri": world.uri,
        "description": world.summary,
        "needs": world.needs,
        "installed": not world.missing(),
        "group": group_of(world),
    }


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


def group_of(entry: Any) -> str:
    """The heading that a game or an environment is listed under."""
    if hasattr(entry, "uri") and hasattr(entry, "needs"):
        theirs = entry.scheme in ("openspiel", "pettingzoo", "gymnasium")
        return "Environments of other libraries" if theirs else "Environments"
    if entry.scheme == "mfg":
        return "Mean-field games"
    return "Families of random games" if entry.random else "Games"


def _show(entries: Sequence[Any], worlds: Sequence[Any]) -> None:
    """One line per entry; parameters and sources too where there are few."""
    from experiments.listings import show_listing

    few = 0 < len(entries) <= FEW
    if few:
        _show_few(entries)
    groups: dict[str, list[tuple[str, str]]] = {}
    for entry in () if few else entries:
        groups.setdefault(group_of(entry), []).append((f"{entry.scheme}:{entry.name}", entry.summary))
    for world in worlds:
        groups.setdefault(group_of(world), []).append((world.uri, world.summary + _absent(world)))
    if few and worlds:
        print()
    show_listing(groups, _remarks(few, bool(entries), bool(worlds)))


def _absent(world: Any) -> str:
    """What an environment needs and is not installed."""
    absent = world.missing()
    return f" (needs {', '.join(absent)}: pip install 'staghunt[envs]')" if absent else ""


def _remarks(few: bool, games: bool, worlds: bool) -> list[str]:
    told = []
    if games and not few:
        told.append("Parameters and sources: `staghunt games NAME`, or --json for all of them.")
    if games:
        told.append("Parameters go after a question mark: 'zoo:random?shape=5x5x5&seed=1'.")
        told.append(
            "Files load by their path: .nfg, .efg, .json, .npz, .csv; games of OpenSpiel as openspiel:NAME."
        )
    if worlds:
        told.append(
            "Look with `staghunt info ENV`, play with `staghunt play ENV`; games are played once per episode."
        )
    return told


def _show_few(entries: Sequence[Any]) -> None:
    from rich.markup import escape

    from experiments.tables import console, simple_table

    table = simple_table("Name", "What", "Parameters", "Source")
    for entry in entries:
        parameters = ", ".join(f"{p.name}={p.show()}" for p in entry.parameters)
        table.add_row(
            f"{entry.scheme}:{escape(entry.name)}",
            escape(entry.summary),
            escape(parameters),
            escape(str(entry.source)),
        )
    console().print(table)
