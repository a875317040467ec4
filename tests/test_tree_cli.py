"""The command line on games in extensive form: answers, JSON, pictures, and one sentence for everything that is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command_line import OCHS, Staghunt

from games import load
from games.behavior_files import load_behavior
from solvers.certificate import certify

pytest.importorskip("pyspiel")

KUHN = "openspiel:kuhn_poker"
KUHN3 = "openspiel:kuhn_poker(players=3)"
ENTRY = """EFG 2 R "entry $5" { "[b]Ann" "Bob" }
p "" 1 1 "Ann\\nfirst" { "in" "out" } 0
p "" 2 1 "Bob" { "fight" "yield" } 0
t "" 1 "" { -1 -1 }
t "" 2 "" { 2 1 }
t "" 3 "" { 0 3 }
"""
RECALL = """EFG 2 R "forgetful" { "A" "B" } p "" 1 1 "a" { "l" "r" } 0
p "" 1 2 "b" { "x" "y" } 0 t "" 1 "" { 1 0 } t "" 2 "" { 0 1 }
p "" 1 2 "b" { "x" "y" } 0 t "" 3 "" { 0 1 } t "" 4 "" { 1 0 }
"""


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    path = tmp_path / "entry.efg"
    path.write_text(ENTRY)
    return path


# --- solve ------------------------------------------------------------------------------------------------


def test_two_players_with_opposed_interests_get_nash(staghunt: Staghunt) -> None:
    document = staghunt("solve", KUHN, "--json").json
    assert document["concept"] == "nash"
    assert set(document["game"]) == {"title", "players", "actions", "infosets", "nodes", "digest"}
    assert document["game"]["actions"] == [["Pass", "Bet"], ["Pass", "Bet"]]
    assert document["game"]["infosets"] == 12 and document["game"]["nodes"] == 58
    (solution,) = document["solutions"]
    assert solution["values"][0] == pytest.approx(-1 / 18, abs=1e-7)
    assert solution["certificate"]["holds"] and "profile" not in solution
    assert solution["joint"] is None
    assert all(set(row) == {"player", "infoset", "actions", "probs"} for row in solution["behavior"])


@pytest.mark.parametrize("method", ["cfr", "cfr+", "dcfr", "pcfr+", "mmd", "mccfr-es", "sequence-form"])
def test_every_method_finds_it(staghunt: Staghunt, method: str) -> None:
    words = ["--tol", "0.02"] if method.startswith("mccfr") else []
    ran = staghunt("solve", KUHN, "-m", method, *words, "--json")
    assert ran.code == 0, ran.err
    (solution,) = ran.json["solutions"]
    assert solution["certificate"]["holds"] and solution["status"] == "converged"
    assert abs(solution["values"][0] + 1 / 18) < 0.1
    if method != "sequence-form":
        trace = solution["stats"]["trace"]
        assert all(len(row) == 3 for row in trace) and trace[-1][0] == solution["stats"]["iterations"]


def test_more_players_get_the_coarse_correlated_equilibrium_of_the_normal_form(staghunt: Staghunt) -> None:
    ran = staghunt("solve", KUHN3, "--json")
    assert ran.code == 0 and ran.json["concept"] == "cce"
    named = staghunt("solve", KUHN3, "-c", "nfcce", "-m", "pcfr+", "--json").json
    (solution,) = named["solutions"]
    assert named["concept"] == "cce" and solution["behavior"] is None
    mixture = solution["mixture"]
    assert mixture["profiles"] == len(mixture["weights"]) == len(mixture["behaviors"])
    assert len(solution["marginals"]) == 48
    text = staghunt("solve", KUHN3, "-m", "cfr+").out
    assert "each player's average play is shown" in text and "... (48 in all)" in text


def test_small_strategic_forms_keep_their_exact_answers(staghunt: Staghunt, entry: Path) -> None:
    document = staghunt("solve", entry, "-c", "cce", "--json").json
    assert document["tree"]["nodes"] == 5 and document["game"]["actions"] == [["1", "2"], ["1", "2"]]
    assert document["objective_value"] == pytest.approx(3.0)
    least = staghunt("solve", entry, "-c", "cce", "-o", "min-welfare", "--json").json
    assert least["objective_value"] <= 3.0 + 1e-9
    assert staghunt("solve", entry, "-c", "ce", "--json").json["solutions"][0]["certificate"]["holds"]
    assert staghunt("solve", entry, "-c", "alpharank", "-q").code == 0
    reduced = staghunt("solve", f"{entry}?form=reduced", "-c", "nash", "--all", "--json").json
    assert len(reduced["solutions"]) >= 2


@pytest.mark.parametrize("concept", ["efce", "efcce"])
def test_extensive_form_correlation(staghunt: Staghunt, entry: Path, tmp_path: Path, concept: str) -> None:
    out = tmp_path / "plan.json"
    ran = staghunt("solve", entry, "-c", concept, "--json", "--out", out)
    assert ran.code == 0, ran.err
    (solution,) = ran.json["solutions"]
    assert ran.json["objective_value"] == pytest.approx(3.0, abs=1e-7)
    assert all(len(row["sequences"]) == 2 and 0 <= row["prob"] <= 1 + 1e-9 for row in solution["plan"])
    assert ["Ann\\nfirst: in", ""] in [row["sequences"] for row in solution["plan"]]
    again = staghunt("certify", entry, out, "--tol", 1e-8, "--json")
    assert again.code == 0 and again.json["concept"] == concept
    assert "pairs of sequences" in staghunt("solve", entry, "-c", concept).out
    assert "triangle" in staghunt("solve", KUHN, "-c", concept).complaint


@pytest.mark.parametrize("method", ["auto", "agent-qre", "mmd"])
def test_quantal_response_at_a_precision(staghunt: Staghunt, method: str) -> None:
    ran = staghunt("solve", KUHN, "-c", "qre", "-l", 2, "-m", method, "--json")
    assert ran.code == 0, ran.err
    (solution,) = ran.json["solutions"]
    assert solution["values"][0] == pytest.approx(-0.04483547, abs=1e-6)
    assert solution["certificate"]["residual"] < 1e-7


def test_infosets_are_chosen_by_regular_expression(staghunt: Staghunt, tmp_path: Path) -> None:
    out = tmp_path / "all.json"
    ran = staghunt("solve", KUHN, "-m", "pcfr+", "--infoset", "^2", "--json", "--out", out)
    rows = ran.json["solutions"][0]["behavior"]
    assert [row["infoset"] for row in rows] == ["2p", "2b", "2", "2pb"]
    assert len(json.loads(out.read_text())["solutions"][0]["behavior"]) == 12, "the file is complete"
    text = staghunt("solve", KUHN, "-m", "pcfr+", "--infoset", "^2b$")
    assert "2b" in text.out and "0pb" not in text.out
    nothing = staghunt("solve", KUHN, "-m", "pcfr+", "--infoset", "zzz")
    assert nothing.code == 0 and "no information set matches 'zzz'" in nothing.err
    assert "not a regular expression" in staghunt("solve", KUHN, "--infoset", "(").complaint
    assert "extensive form" in staghunt("solve", OCHS, "--infoset", "x").complaint


def test_names_are_shown_as_they_are(staghunt: Staghunt, entry: Path, tmp_path: Path) -> None:
    for words in (["-c", "qre", "-l", 1], ["-m", "pcfr+"], ["-c", "efce"]):
        ran = staghunt("solve", entry, *words, "--plot", tmp_path / "a.png")
        assert ran.code == 0, ran.err
        assert "[b]Ann" in ran.out and "Ann\\nfirst" in ran.out and "entry $5" in ran.out
    assert "[b]Ann" in staghunt("info", entry).out


def test_files_and_pictures(staghunt: Staghunt, entry: Path, tmp_path: Path) -> None:
    out, table, plot = tmp_path / "a.json", tmp_path / "a.csv", tmp_path / "a.svg"
    assert staghunt("solve", KUHN, "-m", "cfr+", "--out", out, "--plot", plot, "-q").out == ""
    kuhn = load(KUHN)
    behavior = load_behavior(out, kuhn)
    assert certify(kuhn, behavior, "nash").holds(1e-3)
    assert plot.read_text().startswith("<?xml")
    staghunt("solve", KUHN, "-m", "cfr+", "--out", table, "-q")
    rows = list(csv.reader(table.open()))
    assert rows[0] == ["solution", "player", "infoset", "action", "probability"] and len(rows) == 25
    assert [float(row[4]) for row in rows[1:]] == behavior.tolist()
    for words in (["-c", "cce"], ["-c", "qre", "-l", 1], ["-m", "pcfr+"], ["-c", "efce"]):
        for target in (plot, tmp_path / "b.csv"):
            option = "--plot" if target is plot else "--out"
            target.unlink(missing_ok=True)
            assert staghunt("solve", entry, *words, option, target, "-q").code == 0
            assert target.stat().st_size > 40


BAD = [
    (["-m", "magic"], "unknown method 'magic' for nash on a tree; known are auto, sequence-form"),
    (["-c", "magic"], "unknown concept"),
    (["-c", "cce", "-m", "sequence-form"], "--method sequence-form finds nash, not cce; for cce there are"),
    (["-m", "lemke-howson"], "?form=reduced"),
    (["--all"], "?form=reduced"),
    (["-c", "qre"], "--lambda"),
    (["-m", "sequence-form", "--alternating"], "--alternating and --simultaneous are for"),
    (["-m", "pcfr+", "-c", "cce", "-o", "egalitarian"], "finds some CCE, not the best one"),
    (["-m", "cfr+", "--infoset", "["], "not a regular expression"),
    (["-m", "sequence-form", "--checkpoint", "x.npz"], "--checkpoint is for methods that iterate"),
    (["--resume", "/no/such/file.npz"], "no such file"),
    (["--checkpoint", "x.json"], "unsupported suffix"),
    (["--max-nodes", "20"], "nodes"),
    (["--max-nodes", "0"], "--max-nodes"),
    (["-c", "alpharank", "-m", "cfr"], "finds nash or cce, not alpharank"),
    (["-c", "cce", "-o", "wealth"], "wealth"),
    (["-c", "nash", "-o", "egalitarian"], "not nash"),
]


@pytest.mark.parametrize("words, told", BAD, ids=range(len(BAD)))
def test_bad_options_get_one_sentence(staghunt: Staghunt, words: list[str], told: str) -> None:
    assert told in staghunt("solve", KUHN, *words).complaint


def test_large_trees_have_no_strategic_form(staghunt: Staghunt) -> None:
    leduc = "openspiel:leduc_poker"
    for words in (["-o", "egalitarian"], ["--sparse"], ["-m", "lp"]):
        told = staghunt("solve", leduc, "-c", "cce", *words).complaint
        assert "joint profiles" in told and "self-play finds one on the tree" in told
    for concept in ("ce", "alpharank"):
        assert "--concept cce works on the tree" in staghunt("solve", leduc, "-c", concept).complaint
    found = staghunt("solve", leduc, "-c", "cce", "-o", "any", "--tol", 0.05, "--json")
    assert found.code == 0 and found.json["method"] == "pcfr+"


def test_self_play_does_not_claim_nash_where_there_is_none(staghunt: Staghunt, entry: Path) -> None:
    for game in (KUHN3, str(entry)):
        for method in ("cfr", "pcfr+", "mccfr-os", "mmd"):
            told = staghunt("solve", game, "-c", "nash", "-m", method).complaint
            assert "coarse correlated equilibrium here, not to Nash; use --concept cce" in told
    assert "agent-qre" in staghunt("solve", entry, "-c", "nash", "-m", "sequence-form").complaint


def test_options_of_trees_on_normal_forms(staghunt: Staghunt) -> None:
    for words in (["-m", "cfr+"], ["-c", "efce"], ["--checkpoint", "x.npz"], ["--simultaneous"]):
        assert "extensive form" in staghunt("solve", OCHS, *words).complaint


def test_imperfect_recall_has_a_strategic_form(staghunt: Staghunt, tmp_path: Path) -> None:
    path = tmp_path / "forgetful.efg"
    path.write_text(RECALL)
    facts = staghunt("info", path, "--json").json["tree"]
    assert not facts["perfect_recall"] and "forgets" in facts["recall_problem"]
    assert "Perfect recall: no, A forgets" in staghunt("info", path).out
    for words in (["-m", "cfr"], ["-c", "qre", "-l", "1"], ["-c", "efce"], ["-c", "cce", "-m", "pcfr+"]):
        assert "perfect recall" in staghunt("solve", path, *words).complaint
    assert "perfect recall" in staghunt("qre", path).complaint
    assert staghunt("solve", path, "-c", "cce", "-q").code == 0
    assert staghunt("solve", f"{path}?form=reduced", "-c", "nash", "-q").code == 0


@pytest.mark.parametrize(
    "text",
    [
        'EFG 2 R "end" { "A" "B" } t "" 1 "" { 5 6 }',
        'EFG 2 R "one" { "A" } p "" 1 1 "x" { "a" } 0 t "" 1 "" { 5 }',
        'EFG 2 R "flat" { "A" "B" } p "" 1 1 "" { "a" "b" } 0 t "" 1 "" { 1e9 -1e9 } t "" 1 "" { 1e9 -1e9 }',
        'EFG 2 R "dice" { "A" "B" } c "" 1 "" { "a" 1 "b" 0 } 0 t "" 1 "" { 1 2 } t "" 2 "" { 3 3 }',
    ],
    ids=["no decision", "no choice", "flat", "chance alone"],
)
def test_degenerate_trees_are_ordinary(staghunt: Staghunt, tmp_path: Path, text: str) -> None:
    path = tmp_path / "small.efg"
    path.write_text(text)
    for words in (
        ["info"],
        ["solve"],
        ["solve", "-c", "cce"],
        ["solve", "-c", "cce", "-m", "pcfr+"],
        ["solve", "-c", "nash"],
        ["solve", "-c", "qre", "-l", "2"],
        ["qre"],
    ):
        for told in (["--json"], []) if len(words) == 1 else (["--json"],):
            ran = staghunt(words[0], path, *words[1:], *told)
            assert ran.code == 0, (words, ran.err)
        if words in (["solve", "-c", "nash"], ["qre"]):
            assert staghunt(words[0], path, *words[1:], "--plot", tmp_path / "a.png", "-q").code == 0


# --- qre, info, convert, fit ------------------------------------------------------------------------------


def test_the_branch_of_a_tree(staghunt: Staghunt, tmp_path: Path) -> None:
    table, plot = tmp_path / "branch.csv", tmp_path / "branch.png"
    ran = staghunt("qre", KUHN, "--lambda-max", 5, "--json", "--csv", table, "--plot", plot)
    assert ran.code == 0, ran.err
    document = ran.json
    assert document["game"]["infosets"] == 12 and document["branch"][0]["lambda"] == 0.0
    assert all(row["probs"] == [0.5, 0.5] for row in document["branch"][0]["behavior"])
    assert all(point["certificate"]["residual"] < 1e-7 for point in document["branch"])
    rows = list(csv.reader(table.open()))
    assert rows[0][:2] == ["lambda", "Player 1:0:Pass"] and len(rows[0]) == 26
    assert len(rows) == len(document["branch"]) + 1 and plot.stat().st_size > 4000
    text = staghunt("qre", KUHN, "--lambda-max", 5).out
    assert "agent logit QRE" in text and "information sets that move most" in text
    points = staghunt("qre", KUHN, "--at", "2", "--infoset", "^0$", "--json").json["branch"]
    assert [row["infoset"] for row in points[0]["behavior"]] == ["0"]
    scaled = staghunt("qre", KUHN, "--at", "8", "--scaled", "--json").json["branch"]
    assert scaled[0]["lambda"] == pytest.approx(8)
    assert points[0]["behavior"][0] in scaled[0]["behavior"] or scaled[0]["values"] == pytest.approx(
        points[0]["values"], abs=1e-9
    )
    assert "matches none of the 12" in staghunt("qre", KUHN, "--infoset", "zzz").complaint
    assert "0: Pass" in staghunt("qre", KUHN, "--at", "2", "--infoset", "^0$").out


def test_facts_about_trees(staghunt: Staghunt, entry: Path, tmp_path: Path) -> None:
    facts = staghunt("info", KUHN, "--json").json
    tree = facts["tree"]
    assert tree["decision_nodes"] == [12, 12] and tree["chance_nodes"] == 4 and tree["terminal_nodes"] == 30
    assert tree["information_sets"] == [6, 6] and tree["sequences"] == [13, 13] and tree["depth"] == 5
    assert tree["constant_sum"] == 0.0 and tree["payoff_ranges"] == [[-2.0, 2.0]] * 2
    assert tree["strategic_form"] == {"shape": [27, 64], "fits": True, "reason": None}
    assert facts["strategic_form"]["pure_equilibria_count"] == 0
    small = staghunt("info", entry, "--json").json["strategic_form"]
    assert small["pure_equilibria"] == [[0, 1], [1, 0]]
    text = staghunt("info", KUHN).out
    assert "a tree of 58 nodes" in text and "Perfect recall: yes" in text and "27 x 64" in text
    large = staghunt("info", "openspiel:leduc_poker")
    assert large.code == 0 and "cannot be held" in large.out
    assert "too large" in staghunt("info", "openspiel:leduc_poker", "--plot", tmp_path / "a.png").complaint
    assert "nodes" in staghunt("info", "openspiel:leduc_poker", "--max-nodes", 100).complaint


def test_conversion(staghunt: Staghunt, entry: Path, tmp_path: Path) -> None:
    assert staghunt("convert", KUHN, tmp_path / "kuhn.efg").code == 0
    again = staghunt("solve", tmp_path / "kuhn.efg", "-m", "pcfr+", "--json").json
    assert again["solutions"][0]["values"][0] == pytest.approx(-1 / 18, abs=4e-3)
    for suffix in (".nfg", ".json"):
        assert staghunt("convert", entry, tmp_path / f"a{suffix}").code == 0
        facts = staghunt("info", tmp_path / f"a{suffix}", "--json").json
        assert facts["shape"] == [2, 2] and facts["pure_equilibria_count"] == 2
    assert "no tree to write" in staghunt("convert", OCHS, tmp_path / "a.efg").complaint
    assert "strategic form" in staghunt("convert", "openspiel:leduc_poker", tmp_path / "b.nfg").complaint
    assert not (tmp_path / "b.nfg").exists()


CENTIPEDE = """EFG 2 R "centipede" { "A" "B" }
p "" 1 1 "A1" { "take" "pass" } 0 t "" 1 "" { 0.4 0.1 }
p "" 2 1 "B1" { "take" "pass" } 0 t "" 2 "" { 0.2 0.8 }
p "" 1 2 "A2" { "take" "pass" } 0 t "" 3 "" { 1.6 0.4 }
p "" 2 2 "B2" { "take" "pass" } 0 t "" 4 "" { 0.8 3.2 } t "" 5 "" { 6.4 1.6 }
"""
MOVES = (("A,A1", 20, 261), ("B,B1", 100, 161), ("A,A2", 104, 57), ("B,B2", 43, 14))


def test_lambda_is_fitted_to_moves(staghunt: Staghunt, tmp_path: Path) -> None:
    """The centipede counts rebuilt from McKelvey and Palfrey, by names and by numbers."""
    game, data, numbers = (tmp_path / name for name in ("c.efg", "named.csv", "numbers.csv"))
    game.write_text(CENTIPEDE)
    lines = [f"{where},{a},{n}" for where, *counts in MOVES for a, n in zip(("take", "pass"), counts)]
    data.write_text("\n".join(["player,infoset,action,count", *lines]))
    places = ("0,0", "1,0", "0,1", "1,1")
    lines = [f"{n},{a},{at}" for at, (_, *counts) in zip(places, MOVES) for a, n in enumerate(counts)]
    numbers.write_text("\n".join(["Count;Action;Player;Infoset", *lines]).replace(",", ";"))
    for file in (data, numbers):
        fit = staghunt("fit", game, file, "--json").json
        assert fit["lambda"] == pytest.approx(1.71245405, abs=1e-7)
        assert fit["log_likelihood"] == pytest.approx(-424.914860, abs=1e-6)
        assert [row["infoset"] for row in fit["behavior"]] == ["A1", "B1", "A2", "B2"]
        assert fit["counts"] == [[20, 261], [100, 161], [104, 57], [43, 14]]
    picture = tmp_path / "f.png"
    text = staghunt("fit", game, data, "--plot", picture).out
    assert "lambda = 1.712454" in text and "Observed" in text and picture.stat().st_size > 1000


@pytest.mark.parametrize(
    "content,told",
    [
        (
            "player,action,count\nAnn,in,3\n",
            "line 1: the columns are player, action, count; for a game in ext",
        ),
        (
            "player,infoset,action,count\nBob,nowhere,fight,3\n",
            "line 2: unknown information set of Bob, 'now",
        ),
        ("player,infoset,action,count\nBob,Bob,run,3\n", "line 2: unknown action at Bob, 'run'"),
        ("player,infoset,action,count\nBob,Bob,1,-3\n", "not a finite number of at least 0"),
        ("player,infoset,action,count\nBob,Bob\n", "line 2: 2 cells, expected 4"),
        ("player,infoset,action,count\n", "holds no observation"),
    ],
)
def test_bad_moves(staghunt: Staghunt, entry: Path, tmp_path: Path, content: str, told: str) -> None:
    data = tmp_path / "moves.csv"
    data.write_text(content)
    assert told in staghunt("fit", entry, data).complaint


# --- limits -----------------------------------------------------------------------------------------------


def test_the_node_limit_is_for_files_too(staghunt: Staghunt, entry: Path) -> None:
    assert "has 5 nodes, more than max_nodes" in staghunt("info", entry, "--max-nodes", 4).complaint
    assert staghunt("info", entry, "--max-nodes", 5, "--json").code == 0


def test_games_written_in_python_load(staghunt: Staghunt) -> None:
    facts = staghunt("info", "openspiel:python_kuhn_poker", "--json").json
    assert facts["game"]["nodes"] == 58 and facts["game"]["infosets"] == 12


def test_a_lambda_beyond_floats_is_refused(staghunt: Staghunt) -> None:
    assert "too large" in staghunt("solve", KUHN, "-c", "qre", "--lambda", "1e308").complaint
