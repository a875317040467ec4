"""`staghunt evaluate RUN --agents N,N,...`: judging, writing and telling."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.evaluation_request import BATCH, EPISODES
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.film import Film
    from experiments.swarm_players import Players
    from experiments.swarm_sizes import SizesJudged
    from experiments.swarm_sizes_output import SizesTold
    from experiments.training.runs import Run


@dataclass(frozen=True)
class Sizes:
    """What was asked for, as on the command line.

    Parameters
    ----------
    agents : str
        Numbers of agents, with commas.
    execution : str or None
        Ways, with commas; the run's own and by the mean field if None.
    episodes, batch : int
        Of each size at most, and at once at most.
    greedy : bool or None
        Whether agents play their likeliest actions; as the run says if None.
    device : str
        Where networks live.
    seed : int
        Of episodes and resamples.
    render : Path or None
        Where the first episode is drawn.
    fps : float
        Its frames per second.
    figure, rules : Path or None
        Where the curves, and the rules, are written.
    quiet : bool
        Whether nothing is said meanwhile.
    surrogate : tuple of two int, optional
        Agents and episodes of the swarm that stands for the limit, in place of 20,000 and 20.
    """

    agents: str
    execution: str | None = None
    episodes: int = EPISODES
    batch: int = BATCH
    greedy: bool | None = None
    device: str = "cpu"
    seed: int = 0
    render: Path | None = None
    fps: float = 5.0
    figure: Path | None = None
    rules: Path | None = None
    quiet: bool = False
    surrogate: tuple[int, int] | None = None


def check_alone(**given: bool) -> None:
    """`InputError` if an option by this name is given that means nothing for swarms of other sizes."""
    for option, is_given in given.items():
        if is_given:
            raise InputError(
                f"--{option.replace('_', '-')} is for a run's own number of agents and cannot be given with --agents"
            )


def evaluate_sizes(run: Run, files: dict[int, Path], which: str, wish: Sizes, json: bool) -> None:
    """Check everything, play, draw, print.

    Parameters
    ----------
    run : Run
        The run.
    files : dict of int to Path
        The checkpoint of every training seed.
    which : str
        What was asked of these.
    wish : Sizes
        Everything else that was asked for.
    json : bool
        Whether a document is printed instead of tables.
    """
    from experiments.stray_prints import prints_on_stderr

    with prints_on_stderr():
        told = judged_sizes(run, files, which, wish)
        if wish.figure is not None:
            from experiments.guard import note
            from experiments.swarm_plots import write_sizes_figure

            write_sizes_figure(wish.figure, told)
            note(f"wrote {wish.figure}", wish.quiet)
    from experiments.swarm_sizes_output import show_sizes, sizes_document

    if json:
        from experiments.output import print_json

        print_json(sizes_document(told))
    elif not wish.quiet:
        show_sizes(told)


def judged_sizes(run: Run, files: dict[int, Path], which: str, wish: Sizes) -> SizesTold:
    """Check what was asked for, and play; parameters as in `evaluate_sizes`.

    Raises
    ------
    InputError
        If the run is of no swarm, sizes or ways to execute are wrong, or there is too little memory.
    """
    from experiments.evaluation_rules import read_ways
    from experiments.swarm_sizes import check_sizes, read_sizes, sized_ways
    from experiments.training.driver import settled
    from marl.learner import check_device

    sizes = read_sizes(wish.agents)
    check_device(wish.device)
    check_sizes(run, sizes)
    ways = sized_ways(run.spec.learner, read_ways(run.spec.learner, run.spec.name, wish.execution))
    if wish.render is not None and len(sizes) > 1:
        raise InputError(
            f"--render draws swarms of one size, and --agents says {len(sizes)}; give one number"
        )
    with settled(run.spec.training.threads, wish.device):
        return _judged(run, files, which, wish, sizes, ways)


def _judged(
    run: Run, files: dict[int, Path], which: str, wish: Sizes, sizes: tuple[int, ...], ways: tuple[str, ...]
) -> SizesTold:
    """All training seeds, one after another, on the same episodes; files are written on the way."""
    from experiments.swarm_players import Players
    from experiments.swarm_sizes_output import SizesTold
    from games.env_uris import make_env

    start = time.perf_counter()
    films: list[Film] = []
    found: list[SizesJudged] = []
    for seed, file in files.items():
        players = Players(run, file, wish.greedy, wish.device)
        if wish.rules is not None:
            _write_rules(wish.rules, players, run, seed, wish.quiet)
        found.append(
            _seed(
                players,
                seed,
                file,
                wish,
                sizes,
                ways,
                films if wish.render is not None and not found else None,
            )
        )
    if wish.render is not None:
        from experiments.commands.play import draw

        draw(wish.render, films[0], wish.fps, wish.quiet)
    return SizesTold(
        run.path,
        run.spec.name,
        make_env(run.spec.env).spec,
        sizes,
        ways,
        tuple(found),
        which,
        run.spec.training.greedy if wish.greedy is None else wish.greedy,
        wish.episodes,
        wish.seed,
        time.perf_counter() - start,
    )


def _seed(
    players: Players,
    seed: int,
    file: Path,
    wish: Sizes,
    sizes: tuple[int, ...],
    ways: tuple[str, ...],
    films: list[Film] | None,
) -> SizesJudged:
    from experiments.progress import Reporter
    from experiments.swarm_sizes import SizesJudged, judge_sizes

    def watch(env: Any) -> Film:
        from experiments.film import Film

        assert films is not None
        films.append(Film(env))
        return films[0]

    with Reporter(wish.quiet, f"playing swarms, seed {seed}") as progress:
        try:
            line, sized = judge_sizes(
                players,
                sizes,
                ways,
                seed=wish.seed,
                episodes=wish.episodes,
                batch=wish.batch,
                watch=None if films is None else watch,
                progress=progress,
                surrogate=wish.surrogate,
            )
        except MemoryError:
            raise InputError(
                "not enough memory for this; play fewer episodes at once (--batch) or fewer agents"
            ) from None
    return SizesJudged(seed, file, players.steps, line, sized)


def _write_rules(path: Path, players: Players, run: Run, seed: int, quiet: bool) -> None:
    from experiments.guard import note
    from experiments.open_rules import write_rules

    assert players.rules is not None  # `check_rules` has refused the rest
    write_rules(path, players.rules, run, seed)
    note(f"wrote {path}", quiet)
