"""`staghunt evaluate`: how well a run's policies play, and what deviating from them would gain."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands.options import AllowImport, Json, Quiet, Seed

if TYPE_CHECKING:
    from experiments.evaluation import Judged
    from experiments.evaluation_output import Evaluation
    from experiments.film import Film
    from experiments.training.runs import Run

NAME = "evaluate"
HELP = (
    "Play episodes with the policies of a run and tell their mean return with a bootstrap interval, how often they "
    "succeed, and with --exploitability what an agent could gain by deviating: exactly where the game behind the "
    "environment is a tree or a table, else at least what a freshly trained response gains. Teams of bayes-net are told "
    "with their learned graph, noisy graphs, and none at all, on the same episodes; teams of mansa switched, switched by "
    "chance, and with each of their two teams alone; swarms of decpomfc by rules computed in advance, and by the mean field. "
    "With --agents swarms play with other numbers of agents than they were trained with. Of economies equality, "
    "productivity, welfare, taxes by bracket and what workers do by skill are told, whoever learned them."
)
EXAMPLES = (
    "staghunt evaluate runs/mappo-foraging",
    "staghunt evaluate runs/mappo-foraging --train-seed 0 --greedy --render episode.gif",
    "staghunt evaluate runs/ippo-leduc --exploitability --json",
    "staghunt evaluate runs/ippo-spread/seed-1 --exploitability --steps 200000 --responder ippo",
    "staghunt evaluate runs/bayes-net-bits --dag empty",
    "staghunt evaluate runs/mansa-foraging --figure calls.png",
    "staghunt evaluate runs/economist --figure economy.png",
    "staghunt evaluate runs/decpomfc-swarm --agents 2,10,100,1000,100000 --figure agents.png",
    "staghunt evaluate runs/decpomfc-swarm --train-seed 0 --rules rules.json --render swarm.gif",
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
    execution: Annotated[
        str | None,
        typer.Option(
            "--execution",
            metavar="WAY",
            help="Who decides in teams of mansa: their switch (switched), chance at the switch's share of calls (random), "
            "nobody (independent), or always a call (central). Who chooses the rules of swarms of decpomfc: they are "
            "computed in advance (open), from the mean field (det), drawn for all (shared) or by each agent (ind), several "
            "with commas. By default as the run says, and all four are told.",
            show_default=False,
        ),
    ] = None,
    agents: Annotated[
        str | None,
        typer.Option(
            "--agents",
            metavar="N,N,...",
            help="Play swarms of these numbers of agents and tell mean returns beside the mean-field limit; the largest "
            "play fewer episodes.",
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            metavar="FILE",
            help="Write the rules computed in advance of a swarm of decpomfc, as JSON that `staghunt play --policy` plays.",
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
            "of actions; of a team of mansa, where its switch calls; of a swarm of decpomfc, its rules; of an economy, its tax "
            "schedule, incomes, and equality against productivity; with --agents, return against agents: .png, .svg or .pdf.",
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
    from experiments.stray_prints import prints_on_stderr
    from games.errors import InputError

    _check_files(render, figure, rules)
    _check_numbers(fps, success)
    if not exploitability:
        _check_unasked(responder, steps, agent)
    from experiments.evaluation_rules import check_rules
    from experiments.trained import SUFFIX, checkpoints

    found, files = checkpoints(run, checkpoint, train_seed)
    which = run.name if run.suffix.lower() == SUFFIX else checkpoint
    check_rules(found.spec.learner, found.spec.name, dag, len(files), rules is not None)
    if agents is not None:
        from experiments.evaluation_sizes import Sizes, check_alone, evaluate_sizes

        check_alone(
            exploitability=exploitability,
            success=success is not None,
            max_steps=max_steps is not None,
            workers=workers > 1,
            dag=dag is not None,
        )
        wish = Sizes(
            agents, execution, episodes, batch, greedy, device, seed, render, fps, figure, rules, quiet
        )
        evaluate_sizes(found, files, which, wish, json)
        return 0
    if figure is not None and len(files) > 1:
        raise InputError(f"--figure draws the team of one training seed of {len(files)}; add --train-seed")
    from experiments.evaluation_judge import Asked
    from experiments.evaluation_request import Request, judged_run
    from experiments.training.driver import settled
    from marl.learner import check_device

    check_device(device)
    asked = Asked(responder, steps, measured, tuple(agent or ())) if exploitability else None
    request = Request(
        episodes=episodes,
        batch=batch,
        max_steps=max_steps,
        workers=workers,
        greedy=greedy,
        dag=dag,
        execution=execution,
        threshold=success,
        asked=asked,
        figure=figure is not None,
        film=render is not None,
        device=device,
        allow_import=tuple(allow_import or ()),
        seed=seed,
        quiet=quiet,
    )
    with prints_on_stderr(), settled(found.spec.training.threads, device):
        told, film = judged_run(found, files, which, request)
        _draw_film(render, film, fps, quiet)
        _write(found, told.seeds[0], device, greedy, rules, figure, quiet)
    _tell(told, json, quiet)
    return 0


def _check_files(render: Path | None, figure: Path | None, rules: Path | None) -> None:
    from experiments.atomic import check_writable

    check_writable(render, FILMS, "--render")
    check_writable(figure, FIGURES, "--figure")
    check_writable(rules, (".json",), "--rules")


def _check_unasked(responder: str | None, steps: int | None, agent: list[str] | None) -> None:
    from games.errors import InputError

    if responder is not None or steps is not None or agent:
        given = "--responder" if responder is not None else "--steps" if steps is not None else "--agent"
        raise InputError(f"{given} is for --exploitability")


def _check_numbers(fps: float, success: float | None) -> None:
    from games.errors import InputError

    if not (math.isfinite(fps) and 0 < fps <= 50):
        raise InputError(f"--fps is a number above 0 and at most 50, got {fps:g}")
    if success is not None and not math.isfinite(success):
        raise InputError(f"--success is a number, got {success:g}")


def _tell(told: Evaluation, json: bool, quiet: bool) -> None:
    if json:
        from experiments.evaluation_output import evaluation_document
        from experiments.output import print_json

        print_json(evaluation_document(told))
    elif not quiet:
        from experiments.evaluation_output import show_evaluation

        show_evaluation(told)


def _draw_film(path: Path | None, film: Film | None, fps: float, quiet: bool) -> None:
    if film is not None and path is not None:
        from experiments.commands.play import draw

        draw(path, film, fps, quiet)


def _draw_team(path: Path, judged: Judged, title: str, quiet: bool) -> None:
    """The graph as it is drawn when the team plays, where its switch calls, or how its economy did."""
    from experiments.guard import note

    if judged.economy is not None:
        from experiments.economy_figure import write_economy_figure

        write_economy_figure(path, judged.economy, title)
    elif judged.switch is not None:
        from experiments.switch_plots import write_switch_figure

        assert judged.switch.facts is not None  # `check_ways` has refused the rest
        write_switch_figure(path, judged.switch.facts)
    else:
        from experiments.dag_plots import write_dag_figure

        write_dag_figure(path, judged.graphs[0].facts)
    note(f"wrote {path}", quiet)


def _write(
    run: Run,
    judged: Judged,
    device: str,
    greedy: bool | None,
    rules: Path | None,
    figure: Path | None,
    quiet: bool,
) -> None:
    """The rules of a swarm in a file, in a figure, or both; or the figure of another team."""
    from experiments.guard import note

    if judged.rules is None:
        if figure is not None:
            _draw_team(figure, judged, f"{run.spec.name} on {run.spec.env}", quiet)
        return
    if rules is None and figure is None:
        return
    from experiments.open_rules import open_rules, write_rules

    policy, spec = open_rules(run, judged.file, device=device, greedy=greedy)
    if rules is not None:
        write_rules(rules, policy, run, judged.seed)
        note(f"wrote {rules}", quiet)
    if figure is not None:
        from experiments.swarm_plots import write_rules_figure

        write_rules_figure(figure, policy, spec)
        note(f"wrote {figure}", quiet)
