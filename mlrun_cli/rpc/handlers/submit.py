"""Handlers of the requests to submit a script, or a sweep over its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions.interactive_runs import check_new_run_id
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler
from mlrun_cli.runconfigs.runconfig import parse_configuration_document
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
    request, notes = _build_request(
        experiment_name, document, source_directory, environment, tags, properties, parent_run_id, display_name
    )
    with Interruptions() as interruptions:
        submitted = submit(context.workspace, request, interruptions)
    return {"run": build_run_record(submitted.run), "notes": [*notes, *submitted.notes]}


@handler("submitting.submit_sweep")
def submit_sweep(
    context: RequestContext,
    experiment_name: str,
    document: Mapping[str, Any],
    source_directory: str,
    environment: Mapping[str, str],
    definition: Mapping[str, Any],
    tags: Mapping[str, str | None] | None = None,
    properties: Mapping[str, str] | None = None,
    parent_run_id: str | None = None,
    display_name: str | None = None,
    run_id: str | None = None,
) -> dict[str, Any]:
    """Submit a sweep; return its run's record and the notes as `{"run": …, "notes": […]}`.

    Args are those of `submit_script`, for the runs of the sweep or for the sweep itself; `definition`, the sweep in the
    shape in which Azure's SDK sends it; and `run_id`, the id of the sweep, by default a new one.
    """
    from mlrun_cli.submit import sweep  # noqa: PLC0415 - start-up: few scripts submit sweeps
    from mlrun_cli.sweeps.definition import definition_from_json  # noqa: PLC0415

    request, notes = _build_request(
        experiment_name, document, source_directory, environment, tags, properties, parent_run_id, display_name
    )
    if run_id is not None:
        check_new_run_id(context.workspace, run_id)
    with Interruptions() as interruptions:
        submitted = sweep.submit_sweep(
            context.workspace, request, definition_from_json(definition), interruptions, run_id=run_id
        )
    return {"run": build_run_record(submitted.run), "notes": [*notes, *submitted.notes]}


def _build_request(
    experiment_name: str,
    document: Mapping[str, Any],
    source_directory: str,
    environment: Mapping[str, str],
    tags: Mapping[str, str | None] | None,
    properties: Mapping[str, str] | None,
    parent_run_id: str | None,
    display_name: str | None,
) -> tuple[SubmitRequest, Sequence[str]]:
    """Return the request for a run, and notes about the configuration."""
    source = Path(source_directory)
    configuration, notes = parse_configuration_document(document, source)
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
    return request, notes
