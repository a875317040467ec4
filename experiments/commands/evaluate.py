"""`staghunt evaluate`: how well a run's policies play, and what deviating from them would gain."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.commands.options import AllowImport, Json, Quiet, Seed

if TYPE_CHECKING:
    from experiments.evaluation import Gains, Judged
    from experiments.evaluation_graphs import Drawn
    from experiments.film import Film
    from experiments.session import Session
    from games.play import Episodes

NAME = "evaluate"
HELP = (
    "Play episodes with the policies of a run and tell their mean return with a bootstrap interval, how often they "
    "succeed, and with --exploitability what an agent could gain by deviating: exactly where the game behind the "
    "environment is a tree or a table, else at least what a freshly trained response gains. Teams of bayes-net are told "
    "with their learned graph, noisy graphs, and none at all, on the same episodes."
)
EXAMPLES = (
    "staghunt evaluate runs/mappo-foraging",
    "staghunt evaluate runs/mappo-foraging --train-seed 0 --greedy --render episode.gif",
    "staghunt evaluate runs/ippo-leduc --exploitability --json",
    "staghunt evaluate runs/ippo-spread/seed-1 --exploitability --steps 200000 --responder ippo",
    "staghunt evaluate runs/bayes-net-bits --dag empty",
)
EPISODES, MEASURED = 1_000, 2_000
FILMS = (".gif", ".png", ".svg")
FIGURES = (".png", ".svg", ".pdf")


def command(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="A run of `staghunt train`, the folder of one of its seeds, or a checkpoint.",
            show_default=False,
        ),
    ],
    checkpoint: Annotated[
        str,
        typer.Option("--checkpoint", metavar="best|last|FILE", help="Which policies of each seed."),
    ] = "best",
    train_seed: Annotated[
        int | None,
        typer.Option(
            "--train-seed", min=0, help="One of the run's seeds; all by default.", show_default=False
        ),
    ] = None,
    episodes: Annotated[
        int, typer.Option("--episodes", "-n", min=1, help="How many, for each seed.")
    ] = EPISODES,
    batch: Annotated[int, typer.Option("--batch", min=1, help="How many are played at once.")] = 256,
    max_steps: Annotated[
        int | None,
        typer.Option(
            "--max-steps",
            min=1,
            help="Cut episodes off here; as in the run's own evaluations where there is no horizon.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that share the episodes.")] = 1,
    greedy: Annotated[
        bool | None,
        typer.Option(
            "--greedy/--stochastic",
            help="Play the likeliest actions or draw them; as in the run's own evaluations if neither is said.",
            show_default=False,
        ),
    ] = None,
    dag: Annotated[
        str | None,
        typer.Option(
            "--dag",
            metavar="learned|noisy|empty",
            help="How teams of bayes-net draw their graph: without noise, as in training, or none, so that everybody plays "
            "apart; by default as the run says, and all three are told.",
            show_default=False,
        ),
    ] = None,
    success: Annotated[
        float | None,
        typer.Option(
            "--success",
            metavar="R",
            help="An episode that returns at least this is a success; by default one that ended.",
            show_default=False,
        ),
    ] = None,
    render: Annotated[
        Path | None,
        typer.Option(
            "--render",
            metavar="FILE",
            help="Draw the first episode: .gif moves, .png and .svg are a strip of frames.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[float, typer.Option("--fps", help="Frames per second of a GIF.")] = 5.0,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure",
            metavar="FILE",
            help="Draw the learned graph of a team of bayes-net, how it varies with the state, and the mutual information "
            "of actions: .png, .svg or .pdf.",
            show_default=False,
        ),
    ] = None,
    exploitability: Annotated[
        bool, typer.Option("--exploitability", "-x", help="Tell what each agent could gain by deviating.")
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            min=1,
            help="Environment steps for which each response is trained; 100,000 by default.",
            show_default=False,
        ),
    ] = None,
    responder: Annotated[
        str | None,
        typer.Option(
            "--responder",
            metavar="ippo|mappo|iql",
            help="Who learns responses; ippo by default. Given where gains are exact, it learns them too.",
            show_default=False,
        ),
    ] = None,
    measured: Annotated[
        int, typer.Option("--gain-episodes", min=2, help="Episodes on which a learned response is measured.")
    ] = MEASURED,
    agent: Annotated[
        list[str] | None,
        typer.Option(
            "--agent", help="Train a response for this agent only; may be repeated.", show_default=False
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="Where networks live: cpu, cuda.")] = "cpu",
    allow_import: AllowImport = None,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check everything, play, learn responses if asked, print."""
    from experiments.atomic import check_writable
    from experiments.stray_prints import prints_on_stderr
    from games.errors import InputError

    check_writable(render, FILMS, "--render")
    check_writable(figure, FIGURES, "--figure")
    if not (math.isfinite(fps) and 0 < fps <= 50):
        raise InputError(f"--fps is a number above 0 and at most 50, got {fps:g}")
    if success is not None and not math.isfinite(success):
        raise InputError(f"--success is a number, got {success:g}")
    if not exploitability and (responder is not None or steps is not None or agent):
        given = "--responder" if responder is not None else "--steps" if steps is not None else "--agent"
        raise InputError(f"{given} is for --exploitability")
    from experiments.trained import SUFFIX, checkpoints

    found, files = checkpoints(run, checkpoint, train_seed)
    if figure is not None and len(files) > 1:
        raise InputError(f"--figure draws the graph of one training seed of {len(files)}; add --train-seed")
    from experiments.training.driver import settled
    from marl.learner import check_device

    check_device(device)
    with prints_on_stderr(), settled(found.spec.training.threads, device):
        from experiments.evaluation_output import Evaluation
        from experiments.session import Session

        start = time.perf_counter()
        session = Session(found.spec.env, (), tuple(allow_import or ()), workers, render is not None)
        limit = None if session.spec.horizon is not None and max_steps is None else max_steps
        if limit is None and session.spec.horizon is None:
            limit = found.spec.training.max_steps
        asked = _Asked(responder, steps, measured, tuple(agent or ())) if exploitability else None
        film = None if render is None else _film(session, limit)
        judge = _Judge(found, session, greedy, dag, device, seed, episodes, batch, limit, asked, quiet)
        seeds = tuple(judge(k, file, film if k == next(iter(files)) else None) for k, file in files.items())
        if film is not None and render is not None:
            from experiments.commands.play import draw

            draw(render, film, fps, quiet)
        if figure is not None:
            _draw_graph(figure, seeds[0], quiet)
    told = Evaluation(
        found.path,
        found.spec.name,
        session.spec,
        seeds,
        run.name if run.suffix.lower() == SUFFIX else checkpoint,
        found.spec.training.greedy if greedy is None else greedy,
        success,
        seed,
        limit,
        time.perf_counter() - start,
    )
    if json:
        from experiments.evaluation_output import evaluation_document
        from experiments.output import print_json

        print_json(evaluation_document(told))
    elif not quiet:
        from experiments.evaluation_output import show_evaluation

        show_evaluation(told)
    return 0


def _film(session: Session, limit: int | None) -> Film:
    from experiments.film import Film

    return Film(session.seen, limit)


def _draw_graph(path: Path, judged: Judged, quiet: bool) -> None:
    """The graph as it is drawn when the team plays."""
    from experiments.dag_plots import write_dag_figure
    from experiments.guard import note
    from games.errors import InputError

    if not judged.graphs:
        raise InputError(f"--figure: the agents of {judged.file} play independently, without a graph")
    write_dag_figure(path, judged.graphs[0].facts)
    note(f"wrote {path}", quiet)


class _Asked:
    """What was asked about deviating."""

    def __init__(
        self, responder: str | None, steps: int | None, episodes: int, agents: tuple[str, ...]
    ) -> None:
        self.responder, self.steps, self.episodes, self.agents = responder, steps, episodes, agents


class _Judge:
    """Judges checkpoints one after another, all on the same episodes."""

    def __init__(
        self,
        run: Any,
        session: Session,
        greedy: bool | None,
        dag: str | None,
        device: str,
        seed: int,
        episodes: int,
        batch: int,
        limit: int | None,
        asked: _Asked | None,
        quiet: bool,
    ) -> None:
        self._run, self._session, self._greedy, self._dag, self._device = run, session, greedy, dag, device
        self._seed, self._episodes, self._batch, self._limit = seed, episodes, batch, limit
        self._asked, self._quiet = asked, quiet

    def __call__(self, seed: int, file: Path, film: Film | None) -> Judged:
        """Play the policies of a training seed, look at its graphs, and train responses if asked."""
        from experiments.evaluation import Judged
        from experiments.evaluation_graphs import in_way
        from experiments.progress import Reporter
        from experiments.training.runs import team_of

        session = self._session
        _, _, state, team = team_of(
            self._run, file, device=self._device, greedy=self._greedy, env=session.seen
        )
        session.team = in_way(team, self._dag, str(file))
        results = self._played(seed, film)
        graphs = self._graphs(file, seed, results)
        gains = None
        if self._asked is not None:
            with Reporter(self._quiet, "looking for what deviating gains") as progress:
                gains = self._gains(self._asked, progress)
        return Judged(seed, file, getattr(state, "steps", None), results, gains, graphs)

    def _played(self, seed: int, film: Film | None = None) -> Episodes:
        """The episodes of the session's team."""
        from experiments.progress import Reporter
        from games.errors import InputError

        session = self._session
        with Reporter(self._quiet, f"playing {session.spec.name}, seed {seed}") as progress:
            try:
                return session.play(self._seed, self._episodes, self._batch, self._limit, film, progress)
            except MemoryError:
                raise InputError(
                    "not enough memory for this; play fewer episodes at once (--batch)"
                ) from None

    def _graphs(self, file: Path, seed: int, results: Episodes) -> tuple[Drawn, ...]:
        """The team with its graph drawn in all ways that are wanted; `results` are those of its own."""
        from experiments.evaluation_graphs import measured, ways_of
        from experiments.progress import Reporter

        session, out = self._session, []
        own: Any = session.team
        for way in ways_of(own, self._dag):
            if way != own.execution:
                session.team = own.with_execution(way)
                results_of_way, session.team = self._played(seed), own
            else:
                results_of_way = results
            with Reporter(self._quiet, f"measuring {way} graphs, seed {seed}") as progress:
                out.append(
                    measured(
                        self._run,
                        file,
                        session.seen,
                        way,
                        results_of_way,
                        seed=self._seed,
                        device=self._device,
                        progress=progress,
                    )
                )
        return tuple(out)

    def _gains(self, asked: _Asked, progress: Any) -> Gains:
        from experiments.evaluation import Gains
        from experiments.exact_gains import NotExact, exact_gains
        from experiments.guard import note
        from experiments.learned_gains import (
            RESPONDER,
            STEPS,
            check_agents,
            learned_gains,
            make_responder,
        )

        env, team, exact, why = self._session.seen, self._session.team, None, ""
        if asked.responder is not None:
            make_responder(asked.responder, env.spec, 1)  # complains at once
        check_agents(env.spec, asked.agents)
        try:
            exact = exact_gains(env, team, progress)
        except NotExact as reason:
            why = str(reason)
        if exact is not None and asked.responder is None:
            if asked.steps is not None or asked.agents:
                note(
                    "gains are exact here, so --steps and --agent change nothing; --responder learns them too",
                    self._quiet,
                )
            return Gains(exact, None)
        learned = learned_gains(
            env,
            team,
            responder=asked.responder or RESPONDER,
            steps=asked.steps or STEPS,
            episodes=asked.episodes,
            seed=self._seed,
            agents=asked.agents,
            recurrent=bool(getattr(self._run.spec.learner, "recurrent", False)),
            max_steps=self._limit,
            device=self._device,
            progress=progress,
        )
        return Gains(exact, learned, why)
