"""Handler of the request to submit a script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler
from mlrun_cli.runconfigs.runconfig import read_configuration_document
from mlrun_cli.runs.run import build_run_record
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.submit import submit


@handler("submitting.submit")
def submit_script(
    context: RequestContext,
    experiment_name: str,
    document: Mapping[str, Any],
    source_directory: str,
    environment: Mapping[str, str],
    tags: Mapping[str, str | None] | None = None,
    properties: Mapping[str, str] | None = None,
    parent_run_id: str | None = None,
    display_name: str | None = None,
) -> dict[str, Any]:
    """Submit a script; return the run's record and the notes as `{"run": …, "notes": […]}`.

    Args:
        context: the context of the request.
        experiment_name: the experiment, which is created if it does not exist.
        document: the run configuration, in the format of a runconfig.
        source_directory: the absolute path of the folder of which a snapshot is taken.
        environment: the variables of the client's process.
        tags: the initial tags of the run.
        properties: the initial properties of the run.
        parent_run_id: the id of the run's parent, if any.
        display_name: the name that is shown to people.
    """
    source = Path(source_directory)
    configuration, notes = read_configuration_document(document, source)
    request = SubmitRequest(
        path=source,
        experiment_name=experiment_name,
        configuration=configuration,
        source_directory=source,
        environment=environment,
        parent_run_id=parent_run_id,
        display_name=display_name,
        tags=tags or {},
        properties=properties or {},
    )
    with Interruptions() as interruptions:
        submitted = submit(context.workspace, request, interruptions)
    return {"run": build_run_record(submitted.run), "notes": [*notes, *submitted.notes]}
