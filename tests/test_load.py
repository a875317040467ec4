"""The one door: URIs good and bad, files before schemes, and messages that say what would be right."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from games import uri as uris
from games.efg import parse_efg
from games.errors import InputError
from games.load import catalogue, load
from games.normal import NormalFormGame
from games.tree import TreeGame
from games.tree_build import from_efg

NFG = 'NFG 1 R "pennies" { "A" "B" } { 2 2 } 1 -1 -1 1 -1 1 1 -1\n'
EFG = """EFG 2 R "tiny" { "A" "B" }
p "" 1 1 "" { "l" "r" } 0
p "" 2 1 "" { "L" "R" } 0
t "" 1 "" { 1, 2 }
t "" 2 "" { 3, 4 }
p "" 1 2 "" { "x" "y" } 0
t "" 3 "" { 5, 6 }
t "" 4 "" { 7, 8 }
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_game_is_returned_as_it_is() -> None:
    game = NormalFormGame.zero_sum([[1]])
    assert load(game) is game
    tree = from_efg(parse_efg(EFG))
    assert load(tree) is tree


@pytest.mark.parametrize(
    "text,scheme,name,parameters",
    [
        ("game.nfg", "file", "game.nfg", {}),
        ("C:\\games\\x.nfg", "file", "C:\\games\\x.nfg", {}),
        ("c:/games/x.NFG", "file", "c:/games/x.NFG", {}),
        ("dir:with/colon.efg?form=full", "file", "dir:with/colon.efg", {"form": "full"}),
        ("zoo:random?shape=2x2&seed=1", "zoo", "random", {"shape": "2x2", "seed": "1"}),
        ("ZOO: chicken ", "zoo", "chicken", {}),
        ("openspiel:kuhn_poker(players=2)", "openspiel", "kuhn_poker(players=2)", {}),
        ("openspiel:kuhn_poker?form=full", "openspiel", "kuhn_poker", {"form": "full"}),
        ("openspiel:a(b=c?)?form=full", "openspiel", "a(b=c?)", {"form": "full"}),
    ],
)
def test_parsing(text: str, scheme: str, name: str, parameters: dict[str, str]) -> None:
    parts = uris.parse(text)
    assert (parts.scheme, parts.name, dict(parts.parameters)) == (scheme, name, parameters)


@pytest.mark.parametrize("name", ["pennies.nfg", "zoo:chicken.nfg", "a:b.nfg", "what?.nfg", "with space.nfg"])
def test_an_existing_file_is_never_taken_for_a_scheme(here: Path, name: str) -> None:
    (here / name).write_text(NFG)
    for uri in (name, Path(name), here / name, str(here / name)):
        assert load(uri).shape == (2, 2)
        assert load(uri).title == "pennies"


def test_the_form_of_a_tree(here: Path) -> None:
    (here / "tiny.efg").write_text(EFG)
    tree = load("tiny.efg")
    assert isinstance(tree, TreeGame) and tree.nodes == 7
    assert load("tiny.efg?form=tree").digest == load(Path("tiny.efg"), form="tree").digest == tree.digest
    assert load("tiny.efg?form=reduced").shape == (3, 2)
    assert load("tiny.efg?form=full").shape == (4, 2)
    assert load(Path("tiny.efg"), form="full").shape == (4, 2)
    with pytest.raises(InputError, match="form=ful is not one of tree, reduced, full"):
        load("tiny.efg?form=ful")
    with pytest.raises(InputError, match="no parameter 'from'"):
        load("tiny.efg?from=full")
    (here / "pennies.nfg").write_text(NFG)
    with pytest.raises(InputError, match="extensive-form"):
        load("pennies.nfg?form=full")
    with pytest.raises(InputError, match="no parameter 'seed'"):
        load("pennies.nfg", seed=3)


@pytest.mark.parametrize(
    "text,words",
    [
        ("", "empty"),
        ("   ", "empty"),
        ("zoo:", "no game ''"),
        ("zoo:chickn", "did you mean zoo:chicken"),
        ("zoo:prisoner-dilema", "did you mean zoo:prisoners-dilemma"),
        ("chicken", "did you mean zoo:chicken"),
        ("rps", "did you mean zoo:rock-paper-scissors"),
        ("zo:chicken", "did you mean zoo:"),
        ("openspeil:kuhn_poker", "did you mean openspiel:"),
        ("qqqqqq:kuhn_poker", "known are zoo:, openspiel:, mfg: and files"),
        ("foraging:8x8-2p-3f", "foraging: means environments to play and learn in"),
        ("zoo:chicken?rewad=3", "has no parameter 'rewad'; did you mean 'reward'"),
        ("zoo:morra?colour=3", "has no parameter 'colour'; it has fingers"),
        ("zoo:shapley?colour=3", "has no parameter 'colour'; it takes no parameter"),
        ("zoo:chicken?reward", "'reward' is not a parameter of the form key=value"),
        ("zoo:chicken?reward=", "key=value"),
        ("zoo:chicken?=3", "key=value"),
        ("zoo:random?seed=1&seed=2", "seed is given twice"),
        ("nothing-here.nfg", "nothing-here.nfg"),
        ("nothing.txt", r"\.txt is not a known kind"),
        ("some/where/else", "no file"),
        ("x" * 5000, "no file"),
        ("a\0b", "no file"),
        ("a\0b.nfg", "a"),
    ],
)
def test_bad_uris_are_refused_in_one_short_sentence(here: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_other_things_are_refused(here: Path) -> None:
    with pytest.raises(InputError, match="directory"):
        load(str(here))
    with pytest.raises(InputError):
        load(here)
    with pytest.raises(InputError, match="cannot load a game from list"):
        load([[1, 2], [3, 4]])  # type: ignore[arg-type]


@given(
    st.text(max_size=40)
    | st.from_regex(r"(zoo|openspiel):[a-z_-]{0,12}(\?[a-z=&0-9x]{0,12})?", fullmatch=True)
)
@example("zoo:random?shape=" + "9" * 5000)
@example("zoo:" + "'" * 100)
@example("?form=full")
@settings(max_examples=200, deadline=None)
def test_any_text_gives_a_game_or_a_sentence(text: str) -> None:
    with suppress(InputError):
        assert isinstance(load(text, max_nodes=10_000), NormalFormGame | TreeGame)


def test_names_are_forgiving_about_case_and_hyphens() -> None:
    game = load("zoo:prisoners-dilemma")
    for name in ("Prisoners_Dilemma", "prisoner's dilemma", "PD", "prisoners--dilemma"):
        assert load(f"zoo:{name}").digest == game.digest


def test_the_catalogue_is_a_tuple_of_entries() -> None:
    listed = catalogue()
    assert isinstance(listed, tuple)
    assert {"chicken", "random"} <= {entry.name for entry in listed}
    for entry in listed:
        assert load(entry.uri).shape


def test_the_door_is_light() -> None:
    """Listing the catalogue and loading a classic imports no heavy library."""
    code = (
        "import sys; from games.load import catalogue, load; catalogue(); load('zoo:chicken');"
        "heavy = {'numba', 'scipy', 'networkx', 'pyspiel', 'matplotlib', 'torch'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
