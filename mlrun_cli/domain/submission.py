"""What a submit was given, resolved: all that a supervisor needs to know of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mlrun_cli.domain.environment import EnvironmentPlan
from mlrun_cli.domain.launch import Launch


class Submission(NamedTuple):
    """Written once to `submission.json`; holds no secret (see `Secrets`).

    `argv` is what is started, as shown in records: for a script its interpreter is put in front when
    the environment is ready. `snapshot_id` names the source. `folder` is the attached folder that it was submitted
    from and `runconfig` the file that was named, for who submits it again; either may be gone by then.
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

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        return self._asdict() | {
            "argv": list(self.argv),
            "environment": self.environment.to_json(),
            "launch": self.launch.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Submission:
        """The submission that was written; what another version has put there besides is left out."""
        known = {name: document[name] for name in cls._fields if name in document}
        return cls(
            **{
                **known,
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
