"""`folder attach` of a folder that is attached already, or is below one."""

from __future__ import annotations

import json

from tests.acceptance.installed import said
from tests.running import Mlrun


def test_a_second_attach_keeps_what_it_is_not_told(mlrun: Mlrun) -> None:
    def attach(*words: str) -> tuple[str, str, str, str]:
        told = mlrun.json("folder", "attach", *words)
        assert told["Workspace name"] == mlrun.json("workspace", "show", *words[:2])["name"]
        return (told["Workspace name"], told["Resource group"], told["Subscription id"], told["Experiment name"])

    def attach_inside(*words: str) -> tuple[str, str, str, str]:
        return attach("--path", "inside", *words)

    assert attach_inside("-w", "ws", "-g", "group", "--subscription-id", "sub", "-e", "mine")[0] == "ws"
    assert attach_inside() == ("ws", "group", "sub", "mine")
    assert attach_inside("-w", "other") == ("other", "group", "sub", "mine")
    assert attach_inside("-g", "g2", "-e", "yours") == ("other", "g2", "sub", "yours")


def test_attach_keeps_nothing_of_a_folder_above(mlrun: Mlrun) -> None:
    mlrun("folder", "attach", "-w", "ws", "-g", "group", "-e", "mine")
    told = mlrun.json("folder", "attach", "--path", "inside")
    assert (told["Workspace name"], told["Resource group"], told["Experiment name"]) == ("default", "default", "inside")


def test_attach_leaves_a_config_alone_that_cannot_be_read_and_keeps_what_it_does_not_know(mlrun: Mlrun) -> None:
    config = mlrun.folder / ".azureml" / "config.json"
    config.write_text('{"Id": "old", ', encoding="utf-8")
    told = mlrun.fails("folder", "attach", "-w", "another")
    assert (told.code, told.file, told.line) == ("InvalidFile", str(config), 1)
    assert config.read_text(encoding="utf-8") == '{"Id": "old", '
    assert "another" not in {each["name"] for each in mlrun.json("workspace", "list")}
    config.write_text('{"Name": "mine", "scope": 1, "workspace_name": "w", "Id": null}', encoding="utf-8")
    done = mlrun("folder", "attach")
    assert json.loads(done.stdout)["Experiment name"] == "my-folder"
    (line,) = said(done)
    assert str(config) in line
    written = json.loads(config.read_text(encoding="utf-8"))
    assert (written.pop("Name"), written.keys()) == ("mine", {"Id", "Scope"})
