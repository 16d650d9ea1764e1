from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive

CONFIGS = Path(__file__).parents[1] / "data" / "configs"


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path, attach=False)
    yield one
    one.close()


def test_the_location_is_the_same_in_the_shell(mlrun: Mlrun) -> None:
    mlrun("folder", "attach", "-w", "ws", "-e", "exp")
    assert mlrun.json("workspace", "show", "--query", "location") == "local"
    drive(mlrun, """assert Workspace.from_config().get_details()["location"] == "local" """)


def test_a_workspace_is_made_found_and_described(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import copy, pickle

        missing = error_of(Workspace, "sub", "group", "ws")
        assert type(missing) is WorkspaceException, missing
        assert "Workspace.create" in str(missing) and "mlrun folder attach" in str(missing)

        ws = Workspace.create(
            "ws", subscription_id="sub", resource_group="group", location="westeurope", tags={"team": "a"},
            friendly_name="Ours",
        )
        assert (ws.name, ws.resource_group, ws.subscription_id, ws.location) == ("ws", "group", "sub", "local")
        assert repr(ws) == "Workspace.create(name='ws', subscription_id='sub', resource_group='group')"
        assert Workspace("sub", "group", "ws", auth=object()) == ws == pickle.loads(pickle.dumps(ws)) == copy.copy(ws)
        assert len({ws, Workspace.get("ws"), Workspace.get("ws", subscription_id="sub", resource_group="group")}) == 1

        again = error_of(Workspace.create, "ws", subscription_id="sub", resource_group="group")
        assert type(again) is WorkspaceException and "exist_ok=True" in str(again)
        assert Workspace.create("ws", subscription_id="sub", resource_group="group", exist_ok=True) == ws
        assert ws.tags == {"team": "a"}

        details = ws.get_details()
        assert details["friendlyName"] == "Ours" and details["provisioningState"] == "Succeeded"
        assert details["id"].endswith("/resourceGroups/group/providers/Microsoft.MachineLearningServices/workspaces/ws")
        changed = ws.update(description="what it is for", tags={"team": "b"})
        assert (changed["description"], changed["friendlyName"], changed["tags"]) == (
            "what it is for", "Ours", {"team": "b"}
        )
        assert ws.tags == {"team": "b"}
        wrong = error_of(ws.update, tags={"team": 3})
        assert type(wrong) is UserErrorException and "'team'" in str(wrong), wrong

        other = Workspace.create("ws", subscription_id="sub", resource_group="second")
        mine = Workspace.create("mine")
        assert Workspace.list("sub") == {"ws": [ws, other]}
        assert Workspace.list("sub", resource_group="second") == {"ws": [other]}
        assert Workspace.get("mine") == mine != ws
        assert Workspace.get("ws", resource_group="second") == other
        several = error_of(Workspace.get, "ws")
        assert type(several) is WorkspaceException and repr(ws) in str(several) and repr(other) in str(several)
        none = error_of(Workspace.get, "nowhere")
        assert type(none) is WorkspaceException and "'mine'" in str(none)

        for bad in ("../up", "", 3):
            assert type(error_of(Workspace.create, bad)) is UserErrorException, bad
        """,
    )
    assert [record["name"] for record in mlrun.json("workspace", "list")] == ["mine", "ws", "ws"]


def test_a_new_workspace_is_empty(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        ws = Workspace.create("ws")
        assert not ws.experiments and not ws.compute_targets and not ws.linked_services
        assert not ws.images and not ws.webservices and not ws.private_endpoints
        assert ws.get_default_compute_target("GPU") is None
        assert type(error_of(ws.get_default_compute_target, "TPU")) is ValueError
        assert ws.discovery_url is None and ws.sku == "basic" and ws.sync_keys() is None
        """,
    )


def test_what_a_workspace_lacks_is_a_key_error_with_words(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import pickle
        from azureml.core import Dataset, Experiment
        from azureml.core.compute import AmlCompute, ComputeTarget

        ws = Workspace.create("ws")
        for kind, words in (
            ("compute_targets", "no compute target 'x'; ComputeTarget.create"),
            ("datasets", "no dataset 'x'; dataset.register"),
            ("datastores", "no datastore 'x'; Datastore.register_local"),
            ("environments", "no environment 'x'; Environment.register"),
            ("experiments", "no experiment 'x'"),
            ("models", "no model 'x'"),
            ("webservices", "Webservice; Serve the model with a server of your own"),
            ("images", "Image; Serve the model with a server of your own"),
        ):
            there = getattr(ws, kind)
            assert "x" not in there and there.get("x") is None and isinstance(there, dict), kind
            refused(KeyError, words, there.__getitem__, "x")
            assert pickle.loads(pickle.dumps(there)).keys() == there.keys()
        refused(KeyError, "AzureML-Designer-R", ws.environments.__getitem__, "AzureML-Designer-R")
        assert "AzureML-Minimal" in ws.environments
        assert not ws.experiments, "asking made one"

        earlier = ws.compute_targets
        ComputeTarget.create(ws, "late", AmlCompute.provisioning_configuration(vm_size="s", max_nodes=1))
        assert earlier["late"].name == ws.compute_targets["late"].name == "late"

        Experiment(ws, "kept")
        refused(UserErrorException, "no experiment 'x'; (kept)", Experiment.delete, ws, "x")
        """,
    )


def test_every_config_that_people_have_is_read(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import sys
        from pathlib import Path

        found, refused = {}, {}
        for path in sorted(Path(sys.argv[1]).iterdir()):
            try:
                ws = Workspace.from_config(path=str(path))
                found[path.name] = (ws.resource_group, ws.name)
                assert Workspace(ws.subscription_id, ws.resource_group, ws.name) == ws, "it was not made"
            except UserErrorException as error:
                refused[path.name] = str(error)
        (message,) = refused.values()
        assert "Megan0311__IoT__azureml__config.json" in message and "mlrun folder attach" in message, message
        assert sorted(found.values()) == [
            ("DevOps_AzureML_Demo", "AzureML_Demo_ws"),
            ("amlmlopsrgp", "amlmlopsws"),
            ("atpdeep-aml-int", "atpdeep-cv1-aml-int"),
            ("azureml", "azure-ml"),
            ("azuremlworkshoprgp", "azuremlworkshopws"),
            ("databricks-au", "aml"),
            ("ds_envs_RG", "ds_envs_ws"),
            ("edge-iot-workshop", "iot-workshop"),
            ("peabody", "peabody"),
            ("recommender", "RecoWS"),
            ("rg-pisa-ML", "PieterWorkspace"),
            ("sheri", "sheritestqs3"),
        ], found
        """,
        str(CONFIGS),
    )


def test_a_config_is_found_in_the_order_of_azure(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import json, os, tempfile

        def found(*files, start="sub/deep", **named):
            top = tempfile.mkdtemp()
            os.makedirs(os.path.join(top, "sub", "deep"))
            for file in files:
                path = os.path.join(top, file)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                names = {"subscription_id": "s", "resource_group": "g"}
                names["workspace_name"] = "at " + file.replace("/", "+")
                with open(path, "w") as config:
                    json.dump(names, config)
            os.chdir(os.path.join(top, start))
            return Workspace.from_config(**named).name[3:].replace("+", "/")

        order = [
            place + name for place in (".azureml/", "aml_config/", "") for name in ("config.json", "project.json")
        ]
        for number, file in enumerate(order):
            assert found(*order[number:]) == file
        assert found("config.json", "sub/config.json") == "sub/config.json"
        assert found(".azureml/config.json", "sub/deep/config.json") == ".azureml/config.json"
        assert found(".azureml/mine.json", "sub/config.json", _file_name="mine.json") == ".azureml/mine.json"
        assert found("mine.txt", path="../../mine.txt") == "mine.txt"
        assert found("config.json", path="not there/nor.json") == "config.json"
        assert found("sub/.azureml/config.json", start=".", path="sub") == "sub/.azureml/config.json"

        os.chdir(tempfile.mkdtemp())
        missing = error_of(Workspace.from_config)
        assert type(missing) is UserErrorException, missing
        for words in ("config.json", os.getcwd(), "write_config", "mlrun folder attach", "Workspace.create"):
            assert words in str(missing), missing
        """,
    )


def test_what_write_config_writes_is_found_by_the_sdk_and_by_the_command(mlrun: Mlrun) -> None:
    (mlrun.folder / "second" / "aml_config").mkdir(parents=True)
    drive(
        mlrun,
        """
        import json, os
        ws = Workspace.create("ws", subscription_id="sub", resource_group="group")
        ws.write_config()
        with open(".azureml/config.json") as config:
            assert json.load(config) == {
                "subscription_id": "sub", "resource_group": "group", "workspace_name": "ws"
            }
        ws.write_config("second", "other.txt")
        assert os.listdir("second/aml_config") == ["other.json"]
        ws.write_config("new/folder")
        assert Workspace.from_config("new/folder") == Workspace.from_config("second", _file_name="other.json") == ws
        open("file", "w").close()
        refused = error_of(ws.write_config, "file")
        assert type(refused) is UserErrorException and "cannot be written" in str(refused), refused
        """,
    )
    assert mlrun.json("workspace", "show")["name"] == "ws"


def test_an_attached_folder_is_a_config_and_its_workspace_is_made(mlrun: Mlrun) -> None:
    mlrun("folder", "attach", "-w", "attached", "-g", "group", "-e", "exp")
    drive(mlrun, "assert Workspace.get('attached') == Workspace.from_config()")


def test_a_script_without_a_config_gets_the_workspace_of_its_run(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun("folder", "attach", "-w", "attached", "-g", "group", "-e", "exp")
    names = '{"subscription_id": "s", "resource_group": "g", "workspace_name": "NAME"}'
    (tmp_path / "config.json").write_text(names.replace("NAME", "above the home"), encoding="utf-8")
    mlrun.script(names.replace("NAME", "shipped"), "data/config.json")
    mlrun.script("""
        from azureml.core import Run, Workspace
        ws = Workspace.from_config()
        assert ws.name == "attached", ws
        assert ws == Run.get_context().experiment.workspace == Workspace.get("attached")
        assert list(ws.experiments) == ["exp"]
        assert Workspace.from_config("data").name == "shipped"
        ws.update(description="said inside")
    """)
    run = mlrun.ended()
    assert run["status"] == "Completed", mlrun.log(run["run_id"])
    drive(mlrun, "assert Workspace.from_config().get_details()['description'] == 'said inside'")


REFUSED = {
    "ws.delete()": "remove '",
    "ws.service_context": "SDK",
    "ws.list_keys()": "leave the call out",
    "ws.diagnose_workspace({})": "leave the call out",
    "ws.add_private_endpoint(None)": "leave the call out",
    "ws.delete_private_endpoint_connection('x')": "leave the call out",
    "ws.update_dependencies()": "leave the call out",
    "ws.set_connection('a', 'b', 'c', 'd', 'e')": "environment of the run",
    "ws.list_connections()": "environment of the run",
    "Workspace.setup()": "Workspace.create",
    "Workspace.create('x', cmk_keyvault='k', resource_cmk_uri='u')": "encrypted disk",
    "ws._auth.get_authentication_header()": "mlrun studio",
    "ws._auth.get_token()": "SDK",
    "LinkedService.get(ws, 'x')": "pyspark",
    "PrivateEndPoint().get_details()": "leave the call out",
}


def test_what_only_azure_has_is_refused_by_name(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        f"""
        from azureml.core import LinkedService, PrivateEndPoint
        ws = Workspace.create("ws")
        for code, words in {REFUSED!r}.items():
            error = error_of(eval, code)
            assert isinstance(error, UserErrorException), (code, error)
            name = code.split("(")[0].split(".")[-1]
            assert name in str(error) and words.lower() in str(error).lower(), (code, error)
        """,
    )


def test_every_way_to_log_in_is_accepted_and_no_secret_is_kept(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        from azureml.core.authentication import *
        from azureml.core.authentication import AbstractAuthentication, MsiAuthentication
        ways = [
            InteractiveLoginAuthentication(force=True, tenant_id="t"),
            AzureCliAuthentication(),
            MsiAuthentication(identity_config={"client_id": "hush"}),
            ServicePrincipalAuthentication(
                tenant_id="t", service_principal_id="i", service_principal_password="hush"
            ),
            ArmTokenAuthentication("hush"),
            TokenAuthentication(lambda audience: "hush"),
        ]
        ws = Workspace.create("ws", auth=ways[0])
        for way in ways:
            assert isinstance(way, AbstractAuthentication) and "hush" not in repr(vars(way)) + repr(way)
            assert Workspace.get("ws", auth=way) == ws
            refused = error_of(way.get_token)
            assert type(refused) is AuthenticationException and "hush" not in str(refused)
        """,
    )
