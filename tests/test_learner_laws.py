"""Every law of learners holds for all of ours, and catches a broken specimen made for it."""

from __future__ import annotations

from typing import Any

import pytest
from faulty_learners import (
    SMALL,
    Absent,
    Clinging,
    Counting,
    Crashing,
    Deaf,
    Forgetting,
    Gambling,
    Gullible,
    Halving,
    Heavy,
    Hoarding,
    Idle,
    Live,
    Misnumbered,
    Moody,
    Noting,
    PeekingExplorer,
    Reporting,
    Rounding,
    Scribbling,
    Seedless,
    Shy,
    Spoilt,
    Thawed,
    Tired,
    Trusting,
    Whimsical,
    Wrapped,
    envious,
    gregarious,
    lawless,
    nosy,
    peeking,
    ranked,
)
from small_worlds import cue, mixed, target
from walkers import walkers

from games import make_env
from games.errors import InputError
from marl.learner_laws import LAWS, LearnerLawBroken, check_learner
from marl.learners import LEARNERS
from marl.ppo import PPO

NAMES = tuple(law.__name__ for law in LAWS)


def test_a_wrapped_learner_obeys_every_law() -> None:
    assert check_learner(Wrapped(), walkers()) == NAMES


def nan_later(steps: int) -> dict[str, Any]:
    return {"loss": float("nan") if steps > 40 else 0.0}


def seldom(steps: int) -> dict[str, Any]:
    return {"loss": 0.0} if steps > 40 else {}


def whole_numbers(steps: int) -> dict[str, Any]:
    return {"loss": steps}


NOT_SAME = "two different courses of training"
SPECIMENS: list[tuple[Any, str]] = [
    (Thawed(), "it is not a frozen dataclass"),
    (Counting(), "training changes its hyperparameters"),
    (Hoarding(), "training changes its hyperparameters"),
    (Whimsical(), "the same seed gives two different fresh states"),
    (Moody(), NOT_SAME),
    (Seedless(), "different seeds give the same fresh state"),
    (Idle(), "updates do not change the policies"),
    (Deaf(), "whatever it experiences, it learns the same"),
    (Reporting(told=nan_later), "the metric 'loss' of update 3 is nan"),
    (Reporting(told=seldom), "not every update has the metric 'loss'"),
    (Reporting(told=whole_numbers), "is 18, not a finite float"),
    (Scribbling(), "writes into the batch"),
    (Forgetting(), "writes into the batch"),
    (Clinging(), "goes on using the arrays of a batch"),
    (Gullible(), "actions of agents that do not act change what is learned"),
    (Gambling(which="numpy"), "numpy's global random generator"),
    (Gambling(which="torch"), "torch's global random generator"),
    (Gambling(which="python"), "python's global random generator"),
    (Spoilt(spoil=lawless, explores=False), "the policy plays no legal action"),
    (Tired(), "shown the same twice, does not do the same"),
    (Tired(after=2), "two matches of the policy with the same seed differ"),
    (Live(), "a policy changes with what is learned after"),
    (Spoilt(spoil=gregarious, explores=False), "plays differently when sub-environments stand alone"),
    (Spoilt(spoil=ranked, explores=False), "plays differently when sub-environments stand"),
    (Spoilt(spoil=peeking), "the policy looks at the global state"),
    (PeekingExplorer(), "exploration looks at the global state"),
    (Spoilt(spoil=nosy), "looks at what other agents see or may do"),
    (Spoilt(spoil=envious), "looks at what other agents see or may do"),
    (Misnumbered(), "an agent that plays without the others differs: B does something else"),
    (Noting(note=(1, 2)), "neither a tensor nor plain JSON"),
    (Noting(note=float("inf")), "neither a tensor nor plain JSON"),
    (Noting(note={3: 4}), "a checkpoint cannot be written"),
    (Rounding(), "not the same after it is saved and loaded"),
    (Heavy(), "is larger than one of everything"),
    (Halving(), "a checkpoint of the policies alone plays differently"),
    (Trusting(), "is loaded as if it fitted"),
    (Crashing(), "a checkpoint that is empty raises KeyError, not InputError"),
    (Shy(), "evaluation disturbs training"),
    (Absent(), "is not as if it had never stopped"),
]


@pytest.mark.parametrize(("learner", "told"), SPECIMENS, ids=[type(one).__name__ for one, _ in SPECIMENS])
def test_a_broken_specimen_is_caught(learner: Any, told: str) -> None:
    with pytest.raises(LearnerLawBroken, match=rf"^{type(learner).__name__} in walkers: ") as caught:
        check_learner(learner, walkers())
    assert told in str(caught.value)


def test_a_learner_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="at least one unit"):
        check_learner(PPO(hidden=(0,)), walkers())
    for odd in ({"batch": 1}, {"updates": 3}, {"updates": 0}):
        with pytest.raises(InputError, match="at least 2 sub-environments and an even number of updates"):
            check_learner(SMALL, walkers(), **odd)


def small(name: str, **others: Any) -> Any:
    """A learner that learns in its first update, and is done soon."""
    quick: dict[str, Any] = {"rollout": 5, "hidden": (8,)}
    if name in ("ippo", "mappo"):
        quick |= {"epochs": 2}
    else:
        quick |= {"warmup": 10, "learn_every": 15, "batch_size": 4, "capacity": 60, "target_every": 2}
    return LEARNERS[name].make(**quick, **others)


FORAGING, KUHN, CLIMBING = (
    "foraging:5x5-2p-1f-coop",
    "openspiel:kuhn_poker?compiled=true",
    "coordination:climbing",
)
OURS: list[tuple[Any, Any]] = [
    (small("iql"), FORAGING),
    (small("iql", recurrent=True), KUHN),
    (small("vdn"), KUHN),
    (small("qmix", recurrent=True), CLIMBING),
    (small("qmix", sharing="separate"), FORAGING),
    (small("ippo"), KUHN),
    (small("ippo", recurrent=True), mixed),
    (small("ippo", sharing="separate", anneal=True, anneal_steps=60), target),
    (small("mappo"), mixed),
    (small("mappo", recurrent=True, minibatches=2), walkers),
    (small("mappo", sharing="separate", reward="team"), CLIMBING),
    (small("mappo", recurrent=True, sharing="shared"), cue),
    (small("mappo", minibatches=3, clip_value=0.2, normalise_values=False), FORAGING),
]


def named(case: Any) -> str:
    return case.__name__ if callable(case) else str(case)[:30]


@pytest.mark.parametrize(("learner", "env"), OURS, ids=named)
def test_our_learners_obey_every_law(learner: Any, env: Any) -> None:
    assert check_learner(learner, env() if callable(env) else make_env(env), updates=2, max_steps=12) == NAMES
