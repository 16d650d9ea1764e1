"""Which environments are pruned, and what waits for one of them."""

from __future__ import annotations

import fcntl
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.environments.cache import prune_environments
from mlrun_cli.environments.environment import Builder
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from tests.environments.builds import SlowPackage, Start, build, folder_of, plan, read_line
from tests.running import until


def test_what_a_run_uses_is_not_pruned_and_what_none_uses_is(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    planned = plan(tmp_path, quick_builder, environ)
    assert build(tmp_path, planned, environ)[0] == 0
    folder = folder_of(planned)
    home = folder.path.parents[1]
    tomorrow = now() + 86_400 * MICROSECONDS
    in_use = folder.acquire_use_lock()
    assert prune_environments(home, tomorrow, dry_run=False) == ([], 0)
    os.close(in_use)
    assert prune_environments(home, tomorrow, used_keys={folder.path.name}, dry_run=False) == ([], 0)
    assert prune_environments(home, now() - 86_400 * MICROSECONDS, dry_run=False) == ([], 0)
    keys, size = prune_environments(home, tomorrow, dry_run=True)
    assert (keys, size > 0, folder.path.exists()) == ([folder.path.name], True, True)
    assert prune_environments(home, tomorrow, dry_run=False) == (keys, size)
    assert list(folder.path.parent.iterdir()) == []
    assert build(tmp_path, planned, environ)[0] == 0


def test_what_a_build_that_failed_has_left_is_pruned_without_a_word(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "no-such-package")
    assert build(tmp_path, planned, environ)[0] != 0
    assert prune_environments(folder_of(planned).path.parents[1], 0, dry_run=False) == ([], 0)
    assert list(folder_of(planned).path.parent.iterdir()) == []


def test_who_waits_for_an_environment_that_is_being_pruned_has_it_afterwards(
    slow: SlowPackage, slow_plan: PlannedEnvironment, start: Start
) -> None:
    folder = folder_of(slow_plan)
    folder.path.parent.mkdir(parents=True)
    with pruned(folder.lock):
        builder = start(slow_plan)
        assert "waiting for it" in read_line(builder)
    with slow.held():
        assert prune_environments(folder.path.parents[1], 0, dry_run=False)[0] == []
    builder.communicate()
    assert builder.returncode == 0
    with ThreadPoolExecutor(1) as pool:
        with pruned(folder.in_use) as number:
            taking = pool.submit(folder.acquire_use_lock)
            until(lambda: re.search(rf"-> FLOCK .*:{number} ", Path("/proc/locks").read_text(encoding="utf-8")))
        in_use = taking.result()
    assert os.path.samestat(os.fstat(in_use), folder.in_use.stat())
    os.close(in_use)


@contextmanager
def pruned(path: Path) -> Iterator[int]:
    """Hold a lock file, and remove it before letting go; the number of its inode."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield os.fstat(lock.fileno()).st_ino
        path.unlink()


def test_a_build_that_was_given_up_is_pruned_and_one_that_goes_on_is_not(
    slow: SlowPackage, slow_plan: PlannedEnvironment, start: Start
) -> None:
    home = folder_of(slow_plan).path.parents[1]
    builder = start(slow_plan)
    with slow.held():
        assert prune_environments(home, 0, dry_run=False)[0] == []
        os.killpg(builder.pid, signal.SIGKILL)
        builder.communicate()
    # Its installer may take a moment longer to be gone than the builder.
    assert until(lambda: prune_environments(home, 0, dry_run=False)[0]) == [folder_of(slow_plan).path.name]
    assert not folder_of(slow_plan).path.exists()
