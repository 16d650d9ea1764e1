"""The program of ParallelRunStep: batches, workers, retries, limits, and what it writes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.batch_step import NAMES, Step
from tests.sdk.driving import drive
from tests.sdk.test_pipelines import BEGINNING


@pytest.fixture
def step(tmp_path: Path) -> Step:
    return Step(tmp_path)


def test_each_item_is_run_once_and_the_rows_are_in_order(step: Step) -> None:
    step.write_inputs(23)
    script = NAMES + "def init():\n    open('started.%s' % os.getpid(), 'w').close()\n"
    assert step.run(script, mini_batch_size=4) == (0, "")
    assert step.read_rows() == [f"{number:03d}.txt" for number in range(23)]
    assert len(list(step.folder.glob("started.*"))) in {1, 2}  # one may have done all
    assert step.read_result()["items"] == {"done": 23, "failed": 0}
    assert step.read_result()["mini_batches"] == {"total": 6, "done": 6, "failed": 0}


def test_the_script_sees_the_options_and_its_own_arguments(step: Step) -> None:
    step.write_inputs(1)
    script = (
        "import argparse\n"
        "def init():\n"
        "    global model\n"
        "    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('--model')\n"
        "    parser.add_argument('--process_count_per_node', type=int)\n"
        "    found, _ = parser.parse_known_args()\n"
        "    model = [found.model, found.process_count_per_node]\n"
        "def run(mini_batch, mini_batch_context):\n"
        "    return [model + [mini_batch_context.minibatch_index]]\n"
    )
    assert step.run(script, "--model", "a b", "--mini_batch_size", "7") == (0, "")
    assert step.read_rows() == ["['a b', 2, 0]"]


def test_a_batch_that_fails_is_tried_again_and_gives_its_rows_once(step: Step) -> None:
    step.write_inputs(12)
    script = NAMES + (
        "first = run\n"
        "def run(batch):\n"
        "    mark = 'tried.' + os.path.basename(batch[0])\n"
        "    if not os.path.exists(mark):\n"
        "        open(mark, 'w').close()\n"
        "        if batch[0].endswith('0.txt'):\n"
        "            raise ValueError('not yet')\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return first(batch)\n"
    )
    assert step.run(script, mini_batch_size=2, run_max_try=2, process_count_per_node=3) == (0, "")
    assert step.read_rows() == [f"{number:03d}.txt" for number in range(12)]
    errors = (step.folder / "logs/user/error.txt").read_text(encoding="utf-8")
    assert errors.count("ValueError: not yet") == 2
    assert errors.count("signal SIGKILL") == 4


def test_a_call_that_takes_too_long_is_ended_and_counts_as_a_failure(step: Step) -> None:
    step.write_inputs(3)
    script = NAMES + (
        "import time\n"
        "first = run\n"
        "def run(batch):\n"
        "    if batch[0].endswith('001.txt'):\n"
        "        time.sleep(600)\n"
        "    return first(batch)\n"
    )
    code, said = step.run(script, mini_batch_size=1, run_invocation_timeout=2, run_max_try=2)
    assert code == 1
    assert "1 items have failed, more than error_threshold (0)" in said
    assert "run_invocation_timeout (2 s)" in said
    assert not step.output.exists()
    assert step.read_result()["status"] == "Failed"


@pytest.mark.parametrize(
    ("result", "options", "code"),
    [
        ("batch[1:]", {}, 1),
        ("batch[1:]", {"error_threshold": 2}, 0),
        ("batch[1:]", {"error_threshold": 1}, 1),
        ("batch[1:]", {"error_threshold": -1}, 0),
        ("None", {"error_threshold": -1}, 0),
        ("None", {"error_threshold": -1, "allowed_failed_count": 1}, 1),
        ("None", {"error_threshold": -1, "allowed_failed_count": 2}, 0),
        ("None", {"error_threshold": -1, "allowed_failed_percent": 99}, 1),
        ("None", {"error_threshold": -1, "allowed_failed_percent": 100}, 0),
        ("None", {"error_threshold": 9}, 1),
        ("None", {"error_threshold": 10}, 0),
        ("'text'", {"error_threshold": 9}, 1),
        ("batch + batch", {}, 0),
    ],
)
def test_limits_count_items_of_the_whole_input_and_batches(
    step: Step, result: str, options: dict[str, object], code: int
) -> None:
    step.write_inputs(10)
    found, said = step.run(f"def run(batch):\n    return {result}\n", mini_batch_size=5, run_max_try=1, **options)
    assert found == code, said


def test_a_script_that_cannot_be_started_is_given_up(step: Step) -> None:
    step.write_inputs(10)
    code, said = step.run(
        "import os\ndef init():\n    open('try.%s' % os.getpid(), 'w').close()\n    raise OSError('no model')\n"
        "def run(batch):\n    return batch\n",
        mini_batch_size=1,
    )
    assert code == 1
    assert "OSError: no model" in said
    assert len(list(step.folder.glob("try.*"))) in {6, 7}  # the last may have been started with the sixth


def test_a_script_without_run_and_an_empty_input_are_told(step: Step) -> None:
    code, said = step.run(NAMES)
    assert (code, "no files" in said) == (1, True)
    step.write_inputs(1)
    code, said = step.run("def score(batch):\n    return batch\n")
    assert (code, "has no function run(mini_batch)" in said) == (1, True)


def test_with_summary_only_nothing_is_written(step: Step) -> None:
    step.write_inputs(4)
    assert step.run(NAMES, output_action="summary_only") == (0, "")
    assert not step.output.exists()
    assert step.read_result()["items"] == {"done": 4, "failed": 0}


def test_what_workers_print_and_log_is_in_their_own_files(step: Step) -> None:
    step.write_inputs(4)
    script = NAMES + (
        "import sys\nfrom azureml_user.parallel_run import EntryScript\n"
        "def init():\n    print('hello')\n    print('oops', file=sys.stderr)\n    EntryScript().logger.info('ready')\n"
    )
    assert step.run(script) == (0, "")
    logs = step.folder / "logs/user"
    assert (logs / "stdout/0/process000.stdout.txt").read_text(encoding="utf-8") == "hello\n"
    assert (logs / "stderr/0/process000.stderr.txt").read_text(encoding="utf-8") == "oops\n"
    (logged,) = (logs / "entry_script_log/0").iterdir()
    assert logged.read_text(encoding="utf-8").endswith("|ready\n")


def test_the_script_writes_files_to_the_folder_of_the_output(step: Step) -> None:
    step.write_inputs(3)
    script = (
        "import os\nfrom azureml_user.parallel_run import EntryScript\n"
        "def run(batch):\n"
        "    for path in batch:\n"
        "        open(os.path.join(EntryScript().output_dir, os.path.basename(path)), 'w').close()\n"
        "    return batch\n"
    )
    assert step.run(script, "--output", "of the script", output_action="summary_only") == (0, "")
    assert sorted(os.listdir(step.output)) == ["000.txt", "001.txt", "002.txt"]


def test_workers_end_with_their_driver(step: Step) -> None:
    step.write_inputs(40)
    script = (
        "import os, time\n"
        "def run(batch):\n"
        "    with open('pid', 'w') as file:\n        file.write(str(os.getpid()))\n"
        "    time.sleep(1)\n"
        "    return batch\n"
    )
    driver = step.start(script, mini_batch_size=1, process_count_per_node=1)
    deadline = time.monotonic() + 60
    while not (step.folder / "pid").exists() or not (step.folder / "pid").read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker = int((step.folder / "pid").read_text(encoding="utf-8"))
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


TABLES = """
import pandas
from azureml.core import Environment, Experiment
table = pandas.DataFrame({"kind": ["a", "b", None, "b", "a", "b"], "size": range(6)})
os.makedirs("rows", exist_ok=True)
table.iloc[:4].to_csv("rows/a.csv", index=False)
table.iloc[4:].to_csv("rows/b.csv", index=False)
rows = Dataset.Tabular.from_delimited_files("rows/*.csv").register(workspace, "rows")

def score(name, **more):
    output = PipelineData(name)
    environment = Environment("mine")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = sys.executable
    config = ParallelRunConfig(environment, "entry.py", error_threshold=0, output_action="append_row", node_count=1,
                               compute_target="local", source_directory="src", process_count_per_node=2, **more)
    return output, ParallelRunStep(name, config, inputs=[rows.as_named_input("rows")], output=output,
                                   arguments=["--factor", 2], allow_reuse=False)

first, by_size = score("bysize", mini_batch_size=PipelineParameter("size", "18"))
second, by_key = score("bykey", partition_keys=["kind"])
run = Experiment(workspace, "cars").submit(Pipeline(workspace, steps=[by_size, by_key]), regenerate_outputs=True)
same(run.wait_for_completion(show_output=False), "Finished")
for name in ("bysize", "bykey"):
    found = run.find_step_run(name)[0].get_output_data(name)
    found.download(name)
    print(name, open(os.path.join(name, found.path_on_datastore, "parallel_run_step.txt")).read().split("\\n"))
"""
ENTRY = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--factor", type=int)
factor = parser.parse_known_args()[0].factor

def run(rows):
    return rows.assign(double=rows["size"] * factor, batch=len(rows))
"""


def test_the_rows_of_tables_are_batches_by_size_or_by_key(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    try:
        mlrun.script(ENTRY, "src/entry.py")
        printed = drive(mlrun, BEGINNING.replace("import ", "import sys, os\nimport ", 1) + TABLES)
    finally:
        mlrun.close()
    assert "bysize ['a 0 0 2', 'b 1 2 2', ' 2 4 2', 'b 3 6 2', 'a 4 8 2', 'b 5 10 2', '']" in printed
    assert "bykey ['a 0 0 2', 'a 4 8 2', 'b 1 2 3', 'b 3 6 3', 'b 5 10 3', ' 2 4 1', '']" in printed


DIFFERING_FILES = """
import pandas
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
os.makedirs("rows", exist_ok=True)
head = "day,when,unclear,count,flag,code,late\\n"
open("rows/a.csv", "w").write(head + "2020-01-02,3/4/2020,3/4/2020,1,True,007,\\n")
open("rows/b.csv", "w").write(head + "soon,1/31/2020,5/6/2020,1.5,,x,2021-01-01\\n")
rows = Dataset.Tabular.from_delimited_files("rows/*.csv")
environment = Environment("mine")
environment.python.user_managed_dependencies = True
environment.python.interpreter_path = sys.executable
config = ParallelRunConfig(environment, "entry.py", error_threshold=0, output_action="append_row", node_count=1,
                           compute_target="local", source_directory="src", process_count_per_node=1)

def score(name, data):
    output = PipelineData(name)
    return ParallelRunStep(name, config, inputs=[data.as_named_input("rows")], output=output, allow_reuse=False)

open("rows/c", "w").write("x\\n1\\n2\\n")
open("rows/d", "w").write("3\\n4\\n5\\n")
only_first = PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS
numbers = Dataset.Tabular.from_delimited_files(["rows/c", "rows/d"], header=only_first)
steps = [score("kinds", rows), score("chosen", numbers.skip(1).take(3))]
run = Experiment(workspace, "cars").submit(Pipeline(workspace, steps=steps))
same(run.wait_for_completion(show_output=False), "Finished")
for name in ("chosen", "kinds"):
    found = run.find_step_run(name)[0].get_output_data(name)
    found.download(name)
    print(open(os.path.join(name, found.path_on_datastore, "parallel_run_step.txt")).read())
"""
SHOW_KINDS = """
def run(rows):
    return [
        " ".join(f"{name}:{rows[name].dtype.kind}:{str(rows[name][place]).replace(' ', '_')}" for name in rows)
        for place in range(len(rows))
    ]
"""


def test_batches_have_the_rows_and_the_types_of_the_whole_table(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    try:
        mlrun.script(SHOW_KINDS, "src/entry.py")
        beginning = BEGINNING.replace("import json, os", "import json, os, sys\nfrom azureml.core import Experiment")
        printed = drive(mlrun, beginning + DIFFERING_FILES)
    finally:
        mlrun.close()
    lines = printed.replace("_00:00:00", "").splitlines()
    assert [line for line in lines if line.startswith("x:")] == ["x:i:2", "x:i:3", "x:i:4"]
    first, second = (line for line in lines if line.startswith("day:"))
    assert first.split() == [
        *("day:O:2020-01-02", "when:M:2020-03-04", "unclear:O:3/4/2020", "count:f:1.0"),
        *("flag:O:True", "code:O:007", "late:M:NaT"),
    ]
    assert second.split() == [
        *("day:O:soon", "when:M:2020-01-31", "unclear:O:5/6/2020", "count:f:1.5"),
        *("flag:O:nan", "code:O:x", "late:M:2021-01-01"),
    ]


PARTITIONED_FILES = """
for city, day in (("ulm", 1), ("bonn", 2), ("ulm", 3), ("bonn", 4), ("ulm", 5)):
    os.makedirs(f"cities/{city}/2021/{day:02d}", exist_ok=True)
    open(f"cities/{city}/2021/{day:02d}/part.txt", "w").close()
form = "/{city}/{day:yyyy/dd}/*.txt"
output = PipelineData("scores")
environment = Environment("mine")
environment.python.user_managed_dependencies = True
environment.python.interpreter_path = sys.executable

def score(name, data, keys, output=None):
    config = ParallelRunConfig(environment, "entry.py", error_threshold=0, node_count=1, compute_target="local",
                               output_action="append_row" if output else "summary_only", source_directory="src",
                               process_count_per_node=2, partition_keys=keys)
    return ParallelRunStep(name, config, inputs=[data], output=output, allow_reuse=False)

cities = Dataset.File.from_files("cities/**/*.txt", partition_format=form)
files = cities.as_named_input("files")
step = score("bycity", files, ["city"], output)
run = Experiment(workspace, "cars").submit(Pipeline(workspace, steps=[step]))
same(run.wait_for_completion(show_output=False), "Finished")
found = run.find_step_run("bycity")[0].get_output_data("scores")
found.download("got")
print(open(os.path.join("got", found.path_on_datastore, "parallel_run_step.txt")).read().split("\\n"))

def building(data, *keys, steps=()):
    return lambda: Pipeline(workspace, steps=[*steps, score("scoring", data, list(keys))])

Pipeline(workspace, steps=[score("byboth", files, ["day", "city"])])
refused(UserErrorException, "'scoring'; 'files'; town; partition_format='/{town}/*'", building(files, "city", "town"))
refused(UserErrorException, "'scoring'; as_mount(); as_named_input", building(files.as_mount(), "city"))
refused(UserErrorException, "as_download()", building(files.as_download(), "city"))
plain = Dataset.File.from_files("cities").as_named_input("plain")
refused(UserErrorException, "'plain'; city; as a table; mini_batch_size", building(plain, "city"))
made = PipelineData("made").as_dataset()
maker = script(outputs=[made])
refused(UserErrorException, "'made'; city", building(made.as_named_input("made"), "city", steps=[maker]))
Pipeline(workspace, steps=[maker, score("rows", made.parse_delimited_files().as_named_input("made"), ["city"])])
"""


def test_files_are_batches_by_the_keys_in_their_paths_or_refused_when_the_pipeline_is_built(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    try:
        mlrun.script("", "src/train.py")
        mlrun.script(
            "def run(paths, context):\n"
            "    days = [path.split('/')[-2] for path in paths if open(path).read() == '']\n"
            "    return [[context.partition_key_value, days]] * len(days)\n",
            "src/entry.py",
        )
        beginning = BEGINNING.replace("import json, os", "import json, os, sys\nfrom azureml.core import Experiment")
        printed = drive(mlrun, beginning + PARTITIONED_FILES)
    finally:
        mlrun.close()
    bonn, ulm = "[{'city': 'bonn'}, ['02', '04']]", "[{'city': 'ulm'}, ['01', '03', '05']]"
    assert str([*[bonn] * 2, *[ulm] * 3, ""]) in printed
