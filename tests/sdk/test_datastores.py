from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def test_a_workspace_has_a_default_datastore_for_files(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import os
        from azureml.core import Datastore
        from azureml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore

        ws = Workspace.from_config()
        store = ws.get_default_datastore()
        assert isinstance(store, AzureBlobDatastore) and store.name == "workspaceblobstore"
        assert store.datastore_type == "AzureBlob" and store.account_name == "local" and store.workspace == ws
        assert isinstance(Datastore(ws, "workspacefilestore"), AzureFileDatastore)
        assert sorted(ws.datastores) == ["workspaceblobstore", "workspacefilestore"]
        assert Datastore(ws).name == Datastore.get_default(ws).name == Datastore.get(ws, store.name).name

        os.makedirs("data/sub")
        for name in ("data/a.txt", "data/sub/b.txt"):
            with open(name, "w") as file:
                file.write(name)
        reference = store.upload("data", "in/put", show_progress=False)
        assert reference.path_on_datastore == "in/put"
        assert store.download("out", prefix="in/put/sub", show_progress=False) == 1
        assert open("out/in/put/sub/b.txt").read() == "data/sub/b.txt"

        open("data/a.txt", "w").write("new")
        store.upload_files(["data/a.txt"], target_path="in/put")
        store.upload_files(["data/a.txt"], target_path="in/put", overwrite=True)
        store.upload_files(["data/a.txt", "data/sub/b.txt"], relative_root=".", show_progress=False)
        store.download("out", overwrite=True, show_progress=False)
        assert open("out/in/put/a.txt").read() == "new"
        assert open("out/data/sub/b.txt").read() == "data/sub/b.txt"
        os.makedirs("links/here")
        for link, place in {"far": "../data", "here/up": "..", "near": "here", "here/far": "../../data"}.items():
            os.symlink(place, f"links/{link}")
        open("links/here/c.txt", "w").close()
        store.upload("links", "links", show_progress=False)
        assert store.download("down", prefix="links", show_progress=False) == 6
        assert sorted(os.listdir("down/links")) == ["far", "here", "near"]
        assert sorted(os.listdir("down/links/here")) == ["c.txt", "far"]
        assert "leads out of" in str(error_of(store.upload, "data", "../out"))
        assert "no folder" in str(error_of(store.upload, "nowhere"))
        assert "no file" in str(error_of(store.upload_files, ["nothing"]))
        """,
    )
    (folder,) = mlrun.home.glob("workspaces/*/*/*/datastores/workspaceblobstore")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.rglob("*.*")) == ["a.txt"] * 4 + ["b.txt"] * 4 + ["c.txt"] * 2


def test_a_folder_is_attached_made_the_default_and_forgotten(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import io, logging, os
        from azureml.core import Datastore

        caught = io.StringIO()
        logging.getLogger("azureml").addHandler(logging.StreamHandler(caught))
        ws = Workspace.from_config()
        os.makedirs("mine")
        os.makedirs("other")
        mine = Datastore.register_local(ws, "mine", "mine")
        assert mine.name == "mine" and mine.container_name == "mine" and "mine" in ws.datastores
        assert Datastore.register_local(ws, "mine", "mine").name == "mine"
        assert "overwrite=True" in str(error_of(Datastore.register_local, ws, "mine", "other"))
        assert "nowhere'" in str(error_of(Datastore.register_local, ws, "new", "nowhere"))
        assert "workspace's own" in str(error_of(Datastore.register_local, ws, "workspaceblobstore", "mine"))
        assert "not a name" in str(error_of(Datastore.register_local, ws, "a/b", "mine"))

        mine.set_as_default()
        assert ws.get_default_datastore().name == "mine"
        assert "default" in str(error_of(mine.unregister))
        ws.set_default_datastore("workspacefilestore")
        assert Datastore(ws).name == "workspacefilestore"
        mine.unregister()
        gone = error_of(Datastore.get, ws, "mine")
        assert type(gone) is UserErrorException and "workspaceblobstore, workspacefilestore" in str(gone)
        assert "workspace's own" in str(error_of(Datastore(ws).unregister))

        refused = error_of(Datastore.register_azure_blob_container, ws, "images", "container", "account")
        assert type(refused) is UserErrorException
        assert "Datastore.register_azure_blob_container" in str(refused)
        assert "Datastore.register_local(workspace, 'images', folder)" in str(refused)
        assert "reaches no storage" not in caught.getvalue()
        Datastore.register_local(ws, "images", "other")
        for register in (Datastore.register_azure_blob_container, Datastore.register_azure_data_lake_gen2):
            found = register(ws, "images", "container", "account", account_key="secret", overwrite=True)
            same(found.as_mount().datastore.container_name, "other")
        assert "'images'" in caught.getvalue() and os.path.abspath("other") in caught.getvalue()
        assert "secret" not in caught.getvalue() + repr(found)
        assert "Query the database" in str(error_of(Datastore.register_azure_my_sql, ws, "d", "s", "b", "u", "p"))
        assert os.path.isdir("mine")
        """,
    )


def test_references_say_what_azures_do(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        from azureml.core import Datastore
        from azureml.data.data_reference import DataReference
        from azureml.data.datapath import DataPath, DataPathComputeBinding

        store = Datastore(Workspace.from_config())
        whole = store.as_mount()
        assert str(whole) == repr(whole) == "$AZUREML_DATAREFERENCE_workspaceblobstore"
        part = store.path("a/b").as_download("x")
        assert (part.mode, part.path_on_datastore, part.path_on_compute) == ("download", "a/b", "x")
        assert str(part) == f"$AZUREML_DATAREFERENCE_{part.data_reference_name}" and len(part.data_reference_name) == 32
        assert part.as_upload().data_reference_name == part.data_reference_name
        assert part.path("c").path_on_datastore == "a/b/c"
        named = DataReference(store, "nm", "p", "upload", overwrite=True)
        assert str(named) == "$AZUREML_DATAREFERENCE_nm" and named.overwrite
        assert vars(named.to_config())["data_store_name"] == "workspaceblobstore"
        assert "mount, download, upload" in str(error_of(DataReference, store, mode="x"))

        path = DataPath(store, "a/b")
        assert (path.datastore_name, path.path_on_datastore) == ("workspaceblobstore", "a/b")
        made = path.create_data_reference("z", DataPathComputeBinding("download", "q", True))
        assert (str(made), made.mode, made.path_on_compute) == ("$AZUREML_DATAREFERENCE_z", "download", "q")
        assert DataPath.create_from_data_reference(made).path_on_datastore == "a/b"
        assert type(error_of(path.create_data_reference, "z")) is ValueError
        """,
    )
