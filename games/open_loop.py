"""Open-loop policies of swarms: a sequence of rules, one per step, that every agent follows by what it alone sees.

This is what a trained swarm executes: numbers that run without a network, without the mean field and without anybody
else. A file of them is plain JSON (`save_rules`, `load_rules`) and plays wherever a policy's name is asked for.

Source: Cui, Hauck, Fabian and Koeppl (ICLR 2024): in the limit of many agents the mean field moves without chance, so
that a policy of the mean field is one of the time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from games.atomic import write_atomically
from games.behavior_files import read_document
from games.env import EnvSpec, View
from games.errors import InputError
from games.streams import Streams
from games.swarm_rules import RuleFamily, Rules, Sight, sight_of

Array = npt.NDArray[Any]
FORMAT = "staghunt-rules"
VERSION = 1


class OpenLoop:
    """Acts by the t-th rule at step t.

    Parameters
    ----------
    family : RuleFamily
        From rules to actions.
    rules : Rules
        float64[T, M, k], one for each step.
    greedy : bool
        Whether agents take the mean of their distribution instead of drawing.
    made_in : str
        The environment for which they were made, for messages.

    Raises
    ------
    InputError
        If the rules do not fit the family.
    """

    def __init__(
        self, family: RuleFamily, rules: Rules, *, greedy: bool = False, made_in: str = "a swarm"
    ) -> None:
        self.family, self.greedy, self.made_in = family, greedy, made_in
        self.rules = Rules(*(np.array(part, dtype=np.float64) for part in rules))
        shape = (len(self.rules.means), family.count, len(family.low))
        if any(part.shape != shape for part in self.rules) or not len(self.rules.means):
            raise InputError(
                f"rules for {made_in} have shapes {self.rules.means.shape} and {self.rules.spreads.shape}, expected "
                f"(steps, {family.count}, {len(family.low)})"
            )
        if not all(np.isfinite(part).all() for part in self.rules) or (self.rules.spreads <= 0).any():
            raise InputError(
                f"rules for {made_in} hold a number that is not finite, or a spread that is not above 0"
            )
        low, high = np.array(family.low), np.array(family.high)
        slack = 1e-9 * (high - low)
        if ((self.rules.means < low - slack) | (self.rules.means > high + slack)).any():
            raise InputError(f"rules for {made_in} have a mean outside the actions' bounds")
        for part in self.rules:
            part.setflags(write=False)

    def __repr__(self) -> str:
        return f"OpenLoop({self.horizon} steps, {self.family.family}, greedy={self.greedy})"

    @property
    def horizon(self) -> int:
        """T, how many steps there are rules for."""
        return len(self.rules.means)

    def check(self, spec: EnvSpec) -> None:
        """`InputError` unless these rules can be followed in a swarm: other observations, other actions, too few steps."""
        sight = sight_of(spec)
        if sight != self.family.sight:
            raise InputError(
                f"these rules are for what is seen in {self.made_in} ({self.family.sight}), and {spec.name} shows "
                f"something else ({sight})"
            )
        bounds = (getattr(spec.groups[0].actions, name, None) for name in ("low", "high"))
        if tuple(bounds) != (self.family.low, self.family.high):
            raise InputError(
                f"these rules are for the actions of {self.made_in}, and those of {spec.name} are others"
            )
        if spec.horizon is None or spec.horizon > self.horizon:
            wanted = "no end" if spec.horizon is None else f"{spec.horizon:,} steps"
            raise InputError(
                f"these rules are {self.horizon:,}, one per step, and an episode of {spec.name} has {wanted}; make them "
                f"from a run trained with that horizon, or play horizon={self.horizon}"
            )

    def start(self, batch: int, agents: int = 0) -> Array:
        """The step everywhere: zeros int32[B]."""
        return np.zeros(batch, dtype=np.int32)

    def sample(self, view: View, memory: Array, streams: Streams) -> tuple[Array, Array]:
        """Everybody follows the rule of the step, drawing from its own stream."""
        at = np.minimum(memory, self.horizon - 1)  # matches that are over are shown too
        now = Rules(*(part[at][:, None] for part in self.rules))
        return self.family.act(now, view.observation, streams, self.greedy), memory + 1


def save_rules(path: str | Path, policy: OpenLoop, **about: Any) -> Path:
    """Write an open-loop policy as JSON, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Where to, conventionally ``.json``.
    policy : OpenLoop
        The rules; numbers read back exactly.
    **about
        Anything else worth keeping that JSON can hold.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    path = Path(path)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "made_in": policy.made_in,
        "greedy": policy.greedy,
        **about,
        "family": policy.family.document(),
        "means": policy.rules.means.tolist(),
        "spreads": policy.rules.spreads.tolist(),
    }
    text = json.dumps(document, allow_nan=False)
    try:
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def is_rules(document: Any) -> bool:
    """Whether a JSON document holds an open-loop policy."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def load_rules(path: str | Path, spec: EnvSpec, greedy: bool | None = None) -> OpenLoop:
    """The open-loop policy in a file, for a swarm; greedy or not as it was written, unless said otherwise.

    Raises
    ------
    InputError
        If the file cannot be read, holds something else, or does not fit the environment (`OpenLoop.check`).
    """
    document = read_document(Path(path))
    if not is_rules(document):
        raise InputError(
            f"{path} holds no rules of a swarm; expected what `staghunt evaluate RUN --rules FILE` wrote"
        )
    if type(document.get("version")) is not int or document["version"] != VERSION:
        raise InputError(
            f"{path} has version {document.get('version')!r:.20} of its format; expected {VERSION}"
        )
    try:
        policy = _read(document, greedy)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise InputError(f"{path}: {error}") from None
        raise InputError(f"{path} is damaged: it lacks a part of its rules, or one is not a number") from None
    try:
        policy.check(spec)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return policy


def _read(document: dict[str, Any], greedy: bool | None) -> OpenLoop:
    given = dict(document["family"])
    periodic = tuple(given["sight"]["periodic"])
    if type(given["points"]) is not int or not all(type(x) is bool for x in periodic):
        raise ValueError
    family = RuleFamily(
        family=given["family"],
        sight=Sight(_numbers(given["sight"]["low"]), _numbers(given["sight"]["high"]), periodic),
        points=given["points"],
        bandwidth=_number(given["bandwidth"]),
        low=_numbers(given["low"]),
        high=_numbers(given["high"]),
        spread=_number(given["spread"]),
    )
    rules = Rules(_table(document["means"]), _table(document["spreads"]))
    chosen = document.get("greedy", False) is True if greedy is None else greedy
    return OpenLoop(family, rules, greedy=chosen, made_in=str(document.get("made_in", "a swarm"))[:200])


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError
    return float(value)


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(_number(value) for value in values)


def _table(values: Any) -> Array:
    """Nested lists of numbers; `ValueError` if they are anything else."""
    table = np.array(values)
    if table.dtype.kind not in "if":
        raise ValueError
    return table.astype(np.float64)
