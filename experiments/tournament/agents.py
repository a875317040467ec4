"""The policies of a tournament's agents, by name: scripted, trained, solved, or a function of the user's."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from typing import Any

from experiments.trained import Trained, is_trained
from games.env import Env
from games.errors import InputError
from games.policy import Independent, JointPolicy, Policy
from games.policy_names import (
    every_team,
    find_policy,
    is_file,
    is_human,
    policy_for_seat,
    split_name,
)
from games.policy_names import team as team_by_name
from games.team_seats import plays_jointly, team_seats

IMPORT = "import:"


def is_scripted(policy: str) -> bool:
    """Whether a policy by this name is one of ours, which play seats alike that are alike."""
    return not (policy.startswith(IMPORT) or is_trained(policy) or is_file(policy))


@dataclass(frozen=True)
class Seated:
    """How an agent plays.

    Parameters
    ----------
    policies : list of Policy or None
        For each seat of the environment; None where it does not play.
    apart : bool
        Whether it learned to play together with a team that it does not have here.
    """

    policies: list[Policy | None]
    apart: bool = False


def seated(
    env: Env,
    name: str,
    policy: str,
    seats: tuple[int, ...],
    allow_import: tuple[str, ...] = (),
    *,
    together: bool = False,
) -> Seated:
    """How an agent plays each seat of the environment.

    Parameters
    ----------
    env : Env
        Where it plays.
    name : str
        What the agent is called, for messages.
    policy : str
        A policy's name (`games.policy_names.find_policy`), a run or checkpoint of `staghunt train`, a file written by
        `staghunt solve`, or ``import:package.module:function(key=value)``, a function of the user's that is given the
        `EnvSpec` (and the agent's name, if it has a parameter ``agent``) and returns a `Policy`, or for a whole team a
        `JointPolicy`.
    seats : tuple of int
        Which seats.
    allow_import : tuple of str
        Packages that may be imported.
    together : bool
        Whether it has all seats in all its matches, so that it may be a team that plays together. Otherwise agents that
        learned to do so sit apart: each is told nothing of the others.

    Raises
    ------
    InputError
        Beginning with the agent's name.
    """
    try:
        return _seated(env, policy, seats, allow_import, together)
    except InputError as error:
        raise InputError(f"agent {name!r:.80}: {error}") from None


def _seated(
    env: Env, policy: str, seats: tuple[int, ...], allow_import: tuple[str, ...], together: bool
) -> Seated:
    if is_trained(policy):
        return _learned(env, policy, seats, together)
    if policy.startswith(IMPORT):
        return Seated(_of_user(env, policy, seats, allow_import, together))
    if not is_file(policy):
        if is_human(policy):
            raise InputError("nobody can be asked in a tournament; policy human is for `staghunt play`")
        if split_name(policy)[0] in every_team():
            return Seated(_joint(env, team_by_name(env, {"": policy}), f"policy {policy}", together))
    out: list[Policy | None] = [None] * len(env.spec.agents)
    made: dict[str, Policy] = {}
    for i in seats:
        seat = policy_for_seat(env, policy, env.spec.agents[i])
        if seat not in made:
            made[seat] = find_policy(policy, env, seat or None)
        out[i] = made[seat]
    return Seated(out)


def _learned(env: Env, policy: str, seats: tuple[int, ...], together: bool) -> Seated:
    from marl.neural import seats as of_team

    whole = Trained(env).team(policy)
    assert whole is not None  # the name is that of a run
    if together and not isinstance(whole, Independent):
        return Seated(team_seats(env.spec, whole))
    own = of_team(whole)
    agents = env.spec.agents
    policies = [own[agent] if i in seats else None for i, agent in enumerate(agents)]
    return Seated(policies, not isinstance(whole, Independent))


def _joint(env: Env, team: JointPolicy, told: str, together: bool) -> list[Policy | None]:
    """The seats of a team that cannot do but play together."""
    if not together:
        raise InputError(
            f"{told} plays for a whole team, so it needs a role that has all seats: give roles instead of agents, one of "
            f"them with seats: [{', '.join(group.name for group in env.spec.groups)}]"
        )
    return team_seats(env.spec, team)


def object_seats(
    env: Env, name: str, policy: Policy | JointPolicy, seats: tuple[int, ...], together: bool
) -> list[Policy | None]:
    """As `seated`, for a policy that is there as an object."""
    if not plays_jointly(policy):
        alone: Any = policy
        return [alone if i in seats else None for i in range(len(env.spec.agents))]
    joint: Any = policy
    try:
        return _joint(env, joint, repr(policy), together)
    except InputError as error:
        raise InputError(f"agent {name!r:.80}: {error}") from None


def _of_user(
    env: Env, policy: str, seats: tuple[int, ...], allow_import: tuple[str, ...], together: bool
) -> list[Policy | None]:
    """What a function of the user's makes for every seat, or for all of them at once."""
    out: list[Policy | None] = [None] * len(env.spec.agents)
    for i in seats:
        found: Any = _imported(env, policy, env.spec.agents[i], allow_import)
        if plays_jointly(found):
            return _joint(env, found, policy, together)
        out[i] = found
    return out


def _imported(env: Env, text: str, agent: str, allow_import: tuple[str, ...]) -> Policy | JointPolicy:
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
    policy: Policy | JointPolicy = found
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
