"""The tournament's workers on a Ray cluster, or on a Ray that is started here and ends with the tournament.

All machines need the same staghunt and must see the agents' files under the same paths; both is checked when a worker
loads the tournament.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments.tournament.dispatch import Dispatch, Lost
from experiments.tournament.engine_actor import Player
from experiments.tournament.serving import load_message
from experiments.tournament.spec import Spec
from experiments.tournament.wire import packed
from experiments.tournament.worker import Worker
from experiments.training.cluster import check_ray
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.tournament.engine import Labour

OFTEN = 1.0
"""Seconds after which a silent cluster gives control back for a moment."""
REACH = 5.0
"""Seconds in which a cluster has to answer."""
OBJECTS = 128 * 2**20
"""Bytes of object store of a Ray that is started here: results of a few jobs."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # sends nothing to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class RayEngine(Dispatch):
    """Plays jobs in actors of a Ray cluster; see `experiments.tournament.engine.Engine`.

    Parameters
    ----------
    labour : Labour
        How many actors, the cluster's address, and what may be imported.
    spec : Spec
        The tournament.
    worker : Worker
        One in this process; not used.

    Raises
    ------
    InputError
        If Ray is not installed.
    """

    def __init__(self, labour: Labour, spec: Spec, worker: Worker) -> None:
        check_ray()
        self.actors = Actors(load_message(spec, labour.allow_import), labour.workers, labour.address)
        super().__init__(self.actors, labour.workers)


@dataclass(eq=False)
class Link:
    """An actor and what is still awaited from it."""

    actor: Any
    references: deque[Any] = field(default_factory=deque)


class Actors:
    """Ray actors; a `Transport`. Ray is started, or joined, with the first of them.

    Parameters
    ----------
    first : bytes
        The message that each gets before any order.
    workers : int
        Processors of a Ray that is started here.
    address : str or None
        Of a cluster.
    """

    def __init__(self, first: bytes, workers: int, address: str | None) -> None:
        self._first, self._workers, self._address = first, workers, address
        self.links: list[Link] = []
        self._awaited: dict[Any, Link] = {}
        self._own = False
        self._kind: Any = None

    def start(self) -> Link:
        """See `Transport`; `InputError` if there is no such cluster."""
        if self._kind is None:
            self._own = join(self._workers, self._address)
            self._kind = _actor_kind()
        link = Link(self._kind.remote())
        self.links.append(link)
        self._await(link, link.actor.load.remote(self._first))
        return link

    def give(self, link: Link, message: bytes) -> None:
        """See `Transport`."""
        self._await(link, link.actor.play.remote(message))

    def hear(self) -> list[tuple[Link, bytes | Lost]]:
        """See `Transport`."""
        import ray

        done, _ = ray.wait(list(self._awaited), num_returns=1, timeout=OFTEN)
        if done:  # what else is there already
            done, _ = ray.wait(list(self._awaited), num_returns=len(self._awaited), timeout=0)
        out: list[tuple[Link, bytes | Lost]] = []
        lost: dict[Link, Lost] = {}
        for reference in done:
            link = self._awaited.pop(reference)
            link.references.remove(reference)
            told = _told(reference)
            if isinstance(told, Lost):
                lost.setdefault(link, told)
            else:
                out.append((link, told))
        return out + list(lost.items())

    def drop(self, link: Link) -> None:
        """See `Transport`."""
        import ray

        self.links.remove(link)
        for reference in link.references:
            self._awaited.pop(reference, None)
        with contextlib.suppress(Exception):  # it is gone already
            ray.kill(link.actor)

    def close(self) -> None:
        """See `Transport`."""
        if self._kind is None:
            return
        import ray

        while self.links:
            self.drop(self.links[-1])
        self._kind = None
        if self._own:
            ray.shutdown()

    def _await(self, link: Link, reference: Any) -> None:
        link.references.append(reference)
        self._awaited[reference] = link


def _actor_kind() -> Any:
    import ray

    return ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Player)


def _told(reference: Any) -> bytes | Lost:
    """What a reference holds; a loss if its actor, its machine or the object is gone."""
    import ray

    try:
        told: bytes = ray.get(reference)
        return told
    except ray.exceptions.RayTaskError as error:  # an exception there; policies' own are results
        cause = " ".join(str(error.cause).split())[:300]
        return packed({"refused": f"a Ray worker cannot work: {type(error.cause).__name__}: {cause}"})
    except ray.exceptions.RayError as error:
        return Lost(f"Ray: {type(error).__name__}")


def join(workers: int, address: str | None) -> bool:
    """Connect to a cluster, or start one here; whether it is ours to end.

    Raises
    ------
    InputError
        If there is no cluster at the address, or none can be started.
    """
    import ray

    if ray.is_initialized():
        return False
    common: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "configure_logging": True,
    }
    with _environment(_QUIET):
        try:
            if address is None:
                ray.init(
                    "local", num_cpus=workers, include_dashboard=False, object_store_memory=OBJECTS, **common
                )
            else:
                check_reachable(address)
                ray.init(address, **common)
            if not ray.cluster_resources().get("CPU"):
                raise InputError(f"the Ray cluster at {address} has no processors")
        except InputError:
            ray.shutdown()
            raise
        except Exception as error:  # ConnectionError, RuntimeError, ValueError, its own
            ray.shutdown()
            raise InputError(_refusal(address, error)) from None
        except BaseException:
            ray.shutdown()
            raise
    return True


def _refusal(address: str | None, error: Exception) -> str:
    told = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if address is None:
        return f"Ray cannot be started here: {told}"
    if address == "auto" and isinstance(error, ConnectionError):
        return "there is no Ray cluster on this machine; start one by `ray start --head`, or leave out the address"
    return f"there is no Ray cluster at {address}: {told}"


def check_reachable(address: str) -> None:
    """`InputError` unless a cluster answers at an address such as 10.0.0.1:6379 or ray://head:10001.

    Ray itself goes on trying for minutes, also where something else is listening.
    """
    if address in ("auto", "local"):
        return
    place = address.removeprefix("ray://")
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(
            f"{address!r:.80} is no address of a Ray cluster; expected auto, HOST:PORT or ray://HOST:PORT"
        )
    try:
        import grpc
    except ImportError:  # then it takes Ray's own time
        return
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return
    with grpc.insecure_channel(place, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=REACH)
        except grpc.RpcError as error:
            code = error.code()
            foreign = code is grpc.StatusCode.UNIMPLEMENTED and place == address
            if foreign or code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                what = "something else answers" if foreign else "nothing answers"
                raise InputError(f"there is no Ray cluster at {address}: {what} there") from None


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables that Ray reads when it starts; what the user has set stays."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
