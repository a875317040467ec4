"""Wheel and source distribution: what is in them, that the wheel works without the sources, and that versions agree."""

from __future__ import annotations

import json
import re
import tarfile
import tomllib
import zipfile
from datetime import date
from pathlib import Path

import pytest
from installed import PACKAGES, ROOT, Installed, build
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from experiments.checkout import checkout, needs_checkout
from games.errors import InputError

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LEFT_BEHIND = {"__pycache__", ".ipynb_checkpoints", "runs", ".DS_Store"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(built[1], tmp_path_factory.mktemp("home"))


def files_below(folder: Path) -> set[str]:
    """Everything in a folder of the checkout but what comes of running it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not LEFT_BEHIND & set(path.parts) and not path.name.startswith(".nfs")
    }


# --- what is in them --------------------------------------------------------------------------------------


def test_the_wheel_holds_the_packages_their_data_and_the_pages(built: tuple[Path, Path]) -> None:
    held = set(zipfile.ZipFile(built[1]).namelist())
    wanted = set().union(*(files_below(ROOT / package) for package in PACKAGES))
    pages = {
        f"experiments/docs/{page.relative_to(ROOT / 'docs').as_posix()}"
        for page in (ROOT / "docs").rglob("*.md")
    }
    info = f"staghunt-{PROJECT['version']}.dist-info/"
    assert {f"{package}/py.typed" for package in PACKAGES} <= held
    assert "experiments/docs/scaling.md" in pages
    assert {name for name in held if not name.startswith(info)} == wanted | pages
    assert f"{info}licenses/LICENSE" in held


def test_the_source_distribution_is_a_checkout_without_its_history(built: tuple[Path, Path]) -> None:
    top = f"staghunt-{PROJECT['version']}/"
    with tarfile.open(built[0]) as archive:
        held = {name.removeprefix(top) for name in archive.getnames()}
    folders = (*PACKAGES, "docs", "notebooks", "tests")
    wanted = set().union(*(files_below(ROOT / folder) for folder in folders))
    files = {
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "constraints.txt",
        "pyproject.toml",
        "setup.py",
    }
    assert wanted | files <= held
    assert not {name for name in held if Path(name).suffix in (".pyc", ".nbi", ".nbc") or "/runs/" in name}


# --- the wheel, installed ---------------------------------------------------------------------------------


def test_an_installed_program_finds_everything_without_the_sources(installed: Installed) -> None:
    homes = installed.module(
        "-c", "import games, solvers, marl, experiments as e; print(games.__file__, e.__file__)"
    )
    assert [Path(home).is_relative_to(installed.site) for home in homes.stdout.split()] == [True, True], homes
    assert installed.run("--version").stdout == f"staghunt {PROJECT['version']}\n"
    assert "zoo:stag-hunt" in installed.run("games", "hunt").stdout
    claims = installed.run("reproduce", "mansa", "--list", "--json")
    assert {one["stored"] for one in json.loads(claims.stdout)["papers"][0]["claims"]} == {
        "holds",
        "does not hold",
    }
    table = installed.module("-m", "experiments.bench.table", "solvers")
    assert table.stdout.count("\n") > 5, table.stderr


def test_an_installed_program_shows_the_pages(installed: Installed) -> None:
    listed = json.loads(installed.run("docs", "--json").stdout)
    assert listed["folder"] == str(installed.site / "experiments" / "docs")
    names = [
        page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in (ROOT / "docs").rglob("*.md")
    ]
    assert sorted(one["name"] for one in listed["pages"]) == sorted(names)
    page = installed.run("docs", "scaling")
    assert page.stdout.strip() == (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8").strip()


def test_an_installed_program_solves(installed: Installed) -> None:
    solved = json.loads(installed.run("solve", "zoo:chicken", "--concept", "cce", "--json").stdout)
    assert solved["objective_value"] == pytest.approx(10.5)


def test_an_installed_program_trains_a_recipe(installed: Installed) -> None:
    words = ("--config", "simple-spread-ippo", "--steps", "128", "--seeds", "1", "--out", "run", "--quiet")
    few = ("training.batch=4", "training.episodes=2", "learner.rollout=16")
    done = installed.run("train", *words, *(f"--set={one}" for one in few))
    assert done.returncode == 0, done.stderr
    spec = (installed.work / "run" / "spec.yaml").read_text()
    assert "simple-spread" in spec


def test_an_installed_program_plays_a_tournament_and_reports_it(installed: Installed) -> None:
    (installed.work / "spec.yaml").write_text(
        "env: repeated:prisoners-dilemma?rounds=5\nagents: [tit-for-tat, defector]\nmatches: 4\n"
    )
    done = installed.run("tournament", "spec.yaml", "--out", "played", "--quiet")
    assert done.returncode == 0, done.stderr
    done = installed.run("report", "played")
    assert done.returncode == 0, done.stderr
    page = (installed.work / "played" / "report.html").read_text(encoding="utf-8")
    assert "tit-for-tat" in page and "<style" in page


def test_an_installed_program_is_in_order(installed: Installed) -> None:
    done = installed.run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0
    assert checks["staghunt"]["detail"].startswith(PROJECT["version"])
    assert str(installed.site / "games") in checks["cache"]["detail"]


def test_whether_there_is_a_checkout(tmp_path: Path) -> None:
    assert checkout() == ROOT == needs_checkout("this")
    assert checkout(tmp_path / "experiments") is None
    with pytest.raises(InputError, match=r"^this needs a checkout .*; do that$"):
        needs_checkout("this", "do that", tmp_path / "experiments")


def test_notebooks_are_in_a_checkout_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from experiments.notebook import run

    monkeypatch.setattr(run, "NOTEBOOKS", tmp_path)
    assert run.main([]) == 2
    assert "they come with a checkout" in capsys.readouterr().err


def test_what_needs_a_checkout_says_so(installed: Installed) -> None:
    bench = installed.run("bench", "solvers")
    where = f"needs a checkout of the sources, and this is an installed package in {installed.site}"
    assert bench.returncode == 2 and f"{where}; give another file with --out" in bench.stderr
    claim = installed.run("reproduce", "ai-economist", "--only", "auction")
    assert claim.returncode == 1 and "tests/data of a checkout, which this is not" in claim.stderr
    for ran in (bench, claim):
        assert "Traceback" not in ran.stderr


# --- what pyproject.toml promises -------------------------------------------------------------------------


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert len({canonicalize_name(name) for name, _ in pinned}) == len(pinned), "a name is pinned twice"
    return {canonicalize_name(name): Version(version) for name, version in pinned}


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_requirements_agree_with_the_pins(extra: str) -> None:
    pinned = pins()
    for text in EXTRAS[extra] if extra else PROJECT["dependencies"]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name == "staghunt":
            assert requirement.extras and requirement.extras <= set(EXTRAS)
        elif name in pinned:
            assert requirement.specifier.contains(pinned[name]), f"{text} is pinned to {pinned[name]}"
        else:  # what has environments of its own need not be pinned twice
            assert extra in ("peers", "trainers"), f"{text} is not pinned"


def test_doctor_looks_at_every_dependency_and_names_extras() -> None:
    from experiments.commands.doctor import EXTRAS as ADVISED
    from experiments.commands.doctor import REQUIRED

    needed = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert {canonicalize_name(name) for name in REQUIRED} == needed
    for name, (_, extra, _) in ADVISED.items():
        listed = {canonicalize_name(Requirement(text).name) for text in EXTRAS[extra]}
        assert canonicalize_name(name) in listed | {
            "pygame-ce",
            "rlcard",
        }  # pettingzoo's own extras bring these two


def test_the_changelog_is_of_this_version_and_in_order() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (.*)$", text, re.M)
    found = [re.fullmatch(r"(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)", head) for head in heads]
    assert all(found), heads
    versions = [Version(one.group(1)) for one in found if one]
    dates = [date.fromisoformat(one.group(2)) for one in found if one]
    assert str(versions[0]) == PROJECT["version"]
    assert versions == sorted(set(versions), reverse=True)
    assert dates == sorted(dates, reverse=True)
