"""Boot services, which restart the queues of a home after a reboot of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlrun_cli.core.home import HOME_VARIABLE
from mlrun_cli.core.redaction import NAMES_VARIABLE, get_process_redactor
from mlrun_cli.errors import MlrunError
from mlrun_cli.processes.boot_service import BootService, list_boot_services
from mlrun_cli.processes.gpu_locks import MACHINE_VARIABLE
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import iterate_identities, locate_workspace

_KEPT = ("PATH", MACHINE_VARIABLE, NAMES_VARIABLE)


def install_boot_service(home: Path, program: Path, *, dry_run: bool, report: Callable[[str], None]) -> dict[str, Any]:
    """Install the service that starts a home's queues at boot; return a record of the files written.

    Raises:
        MlrunError: the machine supports no boot service, or it cannot be installed.
    """
    service, other = _list_services(home, program)
    if not dry_run:
        other.remove()
        for note in service.install():
            report(note)
    return {"dryRun": dry_run, "kind": service.kind, "text": service.render(), "where": service.where}


def get_boot_service_status(home: Path, program: Path) -> dict[str, Any]:
    """Return a record that shows whether a boot service is installed for the home, and its kind and location."""
    found = next((service for service in _list_services(home, program) if service.is_installed()), None)
    return {
        "installed": found is not None,
        "kind": None if found is None else found.kind,
        "where": None if found is None else found.where,
    }


def remove_boot_service(home: Path, program: Path) -> dict[str, Any]:
    """Remove the boot services of a home; return a record of their former locations.

    Raises:
        MlrunError: a service cannot be removed.
    """
    return {"removed": [service.where for service in _list_services(home, program) if service.remove()]}


def start_queues(home: Path, report: Callable[[str], None]) -> list[dict[str, Any]]:
    """Start queued runs and reconcile all runs in the workspaces of a home; return a record for each workspace.

    A workspace with an error is reported through `report` and skipped.
    """
    started = []
    for identity in iterate_identities(home):
        try:
            locator = locate_workspace(home, identity)
            with Workspace.open(locator, redactor=get_process_redactor(), create=False) as workspace:
                reconcile(workspace)
                queues = [target for target, has_queue in workspace.queues.get_targets_in_use().items() if has_queue]
                waiting = {target: len(workspace.queues.list_keys(target)) for target in queues}
        except MlrunError as error:
            report(f"The workspace '{identity.name}' is left as it is: {error.message}")
            continue
        started.append({"resourceGroup": identity.resource_group, "waiting": waiting, "workspace": identity.name})
    return started


def _list_services(home: Path, program: Path) -> tuple[BootService, BootService]:
    """Return the boot services of a home, starting with the preferred kind for this machine."""
    variables = {HOME_VARIABLE: str(home), **{name: os.environ[name] for name in _KEPT if name in os.environ}}
    return list_boot_services(home, [str(program), "service", "start", "-o", "none"], variables)
