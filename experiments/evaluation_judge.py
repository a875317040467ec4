"""Judging checkpoints of a run, one after another, all on the same episodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.evaluation import Gains, Judged
from experiments.progress import Reporter
from games.errors import InputError

if TYPE_CHECKING:
    from experiments.economy_episodes import EconomyLog
    from experiments.evaluation_graphs import Drawn
    from experiments.evaluation_rules import RulesJudged
    from experiments.evaluation_switch import SwitchJudged
    from experiments.film import Film
    from experiments.session import Session
    from experiments.switch_exact import ExactSwitch
    from games.play import Episodes


@dataclass(frozen=True)
class Asked:
    """What was asked about deviating: who learns responses, how long, on how many episodes they are measured, of whom."""

    responder: str | None
    steps: int | None
    episodes: int
    agents: tuple[str, ...]


@dataclass(frozen=True)
class Judge:
    """Judges checkpoints one after another, all on the same episodes.

    Parameters
    ----------
    run : Run
        Theirs.
    session : Session
        Its environment.
    greedy : bool or None
        Whether the likeliest actions are played; as the run says if None.
    dag, execution : str or None
        How teams draw their graph, and how switched ones and swarms are executed; as the run says, and in all ways, if
        None.
    device : str
        Where networks live.
    seed, episodes, batch : int
        Of the episodes.
    limit : int or None
        Where they are cut off.
    asked : Asked or None
        About deviating.
    figure : bool
        Whether the team shall be drawn.
    quiet : bool
        Whether nothing is said meanwhile.
    """

    run: Any
    session: Session
    greedy: bool | None
    dag: str | None
    execution: str | None
    device: str
    seed: int
    episodes: int
    batch: int
    limit: int | None
    asked: Asked | None
    figure: bool
    quiet: bool

    def __call__(self, seed: int, file: Path, film: Film | None) -> Judged:
        """Play the policies of a training seed, look at its graphs or its switch, and train responses if asked."""
        from experiments.evaluation_graphs import has_graph, in_way
        from experiments.evaluation_rules import has_rules
        from experiments.evaluation_switch import switched_team
        from experiments.training.runs import kept_by, team_of

        session = self.session
        learner: Any
        learner, _, state, team = team_of(
            self.run, file, device=self.device, greedy=self.greedy, env=session.seen
        )
        session.carried = kept_by(file)
        greedy = self.run.spec.training.greedy if self.greedy is None else self.greedy
        switched = switched_team(learner, state, greedy)
        apart = switched is None and not has_rules(learner)
        log = (
            self._log() if apart else None
        )  # those are executed in several ways, with no single economy to tell of
        if self.figure and apart and log is None and not has_graph(team):
            raise InputError(
                f"--figure: the agents of {file} play independently, without a graph or a switch, and not in an economy"
            )
        graphs: tuple[Drawn, ...] = ()
        switch: SwitchJudged | None = None
        rules: RulesJudged | None = None
        if switched is not None:
            own = self.execution or learner.execution
            results, switch = self._switched(switched, own, getattr(state, "steps", None), seed, film)
            if learner.control == "learned" and switch.facts is not None:
                exact = self._exact_switch(switched, learner.price_in_rewards(state))
                switch = replace(switch, exact=exact)
        elif has_rules(learner):
            results, rules = self._followed(learner, state, greedy, seed, film)
        else:
            session.team = in_way(team, self.dag, str(file))
            results = self._played(seed, film, log=log)
            graphs = self._graphs(file, seed, results)
        gains = None
        if self.asked is not None:
            with Reporter(self.quiet, "looking for what deviating gains") as progress:
                gains = self._gains(self.asked, progress)
        economy = None if log is None else log.episodes()
        return Judged(
            seed, file, getattr(state, "steps", None), results, gains, graphs, switch, rules, economy
        )

    def _log(self) -> EconomyLog | None:
        """Who looks at economies when their episodes end; nobody where there are none."""
        from experiments.economy_episodes import EconomyLog, economy_kind

        env = self.session.seen
        return None if economy_kind(env) is None else EconomyLog(env, self.limit)

    def _played(
        self,
        seed: int,
        film: Film | None = None,
        how: str = "",
        batch: int | None = None,
        log: EconomyLog | None = None,
    ) -> Episodes:
        """The episodes of the session's team."""
        session = self.session
        with Reporter(self.quiet, f"playing {session.spec.name}, seed {seed}{how}") as progress:
            try:
                return session.play(
                    self.seed, self.episodes, batch or self.batch, self.limit, film, progress, log
                )
            except MemoryError:
                raise InputError(
                    "not enough memory for this; play fewer episodes at once (--batch)"
                ) from None

    def _graphs(self, file: Path, seed: int, results: Episodes) -> tuple[Drawn, ...]:
        """The team with its graph drawn in all ways that are wanted; `results` are those of its own."""
        from experiments.evaluation_graphs import measured, ways_of

        session, out = self.session, []
        own: Any = session.team
        for way in ways_of(own, self.dag):
            if way != own.execution:
                session.team = own.with_execution(way)
                results_of_way, session.team = self._played(seed), own
            else:
                results_of_way = results
            with Reporter(self.quiet, f"measuring {way} graphs, seed {seed}") as progress:
                out.append(
                    measured(
                        self.run,
                        file,
                        session.seen,
                        way,
                        results_of_way,
                        seed=self.seed,
                        device=self.device,
                        progress=progress,
                    )
                )
        return tuple(out)

    def _switched(
        self, team: Any, own: str, trained: int | None, seed: int, film: Film | None
    ) -> tuple[Episodes, SwitchJudged]:
        """A switched team, executed in all ways that are wanted; the session is left with it as `own` says."""
        import numpy as np

        from experiments.evaluation_switch import WAYS, Executed, SwitchJudged, in_execution
        from experiments.switch_facts import facts_of
        from experiments.switch_log import CallLog

        session = self.session
        coin = team.decider.chance if team.decider.network is None else None
        wanted: tuple[str, ...] = WAYS if self.execution is None else (self.execution,)
        if coin is not None and self.execution is None:  # chance decides in any case
            wanted = tuple(way for way in WAYS if way != "random")
        log = CallLog(session.seen, team, np.random.default_rng([self.seed, *b"calls"]))
        executed: dict[str, Executed] = {}
        for way in WAYS:
            if way not in wanted and not (way == "switched" and "random" in wanted):
                continue
            chance = executed["switched"].call_fraction if way == "random" else None
            player: Any = log.watched if way == "switched" else in_execution(team, way, chance)
            session.team = player
            results = self._played(seed, film if way == own else None, f", {way}")
            executed[way] = Executed(way, results, chance)
        mine = executed[own]
        session.team = in_execution(team, own, mine.chance)
        asked = "switched" in executed and coin is None
        facts = replace(facts_of(log.visits()), trained=trained) if asked else None
        told = tuple(executed[way] for way in wanted)
        return mine.episodes, SwitchJudged(own, told, team.limit, facts, coin=coin)

    def _followed(
        self, learner: Any, state: Any, greedy: bool, seed: int, film: Film | None
    ) -> tuple[Episodes, RulesJudged]:
        """A swarm that follows rules, executed in all ways that are wanted; the session is left with it in its own."""
        from experiments.evaluation_rules import WAYS, Followed, RulesJudged, read_ways
        from experiments.swarm_players import at_once

        session, team = self.session, learner.team(state, greedy)
        asked = read_ways(learner, self.run.spec.name, self.execution)
        own = asked[0] if asked and learner.execution not in asked else learner.execution
        teams = {way: team.apart() if way == "open" else team.executed(way) for way in asked or WAYS}
        executions = []
        for way, player in teams.items():
            session.team = player
            numbers = learner.rule_family(session.spec).size if way == "ind" else 0
            batch = at_once(session.spec, numbers, self.batch)
            results = self._played(seed, film if way == own else None, f", {way}", batch)
            executions.append(Followed(way, results))
        session.team = teams[own]
        mine = next(one.episodes for one in executions if one.way == own)
        return mine, RulesJudged(own, tuple(executions), learner.surrogate)

    def _exact_switch(self, team: Any, price: float) -> ExactSwitch | None:
        """The switch beside the best one for its two teams, where that can be computed."""
        from experiments.read_off import NotExact
        from experiments.switch_exact import exact_switch

        try:
            return exact_switch(self.session.seen, team, price)
        except NotExact:
            return None

    def _gains(self, asked: Asked, progress: Any) -> Gains:
        from experiments.economy_episodes import ONE_STEP, economy_kind
        from experiments.economy_gains import tax_gains
        from experiments.evaluation_rules import has_rules
        from experiments.exact_gains import NotExact, exact_gains
        from experiments.guard import note
        from experiments.learned_gains import (
            RESPONDER,
            STEPS,
            check_agents,
            learned_gains,
            make_responder,
        )
        from games.carrying import carrying

        env, team, exact, tax, why = self.session.seen, self.session.team, None, None, ""
        if asked.responder is not None:
            make_responder(asked.responder, env.spec, 1)  # complains at once
        check_agents(env.spec, asked.agents)
        try:
            if economy_kind(env) == ONE_STEP:
                tax = tax_gains(env, team, self.seed, progress)
            else:
                exact = exact_gains(env, team, progress)
        except NotExact as reason:
            why = str(reason)
        if (exact or tax) is not None and asked.responder is None:
            if asked.steps is not None or asked.agents:
                note(
                    "gains are exact here, so --steps and --agent change nothing; --responder learns them too",
                    self.quiet,
                )
            return Gains(exact, None, tax=tax)
        agents = asked.agents
        if not agents and has_rules(self.run.spec.learner):
            agents = env.spec.agents[:1]
            note(
                f"agents of a swarm are alike: {agents[0]} stands for all {len(env.spec.agents):,}",
                self.quiet,
            )
        learned = learned_gains(
            carrying(env, self.session.carried),
            team,
            responder=asked.responder or RESPONDER,
            steps=asked.steps or STEPS,
            episodes=asked.episodes,
            seed=self.seed,
            agents=agents,
            recurrent=bool(getattr(self.run.spec.learner, "recurrent", False)),
            max_steps=self.limit,
            device=self.device,
            progress=progress,
        )
        return Gains(exact, learned, why, tax)
