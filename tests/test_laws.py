"""Every law of environments holds on a good one and catches a broken specimen made for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from walkers import Broken, WalkerRules, walkers, with_view

from games import check_env, make_env
from games.env import EnvSpec, Step
from games.errors import InputError
from games.laws import LAWS
from games.sims.simulation import Running, Simulation
from games.trial import LawBroken


@pytest.mark.parametrize("options", [{}, {"common": True}, {"horizon": None}, {"horizon": 1}])
def test_walkers_obey_every_law(options: dict[str, Any]) -> None:
    assert check_env(walkers(**options)) == tuple(law.__name__ for law in LAWS)


@pytest.mark.parametrize(
    "name", ["chicken", "rock-paper-scissors", "random?shape=2x3x4&seed=1", "random?shape=1x1&seed=1"]
)
def test_matrix_games_obey_every_law(name: str) -> None:
    check_env(make_env(f"zoo:{name}"))


def wide_observation(when: str, world: Running, step: Step) -> Step:
    return with_view(step, observation=step.groups[0].observation.astype(np.float64))


def not_finite(when: str, world: Running, step: Step) -> Step:
    state = step.state.copy()
    state[0, 0] = np.nan if when == "step" else 0
    return step._replace(state=state)


def row_out_of_range(when: str, world: Running, step: Step) -> Step:
    return with_view(step, row=step.groups[0].row + np.int32(3))


def reward_at_the_start(when: str, world: Running, step: Step) -> Step:
    return with_view(step, reward=step.groups[0].reward + 1.0) if when == "reset" else step


def nobody_acts(when: str, world: Running, step: Step) -> Step:
    return with_view(step, acting=np.zeros_like(step.groups[0].acting)) if when == "step" else step


def nothing_legal(when: str, world: Running, step: Step) -> Step:
    mask = step.groups[0].mask.copy()
    if when == "step" and world.time[0] == 5:
        mask[0, 1] = False
    return with_view(step, mask=mask)


def end_without_stop(when: str, world: Running, step: Step) -> Step:
    return step._replace(last=step.last & (step.discount == 1))


def half_an_end(when: str, world: Running, step: Step) -> Step:
    return step._replace(discount=step.discount * np.float32(0.5)) if when == "step" else step


def acts_after_the_end(when: str, world: Running, step: Step) -> Step:
    view = step.groups[0]
    over = (step.discount == 0)[:, None]
    return with_view(
        step, acting=view.acting | over, alive=view.alive | over, mask=view.mask | over[..., None]
    )


class Counting(Simulation):
    """Plays a little differently every time it is reset."""

    resets = 0

    def reset(self, seeds: Any) -> tuple[Running, Step]:
        self.resets += 1
        return super().reset(seeds + np.uint64(self.resets))


class Crowded(Simulation):
    """Sub-environments depend on how many there are."""

    def reset(self, seeds: Any) -> tuple[Running, Step]:
        return super().reset(seeds + np.uint64(len(seeds)))


class Ordered(Simulation):
    """Sub-environments depend on their place in the batch."""

    def reset(self, seeds: Any) -> tuple[Running, Step]:
        return super().reset(
            seeds + np.where(np.arange(len(seeds)) == 0, 0, seeds[0] % np.uint64(2) + np.uint64(1))
        )


class Seedless(Simulation):
    """Ignores its seeds; so do its players, whose actions are all alike."""

    def reset(self, seeds: Any) -> tuple[Running, Step]:
        return super().reset(seeds * np.uint64(0))


class RestlessEnd(Simulation):
    """A stopped episode still counts its steps."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        world, step = super().step(world, actions)
        world.state["steps"] = world.state.get("steps", 0) + step.last
        return world, step._replace(state=step.state + world.state["steps"][:, None].astype(np.float32))

    def restart(self, world: Running, where: Any) -> tuple[Running, Step]:
        world.state["steps"] = world.state.get("steps", 0) * ~where
        return super().restart(world, where)


class RewardedEnd(Simulation):
    """A stopped episode goes on paying."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        stopped = world.step.last
        world, step = super().step(world, actions)
        return world, with_view(step, reward=step.groups[0].reward + stopped[:, None])


class RestartsAll(Simulation):
    """Restarts every sub-environment when one is asked for."""

    def restart(self, world: Running, where: Any) -> tuple[Running, Step]:
        return super().restart(world, np.ones_like(where))


class NeverRestarts(Simulation):
    """Leaves a stopped episode as it was."""

    def restart(self, world: Running, where: Any) -> tuple[Running, Step]:
        return world, world.step


class Lenient(Simulation):
    """Plays the nearest action instead of refusing an illegal one."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        view = world.step.groups[0]
        shaped = (
            np.broadcast_to(actions[0], view.acting.shape)
            if actions[0].size
            else np.zeros(view.acting.shape, int)
        )
        near = np.where(
            np.take_along_axis(view.mask, shaped.clip(0, 2)[..., None], -1)[..., 0], shaped.clip(0, 2), 0
        )
        return super().step(world, (near,))


class HalfDone(Simulation):
    """Draws from its streams before it refuses."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        if actions[0].shape != world.step.groups[0].acting.shape:
            world.streams.bits()
        return super().step(world, actions)


class Meddling(Simulation):
    """Lets agents that do not act decide something after all."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        junk = (np.asarray(actions[0]) < 0).any(axis=1)
        world, step = super().step(world, actions)
        return world, step._replace(state=step.state + np.float32(1) * junk[:, None])


class Scribbling(Simulation):
    """Writes into the actions it is given."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        result = super().step(world, actions)
        actions[0][:] = 0
        return result


class Recycling(Simulation):
    """Returns the same array every time."""

    buffer: Any = None

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        world, step = super().step(world, actions)
        if self.buffer is None or self.buffer.shape != step.state.shape:
            self.buffer = np.empty_like(step.state)
        self.buffer[:] = step.state
        return world, step._replace(state=self.buffer)


class Overlong(Simulation):
    """Promises a horizon it does not keep."""

    @property
    def spec(self) -> EnvSpec:
        spec = self.rules.spec
        return EnvSpec(spec.name, spec.groups, spec.state, horizon=4)

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        world.time[:] = 0
        return super().step(world, actions)


class Uneven(Simulation):
    """Promises a common reward."""

    @property
    def spec(self) -> EnvSpec:
        spec = self.rules.spec
        return EnvSpec(spec.name, spec.groups, spec.state, spec.horizon, common_reward=True)


class AllAtOnce(Simulation):
    """Promises turns."""

    @property
    def spec(self) -> EnvSpec:
        spec = self.rules.spec
        return EnvSpec(spec.name, spec.groups, spec.state, spec.horizon, turn_based=True)


class Undead(Simulation):
    """Walkers that are out come back after a while."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        world.state["out"][world.time % 5 == 4] = False
        world.state["x"][world.time % 5 == 4] = 0
        return super().step(world, actions)


class Haunted(Simulation):
    """Walkers that are out go on being paid."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        out = ~world.step.groups[0].alive & ~world.step.last[:, None]
        world, step = super().step(world, actions)
        return world, with_view(step, reward=step.groups[0].reward + out)


def blurred_rows(when: str, world: Running, step: Step) -> Step:
    return with_view(step, row=step.groups[0].row // np.int32(2))


class Gambling(Simulation):
    """Draws from numpy's global generator."""

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        np.random.random()  # noqa: NPY002
        return super().step(world, actions)


class Possessive(Simulation):
    """Keeps its world for itself and plays on in the last one that it made."""

    def reset(self, seeds: Any) -> tuple[Running, Step]:
        self.world, step = super().reset(seeds)
        return self.world, step

    def step(self, world: Running, actions: Any) -> tuple[Running, Step]:
        return super().step(self.world, actions)


class Stirring(Simulation):
    """Draws from everybody's stream when one is restarted."""

    def restart(self, world: Running, where: Any) -> tuple[Running, Step]:
        world.streams.bits()
        return super().restart(world, where)


def fast(kind: type[Simulation], **options: Any) -> Simulation:
    return kind(WalkerRules(**options))


SPECIMENS = [
    (Broken(wide_observation), "observation of group 'walkers' after reset is float64"),
    (Broken(not_finite), "nan, which is not a finite number"),
    (Broken(row_out_of_range), "outside 0..9"),
    (Broken(reward_at_the_start), "reward before its first step"),
    (Broken(nobody_acts), "nobody acts after step 1"),
    (Broken(nothing_legal), "B acts after step 5 in sub-environment 0, but has no legal action"),
    (Broken(end_without_stop), "discount is 0 though the episode has not stopped"),
    (Broken(half_an_end), "is 0.5, neither 0 nor 1"),
    (Broken(acts_after_the_end), "though the game has ended"),
    (fast(Counting), "the same seeds and actions give two different plays"),
    (fast(Crowded), "plays differently alone than in a batch"),
    (fast(Ordered), "plays differently alone than in a batch"),
    (fast(RestlessEnd), "a stopped episode goes on: its state changes"),
    (fast(RewardedEnd), "a stopped episode still gives rewards"),
    (fast(RestartsAll), "restart changes the"),
    (fast(NeverRestarts, horizon=1), "already stopped after restart"),
    (fast(Possessive), "a second world of the same environment disturbs the first"),
    (fast(Stirring, horizon=3), "restarting one sub-environment changes the"),
    (fast(Lenient), "a bad action is accepted"),
    (fast(HalfDone), "a refused action changes what comes next"),
    (fast(Meddling), "agent that does not act changes the state"),
    (fast(Scribbling), "step writes into the actions it was given"),
    (fast(Recycling), "the state of an earlier step is overwritten"),
    (fast(Overlong), "goes on after the horizon of 4 steps"),
    (fast(Uneven), "though the spec says common reward"),
    (fast(AllAtOnce), "two agents act at once"),
    (fast(Undead), "is back after step"),
    (fast(Haunted), "that is out gets a reward"),
    (Broken(blurred_rows), "stands for two different situations"),
    (fast(Gambling), "numpy's global random generator"),
]


@pytest.mark.parametrize(("env", "told"), SPECIMENS, ids=lambda x: x if isinstance(x, str) else None)
def test_a_broken_specimen_is_caught(env: Simulation, told: str) -> None:
    with pytest.raises(LawBroken, match=r"^walkers: ") as caught:
        check_env(env, steps=150)
    assert told in str(caught.value)


def test_an_environment_deaf_to_its_seeds_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from games import trial
    from games.policy import Independent, Tabular

    monkeypatch.setattr(
        trial, "random_policy", lambda spec: Independent(spec, Tabular(np.eye(3)[np.zeros(10, dtype=int)]))
    )
    with pytest.raises(LawBroken, match="different seeds give the same play"):
        check_env(fast(Seedless))


def test_too_small_a_trial_is_refused() -> None:
    with pytest.raises(InputError, match="at least 2 sub-environments"):
        check_env(walkers(), batch=1)
