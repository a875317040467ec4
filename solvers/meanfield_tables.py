"""The tables of a mean-field game under a policy: what a single agent faces when the crowd plays it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from games.errors import InputError
from games.meanfield import Flow, MeanFieldModel
from games.meanfield_check import check_sight
from games.simplices import Float
from solvers import meanfield_kernels as kernels


class Crowd(NamedTuple):
    """A crowd that plays a policy, seen by a single agent."""

    mu: Float  # float64[T + 1, X]: law of states
    nu: Float  # float64[T, X, U]: law of states and actions
    rewards: Float  # float64[T, X, U]: what an agent gets
    chance: Float  # float64[T or 1, K]: probabilities of next states, as in `solvers.meanfield_kernels`


class Tables:
    """A model laid out for sweeps.

    Parameters
    ----------
    model : MeanFieldModel
        Agents must see their state.

    Raises
    ------
    InputError
        If agents see something else.
    """

    def __init__(self, model: MeanFieldModel) -> None:
        check_sight(model)
        self.model = model
        self.shape = (model.horizon, model.states, model.actions)
        self.legal = np.ones(self.shape[1:], dtype=bool) if model.legal is None else model.legal.copy()
        self.discount = float(model.discount)
        self.steps = np.arange(model.horizon)
        rows, width = model.states * model.actions, model.states
        if callable(model.transition):
            self.fixed = None
            self.first = np.arange(rows + 1) * width
            self.after = np.tile(np.arange(width), rows)
        else:
            table = model.transition.reshape(rows, width)
            row, after = np.nonzero(table)
            self.first = np.searchsorted(row, np.arange(rows + 1))
            self.after = after
            self.fixed = np.ascontiguousarray(table[row, after][None])
        self.values, self.worth = np.empty(self.shape), np.empty((model.horizon + 1, model.states))

    @property
    def uniform(self) -> Float:
        """Every legal action alike, float64[T, X, U]; a new array."""
        rule = self.legal / self.legal.sum(axis=1, keepdims=True)
        return np.broadcast_to(rule, self.shape).copy()

    def crowd(self, policy: Float) -> Crowd:
        """The flow of a checked policy, and the rewards and transitions in it; functions are called once per step."""
        mu, nu = np.empty((self.shape[0] + 1, self.shape[1])), np.empty(self.shape)
        mu[0] = self.model.initial
        chance = self._spread(policy, mu, nu)
        return Crowd(mu, nu, self._rewards(mu[:-1], nu), chance)

    def _spread(self, policy: Float, mu: Float, nu: Float) -> Float:
        if self.fixed is not None:
            kernels.spread(policy, self.fixed, self.first, self.after, mu, nu)
            return self.fixed
        chance = np.empty((self.shape[0], len(self.after)))
        for t in range(self.shape[0]):
            chance[t] = self.model.transitions(mu[t : t + 1], t)[0].ravel()
            kernels.spread_step(t, policy, chance, self.first, self.after, mu, nu)
        return chance

    def _rewards(self, mu: Float, nu: Float) -> Float:
        found = np.broadcast_to(self.model.rewards(mu, nu, self.steps), self.shape)
        return np.array(
            found, order="C"
        )  # a copy that may be written to: kernels are compiled for such alone

    def given(self, flow: Flow) -> Crowd:
        """The crowd of a flow that is known already."""
        mu, nu = np.array(flow.states, dtype=float), np.array(flow.joint, dtype=float)
        wanted = (self.shape[0] + 1, self.shape[1])
        if mu.shape != wanted or nu.shape != self.shape:
            raise InputError(
                f"{self.model.title}: a flow has states float64{wanted} and joint float64{self.shape}, not "
                f"{mu.shape} and {nu.shape}"
            )
        if self.fixed is not None:
            return Crowd(mu, nu, self._rewards(mu[:-1], nu), self.fixed)
        tables = self.model.transitions(mu[:-1], self.steps)
        chance = np.broadcast_to(tables.reshape(len(tables), -1), (self.shape[0], len(self.after)))
        return Crowd(mu, nu, self._rewards(mu[:-1], nu), np.array(chance, order="C"))

    def best(self, crowd: Crowd) -> tuple[Float, Float]:
        """Values of actions float64[T, X, U] and of states float64[T + 1, X] at their best; overwritten by the next call."""
        kernels.best_values(
            crowd.rewards,
            crowd.chance,
            self.first,
            self.after,
            self.discount,
            self.legal,
            self.values,
            self.worth,
        )
        return self.values, self.worth

    def valued(self, crowd: Crowd, policy: Float) -> tuple[Float, Float]:
        """The same for a policy instead of the best; overwritten by the next call."""
        kernels.policy_values(
            crowd.rewards,
            policy,
            crowd.chance,
            self.first,
            self.after,
            self.discount,
            self.legal,
            self.values,
            self.worth,
        )
        return self.values, self.worth

    def alone(self, crowd: Crowd, policy: Float) -> Float:
        """The joint law float64[T, X, U] of one agent with a policy of its own among the crowd."""
        mu, nu = np.empty_like(crowd.mu), np.empty(self.shape)
        mu[0] = self.model.initial
        kernels.spread(policy, crowd.chance, self.first, self.after, mu, nu)
        return nu

    def checked(self, policy: Any) -> Float:
        """A policy float64[X, U] or float64[T, X, U] as a new array float64[T, X, U]; `InputError` if it is none."""
        return np.array(self.model.check_policy(policy), order="C")
