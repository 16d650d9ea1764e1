"""The folder of a built environment, and the paths of the files in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.core.locks import acquire_lock
from mlrun_cli.environments.environment import BuiltEnvironment, EnvironmentBuild, EnvironmentPlan
from mlrun_cli.errors import OperatingSystemError


class EnvironmentFolder:
    """The folder of an environment, `environments/<key>/`, and its lock files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path.with_name(f"{path.name}.lock")
        self.in_use = path.with_name(f"{path.name}.in-use")
        self.claim = path.with_name(f"{path.name}.claim")
        """The folder with the lease of the host that builds it, see `build_claim`."""
        self.venv = path / "venv"
        self.interpreter = self.venv / "bin" / "python"
        self.requirements = path / "requirements.txt"
        self.conda_file = path / "environment.yml"
        self.dockerfile = path / "Dockerfile"
        self.context = path / "context"
        self.installed = path / "installed.txt"
        self._engine = path / "engine"
        self._complete = path / "complete.json"

    def is_complete(self) -> bool:
        """Return whether the build was completed and the interpreter, if there is one, is still executable.

        Whether an image still exists is not checked; only its engine knows.
        """
        return self._complete.exists() and (self._engine.exists() or os.access(self.interpreter, os.X_OK))

    def record_engine_path(self, engine: str) -> None:
        """Record the path of the container engine that is going to build and store the image."""
        self._engine.write_text(engine, encoding="utf-8")

    def read_engine_path(self) -> str | None:
        """Return the path of the docker or podman that has the image, or None if none is recorded."""
        try:
            return self._engine.read_text(encoding="utf-8")
        except OSError:
            return None

    @contextmanager
    def write_temporary_secret(self, path: Path, text: str) -> Iterator[Path]:
        """Write a file that only the user can read, yield its path, and delete it when the context exits."""
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def remove_leftover_secrets(self) -> None:
        """Delete files with secrets that a killed build left behind, unless a build is using them."""
        secret_files = [path for path in (self.conda_file, self.dockerfile) if path.exists()]
        if not secret_files:
            return
        try:
            lock = acquire_lock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            for path in secret_files:
                path.unlink(missing_ok=True)
        finally:
            os.close(lock)

    def mark_complete(self, document: dict[str, Any]) -> None:
        """Durably write the marker file that declares the environment complete, after all other files."""
        # The marker must not survive a power cut that loses the packages written before it.
        os.sync()
        write_json(self._complete, document, durable=True)

    def acquire_use_lock(self) -> int:
        """Record the time of use, and acquire a lock that prevents pruning until the returned descriptor is closed.

        Raises:
            MlrunError: the folder of environments is not writable.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = acquire_lock(self.in_use, fcntl.LOCK_SH)
            try:
                os.utime(descriptor)
                if get_counterpart(self.in_use) != self.in_use:
                    self.in_use.touch(mode=0o600)
            except OSError:
                os.close(descriptor)
                raise
        except OSError as error:
            raise OperatingSystemError(
                f"The folder of environments, {self.path.parent}, cannot be written: {error.strerror}. Nothing was "
                "started. Make it writable, make room there, or set MLRUN_HOME to a folder on another disk."
            ) from error
        return descriptor

    def delete_lock_files(self) -> None:
        """Delete the lock files and the claim; the caller must hold both locks."""
        shutil.rmtree(self.claim, ignore_errors=True)
        for path in (self.lock, self.in_use):
            path.unlink(missing_ok=True)
            get_counterpart(path).unlink(missing_ok=True)

    def find_environment(self) -> BuiltEnvironment | None:
        """Return the environment that was built in the folder, or None if the build is incomplete."""
        document = read_json(self._complete)
        if document is None:
            return None
        built_at = _get_modification_time(self._complete)
        return BuiltEnvironment(
            key=self.path.name,
            build=EnvironmentBuild.from_json(document),
            folder=str(self.path),
            python_version=document.get("python_version", ""),
            installed=self._read_installed_packages(),
            unpinned=tuple(document.get("loosened", ())),
            other_python=document.get("other_python", ""),
            built_at=built_at,
            used_at=max(built_at, _get_modification_time(self.in_use)),
        )

    def _read_installed_packages(self) -> tuple[str, ...]:
        try:
            return tuple(self.installed.read_text(encoding="utf-8").splitlines())
        except OSError:
            return ()


def _get_modification_time(path: Path) -> int:
    """Return the modification time of a file in microseconds, or 0 if there is no such file."""
    with suppress(OSError):
        return os.stat(path).st_mtime_ns // 1000
    return 0


def remove_build_secrets(plan: EnvironmentPlan) -> None:
    """Delete files with secrets left by a killed build, except those in use or that cannot be deleted."""
    if plan.build is not None:
        with suppress(OSError):
            EnvironmentFolder(Path(plan.build.folder)).remove_leftover_secrets()
