"""`staghunt train`: a learner in an environment, in as many seeds as asked for, in a folder that tells all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.commands.options import AllowImport, Engine, Json, Quiet

if TYPE_CHECKING:
    from experiments.training.request import Wish
    from experiments.training.runs import Run

NAME = "train"
HELP = (
    "Train a learner in an environment, and write a folder with everything about it: the whole configuration, metrics, "
    "TensorBoard files, the last and the best policies. Learners are iql, vdn, qmix, ippo, mappo, bayes-net, mansa, "
    "decpomfc and economist; --options lists their settings. A run that was stopped, by whatever, goes on bit for bit with --resume."
)
EXAMPLES = (
    "staghunt train mappo foraging:8x8-2p-3f",
    "staghunt train qmix foraging:8x8-2p-2f-coop --steps 2e6 --seeds 5 --out runs/qmix",
    "staghunt train ippo mpe:simple-spread --set learner.hidden=[128,128] --set training.batch=32",
    "staghunt train bayes-net coordination:bits --set learner.dag=complete",
    "staghunt train mansa foraging:8x8-2p-2f-coop --set learner.cost=0.1",
    "staghunt train mansa mpe:simple-spread --set learner.independent=ippo --set learner.central=mappo",
    "staghunt train decpomfc 'swarm:aggregation?agents=100&cells=5' --steps 600000",
    "staghunt train economist 'economy:one-step?observe=brief' --set learner.alone=40000 --set learner.meanwhile=random",
    "staghunt train --config my-recipe.yaml --seed 3 --json",
    "staghunt train --resume runs/qmix",
    "staghunt train mappo --options",
)


def command(
    learner: Annotated[
        str | None,
        typer.Argument(
            metavar="[LEARNER]",
            help="iql, vdn, qmix, ippo, mappo, bayes-net, mansa, decpomfc or economist.",
            show_default=False,
        ),
    ] = None,
    env: Annotated[
        str | None,
        typer.Argument(
            metavar="[ENV]",
            help="An environment such as foraging:8x8-2p-3f (`staghunt games` lists them).",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            help="Settings in YAML, or the name of a recipe.",
            show_default=False,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting such as learner.learning_rate=1e-3; wins over all others; may be repeated.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option("--steps", metavar="N", help="Joint environment steps; 1,000,000.", show_default=False),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", min=1, help="How many runs, with seeds one after the other; 1.", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="The first seed of everything random; 0.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Seeds at a time; as many as cores.", show_default=False),
    ] = None,
    env_workers: Annotated[
        int | None,
        typer.Option(
            "--env-workers",
            min=1,
            help="Processes that play the sub-environments of a seed, for slow environments; 1.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Seeds in local processes, or on a Ray cluster.")
    ] = Engine.local,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Folder of the run; runs/LEARNER-ENV.", show_default=False
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume", metavar="DIR", help="Go on with a run that was stopped.", show_default=False
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="RUN",
            help="Begin with what an earlier run of this learner has learned, perhaps elsewhere.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", help="Where networks live: cpu or cuda; cpu.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="Of torch; part of the spec; 1.", show_default=False),
    ] = None,
    options: Annotated[
        bool, typer.Option("--options", help="List the settings of LEARNER and of training, and stop.")
    ] = False,
    allow_import: AllowImport = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check everything, make the folder, train, tell."""
    if options:
        from experiments.training.listing import list_options

        return list_options(learner, assignments or (), json)
    from experiments.training.layers import number
    from experiments.training.request import Wish

    given = {
        "learner.name": (learner, "LEARNER"),
        "env": (env, "ENV"),
        "seed": (seed, "--seed"),
        "seeds": (seeds, "--seeds"),
        "training.steps": (number(steps, "--steps"), "--steps"),
        "training.start": (start, "--start"),
        "training.device": (device, "--device"),
        "training.threads": (threads, "--threads"),
        "training.env_workers": (env_workers, "--env-workers"),
    }
    wish = Wish(
        given, config, tuple(assignments or ()), out, resume, workers, engine.value, tuple(allow_import or ())
    )
    return _train(wish, json, quiet)


def _train(wish: Wish, json: bool, quiet: bool) -> int:
    from experiments.guard import complain, note
    from experiments.progress import Reporter
    from experiments.training.request import prepared, say_interrupted, train_run

    run, left = prepared(wish, quiet)
    if not left:
        note(f"{run.path} is finished: nothing is left to train; --steps and --seeds can ask for more", quiet)
        return _tell(run, {}, json, quiet)
    try:
        with Reporter(quiet, f"training {run.title}") as progress:
            failures = train_run(run, left, wish, progress)
    except KeyboardInterrupt:
        return say_interrupted(run)
    for _, sentence in failures.values():
        complain(sentence)
    if len(failures) < len(run.seeds) or all(code == 1 for code, _ in failures.values()):
        _tell(run, failures, json, quiet)
    return max((code for code, _ in failures.values()), default=0)


def _tell(run: Run, failures: dict[int, tuple[int, str]], json: bool, quiet: bool) -> int:
    from experiments.training.summary import outcomes, run_document, show_run

    results = outcomes(run, failures)
    if json:
        from experiments.output import print_json

        print_json(run_document(run, results))
    elif not quiet:
        show_run(run, results)
    return 0
