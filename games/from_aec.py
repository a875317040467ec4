"""One PettingZoo AEC environment as the inside of a sub-environment: one agent acts at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from games.from_objects import Actor
from games.from_packages import told
from games.from_parallel import write_state
from games.from_slate import Layout, Seat, Slate


class AecActor(Actor):
    """Drives an AEC environment; the steps that the dead must take are hidden.

    Rewards are paid as ``rewards`` gives them after every step. Whenever an agent is selected, what it was paid since
    it last acted is set right to what ``last()`` reports, so that its return is always the one that the official loop
    adds up. An agent is out from the step at which it is terminated or truncated; that step still shows what it sees
    last. Where the global state is made of observations everybody looks around after every step; else only the agent
    whose turn it is, and the others see zeros. When nobody is left the game has ended, unless at least one of those who went last was truncated and not
    terminated: then the episode is cut off and these stay alive.
    """

    def __init__(self, env: Any, layout: Layout) -> None:
        super().__init__(env, layout)
        self.known = {seat.name: seat for seat in layout.seats}
        self.living: dict[Any, Seat] = {}
        self.paid: dict[Any, float] = {}
        self.turn: Seat = layout.seats[0]
        self.inside = env
        self.all_look = layout.spec.state > 0 and not layout.own_state

    def begin(self, seed: int, slate: Slate, b: int) -> None:
        """Reset with a seed."""
        self.time = 0
        try:
            self.env.reset(seed=seed)
        except (Exception, SystemExit) as error:
            raise self.wrong(f"the environment raised {told(error)} in reset") from error
        env = self.inside = _innermost(self.env)
        self._check_known(self.known)
        present = set(env.agents)
        self.living = {seat.name: seat for seat in self.layout.seats if seat.name in present}
        self.paid = dict.fromkeys(self.living, 0.0)
        for name in self.living:
            if env.terminations[name] or env.truncations[name]:
                raise self.wrong(f"{name} is terminated or truncated after reset")
        for seat in self.living.values():
            slate.alive[seat.g][b, seat.i] = True
        if not self.living:
            raise self.wrong("nobody is in `agents` after reset")
        self._look_around(slate, b)
        self._pass_turn(slate, b)

    def step(self, actions: Sequence[Any], slate: Slate, b: int) -> None:
        """The selected agent acts."""
        self.time += 1
        env, seat = self.inside, self.turn
        action = self.action(seat, actions, b)
        try:
            self.env.step(action)
            rewards, ended, cut = env.rewards, env.terminations, env.truncations
        except (Exception, SystemExit) as error:
            raise self.raised(error) from error
        slate.acting[seat.g][b, seat.i] = False
        self.paid[seat.name] = 0.0
        living, paid = self.living, self.paid
        for name, reward in rewards.items():
            if reward and name in living:
                self.pay(slate, b, living[name], reward)
                paid[name] += reward
        self._check_known(living)
        try:
            leaving = [s for name, s in living.items() if name not in ended or ended[name] or cut[name]]
        except KeyError as error:
            raise self.wrong(f"{error.args[0]} is missing from the truncations {self.when}") from error
        if leaving:
            self._let_go(leaving, slate, b)
        else:
            seen = self._settle(slate, b, observe=not self.all_look)
            if self.all_look:
                self._look(living.values(), slate, b)
            else:
                self._show(seen, slate, b)
            self._pass_turn(slate, b)

    def _let_go(self, leaving: list[Seat], slate: Slate, b: int) -> None:
        """Some agents go; the episode stops with the last of them."""
        env, next_up = self.inside, self.inside.agent_selection
        gone = {seat.name for seat in leaving}
        staying = {name: seat for name, seat in self.living.items() if name not in gone}
        here = [seat for seat in leaving if seat.name in env.terminations]
        dropped = (
            [] if staying else [s for s in here if env.truncations[s.name] and not env.terminations[s.name]]
        )
        self._look(here, slate, b)
        for seat in leaving:
            if seat not in dropped:
                self.leave(slate, b, seat)
        self._bury(slate, b)
        self.living = staying
        if staying:
            self._check_known(staying)
            self._look_around(slate, b)
            self._pass_turn(slate, b)
            return
        if dropped:
            seat = next((s for s in dropped if s.name == next_up), dropped[0])
            slate.acting[seat.g][b, seat.i] = True
        self.stop(slate, b, ended=not dropped)

    def _bury(self, slate: Slate, b: int) -> None:
        """Take the steps of the dead, settling what each of them is still owed."""
        env = self.inside
        for _ in range(len(self.layout.seats)):
            if not env.agents:
                return
            name = env.agent_selection
            if not (env.terminations.get(name) or env.truncations.get(name)):
                self._settle(slate, b)
                return
            self._settle(slate, b)
            try:
                self.env.step(None)
            except (Exception, SystemExit) as error:
                raise self.wrong(
                    f"the environment raised {told(error)} in {name}'s step with None {self.when}"
                ) from error
            if name in env.agents:
                raise self.wrong(f"{name} is still in `agents` after its last step, with None, {self.when}")

    def _settle(self, slate: Slate, b: int, observe: bool = False) -> Any:
        """Pay the selected agent the difference to what `last()` says that it has earned since it acted.

        Returns what it sees, if asked to.
        """
        name = self.inside.agent_selection
        if name not in self.living:
            raise self.wrong(f"{name} is selected {self.when} but not in `agents`")
        try:
            seen, earned, *_ = self.env.last(observe=observe)
        except Exception as error:
            raise self.wrong(f"last() raised {told(error)} for {name} {self.when}") from error
        if earned != self.paid[name]:
            self.pay(slate, b, self.living[name], earned - self.paid[name])
            self.paid[name] = earned
        return seen

    def _show(self, seen: Any, slate: Slate, b: int) -> None:
        """What the selected agent sees, and the state."""
        seat = self.living[self.inside.agent_selection]
        self.show(slate, b, seat, seen, self.inside.infos.get(seat.name))
        if self.layout.own_state:
            write_state(self, slate, b)

    def _pass_turn(self, slate: Slate, b: int) -> None:
        name = self.inside.agent_selection
        if name not in self.living:
            raise self.wrong(f"{name} is selected {self.when} but not in `agents`")
        self.turn = seat = self.living[name]
        slate.acting[seat.g][b, seat.i] = True
        self.check_free(slate, b, (seat,))

    def _look_around(self, slate: Slate, b: int) -> None:
        """Those look around who have a reason to."""
        if self.all_look:
            self._look(self.living.values(), slate, b)
        else:
            seat = self.living.get(self.inside.agent_selection)
            self._look(() if seat is None else (seat,), slate, b)

    def _look(self, seats: Any, slate: Slate, b: int) -> None:
        """Some agents look around, and the state is taken down."""
        infos = self.inside.infos
        for seat in seats:
            try:
                value = self.env.observe(seat.name)
            except Exception as error:
                raise self.wrong(f"observe({seat.name!r}) raised {told(error)} {self.when}") from error
            self.show(slate, b, seat, value, infos.get(seat.name))
        if self.layout.own_state:
            write_state(self, slate, b)

    def _check_known(self, allowed: Any) -> None:
        for name in self.inside.agents:
            if name not in allowed:
                if name in self.known:
                    raise self.wrong(
                        f"{name} is in `agents` again {self.when}; agents may leave an episode but not come back"
                    )
                raise self.wrong(f"{name} is in `agents` {self.when} but not in `possible_agents`")


_PLAIN = ("agents", "agent_selection", "rewards", "terminations", "truncations", "infos")


def _innermost(env: Any) -> Any:
    """The environment inside its wrappers, if they show its attributes as they are: each wrapper makes asking dearer."""
    inside = getattr(env, "unwrapped", env)
    if all(getattr(inside, name, None) is getattr(env, name) for name in _PLAIN):
        return inside
    return env
