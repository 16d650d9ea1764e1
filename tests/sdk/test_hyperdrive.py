from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.sweeps.definition import definition_from_json
from tests.running import Mlrun
from tests.sdk.driving import drive, run_alone

EXPRESSIONS = {
    "choice(1, 2)": ["choice", [[1, 2]]],
    "choice([1, 2])": ["choice", [[1, 2]]],
    "choice(range(3))": ["choice", [[0, 1, 2]]],
    "choice(array.array('d', [0.5, 1]))": ["choice", [[0.5, 1.0]]],  # has tolist(), as arrays of NumPy and pandas
    "choice('adam')": ["choice", [["adam"]]],
    "randint(5)": ["randint", [5]],
    "uniform(0, 1)": ["uniform", [0, 1]],
    "quniform(0, 10, 2)": ["quniform", [0, 10, 2]],
    "loguniform(-3, -3)": ["loguniform", [-3, -3]],
    "qloguniform(1, 2, 3)": ["qloguniform", [1, 2, 3]],
    "normal(0, 0)": ["normal", [0, 0]],
    "qnormal(0, 1, 2)": ["qnormal", [0, 1, 2]],
    "lognormal(0, 1.5)": ["lognormal", [0, 1.5]],
    "qlognormal(0, 1, 1)": ["qlognormal", [0, 1, 1]],
}

REFUSED = {
    "choice()": "nothing to choose from",
    "choice([])": "nothing to choose from",
    "choice([1, 2], [3, 4])": "choice([[1, 2], [3, 4]])",
    "choice(range(3), 5)": "among other arguments",
    "choice({1, 2})": "choice(list(…))",
    "choice(n for n in (1, 2))": "choice(list(…))",
    "choice({'a': 1}.keys())": "choice(list(…))",
    "choice({'a': 1}.values())": "choice(list(…))",
    "randint(0)": "above 0",
    "randint(2.5)": "whole number",
    "uniform(1, 1)": "min_value below",
    "uniform('a', 1)": "number as min_value",
    "quniform(0, 1, 0.1)": "whole number as q",
    "quniform(2, 1, 1)": "min_value below",
    "loguniform(3, -3)": "up to its max_value",
    "qloguniform(2, 1, 3)": "up to its max_value",
    "normal(0, -1)": "sigma of 0 or more",
    "normal('a', 1)": "number as mu",
    "qnormal(0, 1, 0.5)": "whole number as q",
    "lognormal(0, -1)": "sigma",
    "qlognormal(0, 1, None)": "whole number as q",
    "GridParameterSampling({'a': uniform(0, 1)})": "draws from choice; parameter 'a' has uniform",
    "BayesianParameterSampling({'a': randint(3)})": "uniform, quniform, choice",
    "RandomParameterSampling([1])": "dictionary",
    "RandomParameterSampling({'--lr': 3})": "expression, such as choice(1, 2), for parameter '--lr'",
    "BanditPolicy()": "one of slack_factor and slack_amount",
    "BanditPolicy(slack_factor=0.1, slack_amount=0.2)": "one of slack_factor and slack_amount",
    "BanditPolicy(slack_factor='x')": "slack_factor has to be a number",
    "BanditPolicy(slack_amount=1, evaluation_interval=0)": "evaluation_interval has to be a whole number of 1 or more",
    "BanditPolicy(slack_amount=1, delay_evaluation=-1)": "delay_evaluation",
    "MedianStoppingPolicy('a')": "evaluation_interval",
    "TruncationSelectionPolicy(0)": "from 1 to 99",
    "TruncationSelectionPolicy(100)": "from 1 to 99",
    "TruncationSelectionPolicy(12.5)": "whole number",
    "sweep(run_config=None)": "was given 0",
    "sweep(estimator=script)": "was given 2",
    "sweep(run_config=3)": "ScriptRunConfig as run_config",
    "sweep(hyperparameter_sampling=None)": "hyperparameter_sampling",
    "sweep(primary_metric_name='')": "primary_metric_name",
    "sweep(primary_metric_goal='maximize')": "PrimaryMetricGoal",
    "sweep(max_total_runs=0)": "above 0 as max_total_runs",
    "sweep(max_total_runs=2.5)": "whole number",
    "sweep(max_total_runs=True)": "whole number",
    "sweep(max_concurrent_runs=-1)": "above 0 as max_concurrent_runs",
    "sweep(max_duration_minutes=0)": "max_duration_minutes",
    "sweep(policy=3)": "EarlyTerminationPolicy",
    "sweep(resume_from=3)": "Run as resume_from",
    "sweep(resume_child_runs=['run'])": "Run as resume_child_runs",
    "PrimaryMetricGoal.from_str('max')": "maximize or minimize",
}

BEGINNING = """
import array
import json
from azureml.core import ScriptRunConfig
from azureml.train.hyperdrive import *
from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

script = ScriptRunConfig(".", script="train.py")

def sweep(**changes):
    words = dict(
        hyperparameter_sampling=RandomParameterSampling({"--lr": uniform(0, 1)}),
        primary_metric_name="accuracy", primary_metric_goal=PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=4, run_config=script,
    )
    return HyperDriveConfig(**{**words, **changes})

"""


def _run(code: str) -> Any:
    return run_alone(BEGINNING + textwrap.dedent(code))


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """What each expression gives, and the text of each refusal."""
    answers: dict[str, Any] = _run(f"""
        answers = {{}}
        for text in {[*EXPRESSIONS, *REFUSED]!r}:
            try:
                answers[text] = eval(text)
            except HyperDriveConfigException as error:
                answers[text] = str(error)
        print(json.dumps(answers, default=repr))
    """)
    return answers


@pytest.mark.parametrize(("text", "value"), EXPRESSIONS.items(), ids=list(EXPRESSIONS))
def test_an_expression_is_its_name_and_its_arguments(answers: dict[str, Any], text: str, value: list[Any]) -> None:
    assert answers[text] == value


@pytest.mark.parametrize(("text", "words"), REFUSED.items(), ids=list(REFUSED))
def test_what_cannot_be_swept_is_refused_when_it_is_written(answers: dict[str, Any], text: str, words: str) -> None:
    assert words in str(answers[text])


def test_samplings_policies_and_sweeps_are_what_azure_writes_down() -> None:
    written = _run("""
        from azureml.exceptions import AzureMLException
        bandit = BanditPolicy(slack_factor=0.1, evaluation_interval=2, delay_evaluation=5)
        config = sweep(policy=bandit, max_concurrent_runs=None)
        older = HyperDriveRunConfig(
            estimator="any", hyperparameter_sampling=RandomParameterSampling({}), primary_metric_name="loss",
            primary_metric_goal=PrimaryMetricGoal.MINIMIZE, max_total_runs=2,
        )
        print(json.dumps({
            "random": RandomParameterSampling({"a": choice(1)}, properties={"seed": 3}).to_json(),
            "grid": GridParameterSampling({"a": choice(1, 2)}).to_json(),
            "bayes": BayesianParameterSampling({"a": choice(1)}).to_json()["name"],
            "bandit": bandit.to_json(),
            "properties": [bandit.slack_factor, bandit.evaluation_interval, bandit.delay_evaluation],
            "median": MedianStoppingPolicy().to_json(),
            "truncation": TruncationSelectionPolicy(20).to_json(),
            "none": NoTerminationPolicy().to_json(),
            "sweep": [config._primary_metric_config, config._max_concurrent_runs, config.source_directory],
            "is script": config.run_config is script,
            "older": [older.estimator, older.source_directory, older._max_total_runs],
            "error": issubclass(HyperDriveConfigException, AzureMLException),
        }))
    """)
    timing = {"evaluation_interval": 1, "delay_evaluation": 0}
    assert written == {
        "random": {"name": "RANDOM", "parameter_space": {"a": ["choice", [[1]]]}, "properties": {"seed": 3}},
        "grid": {"name": "GRID", "parameter_space": {"a": ["choice", [[1, 2]]]}},
        "bayes": "BayesianOptimization",
        "bandit": {
            "name": "Bandit",
            "properties": {"evaluation_interval": 2, "delay_evaluation": 5, "slack_factor": 0.1},
        },
        "properties": [0.1, 2, 5],
        "median": {"name": "MedianStopping", "properties": timing},
        "truncation": {
            "name": "TruncationSelection",
            "properties": {**timing, "truncation_percentage": 20, "exclude_finished_jobs": False},
        },
        "none": {"name": "Default"},
        "sweep": [{"name": "accuracy", "goal": "maximize"}, 4, "."],
        "is script": True,
        "older": ["any", None, 2],
        "error": True,
    }


def test_the_definition_of_a_sweep_is_plain_json_of_any_size() -> None:
    definition = _run("""
        import logging
        logging.disable()

        class Number:  # as NumPy's, which scripts make by arange
            def tolist(self):
                return 3

        space = {"--lr": choice(Number(), (1, 2)), "--depth": uniform(0, 1)}
        config = sweep(
            hyperparameter_sampling=BayesianParameterSampling(space, properties={"seed": Number()}),
            policy=MedianStoppingPolicy(), max_total_runs=5000, max_concurrent_runs=500, custom_run_id="HD_mine",
            max_duration_minutes=None,
        )
        print(json.dumps(config._to_sweep_arguments()))
    """)
    assert definition == {
        "run_id": "HD_mine",
        "definition": {
            "generator_config": {
                "name": "BayesianOptimization",
                "parameter_space": {"--lr": ["choice", [[3, [1, 2]]]], "--depth": ["uniform", [0, 1]]},
                "properties": {"seed": 3},
            },
            "policy_config": {
                "name": "MedianStopping",
                "properties": {"evaluation_interval": 1, "delay_evaluation": 0},
            },
            "primary_metric_config": {"name": "accuracy", "goal": "maximize"},
            "max_total_jobs": 5000,
            "max_concurrent_jobs": 500,
            "max_duration_minutes": None,
            "resume_from": None,
            "resume_child_runs": None,
        },
    }
    assert definition_from_json(definition["definition"]).to_json() == definition["definition"]


def test_bayesian_sampling_with_little_to_learn_from_warns_as_in_azure() -> None:
    warnings = _run("""
        import logging
        texts = []
        class Handler(logging.Handler):
            def emit(self, record):
                texts.append(record.getMessage())
        logging.getLogger("azureml.core").addHandler(Handler())
        bayesian = BayesianParameterSampling({"a": choice(1), "b": choice(2)})
        sweep(hyperparameter_sampling=bayesian, max_total_runs=39, max_concurrent_runs=21)
        sweep(max_total_runs=1)
        print(json.dumps(texts))
    """)
    few, many = warnings
    assert "max_total_runs of 40" in few
    assert "max_concurrent_runs of 20" in many


def test_what_cannot_be_swept_over_says_what_to_do_instead(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path, attach=False)
    driver = textwrap.dedent("""
        from azureml.core import Experiment, Workspace
        from azureml.exceptions import UserErrorException
        from azureml.train.automl import AutoMLConfig
        experiment = Experiment(Workspace.create("w", subscription_id="s", resource_group="g"), "iris")
        for config in (sweep(run_config=None, pipeline="any"), AutoMLConfig(task="regression")):
            try:
                experiment.submit(config)
            except UserErrorException as error:
                print(error)
    """)
    swept, automl = drive(mlrun, BEGINNING + driver).splitlines()
    assert swept.startswith("HyperDriveConfig(pipeline=…) cannot be submitted")
    assert automl.startswith("Experiment.submit(AutoMLConfig) is ")
    assert "ScriptRunConfig" in automl
