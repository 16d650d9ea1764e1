"""The cutoff date for packages without a version: the date of the last change to the files that list them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import EnvironmentNotBuilt

_TIMEOUT_SECONDS = 10.0
_NAME_IT = "Name the day, as in 'dated:2020-06-01'."


class CutoffDate(NamedTuple):
    """A cutoff date, with a description of its source."""

    day: date
    source: str

    @property
    def uploaded_before(self) -> str:
        """The end of the day as a UTC timestamp, for uv's `--exclude-newer`."""
        return f"{self.day.isoformat()}T23:59:59Z"


def create_cutoff_date(day: date) -> CutoffDate:
    """Create the cutoff date for a day that the user has specified."""
    return CutoffDate(day, "as named")


def determine_cutoff_date(files: Iterable[Path], environ: Mapping[str, str]) -> CutoffDate:
    """Return the date of the last change to any of the files, from their commits or else their modification times.

    A file that is committed as it is counts with its last commit, another one with its modification time.

    For a folder, which represents dependencies that are not in a file, only commits count.

    Args:
        files: the files that list the packages.
        environ: the environment variables for running git.

    Raises:
        EnvironmentNotBuilt: the day of a file cannot be determined.
    """
    # The target of a symbolic link counts, not the link itself.
    found = [_determine_file_date(file.resolve(), environ) for file in files]
    return max(found, key=lambda one: one.day)


def _determine_file_date(file: Path, environ: Mapping[str, str]) -> CutoffDate:
    """Return the date of the file's last commit or, for a file that is not committed, of its last change."""
    repository = _Repository(file, environ)
    if repository.is_there and (file.is_dir() or not repository.has_changes()):
        commit = repository.find_last_commit_date()
        if commit is not None:
            return commit
    if file.is_dir():
        raise EnvironmentNotBuilt(
            f"'dated' is to take the packages of a day, and no commit of {file} tells which.",
            hint=_NAME_IT,
        )
    try:
        modified = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc).date()
    except OSError as error:
        raise EnvironmentNotBuilt(
            f"'dated' is to take the packages of the day of {file}, which cannot be read: {error.strerror}.",
            hint=_NAME_IT,
        ) from error
    why = ", whose changes are not committed" if repository.is_there else ""
    today = datetime.now(timezone.utc).date()
    return CutoffDate(min(modified, today), f"the time of {file}{why}")


class _Repository:
    """Read-only access to the git history of a file."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        self._file = file
        self._folder = file if file.is_dir() else file.parent
        self._environ = {**environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        self.is_there = any((above / ".git").exists() for above in (self._folder, *self._folder.parents))

    def has_changes(self) -> bool:
        """Return whether the file has uncommitted changes; True if git cannot tell."""
        answer = self._run_git("status", "--porcelain", "--ignored", "--untracked-files=all", "--", str(self._file))
        return answer is None or bool(answer)

    def find_last_commit_date(self) -> CutoffDate | None:
        """Return the date of the last commit that changed the file, or None if there is none or git fails."""
        shown = self._run_git("log", "-1", "--no-show-signature", "--format=%H %ct", "--", str(self._file))
        if not shown:
            return None
        commit, seconds = shown.split()
        day = datetime.fromtimestamp(int(seconds), timezone.utc).date()
        source = f"the last commit of {self._file}, {commit[:10]}"
        if commit in self._list_shallow_commits():
            source += ", the oldest of a shallow clone, so that the day may be an earlier one"
        return CutoffDate(min(day, datetime.now(timezone.utc).date()), source)

    def _list_shallow_commits(self) -> Sequence[str]:
        """Return the commits at which the history of a shallow clone is truncated; empty for other clones."""
        path = self._run_git("rev-parse", "--git-path", "shallow")
        try:
            return Path(self._folder, path).read_text(encoding="ascii").split() if path else ()
        except (OSError, ValueError):
            return ()

    def _run_git(self, *arguments: str) -> str | None:
        """Return the output of a git command in the repository without surrounding whitespace, or None if it fails."""
        try:
            done = subprocess.run(
                ["git", "--literal-pathspecs", "-c", "core.fsmonitor=false", *arguments],
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return os.fsdecode(done.stdout).strip()
