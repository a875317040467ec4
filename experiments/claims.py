"""Strategies saved in JSON documents, read back as claims about a game and judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from games.behavior_files import behavior_of, check_game
from games.errors import InputError
from games.joint import Joint, Mixture
from games.simplices import Float
from games.tree import TreeGame
from games.tree_strategies import BehaviorMixture, CorrelationPlan


class Claim(NamedTuple):
    """One strategy and what it is said to be."""

    game: Any
    concept: str
    strategy: Any
    parameters: dict[str, Any]


class Found(NamedTuple):
    """How far a claim is from the truth."""

    certificate: Any
    best_response_values: Float | None
    """float64[P]: what each player's best reply earns; None for recommendations that may be left half-way."""
    nash_conv: float | None
    """The sum of gains from best replies, when players randomise independently."""
    exploitability: float | None
    """Half of that, for two players whose payoffs have a constant sum."""


# --- reading ----------------------------------------------------------------------------------------------


def read_claims(
    document: Mapping[str, Any], game: Any, where: str, concept: str | None, lam: float | None
) -> list[Claim]:
    """The claims in a document that `solve --out` wrote, or in one with a bare `behavior` or `profile`.

    Raises
    ------
    InputError
        If the document is for another game or holds nothing that can be certified; the message says where.
    """
    game = _game_of(document, game, where)
    solutions = document.get("solutions")
    if solutions is None:
        return [_claim({**document}, document, game, where, concept, lam)]
    if not isinstance(solutions, list) or not all(isinstance(entry, dict) for entry in solutions):
        raise InputError(f"{where}: 'solutions' is not a list of objects")
    if not solutions:
        raise InputError(f"{where} holds no solution")
    return [
        _claim(
            entry, document, game, f"{where}, solutions[{k}]" if len(solutions) > 1 else where, concept, lam
        )
        for k, entry in enumerate(solutions)
    ]


def _game_of(document: Mapping[str, Any], game: Any, where: str) -> Any:
    """The game that the document is about: this one, or the strategic form of this tree."""
    about, tree = document.get("game"), document.get("tree")
    if isinstance(game, TreeGame) and isinstance(tree, dict) and tree.get("digest") == game.digest:
        normal = game.to_normal()
        if isinstance(about, dict) and about.get("digest") == normal.digest:
            return normal
    check_game(document, game, where)
    return game


def _claim(
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    game: Any,
    where: str,
    concept: str | None,
    lam: float | None,
) -> Claim:
    strategy = (
        _tree_strategy(entry, game, where)
        if isinstance(game, TreeGame)
        else _normal_strategy(entry, game, where)
    )
    usual = {CorrelationPlan: "efce", BehaviorMixture: "cce", Joint: "cce", Mixture: "cce"}
    said = document.get("concept")
    wanted = concept or (said if isinstance(said, str) else None) or usual.get(type(strategy), "nash")
    given = entry.get("parameters")
    asked = dict(given) if isinstance(given, dict) else {}
    parameters: dict[str, Any] = {}
    if wanted == "qre":
        value = asked.get("lambda") if lam is None else lam
        if not isinstance(value, int | float):
            raise InputError(f"{where} does not say at which lambda it is a QRE; give --lambda")
        parameters["lam"] = float(value)
    elif lam is not None:
        raise InputError(f"--lambda is for --concept qre, not {wanted}")
    if wanted == "alpharank":
        parameters = {
            key: _number(asked.get(key)) for key in ("alpha", "population", "epsilon") if key in asked
        }
    return Claim(game, wanted, strategy, parameters)


def _number(value: Any) -> Any:
    return float(value) if value in ("inf", "-inf") else value


def _tree_strategy(entry: Mapping[str, Any], game: TreeGame, where: str) -> Any:
    if isinstance(entry.get("plan"), list):
        return _plan(entry["plan"], game, where)
    mixture = entry.get("mixture")
    if isinstance(mixture, dict):
        if mixture.get("behaviors") is None or mixture.get("weights") is None:
            raise InputError(
                f"{where} holds only the average of a mixture too large to list, which is not what was certified"
            )
        return BehaviorMixture(_floats(mixture["weights"], where), _floats(mixture["behaviors"], where))
    if entry.get("behavior") is None:
        other = "a profile of the strategic form (?form=reduced)" if "profile" in entry else "nothing"
        raise InputError(f"{where} holds no behaviour strategy, mixture or plan but {other}")
    return behavior_of(entry["behavior"], game, where)


def _plan(rows: list[Any], game: TreeGame, where: str) -> CorrelationPlan:
    slots, prob = [], []
    for k, row in enumerate(rows):
        pair = row.get("slots") if isinstance(row, dict) else None
        if not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(type(slot) is int and -1 <= slot < game.slots for slot in pair)
            and isinstance(row.get("prob"), int | float)
        ):
            raise InputError(f"{where}, plan[{k}] has no pair 'slots' and 'prob' of this game")
        slots.append(pair)
        prob.append(row["prob"])
    first, second = np.array(slots, dtype=np.int32).reshape(-1, 2).T
    return CorrelationPlan(first, second, np.array(prob, dtype=np.float64))


def _normal_strategy(entry: Mapping[str, Any], game: Any, where: str) -> Any:
    if isinstance(entry.get("joint"), list):
        return _joint(entry["joint"], game, where)
    mixture = entry.get("mixture")
    if isinstance(mixture, list) and mixture and all(isinstance(part, dict) for part in mixture):
        profiles = np.array([_profile(part.get("profile"), game, where) for part in mixture])
        weights = _floats([part.get("weight") for part in mixture], where)
        return Mixture(weights, profiles, game.shape)
    return _profile(entry.get("profile"), game, where)


def _joint(rows: list[Any], game: Any, where: str) -> Joint:
    if not rows or not all(isinstance(row, dict) and isinstance(row.get("actions"), list) for row in rows):
        raise InputError(f"{where}: 'joint' is not a list of actions with their probability")
    cells = [row["actions"] for row in rows]
    if any(len(cell) != len(game.shape) or not all(type(a) is int for a in cell) for cell in cells):
        raise InputError(
            f"{where}: an entry of 'joint' has not one action index for each of {len(game.shape)} players"
        )
    return Joint(np.array(cells), _floats([row.get("prob") for row in rows], where), game.shape)


def _profile(blocks: Any, game: Any, where: str) -> Float:
    if not isinstance(blocks, list) or not blocks:
        kind = "behaviour strategies are for games in extensive form; " if blocks is None else ""
        raise InputError(f"{where} holds no mixed profile ({kind}expected 'profile', one list per player)")
    sizes = [len(block) if isinstance(block, list) else 1 for block in blocks]
    if sizes != list(game.shape):
        raise InputError(f"{where}: the profile has blocks of sizes {sizes}, expected {list(game.shape)}")
    from games.simplices import check_distribution

    flat = np.concatenate([_floats(block, where) for block in blocks])
    try:
        return check_distribution(flat, game.offsets)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _floats(values: Any, where: str) -> Float:
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "iuf":
            raise ValueError
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{where}: a probability is not a number") from None


# --- judging ----------------------------------------------------------------------------------------------


def judged(claim: Claim) -> Found:
    """The certificate of a claim, and what best replies to it earn."""
    from solvers.certificate import certify

    game = claim.game
    certificate = certify(game, claim.strategy, claim.concept, **claim.parameters)
    if not isinstance(claim.strategy, np.ndarray):
        values = certificate.values + certificate.gain if claim.concept == "cce" else None
        return Found(certificate, values, None, None)
    nash = certificate if claim.concept == "nash" else certify(game, claim.strategy, "nash")
    players = len(game.players)
    half = nash.nash_conv / 2 if players == 2 and game.constant_sum() is not None else None
    return Found(certificate, nash.values + nash.regret, nash.nash_conv, half)


def claims_document(claims: list[Claim], findings: list[Found], tolerance: float | None) -> dict[str, Any]:
    """What `certify --json` prints."""
    from experiments.output import certificate_document, game_document
    from experiments.tree_output import tree_document

    game = claims[0].game
    return {
        "game": tree_document(game) if isinstance(game, TreeGame) else game_document(game),
        "concept": claims[0].concept,
        "solutions": [
            {
                "values": found.certificate.values,
                "best_response_values": found.best_response_values,
                "nash_conv": found.nash_conv,
                "exploitability": found.exploitability,
                "certificate": certificate_document(found.certificate, tolerance),
                "parameters": claim.parameters,
            }
            for claim, found in zip(claims, findings)
        ],
    }


def show_claims(claims: list[Claim], findings: list[Found]) -> None:
    """Values, best replies and the certificate's sentence for each claim."""
    from rich.markup import escape

    from experiments.tables import NAMES, console, game_line, one_line, simple_table
    from experiments.tree_tables import tree_line
    from solvers.show import certificate_text, number_text

    game, out = claims[0].game, console()
    out.print(tree_line(game) if isinstance(game, TreeGame) else game_line(game))
    for claim, found in zip(claims, findings):
        certificate = found.certificate
        out.print(f"\n[bold cyan]Claimed: {NAMES.get(claim.concept, claim.concept)}[/]")
        table = simple_table("Player", "Value", "Best reply", "Regret", right=(1, 2, 3))
        replies = (
            [None] * len(game.players) if found.best_response_values is None else found.best_response_values
        )
        for player, value, reply, regret in zip(
            game.players, certificate.values, replies, certificate.regret
        ):
            told = "-" if reply is None else number_text(float(reply))
            table.add_row(escape(one_line(player)), number_text(float(value)), told, f"{regret:.3g}")
        out.print(table)
        if found.nash_conv is not None:
            half = "" if found.exploitability is None else f"    Exploitability: {found.exploitability:.3g}"
            out.print(f"NashConv: {found.nash_conv:.3g}{half}")
        out.print(f"Certificate: {escape(certificate_text(certificate))}")
