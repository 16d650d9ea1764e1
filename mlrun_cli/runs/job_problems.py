"""The problems of a run's job at its engine, counted because a job is retried only a limited number of times."""

from __future__ import annotations

from contextlib import suppress

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.folder import RunFolder


class JobProblems(NamedTuple):
    """The problems of a run's job so far, kept in the run's folder, so that they are counted across collectors.

    Attributes:
        unanswered: how many submissions the engine has not answered, so that it may have the job or not.
        releases: how often the job, which the engine held since it could not start it, was to be released.
    """

    unanswered: int = 0
    releases: int = 0

    @classmethod
    def read(cls, folder: RunFolder) -> JobProblems:
        """Return the problems of a run's job; zeros if there were none, or their file is damaged."""
        document = read_json(folder.job_problems) or {}
        return cls(*(number if isinstance(number := document.get(name), int) else 0 for name in cls._fields))

    def write(self, folder: RunFolder) -> None:
        """Write the problems to the run's folder.

        Raises:
            OSError: the file cannot be written.
        """
        write_json(folder.job_problems, self._asdict())


def record_unanswered_submission(folder: RunFolder) -> None:
    """Record another submission of a run's job that the engine has not answered.

    Raises:
        OSError: the count cannot be written.
    """
    problems = JobProblems.read(folder)
    problems._replace(unanswered=problems.unanswered + 1).write(folder)


def has_unanswered_submission(folder: RunFolder) -> bool:
    """Return whether the engine has not answered a submission of a run's job; False if that cannot be read."""
    with suppress(OSError):
        return JobProblems.read(folder).unanswered > 0
    return False
