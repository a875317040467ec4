"""What the command line of `staghunt tournament` asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.tournament.agents import IMPORT
from experiments.tournament.engine import Labour
from experiments.tournament.folder import read_spec
from experiments.tournament.spec import Spec
from experiments.training.layers import short
from experiments.training.provenance import usable_cores
from experiments.training.yaml_text import parse
from games.errors import InputError


@dataclass(frozen=True)
class Wish:
    """The command line.

    Parameters
    ----------
    spec : Path or None
        The YAML file.
    out, resume : Path or None
        Folder of a new tournament, and of one to go on with.
    engine, address, workers
        Who works; as many workers as cores, once that pays, if None.
    seed, matches : int or None
        Instead of those in the file.
    assignments : tuple of str
        Of ``--set``.
    allow_import : tuple of str
        Packages that may be imported.
    """

    spec: Path | None
    out: Path | None = None
    resume: Path | None = None
    engine: str = "local"
    address: str | None = None
    workers: int | None = None
    seed: int | None = None
    matches: int | None = None
    assignments: tuple[str, ...] = ()
    allow_import: tuple[str, ...] = ()

    def labour(self, spec: Spec) -> Labour:
        """Who works.

        Code of the user's may end its process, so if we choose, it never plays in this one where there is another core.
        """
        workers = usable_cores() if self.workers is None else self.workers
        foreign = any(policy.startswith(IMPORT) for role in spec.roles for _, policy in role.agents)
        gradual = self.workers is None and not foreign
        return Labour(self.engine, workers, self.address, self.allow_import, gradual)


def asked_for(wish: Wish) -> Spec:
    """The spec of the file, under what the command line says."""
    assert wish.spec is not None
    return read_spec(wish.spec, lambda document: changed(document, wish))


def changed(document: Any, wish: Wish) -> Any:
    """The document with what the command line says instead."""
    if not isinstance(document, Mapping):
        return document  # the reader says what is wrong with it
    out = dict(document)
    for text in wish.assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(
                f"--set {short(text)} is not of the form key=value, such as matches.half_width=0.05"
            )
        _put(out, key.strip(), parse(value, f"--set {key.strip()}"))
    if wish.matches is not None:
        out["matches"] = wish.matches
    if wish.seed is not None:
        out["seed"] = wish.seed
    return out


def _put(document: dict[str, Any], key: str, value: Any) -> None:
    """Set a key, or one of a section: ``matches.focus``, or ``agents.NAME``, whatever the name."""
    section, dot, name = key.partition(".")
    if not dot:
        document[key] = value
        return
    before = document.get(section)
    if section == "agents" and isinstance(before, list):
        before = {policy: policy for policy in before if isinstance(policy, str)}
    document[section] = {**(before if isinstance(before, Mapping) else {}), name: value}


def check(wish: Wish) -> None:
    """Refuse a command line that makes no sense, before anything is read."""
    if wish.spec is None and wish.resume is None:
        raise InputError("give the SPEC.yaml of a tournament, or --resume RUN to go on with one")
    given = ["--out"] * (wish.out is not None)
    if wish.spec is None:
        options = {"--seed": wish.seed, "--matches": wish.matches, "--set": wish.assignments or None}
        given += [name for name, value in options.items() if value is not None]
    if wish.resume is not None and given:
        raise InputError(
            f"--resume goes on with what the tournament was asked to do, so {given[0]} cannot be given with it"
        )
    if wish.address is not None and wish.engine != "ray":
        raise InputError("--address is that of a Ray cluster; give --engine ray with it")
    if wish.engine == "ray":
        from experiments.training.cluster import check_ray

        check_ray()
        if wish.address is not None:
            from experiments.tournament.engine_ray import check_reachable

            check_reachable(wish.address)
