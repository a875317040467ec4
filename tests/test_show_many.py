"""Lists of solutions, fits, gaps and Markov and mean-field games as HTML: right numbers, safe against names from files."""

from __future__ import annotations

import numpy as np
import pytest
from balanced_html import read

from games import load
from games.efg import parse_efg
from games.markov import MarkovGame
from games.meanfield import MeanFieldModel
from games.nfg import parse_nfg
from games.normal import NormalFormGame
from games.tree_build import from_efg
from solvers import all_nash, cce, ce, cfr, fit_qre, pure_nash, trace_qre
from solvers.network_gap import NetworkGap
from solvers.solution import Solutions
from solvers.taxation_certificate import TaxCertificate
from solvers.tree_qre import fit_agent_qre

NASTY = "<script>alert('x')</script>&"
CHICKEN = NormalFormGame.symmetric(
    [[6, 2], [7, 0]], players=(NASTY, "B"), actions=(("Yield", NASTY), ("Yield", "Dare")), title=NASTY
)


def shown(thing: object) -> str:
    """What a notebook shows of it, as text; refused if it is not well-formed or a name got through."""
    html = thing._repr_html_()  # type: ignore[attr-defined]
    assert "<script>" not in html
    return read(html)


def test_all_equilibria_stand_side_by_side() -> None:
    found = all_nash(CHICKEN)
    assert isinstance(found, tuple) and found[:1] == (found[0],)
    text = shown(found)
    assert f"3 Nash equilibria of {NASTY}" in text and text.count("0.666667") == 2
    assert text.count("4.666667") == 2 and "Largest regret" in text and "Status" not in text


def test_continua_and_long_lists_say_so() -> None:
    flat = NormalFormGame(np.ones((2, 1, 40)), title="flat")
    text = shown(pure_nash(flat))
    assert "40 Nash equilibria of flat (the first 12 of them)" in " ".join(text.split())
    assert "and 10 more" in text  # of 40 actions
    ties = all_nash(NormalFormGame(np.ones((2, 2, 2))))
    assert "degenerate" in shown(ties)
    assert "No solution" in shown(Solutions())
    assert "1 Nash equilibrium of " in shown(all_nash(load("zoo:matching-pennies")))


def test_points_of_a_branch_are_told_apart_by_lambda() -> None:
    text = shown(trace_qre(CHICKEN).at([0.5, 1.0]))
    assert "λ = 0.5" in text and "λ = 1" in text
    assert "0.571151" in text  # Chicken at lambda 1, from the equation log(p / (1 - p)) = lambda (2 - 3 p)


def test_correlated_play_stands_side_by_side_under_its_objectives() -> None:
    nash = all_nash(CHICKEN)[1]
    text = " ".join(shown(Solutions([cce(CHICKEN, "welfare"), ce(CHICKEN, "min-welfare"), nash])).split())
    assert f"3 solutions of {NASTY}" in text and "CCE, welfare CE, min-welfare NASH" in text
    assert (
        f"{NASTY} Yield 0.250000 0.400000 0.222222" in text
    )  # the row player dares, the column player yields
    assert "Sum 10.5 7.2 9.333333" in text and text.count("Largest regret") == 1
    wide = NormalFormGame(np.ones((2, 6, 6)))
    even = cce(wide, "entropy")
    assert "and 6 more" in shown(Solutions([even])) and "0.1666667" in shown(Solutions([even]))


def test_what_does_not_fit_into_a_table_is_shown_one_by_one() -> None:
    kuhn = load("openspiel:kuhn_poker")
    text = shown(Solutions([cfr(kuhn, tolerance=0.01)] * 4))
    assert text.count("Certificate") == 3 and "and 1 more" in text and "Information set" in text


# --- fits -------------------------------------------------------------------------------------------------


def test_fits_show_the_estimate_and_both_frequencies() -> None:
    text = shown(fit_qre(CHICKEN, [60, 40, 55, 45]))
    fit = fit_qre(CHICKEN, [60, 40, 55, 45])
    assert f"{fit.lam:.7g}" in text and "200 choices" in text and NASTY in text
    assert "0.600000" in text and f"{fit.profile[0]:.6f}" in text and "95% interval" in text
    assert f"{fit.log_likelihood_uniform:.6f}" in text
    assert f"{200 * np.log(0.5):.6f}" in text


def test_fits_at_the_ends_have_no_error_and_no_bound() -> None:
    dilemma = NormalFormGame.symmetric([[3, 0], [5, 1]])
    text = shown(fit_qre(dilemma, [0, 50, 0, 50]))
    assert "infinity" in text and "standard error" not in text


def test_fits_on_trees_leave_out_what_was_not_observed() -> None:
    inside = 'p "" 2 1 "second" { "c" "d" } 0 t "" 1 "" { 2 1 } t "" 2 "" { 0 2 }'
    tree = from_efg(
        parse_efg(f'EFG 2 R "" {{ "A" "B" }} p "" 1 1 "first" {{ "a" "b" }} 0 {inside} t "" 3 "" {{ 1 1 }}')
    )
    text = shown(fit_agent_qre(tree, [0, 0, 3, 9], lambda_max=2.0))
    assert "B: second" in text and "12 choices" in text and "0.250000" in text and "first" not in text


# --- gaps and certificates of other kinds -----------------------------------------------------------------


def test_gaps_and_certificates_of_taxes() -> None:
    gap = NetworkGap(np.array([1.0, 2.0]), np.array([1.5, 2.0]), 1e-9)
    assert "Nash gap" in shown(gap) and "0.5" in shown(gap) and "1e-09" in shown(gap)
    taxes = TaxCertificate(
        "0",
        np.array([0.1, 0.25]),
        np.array([0.0, 3.5]),
        0.01,
        80.0,
        81.0,
        np.zeros(2),
        82.0,
        1.0,
        None,
        "lower",
    )
    text = shown(taxes)
    assert "10%, 25%" in text and "at least 1" in text and "3.5 coin" in text


# --- games that are played in states ----------------------------------------------------------------------


def test_markov_games_show_themselves() -> None:
    move = np.zeros((2, 1, 2, 2))
    move[..., 1] = 1.0
    game = MarkovGame(
        move,
        np.arange(8.0).reshape(2, 2, 1, 2),
        [0.75, 0.25],
        horizon=4,
        players=(NASTY, "B"),
        states=(NASTY, "end"),
        title=NASTY,
    )
    text = shown(game)
    assert "2 players, 2 states, 2 joint actions, 4 steps" in text
    assert f"{NASTY} (0.75), end (0.25)" in text and "4 to 7" in text
    again = MarkovGame.repeated(parse_nfg('NFG 1 R "" { "A" } { 2 } 1 5'), discount=0.5)
    assert "1 player, 1 state, 2 joint actions, discount 0.5" in shown(again)


@pytest.mark.parametrize("states", [2, 50])
def test_mean_field_models_show_themselves(states: int) -> None:
    stay = np.repeat(np.eye(states)[:, None], 2, axis=1)
    model = MeanFieldModel(
        np.full(states, 1 / states),
        stay,
        lambda mu, nu: -np.repeat(mu[:, :, None], 2, axis=2),
        horizon=3,
        title=NASTY,
        state_names=tuple(f"{NASTY}{k}" for k in range(states)),
        discount=0.9,
    )
    text = shown(model)
    assert f"{states} states, 2 actions, 3 steps, discount 0.9" in text and f"{NASTY}1 (" in text
    assert ("and 30 more" in text) == (states == 50)
