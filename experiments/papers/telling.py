"""What `staghunt reproduce` writes and prints: claims, what was measured, whether they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from experiments.atomic import write_text
from experiments.output import dumps, plain
from experiments.papers.claims import Answer, Claim, Order, Paper
from experiments.papers.folder import FORMAT, VERSION, answer_document
from games.errors import InputError

REMARK = (
    "Claim, the answer that comes with the program, what measuring it takes, and what it says; where it stands in the paper "
    "and by which criteria it is judged: --json. With --quick a paper takes minutes."
)
VERDICTS = ("holds", "does not hold", "not run")
_STYLE = {"holds": "green", "does not hold": "bold red", "not run": "dim"}


def value_text(value: Any) -> str:
    """A measured value in a table: four digits of numbers, means with their intervals.

    >>> [value_text(v) for v in (0.123456, 12, [0.5, 1.0], "4 of 5", None, True)]
    ['0.1235', '12', '0.5, 1', '4 of 5', '-', 'yes']
    >>> value_text({"arm": "learned", "mean": 0.5, "low": 0.25, "high": 1.0})
    'learned 0.5 (0.25 to 1)'
    """
    value = plain(value)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    if isinstance(value, dict) and "mean" in value:
        words = [str(value["arm"])] if "arm" in value else []
        words.append(value_text(value["mean"]))
        if value.get("low") is not None:
            words.append(f"({value_text(value['low'])} to {value_text(value['high'])})")
        return " ".join(words)
    if isinstance(value, dict):
        return ", ".join(f"{key} {value_text(item)}" for key, item in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


# --- documents ------------------------------------------------------------------------------------------------


def answers_document(paper: Paper, answers: Sequence[Answer], order: Order) -> dict[str, Any]:
    """What `--json` prints and `answers.json` holds."""
    counts = {verdict: sum(answer.verdict == verdict for answer in answers) for verdict in VERDICTS}
    return {
        "format": f"{FORMAT}-answers",
        "version": VERSION,
        "paper": {"name": paper.name, "title": paper.title, "citation": paper.citation},
        "folder": str(order.out),
        "quick": order.quick,
        "seed": order.seed,
        "counts": counts,
        "claims": [answer_document(answer, order) for answer in answers],
    }


def write_answers(paper: Paper, answers: Sequence[Answer], order: Order) -> None:
    """Write `answers.json` and `answers.md`."""
    document = answers_document(paper, answers, order)
    whole = json.dumps(json.loads(dumps(document)), ensure_ascii=False, indent=1)
    write_text(order.out / "answers.json", whole + "\n")
    write_text(order.out / "answers.md", answers_text(paper, answers, order))


def answers_text(paper: Paper, answers: Sequence[Answer], order: Order) -> str:
    """The answers as a page of Markdown: a row for every criterion."""
    effort = "with reduced effort (--quick)" if order.quick else "with full effort"
    lines = [
        f"# {paper.title}",
        "",
        f"{paper.citation}. Measured {effort}, from seed {order.seed} on.",
        "",
        f"{summary(answers)}.",
        "",
        "| claim | where | criterion | measured | met | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for answer in answers:
        for k, (text, value, met) in enumerate(_rows(answer)):
            head = (answer.claim.key, answer.claim.where) if k == 0 else ("", "")
            cells = (*head, text, value, met, answer.verdict if k == 0 else "")
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    for answer in answers:
        lines += ["", f"## {answer.claim.title} ({answer.claim.key})", "", answer.claim.says]
        lines += ["", f"Judged by: {answer.claim.criteria}", "", f"**{answer.verdict}**"]
        if answer.found is not None:
            for name in answer.found.figures:
                lines += ["", f"![{_cell(answer.claim.title)}]({name})"]
    return "\n".join(lines) + "\n"


def summary(answers: Sequence[Answer]) -> str:
    """How many claims hold, in words."""
    ran = [answer for answer in answers if answer.found is not None]
    held = sum(answer.verdict == "holds" for answer in ran)
    rest = len(answers) - len(ran)
    told = f"{held} of {len(ran)} claims that were measured hold"
    return told + (f", {rest} {'was' if rest == 1 else 'were'} not measured" if rest else "")


def _rows(answer: Answer) -> list[tuple[str, str, str]]:
    """Criteria, what was measured of them, and whether they are met."""
    if answer.found is None:
        return [(answer.claim.criteria, "", "")]
    return [(c.text, value_text(c.value), "yes" if c.passed else "no") for c in answer.found.criteria]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def stored_verdicts(paper: Paper) -> dict[str, str]:
    """By claim, the answers that come with the program; empty where there are none."""
    from experiments.papers.table import committed

    try:
        return {answer["key"]: answer["verdict"] for answer in committed(paper.name)["claims"]}
    except InputError:
        return {}


def effort(claim: Claim) -> str:
    """What measuring a claim takes, in words: training seeds, by steps or updates each, in full and quickly.

    >>> effort(Claim("k", "t", "s", "w", "c", {"seeds": 5, "steps": 2000}, {"seeds": 2, "steps": 100}))
    '5 x 2,000 steps (quick 2 x 100)'
    """
    if "seeds" not in claim.full:
        return "computed"
    for unit in ("steps", "updates"):
        if unit in claim.full and unit in claim.quick:
            full, quick = (f"{one['seeds']} x {one[unit]:,}" for one in (claim.full, claim.quick))
            return f"{full} {unit} (quick {quick})"
    return f"{claim.full['seeds']} seeds (quick {claim.quick.get('seeds', 0)})"


def papers_document(papers: Iterable[Paper]) -> dict[str, Any]:
    """What `--list --json` prints."""
    return {
        "papers": [
            {
                "name": paper.name,
                "title": paper.title,
                "citation": paper.citation,
                "claims": [
                    {
                        "key": claim.key,
                        "title": claim.title,
                        "says": claim.says,
                        "where": claim.where,
                        "criteria": claim.criteria,
                        "tags": claim.tags,
                        "budget": {"full": claim.full, "quick": claim.quick},
                        "stored": stored.get(claim.key),
                    }
                    for claim in paper.claims
                ],
            }
            for paper in papers
            for stored in (stored_verdicts(paper),)
        ]
    }


# --- tables ---------------------------------------------------------------------------------------------------


def show_papers(papers: Iterable[Paper], json: bool, quiet: bool) -> int:
    """List papers and their claims."""
    if json:
        from experiments.output import print_json

        print_json(papers_document(papers))
        return 0
    if quiet:
        return 0
    from rich.markup import escape

    from experiments.listings import show_listing
    from experiments.tables import console

    out = console()
    for paper in papers:
        stored = stored_verdicts(paper)
        out.print(f"[bold]{escape(paper.name)}[/]  {escape(paper.title)}", soft_wrap=True)
        out.print(f"[dim]{escape(paper.citation)}[/]", soft_wrap=True)
        rows = [(c.key, stored.get(c.key, "not known"), effort(c), c.title) for c in paper.claims]
        show_listing({"": rows})
        out.print(f"[dim]staghunt reproduce {escape(paper.name)} --quick[/]\n", soft_wrap=True)
    out.print(REMARK, style="dim", markup=False, soft_wrap=True)
    return 0


def show_answers(paper: Paper, answers: Sequence[Answer], order: Order, json: bool, quiet: bool) -> None:
    """One JSON document, or a table with a row for every criterion."""
    if json:
        from experiments.output import print_json

        print_json(answers_document(paper, answers, order))
        return
    if quiet:
        return
    from rich.markup import escape

    from experiments.tables import console, simple_table

    out = console()
    out.print(f"[bold]{escape(paper.title)}[/]")
    table = simple_table("Claim", "Verdict", "Criterion", "Measured", "Met")
    for answer in answers:
        if answer.found is None:
            continue
        style = _STYLE[answer.verdict]
        for k, (text, value, met) in enumerate(_rows(answer)):
            head = (answer.claim.key, f"[{style}]{answer.verdict}[/]") if k == 0 else ("", "")
            table.add_row(*head, escape(text), escape(value), met)
    out.print(table)
    if left := [answer.claim.key for answer in answers if answer.found is None]:
        out.print(f"Not measured: {', '.join(left)}", soft_wrap=True)
    out.print(f"{summary(answers)}.")
    out.print(f"[dim]{escape(str(order.out))}[/]", soft_wrap=True)
