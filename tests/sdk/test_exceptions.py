"""Exceptions are made as scripts and libraries make Azure's, by its keywords, and say what they were given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import PYTHONS, drive, run_alone

MADE = {
    "AzureMLException('m', ValueError('v'), 'target', ['d'], 'm {x}', {'x': 1}, 'code')": "m",
    "AzureMLException(exception_message='m', inner_exception=None, message_format='m', message_parameters={})": "m",
    "UserErrorException('m', target='t', details=['d'], reference_code='r', anything=1)": "m",
    "UserErrorException(exception_message='m', inner_exception=ValueError('v'))": "m",
    "AuthenticationException('m', inner_exception=ValueError('v'))": "m",
    "ServiceException(error_response_exception='m', target='t')": "m",
    "ExperimentExecutionException('m', target='t')": "m",
    "ActivityFailedException(error_details='m', target='t')": "m",
    "DatasetTimestampMissingError(error_details='m')": "m",
    "AzureMLAggregatedException(exceptions_list=['m', 'n'], target='t')": "m\nn",
    "AzureMLAggregatedException([UserErrorException('m'), ValueError('n')])": "m\nn",
    "WorkspaceException('m', found_multiple=True, target='t')": "m",
    "WorkspaceException('m', True)": "m",
    "WorkspacePrivateEndpointException('m', found_multiple=True)": "m",
    "WebserviceException('m', 404, None, target='t')": "m",
    "WebserviceException('m', logger=logging.getLogger('l'))": "m",
    "ModelNotFoundException('m', logger=None, target='t')": "m",
    "ModelPathNotFoundException('m', logger=None)": "m",
    "ParallelRunException('m', code='c', delay_seconds=3)": "m",
    "DiscoveryUrlNotFoundException(discovery_key='k')": "No variable of the environment holds the address of 'k'.",
    "RunEnvironmentException(target='t')": "This process belongs to no run: experiment.start_logging() opens one.",
    "TrainingException('m', target='t')": "m",
    "SnapshotException('m', target='t')": "m",
    "RunConfigurationException('m', target='t')": "m",
    "ProjectSystemException('m', target='t')": "m",
    "ComputeTargetException('m', target='t')": "m",
}
"""What is made, and what it says."""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.mark.parametrize("python", PYTHONS, ids=os.path.basename)
def test_every_exception_takes_azures_arguments_and_can_be_handed_to_another_process(python: str) -> None:
    found = run_alone(
        f"""
        import json, logging, pickle
        from azureml.exceptions import *
        logging.disable(logging.ERROR)
        found = {{}}
        for text in {list(MADE)!r}:
            made = eval(text)
            again = pickle.loads(pickle.dumps(made))
            found[text] = [str(made), made.message, str(again), repr(again) == repr(made)]
        print(json.dumps(found))
        """,
        python=python,
    )
    assert found == {text: [said, said, said, True] for text, said in MADE.items()}


def test_what_an_exception_was_given_can_be_read_and_is_logged() -> None:
    assert run_alone("""
        import json
        from azureml.exceptions import *

        class Logger:
            said = []
            error = said.append

        web = WebserviceException("web", status_code=404, logger=Logger())
        ModelNotFoundException("model", logger=Logger())
        parallel = ParallelRunException("m", code="c", delay_seconds=3)
        inner = UserErrorException("m", inner_exception=ValueError("v")).inner_exception
        print(json.dumps([
            web.status_code, ServiceException("m").status_code, WorkspaceException("m", True).found_multiple,
            parallel.code, parallel.delay_seconds, str(inner), Logger.said,
        ]))
    """) == [404, None, True, "c", 3, "v", ["web", "model"]]


def test_print_stacktrace_tells_of_the_error_and_of_what_led_to_it() -> None:
    kept, chained = run_alone("""
        import contextlib, io, json
        from azureml.exceptions import UserErrorException

        def printed_by(error):
            with contextlib.redirect_stderr(io.StringIO()) as printed:
                error.print_stacktrace()
            return printed.getvalue()

        def inner():
            raise KeyError("the cause")

        texts = []
        try:
            inner()
        except KeyError as error:
            kept = error
        try:
            raise UserErrorException("the outcome", inner_exception=kept)
        except UserErrorException as error:
            texts.append(printed_by(error))
        try:
            try:
                inner()
            except KeyError as error:
                raise UserErrorException("the outcome", inner_exception=error) from error
        except UserErrorException as error:
            texts.append(printed_by(error))
        print(json.dumps(texts))
    """)
    for text in (kept, chained):
        assert text.count("KeyError: 'the cause'") == 1
        assert text.count("in inner") == 1
        assert text.rstrip().endswith("UserErrorException: the outcome")


def test_what_does_not_exist_is_told_by_the_exceptions_that_scripts_catch(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import pickle
        import azureml.core
        from azureml._restclient.exceptions import ServiceException as AzuresServiceException
        from azureml.core import Experiment, Model, Run
        from azureml.pipeline.core import PipelineEndpoint, PublishedPipeline, Schedule
        from azureml.pipeline.core._restclients.aeva.models.error_response import ErrorResponseException
        from azureml.pipeline.core.run import PipelineRun

        ws = Workspace.from_config()
        guid = "00000000-0000-0000-0000-000000000001"
        for lookup in (
            lambda: PipelineEndpoint.get(ws, name="none"),
            lambda: PipelineEndpoint(ws, guid),
            lambda: PublishedPipeline.get(ws, guid),
            lambda: Schedule.get(ws, guid),
        ):
            error = error_of(lookup)
            same([isinstance(error, ErrorResponseException), error.response.status_code], [True, 404])
            same([isinstance(error, UserErrorException), error.message], [True, str(error)])
        assert "not found in workspace" in error_of(PipelineEndpoint.get, ws, name="none").message
        for lookup in (
            lambda: ws.get_run(guid),
            lambda: Run(Experiment(ws, "e"), guid),
            lambda: PipelineRun(Experiment(ws, "e"), guid),
        ):
            error = error_of(lookup)
            same([isinstance(error, AzuresServiceException), error.status_code], [True, 404])
            same([isinstance(error, UserErrorException), error.mlrun_code], [True, "RunNotFound"])

        for lookup, kind in (
            (lambda: PipelineEndpoint.get(ws, name="none"), ErrorResponseException),
            (lambda: ws.get_run(guid), AzuresServiceException),
            (lambda: Model(ws, "none"), ModelNotFoundException),
            (lambda: Model(ws), UserErrorException),
        ):
            error = error_of(lookup)
            again = pickle.loads(pickle.dumps(error))
            same([isinstance(again, kind), str(again), again.mlrun_code], [True, str(error), error.mlrun_code])
        """,
    )
