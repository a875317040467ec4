"""Tournaments from Python, with policies of the caller's own, up to the certified equilibrium."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.tournament.api import tournament
from games.env import View
from games.errors import InputError
from games.policy import Memoryless, Tabular
from games.streams import Streams
from solvers import cce, certify, nash


class Stubborn(Memoryless):
    """Plays one action, legal or not."""

    def __init__(self, action: int) -> None:
        self.action = action

    def sample(self, view: View, memory: None, streams: Streams) -> tuple[Any, None]:
        """The same for everybody."""
        return np.full(view.mask.shape[:2], self.action), None


def test_policy_objects_meet_named_ones_and_the_game_is_solved() -> None:
    agents = {"stag": Stubborn(0), "hare": Stubborn(1), "half": Tabular(np.full((5, 2), 0.5))}
    found = tournament("repeated:stag-hunt?rounds=1", agents, matches=50)
    game = found.table.game()
    assert np.array_equal(game.payoffs[0, :2, :2], [[9, 0], [8, 7]])
    equilibrium = nash(game)
    assert equilibrium.certificate.holds(1e-9)
    assert np.isfinite(equilibrium.certificate.slack)
    assert certify(game, cce(game, "welfare"), "cce").epsilon >= 0


def test_an_illegal_action_fails_its_cells_and_no_others() -> None:
    agents = {"stag": Stubborn(0), "broken": Stubborn(7), "hare": Stubborn(1)}
    found = tournament("repeated:stag-hunt?rounds=3", agents, matches=5)
    failed = {found.table.cell_name(cell) for cell in found.failures}
    assert failed == {"stag - broken", "broken - broken", "broken - hare"}
    assert all("action 7" in reason and "not legal" in reason for reason in found.failures.values())
    assert found.table.without(["broken"]).game().shape == (2, 2)
    with pytest.raises(InputError, match="was not played"):
        found.table.game()


def test_roles_and_environments_as_objects() -> None:
    from games import make_env

    env = make_env("zoo:matching-pennies")
    roles = {env.spec.agents[0]: {"heads": Stubborn(0), "tails": Stubborn(1)}, env.spec.agents[1]: ["random"]}
    found = tournament(env, roles=roles, matches=200, seed=3)
    table = found.table
    assert table.constant_sum
    assert not table.symmetric
    assert (np.abs(table.mean) <= table.radius()).all()  # all are worth 0


def test_bad_input_is_told_in_a_sentence() -> None:
    with pytest.raises(InputError, match="did you mean half_width"):
        tournament("zoo:chicken", ["random"], matches={"half_widht": 1})
    with pytest.raises(
        InputError, match="agent 'x': unknown policy 'tit-for-tatt'; did you mean tit-for-tat"
    ):
        tournament("repeated:chicken", {"x": "tit-for-tatt"})
    with pytest.raises(InputError, match="no role plays Player 2"):
        tournament("zoo:chicken", roles={"Player 1": ["random"]})
    with pytest.raises(InputError, match="either agents"):
        tournament("zoo:chicken")
