"""Resources required for serving a model."""

from typing import Any

from azureml.exceptions import WebserviceException

__all__ = ["ResourceConfiguration"]

_KEYS = {"cpu": "cpu", "memoryInGB": "memory_in_gb", "gpu": "gpu"}


class ResourceConfiguration:
    """The CPUs, memory and GPUs for serving a model, which are only stored for information."""

    def __init__(
        self, cpu: "float | None" = None, memory_in_gb: "float | None" = None, gpu: "int | None" = None
    ) -> None:
        self.cpu = cpu
        self.memory_in_gb = memory_in_gb
        self.gpu = gpu
        self._validate_configuration()

    def __repr__(self) -> str:
        return f"ResourceConfiguration(cpu={self.cpu}, memory_in_gb={self.memory_in_gb}, gpu={self.gpu})"

    def serialize(self) -> "dict[str, Any]":
        """Return the configuration as a dict with Azure's keys."""
        return {key: getattr(self, name) for key, name in _KEYS.items()}

    @staticmethod
    def deserialize(payload_obj: "dict[str, Any] | None") -> "ResourceConfiguration | None":
        """Return the configuration from a dict with Azure's keys, or None for None.

        Raises:
            WebserviceException: A key is missing.
        """
        if payload_obj is None:
            return None
        for key in _KEYS:
            if key not in payload_obj:
                raise WebserviceException(f"A resource configuration needs the key {key!r}: {payload_obj}.")
        return ResourceConfiguration(**{name: payload_obj[key] for key, name in _KEYS.items()})

    def _validate_configuration(self) -> None:
        for name in ("cpu", "memory_in_gb"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise WebserviceException(f"{name} is {value}; it has to be more than 0.")
        if self.gpu is not None and self.gpu < 0:
            raise WebserviceException(f"gpu is {self.gpu}; it cannot be less than 0.")
