"""The container registry of an environment's image."""

from typing import ClassVar

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.core._run_config_element import Kinds, RunConfigElement

__all__ = ["ContainerRegistry", "RegistryIdentity"]


class RegistryIdentity(RunConfigElement):
    """The managed identity used to log in to a registry."""

    _fields = ("resource_id", "client_id")

    def __init__(self) -> None:
        self.resource_id: str | None = None
        self.client_id: str | None = None


class ContainerRegistry(RunConfigElement):
    """The address and the credentials of a container registry."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("address", "username", "password", "registry_identity")
    _kinds: ClassVar[Kinds] = {"registry_identity": RegistryIdentity}

    def __init__(self) -> None:
        self.address: str | None = None
        self.username: str | None = None
        self.password: str | None = None
        self.registry_identity: RegistryIdentity | None = None
