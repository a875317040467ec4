"""Policies by name: ``random``, ``tit-for-tat``, ``greedy(noise=0.1)``, ``axelrod:Tit For Tat``, or a file with a solved strategy."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

from games.env import Env, EnvSpec
from games.errors import InputError
from games.policy import Independent, JointPolicy, Policy, Random
from games.uri import split_query

Factory = Callable[..., Policy]
Person = Callable[[str], Policy]
Trained = Callable[[str], "Mapping[str, Policy] | None"]
HUMAN = "human"
AXELROD = "axelrod:"
_TOLD = 12
"""Longer lists of policies are cut in complaints."""
_CALL = re.compile(r"([^(?]+)(?:\((.*)\)|\?(.*))?", re.DOTALL)


def every_policy() -> dict[str, Factory]:
    """All scripted policies for single agents by name: functions of an `EnvSpec`, perhaps an agent, and parameters.

    They raise `InputError` where their policy does not fit the environment.
    """
    from games import (
        coordination_policies,
        economy_policies,
        foraging_policies,
        particle_policies,
        strategies,
        swarm_policies,
    )

    out: dict[str, Factory] = {name: partial(strategies.make_policy, name) for name in strategies.POLICIES}
    sources = foraging_policies, coordination_policies, swarm_policies, particle_policies, economy_policies
    for source in sources:
        out |= source.POLICIES
    out.pop("random", None)  # every environment has it
    return out


def every_team() -> dict[str, Callable[..., JointPolicy]]:
    """All scripted policies for whole teams by name."""
    from games.coordination_policies import JOINT_POLICIES

    return dict(JOINT_POLICIES)


def policy_names(env: Env) -> list[str]:
    """Names of the policies that fit an environment as they stand, without parameters; those of whole teams last."""
    known: dict[str, Callable[..., Any]] = {**every_policy(), **every_team()}
    return ["random", *(name for name, factory in known.items() if _fits(factory, env.spec))]


def find_policy(name: str, env: Env, agent: str | None = None) -> Policy:
    """A policy by its name.

    Parameters
    ----------
    name : str
        ``random``, or a scripted policy's name, with parameters as in ``name(key=value, key=value)`` or
        ``name?key=value&key=value``; or a file with a solved strategy or the rules of a swarm (`games.solved_policies`); or
        ``axelrod:NAME``, a player of the Axelrod library (`games.from_axelrod`).
    env : Env
        Where it shall play.
    agent : str, optional
        For whom, which matters to policies that know the game; for all agents by default.

    Raises
    ------
    InputError
        If there is no such policy, it does not fit the environment, or a parameter is wrong; the message says what
        would be right.

    Examples
    --------
    >>> from games.env_uris import make_env
    >>> find_policy("random", make_env("zoo:chicken"))
    Random()
    """
    if is_file(name):
        from games.solved_policies import solved_policy

        return solved_policy(name, env, agent)
    plain, parameters = split_name(name)
    spec = env.spec
    if _of_library(plain):
        from games.from_axelrod import axelrod_policy

        return axelrod_policy(plain, spec, agent)
    if plain == "random":
        return _random(spec, parameters, agent)
    known = every_policy()
    if plain not in known:
        raise InputError(_unknown(plain, known, env))
    factory = known[plain]
    _check_parameters(plain, factory, parameters)
    seat = {"agent": agent} if agent is not None and "agent" in inspect.signature(factory).parameters else {}
    try:
        return factory(spec, **seat, **parameters)
    except InputError as error:
        if _fits(factory, spec):  # so the parameters do not
            raise
        raise InputError(_unfit(plain, env, str(error))) from None


def _random(spec: EnvSpec, parameters: Mapping[str, Any], agent: str | None) -> Policy:
    if parameters:
        raise InputError(f"policy random takes no parameters, not {next(iter(parameters))!r}")
    if agent is not None:
        return Random(spec.groups[spec.places[agent][0]].actions)
    if len({group.actions for group in spec.groups}) > 1:
        raise InputError(f"{spec.name}: its agents act in different ways, so no one policy is random for all")
    return Random(spec.groups[0].actions)


def is_file(name: str) -> bool:
    """Whether a policy's name is that of a file with a strategy."""
    return name.lower().endswith(".json") or os.path.isfile(name)


def _of_library(name: str) -> bool:
    """Whether a policy's name is that of a player of the Axelrod library."""
    return name.strip().lower().startswith(AXELROD)


def split_name(text: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters of ``name(key=value)`` or ``name?key=value``; values become numbers where they can.

    >>> split_name("generous-tit-for-tat(p=0.3)")
    ('generous-tit-for-tat', {'p': 0.3})
    """
    if _of_library(text):
        return text.strip(), {}  # names of classes and Python's literals are left alone
    match = _CALL.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not a policy; expected name, name(key=value) or name?key=value")
    name = re.sub(r"[\s_]+", "-", match[1].strip().lower())
    query = match[3] if match[2] is None else "&".join(part.strip() for part in match[2].split(","))
    given = split_query(query or "", f"policy {name}")
    return name, {key.strip().replace("-", "_"): _value(text.strip()) for key, text in given.items()}


def split_assignment(spec: EnvSpec, text: str) -> tuple[str, str]:
    """Agent (or group, or "" for everybody) and policy of ``AGENT=POLICY`` or ``POLICY``.

    Agents' names may themselves contain an equals sign.
    """
    names = {*spec.agents, *(group.name for group in spec.groups)}
    ends = [k for k, letter in enumerate(text) if letter == "="]
    for k in ends:
        if text[:k].strip() in names:
            return text[:k].strip(), text[k + 1 :].strip()
    before = text[: ends[0]] if ends else ""
    if not ends or "(" in before or "?" in before or os.path.exists(text):
        return "", text.strip()
    raise InputError(_no_agent(spec, before.strip()))


def team(
    env: Env, chosen: Mapping[str, str], person: Person | None = None, trained: Trained | None = None
) -> JointPolicy:
    """Everybody's policies put together.

    Parameters
    ----------
    env : Env
        Where they play.
    chosen : mapping of str to str
        Policy by agent or group, "" for all others; who is not named plays at random.
    person : callable, optional
        Makes the policy ``human`` for an agent: ``person(agent) -> Policy``.
    trained : callable, optional
        Finds learned policies, which this package knows nothing of: every agent's by the name of a run or a
        checkpoint, or None if the name is of something else.

    Raises
    ------
    InputError
        If a policy is unknown or does not fit, or nobody can be asked.
    """
    learned = {name: None if trained is None else trained(name) for name in set(chosen.values())}
    whole = _whole_team(env, {who: name for who, name in chosen.items() if not learned[name]}, len(chosen))
    if whole is not None:
        return whole
    made: dict[tuple[str, str], Policy] = {}
    policies: dict[str, Policy] = {}
    names = policies_by_agent(env.spec, chosen)
    alone = len(set(names.values())) > 1
    for agent, name in names.items():
        if (seats := learned.get(name)) is not None:
            policies[agent] = seats[agent]
            continue
        if is_human(name):
            policies[agent] = _person(person, agent)
            continue
        # one object for many agents is played faster than one for each
        seat = _seat(name, env, agent, alone)
        if (name, seat) not in made:
            made[name, seat] = find_policy(name, env, agent if seat else None)
        policies[agent] = made[name, seat]
    return Independent(env.spec, policies)


def policies_by_agent(spec: EnvSpec, chosen: Mapping[str, str]) -> dict[str, str]:
    """The policy of every agent by name: its own, that of its group, that of everybody, or random."""
    everybody = chosen.get("", "random")
    return {
        agent: chosen.get(agent, chosen.get(group.name, everybody))
        for group in spec.groups
        for agent in group.agents
    }


def is_human(name: str) -> bool:
    """Whether a policy's name means a person."""
    return not is_file(name) and split_name(name)[0] == HUMAN


def _whole_team(env: Env, chosen: Mapping[str, str], count: int) -> JointPolicy | None:
    """The joint policy that everybody was given, if one was; `InputError` if only some agents were.

    `count` is that of all choices, those that are not in `chosen` too.
    """
    teams = every_team()
    for who, name in chosen.items():
        plain, parameters = ("", {}) if is_file(name) else split_name(name)
        if plain not in teams:
            continue
        if who or count > 1:
            raise InputError(
                f"policy {plain} plays for the whole team; give it alone, as in --policy {plain}"
            )
        _check_parameters(plain, teams[plain], parameters)
        return teams[plain](env.spec, **parameters)
    return None


def _seat(name: str, env: Env, agent: str, alone: bool) -> str:
    """For whom a policy must be made: "" for everybody, a group (random play), or the agent (if it asks who it is)."""
    if is_file(name):
        from games.solved_policies import is_swarm

        return "" if env.spec.turn_based or is_swarm(env) else agent
    plain, _ = split_name(name)
    if _of_library(plain):
        return agent
    if plain == "random":
        return agent if len({group.actions for group in env.spec.groups}) > 1 else ""
    factory = every_policy().get(plain)
    if alone and factory is not None and "agent" in inspect.signature(factory).parameters:
        return agent
    return ""


def policy_for_seat(env: Env, name: str, agent: str) -> str:
    """For whom the policy of a single seat must be made, as `find_policy` takes it: the agent, or "" if all are alike."""
    return _seat(name, env, agent, True)


def _person(person: Person | None, agent: str) -> Policy:
    if person is None:
        raise InputError("policy human needs somebody to ask; it is for `staghunt play` at a terminal")
    return person(agent)


def _fits(factory: Callable[..., Any], spec: EnvSpec) -> bool:
    try:
        factory(spec)
    except InputError:
        return False
    return True


def _check_parameters(name: str, factory: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """`InputError` unless the factory takes these parameters and gets those it cannot do without."""
    taken = [p for p in list(inspect.signature(factory).parameters.values())[1:] if p.name != "agent"]
    if any(p.kind is p.VAR_KEYWORD for p in taken):
        return
    names = [p.name for p in taken]
    told = f"takes {', '.join(names)}" if names else "takes none"
    for key in given:
        if key not in names:
            near = get_close_matches(key, names, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"it {told}"
            raise InputError(f"policy {name} has no parameter {key!r}; {hint}")
    for parameter in taken:
        if parameter.default is parameter.empty and parameter.name not in given:
            raise InputError(f"policy {name} needs {parameter.name}, as in {name}({parameter.name}=...)")


def _unknown(name: str, known: Mapping[str, Factory], env: Env) -> str:
    if name in every_team():
        return f"policy {name} plays for the whole team; give it alone, as in --policy {name}"
    near = get_close_matches(name, [*known, *every_team(), "random", HUMAN], 1, 0.6)
    if near:
        return f"unknown policy {name!r}; did you mean {near[0]}?"
    if "/" in name or "\\" in name or name.lower().endswith((".json", ".safetensors")):
        return f"there is no file or folder {name}; paths are relative to the folder that the command is started in"
    return f"unknown policy {name!r}; those that fit {env.spec.name} are {', '.join([*policy_names(env), HUMAN])}"


def _unfit(name: str, env: Env, why: str) -> str:
    """The complaint about a policy that is for other environments."""
    from games import economy_policies, foraging_policies, particle_policies, swarm_policies

    spec = env.spec
    names = policy_names(env)
    listed = ", ".join([*names[:_TOLD], *(["..."] if len(names) > _TOLD else []), HUMAN])
    homes = {
        "foraging": foraging_policies,
        "swarm": swarm_policies,
        "mpe": particle_policies,
        "economy": economy_policies,
    }
    for home, source in homes.items():
        if name in source.POLICIES and spec.name.partition(":")[0].lower() != home:
            return f"policy {name} is for {home}, and {spec.name} is none; it has {listed}"
    told = why if name in why else f"policy {name}: {why}"
    return f"{told}; {spec.name} has {listed}"


def _no_agent(spec: EnvSpec, name: str) -> str:
    names = [*spec.agents, *(group.name for group in spec.groups)]
    near = get_close_matches(name, names, 1, 0.5)
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"{spec.name} has no agent {name!r}; " + (
        f"did you mean {near[0]!r}?" if near else f"it has {listed}"
    )


def _value(text: str) -> Any:
    """Text as a truth value, a whole number or a number where it is one."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
