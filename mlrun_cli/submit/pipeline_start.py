"""The start of a pipeline's step, as a run from its template or as a record that reuses an earlier result."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from mlrun_cli.actions.artifacts import download_files, list_files
from mlrun_cli.core.guid import format_guid
from mlrun_cli.errors import RunFileNotFound
from mlrun_cli.pipelines.fingerprint import DIGEST_PROPERTY
from mlrun_cli.pipelines.run_types import NODE_PROPERTY, PIPELINE_RUN_PROPERTY, REUSED_PROPERTY, STEP_RUN
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run
from mlrun_cli.submit.pipeline_reuse import (
    MODULE_NAME_PROPERTY,
    Reuse,
    get_origin_id,
)
from mlrun_cli.submit.pipeline_step import StepPlan
from mlrun_cli.submit.sweep_step import start_sweep_step
from mlrun_cli.submit.template import RunTemplate
from mlrun_cli.submit.template_runs import TemplateRun, record_reused_run, start_or_fail_from_template
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.wire.run_folder import LOG_FOLDERS
from mlrun_cli.workspace import Workspace

REUSE_PROPERTY = "mlrun.reuse"
"""The property of a step's run that says why an earlier result was used, or what differed."""
_RESULTS = frozenset({"outputs", "logs"})


def start_step(
    workspace: Workspace, plan: StepPlan, template: RunTemplate, origins: Mapping[str, str], reuse: Reuse | None
) -> Run:
    """Start a step run, or record it as reused, unless it is already recorded; return the run.

    Args:
        workspace: the workspace of the pipeline.
        plan: the step.
        template: the template of its run.
        origins: the ids of the runs that wrote the outputs of earlier steps, by the keys of these.
        reuse: what was found out about earlier results; None if an input is missing, which fails the run.

    Raises:
        StoreError, DiskFull, FileNotWritable, EngineUnavailable, SharedFolderUnavailable, OSError: something is away,
            and a later call may succeed.
    """
    run = TemplateRun(
        plan.run_id,
        parent_run_id=plan.pipeline_run_id,
        run_type=STEP_RUN,
        sections=plan.build_sections(origins),
        properties=_build_properties(workspace, plan, template, reuse),
        display_name=plan.step.name,
    )
    if reuse is None or reuse.run is None:
        if plan.step.sweep is not None and reuse is not None:
            return start_sweep_step(workspace, template, run, plan.step.sweep)
        return start_or_fail_from_template(workspace, template, run)
    earlier = reuse.run
    properties = {
        "azureml.isreused": "true",
        REUSED_PROPERTY: get_origin_id(earlier),
        "azureml.reusedpipelinerunid": earlier.properties.get(
            "azureml.reusedpipelinerunid", earlier.properties.get(PIPELINE_RUN_PROPERTY, "")
        ),
    }
    return record_reused_run(
        workspace,
        template,
        run._replace(properties={**run.properties, **properties}),
        earlier,
        lambda folder: _copy_results(workspace, earlier, folder),
    )


def _build_properties(
    workspace: Workspace, plan: StepPlan, template: RunTemplate, reuse: Reuse | None
) -> dict[str, str]:
    properties = {
        "azureml.runsource": STEP_RUN,
        PIPELINE_RUN_PROPERTY: plan.pipeline_run_id,
        "azureml.pipeline": plan.pipeline_run_id,
        NODE_PROPERTY: plan.step.key,
        MODULE_NAME_PROPERTY: plan.step.name,
        "azureml.pipelineComponent": "masterescloud",
        "StepType": plan.step.kind,
        "ComputeTargetType": get_target(workspace, template.target).azure_type,
    }
    if reuse is not None:
        digest = reuse.fingerprint.digest
        properties |= {
            "azureml.moduleid": format_guid(digest[:32]),
            DIGEST_PROPERTY: digest,
            REUSE_PROPERTY: reuse.reason,
        }
    return properties


def _copy_results(workspace: Workspace, earlier: Run, folder: RunFolder) -> None:
    """Copy the logs and outputs of an earlier run, which may be removed later, into a run's folder."""
    names = list_files(workspace, earlier)
    logs = [name for name in names if name.partition("/")[0] in LOG_FOLDERS]
    results = [name for name in names if name.partition("/")[0] in _RESULTS and not name.startswith("logs/azureml/")]
    with suppress(RunFileNotFound):  # it is just being removed
        if logs:
            download_files(workspace, earlier, logs, folder.artifacts)
        if results:
            download_files(workspace, earlier, results, folder.uploads)
