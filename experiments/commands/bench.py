"""`staghunt bench`: a comparison with a peer program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Json, Quiet, UnusedSeed

NAME = "bench"
HELP = "Time us against a peer, interleaved in one run, and report the ratio. Peers need the extra `peers`."
EXAMPLES = (
    "staghunt bench solvers --quick",
    "staghunt bench solvers --rows 'qre*' --json",
    "staghunt bench trees --rows '*leduc*'",
    "staghunt bench envs --rows '*foragers*'",
    "staghunt bench train --peer-checkout epymarl=FOLDER",
)


def command(
    name: Annotated[str, typer.Argument(help="Which comparison.", show_default=False)],
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, few repeats.")] = False,
    rows: Annotated[
        list[str] | None,
        typer.Option(
            "--rows", metavar="PATTERN", help="Only the rows that match; may be repeated.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the JSON document here.", show_default=False),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="FOLDER",
            help="Real .nfg and .efg files, for the rows on them.",
            show_default=False,
        ),
    ] = None,
    peer_checkout: Annotated[
        list[str] | None,
        typer.Option(
            "--peer-checkout",
            metavar="PEER=FOLDER",
            help="Where a peer that no registry has is checked out; may be repeated.",
            show_default=False,
        ),
    ] = None,
    seed: UnusedSeed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run one bench and print its rows."""
    from importlib import import_module

    from experiments.atomic import check_writable
    from experiments.bench.runner import conduct
    from experiments.progress import Reporter
    from games.errors import InputError

    check_writable(out, (".json",), "--out")
    known = benches()
    if name not in known:
        raise InputError(f"unknown bench {name!r}; known are {', '.join(known) or 'none'}")
    bench = import_module(f"experiments.bench.{name}").BENCH
    with Reporter(quiet, f"bench {name}") as progress:
        result = conduct(
            bench, quick, rows or None, out, progress, files=files, checkouts=_checkouts(peer_checkout or [])
        )
    if json:
        from experiments.output import print_json

        print_json(result)
    elif not quiet:
        _show(result)
    return 0


def benches() -> list[str]:
    """Names of the modules in `experiments/bench` that have a `BENCH`; nothing is imported to find out."""
    folder = Path(__file__).parents[1] / "bench"
    return sorted(
        path.stem
        for path in folder.glob("*.py")
        if not path.stem.startswith("_") and "\nBENCH = " in path.read_text(encoding="utf-8")
    )


def _checkouts(told: list[str]) -> dict[str, Path]:
    from games.errors import InputError

    out = {}
    for one in told:
        name, equals, folder = one.partition("=")
        if not (name and equals and folder):
            raise InputError(f"--peer-checkout takes PEER=FOLDER, epymarl=/home/me/epymarl say, not {one!r}")
        out[name] = Path(folder).expanduser()
    return out


def _show(result: dict[str, Any]) -> None:
    from rich.markup import escape

    from experiments.tables import console, simple_table

    table = simple_table("Row", "Peer", "Ours (s)", "Peer (s)", "Ratio", "Target", "Note", right=(2, 3, 4, 5))
    for row in result["rows"]:
        cells = [_figure(row.get(key)) for key in ("ours_s", "peer_s", "ratio", "target")]
        table.add_row(
            escape(str(row["row"])),
            escape(str(row.get("peer", ""))),
            *cells,
            escape(str(row.get("note") or "")),
        )
    console().print(table)


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value if value is not None else "-")
