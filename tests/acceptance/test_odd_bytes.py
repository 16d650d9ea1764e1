"""Arguments and file names are bytes: those that are no UTF-8 reach the script, and records show them escaped."""

from __future__ import annotations

from tests.running import Mlrun


def test_a_script_whose_name_is_no_text_runs_with_arguments_that_are_none(mlrun: Mlrun) -> None:
    mlrun.script("import os, sys; print(*map(os.fsencode, sys.argv))", "a\udcff.py")
    run = mlrun.json("run", "submit-script", "a\udcff.py", "\udcfe", "é")
    assert run["status"] == "Completed"
    assert run["script_name"] == run["run_definition"]["script"] == "a\\udcff.py"
    assert run["run_definition"]["arguments"] == ["\\udcfe", "é"]
    assert mlrun.log(run["run_id"]) == r"b'a\xff.py' b'\xfe' b'\xc3\xa9'" + "\n"


def test_words_that_the_store_cannot_hold_are_refused(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.submit()
    for words in (
        ("update", "-r", run_id, "--add-tag", "k=\udcff"),
        ("update", "-r", run_id, "--display-name", "\udcff"),
        ("list", "--tags", "k\udcff"),
        ("list", "--compute-target-name", "\udcff"),
    ):
        assert mlrun.fails("run", *words).code == "InvalidName"


def test_an_environment_is_made_from_a_folder_whose_name_is_no_text(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun.script("dependencies: [{pip: [--no-index, --find-links .]}]", "b\udcff/conda.yml")
    assert mlrun.json("run", "submit-script", "-d", "b\udcff/conda.yml", "train.py")["status"] == "Completed"
