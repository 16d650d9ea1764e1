"""The target kind `VirtualMachine`, Azure's term for another machine that is reached by ssh."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import Any

from mlrun_cli.errors import MlrunError, NotEnoughGpus, NotEnoughNodes
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import JOB_ID_VARIABLE, OWN_ENVIRONMENT, EngineTarget, Job, JobRequest
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.package_copies import ensure_program_copy
from mlrun_cli.targets.remote.mirror import PUSHED, Mirror, list_pushed_runs
from mlrun_cli.targets.remote.push import PathTranslation, push_program, push_run, read_run_files
from mlrun_cli.targets.remote.session import NodeSession, ProgramNotThere
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import Ssh
from mlrun_cli.workspace import Workspace

GPUS_PROPERTY = "gpus"
"""The property of a target's row that contains how many GPUs the machine had when it was attached."""


class RemoteTarget(EngineTarget):
    """Another machine as a compute target.

    Its folder there has a mirror in the workspace, which takes the place of a shared folder: what runs need is pushed
    from it, and the collector pulls what they write.
    """

    azure_type = "VirtualMachine"
    engine_name = "ssh"
    job_property = "remote_job_id"
    takes_several_nodes = True

    def __init__(self, workspace: Workspace, name: str) -> None:
        super().__init__(workspace, name)
        self._mirror: Mirror | None = None

    @property
    def settings(self) -> RemoteSettings:
        """The settings in the target's row."""
        return RemoteSettings.from_properties(self.row.properties)

    @property
    def shared_folder(self) -> SharedFolder:
        """The mirror of the target's folder, created if needed."""
        return _get_mirror_folder(self.workspace, self.name)

    @property
    def folder_on_nodes(self) -> str:
        """The target's folder on the machine, as `MACHINE:FOLDER`."""
        return f"{self.settings.address}:{self.settings.folder}"

    def check_demand(self, demand: Demand) -> None:
        """Raise if the machine can never meet the demand of a run.

        Raises:
            UsageError: it has too few GPUs, or the target too few nodes.
        """
        row = self.workspace.compute_targets.find(self.name)
        properties: Mapping[str, Any] = {} if row is None else row.properties
        most, gpus = properties.get("maxNodes"), properties.get(GPUS_PROPERTY)
        if most is not None and demand.node_count > most:
            raise NotEnoughNodes(
                f"nodeCount: {demand.node_count} nodes are asked for, and '{self.name}' has at most {most}.",
                hint="Use fewer nodes.",
                target=self.name,
            )
        if gpus is not None and demand.gpu_count > gpus:
            raise NotEnoughGpus(
                f"{demand.gpu_count} GPUs are asked for, and '{self.name}' had {gpus} when it was attached.",
                hint="Ask for fewer, or attach the machine again if it has more by now.",
                target=self.name,
            )

    def check_job_request(self, request: JobRequest) -> None:  # noqa: ARG002
        """Raise if there is no connection to the remote machine.

        Raises:
            EngineRefused: the user may not run commands there.
            EngineUnavailable: there is none, so that it has not got the job; the message is ssh's.
        """
        Ssh(self.settings).run(["true"])

    def push_files(self, request: JobRequest) -> None:
        """Copy the snapshot, data and programs that a run needs; the files of its folder are sent with its job.

        Raises:
            EngineRefused: rsync failed; the message is what it said.
            EngineUnavailable: there is no connection; the message is ssh's.
        """
        settings, mirror = self.settings, self.shared_folder
        mark = mirror.path / PUSHED / request.run_id
        mark.parent.mkdir(mode=0o700, exist_ok=True)
        mark.touch(mode=0o600)
        push_run(Ssh(settings), settings, mirror, mirror.get_run_folder(request.run_id))

    def submit_job(self, request: JobRequest) -> str:
        """Queue the job of a run on the remote machine under the id of the run, with the files of its folder.

        Raises:
            EngineRefused: the machine does not take it; the message is what the program there said.
            EngineUnavailable: the machine does not answer; it may have the job nevertheless.
        """
        settings, mirror = self.settings, self.shared_folder
        run = mirror.get_run_folder(request.run_id)
        translation = PathTranslation(mirror.path, settings.folder)
        script = settings.build_script([*map(translation.translate, request.command), OWN_ENVIRONMENT])
        job = {
            "script": f"export {JOB_ID_VARIABLE}={shlex.quote(request.run_id)}\n{script}",
            "log": translation.translate(str(request.log)),
            "nodes": request.demand.node_count,
            "gpus": request.demand.gpu_count,
        }
        try:
            session = NodeSession(Ssh(settings), settings, translation.translate(str(run.read_program_path())))
        except ProgramNotThere as error:
            raise EngineRefused(error.message, hint=error.hint, target=error.target) from error
        files, payload = read_run_files(run, translation)
        document = {"run_id": request.run_id, "job": job, "files": files, "most_nodes": settings.max_nodes}
        with session:
            session.request("submit", document, payload)
        return request.run_id

    def synchronize(self, runs: Collection[Run]) -> None:
        """Exchange updates of live runs with the remote machine; only the collector may call this."""
        if self._mirror is None:
            folder = self.shared_folder
            self._mirror = Mirror(self.workspace, self.settings, folder, ensure_program_copy(folder.programs))
        self._mirror.synchronize(runs)

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the ends of copies among the reaped processes, whose exit codes are given by pid."""
        if self._mirror is not None:
            self._mirror.record_exits(exit_codes)

    def list_leftovers(self) -> frozenset[str]:
        """Return the ids of runs whose files may be on the remote machine, except files that could not be removed."""
        return list_pushed_runs(self.shared_folder) if self._mirror is None else self._mirror.list_leftovers()

    def translate_request(self, line: str) -> str:
        """Return a request with the remote machine's paths replaced with paths in the mirror."""
        return PathTranslation(self.settings.folder, self.shared_folder.path).translate_json(line)

    def translate_response(self, line: str) -> str:
        """Return a response with paths in the mirror replaced with the remote machine's paths."""
        return PathTranslation(self.shared_folder.path, self.settings.folder).translate_json(line)

    def find_jobs(self, job_ids: Collection[str]) -> Mapping[str, Job]:
        """Return the jobs whose files have arrived in the mirror, keyed by id.

        Raises:
            EngineUnavailable: the remote machine does not answer.
        """
        if self._mirror is None:
            raise EngineUnavailable(f"'{self.name}' is asked by its collector.")
        return self._mirror.find_jobs(job_ids)

    def get_last_query_time(self, find_jobs_called_at: float) -> float:
        """Return the monotonic time at which the jobs in the mirror were queried from the remote machine."""
        return find_jobs_called_at if self._mirror is None else self._mirror.asked_at

    def find_job_id(self, run_id: str) -> str | None:
        """Return the job id of a run, which equals the run id, or None if the remote machine has no such job."""
        return self.find_job_ids([run_id]).get(run_id)

    def find_job_ids(self, run_ids: Collection[str]) -> Mapping[str, str]:
        """Return the job ids, which equal the run ids, of the runs that have a job on the remote machine."""
        with open_session(self.workspace, self.name, self.settings) as session:
            found = session.request("find", {"run_ids": list(run_ids)}).document["jobs"]
        return {run_id: run_id for run_id in run_ids if run_id in found}

    def cancel_job(self, job_id: str) -> None:
        """Kill a job's processes, or remove the job from the queue."""
        with open_session(self.workspace, self.name, self.settings) as session:
            session.request("cancel", {"run_id": job_id})

    def describe_nodes(self) -> Mapping[str, Any]:
        """Return a JSON-compatible dict that describes the total and free resources of the machine.

        Raises:
            EngineUnavailable: it does not answer.
        """
        with open_session(self.workspace, self.name, self.settings) as session:
            return {"nodes": [session.request("describe", {}).document["node"]]}


def open_session(workspace: Workspace, name: str, settings: RemoteSettings) -> NodeSession:
    """Start the program on the machine of a target, pushing it first if needed, and return a session with it.

    Raises:
        EngineUnavailable: there is no connection, or the program cannot be started.
    """
    mirror, ssh = _get_mirror_folder(workspace, name), Ssh(settings)
    program = ensure_program_copy(mirror.programs)
    there = f"{settings.folder}/programs/{program.name}"
    try:
        try:
            return NodeSession(ssh, settings, there)
        except ProgramNotThere:
            push_program(ssh, settings, mirror, program)
            return NodeSession(ssh, settings, there)
    except EngineUnavailable:
        raise
    except MlrunError as error:
        raise EngineUnavailable(error.message, hint=error.hint, target=error.target) from error


def _get_mirror_folder(workspace: Workspace, name: str) -> SharedFolder:
    folder = SharedFolder(workspace.folder / "remotes" / name, is_mirror=True)
    if not folder.is_available():
        folder.path.parent.mkdir(mode=0o700, exist_ok=True)
        folder.create()
    return folder
