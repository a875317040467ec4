"""What `staghunt info` says of a tree whose strategic form is too large to hold."""

from __future__ import annotations

from typing import Any

from games.errors import InputError


def tree_facts(path: str, refusal: InputError) -> dict[str, Any]:
    """Facts about the tree in an .efg file; raises `refusal` again when there is no such tree."""
    from games.from_files import load_tree

    try:
        tree = load_tree(path)
    except (InputError, OSError):
        raise refusal from None
    choosing = [owned for owned in tree.infosets if owned.player >= 0]
    return {
        "title": tree.title,
        "players": list(tree.players),
        "nodes": len(tree.player),
        "terminal_nodes": int((tree.infoset < 0).sum()),
        "chance_nodes": int(sum(tree.infosets[k].player < 0 for k in tree.infoset if k >= 0)),
        "information_sets": [sum(owned.player == i for owned in choosing) for i in range(len(tree.players))],
        "strategic_form": str(refusal),
    }


def show_tree(known: dict[str, Any]) -> None:
    """Print the facts, and why nothing more can be said."""
    from rich.markup import escape

    from experiments.tables import console, simple_table

    out = console()
    out.print(f"{escape(known['title'] or 'untitled')}  a tree of {known['nodes']:,} nodes", style="bold")
    table = simple_table("Player", "Information sets")
    for player, count in zip(known["players"], known["information_sets"]):
        table.add_row(escape(player), f"{count:,}")
    out.print(table)
    out.print(f"Terminal nodes: {known['terminal_nodes']:,}    Chance nodes: {known['chance_nodes']:,}")
    out.print(f"Its strategic form cannot be held: {escape(known['strategic_form'])}")
