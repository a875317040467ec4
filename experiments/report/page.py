"""From a run's folder to one HTML page that needs nothing else: no network, no script to be read.

Nothing that comes from files can act there. Every text is escaped, characters that cannot be seen are written out,
pictures are images (in which scripts do not run), no address comes from a file, and the page forbids itself all but its
own style, its own pictures and the one script that sorts tables, which it names by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from experiments.report.text import exact, number, percent, probability, visible
from experiments.tournament.folder import REPORT, is_tournament
from experiments.training.runs import is_run, read_run
from games.errors import InputError

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Page:
    """A report.

    Parameters
    ----------
    kind : str
        "tournament" or "training".
    title : str
        As its heading.
    run : Path
        What it is about.
    html : str
        The page.
    """

    kind: str
    title: str
    run: Path
    html: str

    @property
    def document(self) -> dict[str, Any]:
        """What `report --json` says about it."""
        data = self.html.encode("utf-8")
        return {
            "run": str(self.run),
            "kind": self.kind,
            "title": self.title,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }

    def write(self, out: Path | None = None) -> Path:
        """Write the page, whole or not at all; `InputError` if the system refuses."""
        from experiments.atomic import write_text

        path = self.run / REPORT if out is None else out
        write_text(path, self.html)
        return path


def report_on(path: Path, progress: Progress | None = None) -> Page:
    """The page about a folder: the same text for the same files.

    Parameters
    ----------
    path : Path
        Of a tournament, or of a run of `staghunt train` or one of its seeds.
    progress : callable, optional
        ``progress(fraction, text)``.

    Raises
    ------
    InputError
        If it is neither, is not finished, or a file in it is damaged.
    """
    tell = progress or (lambda fraction, text: None)
    if is_tournament(path):
        return _about_tournament(path, tell)
    whole = path.resolve()
    if is_run(whole) or (whole.name.startswith("seed-") and is_run(whole.parent)):
        return _about_training(path, tell)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise InputError(
            f"{path} {what}; expected the folder of a tournament or of a run of `staghunt train`"
        )
    raise InputError(
        f"{path} is neither the folder of a tournament nor of a run of `staghunt train`: it has no tournament.yaml and no "
        "spec.yaml"
    )


def _about_tournament(path: Path, progress: Progress) -> Page:
    from experiments.report.tournament import PAIRS, facts, tournament_view

    view = tournament_view(path, progress)
    html = render("tournament", title=view.title, view=view, facts=facts(view), pairs=PAIRS)
    return Page("tournament", view.title, path, html)


def _about_training(path: Path, progress: Progress) -> Page:
    from experiments.report.curves import training_of
    from experiments.report.dags import graphs_of
    from experiments.report.economies import economies_of
    from experiments.report.provenance import flat_lines, provenance_lines
    from experiments.report.rules import rules_of
    from experiments.report.switches import switches_of

    run = read_run(path)
    view = training_of(run)
    graphs, switches = graphs_of(run, progress), switches_of(run, progress)
    rules, economies = rules_of(run, progress), economies_of(run, progress)
    settings, provenance = flat_lines(run.spec.document()), provenance_lines(run.provenance)
    html = render(
        "training",
        title=run.title,
        view=view,
        facts=view.facts,
        graphs=graphs,
        switches=switches,
        rules=rules,
        economies=economies,
        settings=settings,
        provenance=provenance,
    )
    return Page("training", run.title, run.path, html)


def write_report(run: Path, out: Path | None = None, progress: Progress | None = None) -> Path:
    """Write the page about a folder, whole or not at all, and say where it is: `out`, or report.html in the folder."""
    return report_on(run, progress).write(out)


# --- templates ----------------------------------------------------------------------------------------------------


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package.

    Parameters
    ----------
    template : str
        Name of its file, without the suffix.
    **values
        What it shows.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    env = Environment(
        loader=FunctionLoader(lambda name: _text(f"{name}.html.j2")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    env.filters.update(number=number, exact=exact, percent=percent, probability=probability)
    script = _text("sort.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return env.get_template(template).render(
        style=Markup(_text("page.css")),
        script=Markup(script),
        script_hash=digest,
        version=version("staghunt"),
        **values,
    )


def _finalize(value: Any) -> Any:
    """Texts with what cannot be seen in them written out; what is markup already, is ours."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _text(name: str) -> str:
    return (files("experiments.report") / name).read_text(encoding="utf-8")
