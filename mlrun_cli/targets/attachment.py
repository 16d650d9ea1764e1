"""The interface of attachments: what is checked, and what is stored, when a compute target is attached.

Each kind whose targets are attached, of which `mlrun_cli/targets/kinds.py` has the table, has a subclass in its folder.
Its module of `computetarget attach` makes one of the options, and `mlrun_cli/actions/attached_targets.py` uses it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from mlrun_cli.compute.compute_target import SHARED_FOLDER_PROPERTY
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import FileNotWritable
from mlrun_cli.targets.engine import DEFAULT_PYTHON, PYTHON_PROPERTY
from mlrun_cli.targets.shared_folder_probe import NodeCheck
from mlrun_cli.targets.shared_folder_setup import create_shared_folder
from mlrun_cli.workspace import Workspace


class CheckedAttachment(NamedTuple):
    """The result of an attachment's check.

    Attributes:
        properties: the properties of the target's row.
        node_check: which nodes were checked; None if the user has left the check out.
    """

    properties: Mapping[str, Any]
    node_check: NodeCheck | None


class Attachment(ABC):
    """A request to attach a cluster or a machine.

    Attributes:
        kind: the name of the kind in the table.
    """

    kind: ClassVar[str]

    @abstractmethod
    def check(self, workspace: Workspace, name: str) -> CheckedAttachment:
        """Check that runs can be executed on the target; return the properties to store and the result of the check.

        Args:
            workspace: the workspace of the target, which does not exist yet.
            name: the name of the target, which is valid and free.

        Raises:
            UsageError: an option is not valid.
            EngineRefused: the engine would refuse all runs.
            EngineUnavailable: the engine does not answer, or the machine cannot be reached.
            NodeNotUsable: a node or the machine lacks what supervisors need.
            FileNotWritable: the shared folder cannot be created or written.
            ProgramNotFound: a program that reaches the engine is not installed on this machine.
        """


class ClusterSettings(Protocol):
    """The settings of a cluster, as given at its attachment."""

    def to_properties(self) -> dict[str, Any]:
        """Return the properties of the target's row that contain these settings."""


Settings = TypeVar("Settings", bound=ClusterSettings)


class ClusterAttachment(Attachment, Generic[Settings]):
    """A request to attach a cluster whose nodes share a folder with this machine."""

    def __init__(
        self, settings: Settings, *, shared_folder: str, python: str | None = None, checks_nodes: bool = True
    ) -> None:
        """Create a request.

        Args:
            settings: the settings of the cluster.
            shared_folder: the path of the folder that all nodes share with this machine; it is created.
            python: the interpreter of the supervisors on nodes, `python3` by default.
            checks_nodes: whether the engine is asked about the settings, and jobs test the folder on the nodes.
        """
        self.settings = settings
        self._shared_folder = shared_folder
        self._python = python
        self._checks_nodes = checks_nodes

    @abstractmethod
    def check_settings(self) -> None:
        """Raise if the engine would refuse all jobs with these settings.

        Raises:
            EngineRefused: it would.
            EngineUnavailable: the engine does not answer.
        """

    @abstractmethod
    def check_nodes(self, folder: Path, python: str) -> NodeCheck:
        """Have a small job on each node read and write the shared folder, and return which nodes have done so.

        Args:
            folder: the folder, which exists; what is written there is removed again.
            python: the interpreter of the supervisors on nodes.

        Raises:
            EngineRefused: the engine refuses the jobs.
            EngineUnavailable: the engine does not answer.
            NodeNotUsable: a node does not see the folder, or has no suitable Python.
            OSError: the folder cannot be written.
        """

    def check(self, workspace: Workspace, name: str) -> CheckedAttachment:  # noqa: ARG002
        """Create the shared folder, and check the settings and the nodes unless these checks are skipped."""
        if self._checks_nodes:
            self.check_settings()
        shared = create_shared_folder(self._shared_folder)
        node_check = self._check_shared_folder(shared.path) if self._checks_nodes else None
        python = {} if self._python is None else {PYTHON_PROPERTY: self._python}
        common = {SHARED_FOLDER_PROPERTY: str(shared.path), **python}
        return CheckedAttachment({**common, **self.settings.to_properties()}, node_check)

    def _check_shared_folder(self, folder: Path) -> NodeCheck:
        try:
            return self.check_nodes(folder, self._python or DEFAULT_PYTHON)
        except OSError as error:
            raise FileNotWritable(folder, error) from error
