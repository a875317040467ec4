"""JSON, NumPy archives and spreadsheets: their layouts, and what is refused."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from games.csv_tables import parse_csv
from games.errors import InputError
from games.from_files import load_file
from games.normal import NormalFormGame
from games.save import save
from games.tables import parse_json

DATA = Path(__file__).parent / "data"
PAIRS = [[[3, 0], [5, 1]], [[3, 5], [0, 1]]]


def refused(read, source):
    with pytest.raises(InputError) as info:
        read(source)
    assert len(str(info.value)) < 400
    return str(info.value)


def test_json_with_names_and_a_flat_list():
    game = load_file(DATA / "matching.json")
    assert game.title == "Matching pennies" and game.players == ("Even", "Odd")
    assert game.payoffs.tolist() == [[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]]


def test_json_with_payoffs_alone():
    assert parse_json(json.dumps({"payoffs": PAIRS})).payoffs.tolist() == PAIRS
    assert parse_json(json.dumps({"A": PAIRS[0], "B": PAIRS[1]})).payoffs.tolist() == PAIRS
    assert parse_json('{"payoffs": [[1, 2, "1/3"]]}').payoffs.tolist() == [[1, 2, 1 / 3]]


BAD_JSON = [
    ("{", "line 1: not valid JSON"),
    ('{\n"payoffs": [1,]}', "line 2: not valid JSON"),
    ("[1]", "expected a JSON object"),
    ("{}", "neither 'payoffs' nor both"),
    ('{"A": [[1]]}', "neither 'payoffs' nor both"),
    ('{"A": [[1]], "B": [[1, 2]]}', "two matrices alike"),
    ('{"payoffs": 3}', "'payoffs' is a number, expected a list"),
    ('{"payoffs": [1, 2]}', "needs 'actions'"),
    ('{"payoffs": [1, 2], "actions": [["a"]]}', "expected 1 payoffs (1 profiles x 1 players), found 2"),
    ('{"payoffs": [[[1, 2]], [[3]]]}', "different lengths, 1 and 2"),
    ('{"payoffs": [[1, [2]]]}', "payoffs[0][1] is a list"),
    ('{"payoffs": [[1, null]]}', "payoffs[0][1] is null, expected a number"),
    ('{"payoffs": [[1, true]]}', "payoffs[0][1] is true or false"),
    ('{"payoffs": [[1, "x"]]}', "expected a number, found 'x'"),
    ('{"payoffs": [[1, NaN]]}', "NaN is not a finite number"),
    ('{"payoffs": [[1, 1e999]]}', "not a finite number"),
    ('{"payoffs": [[1, 1' + "0" * 400 + "]]}", "range"),
    ('{"payoffs": [[1, 1' + "0" * 5000 + "]]}", "not valid JSON"),
    ('{"payoffs": [[], []]}', "of shape (2, 0) are not"),
    ('{"payoffs": [[1], [2]]}', "not [players"),
    ('{"payoffs": ' + "[" * 100_000, "JSON"),
    ('{"payoffs": ' + "[" * 70 + "1" + "]" * 70 + "}", "more than 63 deep"),
    ('{"format": "other", "payoffs": [[1]]}', "the format is 'other'"),
    ('{"version": 2, "payoffs": [[1]]}', "version '2'"),
    ('{"title": 1, "payoffs": [[1]]}', "'title'"),
    ('{"players": "ab", "payoffs": [[1]]}', "'players' is not a list"),
    ('{"players": ["a", "b"], "payoffs": [[1]]}', "2 player names for 1"),
    ('{"actions": {}, "payoffs": [[1]]}', "'actions' is an object"),
    ('{"actions": [1], "payoffs": [[1]]}', "'actions'[0] is not a list"),
]


@pytest.mark.parametrize("text, complaint", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json(text, complaint):
    assert complaint in refused(parse_json, text)


def test_npz(tmp_path):
    path = tmp_path / "game.npz"
    np.savez(path, payoffs=np.array(PAIRS))
    assert load_file(path).payoffs.tolist() == PAIRS
    np.savez_compressed(path, A=np.array(PAIRS[0], dtype=np.int8), B=np.array(PAIRS[1], dtype=np.float32))
    assert load_file(path).payoffs.tolist() == PAIRS
    game = NormalFormGame(PAIRS, players=("Ann\x00", "Bo"), actions=(("a", "b"), ("", "é")), title="t")
    back = load_file(save(game, path))
    assert (back.players, back.actions, back.title) == (game.players, game.actions, "t")


def npz_with(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name + ".npy", content)
    return buffer.getvalue()


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def huge_header():
    buffer = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (2, 10**7, 10**7)}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


BAD_NPZ = [
    (b"PK\x03\x04", "not a readable .npz archive"),
    (b"not a zip", "not a readable .npz archive"),
    (npz_with(other=npy([1.0])), "no array 'payoffs'"),
    (npz_with(A=npy([[1.0]])), "neither"),
    (npz_with(payoffs=b"junk"), "not a readable"),
    (npz_with(payoffs=npy(["a"])), "expected numbers"),
    (npz_with(payoffs=npy([1j])), "expected numbers"),
    (npz_with(payoffs=npy([{}], allow_pickle=True)), "expected numbers"),
    (npz_with(payoffs=npy([[1.0, np.nan]])), "not a finite number"),
    (npz_with(payoffs=npy([[1.0], [2.0]])), "not [players"),
    (npz_with(payoffs=npy(3.0)), "not [players"),
    (npz_with(payoffs=huge_header()), "memory"),
    (npz_with(payoffs=npy([[1.0]])[:-4]), "not a readable"),
    (npz_with(payoffs=npy([[1.0]]), names=npy("[]")), "not a JSON object"),
    (npz_with(payoffs=npy([[1.0]]), names=npy(3)), "is not text"),
    (npz_with(payoffs=npy([[1.0]]), names=npy('{"players": 1}')), "'players'"),
]


@pytest.mark.parametrize("content, complaint", BAD_NPZ, ids=range(len(BAD_NPZ)))
def test_bad_npz(content, complaint, tmp_path):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    assert complaint in refused(load_file, path)


def test_csv_of_pairs():
    game = load_file(DATA / "chicken.csv")
    assert game.actions == (("Swerve", "Straight"),) * 2
    assert game.payoffs.tolist() == [[[0, -1], [1, -10]], [[0, 1], [-1, -10]]]


@pytest.mark.parametrize(
    "text",
    [
        '"3,3","0,5"\n"5,0","1,1"\n',
        "3;3,0;5\r\n5;0,1;1\r\n",
        "3,3;0,5\n5,0;1,1",
        "3 3\t0 5\n5 0\t1 1\n",
        "(3,3),(0,5)\n(5, 0), (1,1)\n",
        "(3;3);(0;5)\n(5;0);(1;1)\n",
        "sep=;\n3,3;0,5\n\n5,0;1,1;;\n",
        ",1,2\n1,3 3,0 5\n2,5 0,1 1\n",
        "1;2\n3,3;0,5\n5,0;1,1",
        '1;"3,0;3";"0,0;5"\n2;"5;0";"\u22120;1"\n'.replace("0;1", "0;1").replace("\u22120", "2/2"),
    ],
)
def test_csv_layouts_of_pairs(text):
    game = parse_csv(text)
    assert game.payoffs.tolist() == PAIRS
    assert game.actions == (("1", "2"), ("1", "2"))


def test_csv_in_other_encodings(tmp_path):
    path = tmp_path / "game.csv"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        path.write_text(";é;b\n1;3,3;0,5\n2;5,0;1,1\n", encoding=encoding)
        game = load_file(path)
        assert game.payoffs.tolist() == PAIRS and game.actions[1] == ("é", "b")


def test_csv_in_long_form():
    game = load_file(DATA / "market.csv")
    assert game.players == ("Firm A", "Firm B")
    assert game.actions == (("low", "high"), ("low", "high"))
    assert game.payoffs[0].tolist() == [[1.25, 4], [0, 3]]
    assert game.payoffs[1].tolist() == [[1.5, 0], [4, 3]]
    one = parse_csv("choice,payoff_1\nleft,1/3\nright,-2e0\n")
    assert one.payoffs.tolist() == [[1 / 3, -2]] and one.actions == (("left", "right"),)
    rows = [f"{a},{b},{c},{a},{b},{c}" for a in range(2) for b in range(3) for c in range(2)]
    three = parse_csv("\n".join(["x,y,z,payoff 1,payoff 2,payoff 3", *rows]))
    assert three.shape == (2, 3, 2) and three.payoffs[1, 0, 2, 1] == 2


BAD_CSV = [
    ("\n\n,,\n", "the table is empty"),
    ("a", "each cell should hold a pair"),
    ("1,2\n3,4", "line 2, column 2: found '4'"),
    ("1 2\n3 4", "put each pair in quotes"),
    ("3;3\n1;2", "each cell should hold a pair"),
    ('"3,3","0,5"\n"5,0",x', "line 2, column 2: found 'x'"),
    ('"3,3","0,5"\n"5,0"', "line 2: 1 columns, but line 1 has 2"),
    ('a,b,c,d\n1,"3,3","0,5"', "4 column names for 2 columns"),
    ('"1,1e999"', "each cell should hold a pair"),
    ('"nan,1","1,1"\n"1,1","1,1"', "line 1, column 1: found 'nan,1'; each cell should hold a pair"),
    ("x," + '"' + "1" * 200_000, "not a readable table"),
    ("a,b,payoff_a\n", "expected one column per player"),
    ("payoff_a\n1", "expected one column per player"),
    ("a,payoff_b\nx,1", "named after the players"),
    ("a,payoff_a\n", "no profiles"),
    ("a,payoff_a\nx,1\nx,2", "line 3: the same profile as on line 2"),
    ("a,payoff_a\nx,1,2", "line 2: 3 columns, but the first line has 2"),
    ("a,payoff_a\nx,y", "line 2, column 2: expected a number, found 'y'"),
    (
        "a,b,payoff_a,payoff_b\nx,x,1,1\ny,y,1,1",
        "expected 4 profiles, found 2; the first missing is ('x', 'y')",
    ),
    (
        ",".join(f"p{k}" for k in range(70)) + "," + ",".join(f"payoff_p{k}" for k in range(70)),
        "limited to 62",
    ),
]


@pytest.mark.parametrize("text, complaint", BAD_CSV, ids=range(len(BAD_CSV)))
def test_bad_csv(text, complaint):
    assert complaint in refused(parse_csv, text)


def test_files_that_are_no_games(tmp_path):
    def complaint(name, content=None):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        message = refused(load_file, path)
        assert message.startswith(str(path))
        return message

    assert "no such file" in complaint("none.nfg")
    assert "is empty" in complaint("empty.nfg", b" \n")
    assert "binary" in complaint("binary.nfg", bytes(range(256)))
    assert "binary" in complaint("binary.csv", b"\x00\x01" * 9)
    assert "one of .nfg, .efg" in complaint("game.doc", b"text")
    assert "without an ending" in complaint("game", b"text")
    assert "(.agg) are not read" in complaint("game.agg", b"#AGG\n2")
    assert "(.bagg) are not read" in complaint("game.txt", b"#BAGG\n2")
    assert "(.xlsx) are not read" in complaint("game.xlsx", b"PK\x03\x04")
    (tmp_path / "folder.nfg").mkdir()
    assert "is a folder" in complaint("folder.nfg")
    assert "cannot be read" in refused(load_file, "nul\x00.nfg")


def test_gambit_files_are_known_by_their_content(tmp_path):
    path = tmp_path / "game.txt"
    path.write_text('NFG 1 R "" { "a" } { 1 } 5')
    assert load_file(path).payoffs.tolist() == [[5]]
    path.write_text('\ufeff\nEFG 2 R "" { "a" } t "" 1 { 5 }')
    assert load_file(path).payoff.tolist() == [[5]]
    assert load_file(path, form="reduced").payoffs.tolist() == [[5]]
