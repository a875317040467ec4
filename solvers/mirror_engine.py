"""Magnetic mirror descent as an engine for `solvers.self_play.play`: state, defaults and distances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.simplices import Float
from games.tree import TreeGame
from solvers.best_response import arrays, to_behavior
from solvers.mirror_kernels import by_nodes, conditional, counterfactual, settle
from solvers.mirror_loops import LEFT, WINDOW, measure, to_nash, to_qre
from solvers.mirror_reach import reaches_of
from solvers.self_play import Gap, State
from solvers.sequence_kernels import regrets
from solvers.sequences import Sequences, sequences_of

_START = 10.0  # annealing begins at this precision over the span,
_GROWTH, _CALM = 2.0, 0.3  # which doubles when regrets are about a sixth of the entropy's weight
_FOLLOW = 0.05  # rate at which a moving magnet follows play, as the authors'


class Plan(NamedTuple):
    """What a run does, in numbers; two runs with the same plan on the same game are the same run."""

    lam: float
    """Precision of the QRE; nan for a Nash equilibrium."""
    dilated: bool
    optimistic: bool
    moving: bool
    adaptive: bool
    weight: float
    """First weight eta alpha/(1 + eta alpha) of a step; nan where alpha and eta follow a schedule."""
    growth: float
    """Factor by which precision rises when annealing, else 1."""
    calm: float
    """Squared distance at which it does."""
    alpha: float
    eta: float


def plan_run(
    game: TreeGame,
    lam: float | None,
    dilated: bool,
    optimistic: bool,
    *,
    moving: bool = False,
    step: float | None = None,
    alpha: float | None = None,
) -> Plan:
    """Fill in what was not asked for, in units of the payoff span.

    A QRE starts with eta of about 2/span optimistically and 16 alpha/span^2 otherwise. For Nash equilibria the
    authors' alpha is 0.2 to 0.5 spans, their eta 4/span (poker with few cards, dice) to 26/span (leduc).
    """
    span = game.span or 1.0
    if lam is None and not moving and step is None and alpha is None:
        weight = _first_weight(_START, optimistic)
        return Plan(
            _START / span, dilated, optimistic, False, True, weight, _GROWTH, _CALM, math.nan, math.nan
        )
    if lam is None:
        alpha = (0.05 if moving else 0.2) * span if alpha is None else alpha
        eta = (1.0 if moving else 4.0) / span if step is None else step
        return Plan(math.nan, dilated, optimistic, moving, False, math.nan, 1.0, 0.0, alpha, eta)
    lam = float(lam)
    if step is not None:
        weight = 1.0 / (1.0 + lam / step)
    else:
        weight = _first_weight(lam * span, optimistic)
    return Plan(lam, dilated, optimistic, False, step is None, weight, 1.0, 0.0, math.nan, math.nan)


def _first_weight(sharpness: float, optimistic: bool) -> float:
    """Well inside stability at this precision times payoff span on poker, dice and bidding games."""
    sharpness = max(sharpness, 1.0)
    return min(0.5, 2.0 / sharpness if optimistic else 16.0 / sharpness**2)


class MirrorEngine:
    """Magnetic mirror descent in the middle of its work; see `solvers.self_play.Engine`.

    Parameters
    ----------
    game : TreeGame
        The game of whose checkpoints this takes.
    work : TreeGame
        The game to compute with: the same up to constants in the payoffs.
    plan : Plan
        What to do.
    """

    def __init__(self, game: TreeGame, work: TreeGame, plan: Plan) -> None:
        form = sequences_of(work)
        self.iterations = 0
        self._digest, self._game, self._plan = game.digest, work, plan
        self._form, self._arrays, self._reach = form, arrays(form), reaches_of(work).arrays
        length = form.length
        self._base, self._magnet = np.zeros(length), np.zeros(length)
        self._logits = np.zeros(length)
        self._p, self._x = np.ones(length), np.ones(length)
        self._q, self._up = np.zeros(length), np.zeros(length)
        self._likely = np.zeros(len(form.first))
        self._control = np.array([plan.weight, 0.5, 0.0, 0.0, -1.0, 0.0, plan.lam])
        if not math.isnan(plan.weight):
            self._control[LEFT] = math.ceil(WINDOW / plan.weight)
        self._deep = _no_nodes(form)
        self._settle()

    def _settle(self) -> None:
        form = self._form
        settle(
            self._plan.dilated, form.first, form.size, form.before, self._logits, self._p, self._x, self._up
        )

    def _strategies(self) -> tuple[Any, ...]:
        return self._base, self._logits, self._p, self._x, self._q, self._up, self._likely, self._magnet

    def advance(self, iterations: int) -> None:
        """Do this many more iterations."""
        plan = self._plan
        if math.isnan(plan.lam):
            rates = (plan.alpha, plan.eta, _FOLLOW)
            to_nash(
                self.iterations,
                iterations,
                plan.dilated,
                plan.optimistic,
                plan.moving,
                *rates,
                self._arrays,
                self._reach,
                *self._strategies(),
            )
            self.iterations += iterations
            return
        until = self.iterations + iterations
        while self.iterations < until:
            self.iterations += to_qre(
                until - self.iterations,
                plan.dilated,
                plan.optimistic,
                plan.adaptive,
                plan.growth,
                plan.calm,
                self._game.span,
                self._arrays,
                self._reach,
                self._deep,
                *self._strategies(),
                self._control,
            )
            if self.iterations < until:
                self._deep = _nodes_of(self._game, self._form)

    def answer(self) -> Float:
        """The behaviour strategy played now."""
        return to_behavior(self._form, self._p)

    def gap(self) -> Gap:
        """Best-response gains, or regrets and residual at the precision asked for, of the strategy played now."""
        plan, players = self._plan, self._form.players
        regret, q = np.empty(players), np.empty(self._form.length)
        if math.isnan(plan.lam) or plan.growth > 1.0:
            choice, values = np.empty(len(self._form.first), dtype=np.int32), np.empty(players)
            regrets(*self._arrays, self._x, q, choice, values, regret)
            return Gap(np.maximum(regret, 0.0))
        if plan.dilated:
            counterfactual(self._arrays, self._x, q)
        elif conditional(self._arrays, self._reach, self._p, self._x, q, self._likely):
            if not self._deep[2].size:
                self._deep = _nodes_of(self._game, self._form)
            nodes, *scratch = self._deep
            by_nodes(nodes, self._p, *scratch, q)
        residual = measure(plan.dilated, plan.lam, self._arrays, q, self._p, self._x, self._up, regret)
        return Gap(regret, float(residual))

    def state(self) -> State:
        """Copies of everything `restore` needs."""
        return {
            "game": np.array(self._digest),
            "plan": np.array(self._plan, dtype=np.float64),
            "iterations": np.int64(self.iterations),
            "base": self._base.copy(),
            "logits": self._logits.copy(),
            "magnet": self._magnet.copy(),
            "control": self._control.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; `InputError` if it is of another game or of another run on it."""
        missing = {"game", "plan", "iterations", "base", "logits", "magnet", "control"} - set(state)
        if missing:
            raise InputError(f"this is no checkpoint of mmd: it lacks {', '.join(sorted(missing))}")
        if str(state["game"]) != self._digest:
            raise InputError("the checkpoint is of another game")
        if not np.array_equal(np.asarray(state["plan"]), np.array(self._plan, dtype=float), equal_nan=True):
            raise InputError("the checkpoint is of a run with another lambda, form, magnet or step")
        self.iterations = int(state["iterations"])
        for name in ("base", "logits", "magnet", "control"):
            array: Float = getattr(self, f"_{name}")
            if np.shape(state[name]) != array.shape:
                raise InputError(
                    f"the checkpoint's {name} has shape {np.shape(state[name])}, not {array.shape}"
                )
            array[:] = state[name]
        self._settle()


def _no_nodes(form: Sequences) -> tuple[Any, ...]:
    """Empty arguments of `by_nodes`, of the right types."""
    none, nothing = np.empty(0, dtype=np.int32), np.empty(0)
    nodes = (none, none, none, nothing, none, none, np.empty((form.players, 0)), none)
    table = np.empty((form.players, 0))
    return nodes, nothing, table, table.copy(), nothing, nothing


def _nodes_of(game: TreeGame, form: Sequences) -> tuple[Any, ...]:
    """The tree as `by_nodes` takes it, with sequences and ranks for slots and information sets, and its scratch."""
    sequence = form.by_slot
    rank = np.full(len(form.infoset) + 1, -1, dtype=np.int32)
    rank[form.infoset] = np.arange(len(form.infoset))
    terminal = np.full(game.nodes, -1, dtype=np.int32)
    terminal[game.terminals] = np.arange(len(game.terminals))
    mover = np.where(game.parent >= 0, game.player[game.parent], -1).astype(np.int32)
    nodes = (
        np.ascontiguousarray(game.parent),
        mover,
        sequence[game.slot],
        np.ascontiguousarray(game.chance),
        np.ascontiguousarray(game.player),
        rank[game.infoset],
        np.ascontiguousarray(game.payoff),
        terminal,
    )
    table = np.empty((form.players, game.nodes))
    ranks = len(form.first)
    return nodes, np.empty(form.length), table, table.copy(), np.empty(ranks), np.empty(ranks)
