"""OpenSpiel games as environments: every step against a plain loop over OpenSpiel's own states."""

from __future__ import annotations

import numpy as np
import pytest

pyspiel = pytest.importorskip("pyspiel", reason="the games are OpenSpiel's")

from games import make_env  # noqa: E402
from games.errors import InputError  # noqa: E402
from games.from_openspiel import tree_from_openspiel  # noqa: E402
from games.from_openspiel_env import EXAMPLES, OpenSpielEnv  # noqa: E402
from games.laws import check_env  # noqa: E402
from games.openspiel_states import draw  # noqa: E402
from games.play import advance, begin, play_episodes, restart_stopped, rollout  # noqa: E402
from games.policy import random_policy  # noqa: E402
from games.streams import ENV, Streams, draw_seeds  # noqa: E402

GOOFSPIEL = "goofspiel(num_cards=4,imp_info=True,points_order=descending)"
SEQUENTIAL = [
    "kuhn_poker",
    "kuhn_poker(players=3)",
    "leduc_poker",
    "tic_tac_toe",
    "connect_four",
    "first_sealed_auction",  # general-sum
    "tiny_hanabi",  # everybody is paid the same
    "pig",  # chance in the middle of turns
    "2048",  # one player, paid on the way
    "turn_based_simultaneous_game(game=matrix_rps())",
]
SIMULTANEOUS = [
    "matrix_rps",
    "matrix_sh",
    "matching_pennies_3p",
    GOOFSPIEL,
    "goofspiel(num_cards=4)",
    "oshi_zumo(coins=4,size=1,horizon=6)",
    "coop_box_pushing(horizon=12)",
    "pathfinding(horizon=9)",
    "markov_soccer(horizon=9)",
    "repeated_game(stage_game=matrix_pd(),num_repetitions=5)",
]


@pytest.mark.parametrize("name", SEQUENTIAL + SIMULTANEOUS)
def test_it_obeys_every_law(name: str) -> None:
    env = make_env(f"openspiel:{name}")
    assert env.spec.turn_based == (name in SEQUENTIAL)
    check_env(env, steps=25, batch=3)


@pytest.mark.parametrize("uri", [*EXAMPLES, "openspiel:leduc_poker?state=acting&observe=observation"])
def test_examples_obey_every_law(uri: str) -> None:
    check_env(make_env(uri), steps=15, batch=2)


class Plain:
    """One play as OpenSpiel's documentation would write it, under given actions; chance by the same numbers."""

    def __init__(self, game, seed: int, tensor: str) -> None:
        self.game, self.tensor = game, tensor
        stream = Streams.from_seeds(np.array([seed], dtype=np.uint64), ENV)
        self.numbers = iter(lambda: float(stream.uniform()[0, 0]), None)
        self.start()

    def start(self) -> None:
        self.state, self.paid = self.game.new_initial_state(), np.zeros(self.game.num_players())
        self.go_on()

    def go_on(self) -> None:
        while self.state.is_chance_node():
            outcomes, odds = zip(*self.state.chance_outcomes())
            k = np.searchsorted(np.cumsum(odds), next(self.numbers), side="right")
            self.state.apply_action(outcomes[k])

    def play(self, actions) -> np.ndarray:
        if self.state.is_simultaneous_node():
            self.state.apply_actions([int(a) for a in actions])
        else:
            self.state.apply_action(int(actions[self.state.current_player()]))
        self.go_on()
        reward = np.array(self.state.returns()) - self.paid
        self.paid += reward
        return reward

    def check(self, step) -> None:
        view, over = step.groups[0], self.state.is_terminal()
        assert step.last[0] == over and step.discount[0] == (not over)
        for i in range(self.game.num_players()):
            legal = [] if over else self.state.legal_actions(i)
            assert view.acting[0, i] == bool(legal)
            assert np.flatnonzero(view.mask[0, i]).tolist() == legal
            seen = (
                np.array(getattr(self.state, self.tensor)(i))
                if legal
                else np.zeros(view.observation.shape[-1])
            )
            np.testing.assert_array_equal(view.observation[0, i], seen.astype(np.float32))


def tensors(name: str) -> list[tuple[str, str]]:
    kind = pyspiel.load_game(name).get_type()
    both = {
        "information": kind.provides_information_state_tensor,
        "observation": kind.provides_observation_tensor,
    }
    return [(name, observe) for observe, has in both.items() if has]


@pytest.mark.parametrize(
    "name, observe", [pair for name in SEQUENTIAL + SIMULTANEOUS for pair in tensors(name)]
)
def test_every_step_is_that_of_a_plain_loop(name: str, observe: str) -> None:
    game = pyspiel.load_game(name)
    env = make_env(f"openspiel:{name}", observe=observe)
    tensor = {"information": "information_state_tensor", "observation": "observation_tensor"}[observe]
    batch = 5
    seeds = draw_seeds(np.random.default_rng(8), batch)
    play = begin(env, random_policy(env.spec), seeds)
    plain = [Plain(game, seed, tensor) for seed in seeds]
    for _ in range(45):
        for b in range(batch):
            plain[b].check(play.step.where([b]))
        t = advance(env, random_policy(env.spec), play)
        for b in range(batch):
            reward = plain[b].play(t.actions[0][b])
            np.testing.assert_allclose(t.after.rewards[b], reward, atol=1e-12)
            plain[b].check(t.after.where([b]))
            if t.after.last[b]:
                plain[b].start()
        restart_stopped(env, random_policy(env.spec), play)


@pytest.mark.parametrize("name", ["leduc_poker", "connect_four", GOOFSPIEL, "markov_soccer(horizon=9)"])
def test_a_game_given_up_in_the_middle_starts_afresh(name: str) -> None:
    env, game = make_env(f"openspiel:{name}"), pyspiel.load_game(name)
    stated = game.get_type().provides_information_state_tensor
    tensor = "information_state_tensor" if stated else "observation_tensor"
    seeds = (5, 6)
    play, plain = begin(env, random_policy(env.spec), seeds), [Plain(game, seed, tensor) for seed in seeds]
    for _ in range(12):
        t = advance(env, random_policy(env.spec), play)
        for b in range(2):
            plain[b].play(t.actions[0][b])
            if b == 0 or t.after.last[b]:
                plain[b].start()
        play.world, play.step = env.restart(play.world, t.after.last | [True, False])
        for b in range(2):
            plain[b].check(play.step.where([b]))
        assert not play.step.rewards[0].any()


@pytest.mark.parametrize(
    "name", ["2048", "pathfinding(horizon=9)", "coop_box_pushing(horizon=12)", GOOFSPIEL]
)
def test_rewards_sum_to_the_returns(name: str) -> None:
    env, last = make_env(f"openspiel:{name}"), {}

    def watch(world, step, actions) -> None:
        last["states"] = world.table.states

    episodes = play_episodes(env, random_policy(env.spec), range(20), batch=20, watch=watch)
    assert episodes.ended.all() and (episodes.lengths <= env.spec.horizon).all()
    expected = [state.returns() for state in last["states"]]
    np.testing.assert_allclose(episodes.returns, expected, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    "name", ["kuhn_poker", "kuhn_poker(players=3)", "leduc_poker", GOOFSPIEL, "tiny_hanabi"]
)
@pytest.mark.parametrize("compiled", [False, True])
def test_uniform_play_is_worth_what_the_tree_says(name: str, compiled: bool) -> None:
    tree = tree_from_openspiel(name)
    env = make_env(f"openspiel:{name}", compiled=compiled)
    count = 40_000 if compiled else 8_000
    returns = play_episodes(env, random_policy(env.spec), draw_seeds(np.random.default_rng(4), count)).returns
    error = returns.std(axis=0) / np.sqrt(count)
    assert np.all(np.abs(returns.mean(axis=0) - tree.values(tree.uniform())) <= 4 * error + 1e-12)


@pytest.mark.parametrize("name", ["leduc_poker", "kuhn_poker(players=3)", GOOFSPIEL, "tiny_hanabi"])
def test_compiled_players_see_their_information_states(name: str) -> None:
    env, game = make_env(f"openspiel:{name}?compiled=true"), pyspiel.load_game(name)
    tree, found = env.rules.game, {}
    assert tree.digest == tree_from_openspiel(name).digest

    def walk(state) -> None:
        if state.is_terminal():
            return
        movers = range(game.num_players()) if state.is_simultaneous_node() else [state.current_player()]
        for i in movers:
            if i >= 0:
                found[i, state.information_state_string(i)] = state.information_state_tensor(i)
        if state.is_simultaneous_node():
            for a in state.legal_actions(0):
                for b in state.legal_actions(1):
                    child = state.clone()
                    child.apply_actions([a, b])
                    walk(child)
        else:
            for action in state.legal_actions():
                walk(state.child(action))

    walk(game.new_initial_state())
    view = env.rules.situations(np.arange(len(tree.owner)))
    for h, (i, name_h) in enumerate(zip(tree.owner.tolist(), tree.infosets)):
        np.testing.assert_array_equal(view.observation[h, i], np.float32(found[i, name_h]))


def test_the_full_state_is_everybodys_tensors() -> None:
    env = make_env("openspiel:leduc_poker", state="full")
    play = begin(env, random_policy(env.spec), range(30))
    for _ in range(5):
        for b in np.flatnonzero(~play.step.last):
            state = play.world.table.states[b]
            who = [float(state.current_player() == i) for i in range(2)]
            tensors = [*state.information_state_tensor(0), *state.information_state_tensor(1)]
            np.testing.assert_array_equal(play.step.state[b], np.float32([*tensors, *who]))
        advance(env, random_policy(env.spec), play)
        restart_stopped(env, random_policy(env.spec), play)


@pytest.mark.parametrize(
    "uri", ["openspiel:leduc_poker?state=acting", "openspiel:connect_four", "openspiel:pig"]
)
def test_the_small_state_is_the_acting_players_tensor(uri: str) -> None:
    env = make_env(uri)
    t = rollout(env, random_policy(env.spec), begin(env, random_policy(env.spec), range(6)), 10)
    view = t.before.groups[0]
    np.testing.assert_array_equal(t.before.state[..., -2:], view.acting)
    np.testing.assert_array_equal(t.before.state[..., :-2], view.observation.sum(axis=2))


def test_names_shapes_and_pictures() -> None:
    leduc, four = make_env("openspiel:leduc_poker").spec, make_env("openspiel:connect_four").spec
    assert leduc.groups[0].action_names == ("Fold", "Call", "Raise") and leduc.agents == (
        "Player 1",
        "Player 2",
    )
    assert four.groups[0].action_names == ()  # called differently by the two players
    assert four.groups[0].observation == (3, 6, 7) and four.horizon == 42
    assert make_env("openspiel:tiny_hanabi").spec.common_reward
    env = make_env("openspiel:connect_four")
    world, _ = env.reset(np.array([3], dtype=np.uint64))
    world, _ = env.step(world, (np.full((1, 2), 4),))
    assert env.scene(world).text == str(world.table.states[0]) and "x" in env.scene(world).text


def test_an_outcome_of_probability_zero_is_never_drawn() -> None:
    outcomes = [(7, 0.0), (5, 0.25), (3, 0.0), (2, 0.75 - 1e-12), (1, 0.0)]
    assert [draw(outcomes, u) for u in (0.0, 0.2499, 0.25, 0.9, 1 - 2**-53)] == [5, 5, 2, 2, 2]
    with pytest.raises(InputError, match="no possible outcome"):
        draw([(1, 0.0)], 0.5)


@pytest.mark.parametrize(
    "uri, why",
    [
        ("openspiel:leduk_poker", "did you mean openspiel:leduc_poker"),
        ("openspiel:leduc_poker(playrs=2)", "OpenSpiel refuses"),
        ("openspiel:leduc_poker(", "OpenSpiel refuses"),
        ("openspiel:mfg_garnet", "mean-field game"),
        ("openspiel:negotiation", "samples chance by itself"),
        ("openspiel:morpion_solitaire", "no tensor of numbers"),
        (
            "openspiel:connect_four?observe=information",
            "no information state tensor; observe=observation works",
        ),
        ("openspiel:hearts?observe=observation", "no observation tensor; observe=information works"),
        ("openspiel:leduc_poker?observe=nothing", "observe=nothing is not information or observation"),
        ("openspiel:leduc_poker?state=all", "state=all is not full or acting"),
        ("openspiel:leduc_poker?compiled=perhaps", "compiled=perhaps is not true or false"),
        ("openspiel:leduc_poker?complied=true", "'complied' here; did you mean compiled"),
        ("openspiel:leduc_poker?players=3", "the game's own go in brackets"),
        ("openspiel:leduc_poker?max_nodes=9", "max_nodes is for compiled=true only"),
        ("openspiel:leduc_poker?compiled=true&max_nodes=9", "more than 9 nodes"),
        ("openspiel:leduc_poker?compiled=true&max_nodes=few", "max_nodes=few is not a whole number"),
        ("openspiel:leduc_poker?compiled=true&state=full", "has a state of its own"),
        ("openspiel:connect_four?compiled=true", "more than 5,000,000 nodes"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(uri: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        make_env(uri)


def test_an_illegal_move_is_named() -> None:
    env = make_env("openspiel:leduc_poker")
    world, step = env.reset(np.array([1, 2], dtype=np.uint64))
    assert step.groups[0].acting[1, 0]
    with pytest.raises(
        InputError, match=r"Player 1 chose action 0 \(Fold\) in sub-environment 1, .* 1 \(Call\), 2"
    ):
        env.step(world, (np.array([[1, 0], [0, 0]]),))


KIND = {
    "short_name": "python_of_this_test",
    "long_name": "A coin, then perhaps a move",
    "dynamics": pyspiel.GameType.Dynamics.SEQUENTIAL,
    "chance_mode": pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
    "information": pyspiel.GameType.Information.IMPERFECT_INFORMATION,
    "utility": pyspiel.GameType.Utility.GENERAL_SUM,
    "reward_model": pyspiel.GameType.RewardModel.TERMINAL,
    "max_num_players": 2,
    "min_num_players": 2,
    "provides_information_state_string": True,
    "provides_information_state_tensor": False,
    "provides_observation_string": False,
    "provides_observation_tensor": True,
    "parameter_specification": {},
}


class Coin(pyspiel.Game):
    """Heads: the game is over and pays (3, -1). Tails: the second player says 0 or 1 and gets it."""

    def __init__(self, actions: int = 2) -> None:
        info = pyspiel.GameInfo(
            num_distinct_actions=actions,
            max_chance_outcomes=2,
            num_players=2,
            min_utility=-1.0,
            max_utility=3.0,
            utility_sum=None,
            max_game_length=1,
        )
        super().__init__(pyspiel.GameType(**KIND), info, {})

    def new_initial_state(self) -> CoinState:
        return CoinState(self)

    def observation_tensor_shape(self) -> list[int]:
        return [1]

    def make_py_observer(self, kind=None, params=None) -> None:
        return None


class CoinState(pyspiel.State):
    def __init__(self, game: Coin) -> None:
        super().__init__(game)
        self.coin: int | None = None
        self.said: int | None = None

    def current_player(self) -> int:
        if self.coin is None:
            return pyspiel.PlayerId.CHANCE
        return pyspiel.PlayerId.TERMINAL if self.coin == 0 or self.said is not None else 1

    def chance_outcomes(self) -> list[tuple[int, float]]:
        return [(0, 0.5), (1, 0.5)]

    def _legal_actions(self, player: int) -> list[int]:
        return [0, 1]

    def _apply_action(self, action: int) -> None:
        if self.coin is None:
            self.coin = action
        else:
            self.said = action

    def _action_to_string(self, player: int, action: int) -> str:
        return str(action)

    def is_terminal(self) -> bool:
        return self.current_player() == pyspiel.PlayerId.TERMINAL

    def returns(self) -> list[float]:
        return [3.0, -1.0] if self.coin == 0 else [0.0, float(self.said or 0)]

    def observation_tensor(self, player: int) -> list[float]:
        return [float(1 + player)]

    def __str__(self) -> str:
        return f"{self.coin} {self.said}"


def test_a_game_that_chance_ends_at_once_has_one_forced_step() -> None:
    env = OpenSpielEnv(Coin(), "openspiel:coin", "observation")
    check_env(env, steps=10)
    seeds = draw_seeds(np.random.default_rng(1), 4_000)
    _, step = env.reset(seeds)
    forced = step.groups[0].acting[:, 0]
    assert abs(forced.mean() - 0.5) < 4 * 0.5 / np.sqrt(len(seeds))
    assert (step.groups[0].mask[forced].sum(axis=(1, 2)) == 1).all()
    episodes = play_episodes(env, random_policy(env.spec), seeds)
    assert (episodes.lengths == 1).all()
    np.testing.assert_array_equal(episodes.returns[forced], np.tile([3.0, -1.0], (forced.sum(), 1)))
    assert set(episodes.returns[~forced, 1]) == {0.0, 1.0} and not episodes.returns[~forced, 0].any()


def test_actions_beyond_the_number_that_the_game_states_are_refused() -> None:
    env = OpenSpielEnv(Coin(actions=1), "openspiel:coin", "observation")
    with pytest.raises(
        InputError, match=r"openspiel:coin: player 1 has the actions \[0, 1\] .* expected some of 0 to 0"
    ):
        env.reset(np.arange(9, dtype=np.uint64))
