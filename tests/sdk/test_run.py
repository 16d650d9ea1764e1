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


@pytest.mark.parametrize(
    "use",
    [
        "run.upload_file('a', 'b')",
        "run.log_image('a', plot=None)",
        "run.register_model(model_name='m')",
        "run.child_run(name='c')",
        "run.submit_child(None)",
        "run.input_datasets",
        "run.experiment.workspace",
        "run.wait_for_completion()",
        "run.get_secret('s')",
    ],
)
def test_what_is_not_there_yet_says_so_by_name(submitted: SubmittedRun, use: str) -> None:
    message = submitted.run(f"""
        from azureml.exceptions import UserErrorException
        try:
            {use}
        except UserErrorException as error:
            print(error)
    """)
    assert message.startswith(use.partition("(")[0])


def test_a_name_that_azure_does_not_have_is_an_attribute_error(submitted: SubmittedRun) -> None:
    assert submitted.run("print(hasattr(run, 'nonsense'))") == "False\n"
