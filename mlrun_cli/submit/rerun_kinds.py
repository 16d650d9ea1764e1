"""Requests to submit an earlier run of any kind again: a script, a sweep or a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlrun_cli.pipelines.run_types import PIPELINE_RUN
from mlrun_cli.runs.run import Run
from mlrun_cli.submit.rerun import Rerun, RerunChanges, build_rerun
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:  # start-up: most runs have a script
    from mlrun_cli.submit.pipeline_rerun import PipelineRerun
    from mlrun_cli.submit.sweep_rerun import SweepRerun


def build_rerun_by_kind(
    workspace: Workspace, run: Run, environ: Mapping[str, str], changes: RerunChanges
) -> Rerun | SweepRerun | PipelineRerun:
    """Return the request for submitting a run again: of a script or command, a sweep or a pipeline.

    Raises:
        RunNotRepeatable: the records of the run are not sufficient, or it is a step of a pipeline.
        RunNotEnded: the run is to be resumed, and has not ended.
        UsageError: the changes do not fit the run.
        NotFound: a snapshot no longer exists.
        StoredFilesLost: a file of the sweep or the pipeline is gone or damaged.
    """
    if run.controller is not None and run.run_type == SWEEP_RUN:
        from mlrun_cli.submit.sweep_rerun import build_sweep_rerun  # noqa: PLC0415 - start-up

        return build_sweep_rerun(workspace, run, environ, changes)
    if run.controller is not None and run.run_type == PIPELINE_RUN:
        from mlrun_cli.submit.pipeline_rerun import build_pipeline_rerun  # noqa: PLC0415 - start-up

        return build_pipeline_rerun(workspace, run, environ, changes)
    return build_rerun(workspace, run, environ, changes)
