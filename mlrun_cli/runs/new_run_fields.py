"""What a new run of any kind records about the process that submits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.processes.host import get_origin, get_user_name


def build_submitter_fields() -> Mapping[str, Any]:
    """Return the fields of a new run that record its submitter and the machine from which it is submitted."""
    origin = get_origin()
    return {
        "user_name": get_user_name(),
        "host_id": origin.host_id,
        "boot_id": origin.boot_id,
        "pid_namespace": origin.pid_namespace,
    }
