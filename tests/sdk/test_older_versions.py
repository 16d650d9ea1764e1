"""Names and arguments that only older versions of Azure's packages have, and that scripts still use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import OLDEST, drive, run_alone


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def test_packages_tell_their_version_as_azures_do() -> None:
    versions = run_alone(
        """
        import json
        import azureml.core, azureml.data, azureml.exceptions, azureml.pipeline.core, azureml.widgets
        modules = azureml.core, azureml.data, azureml.exceptions, azureml.pipeline.core, azureml.widgets
        lacking = [hasattr(one, "__version__") for one in (azureml.core.run, azureml.data.datapath)]
        print(json.dumps([azureml.core.VERSION, [one.__version__ for one in modules], lacking]))
        """,
        python=OLDEST,
    )
    assert versions == [versions[0], [versions[0]] * 5, [False, False]]


def test_a_step_of_contrib_takes_the_models_and_tags_that_described_it() -> None:
    seen = run_alone("""
        import json
        from azureml.contrib.pipeline.steps import ParallelRunConfig, ParallelRunStep
        from azureml.core import Environment
        from azureml.core.authentication import ServicePrincipalAuthentication
        from azureml.data.dataset_factory import FileDatasetFactory
        from azureml.pipeline.core import PipelineData
        from azureml.pipeline import steps

        config = ParallelRunConfig(
            environment=Environment("e"), entry_script="score.py", error_threshold=5, output_action="append_row",
            compute_target="local", node_count=1, mini_batch_size="1KB", input_format="tabular",
        )
        step = ParallelRunStep(
            "score", config, inputs=[FileDatasetFactory.from_files("http://localhost/f", validate=False)],
            output=PipelineData("scores"), models=[], tags={"a": "b"}, properties={"c": "d"},
        )
        ServicePrincipalAuthentication(tenant_id="t", username="u", password="p")
        try:
            ParallelRunStep("score", config, inputs=[], model=[])
        except TypeError as error:
            print(json.dumps([isinstance(step, steps.ParallelRunStep), step.name, str(error)]))
    """)
    assert seen[:2] == [True, "score"]
    assert "'model'" in seen[2]


def test_what_is_published_is_found_and_enabled_by_its_first_names(mlrun: Mlrun) -> None:
    mlrun.script("pass", "src/train.py")
    drive(
        mlrun,
        """
        import logging
        from azureml.pipeline.core import Pipeline, PublishedPipeline, Schedule, ScheduleRecurrence
        from azureml.pipeline.steps import PythonScriptStep

        ws = Workspace.from_config()
        published = Pipeline(ws, [PythonScriptStep("train.py", source_directory="src")]).publish("p", "d")
        logging.getLogger("azureml.core").setLevel("ERROR")  # it tells what keeps the time of schedules
        schedule = Schedule.create(ws, "s", published.id, "exp", recurrence=ScheduleRecurrence("Month", 12))
        schedule.disable()
        again = Schedule.get_schedule(ws, schedule.id)
        same(again.status, "Disabled")
        again.activate()
        same(Schedule.get(ws, schedule.id).status, "Active")
        again.disable()
        published.disable()
        again = PublishedPipeline.get_published_pipeline(ws, published.id)
        same(again.status, "Disabled")
        again.activate()
        same(PublishedPipeline.get(ws, published.id).status, "Active")
        """,
    )


def test_clusters_of_2018_are_targets_of_this_machine(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        from azureml.core import Experiment, ScriptRunConfig, Workspace
        from azureml.core.compute import AmlCompute, BatchAiCompute, ComputeTarget
        from azureml.core.compute_target import ComputeTargetException
        from azureml.core.runconfig import RunConfiguration

        ws = Workspace.create("older")
        try:
            BatchAiCompute(workspace=ws, name="traincluster")
        except ComputeTargetException:
            configuration = BatchAiCompute.provisioning_configuration(
                vm_size="STANDARD_D2_V2", autoscale_enabled=True, cluster_min_nodes=0, cluster_max_nodes=4
            )
            BatchAiCompute.create(ws, name="traincluster", provisioning_configuration=configuration)
        target = BatchAiCompute(ws, "traincluster")
        same([type(target), target.scale_settings.maximum_node_count], [AmlCompute, 4])
        target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
        single = ComputeTarget.create(ws, "single", BatchAiCompute.provisioning_configuration("STANDARD_NC6"))
        same([single.scale_settings.maximum_node_count, sorted(ws.compute_targets())], [1, ["single", "traincluster"]])
        with open("train.py", "w") as file:
            file.write("from azureml.core import Run; Run.get_submitted_run().log('x', 1)")
        configuration = RunConfiguration()
        configuration.target = target
        configuration.environment.python.user_managed_dependencies = True
        run = Experiment(ws, "old").submit(ScriptRunConfig(".", "train.py", run_config=configuration))
        run.wait_for_completion()
        same([run.get_metrics(), list(ws.experiments())], [{"x": 1}, ["old"]])
        """,
    )
