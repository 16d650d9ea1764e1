"""The data of a run: the paths passed to its script, and the records of the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlrun_cli.data.dataset import Dataset


@dataclass(slots=True)
class RunData:
    """The data of a configuration, located for one run.

    Attributes:
        arguments, command: those of the configuration, with placeholders replaced by paths, or by variables in the
            text of a shell command.
        variables: environment variables for the script: the configuration's, with paths as in the arguments, and
            those of the data.
        inputs: for the run's definition: `{"name", "dataset_id", "path", "mechanism"}`, and `path_on_compute` where one
            is set; without a path the script gets the dataset itself.
        outputs: for the run's definition:
            `{"name", "datastore", "relative_path", "path", "mechanism", "registration"}`.
        references: for the run's definition: by name, what Azure's run details say of an entry of `dataReferences`.
        datasets: the datasets of inputs that are not yet in the workspace; they are stored with the run.
        links: the folders that the script finds in its working folder, by their relative paths there.
        notes: lines about what is done in another way than in Azure.
    """

    arguments: tuple[str, ...] = ()
    command: str | tuple[str, ...] | None = None
    variables: dict[str, str] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    references: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasets: list[Dataset] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def build_definition_sections(self) -> dict[str, Any]:
        """Return the sections `data`, `outputData` and `dataReferences` of the run's definition."""
        return {"data": self.inputs, "outputData": self.outputs, "dataReferences": self.references}
