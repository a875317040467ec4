"""PettingZoo environments by their names: arguments, allowed packages, what is missing or wrong."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from faulty_environments import Duel, Rounds, needs

from games import make_env
from games.errors import InputError
from games.from_pettingzoo import from_aec, from_parallel, make
from games.spaces import Box


def test_names_arguments_and_their_types() -> None:
    needs("mpe2", "pygame")
    env: Any = make_env(
        "pettingzoo:mpe2.simple_spread_v3?N=2&max_cycles=9&local_ratio=0.25&continuous_actions=true"
    )
    inner = env._idle[0].env.unwrapped
    assert len(env.spec.agents) == 2 and env.spec.horizon == 9 and inner.local_ratio == 0.25
    assert env.spec.groups[0].actions == Box((0.0,) * 5, (1.0,) * 5)
    assert make_env("pettingzoo:mpe2.simple_spread_v3", N=4).spec.groups[0].size == 4
    short, long = "pettingzoo:classic.tictactoe_v3", "pettingzoo:pettingzoo.classic.tictactoe_v3"
    assert make_env(short).spec.groups == make_env(long).spec.groups
    assert make_env("pettingzoo:classic.rps_v2?api=aec").spec.turn_based
    assert not make_env("pettingzoo:classic.rps_v2").spec.turn_based
    groups = make_env("pettingzoo:mpe2.simple_world_comm_v3").spec.groups
    assert [(g.name, g.size, g.depth, g.width) for g in groups] == [
        ("leadadversary", 1, 34, 20),
        ("adversary", 3, 34, 5),
        ("agent", 2, 28, 5),
    ]


@pytest.mark.parametrize(
    "uri, told",
    [
        ("mpe2.simple_spread_v3?n=2", "no parameter 'n'; did you mean N?"),
        ("mpe2.simple_spread_v3?max_cycle=2", "no parameter 'max_cycle'; did you mean max_cycles?"),
        ("mpe2.simple_spred_v3", "mpe2 has no environment 'simple_spred_v3'; did you mean simple_spread_v3?"),
        ("butterfly.knights_archers_zombies_v10", "did you mean knights_archers_zombies_v11?"),
        ("classic.connect_four_v3?api=parallel", "this environment has no parallel API, only aec"),
        ("classic.connect_four_v3?api=both", "api is parallel or aec, not 'both'"),
        ("classic.connect_four_v3?render=maybe", "render is true or false, not 'maybe'"),
        ("classic.connect_four_v3?horizon=1.5", "horizon is a number of steps, not 1.5"),
        ("classic.connect_four_v3?horizon=0", "an episode needs at least one step, not 0"),
        ("classic.connect_four_v3?state=all", "state is one of auto, env, observations, none, not 'all'"),
        ("mpe2.simple_spread_v3?N=x", "cannot be made with N='x': TypeError"),
        ("mpe2", "this module has neither parallel_env() nor env(), so it is no PettingZoo environment"),
        ("mpe2;os", "'mpe2;os' is not the name of a Python module"),
        ("magent2.environments.battle_v4", "needs magent2, which is not installed: pip install magent2"),
        ("sisl.multiwalker_v9", "needs Box2D, which is not installed: pip install 'pettingzoo[sisl]'"),
        (
            "butterfly.knights_archers_zombies_v11?obs_method=vector-sequence",
            "archer_0: observations of Sequence have no fixed size",
        ),
    ],
)
def test_what_is_wrong_with_a_uri_is_told(uri: str, told: str) -> None:
    needs("mpe2", "pygame", "pymunk")
    with pytest.raises(InputError) as error:
        make_env(f"pettingzoo:{uri}")
    assert told in str(error.value) and str(error.value).startswith(f"pettingzoo:{uri.partition('?')[0]}")


def test_other_packages_are_imported_only_when_allowed(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home_made.py").write_text(
        "from faulty_environments import Duel as parallel_env\nLOADED = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        InputError,
        match=r"home_made is not one of the packages that are imported without asking .*"
        r"--allow-import home_made, or make_env\(\.\.\., allow_import=\('home_made',\)\)",
    ):
        make_env("pettingzoo:home_made")
    assert "home_made" not in sys.modules
    env = make_env("pettingzoo:home_made?stop=truncated", allow_import=("home_made",))
    assert env.spec.agents == ("a", "b", "c") and env.spec.name == "pettingzoo:home_made?stop=truncated"
    assert make("home_made", {"allow_import": ["home_made"]}).spec.agents == ("a", "b", "c")


def test_a_missing_package_is_told_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mpe2"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mpe2", None)
    with pytest.raises(
        InputError, match=r"needs mpe2, which is not installed: pip install 'staghunt\[envs\]'"
    ):
        make_env("pettingzoo:mpe2.simple_spread_v3")


def test_what_is_no_pettingzoo_environment_is_told() -> None:
    with pytest.raises(InputError, match="object: the environment has no reset"):
        from_parallel(lambda: object(), name="object")
    with pytest.raises(
        InputError, match="this is an AEC environment, where agents act in turn; use from_aec"
    ):
        from_parallel(Rounds)
    with pytest.raises(InputError, match="the environment has no observe"):
        from_aec(Duel)

    class Nobody(Duel):
        def __init__(self) -> None:
            super().__init__()
            self.possible_agents = []

    with pytest.raises(InputError, match="the environment has no possible_agents"):
        from_parallel(Nobody)
