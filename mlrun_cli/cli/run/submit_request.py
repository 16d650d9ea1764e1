"""The submit request of the subcommands that submit a script or a command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.cli.context import Context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_environment_choice
from mlrun_cli.errors import MissingOption
from mlrun_cli.folders.project_config import make_absolute

if TYPE_CHECKING:
    from mlrun_cli.submit.request import SubmitRequest


def build_submit_request(
    context: Context,
    global_options: GlobalOptions,
    words: Sequence[str],
    *,
    is_command: bool,
    runconfig_name: str | None,
    experiment_name: str | None,
    source_directory: Path | None,
    conda_dependencies: Path | None,
    environment: str | None,
    target: str | None,
    unknown_target: str | None,
) -> SubmitRequest:
    """Return the request described by the options that the commands for submitting scripts and sweeps share.

    Args:
        context: the workspace and the experiment of the attached folder.
        global_options: the options of every command.
        words: the script and its arguments; or with `is_command`, the command. A single word is split
            like a line of a shell, or handed to one.
        is_command: whether `--command` is given.
        runconfig_name: the value of `-c`, and so on.
        experiment_name: see `mlrun_cli.cli.run.options`, as for all others.
        source_directory: the folder of the script.
        conda_dependencies: a conda file.
        environment: how exactly the environment must be matched.
        target: the compute target.
        unknown_target: what is done about an unknown target.

    Raises:
        UsageError: no experiment or no command is named, or an option's value is not valid.
    """
    from mlrun_cli.submit.request import SubmitRequest  # noqa: PLC0415

    if is_command and not words:
        raise MissingOption(
            "--command: no command follows.",
            hint="Write it after all options, as in --command python -m train --lr 0.1",
            target="--command",
        )
    request = SubmitRequest(
        path=global_options.path,
        experiment_name=context.get_experiment_name(experiment_name),
        environment=dict(os.environ),
        runconfig_name=runconfig_name,
        source_directory=source_directory,
        target=target,
        conda_dependencies=conda_dependencies,
        environment_mode=parse_environment_choice(environment),
        unknown_target=unknown_target,
    )
    if any(word.startswith("-") for word in words):
        from mlrun_cli.cli.run.misplaced_options import describe_options_after_script  # noqa: PLC0415 - start-up

        source = source_directory or request.get_project_folder()
        note = describe_options_after_script(words, source, is_command=is_command)
        if note is not None:
            global_options.notes.warning(note)
    if experiment_name is None and source_directory is None:
        _print_attached_folder_note(context, request, global_options)
    if is_command:
        from mlrun_cli.submit.script import split_command_text  # noqa: PLC0415 - start-up

        return request._replace(command=split_command_text(words[0]) if len(words) == 1 else tuple(words))
    return request._replace(script=words[0] if words else None, arguments=words[1:])


def _print_attached_folder_note(context: Context, request: SubmitRequest, global_options: GlobalOptions) -> None:
    """Print which attached folder determined the experiment if it is an ancestor of the script's folder."""
    attached, project = context.attached_folder, make_absolute(request.get_project_folder())
    if attached is not None and attached != project:
        global_options.notes.info(
            f"The experiment '{request.experiment_name}' is that of the attached folder '{attached}'; the run gets the"
            f" files of '{project}' alone."
        )
