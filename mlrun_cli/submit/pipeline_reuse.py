"""The reuse of an earlier result for a step: the run with the same fingerprint, or the differences if there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.actions.datasets import get_dataset, get_dataset_by_id
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.temporary import open_fd_atomically
from mlrun_cli.data.dataset import serialize_definition
from mlrun_cli.data.files import find_files
from mlrun_cli.errors import DataNotFound, MlrunError
from mlrun_cli.pipelines.data_flow import locate_output, resolve_source
from mlrun_cli.pipelines.fingerprint import (
    DIGEST_PROPERTY,
    Fingerprint,
    FingerprintInputs,
    build_fingerprint,
    describe_differences,
)
from mlrun_cli.pipelines.graph import DataPath, DatasetReference, StepInput, StepOutput
from mlrun_cli.pipelines.run_types import NODE_PROPERTY, PIPELINE_RUN_PROPERTY, REUSED_PROPERTY, STEP_RUN
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.snapshots.snapshot import EntryKind, SnapshotEntry
from mlrun_cli.submit.pipeline_step import StepPlan
from mlrun_cli.submit.resolution import Resolution
from mlrun_cli.submit.template import RunTemplate
from mlrun_cli.workspace import Workspace

MODULE_NAME_PROPERTY = "azureml.moduleName"

_DATA_SECTIONS = frozenset({"data", "dataReferences", "outputData"})
_MAX_CANDIDATES = 20
FINISH_RECORD = "finished.json"
"""The file of a step in its pipeline run that says, once the step has ended, why its outputs cannot be used."""
_FILE = "fingerprint.json"
_KEY_FILE = "fingerprint.key"
_KEY_BYTES = 32


class Reuse(NamedTuple):
    """The decision whether a step reuses an earlier result, with the reason.

    Attributes:
        fingerprint: the fingerprint of the step.
        run: the run whose results stand for the step's; None if it has to run.
        reason: why it is or is not reused, as a sentence.
    """

    fingerprint: Fingerprint
    run: Run | None
    reason: str


class ResolvedStep(NamedTuple):
    """The resolved request of a step, and the source that it would run from.

    Attributes:
        experiment_name: the experiment of the step run.
        resolution: the resolved request; placeholders for data are still in it.
        entries: the entries of the snapshot of its source.
        is_preview: whether nothing may be stored.
    """

    experiment_name: str
    resolution: Resolution
    entries: Sequence[SnapshotEntry]
    is_preview: bool = False

    @classmethod
    def from_template(cls, template: RunTemplate) -> ResolvedStep:
        """Create a resolved step from the template of its run."""
        return cls(template.request.experiment_name, template.resolution, template.snapshot.entries)


def get_origin_id(run: Run) -> str:
    """Return the id of the run that wrote the results of a step run: for a reused step, an earlier run."""
    return run.properties.get(REUSED_PROPERTY, run.run_id)


def write_fingerprint(folder: Path, fingerprint: Fingerprint) -> None:
    """Write the fingerprint of a step to the step's folder in its pipeline run, for comparison with later runs."""
    write_json(folder / _FILE, fingerprint.to_json())


def _read_fingerprint(workspace: Workspace, run: Run) -> Fingerprint | None:
    """Return the fingerprint of a step run, or None if it is not stored any more or cannot be read."""
    document = _read_step_file(workspace, run, _FILE)
    return None if document is None else Fingerprint.from_json(document)


def _read_step_file(workspace: Workspace, run: Run, name: str) -> dict[str, Any] | None:
    """Return the JSON object in a file of a step in its pipeline run, or None if it cannot be read."""
    pipeline_run_id, key = run.properties.get(PIPELINE_RUN_PROPERTY), run.properties.get(NODE_PROPERTY)
    if pipeline_run_id and key:
        with suppress(OSError):
            return read_json(workspace.get_run_folder(pipeline_run_id).steps / key / name)
    return None


def _has_usable_outputs(workspace: Workspace, run: Run) -> bool:
    """Return whether the outputs of a completed step run could be put in their places."""
    return (_read_step_file(workspace, run, FINISH_RECORD) or {}).get("problem") is None


def determine_reuse(
    workspace: Workspace, plan: StepPlan, resolved: ResolvedStep, origins: Mapping[str, str], *, is_forced: bool
) -> Reuse:
    """Return the decision whether a step reuses the results of an earlier run, with the reason.

    Args:
        workspace: the workspace of the runs.
        plan: the step.
        resolved: its resolved request.
        origins: the ids of the runs that wrote the outputs of earlier steps, by the keys of these.
        is_forced: whether the step has to run anyway.

    Raises:
        DataNotFound: data of an input do not exist.
        StoreError: the store cannot be used.
    """
    fingerprint = build_fingerprint(plan.step, _collect_fingerprint_inputs(workspace, plan, resolved, origins))
    if is_forced:
        return Reuse(fingerprint, None, "Not reused: all outputs are to be generated again.")
    if not plan.step.allow_reuse:
        return Reuse(fingerprint, None, "Not reused: the step says allow_reuse: false.")
    lost = ""
    for run in _list_equal_runs(workspace, fingerprint, plan.pipeline_run_id):
        if not _has_usable_outputs(workspace, run):
            lost = lost or f"Not reused: the outputs of the run {run.run_id} could not be put in their places."
            continue
        missing = _find_missing_output(workspace, plan, get_origin_id(run))
        if missing is None:
            return Reuse(fingerprint, run, f"Reused: the results of the run {run.run_id}, from which nothing differs.")
        lost = lost or f"Not reused: the output '{missing}' of the run {run.run_id} is not there any more."
    return Reuse(fingerprint, None, lost or _describe_differences(workspace, plan, resolved, fingerprint))


def _list_equal_runs(workspace: Workspace, fingerprint: Fingerprint, pipeline_run_id: str) -> list[Run]:
    """Return completed step runs of other pipeline runs with the same fingerprint, newest first."""
    found = workspace.runs.list(
        RunFilter(
            run_type=STEP_RUN,
            statuses=frozenset({RunStatus.COMPLETED}),
            properties=(TagFilter(DIGEST_PROPERTY, fingerprint.digest),),
            include_children=True,
            last=_MAX_CANDIDATES,
        )
    )
    return [run for run in found if run.properties.get(PIPELINE_RUN_PROPERTY) != pipeline_run_id]


def _find_missing_output(workspace: Workspace, plan: StepPlan, run_id: str) -> str | None:
    for key, output in plan.step.outputs.items():
        place = locate_output(plan.graph, run_id, key, output)
        with suppress(DataNotFound):
            if os.path.lexists(get_datastore(workspace, place.datastore).resolve_path(place.path)):
                continue
        return key
    return None


def _describe_differences(
    workspace: Workspace, plan: StepPlan, resolved: ResolvedStep, fingerprint: Fingerprint
) -> str:
    """Return why no run is reused: how the step differs from the latest completed run of a step with its name.

    Runs of the same experiment are preferred.
    """
    of_name = RunFilter(
        run_type=STEP_RUN,
        properties=(TagFilter(MODULE_NAME_PROPERTY, plan.step.name),),
        statuses=frozenset({RunStatus.COMPLETED}),
        include_children=True,
        last=_MAX_CANDIDATES,
    )
    here = workspace.runs.list(of_name._replace(experiment_name=resolved.experiment_name))
    for run in here or workspace.runs.list(of_name):
        earlier = _read_fingerprint(workspace, run)
        if earlier is None or run.properties.get(PIPELINE_RUN_PROPERTY) == plan.pipeline_run_id:
            continue
        differences = describe_differences(earlier, fingerprint)
        return f"Not reused: compared with the run {run.run_id}, {differences}."
    return "Not reused: no step of this name has completed yet."


def _collect_fingerprint_inputs(
    workspace: Workspace, plan: StepPlan, resolved: ResolvedStep, origins: Mapping[str, str]
) -> FingerprintInputs:
    inputs, data = {}, {}
    for key, one in plan.step.inputs.items():
        inputs[key], files = _describe_input(workspace, plan, one, origins)
        data.update({f"{key}/{name}": stamp for name, stamp in files.items()})
    configuration, redactor = resolved.resolution.configuration, resolved.resolution.redactor
    return FingerprintInputs(
        values=plan.values,
        files=_collect_source_files(resolved.entries),
        arguments=tuple(redactor.redact_arguments(plan.build_command_or_arguments())),
        settings={**_collect_settings(resolved.resolution), "sweep": plan.step.sweep},
        inputs=inputs,
        data=data,
        secrets=_compute_secret_digests(workspace, resolved),
        variables=redactor.redact_variables(configuration.environment_variables),
    )


def _compute_secret_digests(workspace: Workspace, resolved: ResolvedStep) -> dict[str, str]:
    """Return HMACs, computed with the workspace's key, of secret arguments and variables, keyed by name.

    Data are not bound in them yet.
    """
    configuration, redactor = resolved.resolution.configuration, resolved.resolution.redactor
    command = configuration.command
    words = configuration.arguments if command is None else (command,) if isinstance(command, str) else command
    texts = list(map(str, words))
    shown = redactor.redact_arguments(texts)
    secrets = {f"argument {index}": word for index, word in enumerate(texts, 1) if word != shown[index - 1]}
    variables = configuration.environment_variables
    hidden = redactor.redact_variables(variables)
    secrets |= {f"variable {name}": value for name, value in variables.items() if value != hidden[name]}
    if not secrets:
        return {}
    import hmac  # noqa: PLC0415 - start-up: few steps have secrets

    key = _read_or_create_key(workspace.folder / _KEY_FILE, is_preview=resolved.is_preview)
    return {
        name: hmac.new(key, f"{name}={text}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()
        for name, text in secrets.items()
    }


def _read_or_create_key(path: Path, *, is_preview: bool) -> bytes:
    """Return a workspace's HMAC key; if it is missing, a new one, with which no step that has secrets is reused."""
    if not path.exists():
        if is_preview:  # no earlier step had secrets
            return os.urandom(_KEY_BYTES)
        with suppress(FileExistsError), open_fd_atomically(path, mode=0o600, overwrite=False) as file:
            os.write(file, os.urandom(_KEY_BYTES))
            os.fsync(file)
    return path.read_bytes()


def _collect_source_files(entries: Sequence[SnapshotEntry]) -> dict[str, str]:
    return {
        entry.path: f"{entry.digest}{' executable' if entry.executable else ''}" or f"to {entry.target}"
        for entry in entries
        if entry.kind is not EntryKind.DIRECTORY
    }


def _collect_settings(resolution: Resolution) -> dict[str, object]:
    """Return the runconfig's settings, keyed by name, except the target, the data and what the step replaces."""
    configuration: RunConfiguration = resolution.configuration
    build = resolution.environment.plan.build
    changed = {
        name: value
        for name, value in configuration.get_non_default_entries().items()
        if name.partition(".")[0] not in _DATA_SECTIONS
    }
    return {
        "framework": configuration.framework,
        "communicator": configuration.communicator,
        "nodeCount": configuration.node_count,
        "environment": None if build is None else build.key,
        "environment.python": None if build is not None else list(configuration.python),
        "environmentVariables": resolution.redactor.redact_variables(configuration.environment_variables),
        **changed,
    }


def _describe_input(
    workspace: Workspace, plan: StepPlan, step_input: StepInput, origins: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return a description of an input, and the stamps of its files by path; none if another step wrote them."""
    source = resolve_source(step_input, plan.values)
    if isinstance(source, StepOutput):
        return f"{origins[source.step]}/{source.name}", {}
    if isinstance(source, DataPath):
        datastore = get_datastore(workspace, source.datastore or plan.graph.default_datastore)
        return f"{datastore.name}/{source.path}", dict(_iterate_file_stamps(datastore.resolve_path(source.path)))
    return _describe_dataset(workspace, source)


def _describe_dataset(workspace: Workspace, source: DatasetReference) -> tuple[str, dict[str, str]]:
    """Return a description of a dataset, and the stamps of its files by path."""
    if source.dataset_id:
        dataset = get_dataset_by_id(workspace, source.dataset_id, {})
    else:
        dataset = get_dataset(workspace, source.name or "", source.version)
    files: dict[str, str] = {}
    with suppress(MlrunError):
        for file in find_files(dataset.definition, lambda name: get_datastore(workspace, name)).files:
            files[file.name] = "" if file.is_remote else _compute_file_stamp(Path(file.source))
    return f"dataset {serialize_definition(dataset.definition)}", files


def _iterate_file_stamps(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the relative path and the stamp (size and modification time) of each file at a path."""
    if path.is_file():
        yield path.name, _compute_file_stamp(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            yield file.relative_to(path).as_posix(), _compute_file_stamp(file)


def _compute_file_stamp(path: Path) -> str:
    """Return the size and modification time of a file as text, or an empty string if it cannot be read."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"
