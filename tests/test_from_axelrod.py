"""Players of the Axelrod library in our matches: the scores of the library's own."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from games import make_env
from games.assigned import play_assigned
from games.errors import InputError
from games.play import advance, begin, play_episodes, restart_stopped
from games.policy_names import find_policy, team
from games.streams import draw_seeds

needed = "the players are the library's"
ROUNDS = 60
NAMES = (
    *(
        "Tit For Tat",
        "Grudger",
        "Win-Stay Lose-Shift",
        "Contrite Tit For Tat",
        "Omega TFT",
        "Gradual",
        "Adaptive",
    ),
    *(
        "BackStabber",
        "DoubleCrosser",
        "Handshake",
        "Detective",
        "EvolvedLookerUp2_2_2",
        "N Tit(s) For M Tat(s)",
    ),
    *(
        "$\\pi$",
        "Fool Me Once",
        "FirstBySteinAndRapoport",
        "Evolved FSM 16",
        "Cycle Hunter",
        "Punisher",
        "Prober",
    ),
)
"""Deterministic ones: by memory, by rules, by tables, by automata, by the length of the match."""


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "axelrod", None)
    with pytest.raises(InputError, match="pip install axelrod"):
        find_policy("axelrod:Tit For Tat", make_env("repeated:prisoners-dilemma"))


def pair(env: Any, one: str, two: str) -> Any:
    return team(env, dict(zip(env.spec.agents, (f"axelrod:{one}", f"axelrod:{two}"))))


def test_matches_have_the_librarys_scores() -> None:
    axelrod = pytest.importorskip("axelrod", reason=needed)
    env = make_env(f"repeated:prisoners-dilemma?rounds={ROUNDS}")
    kinds = {kind.name: kind for kind in axelrod.all_strategies} | {
        k.__name__: k for k in axelrod.all_strategies
    }
    assert not any(axelrod.Classifiers["stochastic"](kinds[name]()) for name in NAMES)
    seats = [(a, b) for a in range(len(NAMES)) for b in range(a, len(NAMES))]
    cast = [[find_policy(f"axelrod:{name}", env, agent) for agent in env.spec.agents] for name in NAMES]
    ours = play_assigned(env, cast, np.array(seats), np.arange(len(seats), dtype=np.uint64)).returns
    for (a, b), scores in zip(seats, ours.tolist()):
        match = axelrod.Match((kinds[NAMES[a]](), kinds[NAMES[b]]()), turns=ROUNDS)
        match.play()
        assert tuple(scores) == tuple(map(float, match.final_score())), (NAMES[a], NAMES[b])


def test_they_are_told_the_game_and_its_length() -> None:
    axelrod = pytest.importorskip("axelrod", reason=needed)
    known, unknown = (
        make_env(uri)
        for uri in (
            "repeated:stag-hunt?rounds=30",
            "repeated:prisoners-dilemma?rounds=30&continuation=0.9&noise=0.1",
        )
    )
    one: Any = find_policy("axelrod:BackStabber", known)
    assert one._player().match_attributes["length"] == 30
    payoffs = known.spec.game.payoffs[0]  # type: ignore[attr-defined]
    assert (
        one._player().match_attributes["game"].scores[(axelrod.Action.C, axelrod.Action.D)][0]
        == payoffs[0, 1]
    )
    two: Any = find_policy("axelrod:BackStabber", unknown)
    assert two._player().match_attributes["length"] == float("inf")
    assert two._player().match_attributes["noise"] == 0.1


def test_chance_in_the_long_run() -> None:
    pytest.importorskip("axelrod", reason=needed)
    env = make_env("repeated:prisoners-dilemma?rounds=400")
    seeds = draw_seeds(np.random.default_rng(1), 50)
    theirs = play_episodes(env, pair(env, "Random(p=0.3)", "GTFT"), seeds).returns / 400
    ours = team(env, dict(zip(env.spec.agents, ("random-half", "generous-tit-for-tat"))))
    p, q = 0.3, 0.3 + 0.7 / 3  # how often each cooperates: the second always after C, else with chance 1/3
    cells = np.array([p * q, p * (1 - q), (1 - p) * q, (1 - p) * (1 - q)])
    wanted = [cells @ [3, 0, 5, 1], cells @ [3, 5, 0, 1]]
    error = theirs.std(axis=0) / np.sqrt(50)
    assert (np.abs(theirs.mean(axis=0) - wanted) < 5 * error + 0.02).all()
    half = play_episodes(env, pair(env, "Random(p=0.5)", "GTFT"), seeds).returns / 400
    scripted = play_episodes(env, ours, seeds).returns / 400
    spread = np.hypot(half.std(axis=0), scripted.std(axis=0)) / np.sqrt(50)
    assert (np.abs(half.mean(axis=0) - scripted.mean(axis=0)) < 5 * spread).all()


def test_a_match_is_a_function_of_its_seeds() -> None:
    pytest.importorskip("axelrod", reason=needed)
    env = make_env("repeated:prisoners-dilemma?rounds=25&noise=0.1&continuation=0.9")
    seeds, acts = draw_seeds(np.random.default_rng(2), 30), draw_seeds(np.random.default_rng(3), 30)
    whole = play_episodes(env, pair(env, "Random", "ZDExtort2"), seeds, acts).returns
    parts = [
        play_episodes(env, pair(env, "Random", "ZDExtort2"), seeds[k : k + 1], acts[k : k + 1])
        for k in range(30)
    ]
    assert (whole == np.concatenate([part.returns for part in parts])).all()
    other = play_episodes(env, pair(env, "Random", "ZDExtort2"), seeds).returns
    assert (other != whole).any()


def test_noise_is_seen_as_it_was_played() -> None:
    pytest.importorskip("axelrod", reason=needed)
    env = make_env("repeated:prisoners-dilemma?rounds=200&noise=0.2")
    seeds = draw_seeds(np.random.default_rng(4), 20)
    ours = play_episodes(env, team(env, {"": "tit-for-tat"}), seeds)
    assert (ours.returns == play_episodes(env, team(env, {"": "axelrod:TitForTat"}), seeds).returns).all()
    grim = team(env, dict(zip(env.spec.agents, ("grudger", "win-stay-lose-shift"))))
    assert (
        play_episodes(env, grim, seeds).returns
        == play_episodes(env, pair(env, "Grudger", "Win-Stay Lose-Shift"), seeds).returns
    ).all()


def test_players_begin_afresh_when_an_episode_does() -> None:
    pytest.importorskip("axelrod", reason=needed)
    env = make_env("repeated:prisoners-dilemma?rounds=50&continuation=0.8")
    both = [
        team(env, dict(zip(env.spec.agents, names)))
        for names in (("axelrod:Grudger", "axelrod:Gradual"), ("grudger", "gradual"))
    ]
    plays = [begin(env, players, draw_seeds(np.random.default_rng(5), 12)) for players in both]
    for _ in range(60):
        steps = [advance(env, players, play) for players, play in zip(both, plays)]
        assert (steps[0].actions[0] == steps[1].actions[0])[~steps[0].before.last].all()
        for players, play in zip(both, plays):
            restart_stopped(env, players, play)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Tit For Tt", "did you mean axelrod:Tit For Tat"),
        ("zzzzzzzzzzzz", "no strategy 'zzzzzzzzzzzz'"),
        ("", "no strategy ''"),
        ("Darwin", "looks inside its opponents"),
        ("Random(q=3)", "Random: .*it takes p"),
        ("Random(1, 2, 3)", "Random: too many"),
        ("Random(p=", "does not read as parameters"),
        ("Random(p=__import__('os'))", "does not read as parameters"),
        ("Random(p=0.5).strategy(3)", "does not read as parameters"),
        ("Random(p='x')", "cannot be made"),
    ],
)
def test_wrong_names_are_refused_in_a_sentence(name: str, why: str) -> None:
    pytest.importorskip("axelrod", reason=needed)
    with pytest.raises(InputError, match=why) as caught:
        find_policy(f"axelrod:{name}", make_env("repeated:prisoners-dilemma"))
    assert "\n" not in str(caught.value)


def test_names_with_parameters_and_their_agents() -> None:
    pytest.importorskip("axelrod", reason=needed)
    env = make_env("repeated:prisoners-dilemma?rounds=9")
    for text in ("axelrod:Adaptive(initial_plays=[D, C])", " AXELROD:titfortat() ", "axelrod:RANDOM(0.25)"):
        assert repr(find_policy(text, env)).startswith("axelrod:")
    moves = begin(env, team(env, {"": "axelrod:Adaptive(initial_plays=[D, C])"}), [1])
    assert advance(env, team(env, {"": "axelrod:Adaptive(initial_plays=[D, C])"}), moves).actions[
        0
    ].tolist() == [[1, 1]]
    for uri in ("zoo:prisoners-dilemma", "repeated:rock-paper-scissors", "foraging:5x5-2p-1f"):
        with pytest.raises(InputError, match="play repeated games of two players"):
            find_policy("axelrod:Tit For Tat", make_env(uri))
