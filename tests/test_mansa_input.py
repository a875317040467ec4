"""MANSA told badly, on the command line, in files and by other programs: one sentence each, and nothing left behind."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from command_line import Staghunt

from experiments.training.config import spec_of, spec_of_document
from experiments.training.layers import from_assignments, from_mapping, from_options, merged
from experiments.training.listing import list_options
from experiments.training.runs import read_run
from experiments.training.settings import Spec
from games import make_env
from games.errors import InputError
from marl.learners import LEARNERS, PARTS
from marl.mansa import WITHIN, Mansa
from marl.ppo import PPO
from marl.qlearning import QLearning

MANSA: Any = Mansa
PPO_: Any = PPO
QLEARNING: Any = QLearning

COOP = "foraging:5x5-2p-1f-coop"
PUSHED = "mpe:simple-spread?N=3&continuous=true"
PAIRS = list(product(PARTS["independent"], PARTS["central"]))
SHORT = ("--steps", 400, "--set", "training.episodes=4", "--set", "training.batch=4")
TINY = (
    "learner.independent.hidden=[8]",
    "learner.central.hidden=[8]",
    "learner.independent.rollout=10",
    "learner.central.rollout=10",
)


def sets(*assignments: str) -> list[str]:
    return [word for one in assignments for word in ("--set", one)]


def asked(*assignments: str, env: str = COOP) -> Spec:
    options = from_options({"learner.name": ("mansa", "LEARNER"), "env": (env, "ENV")})
    return spec_of(merged([options, from_assignments(assignments)]))


# --- settings -----------------------------------------------------------------------------------------------

BAD = [
    (["learner.cost=-1"], "--set: learner.cost is -1, expected a number of at least 0"),
    (["learner.cost=cheap"], "--set: learner.cost is 'cheap', expected a number"),
    (["learner.cost=.nan"], "--set: learner.cost is nan, not a finite number"),
    (["learner.budget=-1"], "--set: learner.budget is -1, expected a number of at least 0"),
    (["learner.budget=2.5"], "--set: learner.budget is 2.5, expected a whole number"),
    (["learner.budget_scope=day"], "--set: learner.budget_scope is 'day', expected episode or run"),
    (["learner.control=me"], "expected learned, random, independent or central"),
    (["learner.fraction=1.5"], "--set: learner.fraction is 1.5, expected a number of at most 1"),
    (["learner.independent=mansa"], "--set: learner.independent is 'mansa', expected iql or ippo"),
    (["learner.independent=bayes-net"], "--set: learner.independent is 'bayes-net', expected iql or ippo"),
    (["learner.independent=nobody"], "--set: learner.independent is 'nobody', expected iql or ippo"),
    (["learner.independent=3"], "--set: learner.independent is 3, expected iql or ippo"),
    (["learner.independent=[iql]"], "--set: learner.independent is ['iql'], expected iql or ippo"),
    (["learner.independent=true"], "--set: learner.independent is true, expected iql or ippo"),
    (["learner.independent.name=3"], "--set: learner.independent is 3, expected iql or ippo"),
    (["learner.independent=qmix"], "--set: learner.independent is 'qmix', expected iql or ippo"),
    (["learner.independent=ipo"], "is 'ipo', expected iql or ippo; did you mean ippo?"),
    (["learner.central=iql"], "--set: learner.central is 'iql', expected vdn, qmix or mappo"),
    (["learner.central=mapo"], "expected vdn, qmix or mappo; did you mean mappo?"),
    (["learner.independent.foo=1"], "unknown key 'learner.independent.foo'; `staghunt train mansa --options`"),
    (["learner.independent.hiden=[8]"], "did you mean learner.independent.hidden?"),
    (["learner.central.lr=1"], "did you mean learner.central.learning_rate?"),
    (["learner.hidden=[8]"], "did you mean learner.independent.hidden or learner.central.hidden?"),
    (["learner.independent.epochs=3"], "unknown key 'learner.independent.epochs'; it is a setting of ippo, not of iql"),
    (["learner.central.epochs=3"], "unknown key 'learner.central.epochs'; it is a setting of mappo, not of qmix"),
    (["learner.independent.independent=iql"], "unknown key 'learner.independent.independent'"),
    (["learner.independnt=ippo"], "unknown key 'learner.independnt'; did you mean learner.independent?"),
    (["central=mappo"], "unknown key 'central'; did you mean learner.central?"),
    (["learner.independent.name.x=1"], "did you mean learner.independent.name?"),
    (["learner.independent.mixer=sum"], "learner.independent.mixer is 'none' for iql, not 'sum'"),
    (["learner.central.mixer=sum"], "'monotonic' for qmix, not 'sum'; that would be vdn"),
    (
        ["learner.independent=ippo", "learner.independent.critic=state"],
        "--set: learner.independent.critic is 'observation' for ippo, not 'state'",
    ),
    (["learner.switch=dqn"], "learner.switch is 'dqn', not a section of settings such as learner.switch.method"),
    (["learner.switch.method=ppo"], "--set: learner.switch.method is 'ppo', expected dqn or sac"),
    (["learner.switch.hidden=[]"], "--set: learner.switch.hidden is [], expected a list of at least 1"),
    (["learner.independent.hidden=[a]"], "learner.independent.hidden[0] is 'a', expected a whole number"),
]  # fmt: skip


@pytest.mark.parametrize("assignments, told", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_a_setting_that_does_not_fit_gets_one_sentence(assignments: list[str], told: str) -> None:
    with pytest.raises(InputError) as error:
        asked(*assignments)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_parts_learn_for_the_team_from_rollouts_of_the_same_length() -> None:
    options = from_options({"learner.name": ("mansa", "LEARNER"), "env": (COOP, "ENV")})
    for words in ([], ["learner.independent=ippo"], ["learner.independent=ippo", "learner.central=mappo"]):
        made = spec_of(merged([options, from_assignments(words)])).learner
        for part in (made.independent, made.central):
            assert (part.reward, part.rollout) == ("team", 50)
    own = spec_of(merged([options, from_assignments(["learner.independent.reward=own"])])).learner
    assert (own.independent.reward, own.central.reward) == ("own", "team")


def test_a_learner_that_is_made_of_no_others_says_which_is() -> None:
    options = from_options({"learner.name": ("qmix", "LEARNER"), "env": (COOP, "ENV")})
    for words in (["learner.independent=ippo"], ["learner.central.hidden=[8]"]):
        with pytest.raises(InputError, match=r"mansa has a learner (independent|central), qmix has none"):
            spec_of(merged([options, from_assignments(words)]))
    with pytest.raises(InputError, match="it is a setting of ippo and mappo, not of qmix"):
        spec_of(merged([options, from_assignments(["learner.trace=0.9"])]))


REFUSED = [
    (COOP, ["learner.cost=-1"], "learner.cost is -1, expected a number of at least 0"),
    (COOP, ["learner.independent=nobody"], "learner.independent is 'nobody', expected iql or ippo"),
    (COOP, ["learner.independent.hiden=[8]"], "did you mean learner.independent.hidden?"),
    (
        COOP,
        ["learner.independent=ippo", "learner.independent.rollout=64"],
        "both learners learn from the same rollouts: independent.rollout is 64, central.rollout 50; set both",
    ),
    (
        PUSHED,
        ["learner.central=mappo"],
        "independent: IQL chooses among numbered actions, but those of group 'agents' of "
        f"{PUSHED} are continuous; ippo and mappo can learn there",
    ),
    (PUSHED, ["learner.independent=ippo"], "central: QMIX chooses among numbered actions"),
    (COOP, ["learner.warmup=400"], "a warmup of 400 steps, and the run has only 400; set a smaller warmup"),
    (COOP, ["learner.central.hidden=[0]"], "central: hidden layers need at least one unit"),
    (COOP, ["learner.independent.target_rate=0.1"], "independent: set one of target_every and target_rate"),
]


@pytest.mark.parametrize("env, assignments, told", REFUSED, ids=[words[0] for _, words, _ in REFUSED])
def test_the_program_refuses_with_status_2_and_leaves_no_folder(
    env: str, assignments: list[str], told: str, staghunt: Staghunt, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert told in staghunt("train", "mansa", env, *SHORT, *sets(*assignments), "-o", out).complaint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "assignments, remark",
    [
        (["learner.budget=50"], "a budget of 50 calls is never used up: an episode has 50 steps"),
        (
            ["learner.budget=999", "learner.budget_scope=run"],
            "a budget of 999 calls is never used up: the run has 400 steps",
        ),
        (["learner.budget=3", "learner.cost=0.2"], "with a budget a call costs budget_cost, so cost changes"),
        (["learner.fraction=0.2"], "fraction is for control random, and changes nothing with control learned"),
    ],
    ids=lambda told: told[0] if isinstance(told, list) else "",
)  # fmt: skip
def test_what_was_probably_not_meant_is_remarked_and_trained(
    assignments: list[str], remark: str, staghunt: Staghunt, tmp_path: Path
) -> None:
    ran = staghunt(
        "train", "mansa", COOP, *SHORT, *sets(*TINY, *assignments), "-o", tmp_path / "run", "--json"
    )
    assert ran.code == 0 and remark in ran.err
    assert ran.json["results"][0]["steps"] == 400 and ran.json["results"][0]["error"] is None


def test_a_budget_that_binds_is_not_remarked(staghunt: Staghunt, tmp_path: Path) -> None:
    words = sets(*TINY, "learner.budget=49")
    ran = staghunt("train", "mansa", COOP, *SHORT, *words, "-o", tmp_path / "run", "--json")
    assert ran.code == 0 and ran.err == ""


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "section",
    ["independent: ippo", "independent: {name: ippo, hidden: [8]}", "independent: {name: IPPO}"],
)
def test_a_file_names_learners_shortly_or_with_settings(
    section: str, staghunt: Staghunt, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"env: {COOP}\nlearner:\n  name: mansa\n  cost: 0.5\n  {section}\n  central: mappo\n"
        "training: {steps: 256, batch: 4, episodes: 4}\n"
    )
    out = tmp_path / "run"
    ran = staghunt("train", "-c", path, *sets("learner.cost=0.25", "learner.central.hidden=[4]"), "-o", out)
    assert ran.code == 0, ran.err
    learner = read_run(out).spec.learner
    assert learner.cost == 0.25 and learner.central == PPO_(critic="state", hidden=(4,), **WITHIN)
    wanted = (8,) if "[8]" in section else PPO_().hidden
    assert learner.independent == PPO_(critic="observation", hidden=wanted, **WITHIN)


def test_sections_that_say_nothing_are_as_if_absent_and_the_file_is_named_in_errors() -> None:
    document: dict[str, Any] = {
        "env": COOP,
        "learner": {"name": "mansa", "independent": None, "central": None},
    }
    assert spec_of(from_mapping(document, "a.yaml")).learner == asked().learner
    document["learner"] = {"name": "mansa", "independent": ["iql"]}
    with pytest.raises(InputError, match=r"a\.yaml: learner\.independent is \['iql'\], expected iql or ippo"):
        spec_of(from_mapping(document, "a.yaml"))
    document["learner"] = {"name": "mansa", "independent": {"name": "ippo", "epochs": 2}}
    with pytest.raises(
        InputError, match=r"a\.yaml: .*learner\.independent\.epochs.*it is a setting of ippo, not of iql"
    ):
        spec_of(
            merged([from_mapping(document, "a.yaml"), from_assignments(["learner.independent=iql"])])
        )  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_a_spec_read_back_is_the_same(pair: tuple[str, str]) -> None:
    spec = asked(
        f"learner.independent={pair[0]}",
        f"learner.central={pair[1]}",
        *TINY,
        "learner.budget=7",
        "learner.switch.method=sac",
        "learner.switch.hidden=[5, 6]",
        "training.steps=12345",
    )
    document = spec.document()
    assert (document["learner"]["independent"]["name"], document["learner"]["central"]["name"]) == pair
    again = spec_of_document(yaml.safe_load(yaml.safe_dump(document)), "spec.yaml")
    assert again == spec and again.learner.warmup == 1_234 and again.learner.switch.hidden == (5, 6)


# --- what there is to set -----------------------------------------------------------------------------------


def test_options_list_those_of_the_parts_that_are_asked_for(
    staghunt: Staghunt, capfd: pytest.CaptureFixture[str]
) -> None:
    def listed(*words: Any) -> dict[str, dict[str, Any]]:
        found = staghunt("train", "mansa", "--options", *words, "--json").json["options"]
        keys = [option["key"] for option in found]
        assert len(set(keys)) == len(keys)
        return {option["key"]: option for option in found}

    usual = listed()
    assert usual["learner.independent.name"]["default"] == "iql"
    assert usual["learner.central.name"]["about"].endswith("vdn, qmix or mappo")
    assert {"learner.cost", "learner.switch.method", "learner.central.mixer_width"} <= usual.keys()
    assert {"learner.independent.learn_every", "training.steps"} <= usual.keys()
    assert not {"learner.independent.mixer", "learner.central.mixer", "learner.independent.epochs"} & {*usual}
    other = listed(*sets("learner.independent=ippo"))
    assert other["learner.independent.name"]["default"] == "ippo"
    assert "learner.independent.epochs" in other and "learner.independent.learn_every" not in other
    assert "learner.independent.critic" not in other and "learner.central.learn_every" in other
    told = staghunt("train", "mansa", "--options", *sets("learner.independent=qmix")).complaint
    assert "learner.independent is 'qmix', expected iql or ippo" in told
    capfd.readouterr()
    assert list_options("mansa", (), json=False) == 0
    assert "learner.independent.name" in capfd.readouterr().out


def test_every_listed_option_can_be_set_to_its_default(staghunt: Staghunt) -> None:
    for pair in (("iql", "qmix"), ("ippo", "mappo")):
        names = [f"learner.independent={pair[0]}", f"learner.central={pair[1]}"]
        options = staghunt("train", "mansa", "--options", *sets(*names), "--json").json["options"]
        plain = asked(*names)
        words = [
            f"{option['key']}={yaml.safe_dump(option['default'], default_flow_style=True).splitlines()[0]}"
            for option in options
            if option["key"].startswith("learner.")
        ]
        assert len(words) > 50 and asked(*names, *words) == plain


# --- checkpoints --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of MANSA."""
    from experiments import cli

    path = tmp_path_factory.mktemp("runs") / "done"
    words = ["train", "mansa", COOP, *SHORT, *sets(*TINY), "-o", path, "-q"]
    assert cli.run([str(word) for word in words]) == 0
    return path


@pytest.mark.parametrize(
    "change, told",
    [
        (
            lambda learner: learner.update(independent={"name": "ippo", "rollout": 10, "hidden": [8]}),
            "learner.independent.name 'iql', but the run's spec says 'ippo'",
        ),
        (
            lambda learner: learner.update(central={"name": "vdn", "rollout": 10, "hidden": [8]}),
            "learner.central.name 'qmix', but the run's spec says 'vdn'",
        ),
        (lambda learner: learner["switch"].update(method="sac"), "learner.switch.method 'dqn'"),
        (lambda learner: learner["central"].update(hidden=[16]), "learner.central.hidden [8]"),
        (lambda learner: learner.update(budget=3), "learner.budget none, but the run's spec says 3"),
        (lambda learner: learner["independent"].update(mixer="sum"), "learner.independent.mixer is 'none'"),
    ],
    ids=["independent", "central", "switch", "widths", "budget", "mixer"],
)
def test_a_run_whose_learners_were_changed_does_not_go_on(
    change: Any, told: str, finished: Path, staghunt: Staghunt, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    path = run / "spec.yaml"
    document = yaml.safe_load(path.read_text())
    change(document["learner"])
    path.write_text(yaml.safe_dump(document))
    before = (run / "seed-0" / "metrics.jsonl").read_bytes()
    assert told in staghunt("train", "--resume", run, "--steps", 800).complaint
    assert (run / "seed-0" / "metrics.jsonl").read_bytes() == before


def made(pair: tuple[str, str]) -> Mansa:
    sizes: dict[str, Any] = {"hidden": (8,), "rollout": 4}
    independent, central = (LEARNERS[name].make(**sizes) for name in pair)
    learner = LEARNERS["mansa"].make(independent=independent, central=central)
    assert isinstance(learner, Mansa)
    return learner


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "policies"])
def test_a_checkpoint_of_another_pair_is_refused_by_name(whole: bool) -> None:
    """Also where all networks have the same shapes, as those that act do."""
    spec = make_env("coordination:bits?agents=3&steps=6").spec
    trees = {pair: made(pair).save(made(pair).init(spec, np.random.default_rng(0)), whole) for pair in PAIRS}
    for pair, (had, tree) in product(PAIRS, trees.items()):
        if pair == had:
            made(pair).load(spec, tree)
            continue
        k = 0 if pair[0] != had[0] else 1
        told = f"its {('independent', 'central')[k]} learner is {had[k].upper()}, expected {pair[k].upper()}"
        with pytest.raises(InputError, match=told):
            made(pair).load(spec, tree)


def test_a_damaged_part_is_named() -> None:
    spec = make_env("coordination:bits?agents=3&steps=6").spec
    one = made(("iql", "mappo"))
    for name in ("independent", "central"):
        tree = one.save(one.init(spec, np.random.default_rng(0)))
        del tree[name]["steps"]
        with pytest.raises(InputError, match=f"^{name}: [^\n]*steps[^\n]*$"):
            one.load(spec, tree)
        tree.pop(name)
        with pytest.raises(InputError, match=f"it has no {name} learner"):
            one.load(spec, tree)


def test_the_library_refuses_what_the_program_does() -> None:
    spec = make_env(PUSHED).spec
    with pytest.raises(InputError, match="independent: IQL chooses among numbered actions"):
        MANSA(central=PPO_(critic="state", rollout=50)).check(spec)
    coop = make_env(COOP).spec
    with pytest.raises(InputError, match="independent must learn alone"):
        MANSA(independent=QLEARNING(mixer="sum")).check(coop)
    with pytest.raises(InputError, match=r"independent\.rollout is 50, central\.rollout 8"):
        MANSA(central=QLEARNING(rollout=8)).check(coop)
    with pytest.raises(ValueError, match="cost"):
        MANSA(cost=-1)
    with pytest.raises(ValueError, match="independent"):
        MANSA(independent="iql")
