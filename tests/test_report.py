"""`staghunt report`: the page says what the files say, and nothing in the files can act there."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import ROOT, Staghunt
from report_runs import HOSTILE, MARK, Page, played

from experiments.report.branches import branch_of
from experiments.report.figures import Line, curves, picture
from experiments.report.graphs import Drawn, response_graph_of
from experiments.report.page import report_on, write_report
from experiments.report.payoffs import payoffs_of
from experiments.report.text import exact, number, probability, short, visible
from experiments.training.runs import read_metrics
from games.empirical import PayoffTable, all_cells, symmetric_cells
from games.empirical_files import load_table, save_table
from games.errors import InputError

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine to open the page with")
DILEMMA = "repeated:prisoners-dilemma?rounds=10&noise=0.05"
QUICK = ["--steps", 2_000, "--set", "training.episodes=10", "--set", "learner.hidden=[8]"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A symmetric tournament of agents with hostile names."""
    folder = tmp_path_factory.mktemp("runs") / f"a&b <i>{MARK}<"
    return played(folder, {"env": DILEMMA, "agents": HOSTILE, "matches": 8, "exact": False})


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tournament of two roles, one agent of which always fails."""
    roles = {
        "Player 1": {"t": "tit-for-tat", "d": "defector", "bad": "import:report_runs:breaks"},
        "Player 2": ["cooperator", "random-half", "grudger"],
    }
    document = {"env": DILEMMA, "roles": roles, "matches": 6, "exact": False, "delta": 0.1}
    return played(tmp_path_factory.mktemp("runs") / "uneven", document, ("report_runs",))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `staghunt train` with two seeds."""
    from experiments import cli

    out = tmp_path_factory.mktemp("runs") / "trained"
    words = ["train", "mappo", "zoo:stag-hunt", *QUICK, "-o", out, "-q"]
    assert cli.run([str(word) for word in words]) == 0
    # one seed at a time is trained in this process
    assert cli.run(["train", "--resume", str(out), "--seeds", "2", "-q"]) == 0
    return out


@cache
def html_of(run: Path) -> str:
    """The page about a folder that no test changes."""
    return report_on(run).html


def answers_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "answers.json").read_text(encoding="utf-8"))


def as_number(value: Any) -> float:
    return math.nan if value in (None, "") else float(value)


def same(told: str, value: Any) -> bool:
    """Whether an attribute is that number to the last bit."""
    wanted = as_number(value)
    return as_number(told) == wanted or (math.isnan(as_number(told)) and math.isnan(wanted))


# --- the numbers of the page --------------------------------------------------------------------------------------


def check_payoffs(page: Page, run: Path) -> None:
    """Every seating of every cell is on the page with mean, radius, standard error and count of the table."""
    table = load_table(run / "table.json")
    radius, error = table.radius(answers_of(run)["delta"]), table.standard_error
    wanted = {}
    for c, cell in enumerate(table.cells.tolist()):
        for k, role in enumerate(table.roles):
            names = [visible(population[a]) for population, a in zip(table.populations, cell)]
            if table.symmetric:
                names = [names[k], *names[:k], *names[k + 1 :]]
                role = table.roles[0]
            wanted[(role, *names)] = (c, k)
    seen = set()
    for told in page.having("radius"):
        key = (told["role"], told["agent"], *told["against"].split(" - "))
        c, k = wanted[key]
        seen.add(key)
        assert int(told["count"]) == table.count[c]
        if table.known[c]:
            assert same(told["value"], table.mean[c, k])
            assert same(told["radius"], radius[c, k]) and same(told["error"], error[c, k])
        else:
            assert told["value"] == told["radius"] == told["error"] == "" and told["title"]
    assert seen == set(wanted)


def check_rankings(page: Page, run: Path) -> None:
    rankings = answers_of(run)["rankings"]
    assert rankings
    count = 0
    for ranking in rankings:
        role = ranking["role"] or ""
        for k, agent in enumerate(ranking["agents"]):
            (told,) = page.having(ranking=ranking["name"], role=role, agent=visible(agent))
            assert same(told["value"], ranking["values"][k])
            for end in ("low", "high"):
                assert same(told[end], None if ranking[end] is None else ranking[end][k])
            count += 1
    assert len([one for one in page.having("ranking") if one["value"]]) == sum(
        value is not None for ranking in rankings for value in ranking["values"]
    )
    assert count <= len(page.having("ranking"))


def check_equilibria(page: Page, run: Path) -> None:
    answers = answers_of(run)
    table = load_table(run / "table.json").without(answers["left_out"])
    solved = [one for one in answers["equilibria"] if "certificate" in one]
    assert solved
    for one in solved:
        certificate = one["certificate"]
        fields = {
            "regret": certificate["max_regret"],
            "slack": certificate["slack"],
            "epsilon": one["epsilon"],
            "delta": certificate["delta"],
        }
        for name, value in fields.items():
            (told,) = page.having(equilibrium=one["name"], field=name)
            assert same(told["value"], value), (one["name"], name)
        blocks = one["profile"] or one["marginals"]
        for role, names, block in zip(table.roles, table.populations, blocks):
            for agent, prob in zip(names, block):
                found = page.having(equilibrium=one["name"], role=role, agent=visible(agent))
                if found or role == table.roles[0]:  # interchangeable roles that play alike are told once
                    assert same(found[0]["value"], prob) and len(found) == 1
        joint = sorted((cell["prob"] for cell in one["joint"] or ()), reverse=True)[:40]
        told = [float(cell["value"]) for cell in page.having(joint=one["name"])]
        assert told == [prob for prob in joint if prob > 1e-12]


@pytest.mark.parametrize("name", ["hostile", "uneven"])
def test_the_page_says_what_the_files_say(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    page = Page(html_of(run))
    check_payoffs(page, run)
    check_rankings(page, run)
    check_equilibria(page, run)
    answers = answers_of(run)
    assert f"{answers['matches']:,}" in page.text
    assert len(page.having("undecided")) == min(len(answers["undecided"]), 300)
    cyclic = answers["intransitivity"]
    assert [one["cycle"] for one in page.having("cycle")] == [
        "|".join(map(visible, cycle)) for cycle in cyclic["cycles"]
    ]
    sinks = {one["sink"].replace(" / ", " - ") for one in page.having("sink")}
    assert sinks == {"|".join(map(visible, sink)) for sink in cyclic["sinks"][:20]}
    for key in ("cyclic_share", "harmonic_share"):
        told = page.having(fact=key)
        assert [same(one["value"], cyclic[key]) for one in told] == [True] * (cyclic[key] is not None)


def test_failed_cells_are_named_with_their_reason(uneven: Path) -> None:
    page, answers = Page(html_of(uneven)), answers_of(uneven)
    failed = answers["cells"]["failed"]
    assert len(failed) == 3 and answers["left_out"] == ["bad"]
    assert {one["failed"] for one in page.having("failed")} == set(failed)
    assert all(visible(reason) in page.text for reason in failed.values())
    assert [one["agent"] for one in page.having("radius") if not one["value"]] == ["bad"] * 6
    assert not [one for one in page.having("equilibrium", "agent") if one["agent"] == "bad"]


def test_the_path_ends_in_an_equilibrium(uneven: Path) -> None:
    page = Page(html_of(uneven))
    ends = [float(one["value"]) for one in page.having(path="limit")]
    assert len(ends) == 5 and math.isclose(sum(ends), 2.0, rel_tol=1e-9)
    nash = {one["agent"]: float(one["value"]) for one in page.having("agent", equilibrium="nash")}
    assert {one["agent"] for one in page.having(path="limit")} == set(nash)


# --- nothing in it can act ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hostile", "uneven", "trained"])
def test_nothing_on_the_page_acts_or_loads(name: str, request: pytest.FixtureRequest) -> None:
    html = html_of(request.getfixturevalue(name))
    page = Page(html)
    (policy,) = (a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    (script,) = page.scripts
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; ")
    assert f"script-src 'sha256-{hashed}';" in policy and MARK not in script
    allowed = {"script", "style", "title", "meta", "html", "head", "body", "header", "main", "footer", "nav"}
    allowed |= {"h1", "h2", "h3", "p", "a", "ul", "li", "dl", "dt", "dd", "div", "bdi", "strong", "small"}
    allowed |= {"table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img", "code", "span"}
    assert {tag for tag, _ in page.tags} <= allowed | {"details", "summary"}
    for tag, attributes in page.tags:
        assert not [key for key in attributes if key.startswith("on") or key == "style"], (tag, attributes)
        assert attributes.get("href", "#").startswith("#")
        if tag == "img":
            assert attributes["src"].startswith("data:image/svg+xml;base64,") and attributes["alt"]
    assert all(c.isprintable() or c == "\n" for c in html)
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:|//)""", html)


def test_pictures_are_sound_and_hold_no_script(hostile: Path) -> None:
    page = Page(html_of(hostile))
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 4  # heatmap, response graph, mixtures, QRE path
    for source in sources:
        drawn = ET.fromstring(base64.b64decode(source.partition(",")[2]))
        for element in drawn.iter():
            assert element.tag.rpartition("}")[2] not in ("script", "foreignObject", "a")
            for key, value in element.attrib.items():
                assert not key.startswith("on")
                if key.endswith("href"):
                    assert value.startswith(("#", "data:image/png"))


def test_names_are_shown_and_not_obeyed(hostile: Path) -> None:
    html = html_of(hostile)
    page = Page(html)
    told = {one["agent"] for one in page.having("agent", "ranking")}
    assert told == {visible(name) for name in HOSTILE}
    for name in HOSTILE:
        assert visible(name) in page.text
    assert "49" not in {one["agent"] for one in page.having("agent")}
    assert page.title == f"Tournament in {DILEMMA}"
    assert r"\u202egnirts\u202c\r\nline\ttab\u2066" in page.text


def test_broken_pages_are_noticed() -> None:
    """What the checks above look for, they find."""
    page = Page(f'<p onclick="x"><script>{MARK}</script><img src="http://x/y.png"></p>')
    assert page.scripts == [MARK]
    assert ("img", {"src": "http://x/y.png"}) in page.tags and ("p", {"onclick": "x"}) in page.tags


# --- in a browser -------------------------------------------------------------------------------------------------


def rendered(path: Path, profile: Path) -> str:
    """The document as a browser has it after running what it may run."""
    words = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    words += [f"--user-data-dir={profile}", "--dump-dom", path.as_uri()]
    done = subprocess.run(words, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout.decode("utf-8")


@browser
def test_a_browser_shows_the_numbers_and_runs_nothing(hostile: Path, tmp_path: Path) -> None:
    path = write_report(hostile, tmp_path / "page.html")
    page = Page(rendered(path, tmp_path / "profile"))
    assert page.title == f"Tournament in {DILEMMA}"
    check_payoffs(page, hostile)
    check_rankings(page, hostile)
    check_equilibria(page, hostile)
    headings = [attributes for tag, attributes in page.tags if tag == "th" and "tabindex" in attributes]
    assert headings, "the script that sorts tables did not run: its hash in the policy is wrong"


@browser
def test_the_policy_stops_what_escaping_would_miss(uneven: Path, tmp_path: Path) -> None:
    """With a script put into the page it does not run, and without the policy it would: the test would see it."""
    html = html_of(uneven)
    broken = html.replace("<main>", f"<main><script>{MARK}</script><img src=x onerror={MARK}>", 1)
    open_ = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", broken)
    assert len(open_) < len(broken)
    for name, text, title in (("closed", broken, f"Tournament in {DILEMMA}"), ("open", open_, "pwned")):
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        assert Page(rendered(tmp_path / f"{name}.html", tmp_path / "profile")).title == title


# --- the same page every time -------------------------------------------------------------------------------------


def test_the_same_files_give_the_same_page(hostile: Path) -> None:
    here = report_on(hostile)
    assert html_of(hostile) == here.html
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "report", str(hostile), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "7"},
    )
    told = json.loads(done.stdout)
    assert told["sha256"] == here.document["sha256"] and told["kind"] == "tournament"
    assert Path(told["report"]) == hostile / "report.html"
    assert (hostile / "report.html").read_text(encoding="utf-8") == here.html


# --- the command --------------------------------------------------------------------------------------------------


def test_the_page_goes_where_it_is_told(staghunt: Staghunt, uneven: Path, tmp_path: Path) -> None:
    ran = staghunt("report", uneven, "--out", tmp_path / "x.html")
    assert ran.code == 0 and ran.out.strip() == str(tmp_path / "x.html") and not ran.err
    assert staghunt("report", uneven, "-q", "--out", tmp_path / "y.htm").out == ""
    assert (tmp_path / "x.html").read_bytes() == (tmp_path / "y.htm").read_bytes()
    assert "unsupported suffix" in staghunt("report", uneven, "--out", tmp_path / "x.pdf").complaint
    assert "does not exist" in staghunt("report", uneven, "--out", tmp_path / "no" / "x.html").complaint


def test_other_folders_are_refused_in_a_sentence(staghunt: Staghunt, uneven: Path, tmp_path: Path) -> None:
    assert "does not exist" in staghunt("report", tmp_path / "nowhere").complaint
    assert "neither the folder of a tournament" in staghunt("report", tmp_path).complaint
    assert "is a file" in staghunt("report", uneven / "table.json").complaint


@pytest.fixture
def copied(uneven: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(uneven, tmp_path / "copy it"))


def test_an_unfinished_tournament_is_to_be_resumed(staghunt: Staghunt, copied: Path) -> None:
    (copied / "answers.json").unlink()
    told = staghunt("report", copied).complaint
    assert "not finished" in told and f"staghunt tournament --resume '{copied}'" in told
    assert not (copied / "report.html").exists()


def _edited(path: Path, key: str, value: Any) -> str:
    document = json.loads(path.read_text(encoding="utf-8"))
    here = document
    *way, last = [int(step) if step.isdigit() else step for step in key.split(".")]
    for step in way:
        here = here[step]
    here[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "key, value, told",
    [
        ("format", "other", "does not hold the answers"),
        ("version", 2, "version 2"),
        ("rankings", None, "rankings is"),
        ("rankings.0.values", ["x"] * 3, "rankings.0.values.0"),
        ("rankings.0.low", [1.0], "not one value for each agent"),
        ("cells.all", 8, "8 cells"),
        ("cells.failed", ["x"], "cells.failed"),
        ("equilibria.0.profile", [[1.0], [0.0]], "agents"),
        ("equilibria.1.joint", [{"actions": [0, 7], "prob": 1.0}], "agents that are not in the table"),
        ("equilibria.0.certificate", [], "equilibria.0.certificate"),
        ("left_out", ["nobody"], "nobody"),
        ("undecided", [["a"]], "undecided"),
        ("delta", 2.0, "delta"),
    ],
)
def test_damaged_answers_are_told(staghunt: Staghunt, copied: Path, key: str, value: Any, told: str) -> None:
    (copied / "answers.json").write_text(_edited(copied / "answers.json", key, value))
    assert told in staghunt("report", copied).complaint


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", '"x"', b"\xff\xfe"])
@pytest.mark.parametrize("name", ["answers.json", "table.json"])
def test_files_of_something_else_are_told(copied: Path, name: str, text: Any) -> None:
    (copied / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=name):
        report_on(copied)


# --- training -----------------------------------------------------------------------------------------------------


def test_a_training_run_has_a_page(trained: Path, staghunt: Staghunt) -> None:
    assert staghunt("report", trained, "--json").json["kind"] == "training"
    page = Page((trained / "report.html").read_text(encoding="utf-8"))
    for seed in (0, 1):
        rows = read_metrics(trained / f"seed-{seed}", "evaluation")
        best = max(row["return"] for row in rows if row["steps"])
        for field, value in (("final", rows[-1]["return"]), ("best", best), ("steps", rows[-1]["steps"])):
            (told,) = page.having(seed=str(seed), field=field)
            assert same(told["value"], value)
    assert page.title == "mappo on zoo:stag-hunt"
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 1
    assert "learner.clip" in page.text
    assert Page(report_on(trained / "seed-1").html).title == page.title


def test_trained_agents_bring_their_learning_curves(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "learnt"))
    agents = {"learner": str(run / "seed-1"), "best": str(run / "seed-0" / "best.safetensors"), "r": "random"}
    folder = played(tmp_path / "t", {"env": "zoo:stag-hunt", "agents": agents, "matches": 4})
    page = Page(report_on(folder).html)
    for agent, seed in (("learner", 1), ("best", 0)):
        (told,) = page.having(agent=agent, learned="return")
        assert same(told["value"], read_metrics(run / f"seed-{seed}", "evaluation")[-1]["return"])
    assert any("Learning curves" in a.get("alt", "") for _, a in page.tags)
    assert not page.having(agent="r", learned="return")
    shutil.rmtree(run / "seed-1")
    (told,) = Page(report_on(folder).html).having(agent="learner", learned="return")
    assert told["value"] == ""


def test_a_run_that_has_not_begun_is_told(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_bytes((trained / "spec.yaml").read_bytes())
    with pytest.raises(InputError, match="nothing to report yet"):
        report_on(tmp_path)


# --- tables and games of other shapes -----------------------------------------------------------------------------


def random_table(shape: tuple[int, ...], symmetric: bool = False, seed: int = 0, **more: Any) -> PayoffTable:
    rng = np.random.default_rng(seed)
    cells = symmetric_cells(shape[0], len(shape)) if symmetric else all_cells(shape)
    mean = rng.normal(size=cells.shape)
    if symmetric:  # an agent that is there twice is paid alike
        for c, cell in enumerate(cells.tolist()):
            for k in range(1, len(shape)):
                if cell[k] == cell[k - 1]:
                    mean[c, k] = mean[c, k - 1]
    populations = tuple(tuple(f"{'' if symmetric else r}x{k}" for k in range(n)) for r, n in enumerate(shape))
    count = rng.integers(2, 9, size=len(cells))
    return PayoffTable(
        tuple(f"role {k}" for k in range(len(shape))),
        populations,
        cells,
        mean,
        rng.random(cells.shape),
        count,
        np.zeros(len(cells), dtype=bool),
        symmetric,
        **{"low": -9.0, "high": 9.0, **more},
    )


@pytest.mark.parametrize(
    "shape, symmetric, matrices",
    [
        ((4,), False, 1),
        ((3, 2), False, 2),
        ((3, 3), True, 1),
        ((2, 3, 1), False, 3),
        ((2, 2, 2), True, 2),
        ((3, 3, 3, 3), False, 0),
        ((2,) * 7, True, 0),
        ((101, 101), True, 0),
    ],
)
def test_tables_of_any_shape_are_shown_whole(shape: tuple[int, ...], symmetric: bool, matrices: int) -> None:
    """Every payoff of the full tensor, or of the list, is the table's."""
    table = random_table(shape, symmetric)
    shown = payoffs_of(table, 0.05, {})
    assert len(shown.matrices) == matrices and bool(shown.rows) == (matrices == 0)
    if not matrices:
        for c, row in enumerate(shown.rows):
            assert " - ".join(row.agents) == table.cell_name(c)
            assert [entry.mean for entry in row.entries] == table.mean[c].tolist()
            assert [entry.radius for entry in row.entries] == table.radius(0.05)[c].tolist()
        assert len(shown.rows) == min(len(table.cells), 2_000)
        return
    game = table.game(0.05)
    seen = 0
    for matrix in shown.matrices:
        role = table.roles.index(matrix.role)
        for a, line in enumerate(matrix.entries):
            for b, entry in enumerate(line):
                profile = (a, b)[: len(shape)] + tuple(
                    table.populations[2 + k].index(name) for k, name in enumerate(matrix.fixed)
                )
                assert entry.mean == game.payoffs[(role, *profile)]
                assert entry.radius == game.radius[(role, *profile)]
                seen += 1
    assert seen == game.profiles * (1 if symmetric else len(shape))


def test_unknown_ranges_give_no_guarantee(uneven: Path, copied: Path) -> None:
    table = load_table(uneven / "table.json")
    endless = PayoffTable(
        table.roles, table.populations, table.cells, table.mean, table.squares, table.count, table.exact
    )
    save_table(endless, copied / "table.json")
    page = Page(report_on(copied).html)
    assert {one["radius"] for one in page.having("radius")} == {"inf", ""}
    assert "radii of sampled cells are infinite" in page.text and "∞" in page.text


def test_large_games_get_a_note_instead_of_a_picture() -> None:
    order = np.add.outer(np.arange(60.0), -np.arange(60.0))
    several = random_table((50, 50), seed=1).game(0.05)
    assert "not traced" in branch_of(random_table((70, 70)).game(0.05), False)
    ranked = _with_payoffs(order)
    drawn = response_graph_of(ranked, True)
    assert isinstance(drawn, Drawn) and drawn.picture is None and "too large" in drawn.note
    assert drawn.nodes == 60 and drawn.edges == 60 * 59 // 2 and drawn.sinks == [["x59"]]
    cyclic = np.sign(np.sin(2 * np.pi * order / 61.0))
    together = response_graph_of(_with_payoffs(cyclic), True)
    assert isinstance(together, Drawn) and together.picture is not None and "components" in together.note
    profiles = response_graph_of(several, False)
    assert isinstance(profiles, Drawn) and profiles.nodes == 2500
    assert "too large" in response_graph_of(random_table((80, 80)).game(0.05), False)


def _with_payoffs(margins: np.ndarray) -> Any:
    """A symmetric game of two with these margins."""
    size = len(margins)
    cells = symmetric_cells(size, 2)
    mean = np.stack([margins[cells[:, 0], cells[:, 1]], margins[cells[:, 1], cells[:, 0]]], axis=1)
    mean[cells[:, 0] == cells[:, 1]] = 0.0
    names = tuple(f"x{k}" for k in range(size))
    table = PayoffTable(
        ("a", "b"),
        (names, names),
        cells,
        mean,
        np.zeros(cells.shape),
        np.full(len(cells), 5),
        np.zeros(len(cells), dtype=bool),
        True,
        -100.0,
        100.0,
    )
    return table.game(0.05)


def test_games_without_a_choice_have_no_path() -> None:
    assert "nothing to trace" in branch_of(random_table((1, 1)).game(0.05), False)


# --- texts --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_seen_is_written_out() -> None:
    assert visible("a\u202eb\u200b\x00\r\n\ud800") == r"a\u202eb\u200b\x00\r\n\ud800"
    assert visible("Zoë 狼 – ok") == "Zoë 狼 – ok"
    assert short("_x") == " _x" and len(short("y" * 300)) == 18
    assert number(1e-12) == "1e-12" and number(3) == "3" and number(-math.inf) == "-∞"
    assert exact(0.1 + 0.2) == "0.30000000000000004" and exact(math.nan) == exact(None) == ""
    assert probability(1.0) == "1" and probability(1 / 3) == "0.3333"


@pytest.mark.parametrize(
    "name", [r"$\undefined$", "$", "$$", "\\", r"\$x$", "a$b$c$", "_", "\u202e", "狼🐺", "^{"]
)
def test_any_name_can_be_drawn(name: str) -> None:
    steps = np.array([0.0, 10.0])
    line = Line(name, steps, steps, np.full(2, math.nan))
    assert picture(lambda: curves([line], name), "x").source.startswith("data:image/svg+xml;base64,")
