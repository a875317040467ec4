"""Drawing graphs: acyclic, consistent with their orders, with the right odds and gradients; the kernels agree with torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from games.streams import ACT, Streams, draw_seeds
from marl.bayes_net_networks import Context
from marl.dag_kernels import assign
from marl.dag_law import GraphLaw
from marl.dag_sampling import earlier, edges, gumbel, permutation, sinkhorn, straight_through
from marl.dag_schedule import schedule


def law(agents: int = 4, ordered: bool = True, inputs: int = 5, seed: int = 0) -> GraphLaw:
    generator = torch.Generator().manual_seed(seed)
    return GraphLaw(agents, Context(inputs, agents, 8, ordered, generator), None)


def contexts(rows: int, inputs: int = 5) -> torch.Tensor:
    return torch.randn(rows, inputs, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("agents", [1, 2, 3, 7, 12])
def test_assignments_are_scipy_s(agents: int) -> None:
    rng = np.random.default_rng(agents)
    for scores in (rng.gumbel(size=(200, agents, agents)), rng.integers(0, 3, (200, agents, agents))):
        matrices = scores.astype(np.float32)
        agent_at = np.empty(matrices.shape[:2], dtype=np.int32)
        assign(matrices, agent_at)
        assert (np.sort(agent_at, axis=1) == np.arange(agents)).all()
        got = np.take_along_axis(matrices, agent_at[..., None], axis=2).sum(axis=(1, 2))
        best = [m[linear_sum_assignment(m, maximize=True)].sum() for m in matrices]
        np.testing.assert_allclose(got, best, atol=1e-4)


@pytest.mark.parametrize("ordered", [True, False])
def test_ten_thousand_graphs_are_acyclic_and_respect_their_order(ordered: bool) -> None:
    rows, one = 10_000, law(ordered=ordered)
    noise = one.from_generator(rows, np.random.default_rng(0))
    acting = np.ones((rows, 4), dtype=bool)
    agent_at, graph = one.graphs(one.scores(contexts(rows).numpy(), "cpu", None), noise, acting)
    power = graph.astype(np.int64)
    for _ in range(3):
        power = power @ graph
    assert not power.any(), "the fourth power of a graph on four agents without cycles is zero"
    place = np.argsort(agent_at, axis=1)
    b, j, i = np.nonzero(graph)
    assert (place[b, j] < place[b, i]).all()
    if ordered:
        assert len(np.unique(agent_at, axis=0)) == 24, "every order is drawn"
    drawn = one.drawn(contexts(rows), torch.from_numpy(noise), torch.from_numpy(acting).float())
    assert (drawn.graph.detach().numpy() == graph).all(), "learning looks at the graphs that were played"


def test_what_does_not_act_is_nobody_s_parent() -> None:
    one, acting = law(), np.ones((500, 4), dtype=bool)
    acting[:, 2] = False
    noise = one.from_generator(500, np.random.default_rng(3))
    _, graph = one.graphs(one.scores(contexts(500).numpy(), "cpu", None), noise, acting)
    assert not graph[:, 2].any() and graph[:, 1].any()


def test_edges_have_the_odds_they_are_given() -> None:
    scores = torch.tensor([-3.0, -0.5, 0.0, 1.0, 4.0]).expand(40_000, 5)
    uniform = torch.rand(40_000, 5, generator=torch.Generator().manual_seed(2))
    share = edges(scores, uniform, 1.0).mean(dim=0)
    torch.testing.assert_close(share, torch.sigmoid(scores[0]), atol=0.01, rtol=0)


def test_orders_without_preference_are_uniform_and_strong_ones_win() -> None:
    uniform = torch.rand(24_000, 3, 3, generator=torch.Generator().manual_seed(4)).clamp(1e-7, 1 - 1e-7)
    order = permutation(gumbel(uniform), 1.0, 20)
    counts = np.unique(order.argmax(dim=-1).numpy(), axis=0, return_counts=True)[1]
    assert len(counts) == 6 and abs(counts / 24_000 - 1 / 6).max() < 0.01
    wanted = torch.tensor([[0.0, 0.0, 40.0], [40.0, 0.0, 0.0], [0.0, 40.0, 0.0]])
    assert (permutation(wanted + gumbel(uniform), 1.0, 20) == wanted / 40).all()


def test_relaxed_orders_are_doubly_stochastic_and_near_hard_ones_when_cold() -> None:
    scores = torch.randn(50, 5, 5, generator=torch.Generator().manual_seed(5))
    soft = sinkhorn(scores, 200)
    for axis in (-1, -2):
        torch.testing.assert_close(soft.sum(dim=axis), torch.ones(50, 5), atol=1e-3, rtol=0)
    values = torch.stack(
        [scores[:, range(5), list(order)].sum(dim=1) for order in itertools.permutations(range(5))], dim=1
    )
    clear = values.topk(2, dim=1).values.diff(dim=1)[:, 0] < -0.5
    cold, hard = sinkhorn(scores.double() / 0.05, 5_000), permutation(scores, 1.0, 1)
    assert clear.sum() > 10 and (cold - hard).abs()[clear].max() < 0.06
    shifted = sinkhorn(scores + 7.0 * torch.arange(5.0)[:, None], 200)
    torch.testing.assert_close(shifted, soft, atol=1e-4, rtol=1e-3)


def test_relabelling_agents_relabels_who_stands_before_whom() -> None:
    for order in itertools.permutations(range(4)):
        p = torch.eye(4)[list(order)]
        before = earlier(p)
        place = np.argsort(order)
        for j, i in itertools.product(range(4), repeat=2):
            assert before[j, i] == float(place[j] < place[i])
        relabel = [2, 0, 3, 1]
        moved = earlier(p[:, relabel])
        assert torch.equal(moved, before[relabel][:, relabel])


def test_scores_far_apart_or_none_at_all_do_no_harm() -> None:
    """Gradients of relaxed orders stay finite; an assignment is one whatever stands in the matrix."""
    generator = torch.Generator().manual_seed(6)
    for temperature, size in ((1.0, 300.0), (0.05, 1.0), (0.01, 1.0), (1e-4, 1.0)):
        scores = (size * torch.randn(4096, 3, 3, generator=generator)).requires_grad_()
        (permutation(scores, temperature, 20) * torch.randn(4096, 3, 3, generator=generator)).sum().backward()
        assert scores.grad is not None and torch.isfinite(scores.grad).all(), (temperature, size)
    for strange in (np.nan, np.inf, -np.inf):
        matrices = np.random.default_rng(0).gumbel(size=(50, 4, 4)).astype(np.float32)
        matrices[:, 1, 2] = strange
        matrices[:25, :, 0] = strange
        matrices[:5] = strange
        agent_at = np.empty((50, 4), dtype=np.int32)
        assign(matrices, agent_at)
        assert (np.sort(agent_at, axis=1) == np.arange(4)).all()


def test_hard_values_go_forward_and_soft_gradients_back() -> None:
    soft = torch.tensor([0.3, 0.9], requires_grad=True)
    out = straight_through(torch.tensor([1.0, 0.0]), soft)
    assert out.tolist() == [1.0, 0.0]
    (out * torch.tensor([2.0, 3.0])).sum().backward()
    assert soft.grad is not None and soft.grad.tolist() == [2.0, 3.0]


def test_both_networks_get_gradients_through_the_graph() -> None:
    one = law()
    noise = torch.from_numpy(one.from_generator(64, np.random.default_rng(0)))
    weight = torch.randn(64, 4, 4, generator=torch.Generator().manual_seed(3))
    (one.drawn(contexts(64), noise, torch.ones(64, 4)).graph * weight).sum().backward()
    assert one.context is not None
    for name, parameter in one.context.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_noise_follows_the_agents_own_streams() -> None:
    one, seeds = law(), draw_seeds(np.random.default_rng(0), 6)
    together = one.from_streams(Streams.from_seeds(seeds, ACT, agents=4))
    alone = one.from_streams(Streams.from_seeds(seeds[3:4], ACT, agents=4))
    assert (together[3:4] == alone).all() and (together > 0).all() and (together < 1).all()
    assert len(np.unique(together)) == together.size
    mean = one.from_streams(
        Streams.from_seeds(draw_seeds(np.random.default_rng(1), 5_000), ACT, agents=4)
    ).mean()
    assert mean == pytest.approx(0.5, abs=0.005)


def test_a_random_graph_has_its_density_and_a_given_one_is_itself() -> None:
    some = GraphLaw(5, None, None, probability=0.3)
    acting = np.ones((20_000, 5), dtype=bool)
    noise = some.from_generator(20_000, np.random.default_rng(0))
    graph = some.graphs(some.scores(np.zeros((20_000, 1), np.float32), "cpu", None), noise, acting)[1]
    share = graph.mean(axis=0)
    assert abs(share[np.triu_indices(5, 1)] - 0.3).max() < 0.015 and not share[np.tril_indices(5)].any()
    given = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]], dtype=bool)
    fixed = GraphLaw(3, None, given)
    assert fixed.size == 0
    agent_at, graph = fixed.graphs((None, np.zeros((2, 3, 3))), None, np.ones((2, 3), dtype=bool))
    assert agent_at.tolist() == [[2, 1, 0]] * 2 and (graph == given).all()


def test_the_density_falls_in_forty_parts_and_then_its_weight_grows() -> None:
    """By the rules of the authors' code, step by step."""
    for total in (50, 250, 1_000, 2_500):
        wanted, weight = 1.0, 0.1
        falls, grows = max(int(0.6 * total / 80), 1), max(int(0.2 * total / 80), 1)
        for k in range(total):
            if k / total >= 0.4 and k % falls == 0:
                wanted = max(wanted - 1 / 40, 0.0)
            if k / total >= 0.7 and k % grows == 0:
                weight = min(weight + 0.9 / grows, 1.0)
            assert schedule(k, total, 40, 0.1, 1.0) == pytest.approx((wanted, weight), abs=1e-9)
        assert total < 100 or wanted == 0.0
