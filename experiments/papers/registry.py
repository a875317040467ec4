"""All papers whose claims can be measured, by name."""

from __future__ import annotations

from difflib import get_close_matches

from experiments.papers import bayes_net, decpomfc, economist, mansa
from experiments.papers.claims import Claim, Paper
from games.errors import InputError

_ALL = (bayes_net.PAPER, mansa.PAPER, decpomfc.PAPER, economist.PAPER)
PAPERS: dict[str, Paper] = {paper.name: paper for paper in _ALL}


def paper_of(name: str) -> Paper:
    """The paper of this name; `InputError` with the nearest one if there is none."""
    chosen = name.strip().lower()
    if chosen not in PAPERS:
        raise InputError(f"there is no paper {name!r:.60}; {_hint(chosen, PAPERS)}")
    return PAPERS[chosen]


def claims_of(paper: Paper, keys: list[str]) -> list[Claim]:
    """The claims that are meant, in the paper's order; all of them for no keys.

    Parameters
    ----------
    paper : Paper
        Whose claims.
    keys : list of str
        Of ``--only``: keys, or several in one with commas.
    """
    wanted = [key.strip().lower() for text in keys for key in text.split(",") if key.strip()]
    if keys and not wanted:
        raise InputError(f"--only names no claim; {paper.name} has {', '.join(c.key for c in paper.claims)}")
    known = {claim.key: claim for claim in paper.claims}
    for key in wanted:
        if key not in known:
            raise InputError(f"--only: {paper.name} has no claim {key!r:.60}; {_hint(key, known)}")
    return [claim for claim in paper.claims if not wanted or claim.key in wanted]


def _hint(name: str, known: dict[str, Paper] | dict[str, Claim]) -> str:
    near = get_close_matches(name, known, 1, 0.5)
    return (
        f"did you mean {near[0]}?"
        if near
        else f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}"
    )
