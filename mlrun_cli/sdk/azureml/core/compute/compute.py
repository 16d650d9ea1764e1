"""The base class of all compute targets."""

from datetime import datetime
from importlib import import_module
from typing import Any, ClassVar

from azureml.exceptions import ComputeTargetException, UserErrorException

__all__ = [
    "ComputeTarget",
    "ComputeTargetAttachConfiguration",
    "ComputeTargetException",
    "ComputeTargetProvisioningConfiguration",
    "ComputeTargetUpdateConfiguration",
    "UserErrorException",
]


class ComputeTargetProvisioningConfiguration:
    """Base class of configurations of new targets."""

    _compute_type: Any = None
    location: "str | None" = None

    def __init__(self, type: Any, location: "str | None") -> None:
        self._compute_type = type
        self.location = location

    def validate_configuration(self) -> None:
        """Accept any configuration; subclasses raise ComputeTargetException for invalid ones."""


class ComputeTargetAttachConfiguration:
    """Base class of configurations for attaching existing machines in Azure."""

    _compute_type: Any = None

    def __init__(self, type: Any) -> None:
        self._compute_type = type

    def validate_configuration(self) -> None:
        """Accept any configuration, since attaching itself is refused."""


class ComputeTargetUpdateConfiguration:
    """Base class of changes to targets."""

    _compute_type: Any = None

    def __init__(self, type: Any) -> None:
        self._compute_type = type

    def validate_configuration(self) -> None:
        """Accept any configuration, since the update itself is refused."""


class ComputeTarget:
    """A target to which runs can be submitted; its runs are executed on this machine unless it was attached.

    `ComputeTarget(workspace, name)` returns the existing target as an instance of the class for its kind, such as
    `AmlCompute`, or of `ComputeTarget` itself if Azure has no such kind, as for Slurm and Ray. Its attributes are those
    at that time, until `refresh_state()`.

    Raises:
        ComputeTargetException: There is no target with this name; the message lists the existing ones.
    """

    _compute_type: "str | None" = None
    _of_kind: ClassVar["dict[str, type[ComputeTarget]]"] = {}

    name: str
    workspace: Any

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls._compute_type is not None:
            ComputeTarget._of_kind[cls._compute_type] = cls
        for call in ("attach_configuration", "provisioning_configuration"):
            configuration: Any = vars(cls).get(call)
            if hasattr(configuration, "_compute_type"):
                configuration._compute_type = cls

    def __new__(cls, workspace: Any, name: str) -> "ComputeTarget":
        """Return the existing target with this name."""
        if not isinstance(name, str) or not name:
            raise ComputeTargetException(f"The name of a compute target is a text that is not empty, not {name!r}.")
        document = _request(workspace, "computes.get", name=name)
        return cls.deserialize(workspace, document)

    def __init__(self, workspace: Any, name: str) -> None:
        pass

    def __getnewargs__(self) -> "tuple[Any, str]":
        return self.workspace, self.name

    def __repr__(self) -> str:
        keys = ("workspace", "name", "id", "type", "provisioning_state", "location", "tags")
        return f"{type(self).__name__}({', '.join(f'{key}={getattr(self, key)}' for key in keys)})"

    @staticmethod
    def create(workspace: Any, name: str, provisioning_configuration: Any) -> "ComputeTarget":
        """Create a target, or apply the configuration to the existing AmlCompute of this name, and return the target.

        Raises:
            ComputeTargetException: The name is invalid or in use, or targets of this kind are
                not supported here.
        """
        kind = getattr(provisioning_configuration, "_compute_type", None)
        if not isinstance(provisioning_configuration, ComputeTargetProvisioningConfiguration) or kind is None:
            raise ComputeTargetException(
                "ComputeTarget.create(…) takes a configuration such as AmlCompute.provisioning_configuration(…) gives, "
                f"not {provisioning_configuration!r}."
            )
        provisioning_configuration.validate_configuration()
        target: ComputeTarget = kind._create(workspace, name, provisioning_configuration)
        return target

    @staticmethod
    def attach(workspace: Any, name: str, attach_configuration: Any) -> "ComputeTarget":
        """Attach the SSH machine described by `RemoteCompute.attach_configuration(…)`, and return its target.

        Raises:
            ComputeTargetException: The machine cannot be used, or the configuration describes something else, which
                is not supported here.
        """
        kind: Any = getattr(attach_configuration, "_compute_type", None)
        if not hasattr(kind, "_attach"):
            raise create_unsupported_target_error(attach_configuration, name, "ComputeTarget.attach(…)")
        attached: ComputeTarget = kind._attach(workspace, name, attach_configuration)
        return attached

    @staticmethod
    def list(workspace: Any) -> Any:
        """Return the workspace's targets, sorted by name; `local` is included only if it has a limit."""
        return [ComputeTarget.deserialize(workspace, document) for document in _request(workspace, "computes.list")]

    @classmethod
    def deserialize(cls, workspace: Any, object_dict: "dict[str, Any]") -> "ComputeTarget":
        """Return the target from a JSON-compatible dict in Azure's format.

        Raises:
            ComputeTargetException: The target is not an instance of this class.
        """
        kind = object_dict["properties"]["computeType"]
        found = _find_class(kind)
        if not issubclass(found, cls):
            raise ComputeTargetException(
                f"Compute target {object_dict.get('name')!r} is of the kind {kind}, not {cls.__name__}: use "
                "ComputeTarget(workspace, name), which takes any."
            )
        target = object.__new__(found)
        target.workspace = workspace
        target._load_document(object_dict)
        return target

    @classmethod
    def _create(cls, workspace: Any, name: str, configuration: Any) -> "ComputeTarget":
        raise create_unsupported_target_error(configuration, name, "ComputeTarget.create(…)")

    @classmethod
    def _register(
        cls,
        workspace: Any,
        name: str,
        properties: "dict[str, Any]",
        configuration: Any,
    ) -> "ComputeTarget":
        """Create and return a target with the given properties and the configuration's description and tags."""
        document = _request(
            workspace,
            "computes.create",
            name=name,
            kind=cls._compute_type,
            properties=properties,
            description=configuration.description,
            tags=configuration.tags,
        )
        return cls.deserialize(workspace, document)

    @classmethod
    def _attach_machine(cls, workspace: Any, **arguments: Any) -> "ComputeTarget":
        """Send a request that attaches a machine, and return the machine's target."""
        return cls.deserialize(workspace, _request(workspace, "computes.attach_remote", **arguments))

    def _load_document(self, document: "dict[str, Any]") -> None:
        """Set the attributes from a JSON-compatible dict in Azure's format."""
        common = document["properties"]
        self.id: str | None = document.get("id")
        self.name = document["name"]
        self.location: str | None = document.get("location")
        self.tags: dict[str, str] | None = document.get("tags")
        self.type: str = common["computeType"]
        self.description: str | None = common.get("description")
        self.created_on = parse_time(common.get("createdOn"))
        self.modified_on = parse_time(common.get("modifiedOn"))
        self.provisioning_state: str | None = common.get("provisioningState")
        self.provisioning_errors: Any = common.get("provisioningErrors")
        self.cluster_resource_id: str | None = common.get("resourceId")
        self.cluster_location: str | None = common.get("computeLocation")
        self.is_attached = bool(common.get("isAttachedCompute"))

    def _update_properties(self, **properties: Any) -> None:
        self._load_document(_request(self.workspace, "computes.change", name=self.name, properties=properties))

    def refresh_state(self) -> None:
        """Reload the target's attributes.

        Raises:
            ComputeTargetException: The target has been deleted.
        """
        self._load_document(_request(self.workspace, "computes.get", name=self.name))

    def get_status(self) -> Any:
        """Reload the target and return its status, `Succeeded`."""
        self.refresh_state()
        return self.provisioning_state

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Return immediately, since targets are created and deleted synchronously."""
        if show_output and not is_delete_operation:
            print_lines("Succeeded", f"{type(self).__name__} wait for completion finished")

    def delete(self) -> None:
        """Delete the target; runs that were submitted to it are not affected.

        Raises:
            ComputeTargetException: The target has already been deleted.
        """
        _request(self.workspace, "computes.delete", name=self.name)

    def detach(self) -> None:
        """Detach the target if it was attached; runs that were executed on it are not affected.

        Raises:
            ComputeTargetException: The target was created, is used by runs or has already been detached.
        """
        if not self.is_attached:
            raise ComputeTargetException(
                f"{type(self).__name__}.detach() is for targets that were attached, and {self.name!r} was created: "
                "call delete()."
            )
        self.delete()

    def serialize(self) -> "dict[str, Any]":
        """Return the target as a JSON-compatible dict in Azure's format."""
        return {
            "id": self.id,
            "name": self.name,
            "location": self.location,
            "tags": self.tags,
            "properties": {
                "description": self.description,
                "computeType": self.type,
                "computeLocation": self.cluster_location,
                "createdOn": format_time(self.created_on),
                "modifiedOn": format_time(self.modified_on),
                "resourceId": self.cluster_resource_id,
                "provisioningErrors": self.provisioning_errors,
                "provisioningState": self.provisioning_state,
            },
        }


def _find_class(kind: str) -> "type[ComputeTarget]":
    """Return the class of targets of a kind; ComputeTarget if Azure has no such kind."""
    if kind not in ComputeTarget._of_kind:
        import_module("azureml.core.compute._other_machines")  # registers the other kinds
    return ComputeTarget._of_kind.get(kind, ComputeTarget)


def create_unsupported_target_error(configuration: Any, name: str, call: str) -> ComputeTargetException:
    """Return the error for an unsupported kind of target, for the caller to raise."""
    kind = getattr(getattr(configuration, "_compute_type", None), "__name__", "a compute target of this kind")
    return ComputeTargetException(
        f"{call} cannot have {kind} for {name!r}: runs run on this machine. Make "
        f"an AmlCompute of that name instead: ComputeTarget.create(workspace, {name!r}, "
        "AmlCompute.provisioning_configuration(vm_size='…', max_nodes=1))."
    )


def _request(workspace: Any, call: str, **arguments: Any) -> Any:
    """Send a request and return its result, raising user errors as ComputeTargetException like Azure's SDK."""
    if not hasattr(workspace, "_request"):
        raise UserErrorException(f"A compute target belongs to a Workspace, not to {workspace!r}.")
    try:
        return workspace._request(call, **arguments)
    except UserErrorException as error:
        raise ComputeTargetException(error.message) from error


def print_lines(*lines: str) -> None:
    """Print messages, one per line."""
    for line in lines:
        print(line)


def parse_time(text: "str | None") -> "datetime | None":
    """Return a serialized UTC time as a datetime without a time zone, like Azure's SDK, or None for None."""
    if text is None:
        return None
    seconds = "%S.%f" if "." in text else "%S"
    return datetime.strptime(text.rstrip("Z"), f"%Y-%m-%dT%H:%M:{seconds}")


def format_time(time: "datetime | None") -> "str | None":
    """Return a datetime in ISO 8601 format, or None for None."""
    return None if time is None else time.isoformat()
