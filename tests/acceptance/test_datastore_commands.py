"""The subcommands of `datastore`: folders of this machine under names, with az's options where az has them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from tests.acceptance.installed import bash, run_count
from tests.running import Mlrun

REFERENCE = {
    "script": "train.py",
    "arguments": ["--data", "$AZUREML_DATAREFERENCE_images"],
    "environment": {"python": {"userManagedDependencies": True}},
    "dataReferences": {"images": {"dataStoreName": "images", "pathOnDataStore": "train", "mode": "mount"}},
}
TRAIN = """
import os, sys
print("argument", sys.argv[2])
print("files", sorted(os.listdir(sys.argv[2])))
"""


def test_a_run_reads_a_folder_that_was_attached_and_none_starts_without_it(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(TRAIN)
    (mlrun.folder / "read.runconfig").write_text(json.dumps(REFERENCE), encoding="utf-8")
    told = mlrun.fails("run", "submit-script", "-c", "read", exit_code=3)
    assert told.code == "DatastoreNotFound"
    assert told.message.startswith(f"{mlrun.folder / 'read.runconfig'}, line 1: dataReferences.images: ")
    assert "'images'" in told.message
    assert "mlrun datastore attach-local images FOLDER" in told.text
    assert run_count(mlrun) == 0

    images = tmp_path / "many images"
    (images / "train").mkdir(parents=True)
    (images / "train" / "a.png").write_bytes(b"a")
    attached = mlrun.json("datastore", "attach-local", "images", "../many images")
    assert attached["folder"] == str(images)
    mlrun("run", "submit-script", "-c", "read")
    log = mlrun.log(mlrun.json("run", "list", "--query", "[0].run_id"))
    assert f"argument {images / 'train'}\nfiles ['a.png']\n" in log


def test_files_go_to_a_datastore_and_come_back(mlrun: Mlrun) -> None:
    mlrun.script("one", "data/a.txt")
    mlrun.script("two", "data/deep/b.txt")
    line = (
        'store=$(az ml datastore show-default --query name -o tsv) && az ml datastore upload -n "$store" -p data'
        " -u diabetes --hide-progress true --query uploaded"
    )
    assert bash(mlrun, line).stdout == "2\n"

    mlrun.script("three", "data/a.txt")
    again = mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "data", "-u", "diabetes")
    assert json.loads(again.stdout).items() >= {"uploaded": 0, "kept": 2}.items()
    assert "--overwrite true" in again.stderr
    mlrun(
        "datastore", "upload", "-n", "workspaceblobstore", "-p", "data/a.txt", "-u", "diabetes", "--overwrite", "true"
    )

    got = mlrun.json("datastore", "download", "-n", "workspaceblobstore", "-d", "copy", "-p", "diabetes/")
    assert got == {
        "datastore": "workspaceblobstore",
        "downloaded": 2,
        "kept": 0,
        "path": str(mlrun.folder / "copy"),
        "skipped": 0,
    }
    texts = {path.name: path.read_text(encoding="utf-8") for path in (mlrun.folder / "copy").rglob("*.txt")}
    assert texts == {"a.txt": "three", "b.txt": "two"}
    mlrun("datastore", "download", "-n", "workspaceblobstore", "-d", "half", "--prefix", "diabetes/deep")
    assert [path.name for path in (mlrun.folder / "half").rglob("*.txt")] == ["b.txt"]


def test_a_folder_in_the_place_of_a_file_is_not_said_to_be_that_file(mlrun: Mlrun, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("1", encoding="utf-8")
    words = ("datastore", "upload", "-n", "workspacefilestore", "-p", str(tmp_path / "points.csv"), "-u", "taken")
    place = Path(json.loads(mlrun(*words).stdout)["path"]) / "points.csv"
    place.unlink()
    place.mkdir()
    for more in ((), ("--overwrite", "true")):
        refusal = mlrun.fails(*words, *more)
        assert refusal.code == "FileAlreadyExists" and f"'{place}' is a folder" in refusal.text
    place.rmdir()
    assert json.loads(mlrun(*words).stdout)["uploaded"] == 1


def test_links_are_gone_through_or_named(mlrun: Mlrun) -> None:
    mlrun.script("one", "data/a.txt")
    mlrun.script("two", "disk/deep/b.txt")
    for link, target in {"far": "../disk", "near": "deep", "loop": "..", "self": "self", "gone": "nothing"}.items():
        (mlrun.folder / "data" / link).symlink_to(target)
    (mlrun.folder / "data" / "deep").mkdir()
    (mlrun.folder / "data" / "deep" / "linked.txt").symlink_to("../a.txt")
    (mlrun.folder / "disk" / "back").symlink_to("../data")
    (mlrun.folder / "disk" / "twice").symlink_to("../data/deep")
    os.mkfifo(mlrun.folder / "data" / "pipe")
    (mlrun.folder / "store").mkdir()
    mlrun("datastore", "attach-local", "mine", "store")
    sent = mlrun("datastore", "upload", "-n", "mine", "-p", "data")
    store = mlrun.folder / "store"
    names = {path.relative_to(store).as_posix() for path in store.rglob("*.txt")}
    assert names == {"a.txt", "deep/linked.txt", "near/linked.txt", "far/deep/b.txt"}
    assert json.loads(sent.stdout).items() >= {"uploaded": 4, "kept": 0, "skipped": 6}.items()
    assert re.search(r": far/back \(.*?\), far/twice \(.* 3 more\b", sent.stderr)

    (store / "out").symlink_to("../disk/deep")
    (store / "gone").symlink_to("nothing")
    (store / "file.txt").symlink_to("../train.py")
    mlrun.script("three", "train.py")
    got = mlrun("datastore", "download", "-n", "mine", "-d", "copy")
    copy = mlrun.folder / "copy"
    assert {path.relative_to(copy).as_posix() for path in copy.rglob("*.txt")} == {*names, "file.txt", "out/b.txt"}
    assert json.loads(got.stdout).items() >= {"downloaded": 6, "skipped": 1}.items()
    asked = mlrun("datastore", "download", "-n", "mine", "-d", "none", "-p", "gone/file")
    assert re.search(r": gone \(.*?\)", asked.stderr)
    assert not (mlrun.folder / "none").exists()


def test_datastores_are_listed_shown_made_the_default_and_detached(mlrun: Mlrun) -> None:
    def names(query: str = "[].name") -> list[str]:
        found: list[str] = mlrun.json("datastore", "list", "--query", query)
        return found

    assert names() == ["workspaceblobstore", "workspacefilestore"]
    mlrun("datastore", "attach-local", "mine", ".")
    mlrun("datastore", "attach-local", "mine", ".")  # the same once more is no error
    shown = mlrun.json("datastore", "show", "-n", "mine")
    assert shown == {
        "account_name": "local",
        "container_name": mlrun.folder.name,
        "datastore_type": "AzureBlob",
        "endpoint": None,
        "folder": str(mlrun.folder),
        "is_default": False,
        "name": "mine",
        "protocol": "file",
    }
    mlrun("datastore", "set-default", "-n", "mine")
    assert mlrun.json("datastore", "show-default")["name"] == "mine"
    assert names("[?is_default].name") == ["mine"]
    failure = mlrun.fails("datastore", "detach", "-n", "mine")
    assert failure.code == "InUse"
    mlrun("datastore", "set-default", "-n", "workspaceblobstore")
    assert mlrun.json("datastore", "detach", "-n", "mine") == shown
    assert names() == ["workspaceblobstore", "workspacefilestore"]
    assert mlrun.folder.is_dir()


def test_what_cannot_be_is_refused_with_a_way_out(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun("datastore", "attach-local", "mine", ".")
    (mlrun.folder / "empty").mkdir()
    for words, code, fact in (
        ("attach-local mine empty", "AlreadyExists", "--overwrite true"),
        ("attach-local new nowhere", "MissingFile", "nowhere"),
        ("attach-local new train.py", "InvalidPath", "train.py"),
        ("attach-local a/b .", "InvalidName", "'a/b'"),
        ("attach-local workspaceblobstore .", "ReservedName", "'workspaceblobstore'"),
        ("show -n far", "DatastoreNotFound", "mine, workspaceblobstore, workspacefilestore"),
        ("detach -n far", "DatastoreNotFound", "'far'"),
        ("set-default -n far", "DatastoreNotFound", "'far'"),
        ("upload -n mine -p nowhere", "MissingFile", "'nowhere'"),
        ("upload -n mine -p empty -u ../out", "InvalidPath", "'../out'"),
        ("upload -n mine -p empty --overwrite perhaps", "InvalidValue", "--overwrite true"),
        ("download -n mine -d out -p nothing/", "DataNotFound", "'nothing/'"),
        ("download -n workspaceblobstore -d out", "DataNotFound", "'workspaceblobstore'"),
        ("attach-blob -n blob -a account -c container -k geheim", "UnsupportedCommand", "attach-local NAME FOLDER"),
        ("attach-sqldb -n db -s server -d base", "UnsupportedCommand", "attach-sqldb"),
    ):
        failure = mlrun.fails("ml", "datastore", *words.split(), exit_code=3 if code.endswith("NotFound") else 2)
        assert failure.code == code
        assert fact in failure.text
        assert "geheim" not in failure.text
