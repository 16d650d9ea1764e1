"""A submission: everything that a supervisor needs to know about its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.processes.launch import Launch
from mlrun_cli.runs.retry_policy import RetryPolicy
from mlrun_cli.runs.submit_options import SubmitOptions


class Submission(NamedTuple):
    """A resolved submit, written once to `submission.json`, without secrets (see `Secrets`).

    Attributes:
        snapshot_id: the id of the source folder's snapshot.
        argv: the command to start, redacted; the interpreter is prepended to a script when the environment is ready.
        folder: the attached folder that it was submitted from, for a later submit; it may no longer exist then.
        runconfig: the runconfig file that was specified; it may no longer exist either.
        umask, niceness: those of the submitter; None leaves those of the process that starts the run.
        limits: soft and hard limits of the submitter by name (`RLIMIT_FSIZE`), for the script alone.
        options: the options of the submit; None in submissions of older versions.
        retry: the policy by which a failed script is started again; None if it is not.
        data_links: folders with data, by the relative paths at which the script finds them in its working folder.
        keeps_outputs_only: whether only `outputs` and `logs` are kept of what the script writes to its working folder.
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
    options: SubmitOptions | None = None
    retry: RetryPolicy | None = None
    keeps_outputs_only: bool = False
    data_links: Mapping[str, str] = MappingProxyType({})

    def get_submit_options(self) -> SubmitOptions:
        """Return the options for submitting the run again, reconstructed if an older version submitted it."""
        if self.options is not None:
            return self.options
        runconfig = self._find_runconfig_name()
        is_plain = self.environment.build is None and self.environment.container is None and self.launch == Launch()
        return SubmitOptions(
            runconfig=runconfig,
            script=None if self.is_command else self.argv[0],
            arguments=() if self.is_command else self.argv[1:],
            target=None if self.target == LOCAL_TARGET and runconfig is None else self.target,
            is_whole=runconfig is not None or is_plain,
        )

    def _find_runconfig_name(self) -> str | None:
        """Return the runconfig's name or path as `-c` accepts it in the attached folder; None if either is missing."""
        if self.runconfig is None or self.folder is None:
            return None
        path, folder = PurePath(self.runconfig), PurePath(self.folder)
        if not path.is_relative_to(folder):
            return self.runconfig
        if path.parent.name in {".azureml", "aml_config"} and path.parent.parent == folder:
            return path.name.removesuffix(".runconfig")
        return str(path.relative_to(folder)).removesuffix(".runconfig")

    def to_json(self) -> dict[str, Any]:
        """Return the submission as a JSON-compatible dict; for compatibility, the options' key is `asked`."""
        document = self._asdict()
        options: SubmitOptions | None = document.pop("options")
        return document | {
            "asked": None if options is None else options.to_json(),
            "argv": list(self.argv),
            "data_links": dict(self.data_links),
            "limits": {name: list(limit) for name, limit in self.limits.items()},
            "environment": self.environment.to_json(),
            "retry": None if self.retry is None else self.retry.to_json(),
            "launch": self.launch.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Submission:
        """Create a submission from a JSON object; unknown keys are ignored."""
        known = {name: document[name] for name in cls._fields if name in document}
        options = document.get("asked")
        return cls(
            **{
                **known,
                "options": None if options is None else SubmitOptions.from_json(options),
                "argv": tuple(document["argv"]),
                "environment": EnvironmentPlan.from_json(document["environment"]),
                "retry": None if known.get("retry") is None else RetryPolicy.from_json(known["retry"]),
                "launch": Launch.from_json(known["launch"]) if "launch" in known else Launch(),
            }
        )


class Secrets(NamedTuple):
    """The unredacted values with which a script is started, from a private file beside the submission.

    Attributes:
        environment: the submitter's variables, with those of the runconfig on top.
        argv: the unredacted command.
        installer: variables for the program that builds the environment, and for no other program.
    """

    environment: Mapping[str, str]
    argv: tuple[str, ...]
    installer: Mapping[str, str]

    def build_redactor(self) -> Redactor:
        """Return a redactor for the run's secrets."""
        return Redactor.for_run(self.environment, self.argv)

    def to_json(self) -> dict[str, Any]:
        """Return the secrets as a JSON-compatible dict."""
        return {"environment": dict(self.environment), "argv": list(self.argv), "installer": dict(self.installer)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Secrets:
        """Create the secrets from a JSON object."""
        return cls(document["environment"], tuple(document["argv"]), document["installer"])
