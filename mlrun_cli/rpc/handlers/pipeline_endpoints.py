"""Handlers of requests about pipeline endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.actions import pipeline_endpoints as actions
from mlrun_cli.actions import studio_urls
from mlrun_cli.errors import BadRequest
from mlrun_cli.pipelines.published import PipelineEndpoint
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler

_CHANGES = ("name", "status", "default_version")


@handler("pipeline_endpoints.create")
def create_endpoint(
    context: RequestContext, name: str, pipeline_id: str, description: str | None = None
) -> dict[str, Any]:
    """Create a pipeline endpoint with a published pipeline as version 0; return its record."""
    return _build_record(context, actions.create_endpoint(context.workspace, name, description, pipeline_id))


@handler("pipeline_endpoints.get", only_reads=True)
def get_endpoint(context: RequestContext, endpoint_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    """Return the record of the pipeline endpoint with this id or this name."""
    return _build_record(context, actions.get_endpoint(context.workspace, endpoint_id=endpoint_id, name=name))


@handler("pipeline_endpoints.list", only_reads=True)
def list_endpoints(context: RequestContext, active_only: bool = True) -> list[dict[str, Any]]:
    """Return the records of the pipeline endpoints, newest first."""
    found = actions.list_endpoints(context.workspace, active_only=active_only)
    return [_build_record(context, endpoint) for endpoint in found]


@handler("pipeline_endpoints.add")
def add_version(context: RequestContext, endpoint_id: str, pipeline_id: str, is_default: bool) -> dict[str, Any]:
    """Add a published pipeline as the next version of an endpoint; return the endpoint's record."""
    endpoint = actions.add_version(context.workspace, endpoint_id, pipeline_id, is_default=bool(is_default))
    return _build_record(context, endpoint)


@handler("pipeline_endpoints.update")
def update_endpoint(context: RequestContext, endpoint_id: str, changes: Mapping[str, str]) -> dict[str, Any]:
    """Change the name, status or default version of an endpoint; return its record."""
    unknown = [name for name in changes if name not in _CHANGES]
    version = changes.get("default_version")
    if unknown or (version is not None and not version.isdecimal()):
        raise BadRequest(f"An endpoint has {', '.join(_CHANGES)} to change, not {changes}.")
    endpoint = actions.update_endpoint(
        context.workspace,
        endpoint_id,
        name=changes.get("name"),
        status=changes.get("status"),
        default_version=None if version is None else int(version),
    )
    return _build_record(context, endpoint)


def _build_record(context: RequestContext, endpoint: PipelineEndpoint) -> dict[str, Any]:
    return {
        **endpoint.build_record(),
        "endpoint": studio_urls.build_endpoint_submit_url(context.workspace, endpoint.endpoint_id),
    }
