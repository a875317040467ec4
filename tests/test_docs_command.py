"""`staghunt docs`: pages are found, listed and shown; lists have a line per entry."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from command_line import Staghunt

from experiments import listings, pages, pointers
from games.errors import InputError

ROOT = Path(__file__).parents[1]
THREE = "openspiel:kuhn_poker(players=3)"
TEXT = """---
title: x
---
# A *page* about `things`

<!-- made by hand -->

![a picture](figures/a.png)

It tells of [things](b.md), see Chen et al. (2023), with
care. Second sentence.

!!! note "Mind this"
    First.

    Second.

After it.

::: games.normal
    options:
      members: true

<!-- table: command -->
| a | b |
|---|---|
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An installed package with three pages."""
    home = tmp_path / "experiments"
    for name in ("index", "tour", "guides/tour", "guides/students", "solvers/index"):
        path = home / "docs" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT if name == "guides/students" else f"# {name}\n")
    return home


def test_a_page_tells_its_title_and_what_it_is_about(package: Path) -> None:
    page = pages.page_of("students", package)
    assert (page.title, page.text.startswith("# A")) == ("A page about things", True)
    assert page.summary == "It tells of things, see Chen et al. (2023), with care."
    assert pages.page_of("tour", package).summary == ""


def test_a_terminal_gets_quotations_instead_of_notes_and_no_comments(package: Path) -> None:
    shown = pages.page_of("students", package).readable()
    assert "> **Mind this**\n>\n> First.\n>\n> Second.\n\nAfter it." in shown
    assert "!!!" not in shown and "<!--" not in shown and ":::" not in shown and "options:" not in shown
    assert "`help(games.normal)`" in shown and "| a | b |" in shown


def test_pages_are_found_by_whole_names_and_by_last_parts(package: Path) -> None:
    assert list(pages.pages(package)) == ["index", "tour", "guides/students", "guides/tour", "solvers/index"]
    assert pages.page_of("docs/guides/Students.md", package).name == "guides/students"
    assert pages.page_of("tour", package).name == "tour", "a whole name goes before a last part"
    assert pages.page_of("solvers", package).name == "solvers/index"
    with pytest.raises(InputError, match=r"did you mean guides/students\?$"):
        pages.page_of("studnets", package)
    with pytest.raises(InputError, match=r"`staghunt docs` lists them$"):
        pages.page_of("zzz", package)
    assert pages.exists("guides/tour", package) and not pages.exists("students", package)


def test_without_pages_that_is_said(tmp_path: Path) -> None:
    assert pages.pages(tmp_path) == {} and not pages.exists("index", tmp_path)
    with pytest.raises(InputError, match="are neither beside nor in"):
        pages.page_of("index", tmp_path)


def test_the_command_lists_and_shows(staghunt: Staghunt) -> None:
    listed = staghunt("docs", "--json").json
    names = {
        path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")
    }
    assert {one["name"] for one in listed["pages"]} == names and listed["folder"] == str(ROOT / "docs")
    lines = staghunt("docs").out.splitlines()
    assert names <= {line.split()[0] for line in lines if line}
    assert {"Guides", "Solvers"} <= set(lines) and max(map(len, lines)) < 170
    assert staghunt("docs", "scaling", "--path").out.strip() == str(ROOT / "docs" / "scaling.md")
    assert staghunt("docs", "--path").out.strip() == str(ROOT / "docs")
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8").strip()
    assert staghunt("docs", "scaling").out.strip() == text
    assert json.loads(staghunt("docs", "scaling", "--json").out)["text"].strip() == text
    assert "did you mean scaling?" in staghunt("docs", "scalling").complaint


def test_a_terminal_shows_markdown(staghunt: Staghunt, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    written = io.StringIO()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("experiments.tables.console", lambda: Console(file=written, width=60))
    assert staghunt("docs", "scaling").code == 0
    shown = written.getvalue()
    assert "Tournaments on 1, 10, 100" in shown and "# Tournaments" not in shown and "```" not in shown


def test_lists_have_a_line_per_entry_however_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    groups = {"One": [("a", "x" * 50), ("b" * 45, "y")], "Two": [("c", "[z]" * 20)]}
    for narrow in (False, True):
        written = io.StringIO()
        out = Console(file=written, width=30, highlight=False)
        monkeypatch.setattr(listings, "console", lambda out=out: out)
        monkeypatch.setattr("sys.stdout.isatty", lambda narrow=narrow: narrow)
        listings.show_listing(groups, ["that is all"])
        one, a, b, _, two, c, _, last = written.getvalue().rstrip("\n").split("\n")
        assert (one, two, last) == ("One", "Two", "that is all")
        assert a.startswith("a" + " " * 41 + "x" * 50 if not narrow else "a") and b == "b" * 45 + "  y"
        assert c == "c  " + "[z]" * 20 if not narrow else c == "c  " + ("[z]" * 20)[:26] + "…"


def test_every_game_and_environment_is_a_line(staghunt: Staghunt) -> None:
    everything = staghunt("games", "--json").json
    names = [one["name"] for one in everything["games"]] + [one["uri"] for one in everything["environments"]]
    lines = [
        line for line in staghunt("games").out.splitlines() if ":" in line.split("  ")[0] and "  " in line
    ]
    assert [line.split("  ")[0] for line in lines if not line.startswith("Parameters")] == names
    groups = {one["group"] for key in ("games", "environments") for one in everything[key]}
    text = staghunt("games").out
    assert all(f"\n{group}\n" in f"\n{text}" for group in groups) and len(groups) == 5


def test_few_games_are_told_with_parameters_and_sources(staghunt: Staghunt) -> None:
    text = staghunt("games", "stag-hunt").out
    assert "stag=9" in text and "Aumann (1990)" in text and "repeated:stag-hunt" in text
    assert "stag=9" not in staghunt("games").out


def test_every_claim_is_a_line_with_its_answer(staghunt: Staghunt) -> None:
    lines = staghunt("reproduce").out.splitlines()
    for paper in staghunt("reproduce", "--list", "--json").json["papers"]:
        for claim in paper["claims"]:
            (line,) = (one for one in lines if one.startswith(f"{claim['key']} ") and claim["title"] in one)
            assert f"  {claim['stored']}  " in line


# --- errors point to pages --------------------------------------------------------------------------------


@pytest.mark.parametrize("page", sorted({*pointers.COMMANDS.values(), *pointers.MODULES.values()}))
def test_every_page_that_errors_point_to_exists(page: str) -> None:
    assert pages.exists(page)


def test_every_module_that_points_to_a_page_exists_and_every_command() -> None:
    for name in pointers.MODULES:
        home = ROOT / name.replace(".", "/")
        assert (
            home.is_dir()
            or list(home.parent.glob(f"{home.name}.py"))
            or list(home.parent.glob(f"{home.name}_*.py"))
        )
    known = {path.stem.rstrip("_") for path in (ROOT / "experiments" / "commands").glob("*.py")}
    assert known - {"", "__init__", "options", "docs", "doctor"} - set(pointers.COMMANDS) == {"__init"}
    assert set(pointers.COMMANDS) <= known


@pytest.mark.parametrize(
    "words, page",
    [
        (["solve", "zoo:no-such-game"], "guides/command-line"),
        (["solve", "zoo:chicken", "--concept", "cce", "--method", "lrsnash"], "solvers/correlated"),
        (["solve", THREE, "--concept", "nash", "--method", "sequence-form"], "solvers"),
        (["qre", "zoo:chicken", "--at", "-1"], "solvers/qre"),
        (["train", "mapp", "coordination:climbing"], "guides/marl-researchers"),
        (["train", "mappo", "coordination:climbing", "--set", "learner.none=1"], "guides/marl-researchers"),
        (["tournament", "no-such-file.yaml"], "guides/tournaments"),
        (["reproduce", "nothing"], "guides/reproducing-papers"),
        (["bench", "nothing"], "benchmarks"),
        (["psro", "zoo:chicken", "--meta", "nothing"], "algorithms/psro"),
        (["play", "foraging:none"], "guides/command-line"),
    ],
)
def test_errors_point_to_the_page(staghunt: Staghunt, words: list[str], page: str) -> None:
    assert staghunt(*words).complaint.endswith(f" (see 'staghunt docs {page}')")


def test_errors_point_nowhere_where_pages_are_not_installed(
    staghunt: Staghunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages.folder, "__defaults__", (tmp_path / "experiments",))
    monkeypatch.setattr(pages.exists, "__defaults__", (tmp_path / "experiments",))
    assert "staghunt docs" not in staghunt("solve", "zoo:no-such-game").complaint


def test_formulas_are_code_in_a_terminal_and_code_is_left_alone(package: Path) -> None:
    text = (
        "# A\n\nAt $x_i \\ge 0$ it costs $5 or $6,\n\n$$\n\\sum_i x_i\n$$\n\n```\necho $A $B$\n$$no$$\n```\n"
    )
    (package / "docs" / "formulas.md").write_text(text)
    shown = pages.page_of("formulas", package).readable()
    assert "At `x_i \\ge 0` it costs $5 or $6," in shown
    assert "```\n\\sum_i x_i\n```" in shown
    assert "```\necho $A $B$\n$$no$$\n```" in shown
