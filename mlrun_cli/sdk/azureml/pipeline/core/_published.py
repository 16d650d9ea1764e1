"""Published pipelines: graphs that are stored with their snapshots, to be submitted at any time."""

from typing import TYPE_CHECKING, Any, Dict, List

from azureml._azure_names import SAVED
from azureml._unsupported import create_unsupported_call
from azureml.pipeline.core._graph_view import Graph
from azureml.pipeline.core.pipeline import submit_pipeline

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core.run import PipelineRun

__all__ = ["PublishedPipeline"]


class PublishedPipeline:
    """A pipeline that is stored with its snapshots."""

    def __init__(
        self,
        name: "str | None",
        graph_id: str,
        description: "str | None",
        version: "str | None",
        published_pipeline_id: str,
        status: str,
        endpoint: str,
        total_run_steps: int,
        workspace: "Workspace",
        continue_on_step_failure: "bool | None" = None,
        _pipeline_provider: Any = None,
        **kwargs: Any,
    ) -> None:
        self.name = name
        self.graph_id = graph_id
        self.description = description
        self.version = version
        self.id = published_pipeline_id
        self.status = status
        self.endpoint = endpoint
        self.total_run_steps = total_run_steps
        self.continue_on_step_failure = continue_on_step_failure
        self._workspace = workspace

    @classmethod
    def _from_record(cls, workspace: "Workspace", record: Dict[str, Any]) -> "PublishedPipeline":
        return cls(
            record["name"],
            record["id"],
            record["description"],
            record["version"],
            record["id"],
            record["status"],
            record["endpoint"],
            record["stepCount"],
            workspace,
            record["continueOnStepFailure"],
        )

    @property
    def workspace(self) -> "Workspace":
        """The workspace of the pipeline."""
        return self._workspace

    def __repr__(self) -> str:
        from azureml.core._tables import format_text_table

        return format_text_table("Pipeline", self._build_table_cells())

    def _repr_html_(self) -> str:
        from azureml.core._tables import format_html_table

        return format_html_table(self._build_table_cells(), self.endpoint, "REST Endpoint")

    def _build_table_cells(self) -> Dict[str, str]:
        return {"Name": self.name or "", "Id": self.id, "Status": self.status, "Endpoint": self.endpoint}

    @staticmethod
    def get(
        workspace: "Workspace", id: str, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "PublishedPipeline":
        """Return the published pipeline with this id; raise ErrorResponseException if there is none."""
        return PublishedPipeline._from_record(workspace, workspace._request("pipelines.get", pipeline_id=id))

    @staticmethod
    def list(
        workspace: "Workspace", active_only: bool = True, _service_endpoint: Any = None
    ) -> "List[PublishedPipeline]":
        """Return the published pipelines, newest first, by default without disabled ones."""
        records = workspace._request("pipelines.list", active_only=active_only)
        return [PublishedPipeline._from_record(workspace, record) for record in records]

    @staticmethod
    def get_all(
        workspace: "Workspace", active_only: bool = True, _service_endpoint: Any = None
    ) -> "List[PublishedPipeline]":
        """Return the published pipelines; older alias of `list`."""
        return PublishedPipeline.list(workspace, active_only)

    def submit(
        self,
        workspace: "Workspace",
        experiment_name: str,
        pipeline_parameters: "Dict[str, Any] | None" = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
        parent_run_id: "str | None" = None,
        continue_on_step_failure: "bool | None" = None,
    ) -> "PipelineRun":
        """Submit the pipeline as a run of an experiment and return the run without waiting."""
        options = {
            "pipeline_parameters": pipeline_parameters,
            "parent_run_id": parent_run_id,
            "continue_on_step_failure": continue_on_step_failure,
        }
        return submit_pipeline(workspace, "pipelines.submit_published", experiment_name, options, pipeline_id=self.id)

    def _submit_to_experiment(self, experiment_name: str, options: Dict[str, Any]) -> "PipelineRun":
        return submit_pipeline(
            self._workspace, "pipelines.submit_published", experiment_name, options, pipeline_id=self.id
        )

    def get_portal_url(self) -> str:
        """Return the URL of the pipeline's page in the studio."""
        return str(self._workspace._request("pipelines.get", pipeline_id=self.id)["portalUrl"])

    @property
    def portal_url(self) -> str:
        """The URL of the pipeline's page in the studio, as returned by `get_portal_url()`."""
        return self.get_portal_url()

    @staticmethod
    def get_published_pipeline(
        workspace: "Workspace", id: str, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "PublishedPipeline":
        """Return the published pipeline with this id; older alias of `get`."""
        return PublishedPipeline.get(workspace, id)

    def enable(self) -> None:
        """Allow the pipeline to be submitted again."""
        self._set_status("Active")

    def activate(self) -> None:
        """Allow the pipeline to be submitted again; older alias of `enable`."""
        self.enable()

    def disable(self) -> None:
        """Hide the pipeline from `list` and have its submission rejected until it is enabled again."""
        self._set_status("Disabled")

    def get_graph(self, _workflow_provider: Any = None) -> Graph:
        """Return the graph of the pipeline."""
        return Graph(self._workspace._request("pipelines.published_graph", pipeline_id=self.id))

    def get_step_names(self, _workflow_provider: Any = None) -> "List[str]":
        """Return the names of the steps, in the order of the pipeline."""
        return [node.name for node in self.get_graph().nodes]

    save = create_unsupported_call("PublishedPipeline.save", SAVED)

    def _set_status(self, status: str) -> None:
        record = self._workspace._request("pipelines.set_status", pipeline_id=self.id, status=status)
        self.status = record["status"]
