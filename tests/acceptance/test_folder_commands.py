"""`folder attach`, as a newcomer calls it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.running import Mlrun


def test_an_attach_names_a_new_folder_and_what_takes_the_place_of_gitignore(mlrun: Mlrun) -> None:
    told = mlrun("folder", "attach", "--path", "misspelled")
    assert f"no folder '{mlrun.folder}/misspelled'" in told.stderr
    mlrun.script("secret.csv\n", "here/.gitignore")
    mlrun.script("", "here/secret.csv")
    mlrun.script("import os; print(sorted(os.listdir('.')))", "here/train.py")
    told = mlrun("folder", "attach", "--path", "here")
    assert ".amlignore has its lines" in told.stderr
    assert mlrun("folder", "attach", "--path", "here").stderr == ""
    run = mlrun.json("run", "submit-script", "--path", "here", "train.py")
    assert "'train.py'" in mlrun.log(run["run_id"])
    assert "secret.csv" not in mlrun.log(run["run_id"])


def test_a_submit_from_a_folder_below_names_the_attached_folder_and_what_the_run_gets(mlrun: Mlrun) -> None:
    mlrun.script("import os; print(sorted(os.listdir('.')))")
    mlrun.script("", "below/train.py")

    def submit(*words: str) -> str:
        return mlrun("run", "submit-script", "--dry-run", "-o", "none", *words, "train.py").stderr

    told = submit("--path", "below")
    assert "'exp' is that of the attached folder" in told
    assert f"'{mlrun.folder}'" in told and f"'{mlrun.folder}/below'" in told
    mlrun.script("script: train.py", ".azureml/here.runconfig")
    assert submit("--path", "below", "-e", "exp") == submit("--source-directory", "below") == ""
    assert submit("--path", ".azureml/here.runconfig") == submit() == ""
    refused = mlrun.fails("run", "submit-script", "--path", "below", "-c", "here", "train.py")
    assert refused.code == "RunconfigNotFound"
    assert f"{mlrun.folder}/.azureml/here.runconfig" in refused.hint
    assert f"--path {mlrun.folder}." in refused.hint


def test_an_attach_takes_the_workspace_of_a_config_that_the_portal_offers(mlrun: Mlrun, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    names = {"subscription_id": "sub", "resource_group": "group", "workspace_name": "portal"}
    (fresh / "config.json").write_text(json.dumps(names), encoding="utf-8")
    assert "'portal'" in mlrun.fails("run", "list", "--path", str(fresh), exit_code=3).text
    attached = mlrun("folder", "attach", "--path", str(fresh))
    assert json.loads(attached.stdout)["Workspace name"] == "portal"
    assert json.loads(attached.stdout)["Subscription id"] == "sub"
    assert "config.json in this folder names workspace 'portal'" in attached.stderr
    assert "config.json" not in mlrun("folder", "attach", "--path", str(fresh)).stderr
    (fresh / ".azureml" / "config.json").unlink()
    (fresh / "config.json").write_text('{"workspace_name": "portal"}', encoding="utf-8")
    failure = mlrun.fails("folder", "attach", "--path", str(fresh))
    assert f"{fresh}/config.json" in failure.text and "subscription id" in failure.text


def test_an_attach_that_may_not_write_names_the_folder_and_changes_nothing(mlrun: Mlrun) -> None:
    # Root without what lets it pass over permissions.
    mlrun.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner", *mlrun.command]
    settings = mlrun.folder / ".azureml"
    before = {path.name: path.read_bytes() for path in settings.iterdir()}
    settings.chmod(0o555)
    failure = mlrun.fails("folder", "attach", "-e", "another", exit_code=1)
    settings.chmod(0o755)
    assert f"'{settings}' cannot be written" in failure.text
    assert {path.name: path.read_bytes() for path in settings.iterdir()} == before
