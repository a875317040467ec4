"""Particle worlds: discs that push themselves about a plane and bump into each other, after MPE.

Mordatch and Abbeel (2018) and Lowe et al. (2017) made them; the rules here are those of the package mpe2, step by step.
``mpe:simple-spread?N=3``, ``mpe:simple-tag``, ``mpe:simple-speaker-listener``, each with ``continuous=true`` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from games.env import EnvSpec
from games.errors import InputError
from games.sims.particles_setup import SETUPS, Setup, Spread, Tag, read_setup
from games.sims.particles_speaker import SpeakerRules
from games.sims.particles_spread import SpreadRules
from games.sims.particles_tag import TagRules
from games.sims.simulation import Simulation
from games.uri import split_query

EXAMPLES = (
    "mpe:simple-spread?N=3",
    "mpe:simple-spread?N=3&continuous=true",
    "mpe:simple-tag",
    "mpe:simple-speaker-listener",
)


def make(name: str, parameters: Mapping[str, Any]) -> Simulation:
    """A particle world.

    Parameters
    ----------
    name : str
        ``simple-spread``, ``simple-tag`` or ``simple-speaker-listener``; ``simple_spread`` and ``simple_spread_v3``, as
        mpe2 calls them, do as well.
    parameters : mapping
        Those of `games.sims.particles_setup`, as text or Python values.

    Raises
    ------
    InputError
        If there is no such world, or a parameter is unknown or out of range.

    Examples
    --------
    >>> make("simple_spread", {"N": 2}).spec.groups[0].observation
    (12,)
    """
    return simulate_particles(read_setup(name, parameters))


def simulate_particles(setup: Setup) -> Simulation:
    """The environment of a particle world with this setup."""
    if isinstance(setup, Spread):
        return Simulation(SpreadRules(setup))
    if isinstance(setup, Tag):
        return Simulation(TagRules(setup))
    return Simulation(SpeakerRules(setup))


def setup_of(spec: EnvSpec) -> Setup:
    """The setup of a particle world from its spec, whose name is its URI; `InputError` if it is none."""
    scheme, _, rest = spec.name.partition(":")
    if scheme.lower() != "mpe":
        raise InputError(f"{spec.name} is no particle world; expected mpe:{', mpe:'.join(SETUPS)}")
    name, _, query = rest.partition("?")
    return read_setup(name, split_query(query, spec.name))
