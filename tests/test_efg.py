"""Gambit .efg files: the tree as read, its reduced and full strategic forms, and what is refused."""

import json
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import efg_strategic, limits
from games.efg import CHANCE, TERMINAL, parse_efg
from games.efg_strategic import to_strategic
from games.errors import InputError
from games.from_files import load_file, load_tree

DATA = Path(__file__).parent / "data"
ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
oracle = pytest.mark.skipif(
    not ORACLES.is_dir(), reason="independent answers (../shared/oracles) are not here"
)


def full_form_by_play(tree):
    """The full strategic form by playing every profile of every combination of actions, in exact arithmetic."""
    owned = [
        [h for h, block in enumerate(tree.infosets) if block.player == i] for i in range(len(tree.players))
    ]
    choices = [list(product(*(range(len(tree.infosets[h].actions)) for h in own))) for own in owned]
    children = {}
    for node, (parent, action) in enumerate(zip(tree.parent.tolist(), tree.action.tolist())):
        children[parent, action] = node
    payoffs = np.zeros((len(owned), *map(len, choices)))
    for cell in np.ndindex(*payoffs.shape[1:]):
        picked = {h: a for own, rows, c in zip(owned, choices, cell) for h, a in zip(own, rows[c])}
        totals = [Fraction(0)] * len(owned)
        todo = [(0, Fraction(1))]
        while todo:
            node, weight = todo.pop()
            for i, u in enumerate(tree.outcome_payoffs[tree.outcome[node]]):
                totals[i] += weight * u
            h = int(tree.infoset[node])
            if h >= 0 and tree.player[node] == CHANCE:
                todo += [(children[node, a], weight * p) for a, p in enumerate(tree.infosets[h].chance)]
            elif h >= 0:
                todo.append((children[node, picked[h]], weight))
        payoffs[(slice(None), *cell)] = [float(u) for u in totals]
    return payoffs


def collapse(full, reduced):
    """For each player, the rows of the full form that each reduced strategy stands for."""
    return [
        [
            [k for k, name in enumerate(long) if all(c in ("*", d) for c, d in zip(short, name))]
            for short in reduced.actions[i]
        ]
        for i, long in enumerate(full.actions)
    ]


def check_forms(tree):
    """The full form is right, and each reduced strategy pays what every full strategy it stands for pays."""
    full, reduced = to_strategic(tree, "full"), to_strategic(tree)
    assert np.array_equal(full.payoffs, full_form_by_play(tree))
    groups = collapse(full, reduced)
    for i, rows in enumerate(groups):
        assert sorted(k for row in rows for k in row) == list(range(full.shape[i]))
    for cell in np.ndindex(*reduced.shape):
        block = full.payoffs[(slice(None), *np.ix_(*(groups[i][c] for i, c in enumerate(cell))))]
        assert np.all(np.moveaxis(block, 0, -1) == reduced.payoffs[(slice(None), *cell)])


def test_tree_record():
    tree = load_tree(DATA / "signal.efg")
    end = TERMINAL
    assert tree.player.tolist() == [CHANCE, 0, 1, end, end, 1, end, end, 0, 1, end, end, 1, end, end]
    assert tree.parent.tolist() == [-1, 0, 1, 2, 2, 1, 5, 5, 0, 8, 9, 9, 8, 12, 12]
    assert tree.action.tolist() == [-1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1]
    assert tree.chance[1] == 1 / 3 and tree.chance[8] == 2 / 3 and tree.chance[2] == 1
    assert tree.payoff[2].tolist() == [-0.5, 0] and tree.payoff[4].tolist() == [
        0,
        1,
    ]  # defined later in the file
    assert tree.payoff[9].tolist() == [-0.5, 0]  # the outcome by its number alone
    assert tree.names[:3] == ("deal", "g", "gl")
    assert [block.actions for block in tree.infosets][1:3] == [("loud", "quiet"), ("trust", "doubt")]
    assert tree.outcome_names == ("", "noise", "hit", "miss", "fooled")


def test_payoffs_along_a_path_add_up_and_chance_averages():
    game = load_file(DATA / "signal.efg", form="reduced")
    assert game.players == ("Sender", "Receiver")
    assert game.actions == (("11", "12", "21", "22"), ("11", "12", "21", "22"))
    assert game.payoffs[0, 0, 0] == pytest.approx(1 / 3 * 2.5 + 2 / 3 * 2.5)
    assert game.payoffs[1, 1, 3] == pytest.approx(1 / 3)


def test_reduced_strategies_leave_out_what_they_exclude():
    game = load_file(DATA / "recall.efg", form="reduced")
    assert game.actions == (("111", "112", "113", "121", "122", "123", "2**"), ("1", "2"))
    assert game.payoffs[0].tolist() == [[-3, 2], [-3, 0], [-3, 4], [-1, 2], [-1, 0], [-1, 4], [0, 0]]
    full = load_file(DATA / "recall.efg", form="full")
    assert full.shape == (12, 2)
    assert full.actions[0][-1] == "223"


def test_absent_mindedness_and_unknown_order():
    driver = load_file(DATA / "driver.efg", form="reduced")
    assert driver.payoffs.tolist() == [[1, 0]]  # no pure strategy reaches the 4
    selves = load_file(DATA / "two_selves.efg", form="reduced")
    assert selves.actions == (("11", "12", "21", "22"),)
    assert selves.payoffs.tolist() == [[2, 0, 1, 2]]


@pytest.mark.parametrize("name", ["signal", "recall", "driver", "two_selves"])
def test_forms_agree_with_play(name):
    check_forms(load_tree(DATA / f"{name}.efg"))


@st.composite
def trees(draw):
    """Random trees, mostly without perfect recall, with payoffs on the way."""
    sizes = {(i, h): draw(st.integers(1, 3)) for i in (0, 1, 2) for h in (1, 2)}
    chance = {1: "1", 2: "1/3 2/3", 3: "1/2 1/3 1/6"}
    nodes = []

    def grow(depth):
        outcome = draw(st.integers(0, 3))
        if depth == 0 or draw(st.integers(0, 4)) == 0:
            nodes.append(f't "" {outcome}')
            return
        player, h = draw(st.integers(0, 2)), draw(st.integers(1, 2))
        size = sizes[player, h]
        if player == 0:
            moves = " ".join(f'"{k}" {p}' for k, p in enumerate(chance[size].split()))
            nodes.append(f'c "" {h} "" {{ {moves} }} {outcome}')
        else:
            moves = " ".join(f'"{k}"' for k in range(size))
            nodes.append(f'p "" {player} {h} "" {{ {moves} }} {outcome}')
        for _ in range(size):
            grow(depth - 1)

    grow(draw(st.integers(0, 4)))
    first = 'c "" 99 "" { "" 1/4 "" 1/4 "" 1/4 "" 1/4 } 0 t "" 1 "" { 1 -1 } t "" 2 "" { 1/3 2 } t "" 3 "" { -.7 0 }'
    return parse_efg('EFG 2 R "random" { "A" "B" } ' + first + " " + "\n".join(nodes))


@settings(max_examples=60, deadline=None)
@given(trees())
def test_forms_of_random_trees_agree_with_play(tree):
    check_forms(tree)


def test_ties_stay_ties():
    third = 'p "" 1 1 "" { "a" "b" } 0 ' + " ".join(
        f'c "" {k} "" {{ "" {p} "" {q} "" {r} }} 0 t "" 1 "" {{ .1 }} t "" 2 "" {{ .2 }} t "" 3 "" {{ .7 }}'
        for k, (p, q, r) in enumerate([("1/3", "1/3", "1/3"), ("1/3", "1/3", "1/3")], 1)
    )
    game = to_strategic(parse_efg('EFG 2 R "" { "A" } ' + third))
    assert game.payoffs.tolist() == [[1 / 3, 1 / 3]]


def test_long_numbers_fall_back_to_floating_point():
    numbers = ["0.1234567890123456789", "98765432109876543210", "1e-30"]
    moves = " ".join(f't "" {k} "" {{ {x} }}' for k, x in enumerate(numbers, 1))
    game = to_strategic(parse_efg('EFG 2 R "" { "A" } c "" 1 "" { "" 1/3 "" 1/7 "" 11/21 } 0 ' + moves))
    assert game.payoffs[0, 0] == pytest.approx(98765432109876543210 / 7, rel=1e-15)


def test_many_actions_and_players_without_choices():
    labels = " ".join(f'"{k}"' for k in range(12))
    ends = " ".join(f't "" {k + 1} "" {{ {k} 0 }}' for k in range(12))
    game = to_strategic(parse_efg(f'EFG 2 R "" {{ "A" "B" }} p "" 1 1 "" {{ {labels} }} 0 {ends}'))
    assert game.actions == (tuple(str(k + 1) for k in range(12)), ("*",))
    alone = to_strategic(parse_efg('EFG 2 R "" { "A" "B" } t "" 1 "" { 3 4 }'))
    assert alone.payoffs.tolist() == [[[3]], [[4]]]


def test_the_kernel_for_large_trees_agrees(monkeypatch):
    tree = load_tree(DATA / "signal.efg")
    usual = to_strategic(tree).payoffs
    monkeypatch.setattr(efg_strategic, "_WORK_FOR_KERNEL", 0)
    assert np.array_equal(to_strategic(tree).payoffs, usual)


def centipede(length):
    """Two players in turn take or pass."""
    lines = ['EFG 2 R "centipede" { "A" "B" }']
    for k in range(length):
        lines.append(f'p "" {k % 2 + 1} {k // 2 + 1} "" {{ "take" "pass" }} 0')
        lines.append(f't "" {k + 1} "" {{ {k} {k + 1} }}')
    return "\n".join([*lines, f't "" {length + 1} "" {{ 0 0 }}'])


def test_deep_trees(monkeypatch):
    game = to_strategic(parse_efg(centipede(200)))
    assert game.shape == (101, 101)
    assert game.actions[0][0] == "1" + "*" * 99
    assert game.payoffs[0, 0, 0] == 0 and game.payoffs[1, 100, 100] == 0 and game.payoffs[0, 100, 99] == 199
    assert to_strategic(parse_efg(centipede(1_000))).shape == (501, 501)
    deep = parse_efg(centipede(30_000))
    assert deep.player.size == 60_001
    monkeypatch.setattr(limits, "available_bytes", lambda: 2**31)
    with pytest.raises(InputError, match="15,001 x 15,001"):
        to_strategic(deep)
    absent = 'EFG 2 R "" { "A" } ' + 'p "" 1 1 "" { "on" "off" } 0 ' * 20_000 + 't "" 1 "" { 1 } ' * 20_001
    assert to_strategic(parse_efg(absent)).payoffs.tolist() == [[1, 1]]
    chance = 'EFG 2 R "" { "A" } ' + 'c "" 1 "" { "" 1/3 "" 2/3 } 0 ' * 2_000 + 't "" 1 "" { 1 } ' * 2_001
    assert to_strategic(parse_efg(chance)).payoffs[0, 0] == pytest.approx(1, abs=1e-12)


def test_forms_too_large_are_refused_with_their_sizes():
    infosets = 60
    lines = ['EFG 2 R "wide" { "A" "B" }', 'c "" 1 "" { ' + f'"" 1/{infosets} ' * infosets + "} 0"]
    for k in range(infosets):
        lines.append(f'p "" {k % 2 + 1} {k + 1} "" {{ "a" "b" }} 0 t "" 1 "" {{ 1 1 }} t "" 1')
    tree = parse_efg("\n".join(lines))
    for form in ("reduced", "full"):
        with pytest.raises(InputError, match=rf"the {form} strategic form .*1\.1e\+09 x 1\.1e\+09"):
            to_strategic(tree, form)
    with pytest.raises(InputError, match="unknown strategic form 'both'"):
        load_file(DATA / "recall.efg", form="both")


HEAD = 'EFG 2 R "" { "A" "B" }\n'
BAD = [
    ("", "begins with 'EFG 2 R'"),
    ('EFG 1 R "" { "A" }', "version 2"),
    ('EFG 2 R "" { }', "no players"),
    (HEAD, "expected a node ('c', 'p' or 't'), found the end of the file"),
    (HEAD + "x", "expected a node"),
    (HEAD + 'p "" 3 1 "" { "a" } 0', "line 2: player 3 does not exist; there are 2"),
    (HEAD + 'p "" 0 1 "" { "a" } 0', "player 0 does not exist"),
    (HEAD + 'p "" 1 1 "" { "a" "b" } 0\nt "" 0', "for action 2 of the node 1 levels down, found the end"),
    (HEAD + 'p "" 1 1 "" { } 0', "information set 1 has no actions"),
    (HEAD + 'p "" 1 1 0', "no actions here or before"),
    (
        HEAD + 'p "" 1 1 "" { "a" } 0\np "" 1 1 "" { "a" "b" } 0',
        "line 3: information set 1 has 2 actions here and 1",
    ),
    (HEAD + 't "" 1', "outcome 1 has no payoffs anywhere"),
    (HEAD + 't "" 1 "" { 1 }', "expected 2 payoffs of outcome 1"),
    (HEAD + 't "" 1 "" { 1 2 3 }', "found 3"),
    (HEAD + 't "" 1 "" { 1 x }', "expected a number, found 'x'"),
    (HEAD + 't "" 1 "" { 1 1/0 }', "zero denominator"),
    (HEAD + 't "" 1 "" { 1 1e999 }', "not a finite"),
    (HEAD + 't "" 0 "" { 1 1 }', "outcome 0 has these payoffs here and always zero"),
    (HEAD + 't "" -1', "an outcome number"),
    (HEAD + 't "" 1 "" { 1 1 }\nt "" 0', "line 3: expected the end of the file"),
    (
        HEAD + 'p "" 1 1 "" { "a" "b" } 0\nt "" 1 "" { 1 1 }\nt "" 1 "" { 1 2 }',
        "line 4: outcome 1 has these payoffs here and others from line 3",
    ),
    (HEAD + 'c "" 1 "" { "a" 1/2 "b" 1/3 } 0', "chance probabilities sum to 0.833333333, expected 1"),
    (HEAD + 'c "" 1 "" { "a" 3/2 "b" -1/2 } 0', "negative probability"),
    (HEAD + 'c "" 1 "" { "a" "b" } 0', "probability of chance action 'a'"),
    (HEAD + 'c "" 1 "" { } 0', "no actions"),
    (
        HEAD + 'c "" 1 "" { "a" 1 } 0 c "" 1 "" { "a" 1/2 "b" 1/2 } 0',
        "information set 1 has 2 actions here and 1 before",
    ),
    (
        HEAD + 'c "" 1 "" { "a" 1/2 "b" 1/2 } 0 c "" 1 "" { "a" 1/3 "b" 2/3 } 0',
        "other probabilities here than before",
    ),
    (HEAD + 't "never', "never closed"),
]


@pytest.mark.parametrize("text, complaint", BAD, ids=range(len(BAD)))
def test_bad_input_is_refused_with_a_reason(text, complaint):
    with pytest.raises(InputError, match="line ") as refused:
        parse_efg(text)
    assert complaint in str(refused.value)


def test_dialects():
    plain = parse_efg(
        'EFG 2 R "t" { "A" } "note" p "n" 1 1 "h" { "a" "b" } 0 t "" 1 "o" { 1 } t "" 2 "" { 2 }'
    )
    loose = parse_efg("efg 2 D t { A }\np n 1 1 { a, b } 0 // a move\nt 1 { 1.0 }\nt 2 { 2 } # the end\n\n")
    assert plain.player.tolist() == loose.player.tolist()
    assert plain.payoff.tolist() == loose.payoff.tolist()
    assert plain.infosets[0].actions == loose.infosets[0].actions
    rounded = parse_efg(
        'EFG 2 D "" { "A" } c "" 1 "" { "" .333333 "" .333333 "" .333333 } 0' + ' t "" 1 "" { 3 }' * 3
    )
    assert rounded.chance[1:].tolist() == [1 / 3] * 3


@oracle
def test_every_real_file_loads():
    files = sorted((ORACLES / "games").rglob("*.efg"))
    assert files
    for path in files:
        tree = load_tree(path)
        assert tree.player.size > 1
        if path.name == "ttt.efg":
            with pytest.raises(InputError, match="16,529 x 668,360"):
                load_file(path, form="reduced")
        else:
            assert np.isfinite(load_file(path, form="reduced").payoffs).all()


@oracle
def test_real_files_have_the_known_shapes_and_pure_equilibria():
    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    checked = 0
    for case in cases:
        if not str(case["game"]).endswith(".efg"):
            continue
        if case["concept"] == "pure_nash" or "reduced" in case.get("form", ""):
            game = load_file(
                ORACLES / "games" / case["game"], form="reduced" if case["game"].endswith(".efg") else None
            )
            if "shape" in case:
                assert list(game.shape) == case["shape"]
            checked += 1
    assert checked


@oracle
def test_openspiel_exports_are_read():
    pyspiel = pytest.importorskip("pyspiel")
    gambit = pytest.importorskip("open_spiel.python.algorithms.gambit")
    kuhn = to_strategic(parse_efg(gambit.export_gambit(pyspiel.load_game("kuhn_poker"))))
    assert kuhn.shape == (27, 64)  # three ways to play each card first, four second
    assert kuhn.constant_sum() == 0
