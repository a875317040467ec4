"""Games as data: normal-form games, where they come from, and how strategies are laid out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from games.errors import InputError as InputError
    from games.joint import Joint as Joint
    from games.joint import Mixture as Mixture
    from games.load import catalogue as catalogue
    from games.load import load as load
    from games.normal import NormalFormGame as NormalFormGame
    from games.save import save as save

_HOMES = {
    "InputError": "games.errors",
    "Joint": "games.joint",
    "Mixture": "games.joint",
    "NormalFormGame": "games.normal",
    "catalogue": "games.load",
    "load": "games.load",
    "save": "games.save",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'games' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
