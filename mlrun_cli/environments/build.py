"""The build of a planned environment, done only once even if several runs need it at the same time."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.locks import acquire_lock
from mlrun_cli.environments.build_claim import hold_build_claim
from mlrun_cli.environments.environment import Builder, EnvironmentBuild
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.image import build_image, build_image_name, has_image
from mlrun_cli.environments.installation import InstallResult, install_with_conda, install_with_uv_or_pip
from mlrun_cli.environments.installer import Installer, print_files_changed_error, print_line
from mlrun_cli.environments.local_sources import find_changed_source
from mlrun_cli.processes.host_lease import renew_lease_if_due

_LOOK_SECONDS = 0.05
_PYTHON_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
# Python 3.7 and older have no `importlib.metadata`.
_LIST = """
try:
    from importlib.metadata import distributions
except ImportError:
    from pkg_resources import working_set
    found = {(one.project_name, one.version) for one in working_set}
else:
    found = {(one.metadata["Name"], one.version) for one in distributions()}
print("\\n".join(sorted("%s==%s" % one for one in found)))
"""


def build_environment(build: EnvironmentBuild, environ: Mapping[str, str]) -> int:
    """Build the environment unless it already exists, and return 0 or the exit code of the failed installer.

    The installer's output goes to stdout, without secrets. A build that is killed leaves an incomplete folder, which
    the next build removes.

    Raises:
        OSError: the folder cannot be written, or its file system does not support locks.
    """
    folder = EnvironmentFolder(Path(build.folder))
    folder.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready = f"Environment {build.key} is ready."
    with hold_build_claim(folder, lambda: _is_built(folder, build)) as is_ours:
        if not is_ours:
            print_line(ready)
            return 0
        with _hold_build_lock(folder.lock, ready) as lock:
            if not _is_built(folder, build):
                code = _build_under_lock(folder, build, lock, environ)
                if code:
                    return code
            print_line(ready)
            return 0


def _build_under_lock(folder: EnvironmentFolder, build: EnvironmentBuild, lock: int, environ: Mapping[str, str]) -> int:
    """Build an environment, and return 0 or the exit code of the failed installer."""
    installer = Installer(environ, folder.path, lock)
    try:
        result = _create_environment(folder, build, installer, environ)
    except OSError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    if not result.exit_code and build.image is None and not os.access(folder.interpreter, os.X_OK):
        print_line(f"Error: {Path(build.installer).name} has ended well, and there is no {folder.interpreter}.")
        result = InstallResult(1)
    if result.exit_code:
        # Frees the disk, and keeps the installer's message as the last output.
        shutil.rmtree(folder.path, ignore_errors=True)
        return result.exit_code
    version = ""
    if build.image is None:
        version = installer.capture_output([str(folder.interpreter), "-I", "-c", _PYTHON_VERSION]).strip()
        folder.installed.write_text(installer.capture_output(_build_list_command(folder, build)), encoding="utf-8")
    renew_lease_if_due(folder.claim)  # raises if this host stood still, and another one has begun to build it
    folder.mark_complete(
        {
            **build.to_json(),
            "python_version": version,
            "loosened": list(result.unpinned),
            "other_python": result.other_python,
        }
    )
    return 0


def _is_built(folder: EnvironmentFolder, build: EnvironmentBuild) -> bool:
    """Return whether the environment is complete and its image, if it has one, still exists."""
    return folder.is_complete() and (build.image is None or has_image(build.installer, build_image_name(build.key)))


def _create_environment(
    folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer, environ: Mapping[str, str]
) -> InstallResult:
    """Create the environment in a new folder, install its packages, and return the result."""
    if folder.path.exists():
        shutil.rmtree(folder.path)
    folder.path.mkdir(mode=0o700)
    print_line(
        f"Building environment {build.key} with {Path(build.installer).name} for {build.python or build.builder.value}"
    )
    if build.day is not None:
        print_line(f"  as it was on {build.day} ({build.day_source})")
    dockerfile = () if build.image is None else build.image.dockerfile.splitlines()
    for line in (*build.packages, *build.options, *build.requirements, *dockerfile):
        print_line(f"  {line}")
    if (changed := find_changed_source(build.local)) is not None:
        print_files_changed_error(changed)
        return InstallResult(1)
    if build.image is not None:
        return InstallResult(build_image(folder, build, build.image, installer))
    if build.builder is Builder.CONDA:
        return install_with_conda(folder, build, installer)
    return install_with_uv_or_pip(folder, build, installer, environ)


def _build_list_command(folder: EnvironmentFolder, build: EnvironmentBuild) -> list[str]:
    """Return the command that lists the packages installed in the environment."""
    python = str(folder.interpreter)
    if build.builder is Builder.UV:
        return [build.installer, "pip", "freeze", "--python", python]
    if build.builder is Builder.PIP:
        return [python, "-m", "pip", "freeze"]
    return [python, "-I", "-c", _LIST]


@contextmanager
def _hold_build_lock(lock_path: Path, ready_line: str) -> Iterator[int]:
    """Hold the build lock during the block and yield its descriptor; while waiting, print the other build's output."""
    lock = _try_lock(lock_path)
    if lock is None:
        print_line("Another run is building this environment; waiting for it.")
        lock = _wait_for_build_lock(lock_path, ready_line)
    try:
        _write_log_path(lock, _get_output_path())
        yield lock
        _write_log_path(lock, b"")
    finally:
        os.close(lock)


def _try_lock(lock_path: Path) -> int | None:
    """Acquire the lock without waiting, and return its descriptor; return None if another process holds it."""
    try:
        return acquire_lock(lock_path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def _wait_for_build_lock(lock_path: Path, ready_line: str) -> int:
    """Wait for the lock and return its descriptor; until then, print its holder's output except `ready_line`."""
    log, offset = b"", 0
    while (lock := _try_lock(lock_path)) is None:
        log = log or _read_log_path(lock_path)
        offset = _print_log_from(log, offset, ready_line)
        time.sleep(_LOOK_SECONDS)
    _print_log_from(log, offset, ready_line)
    return lock


def _print_log_from(log_path: bytes, offset: int, ready_line: str) -> int:
    """Print a log from an offset, without `ready_line`, and return the new offset; ignore an unreadable log."""
    with suppress(OSError), open(log_path, "rb") as file:
        file.seek(offset)
        sys.stdout.buffer.write(file.read().replace(f"{ready_line}\n".encode(), b""))
        sys.stdout.buffer.flush()
        return file.tell()
    return offset


def _write_log_path(lock_fd: int, log_path: bytes) -> None:
    """Write the path of the lock holder's log into the lock file."""
    os.ftruncate(lock_fd, 0)
    os.pwrite(lock_fd, log_path, 0)


def _read_log_path(lock_path: Path) -> bytes:
    """Return the path of the lock holder's log from the lock file, or an empty path if it is unreadable."""
    with suppress(OSError):
        return lock_path.read_bytes()
    return b""


def _get_output_path() -> bytes:
    """Return the path of the file that this process prints to, or an empty path if stdout is not a regular file."""
    with suppress(OSError):
        log = os.readlink(b"/proc/self/fd/1")
        return log if os.path.isfile(log) else b""
    return b""
