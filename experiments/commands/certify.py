"""`staghunt certify`: how far a saved strategy is from equilibrium."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.commands.options import Game, Json, MaxNodes, Quiet, UnusedSeed

NAME = "certify"
HELP = (
    "Recompute the certificate of a saved strategy from the game alone. STRATEGY is what `solve --out FILE.json` wrote, "
    "or a JSON object with a `behavior` (a list of player, infoset, actions, probs) or a `profile` (a list of "
    "distributions). Exit status 1 means that --tol was given and is not met."
)
EXAMPLES = (
    "staghunt certify openspiel:kuhn_poker kuhn.json",
    "staghunt certify game.nfg answer.json --concept cce --tol 1e-6 --json",
    "staghunt certify game.efg noisy.json --concept qre --lambda 2",
)
CONCEPTS = ("nash", "cce", "ce", "qre", "alpharank", "efce", "efcce")


def command(
    game: Game,
    strategy: Annotated[Path, typer.Argument(metavar="STRATEGY", help="A JSON file.", show_default=False)],
    concept: Annotated[
        str | None,
        typer.Option(
            "--concept",
            "-c",
            metavar="nash|cce|ce|qre|efce|efcce",
            help="What is claimed; by default what the file says, else Nash.",
            show_default=False,
        ),
    ] = None,
    lam: Annotated[
        float | None,
        typer.Option("--lambda", "-l", help="Precision of the QRE, in 1/payoff units.", show_default=False),
    ] = None,
    tol: Annotated[
        float | None,
        typer.Option(
            "--tol", help="Largest regret accepted, relative to the payoff span.", show_default=False
        ),
    ] = None,
    max_nodes: MaxNodes = None,
    seed: UnusedSeed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Read, load, certify, print."""
    from experiments.progress import Reporter
    from experiments.requests import ALIASES, check_lambda
    from games.errors import InputError

    concept = ALIASES.get(concept or "", concept)
    if concept is not None and concept not in CONCEPTS:
        raise InputError(f"unknown concept {concept!r}; known are {', '.join(CONCEPTS)}")
    if tol is not None and not (math.isfinite(tol) and tol > 0):
        raise InputError(f"--tol is a positive number relative to the payoff span, got {tol:g}")
    if lam is not None:
        check_lambda(lam)
    with Reporter(quiet, f"reading {game}") as progress:
        from games.behavior_files import read_document

        document = read_document(strategy)
        from games.mean_field_games import is_mean_field

        if is_mean_field(game):
            return _in_mean_field(
                game, document, strategy, (concept, lam, tol, max_nodes), progress, json, quiet
            )
        from experiments.claims import judged, read_claims
        from games.load import load

        loaded = load(game, max_nodes=max_nodes, progress=progress)
        progress(math.nan, "certifying")
        claims = read_claims(document, loaded, str(strategy), concept, lam)
        findings = [judged(claim) for claim in claims]
    if json:
        from experiments.claims import claims_document
        from experiments.output import print_json

        print_json(claims_document(claims, findings, tol))
    elif not quiet:
        from experiments.claims import show_claims

        show_claims(claims, findings)
    return _status(findings, tol, quiet)


def _in_mean_field(
    uri: str,
    document: Any,
    where: Path,
    asked: tuple[str | None, float | None, float | None, Any],
    progress: Any,
    json: bool,
    quiet: bool,
) -> int:
    from experiments.guard import NOT_REACHED, OK, note
    from experiments.mean_field_output import certified_document, show_certified
    from experiments.mean_field_solve import load_model, read_policies
    from games.errors import InputError
    from solvers.meanfield_certificate import certify_mean_field

    concept, lam, tol, max_nodes = asked
    if concept not in (None, "nash") or lam is not None:
        raise InputError("a policy of a mean-field game is certified as nash, without --lambda")
    model = load_model(uri, max_nodes, progress)
    progress(math.nan, "certifying")
    found = [certify_mean_field(model, policy) for policy in read_policies(document, model, str(where))]
    if json:
        from experiments.output import print_json

        print_json(certified_document(model, found, tol))
    elif not quiet:
        show_certified(model, found)
    if tol is None or all(certificate.holds(tol) for certificate in found):
        return OK
    note(f"the tolerance {tol:g} of the payoff span is not met", quiet)
    return NOT_REACHED


def _status(findings: list[Any], tol: float | None, quiet: bool) -> int:
    from experiments.guard import NOT_REACHED, OK, note

    if tol is None or all(found.certificate.holds(tol) for found in findings):
        return OK
    note(f"the tolerance {tol:g} of the payoff span is not met", quiet)
    return NOT_REACHED
