"""Every public module and name of Azure's packages is here, or is refused in words; `imports_oracle.py` lists them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.running import interpreters
from tests.sdk.driving import OLDEST, PYTHONS, run_alone

FACTS = Path(__file__).parents[1] / "data" / "sdk" / "imports.txt"

THREE = dict.fromkeys([*PYTHONS, interpreters()[-1]])

PARITY = f"""
import importlib, json
from azureml.exceptions import UserErrorException

def refusal_of(value):
    try:
        value()
    except UserErrorException as error:
        return str(error)

def is_refused(value):  # by the tables; what a file of ours defines has a docstring
    return type(value).__name__ == "_RefusedModule" or type(value).__name__ == "UnsupportedMeta" and not value.__doc__

def are_words(name, text):
    return text is not None and name in text and "that mlrun-cli does not have. " in text and text.endswith(".")

wrong, refused, here = [], 0, 0
module = origin = None
for line in open({str(FACTS)!r}, encoding="utf-8"):
    of_line, _, names = line.strip().partition(":")
    try:
        found = importlib.import_module(of_line)
    except BaseException as error:
        wrong.append("%s: %r" % (of_line, error))
        continue
    if not line.startswith(" "):
        module = origin = found
    elif "._" in of_line:
        origin = None
    else:
        origin = found
    for name in names.split():
        try:
            value = getattr(module, name)
            other = value if origin is None else getattr(origin, name)
            if other != value and not (is_refused(other) and is_refused(value)):
                wrong.append("%s.%s is another than that of %s" % (module.__name__, name, origin.__name__))
        except BaseException as error:
            wrong.append("%s.%s: %r" % (module.__name__, name, error))
            continue
        here += not is_refused(value)
        refused += is_refused(value)
        if is_refused(value) and not are_words(name, refusal_of(value)):
            wrong.append("%s.%s is refused by %r" % (module.__name__, name, refusal_of(value)))
print(json.dumps([wrong, refused, here]))
"""


def test_every_module_and_name_of_azure_is_here_or_refused_in_words() -> None:
    wrong, refused, here = run_alone(PARITY, python=OLDEST)
    # One name is of two classes in Azure's modules, and here of the one that scripts import.
    assert wrong == ["azureml.data.context_managers.Dataset is another than that of azureml.core.runconfig"]
    assert min(refused, here) > 500


@pytest.mark.parametrize("python", THREE, ids=os.path.basename)
def test_a_module_that_nobody_has_is_an_import_error_that_says_so(python: str) -> None:
    unknown, attribute, facts = run_alone(
        """
        import importlib.util, json
        import azureml.core

        def error_of(line):
            try:
                exec(line, {})
            except ImportError as error:
                return [type(error).__name__, isinstance(error, ModuleNotFoundError), str(error)]

        print(json.dumps([
            [error_of(line) for line in (
                "import azureml.gone", "import azureml.core.gone", "from azureml.core import Gone",
                "from azureml import gone", "from azureml.core.gone.deeper import Thing",
            )],
            error_of("from azureml.core.run import Gone"),
            [
                importlib.util.find_spec("azureml.gone"),
                importlib.util.find_spec("azureml.core.gone"),
                importlib.util.find_spec("azureml.core.run") is not None,
                importlib.util.find_spec("azureml.dataprep") is not None,
                hasattr(azureml.core, "Gone"),
                hasattr(azureml, "gone"),
                getattr(azureml.core, "__wrapped__", None),
            ],
        ]))
        """,
        python=python,
    )
    for kind, is_not_found, text in unknown:
        assert (kind, is_not_found) == ("UnknownModule", True)
        assert " has no '" in text
        assert "Correct the name" in text
    assert attribute[0] == "ImportError"
    assert facts == [None, None, True, True, False, False, None]


@pytest.mark.parametrize(
    ("line", "owner", "advice"),
    [
        (
            "from azureml.studio.core.io.data_frame_directory import load_data_frame_from_directory",
            "Designer",
            "pandas",
        ),
        ("import azureml.designer.core.model", "Designer", "pandas"),
        ("from azureml.api.schema.dataTypes import DataTypes", "Workbench of 2017", "FastAPI"),
        ("from azureml.datacollector import ModelDataCollector", "Workbench of 2017", "FastAPI"),
        ("from azureml.acft.common_components import get_logger_app", "SDK v2", "transformers"),
    ],
    ids=["studio", "designer", "api", "datacollector", "acft"],
)
def test_what_azure_has_beside_the_sdk_is_an_import_error_that_says_where_it_belongs(
    line: str, owner: str, advice: str
) -> None:
    kind, text = run_alone(
        f"""
        import json
        try:
            exec({line!r})
        except ImportError as error:
            print(json.dumps([type(error).__name__, str(error)]))
        """,
        python=OLDEST,
    )
    assert (kind, owner in text, advice in text) == ("UnknownModule", True, True)
    assert "Correct the name" not in text


def test_names_that_azure_has_from_elsewhere_are_the_things_themselves() -> None:
    assert run_alone(
        """
        import json
        import azureml.core
        from azureml._common.exceptions import AzureMLException
        from azureml._restclient.constants import RunStatus
        from azureml.core import Dataset, Model, Run
        from azureml.core.model import Dataset as OfModel
        from azureml.core.run import RUNNING_STATES
        from azureml.data.dataset_profile_run import Run as OfProfile
        from azureml.exceptions import UserErrorException
        from azureml.exceptions._azureml_exception import UserErrorException as Inner
        from azureml.pipeline.steps import PythonScriptStep
        from azureml.pipeline.steps.python_script_step import PythonScriptStep as OfStep
        from azureml.train.estimator import Estimator
        from azureml.train.estimator._estimator import Estimator as InnerEstimator
        from azureml.train.hyperdrive import PrimaryMetricGoal
        from azureml.train.hyperdrive.run import PrimaryMetricGoal as OfRun
        from azureml.train.widgets import RunDetails as Earlier
        from azureml.widgets import RunDetails
        print(json.dumps([
            OfModel is Dataset, OfProfile is Run, Inner is UserErrorException, issubclass(Inner, AzureMLException),
            OfStep is PythonScriptStep, InnerEstimator is Estimator, OfRun is PrimaryMetricGoal, Earlier is RunDetails,
            azureml.core.run.Run is Run, azureml.data.dataset_factory.FileDatasetFactory.__name__,
            RunStatus.RUNNING in RUNNING_STATES, RunStatus.COMPLETED in RunStatus.list(),
        ]))
        """,
        python=OLDEST,
    ) == [True] * 9 + ["FileDatasetFactory", True, True]


def test_what_is_inside_of_azures_packages_can_be_imported_and_set() -> None:
    set_to, texts, pickled, passed = run_alone(
        """
        import copy, json, logging, pickle
        import azureml._restclient.snapshots_client
        import azureml.core
        from azureml._base_sdk_common import _ClientSessionId
        from azureml.core.compute import SystemService
        from azureml.core._experiment_method import experiment_method
        from azureml.train.hyperdrive.runconfig import RESUME_FROM_TOTAL_RUNS
        from azureml.train.restclients.hyperdrive.rest import ApiException

        azureml._restclient.snapshots_client.SNAPSHOT_MAX_SIZE_BYTES = 10 ** 9
        texts = []
        for use in (
            lambda: azureml._restclient.snapshots_client.SnapshotsClient(None),
            lambda: _ClientSessionId(),
            lambda: experiment_method(submit_function=print),
            lambda: SystemService("cluster", 1),
            lambda: "Running" in RESUME_FROM_TOTAL_RUNS,
            lambda: list(RESUME_FROM_TOTAL_RUNS),
            lambda: RESUME_FROM_TOTAL_RUNS[0],
            lambda: ApiException(None, None),
        ):
            try:
                use()
            except azureml.exceptions.UserErrorException as error:
                texts.append(str(error).partition(" is a part ")[0])
        try:
            try:
                raise ValueError("passes")
            except ApiException:
                pass
        except ValueError as error:
            passed = str(error)
        print(json.dumps([
            azureml._restclient.snapshots_client.SNAPSHOT_MAX_SIZE_BYTES,
            texts,
            [pickle.loads(pickle.dumps(module)) is module for module in (azureml.core, logging)],
            passed,
        ]))
        """,
        python=OLDEST,
    )
    assert set_to == 10**9
    assert texts == [
        "SnapshotsClient",
        "_ClientSessionId",
        "azureml.core._experiment_method.experiment_method",
        "SystemService",
        *["RESUME_FROM_TOTAL_RUNS"] * 3,
        "ApiException",
    ]
    assert (pickled, passed) == ([True, True], "passes")


@pytest.mark.parametrize("python", THREE, ids=os.path.basename)
@pytest.mark.parametrize("first", ["azureml.core", "urllib, concurrent, http, logging, xml"])
def test_parts_of_the_standard_library_are_there_as_with_azures_package(python: str, first: str) -> None:
    loaded, used = run_alone(
        f"""
        import json, sys
        import {first}
        import urllib, concurrent, http, importlib, logging, xml
        import azureml.core
        parts = ["urllib.request", "concurrent.futures", "http.client", "logging.handlers", "xml.etree.ElementTree"]
        loaded = [part for part in parts if part in sys.modules]
        used = [
            urllib.request.Request, urllib.parse.quote, concurrent.futures.Executor, http.client.HTTPException,
            importlib.util.find_spec, logging.handlers.RotatingFileHandler, xml.etree.ElementTree.fromstring,
        ]
        assert not hasattr(urllib, "gone")
        print(json.dumps([loaded, len(used)]))
        """,
        python=python,
    )
    assert loaded == []
    assert used == 7
