"""The face that a run shows to its handle, `azureml.core.Run`."""

from __future__ import annotations

import os
from typing import Any

from azureml._gateway.journal import Journal
from azureml._gateway.questions import PATIENCE_SECONDS, Questions
from azureml.exceptions import UserErrorException


class Gateway:
    """One run: what is said of it (`append`) and what is asked of it (`ask`)."""

    def __init__(self, run_id: str, experiment_name: str) -> None:
        self.run_id = run_id
        self.experiment_name = experiment_name

    def append(self, line: str) -> None:
        """Keep a line of `lines` for good before returning."""
        raise NotImplementedError

    def ask(self, call: str, patience_seconds: float = PATIENCE_SECONDS, **arguments: object) -> Any:
        """Answer of the run to `call`, as JSON gives it."""
        raise NotImplementedError


class SubmittedGateway(Gateway):
    """The run that this process belongs to, by the journal and the socket in its folder."""

    def __init__(self, run_id: str, experiment_name: str, run_folder: str) -> None:
        super().__init__(run_id, experiment_name)
        self.run_folder = run_folder
        self._journal = Journal(run_folder)
        self._questions = Questions(run_folder, self._journal)

    def append(self, line: str) -> None:
        self._journal.append(line)

    def ask(self, call: str, patience_seconds: float = PATIENCE_SECONDS, **arguments: object) -> Any:
        return self._questions.ask(call, arguments, patience_seconds)


class RecordedGateway(Gateway):
    """Another run, as its record was when it was asked for: to be read, and only that."""

    def __init__(self, record: dict[str, Any], experiment_name: str) -> None:
        super().__init__(record["run_id"], record.get("_experiment_name", experiment_name))
        self._answers = {
            "get_run": record,
            "get_tags": record["tags"],
            "get_properties": record["properties"],
        }

    def append(self, line: str) -> None:  # noqa: ARG002
        raise UserErrorException(f"Run {self.run_id} is not this script's own: it can be read, not written.")

    def ask(self, call: str, patience_seconds: float = PATIENCE_SECONDS, **arguments: object) -> Any:  # noqa: ARG002
        if call not in self._answers:
            raise UserErrorException(
                f"Run {self.run_id} is not this script's own: {call} does not work on it yet. "
                f"See 'mlrun run show -r {self.run_id}'."
            )
        return self._answers[call]


_submitted: SubmittedGateway | None = None


def submitted_run() -> SubmittedGateway | None:
    """The run that this process belongs to, one gateway for all who ask; None outside a run."""
    global _submitted  # noqa: PLW0603 - a process has one journal
    run_folder = os.environ.get("MLRUN_RUN_FOLDER")
    run_id = os.environ.get("AZUREML_RUN_ID")
    if not run_folder or not run_id or not os.path.isdir(run_folder):
        return None
    if _submitted is None or (_submitted.run_folder, _submitted.run_id) != (run_folder, run_id):
        _submitted = SubmittedGateway(run_id, os.environ.get("AZUREML_ARM_PROJECT_NAME", ""), run_folder)
    return _submitted
