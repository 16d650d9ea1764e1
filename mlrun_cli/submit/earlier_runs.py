"""Earlier runs, restored from their records so that the same source can run again in the same environment."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.actions.attached_folders import read_submission
from mlrun_cli.actions.snapshots import get_snapshot
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.data.placeholders import REFERENCE
from mlrun_cli.errors import RunNotRepeatable
from mlrun_cli.pipelines.run_types import STEP_RUN
from mlrun_cli.runconfigs.run_configuration import NO_COMMUNICATOR, PYTHON_FRAMEWORK, RunConfiguration
from mlrun_cli.runs.run import INTERACTIVE_RUN, Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.snapshots.git import GIT_PREFIXES
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.scan import scan_folder
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry
from mlrun_cli.submit.lost_submissions import restore_submission
from mlrun_cli.submit.template_record import TemplateRecord
from mlrun_cli.workspace import Workspace

_CHUNK = 1 << 20


class EarlierRun(NamedTuple):
    """An earlier run whose snapshot and environment a new run reuses, even if its folder no longer exists.

    Attributes:
        run: the run.
        submission: its submission, or that of the template of its child runs.
        snapshot: the snapshot of the submission.
        template: the record of that template; None for a run with a script of its own.
    """

    run: Run
    submission: Submission
    snapshot: Snapshot
    template: TemplateRecord | None = None

    def find_file(self, path: str) -> SnapshotEntry | None:
        """Return the file or link at a path of the run's snapshot, or None if there is none."""
        path = os.path.normpath(path)
        entries = (entry for entry in self.snapshot.entries if entry.kind is not EntryKind.DIRECTORY)
        return next((entry for entry in entries if entry.path == path), None)

    def get_git_properties(self) -> dict[str, str]:
        """Return the run properties that describe the git commit of its source."""
        if self.template is not None:
            return dict(self.template.git_properties)
        return {name: value for name, value in self.run.properties.items() if name.startswith(GIT_PREFIXES)}

    def get_data_paths(self) -> dict[str, str]:
        """Return the paths of data that the script was given, keyed by the names of the data in the runconfig."""
        definition = self.run.definition or {}
        names = [*definition.get("dataReferences", ()), *(entry["name"] for entry in definition.get("data", ()))]
        own = self.submission.get_submit_options().variables
        variables = {name: f"{REFERENCE}_{name}" for name in names}
        paths = definition.get("environmentVariables", {})
        return {
            name: paths[variable]
            for name, variable in variables.items()
            if variable not in own and paths.get(variable, "").startswith("/")
        }

    def restore_configuration(self) -> RunConfiguration:
        """Return the resolved configuration: that of a template, or one rebuilt from records, with datasets by id."""
        if self.template is not None:
            return self.template.configuration
        definition = self.run.definition or {}
        words = self.submission.argv
        docker = definition.get("environment", {}).get("docker") or {}
        command: str | tuple[str, ...] | None = None
        if self.submission.is_command:
            command = definition["command"] if isinstance(definition.get("command"), str) else words
        return RunConfiguration(
            script=None if self.submission.is_command else words[0],
            arguments=() if self.submission.is_command else self.submission.get_submit_options().arguments or words[1:],
            command=command,
            target=self.submission.target,
            framework=definition.get("framework", PYTHON_FRAMEWORK),
            communicator=definition.get("communicator", NO_COMMUNICATOR),
            node_count=self.submission.launch.node_count,
            max_run_duration_seconds=definition.get("maxRunDurationSeconds"),
            environment_variables=dict(definition.get("environmentVariables", {})),
            rest={
                "data": {entry["name"]: _restore_input(entry) for entry in definition.get("data", ())},
                "dataReferences": definition.get("dataReferences", {}),
                **{f"environment.docker.{key}": value for key, value in docker.items()},
            },
        )


class FolderDifference(NamedTuple):
    """The paths that exist only in a folder, only in its snapshot, and in both with different content."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[SnapshotEntry]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def get_submission(workspace: Workspace, run: Run) -> Submission:
    """Return the submission of a run; if the run's folder is gone, restore it from the record in the store.

    Raises:
        RunNotRepeatable: it is an interactive run or the step of a pipeline, or its folder is gone and its record is
            not sufficient.
    """
    check_is_not_pipeline_step(run)
    submission = read_submission(workspace, run)
    if submission is None and run.run_type != INTERACTIVE_RUN:
        submission = restore_submission(workspace, run)
    if submission is None and run.run_type != INTERACTIVE_RUN:
        raise RunNotRepeatable(
            f"The folder of the run '{run.run_id}' is gone or damaged, and its record does not hold all of what it was "
            "submitted with: an environment that is gone or an image, or several processes.",
            hint=f"'mlrun run snapshot -r {run.run_id} -d FOLDER' writes its source, to be submitted from there; "
            f"'mlrun run show -r {run.run_id}' has its arguments.",
            target=run.run_id,
        )
    if submission is None:
        raise RunNotRepeatable(
            f"The run '{run.run_id}' was not submitted: a script opened it itself.",
            hint="Start that script again.",
            target=run.run_id,
        )
    return submission


def check_is_not_pipeline_step(run: Run) -> None:
    """Raise if a run is a step of a pipeline.

    Raises:
        RunNotRepeatable: it is.
    """
    if run.run_type == STEP_RUN:
        raise RunNotRepeatable(
            f"The run '{run.run_id}' is a step of a pipeline, and would write over what others have read of it.",
            hint="Submit the pipeline again, where steps of which nothing has changed need not run: "
            f"mlrun run rerun -r {run.parent_run_id}",
            target=run.run_id,
        )


def load_earlier_run(workspace: Workspace, run: Run, *, variable_names: Collection[str] = ()) -> EarlierRun:
    """Return an earlier run together with its submission and snapshot.

    Args:
        workspace: the workspace of the run.
        run: the run.
        variable_names: the names of variables that the new run is given, whose earlier values are not needed.

    Raises:
        UsageError: it is an interactive run or a step, or its records are not sufficient to repeat it.
        NotFound: its snapshot no longer exists.
    """
    submission = get_submission(workspace, run)
    definition = run.definition or {}
    if definition.get("outputData"):
        raise RunNotRepeatable(
            f"The run '{run.run_id}' has output data, whose places no record holds as they were asked for.",
            hint="Submit it from its folder.",
            target=run.run_id,
        )
    check_variables(run, definition.get("environmentVariables", {}), variable_names)
    return EarlierRun(run, submission, get_snapshot(workspace, run))


def check_variables(run: Run, variables: Mapping[str, str], replaced_names: Collection[str]) -> None:
    """Raise if environment variables of an earlier run are redacted in its records and not in `replaced_names`.

    Raises:
        RunNotRepeatable: some are.
    """
    hidden = [name for name, value in variables.items() if REDACTED in value and name not in replaced_names]
    if hidden:
        raise RunNotRepeatable(
            f"No record holds the secrets in the environment variables {', '.join(hidden)} of '{run.run_id}'.",
            hint="Give them with --env NAME=VALUE, or submit it from its folder.",
            target=run.run_id,
        )


def compare_folder(workspace: Workspace, snapshot: Snapshot, folder: Path) -> FolderDifference:
    """Return the differences between a snapshot and a folder's current files, except those that snapshots omit.

    Raises:
        UsageError: there is no such folder, it is too large, or its ignore file cannot be read.
    """
    files = scan_folder(folder, SnapshotLimits.from_environment(os.environ), [workspace.home]).files
    before = {entry.path: entry for entry in snapshot.entries if entry.kind is EntryKind.FILE}
    return FolderDifference(
        added=sorted(files.keys() - before.keys()),
        removed=sorted(before.keys() - files.keys()),
        changed=[
            entry
            for path, entry in before.items()
            if path in files and not _is_unchanged(entry, folder / path, files[path])
        ],
    )


def _is_unchanged(entry: SnapshotEntry, path: Path, file_stat: os.stat_result) -> bool:
    if file_stat.st_size != entry.size:
        return False
    if file_stat.st_mtime_ns == entry.mtime_ns:
        return True
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return False
    return digest.hexdigest() == entry.digest


def _restore_input(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the runconfig entry of an input, rebuilt from the input's entry in a run definition."""
    dataset = {"dataset": {"id": entry["dataset_id"]}}
    return {"dataLocation": dataset, "mechanism": entry["mechanism"], "pathOnCompute": entry.get("path_on_compute")}
