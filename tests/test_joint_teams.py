"""Teams that play together: in matches, in tournaments, and apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Staghunt

from experiments.tournament.agents import seated
from experiments.tournament.api import tournament
from experiments.tournament.replay import replay
from games import NormalFormGame, make_env, random_policy, simulate
from games.assigned import Assigned, play_assigned
from games.bayes_net import BayesNet
from games.coordination_policies import JOINT_POLICIES
from games.correlated_policy import Correlated
from games.dag import Dag
from games.env import Env
from games.errors import InputError
from games.joint import Joint
from games.play import play_episodes
from games.policy import Random, Tabular
from games.streams import draw_seeds
from games.team_seats import TeamSeat, plays_jointly, team_of_seats, team_seats

SEEDS = draw_seeds(np.random.default_rng(8), 40)


def random_net(rng: np.random.Generator, agents: int, situations: int, actions: int = 2) -> BayesNet:
    """A line or a complete graph with random conditional distributions."""
    dag = Dag.complete(agents) if rng.random() < 0.5 else Dag.line(agents)
    sizes = [actions ** int(dag.parents[:, i].sum()) for i in range(agents)]
    return BayesNet.from_tables(
        dag, [rng.dirichlet(np.ones(actions), size=(situations, size)) for size in sizes]
    )


def bits(agents: int = 3) -> Env:
    return make_env(f"coordination:bits?agents={agents}&steps=6")


# --- matches ----------------------------------------------------------------------------------------------


def test_a_team_in_its_matches_plays_as_it_does_alone() -> None:
    env, rng = bits(), np.random.default_rng(0)
    teams = [random_net(rng, 3, 8) for _ in range(2)]
    alone = Tabular(rng.dirichlet([1, 1], size=8))
    cast: Any = [
        team_seats(env.spec, teams[0]),
        [alone] * 3,
        team_seats(env.spec, teams[1]),
        [Random(env.spec.groups[0].actions)] * 3,
    ]
    seating = np.repeat(np.arange(4)[rng.permutation(40) % 4][:, None], 3, axis=1)
    seating[5] = [1, 3, 1]
    found = play_assigned(env, cast, seating, SEEDS, batch=7)
    for k, team in enumerate(teams):
        rows = np.flatnonzero((seating == 2 * k).all(axis=1))
        single = play_episodes(env, team, SEEDS[rows])
        np.testing.assert_array_equal(found.returns[rows], single.returns)
        np.testing.assert_array_equal(found.lengths[rows], single.lengths)
    for batch in (1, 40):
        again = play_assigned(env, cast, seating, SEEDS, batch=batch)
        np.testing.assert_array_equal(again.returns, found.returns)


def test_teams_in_environments_with_several_groups() -> None:
    env = make_env("mpe:simple-speaker-listener?max_cycles=5")
    assert len(env.spec.groups) > 1
    team: Any = random_policy(env.spec)
    cast: Any = [team_seats(env.spec, team), [policy for _, _, policy in random_policy(env.spec).seats]]
    seating = np.zeros((4, len(env.spec.agents)), dtype=int)
    seating[1] = seating[3] = 1
    seeds = SEEDS[:4]
    found = play_assigned(env, cast, seating, seeds)
    np.testing.assert_array_equal(found.returns, play_episodes(env, team, seeds).returns)


class _Counting:
    """A joint policy that remembers how many steps it has seen, plays that parity, and draws one number per seat."""

    def start(self, batch: int) -> Any:
        return np.zeros(batch, dtype=np.int64)

    def sample(self, step: Any, memory: Any, streams: Any) -> Any:
        drawn = streams.uniform()
        assert drawn.shape == (len(memory), 3)
        actions = np.where(drawn < 0.3, 1, (memory % 2)[:, None]).astype(np.int32)
        return (actions,), memory + 1


def test_teams_may_remember() -> None:
    env, team = bits(), _Counting()
    cast: Any = [team_seats(env.spec, team), [Random(env.spec.groups[0].actions)] * 3]
    seating = np.array([[0] * 3, [1] * 3, [0] * 3])
    found = play_assigned(env, cast, seating, SEEDS[:3], max_steps=4)
    single = play_episodes(env, team, SEEDS[[0, 2]], max_steps=4)
    np.testing.assert_array_equal(found.returns[[0, 2]], single.returns)


def test_a_seat_without_its_team_is_refused() -> None:
    env = bits()
    team = random_net(np.random.default_rng(1), 3, 8)
    cast: Any = [team_seats(env.spec, team), [Random(env.spec.groups[0].actions)] * 3]
    with pytest.raises(InputError, match="agent 0 plays only together with its team"):
        play_assigned(env, cast, [[0, 0, 1]], SEEDS[:1])
    with pytest.raises(InputError, match="needs all seats"):
        TeamSeat(team, "agent_0").start(1, 1)
    # two agents by the same team do not sit together: they are two
    with pytest.raises(InputError, match="plays only together"):
        play_assigned(env, [cast[0], cast[0]], [[0, 1, 0]], SEEDS[:1])


@pytest.mark.parametrize("wrong", ["shape", "type", "groups"])
def test_wrong_actions_of_teams_are_told(wrong: str) -> None:
    class Odd:
        def start(self, batch: int) -> None:
            return None

        def sample(self, step: Any, memory: Any, streams: Any) -> Any:
            given = np.zeros((step.batch, 3), dtype=np.int32)
            return {"shape": (given[:, :2],), "type": (given + 0.5,), "groups": (given, given)}[wrong], None

    env = bits()
    team: Any = Odd()
    told = {"shape": "shape", "type": "expected integers", "groups": "1 groups"}[wrong]
    with pytest.raises(InputError, match=rf"Odd .*{told}"):
        play_assigned(env, [team_seats(env.spec, team)], [[0] * 3], SEEDS[:1])


def test_what_is_a_joint_policy() -> None:
    env = bits()
    for joint in (random_net(np.random.default_rng(0), 2, 4), random_policy(env.spec), _Counting()):
        assert plays_jointly(joint)
    for other in (Random(env.spec.groups[0].actions), Tabular([[1.0, 0.0]]), object(), 3):
        assert not plays_jointly(other)
    assert team_of_seats([None, None]) is None and team_of_seats([]) is None


# --- tournaments ------------------------------------------------------------------------------------------


def test_scripted_teams_compete_where_one_role_has_all_seats() -> None:
    uri = "coordination:aloha?agents=4&steps=5"
    names = ["sequential", "oracle", "independent-set", "idle", "random"]
    found = tournament(uri, roles={"team": {"seats": ["agents"], "agents": names}}, matches=30, seed=3)
    env = make_env(uri)
    seeds = np.array([found.samples[k] for k in range(len(names))])
    assert found.table.mean.shape == (5, 1) and seeds.shape == (5, 30, 1)
    assert (found.table.mean[:3] > 0).all() and found.table.mean[3] == 0 and found.table.mean[4] < 0
    # sample k has the same environment seed for all; these teams draw nothing
    from experiments.tournament.plan import _environment_seeds

    team = JOINT_POLICIES["sequential"](env.spec)
    single = play_episodes(env, team, _environment_seeds(3, 1024)[:30])
    np.testing.assert_array_equal(found.samples[0][:, 0], single.returns[:, 0])


def test_scripted_teams_are_refused_elsewhere() -> None:
    uri = "coordination:aloha?agents=4"
    for agents in (
        {"agents": ["sequential", "idle"]},
        {
            "roles": {
                "a": {"seats": ["agent_0"], "agents": ["oracle"]},
                "b": {"seats": ["agent_1", "agent_2", "agent_3"], "agents": ["idle"]},
            }
        },
    ):
        with pytest.raises(InputError, match="plays for a whole team, so it needs a role that has all seats"):
            tournament(uri, **agents)
    with pytest.raises(InputError, match="is for coordination:aloha"):
        tournament("coordination:bits", roles={"all": {"seats": ["agents"], "agents": ["sequential"]}})


def test_networks_and_devices_compete_and_are_computed() -> None:
    game = NormalFormGame.common_payoff([[4.0, 0.0], [0.0, 1.0]])
    env = simulate(game)
    copying = BayesNet.from_tables(Dag.line(2), [[[[0.5, 0.5]]], [[[1, 0], [0, 1]]]])
    device = Correlated(env.spec, Joint(np.array([[0, 0], [1, 1]]), np.array([0.75, 0.25]), (2, 2)))
    players: dict[str, Any] = {"copying": copying, "device": device, "apart": "random"}
    found = tournament(env, roles={"team": {"seats": ["players"], "agents": players}}, matches=5)
    assert found.table.exact.all()
    np.testing.assert_allclose(found.table.mean[:, 0], [2.5, 3.25, 1.25], atol=1e-12)
    played = tournament(
        env, roles={"team": {"seats": ["players"], "agents": players}}, matches=4000, exact=False
    )
    assert not played.table.exact.any()
    np.testing.assert_allclose(played.table.mean[:, 0], [2.5, 3.25, 1.25], atol=0.15)
    with pytest.raises(InputError, match=r"'copying': .*needs a role that has all seats"):
        tournament(env, players, matches=5)


def test_functions_of_the_users_may_make_teams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "teams_of_a_test.py").write_text(
        "from games.coordination_policies import JOINT_POLICIES\n"
        "def make(spec):\n    return JOINT_POLICIES['sequential'](spec)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    env, name, allowed = (
        make_env("coordination:aloha?agents=4"),
        "import:teams_of_a_test:make",
        ("teams_of_a_test",),
    )
    whole = seated(env, "s", name, (0, 1, 2, 3), allowed, together=True)
    assert team_of_seats(whole.policies) is not None and not whole.apart
    with pytest.raises(InputError, match="agent 's': import:teams_of_a_test:make plays for a whole team"):
        seated(env, "s", name, (0, 1, 2, 3), allowed)


def test_one_role_alone_from_the_command_line(tmp_path: Path, staghunt: Staghunt) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "env: coordination:aloha?agents=4&steps=5\nmatches: 20\n"
        "roles:\n  team:\n    seats: [agents]\n    agents: [sequential, idle]\n"
    )
    run = tmp_path / "run"
    done = staghunt("tournament", spec, "--out", run, "--json", "--workers", 2)
    assert done.code == 0, done.err
    scores = next(r for r in done.json["rankings"] if r["name"] == "mean score")
    assert scores["agents"] == ["sequential", "idle"] and scores["values"][0] > scores["values"][1] == 0
    assert staghunt("report", run).code == 0
    again, _ = replay(run, 7)
    assert again.same


def test_assigned_counts_its_matches() -> None:
    env = bits()
    team = Assigned(
        env.spec, [team_seats(env.spec, random_net(np.random.default_rng(0), 3, 8))], [[0] * 3] * 2
    )
    with pytest.raises(InputError, match="2 matches are seated, not 3"):
        team.start(3)
