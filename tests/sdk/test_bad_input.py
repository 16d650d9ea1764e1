"""What cannot be done raises an error of Azure's classes, which says what to do; and the run goes on."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun, kill, until
from tests.sdk.driving import drive, run_inside

BAD_CALLS = """
import os
from azureml.core import ScriptRunConfig

for value in ([1, 2], range(2)):
    refused(UserErrorException, "'x'; log_list", run.log, "x", value)
run.log("n" * 255, 1)
refused(TypeError, "log_list", run.log_list, "l", 5)
refused(AzureMLException, "'l'", run.log_list, "l", [1, object()])
refused(AzureMLException, "'r'", run.log_row, "r", x=object())
refused(AzureMLException, "log_table; 'x'; bytes", run.log_table, "t", {"x": b"1"})
refused(AzureMLException, "one length; 'x' has 1; 'y' has 2", run.log_table, "t", {"x": [1], "y": [1, 2]})
refused(AttributeError, "log_table", run.log_table, "t", [1, 2])
refused(UserErrorException, "path=; plot=", run.log_image, "i")
refused(UserErrorException, "path=; plot=", run.log_image, "i", "a.png", Plot())
refused(UserErrorException, "figure of matplotlib; int", run.log_image, "i", plot=3)
refused(UserErrorException, "no.png", run.log_image, "i", "no.png")
refused(UserErrorException, "'c'; path of a file", run.log_confusion_matrix, "c", "no.json")
refused(TypeError, "JSON; object", run.log_confusion_matrix, "c", {"data": object()})
refused(UserErrorException, "text; int", run.get_metrics, 3)

with open("file.txt", "w") as file:
    file.write("content")
for name in ("../x", "/etc/x", "a/../../x", "..", "outputs/../../x"):
    refused(UserErrorException, repr(name) + "; outputs/model.pkl", run.upload_file, name, "file.txt")
for name in ("", "/", None, 3, "nul\\0"):
    refused(UserErrorException, "text; outputs/model.pkl", run.upload_file, name, "file.txt")
for name in ("user_logs/x", "system_logs/x", "./user_logs/x", "user_logs\\\\x"):
    refused(UserErrorException, "logs; Choose another", run.upload_file, name, "file.txt")
run.upload_file("there/file.txt", "file.txt")
for again in ("there/file.txt", "./there//file.txt", "there/file.txt/below", "there"):
    refused(UserErrorException, "Choose another name", run.upload_file, again, "file.txt")
refused(UserErrorException, "Choose another name", run.upload_files, ["there/file.txt"], ["file.txt"])
refused(UserErrorException, "name for each path; 2; 1", run.upload_files, ["a", "b"], ["file.txt"])
refused(UserErrorException, "no such.txt; No such file", run.upload_file, "new.txt", "no such.txt")
refused(UserErrorException, "path or a stream; int", run.upload_file, "new.txt", 3)
refused(UserErrorException, "upload_folder", run.upload_file, "new.txt", ".")
refused(UserErrorException, "no folder; nowhere", run.upload_folder, "new", "nowhere")
refused(UserErrorException, "Datastore.upload_files", run.upload_file, "new.txt", "file.txt", datastore_name="d")
refused(UserErrorException, "there/flie.txt; there/file.txt; Did you mean", run.download_file, "there/flie.txt")
assert not [name for name in run.get_file_names() if "new" in name], run.get_file_names()

refused(UserErrorException, "display name", setattr, run, "display_name", "  ")
refused(UserErrorException, "display name", run.child_run, "  ")
refused(UserErrorException, "display name", run.submit_child, ScriptRunConfig(".", "x.py"), display_name="  ")

run.add_properties({"owner": "me", "count": 3})
refused(UserErrorException, "'owner'; 'me'; 'you'; tag", run.add_properties, {"owner": "you", "new": "1"})
run.add_properties({"new": None})  # azureml-core refuses no None
properties = run.get_properties()
same((properties["owner"], properties["count"], "new" in properties), ("me", "3", False))
run.tag("number", 3)
run.set_tags({"list": [1, 2], "truth": True, "none": None})
same(run.get_tags(), {"number": "3", "list": "[1, 2]", "truth": "True", "none": None})
refused(UserErrorException, "dict; list", run.set_tags, ["a"])
refused(UserErrorException, "keys of tags; 3", run.set_tags, {3: "a"})
refused(UserErrorException, "keys of tags", run.tag, "")
run.remove_tags("never there")

refused(UserErrorException, "count; tag_key", run.create_children)
refused(UserErrorException, "tag_key; tag_values", run.create_children, tag_key="a")
refused(UserErrorException, "count; tag_values", run.create_children, count=-1)
refused(UserErrorException, "count; tag_values", run.create_children, 3, "a", [1, 2])
refused(UserErrorException, "1000000", run.create_children, 1000001)
refused(UserErrorException, "status; Completed", next, run.get_children(status="Finished"))
refused(UserErrorException, "name; text", run.child_run, 3)
refused(UserErrorException, "run 'taken' already", [run.child_run(run_id="taken")][0].child_run, run_id="taken")
refused(UserErrorException, "no/id", run.child_run, run_id="no/id")
same([child.id for child in run.get_children()], ["taken"])
refused(UserErrorException, "ScriptRunConfig; dict", run.submit_child, {"script": "train.py"})
refused(UserErrorException, "does not know colour; tags=", run.submit_child, ScriptRunConfig(".", "x.py"), colour="red")

ws = run.experiment.workspace
for look in (Run.get, type(ws).get_run):
    refused(UserErrorException, "no-such-run; " + ws.name, look, ws, "no-such-run")
refused(UserErrorException, "no-such-run", Run, run.experiment, "no-such-run")
same(run.get_status(), "Running")
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


def test_a_script_that_waits_for_itself_or_for_what_is_above_it_is_told_so(mlrun: Mlrun) -> None:
    mlrun.script("""
        from azureml.core import Run, ScriptRunConfig
        from azureml.exceptions import UserErrorException
        run = Run.get_context()
        for above in (run, run.parent):
            try:
                if above is not None:
                    above.wait_for_completion(show_output=True)
            except UserErrorException as error:
                print(error)
        if run.parent is None:
            run.submit_child(ScriptRunConfig(".", script="train.py")).wait_for_completion()
    """)
    run_id = mlrun.submit()
    assert mlrun.wait(run_id)["status"] == "Completed"
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    logs = [mlrun.log(each).splitlines() for each in (run_id, child["run_id"])]
    said = [line.partition(" ends when")[0] for line in (*logs[0], *logs[1])]
    assert said == [f"Run {run_id}", f"Run {child['run_id']}", f"Run {run_id}"]


def test_bad_calls_are_refused_inside_a_run_which_goes_on(mlrun: Mlrun) -> None:
    record = run_inside(mlrun, BAD_CALLS)
    assert mlrun.metrics(record["run_id"]) == {"n" * 255: 1}


def test_bad_calls_are_refused_outside_of_a_run_which_goes_on(mlrun: Mlrun) -> None:
    code = (
        "from azureml.core import Experiment, Run\nrun = Experiment(Workspace.from_config(), 'exp').start_logging()\n"
    )
    drive(mlrun, f"{code}{BAD_CALLS}\nrun.complete()\nsame(run.get_metrics(), {{'n' * 255: 1}})")


def test_a_run_ends_once_whoever_ends_it_again(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import os, subprocess, sys
        from azureml.core import Experiment, Run

        ws = Workspace.from_config()
        run = Experiment(ws, "exp").start_logging(run_id="shared")
        code = (
            "import sys; from azureml.core import Run, Workspace\\n"
            "run = Run.get(Workspace.from_config(), 'shared'); run.log('x', 1); print('ready', flush=True)\\n"
            "sys.stdin.readline(); run.complete(); print(run.status)"
        )
        both = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                for _ in range(2)]
        same([process.stdout.readline() for process in both], ["ready\\n"] * 2)
        for process in both:
            process.stdin.write("\\n")
            process.stdin.flush()
        same([process.communicate()[0] for process in both], ["Completed\\n"] * 2)
        same((run.status, run.get_metrics()), ("Completed", {"x": [1, 1]}))
        run.complete()
        run.cancel()
        refused(UserErrorException, "shared; has ended as Completed; tag", run.fail, "late")
        same(run.status, "Completed")
        run.log("after its end", 1)
        run.tag("use", "no")
        run.upload_file("after.txt", sys.executable)
        child = run.child_run()
        child.complete()
        same((run.get_metrics("after its end"), run.tags, run.get_file_names(), child.parent.status),
             ({"after its end": 1}, {"use": "no"}, ["after.txt"], "Completed"))

        failed = Experiment(ws, "exp").start_logging()
        failed.fail("no data")
        failed.complete()
        failed.fail("again")
        same((failed.status, failed.get_details()["error"]["error"]["message"]), ("Failed", "no data"))
        open_one = Experiment(ws, "exp").start_logging
        refused(UserErrorException, "run 'shared' already", open_one, run_id="shared")
        refused(UserErrorException, "does not know colour. It takes name=", open_one, colour=1)
        refused(UserErrorException, "a 5th argument without a name", open_one, "n", "id", None, None, 5)
        refused(TypeError, "several values for name", open_one, "n", name="m")
        """,
    )
    assert mlrun.history("shared") == ["Running", "Completed"]


def test_what_is_not_there_is_said_with_what_there_is(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    drive(
        mlrun,
        """
        import os
        from azureml.core import Environment, Experiment, RunConfiguration, ScriptRunConfig
        from azureml.core.compute import AmlCompute, ComputeTarget

        refused(WorkspaceException, "'ws'; Workspace.create; mlrun folder attach", Workspace, "sub", "group", "ws")
        refused(WorkspaceException, "no-such; Workspace.create; default", Workspace.get, "no-such")
        refused(UserErrorException, "config.json; write_config; Workspace.create", Workspace.from_config, "/")
        os.makedirs("broken/.azureml")
        with open("broken/.azureml/config.json", "w") as file:
            file.write("{")
        refused(UserErrorException, "broken/.azureml/config.json", Workspace.from_config, "broken")

        ws = Workspace.from_config()
        for wrong in ("", "a/b", "x" * 300):
            refused(UserErrorException, "experiment", Experiment, ws, wrong)
        refused(UserErrorException, "text; int", Experiment, ws, 3)
        refused(UserErrorException, "Workspace.from_config; str", Experiment, "ws", "exp")

        refused(ComputeTargetException, "gpu", ComputeTarget, ws, "gpu")
        ComputeTarget.create(ws, "cpu-cluster", AmlCompute.provisioning_configuration(max_nodes=1))
        refused(ComputeTargetException, "gpu; cpu-cluster", ComputeTarget, ws, "gpu")
        experiment = Experiment(ws, "exp")
        refused(ComputeTargetException, "gpu; cpu-cluster; local", experiment.submit,
                ScriptRunConfig(".", "train.py", compute_target="gpu"))
        same(experiment.submit(ScriptRunConfig(".", "train.py", compute_target="cpu-cluster"))
             .wait_for_completion()["target"], "cpu-cluster")

        refused(UserErrorException, "no-such.py", experiment.submit, ScriptRunConfig(".", "no-such.py"))
        refused(UserErrorException, "no-folder", experiment.submit, ScriptRunConfig("no-folder", "train.py"))
        refused(UserErrorException, "ScriptRunConfig; str", experiment.submit, "train.py")
        refused(UserErrorException, "does not know colour; tags=", experiment.submit,
                ScriptRunConfig(".", "train.py"), colour="red")
        same(len([*experiment.get_runs()]), 1)
        """,
    )


def test_a_process_whose_supervisor_is_gone_is_told_so_and_loses_nothing(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(
        """
        import os, sys, time
        from azureml.core import Run
        from azureml.exceptions import AzureMLException, ServiceException

        run = Run.get_context()
        child = run.child_run()
        run.log("x", 1)
        print(run.get_metrics(), flush=True)
        if os.fork():  # the script itself dies with its supervisor, what it has started does not
            os.wait()
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)
        said = []
        for call in (run.get_metrics, run.get_details, run.child_run, child.get_status, run.flush):
            try:
                said.append(repr(call()))
            except AzureMLException as error:
                said.append("{}: {}".format(type(error).__name__, error))
        run.log("x", 2)
        run.tag("told", len(said))
        run.upload_file("late.txt", __file__)
        child.log("y", 3)
        run.complete()
        with open(sys.argv[2] + ".new", "w") as file:
            file.write("\\n".join(said))
        os.rename(sys.argv[2] + ".new", sys.argv[2])
        os._exit(0)
        """
    )
    gone, found = tmp_path / "gone", tmp_path / "found"
    run_id = mlrun.submit("train.py", str(gone), str(found))
    until(lambda: "{'x': 1}" in mlrun.log(run_id))
    kill(mlrun.supervisor(run_id))
    until(lambda: not mlrun.supervisors(run_id))
    gone.touch()
    until(found.exists)
    said = found.read_text(encoding="utf-8").splitlines()
    assert len(said) == 5
    assert all(re.match(r"ServiceException: .*\bsupervisor\b.*\blogs\b", line) for line in said), said
    assert len(set(said)) == 1
    record = mlrun.wait(run_id)
    assert (mlrun.metrics(run_id), record["tags"]) == ({"x": [1, 2]}, {"told": "5"})
    assert "late.txt" in mlrun.json("run", "files", "-r", run_id)
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert (mlrun.metrics(child["run_id"]), child["status"]) == ({"y": 3}, record["status"])


def test_a_run_folder_that_cannot_be_written_is_said_by_every_call_that_writes(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Run
        from azureml.exceptions import AzureMLException

        run = Run.get_context()
        for call in (lambda: run.log("x", 1), lambda: run.tag("a"), lambda: run.upload_file("a.txt", sys.argv[0]),
                     lambda: run.log_list("l", [1])):
            try:
                print(call())
            except AzureMLException as error:
                print("{}: {}".format(type(error).__name__, error))
        print(run.get_metrics(), "a.txt" in run.get_file_names())
        """
    )
    folder = "$MLRUN_RUN_FOLDER"
    read_only = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && exec python3 train.py"
    mlrun.script(f"command: unshare --mount sh -c '{read_only}'\n", "read-only.runconfig")
    run_id = mlrun.submit("-c", "read-only")
    assert mlrun.wait(run_id)["status"] == "Completed"
    *refusals, last = mlrun.log(run_id).splitlines()
    assert len(refusals) == 4
    for line in refusals:
        assert line.startswith(("ServiceException: ", "UserErrorException: ")), line
        assert "Read-only file system" in line, line
        assert str(mlrun.run_folder(run_id)) in line, line
    assert last == "{} False"


def test_a_disk_that_is_full_refuses_a_file_and_takes_what_has_room(mlrun: Mlrun, tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"'
    drive(
        mlrun,
        """
        import os, sys
        from azureml.core import Experiment

        run = Experiment(Workspace.create("ws"), "exp").start_logging()
        with open("big.bin", "wb") as file:
            file.truncate(1 << 25)
        refused(UserErrorException, "'big.bin' is not uploaded; full", run.upload_file, "big.bin", "big.bin")
        with open("big.bin", "rb") as stream:
            refused(UserErrorException, "'big.bin' is not uploaded; full", run.upload_file, "big.bin", stream)
        run.upload_file("small.txt", __import__("io").BytesIO(b"small"))
        run.log("x", 1)
        run.complete()
        same((run.status, run.get_file_names(), run.get_metrics()), ("Completed", ["small.txt"], {"x": 1}))
        """,
        command=["unshare", "--mount", "sh", "-c", mount, str(mlrun.home), sys.executable],
        folder=tmp_path,
    )
