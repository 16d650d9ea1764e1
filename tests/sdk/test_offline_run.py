from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sdk.conftest import SubmittedRun


@pytest.fixture
def outside(submitted: SubmittedRun) -> SubmittedRun:
    """A script that belongs to no run."""
    for name in list(submitted.environment):
        if name.startswith(("MLRUN_", "AZUREML_")):
            del submitted.environment[name]
    return submitted


def test_an_offline_run_prints_what_it_is_told(outside: SubmittedRun) -> None:
    output = outside.run("""
        run.log("loss", 0.1)
        run.log("loss", 0.2, "what", step=1)
        run.log_list("all", [1, 2])
        run.log_row("row", x=1, y=2)
        run.log_table("table", {"x": [1, 2]})
        run.log_image("image", path="a.png")
        run.log_confusion_matrix("matrix", {})
        run.log_accuracy_table("accuracy", {})
        run.log_residuals("residuals", {})
        run.log_predictions("predictions", {})
        run.tag("key", 3)
        run.tag("bare")
        run.set_tags({"a": 1})
        run.add_properties({"a": 1})
        run.upload_file("name", "path")
        run.upload_files(["name"], ["path"])
        run.upload_folder("name", "path")
        run.complete()
        run.cancel()
        run.fail("broken", "Code")
    """)
    assert output.splitlines() == [
        "Attempted to log scalar metric loss:",
        "0.1",
        "Attempted to log scalar metric loss:",
        "0.2",
        "Attempted to log list metric all:",
        "[1, 2]",
        "Attempted to log row metric row:",
        "{'x': 1, 'y': 2}",
        "Attempted to log table metric table:",
        "{'x': [1, 2]}",
        "Attempted to log image metric image:",
        "a.png",
        "Attempted to log confusion_matrix metric matrix:",
        "{}",
        "Attempted to log accuracy_table metric accuracy:",
        "{}",
        "Attempted to log residual metric residuals:",
        "{}",
        "Attempted to log predictions metric predictions:",
        "{}",
        "Attempted to add tag key with value 3",
        "Attempted to add tag bare with value None",
        "Attempted to set tags {'a': 1}",
        "Attempted to add properties {'a': 1}",
        "Attempted to track file name at path",
        "Attempted to track files ['name'] at ['path'] with timeout Nones",
        "Attempted to track folder name at path",
        "Run failed with error code Code:",
        "broken",
    ]


def test_an_offline_run_is_known_by_its_id_and_class_and_has_no_experiment(outside: SubmittedRun) -> None:
    output = outside.run("""
        from azureml.core.run import _OfflineRun
        assert isinstance(run, _OfflineRun) and not hasattr(run, "experiment")
        assert run.id != Run.get_context().id and run.id == run.identity == run._run_id
        with run as same:
            assert same is run
        run.flush()
        print(run.child_run("child").id == run.id + ".child", run.id)
    """)
    guid = r"OfflineRun_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    start, stop, flush, last = output.splitlines()
    assert re.fullmatch(rf"\[START\] Run {guid} context", start)
    assert re.fullmatch(rf"\[STOP\] Run {guid} context", stop)
    assert re.fullmatch(rf"Attempted to flush run with id {guid}", flush)
    assert re.fullmatch(rf"True {guid}", last)


@pytest.mark.parametrize("call", ["Run.get_context(allow_offline=False)", "Run.get_submitted_run()"])
def test_a_script_that_needs_a_run_is_told_how_to_get_one(outside: SubmittedRun, call: str) -> None:
    message = outside.run(f"""
        from azureml.exceptions import AzureMLException, RunEnvironmentException
        try:
            {call}
        except RunEnvironmentException as error:
            assert isinstance(error, AzureMLException) and error.message == str(error)
            print(error)
    """)
    assert "mlrun run submit-script" in message


def test_a_run_whose_folder_is_gone_is_none(submitted: SubmittedRun) -> None:
    submitted.environment["MLRUN_RUN_FOLDER"] += "/gone"
    assert submitted.run("print(run.id)").startswith("OfflineRun_")
