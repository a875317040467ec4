"""What a run is asked to do, as checked records: the learner, the environment, how long, how often, which seeds."""

from __future__ import annotations

from dataclasses import asdict, replace
from dataclasses import dataclass as record
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from marl.learner import Learner
from marl.train import Plan

LINES = 500
"""Lines about updates that a run of the asked-for length writes, where nothing else is said."""
EVALUATIONS = 20
SHORTEST_SAVE = 50_000
"""Worlds begin anew after each checkpoint, so it should not come so often that long episodes never end."""
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Training:
    """How long to train, how often to look, and on what."""

    steps: int = Field(1_000_000, ge=1, description="joint environment steps, at least")
    batch: int = Field(16, ge=1, description="sub-environments that are played at once")
    evaluate_every: int | None = Field(
        None, ge=1, description="steps between evaluations; a twentieth of all if none"
    )
    episodes: int = Field(100, ge=2, description="of one evaluation")
    greedy: bool = Field(
        False, description="whether evaluations play the likeliest actions instead of drawing"
    )
    max_steps: int | None = Field(
        None, ge=1, description="where evaluation episodes are cut off, in environments without a horizon"
    )
    save_every: int | None = Field(
        None, ge=1, description="steps between checkpoints; a hundredth of all, at least 50,000, if none"
    )
    log_every: int | None = Field(
        None, ge=1, description="steps between lines about updates; a five-hundredth of all if none"
    )
    device: str = Field(
        "cpu", min_length=1, max_length=40, description="where networks live: cpu, cuda, cuda:1"
    )
    threads: int = Field(1, ge=1, le=4096, description="of torch, in every process that trains")
    env_workers: int = Field(1, ge=1, le=4096, description="processes that play the sub-environments")
    start: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="an earlier run, or a checkpoint, whose policies are gone on from (seed by seed where it has several)",
    )

    def filled(self) -> Training:
        """The same with what was left open decided."""
        return replace(
            self,
            evaluate_every=self.evaluate_every or max(1, self.steps // EVALUATIONS),
            save_every=self.save_every or max(SHORTEST_SAVE, self.steps // 100),
            log_every=self.log_every or max(1, self.steps // LINES),
        )


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Asked:
    """What stands beside the sections of the learner and of the training."""

    env: str = Field(min_length=1, description="the environment, such as foraging:8x8-2p-3f")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="the first seed of everything random")
    seeds: int = Field(1, ge=1, le=10_000, description="how many runs, with seeds one after the other")


@record(frozen=True)
class Spec:
    """Everything that decides how a run comes out.

    Parameters
    ----------
    env : str
        URI of the environment.
    name : str
        Of the learner: iql, vdn, qmix, ippo, mappo, bayes-net, mansa, decpomfc.
    learner : Learner
        Its hyperparameters.
    training : Training
        How long and how often, with nothing left open.
    seed, seeds : int
        The first seed, and how many.
    """

    env: str
    name: str
    learner: Any
    training: Training
    seed: int
    seeds: int

    def numbers(self) -> tuple[int, ...]:
        """All seeds."""
        return tuple(range(self.seed, self.seed + self.seeds))

    def plan(self, seed: int) -> Plan:
        """What the training loop is told for one seed."""
        how = self.training
        assert how.evaluate_every is not None and how.save_every is not None
        return Plan(
            steps=how.steps,
            batch=how.batch,
            evaluate_every=how.evaluate_every,
            save_every=how.save_every,
            episodes=how.episodes,
            max_steps=how.max_steps,
            greedy=how.greedy,
            seed=seed,
        )

    def document(self) -> dict[str, Any]:
        """The record as plain data; `experiments.training.config.spec_of` makes it again."""
        return {
            "env": self.env,
            "learner": learner_document(self.name, self.learner),
            "training": asdict(self.training),
            "seed": self.seed,
            "seeds": self.seeds,
        }


def learner_document(name: str, learner: Learner) -> dict[str, Any]:
    """A learner's name and hyperparameters as plain data, lists for tuples; its parts have names too."""
    from marl.learners import LEARNERS, name_of

    document: dict[str, Any] = {"name": name, **_plain(asdict(learner))}  # type: ignore[call-overload]
    for field in LEARNERS[name].parts:
        part = getattr(learner, field)
        document[field] = learner_document(name_of(part), part)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
