"""Preparation of a script's environment and working copy."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlrun_cli.actions.folder_copies import copy_tree
from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.environments.build_report import (
    build_environment_document,
    describe_failed_build,
    list_build_warnings,
)
from mlrun_cli.environments.failure_reason import extract_failure_reason
from mlrun_cli.environments.folder import EnvironmentFolder, remove_build_secrets
from mlrun_cli.errors import EnvironmentNotBuilt
from mlrun_cli.processes.termination import end_processes
from mlrun_cli.runtime.finish import get_signal_name
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.working_copy import create_data_links, create_script_folders, create_working_copy
from mlrun_cli.supervisor.child import ProcessSpec
from mlrun_cli.supervisor.process_group import ProcessGroup, start_group
from mlrun_cli.supervisor.supervised_run import SupervisedRun
from mlrun_cli.supervisor.watch import Watch
from mlrun_cli.targets.programs import BUILDER_PROGRAM, build_program_command


class RunStopped(Exception):
    """The run must end before its script was started; `Watch.stop` has the reason."""


class Preparation:
    """The preparation of a run's environment and working copy.

    Attributes:
        warnings: warnings for the record of the run.
    """

    def __init__(self, run: SupervisedRun, watch: Watch) -> None:
        self._run = run
        self._watch = watch
        self.warnings: tuple[str, ...] = ()

    def prepare_environment(self) -> None:
        """Build the environment if needed, and record its packages.

        Raises:
            RunStopped: the run is to stop.
            MlrunError: the environment cannot be built.
        """
        plan = self._run.submission.environment
        folder = None if plan.build is None else EnvironmentFolder(Path(plan.build.folder))
        if folder is not None:
            # Open until this process ends: what a live run uses is not pruned.
            self._environment_in_use = folder.acquire_use_lock()
        if plan.container is not None or (folder is not None and not folder.is_complete()):
            self._build_environment()
        built = None if folder is None else folder.find_environment()
        if built is not None and plan.build is not None:
            self._run.write_json_file(
                self._run.folder.environment_record, build_environment_document(built, plan.build)
            )
            self.warnings += list_build_warnings(built)

    def create_working_copy(self) -> None:
        """Copy the snapshot into the working folder, unless an earlier attempt of the run has done so.

        Raises:
            MlrunError: the snapshot cannot be read or copied.
        """
        store, folder = SnapshotStore(self._run.workspace.snapshots_folder), self._run.folder
        if folder.work.is_dir():
            shutil.rmtree(folder.resumed, ignore_errors=True)
            return
        shutil.rmtree(folder.unfinished_work, ignore_errors=True)
        create_working_copy(store.read_manifest(self._run.submission.snapshot_id), store, folder.unfinished_work)
        self.warnings += create_script_folders(folder.unfinished_work)
        if folder.resumed.is_dir():
            copy_tree(folder.resumed, folder.unfinished_work)
        self.warnings += create_data_links(folder.unfinished_work, self._run.submission.data_links)
        folder.unfinished_work.rename(folder.work)
        shutil.rmtree(folder.resumed, ignore_errors=True)

    def _build_environment(self) -> None:
        folder, secrets, plan = self._run.folder, self._run.secrets, self._run.submission.environment
        builder = start_group(
            [
                ProcessSpec(
                    build_program_command(BUILDER_PROGRAM, [str(folder.environment_plan)]),
                    environment={**secrets.environment, **secrets.installer},
                    folder=folder.path,
                    log=folder.environment_log,
                )
            ],
            self._run.submission.run_id,
        )
        self._watch.wait_for_group(builder, ends_attempt=False)
        is_stopped = self._watch.stop.reason is not None
        if builder.exit_code != 0:
            # An installer whose builder was killed holds up all that wait for the environment.
            end_processes(builder.list_survivors, self._watch.stop.remaining_grace_seconds if is_stopped else 0.0)
            remove_build_secrets(plan)
        if is_stopped:
            raise RunStopped
        if builder.exit_code:
            raise EnvironmentNotBuilt(self._describe_failure(builder))

    def _describe_failure(self, builder: ProcessGroup) -> str:
        assert builder.exit_code is not None
        if builder.exit_code < 0:
            ended = f"the program that makes it was ended by {get_signal_name(-builder.exit_code)}"
            return f"The environment could not be built: {ended}. Submit the run again."
        reason = extract_failure_reason(read_tail(self._run.folder.environment_log))
        return describe_failed_build(self._run.submission.environment, reason)
