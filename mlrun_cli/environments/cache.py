"""The environments stored under `$MLRUN_HOME`, which are pruned when they are no longer used."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.core.locks import acquire_lock, remove_lock_file
from mlrun_cli.environments.environment import BuiltEnvironment
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.image import build_image_name, remove_image

_NAME = re.compile(r"\.?([0-9a-f]+)(?:\.lock|\.in-use|\.[0-9]+)?")


def list_environments(home: Path) -> Sequence[BuiltEnvironment]:
    """Return the complete environments, most recently used first."""
    built = (folder.find_environment() for folder in _iterate_folders(home))
    return sorted((one for one in built if one is not None), key=lambda one: -one.used_at)


def prune_environments(
    home: Path,
    unused_since: int,
    *,
    used_keys: Collection[str] = (),
    protected_keys: Collection[str] = (),
    dry_run: bool,
) -> tuple[Sequence[str], int]:
    """Remove abandoned builds and environments unused since a time; return the removed keys and the bytes freed.

    Args:
        home: the folder that contains them, `$MLRUN_HOME`.
        unused_since: a timestamp in microseconds.
        used_keys: keys of environments to keep.
        protected_keys: keys of environments to keep even if incomplete, since another machine may build them.
        dry_run: report what would be removed, without removing it.

    Returns:
        The keys of the removed environments, and the number of bytes freed. Images are not counted, since they share
        layers.

    Raises:
        OSError: the folder cannot be written.
    """
    keys = []
    size = 0
    for folder in _iterate_folders(home):
        if folder.path.name in protected_keys:
            continue
        with _try_to_lock_exclusively(folder) as is_alone:
            if not is_alone:
                continue
            size += _remove_leftovers(folder, dry_run=dry_run)
            if not _is_prunable(folder, unused_since, used_keys):
                continue
            is_there, freed = folder.path.is_dir(), measure_disk_usage(folder.path)
            if (dry_run or _remove_environment(folder)) and is_there:
                keys.append(folder.path.name)
                size += freed
    return keys, size


def measure_disk_usage(folder: Path) -> int:
    """Return the number of bytes that the files in a folder occupy on disk, excluding those with several hard links."""
    size = 0
    for top, _folders_in, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                found = os.lstat(os.path.join(top, name))
                size += found.st_blocks * 512 if found.st_nlink == 1 else 0
    return size


def _iterate_folders(home: Path) -> Iterator[EnvironmentFolder]:
    """Yield the folder of each environment, including those of failed builds and interrupted prunes."""
    environments = home / "environments"
    with suppress(FileNotFoundError):
        names = map(_NAME.fullmatch, os.listdir(environments))
        for key in sorted({name[1] for name in names if name is not None}):
            yield EnvironmentFolder(environments / key)


def _is_prunable(folder: EnvironmentFolder, unused_since: int, used_keys: Collection[str]) -> bool:
    built = folder.find_environment()
    if built is None:
        # Its builder has died; otherwise it would hold the lock.
        return True
    return built.key not in used_keys and built.used_at < unused_since


def _remove_leftovers(folder: EnvironmentFolder, *, dry_run: bool) -> int:
    """Remove the leftovers of interrupted prunes of an environment, and return the number of bytes freed."""
    size = 0
    for doomed in filter(Path.is_dir, folder.path.parent.glob(f".{folder.path.name}.*")):
        size += measure_disk_usage(doomed)
        if not dry_run:
            shutil.rmtree(doomed)
    return size


def _remove_environment(folder: EnvironmentFolder) -> bool:
    """Remove an environment and its image; return False, and remove nothing, if the image cannot be removed."""
    engine = folder.read_engine_path()
    if engine is not None and not remove_image(engine, build_image_name(folder.path.name)):
        return False
    if folder.path.is_dir():
        doomed = folder.path.with_name(f".{folder.path.name}.{os.getpid()}")
        folder.path.rename(doomed)
        shutil.rmtree(doomed)
    folder.delete_lock_files()
    return True


@contextmanager
def _try_to_lock_exclusively(folder: EnvironmentFolder) -> Iterator[bool]:
    """Try to lock the environment against builds and use during the block; yield whether both locks were acquired."""
    with ExitStack() as stack:
        for path in (folder.lock, folder.in_use):
            is_new = not get_counterpart(path).exists()
            try:
                lock = acquire_lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            if is_new:
                os.utime(lock, (0, 0))  # its modification time is when the environment was last used
                stack.callback(remove_lock_file, path, lock)
            else:
                stack.callback(os.close, lock)
        yield True
