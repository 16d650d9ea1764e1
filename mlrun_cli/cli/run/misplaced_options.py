"""A hint about options of `submit-script` that were written after the script, and that the script refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlrun_cli.cli.run import app
from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.runs.run import Run
from mlrun_cli.wire.run_output import make_printable
from mlrun_cli.workspace import Workspace

_WRONG_USAGE = 2
"""The exit code with which argparse and Click refuse a command line."""
_REFUSAL = re.compile(r"(?:unrecognized arguments|no such option):? (.*)", re.IGNORECASE)
_LAST_LINES = 5


def describe_misplaced_options(workspace: Workspace, run: Run, script: str, arguments: Sequence[str]) -> str | None:
    """Return a hint for a failed script if it rejected an option that submit-script would have accepted, else None."""
    declaration = app.find("submit-script")
    if run.exit_code != _WRONG_USAGE or declaration is None:
        return None
    last_lines = read_tail(workspace.run_folder(run.run_id).stdout).rstrip().splitlines()[-_LAST_LINES:]
    refused = {word.strip("'\".,") for line in last_lines for found in _REFUSAL.findall(line) for word in found.split()}
    own = {name for each in declaration.read_parameters().all_parameters for name in each.option_names}
    misplaced = [word for word in arguments if word in refused and word.partition("=")[0] in own]
    if not misplaced:
        return None
    names = ", ".join(dict.fromkeys(make_printable(word.partition("=")[0]) for word in misplaced))
    return (
        f"What follows {make_printable(script)} is passed to it, also {names}, which submit-script has too. Write"
        f" {'it' if len(misplaced) == 1 else 'them'} before {make_printable(script)} if submit-script was meant."
    )
