from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml

from mlrun_cli.errors import InvalidFile, MlrunError, SeveralProblems
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.sweeps.definition import definition_from_json
from mlrun_cli.sweeps.policies import BANDIT, DEFAULT, MEDIAN, TRUNCATION, Policy
from mlrun_cli.sweeps.sampling import SamplingMethod
from tests.sweeps.conftest import SAMPLE, ReadSweep

Refuse = Callable[[str], MlrunError]


def test_the_sample_of_the_documents_is_read(read: ReadSweep) -> None:
    definition, notes = read(SAMPLE)

    assert notes == ()
    assert definition.to_json() == {
        "generator_config": {"name": "RANDOM", "parameter_space": {"--c": ["choice", [[0.5, 1, 1.5]]]}},
        "policy_config": {
            "name": "Bandit",
            "properties": {"evaluation_interval": 1, "delay_evaluation": 0, "slack_factor": 0.2},
        },
        "primary_metric_config": {"name": "Test accuracy", "goal": "maximize"},
        "max_total_jobs": 8,
        "max_concurrent_jobs": 1,
        "max_duration_minutes": 60,
        "resume_from": None,
        "resume_child_runs": None,
    }
    assert definition.total_runs == 3  # which is all that there is to choose
    assert definition_from_json(json.loads(json.dumps(definition.to_json()))) == definition


def test_a_published_file_with_comments_and_without_a_last_newline_is_read(read: ReadSweep) -> None:
    text = SAMPLE.replace("sampling:", "# More: https://docs.microsoft.com\nsampling: ")
    text = text.replace("type: random", "type: random # Supported options: Random, Grid, Bayesian").rstrip()
    assert read(text) == read(SAMPLE)


def test_a_sweep_job_of_v2_is_refused(refuse: Refuse) -> None:
    space = "search_space:\n  n_estimators: {type: choice, values: [100, 250]}\n"
    limits = "objective: {goal: maximize, primary_metric: f1}\nlimits: {max_total_trials: 5}\n"
    error = refuse(f"type: sweep\nsampling_algorithm: random\n{space}{limits}")
    assert "Azure ML v2" in error.message
    assert "primary_metric_name" in error.one_line


@pytest.mark.parametrize(
    "change",
    [
        str.swapcase,  # of the words that have any letter case
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: json.dumps(yaml.safe_load(text)),
        lambda text: json.dumps(yaml.safe_load(text), indent=4).replace("\n", "\r\n"),
    ],
    ids=["letter case", "BOM", "CRLF", "JSON", "JSON with CRLF"],
)
def test_what_azure_reads_is_read(read: ReadSweep, change: Callable[[str], str]) -> None:
    if change is str.swapcase:
        text = SAMPLE
        for word in ("random", "BanditPolicy", "Maximize"):
            text = text.replace(word, word.swapcase())
    else:
        text = change(SAMPLE)
    assert read(text) == read(SAMPLE)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    type: BanditPolicy\n    evaluation_interval: 1\n    slack_factor: 0.2\n", "", None),
        ("\n    type: BanditPolicy\n    evaluation_interval: 1\n    slack_factor: 0.2", " {}", Policy()),
        ("    type: BanditPolicy\n", "", Policy()),
        ("BanditPolicy", "NoTerminationPolicy", Policy(DEFAULT)),
        ("slack_factor: 0.2", "slack_amount: 1", Policy(BANDIT, slack_amount=1)),
        ("    evaluation_interval: 1\n", "", Policy(BANDIT, slack_factor=0.2)),
        (
            "BanditPolicy\n    evaluation_interval: 1\n    slack_factor: 0.2",
            "medianstoppingpolicy\n    evaluation_interval: 2\n    delay_evaluation: 5",
            Policy(MEDIAN, 2, 5),
        ),
        ("BanditPolicy", "TruncationSelectionPolicy\n    truncation_percentage: 20", None),
        (
            "BanditPolicy\n    evaluation_interval: 1\n    slack_factor: 0.2",
            "TruncationSelectionPolicy\n    truncation_percentage: 99",
            Policy(TRUNCATION, truncation_percentage=99),
        ),
    ],
)
def test_policies(read: ReadSweep, old: str, new: str, expected: Policy | None) -> None:
    assert old in SAMPLE
    if expected is None:
        with pytest.raises(InvalidFile):
            read(SAMPLE.replace(old, new))
    else:
        assert read(SAMPLE.replace(old, new)).definition.policy == expected


@pytest.mark.parametrize("value", ["", "0", "null"])
def test_without_a_number_of_concurrent_runs_all_may_be_live(read: ReadSweep, value: str) -> None:
    text = SAMPLE.replace("max_concurrent_runs: 1\n", f"max_concurrent_runs: {value}\n" if value else "")
    assert read(text).definition.max_concurrent == 8


def test_there_may_be_more_runs_than_azure_allows(read: ReadSweep) -> None:
    text = SAMPLE.replace("max_total_runs: 8", "max_total_runs: 5000").replace(
        "[0.5, 1, 1.5]", "[[" + "1, " * 3000 + "]]"
    )
    assert read(text).definition.total_runs == 3000


def test_the_seed_of_a_file_is_taken(read: ReadSweep) -> None:
    definition, notes = read(SAMPLE.replace("type: random", "type: random\n    properties: {seed: 7, sed: 1}"))
    assert definition.sampling.seed == 7
    assert len(notes) == 1
    assert "line 3: sampling.properties.sed is not read; did you mean seed?" in notes[0]


def test_keys_that_are_not_read_are_told(read: ReadSweep) -> None:
    text = SAMPLE.replace("max_concurrent_runs", "max_concurent_runs").replace(
        "slack_factor: 0.2", "slack_factor: 0.2\n    x: 1"
    )
    definition, notes = read(text)
    assert definition.max_concurrent == 8
    assert [note.split(", ", 1)[1] for note in sorted(notes)] == [
        "line 11: policy.x is not read.",
        "line 15: max_concurent_runs is not read; did you mean max_concurrent_runs?",
    ]


def test_numbers_that_yaml_takes_for_text_are_numbers(read: ReadSweep) -> None:
    text = SAMPLE.replace("choice", "uniform").replace("[0.5, 1, 1.5]", "[1e-5, 1E2]")
    assert read(text).definition.sampling.space["--c"].arguments == (1e-5, 100.0)


def test_options_are_passed_as_they_are_written(read: ReadSweep) -> None:
    options = read(SAMPLE.replace("[0.5, 1, 1.5]", "[[no, yes, True, 1e-5, 2024-01-02, null, '1', [1, off], 0.10]]"))
    space = options.definition.sampling.space
    assert space["--c"].options == ("no", "yes", True, "1e-5", "2024-01-02", None, "1", [1, "off"], 0.1)


# The rows of the table of keys that Azure refuses, or accepts to fail later: what is replaced in the sample, by what,
# the line and the key of the error, and a word of it.
_TYPE, _SPACE = "sampling.type", "sampling.parameter_space"
_VALUES = f"{_SPACE}[0].values"
_BANDIT = "    type: BanditPolicy\n    evaluation_interval: 1\n    slack_factor: 0.2\n"
_TRUNCATION = "    type: TruncationSelectionPolicy\n    truncation_percentage: {}\n"
REFUSED = [
    ("    type: random\n", "", 2, "sampling", "random, grid, bayesian"),
    ("max_total_runs", "max_total_run", 1, None, "Did you mean it by 'max_total_run'"),
    ("    type: random\n", "    typ: random\n", 2, "sampling", "Did you mean it by 'typ'"),
    ("type: random", "type:", 2, _TYPE, "random, grid, bayesian"),
    ("type: random", "type: bayes", 2, _TYPE, "Did you mean bayesian"),
    (SAMPLE[SAMPLE.index("sampling") : SAMPLE.index("policy")], "", 1, None, "sampling is missing"),
    (SAMPLE[SAMPLE.index("    parameter_space") : SAMPLE.index("policy")], "", 2, "sampling", "parameter_space"),
    (SAMPLE[SAMPLE.index("    - name") : SAMPLE.index("policy")], "", 3, _SPACE, "a list of parameters"),
    (SAMPLE[SAMPLE.index("\n    - name") : SAMPLE.index("policy")], " []\n", 3, _SPACE, "a list of parameters"),
    ("- name: --c\n      expression", "  --c: {}\n      expression", 4, _SPACE, "is a mapping"),
    ("name: --c\n      expression", "expression", 4, f"{_SPACE}[0]", "name"),
    ("name: --c", "name: ''", 4, f"{_SPACE}[0].name", "option of the script"),
    ("name: --c", "name: ' '", 4, f"{_SPACE}[0].name", "option of the script"),
    (
        "policy:",
        "    - {name: --c, expression: choice, values: [1]}\npolicy:",
        7,
        f"{_SPACE}[1].name",
        "stands twice",
    ),
    ("expression: choice", "expression: Choice", 5, f"{_SPACE}[0].expression", "Did you mean choice"),
    ("expression: choice", "expression: lognorm", 5, f"{_SPACE}[0].expression", "lognormal"),
    ("      expression: choice\n", "", 4, f"{_SPACE}[0]", "expression"),
    ("      values: [0.5, 1, 1.5]\n", "", 4, f"{_SPACE}[0]", "values"),
    ("[0.5, 1, 1.5]", "0.5", 6, _VALUES, "brackets"),
    ("[0.5, 1, 1.5]", "[]", 6, _VALUES, "nothing to choose"),
    ("choice\n      values: [0.5, 1, 1.5]", "uniform\n      values: [0.5]", 6, _VALUES, "min_value, max_value"),
    ("choice\n      values: [0.5, 1, 1.5]", "quniform\n      values: [0, 1, 0.1]", 6, _VALUES, "whole number as q"),
    ("choice\n      values: [0.5, 1, 1.5]", "uniform\n      values: [a, b]", 6, _VALUES, "number as min_value"),
    ("type: random", "type: grid\n    # no choice", 5, f"{_SPACE}[0]", None),
    ("policy:\n" + _BANDIT, "", 1, None, "NoTerminationPolicy"),
    (_BANDIT, "", 7, "policy", "NoTerminationPolicy"),
    ("type: BanditPolicy", "type:", 8, "policy.type", "BanditPolicy"),
    ("type: BanditPolicy", "type: bandit", 8, "policy.type", "Did you mean BanditPolicy"),
    ("type: BanditPolicy", "type: Default", 8, "policy.type", "NoTerminationPolicy"),
    ("type: BanditPolicy", "type: none", 8, "policy.type", "NoTerminationPolicy"),
    ("evaluation_interval: 1", "evaluation_interval: two", 9, "policy.evaluation_interval", "whole number"),
    ("evaluation_interval: 1", "evaluation_interval: 1.5", 9, "policy.evaluation_interval", "whole number"),
    ("evaluation_interval: 1", "evaluation_interval:", 9, "policy.evaluation_interval", "whole number"),
    ("evaluation_interval: 1", "evaluation_interval: 0", 9, "policy.evaluation_interval", "whole number"),
    ("evaluation_interval: 1", "delay_evaluation: x", 9, "policy.delay_evaluation", "whole number"),
    ("evaluation_interval: 1", "delay_evaluation:", 9, "policy.delay_evaluation", "whole number"),
    ("    slack_factor: 0.2\n", "", 8, "policy", "slack_factor"),
    ("slack_factor: 0.2", "slack_factor: a", 10, "policy.slack_factor", "number"),
    ("slack_factor: 0.2", "slack_factor: -1", 10, "policy.slack_factor", "0 or more"),
    ("slack_factor: 0.2", "slack_factor: 0.2\n    slack_amount: 1", 10, "policy.slack_factor", "one of"),
    (_BANDIT, "    type: TruncationSelectionPolicy\n", 8, "policy", "from 1 to 99"),
    *((_BANDIT, _TRUNCATION.format(value), 9, "policy.truncation_percentage", "99") for value in ("x", 1.5, 0, 100)),
    ("primary_metric_name: Test accuracy\n", "", 1, None, "run.log"),
    ("primary_metric_name: Test accuracy", "primary_metric_name:", 11, "primary_metric_name", "run.log"),
    ("primary_metric_name: Test accuracy", "primary_metric_name: ' '", 11, "primary_metric_name", "run.log"),
    ("primary_metric_goal: Maximize\n", "", 1, None, "maximize or minimize"),
    ("primary_metric_goal: Maximize", "primary_metric_goal:", 12, "primary_metric_goal", "maximize or minimize"),
    ("primary_metric_goal: Maximize", "primary_metric_goal: max", 12, "primary_metric_goal", "maximize or minimize"),
    ("max_total_runs: 8\n", "", 1, None, "max_total_runs: a whole number"),
    *(
        ("max_total_runs: 8", f"max_total_runs: {value}", 13, "max_total_runs", "whole number")
        for value in ("", "0", "-1", "2.5", "'4'", "true")
    ),
    ("max_concurrent_runs: 1", "max_concurrent_runs: -1", 14, "max_concurrent_runs", "whole number"),
    ("max_duration_minutes: 60\n", "", 1, None, "10080"),
    ("max_duration_minutes: 60", "max_duration_minutes:", 15, "max_duration_minutes", "10080"),
    (SAMPLE, "- 1\n", 1, None, "a mapping"),
    (SAMPLE, " \n", None, None, "empty"),
    ("    slack_factor", "\tslack_factor", 10, None, "tabs"),
    ("max_total_runs: 8", "max_total_runs: 8\nmax_total_runs: 9", 14, "max_total_runs", "twice"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "word"), REFUSED)
def test_an_error_says_where_it_is_and_what_to_write(
    refuse: Refuse, old: str, new: str, line: int | None, key: str | None, word: str | None
) -> None:
    assert old in SAMPLE
    text = SAMPLE.replace(old, new, 1)
    if word is None:
        text, word = text.replace("expression: choice", "expression: randint").replace("[0.5, 1, 1.5]", "[3]"), "grid"
    error = refuse(text)
    assert isinstance(error, InvalidFile)
    assert (error.line, error.key_path) == (line, key)
    assert word in error.one_line


def test_bayesian_sampling_in_a_file_draws_from_azures_expressions_alone(refuse: Refuse) -> None:
    text = SAMPLE.replace("type: random", "type: bayesian").replace("expression: choice", "expression: loguniform")
    error = refuse(text.replace("[0.5, 1, 1.5]", "[-5, -1]"))
    assert isinstance(error, InvalidFile)
    assert (error.line, error.key_path) == (4, f"{_SPACE}[0]")
    assert "choice or uniform or quniform" in str(error.hint)


def test_all_errors_of_a_file_are_told_together(refuse: Refuse) -> None:
    text = SAMPLE.replace("random", "rand").replace("choice", "chose").replace("BanditPolicy", "Bandit")
    error = refuse(text.replace("Maximize", "up").replace("max_total_runs: 8", "max_total_runs: many"))
    assert isinstance(error, SeveralProblems)
    assert [one.line for one in error.problems] == [2, 5, 8, 12, 13]


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("method", list(SamplingMethod))
def test_methods_and_goals(read: ReadSweep, method: SamplingMethod, goal: Goal) -> None:
    word = {SamplingMethod.BAYESIAN: "Bayesian"}.get(method, method.value)
    definition = read(SAMPLE.replace("random", word).replace("Maximize", goal.name)).definition
    assert (definition.sampling.method, definition.metric.goal) == (method, goal)
