"""Pipeline endpoints: create and change them, and add versions."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.actions.published_pipelines import check_status, get_pipeline
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.names import check_title
from mlrun_cli.core.time import now
from mlrun_cli.errors import AlreadyExists, InvalidValue, PipelineEndpointNotFound
from mlrun_cli.pipelines.published import ACTIVE, PipelineEndpoint
from mlrun_cli.workspace import Workspace


def create_endpoint(workspace: Workspace, name: str, description: str | None, pipeline_id: str) -> PipelineEndpoint:
    """Create a pipeline endpoint with a published pipeline as version 0; return the endpoint.

    Raises:
        PipelineNotFound: there is no such pipeline.
        AlreadyExists: another endpoint has the name.
    """
    get_pipeline(workspace, pipeline_id)
    name = check_title("the name of the endpoint", name)
    endpoint = PipelineEndpoint(generate_guid(), name, description, ACTIVE, 0, now(), ())
    with workspace.transaction(durable=True):
        if not workspace.published_pipelines.add_endpoint(endpoint):
            raise _build_name_error(name)
        workspace.published_pipelines.add_endpoint_version(endpoint.endpoint_id, pipeline_id)
    return get_endpoint(workspace, endpoint_id=endpoint.endpoint_id)


def get_endpoint(workspace: Workspace, *, endpoint_id: str | None = None, name: str | None = None) -> PipelineEndpoint:
    """Return the pipeline endpoint with this id or this name.

    Raises:
        PipelineEndpointNotFound: there is none.
    """
    found = workspace.published_pipelines.find_endpoint(endpoint_id=endpoint_id, name=name)
    if found is None:
        raise PipelineEndpointNotFound(endpoint_id or name or "", workspace.identity.name)
    return found


def add_version(workspace: Workspace, endpoint_id: str, pipeline_id: str, *, is_default: bool) -> PipelineEndpoint:
    """Add a published pipeline as the next version of an endpoint; return the endpoint.

    Raises:
        PipelineNotFound, PipelineEndpointNotFound: there is no such pipeline or endpoint.
    """
    get_pipeline(workspace, pipeline_id)
    with workspace.transaction(durable=True):
        endpoint = get_endpoint(workspace, endpoint_id=endpoint_id)
        workspace.published_pipelines.add_endpoint_version(endpoint_id, pipeline_id)
        if is_default:
            workspace.published_pipelines.update_endpoint(
                endpoint_id,
                name=endpoint.name,
                status=endpoint.status,
                default_version=len(endpoint.pipeline_ids),
            )
    return get_endpoint(workspace, endpoint_id=endpoint_id)


def update_endpoint(
    workspace: Workspace,
    endpoint_id: str,
    *,
    name: str | None = None,
    status: str | None = None,
    default_version: int | None = None,
) -> PipelineEndpoint:
    """Update the given fields of a pipeline endpoint and return the endpoint.

    Raises:
        PipelineEndpointNotFound: there is none.
        AlreadyExists: another endpoint has the name.
        InvalidValue: there is no such status or version.
    """
    if status is not None:
        check_status(status)
    with workspace.transaction():
        endpoint = get_endpoint(workspace, endpoint_id=endpoint_id)
        wanted = endpoint.default_version if default_version is None else default_version
        if not 0 <= wanted < len(endpoint.pipeline_ids):
            raise InvalidValue(f"The endpoint '{endpoint.name}' has no version {wanted}.", target=str(wanted))
        if not workspace.published_pipelines.update_endpoint(
            endpoint_id,
            name=endpoint.name if name is None else check_title("the name of the endpoint", name),
            status=status or endpoint.status,
            default_version=wanted,
        ):
            raise _build_name_error(str(name))
    return get_endpoint(workspace, endpoint_id=endpoint_id)


def list_endpoints(workspace: Workspace, *, active_only: bool = True) -> Sequence[PipelineEndpoint]:
    """Return the endpoints, newest first."""
    return workspace.published_pipelines.list_endpoints(active_only=active_only)


def _build_name_error(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"There is a pipeline endpoint '{name}' already.",
        hint="Add the pipeline to it, or choose another name.",
        target=name,
    )
