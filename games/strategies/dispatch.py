"""One round of any strategy by its code: the step from scalar rules to batches and whole matches.

`own`, `other`, `time`, `k`, `x` and `p` are as in `reciprocity_kernels`; `pay` is what the last round paid, 0 before the
first, and `u` a uniform number in [0, 1), which deterministic strategies ignore.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

import games.strategies.codes as codes
import games.strategies.grudge_kernels as grudge
import games.strategies.pattern_kernels as pattern
import games.strategies.reciprocity_kernels as reciprocity
import games.strategies.tournament_kernels as tournament
from games.stream_kernels import BARE


@njit(**BARE)
def _answers(code: Any, own: Any, other: Any, time: Any, k: Any, x: Any, p: Any) -> Any:
    """A relative of tit for tat."""
    if code == codes.TIT_FOR_TWO_TATS:
        return np.int64(reciprocity.tit_for_two_tats(other, k))
    if code == codes.TWO_TITS_FOR_TAT:
        return np.int64(reciprocity.two_tits_for_tat(other, k))
    if code == codes.HARD_TIT_FOR_TAT:
        return np.int64(reciprocity.hard_tit_for_tat(other, k))
    if code == codes.HARD_TIT_FOR_TWO_TATS:
        return np.int64(reciprocity.hard_tit_for_two_tats(other, k))
    if code == codes.CONTRITE_TIT_FOR_TAT:
        return np.int64(reciprocity.contrite_tit_for_tat(own, other, k))
    if code == codes.OMEGA_TIT_FOR_TAT:
        return np.int64(reciprocity.omega_tit_for_tat(own, other, time, k, p))
    if code == codes.GRADUAL:
        return np.int64(reciprocity.gradual(other, k))
    if code == codes.ORIGINAL_GRADUAL:
        return np.int64(reciprocity.original_gradual(other, k))
    if code == codes.SNEAKY_TIT_FOR_TAT:
        return np.int64(reciprocity.sneaky_tit_for_tat(own, other, time, k))
    if code == codes.SPITEFUL_TIT_FOR_TAT:
        return np.int64(reciprocity.spiteful_tit_for_tat(other, k))
    if code == codes.SLOW_TIT_FOR_TWO_TATS:
        return np.int64(reciprocity.slow_tit_for_two_tats(own, other, time, k))
    if code == codes.TITS_FOR_TATS:
        return np.int64(reciprocity.tits_for_tats(other, k, p))
    return np.int64(reciprocity.adaptive_tit_for_tat(other, time, x, p))


@njit(**BARE)
def _resents(code: Any, own: Any, other: Any, time: Any, k: Any, p: Any) -> Any:
    """A grudge or a majority."""
    if code == codes.GRIM:
        return np.int64(grudge.grim(other, time, k, p))
    if code == codes.RELENT:
        return np.int64(grudge.relent(other, time, k, p))
    if code == codes.GRIM_ALTERNATOR:
        return np.int64(grudge.grim_alternator(own, other, k))
    if code == codes.FORGETFUL_GRUDGE:
        return np.int64(grudge.forgetful_grudge(other, k, p))
    if code == codes.ONCE_BITTEN:
        return np.int64(grudge.once_bitten(other, time, k, p))
    if code == codes.SOFT_GRUDGE:
        return np.int64(grudge.soft_grudge(other, k, p))
    if code == codes.PUNISHER:
        return np.int64(grudge.punisher(other, time, k, p))
    if code == codes.FORGIVER:
        return np.int64(grudge.forgiver(other, time, k, p))
    if code == codes.RETALIATE:
        return np.int64(grudge.retaliate(own, other, k, p))
    return np.int64(grudge.majority(other, time, k, p))


@njit(**BARE)
def _patterns(code: Any, own: Any, other: Any, time: Any, k: Any, p: Any) -> Any:
    """An opening, a cycle, a trick or an automaton."""
    if code == codes.PROBER:
        return np.int64(pattern.prober(other, time, k, p))
    if code == codes.PROBER_4:
        return np.int64(pattern.prober_4(own, other, time, k))
    if code == codes.CYCLER:
        return np.int64(pattern.cycler(time, p))
    if code == codes.MACHINE:
        return np.int64(pattern.machine(other, time, k, p))
    if code == codes.TRICKY_COOPERATOR:
        return np.int64(pattern.tricky_cooperator(other, time, k))
    if code == codes.TRICKY_DEFECTOR:
        return np.int64(pattern.tricky_defector(other, time, k))
    if code == codes.CAPRI:
        return np.int64(pattern.capri(own, other, k))
    return np.int64(pattern.doubler(other, time, k))


@njit(**BARE)
def _competes(code: Any, own: Any, other: Any, time: Any, pay: Any, k: Any, x: Any, p: Any) -> Any:
    """Another entry of Axelrod's tournaments that is deterministic."""
    if code == codes.SHUBIK:
        return np.int64(tournament.shubik(own, other, k))
    if code == codes.NYDEGGER:
        return np.int64(tournament.nydegger(own, other, time, k))
    if code == codes.STEIN_AND_RAPOPORT:
        return np.int64(tournament.stein_and_rapoport(other, time, k, p))
    if code == codes.TIDEMAN_AND_CHIERUZZI:
        return np.int64(tournament.tideman_and_chieruzzi(own, other, time, k, x, p))
    if code == codes.DOWNING:
        return np.int64(tournament.downing(own, other, time, k, p))
    if code == codes.REVISED_DOWNING:
        return np.int64(tournament.revised_downing(own, other, time, k))
    if code == codes.ADAPTIVE:
        return np.int64(tournament.adaptive(own, time, pay, x))
    return np.int64(tournament.tester(own, other, time, k))


@njit(**BARE)
def chance(code: Any, own: Any, other: Any, time: Any, k: Any, p: Any) -> Any:
    """The probability with which a strategy of this code cooperates, which is a function of what has happened."""
    if code == codes.MEMORY_ONE:
        return p[0 if time == 0 else 1 + 2 * own + other]
    if code == codes.FELD:
        return tournament.chance_of_feld(other, time, p)
    if code == codes.TULLOCK:
        return tournament.chance_of_tullock(other, time, k)
    return tournament.chance_of_champion(other, time, k)


@njit(**BARE)
def _looked_up(own: Any, other: Any, time: Any, u: Any, p: Any) -> Any:
    """The move drawn from a table float64[5, 2], flat, exactly as `games.policy_kernels.pick_rows` draws it."""
    row = 0 if time == 0 else 2 * (1 + 2 * own + other)
    if p[row] <= 0.0:
        return 1
    return np.int64(p[row + 1] > 0.0 and not u * (p[row] + p[row + 1]) < p[row])


@njit(**BARE)
def move(code: Any, own: Any, other: Any, time: Any, pay: Any, u: Any, k: Any, x: Any, p: Any) -> Any:
    """The next move of a strategy: 0 to cooperate, 1 to defect."""
    if code < codes.GRIM:
        return _answers(code, own, other, time, k, x, p)
    if code < codes.PROBER:
        return _resents(code, own, other, time, k, p)
    if code < codes.SHUBIK:
        return _patterns(code, own, other, time, k, p)
    if code < codes.FIRST_CHANCY:
        return _competes(code, own, other, time, pay, k, x, p)
    if code == codes.GRAASKAMP:
        return np.int64(tournament.graaskamp(own, other, time, u, k, p))
    if code == codes.TABLE:
        return _looked_up(own, other, time, u, p)
    return np.int64(u >= chance(code, own, other, time, k, p))


@njit(**BARE)
def move_all(
    code: Any, own: Any, other: Any, pay: Any, u: Any, time: Any, k: Any, x: Any, p: Any, out: Any
) -> None:
    """Next moves int32[B, n] of a strategy.

    Parameters
    ----------
    code, p : int, float64[:]
        Which strategy, its parameters.
    own, other : bool[B, n]
        Who defected in the last round; False before the first.
    pay, u : float64[B, n] or float64[0, 0]
        What the last round paid, and a uniform number; empty where the strategy asks for none.
    time, k, x : int64[B, n], int64[B, n, words], float64[B, n, reals]
        Memory before this round, changed in place.
    """
    paid, drawn = pay.size > 0, u.size > 0
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            won, luck = pay[b, i] if paid else 0.0, u[b, i] if drawn else 0.0
            mine, theirs = np.int64(own[b, i]), np.int64(other[b, i])
            out[b, i] = move(code, mine, theirs, time[b, i], won, luck, k[b, i], x[b, i], p)
            time[b, i] += 1


@njit(**BARE)
def chances_all(code: Any, own: Any, other: Any, time: Any, k: Any, p: Any, out: Any) -> None:
    """`move_all` of a strategy with a `chance`: fills out float64[B, n] with probabilities of cooperating."""
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            mine, theirs = np.int64(own[b, i]), np.int64(other[b, i])
            out[b, i] = chance(code, mine, theirs, time[b, i], k[b, i], p)
            time[b, i] += 1
