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
        submission: why the job could not be submitted again the last time, unless the engine did not answer.
    """

    unanswered: int = 0
    releases: int = 0
    submission: str = ""

    @classmethod
    def read(cls, folder: RunFolder) -> JobProblems:
        """Return the problems of a run's job; the defaults if there are none or their file is damaged."""
        document = read_json(folder.job_problems) or {}
        known = {name: document.get(name) for name in cls._fields}
        return cls(**{name: value for name, value in known.items() if isinstance(value, type(cls()._asdict()[name]))})

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


def record_submission_problem(folder: RunFolder, text: str) -> None:
    """Record why a run's job cannot be submitted again now; ignore a full disk."""
    with suppress(OSError):
        problems = JobProblems.read(folder)
        if problems.submission != text:
            problems._replace(submission=text).write(folder)


def find_unanswered_submission(folder: RunFolder) -> JobProblems | None:
    """Return a job's problems if its engine left a submission unanswered; None if not, or if they cannot be read."""
    with suppress(OSError):
        problems = JobProblems.read(folder)
        return problems if problems.unanswered else None
    return None


def has_unanswered_submission(folder: RunFolder) -> bool:
    """Return whether the engine has not answered a submission of a run's job; False if that cannot be read."""
    return find_unanswered_submission(folder) is not None
