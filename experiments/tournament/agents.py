"""The policies of a tournament's agents, by name: scripted, trained, solved, or a function of the user's."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from experiments.trained import Trained, is_trained
from games.env import Env
from games.errors import InputError
from games.policy import Policy
from games.policy_names import every_team, find_policy, is_file, is_human, policy_for_seat, split_name

IMPORT = "import:"


def is_scripted(policy: str) -> bool:
    """Whether a policy by this name is one of ours, which play seats alike that are alike."""
    return not (policy.startswith(IMPORT) or is_trained(policy) or is_file(policy))


def policies_for(
    env: Env, name: str, policy: str, seats: tuple[int, ...], allow_import: tuple[str, ...] = ()
) -> list[Policy | None]:
    """How an agent plays each seat of the environment; None where it does not.

    Parameters
    ----------
    env : Env
        Where it plays.
    name : str
        What the agent is called, for messages.
    policy : str
        A policy's name (`games.policy_names.find_policy`), a run or checkpoint of `staghunt train`, a file written by
        `staghunt solve`, or ``import:package.module:function(key=value)``, a function of the user's that is given the
        `EnvSpec` (and the agent's name, if it has a parameter ``agent``) and returns a `Policy`.
    seats : tuple of int
        Which seats.
    allow_import : tuple of str
        Packages that may be imported.

    Raises
    ------
    InputError
        Beginning with the agent's name.
    """
    try:
        return _policies(env, policy, seats, allow_import)
    except InputError as error:
        raise InputError(f"agent {name!r:.80}: {error}") from None


def _policies(
    env: Env, policy: str, seats: tuple[int, ...], allow_import: tuple[str, ...]
) -> list[Policy | None]:
    out: list[Policy | None] = [None] * len(env.spec.agents)
    learned = Trained(env)(policy) if is_trained(policy) else None
    if learned is not None:
        for i in seats:
            out[i] = learned[env.spec.agents[i]]
        return out
    if not policy.startswith(IMPORT) and not is_file(policy):
        if is_human(policy):
            raise InputError("nobody can be asked in a tournament; policy human is for `staghunt play`")
        if split_name(policy)[0] in every_team():
            raise InputError(
                f"policy {policy} plays for a whole team, and an agent of a tournament plays for itself"
            )
    made: dict[str, Policy] = {}
    for i in seats:
        agent = env.spec.agents[i]
        if policy.startswith(IMPORT):
            made[agent] = out[i] = _imported(env, policy, agent, allow_import)
            continue
        seat = policy_for_seat(env, policy, agent)
        if seat not in made:
            made[seat] = find_policy(policy, env, seat or None)
        out[i] = made[seat]
    return out


def _imported(env: Env, text: str, agent: str, allow_import: tuple[str, ...]) -> Policy:
    """A policy by a function of the user's, whose package was allowed by name."""
    path, parameters = _called(text)
    module, _, function = path.partition(":")
    if not function:
        raise InputError(f"{text!r:.80} is not of the form import:package.module:function")
    package = module.partition(".")[0]
    if package not in allow_import:
        raise InputError(
            f"{text!r:.80} runs code of package {package!r}, which must be allowed: --allow-import {package}"
        )
    factory = _function(module, function)
    try:
        seat = {"agent": agent} if "agent" in inspect.signature(factory).parameters else {}
        found = factory(env.spec, **seat, **parameters)
    except InputError:
        raise
    except Exception as error:  # anything may come out of the user's code
        raise InputError(f"{path} made no policy: {type(error).__name__}: {error}") from None
    if not (hasattr(found, "start") and hasattr(found, "sample")):
        raise InputError(f"{path} returned {type(found).__name__}, which is no policy (start and sample)")
    policy: Policy = found
    return policy


def _function(module: str, name: str) -> Any:
    """What a module of the user's calls by that name."""
    try:
        found = importlib.import_module(module)
    except Exception as error:  # anything may come out of the user's code
        raise InputError(f"cannot import {module}: {type(error).__name__}: {error}") from None
    if not hasattr(found, name):
        raise InputError(f"module {module} has no function {name!r}")
    return getattr(found, name)


def _called(text: str) -> tuple[str, dict[str, Any]]:
    """Path and parameters of ``import:package.module:function(key=value)``, letter case kept."""
    path, bracket, rest = text.removeprefix(IMPORT).partition("(")
    if not bracket:
        return path.strip(), {}
    return path.strip(), split_name(f"x({rest}")[1]
