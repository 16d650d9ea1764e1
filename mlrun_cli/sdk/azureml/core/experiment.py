"""Handles of experiments."""

import os
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Sequence

from azureml._client.client import WorkspaceNames, get_client
from azureml.core._outputs import create_output_folder
from azureml.core._text_pairs import convert_values_to_strings, to_tag_keys
from azureml.core.run import Run
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core._run_listing import KeyValueFilter
    from azureml.core.workspace import Workspace

__all__ = ["Experiment", "ViewType"]


class ViewType:
    """Filters by archived state for `Experiment.list`."""

    ActiveOnly = "ActiveOnly"
    All = "All"
    ArchivedOnly = "ArchivedOnly"


_PATIENT = 24 * 3600.0
"""The timeout of requests that may take a snapshot of many gigabytes."""

_OPENING = ("name", "run_id", "outputs", "snapshot_directory")
"""The positional arguments of `start_logging`, in Azure's order."""

_VIEWS = (ViewType.ActiveOnly, ViewType.ArchivedOnly, ViewType.All)


class Experiment:
    """A named group of runs in a workspace."""

    def __init__(
        self,
        workspace: "Workspace",
        name: str,
        _skip_name_validation: bool = False,
        _id: "str | None" = None,
        _archived_time: Any = None,
        _create_in_cloud: bool = True,
        _experiment_dto: Any = None,
        **kwargs: Any,
    ) -> None:
        """Initialize the handle, creating the experiment if it does not exist.

        Raises:
            UserErrorException: The name is invalid, or `workspace` is not a Workspace.
        """
        if not hasattr(workspace, "_names"):
            raise UserErrorException(
                f"An experiment is in a workspace, as Workspace.from_config() gives one, not in a "
                f"{type(workspace).__name__}."
            )
        if not isinstance(name, str):
            raise UserErrorException(f"The name of an experiment is text, not {type(name).__name__}.")
        self._names: WorkspaceNames = workspace._names
        self._name = name
        if _create_in_cloud:
            self._request("experiments.make", name=name)

    @classmethod
    def _from_names(cls, workspace: WorkspaceNames, name: str) -> "Experiment":
        """Return a handle for the experiment with this name, without checking that it exists."""
        experiment = cls.__new__(cls)
        experiment._names = workspace
        experiment._name = name
        return experiment

    _known = _from_names  # its name in the handles that version 0.1 has pickled

    def __reduce__(self) -> Any:
        return Experiment._from_names, (self._names, self._name)

    def __repr__(self) -> str:
        from azureml.core._tables import format_text_table

        return format_text_table("Experiment", self._build_table_cells())

    def _repr_html_(self) -> str:
        from azureml.core._tables import format_html_table

        return format_html_table(self._build_table_cells(), self.get_portal_url(), "Report Page")

    def _build_table_cells(self) -> Dict[str, str]:
        return {"Name": self._name, "Workspace": self._names[2]}

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self._name

    @property
    def id(self) -> str:
        """The experiment's GUID."""
        return str(self._get_record()["experimentId"])

    @property
    def identity(self) -> str:
        """Alias of `id`."""
        return self.id

    @property
    def _id(self) -> str:
        return self.id

    @property
    def archived_time(self) -> "str | None":
        """The UTC time when the experiment was archived, in ISO 8601 format, or None if it is not archived."""
        moment: str | None = self._get_record()["archivedTime"]
        return moment

    @property
    def workspace(self) -> "Workspace":
        """The experiment's workspace."""
        from azureml.core.workspace import Workspace

        return Workspace._open(self._names)

    @property
    def _workspace(self) -> "Workspace":
        return self.workspace

    @property
    def workspace_object(self) -> "Workspace":
        """Older alias of `workspace`."""
        return self.workspace

    @property
    def tags(self) -> "Dict[str, str | None]":
        """The experiment's tags, read from the store on each access."""
        tags: Dict[str, str | None] = self._get_record()["tags"]
        return tags

    @property
    def portal_url(self) -> str:
        """The URL of the experiment's page; alias of `get_portal_url()`."""
        return self.get_portal_url()

    def get_portal_url(self) -> str:
        """Return the URL of the experiment's page in the studio, for use while `mlrun studio` is running."""
        address: str = self._request("experiments.address", name=self._name)
        return address

    @classmethod
    def get_docs_url(cls) -> str:
        """Return the former URL of Azure's documentation for this class."""
        return "https://learn.microsoft.com/python/api/azureml-core/azureml.core.experiment.experiment"

    # Runs

    def submit(self, config: Any, tags: "Dict[str, Any] | None" = None, **kwargs: Any) -> Run:
        """Submit a script, a sweep or a pipeline as a run of this experiment and return the run without waiting.

        Args:
            config: A ScriptRunConfig, a RunConfiguration for the working folder, an estimator, a HyperDriveConfig or a
                pipeline.
            tags: The initial tags of the run.
            kwargs: `display_name`, `properties`; a pipeline takes the arguments of its own `submit`.

        Raises:
            UserErrorException: The submission is not supported here; the message says why and what to do instead.
        """
        from azureml.core._submission import submit

        return submit(self._names, self._name, config, tags, **kwargs)

    def start_logging(self, *args: Any, **kwargs: Any) -> Run:
        """Start an interactive run and return it; used as a context manager, the run ends with the block.

        Args:
            args: Positional values for `name`, `run_id`, `outputs` and `snapshot_directory`, in this order.
            kwargs: `name` or `display_name`, the display name; `run_id`; `outputs`, a folder that is created if missing
                and whose files are stored when the run ends (default `./outputs`, None for no folder);
                `snapshot_directory`, a folder to take a snapshot of (default the working folder, None for
                no snapshot).

        Raises:
            UserErrorException: An argument is unknown or invalid.
            SnapshotException: The snapshot cannot be taken, for example because the folder is too large.
        """
        options = _bind_arguments(args, kwargs)
        outputs = create_output_folder(options.get("outputs", True))
        directory = options.get("snapshot_directory", ".")
        record = self._request(
            "runs.open",
            experiment_name=self._name,
            source_directory=os.getcwd(),
            snapshot_directory=os.path.abspath(directory) if directory else None,
            outputs=outputs,
            display_name=options.get("display_name", options.get("name")),
            run_id=options.get("run_id"),
            timeout_seconds=_PATIENT,
        )
        return Run._from_names(self._names, self._name, record["run_id"])

    def get_runs(
        self,
        type: "str | None" = None,
        tags: "KeyValueFilter" = None,
        properties: "KeyValueFilter" = None,
        include_children: bool = False,
        status: Any = None,
        *,
        where: "str | None" = None,
    ) -> Iterator[Run]:
        """Return an iterator that yields the experiment's runs, newest first, and reads them page by page.

        `tags` and `properties` are either a dict, or one or several keys, which match any value; `status`,
        which Azure does not have, is one status or several. Azure does not have `where` either: a condition as in
        `mlrun run list --where`, such as `"rmse < 0.3 and lr >= 0.01"`.
        """
        if where is None:
            return Run.list(self, type, tags, properties, status, include_children)
        from azureml.core._run_listing import build_filter_arguments, iterate_runs

        chosen = build_filter_arguments(type, tags, properties, status)
        return iterate_runs(
            self._names,
            {**chosen, "experiment_name": self.name, "include_children": include_children, "where": where},
        )

    def to_dataframe(
        self,
        *,
        metrics: "str | Sequence[str] | None" = "all",
        parameters: "str | Sequence[str] | None" = "all",
        where: "str | None" = None,
        include_children: bool = False,
    ) -> Any:
        """Return the experiment's runs as a pandas data frame, newest first, with columns for metrics and parameters.

        The columns are those of `mlrun run list -o csv`, such as `run_id`, `metrics.loss` and `parameters.lr`, and
        times are timestamps in UTC. Azure does not have this method.

        Args:
            metrics: "all", None, or the metrics to add, as in `mlrun run list --metrics`: "loss,max(accuracy)", or a
                list of them.
            parameters: "all", None, or the parameters to add: "lr,momentum", or a list of them.
            where: A condition that the runs meet, as in `mlrun run list --where`.
            include_children: Whether to include child runs.

        Raises:
            UserErrorException: pandas is not installed, or an argument is not valid.
        """
        from azureml.core._run_frames import build_data_frame

        chosen = {
            "metrics": metrics if metrics is None or isinstance(metrics, str) else ",".join(metrics),
            "parameters": parameters if parameters is None or isinstance(parameters, str) else ",".join(parameters),
            "where": where,
            "include_children": include_children,
        }
        return build_data_frame(self._names, {**chosen, "experiment_name": self.name})

    # The experiment itself

    @staticmethod
    def list(
        workspace: "Workspace",
        experiment_name: "str | None" = None,
        view_type: str = "ActiveOnly",
        tags: Any = None,
    ) -> "List[Experiment]":
        """Return the experiments that match a name, tags and a view type (ActiveOnly, ArchivedOnly or All)."""
        if view_type not in _VIEWS:
            raise UserErrorException(f"view_type is one of {', '.join(_VIEWS)}, not {view_type!r}.")
        wanted = tags if isinstance(tags, dict) else dict.fromkeys(to_tag_keys(tags or []))
        found = get_client().request("experiments.list", workspace=workspace._names)
        return [
            Experiment._from_names(workspace._names, record["name"])
            for record in found
            if experiment_name in (None, record["name"])
            and view_type in ("All", "ActiveOnly" if record["archivedTime"] is None else "ArchivedOnly")
            and all(
                key in record["tags"] and (value is None or record["tags"][key] == str(value))
                for key, value in wanted.items()
            )
        ]

    @staticmethod
    def delete(workspace: "Workspace", experiment_id: str) -> None:
        """Delete an experiment; raise UserErrorException if it has runs."""
        get_client().request("experiments.delete", workspace=workspace._names, experiment_id=experiment_id)

    @staticmethod
    def from_directory(path: Any, auth: Any = None) -> "Experiment":
        """Return the experiment to which a folder is attached; raise UserErrorException if there is none."""
        from azureml.core.workspace import Workspace

        config = get_client().request("workspaces.find_config", path=os.path.abspath(path))
        name = (config or {}).get("experiment_name")
        if name is None:
            raise UserErrorException(f"The folder {path} is attached to no experiment. Use 'mlrun folder attach'.")
        return Experiment(Workspace.from_config(path, auth=auth), name)

    def archive(self) -> None:
        """Archive the experiment, so that `list` omits it by default; its runs are not affected."""
        self._request("experiments.archive", name=self._name)

    def reactivate(self, new_name: "str | None" = None) -> None:
        """Reactivate the archived experiment, under its name or a new one."""
        self._name = self._request("experiments.reactivate", name=self._name, new_name=new_name)["name"]

    def refresh(self) -> None:
        """Do nothing, since the attributes are read from the store on each access."""

    def tag(self, key: str, value: Any = None) -> None:
        """Set a tag, by default without a value."""
        self.set_tags({key: value})

    def set_tags(self, tags: Dict[str, Any]) -> None:
        """Set several tags, leaving all other tags unchanged."""
        self._request("experiments.update_tags", name=self._name, tags=convert_values_to_strings(tags, "tags"))

    def remove_tags(self, tags: Any) -> None:
        """Remove the tag or tags with the given keys; missing ones are ignored."""
        self._request("experiments.update_tags", name=self._name, removed=to_tag_keys(tags))

    @classmethod
    def _get_existing(cls, workspace: "Workspace", name: str) -> "Experiment":
        """Return the experiment with this name; raise UserErrorException if it does not exist."""
        workspace._request("experiments.get", name=name)
        return cls(workspace, name)

    def _get_record(self) -> Dict[str, Any]:
        record: Dict[str, Any] = self._request("experiments.get", name=self._name)
        return record

    def _request(self, call: str, **arguments: Any) -> Any:
        return get_client().request(call, workspace=self._names, **arguments)


def _bind_arguments(args: Any, kwargs: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments of `start_logging` keyed by name."""
    options = dict(zip(_OPENING, args))
    unknown = [name for name in kwargs if name not in (*_OPENING, "display_name")]
    if len(args) > len(_OPENING):
        unknown.append(f"a {len(_OPENING) + 1}th argument without a name")
    if unknown:
        takes = "=, ".join((*_OPENING, "display_name"))
        raise UserErrorException(f"start_logging does not know {', '.join(unknown)}. It takes {takes}=.")
    twice = [name for name in kwargs if name in options]
    if twice:
        raise TypeError(f"start_logging got several values for {', '.join(twice)}.")
    options.update(kwargs)
    return options
