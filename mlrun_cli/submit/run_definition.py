"""The definition of a run for its record, in camelCase and with redacted secrets."""

from __future__ import annotations

from typing import Any

from mlrun_cli.core.digests import create_sha256
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.docker_section import get_shared_memory_size, list_engine_arguments
from mlrun_cli.environments.environment import ContainerPlan
from mlrun_cli.runconfigs.communicators import describe_launch
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.submission import Submission


def build_run_definition(configuration: RunConfiguration, submission: Submission, redactor: Redactor) -> dict[str, Any]:
    """Return the `runDefinition` of Azure's run details, with the fields that apply to this program."""
    command = configuration.command
    shown = list(submission.argv)
    build, container = submission.environment.build, submission.environment.container
    return {
        "script": None if submission.is_command else shown[0],
        "arguments": [] if submission.is_command else shown[1:],
        "command": shown[-1] if isinstance(command, str) else shown if submission.is_command else None,
        "target": submission.target,
        "framework": configuration.framework,
        "communicator": configuration.communicator,
        "nodeCount": configuration.node_count,
        **describe_launch(submission.launch),
        "maxRunDurationSeconds": configuration.max_run_duration_seconds,
        "environment": {
            **_build_environment_reference(configuration, submission),
            "python": {
                "userManagedDependencies": build is None or container is not None,
                "interpreterPath": submission.environment.interpreter,
                "requirements": []
                if build is None
                else list(map(redactor.redact_text, build.packages + build.requirements)),
            },
            **({} if container is None else {"docker": _build_docker_section(configuration, container)}),
        },
        "environmentVariables": redactor.redact_variables(configuration.environment_variables),
        "snapshotId": submission.snapshot_id,
    }


def _build_environment_reference(configuration: RunConfiguration, submission: Submission) -> dict[str, str]:
    """Return a dict of an environment's `name` and `version`, by default those that Azure gives to unnamed ones."""
    changed = configuration.get_non_default_entries()
    plan = submission.environment
    key = plan.build.key if plan.build is not None else create_sha256(str(plan.interpreter).encode()).hexdigest()
    return {
        "name": str(changed.get("environment.name") or f"Experiment {submission.experiment_name} Environment"),
        "version": str(changed.get("environment.version") or f"Autosave_{key[:8]}"),
    }


def _build_docker_section(configuration: RunConfiguration, container: ContainerPlan) -> dict[str, Any]:
    return {
        "enabled": True,
        "baseImage": container.image,
        "shmSize": get_shared_memory_size(configuration),
        "arguments": list_engine_arguments(configuration),
    }
