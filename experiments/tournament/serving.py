"""A worker process's side of an engine: load the tournament once, then play orders."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments.tournament.files import digest_of, files_of
from experiments.tournament.spec import Matches, Role, Spec
from experiments.tournament.wire import ordered, packed, result_message, unpacked
from experiments.tournament.worker import Worker, reason
from games.errors import InputError


def load_message(spec: Spec, allow_import: tuple[str, ...]) -> bytes:
    """What a worker process has to know before it can play."""
    return packed(
        {
            "spec": json.loads(json.dumps(asdict(spec))),
            "digest": spec.digest,
            "files": files_of(spec),
            "allow_import": list(allow_import),
            "path": [entry for entry in sys.path if isinstance(entry, str)],
            "folder": os.getcwd(),
            "sources": _sources(),
        }
    )


class Serving:
    """Plays the orders of one tournament.

    Parameters
    ----------
    message : bytes
        By `load_message`.

    Raises
    ------
    InputError
        If the tournament cannot be loaded here, or would not be the same one.
    """

    def __init__(self, message: bytes) -> None:
        order, _ = unpacked(message)
        _check_sources(order["sources"])
        spec = spec_from(order["spec"])
        _check_same(spec, order)
        self._worker = Worker.of(spec, tuple(order["allow_import"]))

    def play(self, message: bytes) -> bytes:
        """Play an order; the results as a message."""
        number, job = ordered(message)
        return result_message(number, self._worker.play(job))


def load(message: bytes) -> tuple[Serving | None, bytes]:
    """A `Serving` and the message that it is ready, or None and why not."""
    try:
        return Serving(message), packed({"ready": True})
    except InputError as error:
        return None, packed({"refused": str(error)})
    except Exception as error:
        return None, packed({"refused": f"a worker process cannot load the tournament: {reason(error)}"})


def stand_where(message: bytes) -> None:
    """Work where the process works that wrote the message: its folder, and what it can import, if that is here too."""
    order, _ = unpacked(message)
    sys.path.extend(entry for entry in order["path"] if entry not in sys.path)
    with contextlib.suppress(OSError):
        os.chdir(order["folder"])


def spec_from(document: dict[str, Any]) -> Spec:
    """A spec from its fields as plain data."""
    roles = tuple(
        Role(role["name"], tuple(role["seats"]), tuple((name, policy) for name, policy in role["agents"]))
        for role in document["roles"]
    )
    reach = document["payoff_range"]
    found = {
        "roles": roles,
        "matches": Matches(**document["matches"]),
        "payoff_range": reach and tuple(reach),
    }
    return Spec(**{**document, **found})


def _check_sources(wanted: str) -> None:
    if _sources() != wanted:
        raise InputError(
            f"the source files of staghunt on {platform.node()} are not those that the tournament was begun with; all "
            "machines need the same version"
        )


def _check_same(spec: Spec, order: dict[str, Any]) -> None:
    """`InputError` if this process would play something else than the one that ordered it."""
    if spec.digest != order["digest"]:
        raise InputError(
            f"{platform.node()} reads the tournament's spec differently; all machines need the same staghunt"
        )
    for path, digest in order["files"].items():
        if not Path(path).is_file():
            raise InputError(
                f"{platform.node()} does not see {path}; all machines must see the same files under the same paths"
            )
        if digest_of(Path(path)) != digest:
            raise InputError(f"{path} is not the same on {platform.node()} as where the tournament was begun")


def _sources() -> str:
    """A digest of the code that results depend on."""
    from experiments.bench.ledger import source_digest

    return source_digest(("games", "marl", "experiments/tournament"))
