"""The part of attaching that subcommands of all kinds share; each declares the options of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.actions.attached_targets import attach_target
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.computetarget.options import build_record, build_target_result, parse_target_tags
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.targets.attachment import Attachment
from mlrun_cli.targets.shared_folder_probe import NodeCheck

_MAX_NAMED = 5


def attach(
    global_options: GlobalOptions,
    name: str,
    attachment: Attachment,
    *,
    description: str,
    tags: Sequence[str] | None,
    tested_options: str = "options",
) -> Result:
    """Attach a compute target, print which nodes were not tested, and return the target as a result.

    Args:
        global_options: the global options.
        name: the name of the target.
        attachment: what is attached.
        description: the description.
        tags: the tags, as typed.
        tested_options: what the engine is asked about before, for the note that it was not.
    """
    tags_by_key = parse_target_tags(tags)
    with open_context(global_options, creates=True).workspace as workspace:
        target, check = attach_target(workspace, name, attachment, description=description, tags=tags_by_key)
        record = build_record(workspace, target)
    _print_untested_nodes(global_options, check, tested_options)
    return build_target_result(record)


def _print_untested_nodes(global_options: GlobalOptions, check: NodeCheck | None, tested_options: str) -> None:
    """Print which nodes, if any, were not tested, or that nothing was tested because of `--no-check`."""
    if check is None:
        global_options.notes.info(
            f"Neither the {tested_options} nor the shared folder were tested, because of --no-check."
        )
    elif check.unchecked:
        global_options.notes.warning(f"Not all nodes were tested: {_format_untested_nodes(check.unchecked)}.")


def _format_untested_nodes(reasons: Mapping[str, str]) -> str:
    named = [f"{node} ({reason})" for node, reason in sorted(reasons.items())]
    rest = len(named) - _MAX_NAMED
    return ", ".join(named[:_MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")
