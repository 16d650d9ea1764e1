"""The folders that a script finds in its working folder when it starts, and what becomes of them."""

from __future__ import annotations

from tests.running import Mlrun

LOGS_OF_A_RUN = {"system_logs/supervisor.log", "user_logs/std_log.txt"}


def test_a_script_writes_into_outputs_and_logs_without_making_them(mlrun: Mlrun) -> None:
    mlrun.script("""
        import os
        for name in ("outputs/model.pkl", "logs/loss.txt", "logs/azureml/driver.txt"):
            with open(name, "w") as file:
                file.write(name)
        with open(os.path.join(os.environ["AZUREML_OUTPUT_DIRECTORY"], "second.pkl"), "w") as file:
            file.write("second")
        assert os.path.samefile(os.environ["AZUREML_OUTPUT_DIRECTORY"], "./outputs")
    """)
    run = mlrun.json("run", "submit-script", "train.py")
    files = set(mlrun.json("run", "files", "-r", run["run_id"])) - LOGS_OF_A_RUN
    assert files == {"outputs/model.pkl", "outputs/second.pkl", "logs/loss.txt", "logs/azureml/driver.txt"}
    mlrun("run", "download", "-r", run["run_id"], "outputs", "-d", "got")
    assert (mlrun.folder / "got" / "outputs" / "model.pkl").read_text(encoding="utf-8") == "outputs/model.pkl"


def test_each_process_of_a_script_finds_them(mlrun: Mlrun) -> None:
    mlrun.script("import os; open('outputs/' + os.environ['RANK'], 'w').close()")
    mlrun.script(
        "{script: train.py, communicator: Gloo, framework: PyTorch, nodeCount: 2, pytorch: {processCount: 4},"
        " environment: {python: {userManagedDependencies: true}}}\n",
        "several.runconfig",
    )
    run = mlrun.json("run", "submit-script", "-c", "several")
    files = mlrun.json("run", "files", "-r", run["run_id"])
    assert {name for name in files if name.startswith("outputs/")} == {f"outputs/{rank}" for rank in range(4)}


def test_a_script_that_writes_nothing_leaves_no_folder(mlrun: Mlrun) -> None:
    mlrun.script("import os; assert os.path.isdir('outputs') and os.path.isdir('logs/azureml')")
    run = mlrun.json("run", "submit-script", "train.py")
    assert set(mlrun.json("run", "files", "-r", run["run_id"])) == LOGS_OF_A_RUN
    assert list((mlrun.run_folder(run["run_id"]) / "work").iterdir()) == []


def test_a_file_of_such_a_name_in_the_source_folder_stays_and_is_named_in_a_warning(mlrun: Mlrun) -> None:
    (mlrun.folder / ".amlignore").write_text("", encoding="utf-8")
    mlrun.script("a text", "outputs")
    mlrun.script("of mine", "logs/azureml")
    mlrun.script("print(open('outputs').read(), open('logs/azureml').read()); open('logs/new', 'w').close()")
    done = mlrun("run", "submit-script", "train.py")
    run = mlrun.show("@latest")
    assert run["status"] == "Completed"
    messages = [warning["message"] for warning in run["warnings"]]
    assert [message.split("'")[1] for message in messages] == ["outputs", "logs/azureml"]
    assert all(".amlignore" in message for message in messages)
    assert all(message in done.stderr for message in messages)
    assert "a text of mine" in mlrun.log(run["run_id"])
    assert "logs/new" in mlrun.json("run", "files", "-r", run["run_id"])
