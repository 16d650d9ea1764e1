"""What a run was submitted with, as its record shows it: camelCase, secrets hidden."""

from __future__ import annotations

from typing import Any

from mlrun_cli.domain.redaction import Redaction
from mlrun_cli.domain.run_configuration import RunConfiguration
from mlrun_cli.domain.submission import Submission


def run_definition(configuration: RunConfiguration, submission: Submission, redaction: Redaction) -> dict[str, Any]:
    """The `runDefinition` of Azure's run details, as far as it means something here."""
    command = configuration.command
    shown = list(submission.argv)
    build = submission.environment.build
    return {
        "script": None if submission.is_command else shown[0],
        "arguments": [] if submission.is_command else shown[1:],
        "command": shown[-1] if isinstance(command, str) else shown if submission.is_command else None,
        "target": submission.target,
        "framework": configuration.framework,
        "communicator": configuration.communicator,
        "nodeCount": configuration.node_count,
        "maxRunDurationSeconds": configuration.max_run_duration_seconds,
        "environment": {
            "python": {
                "userManagedDependencies": build is None,
                "interpreterPath": submission.environment.interpreter,
                "requirements": [] if build is None else [redaction.text(line) for line in build.requirements],
            },
        },
        "environmentVariables": redaction.variables(configuration.environment_variables),
        "snapshotId": submission.snapshot_id,
    }
