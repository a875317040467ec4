"""Sub-environments in worker processes: the same play, and no process, memory or answer left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pooled_envs as envs
import pytest

from experiments import guard
from games import check_env, make_env, play_episodes, random_policy
from games.env import Step, check_actions
from games.errors import InputError, WorkerDied
from games.law_comparisons import copied, different, differs
from games.play import begin, rollout
from games.pool import Pool
from games.pool_memory import SharedBatch, shared_file
from games.pool_worker import renumbered
from games.streams import draw_seeds
from games.trial import Trial

HERE = Path(__file__).parent
SEEDS = draw_seeds(np.random.default_rng(4), 7)


def gone(pid: int) -> bool:
    """Whether a process is no more (a zombie that nobody has waited for is no more either)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def all_gone(pids: tuple[int, ...] | list[int], patience: float = 5.0) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if all(map(gone, pids)):
            return True
        time.sleep(0.02)
    return False


def play_on(pool: Pool, world: Any, steps: int) -> Any:
    """The world after some steps of seven sub-environments."""
    for _ in range(steps):
        world, _ = pool.step(world, idle(pool, 7))
    return world


def idle(env: Any, batch: int) -> tuple[Any, ...]:
    """Legal actions for drifts: nobody moves."""
    return tuple(
        np.ones((batch, g.size, *g.actions.shape), dtype=int) if g.width else np.zeros((batch, g.size, 2))
        for g in env.spec.groups
    )


@pytest.fixture(scope="module")
def pools() -> Iterator[dict[int, Pool]]:
    made = {workers: Pool(envs.Drift, workers=workers) for workers in (1, 2, 3)}
    yield made
    for pool in made.values():
        pool.shutdown()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_the_same_play_bit_for_bit(pools: dict[int, Pool], workers: int, batch: int) -> None:
    alone, shared = Trial(envs.Drift(), SEEDS[:batch], 40), Trial(pools[workers], SEEDS[:batch], 40)
    mine, theirs = alone.record(alone.seeds), shared.record(shared.seeds)
    assert any(t.after.last.any() for t in mine), "the play has restarts in it"
    assert differs(mine, theirs) is None
    for x, y in zip(mine, theirs):
        for a, b in zip((*x.after.groups, x.actions), (*y.after.groups, y.actions)):
            assert [None if p is None else (p.dtype, p.shape) for p in a] == [
                None if p is None else (p.dtype, p.shape) for p in b
            ]


def test_it_obeys_every_law(pools: dict[int, Pool]) -> None:
    assert "old_steps_stay" in check_env(pools[2], batch=5, steps=20)


def test_episodes_and_rollouts_are_the_same() -> None:
    env = make_env("zoo:chicken")
    with make_env("zoo:chicken", workers=2) as pool:  # type: ignore[attr-defined]
        assert pool.spec == env.spec
        policy = random_policy(env.spec)
        for mine, theirs in zip(
            play_episodes(env, policy, SEEDS)[:4], play_episodes(pool, policy, SEEDS)[:4]
        ):
            assert np.array_equal(mine, theirs)
        one, other = (rollout(e, policy, begin(e, policy, SEEDS), 5) for e in (env, pool))
        assert different(one.after, other.after) is None


@pytest.mark.parametrize(
    "uri, needs",
    [
        ("foraging:5x5-2p-1f", "games"),
        ("openspiel:kuhn_poker", "pyspiel"),
        ("pettingzoo:mpe2.simple_spread_v3?max_cycles=10", "mpe2"),
        ("pettingzoo:classic.tictactoe_v3", "pettingzoo.classic"),
    ],
)
def test_every_kind_of_environment(uri: str, needs: str) -> None:
    pytest.importorskip(needs, reason="environments of another library")
    env = make_env(uri)
    with make_env(uri, workers=2) as pool:  # type: ignore[attr-defined]
        assert pool.spec == env.spec
        mine, theirs = (Trial(e, SEEDS[:3], 30).record(SEEDS[:3]) for e in (env, pool))
        assert differs(mine, theirs) is None


def test_restart_only_where_asked(pools: dict[int, Pool]) -> None:
    env, pool = envs.Drift(), pools[3]
    (own, a), (world, b) = env.reset(SEEDS), pool.reset(SEEDS)
    for where in ([0], [6], [2, 3], [], list(range(7))):
        chosen = np.isin(np.arange(7), where)
        (own, a), (world, b) = env.step(own, idle(env, 7)), pool.step(world, idle(env, 7))
        kept = copied(b)
        (own, a), (world, after) = env.restart(own, chosen), pool.restart(world, chosen)
        assert different(a, after) is None and different(b, kept) is None
    with pytest.raises(InputError, match=r"restart takes bool\[7\]"):
        pool.restart(world, np.ones(6, dtype=bool))
    with pytest.raises(InputError, match=r"restart takes bool\[7\]"):
        pool.restart(world, np.ones(7))


def test_scenes_come_from_the_right_worker(pools: dict[int, Pool]) -> None:
    (own, _), (world, _) = envs.Drift().reset(SEEDS), pools[3].reset(SEEDS)
    for which in range(7):
        assert pools[3].scene(world, which) == envs.Drift().scene(own, which)
    with pytest.raises(InputError, match="no sub-environment 7; it has 0 to 6"):
        pools[3].scene(world, 7)


def test_several_worlds_do_not_disturb_each_other(pools: dict[int, Pool]) -> None:
    env, pool = envs.Drift(), pools[2]
    training = pool.reset(SEEDS)
    evaluation = pool.reset(SEEDS[::-1][:3])
    trained: list[Step] = []
    for t in range(6):
        training = pool.step(training[0], idle(env, 7))
        trained.append(training[1])
        if t % 2:
            evaluation = pool.step(evaluation[0], idle(env, 3))
    pool.close(evaluation[0])
    training = pool.step(training[0], idle(env, 7))
    own = env.reset(SEEDS)
    for step in [*trained, training[1]]:
        own = env.step(own[0], idle(env, 7))
        assert different(own[1], step) is None


def test_a_closed_world_frees_its_memory_and_is_refused() -> None:
    def shared(pid: int) -> int:
        return Path(f"/proc/{pid}/maps").read_text().count("sub-environments")

    with Pool(envs.Drift, workers=2) as pool:
        everybody = (os.getpid(), *pool.processes)
        before = sum(map(shared, everybody))
        world, _ = pool.reset(SEEDS)
        assert sum(map(shared, everybody)) == before + 3
        pool.close(world)
        assert sum(map(shared, everybody)) == before
        pool.close(world)
        with pytest.raises(InputError, match="drift: this world is lost, it has been closed; reset"):
            pool.step(world, idle(pool, 7))
        world, step = pool.reset(SEEDS)
        del world  # without close: the workers are told at the next occasion
        gc.collect()
        other, _ = pool.reset(SEEDS)
        assert sum(map(shared, everybody)) == before + 3
        assert step.batch == 7 and pool.step(other, idle(pool, 7))[1].batch == 7


def test_bad_actions_are_named_by_their_place_in_the_whole_batch(pools: dict[int, Pool]) -> None:
    env, pool = envs.Drift(), pools[2]
    (own, seen), (world, _) = env.reset(SEEDS), pool.reset(SEEDS)
    for b, i, action in ((6, 1, 9), (4, 0, -1), (0, 0, 3)):
        bad = idle(env, 7)
        bad[0][b, i] = action
        with pytest.raises(
            InputError, match=f"drift: {'ab'[i]} chose action {action} in sub-environment {b}"
        ) as caught:
            pool.step(world, bad)
        with pytest.raises(InputError) as here:
            check_actions(env.spec, seen, bad)
        assert str(here.value) == str(caught.value)
    assert different(env.step(own, idle(env, 7))[1], pool.step(world, idle(env, 7))[1]) is None


def test_a_refusal_in_a_worker_names_the_sub_environment_of_the_whole_batch() -> None:
    with Pool(envs.Drift, workers=2, trouble="input", at=2) as pool:
        world, _ = pool.reset(SEEDS)  # 0 to 3 and 4 to 6: both chunks have a third
        quiet, _ = pool.reset(SEEDS[:2])
        world = play_on(pool, world, 2)
        with pytest.raises(InputError, match=r"^drift: the wind dropped in sub-environment 2$"):
            pool.step(world, idle(pool, 7))
        with pytest.raises(InputError, match="this world is lost, InputError while stepping drift"):
            pool.step(world, idle(pool, 7))
        for _ in range(4):
            quiet, step = pool.step(quiet, idle(pool, 2))
        assert step.batch == 2, "the other world goes on"
    with Pool(envs.Drift, workers=2, trouble="input", at=2, below=4) as pool:
        world, _ = pool.reset(SEEDS)
        with pytest.raises(InputError, match=r"^drift: the wind dropped in sub-environment 6$"):
            play_on(pool, world, 3)
    assert renumbered("sub-environment 2 of 8 sub-environments", 40) == (
        "sub-environment 42 of 8 sub-environments"
    )


def test_a_bug_in_a_worker_is_raised_here_with_its_traceback() -> None:
    with Pool(envs.Drift, workers=2, trouble="bug") as pool:
        world, _ = pool.reset(SEEDS)
        with pytest.raises(ZeroDivisionError, match="no wind at all") as caught:
            play_on(pool, world, 3)
        assert "_misbehave" in caught.value.__notes__[0] and "worker 1 of 2" in caught.value.__notes__[0]
    with Pool(envs.Drift, workers=1, trouble="own error") as pool:
        world, _ = pool.reset(SEEDS)
        with pytest.raises(RuntimeError, match="Unpicklable: one and two"):
            play_on(pool, world, 3)


@pytest.mark.parametrize(
    "trouble, how",
    [("killed", "signal 9, SIGKILL"), ("exit", "exit status 3"), ("sys.exit", "exit status 4")],
)
def test_a_worker_that_dies_at_work(trouble: str, how: str) -> None:
    with Pool(envs.Drift, workers=2, trouble=trouble, at=3) as pool:  # only the first chunk has four
        first, second = pool.processes
        world, _ = pool.reset(SEEDS)
        begun = time.monotonic()
        with pytest.raises(WorkerDied) as caught:
            play_on(pool, world, 3)
        assert time.monotonic() - begun < 25
        assert str(caught.value) == (
            f"worker 1 of 2 (process {first}) died ({how}) while stepping drift; its 4 sub-environments are lost"
        )
        assert all_gone([first, second]) and pool.processes == ()
        if trouble != "killed":
            return
        with pytest.raises(InputError, match="this world is lost, WorkerDied while stepping drift"):
            pool.step(world, idle(pool, 7))
        pool.close(world)
        _, step = pool.reset(SEEDS)
        assert different(step, envs.Drift().reset(SEEDS)[1]) is None, "a reset starts new workers"
        assert set(pool.processes).isdisjoint({first, second})


def test_a_worker_killed_from_outside_while_others_are_at_work(tmp_path: Path) -> None:
    with Pool(envs.Drift, workers=2, trouble="stuck", at=3) as pool:
        stuck, victim = pool.processes
        world, _ = pool.reset(SEEDS)
        world = play_on(pool, world, 2)
        os.kill(victim, signal.SIGKILL)
        begun = time.monotonic()
        with pytest.raises(WorkerDied, match=rf"worker 2 of 2 \(process {victim}\) died \(signal 9"):
            pool.step(world, idle(pool, 7))
        assert time.monotonic() - begun < 25 and all_gone([stuck, victim])


def test_a_death_is_noticed_though_another_process_holds_the_connection(tmp_path: Path) -> None:
    children = tmp_path / "children"
    with Pool(envs.with_child, workers=2, file=str(children)) as pool:
        world, _ = pool.reset(SEEDS)
        begun = time.monotonic()
        with pytest.raises(WorkerDied, match="signal 9"):
            play_on(pool, world, 3)
        assert time.monotonic() - begun < 25
    for line in children.read_text().split():
        os.kill(int(line), signal.SIGKILL)


def test_workers_end_with_the_pool() -> None:
    pool = Pool(envs.Drift, workers=2)
    pids = pool.processes
    pool.shutdown()
    pool.shutdown()
    assert all_gone(pids, 0.1)
    with pytest.raises(InputError, match="shut down"):
        pool.reset(SEEDS)
    pool = Pool(envs.Drift, workers=2)
    pids, watch = pool.processes, weakref.ref(pool)
    world, _ = pool.reset(SEEDS)
    del pool, world
    gc.collect()
    assert watch() is None and all_gone(pids)


def script(text: str, *, cwd: Path | None = None, file: Path | None = None) -> list[str]:
    if file is None:
        return [sys.executable, "-c", text]
    file.write_text(text)
    return [sys.executable, str(file)]


PLAY = """
import sys, time, numpy as np
sys.path.insert(0, {here!r})
from games.pool import Pool
from pooled_envs import Drift
pool = Pool(Drift, workers=2, trouble={trouble!r})
world, step = pool.reset(np.arange(4, dtype=np.uint64))
actions = [np.ones((4, 2), int), np.ones((4, 1, 2), int), np.zeros((4, 3, 2))]
for _ in range(2):
    pool.step(world, actions)
print(*pool.processes, flush=True)
{then}
"""


@pytest.mark.parametrize("trouble, sign", [("stuck", signal.SIGKILL), ("", signal.SIGTERM)])
def test_no_orphans_when_the_parent_is_killed(trouble: str, sign: signal.Signals) -> None:
    program = PLAY.format(here=str(HERE), trouble=trouble, then="pool.step(world, actions); time.sleep(100)")
    parent = subprocess.Popen(script(program), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as out:
        pids = [int(word) for word in out.readline().split()]
        assert len(pids) == 2 and not any(map(gone, pids))
        time.sleep(0.3)  # into the step
        parent.send_signal(sign)
        assert parent.wait(10) == -sign
        assert all_gone(pids, 4.0)
        assert out.read() == ""


@pytest.mark.parametrize(
    "then, code, told",
    [
        ("pool.step(world, actions)", 0, ""),  # neither closed nor shut down
        ("raise SystemError('on purpose')", 1, "SystemError: on purpose"),
    ],
)
def test_a_program_that_just_ends_leaves_nothing(then: str, code: int, told: str) -> None:
    program = PLAY.format(here=str(HERE), trouble="", then=then)
    done = subprocess.run(script(program), capture_output=True, text=True, timeout=30)
    assert done.returncode == code
    assert done.stderr == "" if not told else done.stderr.rstrip().endswith(told)
    assert all_gone([int(word) for word in done.stdout.split()], 1.0)


def test_an_interrupt_reaches_the_parent_alone() -> None:
    program = PLAY.format(here=str(HERE), trouble="stuck", then="pool.step(world, actions)")
    parent = subprocess.Popen(
        script(program), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert all(os.getpgid(pid) == pid for pid in pids), "not even while they start"
    time.sleep(0.3)
    os.killpg(parent.pid, signal.SIGINT)
    for pid in pids:
        os.kill(pid, signal.SIGINT)  # they would not mind
    _, told = parent.communicate(timeout=15)
    assert told.count("Traceback") == 1 and told.rstrip().endswith("KeyboardInterrupt")
    assert all_gone(pids)


def test_an_interrupted_pool_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Pool(envs.Drift, workers=2, delay=0.2) as pool:
        old = pool.processes
        world, _ = pool.reset(SEEDS)
        signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            pool.step(world, idle(pool, 7))
        assert all_gone(old)
        with pytest.raises(InputError, match="lost, KeyboardInterrupt while stepping drift"):
            pool.step(world, idle(pool, 7))
        assert different(pool.reset(SEEDS)[1], envs.Drift().reset(SEEDS)[1]) is None


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_script_needs_no_guard_for_uris(tmp_path: Path) -> None:
    text = (
        "import numpy as np\nfrom games import make_env\nprint('once')\n"
        "env = make_env('zoo:chicken', workers=2)\nprint(env.reset(np.arange(3, dtype=np.uint64))[1].batch)"
    )
    done = subprocess.run(script(text, file=tmp_path / "bare.py"), capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n3\n", "")


OWN = f"""
import sys, numpy as np
sys.path.insert(0, {str(HERE)!r})
from games.pool import Pool
from pooled_envs import Drift
def mine(): return Drift(name="mine")
"""


def test_a_factory_in_the_script_needs_the_guard(tmp_path: Path) -> None:
    use = "print(Pool(mine, workers=2).reset(np.arange(3, dtype=np.uint64))[1].batch)"
    guarded = script(f"{OWN}\nif __name__ == '__main__':\n    {use}\n", file=tmp_path / "guarded.py")
    done = subprocess.run(guarded, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    done = subprocess.run(
        script(OWN + use, file=tmp_path / "bare.py"), capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("Traceback") == 1
    assert 'put what it runs under: if __name__ == "__main__"' in done.stderr
    done = subprocess.run(script(OWN + use), capture_output=True, text=True, timeout=30)
    assert "mine is defined where other processes cannot import it from" in done.stderr


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Pool(lambda: envs.Drift()), "cannot be made in another process: the function"),
        (lambda: Pool("zoo:chicken", x=threading_lock()), "its parameters cannot be pickled"),
        (lambda: Pool("zoo:chicken", workers=0), "at least one worker"),
        (lambda: Pool("zoo:chicken", workers=2.5), "at least one worker"),  # type: ignore[arg-type]
        (lambda: Pool("zoo:chickn", workers=1), "chickn"),
        (lambda: Pool("fooraging:8x8", workers=1), "foraging"),
        (lambda: Pool(envs.Drift, trouble="refuse to be made", workers=1), "^drift: there is no such drift$"),
        (lambda: Pool(envs.different_everywhere), "made differently by different processes"),
        (
            lambda: Pool(envs.WrongType, workers=1).reset(SEEDS),
            r"drift: state is float64 \(7, 2\), expected float32 \(7, 2\)",
        ),
        (lambda: Pool(envs.Drift, workers=1).reset([]), "at least one seed"),
    ],
)
def test_bad_input_is_told_in_one_sentence(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def threading_lock() -> Any:
    import threading

    return threading.Lock()


def test_an_error_while_making_is_raised_here() -> None:
    with pytest.raises(OSError, match="the disk is gone"):
        Pool(envs.no_env, workers=1)


def test_a_forked_process_does_not_touch_the_workers(pools: dict[int, Pool]) -> None:
    pool = pools[2]
    world, _ = pool.reset(SEEDS)
    if (child := os.fork()) == 0:
        try:
            pool.step(world, idle(pool, 7))
        except InputError as error:
            pool.shutdown()
            os._exit(0 if "process that made it" in str(error) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert pool.step(world, idle(pool, 7))[1].batch == 7


def test_what_an_environment_prints_stays_off_stdout() -> None:
    program = (
        PLAY.replace("Drift", "chatty").replace(", trouble={trouble!r}", "").format(here=str(HERE), then="")
    )
    done = subprocess.run(script(program), capture_output=True, text=True, timeout=30)
    assert len(done.stdout.split()) == 2
    assert done.stderr.count("hello from the environment") == 2


def test_no_room_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(MemoryError, match=r"drift: no 0\.0 MiB of memory to share 7 sub-environments"):
        shared_file(envs.Drift().spec, 7)
    assert len(os.listdir("/proc/self/fd")) == before


def test_more_than_there_is() -> None:
    with pytest.raises(
        MemoryError, match=r"drift: no [0-9,.]+ MiB of memory to share 1,000,000,000,000 sub-"
    ):
        shared_file(envs.Drift().spec, 10**12)


def test_memory_without_a_name_where_the_system_lacks_memfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    spec, (_, step) = envs.Drift().spec, envs.Drift().reset(SEEDS)
    handle = shared_file(spec, 7)
    here, there = SharedBatch(spec, 7, handle), SharedBatch(spec, 7, handle, slice(2, 5))
    os.close(handle)
    here.write(step)
    assert different(there.read(), step.where(slice(2, 5))) is None


def test_two_workers_share_the_work() -> None:
    """Sleeping takes no processor, so this holds on a busy machine: four sleep in two processes as long as two."""
    seeds, spent = SEEDS[:4], {}
    for workers in (1, 2):
        with Pool(partial(envs.Drift, delay=0.1), workers=workers) as pool:
            world, _ = pool.reset(seeds)
            begun, worked = time.monotonic(), time.process_time()
            for _ in range(5):
                world, _ = pool.step(world, idle(pool, 4))
            spent[workers] = time.monotonic() - begun
            assert time.process_time() - worked < 0.2 * spent[workers], "the parent does not spin"
    assert spent[1] > 1.5 * spent[2]


def test_the_command_line_tells_of_a_dead_worker(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        with Pool(envs.Drift, workers=1, trouble="killed") as pool:
            world, _ = pool.reset(SEEDS)
            play_on(pool, world, 3)

    with pytest.raises(guard.typer.Exit) as caught:
        guard.guarded(command)()
    assert caught.value.exit_code == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.startswith("staghunt: error: worker ") and "signal 9" in told
