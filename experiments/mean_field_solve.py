"""What `staghunt solve`, `certify` and `info` do with mean-field games."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from experiments.requests import LEARNING_TOLERANCE, Request
from games.errors import InputError
from games.meanfield import MeanFieldModel

Answer = tuple[Request, tuple[Any, ...], float]


def load_model(uri: str, max_nodes: Any, progress: Any) -> MeanFieldModel:
    """The model of a URI; `InputError` where it is asked for with a limit that only trees have."""
    from games.mean_field_games import load_mean_field

    if max_nodes is not None:
        raise InputError("--max-nodes is for games in extensive form, and this is a mean-field game")
    return load_mean_field(uri, progress=progress)


def settle(asked: Request) -> Request:
    """Fill in what was left to us, and refuse what a mean-field game does not have."""
    from solvers.meanfield import METHODS

    asked = asked._replace(concept=asked.concept or "nash")
    if asked.concept != "nash":
        raise InputError(f"a mean-field game is solved for nash, not {asked.concept}")
    for given, option in (
        (asked.infoset, "--infoset"),
        (asked.checkpoint, "--checkpoint"),
        (asked.resume, "--resume"),
        (asked.alternating, "--alternating"),
        (asked.every or None, "--all"),
        (asked.sparse or None, "--sparse"),
        (asked.objective, "--objective"),
    ):
        if given is not None:
            name = "--simultaneous" if option == "--alternating" and not given else option
            raise InputError(f"{name} does not go with a mean-field game")
    method = METHODS[0] if asked.method == "auto" else asked.method
    if method not in METHODS:
        raise InputError(f"--method {method} does not solve mean-field games; there are {', '.join(METHODS)}")
    tolerance = LEARNING_TOLERANCE if asked.tolerance is None else asked.tolerance
    return asked._replace(method=method, tolerance=tolerance)


def check_agents(uri: str) -> str | None:
    """A sentence where a number of agents was given, which the limit has no use for; None otherwise."""
    _, _, query = uri.partition("?")
    given = next((part for part in query.split("&") if part.startswith("agents=")), None)
    return (
        None
        if given is None
        else f"{given} is for playing; what is told here is the limit of infinitely many agents"
    )


def answer_mean_field(model: MeanFieldModel, asked: Request, progress: Any) -> Answer:
    """Settle the request, solve, certify."""
    from solvers.meanfield import mean_field_nash
    from solvers.meanfield_loop import ITERATIONS

    asked = settle(asked)
    start = time.perf_counter()
    progress(math.nan, "solving for nash")
    unlimited = asked.iterations is None and asked.seconds is None
    solution = mean_field_nash(
        model,
        asked.method,
        tolerance=asked.accepted,
        iterations=ITERATIONS if unlimited else asked.iterations,
        seconds=asked.seconds,
        progress=progress,
    )
    _ = solution.certificate
    return asked, (solution,), time.perf_counter() - start


def facts(uri: str, model: MeanFieldModel) -> dict[str, Any]:
    """Where a game comes from, and how the policy fares that takes all legal actions alike."""
    import numpy as np

    from games.mean_field_games import source_of
    from solvers.certificate import certify

    legal = np.ones((model.states, model.actions), dtype=bool) if model.legal is None else model.legal
    found = certify(model, legal / legal.sum(axis=1, keepdims=True), "nash")
    return {
        "source": source_of(uri),
        "uniform_policy": {"value": float(found.values[0]), "exploitability": found.max_regret},
    }


def played(uri: str) -> tuple[Any, list[str]] | None:
    """How `play` sees a game, and the policies that fit; None for OpenSpiel's."""
    if uri.lower().startswith("openspiel:"):
        return None
    from games.env_uris import make_env
    from games.policy_names import HUMAN, policy_names

    env = make_env(uri)
    return env.spec, [*policy_names(env), HUMAN]


def read_policies(document: Mapping[str, Any], model: MeanFieldModel, where: str) -> list[Any]:
    """The policies float64[T, X, U] in a document that `solve --out` wrote, checked against the model by names.

    Raises
    ------
    InputError
        If the document is about another game or a policy is not whole; the message says where.
    """
    about = document.get("game")
    digest = about.get("digest") if isinstance(about, dict) else None
    if digest is not None and digest != model.digest:
        raise InputError(
            f"{where} is about another game (digest {str(digest)[:12]}, not {model.digest[:12]})"
        )
    solutions = document.get("solutions", [document])
    if not isinstance(solutions, list) or not solutions:
        raise InputError(f"{where} holds no solution")
    return [_policy_of(entry, model, where) for entry in solutions]


def _policy_of(entry: Any, model: MeanFieldModel, where: str) -> Any:
    import numpy as np

    rows = entry.get("behavior") if isinstance(entry, dict) else None
    if not isinstance(rows, list):
        raise InputError(f"{where} holds no 'behavior', a list of step, state, actions and probs")
    policy = np.full((model.horizon, model.states, model.actions), np.nan)
    states = {name: x for x, name in enumerate(model.state_names)}
    actions = {name: u for u, name in enumerate(model.action_names)}
    for k, row in enumerate(rows):
        try:
            step, state = row["step"], states[row["state"]]
            if (
                type(step) is not int
                or not 0 <= step < model.horizon
                or len(row["actions"]) != len(row["probs"])
            ):
                raise ValueError
            policy[step, state] = 0.0
            for name, prob in zip(row["actions"], row["probs"]):
                policy[step, state, actions[name]] = float(prob)
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{where}, behavior[{k}] has no step, state, actions and probs of this game"
            ) from None
    if np.isnan(policy).any():
        t, x, _ = np.argwhere(np.isnan(policy))[0]
        raise InputError(f"{where} does not say what to do in step {t}, state {model.state_names[x]}")
    return model.check_policy(policy)
