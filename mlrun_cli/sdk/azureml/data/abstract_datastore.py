"""The base class of all datastores."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace


class AbstractDatastore:
    """A named storage location for the data of a workspace."""

    def __init__(self, workspace: "Workspace | None", name: str, datastore_type: str) -> None:
        self._workspace = workspace
        self._name = name
        self._datastore_type = datastore_type

    @property
    def workspace(self) -> Any:
        """The datastore's workspace."""
        return self._workspace

    @property
    def name(self) -> str:
        """The datastore's name."""
        return self._name

    @property
    def datastore_type(self) -> str:
        """The datastore's type in Azure, such as `AzureBlob`."""
        return self._datastore_type

    def set_as_default(self) -> None:
        """Make this the default datastore of its workspace."""
        self.workspace._request("datasets.set_default_datastore", name=self._name)

    def unregister(self) -> None:
        """Unregister the datastore without deleting its files."""
        self.workspace._request("datasets.unregister_datastore", name=self._name)

    def __repr__(self) -> str:
        return json.dumps(self._build_description(), indent=2)

    def _build_description(self) -> "dict[str, Any]":
        """Return the values to show in the datastore's string representation."""
        return {"name": self._name}
