"""Published pipelines, which are stored with their source folders, and endpoints, which name versions of them."""

from __future__ import annotations

from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso
from mlrun_cli.errors import UsageError

ACTIVE = "Active"
DISABLED = "Disabled"
STATUSES = (ACTIVE, DISABLED)


class PublishedPipeline(NamedTuple):
    """A published pipeline, whose graph and source folders are in a folder of its own.

    Attributes:
        pipeline_id: a GUID.
        name: the name for people, which need not be unique.
        description, version: texts for people.
        status: one of `STATUSES`; a disabled pipeline is not submitted.
        continue_on_step_failure: whether steps that do not need a failed step go on.
        step_count: the number of steps.
        author: the user who published it.
        created_at: in microseconds.
    """

    pipeline_id: str
    name: str
    description: str | None
    version: str | None
    status: str
    continue_on_step_failure: bool
    step_count: int
    author: str
    created_at: int

    def build_record(self) -> dict[str, Any]:
        """Return the pipeline's record as a JSON-compatible dict, as commands print it and scripts receive it."""
        return {
            "continueOnStepFailure": self.continue_on_step_failure,
            "createdBy": self.author,
            "dateCreated": format_iso(self.created_at),
            "description": self.description,
            "id": self.pipeline_id,
            "name": self.name,
            "status": self.status,
            "stepCount": self.step_count,
            "version": self.version,
        }


class PipelineEndpoint(NamedTuple):
    """A name for versions of published pipelines, one of which is the default.

    Attributes:
        endpoint_id: a GUID.
        name: unique in its workspace.
        description: text for people.
        status: one of `STATUSES`.
        default_version: the version that is submitted if none is named.
        created_at: in microseconds.
        pipeline_ids: the ids of the pipelines; the index of each is its version.
    """

    endpoint_id: str
    name: str
    description: str | None
    status: str
    default_version: int
    created_at: int
    pipeline_ids: tuple[str, ...]

    def build_record(self) -> dict[str, Any]:
        """Return the endpoint's record as a JSON-compatible dict, as scripts receive it."""
        return {
            "defaultVersion": str(self.default_version),
            "description": self.description,
            "id": self.endpoint_id,
            "name": self.name,
            "status": self.status,
            "versions": [
                {"pipelineId": pipeline_id, "version": str(version)}
                for version, pipeline_id in enumerate(self.pipeline_ids)
            ],
        }


def check_enabled(pipeline: PublishedPipeline | PipelineEndpoint) -> None:
    """Raise UsageError if a published pipeline or an endpoint is disabled."""
    if pipeline.status == ACTIVE:
        return
    if isinstance(pipeline, PublishedPipeline):
        kind, target = "published pipeline", pipeline.pipeline_id
        remedy = f"'mlrun pipeline enable -i {target}', or PublishedPipeline.enable()"
    else:
        kind, target, remedy = "pipeline endpoint", pipeline.endpoint_id, "PipelineEndpoint.enable()"
    raise UsageError(f"The {kind} '{pipeline.name}' is disabled.", hint=f"Enable it by {remedy}.", target=target)
