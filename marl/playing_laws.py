"""Laws of learners about the policies they make: see `marl.learner_laws`.

Policies are shown what was seen while the learner trained, step after step; then something of it is changed that must
not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from games.env import Step, View, check_actions
from games.errors import InputError
from games.play import play_episodes
from games.policy import Independent
from games.spaces import Box
from games.streams import draw_seeds
from marl.learner_trial import LearnerTrial, random_masks
from marl.neural import apart, seats

Array = npt.NDArray[Any]


def actions_are_legal(trial: LearnerTrial) -> None:
    """Whoever acts does something legal: as recorded, under random masks, and where only one action is legal."""
    rng = trial.rng(5)
    shown = {
        "as recorded": trial.seen,
        "under random masks": [_masked(trial, step, rng, False) for step in trial.seen],
        "where only one action is legal": [_masked(trial, step, rng, True) for step in trial.seen],
    }
    for how, steps in shown.items():
        for name, team in trial.teams(trial.grown).items():
            for step, actions in zip(steps, trial.answers(team, steps)):
                try:
                    check_actions(trial.env.spec, step, actions)
                except InputError as error:
                    raise trial.broken(f"{name} plays no legal action {how}: {error}") from None


def policies_hold_no_state(trial: LearnerTrial) -> None:
    """The same policy, shown the same again, does the same."""
    for name, team in trial.teams(trial.grown).items():
        first, second = (trial.answers(team, trial.seen) for _ in range(2))
        trial.check_same_answers(first, second, f"{name}, shown the same twice, does not do the same")


def global_state_is_not_seen(trial: LearnerTrial) -> None:
    """Another global state never changes an action; of a team that says it sees it (`sees_state`), once it plays apart."""
    rng = trial.rng(6)
    others = [
        step._replace(state=rng.normal(size=step.state.shape).astype(np.float32) * 10) for step in trial.seen
    ]
    for name, team in trial.teams(trial.grown).items():
        seeing = apart(team) if getattr(team, "sees_state", False) else team
        trial.check_same_answers(
            trial.answers(seeing, trial.seen),
            trial.answers(seeing, others),
            f"{name} looks at the global state",
        )


def others_are_not_seen(trial: LearnerTrial) -> None:
    """Decentralised execution: what other agents see and may do never changes an agent's action.

    A team that plays together must be able to play apart (`apart`), and then this holds.
    """
    rng, spec = trial.rng(7), trial.env.spec
    chosen = sorted({0, len(spec.agents) // 2, len(spec.agents) - 1}) if len(spec.agents) > 1 else []
    for agent in chosen:
        g, i = spec.places[spec.agents[agent]]
        others = [_strangers(trial, step, g, i, rng) for step in trial.seen]

        def mine(t: int, h: int, g: int = g, i: int = i) -> Array:
            where = np.zeros_like(trial.seen[t].groups[h].acting)
            where[:, i if h == g else slice(0)] = True
            return where & trial.seen[t].groups[h].acting

        for name, team in trial.teams(trial.grown).items():
            alone = apart(team)
            trial.check_same_answers(
                trial.answers(alone, trial.seen),
                trial.answers(alone, others),
                f"{name} looks at what other agents see or may do",
                mine,
            )


def _strangers(trial: LearnerTrial, step: Step, g: int, i: int, rng: np.random.Generator) -> Step:
    """A step in which everybody but agent i of group g sees and may do something else."""
    views = []
    for h, (group, view) in enumerate(zip(trial.env.spec.groups, step.groups)):
        sight = rng.normal(size=view.observation.shape).astype(np.float32)
        mask = random_masks(group.actions, view.acting.shape, rng, one=False)
        if h == g:
            sight[:, i], mask[:, i] = view.observation[:, i], view.mask[:, i]
        views.append(view._replace(observation=sight, mask=mask))
    return step._replace(groups=tuple(views))


def policies_stay_as_they_are(trial: LearnerTrial) -> None:
    """A policy is a copy: what is learned after it was made does not change what it does."""
    state = trial.fresh()
    team: Any = trial.learner.policy(state, False)
    before, gone = trial.answers(team, trial.seen), _told(team, trial.seen)
    for lesson in trial.lessons(state):
        state = lesson.state
    why = "a policy changes with what is learned after it was made"
    trial.check_same_answers(before, trial.answers(team, trial.seen), why)
    if _told(team, trial.seen) != gone:
        raise trial.broken(why)


def _told(team: Any, steps: list[Step]) -> list[bytes]:
    """What networks say before an action is drawn, which shows smaller changes than actions do."""
    return [
        part.outputs(
            steps[0].groups[g].agents(columns), part.start(steps[0].batch, columns.stop - columns.start)
        )[0].tobytes()
        for g, columns, part in getattr(team, "seats", [])
        if hasattr(part, "outputs")
    ]


def alone_as_in_a_batch(trial: LearnerTrial) -> None:
    """A policy does the same in a sub-environment alone as among others, in whatever order they stand."""
    everybody = np.arange(trial.width)
    for greedy, name in ((True, "the greedy policy"), (False, "the policy")):
        team = trial.learner.policy(trial.grown, greedy)
        together = trial.answers(team, trial.seen)
        for rows in (everybody[:1], everybody[-1:], everybody[::-1], everybody[5:50]):
            how = "alone" if len(rows) == 1 else "in another order or number"
            trial.check_same_answers(
                [[part[rows] for part in actions] for actions in together],
                trial.answers(team, trial.seen, rows),
                f"{name} plays differently when sub-environments stand {how}",
                trial.acting(trial.seen, rows),
            )


def matches_follow_their_seeds(trial: LearnerTrial) -> None:
    """A match of a policy is a function of its seed: whenever it is played it is the same."""
    seeds = draw_seeds(trial.rng(8), 5)
    limit = trial.max_steps if trial.env.spec.horizon is None else None
    for greedy, name in ((True, "the greedy policy"), (False, "the policy")):
        team = trial.learner.policy(trial.grown, greedy)
        first, *others = (play_episodes(trial.env, team, seeds, max_steps=limit) for _ in range(3))
        for other in others:
            if any((x != y).any() for x, y in zip(first[:4], other[:4], strict=True)):
                raise trial.broken(f"two matches of {name} with the same seed differ")


def seats_play_alike(trial: LearnerTrial) -> None:
    """Agents seated one by one, each with its own policy, do what the team does."""
    team = apart(trial.learner.policy(trial.grown, False))
    seated = Independent(trial.env.spec, seats(team))
    together, alone = trial.answers(team, trial.seen), trial.answers(seated, trial.seen)
    for g, group in enumerate(trial.env.spec.groups):
        if isinstance(group.actions, Box):  # sums over one agent are not rounded as sums over all
            for x, y in zip(together, alone):
                y[g] = np.where(np.isclose(x[g], y[g], rtol=1e-4, atol=1e-5), x[g], y[g])
    trial.check_same_answers(
        together, alone, "an agent that plays without the others differs", trial.acting(trial.seen)
    )


def _masked(trial: LearnerTrial, step: Step, rng: np.random.Generator, one: bool) -> Step:
    """A step with random masks."""
    views: list[View] = [
        view._replace(mask=random_masks(group.actions, view.acting.shape, rng, one))
        for group, view in zip(trial.env.spec.groups, step.groups)
    ]
    return step._replace(groups=tuple(views))
