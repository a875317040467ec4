"""The laws of learners, as code: `check_learner` runs every one of them on a real learner in a real environment.

Each law is a function of a `LearnerTrial` that raises `LearnerLawBroken` in one sentence. The tests hold a broken
specimen against each law.
"""

from __future__ import annotations

from collections.abc import Callable

from games.env import Env
from games.errors import InputError
from marl.checkpoint_laws import (
    checkpoints_are_exact,
    misfits_are_refused,
    policies_travel_light,
)
from marl.learner import Learner
from marl.learner_trial import LearnerLawBroken as LearnerLawBroken
from marl.learner_trial import LearnerTrial
from marl.playing_laws import (
    actions_are_legal,
    alone_as_in_a_batch,
    global_state_is_not_seen,
    matches_follow_their_seeds,
    others_are_not_seen,
    policies_hold_no_state,
    policies_stay_as_they_are,
    seats_play_alike,
)
from marl.training_laws import (
    batches_are_left_alone,
    batches_are_not_kept,
    evaluation_disturbs_nothing,
    experience_matters,
    hyperparameters_stand_still,
    idle_actions_teach_nothing,
    metrics_are_finite,
    no_global_chance,
    resumed_as_if_never_stopped,
    same_seed_same_training,
)

Law = Callable[[LearnerTrial], None]


def check_learner(
    learner: Learner,
    env: Env,
    *,
    seed: int = 0,
    batch: int = 3,
    updates: int = 4,
    max_steps: int = 30,
    device: str = "cpu",
) -> tuple[str, ...]:
    """Hold a learner against every law.

    Parameters
    ----------
    learner : Learner
        The learner, with a short rollout and small networks: every law trains it anew.
    env : Env
        Where it plays.
    seed : int
        Of everything random.
    batch : int
        Sub-environments played at once, at least 2.
    updates : int
        How often it learns for each law: an even number, and enough for its first gradient step to be in the first half.
    max_steps : int
        Where matches are cut off, in an environment without a horizon.
    device : str
        Where networks live.

    Returns
    -------
    tuple of str
        Names of the laws that were checked, in order.

    Raises
    ------
    LearnerLawBroken
        At the first law that does not hold, saying which and where.
    InputError
        If the learner cannot play in the environment.
    """
    if batch < 2 or updates < 2 or updates % 2:
        raise InputError(
            f"laws are checked on at least 2 sub-environments and an even number of updates, not {batch} and {updates}"
        )
    learner.check(env.spec)
    trial = LearnerTrial(learner, env, seed, batch, updates, max_steps, device)
    for law in LAWS:
        law(trial)
    return tuple(law.__name__ for law in LAWS)


LAWS: tuple[Law, ...] = (
    hyperparameters_stand_still,
    metrics_are_finite,
    same_seed_same_training,
    experience_matters,
    batches_are_left_alone,
    batches_are_not_kept,
    idle_actions_teach_nothing,
    no_global_chance,
    actions_are_legal,
    policies_hold_no_state,
    matches_follow_their_seeds,
    policies_stay_as_they_are,
    alone_as_in_a_batch,
    global_state_is_not_seen,
    others_are_not_seen,
    seats_play_alike,
    checkpoints_are_exact,
    policies_travel_light,
    misfits_are_refused,
    evaluation_disturbs_nothing,
    resumed_as_if_never_stopped,
)
