"""Policies by name, with parameters and seats; and people, who are asked until they answer with something legal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from games import load, make_env
from games.behavior_files import save_behavior
from games.env import Env, Group, View
from games.env_catalogue import environments
from games.errors import InputError
from games.human import Human, Situation, at_information_sets
from games.play import begin, play_episodes, rollout
from games.policy import Random
from games.policy_names import (
    every_policy,
    every_team,
    find_policy,
    policies_by_agent,
    policy_names,
    split_assignment,
    split_name,
    team,
)
from games.spaces import Box, Discrete, MultiDiscrete
from games.streams import ACT, Streams

DILEMMA = "repeated:prisoners-dilemma?rounds=10"
SEEDS = np.arange(20, dtype=np.uint64)


@pytest.fixture(scope="module")
def dilemma() -> Env:
    return make_env(DILEMMA)


def first_returns(env: Env, chosen: dict[str, str]) -> list[float]:
    return play_episodes(env, team(env, chosen), SEEDS[:1]).returns[0].tolist()


# --- names ------------------------------------------------------------------------------------------------


def test_names_with_parameters_are_taken_apart() -> None:
    assert split_name("random") == ("random", {})
    assert split_name(" Tit for_Tat ") == ("tit-for-tat", {})
    for text in ("wait(share=0.5, depth=3,loud=true,way=up)", "wait?share=0.5&depth=3&loud=true&way=up"):
        name, given = split_name(text)
        assert name == "wait" and given == {"share": 0.5, "depth": 3, "loud": True, "way": "up"}
        assert [type(value) for value in given.values()] == [float, int, bool, str]
    assert split_name("wait()") == ("wait", {})
    for bad in ("", "(a=1)", "wait(a=1", "wait(a)", "wait?a=1&a=2"):
        with pytest.raises(InputError):
            split_name(bad)


def test_seats_are_told_from_parameters(dilemma: Env) -> None:
    spec = dilemma.spec
    assert split_assignment(spec, "tit-for-tat") == ("", "tit-for-tat")
    assert split_assignment(spec, "Player 1=tit-for-tat") == ("Player 1", "tit-for-tat")
    assert split_assignment(spec, "Player 1 = wait(share=0.5)") == ("Player 1", "wait(share=0.5)")
    assert split_assignment(spec, "players=random") == ("players", "random")
    assert split_assignment(spec, "wait(share=0.5)") == ("", "wait(share=0.5)")
    assert split_assignment(spec, "wait?share=0.5") == ("", "wait?share=0.5")
    with pytest.raises(InputError, match="has no agent 'Plyer 2'; did you mean 'Player 2'"):
        split_assignment(spec, "Plyer 2=random")


def test_an_agents_own_policy_wins_over_its_groups_and_that_over_everybodys(dilemma: Env) -> None:
    chosen = {"": "defector", "players": "alternator", "Player 2": "cooperator"}
    assert policies_by_agent(dilemma.spec, chosen) == {"Player 1": "alternator", "Player 2": "cooperator"}
    assert policies_by_agent(dilemma.spec, {"Player 1": "defector"}) == {
        "Player 1": "defector",
        "Player 2": "random",
    }
    assert first_returns(dilemma, {"Player 1": "defector", "Player 2": "cooperator"}) == [50.0, 0.0]
    assert first_returns(dilemma, {"Player 1": "cooperator", "Player 2": "defector"}) == [0.0, 50.0]
    assert first_returns(dilemma, {"": "tit-for-tat"}) == [30.0, 30.0]


def test_unknown_names_are_answered_with_the_nearest_or_with_those_that_fit(dilemma: Env) -> None:
    with pytest.raises(InputError, match=r"unknown policy 'tit-for-tatt'; did you mean tit-for-tat\?"):
        find_policy("tit-for-tatt", dilemma)
    with pytest.raises(InputError, match=r"those that fit zoo:chicken are random.*human") as error:
        find_policy("xyzzy", make_env("zoo:chicken"))
    assert "greedy" not in str(error.value)
    with pytest.raises(InputError, match="policy greedy is for foraging"):
        find_policy("greedy", dilemma)
    with pytest.raises(InputError, match="policy random takes no parameters, not 'p'"):
        find_policy("random(p=1)", dilemma)
    with pytest.raises(InputError, match="human needs somebody to ask"):
        team(dilemma, {"": "human"})


def test_unknown_parameters_are_answered_with_the_nearest() -> None:
    swarm = make_env("swarm:aggregation?agents=5")
    assert find_policy("centre(gain=2)", swarm) is not None
    with pytest.raises(InputError, match=r"policy centre has no parameter 'gian'; did you mean gain\?"):
        find_policy("centre(gian=2)", swarm)
    with pytest.raises(InputError, match="policy zero has no parameter 'gain'; it takes none"):
        find_policy("zero(gain=2)", swarm)


def test_policies_of_whole_teams_are_not_for_single_agents() -> None:
    env = make_env("coordination:aloha?agents=4")
    name = next(name for name in every_team() if name in policy_names(env))
    assert play_episodes(env, team(env, {"": name}), SEEDS[:2], max_steps=3).returns.shape == (2, 4)
    for chosen in ({env.spec.agents[0]: name}, {"": name, env.spec.agents[0]: "random"}):
        with pytest.raises(InputError, match=f"policy {name} plays for the whole team; give it alone"):
            team(env, chosen)
    with pytest.raises(InputError, match="plays for the whole team"):
        find_policy(name, env)


ONE_OF_A_KIND = {one.uri.partition("?")[0]: one for one in environments() if not one.needs}


@pytest.mark.parametrize("uri", [one.uri for one in ONE_OF_A_KIND.values()])
def test_every_policy_that_is_said_to_fit_plays(uri: str) -> None:
    env = make_env(uri)
    names = policy_names(env)
    assert names[0] == "random"
    for name in names:
        played = play_episodes(env, team(env, {"": name}), SEEDS[:3], max_steps=4)
        assert np.isfinite(played.returns).all(), name


def test_a_constant_action_gives_way_to_the_next_legal_one() -> None:
    env = make_env("openspiel:tic_tac_toe")
    play = begin(env, team(env, {"": "constant?action=7"}), SEEDS[:1])
    moves = rollout(env, team(env, {"": "constant?action=7"}), play, 5).actions[0][:, 0]
    assert [int(moves[t, t % 2]) for t in range(5)] == [7, 8, 0, 1, 2]


def test_the_names_of_all_policies_are_different_words() -> None:
    names = [*every_policy(), *every_team(), "random", "human"]
    assert len(set(names)) == len(names)
    assert all(split_name(name) == (name, {}) for name in names)


def test_agents_with_different_actions_are_random_each_in_its_way() -> None:
    pytest.importorskip("mpe2", reason="mpe2 comes with the extra `envs`")
    env = make_env("pettingzoo:mpe2.simple_speaker_listener_v4")
    assert len({group.actions for group in env.spec.groups}) == 2
    played = play_episodes(env, team(env, {}), SEEDS[:2], max_steps=3)
    assert played.lengths.tolist() == [3, 3]
    with pytest.raises(InputError, match="act in different ways"):
        find_policy("random", env)
    assert isinstance(find_policy("random", env, env.spec.agents[0]), Random)


# --- files ------------------------------------------------------------------------------------------------


def test_a_strategy_of_a_tree_plays_from_its_file(tmp_path: Path) -> None:
    game = load("openspiel:kuhn_poker")
    pure = np.concatenate([np.eye(int(n))[0] for n in np.diff(game.offsets)])  # always the first action: pass
    path = tmp_path / "always=pass.json"
    save_behavior(path, game, pure)
    env = make_env("openspiel:kuhn_poker?compiled=true")
    name = str(path)
    assert split_assignment(env.spec, name) == ("", name)
    played = play_episodes(env, team(env, {"": name}), SEEDS)
    assert set(played.lengths) == {2} and set(np.abs(played.returns).ravel()) == {1.0}
    one = play_episodes(env, team(env, {env.spec.agents[0]: name}), SEEDS)
    assert set(one.lengths) == {2, 3} and set(np.abs(one.returns).ravel()) == {1.0}  # a bet is never called
    with pytest.raises(InputError, match=r"plays a game tree, and zoo:chicken is none$"):
        team(make_env("zoo:chicken"), {"": name})
    with pytest.raises(InputError, match=r"ask for openspiel:kuhn_poker\?compiled=true"):
        team(make_env("openspiel:kuhn_poker"), {"": name})
    with pytest.raises(InputError, match=r"absent\.json: no such file"):
        team(env, {"": str(tmp_path / "absent.json")})


# --- people -----------------------------------------------------------------------------------------------


class Person:
    """Answers from a list, and everything it is told."""

    def __init__(self, *answers: str) -> None:
        self.answers: Iterator[str] = iter(answers)
        self.told: list[str] = []

    def ask(self, prompt: str) -> str:
        self.told.append(prompt)
        try:
            return next(self.answers)
        except StopIteration:
            raise EOFError from None

    def plays(self, actions: Any, mask: list[bool] | None = None, **facts: Any) -> list[Any]:
        """What a Human with these answers does once."""
        group = Group("g", ("Ann",), (2,), actions, **facts)
        human = Human(group, "Ann", self.ask, self.told.append)
        flags = np.ones((1, 1), dtype=bool)
        legal = np.ones((1, 1, group.width), dtype=bool) if mask is None else np.array([[mask]])
        view = View(np.array([[[0.5, 2.0]]], dtype=np.float32), legal, np.zeros((1, 1)), flags, flags)
        streams = Streams.from_seeds(np.array([1], dtype=np.uint64), ACT)
        return human.sample(view, human.start(1, 1), streams)[0].tolist()[0][0]


NAMES = ("left", "lift", "Stay")


@pytest.mark.parametrize("answer", ["1", " 1\n", "lift", "LIFT", "lif"])
def test_an_action_is_entered_by_number_name_or_beginning(answer: str) -> None:
    assert Person(answer).plays(Discrete(3), action_names=NAMES) == 1


def test_bad_entries_are_asked_again_with_what_would_be_right() -> None:
    person = Person("", "7", "l", "jump", "²", "-1", "stay")
    assert person.plays(Discrete(3), action_names=NAMES) == 2
    complaints = [line for line in person.told if line.startswith(("There is no", "'"))]
    assert complaints == [
        "There is no action ''; choose one of: 0 left, 1 lift, 2 Stay",
        "There is no action '7'; choose one of: 0 left, 1 lift, 2 Stay",
        "'l' could be 0 left, 1 lift",
        *(f"There is no action {x!r}; choose one of: 0 left, 1 lift, 2 Stay" for x in ("jump", "²", "-1")),
    ]
    assert person.told[:3] == ["Ann sees: 0.5, 2", "Ann can play: 0 left, 1 lift, 2 Stay", "Ann> "]
    masked = Person("left", "0", "l")
    assert masked.plays(Discrete(3), [False, True, False], action_names=NAMES) == 1
    assert masked.told[1] == "Ann can play: 1 lift" and len(masked.told) == 7


def test_several_choices_and_numbers() -> None:
    person = Person("1", "1 2", "9 0", "1,1")
    assert person.plays(MultiDiscrete((2, 2)), [True, True, False, True]) == [1, 1]
    assert "2 numbers, one of each: 0, 1; 1" in person.told[1]
    person = Person("1", "a 2", "nan 0", "3 0", "-0.5 inf", "0.25 0")
    assert person.plays(Box((-1.0, 0.0), (1.0, float("inf")))) == [-0.5, float("inf")]
    assert "2 numbers, from -1 to 1, from 0 to inf" in person.told[1]
    assert sum("is not a number from -1 to 1" in line for line in person.told) == 3


def test_the_end_of_input_is_not_swallowed() -> None:
    with pytest.raises(EOFError):
        Person("what?").plays(Discrete(2))


def test_nobody_plays_two_games_at_once() -> None:
    with pytest.raises(InputError, match="one game at a time, not 2"):
        Human(Group("g", ("Ann",), (1,), Discrete(2)), "Ann", input, print).start(2, 1)


def test_a_person_plays_a_match_and_is_told_the_rewards(dilemma: Env) -> None:
    person = Person(*"CDDCCCCCCC")
    players = team(
        dilemma,
        {"Player 1": "human", "Player 2": "tit-for-tat"},
        lambda agent: Human(dilemma.spec.groups[0], agent, person.ask, person.told.append),
    )
    played = play_episodes(dilemma, players, SEEDS[:1], batch=1)
    # C-C 3, D-C 5, D-D 1, C-D 0, then C-C six times
    assert played.returns.tolist() == [[3 + 5 + 1 + 0 + 6 * 3, 3 + 0 + 1 + 5 + 6 * 3]]
    got = [line for line in person.told if line.startswith("Player 1 got")]
    assert got[:4] == [
        "Player 1 got 3, 3 so far",
        "Player 1 got 5, 8 so far",
        "Player 1 got 1, 9 so far",
        "Player 1 got 0, 9 so far",
    ]
    assert len(got) == 9


def test_in_turns_a_person_is_asked_only_when_it_acts_and_knows_its_own_cards() -> None:
    env = make_env("openspiel:kuhn_poker?compiled=true")
    game = load("openspiel:kuhn_poker")
    person = Person(*["pass"] * 9)
    players = team(
        env,
        {env.spec.agents[1]: "human"},
        lambda agent: Human(
            env.spec.groups[0], agent, person.ask, person.told.append, at_information_sets(game)
        ),
    )
    for seed in SEEDS[:6]:
        play_episodes(env, players, [int(seed)], batch=1)
    knows = [line.partition("knows:")[2] for line in person.told if "knows:" in line]
    own = {game.infosets[h] for h in range(len(game.owner)) if game.owner[h] == 1}
    assert 1 <= len(knows) <= 6 and {line.strip() for line in knows} <= own
    assert at_information_sets(game)(len(game.infosets)) == Situation("a play that ends before anybody moves")


# --- what does not fit ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "name", "complaint"),
    [
        (
            DILEMMA,
            "greedy",
            r"policy greedy is for foraging, and repeated:.* is none; it has random, coop.*human",
        ),
        (
            "zoo:chicken",
            "zero",
            r"policy zero is for swarm, and zoo:chicken is none; it has random, constant",
        ),
        ("swarm:vicsek", "constant", r"the actions of swarm:vicsek.* are numbers; .* has random, zero, turn"),
        ("zoo:chicken", "fictitious-play", r"policy fictitious-play: zoo:chicken is not a repeated"),
        ("swarm:aggregation", "turn", r"for swarm:kuramoto and swarm:vicsek.* has random, zero, centre"),
    ],
)
def test_a_policy_for_other_environments_is_named_with_those_that_fit(
    uri: str, name: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        find_policy(name, make_env(uri))


def test_a_constant_action_may_be_named() -> None:
    env = make_env("foraging:8x8-2p-3f")
    for action in ("load", "LOAD", "5"):
        assert repr(find_policy(f"constant?action={action}", env)) == "Constant(5)"
    for action in ("lod", "6", "true", "-1"):
        with pytest.raises(InputError, match=r"actions are 0 to 5 \(none, north.*load\), not"):
            find_policy(f"constant?action={action}", env)
