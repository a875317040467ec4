"""Names and parameters of level-based foraging: all that the library registers, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from games import make_env
from games.errors import InputError
from games.sims.foraging import EXAMPLES
from games.sims.foraging_setup import read_setup

ODD = (
    "foraging:4x4-12p-1f-coop?normalize=false",
    "foraging:1s-6x6-6p-3f-ind?penalty=0.25",
    "foraging:grid-20s-3x5-5p-3f?levels=false&horizon=7",
    "foraging:7x7-4p-4f?min_player_level=1,2,1,3&max_player_level=4,2,5,3&min_food_level=1,2,3,4&max_food_level=9,2,3,6",
)


def test_every_registered_name_is_read_as_the_library_means_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import gymnasium
    import lbforaging

    registry = {name: spec.kwargs for name, spec in gymnasium.registry.items() if name.startswith("Foraging")}
    monkeypatch.setattr(lbforaging, "register", lambda id, entry_point, kwargs: registry.update({id: kwargs}))
    lbforaging.register_grid_envs()
    for name, meant in registry.items():
        setup = read_setup(name, {})
        assert (setup.rows, setup.cols) == meant["field_size"]
        assert (setup.players, setup.foods) == (meant["players"], meant["max_num_food"])
        assert (setup.sight, setup.coop) == (meant["sight"], meant["force_coop"])
        assert setup.penalty == meant.get("penalty", 0.0)
        assert setup.grid == meant["grid_observation"] and setup.horizon == meant["max_episode_steps"]
        assert setup.min_player_level == (meant["min_player_level"],) * setup.players
        assert setup.max_player_level == (meant["max_player_level"],) * setup.players
        assert setup.min_food_level == (meant["min_food_level"],) * setup.foods
        assert setup.max_food_level is None and meant["max_food_level"] is None
        assert setup.name == f"foraging:{name.removeprefix('Foraging-').removesuffix('-v3')}"
    assert len(registry) == 1_920 + 11_520


@pytest.mark.parametrize("uri", [*EXAMPLES, *ODD])
def test_a_name_says_everything(uri: str) -> None:
    """The name in the spec makes the same environment again."""
    env = make_env(uri)
    again = make_env(env.spec.name)
    assert again.spec == env.spec and again.rules.setup == env.rules.setup  # type: ignore[attr-defined]


def test_parameters_win_over_the_name() -> None:
    env = make_env("foraging:2s-8x8-2p-3f-coop-pen", sight=3, coop=False, penalty="0.3", horizon=7)
    assert env.spec.name == "foraging:3s-8x8-2p-3f?penalty=0.3&horizon=7" and env.spec.horizon == 7
    assert (
        make_env("foraging:8x8-2p-3f?max_player_level=3").spec
        == make_env("foraging:8x8-2p-3f", max_player_level=[3, 3]).spec
    )
    assert make_env("foraging:Foraging-8x8-2p-3f-v3").spec.name == "foraging:8x8-2p-3f"


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("foraging:", "expected a name like foraging:8x8-2p-3f"),
        ("foraging:8x8", "expected a name like foraging:8x8-2p-3f"),
        ("foraging:8x8-2p", "expected a name like"),
        ("foraging:8x8-2p-3f-hard", "expected a name like"),
        ("foraging:8x8-2p-3f-coop-coop", "the same thing twice"),
        ("foraging:8x8x8-2p-3f", "expected a name like"),
        ("foraging:٨x٨-2p-3f", "expected a name like"),
        ("foraging:" + "9" * 5000 + "x8-2p-3f", "expected a name like"),
        ("foraging:2x8-2p-3f", "3 to 1,000 rows"),
        ("foraging:9999x8-2p-3f", "3 to 1,000 rows"),
        ("foraging:5x5-0p-1f", "1 to 25"),
        ("foraging:5x5-26p-1f", "1 to 25"),
        ("foraging:5x5-2p-0f", "9 cells inside it"),
        ("foraging:5x5-2p-10f", "10 foods do not fit"),
        ("foraging:1000x1000-1000p-9000f", "more than 10,000,000"),
        ("foraging:grid-0s-8x8-2p-3f", "sight must be 1 to"),
        ("foraging:8x8-2p-3f?sight=-1", "sight must be 0 to"),
        ("foraging:8x8-2p-3f?sight=two", "sight=two is not a whole number"),
        ("foraging:8x8-2p-3f?coop=maybe", "coop=maybe is not true or false"),
        ("foraging:8x8-2p-3f?penalty=nan", "penalty=nan is not a finite number"),
        ("foraging:8x8-2p-3f?penalty=-1", "what a failed load costs, 0 to 1,000,000, not -1"),
        ("foraging:8x8-2p-3f?penalty=1e300", "what a failed load costs"),
        ("foraging:8x8-2p-3f?horizon=0", "horizon=0"),
        ("foraging:8x8-2p-3f?reward=all", "reward=all is not one of own, team"),
        ("foraging:8x8-2p-3f?horizn=5", "did you mean 'horizon'?"),
        ("foraging:8x8-2p-3f?zzz=5", "it has sight, coop, penalty"),
        ("foraging:8x8-2p-3f?max_player_level=1,2,3", "one per player (2), not 3"),
        ("foraging:8x8-2p-3f?max_player_level=1.5", "whole numbers from 1"),
        ("foraging:8x8-2p-3f?max_player_level=0", "whole numbers from 1"),
        ("foraging:8x8-2p-3f?max_player_level=99999999", "whole numbers from 1"),
        ("foraging:8x8-2p-3f?min_player_level=3", "min_player_level=3 is above max_player_level=2"),
        ("foraging:8x8-2p-3f?min_food_level=3&max_food_level=2", "is above max_food_level=2"),
        ("foraging:8x8-2p-3f?min_food_level=3", "three weakest players have together (2)"),
    ],
)
def test_bad_names_and_parameters_are_refused(uri: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        make_env(uri)
    message = str(error.value)
    assert told in message and message.startswith("foraging:") and len(message) < 400 and "\n" not in message


@pytest.mark.parametrize(
    "given", [{"min_food_level": ()}, {"max_player_level": None}, {"sight": math.inf}, {"coop": 3}]
)
def test_bad_python_values_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="foraging:8x8-2p-3f"):
        make_env("foraging:8x8-2p-3f", **given)
