"""What `staghunt solve` writes and prints: one place for answers on normal forms, on trees, on their strategic forms, and in
mean-field games."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from experiments.requests import Request, pattern, reached, shortfall
from games.meanfield import MeanFieldModel
from games.tree import TreeGame


class Told(NamedTuple):
    """An answered request."""

    game: Any
    """What was asked about; on a tree, the solutions may be about its strategic form."""
    asked: Request
    solutions: tuple[Any, ...]
    seconds: float

    @property
    def on_tree(self) -> bool:
        """Whether the solutions are behaviour strategies or plans on the tree."""
        return isinstance(self.game, TreeGame) and all(isinstance(s.game, TreeGame) for s in self.solutions)

    @property
    def in_mean_field(self) -> bool:
        """Whether the solutions are policies of a mean-field game."""
        return isinstance(self.game, MeanFieldModel)

    @property
    def normal(self) -> Any:
        """The normal-form game that the solutions are about, when they are not on the tree."""
        return self.solutions[0].game if isinstance(self.game, TreeGame) else self.game

    def document(self, whole: bool = True) -> dict[str, Any]:
        """The JSON document; unless `whole`, with the information sets of `--infoset` only."""
        concept, tolerance = self.asked.concept or "", self.asked.accepted
        if self.in_mean_field:
            from experiments.mean_field_output import mean_field_document

            return mean_field_document(self.game, self.solutions, tolerance, self.seconds)
        if not self.on_tree:
            from experiments.output import solve_document

            document = solve_document(self.normal, concept, self.solutions, tolerance, self.seconds)
            if isinstance(self.game, TreeGame):
                from experiments.tree_output import tree_document

                document["tree"] = tree_document(self.game)
            return document
        from experiments.tree_output import matching, tree_solve_document

        which = None if whole else matching(self.game, pattern(self.asked.infoset))
        return tree_solve_document(self.game, concept, self.solutions, tolerance, self.seconds, which)

    def csv(self) -> str:
        """The strategies as a table."""
        if self.in_mean_field:
            from experiments.mean_field_output import policies_csv

            return policies_csv(self.game, self.solutions)
        if self.on_tree:
            from experiments.tree_output import behaviors_csv

            return behaviors_csv(self.game, self.solutions)
        from experiments.output import solutions_csv

        return solutions_csv(self.normal, self.solutions)

    def figure(self) -> Any:
        """The picture of `--plot`."""
        if self.in_mean_field:
            from experiments.mean_field_plots import mean_field_figure

            return mean_field_figure(self.game, self.solutions[0])
        if self.on_tree:
            from experiments.tree_plots import tree_figure

            return tree_figure(self.game, self.solutions)
        from experiments.solution_plots import solution_figure

        return solution_figure(self.normal, self.solutions)


def write(out: Path | None, plot: Path | None, told: Told) -> None:
    """The files of `--out` and `--plot`."""
    if out is not None:
        from experiments.atomic import write_text
        from experiments.output import dumps

        write_text(out, dumps(told.document()) + "\n" if out.suffix.lower() == ".json" else told.csv())
    if plot is not None:
        from experiments.plots import save_figure

        save_figure(plot, told.figure())


def show(told: Told, json: bool, quiet: bool) -> None:
    """One JSON document, or tables and a remark when the tolerance was missed."""
    from experiments.guard import note

    if json:
        from experiments.output import print_json

        print_json(told.document(whole=False))
    elif not quiet:
        _tables(told)
    if not reached(told.solutions, told.asked.accepted):
        note(shortfall(told.solutions, told.asked.accepted), quiet)


def _tables(told: Told) -> None:
    concept = told.asked.concept or ""
    if told.in_mean_field:
        from experiments.mean_field_output import show_mean_field

        show_mean_field(told.game, told.solutions[0], told.seconds)
        return
    if told.on_tree:
        from experiments.tree_output import matching
        from experiments.tree_tables import show_tree_solutions

        which = matching(told.game, pattern(told.asked.infoset))
        show_tree_solutions(told.game, told.solutions, told.seconds, which)
        if which == []:
            from experiments.guard import note

            note(f"no information set matches {told.asked.infoset!r}")
        return
    from experiments.tables import show_solutions

    show_solutions(told.normal, concept, told.solutions, told.seconds)
