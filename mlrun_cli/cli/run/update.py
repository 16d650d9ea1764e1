"""`run update`: change tags, properties, name and description of runs."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions import runs as actions
from mlrun_cli.actions.runs import RunChanges
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    check_changes,
    parse_properties,
    parse_tags,
    warn_of_missing_tags,
)
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import (
    ExperimentName,
    RunIds,
)
from mlrun_cli.cli.run.records import build_records_result
from mlrun_cli.cli.run.selection import get_runs
from mlrun_cli.runs.run import build_run_record


@command(
    app,
    "update",
    examples=[
        ("Tag a run", "mlrun run update -r @latest --add-tag quality='fantastic run'"),
        (
            "Set its display name and remove a tag",
            "mlrun run update -r @latest --display-name baseline --remove-tag draft",
        ),
    ],
)
def update(
    global_options: GlobalOptions,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    add_tag: Annotated[
        list[str] | None,
        Option("--add-tag", metavar="KEY[=VALUE]", help="Add a tag, or change its value."),
    ] = None,
    remove_tag: Annotated[
        list[str] | None,
        Option("--remove-tag", metavar="KEY", help="Remove a tag."),
    ] = None,
    add_properties: Annotated[
        list[str] | None,
        Option("--add-properties", metavar="KEY=VALUE", help="Add a property, which cannot be changed later."),
    ] = None,
    display_name: Annotated[
        str | None,
        Option("--display-name", metavar="TEXT", help="Name shown instead of the id; an empty one removes it."),
    ] = None,
    description: Annotated[str | None, Option("--description", metavar="TEXT", help="Description of the run.")] = None,
    keep: Annotated[
        bool | None, Option("--keep/--no-keep", help="Never prune the run, and delete it only with --force.")
    ] = None,
) -> object:
    """Change a run's tags, name and description, or add properties.

    If you specify several runs, either all or none of them are changed.
    """
    check_changes(
        (add_tag, remove_tag, add_properties, display_name, description, None if keep is None else [keep]),
        "--add-tag, --remove-tag, --add-properties, --display-name, --description, --keep or --no-keep",
    )
    changes = RunChanges(
        tags=parse_tags(add_tag or [], removed_keys=remove_tag or ()),
        removed_tags=remove_tag or [],
        properties=parse_properties(add_properties or []),
        display_name=display_name,
        description=description,
        is_kept=keep,
    )
    context = open_context(global_options)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        updated = actions.update_runs(workspace, runs, changes)
    warn_of_missing_tags(global_options, changes.removed_tags, [run.tags for run in runs])
    return build_records_result([build_run_record(run) for run in updated], is_list=False)
