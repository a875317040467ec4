"""Gambit .nfg files: what is read, how numbers round, what is refused, and saving them again."""

import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from games.errors import InputError
from games.from_files import load_file
from games.nfg import parse_nfg
from games.normal import NormalFormGame
from games.save import save, to_nfg

DATA = Path(__file__).parent / "data"
ORACLES = Path(__file__).parents[2] / "shared" / "oracles"
oracle = pytest.mark.skipif(
    not ORACLES.is_dir(), reason="independent answers (../shared/oracles) are not here"
)


def pure_equilibria(game):
    """Profiles at which no player gains, by brute force."""
    best = np.ones(game.shape, dtype=bool)
    for i, u in enumerate(game.payoffs):
        best &= u == u.max(axis=i, keepdims=True)
    return [tuple(map(int, p)) for p in np.argwhere(best)]


def test_payoff_version_with_every_kind_of_number():
    game = load_file(DATA / "commute.nfg")
    assert game.title == "Two roads"
    assert game.players == ("Ann", 'Bo "the \\ car"')
    assert game.shape == (2, 3)
    assert game.payoffs[0].tolist() == [[-10, -10, 1 / 3], [-20.5, -7, 0]]  # Ann's strategy varies fastest
    assert game.payoffs[1].tolist() == [[-11, -0.5, -0.5], [-9, 3, 2.5]]


def test_outcome_version_and_outcome_zero():
    game = load_file(DATA / "committee.nfg")
    assert game.actions == (("yes", "no"),) * 3
    passes, fails = [2, 1, -1], [0, 0.5, 3]
    assert game.payoffs[:, 0, 0, 0].tolist() == passes
    assert game.payoffs[:, 0, 1, 0].tolist() == passes
    assert game.payoffs[:, 1, 1, 0].tolist() == fails
    assert game.payoffs[:, 0, 0, 1].tolist() == passes
    assert game.payoffs[:, 1, 0, 1].tolist() == fails
    assert game.payoffs[:, 1, 1, 1].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "text",
    [
        'NFG 1 R "t" { "a" "b" } { 1 2 } 1 2 3 4',
        'NFG 1 R "t"{"a""b"}{1 2}1,2,3,4',
        'nfg 1 d t { a b } { 1 2 } "comment" 1.0 2.0e0\t3.\r\n4/1',
        '\n NFG 1 R "t" { "a" "b" } # note\n { {"1"} {"1" "2"} } // note\n 1 2 3 4 \x1a',
        'NFG 1 R "t" { "a" "b" } { { 1 } { 1 2 } } "" { { "x" 1 2 } { 3, 4 } } 1 2',
        'NFG 1 R "t" { "a" "b" } { 1 2 } { { "}{" 3 4 } { "\\"" 1 2 } } 2 1',
        'NFG 1 R "t" { "a" "b" } { 1 2 } { { "" 3 4 } /*no*/ } 2 1'.replace("/*no*/", '{ "" 1 2 } // end\n'),
    ],
)
def test_dialects(text):
    game = parse_nfg(text)
    assert game.title == "t"
    assert game.players == ("a", "b")
    assert game.payoffs.tolist() == [[[1, 3]], [[2, 4]]]


def test_empty_names_become_numbers():
    game = parse_nfg('NFG 1 R "" { "" "" } { { "" "up" } { "" } } 1 2 3 4')
    assert game.players == ("Player 1", "Player 2")
    assert game.actions == (("1", "up"), ("1",))


def test_one_player_many_players_and_no_outcomes():
    assert parse_nfg('NFG 1 R "" { "a" } { 3 } 1 2 3').payoffs.tolist() == [[1, 2, 3]]
    assert parse_nfg('NFG 1 R "" { "a" } { 2 } { } 0 0').payoffs.tolist() == [[0, 0]]
    many = parse_nfg('NFG 1 R "" { ' + '"p" ' * 12 + "} { " + "2 " * 12 + "} " + "1 " * (12 * 4096))
    assert many.shape == (2,) * 12


@given(st.lists(st.fractions() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_numbers_are_rounded_once(values):
    written = [repr(v) if isinstance(v, float) else f"{v.numerator}/{v.denominator}" for v in values]
    game = parse_nfg(f'NFG 1 R "" {{ "a" }} {{ {len(values)} }} ' + " ".join(written))
    assert game.payoffs[0].tolist() == [float(Fraction(v)) for v in values]
    spelled = parse_nfg(
        f'NFG 1 R "" {{ "a" }} {{ {len(values)} }} //slow path\n' + "//\n".join([*written, ""])
    )
    assert spelled.payoffs.tolist() == game.payoffs.tolist()


BAD = [
    ("", "found the end of the file"),
    ("EFG 2 R", "begins with 'NFG 1 R'"),
    ('NFG 2 R "" { "a" } { 1 } 1', "version 1"),
    ('NFG 1 Q "" { "a" } { 1 } 1', "number type"),
    ('NFG 1 R "" { } { } ', "no players"),
    ('NFG 1 R "" { "a" "b" } { 2 } 1', "strategies of 1 players for 2"),
    ('NFG 1 R "" { "a" "b" } { 2 0 } 1', "player 2 has no strategy"),
    ('NFG 1 R "" { "a" "b" } { 2 -1 } 1', "number of strategies"),
    ('NFG 1 R "" { "a" "b" } { { "x" } { } } 1', "player 2 has no strategy"),
    ('NFG 1 R "" { "a" "b" } { { "x" } "y" } 1', "after the players' strategies"),
    ('NFG 1 R "" { "a" "b', "never closed"),
    ('NFG 1 R "" { "a" "b" } { 1 1 }\n1 x', "line 2: payoff: expected a number, found 'x'"),
    ('NFG 1 R "" { "a" "b" } { 1 1 }\n1 1/0', "zero denominator"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 nan', "expected a number, found 'nan'"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 inf', "expected a number"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 1e999', "not a finite"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 1e309', "not a finite"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 1e99999999999', "beyond the range"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 1/-3', "expected a number"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 1_0', "expected a number"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 ٣', "expected a number"),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 ' + "1" * 1_000_000, "1,000,000 characters"),
    (
        'NFG 1 R "" { "a" "b" } { 3 3 }\n' + "1 " * 17,
        "expected 18 payoffs (9 profiles x 2 players), found 17",
    ),
    (
        'NFG 1 R "" { "a" "b" } { 3 3 }\n' + "1 " * 19,
        "expected 18 payoffs (9 profiles x 2 players), found 19",
    ),
    ('NFG 1 R "" { "a" "b" } { 1 1 } 1 2 }', "expected the end of the file"),
    ('NFG 1 R "" { "a" "b" } { 1 2 }\n{ { "" 1 2 } }\n1 2', "line 3: outcome 2 is not defined"),
    ('NFG 1 R "" { "a" "b" } { 1 2 } { { "" 1 2 } } 1', "expected 2 outcome numbers"),
    ('NFG 1 R "" { "a" "b" } { 1 2 } { { "" 1 } } 1 1', "outcome 1 has 1 payoffs, expected 2"),
    ('NFG 1 R "" { "a" "b" } { 1 2 } { { "" 1 2 } } 1 -1', "an outcome number"),
    ('NFG 1 R "" { "a" "b" } { 99999999 99999999 } 1 2', "memory"),
    ('NFG 1 R "" { "a" "b" } { 9999999999999999 1 } 1 2', "too large"),
    ('NFG 1 R "" { ' + '"p" ' * 70 + "} { " + "1 " * 70 + "}", "limited to 62"),
    ('NFG 1 R "" ' + "{ " * 100_000, "expected '}'"),
]


@pytest.mark.parametrize("text, complaint", BAD, ids=range(len(BAD)))
def test_bad_input_is_refused_with_a_reason(text, complaint):
    with pytest.raises(InputError, match="line ") as refused:
        parse_nfg(text)
    assert complaint in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_file_is_named_in_complaints(tmp_path):
    path = tmp_path / "short.nfg"
    path.write_text('NFG 1 R "" { "a" "b" }\n{ 3 3 }\n\n' + "1 " * 17 + "\n")
    with pytest.raises(InputError) as refused:
        load_file(path)
    assert str(refused.value) == f"{path}, line 5: expected 18 payoffs (9 profiles x 2 players), found 17"


awkward = st.text(max_size=12) | st.sampled_from(
    ["", '"', "\\", '\\"', "{", "}", "a\nb", "a\r\nb", "//", "\x00"]
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("suffix", [".nfg", ".json", ".npz"])
def test_saving_reads_back_bit_for_bit(data, suffix, tmp_path_factory):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    finite = st.floats(allow_nan=False, allow_infinity=False)
    payoffs = data.draw(hnp.arrays(np.float64, (len(shape), *shape), elements=finite))
    players = tuple(data.draw(awkward) for _ in shape)
    actions = tuple(tuple(data.draw(awkward) for _ in range(size)) for size in shape)
    game = NormalFormGame(payoffs, players=players, actions=actions, title=data.draw(awkward))
    path = tmp_path_factory.mktemp("saved") / f"game{suffix}"
    assert save(game, path) == path
    back = load_file(path)
    assert back.payoffs.tobytes() == game.payoffs.tobytes()
    assert (back.players, back.actions, back.title) == (game.players, game.actions, game.title)
    assert back.digest == game.digest


def test_saving_replaces_whole_files_only(tmp_path):
    game = parse_nfg('NFG 1 R "t" { "a" } { 2 } 1 2')
    path = tmp_path / "game.nfg"
    path.write_text("old")
    save(game, path)
    assert path.read_text() == to_nfg(game)
    assert os.listdir(tmp_path) == ["game.nfg"]
    for bad, complaint in [
        (tmp_path / "game.txt", "cannot be saved as '.txt'"),
        (tmp_path / "none" / "game.nfg", "cannot be written"),
        (tmp_path, "cannot be saved as ''"),
    ]:
        with pytest.raises(InputError) as refused:
            save(game, bad)
        assert complaint in str(refused.value)
    (tmp_path / "folder.nfg").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        save(game, tmp_path / "folder.nfg")
    unwritable = NormalFormGame([[1.0]], title="\ud800")
    with pytest.raises(InputError, match="UTF-8"):
        save(unwritable, path)
    assert load_file(save(unwritable, tmp_path / "game.json")).title == "\ud800"
    assert path.read_text() == to_nfg(game)


def test_large_files_read_quickly():
    rng = np.random.default_rng(0)
    game = NormalFormGame(rng.normal(size=(2, 300, 300)))
    assert parse_nfg(to_nfg(game)).digest == game.digest


@oracle
def test_every_real_file_loads():
    files = sorted((ORACLES / "games").rglob("*.nfg"))
    assert files
    for path in files:
        game = load_file(path)
        assert np.isfinite(game.payoffs).all()
        assert parse_nfg(to_nfg(game)).digest == game.digest


@oracle
def test_real_files_have_the_known_number_of_pure_equilibria():
    cases = json.loads((ORACLES / "solver_cases.json").read_text())["cases"]
    counted = [c for c in cases if c["concept"] == "pure_nash" and str(c["game"]).endswith(".nfg")]
    assert counted
    for case in counted:
        found = pure_equilibria(load_file(ORACLES / "games" / case["game"]))
        assert sorted(found) == sorted(map(tuple, case["profiles"])), case["game"]


@oracle
def test_openspiel_reads_what_we_write():
    pyspiel = pytest.importorskip("pyspiel")
    for name in ("contrib/games/2x2.nfg", "contrib/games/deg2.nfg", "contrib/games/3x3x3.nfg"):
        game = load_file(ORACLES / "games" / name)
        theirs = pyspiel.load_nfg_game(to_nfg(game))
        ours = parse_nfg(pyspiel.game_to_nfg_string(theirs))
        assert np.array_equal(ours.payoffs, game.payoffs)
