"""What notebooks read of runs, and of what they are told, is as it is in Azure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


def test_details_have_datasets_and_the_name_and_version_of_the_environment(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print(sys.argv[1:])")
    mlrun.script("x\n1\n", "data/a.csv")
    drive(
        mlrun,
        """
        from azureml.core import Dataset, Environment, Experiment, ScriptRunConfig
        from azureml.data import FileDataset
        ws = Workspace.from_config()
        experiment = Experiment(ws, "exp")
        files = Dataset.File.from_files("data/*.csv").register(ws, "files")
        mine = Environment("mine")
        mine.python.user_managed_dependencies = True
        mine.register(ws)
        mine.environment_variables = {"CHANGED": "1"}
        second = mine.register(ws)
        for environment, name, version in (
            (second, "mine", "2"), (Environment.get(ws, "mine", "1"), "mine", "1"),
            (None, "Experiment exp Environment", "Autosave_"),
        ):
            run = experiment.submit(ScriptRunConfig(".", "train.py", environment=environment, arguments=[
                "--data", files.as_named_input("given").as_mount(), None, "--flag", None,
            ]))
            details = run.wait_for_completion()
            said = details["runDefinition"]["environment"]
            same((said["name"], said["version"][:9]), (name, version))
            same((run.get_environment().name, run.get_environment().version), (said["name"], said["version"]))
            same(run.get_environment().environment_variables, details["runDefinition"]["environmentVariables"])
            (given,) = details["inputDatasets"]
            assert isinstance(given["dataset"], FileDataset), given
            same((given["dataset"].name, given["dataset"].to_path()), ("files", ["/a.csv"]))
            same(given["consumptionDetails"], {"type": "RunInput", "inputName": "given", "mechanism": "Mount"})
            same(details["outputDatasets"], [])
            section = details["runDefinition"]["data"]["given"]
            same([section["dataLocation"]["dataset"]["id"], section["mechanism"]], [files.id, "Mount"])
            same(details["runDefinition"]["arguments"][2:], ["", "--flag", ""])
        """,
    )


def test_details_of_a_completed_run_have_its_outputs_as_datasets(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Run

        run = Run.get_context()
        details = run.get_details()
        assert details["outputDatasets"] == []
        options = details["runDefinition"]["outputData"]["kept"]["additionalOptions"]["registrationOptions"]
        run.log("written by", options["properties"]["azureml.pipelineRunId"] if run.parent else "itself")
        for folder in sys.argv[1:]:
            open(folder + "/result.csv", "w").write("x\\n1\\n")
        """
    )
    drive(
        mlrun,
        """
        from azureml.core import Dataset, Experiment, RunConfiguration, ScriptRunConfig
        from azureml.data import FileDataset, OutputFileDatasetConfig, TabularDataset
        from azureml.pipeline.core import Pipeline
        from azureml.pipeline.steps import PythonScriptStep

        ws = Workspace.from_config()
        store = ws.get_default_datastore()
        experiment = Experiment(ws, "exp")

        def make_outputs(place):
            return [
                OutputFileDatasetConfig("kept", destination=(store, place + "/kept")),
                OutputFileDatasetConfig("named", destination=(store, place + "/named")).register_on_complete("results"),
                OutputFileDatasetConfig("table", destination=(store, place + "/table"))
                .read_delimited_files()
                .register_on_complete("table"),
            ]

        def check(run, place, writer):
            outputs = run.get_details()["outputDatasets"]
            same([one["outputDetails"]["outputName"] for one in outputs], ["kept", "named", "table"])
            same([type(one["dataset"]) for one in outputs], [FileDataset, FileDataset, TabularDataset])
            for one in outputs:
                same([one["outputType"], one["identifier"]["savedId"]], ["RunOutput", one["dataset"].id])
            same([one["dataset"].name for one in outputs], [None, "results", "table"])
            same(Dataset.get_by_id(ws, outputs[0]["identifier"]["savedId"]).to_path(), ["/result.csv"])
            section = run.get_details()["runDefinition"]["outputData"]["named"]
            same(section["outputLocation"]["dataPath"], {"datastoreName": store.name, "relativePath": place + "/named"})
            same(section["additionalOptions"]["registrationOptions"]["name"], "results")
            same(run.get_metrics(), {"written by": writer})

        run = experiment.submit(ScriptRunConfig(".", "train.py", arguments=make_outputs("a")))
        run.wait_for_completion()
        check(run, "a", "itself")

        configuration = RunConfiguration()
        configuration.environment.python.user_managed_dependencies = True
        step = PythonScriptStep("train.py", source_directory=".", arguments=make_outputs("b"), runconfig=configuration)
        run = experiment.submit(Pipeline(ws, [step]))
        run.wait_for_completion(show_output=False)
        check(run.find_step_run("train.py")[0], "b", run.id)
        """,
    )


def test_a_runconfig_has_the_packages_of_its_file_also_where_the_interpreter_is_the_users(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    packages = "# of mine\nname: mine\ndependencies:\n- python=3.7\n- pip:\n  - numpy==1.19\n"
    mlrun.script(packages, ".azureml/conda.yml")
    for name, file in (("kept", "conda.yml"), ("lost", "no.yml")):
        mlrun.script(
            "script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
            f"    condaDependenciesFile: .azureml/{file}\n",
            f".azureml/{name}.runconfig",
        )
    drive(
        mlrun,
        """
        from azureml.core import Experiment, RunConfiguration, ScriptRunConfig
        ws = Workspace.from_config()
        loaded = RunConfiguration.load(".", "kept")
        packages = loaded.environment.python.conda_dependencies
        same((list(packages.pip_packages), packages.get_python_version()), (["numpy==1.19"], "3.7"))
        loaded.save(".", "again")
        run = Experiment(ws, "exp").submit(ScriptRunConfig(".", run_config=loaded))
        same(run.wait_for_completion()["status"], "Completed")
        same(RunConfiguration.load(".", "lost").environment.python.conda_dependencies, None)
        """,
    )
    assert (mlrun.folder / ".azureml" / "conda.yml").read_text(encoding="utf-8") == packages


def test_children_are_numbered_and_active_runs_have_a_run_id(mlrun: Mlrun) -> None:
    mlrun.environment["GO"] = str(mlrun.folder.parent / "go")
    mlrun.script("import os, time\nwhile not os.path.exists(os.environ['GO']): time.sleep(0.01)")
    drive(
        mlrun,
        """
        import os
        from azureml.core import Experiment, ScriptRunConfig
        from azureml.core.compute import AmlCompute, ComputeTarget
        ws = Workspace.from_config()
        experiment = Experiment(ws, "exp")
        with experiment.start_logging(snapshot_directory=None) as run:
            children = run.create_children(count=3)
            same([child.tags for child in children], [{"azureml.batch_child_number": n} for n in "012"])
            same([child.tags for child in run.create_children(tag_key="lr", tag_values=[1])], [{"lr": "1"}])
            same(run.create_children(count=0), [])
        target = ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(max_nodes=1))
        run = experiment.submit(ScriptRunConfig(".", "train.py", compute_target=target))
        same([active.run_id for active in target.get_active_runs()], [run.id])
        open(os.environ["GO"], "w").close()
        run.wait_for_completion()
        """,
    )


def test_what_is_advised_is_said_in_python(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    mlrun.environment["PATH"] = "/usr/bin:/bin"
    mlrun.environment["UV_OFFLINE"] = "1"
    drive(
        mlrun,
        """
        from azureml.core import Environment, Experiment, ScriptRunConfig
        from azureml.core.conda_dependencies import CondaDependencies
        experiment = Experiment(Workspace.from_config(), "exp")
        pinned = Environment("pinned")
        pinned.python.conda_dependencies = CondaDependencies.create(python_version="2.1.1")
        submit = experiment.submit
        refused(AzureMLException,
                'os.environ["MLRUN_ENVIRONMENT"] = "relaxed"; MLRUN_ENVIRONMENT"] = "current"', submit,
                ScriptRunConfig(".", "train.py", environment=pinned))
        told = str(error_of(submit, ScriptRunConfig("nowhere", "train.py")))
        assert "source_directory=" in told and "--" not in told, told
        failing = Environment("failing")
        failing.python.conda_dependencies = CondaDependencies.create(pip_packages=["no-such-package-of-anybody==1"])
        run = submit(ScriptRunConfig(".", "train.py", environment=failing))
        told = str(error_of(run.wait_for_completion))
        assert 'os.environ["MLRUN_ENVIRONMENT"] = "current"' in told and "--environment" not in told, told
        """,
    )
