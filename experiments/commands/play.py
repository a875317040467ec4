"""`staghunt play`: episodes of an environment, for their returns or to look at."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.commands.options import AllowImport, Env, Json, Quiet, Seed

if TYPE_CHECKING:
    from experiments.film import Film
    from experiments.play_output import Played

NAME = "play"
HELP = (
    "Play episodes and tell the mean return of every agent. Each episode depends on its seed alone, so --batch and "
    "--workers change the speed and nothing else. Policies are random, human, scripted ones (`staghunt info ENV` lists "
    "those that fit), for a game tree a file that `solve --out` wrote, or learned ones: a run of `staghunt train`, the "
    "folder of one of its seeds, or a checkpoint. --replay plays a match of a tournament again."
)
EXAMPLES = (
    "staghunt play foraging:8x8-2p-3f",
    "staghunt play 'foraging:8x8-2p-3f' --policy greedy --render episode.gif",
    "staghunt play 'repeated:prisoners-dilemma?rounds=50' --policy 'Player 1=tit-for-tat' --policy 'Player 2=human'",
    "staghunt play foraging:8x8-2p-3f --policy runs/mappo-foraging/seed-0 --episodes 500",
    "staghunt play swarm:vicsek --render swarm.png --seed 3",
    "staghunt play pettingzoo:mpe2.simple_spread_v3 --episodes 200 --workers 2 --json",
    "staghunt play --replay runs/tournament-foraging 17 --render match.gif",
)
EPISODES = 100
LONGEST = 100_000
"""Episodes of environments without a horizon are cut off here unless --max-steps says otherwise."""


def command(
    env: Env = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            "-p",
            metavar="[AGENT=]POLICY",
            help="Who plays: for everybody, or for one agent or group; may be repeated. Who is not named plays at random.",
            show_default=False,
        ),
    ] = None,
    episodes: Annotated[
        int | None,
        typer.Option(
            "--episodes",
            "-n",
            min=1,
            help=f"How many; {EPISODES} by default, 1 with --render or a human.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="How many are played at once.")] = 256,
    max_steps: Annotated[
        int | None,
        typer.Option(
            "--max-steps",
            min=1,
            help=f"Cut episodes off here; {LONGEST:,} where the environment has no horizon.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that share the episodes.")] = 1,
    render: Annotated[
        Path | None,
        typer.Option(
            "--render",
            metavar="FILE",
            help="Draw the first episode: .gif moves, .png is a strip of frames.",
            show_default=False,
        ),
    ] = None,
    replay: Annotated[
        tuple[Path, int] | None,
        typer.Option(
            "--replay",
            metavar="RUN MATCH",
            help="Play a match of a tournament again, by its number, and see whether it comes out as it is stored.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[float, typer.Option("--fps", help="Frames per second of a GIF.")] = 5.0,
    allow_import: AllowImport = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check everything, play, draw, print."""
    from experiments.atomic import check_writable
    from games.errors import InputError

    check_writable(render, (".gif", ".png"), "--render")
    if not (math.isfinite(fps) and 0 < fps <= 50):
        raise InputError(f"--fps is a number above 0 and at most 50, got {fps:g}")
    if replay is not None:
        for given, option in (
            (env, "ENV"),
            (policy, "--policy"),
            (episodes, "--episodes"),
            (max_steps, "--max-steps"),
        ):
            if given:
                raise InputError(
                    f"--replay plays a match as it was played, so {option} cannot be given with it"
                )
        return _replay(*replay, tuple(allow_import or ()), render, fps, json, quiet)
    if env is None:
        raise InputError("give an environment to play, such as foraging:8x8-2p-3f, or --replay RUN MATCH")
    from experiments.guard import note
    from experiments.session import Session
    from experiments.stray_prints import prints_on_stderr

    with prints_on_stderr():
        session = Session(env, tuple(policy or ()), tuple(allow_import or ()), workers, render is not None)
        if session.people and not sys.stdin.isatty():
            raise InputError("policy human needs a terminal to ask at, and standard input is none")
        for name in session.apart:
            note(
                f"{name}: learned to play together, but others have seats here, so every agent plays apart, by its own "
                "observation alone (without a graph, or a call of central policies)",
                quiet,
            )
        single = session.people or render is not None
        count = episodes if episodes is not None else 1 if single else EPISODES
        limit = max_steps if max_steps is not None or session.spec.horizon is not None else LONGEST
        film = _film(session, render, limit)
        played = _play(session, count, 1 if session.people else batch, limit, seed, film, quiet)
        if film is not None and render is not None:
            draw(render, film, fps, quiet)
    if json:
        from experiments.output import print_json
        from experiments.play_output import play_document

        print_json(play_document(played))
    elif not quiet:
        from experiments.play_output import show_played

        show_played(played)
    return 0


def _replay(
    run: Path,
    match: int,
    allow_import: tuple[str, ...],
    render: Path | None,
    fps: float,
    json: bool,
    quiet: bool,
) -> int:
    from experiments.guard import NOT_REACHED, OK, complain
    from experiments.progress import Reporter
    from experiments.stray_prints import prints_on_stderr
    from experiments.tournament.replay import difference, replay, replay_document, show_replayed

    with prints_on_stderr():
        with Reporter(quiet, f"playing match {match:,} of {run}"):
            found, film = replay(run, match, allow_import, render is not None)
        if film is not None and render is not None:
            draw(render, film, fps, quiet)
    if json:
        from experiments.output import print_json

        print_json(replay_document(found))
    elif not quiet:
        show_replayed(found)
    if found.same:
        return OK
    complain(difference(found))
    return NOT_REACHED


def _film(session: Any, render: Path | None, limit: int | None) -> Film | None:
    if render is None:
        return None
    from experiments.film import Film

    return Film(session.seen, limit)


def _play(
    session: Any, count: int, batch: int, limit: int | None, seed: int, film: Film | None, quiet: bool
) -> Played:
    from experiments.play_output import Played
    from experiments.progress import Reporter
    from games.errors import InputError

    # a bar would write over the questions
    with Reporter(quiet or session.people, f"playing {session.spec.name}") as progress:
        start = time.perf_counter()
        try:
            results = session.play(seed, count, batch, limit, film, progress)
        except EOFError:
            raise KeyboardInterrupt from None  # Ctrl-D is as good as Ctrl-C
        except MemoryError:
            raise InputError("not enough memory for this; play fewer episodes at once (--batch)") from None
        seconds = time.perf_counter() - start
    return Played(session.spec, session.policies, seed, limit, results, seconds)


def draw(path: Path, film: Film, fps: float, quiet: bool) -> None:
    """Write a film as an animated GIF, or as a strip of frames."""
    from experiments.guard import note
    from experiments.pictures import write_gif, write_strip
    from experiments.progress import Reporter

    with Reporter(quiet, f"drawing {path}"):
        if path.suffix.lower() == ".gif":
            write_gif(path, film.frames, fps)
            shown = len(film.frames)
        else:
            shown = len(write_strip(path, film.frames))
    whole = film.steps + 1
    thinned = f", evenly spaced of {whole:,}" if shown < whole else ""
    note(f"wrote {path}: {shown:,} frame{'' if shown == 1 else 's'}{thinned}", quiet)
