"""Helpers shared by the subcommands that attach a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.targets.shared_folder_probe import NodeCheck

_MAX_NAMED = 5


def print_untested_parts(global_options: GlobalOptions, check: NodeCheck | None, tested_options: str) -> None:
    """Print which nodes were not tested, or that nothing was tested because of `--no-check`."""
    if check is None:
        global_options.notes.info(
            f"Neither the {tested_options} nor the shared folder were tested, because of --no-check."
        )
    elif check.unchecked:
        global_options.notes.warning(f"Not all nodes were tested: {_format_untested_parts(check.unchecked)}.")


def _format_untested_parts(reasons: Mapping[str, str]) -> str:
    named = [f"{node} ({reason})" for node, reason in sorted(reasons.items())]
    rest = len(named) - _MAX_NAMED
    return ", ".join(named[:_MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")
