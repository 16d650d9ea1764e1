"""The base class of run handles, with the run's identity, journal, tags and properties."""

from typing import TYPE_CHECKING, Any, Dict, TypeVar

from azureml._client.client import WorkspaceNames, get_client
from azureml._client.scalars import escape_surrogates
from azureml._wire.journal_lines import encode_removed_tags, encode_tags
from azureml.core._text_pairs import convert_properties, convert_values_to_strings, to_tag_keys
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.experiment import Experiment

COPY_SECONDS = 24 * 3600.0
"""The timeout of requests that may copy many gigabytes."""

_Handle = TypeVar("_Handle", bound="RunHandle")


class RunHandle:
    """Base class of `Run`, which identifies a run, writes its journal and manages its tags and properties."""

    def _initialize(self, workspace: WorkspaceNames, experiment_name: str, run_id: str) -> None:
        self._names = workspace
        self._experiment_name = experiment_name
        self._run_id = run_id
        self._append = get_client().create_writer(workspace, run_id)

    @classmethod
    def _from_names(cls: "type[_Handle]", workspace: WorkspaceNames, experiment_name: str, run_id: str) -> _Handle:
        """Return a handle for the run with this id, without checking that it exists."""
        run = cls.__new__(cls)
        run._initialize(workspace, experiment_name, run_id)
        return run

    _known = _from_names  # its name in the handles that version 0.1 has pickled

    # Private names of Azure's class that scripts use

    @property
    def _experiment(self) -> "Experiment":
        from azureml.core.experiment import Experiment

        return Experiment._from_names(self._names, self._experiment_name)

    @property
    def _root_run_id(self) -> str:
        return str(self._get_record()["root_run_id"])

    @property
    def _run_dto(self) -> Dict[str, Any]:
        return self._get_record()

    @property
    def _client(self) -> Any:
        from azureml._unsupported import create_unsupported_error

        raise create_unsupported_error("run._client", "Use the public calls of the run, such as run.get_details()")

    # Tags and properties

    @property
    def tags(self) -> "Dict[str, str | None]":
        """The run's tags, read from the store on each access."""
        return self.get_tags()

    def get_tags(self) -> "Dict[str, str | None]":
        """Return the run's tags, with None as the value of a tag without one."""
        tags: Dict[str, str | None] = self._request("runs.tags")
        return tags

    def tag(self, key: str, value: object = None) -> None:
        """Set a tag to a value, which is converted to a string; None sets a tag without a value."""
        self.set_tags({key: value})

    def set_tags(self, tags: Dict[str, Any]) -> None:
        """Set several tags, leaving all other tags unchanged."""
        self._append(encode_tags(convert_values_to_strings(tags, "tags")))

    def remove_tags(self, tags: Any) -> None:
        """Remove the tag or tags with the given keys; missing ones are ignored."""
        self._append(encode_removed_tags(to_tag_keys(tags)))

    @property
    def properties(self) -> Dict[str, str]:
        """The run's properties, read from the store on each access."""
        return self.get_properties()

    def get_properties(self) -> Dict[str, str]:
        """Return the run's properties, which cannot be changed once they are written."""
        properties: Dict[str, str] = self._request("runs.properties")
        return properties

    def add_properties(self, properties: Dict[str, Any]) -> None:
        """Add properties; raise UserErrorException if one of them exists with a different value."""
        self._request("runs.add_properties", properties=convert_properties(properties))

    # Parameters

    def get_parameters(self) -> Dict[str, Any]:
        """Return the parameters in the run's arguments or logged by its script, keyed by name; not in Azure's SDK."""
        parameters: Dict[str, Any] = self._request("runs.parameters")
        return parameters

    # Requests

    def _get_record(self) -> Dict[str, Any]:
        record: Dict[str, Any] = self._request("runs.get")
        return record

    def _request(self, call: str, timeout_seconds: "float | None" = None, **arguments: Any) -> Any:
        return self._request_for_workspace(call, timeout_seconds, run_id=self._run_id, **arguments)

    def _request_for_workspace(self, call: str, timeout_seconds: "float | None" = None, **arguments: Any) -> Any:
        """Send a request about the run's workspace instead of the run, and return its result."""
        return get_client().request(call, workspace=self._names, timeout_seconds=timeout_seconds, **arguments)


def check_text(value: object, noun: str) -> str:
    """Return a string with lone surrogates escaped; raise UserErrorException for other types.

    Raises:
        UserErrorException: The value is not a string; `noun` is its name in the message.
    """
    if not isinstance(value, str):
        raise UserErrorException(f"{noun} is a text, not {type(value).__name__}.")
    return escape_surrogates(value)
