"""What a person is told of an OpenSpiel game: what its player knows, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from games import make_env

pytest.importorskip("pyspiel", reason="needs OpenSpiel")

SEEDS = np.arange(40, dtype=np.uint64)


@pytest.mark.parametrize("name", ["leduc_poker", "liars_dice", "goofspiel(num_cards=4,imp_info=True)"])
def test_words_are_a_players_own_information_state(name: str) -> None:
    env = make_env(f"openspiel:{name}")
    world, _ = env.reset(SEEDS)
    for b, state in enumerate(world.table.states):
        for player in range(2):
            assert env.words(world, b, player) == state.information_state_string(player).rstrip()


def test_words_do_not_depend_on_the_other_players_card() -> None:
    env = make_env("openspiel:kuhn_poker")
    world, _ = env.reset(SEEDS)
    deals = [str(state).split() for state in world.table.states]
    assert len({tuple(deal) for deal in deals}) == 6
    for player in range(2):
        assert [env.words(world, b, player) for b in range(len(SEEDS))] == [deal[player] for deal in deals]


def test_the_board_and_the_moves_where_nothing_is_hidden() -> None:
    env = make_env("openspiel:connect_four")
    world, _ = env.reset(SEEDS[:1])
    assert env.words(world, 0, 0) == "\n".join(["......."] * 6)
    assert env.action_words(world, 0, 0) == tuple(f"x{k}" for k in range(7))
    env.step(world, (np.array([[3, 0]], dtype=np.int32),))
    assert env.words(world, 0, 1).endswith("...x...") and env.action_words(world, 0, 1)[3] == "o3"


def test_a_play_that_is_over_has_no_moves() -> None:
    env = make_env("openspiel:matrix_rps")
    world, _ = env.reset(SEEDS[:1])
    assert env.action_words(world, 0, 1) == ("Rock", "Paper", "Scissors")
    env.step(world, (np.array([[0, 1]], dtype=np.int32),))
    assert env.words(world, 0, 0) == "a play that is over" and env.action_words(world, 0, 0) == ()
