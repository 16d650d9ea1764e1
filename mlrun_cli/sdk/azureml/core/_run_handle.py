"""The base of a run's handle: its names, its tags and properties, a journal writer, and requests about it."""

from typing import Any, Dict, TypeVar

from azureml._client.client import WorkspaceNames, client
from azureml._client.scalars import escape_surrogates
from azureml._wire.journal_lines import encode_removed_tags, encode_tags
from azureml.core._text_pairs import to_keys, to_properties, to_texts
from azureml.exceptions import UserErrorException

COPY_SECONDS = 24 * 3600.0
"""Patience for requests that may copy many gigabytes."""

_Handle = TypeVar("_Handle", bound="RunHandle")


class RunHandle:
    """Names a run of a workspace, writes its journal and reads its record; the base class of the parts of `Run`."""

    def _begin(self, workspace: WorkspaceNames, experiment_name: str, run_id: str) -> None:
        self._names = workspace
        self._experiment_name = experiment_name
        self._run_id = run_id
        self._append = client().writer(workspace, run_id)

    @classmethod
    def _known(cls: "type[_Handle]", workspace: WorkspaceNames, experiment_name: str, run_id: str) -> _Handle:
        """Return the handle of a run that is known to exist."""
        run = cls.__new__(cls)
        run._begin(workspace, experiment_name, run_id)
        return run

    # Tags and properties

    @property
    def tags(self) -> "Dict[str, str | None]":
        """The run's tags, read anew each time."""
        return self.get_tags()

    def get_tags(self) -> "Dict[str, str | None]":
        """Return the run's tags; a bare tag has the value None."""
        tags: Dict[str, str | None] = self._request("runs.tags")
        return tags

    def tag(self, key: str, value: object = None) -> None:
        """Set one tag, or a bare one without a value; other values are converted to text."""
        self.set_tags({key: value})

    def set_tags(self, tags: Dict[str, Any]) -> None:
        """Set several tags; others stay as they are."""
        self._append(encode_tags(to_texts(tags, "tags")))

    def remove_tags(self, tags: Any) -> None:
        """Remove the tags with these keys; missing ones are ignored."""
        self._append(encode_removed_tags(to_keys(tags)))

    @property
    def properties(self) -> Dict[str, str]:
        """The run's properties, read anew each time."""
        return self.get_properties()

    def get_properties(self) -> Dict[str, str]:
        """Return the run's properties: texts that are written once."""
        properties: Dict[str, str] = self._request("runs.properties")
        return properties

    def add_properties(self, properties: Dict[str, Any]) -> None:
        """Add properties; UserErrorException when one exists with another value."""
        self._request("runs.add_properties", properties=to_properties(properties))

    # Requests

    def _record(self) -> Dict[str, Any]:
        record: Dict[str, Any] = self._request("runs.get")
        return record

    def _request(self, call: str, patience_seconds: "float | None" = None, **arguments: Any) -> Any:
        return self._request_of_workspace(call, patience_seconds, run_id=self._run_id, **arguments)

    def _request_of_workspace(self, call: str, patience_seconds: "float | None" = None, **arguments: Any) -> Any:
        return client().request(call, workspace=self._names, patience_seconds=patience_seconds, **arguments)


def check_text(value: object, what: str) -> str:
    """Check that a text can be encoded and return it.

    Raises:
        UserErrorException: The value is no text.
    """
    if not isinstance(value, str):
        raise UserErrorException(f"{what} is a text, not {type(value).__name__}.")
    return escape_surrogates(value)
