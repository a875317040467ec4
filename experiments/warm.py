"""`python -m experiments.warm`: compile every kernel once, so that no later command waits for it.

Each step solves a tiny game by one method, or plays a little; numba keeps what it compiled beside the sources (or in NUMBA_CACHE_DIR).
Steps that share kernels make a chain, one after the other; chains run side by side, in as many processes as there are cores.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from games.tree import TreeGame

ROOT = Path(__file__).parents[1]
PACKAGES = ("games", "solvers")
ECONOMY = "economy:"


Steps = list[tuple[str, Callable[[], object]]]


def steps() -> Steps:
    """What is compiled: a name and a call that reaches its kernels."""
    return [*shared(), *(step for chain in chains() for step in chain)]


def shared() -> Steps:
    """What several chains need, compiled before them."""
    return [("random numbers and payoffs", numbers_and_payoffs)]


def chains() -> list[Steps]:
    """Steps in chains, the longest first; what a kernel belongs to is compiled in one chain alone."""
    from games import NormalFormGame
    from solvers import all_nash, alpharank, cce, ce, fit_qre, nash, no_swap_regret, pure_nash, trace_qre
    from solvers.alpharank import alpharank_single
    from solvers.efce import efce
    from solvers.tree_nash import tree_nash
    from solvers.tree_qre import trace_agent_qre

    fold = NormalFormGame.symmetric(np.diag([1.01, 1.0, 1.0]))
    split = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    cyclic = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[0, 1], [1, 0]])
    return [
        [
            ("environments", play_environments),
            ("large swarms", play_large_swarms),
            ("repeated matches", matches),
            ("matches on trees", matches_on_a_tree),
            ("exact values of repeated games", repeated_returns),
            ("switching between learners", switched_learners),
        ],
        [
            ("quantal response", lambda: (trace_qre(fold).turning_points, trace_qre(split).at([3.0]))),
            ("precision from data", lambda: fit_qre(cyclic, [3, 2, 1, 4])),
            ("quantal response on trees", lambda: trace_agent_qre(_kuhn(), 3.0).at([1.0])),
        ],
        [
            ("no-regret play", lambda: (cce(cyclic, method="regret-matching+"), no_swap_regret(cyclic))),
            ("Lemke-Howson", lambda: nash(cyclic)),
            ("minimax", lambda: nash(NormalFormGame.zero_sum([[1, -1], [-1, 1]]))),
            ("all equilibria", lambda: (all_nash(split), nash(split, method="support"), pure_nash(split))),
            ("self-play on trees", lambda: [play(_kuhn()) for play in self_play()]),
            (
                "Nash equilibria of trees",
                lambda: [
                    tree_nash(_kuhn()),
                    *(tree_nash(_entry(), method) for method in ("auto", "sequence-lemke")),
                ],
            ),
            ("extensive-form correlation", lambda: efce(_entry()).certificate),
            ("populations of strategies", populations),
        ],
        [("economies", play_economies), ("tax schedules", tax_schedules)],
        [("correlated equilibria", lambda: (cce(fold), ce(split), cce(split, "entropy")))],
        [("Bayesian networks of policies", networks_of_policies)],
        [("mean-field games", mean_field_games)],
        [("alpha-rank", lambda: (alpharank(split), alpharank_single(np.eye(2), math.inf)))],
    ]


def numbers_and_payoffs() -> object:
    """Streams of random numbers, and what deviations are worth in a normal-form game."""
    from games import NormalFormGame
    from games.streams import ACT, Streams

    streams = Streams.from_seeds(np.arange(2, dtype=np.uint64), ACT, 1)
    game = NormalFormGame.symmetric(np.eye(2))
    return streams.legal(np.ones((2, 1, 2), dtype=bool)), game.deviation_payoffs(np.full(4, 0.5))


def tax_schedules() -> object:
    """The best schedule of a few, its certificate, and the Saez formula."""
    from games.sims.economy_one_step_model import OneStepEconomy
    from games.sims.economy_taxes import Brackets
    from solvers.taxation import outcome, saez_fixed_point
    from solvers.taxation_certificate import certify_taxes
    from solvers.taxation_optimum import optimum

    economy = OneStepEconomy.quantiles(4, Brackets.linear(3, 120), cost=0.012)
    best = optimum(economy, grid=[0.0, 0.5])
    labour = outcome(economy, best.rates).labour
    return certify_taxes(economy, best.rates, labour, grid=[0.0, 0.5]), saez_fixed_point(
        economy, iterations=2
    )


def switched_learners() -> object:
    """A few episodes of tabular MANSA."""
    from games.sims.switching_chain import switching_chain
    from solvers.switching_learning import SwitchTraining, learn_together

    return learn_together(
        switching_chain(np.random.default_rng(0), 4, (1,)).game, SwitchTraining(episodes=2), [1]
    )


def networks_of_policies() -> object:
    """Gradient ascent and Nash gaps, discounted and over a finite horizon."""
    from games import MarkovGame, NormalFormGame
    from solvers.network_ascent import ascend
    from solvers.network_gradient import SoftmaxNetworks

    once = NormalFormGame.symmetric(np.eye(2))
    found = []
    for length in ({"discount": 0.5}, {"horizon": 2}):
        game = MarkovGame.repeated(once, **length)
        networks = SoftmaxNetworks(game, "line")
        found.append(ascend(game, "line", np.zeros(networks.size), 1.0, 2, watch=[2]))
        networks.tables(np.zeros(networks.size))
    return found


def populations() -> object:
    """Population training with exact and with sampled responses."""
    from experiments.psro.loop import psro

    rng = np.random.default_rng(0)
    return [psro(_kuhn(), oracle=oracle, rng=rng, iterations=2) for oracle in ("exact", "mccfr")]


def simulated() -> list[str]:
    """URIs of the listed environments that are simulations of ours."""
    from games.env_catalogue import environments

    ours = ("foraging", "coordination", "repeated", "swarm", "mfg", "economy", "mpe", "zoo")
    return [one.uri for one in environments() if one.scheme in ours or "compiled=true" in one.uri]


def mean_field_games() -> object:
    """Every method on a game whose moves depend on the mean field and on one whose moves do not."""
    from games.mean_field_games import load_mean_field
    from solvers.meanfield import METHODS, mean_field_nash

    models = [load_mean_field(f"mfg:{name}") for name in ("sis?horizon=3", "crowd?size=4&horizon=3")]
    return [
        mean_field_nash(model, method, iterations=2).certificate for model in models for method in METHODS
    ]


def play_environments() -> None:
    """A few steps of every policy in every simulation of ours that it fits."""
    for uri in simulated():
        if not uri.startswith(ECONOMY):
            play_a_little(uri)


def play_economies() -> None:
    """The same of economies, which share hardly a kernel with other simulations."""
    for uri in simulated():
        if uri.startswith(ECONOMY):
            play_a_little(uri)
    for query in ("tax=saez", "tax=federal&brackets=federal"):
        play_a_little(f"{ECONOMY}one-step?agents=2&{query}")


def play_large_swarms() -> None:
    """Swarms whose neighbours are found by strips and by cells, kernel features, and a clock."""
    for query in ("agents=300", "agents=1000&radius=0.05", "agents=2&features=kernel", "agents=2&clock=true"):
        play_a_little(f"swarm:vicsek?{query}")


def play_a_little(uri: str) -> None:
    """A few steps of every policy that fits an environment, for everybody and for a single agent."""
    from games.env_uris import make_env
    from games.errors import InputError
    from games.play import play_episodes
    from games.policy_names import policy_names, team

    env = make_env(uri)
    first, *_ = env.spec.agents
    for name in policy_names(env):
        for who in ("", first):
            # a constant action need not be legal everywhere, and teams take no single agents
            with contextlib.suppress(InputError):
                play_episodes(env, team(env, {who: name}), [1, 2], max_steps=2)


def matches() -> object:
    """Matches of two players who remember one round, without and with chance, of strategies, and in a larger game."""
    from games.assigned import play_assigned
    from games.env_uris import make_env
    from games.load import load
    from games.policy import Tabular
    from games.sims.matches import play_matches
    from games.strategies import make_policy

    table = np.full((5, 2), 0.5)
    pure, dilemma = np.eye(2)[[0, 0, 1, 0, 1]], load("zoo:prisoners-dilemma")
    short, larger = (
        make_env("repeated:prisoners-dilemma?rounds=3"),
        make_env("repeated:rock-paper-scissors?rounds=3"),
    )
    even = Tabular(np.full((larger.spec.groups[0].rows, 3), 1 / 3))
    return [
        *(play_matches(dilemma, one, pure, seeds=[1, 2], rounds=3) for one in (table, pure)),
        play_assigned(short, [[make_policy("gradual", short.spec)] * 2], [[0, 0]], [1]),
        play_assigned(larger, [[even] * 2], [[0, 0]], [1]),
    ]


def matches_on_a_tree() -> object:
    """A match between tables."""
    from games.policy import Tabular
    from games.sims.tree_matches import tree_matches
    from games.simulate import simulate
    from games.tree_policies import behavior_table

    game = _kuhn()
    play = tree_matches(simulate(game), [[Tabular(behavior_table(game, game.uniform()))] * 2])
    return None if play is None else play(np.zeros((2, 2), dtype=np.int32), [1, 2], None)


def repeated_returns() -> object:
    """What two players who toss coins expect."""
    from games.load import load
    from games.repeated_values import repeated_values
    from games.sims.repeated import RepeatedRules

    rules = RepeatedRules(load("zoo:prisoners-dilemma"), 3, 1, None, 0.0)
    return repeated_values(rules, [np.full((5, 2), 0.5)] * 2)


def self_play() -> list[Callable[[TreeGame], object]]:
    """Every self-play method on a two-player constant-sum tree, for a few iterations."""
    from solvers.cfr import cfr
    from solvers.mccfr import mccfr
    from solvers.mirror import mmd

    few: dict[str, Any] = {"iterations": 5, "tolerance": 0.0}
    calls: list[Callable[[TreeGame], object]] = []
    for variant in ("cfr", "cfr+", "dcfr", "pcfr+"):
        for options in ({"alternating": True}, {"alternating": False}, {"concept": "cce"}):
            calls.append(partial(cfr, method=variant, **few, **options))
    for sampler in ("mccfr-es", "mccfr-os"):
        calls.append(partial(mccfr, method=sampler, rng=np.random.default_rng(0), **few))
    return [*calls, partial(mmd, **few), partial(mmd, lam=1.0, **few)]


def _kuhn() -> TreeGame:
    """One-card poker with two players, without needing OpenSpiel: deal, bet or pass."""
    from games.efg import parse_efg
    from games.tree_build import from_efg

    deals = [(a, b) for a in range(3) for b in range(3) if a != b]
    lines = [
        'EFG 2 R "kuhn" { "A" "B" }',
        'c "" 1 "" { ' + " ".join(f'"{a}{b}" 1/6' for a, b in deals) + " } 0",
    ]

    def ends(amounts: tuple[int, ...], a: int, b: int, number: int) -> list[str]:
        paid = [w if a > b else -w for w in amounts]
        return [f't "" {number + k} "" {{ {w} {-w} }}' for k, w in enumerate(paid)]

    for n, (a, b) in enumerate(deals):
        outcome = 10 * n + 1
        lines.append(f'p "" 1 {a + 1} "" {{ "pass" "bet" }} 0')
        lines.append(f'p "" 2 {b + 1} "" {{ "pass" "bet" }} 0')
        lines += ends((1,), a, b, outcome)
        lines.append(f'p "" 1 {a + 4} "" {{ "pass" "bet" }} 0')
        lines += [f't "" {outcome + 1} "" {{ -1 1 }}', *ends((2,), a, b, outcome + 2)]
        lines.append(f'p "" 2 {b + 4} "" {{ "pass" "bet" }} 0')
        lines += [f't "" {outcome + 3} "" {{ 1 -1 }}', *ends((2,), a, b, outcome + 4)]
    return from_efg(parse_efg("\n".join(lines)))


def _entry() -> TreeGame:
    """Entry deterrence: two players, general payoffs, no chance."""
    from games.efg import parse_efg
    from games.tree_build import from_efg

    inside = 'p "" 2 1 "" { "fight" "yield" } 0 t "" 1 "" { -1 -1 } t "" 2 "" { 2 1 }'
    return from_efg(
        parse_efg(
            f'EFG 2 R "entry" {{ "A" "B" }} p "" 1 1 "" {{ "in" "out" }} 0 {inside} t "" 3 "" {{ 0 3 }}'
        )
    )


def drop_stale(root: Path = ROOT) -> bool:
    """Delete compiled kernels when any source has changed since the last call; True when something was deleted.

    numba recompiles a function whose own file changed, but not its callers in other files. Where an installed package
    is read-only, numba keeps kernels in a folder of the user's, and sources do not change: nothing is done.
    """
    sources = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = root / "solvers" / "__pycache__" / "kernels.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return False
    stale = [path for package in PACKAGES for path in (root / package).rglob("*.nb[ic]")]
    try:
        for path in stale:
            path.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)
    except PermissionError:
        return False
    return bool(stale)


def compile_steps(chosen: Steps) -> None:
    """Run steps, saying how long each took when it took long."""
    for name, call in chosen:
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
        if seconds > 0.5:
            print(f"compiled kernels for {name} in {seconds:.0f} s", file=sys.stderr, flush=True)


def compile_chain(k: int) -> None:
    """Run a chain, in a process of its own."""
    compile_steps(chains()[k])


def compile_all(workers: int) -> None:
    """Run everything, chains in `workers` processes; what fails in one of them fails here."""
    compile_steps(shared())
    if workers == 1:
        for k in range(len(chains())):
            compile_chain(k)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(compile_chain, range(len(chains()))))


def main() -> int:
    """Delete what is stale, and compile everything."""
    from experiments.training.provenance import usable_cores

    drop_stale()
    print("compiling numerical kernels, once: some minutes", file=sys.stderr, flush=True)
    compile_all(min(usable_cores(), 4))
    return 0


if __name__ == "__main__":
    sys.exit(main())
