"""Certificates: how far a strategy is from equilibrium, recomputed from the game and the strategy alone.

This file shares no code with any solver (nor with the contraction kernels that solvers use): everything is
rebuilt here from the payoff tensor with plain numpy.

Definitions, for a joint distribution x and a mixed profile p:

* Nash: gain_i = max_b u_i(b, p_-i) - u_i(p).
* CCE: gain_i = max_b sum_a x(a) [u_i(b, a_-i) - u_i(a)]; it is negative when every deviation costs something.
* CE: gain_i = max over pairs c != b of sum_{a: a_i = c} x(a) [u_i(b, a_-i) - u_i(a)], unnormalised by the
  probability of c; regret_i is the gain of the best swap function, sum_c max_b of the same (b = c included).
* QRE at lambda: regret_i = KL(p_i || softmax(lambda u_i(., p_-i))) / lambda, which is exactly i's regret in the game
  with payoffs u_i + H(p_i) / lambda of which logit QRE are the Nash equilibria; residual is the largest difference
  between a probability and its logit response.
* alpha-rank: residual is the total one-step change of the distribution under its own Markov chain; regret is the
  CCE regret of the ranked joint play (alpha-rank is not an equilibrium concept).

Except for CCE and CE, gain and regret agree; regret is never negative, because obeying is always allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from games.empirical import EmpiricalGame
from games.errors import InputError
from games.joint import Joint, Mixture
from games.meanfield import MeanFieldModel
from games.normal import NormalFormGame
from games.simplices import Float, check_distribution
from games.tree import TreeGame

_DENSE_LIMIT = 4096  # a joint with more cells than this is certified as a dense tensor


@dataclass(frozen=True, eq=False)
class Certificate:
    """The measured distance of a strategy from an equilibrium of one game.

    Parameters
    ----------
    concept : str
        Which equilibrium is meant.
    game : str
        Digest of the game it was measured on.
    regret : float64[P]
        What each player can gain at most, in payoff units; never negative.
    gain : float64[P]
        The signed gain of the best single deviation (negative: every deviation strictly costs).
    values : float64[P]
        Expected payoffs under the strategy.
    span : float
        Largest payoff range of a player; `holds` is relative to it.
    bound : {"exact", "upper", "lower"}
        Whether `regret` is the true regret, or bounds it.
    slack, delta : float
        For payoffs estimated from samples (an `EmpiricalGame`): with probability 1 - delta every player's regret in
        the true game is at most its regret + slack. Infinite where nothing is known of the range of payoffs.
    residual : float or None
        For QRE and alpha-rank, the fixed-point residual (see the module's text).
    """

    concept: str
    game: str
    regret: Float
    gain: Float
    values: Float
    span: float
    bound: Literal["exact", "upper", "lower"] = "exact"
    slack: float = 0.0
    delta: float = 0.0
    residual: float | None = None

    @property
    def max_regret(self) -> float:
        """The largest regret of a player: the epsilon of the epsilon-equilibrium."""
        return float(self.regret.max())

    @property
    def nash_conv(self) -> float:
        """The sum of the players' regrets."""
        return float(self.regret.sum())

    @property
    def epsilon(self) -> float:
        """What no player's regret exceeds: in an empirical game, that of the game behind the samples, with confidence."""
        return self.max_regret + self.slack

    def holds(self, tolerance: float = 1e-8) -> bool:
        """Whether the claim holds to `tolerance` times the payoff span (for a QRE also its residual to `tolerance`).

        It is about the game whose digest the certificate names: of an empirical game, the estimated payoffs. What
        holds of the true game is `epsilon`.
        """
        if self.bound == "lower":
            return False
        scale = self.span if self.span > 0 else 1.0
        within = self.max_regret <= tolerance * scale
        if self.concept == "alpharank":
            return self.residual is not None and self.residual <= tolerance
        return within and (self.residual is None or self.residual <= tolerance)

    def __repr__(self) -> str:
        extra = "" if self.residual is None else f", residual={self.residual:.2g}"
        return f"Certificate({self.concept}, max_regret={self.max_regret:.3g}, span={self.span:.6g}{extra})"

    def _repr_html_(self) -> str:
        from solvers.show import certificate_html

        return certificate_html(self)


def certify(
    game: NormalFormGame | TreeGame | MeanFieldModel,
    strategy: Any,
    concept: str,
    *,
    lam: float | None = None,
    alpha: float | None = None,
    population: int | None = None,
    epsilon: float = 0.0,
    form: str = "behavior",
) -> Certificate:
    """Measure how far `strategy` is from being a `concept` equilibrium of `game`.

    Parameters
    ----------
    game : NormalFormGame | TreeGame | MeanFieldModel
        The game; nothing else is trusted.
    strategy : float64[sum(A)] | list of blocks | Joint | Mixture | Solution
        A mixed profile (flat, or one block per player) or a joint distribution; on a tree, a flat behaviour strategy
        profile, a `BehaviorMixture` or a `CorrelationPlan`; in a mean-field game a policy float64[T, X, U].
    concept : {"nash", "cce", "ce", "qre", "alpharank", "efce", "efcce"}
        A mixed profile may be certified as any of the first five; a joint distribution as "cce", "ce" or "alpharank".
        On a tree: a behaviour profile as "nash", "cce" or (agent) "qre", a mixture of them as "cce", a correlation
        plan as "efce" or "efcce".
    lam : float
        For "qre": the precision, in units of one over payoff.
    alpha, population : float, int
        For "alpharank": ranking intensity (inf allowed) and population size.
    epsilon : float
        For "alpharank" at infinite alpha: the rate of losses (improvements 1 - epsilon, ties 1/2).
    form : {"behavior", "dilated"}
        For "qre" on a tree: of the agent form, or of the reduced normal form (`solvers.mirror_certificate`).

    Returns
    -------
    Certificate

    Raises
    ------
    InputError
        If the strategy is not one of this game or does not fit the concept.
    """
    strategy = getattr(strategy, "strategy", strategy)
    if isinstance(game, MeanFieldModel):
        return _in_mean_field(game, strategy, concept)
    if isinstance(game, TreeGame):
        return _on_tree(game, strategy, concept, lam, form)
    if not isinstance(strategy, Joint | Mixture):
        strategy = _flat_profile(game, strategy)
    found = _on_table(game, strategy, concept, lam, alpha, population, epsilon)
    if not isinstance(game, EmpiricalGame):
        return found
    from solvers.empirical_certificate import slack_of

    return replace(found, slack=slack_of(game, strategy, concept), delta=game.delta)


def _in_mean_field(model: MeanFieldModel, policy: Any, concept: str) -> Certificate:
    if concept != "nash":
        raise InputError(f"a policy of a mean-field game is certified as nash, not {concept}")
    from solvers.meanfield_certificate import certify_mean_field

    return certify_mean_field(model, policy)


def _on_tree(game: TreeGame, strategy: Any, concept: str, lam: float | None, form: str) -> Certificate:
    if form not in ("behavior", "dilated"):
        raise InputError(f"unknown form {form!r}; known are behavior and dilated")
    if form == "dilated" and concept == "qre":
        from solvers.mirror_certificate import certify_dilated

        return certify_dilated(game, strategy, lam)
    from solvers.tree_certificate import certify_tree

    return certify_tree(game, strategy, concept, lam)


def _on_table(
    game: NormalFormGame,
    strategy: Any,
    concept: str,
    lam: float | None,
    alpha: float | None,
    population: int | None,
    epsilon: float,
) -> Certificate:
    if not isinstance(strategy, Joint | Mixture):
        if concept == "nash":
            return _nash(game, strategy)
        if concept == "qre":
            return _qre(game, strategy, lam)
        strategy = Mixture(np.ones(1), strategy[None, :], game.shape)
    if strategy.shape != game.shape:
        raise InputError(
            f"strategy is for a game of shape {strategy.shape}, this game has shape {game.shape}"
        )
    if concept in ("cce", "ce"):
        return _correlated(game, strategy, concept)
    if concept == "alpharank":
        return _alpharank(game, strategy, alpha, population, epsilon)
    if concept in ("nash", "qre"):
        raise InputError(
            f"a joint distribution cannot be certified as {concept}: it needs a mixed strategy profile"
        )
    raise InputError(f"unknown concept {concept!r}; known are nash, cce, ce, qre and alpharank")


# --- mixed profiles ---------------------------------------------------------------------------------------


def _flat_profile(game: NormalFormGame, strategy: Any) -> Float:
    if isinstance(strategy, list | tuple) and len(strategy) and not np.isscalar(strategy[0]):
        sizes = tuple(len(block) for block in strategy)
        if sizes != game.shape:
            raise InputError(f"profile has blocks of sizes {list(sizes)}, expected {list(game.shape)}")
        strategy = np.concatenate([np.asarray(block, dtype=np.float64) for block in strategy])
    return check_distribution(strategy, game.offsets)


def _lows(game: NormalFormGame) -> Float:
    """What is common to all payoffs of a player, where that is most of them, else 0.

    Regrets are measured above it: next to a large common part they would drown in rounding.
    """
    lows = np.zeros(len(game.shape))
    for i, payoff in enumerate(game.payoffs):
        low, high = float(payoff.min()), float(payoff.max())
        if low * high > 0 and high - low < 0.5 * max(abs(low), abs(high)):
            lows[i] = low
    return lows


def _response_payoffs(game: NormalFormGame, profile: Float) -> list[Float]:
    """u_i(., p_-i) of each player, above what is common to them, by successive tensor contractions."""
    lows = _lows(game)
    parts = np.split(profile, np.cumsum(game.shape)[:-1])
    responses = []
    for i in range(len(game.shape)):
        tensor = game.payoffs[i] - lows[i]
        for k in reversed(range(len(game.shape))):
            if k != i:
                tensor = np.tensordot(tensor, parts[k], axes=([k], [0]))
        responses.append(tensor)
    return responses


def _nash(game: NormalFormGame, profile: Float) -> Certificate:
    parts = np.split(profile, np.cumsum(game.shape)[:-1])
    responses = _response_payoffs(game, profile)
    values = _lows(game) + np.array([float(p @ u) for p, u in zip(parts, responses)])
    # sum_a p(a) (max u - u(a)) is the same gain without cancellation between two large numbers
    gain = np.array([float(p @ (u.max() - u)) for p, u in zip(parts, responses)])
    return Certificate("nash", game.digest, gain, gain, values, game.span)


def _qre(game: NormalFormGame, profile: Float, lam: float | None) -> Certificate:
    if lam is None or not (math.isfinite(lam) and lam >= 0):
        raise InputError(f"a QRE is certified at a finite lambda >= 0, got {lam}")
    parts = np.split(profile, np.cumsum(game.shape)[:-1])
    responses = _response_payoffs(game, profile)
    regret, residual = np.zeros(len(parts)), 0.0
    for i, (p, u) in enumerate(zip(parts, responses)):
        logits = lam * (u - u.max())
        logits = logits - math.log(float(np.exp(logits).sum()))
        residual = max(residual, float(np.abs(p - np.exp(logits)).max()))
        live = p > 0
        # sum p (log p - logit) as sum q phi(p/q) >= 0 termwise, so that rounding cannot make it negative
        ratio = np.log(p[live]) - logits[live]
        divergence = float(np.sum(p[live] * ratio)) + float(np.exp(logits).sum()) - float(p.sum())
        regret[i] = max(divergence, 0.0) / lam if lam > 0 else (0.0 if divergence <= 1e-15 else math.inf)
    values = _lows(game) + np.array([float(p @ u) for p, u in zip(parts, responses)])
    return Certificate("qre", game.digest, regret, regret, values, game.span, residual=residual)


# --- joint distributions ----------------------------------------------------------------------------------


def _correlated(game: NormalFormGame, joint: Joint | Mixture, concept: str) -> Certificate:
    swap = (
        _swap_payoffs_sparse
        if isinstance(joint, Joint) and joint.support_size <= _DENSE_LIMIT
        else _swap_payoffs_dense
    )
    source = joint if isinstance(joint, Joint) and joint.support_size <= _DENSE_LIMIT else joint.dense()
    players = len(game.shape)
    values, gain, regret, lows = np.zeros(players), np.zeros(players), np.zeros(players), _lows(game)
    for i in range(players):
        if concept == "cce":
            responses, values[i] = swap(game, source, i, lows[i], False)
            gain[i] = float((responses - values[i]).max())
            regret[i] = max(gain[i], 0.0)
            continue
        table, values[i] = swap(game, source, i, lows[i], True)
        gains = table - np.diag(table)[:, None]
        regret[i] = float(gains.max(axis=1).sum())
        np.fill_diagonal(gains, -math.inf)
        gain[i] = float(gains.max()) if gains.shape[0] > 1 else 0.0
    return Certificate(concept, game.digest, regret, gain, values + lows, game.span)


def _swap_payoffs_sparse(
    game: NormalFormGame, joint: Any, i: int, low: float, by_own: bool
) -> tuple[Float, float]:
    """With `by_own`, table[c, b] = sum over cells with a_i = c of x(a) u_i(b, a_-i); else its sum over c; payoffs above `low`."""
    cells = [joint.cells[:, k] for k in range(len(game.shape))]
    own = cells[i]
    cells[i] = np.arange(game.shape[i])[:, None]
    weighted = (game.payoffs[i][tuple(cells)] - low) * joint.probs  # [b, cell]
    value = float(weighted[own, np.arange(own.size)].sum())
    if not by_own:
        return weighted.sum(axis=1), value
    table = np.zeros((game.shape[i], game.shape[i]))
    np.add.at(table, own, weighted.T)
    return table, value


def _swap_payoffs_dense(
    game: NormalFormGame, dense: Any, i: int, low: float, by_own: bool
) -> tuple[Float, float]:
    """The same from a dense joint tensor, as matrix products."""
    payoff = np.moveaxis(game.payoffs[i] - low, i, 0).reshape(game.shape[i], -1)
    joint = np.moveaxis(dense, i, 0).reshape(game.shape[i], -1)
    value = float(np.vdot(payoff, joint))
    if not by_own:
        return payoff @ joint.sum(axis=0), value
    return joint @ payoff.T, value


# --- alpha-rank -------------------------------------------------------------------------------------------


def _alpharank(
    game: NormalFormGame, joint: Joint | Mixture, alpha: float | None, population: int | None, epsilon: float
) -> Certificate:
    if alpha is None or population is None or not alpha >= 0 or population < 2:
        raise InputError(
            f"alpha-rank is certified at alpha >= 0 and a population of at least 2, got {alpha}, {population}"
        )
    x = joint.dense()
    rate = 1.0 / max(sum(n - 1 for n in game.shape), 1)
    change = np.zeros_like(x)
    for i in range(len(game.shape)):
        payoff, mass = np.moveaxis(game.payoffs[i], i, 0), np.moveaxis(x, i, 0)
        flow_in = np.moveaxis(change, i, 0)
        for c in range(game.shape[i]):
            flow = mass[c] * _fixation(payoff - payoff[c], alpha, population, epsilon) * rate
            flow[c] = 0.0
            flow_in += flow
            flow_in[c] -= flow.sum(axis=0)
    base = _correlated(game, joint, "cce")
    return Certificate(
        "alpharank",
        game.digest,
        base.regret,
        base.gain,
        base.values,
        game.span,
        residual=float(np.abs(change).sum()),
    )


def _fixation(advantage: Float, alpha: float, population: int, epsilon: float) -> Float:
    """Probability that one mutant with this payoff advantage takes over a resident population."""
    if math.isinf(alpha):
        return np.where(advantage > 0, 1.0 - epsilon, np.where(advantage == 0, 0.5, epsilon))
    z = alpha * advantage
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rho = np.expm1(-z) / np.expm1(-population * z)
        rho = np.where(-z > 500.0 / population, np.exp((population - 1) * z), rho)
    return np.where(np.abs(z) < 1e-14, 1.0 / population, rho)
