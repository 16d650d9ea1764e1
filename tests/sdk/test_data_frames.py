"""Runs as a real pandas data frame, beside what the command prints as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import iterate_identities, locate_workspace
from tests.running import Mlrun
from tests.sdk.driving import drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


def test_runs_are_a_data_frame_in_the_columns_of_csv(mlrun: Mlrun) -> None:
    (identity,) = iterate_identities(mlrun.home)
    with (
        Workspace.open(locate_workspace(mlrun.home, identity), create=False, redactor=Redactor()) as workspace,
        workspace.transaction(),
    ):
        for rate, loss in (("0.1", 0.5), ("auto", 0.25), ("0.2", None)):
            experiment, number = workspace.experiments.reserve_run_numbers("exp")
            key = workspace.runs.insert(
                experiment,
                number,
                f"exp_{number}",
                run_type=SCRIPT_RUN,
                status=RunStatus.COMPLETED,
                user_name="me",
                definition={"script": "train.py", "arguments": ["--lr", rate, "--layers", str(number)]},
            )
            workspace.runs.set_tags(key, {"team": "a", "mlflow.log-model.history": "[]"})
            if loss is not None:
                workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, loss, None)])
    (csv := mlrun.folder / "runs.csv").write_text(
        mlrun("run", "list", "-e", "exp", "--metrics", "all", "--params", "all", "-o", "csv").stdout, encoding="utf-8"
    )
    drive(
        mlrun,
        f"""
        import sys
        import pandas
        from azureml.core import Experiment

        experiment = Experiment(Workspace.from_config(), "exp")
        frame, printed = experiment.to_dataframe(), pandas.read_csv({str(csv)!r})
        same(list(frame.columns), list(printed.columns))
        same([name for name in frame.columns if name.startswith("tags.")], ["tags.team"])
        for name in ("run_id", "status", "tags.team", "parameters.lr", "parameters.layers", "run_number"):
            same(list(frame[name]), list(printed[name]))
        same(list(frame["metrics.loss"].fillna(-1)), [-1, 0.25, 0.5])
        same(list(frame["parameters.lr"]), ["0.2", "auto", "0.1"])
        same(str(frame["created_utc"].dt.tz), "UTC")
        frame.to_parquet("runs.parquet")
        same(list(pandas.read_parquet("runs.parquet")["run_id"]), list(printed["run_id"]))

        chosen = experiment.to_dataframe(metrics=["min(loss)"], parameters=None, where="loss < 0.4")
        same(list(chosen["metrics.min(loss)"]), [0.25])
        same([name for name in chosen.columns if name.startswith("parameters.")], [])
        refused(UserErrorException, "metrics; all", experiment.to_dataframe, metrics="best")
        sys.modules["pandas"] = None
        refused(UserErrorException, "pip install pandas", experiment.to_dataframe)
        """,
    )
