"""A collection of problems, so that a user sees all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlrun_cli.errors import EnvironmentNotBuilt, MlrunError, NotFound, SeveralProblems, UsageError


class _ErrorCollector:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, (UsageError, NotFound, EnvironmentNotBuilt)):
            return False
        self._problems.add(error)
        return True


class Problems:
    """A list of user errors; errors of other kinds are raised immediately."""

    def __init__(self) -> None:
        self._found: list[MlrunError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def __iter__(self) -> Iterator[MlrunError]:
        """Iterate over the errors by file and line; errors without a file come last."""
        places = [(one.file, one.line or 0) for one in self._found]
        files: dict[str | None, int] = {}
        for file, _ in places:
            files.setdefault(file, len(files))
        order = sorted(
            range(len(places)), key=lambda index: (places[index][0] is None, files[places[index][0]], places[index][1])
        )
        return (self._found[index] for index in order)

    def has_problem_about(self, *key_paths: str) -> bool:
        """Return whether any of the errors is about one of these keys or a key below one of them."""
        keys = [one.key_path for one in self._found if one.key_path is not None]
        return any(key == path or key.startswith((f"{path}.", f"{path}[")) for key in keys for path in key_paths)

    def collect_errors(self) -> _ErrorCollector:
        """Return a context manager that catches a user error and adds it, unless its message is already in the list."""
        return _ErrorCollector(self)

    def add(self, error: MlrunError) -> None:
        """Add an error, or the individual errors of a combined one, except those with a message already in the list."""
        told = {one.message for one in self._found}
        self._found += [one for one in list_problems(error) if one.message not in told]

    def raise_if_any(self) -> None:
        """Raise the only error in the list, or all of them combined; do nothing if the list is empty.

        Raises:
            MlrunError: the list is not empty.
        """
        if self._found:
            raise self.combine()

    def combine(self) -> MlrunError:
        """Return the only error in the list, or an error that combines all of them."""
        return self._found[0] if len(self._found) == 1 else SeveralProblems(list(self))


def list_problems(error: MlrunError) -> tuple[MlrunError, ...]:
    """Return the individual errors of a combined error, or the error itself."""
    return error.problems if isinstance(error, SeveralProblems) else (error,)


def build_problem_record(problem: MlrunError) -> dict[str, Any]:
    """Return a problem as `{"code", "file", "line", "message", "hint"}`; file and line are None if unknown."""
    location = problem.location or ""
    return {
        "code": problem.code,
        "file": problem.file,
        "line": problem.line,
        "message": problem.message.removeprefix(location).lstrip(":, ") if location else problem.message,
        "hint": problem.hint,
    }
