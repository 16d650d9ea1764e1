"""The base class of targets that can be created, whose runs are executed on this machine."""

import os
from typing import Any

from azureml.core.compute.compute import ComputeTarget

_UNSET = ("admin_username", "vnet_resourcegroup_name", "vnet_name", "subnet_name")


class ThisMachineTarget(ComputeTarget):
    """Base class of targets with a VM size and a status; attributes about networks and users are None."""

    vm_size: "str | None"
    status: Any

    def _load_document(self, document: "dict[str, Any]") -> None:
        super()._load_document(document)
        vars(self).update(dict.fromkeys(_UNSET))
        self.vm_size = extract_kind_properties(document).get("vmSize")

    def serialize(self) -> "dict[str, Any]":
        """Return the target as a JSON-compatible dict in Azure's format."""
        document = super().serialize()
        document["properties"].update(properties={"vmSize": self.vm_size}, status=self.status.serialize())
        return document

    def get(self) -> "dict[str, Any]":
        """Reload the target and return it in the format of `serialize()`."""
        self.refresh_state()
        return self.serialize()

    def get_status(self) -> Any:
        """Reload the target and return its status."""
        self.refresh_state()
        return self.status

    def get_active_runs(
        self, type: "str | None" = None, tags: Any = None, properties: Any = None, status: "str | None" = None
    ) -> Any:
        """Return an iterator over the target's runs with the given status, by default all active ones, newest first."""
        from azureml.core.run import Run

        runs = Run.list_by_compute(self, type, tags, properties, status)
        if status is not None:
            return runs
        return (run for run in runs if run.get_status() not in {"Canceled", "Completed", "Failed"})

    @staticmethod
    def supported_vmsizes(workspace: Any, location: "str | None" = None) -> Any:
        """Return `local` and the VM sizes of the workspace's targets, each with this machine's CPUs and memory.

        Targets can be created with any other `vm_size` too.
        """
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        sizes = [getattr(target, "vm_size", None) for target in ComputeTarget.list(workspace)]
        return [
            {
                "name": name,
                "vCPUs": os.cpu_count() or 1,
                "gpus": 0,
                "memoryGB": round(pages / 2**30, 1),
                "maxResourceVolumeMB": 0,
            }
            for name in dict.fromkeys(["local", *filter(None, sizes)])
        ]


def extract_kind_properties(document: "dict[str, Any]") -> "dict[str, Any]":
    """Return, from a target's document, the properties that are specific to the target's kind."""
    own: dict[str, Any] = document["properties"].get("properties") or {}
    return own
