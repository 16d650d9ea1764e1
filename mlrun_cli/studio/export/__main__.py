"""Print an exported page: `python -m mlrun_cli.studio.export OPTIONS`, with the JSON of `ExportOptions.to_json`."""

from __future__ import annotations

import sys
from pathlib import Path

from mlrun_cli.actions.runs import get_runs
from mlrun_cli.core.redaction import get_process_redactor
from mlrun_cli.errors import MlrunError
from mlrun_cli.serving.export_options import ExportOptions
from mlrun_cli.studio.export.page import render_page
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


def main(options: ExportOptions) -> None:
    """Print the exported page of the requested runs.

    Raises:
        MlrunError: a run no longer exists, or the store cannot be used.
    """
    locator = locate_workspace(Path(options.home), WorkspaceIdentity(*options.identity))
    with Workspace.open(locator, redactor=get_process_redactor(), create=False, only_reads=True) as workspace:
        text = render_page(workspace, get_runs(workspace, options.run_ids))
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


if __name__ == "__main__":
    try:
        main(ExportOptions.from_json(sys.argv[1]))
    except MlrunError as error:
        sys.exit(" ".join([error.message, *([error.hint] if error.hint else [])]))
