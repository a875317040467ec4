"""Settings of `staghunt train`: where they come from, which wins, and what is said of those that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from experiments.training.config import learners, settings_of_file, spec_of
from experiments.training.fields import nearest_key
from experiments.training.layers import from_assignments, from_mapping, from_options, merged
from experiments.training.settings import Spec
from experiments.training.yaml_text import dump, parse
from games.errors import InputError


def asked(*assignments: str, learner: str | None = "mappo", file: Any = None, **options: Any) -> Spec:
    env = options.pop("env", "zoo:chicken")
    given_here = {"learner.name": (learner, "LEARNER"), "env": (env, "ENV")}
    given_here |= {key.replace("__", "."): (value, f"--{key}") for key, value in options.items()}
    layers = [from_mapping(file, "file.yaml"), from_options(given_here), from_assignments(assignments)]
    return spec_of(merged(layers))


# --- YAML -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, value",
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("[64, 64]", [64, 64]),
        ("yes", "yes"),
        ("1_000", 1000),
        ("true", True),
        ("1:30", "1:30"),
        ("010", 10),
        ("2020-01-01", "2020-01-01"),
        ("", None),
        ("'1e-3'", "1e-3"),
    ],
)
def test_scalars_are_what_people_mean(text: str, value: Any) -> None:
    found = parse(text, "here")
    assert found == value and type(found) is type(value)


plain_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(plain_data)
@example({"\x85": "a\u2028b\u2029"})
def test_what_is_dumped_is_what_is_read(value: Any) -> None:
    assert parse(dump(value), "here") == value


@pytest.mark.parametrize(
    "text, told",
    [
        ("a: 1\na: 2", "here, line 2: the key 'a' is there twice"),
        ("a: &x [1]\nb: *x", "here, line 2: aliases"),
        ("!!python/object/apply:os.system ['false']", "could not determine a constructor"),
        ("!!set {a, b}", "could not determine a constructor"),
        ("[" * 5000, "no configuration"),
        ("a: b: c", "mapping values"),
        ("9" * 5000, "too long"),
        ("\0", "not YAML"),
        ("{? [1] : 2}", "no single name"),
    ],
)
def test_what_is_no_plain_data_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told.replace("(", r"\(").replace("*", r"\*")):
        parse(text, "here")


# --- precedence -------------------------------------------------------------------------------------------


def test_defaults_under_the_file_under_the_command_line_under_set() -> None:
    file = {"learner": {"gamma": 0.5, "clip": 0.3, "entropy": 0.1}, "training": {"steps": 10, "batch": 3}}
    spec = asked(
        "learner.entropy=1e-3", "training.steps=30", file=file, training__steps=20, training__batch=4
    )
    assert (spec.learner.gamma, spec.learner.clip, spec.learner.entropy) == (0.5, 0.3, 1e-3)
    assert (spec.training.steps, spec.training.batch, spec.learner.trace) == (30, 4, 0.95)


def test_a_spec_is_complete_and_a_configuration_itself() -> None:
    spec = asked("learner.hidden=[8]", "training.steps=1e5", learner="ippo", seed=3, seeds=2)
    document = spec.document()
    assert document["training"]["evaluate_every"] == 5_000 and document["training"]["save_every"] == 50_000
    assert document["learner"]["critic"] == "observation" and document["learner"]["hidden"] == [8]
    assert spec_of(from_mapping(parse(dump(document), "x"), "x")) == spec
    assert spec.numbers() == (3, 4) and spec.plan(4).seed == 4 and spec.plan(4).steps == 100_000


@pytest.mark.parametrize("name", list(learners()))
def test_every_learner_is_made_by_its_name(name: str) -> None:
    kind, fixed, *_ = learners()[name]
    spec = asked(learner=name.upper() if name == "iql" else name)
    assert isinstance(spec.learner, kind)
    assert all(getattr(spec.learner, field) == value for field, value in fixed.items())


def test_a_recipe_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "chicken-mappo.yaml").write_text(
        "learner: mappo\nenv: zoo:chicken\nabout: a game\n"
    )
    monkeypatch.setattr("experiments.training.config.files", lambda package: tmp_path)
    assert spec_of(settings_of_file("chicken-mappo")).env == "zoo:chicken"
    with pytest.raises(InputError, match="did you mean chicken-mappo"):
        settings_of_file("chicken-mapo")


# --- bad settings -----------------------------------------------------------------------------------------

BAD = [
    (["lerning_rate=1"], "--set: unknown key 'lerning_rate'; did you mean learner.learning_rate?"),
    (["learner.lr=1"], "did you mean learner.learning_rate?"),
    (["hidden=[4]"], "did you mean learner.hidden?"),
    (["learner.hidden.x=1"], "did you mean learner.hidden?"),
    (["training.step=1"], "did you mean training.steps?"),
    (["bananas=1"], "unknown key 'bananas'; `staghunt train mappo --options` lists all"),
    (["learner.learning_rate=fast"], "learner.learning_rate is 'fast', expected a number"),
    (["learner.learning_rate='1e-3'"], "learner.learning_rate is '1e-3', expected a number"),
    (["learner.learning_rate=0"], "learner.learning_rate is 0, expected a number above 0"),
    (["learner.learning_rate=true"], "learner.learning_rate is true, expected a number"),
    (["learner.gamma=.nan"], "learner.gamma is nan, not a finite number"),
    (["learner.huber=.inf"], "learner.huber is inf, not a finite number"),
    (["learner.hidden=64"], "learner.hidden is 64, expected a list"),
    (["learner.hidden=[64, x]"], "learner.hidden[1] is 'x', expected a whole number"),
    (["learner.hidden=[]"], "learner.hidden is [], expected a list of at least 1"),
    (["learner.recurrent=1"], "learner.recurrent is 1, expected true or false"),
    (["learner.sharing=all"], "expected numbered, shared, heads or separate"),
    (["learner.critic=observation"], "'state' for mappo, not 'observation'; that would be ippo"),
    (["training.steps=1.5"], "training.steps is 1.5, expected a whole number"),
    (["training.steps=0"], "training.steps is 0, expected a number of at least 1"),
    (["training=3"], "training is 3, not a section"),
    (["learner=nobody"], "unknown learner 'nobody'"),
    (["learner=mapo"], "--set: unknown learner 'mapo'; did you mean mappo?"),
    (["seed=-1"], "seed is -1, expected a number of at least 0"),
    (["env=3"], "env is 3, expected text"),
    (["steps"], "is not of the form key=value"),
    (["=3"], "is not of the form key=value"),
]


@pytest.mark.parametrize("assignments, told", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_one_sentence_says_what_does_not_fit(assignments: list[str], told: str) -> None:
    with pytest.raises(InputError) as error:
        asked(*assignments)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("learner: mappo\nenv: zoo:chicken\ntraining:\n  stepps: 3\n")
    with pytest.raises(
        InputError, match=r"a\.yaml: unknown key .training\.stepps.; did you mean training\.steps"
    ):
        spec_of(settings_of_file(str(path)))
    path.write_text("- 1\n")
    with pytest.raises(InputError, match="expected settings such as"):
        settings_of_file(str(path))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        settings_of_file(str(path))
    with pytest.raises(InputError, match="no such file and no such recipe"):
        settings_of_file(str(tmp_path / "b.yaml"))


@given(plain_data)
@example({"\x85": "a\u2028b\u2029"})
def test_no_document_is_a_bug(document: Any) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*$"):
        spec_of(from_mapping(document, "file"))


@given(st.text(max_size=30))
def test_nearest_keys_are_known_or_none(text: str) -> None:
    known = ["seed", "training.steps", "learner.learning_rate"]
    assert nearest_key(text, known) in (*known, None)
