"""A sitting at an environment: who plays, and playing it, with somebody at the terminal if asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import numpy as np

from experiments.trained import Trained, is_trained
from games.carrying import carrying
from games.env import EnvSpec, Step, World
from games.env_uris import HOMES, make_env
from games.errors import InputError
from games.human import Human, Situation, at_information_sets
from games.limits import available_bytes
from games.play import Array, Episodes, Watch, play_episodes
from games.policy import Policy
from games.policy_names import is_human, policies_by_agent, split_assignment, team
from games.scene_text import scene_text
from games.sims.tree import TreeRules
from games.streams import draw_seeds

_PICTURES = ("pettingzoo", "gymnasium")
"""Schemes of environments that must be told beforehand that they will be looked at."""
_CROWD = 1_000_000
"""Agents that are played at once; more would not be faster."""


class Session:
    """An environment with its players.

    Parameters
    ----------
    uri : str
        The environment.
    assignments : tuple of str
        ``POLICY`` or ``AGENT=POLICY``.
    allow_import : tuple of str
        Further packages that may be imported.
    workers : int
        Processes.
    pictures : bool
        Whether the first episode will be drawn.

    Raises
    ------
    InputError
        If the environment, an agent or a policy is unknown or does not fit.
    """

    def __init__(
        self,
        uri: str,
        assignments: tuple[str, ...] = (),
        allow_import: tuple[str, ...] = (),
        workers: int = 1,
        pictures: bool = False,
    ) -> None:
        self._uri, self._allow = uri, allow_import
        self._pictures = pictures and uri.partition(":")[0].lower() in _PICTURES
        self.world: World = None
        options: dict[str, Any] = {"render": True} if self._pictures else {}
        self.seen = make_env(uri, allow_import=allow_import, **options)
        self._chosen = chosen(self.seen.spec, assignments)
        self._trained = Trained(self.seen)
        names = set(self.policies.values())
        self.people = any(is_human(name) for name in names if not is_trained(name))
        # one network for all agents is played faster than one for each
        whole = self._trained.team(next(iter(names))) if len(names) == 1 else None
        self.team = whole or team(self.seen, self._chosen, self._person, self._trained)
        self.apart = () if whole else self._trained.together(names)
        """Runs whose agents learned to play together and sit among others here, told nothing of each other."""
        if self.people and workers > 1:
            raise InputError("policy human plays in this process; leave out --workers")
        self._workers = workers
        self.carried: Array | None = None
        """What trained episodes left behind in their sub-environments, float64[B, C], for those that are played here."""

    @property
    def spec(self) -> EnvSpec:
        """The environment's."""
        return self.seen.spec

    @property
    def policies(self) -> dict[str, str]:
        """Every agent's policy as it was asked for."""
        return policies_by_agent(self.spec, self._chosen)

    def play(
        self,
        seed: int,
        count: int,
        batch: int,
        limit: int | None,
        film: Watch | None = None,
        progress: Callable[[float, str], None] | None = None,
        log: Watch | None = None,
    ) -> Episodes:
        """Play `count` episodes whose seeds are drawn from `seed`, telling `film` of the first and `log` of all.

        The first is played apart where it is watched, and of crowds fewer at once than `batch`; each episode is a function
        of its seed, so this changes nothing.
        """
        if log is not None and self._workers > 1:
            raise InputError(
                f"{self.spec.name} is looked at when its episodes end, which one process alone can; leave out --workers"
            )
        batch = min(batch, max(1, _CROWD // len(self.spec.agents)))
        check_room(self.spec, count, batch)
        seeds = draw_seeds(np.random.default_rng(seed), count)
        told = _Told(self, count) if self.people else None
        parts: list[Episodes] = []
        watch = _both(film, told)
        if watch is not None:
            env = carrying(self.seen, self.carried)
            first = _both(watch, log)
            parts.append(play_episodes(env, self.team, seeds[:1], batch=1, max_steps=limit, watch=first))
            seeds = seeds[1:]
        if len(seeds):
            parts.append(self._rest(seeds, batch, limit, _both(told, log), progress))
        return Episodes.joined(parts)

    def _rest(
        self, seeds: Array, batch: int, limit: int | None, told: Watch | None, progress: Any
    ) -> Episodes:
        env: Any = self.seen
        if self.carried is not None and self._workers > 1:
            raise InputError(
                f"{self.spec.name} goes on from what its trained episodes left behind, which one process alone can; leave "
                "out --workers"
            )
        workers = min(self._workers, len(seeds), batch)  # more would have nothing to do
        with ExitStack() as stack:
            if told is None and (workers > 1 or self._pictures):
                env = make_env(self._uri, workers=workers, allow_import=self._allow)
                if workers > 1:
                    stack.enter_context(env)  # ends the processes
            env = carrying(env, self.carried)
            return play_episodes(
                env, self.team, seeds, batch=batch, max_steps=limit, watch=told, progress=progress
            )

    def _person(self, agent: str) -> Policy:
        place, seat = self.spec.places[agent]
        return Human(self.spec.groups[place], agent, _ask, _tell, self._situation(seat))

    def _situation(self, seat: int) -> Callable[[int], Situation] | None:
        """How a person is told where it is, where that is better than a list of numbers."""
        rules = getattr(self.seen, "rules", None)
        if isinstance(rules, TreeRules):
            return at_information_sets(rules.game)
        words, names = getattr(self.seen, "words", None), getattr(self.seen, "action_words", None)
        if words is None or names is None:
            return None
        return lambda row: Situation(words(self.world, 0, seat), names(self.world, 0, seat))


def check_room(spec: EnvSpec, count: int, batch: int) -> None:
    """Refuse more episodes, or more of them at once, than memory holds, before any is begun.

    The least that is held: the return of every agent of every episode (float64), and what is seen before and after a
    step (float32), once for a group, since its agents may share it. What is let through may still be too much.
    """
    agents = len(spec.agents)
    have = int(0.8 * available_bytes())
    returns = 8 * agents * count
    if returns > have:
        raise InputError(
            f"{spec.name}: the returns of {count:,} episodes of {agents:,} agents need {returns / 2**30:,.1f} GiB; about "
            f"{have / 2**30:.1f} GiB of memory is available; play fewer --episodes"
        )
    once = min(batch, count)
    seen = 2 * 4 * once * sum(group.depth for group in spec.groups)
    if returns + seen > have:
        raise InputError(
            f"{spec.name}: {once:,} episodes at once need more than {seen / 2**30:,.1f} GiB for what their agents see; "
            f"about {have / 2**30:.1f} GiB of memory is available; play fewer at once (--batch)"
        )


def chosen(spec: EnvSpec, assignments: Iterable[str]) -> dict[str, str]:
    """Policy by agent or group, "" for all others; `InputError` where two are given for the same."""
    out: dict[str, str] = {}
    for text in assignments:
        who, name = split_assignment(spec, text)
        if not name:
            raise InputError(f"--policy {text!r} names no policy")
        if who in out:
            raise InputError(f"two policies for {who or 'everybody'}: {out[who]} and {name}")
        out[who] = name
    return out


def _both(first: Watch | None, second: Watch | None) -> Watch | None:
    if first is None or second is None:
        return first or second

    def watch(world: World, step: Step, actions: tuple[Array, ...] | None) -> None:
        first(world, step, actions)
        second(world, step, actions)

    return watch


class _Told:
    """Tells the person at the terminal what everybody can see of each step."""

    def __init__(self, session: Session, episodes: int) -> None:
        self._session, self._env = session, session.seen
        self._episodes, self._episode = episodes, 0
        self._hidden = has_secrets(session._uri)

    def __call__(self, world: World, step: Step, actions: tuple[Array, ...] | None) -> None:
        spec, self._session.world = self._env.spec, world
        if actions is None:
            self._episode += 1
            _tell("" if self._episodes == 1 else f"--- episode {self._episode} of {self._episodes} ---")
        over = bool(step.last[0])
        if (over or not self._hidden) and (text := scene_text(self._env.scene(world, 0))):
            _tell(text)
        if over:
            rewards = ", ".join(f"{a} {r:g}" for a, r in zip(spec.agents, step.rewards[0]))
            _tell(f"It is over. Last rewards: {rewards}")


def has_secrets(uri: str) -> bool:
    """Whether a picture of the whole would show a player what is hidden from it: cards, say, in a game tree."""
    scheme, colon, _ = uri.partition(":")
    return not colon or scheme.lower() not in HOMES or scheme.lower() == "openspiel"


def _ask(prompt: str) -> str:
    """A line from the terminal; the question goes to stderr, as stdout is for results."""
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise EOFError
    return line


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
