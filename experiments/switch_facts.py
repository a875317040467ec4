"""Where a switched team calls its central policies: the share of calls by what is known of the state.

A team is watched while it plays (`experiments.switch_log`), then every feature of the states it decided in is cut into bins, and features
are ranked by how much they tell about the call: their mutual information with the bit, in nats. Steps of one episode
are not independent, so intervals of shares, which take them as such, are too narrow rather than too wide.

Letters: N steps, k features, K bins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.switch_bins import Binned, binned, entropy, information, kind, periods
from experiments.switch_features import Feature
from experiments.switch_log import CallLog, Visits
from experiments.switch_maps import CallMap, around_food, by_two
from games.env import Env
from games.errors import InputError
from games.play import Progress, play_episodes
from games.streams import draw_seeds
from marl.switched_team import SwitchedTeam

if TYPE_CHECKING:
    from experiments.training.runs import Run

Array = npt.NDArray[Any]

EPISODES = 500
SHOWN = 8
"""Features of which the bins are told, those that tell most."""
LONGEST = 100
"""Where episodes without a horizon are cut off."""


@dataclass(frozen=True)
class FeatureFacts:
    """Calls by a feature.

    Parameters
    ----------
    feature : Feature
        Its name and unit.
    information : float
        Mutual information of its bin and the call in nats, less what independent steps would have by chance,
        (K - 1) / 2 N; never below 0.
    bins : Binned
        Steps and calls.
    also : tuple of str
        Further features that are the same but for their scale, so that they tell the same.
    """

    feature: Feature
    information: float
    bins: Binned
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class SwitchFacts:
    """Where a team calls.

    Parameters
    ----------
    env : str
        Where it played.
    episodes, steps, calls : int
        How much of it, and how often it called.
    kept : int
        Steps behind everything that follows but the last, N.
    entropy : float
        Of the call bit in these, in nats: no feature can tell more.
    features : tuple of FeatureFacts
        Those that tell most first.
    constant : tuple of str
        Features that never changed.
    map : CallMap or None
        By two features: in foraging the distance of the second-nearest agent and how many foods are left (where there is
        but one, the distance of the nearest agent), else by those that tell most.
    over_steps : Binned
        By the step of the episode, from all steps.
    budget : int or None
        Calls of an episode at most.
    trained : int or None
        Joint steps for which the team was trained, if that is known.
    around : CallMap or None
        In foraging, by where agents stood, seen from the food that is nearest to each.
    """

    env: str
    episodes: int
    steps: int
    calls: int
    kept: int
    entropy: float
    features: tuple[FeatureFacts, ...]
    constant: tuple[str, ...]
    map: CallMap | None
    over_steps: Binned
    budget: int | None = None
    trained: int | None = None
    around: CallMap | None = None

    @property
    def share(self) -> float:
        """Share of steps with a call."""
        return self.calls / max(self.steps, 1)

    def by(self, feature: Feature) -> FeatureFacts | None:
        """What there is of a feature, or of one that is the same; None if it never changed."""
        names = ((one, (one.feature.name, *one.also)) for one in self.features)
        return next((one for one, known in names if feature.name in known), None)

    def to_document(self) -> dict[str, Any]:
        """What `--json` says: all features in their order, and the bins of those that tell most."""
        told = [
            {
                "name": one.feature.name,
                "unit": one.feature.unit or None,
                "information": one.information,
                "same_as": list(one.also),
                **({"bins": one.bins.to_document()} if k < SHOWN else {}),
            }
            for k, one in enumerate(self.features)
        ]
        return {
            "episodes": self.episodes,
            "steps": self.steps,
            "calls": self.calls,
            "looked_at": self.kept,
            "entropy": self.entropy,
            "features": told,
            "constant": list(self.constant),
            "over_steps": self.over_steps.to_document(),
        }


def switch_facts(
    env: Env,
    team: SwitchedTeam,
    rng: np.random.Generator,
    *,
    episodes: int = EPISODES,
    max_steps: int | None = None,
    progress: Progress | None = None,
) -> SwitchFacts:
    """Play, and tell where the team calls.

    Parameters
    ----------
    env : Env
        The environment.
    team : SwitchedTeam
        Who plays.
    rng : numpy.random.Generator
        Draws the episodes.
    episodes : int
        How many are played.
    max_steps : int, optional
        Where they are cut off; `LONGEST` if neither this nor the environment says.
    progress : callable, optional
        Told how far it is.

    Raises
    ------
    InputError
        If the team is not switched.
    """
    if not isinstance(team, SwitchedTeam):
        raise InputError("the team has no switch to look at")
    log = CallLog(env, team, rng)
    limit = LONGEST if max_steps is None and env.spec.horizon is None else max_steps
    play_episodes(env, log.watched, draw_seeds(rng, episodes), max_steps=limit, progress=progress)
    return facts_of(log.visits())


def run_switch_facts(
    run: Run, file: Path, *, seed: int = 0, device: str = "cpu", progress: Progress | None = None
) -> SwitchFacts:
    """Where the switched team in a checkpoint of a run of `staghunt train mansa` calls, played as its run judges it.

    Raises
    ------
    InputError
        If the checkpoint is damaged, or the team in it has no switch.
    """
    from experiments.evaluation_switch import switched_team
    from experiments.training.runs import team_of

    learner, env, state, _ = team_of(run, file, device=device)
    team = switched_team(learner, state, run.spec.training.greedy)
    if team is None:
        raise InputError(f"the team of {file} has no switch to look at")
    limit = run.spec.training.max_steps
    rng = np.random.default_rng(seed)
    found = switch_facts(env, team, rng, max_steps=limit, progress=progress)
    return replace(found, trained=getattr(state, "steps", None))


def facts_of(visits: Visits) -> SwitchFacts:
    """What a log makes of the steps it has seen."""
    found, constant, map_ = _by_features(visits.features, visits.seen, visits.called)
    steps, calls = visits.counted.sum(axis=0).tolist()
    return SwitchFacts(
        env=visits.env,
        episodes=visits.episodes,
        steps=steps,
        calls=calls,
        kept=len(visits.called),
        entropy=entropy(visits.called),
        features=found,
        constant=constant,
        map=map_,
        over_steps=periods(visits.counted),
        budget=visits.budget,
        around=around_food(visits.features, visits.seen, visits.called),
    )


# --- inside ---


def _by_features(
    features: tuple[Feature, ...], seen: Array, called: Array
) -> tuple[tuple[FeatureFacts, ...], tuple[str, ...], CallMap | None]:
    """Features that change, those that tell most first and each kind once; those that do not; and a map."""
    kinds: dict[bytes, list[int]] = {}
    for k in range(len(features)):
        kinds.setdefault(kind(seen[:, k]), []).append(k)
    constant = kinds.pop(np.zeros(len(seen), dtype=np.int64).tobytes(), [])
    codes, found = {}, []
    for first, *others in kinds.values():
        codes[features[first]], bins = binned(seen[:, first], called)
        told = tuple(features[k].name for k in others)
        found.append(FeatureFacts(features[first], information(bins), bins, told))
    found.sort(key=lambda one: -one.information)
    return tuple(found), tuple(features[k].name for k in constant), by_two(found, codes, called)
