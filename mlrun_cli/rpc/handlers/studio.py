"""Handlers of requests about the studio."""

from __future__ import annotations

from mlrun_cli.errors import StudioNotRunning
from mlrun_cli.processes.host_lease import is_used_elsewhere, open_home
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler
from mlrun_cli.serving.studio_folder import StudioFolder


@handler("studio.authorization")
def get_authorization(context: RequestContext) -> dict[str, str]:
    """Return the HTTP header that authorizes POST requests to the running studio, for example to submit pipelines.

    Raises:
        StudioNotRunning: no studio runs, so nothing would answer such a request.
        StoreError: the studio's token cannot be read.
    """
    if context.home.is_dir():
        open_home(context.home, only_reads=True)
    folder = StudioFolder(context.home, creates=not is_used_elsewhere(context.home))
    if not folder.is_running():
        raise StudioNotRunning(
            "Published pipelines are submitted by HTTP through the studio, and none is running.",
            hint="Start it in another terminal: mlrun studio. Without it, published_pipeline.submit(workspace, "
            "experiment_name) submits the pipeline.",
        )
    return {"Authorization": f"Bearer {folder.read_or_create_api_key()}"}
