"""`staghunt info`: facts about one game."""

from __future__ import annotations

from typing import Any

from experiments.commands.options import Game, Json, PlotFile, Quiet, UnusedSeed

NAME = "info"
HELP = "Describe a game: players, actions, payoffs, sums, symmetry, dominance and pure equilibria."
EXAMPLES = (
    "staghunt info zoo:chicken",
    "staghunt info game.nfg --json",
    "staghunt info game.nfg --plot payoffs.png",
)
PURE_LISTED, PURE_SHOWN = 10_000, 20


def command(
    game: Game, plot: PlotFile = None, seed: UnusedSeed = 0, json: Json = False, quiet: Quiet = False
) -> int:
    """Compute and print the facts; `--plot` draws the payoffs of a two-player game as heatmaps."""
    from experiments.atomic import check_writable
    from experiments.progress import Reporter

    check_writable(plot, (".png", ".svg", ".pdf"), "--plot")
    from experiments.commands.tree_info import tree_facts
    from games.errors import InputError
    from games.info import facts
    from games.load import load

    with Reporter(quiet, "looking at the game"):
        try:
            loaded = load(game)
        except InputError as refusal:
            tree = tree_facts(game, refusal)
            return _tell_tree(tree, json, quiet)
        known = facts(loaded)
        from solvers.pure import pure_equilibria

        found = pure_equilibria(loaded, PURE_LISTED)
    if plot is not None:
        from experiments.heatmaps import payoff_heatmaps
        from experiments.plots import save_figure

        save_figure(plot, payoff_heatmaps(loaded))
    if json:
        from experiments.output import game_document, print_json

        for key in ("strictly_dominated", "weakly_dominated"):
            known[key] = [[{"action": a, "by": b} for a, b in pairs.items()] for pairs in known[key]]
        print_json(
            {
                "game": game_document(loaded),
                **known,
                "pure_equilibria": found.profiles,
                "pure_equilibria_count": found.total,
            }
        )
    elif not quiet:
        _show(loaded, known, found.profiles.tolist(), found.total)
    return 0


def _tell_tree(known: dict[str, Any], json: bool, quiet: bool) -> int:
    """The tree of a file whose strategic form is too large."""
    if json:
        from experiments.output import print_json

        print_json({"game": None, "tree": known})
    elif not quiet:
        from experiments.commands.tree_info import show_tree

        show_tree(known)
    return 0


def _show(game: Any, known: dict[str, Any], pure: list[list[int]], count: int) -> None:
    from rich.markup import escape

    from experiments.tables import console, game_line, simple_table
    from solvers.show import number_text

    out = console()
    out.print(game_line(game))
    table = simple_table("Player", "Actions", "Payoff range", "Strictly dominated", "Weakly dominated")
    for i, (player, names) in enumerate(zip(game.players, game.actions)):
        low, high = known["payoff_ranges"][i]
        table.add_row(
            escape(player),
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
    told = "; ".join(", ".join(game.actions[i][a] for i, a in enumerate(cell)) for cell in pure[:PURE_SHOWN])
    more = f"; and {count - PURE_SHOWN:,} more" if count > PURE_SHOWN else ""
    out.print(f"Pure equilibria: {count:,}" + (f"    {escape(told + more)}" if count else ""))
    out.print(f"Digest: {game.digest}", style="dim")


def _names(names: Any, which: Any, limit: int = 12) -> str:
    which = list(which)
    text = ", ".join(names[k] for k in which[:limit])
    return text + (f", ... ({len(which)} in all)" if len(which) > limit else "")


def _dominated(names: Any, found: dict[int, int], limit: int = 6) -> str:
    told = [f"{names[a]} (by {names[b]})" for a, b in list(found.items())[:limit]]
    return ", ".join(told) + (f", ... ({len(found)} in all)" if len(found) > limit else "") or "none"


def _elimination(game: Any, known: dict[str, Any]) -> str:
    left = known["iterated_survivors"]
    if known["iterated_rounds"] == 0:
        return "removes nothing"
    rounds = f"{known['iterated_rounds']} round{'s' if known['iterated_rounds'] > 1 else ''}"
    if all(len(kept) == 1 for kept in left):
        answer = ", ".join(names[kept[0]] for names, kept in zip(game.actions, left))
        return f"solves the game in {rounds}: {answer}"
    told = "; ".join(
        f"{player}: {_names(names, kept)}" for player, names, kept in zip(game.players, game.actions, left)
    )
    return f"after {rounds} leaves {told}"
