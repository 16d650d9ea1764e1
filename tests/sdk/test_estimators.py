from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive

if TYPE_CHECKING:
    from pathlib import Path


def _drive(mlrun: Mlrun, driver: str) -> Any:
    """Run a driver script; its last line, which is JSON."""
    return json.loads(drive(mlrun, driver).splitlines()[-1])


@pytest.fixture
def mlrun(tmp_path: Path) -> Mlrun:
    """A folder with a script, and a home."""
    made = Mlrun(tmp_path, attach=False)
    made.script("import json, os, sys\nprint(json.dumps([sys.argv[1:], os.environ['COLOUR'], sys.executable]))\n")
    return made


def test_an_estimator_is_submitted_as_the_run_of_its_script(mlrun: Mlrun) -> None:
    run = _drive(
        mlrun,
        """
        import json, sys
        from azureml.core import Experiment, Workspace
        from azureml.train.estimator import Estimator
        workspace = Workspace.create("w", subscription_id="s", resource_group="g")
        estimator = Estimator(
            ".", compute_target="local", entry_script="train.py", use_gpu=True, vm_size="STANDARD_D2_V2",
            script_params={"--lr": 0.1, "--quick": "", "--layers": [3, 4]}, environment_variables={"COLOUR": "blue"},
        )
        run = Experiment(workspace, "iris").submit(estimator)
        run.wait_for_completion()
        (log,) = [text for name, text in run.get_details_with_logs()["logFiles"].items() if "std_log" in name]
        print(json.dumps([run.get_status(), json.loads(log), sys.executable]))
        """,
    )
    status, (words, colour, python), driver_python = run
    assert status == "Completed"
    assert words == ["--lr", "0.1", "--quick", "--layers", "3", "4"]
    assert colour == "blue"
    assert python == driver_python


def test_packages_make_an_environment_and_a_framework_brings_its_own(mlrun: Mlrun) -> None:
    (mlrun.folder / "requirements.txt").write_text("# what it needs\nnumpy==2.0  # numbers\n\npandas\n")
    (mlrun.folder / "conda.yml").write_text("dependencies:\n- pytorch=1.4\n- pip:\n  - pillow\n")
    packages = _drive(
        mlrun,
        """
        import json, sys
        from azureml.train.dnn import Chainer, PyTorch, TensorFlow
        from azureml.train.estimator import Estimator
        from azureml.train.sklearn import SKLearn

        def python_of(kind, **words):
            document = kind(".", compute_target="local", entry_script="train.py", **words)._to_script_run_config()
            return document._to_document()["environment"]["python"]

        def packages(kind, **words):
            python = python_of(kind, **words)
            if python["userManagedDependencies"]:
                return None
            conda = python["condaDependencies"]["dependencies"]
            (pip,) = [one["pip"] for one in conda if isinstance(one, dict)]
            return sorted([one for one in conda + pip if isinstance(one, str) and not one.startswith("azureml")])

        print(json.dumps({
            "plain": packages(Estimator),
            "named": packages(Estimator, conda_packages=["scipy"], pip_packages=["rich"]),
            "file": packages(Estimator, pip_requirements_file="requirements.txt", pip_packages=["rich"]),
            "sklearn": packages(SKLearn),
            "pinned": packages(PyTorch, framework_version="1.4"),
            "exact": packages(TensorFlow, framework_version="2.0.1"),
            "own": packages(SKLearn, conda_packages=["scikit-learn=1.0"], user_managed=False),
            "conda": packages(PyTorch, conda_dependencies_file="conda.yml"),
            "managed": packages(Chainer, user_managed=True),
            "interpreter": python_of(Estimator)["interpreterPath"] == sys.executable,
        }))
        """,
    )
    assert packages == {
        "plain": None,
        "named": ["rich", "scipy"],
        "file": ["numpy==2.0", "pandas", "rich"],
        "sklearn": ["joblib", "pandas", "scikit-learn"],
        "pinned": ["torch==1.4.*", "torchvision"],
        "exact": ["tensorflow==2.0.1"],
        "own": ["joblib", "pandas", "scikit-learn=1.0"],
        "conda": ["pillow", "pytorch=1.4", "torchvision"],
        "managed": None,
        "interpreter": True,
    }


def test_what_an_estimator_is_given_reaches_its_run_configuration(mlrun: Mlrun) -> None:
    facts = _drive(
        mlrun,
        """
        import json
        from azureml.core import Environment, Workspace
        from azureml.train.dnn import Mpi, Nccl, ParameterServer, PyTorch, TensorFlow
        from azureml.train.estimator import Estimator, MMLBaseEstimator

        def configuration(kind, **words):
            return kind(".", compute_target="local", entry_script="train.py", **words).run_config

        one = configuration(Estimator, distributed_training=Mpi())
        several = configuration(Estimator, node_count=2, distributed_backend="mpi", process_count_per_node=3)
        servers = configuration(TensorFlow, distributed_training=ParameterServer(worker_count=2))
        nccl = configuration(PyTorch, node_count=2, distributed_training=Nccl())
        store = Workspace.create("w", subscription_id="s", resource_group="g").get_default_datastore()
        bound = Estimator(".", compute_target="local", entry_script="train.py", inputs=[store.path("in").as_mount()])
        image = configuration(Estimator, custom_docker_image="mine:1")
        environment = configuration(PyTorch, environment_definition=Environment("mine")).environment
        changed = Estimator(".", compute_target="local", entry_script="train.py", max_run_duration_seconds=5)
        changed.run_config.arguments = ["--late"]
        document = changed._to_script_run_config()._to_document()
        print(json.dumps({
            "one": [one.framework, one.communicator],
            "several": [several.communicator, several.node_count, several.mpi.process_count_per_node],
            "servers": [servers.framework, servers.communicator, servers.tensorflow.worker_count],
            "nccl": [nccl.framework, nccl.communicator, nccl.node_count],
            "bound": len(bound._to_script_run_config()._to_document()["dataReferences"]),
            "image": [image.environment.docker.enabled, image.environment.docker.base_image],
            "environment": environment.name,
            "changed": [document["arguments"], document["maxRunDurationSeconds"], document["target"]],
            "base": isinstance(changed, MMLBaseEstimator),
            "versions": PyTorch.get_supported_versions()[-1],
        }))
        """,
    )
    assert facts == {
        "one": ["Python", "None"],
        "several": ["IntelMpi", 2, 3],
        "servers": ["TensorFlow", "ParameterServer", 2],
        "nccl": ["PyTorch", "Nccl", 2],
        "bound": 1,
        "image": [True, "mine:1"],
        "environment": "mine",
        "changed": [["--late"], 5, "local"],
        "base": True,
        "versions": "1.6",
    }


def test_an_estimator_takes_the_distributions_of_run_configurations_and_old_names(mlrun: Mlrun) -> None:
    facts = _drive(
        mlrun,
        """
        import json
        from azureml.core import runconfig
        from azureml.train.dnn import PyTorch, TensorFlow
        from azureml.train.estimator import Estimator

        def facts_of(kind, **words):
            made = kind(".", compute_target="local", entry_script="train.py", **words).run_config
            sections = [made.mpi.process_count_per_node, made.tensorflow.worker_count,
                        made.tensorflow.parameter_server_count, made.pytorch.process_count]
            return [made.framework, made.communicator, made.node_count, *sections]

        mpi = runconfig.MpiConfiguration()
        mpi.process_count_per_node = 4
        servers = runconfig.TensorflowConfiguration(worker_count=3, parameter_server_count=2)
        gloo = runconfig.PyTorchConfiguration("Gloo", process_count=4, node_count=2)
        print(json.dumps([
            facts_of(Estimator, node_count=2, distributed_training=mpi),
            facts_of(PyTorch, distributed_training=runconfig.MpiConfiguration()),
            facts_of(TensorFlow, distributed_training=servers),
            facts_of(PyTorch, node_count=2, distributed_training=gloo),
            facts_of(Estimator, node_count=2, distributed_backend="MPI"),
            facts_of(TensorFlow, distributed_backend="ps", worker_count=3, parameter_server_count=2),
        ]))
        """,
    )
    assert facts == [
        ["Python", "IntelMpi", 2, 4, 1, 1, None],
        ["Python", "None", 1, 1, 1, 1, None],
        ["TensorFlow", "ParameterServer", 1, 1, 3, 2, None],
        ["PyTorch", "Gloo", 2, 1, 1, 1, 4],
        ["Python", "IntelMpi", 2, 1, 1, 1, None],
        ["TensorFlow", "ParameterServer", 1, 1, 3, 2, None],
    ]


def test_an_estimator_that_cannot_be_right_says_which_parameter(mlrun: Mlrun) -> None:
    messages = _drive(
        mlrun,
        """
        import json
        from azureml.train.estimator import Estimator
        from azureml.train.sklearn import SKLearn
        uses = [
            dict(script_params=["--lr"]),
            dict(node_count=0),
            dict(node_count=2),
            dict(distributed_backend="carrier pigeon"),
            dict(distributed_training="mpi"),
            dict(pip_requirements_file="missing.txt"),
            dict(conda_dependencies_file="missing.yml"),
            dict(inputs=[3]),
            dict(script="train.py"),
        ]
        messages = []
        for words in uses:
            try:
                Estimator(".", compute_target="local", **words)
            except Exception as error:
                messages.append(f"{type(error).__name__}: {error}")
        try:
            SKLearn(".", node_count=2)
        except TypeError as error:
            messages.append(str(error))
        print(json.dumps(messages))
        """,
    )
    words = [
        ("UserErrorException", "script_params"),
        ("TrainingException", "node_count"),
        ("TrainingException", "distributed_training"),
        ("TrainingException", "carrier pigeon"),
        ("TrainingException", "Mpi()"),
        ("UserErrorException", "missing.txt"),
        ("UserErrorException", "missing.yml"),
        ("UserErrorException", "as_named_input"),
        ("TypeError", "Estimator: got an unexpected keyword argument 'script'"),
        ("SKLearn", "node_count"),
    ]
    assert len(messages) == len(words)
    for message, (kind, part) in zip(messages, words, strict=True):
        assert message.startswith(kind)
        assert part in message


def test_a_section_needs_only_its_line_in_the_table_of_distributed_jobs(mlrun: Mlrun) -> None:
    facts = _drive(
        mlrun,
        """
        import json
        from pathlib import Path
        from azureml.core import runconfig

        source = Path(runconfig.__file__).read_text(encoding="utf-8")
        start = source.index("DISTRIBUTED_JOBS: ")
        end = source.index("}", start)
        mine = '''
        class MineConfiguration(DistributedJobConfiguration):
            _fields = ("worker_count",)

            def __init__(self, worker_count=1):
                self.worker_count = worker_count

            def _configure(self, configuration):
                configuration.mine = self
                configuration.communicator = "Mine"
                configuration.node_count = self.worker_count
        '''
        line = '    "mine": MineConfiguration,' + chr(10)
        changed = source[:start] + mine + chr(10) + source[start:end] + line + source[end:]
        exec(compile(changed, runconfig.__file__, "exec"), vars(runconfig))

        from azureml.core import ScriptRunConfig
        from azureml.train.estimator import Estimator

        plain = runconfig.RunConfiguration()
        section = runconfig.MineConfiguration(5)
        made = Estimator(".", compute_target="local", node_count=2, distributed_training=section).run_config
        script = ScriptRunConfig(".", "train.py", distributed_job_config=section).run_config
        print(json.dumps([
            [plain.mine.worker_count, plain._to_document()["mine"]],
            [made.communicator, made.node_count, made._to_document()["mine"]],
            [script.communicator, script.node_count],
        ]))
        """,
    )
    assert facts == [
        [1, {"workerCount": 1}],
        ["Mine", 2, {"workerCount": 5}],
        ["Mine", 5],
    ]
