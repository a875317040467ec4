"""Which page of the documentation an error points to: that of the module that refuses, else that of the command."""

from __future__ import annotations

from types import TracebackType

COMMANDS = {
    "bench": "benchmarks",
    "certify": "solvers/certificates",
    "compare": "guides/marl-researchers",
    "convert": "guides/command-line",
    "evaluate": "guides/marl-researchers",
    "fit": "solvers/qre-fit",
    "games": "guides/command-line",
    "info": "guides/command-line",
    "play": "guides/command-line",
    "psro": "algorithms/psro",
    "qre": "solvers/qre",
    "report": "guides/tournaments",
    "reproduce": "guides/reproducing-papers",
    "solve": "solvers/index",
    "tournament": "guides/tournaments",
    "train": "guides/marl-researchers",
}
MODULES = {
    "games.env_uris": "guides/command-line",
    "games.from_axelrod": "guides/tournaments",
    "games.csv_tables": "guides/game-theorists",
    "games.efg": "guides/game-theorists",
    "games.from_files": "guides/game-theorists",
    "games.from_gymnasium": "guides/your-own-environment",
    "games.from_packages": "guides/your-own-environment",
    "games.from_pettingzoo": "guides/your-own-environment",
    "games.load": "guides/command-line",
    "games.nfg": "guides/game-theorists",
    "games.tables": "guides/game-theorists",
    "games.uri": "guides/command-line",
    "marl.bayes_net": "bayes-net",
    "marl.decpomfc": "dec-pomfc",
    "marl.economist": "ai-economist",
    "marl.mansa": "mansa",
    "marl.mixers": "algorithms/q-learning",
    "marl.ppo": "algorithms/ppo",
    "marl.qlearning": "algorithms/q-learning",
    "solvers.alpharank": "solvers/alpharank",
    "solvers.averaging": "solvers/zero-sum",
    "solvers.certificate": "solvers/certificates",
    "solvers.cfr": "solvers/cfr",
    "solvers.correlated": "solvers/correlated",
    "solvers.correlation_plans": "solvers/efce",
    "solvers.dynamics": "solvers/dynamics",
    "solvers.efce": "solvers/efce",
    "solvers.mccfr": "solvers/mccfr",
    "solvers.meanfield": "solvers/mean-field",
    "solvers.mirror": "solvers/mirror-descent",
    "solvers.nash": "solvers/nash",
    "solvers.network": "solvers/markov-and-networks",
    "solvers.qre": "solvers/qre",
    "solvers.qre_fit": "solvers/qre-fit",
    "solvers.sequence": "solvers/sequence-form",
    "solvers.switching": "solvers/switching",
    "solvers.taxation": "solvers/taxation",
    "solvers.tree_nash": "solvers/sequence-form",
    "solvers.tree_qre": "solvers/tree-qre",
    "solvers.zero_sum": "solvers/zero-sum",
}
"""By module; the modules inside it, and those that begin with its name and an underscore, are meant too."""


def pointed(sentence: str, command: str, trace: TracebackType | None) -> str:
    """An error's sentence with the page that tells more, if there is one.

    Parameters
    ----------
    sentence : str
        What is wrong.
    command : str
        Which of `staghunt`'s commands refuses.
    trace : traceback, optional
        Where the error was raised.
    """
    from experiments.pages import exists

    page = page_of_trace(trace) or COMMANDS.get(command, "")
    if not page or not exists(page):
        return sentence
    return f"{sentence} (see 'staghunt docs {page.removesuffix('/index')}')"


def page_of_trace(trace: TracebackType | None) -> str:
    """The page of the innermost module on the way that has one; "" if none has."""
    found = ""
    while trace is not None:
        found = page_of_module(trace.tb_frame.f_globals.get("__name__", "")) or found
        trace = trace.tb_next
    return found


def page_of_module(name: str) -> str:
    """The page of a module: of the longest name in `MODULES` that it is, lies in or begins with.

    >>> [page_of_module(name) for name in ("solvers.qre_fit", "solvers.qre_trace", "solvers.pure")]
    ['solvers/qre-fit', 'solvers/qre', '']
    """
    fitting = [key for key in MODULES if name == key or name.startswith((f"{key}.", f"{key}_"))]
    return MODULES[max(fitting, key=len)] if fitting else ""
