from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sdk.conftest import SubmittedRun


def test_a_script_finds_its_run_under_every_name(submitted: SubmittedRun) -> None:
    output = submitted.run("""
        import azureml.core
        from azureml.core.run import Run as SameRun, _OfflineRun
        assert SameRun is Run
        for found in (run, Run.get_context(allow_offline=False), Run.get_submitted_run()):
            assert isinstance(found, Run) and not isinstance(found, _OfflineRun)
            print(found.id, found._run_id, found.experiment.name, hasattr(found, "experiment"))
        assert azureml.core.VERSION == azureml.core.__version__
    """)
    assert output == "iris_1_0000abcd iris_1_0000abcd iris True\n" * 3


@pytest.mark.parametrize(
    ("statement", "ending"),
    [
        ("pass", ["e", "Completed", None]),
        ("sys.exit(0)", ["e", "Completed", None]),
        ("raise ValueError('bad')", ["e", "Failed", {"message": "ValueError: bad"}]),
        ("sys.exit(3)", ["e", "Failed", {"message": "SystemExit: 3"}]),
    ],
)
def test_a_run_as_context_manager_says_how_its_block_ended(
    submitted: SubmittedRun, statement: str, ending: list[object]
) -> None:
    submitted.run(f"""
        import sys
        try:
            with Run.get_context() as run:
                {statement}
        except (ValueError, SystemExit):
            pass
    """)
    assert submitted.timeless_lines() == [ending]


def test_calls_of_other_kinds_of_runs_say_so_by_name(submitted: SubmittedRun) -> None:
    message = submitted.run("""
        from azureml.exceptions import UserErrorException
        try:
            run.find_step_run("train")
        except UserErrorException as error:
            print(error)
    """)
    assert message.startswith("run.find_step_run() ") and "pipeline" in message


def test_a_name_that_azure_does_not_have_is_an_attribute_error(submitted: SubmittedRun) -> None:
    assert submitted.run("print(hasattr(run, 'nonsense'))") == "False\n"
