"""Reading specs of tournaments, and casting them: what is right goes round, what is wrong is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from experiments.tournament.casting import MOST_SEATINGS, casting, seats_alike, table_of
from experiments.tournament.folder import new_tournament, read_spec, read_tournament
from experiments.tournament.spec import spec_of
from games.env_uris import make_env
from games.errors import InputError

DILEMMA = {"env": "repeated:prisoners-dilemma?rounds=3", "agents": ["random", "tit-for-tat"], "matches": 5}
PENNIES = {
    "env": "zoo:matching-pennies",
    "roles": {"Player 1": ["random"], "Player 2": {"agents": {"even": "random", "odd": "random"}}},
}
TAG: dict[str, Any] = {
    "env": "mpe:simple-tag",
    "roles": {"adversaries": ["random"], "agent_0": ["random"]},
}


def told(document: Any) -> str:
    with pytest.raises(InputError) as caught:
        spec_of(document, "spec.yaml")
    message = str(caught.value)
    assert message.startswith("spec.yaml: ") and "\n" not in message
    return message


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_spec_is_its_own_document() -> None:
    documents: tuple[Any, ...] = (
        DILEMMA,
        PENNIES,
        {**DILEMMA, "matches": {"half_width": 0.5, "focus": "ranking"}},
    )
    for document in documents:
        spec = spec_of(document, "x")
        assert spec_of(spec.document(), "y") == spec
        assert spec_of(yaml.safe_load(yaml.safe_dump(spec.document())), "z").digest == spec.digest


def test_a_population_is_a_list_or_a_mapping() -> None:
    spec = spec_of({**DILEMMA, "agents": {"me": "random", "you": "tit-for-tat"}}, "x")
    assert spec.roles[0].agents == (("me", "random"), ("you", "tit-for-tat"))
    assert spec_of(DILEMMA, "x").roles[0].agents == (("random", "random"), ("tit-for-tat", "tit-for-tat"))


def test_game_is_another_word_for_env() -> None:
    document = {key: value for key, value in DILEMMA.items() if key != "env"}
    assert spec_of({**document, "game": DILEMMA["env"]}, "x") == spec_of(DILEMMA, "x")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"mathces": 3}, "did you mean matches?"),
        ({"sead": 3}, "did you mean seed?"),
        ({"xyzzy": 3}, "known are env, agents"),
        ({"env": None}, "env is missing"),
        ({"env": 7}, "env is 7"),
        ({"agents": None}, "agents is nothing"),
        ({"agents": []}, "agents is empty"),
        ({"agents": ["random", "random"]}, "two agents of agents are called 'random'"),
        ({"agents": {"a": 3}}, "policy of agents.a is 3"),
        ({"agents": {" ": "random"}}, "has no name"),
        ({"agents": {"\ud800": "random"}}, "half a character"),
        ({"env": "zoo:\udfff"}, "half a character"),
        ({"agents": {"x" * 201: "random"}}, "longer than 200"),
        ({"matches": 0}, "matches is 0"),
        ({"matches": -1}, "at least 1"),
        ({"matches": 2.5}, "whole number"),
        ({"matches": True}, "matches is true"),
        ({"matches": "many"}, "matches is 'many'"),
        ({"matches": {"half_with": 0.1}}, "did you mean half_width?"),
        ({"matches": {"half_width": 0.1, "samples": 3}}, "either samples"),
        ({"matches": {}}, "either samples"),
        ({"matches": {"half_width": -1}}, "half_width is -1"),
        ({"matches": {"half_width": 0.1, "focus": "rnaking"}}, "focus is 'rnaking'"),
        ({"matches": {"half_width": 0.1, "at_least": 50, "at_most": 10}}, "less than matches.at_least"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "x"}, "seed is 'x'"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"exact": "yes"}, "exact is 'yes'"),
        ({"delta": 1}, "delta is 1"),
        ({"delta": 0}, "delta is 0"),
        ({"payoff_range": [1, 0]}, "payoff_range"),
        ({"payoff_range": [0, float("inf")]}, "payoff_range"),
        ({"payoff_range": 3}, "payoff_range is 3"),
        ({"roles": {"a": ["random"]}}, "give either agents"),
        ({"game": "zoo:chicken"}, "the same key"),
    ],
)
def test_a_wrong_key_or_value_is_told(change: dict[str, Any], part: str) -> None:
    assert part in told({**DILEMMA, **change})


@pytest.mark.parametrize(
    ("roles", "part"),
    [
        ([], "roles is []"),
        ({}, "expected names of roles"),
        ({"Player 1": {"seat": ["a"], "agents": ["random"]}}, "did you mean seats?"),
        ({"Player 1": {"seats": 3, "agents": ["random"]}}, "seats is 3"),
        ({"Player 1": []}, "roles.Player 1 is empty"),
    ],
)
def test_wrong_roles_are_told(roles: Any, part: str) -> None:
    assert part in told({"env": "zoo:chicken", "roles": roles})


def test_what_is_no_mapping_is_no_spec() -> None:
    documents: tuple[Any, ...] = (None, [], "text", 3)
    for document in documents:
        assert "expected a mapping" in told(document)


def test_the_digest_follows_what_results_depend_on() -> None:
    base = spec_of(DILEMMA, "x").digest
    changes: list[dict[str, Any]] = [
        {"seed": 1},
        {"matches": 6},
        {"exact": False},
        {"max_steps": 2},
        {"agents": ["random"]},
    ]
    for change in changes:
        assert spec_of({**DILEMMA, **change}, "x").digest != base
    reading: list[dict[str, Any]] = [{"delta": 0.1}, {"self_play": True}, {"payoff_range": [0, 5]}]
    for change in reading:
        assert spec_of({**DILEMMA, **change}, "x").digest == base
    # how many matches are played depends on what is undecided, and that on these
    adaptive = {**DILEMMA, "matches": {"half_width": 1.0, "focus": "ranking"}}
    for change in reading:
        assert spec_of({**adaptive, **change}, "x").digest != spec_of(adaptive, "x").digest


@given(
    st.dictionaries(
        st.sampled_from(
            ["env", "agents", "roles", "matches", "seed", "delta", "exact", "payoff_range", "self_play"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_document_is_a_spec_or_an_input_error(document: dict[str, Any]) -> None:
    try:
        spec = spec_of(document, "x")
    except InputError:
        return
    assert spec_of(spec.document(), "x") == spec


def test_a_folder_keeps_the_order_of_agents(tmp_path: Path) -> None:
    document = {**DILEMMA, "agents": {"z": "random", "a: [b]\n#": "tit-for-tat", "m": "defector"}}
    spec = spec_of(document, "x")
    made = new_tournament(spec, tmp_path / "run", {"versions": {}})
    assert read_tournament(made.path).spec == spec
    assert read_spec(made.path / "tournament.yaml") == spec


# --- casting ----------------------------------------------------------------------------------------------------------


def refused(document: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        casting(spec_of(document, "x"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({**DILEMMA, "env": "repeated:prisoners-dilema"}, "prisoners-dilemma"),
        ({**DILEMMA, "agents": ["tit-for-tit"]}, "tit-for-tat"),
        ({**DILEMMA, "agents": ["human"]}, "nobody can be asked"),
        ({**DILEMMA, "agents": ["no/such/run/seed-0/best.safetensors"]}, "agent 'no/such/run"),
        ({**DILEMMA, "agents": ["import:os:getcwd"]}, "--allow-import os"),
        ({**TAG, "agents": ["random"], "roles": None}, "give roles instead of agents"),
        ({**TAG, "roles": {"adversaries": ["random"]}}, "no role plays agent_0"),
        ({**TAG, "roles": {"adversry": ["random"], "agent_0": ["random"]}}, "did you mean adversar"),
        ({**TAG, "roles": {"adversaries": ["random"], "x": {"seats": ["adversary_0", "agent_0"], "agents": ["random"]}}},
         "roles adversaries and x both play adversary_0"),
        ({"env": "foraging:8x8-2p-3f", "agents": ["tit-for-tat"]}, "agent 'tit-for-tat'"),
    ],
)  # fmt: skip
def test_what_cannot_be_cast_is_told(document: dict[str, Any], part: str) -> None:
    document = {key: value for key, value in document.items() if value is not None}
    assert part in refused(document)


def test_symmetric_cells_are_multisets_and_sit_in_every_way() -> None:
    spec = spec_of({"env": "zoo:chicken", "agents": {"a": "random", "b": "random", "c": "random"}}, "x")
    table = table_of(spec, make_env(spec.env))
    assert table.cells.tolist() == [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]]
    assert not table.swapped  # chicken is the same from both seats
    pennies = spec_of({"env": "zoo:matching-pennies", "agents": ["random", "constant"]}, "x")
    table = table_of(pennies, make_env(pennies.env))
    assert table.swapped
    assert [table.seatings(c).tolist() for c in range(3)] == [[[0, 0]], [[0, 1], [1, 0]], [[1, 1]]]


def test_cells_of_roles_are_all_combinations() -> None:
    spec = spec_of(PENNIES, "x")
    table = table_of(spec, make_env(spec.env))
    assert table.cells.tolist() == [[0, 0], [0, 1]] and table.first == (0, 1) and not table.symmetric
    assert table.seated(np.array([[0, 1]], dtype=np.int32)).tolist() == [[0, 2]]


def test_a_role_of_several_seats_is_played_by_one_agent() -> None:
    spec = spec_of(
        {**TAG, "roles": {"adversaries": {"a": "random", "b": "random"}, "agent_0": ["random"]}}, "x"
    )
    cast = casting(spec)
    agents = cast.env.spec.agents
    seated = cast.table.seated(np.array([[1, 0]], dtype=np.int32))[0]
    assert [cast.names[k] for k in seated] == [
        "b" if name.startswith("adversary") else "random" for name in agents
    ]
    assert cast.cast[2][agents.index("adversary_0")] is None


def test_too_many_seatings_are_drawn_instead() -> None:
    spec = spec_of(
        {"env": "zoo:random?shape=2x2x2x2x2&seed=1", "agents": dict.fromkeys("abcde", "random")}, "x"
    )
    table = table_of(spec, make_env(spec.env))
    cell = next(c for c, agents in enumerate(table.cells.tolist()) if agents == [0, 1, 2, 3, 4])
    few = next(c for c, agents in enumerate(table.cells.tolist()) if agents == [0, 0, 0, 0, 1])
    assert table.shuffled(cell) and len(table.seatings(cell)) == 1
    assert not table.shuffled(few) and len(table.seatings(few)) == 5 <= MOST_SEATINGS


def test_seats_are_alike_only_in_symmetric_games() -> None:
    alike = ("zoo:chicken", "repeated:prisoners-dilemma?rounds=2", "zoo:rock-paper-scissors")
    for uri, expected in (*((uri, True) for uri in alike), ("zoo:matching-pennies", False)):
        assert seats_alike(make_env(uri)) is expected
