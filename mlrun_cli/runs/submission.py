"""What a submit was given, resolved: all that a supervisor needs to know of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, NamedTuple

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.processes.launch import Launch
from mlrun_cli.runs.submit_options import Asked


class Submission(NamedTuple):
    """Written once to `submission.json`; holds no secret (see `Secrets`).

    `argv` is what is started, as shown in records: for a script its interpreter is put in front when
    the environment is ready. `snapshot_id` names the source. `folder` is the attached folder that it was submitted
    from and `runconfig` the file that was named, for who submits it again; either may be gone by then. `umask` and
    `niceness` are the submitter's; None leaves them to whoever starts the run. `limits` are soft and hard limits of the
    submitter by their names, `RLIMIT_FSIZE` and the like, for the script alone. `asked` is what it all came from.
    """

    run_id: str
    experiment_name: str
    workspace_name: str
    resource_group: str
    subscription_id: str
    snapshot_id: str
    is_command: bool
    argv: tuple[str, ...]
    environment: EnvironmentPlan
    sdk_folder: str
    target: str = "local"
    max_run_duration_seconds: float | None = None
    launch: Launch = Launch()
    folder: str | None = None
    runconfig: str | None = None
    umask: int | None = None
    niceness: int | None = None
    limits: Mapping[str, Sequence[int]] = MappingProxyType({})
    asked: Asked | None = None

    def as_asked(self) -> Asked:
        """What was asked for; of a submission of an older version, what it came to."""
        if self.asked is not None:
            return self.asked
        runconfig = self._runconfig_name()
        is_plain = self.environment.build is None and self.environment.container is None and self.launch == Launch()
        return Asked(
            runconfig=runconfig,
            script=None if self.is_command else self.argv[0],
            arguments=() if self.is_command else self.argv[1:],
            target=None if self.target == LOCAL_TARGET and runconfig is None else self.target,
            is_whole=runconfig is not None or is_plain,
        )

    def _runconfig_name(self) -> str | None:
        """The name that `-c` takes from the folder: its path there."""
        if self.runconfig is None or self.folder is None:
            return None
        path, folder = PurePath(self.runconfig), PurePath(self.folder)
        if not path.is_relative_to(folder):
            return self.runconfig
        if path.parent.name in {".azureml", "aml_config"} and path.parent.parent == folder:
            return path.name.removesuffix(".runconfig")
        return str(path.relative_to(folder)).removesuffix(".runconfig")

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        return self._asdict() | {
            "asked": None if self.asked is None else self.asked.to_json(),
            "argv": list(self.argv),
            "limits": {name: list(limit) for name, limit in self.limits.items()},
            "environment": self.environment.to_json(),
            "launch": self.launch.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Submission:
        """The submission that was written; what another version has put there besides is left out."""
        known = {name: document[name] for name in cls._fields if name in document}
        asked = known.get("asked")
        return cls(
            **{
                **known,
                "asked": None if asked is None else Asked.from_json(asked),
                "argv": tuple(document["argv"]),
                "environment": EnvironmentPlan.from_json(document["environment"]),
                "launch": Launch.from_json(known["launch"]) if "launch" in known else Launch(),
            }
        )


class Secrets(NamedTuple):
    """What a script is started with and no record may hold: the 0600 file beside the submission.

    `environment` is the submitter's with the runconfig's variables on top; `argv` is unredacted;
    `installer` are variables that only the program gets that builds the environment.
    """

    environment: Mapping[str, str]
    argv: tuple[str, ...]
    installer: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        return self._asdict()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Secrets:
        """The secrets that were written."""
        return cls(document["environment"], tuple(document["argv"]), document["installer"])
