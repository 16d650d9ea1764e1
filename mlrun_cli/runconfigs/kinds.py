"""Other files of Azure that users may keep next to runconfigs, and the errors that reject them."""

from __future__ import annotations

from collections.abc import Iterable

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import Unsupported
from mlrun_cli.runconfigs.keys import KEYS


class _Kind(NamedTuple):
    """A kind of file, recognized by any of its top-level keys."""

    keys: frozenset[str]
    what: str
    hint: str


def _create_kind(keys: str, noun: str, hint: str) -> _Kind:
    """Create a kind of file other than a runconfig; any one of the space-separated `keys` identifies such a file."""
    return _Kind(frozenset(keys.split()), noun, hint)


_KINDS = (
    _create_kind(
        "parallel_run_config",
        "is the configuration of a parallel step of a pipeline, not a runconfig",
        "Name it as parallel_run_config of a step, in a file for 'mlrun run submit-pipeline -y FILE'.",
    ),
    _create_kind(
        "pipeline",
        "describes a pipeline, not how a script runs",
        "Submit it: 'mlrun run submit-pipeline -y FILE'.",
    ),
    _create_kind(
        "Schedule",
        "says when a pipeline runs, not how a script does",
        "Submit the pipeline: 'mlrun run submit-pipeline -y FILE'.",
    ),
    _create_kind(
        "primary_metric_name parameter_space hyperdrive_config",
        "is the configuration of a HyperDrive run, and says what to try, not how to run it",
        "Submit the sweep: 'mlrun run submit-hyperdrive --hyperdrive-configuration-name FILE'.",
    ),
    _create_kind(
        "$schema",
        "is a job of version 2 of Azure's command line, which this program does not read",
        "Write its script and arguments on the command line: 'mlrun run submit-script train.py --lr 0.1'.",
    ),
    _create_kind(
        "baseDockerImage sparkFrameworkLocation pythonLocation userManagedEnvironment",
        "is the description of a compute target of the Workbench of 2018 (a .compute file), not a runconfig",
        "Name the runconfig; targets are made with 'mlrun computetarget create amlcompute -n NAME'.",
    ),
    _create_kind(
        "dependencies",
        "is a conda environment file, not a runconfig",
        "Name it with -d, or as environment.python.condaDependenciesFile of a runconfig.",
    ),
    _create_kind(
        "Scope subscription_id",
        "says which workspace a folder is attached to, and is not a runconfig",
        "Name a runconfig; 'mlrun runconfig list' shows those there are.",
    ),
)

# No runconfig has one of these, whatever else they hold that a runconfig has too.
_OTHER_THAN_RUNCONFIGS = (
    _create_kind(
        "_experiment_name run_id runId root_run_id runDefinition run_definition",
        "is the record of a run, as '-t' and 'run show' write it, not a runconfig",
        "Name a runconfig; 'mlrun runconfig list' shows those there are.",
    ),
    _create_kind(
        "entryScript extraDockerfileSteps",
        "is an inference configuration, which says how a model is served, not a runconfig",
        "Models are not served here. 'mlrun runconfig list' shows the runconfigs there are.",
    ),
    _create_kind(
        "computeType containerResourceRequirements",
        "is a deployment configuration, which says where a model is served, not a runconfig",
        "Models are not served here. 'mlrun runconfig list' shows the runconfigs there are.",
    ),
)

_ENVIRONMENT = _create_kind(
    "",
    "is the description of an environment, not a runconfig",
    "Write 'environment: FILE' with its name into a runconfig.",
)
_ENVIRONMENT_KEYS = frozenset(key_path.split(".")[1] for key_path in KEYS if key_path.startswith("environment."))
_DATABRICKS = _create_kind(
    "",
    "holds the libraries of a Databricks step alone, and there is no Databricks here",
    "Name the packages in a conda file, and that as environment.python.condaDependenciesFile of a runconfig.",
)


def check_is_not_other_kind(root: Node, known_keys: frozenset[str]) -> None:
    """Raise Unsupported if a document is a kind of file other than a runconfig.

    Args:
        root: the document.
        known_keys: the top-level keys of runconfigs.

    Raises:
        Unsupported: the document is of another kind; the message tells which.
    """
    keys = root.as_mapping().keys()
    if "python" in keys and keys <= _ENVIRONMENT_KEYS:
        raise _create_other_kind_error(root, _ENVIRONMENT)
    for kind in _OTHER_THAN_RUNCONFIGS:
        if keys & kind.keys:
            raise _create_other_kind_error(root, kind)
    for kind in _KINDS:
        if keys & kind.keys and not keys & known_keys:
            raise _create_other_kind_error(root, kind)


def is_kind_other_than_runconfig(keys: Iterable[str]) -> bool:
    """Return whether top-level keys show that a document is not a runconfig but another kind of file."""
    return any(not kind.keys.isdisjoint(keys) for kind in _OTHER_THAN_RUNCONFIGS)


def check_is_not_databricks_only(root: Node) -> None:
    """Raise Unsupported if a runconfig contains only libraries for a Databricks step.

    Raises:
        Unsupported: the runconfig contains nothing else.
    """
    keys = root.as_mapping()
    if keys.keys() != {"environment"} or not isinstance(keys["environment"].content, dict):
        return
    if keys["environment"].content.keys() == {"databricks"}:
        raise _create_other_kind_error(root, _DATABRICKS)


def _create_other_kind_error(root: Node, kind: _Kind) -> Unsupported:
    refusal = Unsupported(f"{root.location}: {kind.what}.", hint=kind.hint)
    refusal.location = root.location
    return refusal
