"""The running script of a run, whose processes a launcher starts, with or without containers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.core.time import now
from mlrun_cli.environments.activation import build_activated_variables, build_script_command
from mlrun_cli.environments.container import build_container_command
from mlrun_cli.errors import OperatingSystemError
from mlrun_cli.processes.gpus import VISIBLE_GPUS
from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.ports import Ports
from mlrun_cli.processes.process import ATTEMPT_VARIABLE
from mlrun_cli.runs.attempt import format_attempt_line
from mlrun_cli.runs.error import build_error_from_log
from mlrun_cli.runs.script_end import ScriptEnd, StopReason
from mlrun_cli.runtime.attempts import copy_attempt_logs
from mlrun_cli.runtime.finish import read_script_error
from mlrun_cli.supervisor.child import ProcessSpec
from mlrun_cli.supervisor.container import ContainerTermination
from mlrun_cli.supervisor.process_group import ProcessGroup, start_group
from mlrun_cli.supervisor.supervised_run import SupervisedRun
from mlrun_cli.wire.run_error import get_exception_name


class Script:
    """The processes of a run's script, which are started together.

    Attributes:
        group: the processes.
        attempt: the number of the attempt in which they were started.
        started_at: the time at which they were started.
        container_termination: the termination of their containers; None if there are none.
    """

    def __init__(self, run: SupervisedRun, attempt: int) -> None:
        """Start the processes of an attempt of the script, and record them.

        Raises:
            MlrunError: a process cannot be started.
        """
        self._run = run
        self.attempt = attempt
        self._launcher = run.create_launcher()
        plan = run.submission.environment
        environment = build_activated_variables(plan, run.secrets.environment)
        argv = list(run.secrets.argv)
        if not run.submission.is_command:
            argv = build_script_command(plan, argv)
        self.container_termination: ContainerTermination | None = None
        if plan.container is not None:
            self.container_termination = ContainerTermination(plan.container, run.submission.run_id, environment)
        specs = self._build_process_specs(run.build_process_command(argv), environment)
        self._log_offsets = {
            str(spec.log.relative_to(run.folder.artifacts)): self._write_separator(spec.log) for spec in specs
        }
        self.group: ProcessGroup = start_group(specs, run.submission.run_id)
        self.started_at = now()
        self._document: dict[str, Any] = {
            "processes": self.group.describe(),
            "started_at": self.started_at,
            "attempt": attempt,
            "log_offsets": self._log_offsets,
        }
        self._write_process_record()

    def record_end(self, stop_reason: StopReason | None, out_of_memory: str | None) -> ScriptEnd:
        """Record how the script ended, for a possible recovery, and return the record.

        Args:
            stop_reason: the reason why the script was stopped, if it was.
            out_of_memory: a clause that says that memory ran out, if the kernel killed processes for want of it.
        """
        assert self.group.exit_code is not None
        ended_at = max(now(), self.started_at)
        duration = round(self.group.duration_seconds, 6)
        number, log = self._launcher.identify_failed_process(
            self._run.folder.artifacts, self.group.first_to_fail, _has_exception
        )
        offset = self._log_offsets.get(log, 0)
        end = ScriptEnd(self.group.exit_code, ended_at, duration, stop_reason, number, log, out_of_memory, offset)
        if end.exit_code != 0 and stop_reason is None:
            end = end._replace(error=self._run.redactor.redact_error(read_script_error(self._run.folder, end)))
        self._document["end"] = end.to_json()
        self._write_process_record()
        return end

    def copy_logs(self) -> None:
        """Copy the output of this attempt from the run's logs to separate logs."""
        copy_attempt_logs(self._run.folder, self._document, self.attempt)

    def _write_separator(self, log: Path) -> int:
        """Write a separator line to a log if this is not the first attempt; return the log's size, or 0 on an error."""
        try:
            if self.attempt > 1:
                with log.open("a", encoding="utf-8") as file:
                    file.write(format_attempt_line(self.attempt, os.uname().nodename))
            return log.stat().st_size
        except OSError:  # there is none yet, or the disk is full
            return 0

    def _write_process_record(self) -> None:
        """Write a record of the processes, from which the run can be recovered if this process dies."""
        self._run.write_json_file(self._run.folder.process, self._document)

    def _build_process_specs(self, argv: list[str], environ: dict[str, str]) -> list[ProcessSpec]:
        """Return the specifications of the processes to start.

        Raises:
            MlrunError: there are not enough free ports.
        """
        try:
            self._ports = Ports(self._launcher.port_count)
        except OSError as error:
            raise OperatingSystemError(f"The script could not be started: {error.strerror}.") from error
        words = self._launcher.build_command(self._run.folder.artifacts, argv)
        processes = self._launcher.prepare_processes(self._ports.numbers)
        return [self._build_process_spec(number, process, words, environ) for number, process in enumerate(processes)]

    def _build_process_spec(
        self, process_index: int, process: LaunchedProcess, command: list[str], environ: dict[str, str]
    ) -> ProcessSpec:
        folder, submission, gpus = self._run.folder, self._run.submission, self._run.run.gpus
        visible = {} if gpus is None else {VISIBLE_GPUS: self._launcher.get_gpu_share(process.node, gpus)}
        sockets = {} if folder.sockets == folder.path else {"MLRUN_SOCKET_FOLDER": str(folder.sockets)}
        number_of_attempt = {ATTEMPT_VARIABLE: str(self.attempt)}
        variables = {**environ, **visible, **sockets, **process.variables, **number_of_attempt}
        # Only the first process reads what the command that streams the run passes on.
        stdin = folder.stdin if process_index == 0 and folder.stdin.exists() else None
        return ProcessSpec(
            self._wrap_in_container(command, variables, process_index, stdin),
            environment=variables,
            folder=folder.work,
            log=folder.artifacts / process.log,
            node=process.node,
            is_server=process.is_server,
            is_helper=process.is_helper,
            limits=submission.limits,
            # A container's processes lie below podman's client, which hands on a signal as docker's does.
            passes_signals=submission.environment.container is not None or self._launcher.passes_signals,
            stdin=stdin,
        )

    def _wrap_in_container(
        self, command: list[str], variables: dict[str, str], process_index: int, stdin: Path | None
    ) -> list[str]:
        """Return the command line, or that of a container in which it runs if the run has one."""
        container, workspace = self._run.submission.environment.container, self._run.workspace
        if container is None:
            return command
        folder = self._run.folder
        sockets = [] if folder.sockets == folder.path else [folder.sockets]
        datastores = [datastore.folder for datastore in workspace.datastores.list()]
        return build_container_command(
            container,
            command,
            variables,
            run_id=self._run.submission.run_id,
            process_index=process_index,
            reads_stdin=stdin is not None,
            working_directory=folder.work,
            mounts=[workspace.home, *sockets, *(folder for folder in datastores if folder.is_dir())],
        )


def _has_exception(log_path: Path) -> bool:
    return get_exception_name(build_error_from_log(read_tail(log_path), "")) is not None
