"""Normal-form games: a dense payoff tensor with names, frozen and checked.

Axes: player first, then one axis per player's actions, `payoffs[i, a1, ..., aP]`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from games import simplices
from games.errors import InputError
from games.limits import check_fits
from games.simplices import Float, Int


@dataclass(frozen=True, eq=False, repr=False)
class NormalFormGame:
    """An n-player game in strategic form.

    Parameters
    ----------
    payoffs : float64[P, A1, ..., AP]
        Payoff of each player at each joint profile. Copied, checked finite, and made read-only.
    players : sequence of str, optional
        Player names; "Player 1", ... by default and for empty names.
    actions : sequence of sequences of str, optional
        Action names of each player; "1", "2", ... by default and for empty names.
    title : str
        What the game is called.

    Raises
    ------
    InputError
        If the tensor's rank does not fit its number of players, a payoff is not finite, or names do not fit.

    Examples
    --------
    >>> game = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]], title="prisoner's dilemma")
    >>> game.shape, game.span
    ((2, 2), 5.0)
    """

    payoffs: Float
    players: tuple[str, ...] = ()
    actions: tuple[tuple[str, ...], ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        payoffs = np.array(self.payoffs, dtype=np.float64, order="C")
        if payoffs.ndim < 2 or payoffs.shape[0] != payoffs.ndim - 1:
            raise InputError(
                f"payoffs of shape {payoffs.shape} are not [players, actions of player 1, ..., actions of player n]"
            )
        if min(payoffs.shape) == 0:
            raise InputError(f"payoffs of shape {payoffs.shape} leave a player without an action")
        shape = payoffs.shape[1:]
        with np.errstate(over="ignore", invalid="ignore"):
            total = payoffs.sum()  # not finite if any payoff is not; also if the sum of huge ones overflows
        if not np.isfinite(total) and not np.all(np.isfinite(payoffs)):
            where = tuple(int(k) for k in np.argwhere(~np.isfinite(payoffs))[0])
            raise InputError(
                f"payoff of player {where[0]} at profile {where[1:]} is {payoffs[where]}, not a finite number"
            )
        payoffs.setflags(write=False)
        object.__setattr__(self, "payoffs", payoffs)
        object.__setattr__(self, "players", _player_names(self.players, len(shape)))
        object.__setattr__(self, "actions", _action_names(self.actions, shape))

    # --- named constructors -------------------------------------------------------------------------------

    @classmethod
    def bimatrix(cls, row: Any, column: Any, **names: Any) -> NormalFormGame:
        """Two players with payoff matrices `row[a, b]` and `column[a, b]`, both indexed row action first."""
        first, second = np.asarray(row, dtype=np.float64), np.asarray(column, dtype=np.float64)
        if first.ndim != 2 or first.shape != second.shape:
            raise InputError(
                f"payoff matrices have shapes {first.shape} and {second.shape}; expected two alike"
            )
        return cls(np.stack([first, second]), **names)

    @classmethod
    def zero_sum(cls, row: Any, **names: Any) -> NormalFormGame:
        """Two players; the column player gets minus the row player's payoff."""
        matrix = np.asarray(row, dtype=np.float64)
        return cls.bimatrix(matrix, -matrix, **names)

    @classmethod
    def symmetric(cls, row: Any, **names: Any) -> NormalFormGame:
        """Two players in the same situation: the column player's payoffs are the transpose of the row player's."""
        matrix = np.asarray(row, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise InputError(f"a symmetric two-player game needs a square matrix, got shape {matrix.shape}")
        return cls.bimatrix(matrix, matrix.T, **names)

    @classmethod
    def common_payoff(cls, payoff: Any, **names: Any) -> NormalFormGame:
        """Every player gets `payoff[a1, ..., aP]`."""
        tensor = np.asarray(payoff, dtype=np.float64)
        check_fits(tensor.shape)
        return cls(np.broadcast_to(tensor, (tensor.ndim, *tensor.shape)), **names)

    # --- facts --------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.payoffs.shape[1:]

    @property
    def profiles(self) -> int:
        """Number of joint pure-strategy profiles."""
        return math.prod(self.shape)

    @cached_property
    def offsets(self) -> Int:
        """int32[P + 1]: where each player's block starts in a flat mixed profile."""
        return simplices.offsets_of(self.shape)

    @cached_property
    def flat(self) -> Float:
        """The payoffs as a read-only float64[P, prod(A)] view, joint profiles in C order."""
        return self.payoffs.reshape(len(self.shape), -1)

    @cached_property
    def spans(self) -> Float:
        """float64[P]: largest minus smallest payoff of each player."""
        return self.flat.max(axis=1) - self.flat.min(axis=1)

    @cached_property
    def span(self) -> float:
        """The largest of the players' payoff ranges; tolerances are relative to it."""
        return float(self.spans.max())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of shape and payoffs: which game a certificate speaks of. Names do not count."""
        hasher = hashlib.sha256(repr(self.payoffs.shape).encode())
        canonical = (self.payoffs + 0.0).astype("<f8", copy=False)  # + 0.0 makes -0.0 and 0.0 the same game
        hasher.update(canonical.data)
        return hasher.hexdigest()

    def constant_sum(self, tolerance: float = 1e-12) -> float | None:
        """The constant that payoffs sum to at every profile, or None; `tolerance` is relative to magnitudes."""
        sums = self.flat.sum(axis=0)
        scale = max(float(np.abs(self.flat).max()), np.finfo(float).tiny)
        middle = 0.5 * (float(sums.max()) + float(sums.min()))
        return middle if float(np.ptp(sums)) <= tolerance * scale * len(self.shape) else None

    # --- payoffs of mixed play ----------------------------------------------------------------------------

    def deviation_payoffs(self, profile: Any) -> Float:
        """Payoff of every action of every player against the others' mixed play.

        Parameters
        ----------
        profile : float64[sum(A)]
            A mixed strategy profile in the flat layout of `simplices`.

        Returns
        -------
        float64[sum(A)]
            Entry (i, a) is u_i(a, p_-i). Costs O(P prod(A)), one pass over the payoffs.
        """
        from games.contraction import deviation_payoffs

        flat = np.ascontiguousarray(profile, dtype=np.float64)
        if flat.size != int(self.offsets[-1]):
            raise InputError(f"profile has {flat.size} probabilities, expected {int(self.offsets[-1])}")
        return deviation_payoffs(self.flat, self.offsets, flat)

    def values(self, profile: Any) -> Float:
        """Expected payoff of each player, float64[P], under a mixed profile in flat layout."""
        flat = np.asarray(profile, dtype=np.float64)
        return simplices.block_sums(self.deviation_payoffs(flat) * flat, self.offsets)

    def blocks(self, profile: Any) -> list[Float]:
        """The players' mixed strategies of a flat profile, as views."""
        return simplices.blocks(np.asarray(profile, dtype=np.float64), self.offsets)

    # --- showing itself -----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        return f"NormalFormGame({self.title!r}, {len(self.shape)} players, {size})"

    def _repr_html_(self) -> str:
        from games.show import game_html

        return game_html(self)


def _player_names(names: Sequence[str], players: int) -> tuple[str, ...]:
    if not len(names):
        return tuple(f"Player {k + 1}" for k in range(players))
    if len(names) != players:
        raise InputError(f"{len(names)} player names for {players} players")
    return tuple(str(name) or f"Player {k + 1}" for k, name in enumerate(names))


def _action_names(names: Sequence[Sequence[str]], shape: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    if not len(names):
        return tuple(tuple(str(k + 1) for k in range(size)) for size in shape)
    sizes = [len(block) for block in names]
    if sizes != list(shape):
        raise InputError(f"action names for {sizes} actions, but the payoffs have {list(shape)}")
    return tuple(tuple(str(name) or str(k + 1) for k, name in enumerate(block)) for block in names)
