"""The shell command that resubmits a run."""

from __future__ import annotations

import shlex
from contextlib import suppress
from itertools import count
from pathlib import Path

from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.errors import MlrunError
from mlrun_cli.folders.project_config import find_project_config
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission


def build_resubmit_command(run: Run, submission: Submission | None) -> str | None:
    """Return the shell command that resubmits a run from any folder, or None if there is no such command.

    It does not include tags and the display name. Secrets are replaced by shell variables that must be set.
    """
    if submission is None:
        return None
    options = submission.get_submit_options()
    if not options.is_whole or (options.script, options.command, options.runconfig) == (None, None, None):
        return None
    words = ["mlrun", "run", "submit-script"]
    mode = options.environment_mode
    for name, value in (
        ("--path", submission.folder),
        *_list_workspace_options(submission),
        ("-e", run.experiment_name),
        ("-c", options.runconfig),
        ("--source-directory", options.source_directory),
        ("-d", options.conda_file),
        ("--environment", None if mode is None else str(mode)),
        ("--ct", options.target),
        ("--gpus", str(run.gpu_count) if run.gpu_count else None),
    ):
        words += [] if value is None else [name, value]
    if options.script is not None:
        words += [options.script, *options.arguments]
    elif options.command is not None:
        words += ["--command", *([options.command] if isinstance(options.command, str) else options.command)]
    return _quote_words(words)


def _list_workspace_options(submission: Submission) -> list[tuple[str, str]]:
    """Return the options that select the run's workspace; empty if the run's folder is attached to that workspace."""
    names = (submission.workspace_name, submission.resource_group, submission.subscription_id)
    config = None
    with suppress(MlrunError):
        config = None if submission.folder is None else find_project_config(Path(submission.folder))
    if config is not None and (config.workspace_name, config.resource_group, config.subscription_id) == names:
        return []
    return list(zip(("-w", "-g", "--subscription-id"), names, strict=True))


def _quote_words(command: list[str]) -> str:
    numbers = count(1)

    def quote_word(word: str) -> str:
        first, *others = (shlex.quote(part) if part else "" for part in word.split(REDACTED))
        filled = (f'"${{SECRET_{next(numbers)}:?is a secret to be typed}}"{part}' for part in others)
        return "".join([first, *filled]) if others else shlex.quote(word)

    return " ".join(map(quote_word, command))
