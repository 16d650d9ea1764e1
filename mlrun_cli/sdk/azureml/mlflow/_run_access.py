"""The methods of MLflow's tracking store that find, start and end runs."""

import os
import sys
import time
from importlib import import_module
from typing import Any, Dict, Iterator, List

from azureml._client.client import find_submitted_run_client, get_client
from azureml._client.notices import warn_once
from azureml._client.scalars import escape_surrogates
from azureml._wire.journal_lines import encode_end
from azureml._wire.tracking_uri import JOINED_RUN
from azureml.mlflow._errors import DOES_NOT_EXIST, convert_errors, create_error
from azureml.mlflow._experiments import ExperimentMethods
from azureml.mlflow._run_writer import RunWriter

ENDINGS = {"FINISHED": "runs.complete", "FAILED": "runs.fail", "KILLED": "runs.cancel"}
"""The requests that end a run with a status of MLflow."""
_PAGE = 500
_STAMP_AGE = 1000
"""The milliseconds after which a time cannot be one that MLflow has stamped itself."""


class RunAccess(ExperimentMethods):
    """Access to the runs of a workspace, including the script's own run.

    Attributes:
        writers: The writers of this process, by the ids of their runs.
    """

    writers: Dict[str, RunWriter]

    def get_run_record(self, run_id: str) -> "Dict[str, Any]":
        """Return the record of the run with this id."""
        record: Dict[str, Any] = self.request("tracking.run", run_id=run_id)
        return record

    def iterate_record_pages(self, experiment_names: "List[str]") -> "Iterator[List[Dict[str, Any]]]":
        """Yield pages of the records of the active runs in experiments, in MLflow's order without `order_by`."""
        before = None
        while experiment_names:
            page = self.request("tracking.runs", experiment_names=experiment_names, limit=_PAGE, before=before)
            yield page["runs"]
            before = page["next"]
            if before is None:
                break

    def find_own_run_id(self) -> "str | None":
        """Return the id of the submitted run of this process, or None if there is none in this workspace."""
        client = find_submitted_run_client()
        return client.run_id if client is not None and tuple(client.workspace) == self.names else None

    def join_run(self, experiment_id: str) -> "str | None":
        """Join the script's own run and return its id; return None if there is none or it was joined earlier."""
        run_id = self.find_own_run_id()
        if run_id is None or os.environ.get(JOINED_RUN) != run_id:
            return None
        del os.environ[JOINED_RUN]
        record = self.get_run_record(run_id)
        if str(experiment_id) not in ("0", record["experiment_id"]):
            own = self.get_experiment(record["experiment_id"]).name
            wanted = self.get_experiment(experiment_id).name
            warn_once(
                "mlflow experiment",
                f"MLflow's run is the run {run_id} of this script, which is in experiment {own!r}, not in {wanted!r}: "
                "submit it there by -e.",
            )
        return run_id

    def start_run(
        self, experiment_id: str, parent_run_id: "str | None", display_name: "str | None"
    ) -> "Dict[str, Any]":
        """Create and start a run, and return its record; a parent run outside of the workspace is ignored."""
        arguments = {"experiment_name": self.get_experiment_record(experiment_id)["name"], "display_name": display_name}
        mlflow_exception: Any = import_module("mlflow.exceptions").MlflowException
        try:
            record: Dict[str, Any] = self.request("runs.open", parent_run_id=parent_run_id, **arguments)
        except mlflow_exception as error:
            if parent_run_id is None or error.error_code != DOES_NOT_EXIST:
                raise
            record = self.request("runs.open", parent_run_id=None, **arguments)
        return record

    def end_run(self, run_id: str, status: str) -> None:
        """End a run; for the script's own run, only record a failure, since it ends when its process exits."""
        if run_id != self.find_own_run_id():
            arguments = {"message": "MLflow's run ended as FAILED."} if status == "FAILED" else {}
            if self.get_run_record(run_id)["status"] == "RUNNING":
                self.request(ENDINGS[status], run_id=run_id, **arguments)
        elif status != "FINISHED":
            with convert_errors():
                # Leaving `with start_run()`, the error is still being handled.
                error = sys.exc_info()[1]
                cause = {"message": escape_surrogates(f"{type(error).__name__}: {error}")} if error else None
                get_client().create_writer(self.names, run_id)(encode_end("Failed", cause))

    def set_run_times(self, run_id: str, **times: "int | None") -> None:
        """Set the given times of a run, in milliseconds, unless they are those that MLflow stamps itself: now."""
        now = time.time() * 1000
        given = {name: value for name, value in times.items() if value is not None and abs(value - now) > _STAMP_AGE}
        if given and run_id != self.find_own_run_id():
            self.request("tracking.set_times", run_id=run_id, **given)

    def set_run_tags(self, run_id: str, tags: "Dict[str, Any]") -> None:
        """Set tags on a run."""
        if tags:
            with convert_errors():
                self.get_writer(run_id).set_tags(tags)

    def get_writer(self, run_id: str) -> RunWriter:
        """Return the writer of a run; raise MlflowException if the run does not exist or is deleted."""
        writer = self.writers.get(run_id)
        if writer is None:
            if run_id != self.find_own_run_id() and self.get_run_record(run_id)["is_deleted"]:
                raise create_error(f"The run {run_id} must be in 'active' state. Current state is deleted.")
            writer = self.writers.setdefault(run_id, RunWriter(self.names, run_id))
        return writer
