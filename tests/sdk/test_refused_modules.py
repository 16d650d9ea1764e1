from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import OLDEST, drive, run_alone

IMPORTS = """\
from azureml.automl.core.featurization import FeaturizationConfig
from azureml.automl.core.shared import constants
from azureml.contrib.dataset import FileHandlingOption, LabeledDatasetTask
from azureml.contrib.explain.model.tabular_explainer import TabularExplainer
from azureml.contrib.interpret.explanation.explanation_client import ExplanationClient
from azureml.contrib.pipeline.steps import ParallelRunConfig, ParallelRunStep
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
from azureml.contrib.tensorboard.export import export_to_tensorboard
from azureml.core import Run, Workspace, get_run
from azureml.core.conda_dependencies import PYTHON_PREFIX, CondaDependencies
from azureml.core.experiment import Experiment, ViewType
from azureml.core.image import ContainerImage, Image
from azureml.core.image.container import ContainerImage
from azureml.core.profile import ModelProfile
from azureml.core.run import Run, _OfflineRun, _SubmittedRun, get_run
from azureml.core.webservice import AciWebservice, AksEndpoint, AksWebservice, LocalWebservice, Webservice
from azureml.core.webservice.aks import AksServiceDeploymentConfiguration
from azureml.core.webservice.webservice import WebserviceDeploymentConfiguration
from azureml.datadrift import AlertConfiguration, DataDriftDetector
from azureml.dataprep import Dataflow
from azureml.explain.model._internal.explanation_client import ExplanationClient
from azureml.explain.model.tabular_explainer import TabularExplainer
from azureml.interpret import ExplanationClient
from azureml.interpret.mimic_wrapper import MimicWrapper
from azureml.interpret.scoring.scoring_explainer import TreeScoringExplainer, save
from azureml.logging import get_azureml_logger
from azureml.monitoring import ModelDataCollector
from azureml.opendatasets import MNIST, Diabetes
from azureml.pipeline.core import Pipeline, PipelineData, PipelineEndpoint, PipelineParameter, PipelineRun
from azureml.pipeline.core import PublishedPipeline, Schedule, ScheduleRecurrence, StepRun, StepSequence, TimeZone
from azureml.pipeline.core import TrainingOutput
from azureml.pipeline.core.builder import PipelineStep
from azureml.pipeline.core.graph import PipelineParameter
from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset
from azureml.pipeline.core.run import PipelineRun, StepRun
from azureml.pipeline.core.schedule import Schedule, ScheduleRecurrence
from azureml.pipeline.steps import AdlaStep, AutoMLStep, CommandStep, DatabricksStep, DataTransferStep, EstimatorStep
from azureml.pipeline.steps import HyperDriveStep, HyperDriveStepRun, MpiStep, ParallelRunConfig, ParallelRunStep
from azureml.pipeline.steps import PythonScriptStep, RScriptStep
from azureml.telemetry import set_diagnostics_collection
from azureml.tensorboard import Tensorboard
from azureml.train.automl import AutoMLConfig
from azureml.train.automl import constants
from azureml.train.automl.run import AutoMLRun
from azureml.train.automl.runtime.automl_explain_utilities import automl_setup_model_explanations
from azureml.train.automl.utilities import get_primary_metrics
from azureml.train.dnn import Chainer, Gloo, Mpi, Nccl, ParameterServer, PyTorch, TensorFlow
from azureml.train.estimator import Estimator
from azureml.train.hyperdrive import BanditPolicy, BayesianParameterSampling, GridParameterSampling, HyperDriveConfig
from azureml.train.hyperdrive import HyperDriveRun, MedianStoppingPolicy, NoTerminationPolicy, PrimaryMetricGoal
from azureml.train.hyperdrive import RandomParameterSampling, TruncationSelectionPolicy, choice, normal, uniform
from azureml.train.hyperdrive.parameter_expressions import loguniform
from azureml.train.hyperdrive.policy import BanditPolicy
from azureml.train.hyperdrive.run import HyperDriveRun
from azureml.train.hyperdrive.sampling import RandomParameterSampling
from azureml.train.sklearn import SKLearn
from azureml.widgets import RunDetails
from azureml._base_sdk_common.tracking import global_tracking_info_registry
from azureml._common.exceptions import AzureMLException
from azureml._model_management._constants import SUPPORTED_RUNTIMES
from azureml._restclient.constants import RunStatus
from azureml.core._portal import HasRunPortal
from azureml.core.compute import BatchAiCompute, KubernetesCompute
from azureml.core.model import Dataset
from azureml.data._dataset import _Dataset
from azureml.exceptions._azureml_exception import ModelNotFoundException, UserErrorException
from azureml.pipeline.core.graph import InputPortDef, OutputPortDef
from azureml.train.estimator._estimator import Estimator
from azureml.train.hyperdrive.run import PrimaryMetricGoal
from azureml.train.widgets import RunDetails
import azureml._restclient.snapshots_client
import azureml.contrib.dataset
import azureml.mlflow
import azureml.train.automl
"""
"""Lines from the scripts and notebooks of public repositories."""

USES = [
    ("azureml.pipeline.core", "PipelineDraft.create(None)", "PipelineDraft.create is ", "pipeline.publish("),
    ("azureml.pipeline.core", "Module.get(None)", "Module.get is ", "PythonScriptStep"),
    ("azureml.train.automl", "AutoMLRun(experiment=None, run_id='r')", "AutoMLRun is ", "script of your own"),
    ("azureml.train.automl.utilities", "get_primary_metrics('regression')", "get_primary_metrics is ", "script"),
    ("azureml.interpret", "ExplanationClient.from_run(None)", "ExplanationClient.from_run is ", "'shap'"),
    ("azureml.contrib.interpret.visualize", "ExplanationDashboard(1)", "ExplanationDashboard is ", "'shap'"),
    ("azureml.opendatasets", "MNIST.get_file_dataset()", "MNIST.get_file_dataset is ", "Dataset.File.from_files"),
    ("azureml.monitoring", "ModelDataCollector('m', designation='i')", "ModelDataCollector is ", "server"),
    (
        "azureml.core.webservice",
        "AciWebservice.deploy_from_model(None)",
        "AciWebservice.deploy_from_model is ",
        "FastAPI",
    ),
    ("azureml.core.image", "ContainerImage.create(None)", "ContainerImage.create is ", "FastAPI"),
    ("azureml.core.profile", "ModelProfile(None, 'p')", "ModelProfile is ", "run.log"),
    ("azureml.contrib.notebook", "NotebookRunnerStep('a.ipynb')", "NotebookRunnerStep is ", "papermill"),
    ("azureml.contrib.services.aml_request", "rawhttp(print)", "rawhttp is ", "request.body()"),
    ("azureml.contrib.services.aml_response", "AMLResponse(b'', 200)", "AMLResponse is ", "a Response"),
    ("azureml.evaluate", "mlflow.load_model('m')", "azureml.evaluate.mlflow.load_model is ", "mlflow.evaluate"),
    ("azureml.evaluate.mlflow.models.evaluation", "EvaluationResult()", "EvaluationResult is ", "mlflow.evaluate"),
    ("azureml.metrics", "compute_metrics(task_type='regression')", "compute_metrics is ", "run.log"),
]
"""Module, what is done with a name of it, the error's name for it and a word of its advice."""


@pytest.fixture(scope="module")
def errors() -> dict[str, list[str]]:
    """The class, and the text, of the error for each use."""
    uses = [(module, use) for module, use, _, _ in USES]
    found: dict[str, list[str]] = run_alone(f"""
        import importlib, json, re
        errors = {{}}
        for module, use in {uses!r}:
            name = re.match(r"\\w+", use)[0]
            try:
                eval(use, {{name: getattr(importlib.import_module(module), name)}})
            except Exception as error:
                errors[use] = [type(error).__name__, str(error)]
        print(json.dumps(errors))
    """)
    return found


def test_what_scripts_import_is_there_on_the_oldest_python() -> None:
    failed = run_alone(
        f"""
        import json
        failed = {{}}
        for line in {IMPORTS.splitlines()!r}:
            try:
                exec(line, {{}})
            except BaseException as error:
                failed[line] = repr(error)
        print(json.dumps(failed))
        """,
        python=OLDEST,
    )
    assert failed == {}


@pytest.mark.parametrize(("use", "name", "advice"), [row[1:] for row in USES], ids=[row[1] for row in USES])
def test_what_is_not_here_is_refused_on_use_by_its_name(
    errors: dict[str, list[str]], use: str, name: str, advice: str
) -> None:
    kind, text = errors[use]
    assert kind == "UserErrorException"
    assert name in text
    assert advice in text
    assert text.endswith(".")
    assert ".." not in text


def test_what_a_script_builds_before_it_is_used_can_be_built() -> None:
    built = run_alone("""
        import copy, json, pickle
        from azureml.core.image import ContainerImage
        from azureml.core.webservice import AciWebservice, AksWebservice
        from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter, ScheduleRecurrence, StepSequence
        from azureml.pipeline.steps import DataTransferStep, PythonScriptStep
        from azureml.train.automl import AutoMLConfig
        data = PipelineData("prepared", is_directory=True)
        step = PythonScriptStep("prepare.py", name="prepare", arguments=["--to", data], outputs=[data])
        step.run_after(PythonScriptStep(script_name="fetch.py"))
        class Copy(DataTransferStep):
            def __init__(self, name):
                super().__init__(name, compute_target="local")
        class Mine(Pipeline):
            pass
        print(json.dumps({
            "argument": str(step.arguments[1]),
            "default": step.allow_reuse,
            "copied": pickle.loads(pickle.dumps(copy.copy(data))).is_directory,
            "handed on": data.as_dataset().as_named_input("x").name,
            "parameter": PipelineParameter(name="rate", default_value=0.1).default_value,
            "derived": Copy("c").compute_target,
            "isinstance": isinstance(data, Mine),
            "sequence": len(StepSequence(steps=[step]).steps),
            "interval": ScheduleRecurrence(frequency="Day", interval=2).interval,
            "cores": AciWebservice.deploy_configuration(cpu_cores=2, memory_gb=1).cpu_cores,
            "replicas": AksWebservice.deploy_configuration(num_replicas=3).num_replicas,
            "runtime": ContainerImage.image_configuration(execution_script="s.py", runtime="python").runtime,
            "automl": AutoMLConfig(task="regression", iterations=3).user_settings,
        }))
    """)
    assert built == {
        "argument": "$AZUREML_DATAREFERENCE_prepared",
        "default": True,
        "copied": True,
        "handed on": "prepared",
        "parameter": 0.1,
        "derived": "local",
        "isinstance": False,
        "sequence": 1,
        "interval": 2,
        "cores": 2,
        "replicas": 3,
        "runtime": "python",
        "automl": {"task": "regression", "iterations": 3},
    }


def test_there_are_no_web_services_and_that_is_what_azure_says_of_one_that_is_not_there() -> None:
    answers = run_alone("""
        import json
        from azureml.core.image import Image
        from azureml.core.webservice import AciWebservice, Webservice
        from azureml.exceptions import WebserviceException
        messages = []
        for kind in (Webservice, AciWebservice, Image):
            try:
                kind(None, name="iris")
            except WebserviceException as error:
                messages.append(str(error)[:30])
        print(json.dumps([messages, Webservice.list(None), AciWebservice.list(None), Image.list(None)]))
    """)
    assert answers == [
        ["Webservice 'iris' is not there", "AciWebservice 'iris' is not th", "Image 'iris' is not there: mlr"],
        [],
        [],
        [],
    ]


def test_a_wrong_parameter_is_a_type_error_that_names_the_call() -> None:
    messages = run_alone("""
        import json
        from azureml.core.webservice import AciWebservice
        from azureml.pipeline.core import PipelineData, PipelineParameter
        from azureml.pipeline.steps import PythonScriptStep
        messages = []
        for use in (
            lambda: PythonScriptStep(),
            lambda: AciWebservice.deploy_configuration(cores=1),
            lambda: PipelineData("a b"),
            lambda: PipelineParameter("rate", None),
        ):
            try:
                use()
            except (TypeError, ValueError) as error:
                messages.append(f"{type(error).__name__}: {error}")
        print(json.dumps(messages))
    """)
    step, configuration, data, parameter = messages
    assert step.startswith("TypeError: PythonScriptStep: ") and "'script_name'" in step
    assert configuration.startswith("TypeError: AciServiceDeploymentConfiguration: ") and "'cores'" in configuration
    assert data.startswith("ValueError") and "'a b'" in data
    assert parameter.startswith("ValueError") and "NoneType" in parameter


def test_a_module_is_found_as_an_attribute_too_and_one_with_a_file_before_one_without() -> None:
    assert run_alone("""
        import json
        import azureml.train.automl.automlconfig
        from azureml.contrib.services import aml_request
        from azureml.train.automl import run
        from azureml.train.automl.run import AutoMLRun
        print(json.dumps([
            aml_request.AMLRequest.__module__,
            azureml.train.automl.constants.Metric.__name__,
            run.AutoMLRun is AutoMLRun,
            azureml.train.automl.automlconfig.__file__.endswith("automlconfig.py"),
        ]))
    """) == ["azureml.contrib.services.aml_request", "Metric", True, True]


def test_the_logger_of_the_workbench_logs_to_the_run_and_telemetry_stays_off() -> None:
    facts = run_alone("""
        import contextlib, io, json
        from azureml.logging import get_azureml_logger
        from azureml.sdk import data_collector
        from azureml._base_sdk_common import user_agent
        from azureml._base_sdk_common.user_agent import append
        from azureml.telemetry import get_diagnostics_collection_info, set_diagnostics_collection
        set_diagnostics_collection(send_diagnostics=True)
        append("library", "1.0")
        user_agent.append("other")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            get_azureml_logger().log("Accuracy", 0.5)
            get_azureml_logger().log("Losses", [3, 2, 1])
            data_collector.current_run().log("Of 2017", 1)
        print(json.dumps([
            printed.getvalue(), get_diagnostics_collection_info(), user_agent.get_user_agent(),
        ]))
    """)
    printed, (is_sent, _), agent = facts
    assert "Accuracy" in printed
    assert "Losses" in printed
    assert "Of 2017" in printed
    assert is_sent is False
    assert agent == "library/1.0 other"


def test_a_refused_name_has_no_private_attributes() -> None:
    assert run_alone("""
        import json, azureml.contrib, azureml.opendatasets
        print(json.dumps([
            hasattr(azureml.opendatasets, "_x"),
            hasattr(azureml.opendatasets.MNIST, "_x"),
            hasattr(azureml.contrib.services, "__all__"),
            azureml.opendatasets.MNIST is azureml.opendatasets.MNIST,
        ]))
    """) == [False, False, False, True]


def test_the_import_of_azureml_core_loads_none_of_it() -> None:
    loaded = run_alone("""
        import json, sys
        from azureml import core
        from azureml.core import Run, run
        print(json.dumps([name for name in sys.modules if name.startswith("azureml")]))
    """)
    rest = (
        "_azure_names",
        "_elsewhere",
        "_refused",
        "train",
        "pipeline",
        "widgets",
        "interpret",
        "automl",
        "core.webservice",
        "core.image",
    )
    assert not [name for name in loaded if name.startswith(tuple(f"azureml.{part}" for part in rest))]


def test_the_widget_prints_the_runs_table_outside_a_notebook(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path, attach=False)
    printed = drive(
        mlrun,
        """
        import json
        from azureml.core import Experiment, Workspace
        from azureml.widgets import RunDetails
        workspace = Workspace.create("w", subscription_id="s", resource_group="g")
        with Experiment(workspace, "iris").start_logging() as run:
            run.log("loss", 0.5)
            RunDetails(run).show()
        data = RunDetails(run).get_widget_data()
        print(run.id)
        print(json.dumps([data["status"], data["run_properties"]["run_id"], data["run_metrics"]]))
        """,
    )
    *table, run_id, data = printed.splitlines()
    head, row = (line.split() for line in table[-2:])
    assert head == ["Experiment", "Id", "Type", "Status"]
    assert row[:2] == ["iris", run_id]
    assert row[-1] == "Running"
    assert table[-2].index("Status") == table[-1].index("Running")
    assert json.loads(data) == ["Completed", run_id, {"loss": 0.5}]
