"""Every command has a help page that fits a terminal of 80 columns, and every example on it works."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest

from mlrun_cli.cli.command import Declaration, Group
from mlrun_cli.cli.command_groups import COMMAND_GROUPS, TOP_LEVEL_GROUPS
from tests.acceptance.installed import bash, installed
from tests.acceptance.terminal import Terminal
from tests.running import Mlrun, good_end, until
from tests.studio.serving import started

GROUPS: list[Group] = [
    importlib.import_module(f"mlrun_cli.cli.{group}").app for group in (*COMMAND_GROUPS, *TOP_LEVEL_GROUPS)
]
COMMANDS = {f"{group.name} {verb}": declared for group in GROUPS for verb, declared in group.commands.items()}
PAGES = [*COMMANDS, "", "ml", *COMMAND_GROUPS, *TOP_LEVEL_GROUPS, *(f"ml {group}" for group in COMMAND_GROUPS)]
EXAMPLES = [line for declared in COMMANDS.values() for _, line in declared.examples]
_OTHERS_NEEDED = re.compile(
    r"run (delete -r|monitor-tensorboard)|computetarget (attach|detach .*--force|show -n (ray|slurm))"
)
"""The examples that need another machine or TensorBoard, or a run of another experiment."""
_OWN_OPTIONS = {"pipeline get": {"--path"}, "pipeline clone": {"--path"}}
"""The options for which Azure has given a command a meaning of its own."""

TRAIN = """
import os
from azureml.core import Run
os.makedirs("outputs", exist_ok=True)
open("outputs/model", "w").close()
Run.get_context().log("loss", 0.5)
print("loss 0.5")
"""
PIPELINE = """
pipeline:
  name: training
  parameters:
    rate: {type: float, default: 0.5}
    epochs: {type: int, default: 1}
  steps:
    Train: {type: PythonScriptStep, script_name: train.py, source_directory: other}
"""
SWEEP = """
sampling: {type: random, parameter_space: [{name: --lr, expression: uniform, values: [0, 1]}]}
policy: {type: NoTerminationPolicy}
primary_metric_name: loss
primary_metric_goal: minimize
max_total_runs: 2
max_concurrent_runs: 2
max_duration_minutes: 60
"""
SCHEDULE = "Schedule: {recurrence: {frequency: Day, interval: 1}}\n"
FILES = "Schedule: {datastore_name: workspaceblobstore, path_on_datastore: in}\n"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """A workspace in which a newcomer has done something already."""
    with installed(tmp_path_factory.mktemp("prepared"), attach=False) as mlrun:
        mlrun.environment["COLUMNS"] = "80"
        mlrun.script(TRAIN)
        mlrun.script(TRAIN, "other/train.py")
        mlrun("folder", "attach", "-w", "myworkspace", "-g", "mygroup", "--path", "other")
        mlrun("folder", "attach", "-e", "testexperiment")
        mlrun("computetarget", "create", "amlcompute", "-n", "cpu-cluster", "--max-nodes", "4")
        mlrun.script("dependencies: []", "conda.yml")
        mlrun("run", "submit-script", "-d", "conda.yml", "train.py")
        mlrun("run", "submit-script", "train.py")
        mlrun("model", "register", "-n", "mymodel", "-p", "train.py")
        mlrun("dataset", "register", "-n", "mydataset", "-p", "train.py")
        described = {"datasetType": "File", "parameters": {"path": "train.py"}, "registration": {"name": "described"}}
        mlrun.script(json.dumps(described), "dataset.json")
        mlrun.script(PIPELINE, "pipeline.yml")
        mlrun.script(SWEEP, ".azureml/hd.yml")
        mlrun.script("script: train.py", ".azureml/cpu.runconfig")
        mlrun.script(SCHEDULE, "schedule.yml")
        mlrun.script(FILES, "files.yml")
        mlrun("environment", "scaffold", "-n", "training", "-d", "myenvironment")
        mlrun("environment", "register", "-d", "myenvironment")
        yield mlrun


@pytest.fixture
def ready(prepared: Mlrun, tmp_path: Path) -> Iterator[Mlrun]:
    """The same, whatever another example has done to it."""
    with installed(tmp_path, attach=False) as mlrun:
        mlrun.begin_as(prepared)
        yield mlrun


@pytest.fixture(scope="module")
def meanings(prepared: Mlrun) -> dict[str, str]:
    """What stands in the workspace for what examples leave open; `ID1` comes before `ID`."""
    run_id, earlier_run_id = (run["run_id"] for run in prepared.json("run", "list", "--last", "2"))
    return {
        "ID1": run_id,
        "ID2": earlier_run_id,
        "ID": run_id,
        "KEY": prepared.json("environment", "list", "--built")[0]["key"],
    }


def published(mlrun: Mlrun, line: str) -> dict[str, str]:
    """What `ID` stands for in a line about a pipeline's run, a published pipeline, or a schedule with a run."""
    if not line.startswith("mlrun pipeline") or " ID" not in line:
        return {}
    if "-r ID" in line or " clone " in line:
        return {"ID": mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml", "--stream")["run_id"]}
    pipeline_id: str = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", "training")["id"]
    if "-s ID" not in line:
        return {"ID": pipeline_id}
    words = ("-n", "daily", "-i", pipeline_id, "-e", "forecast", "-y", "schedule.yml")
    schedule_id: str = mlrun.json("pipeline", "create-schedule", *words)["id"]
    until(lambda: mlrun.json("pipeline", "pipeline-runs-list", "-s", schedule_id))
    return {"ID": schedule_id}


class Page(NamedTuple):
    """The help of a command or group."""

    name: str
    text: str


@pytest.fixture(scope="module")
def texts(prepared: Mlrun) -> dict[str, str]:
    """The help pages, keyed by name."""
    return {name: good_end(prepared(*name.split(), "-h")) for name in PAGES}


@pytest.fixture
def page(texts: dict[str, str], request: pytest.FixtureRequest) -> Page:
    return Page(request.param, texts[request.param])


@pytest.mark.parametrize("page", PAGES, indirect=True)
def test_help_fits_80_columns(page: Page) -> None:
    assert max(map(len, page.text.splitlines())) <= 80
    assert "may be repeated. May be repeated" not in page.text


@pytest.mark.parametrize("page", ["", "ml", "run", "ml run", "run submit-script", "model register"], indirect=True)
def test_help_is_the_same_by_its_long_option(prepared: Mlrun, page: Page) -> None:
    assert good_end(prepared(*page.name.split(), "--help")) == page.text


@pytest.mark.parametrize("page", COMMANDS, indirect=True)
def test_help_has_own_options_first_then_global_ones_then_two_examples(page: Page) -> None:
    lines = page.text.splitlines()
    places = [lines.index(heading) for heading in ("Options", "Global options", "Examples") if heading in lines]
    assert places == sorted(places)
    assert "Examples" in lines
    own, _, shared = page.text.partition("\nGlobal options\n")
    shared_options = {"--path", "--query", "--output", "--debug", "--help"}
    for option in shared_options - _OWN_OPTIONS.get(page.name, set()):
        is_listed = re.compile(rf"^  (-\w, )?{option}\b(?!-)", re.MULTILINE)
        assert not is_listed.search(own)
        assert is_listed.search(shared)
    declared: Declaration = COMMANDS[page.name]
    assert len(declared.examples) == 2
    for _, line in declared.examples:
        assert f"    {line}" in lines


@pytest.mark.parametrize("page", COMMANDS, indirect=True)
def test_help_doubles_neither_brackets_nor_defaults(page: Page) -> None:
    assert "[[" not in page.text
    assert not re.search(r"(Default: \S+)\s+Default: ", page.text)


@pytest.mark.parametrize(
    ("words", "default"),
    [
        ("run show", "json"),
        ("run view", "table"),
        ("run diff", "table"),
        ("run monitor-logs", "table"),
        ("run sweep", "table on a terminal"),
        ("top", "table on a terminal"),
    ],
)
def test_help_says_what_is_printed_without_an_output_format(prepared: Mlrun, words: str, default: str) -> None:
    text = " ".join(prepared(*words.split(), "-h").stdout.split())
    (told,) = re.findall(r"md\|none\. Default: (.*?)\.", text)
    assert re.match(rf"{default}\b", told)


@pytest.mark.parametrize("page", ["", "ml", *COMMAND_GROUPS, *TOP_LEVEL_GROUPS], indirect=True)
def test_help_of_a_group_has_two_examples(page: Page) -> None:
    _, _, examples = page.text.partition("\nExamples\n")
    assert examples.count("\n    mlrun ") == 2


@pytest.mark.parametrize("line", [line for line in EXAMPLES if not _OTHERS_NEEDED.search(line)])
def test_example_works(ready: Mlrun, meanings: dict[str, str], line: str) -> None:
    if "datastore" in line:  # whose folder is that of the test
        ready("datastore", "attach-local", "images", ".")
    if "workspace restore" in line:
        ready("workspace", "backup", "backup.db")
    if "run restore" in line:
        ready("run", "delete", "--all", "--yes")
    if "experiment restore" in line:
        ready("experiment", "delete", "-e", "testexperiment", "--yes")
    if "notify remove" in line:
        ready("notify", "add", "cmd:true")
    if "notify-send" in line:
        program = ready.home.parent / "programs" / "notify-send"
        program.parent.mkdir()
        program.symlink_to("/bin/true")
        ready.environment["PATH"] = f"{program.parent}:{ready.environment['PATH']}"
    for placeholder, meaning in {**meanings, **published(ready, line)}.items():
        line = line.replace(placeholder, meaning)
    ready.environment["BROWSER"] = "true"
    with started(ready, "--port", "0") if " open" in line else nullcontext():
        words = shlex.split(line)
        done = bash(ready, line) if {"|", ">"} & set(words) else ready(*words[1:], check=False)
    assert done.returncode == 0, done.stderr


def test_example_of_delete_works_for_a_person(ready: Mlrun) -> None:
    (line,) = [line for line in EXAMPLES if "run delete -r" in line]
    run_id = ready.json("run", "submit-script", "train.py")["run_id"]
    with Terminal(ready, ["bash", "-c", line.replace("ID", run_id)]) as terminal:
        terminal.wait_for("restorable for 30 days?")
        terminal.type("y\r")
        assert terminal.wait() == 0


@pytest.mark.parametrize(
    ("words", "code", "nearest"),
    [
        ("run submit-scrpt", "CommandNotFound", "submit-script"),
        ("rum list", "CommandNotFound", "run"),
        ("ml run lst", "CommandNotFound", "list"),
        ("run list --experimentname x", "OptionNotFound", "--experiment-name"),
        ("schedules", "CommandNotFound", "pipeline list-schedules"),
        ("pipeline schedules", "CommandNotFound", "list-schedules"),
        ("pipeline delete-schedule", "CommandNotFound", "disable-schedule"),
    ],
)
def test_a_misspelled_word_is_answered_with_the_nearest(prepared: Mlrun, words: str, code: str, nearest: str) -> None:
    failure = prepared.fails(*words.split())
    assert failure.code == code
    assert f"'{nearest}'?" in failure.text


def test_the_version_is_told(prepared: Mlrun) -> None:
    assert prepared("--version").stdout.startswith("mlrun-cli 0.")


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("sweep", "run sweep"),
        ("view", "run view"),
        ("list", "run list"),
        ("ray", "computetarget attach ray"),
        ("attach", "folder attach"),
        ("create-schedule", "pipeline create-schedule"),
    ],
)
def test_help_of_the_last_word_of_a_command_is_that_of_the_command(prepared: Mlrun, words: str, path: str) -> None:
    assert prepared("help", words).stdout == prepared(*path.split(), "-h").stdout


def test_help_of_an_unknown_word_lists_the_topics_in_short_lines(prepared: Mlrun) -> None:
    failure = prepared.fails("help", "nosuch")
    assert failure.code == "UnknownTopic"
    assert "sweeps" in failure.hint
    assert max(map(len, failure.hint.splitlines())) <= 80
