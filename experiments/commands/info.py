"""`staghunt info`: facts about one game or environment."""

from __future__ import annotations

import math
from os.path import exists
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.commands.options import AllowImport, Game, Json, MaxNodes, PlotFile, Quiet, UnusedSeed

if TYPE_CHECKING:
    from games.env import EnvSpec

NAME = "info"
HELP = (
    "Describe a game: players, actions, payoffs, sums, symmetry, dominance and pure equilibria; of a game in extensive "
    "form its nodes, information sets, recall, and how large its strategic form is; of an environment its agents, "
    "observations, actions, and the policies that can play it."
)
EXAMPLES = (
    "staghunt info zoo:chicken",
    "staghunt info game.nfg --json",
    "staghunt info game.nfg --plot payoffs.png",
    "staghunt info openspiel:leduc_poker",
    "staghunt info foraging:8x8-2p-3f",
    "staghunt info mfg:crowd",
)
PURE_LISTED, PURE_SHOWN = 10_000, 20
CELLS = 1_000_000
"""A strategic form of a tree with more cells than this is not looked into."""


def command(
    game: Game,
    max_nodes: MaxNodes = None,
    plot: PlotFile = None,
    allow_import: AllowImport = None,
    seed: UnusedSeed = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compute and print the facts; `--plot` draws the payoffs of a two-player game as heatmaps."""
    from experiments.atomic import check_writable
    from experiments.progress import Reporter
    from games.env_uris import is_environment_only
    from games.mean_field_games import is_mean_field

    check_writable(plot, (".png", ".svg", ".pdf"), "--plot")
    if is_mean_field(game):
        with Reporter(quiet, f"reading {game}") as progress:
            return _mean_field(game, plot, max_nodes, progress, json, quiet)
    if is_environment_only(game):
        return _environment(game, plot, tuple(allow_import or ()), json, quiet)
    tree, known, found = None, {}, None
    played = None
    with Reporter(quiet, f"reading {game}") as progress:
        from games.load import load
        from games.tree import TreeGame

        loaded = load(game, max_nodes=max_nodes, progress=progress)
        if json or not quiet:
            progress(math.nan, "looking at it as an environment")
            played = _as_environment(game, loaded)
        progress(math.nan, "looking at the game")
        if isinstance(loaded, TreeGame):
            from experiments.tree_facts import tree_facts

            tree, known = loaded, tree_facts(loaded)
            loaded = _strategic(loaded, known)
        normal_facts = {}
        if loaded is not None:
            from games.info import facts
            from solvers.pure import pure_equilibria

            normal_facts = facts(loaded)
            found = pure_equilibria(loaded, PURE_LISTED)
    if plot is not None:
        _plot(plot, loaded)
    if json:
        from experiments.output import print_json

        told = _document(tree, known, loaded, normal_facts, found)
        print_json({**told, "environment": _environment_document(played)})
    elif not quiet:
        if tree is not None:
            from experiments.tree_tables import show_facts

            show_facts(tree, known)
        if loaded is not None and found is not None:
            if tree is not None:
                print("\nIts reduced strategic form:")
            _show(loaded, normal_facts, found.profiles.tolist(), found.total)
        if played is not None:
            from experiments.env_output import show_as_env

            show_as_env(*played)
    return 0


def _mean_field(uri: str, plot: Path | None, max_nodes: Any, progress: Any, json: bool, quiet: bool) -> int:
    from experiments.guard import note
    from experiments.mean_field_output import model_document, show_model
    from experiments.mean_field_solve import check_agents, facts, load_model, played

    if (remark := check_agents(uri)) is not None:
        note(remark, quiet)
    from games.errors import InputError

    if plot is not None:
        raise InputError(
            f"--plot draws the payoffs of a game; `staghunt solve {uri} --plot FILE` draws its mean field"
        )
    model = load_model(uri, max_nodes, progress)
    found, seen = facts(uri, model), played(uri)
    if json:
        from experiments.output import print_json

        print_json({"game": model_document(model), **found, "environment": _environment_document(seen)})
    elif not quiet:
        show_model(model, found)
        if seen is not None:
            from experiments.env_output import show_as_env

            show_as_env(*seen)
    return 0


def _as_environment(uri: str, game: Any) -> tuple[EnvSpec, list[str]] | None:
    """How `play` sees a game and the policies that fit; None where it cannot be played."""
    from games.env_uris import make_env
    from games.errors import InputError
    from games.policy_names import HUMAN, policy_names
    from games.simulate import simulate

    try:
        # what is loaded is not loaded again; `play` takes OpenSpiel's games from OpenSpiel, though
        loads = uri.lower().startswith("openspiel:") and not exists(uri)
        env = make_env(uri) if loads else simulate(game, name=uri)
        return env.spec, [*policy_names(env), HUMAN]
    except (InputError, MemoryError):
        return None


def _environment_document(played: tuple[EnvSpec, list[str]] | None) -> dict[str, Any] | None:
    from experiments.env_output import env_document

    return None if played is None else {**env_document(played[0]), "policies": played[1]}


def _environment(uri: str, plot: Path | None, allowed: tuple[str, ...], json: bool, quiet: bool) -> int:
    from games.env_uris import make_env
    from games.errors import InputError
    from games.policy_names import HUMAN, policy_names

    if plot is not None:
        raise InputError(
            f"--plot draws the payoffs of a game; to see {uri} use `staghunt play {uri} --render FILE`"
        )
    env = make_env(uri, allow_import=allowed)
    names = [*policy_names(env), HUMAN]
    if json:
        from experiments.env_output import env_document
        from experiments.output import print_json

        print_json({"env": env_document(env.spec), "policies": names})
    elif not quiet:
        from experiments.env_output import show_env

        show_env(env.spec, names)
    return 0


def _strategic(tree: Any, known: dict[str, Any]) -> Any:
    """The strategic form of a tree when it is small, else None."""
    form = known["strategic_form"]
    if not form["fits"] or math.prod(form["shape"]) > CELLS:
        return None
    return tree.to_normal()


def _plot(plot: Path, game: Any) -> None:
    from games.errors import InputError

    if game is None:
        raise InputError(
            "--plot draws the payoffs of a normal-form game, and this tree's strategic form is too large"
        )
    from experiments.heatmaps import payoff_heatmaps
    from experiments.plots import save_figure

    save_figure(plot, payoff_heatmaps(game))


def _document(
    tree: Any, known: dict[str, Any], game: Any, facts: dict[str, Any], found: Any
) -> dict[str, Any]:
    """What `info --json` prints: facts of a normal form, of a tree, or of a tree and its small strategic form."""
    normal: dict[str, Any] = {}
    if game is not None:
        from experiments.output import game_document

        for key in ("strictly_dominated", "weakly_dominated"):
            facts[key] = [[{"action": a, "by": b} for a, b in pairs.items()] for pairs in facts[key]]
        normal = {
            "game": game_document(game),
            **facts,
            "pure_equilibria": found.profiles,
            "pure_equilibria_count": found.total,
            **_estimates(game),
        }
    if tree is None:
        return normal
    from experiments.tree_output import tree_document

    return {"game": tree_document(tree), "tree": known, "strategic_form": normal or None}


def _estimates(game: Any) -> dict[str, Any]:
    """Of payoffs estimated from matches, how far they may be from the true ones."""
    from games.empirical import EmpiricalGame

    if not isinstance(game, EmpiricalGame):
        return {}
    exact = int((game.radius == 0).all(axis=0).sum())
    return {"estimates": {"delta": game.delta, "largest_radius": game.radius.max(), "exact_profiles": exact}}


def _show(game: Any, known: dict[str, Any], pure: list[list[int]], count: int) -> None:
    from rich.markup import escape

    from experiments.tables import console, estimates_line, game_line, one_line, simple_table
    from solvers.show import number_text

    out = console()
    out.print(game_line(game))
    if told := estimates_line(game):
        out.print(told)
    table = simple_table("Player", "Actions", "Payoff range", "Strictly dominated", "Weakly dominated")
    for i, (player, names) in enumerate(zip(game.players, game.actions)):
        low, high = known["payoff_ranges"][i]
        table.add_row(
            escape(one_line(player)),
            escape(_names(names, range(len(names)))),
            f"{number_text(low)} to {number_text(high)}",
            escape(_dominated(names, known["strictly_dominated"][i])),
            escape(_dominated(names, known["weakly_dominated"][i])),
        )
    out.print(table)
    kinds = [
        "constant-sum" + f" ({number_text(known['constant_sum'])})"
        if known["constant_sum"] is not None
        else "",
        "common payoff" if known["common_payoff"] else "",
        "symmetric" if known["symmetric"] else "",
    ]
    out.print(f"Joint profiles: {game.profiles:,}    Kind: {', '.join(k for k in kinds if k) or 'general'}")
    out.print(f"Iterated strict dominance: {escape(_elimination(game, known))}")
    told = "; ".join(
        ", ".join(_short(game.actions[i][a]) for i, a in enumerate(cell)) for cell in pure[:PURE_SHOWN]
    )
    more = f"; and {count - PURE_SHOWN:,} more" if count > PURE_SHOWN else ""
    out.print(f"Pure equilibria: {count:,}" + (f"    {escape(told + more)}" if count else ""))
    out.print(f"Digest: {game.digest}", style="dim")


def _short(name: str) -> str:
    """A name for a list of several: a plan for thousands of information sets would fill the screen."""
    from experiments.tables import one_line

    return one_line(name, 60)


def _names(names: Any, which: Any, limit: int = 12) -> str:
    which = list(which)
    text = ", ".join(_short(names[k]) for k in which[:limit])
    return text + (f", ... ({len(which)} in all)" if len(which) > limit else "")


def _dominated(names: Any, found: dict[int, int], limit: int = 6) -> str:
    told = [f"{_short(names[a])} (by {_short(names[b])})" for a, b in list(found.items())[:limit]]
    return ", ".join(told) + (f", ... ({len(found)} in all)" if len(found) > limit else "") or "none"


def _elimination(game: Any, known: dict[str, Any]) -> str:
    left = known["iterated_survivors"]
    if known["iterated_rounds"] == 0:
        return "removes nothing"
    rounds = f"{known['iterated_rounds']} round{'s' if known['iterated_rounds'] > 1 else ''}"
    if all(len(kept) == 1 for kept in left):
        answer = ", ".join(_short(names[kept[0]]) for names, kept in zip(game.actions, left))
        return f"solves the game in {rounds}: {answer}"
    told = "; ".join(
        f"{player}: {_names(names, kept)}" for player, names, kept in zip(game.players, game.actions, left)
    )
    return f"after {rounds} leaves {told}"
