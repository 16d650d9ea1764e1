"""Pipeline endpoints: names of published pipelines that have versions, of which one is the default."""

from typing import TYPE_CHECKING, Any, Dict, List

from azureml.exceptions import UserErrorException
from azureml.pipeline.core._published import PublishedPipeline
from azureml.pipeline.core.pipeline import Pipeline, submit_pipeline

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace
    from azureml.pipeline.core.run import PipelineRun

__all__ = ["PipelineEndpoint", "PipelineIdVersion", "PipelineVersion"]


class PipelineVersion:
    """A published pipeline as a version of an endpoint."""

    def __init__(self, pipeline: PublishedPipeline, version: str) -> None:
        self.pipeline = pipeline
        self.version = version

    def __repr__(self) -> str:
        return f"PipelineVersion(pipeline={self.pipeline.id!r}, version={self.version!r})"


class PipelineIdVersion:
    """The id of a published pipeline as a version of an endpoint."""

    def __init__(self, pipeline_id: str, version: str) -> None:
        self.pipeline_id = pipeline_id
        self.version = version

    def __repr__(self) -> str:
        return f"PipelineIdVersion(pipeline_id={self.pipeline_id!r}, version={self.version!r})"


class PipelineEndpoint:
    """A name for versions of a published pipeline, which are counted from 0."""

    def __init__(self, workspace: "Workspace", id: str, **kwargs: Any) -> None:
        """Initialize the handle of an endpoint; raise ErrorResponseException if there is none."""
        self._workspace = workspace
        self._load_record(workspace._request("pipeline_endpoints.get", endpoint_id=id))

    @classmethod
    def _from_record(cls, workspace: "Workspace", record: Dict[str, Any]) -> "PipelineEndpoint":
        endpoint = cls.__new__(cls)
        endpoint._workspace = workspace
        endpoint._load_record(record)
        return endpoint

    def _load_record(self, record: Dict[str, Any]) -> None:
        self.id = record["id"]
        self.name = record["name"]
        self.description = record["description"]
        self.status = record["status"]
        self.default_version = record["defaultVersion"]
        self.endpoint = record["endpoint"]
        self.pipeline_version_list = [
            PipelineIdVersion(one["pipelineId"], one["version"]) for one in record["versions"]
        ]

    def __repr__(self) -> str:
        from azureml.core._tables import format_text_table

        return format_text_table("PipelineEndpoint", self._build_table_cells())

    def _build_table_cells(self) -> Dict[str, str]:
        return {
            "Name": self.name,
            "Id": self.id,
            "Status": self.status,
            "Default Version": self.default_version,
            "Endpoint": self.endpoint,
        }

    @staticmethod
    def publish(
        workspace: "Workspace",
        name: str,
        description: "str | None" = None,
        pipeline: Any = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> "PipelineEndpoint":
        """Create and return an endpoint whose only version is a pipeline; the pipeline is published if needed.

        Raises:
            UserErrorException: There is an endpoint of this name.
        """
        published = _publish_if_needed(pipeline, name, description)
        record = workspace._request(
            "pipeline_endpoints.create", name=name, description=description, pipeline_id=published.id
        )
        return PipelineEndpoint._from_record(workspace, record)

    @staticmethod
    def get(
        workspace: "Workspace",
        id: "str | None" = None,
        name: "str | None" = None,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> "PipelineEndpoint":
        """Return the endpoint with this id or name; raise ErrorResponseException if there is none."""
        if (id is None) == (name is None):
            raise UserErrorException("PipelineEndpoint.get takes an id or a name.")
        record = workspace._request("pipeline_endpoints.get", endpoint_id=id, name=name)
        return PipelineEndpoint._from_record(workspace, record)

    @staticmethod
    def list(
        workspace: "Workspace",
        active_only: bool = True,
        max_results: int = 100,
        _workflow_provider: Any = None,
        _service_endpoint: Any = None,
    ) -> "List[PipelineEndpoint]":
        """Return the endpoints, newest first, by default without disabled ones."""
        records = workspace._request("pipeline_endpoints.list", active_only=active_only)
        return [PipelineEndpoint._from_record(workspace, record) for record in records[:max_results]]

    @staticmethod
    def get_all(
        workspace: "Workspace", active_only: bool = True, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> "List[PipelineEndpoint]":
        """Return the endpoints; older alias of `list`."""
        return PipelineEndpoint.list(workspace, active_only)

    def submit(
        self,
        experiment_name: str,
        pipeline_parameters: "Dict[str, Any] | None" = None,
        parent_run_id: "str | None" = None,
        pipeline_version: "str | None" = None,
    ) -> "PipelineRun":
        """Submit a version of the endpoint, by default the default version, and return the run without waiting."""
        options = {"pipeline_parameters": pipeline_parameters, "parent_run_id": parent_run_id}
        return self._submit_to_experiment(experiment_name, {**options, "pipeline_version": pipeline_version})

    def _submit_to_experiment(self, experiment_name: str, options: Dict[str, Any]) -> "PipelineRun":
        run_options = {name: value for name, value in options.items() if name != "pipeline_version"}
        pipeline_id = self._get_pipeline_id(options.get("pipeline_version"))
        return submit_pipeline(
            self._workspace,
            "pipelines.submit_published",
            experiment_name,
            run_options,
            pipeline_id=pipeline_id,
            endpoint_id=self.id,
        )

    def add(self, pipeline: Any) -> None:
        """Add a pipeline as a new version without changing the default version."""
        self._add_version(pipeline, is_default=False)

    def add_default(self, pipeline: Any) -> None:
        """Add a pipeline as a new version and make it the default version."""
        self._add_version(pipeline, is_default=True)

    def set_default(self, pipeline: Any) -> None:
        """Make the version that contains a published pipeline the default version, adding it if needed."""
        known = [one.version for one in self.pipeline_version_list if one.pipeline_id == getattr(pipeline, "id", None)]
        if known:
            self.set_default_version(known[0])
        else:
            self.add_default(pipeline)

    def set_default_version(self, version: str) -> None:
        """Set the default version, given by its number; raise UserErrorException if there is no such version."""
        self._get_pipeline_id(version)
        self._update_record(default_version=str(version))

    def get_default_version(self) -> str:
        """Return the number of the default version as a string."""
        return str(self.default_version)

    def get_pipeline(self, version: "str | None" = None) -> PublishedPipeline:
        """Return the published pipeline of a version, by default of the default version."""
        return PublishedPipeline.get(self._workspace, self._get_pipeline_id(version))

    def list_versions(self, _workflow_provider: Any = None, _service_endpoint: Any = None) -> List[PipelineVersion]:
        """Return all versions, each with its published pipeline."""
        return [PipelineVersion(self.get_pipeline(one.version), one.version) for one in self.pipeline_version_list]

    get_all_versions = list_versions

    def list_pipelines(
        self, active_only: bool = True, _workflow_provider: Any = None, _service_endpoint: Any = None
    ) -> List[PublishedPipeline]:
        """Return the published pipelines of all versions, by default without disabled ones."""
        found = [self.get_pipeline(one.version) for one in self.pipeline_version_list]
        return [one for one in found if one.status == "Active" or not active_only]

    get_all_pipelines = list_pipelines

    def set_name(self, name: str) -> None:
        """Rename the endpoint."""
        self._update_record(name=name)

    def enable(self) -> None:
        """Allow the endpoint to be submitted again, and show it in `list`."""
        self._update_record(status="Active")

    def disable(self) -> None:
        """Hide the endpoint from `list` and have its submission rejected until it is enabled again."""
        self._update_record(status="Disabled")

    def archive(self) -> None:
        """Disable the endpoint; alias of `disable`."""
        self.disable()

    def reactivate(self, name: "str | None" = None) -> None:
        """Enable the endpoint as `enable` does, optionally under a new name."""
        self._update_record(status="Active", **({} if name is None else {"name": name}))

    def _add_version(self, pipeline: Any, is_default: bool) -> None:
        published = _publish_if_needed(pipeline, self.name, self.description)
        self._load_record(
            self._workspace._request(
                "pipeline_endpoints.add", endpoint_id=self.id, pipeline_id=published.id, is_default=is_default
            )
        )

    def _update_record(self, **changes: str) -> None:
        self._load_record(self._workspace._request("pipeline_endpoints.update", endpoint_id=self.id, changes=changes))

    def _get_pipeline_id(self, version: "str | None") -> str:
        wanted = str(self.default_version if version is None else version)
        for one in self.pipeline_version_list:
            if one.version == wanted:
                return str(one.pipeline_id)
        known = ", ".join(one.version for one in self.pipeline_version_list)
        raise UserErrorException(f"Pipeline endpoint {self.name!r} has no version {wanted!r}. Its versions: {known}.")


def _publish_if_needed(pipeline: Any, name: str, description: "str | None") -> PublishedPipeline:
    """Return a pipeline as a published pipeline, publishing it first if needed."""
    if isinstance(pipeline, Pipeline):
        return pipeline.publish(name, description)
    if isinstance(pipeline, PublishedPipeline):
        return pipeline
    raise UserErrorException(f"A pipeline endpoint has Pipelines and PublishedPipelines, not {pipeline!r}.")
